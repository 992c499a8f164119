//! Adafactor: a second moment that a matrix keeps only by rows and columns.

use super::{Float, Step};

impl<F: Float> Step<'_, F> {
    /// `m` and `v` hold the means over rows and columns of a matrix in their first elements; a vector has all of `v`.
    pub(super) fn adafactor(
        &self,
        [eps, clip_threshold, decay_rate]: [f64; 3],
        weight_decay: f64,
        p: &mut [F],
        grad: &[F],
        m: &mut [F],
        v: &mut [F],
    ) {
        let fresh = libm::pow(f64::from(self.t), decay_rate);
        let follow = |old: F, new: F| F::new(1.0 - fresh) * old + F::new(fresh) * new;
        let square = |g: F| (g * self.factor) * (g * self.factor) + F::new(eps);
        let shape = &self.shape;
        let mut update: Vec<F> = grad.iter().map(|&g| g * self.factor).collect();
        if shape.dims().len() == 2 {
            let (rows, columns) = (shape.rows(), shape.columns());
            let (m, v) = (&mut m[..rows], &mut v[..columns]);
            for (m, grad) in m.iter_mut().zip(grad.chunks(columns)) {
                *m = follow(*m, mean(grad.iter().map(|&g| square(g)), columns));
            }
            for (column, v) in v.iter_mut().enumerate() {
                let grad = grad.iter().skip(column).step_by(columns);
                *v = follow(*v, mean(grad.map(|&g| square(g)), rows));
            }
            let all = mean(m.iter().copied(), rows);
            for (update, &row) in update.chunks_mut(columns).zip(&*m) {
                let row = F::ONE / (row / all).sqrt();
                for (u, &column) in update.iter_mut().zip(&*v) {
                    *u *= row * (F::ONE / column.sqrt());
                }
            }
        } else {
            for ((u, v), &g) in update.iter_mut().zip(v).zip(grad) {
                *v = follow(*v, square(g));
                *u *= F::ONE / v.sqrt();
            }
        }
        let rms = mean(update.iter().map(|&u| u * u), update.len()).sqrt().widen();
        let rate = F::new(self.lr / (rms / clip_threshold).max(1.0));
        let keep = self.keep(weight_decay);
        for (p, &u) in p.iter_mut().zip(&update) {
            *p *= keep;
            *p -= rate * u;
        }
    }
}

fn mean<F: Float>(values: impl Iterator<Item = F>, count: usize) -> F {
    let mut sum = F::ZERO;
    for value in values {
        sum += value;
    }
    sum / F::new(count as f64)
}
