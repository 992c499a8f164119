//! The gradient of every operation and of a whole model, and proof that a wrong gradient would be noticed.

mod check;
pub mod model;
mod random;
mod refusals;
mod rules;
