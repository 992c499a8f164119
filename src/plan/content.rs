use super::buffers::DerivedInput;
use crate::ir::{InputId, StateId, ValueId};
use crate::kernels::Launch;

/// What a launch expects to find in, or leaves behind in, a buffer range: the currency of lowering and verification.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Content {
    /// A value of the graph.
    Value(ValueId),
    /// A value of which one launch has written a part; the launch that writes the rest completes it.
    Partial(ValueId),
    /// An intermediate of one lowered operation.
    Scratch(u32),
    /// Something derived from an input on the host.
    Derived(InputId, DerivedInput),
    /// Something derived from a table of indices, a constant like the table itself.
    DerivedTable(ValueId, DerivedInput),
    /// A state as the step before left it; what changes it makes a [`Content::Value`] of it.
    State(StateId),
    /// All parameters.
    Params,
    /// All gradients.
    Grads,
    /// All first moments.
    Moment1,
    /// All second moments.
    Moment2,
    /// The input ring, written by the host.
    InputRing,
    /// The inputs of the step, all of them.
    Inputs,
    /// The records of the steps.
    Records,
}

impl Content {
    /// What has the place: a value has one place, complete or not.
    pub(super) const fn tenant(self) -> Self {
        match self {
            Self::Partial(value) => Self::Value(value),
            other => other,
        }
    }
}

/// A launch whose operands have no place yet.
#[derive(Clone, Debug)]
pub(super) struct Emitted {
    pub launch: Launch,
    pub operands: Vec<Content>,
    pub scope: String,
}
