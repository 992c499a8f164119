//! What is trained on: algorithmic tasks, the built-in synthetic world, and texts of the visitor's.
//!
//! A [`Dataset`] hands out batches that are pure functions of (seed, step) or of an index, so that a resumed run
//! reads what the interrupted one would have read. What measures a model never occurs in training: held-out
//! questions, the last tenth of a text, documents of another range.

mod batch;
mod check;
mod corpus;
mod dataset;
mod error;
mod task;
pub mod world;

pub use batch::Batch;
pub use corpus::TokenizerChoice;
pub use dataset::{Dataset, Summary};
pub use error::DataError;
pub use task::{Example, Task};
