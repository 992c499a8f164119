//! Learning a Unigram model (Kudo 2018, *Subword Regularization*, §3.2, as SentencePiece does it): expectation and
//! maximization twice, then a quarter of the pieces goes, those whose loss hurts the likelihood the least; until the
//! vocabulary is small enough.

use super::lattice::Lattices;

/// EM steps between two prunings.
const STEPS: usize = 2;
/// Part of the pieces that survives a pruning.
const SURVIVORS: f64 = 0.75;
/// A piece that is expected less often is dropped.
const MIN_EXPECTED: f64 = 0.5;

/// Trains until at most `target` pieces are left or nothing can go; characters never go.
pub(super) fn train(lattices: &mut Lattices, target: usize) {
    let sum: f64 = lattices.pieces.iter().map(|piece| piece.score).sum();
    for piece in &mut lattices.pieces {
        piece.score = libm::log(piece.score / sum);
    }
    loop {
        for _ in 0..STEPS {
            let expected = lattices.expected(&probabilities(lattices));
            maximize(lattices, &expected);
        }
        let before = lattices.pieces.len();
        if before <= target {
            return;
        }
        prune(lattices, target);
        if lattices.pieces.len() == before {
            return;
        }
    }
}

fn probabilities(lattices: &Lattices) -> Vec<f64> {
    lattices.pieces.iter().map(|piece| libm::exp(piece.score)).collect()
}

/// The M step, Bayesian as in SentencePiece: digamma instead of the logarithm favors few frequent pieces.
fn maximize(lattices: &mut Lattices, expected: &[f64]) {
    let kept: Vec<usize> =
        (0..expected.len()).filter(|&id| lattices.pieces[id].length == 1 || expected[id] >= MIN_EXPECTED).collect();
    lattices.retain(&kept);
    let counts: Vec<f64> = kept.iter().map(|&id| expected[id].max(MIN_EXPECTED)).collect();
    let all = digamma(counts.iter().sum());
    for (piece, count) in lattices.pieces.iter_mut().zip(counts) {
        piece.score = digamma(count) - all;
    }
}

/// Drops pieces that no word uses, then those whose replacement by other pieces costs the least likelihood.
fn prune(lattices: &mut Lattices, target: usize) {
    let p = probabilities(lattices);
    let used = lattices.used(&p);
    let sum: f64 = used.iter().sum();
    let mut kept = Vec::new();
    let mut candidates: Vec<(f64, usize)> = Vec::new();
    for (id, piece) in lattices.pieces.iter().enumerate() {
        if piece.length == 1 {
            kept.push(id);
        } else if used[id] > 0.0 {
            let parts = lattices.alternative(id, &p);
            let sum_without = libm::log(sum + used[id] * (parts.len() as f64 - 1.0));
            let with_parts: f64 = parts.iter().map(|&part| libm::log(used[part] + used[id]) - sum_without).sum();
            candidates.push((used[id] * (libm::log(used[id] / sum) - with_parts), id));
        }
    }
    // Equal losses: the piece that came first stays.
    candidates.sort_by(|(a, i), (b, j)| b.total_cmp(a).then(i.cmp(j)));
    let size = target.max((lattices.pieces.len() as f64 * SURVIVORS) as usize);
    candidates.truncate(size.saturating_sub(kept.len()));
    kept.extend(candidates.iter().map(|&(_, id)| id));
    kept.sort_unstable();
    lattices.retain(&kept);
}

/// The logarithmic derivative of the gamma function, for x > 0: recurrence up to 7, then the asymptotic series.
fn digamma(mut x: f64) -> f64 {
    let mut result = 0.0;
    while x < 7.0 {
        result -= 1.0 / x;
        x += 1.0;
    }
    x -= 0.5;
    let x2 = 1.0 / (x * x);
    let x4 = x2 * x2;
    result + libm::log(x) + x2 / 24.0 - 7.0 / 960.0 * x4 + 31.0 / 8064.0 * x4 * x2 - 127.0 / 30720.0 * x4 * x4
}
