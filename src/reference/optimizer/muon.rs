//! Muon: momentum whose singular values are driven toward 1.

use super::{Float, Step};
use crate::ir::{NEWTON_SCHULZ, NEWTON_SCHULZ_EPS, NEWTON_SCHULZ_STEPS};
use crate::reference::matmul::{MatMul, matmul};

impl<F: Float> Step<'_, F> {
    pub(super) fn muon(&self, momentum: f64, weight_decay: f64, p: &mut [F], grad: &[F], m: &mut [F]) {
        let (rest, momentum) = (F::new(1.0 - momentum), F::new(momentum));
        let mut direction = Vec::with_capacity(grad.len());
        for (&g, m) in grad.iter().zip(m) {
            let g = g * self.factor;
            *m += rest * (g - *m);
            direction.push(g + momentum * (*m - g));
        }
        let (rows, columns) = (self.shape.rows(), self.shape.columns());
        let direction = orthogonalize(direction, rows, columns);
        let rate = F::new(self.lr * (rows as f64 / columns as f64).max(1.0).sqrt());
        let keep = self.keep(weight_decay);
        for (p, &u) in p.iter_mut().zip(&direction) {
            *p *= keep;
            *p -= rate * u;
        }
    }
}

/// Newton–Schulz: of `x` `[rows,columns]` = U·S·Vᵀ about U·Vᵀ. The square matrices of an iteration are of the smaller extent.
fn orthogonalize<F: Float>(mut x: Vec<F>, rows: usize, columns: usize) -> Vec<F> {
    let norm = x.iter().map(|x| x.widen() * x.widen()).sum::<f64>().sqrt().max(NEWTON_SCHULZ_EPS);
    x.iter_mut().for_each(|x| *x /= F::new(norm));
    let [a, b, c] = NEWTON_SCHULZ.map(F::new);
    let tall = rows > columns;
    let small = rows.min(columns);
    let mut scratch = Vec::new();
    let mut product = |p: MatMul, a: &[F], b: &[F]| {
        let mut y = vec![F::ZERO; p.m * p.n];
        matmul(p, a, b, &mut y, &mut scratch);
        y
    };
    for _ in 0..NEWTON_SCHULZ_STEPS {
        // XXᵀ, or XᵀX.
        let gram = MatMul { m: small, n: small, k: rows.max(columns), ta: tall, tb: !tall };
        let gram = product(gram, &x, &x);
        let mut q = product(MatMul { m: small, n: small, k: small, ta: false, tb: false }, &gram, &gram);
        for (q, &gram) in q.iter_mut().zip(&gram) {
            *q = b * gram + c * *q;
        }
        let y = MatMul { m: rows, n: columns, k: small, ta: false, tb: false };
        let y = if tall { product(y, &x, &q) } else { product(y, &q, &x) };
        for (x, y) in x.iter_mut().zip(y) {
            *x = a * *x + y;
        }
    }
    x
}
