//! From next-token scores to tokens.
//!
//! A [`Search`] says which sequences to score next and takes their logits; it neither knows what scores them nor waits for
//! it, so callers that block and callers that do not drive the same code. How the next token is chosen is a [`Strategy`]:
//! drawn ([`Sampling`], of which greedy is a case) or by [`Beams`]. What holds for either stands in [`Rules`]. A [`Decoder`] scores
//! sequences token by token on an engine, over a cache.

mod cursor;
mod error;
mod rules;
mod sampling;
mod search;
mod session;

pub use cursor::{CacheShape, Cursor};
pub use error::DecodeError;
pub use rules::Rules;
pub use sampling::Sampling;
pub use search::{Beams, Search, Strategy, beam, greedy};
pub use session::Decoder;

/// The index of the largest value, the lowest among equals.
#[must_use]
pub fn argmax(values: &[f32]) -> u32 {
    let mut best = 0;
    for (i, value) in values.iter().enumerate() {
        if value.total_cmp(&values[best]).is_gt() {
            best = i;
        }
    }
    best as u32
}

/// Log-probabilities in f64.
#[must_use]
pub fn log_softmax(logits: &[f64]) -> Vec<f64> {
    let max = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = logits.iter().map(|&l| libm::exp(l - max)).sum();
    let log_sum = max + libm::log(sum);
    logits.iter().map(|&l| l - log_sum).collect()
}
