//! The graph: what a network computes, as plain data.
//!
//! Rules. A [`Graph`] is a list of [`Node`]s in an order in which they can run; every value is made once, by one node,
//! with the type that the operation's type rule gives. Parameters and inputs are named tables. [`Builder`] is the
//! only way to append; [`Graph::verify`] checks the whole again after every pass. [`Op`] is closed: whoever handles
//! operations matches exhaustively, so a new one makes the compiler list the places that must learn it (type rule,
//! text, gradient, interpreter, lowering, test cases).
//!
//! Why static: a training step runs the same operations thousands of times. Shapes known in advance let the planner
//! assign memory once, specialize every kernel, and replay a prepared list.

mod attention;
mod error;
mod expand;
mod fused;
mod graph;
mod infer;
mod op;
mod optimizer;
mod shape;
mod table;
mod text;
mod verify;

pub use attention::{Attention, AttentionShape, Bias, Mask, PREFIX};
pub use error::IrError;
pub use fused::{Epilogue, Fused};
pub use graph::{
    Builder, Graph, Init, Input, InputId, NamedTensor, Node, NodeId, Param, ParamId, Part, State, StateId, Value,
    ValueId,
};
pub use op::{Activation, Dropout, ElementLoss, NormKind, Op};
pub use optimizer::{NEWTON_SCHULZ, NEWTON_SCHULZ_EPS, NEWTON_SCHULZ_STEPS, Optimizer, OptimizerKind};
pub use shape::{DType, Shape, Type};
pub use table::{Table, TableValues, alibi_slopes, relative_bucket};
