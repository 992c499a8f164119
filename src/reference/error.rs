use crate::ir::{DType, IrError};

/// A graph that cannot be interpreted on the given data.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ReferenceError {
    /// The graph itself is wrong.
    #[error(transparent)]
    Graph(#[from] IrError),
    /// Parameters or inputs are missing or too many.
    #[error("{found} {what} were given, but the graph has {expected}")]
    Count {
        /// Of what.
        what: &'static str,
        /// How many were given.
        found: usize,
        /// How many there are in the graph.
        expected: usize,
    },
    /// A parameter, an input, a state or a gradient has the wrong size.
    #[error("{name:?} has {found} elements, but needs {expected}")]
    Length {
        /// Of which parameter, input or state.
        name: String,
        /// How many elements were given.
        found: usize,
        /// How many are needed.
        expected: usize,
    },
    /// An input or a state holds numbers where indices are needed, or the reverse.
    #[error("{name:?} needs elements of type {expected}")]
    Kind {
        /// Of which input or state.
        name: String,
        /// What the graph needs.
        expected: DType,
    },
    /// An id names no row of its table.
    #[error("{op} in {scope:?}: id {id} at position {position} is not below {rows}, the rows of the table")]
    Id {
        /// The operation.
        op: &'static str,
        /// Where in the model.
        scope: String,
        /// Row-major index in the ids.
        position: usize,
        /// The id.
        id: u32,
        /// How many rows there are.
        rows: usize,
    },
    /// A target with a weight names no class.
    #[error("{op} in {scope:?}: target {target} at position {position} is not below {classes}, the number of classes")]
    Target {
        /// The operation.
        op: &'static str,
        /// Where in the model.
        scope: String,
        /// Row-major index in the targets.
        position: usize,
        /// The target.
        target: u32,
        /// How many classes there are.
        classes: usize,
    },
    /// A parent of a state's row is none of its rows.
    #[error("parent {parent} is not below {rows}, the rows of a state")]
    Parent {
        /// The parent.
        parent: u32,
        /// How many rows a state has.
        rows: usize,
    },
    /// Bias corrections of Adam are undefined at step 0.
    #[error("steps of the optimizer count from 1")]
    StepZero,
}
