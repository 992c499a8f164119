//! The error bound of kernels.

/// How `found` differs from `expected` by more than f32 arithmetic explains; nothing if it does not.
///
/// The bound is 16·ε·√terms times the largest expected magnitude: rounding errors of a sum of that many terms add up
/// like a random walk, and the factor leaves room for `exp` and division, which WGSL allows a few units in the last
/// place. Where terms cancel (the RMS gradient of a single column is 0 but for ε) the interpreter in f32, `single`,
/// errs more than that; then eight times its largest error is the bound.
pub fn difference(found: &[f32], expected: &[f64], single: &[f32], terms: usize) -> Option<String> {
    if found.len() != expected.len() || single.len() != expected.len() {
        return Some(format!("{} values instead of {}", found.len(), expected.len()));
    }
    let scale = expected.iter().fold(0.0_f64, |scale, x| scale.max(x.abs()));
    let lost = single.iter().zip(expected).fold(0.0_f64, |lost, (&s, &e)| lost.max((f64::from(s) - e).abs()));
    let bound = (16.0 * f64::from(f32::EPSILON) * (terms.max(1) as f64).sqrt() * scale).max(8.0 * lost);
    let errors = found.iter().zip(expected).map(|(&f, &e)| (f64::from(f) - e).abs());
    // A value that is not a number is further off than any other.
    let (at, error) = errors.enumerate().max_by(|a, b| order(a.1).total_cmp(&order(b.1)))?;
    let within = error <= bound;
    (!within).then(|| {
        format!("[{at}] is {} instead of {}: {:.1} times the bound {bound:.1e}", found[at], expected[at], error / bound)
    })
}

const fn order(error: f64) -> f64 {
    if error.is_nan() { f64::INFINITY } else { error }
}

#[test]
fn what_is_off_is_told() {
    let expected = [1.0, -2.0];
    let against = |found: [f32; 2]| difference(&found, &expected, &[1.0, -2.0], 1);
    assert_eq!(against([1.0, -2.0]), None);
    assert_eq!(against([1.0 + 2e-6, -2.0]), None);
    let fault = against([1.0, -2.0 + 5e-6]).expect("off by more than the bound");
    assert!(fault.starts_with("[1] is -1.99999"), "{fault}");
    assert!(against([1.0, f32::NAN]).is_some_and(|f| f.starts_with("[1]")));
    assert!(against([f32::INFINITY, -2.0]).is_some_and(|f| f.starts_with("[0]")));
    assert_eq!(difference(&[0.0], &[0.0], &[0.0], 1), None);
    assert!(difference(&[1e-30], &[0.0], &[0.0], 1).is_some());
    assert_eq!(difference(&[1.0, -2.0 + 5e-6], &expected, &[1.0, -2.0 + 1e-6], 1), None);
    assert!(difference(&[1.0], &expected, &[1.0, -2.0], 1).is_some());
}
