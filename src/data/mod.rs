//! What is trained on: algorithmic tasks, the built-in synthetic world, and texts of the visitor's.
//!
//! A [`Dataset`] hands out batches for an [`Objective`] that are pure functions of (seed, step) or of an index, so that a
//! resumed run reads what the interrupted one would have read. What measures a model never occurs in training: held-out
//! questions, the last tenth of a text, documents of another range.

mod batch;
mod check;
mod corpus;
mod dataset;
mod documents;
mod error;
pub mod figure;
pub mod objective;
mod task;
mod vocabulary;
pub mod world;

pub use batch::{Batch, SEEN_BY_ALL, Shape};
pub use corpus::TokenizerChoice;
pub use dataset::{Dataset, Summary};
pub use documents::Documents;
pub use error::DataError;
pub use objective::Objective;
pub use task::{Example, Task};
pub use vocabulary::{Frame, Vocabulary};
