//! Softmax cross-entropy with torch's label smoothing:
//! `w · ((1 - ε) · (lse - x_t) + ε · (lse - mean(x)))`, summed over the rows. Rows of weight 0 are not looked at.

use super::Float;

/// What the loss is a function of.
#[derive(Clone, Copy)]
pub(super) struct Inputs<'a, F> {
    /// ε.
    pub smoothing: f64,
    /// V.
    pub classes: usize,
    /// `[N,V]`.
    pub logits: &'a [F],
    /// `[N]`.
    pub targets: &'a [u32],
    /// `[N]`.
    pub weights: &'a [F],
}

/// One row.
struct Row<'a, F> {
    index: usize,
    logits: &'a [F],
    target: usize,
    weight: F,
}

impl<'a, F: Float> Inputs<'a, F> {
    /// The first row with a weight whose target is no class: its index and its target.
    pub(super) fn find_outside(&self) -> Option<(usize, u32)> {
        self.rows().find(|row| row.target >= self.classes).map(|row| (row.index, row.target as u32))
    }

    /// The rows with a weight.
    fn rows(self) -> impl Iterator<Item = Row<'a, F>> {
        let rows = self.logits.chunks(self.classes).zip(self.targets).zip(self.weights).enumerate();
        rows.map(|(index, ((logits, &target), &weight))| Row { index, logits, target: target as usize, weight })
            .filter(|row| row.weight != F::ZERO)
    }

    /// The loss.
    pub(super) fn forward(&self) -> F {
        let (epsilon, rest) = (F::new(self.smoothing), F::new(1.0 - self.smoothing));
        let mut total = 0.0;
        for row in self.rows() {
            let (max, sum) = max_and_sum(row.logits);
            let lse = max + sum.ln();
            let mut loss = rest * (lse - row.logits[row.target]);
            if self.smoothing != 0.0 {
                let mean = row.logits.iter().fold(F::ZERO, |sum, &x| sum + x) / F::new(self.classes as f64);
                loss += epsilon * (lse - mean);
            }
            // In f64 whatever F is: a batch has thousands of rows.
            total += (row.weight * loss).widen();
        }
        F::new(total)
    }

    /// `dlogits = w · dloss · (softmax - (1 - ε) · onehot - ε/V)`, into a buffer of zeros.
    pub(super) fn grad(&self, dloss: F, dlogits: &mut [F]) {
        let (off, on) = (F::new(self.smoothing / self.classes as f64), F::new(1.0 - self.smoothing));
        for row in self.rows() {
            let (max, sum) = max_and_sum(row.logits);
            let dlogits = &mut dlogits[row.index * self.classes..][..self.classes];
            for (d, &x) in dlogits.iter_mut().zip(row.logits) {
                *d = (x - max).exp() / sum - off;
            }
            dlogits[row.target] -= on;
            for d in dlogits {
                *d *= row.weight * dloss;
            }
        }
    }
}

/// The largest logit and `Σ exp(x - max)`.
fn max_and_sum<F: Float>(logits: &[F]) -> (F, F) {
    let max = logits.iter().fold(logits[0], |max, &x| if x > max { x } else { max });
    (max, logits.iter().fold(F::ZERO, |sum, &x| sum + (x - max).exp()))
}
