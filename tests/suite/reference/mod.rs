//! The interpreter: properties that no rounding excuses, errors, the optimizer, and speed.
mod training;
