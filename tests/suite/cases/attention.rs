//! Cases of attention: every mask, with and without bias, key mask and documents, packed and over two sources.

use trainyard::ir::{Attention, Bias, Dropout, Mask, Op, PREFIX};

use super::{Case, Sketch};

/// Which of the operations.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Part {
    Forward,
    Grad,
    Probs,
}

/// An attention and its extents.
#[derive(Clone, Copy)]
pub struct Shape {
    pub spec: Attention,
    pub batch: usize,
    pub queries: usize,
    /// As many as queries in self-attention.
    pub keys: usize,
    /// Columns of a head.
    pub head: usize,
    /// Queries, keys and values are in ± this.
    pub spread: f64,
}

impl Shape {
    /// Self-attention without any option.
    pub fn packed([batch, time, heads, head]: [usize; 4], mask: Mask) -> Self {
        let spec = Attention::packed(heads, mask, 1.0 / (head as f64).sqrt());
        Self { spec, batch, queries: time, keys: time, head, spread: 1.0 }
    }

    /// The same with a key mask.
    pub const fn masked(mut self, masked: bool) -> Self {
        self.spec.masked = masked;
        self
    }

    fn name(&self, part: Part) -> String {
        let Attention { heads, kv_heads, mask, cross, bias, masked, documents, dropout, .. } = self.spec;
        let name = match part {
            Part::Forward => "attention",
            Part::Grad => "attention_grad",
            Part::Probs => "attention_probs",
        };
        let flag = |set: bool, name: &'static str| if set { name } else { "" };
        format!(
            "{name} B={} T={}×{} H={heads}/{kv_heads} d={} {mask:?}{}{}{} bias={bias:?} dropout={} ±{}",
            self.batch,
            self.queries,
            self.keys,
            self.head,
            flag(cross, " cross"),
            flag(masked, " masked"),
            flag(documents, " documents"),
            dropout.map_or(0.0, |d| d.p),
            self.spread
        )
    }

    /// Whether a query sees a key, given the key mask: the rule written down once more, for tests to compare with.
    pub fn sees(&self, key_mask: Option<&[u32]>, [batch, query, key]: [usize; 3]) -> bool {
        let code = |t: usize| key_mask.map_or(1, |mask| mask[batch * self.keys + t]);
        let structural = match self.spec.mask {
            Mask::Full => true,
            Mask::Causal => key <= query,
            Mask::Prefix => key <= query || code(key) >= PREFIX,
            Mask::Banded { width } => key <= query && key.saturating_add(width) > query,
        };
        let document = |t: usize| code(t) % PREFIX;
        let together = !self.spec.documents || (code(query) != 0 && document(query) == document(key));
        code(key) != 0 && structural && together
    }

    /// One operation on random numbers.
    pub fn case(&self, part: Part) -> Case {
        let Self { spec, batch, queries, keys, head, spread } = *self;
        let mut s = Sketch::new(self.name(part));
        let mut inputs = if spec.cross {
            let q = s.around(&[batch, queries, spec.heads * head], 0.0, spread);
            vec![q, s.around(&[batch, keys, 2 * spec.kv_heads * head], 0.0, spread)]
        } else {
            vec![s.around(&[batch, queries, (spec.heads + 2 * spec.kv_heads) * head], 0.0, spread)]
        };
        let distances = [queries + keys - 1, spec.heads];
        match spec.bias {
            Bias::None => {}
            Bias::Fixed => inputs.push(s.data(&distances)),
            Bias::Learned => inputs.push(s.x(&distances)),
        }
        if spec.masked {
            inputs.push(s.key_mask(batch, keys));
        }
        let forward = s.push_all(Op::Attention(spec), &inputs);
        let terms = keys.max(head).max(queries * spec.heads / spec.kv_heads);
        match part {
            Part::Forward => s.finish(&forward, terms),
            Part::Grad => {
                inputs.extend([forward[0], forward[1], s.data(&[batch, queries, spec.heads * head])]);
                let y = s.push_all(Op::AttentionGrad(spec), &inputs);
                // A bias sums over the batch as well.
                let terms = if spec.bias == Bias::Learned { terms * batch } else { terms };
                s.finish_forward(&y, terms)
            }
            Part::Probs => {
                inputs.push(forward[1]);
                let y = s.push(Op::AttentionProbs(spec), &inputs);
                s.finish_forward(&[y], terms)
            }
        }
    }
}

pub const MASKS: [Mask; 4] = [Mask::Full, Mask::Causal, Mask::Prefix, Mask::Banded { width: 3 }];

/// B, Tq, Tk (of two sources), H, Hkv, E: they take turns.
const EXTENTS: [[usize; 6]; 5] =
    [[2, 5, 9, 4, 2, 3], [1, 9, 7, 3, 1, 5], [2, 8, 13, 4, 4, 4], [2, 7, 1, 2, 2, 1], [3, 1, 11, 2, 1, 8]];

/// Every combination of mask, bias and operands that kernels tell apart; extents, groups and dropout take turns.
pub fn combinations() -> Vec<Shape> {
    let mut shapes = Vec::new();
    for (i, mask) in MASKS.into_iter().enumerate() {
        for (j, bias) in [Bias::None, Bias::Learned].into_iter().enumerate() {
            // Key mask, documents, two sources.
            let operands =
                [[false; 3], [true, false, false], [true, true, false], [false, false, true], [true, false, true]];
            for (k, [masked, documents, cross]) in operands.into_iter().enumerate() {
                if mask == Mask::Prefix && !masked {
                    continue;
                }
                let [batch, queries, keys, heads, kv_heads, head] = EXTENTS[(i + 2 * j + k) % EXTENTS.len()];
                let dropout = ((i + k) % 2 == 1).then_some(Dropout { p: 0.2, site: 5 });
                let scale = 1.0 / (head as f64).sqrt();
                let spec = Attention { heads, kv_heads, mask, cross, bias, masked, documents, scale, dropout };
                let keys = if cross { keys } else { queries };
                shapes.push(Shape { spec, batch, queries, keys, head, spread: 1.0 });
            }
        }
    }
    shapes
}

/// Extents of their own: one of each, more than one workgroup, steep scores, one query, a bias that is fixed.
fn singular() -> Vec<Shape> {
    let mut shapes = Vec::new();
    for mask in [Mask::Full, Mask::Causal] {
        for masked in [false, true] {
            let dropped = Dropout { p: 0.2, site: 5 };
            let mut shape = Shape::packed([2, 8, 4, 4], mask).masked(masked);
            shapes.push(Shape { spread: 8.0, ..shape });
            shapes.push(shape);
            shape.spec.dropout = Some(dropped);
            shapes.push(shape);
            shapes.push(Shape::packed([1, 1, 1, 1], mask).masked(masked));
            shapes.push(Shape::packed([2, 65, 1, 7], mask).masked(masked));
        }
    }
    let mut long = Shape::packed([2, 65, 2, 3], Mask::Banded { width: 17 });
    shapes.push(long);
    long.spec.bias = Bias::Learned;
    shapes.push(long);
    (long.spec.mask, long.spec.masked, long.spec.documents) = (Mask::Prefix, true, true);
    shapes.push(long);
    // Bands of one key, of none, and of more than there are.
    for width in [0, 1, usize::MAX] {
        shapes.push(Shape::packed([1, 9, 1, 2], Mask::Banded { width }));
    }
    // Two sources of several workgroups, and one query as in decoding.
    for (queries, keys, bias) in [(33, 65, Bias::Learned), (65, 33, Bias::Fixed), (1, 67, Bias::Fixed)] {
        let mut shape = Shape::packed([1, queries, 2, 4], Mask::Full).masked(queries == 1);
        (shape.keys, shape.spec.cross, shape.spec.bias, shape.spec.kv_heads) = (keys, true, bias, 1);
        shapes.push(shape);
    }
    shapes
}

pub fn cases(part: Part) -> Vec<Case> {
    combinations().iter().chain(&singular()).map(|shape| shape.case(part)).collect()
}
