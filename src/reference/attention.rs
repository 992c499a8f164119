//! Softmax attention over a packed projection (Vaswani et al. 2017), one query after the other.
//!
//! Keys that a query may not see take no part: their probability is 0, not small. Scores are computed against keys stored
//! dimension by dimension, so that the inner loops run over contiguous keys or contiguous dimensions.

use super::Float;
use super::step::{DropoutMask, StepKey};
use crate::ir::{Attention, Mask};

/// Log-sum-exp of a query that sees no key.
const NO_KEY: f64 = -1e30;

/// The operands that all three operations share.
#[derive(Clone, Copy)]
pub(super) struct Inputs<'a, F> {
    pub spec: Attention,
    pub batch: usize,
    pub time: usize,
    pub qkv: &'a [F],
    /// `[B,T]`, 1 = visible.
    pub key_mask: Option<&'a [u32]>,
}

/// One head of one sequence.
struct Head<'a, F> {
    inputs: Inputs<'a, F>,
    batch: usize,
    head: usize,
    width: usize,
    dim: usize,
    scale: F,
    /// The keys, `[dim, T]`.
    keys: Vec<F>,
    /// The values, `[dim, T]`.
    values: Vec<F>,
}

impl<'a, F: Float> Inputs<'a, F> {
    /// Runs `body` for each (batch, head), in order.
    fn heads(self, mut body: impl FnMut(&Head<'a, F>)) {
        let width = self.qkv.len() / (3 * self.batch * self.time);
        let dim = width / self.spec.heads;
        let scale = F::new(f64::from(self.spec.scale));
        let transposed = vec![F::ZERO; dim * self.time];
        let (keys, values) = (transposed.clone(), transposed);
        let mut h = Head { inputs: self, batch: 0, head: 0, width, dim, scale, keys, values };
        for batch in 0..self.batch {
            for head in 0..self.spec.heads {
                (h.batch, h.head) = (batch, head);
                h.load();
                body(&h);
            }
        }
    }
}

impl<F: Float> Head<'_, F> {
    fn load(&mut self) {
        let time = self.inputs.time;
        for j in 0..time {
            for d in 0..self.dim {
                self.keys[d * time + j] = self.inputs.qkv[self.at(1, j) + d];
                self.values[d * time + j] = self.inputs.qkv[self.at(2, j) + d];
            }
        }
    }

    /// Where row `t` of part 0 (query), 1 (key) or 2 (value) starts.
    fn at(&self, part: usize, t: usize) -> usize {
        (self.batch * self.inputs.time + t) * 3 * self.width + part * self.width + self.head * self.dim
    }

    fn row(&self, part: usize, t: usize) -> &[F] {
        &self.inputs.qkv[self.at(part, t)..][..self.dim]
    }

    /// Where query `t` starts in a tensor like o.
    fn at_output(&self, t: usize) -> usize {
        (self.batch * self.inputs.time + t) * self.width + self.head * self.dim
    }

    /// Index of (batch, head, query).
    fn query(&self, t: usize) -> usize {
        (self.batch * self.inputs.spec.heads + self.head) * self.inputs.time + t
    }

    /// How many keys the structural mask lets query `t` see.
    fn keys_of(&self, t: usize) -> usize {
        match self.inputs.spec.mask {
            Mask::Full => self.inputs.time,
            Mask::Causal | Mask::Prefix | Mask::Banded { .. } => t + 1,
        }
    }

    fn visible(&self, key: usize) -> bool {
        self.inputs.key_mask.is_none_or(|mask| mask[self.batch * self.inputs.time + key] != 0)
    }

    /// `sums[j] = x · rows[j]`, with rows stored `[dim, T]`.
    fn products(&self, x: &[F], rows: &[F], sums: &mut [F]) {
        sums.fill(F::ZERO);
        for (&x, rows) in x.iter().zip(rows.chunks(self.inputs.time)) {
            for (sum, &row) in sums.iter_mut().zip(rows) {
                *sum += x * row;
            }
        }
    }

    /// Scores of query `t` against the keys that the structural mask lets it see.
    fn scores(&self, t: usize, scores: &mut [F]) {
        self.products(self.row(0, t), &self.keys, scores);
        for score in scores {
            *score *= self.scale;
        }
    }

    /// Probabilities of query `t`, from its log-sum-exp.
    fn probabilities(&self, t: usize, lse: F, p: &mut [F]) {
        self.scores(t, p);
        for (j, p) in p.iter_mut().enumerate() {
            *p = if self.visible(j) { (*p - lse).exp() } else { F::ZERO };
        }
    }

    fn dropout(&self, key: StepKey) -> Option<DropoutMask<F>> {
        self.inputs.spec.dropout.map(|dropout| DropoutMask::new(dropout, key))
    }
}

/// o and the log-sum-exp of each query. Both start at zero.
pub(super) fn forward<F: Float>(inputs: Inputs<'_, F>, key: StepKey, o: &mut [F], lse: &mut [F]) {
    let (mut row, mut factors) = (vec![F::ZERO; inputs.time], vec![F::ONE; inputs.time]);
    inputs.heads(|h| {
        let mask = h.dropout(key);
        for t in 0..inputs.time {
            let p = &mut row[..h.keys_of(t)];
            h.scores(t, p);
            let seen = p.iter().enumerate().filter(|&(j, _)| h.visible(j)).map(|(_, &s)| s);
            let max = seen.fold(None, |max: Option<F>, s| if max.is_some_and(|max| max >= s) { max } else { Some(s) });
            let Some(max) = max else {
                lse[h.query(t)] = F::new(NO_KEY);
                continue;
            };
            let mut sum = F::ZERO;
            for (j, p) in p.iter_mut().enumerate() {
                *p = if h.visible(j) { (*p - max).exp() } else { F::ZERO };
                sum += *p;
            }
            lse[h.query(t)] = max + sum.ln();
            if let Some(mask) = &mask {
                mask.row(h.query(t), &mut factors);
            }
            let o = &mut o[h.at_output(t)..][..h.dim];
            for (j, (&p, &factor)) in p.iter().zip(&factors).enumerate() {
                axpy(p / sum * factor, h.row(2, j), o);
            }
        }
    });
}

/// The gradient for qkv, into a buffer of zeros:
/// `dP = factor · (do · v)`, `dS = P · (dP - do · o)`, then dq, dk, dv are sums over keys and queries.
pub(super) fn grad<F: Float>(inputs: Inputs<'_, F>, key: StepKey, o: &[F], lse: &[F], d_o: &[F], dqkv: &mut [F]) {
    let mut factors = vec![F::ONE; inputs.time];
    let (mut p_row, mut dp_row) = (factors.clone(), factors.clone());
    inputs.heads(|h| {
        let mask = h.dropout(key);
        for t in 0..inputs.time {
            let (p, dp) = (&mut p_row[..h.keys_of(t)], &mut dp_row[..h.keys_of(t)]);
            let d_o = &d_o[h.at_output(t)..][..h.dim];
            h.probabilities(t, lse[h.query(t)], p);
            h.products(d_o, &h.values, dp);
            if let Some(mask) = &mask {
                mask.row(h.query(t), &mut factors);
            }
            let level = d_o.iter().zip(&o[h.at_output(t)..]).fold(F::ZERO, |sum, (&a, &b)| sum + a * b);
            for (j, ((&p, &dp), &factor)) in p.iter().zip(&*dp).zip(&factors).enumerate() {
                let ds = p * (factor * dp - level) * h.scale;
                axpy(ds, h.row(1, j), &mut dqkv[h.at(0, t)..][..h.dim]);
                axpy(ds, h.row(0, t), &mut dqkv[h.at(1, j)..][..h.dim]);
                axpy(p * factor, d_o, &mut dqkv[h.at(2, j)..][..h.dim]);
            }
        }
    });
}

/// The probabilities, `[B,H,T,T]`, into a buffer of zeros.
pub(super) fn probs<F: Float>(inputs: Inputs<'_, F>, lse: &[F], p: &mut [F]) {
    inputs.heads(|h| {
        for t in 0..inputs.time {
            h.probabilities(t, lse[h.query(t)], &mut p[h.query(t) * inputs.time..][..h.keys_of(t)]);
        }
    });
}

/// `y += a · x`.
fn axpy<F: Float>(a: F, x: &[F], y: &mut [F]) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y += a * x;
    }
}
