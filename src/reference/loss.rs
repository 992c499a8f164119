//! Softmax cross-entropy with torch's label smoothing:
//! `w · ((1 - ε) · (lse - x_t) + ε · (lse - mean(x)))`, summed over the rows. Rows of weight 0 are not looked at.

use super::Float;

/// One row's data.
struct Row<'a, F> {
    index: usize,
    logits: &'a [F],
    target: usize,
    weight: F,
}

/// The rows with a weight.
fn weighted<'a, F: Float>(
    logits: &'a [F],
    targets: &'a [u32],
    weights: &'a [F],
) -> impl Iterator<Item = Row<'a, F>> + 'a {
    let classes = logits.len() / targets.len();
    let rows = logits.chunks(classes).zip(targets).zip(weights).enumerate();
    rows.map(|(index, ((logits, &target), &weight))| Row { index, logits, target: target as usize, weight })
        .filter(|row| row.weight != F::ZERO)
}

/// The first row with a weight whose target is no class: its index and its target.
pub(super) fn find_outside<F: Float>(targets: &[u32], weights: &[F], classes: usize) -> Option<(usize, u32)> {
    let mut rows = targets.iter().copied().zip(weights).enumerate();
    rows.find(|&(_, (target, &weight))| weight != F::ZERO && target as usize >= classes).map(|(i, (t, _))| (i, t))
}

/// The loss.
pub(super) fn forward<F: Float>(smoothing: f64, logits: &[F], targets: &[u32], weights: &[F]) -> F {
    let (epsilon, rest) = (F::new(smoothing), F::new(1.0 - smoothing));
    let mut total = 0.0;
    for row in weighted(logits, targets, weights) {
        let (max, sum) = max_and_sum(row.logits);
        let lse = max + sum.ln();
        let mut loss = rest * (lse - row.logits[row.target]);
        if smoothing != 0.0 {
            let mean = row.logits.iter().fold(F::ZERO, |sum, &x| sum + x) / F::new(row.logits.len() as f64);
            loss += epsilon * (lse - mean);
        }
        // In f64 whatever F is: a batch has thousands of rows.
        total += (row.weight * loss).widen();
    }
    F::new(total)
}

/// `dlogits = w · dloss · (softmax - (1 - ε) · onehot - ε/V)`, into a buffer of zeros.
pub(super) fn grad<F: Float>(
    smoothing: f64,
    logits: &[F],
    targets: &[u32],
    weights: &[F],
    dloss: F,
    dlogits: &mut [F],
) {
    let classes = logits.len() / targets.len();
    let (off, on) = (F::new(smoothing / classes as f64), F::new(1.0 - smoothing));
    for row in weighted(logits, targets, weights) {
        let (max, sum) = max_and_sum(row.logits);
        let dlogits = &mut dlogits[row.index * classes..][..classes];
        for (d, &x) in dlogits.iter_mut().zip(row.logits) {
            *d = (x - max).exp() / sum - off;
        }
        dlogits[row.target] -= on;
        for d in dlogits {
            *d *= row.weight * dloss;
        }
    }
}

/// The largest logit and `Σ exp(x - max)`.
fn max_and_sum<F: Float>(logits: &[F]) -> (F, F) {
    let max = logits.iter().fold(logits[0], |max, &x| if x > max { x } else { max });
    (max, logits.iter().fold(F::ZERO, |sum, &x| sum + (x - max).exp()))
}
