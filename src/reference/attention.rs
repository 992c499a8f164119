//! Softmax attention (Vaswani et al. 2017) within a packed projection or of queries to another sequence, one query after
//! the other.
//!
//! Keys that a query may not see take no part: their probability is 0, not small. Scores are computed against keys stored
//! dimension by dimension, so that the inner loops run over contiguous keys or contiguous dimensions.

use core::ops::Range;

use super::Float;
use super::step::{DropoutMask, StepKey};
use crate::ir::{Attention, AttentionShape, Bias, Mask, PREFIX};

/// Log-sum-exp of a query that sees no key.
const NO_KEY: f64 = -1e30;

/// The operands that all three operations share.
#[derive(Clone, Copy)]
pub(super) struct Inputs<'a, F> {
    pub spec: Attention,
    pub shape: AttentionShape,
    /// What queries are read from.
    pub q: &'a [F],
    /// What keys and values are read from: the same in self-attention.
    pub kv: &'a [F],
    /// `[Tq + Tk - 1, H]`.
    pub bias: Option<&'a [F]>,
    /// `[B,Tk]`: 0 = hidden, else a document and the mark of a prefix.
    pub key_mask: Option<&'a [u32]>,
}

/// One head of one sequence.
struct Head<'a, F> {
    inputs: Inputs<'a, F>,
    batch: usize,
    head: usize,
    scale: F,
    /// The keys, `[E, Tk]`.
    keys: Vec<F>,
    /// The values, `[E, Tk]`.
    values: Vec<F>,
}

impl<'a, F: Float> Inputs<'a, F> {
    /// Runs `body` for each (batch, head), in order.
    fn heads(self, mut body: impl FnMut(&Head<'a, F>)) {
        let scale = F::new(self.spec.scale);
        let transposed = vec![F::ZERO; self.shape.head_dim * self.shape.keys];
        let (keys, values) = (transposed.clone(), transposed);
        let mut h = Head { inputs: self, batch: 0, head: 0, scale, keys, values };
        for batch in 0..self.shape.batch {
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
        let AttentionShape { keys, head_dim, .. } = self.inputs.shape;
        for j in 0..keys {
            for d in 0..head_dim {
                self.keys[d * keys + j] = self.inputs.kv[self.at_key(j) + d];
                self.values[d * keys + j] = self.inputs.kv[self.at_value(j) + d];
            }
        }
    }

    /// How many heads a packed row holds besides the query heads or, of keys and values, before them.
    fn packed(&self, heads: usize) -> usize {
        if self.inputs.spec.cross { 0 } else { heads }
    }

    /// Where query `t` starts in q.
    fn at_query(&self, t: usize) -> usize {
        let Attention { heads, kv_heads, .. } = self.inputs.spec;
        let row = heads + self.packed(2 * kv_heads);
        ((self.batch * self.inputs.shape.queries + t) * row + self.head) * self.inputs.shape.head_dim
    }

    /// Where key `t` starts in kv.
    fn at_key(&self, t: usize) -> usize {
        let Attention { heads, kv_heads, .. } = self.inputs.spec;
        let before = self.packed(heads);
        let head = before + self.head / (heads / kv_heads);
        ((self.batch * self.inputs.shape.keys + t) * (before + 2 * kv_heads) + head) * self.inputs.shape.head_dim
    }

    /// Where the value of key `t` starts in kv.
    fn at_value(&self, t: usize) -> usize {
        self.at_key(t) + self.inputs.spec.kv_heads * self.inputs.shape.head_dim
    }

    /// Where query `t` starts in a tensor like o.
    fn at_output(&self, t: usize) -> usize {
        let row = self.batch * self.inputs.shape.queries + t;
        (row * self.inputs.spec.heads + self.head) * self.inputs.shape.head_dim
    }

    /// `E` numbers of a tensor.
    fn row<'b>(&self, tensor: &'b [F], at: usize) -> &'b [F] {
        &tensor[at..][..self.inputs.shape.head_dim]
    }

    fn row_mut<'b>(&self, tensor: &'b mut [F], at: usize) -> &'b mut [F] {
        &mut tensor[at..][..self.inputs.shape.head_dim]
    }

    /// Index of (batch, head, query).
    fn query(&self, t: usize) -> usize {
        (self.batch * self.inputs.spec.heads + self.head) * self.inputs.shape.queries + t
    }

    /// The keys among which are all that query `t` may see by the structural mask.
    fn keys_of(&self, t: usize) -> Range<usize> {
        let keys = self.inputs.shape.keys;
        match self.inputs.spec.mask {
            Mask::Full | Mask::Prefix => 0..keys,
            Mask::Causal => 0..keys.min(t + 1),
            Mask::Banded { width } => keys.min((t + 1).saturating_sub(width))..keys.min(t + 1),
        }
    }

    /// Whether `query` may see a key of [`Self::keys_of`].
    fn visible(&self, query: usize, key: usize) -> bool {
        let spec = &self.inputs.spec;
        let structural = spec.mask.allows(query, key);
        let Some(mask) = self.inputs.key_mask else { return structural };
        let mask = &mask[self.batch * self.inputs.shape.keys..][..self.inputs.shape.keys];
        let code = mask[key];
        let marked = spec.mask == Mask::Prefix && code & PREFIX != 0;
        // Documents are numbered within one sequence: there is a code for each query.
        let together = !spec.documents || (mask[query] != 0 && (mask[query] ^ code) & !PREFIX == 0);
        code != 0 && (structural || marked) && together
    }

    /// Row of the bias for a pair.
    fn at_bias(&self, query: usize, key: usize) -> usize {
        (key + self.inputs.shape.queries - 1 - query) * self.inputs.spec.heads + self.head
    }

    /// `sums[i] = x · rows[keys.start + i]`, with rows stored `[E, Tk]`.
    fn products(&self, x: &[F], rows: &[F], keys: Range<usize>, sums: &mut [F]) {
        sums.fill(F::ZERO);
        for (&x, rows) in x.iter().zip(rows.chunks(self.inputs.shape.keys)) {
            for (sum, &row) in sums.iter_mut().zip(&rows[keys.clone()]) {
                *sum += x * row;
            }
        }
    }

    /// Scores of query `t` against some keys.
    fn scores(&self, t: usize, keys: Range<usize>, scores: &mut [F]) {
        self.products(self.row(self.inputs.q, self.at_query(t)), &self.keys, keys.clone(), scores);
        for score in scores.iter_mut() {
            *score *= self.scale;
        }
        if let Some(bias) = self.inputs.bias {
            for (j, score) in keys.zip(scores) {
                *score += bias[self.at_bias(t, j)];
            }
        }
    }

    /// Probabilities of query `t` for some keys, from its log-sum-exp.
    fn probabilities(&self, t: usize, keys: Range<usize>, lse: F, p: &mut [F]) {
        self.scores(t, keys.clone(), p);
        for (j, p) in keys.zip(p) {
            *p = if self.visible(t, j) { (*p - lse).exp() } else { F::ZERO };
        }
    }

    fn dropout(&self, key: StepKey) -> Option<DropoutMask<F>> {
        self.inputs.spec.dropout.map(|dropout| DropoutMask::new(dropout, key))
    }
}

/// o and the log-sum-exp of each query. Both start at zero.
pub(super) fn forward<F: Float>(inputs: Inputs<'_, F>, key: StepKey, o: &mut [F], lse: &mut [F]) {
    let (mut row, mut factors) = (vec![F::ZERO; inputs.shape.keys], vec![F::ONE; inputs.shape.keys]);
    inputs.heads(|h| {
        let mask = h.dropout(key);
        for t in 0..inputs.shape.queries {
            let keys = h.keys_of(t);
            let p = &mut row[keys.clone()];
            h.scores(t, keys.clone(), p);
            let seen = keys.clone().zip(&*p).filter(|&(j, _)| h.visible(t, j)).map(|(_, &s)| s);
            let max = seen.fold(None, |max: Option<F>, s| if max.is_some_and(|max| max >= s) { max } else { Some(s) });
            let Some(max) = max else {
                lse[h.query(t)] = F::new(NO_KEY);
                continue;
            };
            let mut sum = F::ZERO;
            for (j, p) in keys.clone().zip(&mut *p) {
                *p = if h.visible(t, j) { (*p - max).exp() } else { F::ZERO };
                sum += *p;
            }
            lse[h.query(t)] = max + sum.ln();
            if let Some(mask) = &mask {
                mask.row(h.query(t), &mut factors);
            }
            let o = h.row_mut(o, h.at_output(t));
            for (j, &p) in keys.zip(&*p).filter(|&(j, _)| h.visible(t, j)) {
                axpy(p / sum * factors[j], h.row(inputs.kv, h.at_value(j)), o);
            }
        }
    });
}

/// The gradients, into buffers of zeros, one for each projection and one for a learned bias:
/// `dP = factor · (do · v)`, `dS = P · (dP - do · o)`, then dq, dk, dv and dbias are sums over keys, queries and pairs.
pub(super) fn grad<F: Float>(inputs: Inputs<'_, F>, key: StepKey, [o, lse, d_o]: [&[F]; 3], gradients: &mut [Vec<F>]) {
    let mut factors = vec![F::ONE; inputs.shape.keys];
    let (mut p_row, mut dp_row) = (factors.clone(), factors.clone());
    let source = inputs.spec.projections() - 1;
    inputs.heads(|h| {
        let mask = h.dropout(key);
        for t in 0..inputs.shape.queries {
            let keys = h.keys_of(t);
            let (p, dp) = (&mut p_row[keys.clone()], &mut dp_row[keys.clone()]);
            let (query, d_o) = (h.row(inputs.q, h.at_query(t)), h.row(d_o, h.at_output(t)));
            h.probabilities(t, keys.clone(), lse[h.query(t)], p);
            h.products(d_o, &h.values, keys.clone(), dp);
            if let Some(mask) = &mask {
                mask.row(h.query(t), &mut factors);
            }
            let level = d_o.iter().zip(h.row(o, h.at_output(t))).fold(F::ZERO, |sum, (&a, &b)| sum + a * b);
            for (j, (&p, &dp)) in keys.zip(p.iter().zip(&*dp)).filter(|&(j, _)| h.visible(t, j)) {
                let ds = p * (factors[j] * dp - level);
                axpy(ds * h.scale, h.row(inputs.kv, h.at_key(j)), h.row_mut(&mut gradients[0], h.at_query(t)));
                axpy(ds * h.scale, query, h.row_mut(&mut gradients[source], h.at_key(j)));
                axpy(p * factors[j], d_o, h.row_mut(&mut gradients[source], h.at_value(j)));
                if inputs.spec.bias == Bias::Learned {
                    gradients[source + 1][h.at_bias(t, j)] += ds;
                }
            }
        }
    });
}

/// The probabilities, `[B,H,Tq,Tk]`, into a buffer of zeros.
pub(super) fn probs<F: Float>(inputs: Inputs<'_, F>, lse: &[F], p: &mut [F]) {
    inputs.heads(|h| {
        for t in 0..inputs.shape.queries {
            let (keys, query) = (h.keys_of(t), h.query(t));
            let p = &mut p[query * inputs.shape.keys..][..inputs.shape.keys];
            h.probabilities(t, keys.clone(), lse[query], &mut p[keys]);
        }
    });
}

/// `y += a · x`.
fn axpy<F: Float>(a: F, x: &[F], y: &mut [F]) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y += a * x;
    }
}
