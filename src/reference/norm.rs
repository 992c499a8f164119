//! Layer normalization (Ba et al. 2016) and RMS normalization (Zhang & Sennrich 2019).

use super::Float;
use crate::ir::NormKind;

/// `y = (x - mean) · rstd · γ + β` for each row; `stats` receives (mean, rstd).
pub(super) fn forward<F: Float>(
    kind: NormKind,
    eps: f64,
    x: &[F],
    gamma: &[F],
    beta: Option<&[F]>,
    y: &mut [F],
    stats: &mut [F],
) {
    let columns = gamma.len();
    let n = F::new(columns as f64);
    for ((x, y), stats) in x.chunks(columns).zip(y.chunks_mut(columns)).zip(stats.chunks_mut(2)) {
        let mean = match kind {
            NormKind::Layer => sum(x.iter().copied()) / n,
            NormKind::Rms => F::ZERO,
        };
        // Two passes: the variance of a row far from zero would drown in `mean(x²) - mean²`.
        let variance = sum(x.iter().map(|&x| (x - mean) * (x - mean))) / n;
        let rstd = F::ONE / (variance + F::new(eps)).sqrt();
        stats.copy_from_slice(&[mean, rstd]);
        for ((y, &x), &gamma) in y.iter_mut().zip(x).zip(gamma) {
            *y = (x - mean) * rstd * gamma;
        }
        for (y, &beta) in y.iter_mut().zip(beta.unwrap_or_default()) {
            *y += beta;
        }
    }
}

/// With `x̂ = (x - mean) · rstd` and `g = γ · dy`: `dx = rstd · (g - mean(g) - x̂ · mean(g · x̂))`; RMS has no `mean(g)`.
pub(super) fn grad<F: Float>(kind: NormKind, x: &[F], gamma: &[F], stats: &[F], dy: &[F], dx: &mut [F]) {
    let columns = gamma.len();
    let n = F::new(columns as f64);
    let rows = x.chunks(columns).zip(dy.chunks(columns)).zip(dx.chunks_mut(columns)).zip(stats.chunks(2));
    for (((x, dy), dx), stats) in rows {
        let (mean, rstd) = (stats[0], stats[1]);
        for ((g, &gamma), &dy) in dx.iter_mut().zip(gamma).zip(dy) {
            *g = gamma * dy;
        }
        let along = sum(dx.iter().zip(x).map(|(&g, &x)| g * ((x - mean) * rstd))) / n;
        let level = match kind {
            NormKind::Layer => sum(dx.iter().copied()) / n,
            NormKind::Rms => F::ZERO,
        };
        for (g, &x) in dx.iter_mut().zip(x) {
            *g = rstd * (*g - level - (x - mean) * rstd * along);
        }
    }
}

/// `dγ = Σ dy · x̂` over the rows, and `dβ = Σ dy` where there is a β. Both start at zero.
pub(super) fn param_grad<F: Float>(x: &[F], stats: &[F], dy: &[F], dgamma: &mut [F], dbeta: Option<&mut [F]>) {
    let columns = dgamma.len();
    for ((x, dy), stats) in x.chunks(columns).zip(dy.chunks(columns)).zip(stats.chunks(2)) {
        let (mean, rstd) = (stats[0], stats[1]);
        for ((dgamma, &x), &dy) in dgamma.iter_mut().zip(x).zip(dy) {
            *dgamma += dy * ((x - mean) * rstd);
        }
    }
    if let Some(dbeta) = dbeta {
        super::rows::sum_rows(dy, super::rows::Turn { period: 1, first: 0, columns }, dbeta);
    }
}

fn sum<F: Float>(terms: impl Iterator<Item = F>) -> F {
    terms.fold(F::ZERO, |sum, term| sum + term)
}
