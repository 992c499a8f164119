use super::{Shape, Type};

/// A graph that cannot be.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum IrError {
    /// The wrong number of inputs.
    #[error("{op} in {scope:?}: {found} inputs do not fit this operation")]
    Arity {
        /// The operation.
        op: &'static str,
        /// Where in the model.
        scope: String,
        /// How many there were.
        found: usize,
    },
    /// Two operands do not fit each other.
    #[error("{op} in {scope:?}: {what}: {} does not fit {}", types[0], types[1])]
    Shape {
        /// The operation.
        op: &'static str,
        /// Where in the model.
        scope: String,
        /// What was compared.
        what: &'static str,
        /// One operand's type, and the other's or what was expected.
        types: Box<[Type; 2]>,
    },
    /// Heads must divide the width.
    #[error("{op} in {scope:?}: {heads} heads do not divide a width of {width}")]
    Heads {
        /// The operation.
        op: &'static str,
        /// Where in the model.
        scope: String,
        /// Number of heads.
        heads: usize,
        /// Columns of one projection.
        width: usize,
    },
    /// A value is read before it is made, or belongs to another graph.
    #[error("{op} in {scope:?}: value %{value} does not exist before this node")]
    Undefined {
        /// The operation.
        op: &'static str,
        /// Where in the model.
        scope: String,
        /// The value's number.
        value: usize,
    },
    /// A node's recorded type is not what its operation gives.
    #[error("{op} in {scope:?}: recorded as {}, but the operation gives {}", types[0], types[1])]
    Recorded {
        /// The operation.
        op: &'static str,
        /// Where in the model.
        scope: String,
        /// The type in the graph, and the type by the rule.
        types: Box<[Type; 2]>,
    },
    /// A dimension of zero, or one that overflows 32-bit indices on the GPU.
    #[error("{op} in {scope:?}: shape {shape} has {elements} elements; between 1 and {limit} are possible")]
    Size {
        /// The operation.
        op: &'static str,
        /// Where in the model.
        scope: String,
        /// The shape.
        shape: Shape,
        /// Its number of elements.
        elements: u128,
        /// The largest number of elements.
        limit: u64,
    },
    /// Two parameters or inputs share a name.
    #[error("the name {name:?} is used twice")]
    Name {
        /// The name.
        name: String,
    },
    /// The gradient of an output that is no function of parameters was asked for.
    #[error("{op} in {scope:?}: {what}")]
    Gradient {
        /// The operation.
        op: &'static str,
        /// Where in the model.
        scope: String,
        /// Why there is none.
        what: &'static str,
    },
}
