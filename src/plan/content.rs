use super::arenas::ALIGNMENT;
use super::buffers::DerivedInput;
use crate::ir::{InputId, StateId, ValueId};
use crate::kernels::Launch;

/// Elements `first..end` of an arena: a parameter, or several with what lies between them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Span {
    /// The first element.
    pub first: usize,
    /// The element after the last one.
    pub end: usize,
}

impl Span {
    /// Elements that are bound before the span: a binding starts at a multiple of [`ALIGNMENT`] only.
    #[must_use]
    pub const fn skip(self) -> usize {
        self.first % ALIGNMENT
    }

    /// First byte and bytes of the binding.
    #[must_use]
    pub const fn binding(self) -> (u64, u64) {
        let first = self.first - self.skip();
        (first as u64 * 4, (self.end - first) as u64 * 4)
    }

    /// Whether an element is in both.
    #[must_use]
    pub const fn overlaps(self, other: Self) -> bool {
        self.first < other.end && other.first < self.end
    }
}

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
    /// Parameters, to be updated.
    Params(Span),
    /// Gradients.
    Grads(Span),
    /// Gradients summed over the parts of a batch, in a slot that no other content may have.
    Total(Span),
    /// The loss summed over the parts of a batch, in a slot that no other content may have.
    TotalLoss,
    /// First moments.
    Moment1(Span),
    /// Second moments.
    Moment2(Span),
    /// The input ring, written by the host.
    InputRing,
    /// The inputs of the step, all of them.
    Inputs,
    /// The records of the steps.
    Records,
}

impl Content {
    /// What has the place: a value has one place, complete or not, and so have the totals.
    pub(super) const fn tenant(self) -> Self {
        match self {
            Self::Partial(value) => Self::Value(value),
            Self::Total(_) => Self::Total(Span { first: 0, end: 0 }),
            other => other,
        }
    }

    /// Whether it goes over from one part of a batch to the next.
    pub(super) const fn persists(self) -> bool {
        matches!(self, Self::Total(_) | Self::TotalLoss)
    }
}

/// A launch whose operands have no place yet.
#[derive(Clone, Debug)]
pub(super) struct Emitted {
    pub launch: Launch,
    pub operands: Vec<Content>,
    pub scope: String,
}
