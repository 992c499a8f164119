//! Classification, by scikit-learn's definitions.

use std::collections::BTreeMap;

use super::{MetricError, Prf, paired};

/// The share of predictions `[N]` that equal their reference `[N]`. Labels, tags or whole texts alike.
///
/// # Errors
/// When the numbers differ, or there are none.
pub fn accuracy<T: PartialEq>(predictions: &[T], references: &[T]) -> Result<f64, MetricError> {
    paired("accuracy", predictions.len(), references.len())?;
    let hits = predictions.iter().zip(references).filter(|(p, r)| p == r).count();
    Ok(hits as f64 / references.len() as f64)
}

/// The correlation of Matthews over any number of classes (Gorodkin 2004, as `sklearn.metrics.matthews_corrcoef`); of two
/// classes `(TP·TN - FP·FN) / √((TP+FP)(TP+FN)(TN+FP)(TN+FN))`. It is 0 where either side names one class only.
///
/// # Errors
/// When the numbers differ, or there are none.
pub fn matthews(predictions: &[u32], references: &[u32]) -> Result<f64, MetricError> {
    paired("Matthews correlation", predictions.len(), references.len())?;
    // Of each class how often it is predicted and how often it is true.
    let mut counts: BTreeMap<u32, (f64, f64)> = BTreeMap::new();
    let mut hits = 0.0;
    for (prediction, reference) in predictions.iter().zip(references) {
        counts.entry(*prediction).or_default().0 += 1.0;
        counts.entry(*reference).or_default().1 += 1.0;
        if prediction == reference {
            hits += 1.0;
        }
    }
    let sum = |f: fn(&(f64, f64)) -> f64| counts.values().map(f).sum::<f64>();
    let squared = (references.len() as f64) * (references.len() as f64);
    let covariance = hits * references.len() as f64 - sum(|(p, r)| p * r);
    let spread = (squared - sum(|(p, _)| p * p)) * (squared - sum(|(_, r)| r * r));
    Ok(if spread == 0.0 { 0.0 } else { covariance / spread.sqrt() })
}

/// Precision, recall and F1 of one class against all others.
///
/// # Errors
/// When the numbers differ, or there are none.
pub fn f1(predictions: &[u32], references: &[u32], positive: u32) -> Result<Prf, MetricError> {
    paired("F1", predictions.len(), references.len())?;
    let count = |labels: &[u32]| labels.iter().filter(|&&l| l == positive).count();
    let hits = predictions.iter().zip(references).filter(|&(&p, &r)| p == positive && r == positive).count();
    Ok(Prf::from_counts(hits, count(predictions), count(references)))
}
