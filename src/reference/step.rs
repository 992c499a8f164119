use super::Float;
use crate::ir::Dropout;
use crate::rng::pcg4d;

/// What dropout depends on besides site and element.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct StepKey {
    /// The run's seed.
    pub seed: u32,
    /// The training step.
    pub step: u32,
}

/// The dropout factors of one site in one step: 0 or `1/(1 - p)`.
pub(super) struct DropoutMask<F> {
    site: u32,
    threshold: u32,
    scale: F,
    key: StepKey,
}

impl<F: Float> DropoutMask<F> {
    pub(super) fn new(dropout: Dropout, key: StepKey) -> Self {
        let scale = F::ONE / (F::ONE - F::new(f64::from(dropout.p)));
        Self { site: dropout.site, threshold: dropout.threshold(), scale, key }
    }

    /// The factors of row `row` of a tensor with `factors.len()` columns. Indices count columns rounded up to a multiple
    /// of four, so each hash serves four neighbors of one row (see [`crate::rng::dropout_word`]).
    pub(super) fn row(&self, row: usize, factors: &mut [F]) {
        let first = (row * factors.len().div_ceil(4)) as u32;
        for (block, four) in factors.chunks_mut(4).enumerate() {
            let words = pcg4d([first.wrapping_add(block as u32), self.site, self.key.step, self.key.seed]);
            for (factor, word) in four.iter_mut().zip(words) {
                *factor = if word >= self.threshold { self.scale } else { F::ZERO };
            }
        }
    }
}
