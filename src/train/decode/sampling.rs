//! Drawing a token: temperature, the k best, the nucleus.

use super::error::setting;
use super::{DecodeError, log_softmax};
use crate::rng::{Stream, draw, unit};

/// How the next token is drawn. Temperature acts first, then `top_k`, then `top_p`, as in Hugging Face.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Sampling {
    /// Divides the logits; 0 takes the best token always.
    pub temperature: f32,
    /// Only the k best tokens may be drawn; 0 allows all.
    pub top_k: usize,
    /// Only the most likely tokens may be drawn that together have at least this probability, one at least (Holtzman et al.
    /// 2020); 1 allows all.
    pub top_p: f32,
    /// Seed of the draws.
    pub seed: u32,
}

impl Sampling {
    /// The best token always.
    pub const GREEDY: Self = Self { temperature: 0.0, top_k: 0, top_p: 1.0, seed: 0 };

    /// Refuses what is no distribution.
    ///
    /// # Errors
    /// [`DecodeError::Setting`] for a temperature below 0 and a `top_p` outside (0, 1].
    pub fn check(&self) -> Result<(), DecodeError> {
        if !(self.temperature.is_finite() && self.temperature >= 0.0) {
            return Err(setting("temperature", &self.temperature, "a number from 0 up"));
        }
        if !(self.top_p > 0.0 && self.top_p <= 1.0) {
            return Err(setting("top_p", &self.top_p, "a number above 0, up to 1"));
        }
        Ok(())
    }

    /// The token of draw `position`, a function of its arguments alone.
    #[must_use]
    pub fn choose(&self, logits: &[f64], position: u32) -> u32 {
        let candidates = self.distribution(logits);
        let mut rest = f64::from(unit(draw(position, 0, Stream::Sampling, self.seed)));
        for &(token, p) in &candidates {
            rest -= p;
            if rest < 0.0 {
                return token;
            }
        }
        candidates.last().map_or(0, |c| c.0)
    }

    /// The tokens that may be drawn with their probabilities, which sum to 1, the most likely first; of equal ones the lower
    /// comes first.
    #[must_use]
    pub fn distribution(&self, logits: &[f64]) -> Vec<(u32, f64)> {
        let mut ranked: Vec<(u32, f64)> = (0..).zip(logits.iter().copied()).collect();
        let best_first = |a: &(u32, f64), b: &(u32, f64)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
        // A temperature that is no number draws nothing either.
        if self.temperature.is_nan() || self.temperature <= 0.0 {
            return ranked.into_iter().min_by(best_first).map(|(token, _)| (token, 1.0)).into_iter().collect();
        }
        ranked.sort_unstable_by(best_first);
        if self.top_k > 0 {
            ranked.truncate(self.top_k);
        }
        let temperature = f64::from(self.temperature);
        let scaled: Vec<f64> = ranked.iter().map(|r| r.1 / temperature).collect();
        for (candidate, log_p) in ranked.iter_mut().zip(log_softmax(&scaled)) {
            candidate.1 = libm::exp(log_p);
        }
        let top_p = f64::from(self.top_p);
        if top_p < 1.0 {
            // A token stays if those before it fall short of top_p.
            let mut before = 0.0;
            let short = |(_, p): &&(u32, f64)| {
                let stays = before < top_p;
                before += p;
                stays
            };
            let kept = ranked.iter().take_while(short).count();
            ranked.truncate(kept.max(1));
            let total: f64 = ranked.iter().map(|r| r.1).sum();
            ranked.iter_mut().for_each(|r| r.1 /= total);
        }
        ranked
    }
}
