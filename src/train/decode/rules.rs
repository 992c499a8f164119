//! What holds for a generated sequence, however its tokens are chosen: when it ends, and what it should not repeat.

use super::DecodeError;
use super::error::setting;

/// When sequences end, and how scores change before a token is chosen by them.
#[derive(Clone, PartialEq, Debug)]
pub struct Rules {
    /// Tokens that end a sequence.
    pub ends: Vec<u32>,
    /// New tokens at least, the end token not counted: none of [`Self::ends`] comes before.
    pub min_new: usize,
    /// New tokens at most.
    pub max_new: usize,
    /// What the last token allowed must be, if anything; it costs nothing.
    pub forced: Option<u32>,
    /// Scores of tokens that are in the sequence, prompt included, are divided by this where they are positive and multiplied by it
    /// where they are negative (Keskar et al. 2019, as Hugging Face does it); 1 changes nothing.
    pub repetition_penalty: f64,
}

impl Rules {
    /// Ends with a token, or after so many.
    #[must_use]
    pub fn new(end: Option<u32>, max_new: usize) -> Self {
        Self { ends: end.into_iter().collect(), min_new: 0, max_new, forced: None, repetition_penalty: 1.0 }
    }

    /// Refuses what cannot be followed.
    ///
    /// # Errors
    /// [`DecodeError::Setting`] for a penalty that is not positive, and for more tokens at least than at most.
    pub fn check(&self) -> Result<(), DecodeError> {
        let penalty = self.repetition_penalty;
        if !(penalty.is_finite() && penalty > 0.0) {
            return Err(setting("repetition_penalty", &penalty, "a number above 0"));
        }
        if self.min_new > self.max_new {
            return Err(setting("min_new", &self.min_new, "a number up to that of the tokens at most"));
        }
        Ok(())
    }

    /// Whether a token ends a sequence.
    #[must_use]
    pub fn ends(&self, token: u32) -> bool {
        self.ends.contains(&token)
    }

    /// Changes the scores of what follows `sequence` as new token `position`.
    pub(super) fn apply(&self, sequence: &[u32], position: usize, scores: &mut [f64]) {
        if self.repetition_penalty != 1.0 {
            let mut seen = sequence.to_vec();
            seen.sort_unstable();
            seen.dedup();
            for token in seen {
                if let Some(score) = scores.get_mut(token as usize) {
                    let penalty = self.repetition_penalty;
                    *score = if *score > 0.0 { *score / penalty } else { *score * penalty };
                }
            }
        }
        if position < self.min_new {
            for &token in &self.ends {
                if let Some(score) = scores.get_mut(token as usize) {
                    *score = f64::NEG_INFINITY;
                }
            }
        }
        if let Some(token) = self.forced.filter(|_| position + 1 == self.max_new) {
            scores.fill(f64::NEG_INFINITY);
            if let Some(score) = scores.get_mut(token as usize) {
                *score = 0.0;
            }
        }
    }
}
