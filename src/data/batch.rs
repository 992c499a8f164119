//! Batches: what a training or evaluation step reads, as named tensors.
//!
//! All are row-major, of 32-bit words: indices, or the bits of an `f32`. B is the batch, S the source length, T the
//! target length, N the slots of masked language modeling ([`super::objective::slots`]).
//!
//! | model | tensors |
//! |---|---|
//! | decoder only | `ids` `targets` `weights` (B, T); documents kept apart: `key_mask` `position_ids` (B, T); prefix: `key_mask` |
//! | encoder only | `ids` `type_ids` `key_mask` (B, S); `rows` `targets` `weights` (N); pairs: `pair_targets` `pair_weights` (B) |
//! | classifier | `ids` `type_ids` `key_mask` (B, S); `targets` `weights` (B) |
//! | encoder–decoder | `ids` `key_mask` (B, S); `decoder_ids` `targets` `weights` (B, T) |
//!
//! `weights` and `pair_weights` are `f32` and each sum to 1, or to 0 if nothing counts: a loss is `Σ weight · cross-entropy`,
//! the mean over the counted targets of the whole batch. `rows` holds `b·S + s` of every position to predict; unused
//! slots have row 0, target 0, weight 0. `key_mask` is 0 for padding, otherwise the number of the document from 1, with
//! [`SEEN_BY_ALL`] added for a key that every query may see.

use super::DataError;
use crate::rng::Draws;

/// The most tokens in a batch; a few arrays of it stay below 256 MiB.
pub(super) const MAX_TOKENS: usize = 1 << 24;

/// The bit of `key_mask` for a key of the prefix, visible from everywhere.
pub const SEEN_BY_ALL: u32 = 1 << 31;

/// Extents of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Examples (B).
    pub batch: usize,
    /// Tokens of a row (S): of the encoder's, or of the only stack's.
    pub source: usize,
    /// Tokens of a decoder's row beside an encoder (T); 0 for models of one stack.
    pub target: usize,
}

impl Shape {
    /// The shape for a model of one stack.
    #[must_use]
    pub const fn single(batch: usize, time: usize) -> Self {
        Self { batch, source: time, target: 0 }
    }

    /// Refuses what has no tokens, or too many.
    pub(super) fn check(self) -> Result<(), DataError> {
        let longest = self.source.max(self.target);
        match self.batch.checked_mul(longest) {
            Some(1..=MAX_TOKENS) if self.source > 0 => Ok(()),
            _ => Err(DataError::BatchShape { batch: self.batch, context: longest, limit: MAX_TOKENS }),
        }
    }
}

/// Named tensors of one step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// Name and words of each, in the order of the table above.
    pub fields: Vec<(&'static str, Vec<u32>)>,
    /// Targets that count towards the loss.
    pub counted: u32,
    /// Selections that were undone, and tokens that were cut, because the shape had no room for them.
    pub dropped: u32,
}

impl Batch {
    /// The words of a tensor.
    #[must_use]
    pub fn words(&self, name: &str) -> Option<&[u32]> {
        self.fields.iter().find(|(other, _)| *other == name).map(|(_, words)| words.as_slice())
    }

    /// A tensor of floating-point numbers.
    #[must_use]
    pub fn floats(&self, name: &str) -> Option<&[f32]> {
        self.words(name).map(bytemuck::cast_slice)
    }

    /// Adds a tensor of indices.
    pub fn push(&mut self, name: &'static str, words: Vec<u32>) {
        self.fields.push((name, words));
    }

    /// Adds a tensor of floating-point numbers.
    pub fn push_floats(&mut self, name: &'static str, values: Vec<f32>) {
        self.push(name, bytemuck::cast_vec(values));
    }

    /// Adds `weights`: one divided by the number of those that count, 0 for the others.
    pub(super) fn push_weights(&mut self, counts: impl IntoIterator<Item = bool>) {
        let mut weights: Vec<f32> = counts.into_iter().map(f32::from).collect();
        let counted = weights.iter().filter(|&&weight| weight > 0.0).count();
        if counted > 0 {
            let weight = 1.0 / counted as f32;
            weights.iter_mut().for_each(|slot| *slot *= weight);
        }
        self.counted = counted as u32;
        self.push_floats("weights", weights);
    }

    /// Windows of `context + 1` tokens at uniformly random offsets, for a decoder; every offset that leaves a whole
    /// window is possible. `tokens` is longer than `context`.
    pub(super) fn windows(tokens: &[u32], draws: &mut Draws, batch: usize, context: usize) -> Self {
        let mut ids = Vec::with_capacity(batch * context);
        let mut targets = Vec::with_capacity(batch * context);
        for _ in 0..batch {
            let start = window(tokens.len(), context + 1, draws);
            ids.extend_from_slice(&tokens[start..start + context]);
            targets.extend_from_slice(&tokens[start + 1..=start + context]);
        }
        // (B, T): every target counts.
        let counted = ids.len();
        let mut out = Self::default();
        out.push("ids", ids);
        out.push("targets", targets);
        out.push_weights(std::iter::repeat_n(true, counted));
        out
    }
}

/// Where a window of `length` starts in `tokens`, uniformly among all places; 0 if there is only one, or none.
pub(super) fn window(tokens: usize, length: usize, draws: &mut Draws) -> usize {
    let places = (tokens + 1).saturating_sub(length);
    // Beyond 2³² tokens the tail would not be drawn; the size limit of a text is below that.
    draws.below(u32::try_from(places).unwrap_or(u32::MAX)) as usize
}
