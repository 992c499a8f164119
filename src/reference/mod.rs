//! The CPU interpreter: what a graph means, in plain loops.
//!
//! It computes in f64 or f32 through one trait, [`Float`]. In f64 it is the oracle that every other test stands on; in
//! f32 it is the oracle for bits, and what trains a tiny model where a browser offers no WebGPU.
//!
//! Rules.
//! - One thread and one order: every sum runs over ascending indices, whatever the tile, so a row's result does not
//!   depend on the batch around it.
//! - The same bits natively and in WebAssembly: only `+ - * / √`, and `libm` for the rest; no fused multiply-add.
//! - Fused operations are run as the primitive graphs that define them.
//! - States outlive a run and belong to the interpreter; a value made from one keeps what the state held then.
//! - Data is checked where it is read: an id or a target out of range is a typed error with its position.

mod attention;
mod columns;
mod element_loss;
mod elementwise;
mod error;
mod evaluate;
mod float;
mod interpreter;
mod loss;
mod matmul;
mod norm;
mod optimizer;
mod program;
mod rows;
mod states;
mod step;

pub use error::ReferenceError;
pub use float::Float;
pub use interpreter::{Interpreter, Keep, Tensor, Values, run};
pub use optimizer::{AdamState, update};
pub use states::States;
pub use step::StepKey;
