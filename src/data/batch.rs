//! Batches: what a training or evaluation step reads.

use super::DataError;
use crate::rng::Draws;

/// The most tokens in a batch; three arrays of it stay below 256 MiB.
const MAX_TOKENS: usize = 1 << 24;

/// Token ids, what should follow each of them, and how much each counts. Row-major, `(batch, context)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// The input of every position.
    pub ids: Vec<u32>,
    /// The token after it; at ignored positions whatever stands there.
    pub targets: Vec<u32>,
    /// One divided by the number of counted targets, 0 where ignored: the loss is `Σ weight · cross-entropy`.
    pub weights: Vec<f32>,
}

impl Batch {
    /// An empty batch with room for its shape.
    pub(super) fn with_shape(batch: usize, context: usize) -> Result<Self, DataError> {
        match batch.checked_mul(context) {
            Some(tokens @ 1..=MAX_TOKENS) => Ok(Self {
                ids: Vec::with_capacity(tokens),
                targets: Vec::with_capacity(tokens),
                weights: Vec::with_capacity(tokens),
            }),
            _ => Err(DataError::BatchShape { batch, context, limit: MAX_TOKENS }),
        }
    }

    /// Windows of `context + 1` tokens at uniformly random offsets; every offset that leaves a whole window is
    /// possible. `tokens` is longer than `context`.
    pub(super) fn windows(tokens: &[u32], draws: &mut Draws, batch: usize, context: usize) -> Result<Self, DataError> {
        let mut out = Self::with_shape(batch, context)?;
        // Beyond 2³² tokens the tail would not be drawn; the size limit of a text is below that.
        let offsets = u32::try_from(tokens.len().saturating_sub(context)).unwrap_or(u32::MAX);
        for _ in 0..batch {
            let start = draws.below(offsets) as usize;
            out.ids.extend_from_slice(&tokens[start..start + context]);
            out.targets.extend_from_slice(&tokens[start + 1..=start + context]);
        }
        // (B, T): every target counts.
        out.weights.resize(out.ids.len(), 1.0 / out.ids.len() as f32);
        Ok(out)
    }
}
