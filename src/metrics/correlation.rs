//! Regression, by SciPy's definitions.

use super::{MetricError, paired};

/// The linear correlation of Pearson, from -1 to 1.
///
/// # Errors
/// When the numbers differ, there are none, one is not finite, or a side is constant.
pub fn pearson(predictions: &[f64], references: &[f64]) -> Result<f64, MetricError> {
    correlation("Pearson correlation", predictions, references, <[f64]>::to_vec)
}

/// The rank correlation of Spearman: Pearson's of the ranks, equal values sharing the mean of theirs.
///
/// # Errors
/// As [`pearson`].
pub fn spearman(predictions: &[f64], references: &[f64]) -> Result<f64, MetricError> {
    correlation("Spearman correlation", predictions, references, average_ranks)
}

/// The rank of each value, counted from 1; equal values get the mean of the ranks that they share.
#[must_use]
pub fn average_ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut below = 0;
    // Zeros of either sign are one value.
    for equal in order.chunk_by(|&a, &b| values[a] == values[b]) {
        // The mean of below + 1 … below + n.
        let rank = below as f64 + (equal.len() as f64 + 1.0) / 2.0;
        equal.iter().for_each(|&i| ranks[i] = rank);
        below += equal.len();
    }
    ranks
}

fn correlation(
    metric: &'static str,
    predictions: &[f64],
    references: &[f64],
    scale: fn(&[f64]) -> Vec<f64>,
) -> Result<f64, MetricError> {
    paired(metric, predictions.len(), references.len())?;
    let unit = |side: &'static str, values: &[f64]| {
        if let Some(index) = values.iter().position(|v| !v.is_finite()) {
            return Err(MetricError::NotFinite { metric, side, index });
        }
        if values.iter().all(|v| *v == values[0]) {
            return Err(MetricError::Constant { metric, side });
        }
        Ok(centered_unit(&scale(values)))
    };
    let (p, r) = (unit("predictions", predictions)?, unit("references", references)?);
    // Rounding must not lead out of the range.
    Ok(p.iter().zip(&r).map(|(p, r)| p * r).sum::<f64>().clamp(-1.0, 1.0))
}

/// `(x - mean) / ‖x - mean‖`. Values and deviations are first multiplied by a power of two, which is exact, so that no
/// square overflows or vanishes.
fn centered_unit(values: &[f64]) -> Vec<f64> {
    let scaled = |mut values: Vec<f64>| {
        let largest = values.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
        let exponent = if largest > 0.0 { libm::ilogb(largest) } else { 0 };
        values.iter_mut().for_each(|v| *v = libm::scalbn(*v, -exponent));
        values
    };
    let values = scaled(values.to_vec());
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let deviations = scaled(values.iter().map(|v| v - mean).collect());
    let norm = deviations.iter().map(|d| d * d).sum::<f64>().sqrt();
    deviations.into_iter().map(|d| d / norm).collect()
}
