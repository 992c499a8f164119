//! The error bound of kernels.

use trainyard::ir::{Epilogue, Fused, Graph, Op};

/// How many rounding errors a kernel may make in a term of a sum.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Tolerance {
    /// Multiplies ε·√terms·scale.
    pub factor: f64,
    /// Whether the interpreter's own error in f32 counts too. Where terms cancel, no arithmetic in f32 meets a bound that is
    /// relative to the result: the RMS gradient of a single column is 0 but for ε, a score of 10⁴ has an error of 10⁻³,
    /// which `exp` makes a relative one. Eight times the interpreter's largest error is allowed then.
    pub cancels: bool,
}

impl Tolerance {
    /// Of the most inaccurate operation of a graph.
    pub fn of(graph: &Graph) -> Self {
        let all = graph.nodes.iter().map(|node| tolerance(&node.op));
        all.fold(SUMS, |a, b| Self { factor: a.factor.max(b.factor), cancels: a.cancels || b.cancels })
    }
}

/// Additions and products.
const SUMS: Tolerance = Tolerance { factor: 4.0, cancels: false };
/// With `exp`, `log`, square roots or division, for which WGSL allows a few units in the last place.
const FUNCTIONS: Tolerance = Tolerance { factor: 16.0, cancels: false };
/// With differences of almost equal numbers too.
const DIFFERENCES: Tolerance = Tolerance { factor: 16.0, cancels: true };

fn tolerance(op: &Op) -> Tolerance {
    match op {
        Op::Param(_)
        | Op::Input(_)
        | Op::Fill { .. }
        | Op::Table(_)
        | Op::Embedding { .. }
        | Op::EmbeddingGrad { .. }
        | Op::AddRows { .. }
        | Op::SumRows { .. }
        | Op::MatMul { .. }
        | Op::Add
        | Op::Scale { .. }
        | Op::Reshape { .. }
        | Op::Columns { .. }
        | Op::PadColumns { .. }
        | Op::Rotate { .. }
        | Op::Dropout(_)
        | Op::State(_)
        | Op::Store(_)
        | Op::Append(_) => SUMS,
        Op::Activation(_)
        | Op::ActivationGrad(_)
        | Op::Gated(_)
        | Op::GatedGrad(_)
        | Op::ElementLoss(_)
        | Op::ElementLossGrad(_) => FUNCTIONS,
        Op::Norm { .. }
        | Op::NormGrad { .. }
        | Op::NormParamGrad { .. }
        | Op::Attention(_)
        | Op::AttentionGrad(_)
        | Op::AttentionProbs(_)
        | Op::CrossEntropy { .. }
        | Op::CrossEntropyGrad { .. } => DIFFERENCES,
        Op::Fused(fused) => match fused {
            Fused::Linear { epilogue: Epilogue::None | Epilogue::Residual { .. }, .. }
            | Fused::WeightBiasGrad
            | Fused::EmbeddingGradAdd { .. } => SUMS,
            Fused::Linear { epilogue: Epilogue::Activation { .. }, .. } | Fused::MatMulActivationGrad { .. } => {
                FUNCTIONS
            }
            Fused::NormGradAdd { .. } | Fused::CrossEntropyBoth { .. } => DIFFERENCES,
        },
    }
}

/// The largest error, as a share of its bound.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Worst {
    /// Where.
    pub at: usize,
    /// Error divided by bound; infinite for what is no finite number.
    pub share: f64,
}

/// Compares with f64 `expected`, `single` being what the interpreter makes of it in f32.
///
/// The bound is factor·ε·√terms·scale, ε = 2⁻²³ and scale the largest expected magnitude: rounding errors of a sum of that
/// many terms add up like a random walk. WGSL fixes no rounding mode, so ε is a whole unit in the last place.
///
/// # Errors
/// When a value is off by more than its bound: where, both values, and by how much.
pub fn compare(
    found: &[f32],
    expected: &[f64],
    single: &[f32],
    terms: usize,
    tolerance: Tolerance,
) -> Result<Worst, String> {
    if found.len() != expected.len() || single.len() != expected.len() {
        return Err(format!("{} values instead of {}", found.len(), expected.len()));
    }
    let scale = expected.iter().fold(0.0_f64, |scale, x| scale.max(x.abs()));
    let mut bound = tolerance.factor * f64::from(f32::EPSILON) * (terms.max(1) as f64).sqrt() * scale;
    if tolerance.cancels {
        let lost = single.iter().zip(expected).fold(0.0_f64, |lost, (&s, &e)| lost.max((f64::from(s) - e).abs()));
        bound = bound.max(8.0 * lost);
    }
    let mut worst = Worst { at: 0, share: 0.0 };
    for (at, (&f, &e)) in found.iter().zip(expected).enumerate() {
        let error = (f64::from(f) - e).abs();
        // Written so that what is no number is off.
        let share = if error == 0.0 {
            0.0
        } else if error < f64::INFINITY {
            error / bound
        } else {
            f64::INFINITY
        };
        if share > worst.share {
            worst = Worst { at, share };
        }
    }
    let Worst { at, share } = worst;
    if !(share <= 1.0) {
        let (found, expected) = (found[at], expected[at]);
        return Err(format!("[{at}] is {found} instead of {expected}: {share:.2} times the bound {bound:.1e}"));
    }
    Ok(worst)
}

#[test]
fn what_is_off_is_told() {
    let expected = [1.0, -2.0];
    let against = |found: [f32; 2]| compare(&found, &expected, &[1.0, -2.0], 1, FUNCTIONS);
    assert_eq!(against([1.0, -2.0]), Ok(Worst { at: 0, share: 0.0 }));
    assert!(against([1.0 + 2e-6, -2.0]).is_ok_and(|w| w.at == 0 && w.share > 0.4 && w.share < 0.6));
    let fault = against([1.0, -2.0 + 5e-6]).expect_err("off by more than the bound");
    assert!(fault.starts_with("[1] is -1.99999"), "{fault}");
    assert!(against([1.0, f32::NAN]).is_err_and(|f| f.starts_with("[1] is NaN")));
    assert!(against([f32::INFINITY, -2.0]).is_err_and(|f| f.starts_with("[0] is inf")));
    assert!(compare(&[0.0], &[0.0], &[0.0], 1, SUMS).is_ok());
    assert!(compare(&[1e-30], &[0.0], &[0.0], 1, SUMS).is_err(), "a bound of zero allows nothing");
    assert!(compare(&[1.0], &expected, &[1.0, -2.0], 1, SUMS).is_err());
    // A sum may err a quarter of what a function may, and longer sums more.
    let close = [1.0, -2.0 + 2e-6];
    assert!(compare(&close, &expected, &[1.0, -2.0], 1, FUNCTIONS).is_ok());
    assert!(compare(&close, &expected, &[1.0, -2.0], 1, SUMS).is_err());
    assert!(compare(&close, &expected, &[1.0, -2.0], 16, SUMS).is_ok());
    // Only where terms cancel does the interpreter's error count.
    let far = [1.0, -2.0 + 6e-6];
    assert!(compare(&far, &expected, &[1.0, -2.0 + 1e-6], 1, FUNCTIONS).is_err());
    assert!(compare(&far, &expected, &[1.0, -2.0 + 1e-6], 1, DIFFERENCES).is_ok());
}
