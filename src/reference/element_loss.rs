//! Losses of numbers, `Σ w·loss(x, y)`: the square of the difference, and the binary cross-entropy of a logit,
//! `ln(1 + eˣ) - x·y = max(x, 0) - x·y + ln(1 + e^{-|x|})`, whose second form overflows nowhere. Elements of weight 0 are not
//! looked at.

use super::Float;
use super::elementwise::sigmoid;
use crate::ir::ElementLoss;

/// What the loss is a function of: as many of each.
#[derive(Clone, Copy)]
pub(super) struct Inputs<'a, F> {
    pub kind: ElementLoss,
    pub x: &'a [F],
    pub targets: &'a [F],
    pub weights: &'a [F],
}

impl<F: Float> Inputs<'_, F> {
    /// The loss.
    pub(super) fn forward(&self) -> F {
        let loss = |x: F, y: F| match self.kind {
            ElementLoss::Squared => (x - y) * (x - y),
            ElementLoss::Logistic => {
                let (positive, magnitude) = if x > F::ZERO { (x, x) } else { (F::ZERO, -x) };
                positive - x * y + (F::ONE + (-magnitude).exp()).ln()
            }
        };
        // In f64 whatever F is, like the other losses.
        let terms = self.x.iter().zip(self.targets).zip(self.weights).filter(|&(_, &w)| w != F::ZERO);
        F::new(terms.fold(0.0, |total, ((&x, &y), &w)| total + (w * loss(x, y)).widen()))
    }

    /// `w · dloss · loss'(x)`, into a buffer of zeros.
    pub(super) fn grad(&self, dloss: F, dx: &mut [F]) {
        let slope = |x: F, y: F| match self.kind {
            ElementLoss::Squared => F::new(2.0) * (x - y),
            ElementLoss::Logistic => sigmoid(x) - y,
        };
        let terms = self.x.iter().zip(self.targets).zip(self.weights).zip(dx).filter(|((_, w), _)| **w != F::ZERO);
        for (((&x, &y), &w), dx) in terms {
            *dx = w * dloss * slope(x, y);
        }
    }
}
