//! Attention as the stacks use it: over a sequence, over an encoder's output, and one token at a time over a cache.

use super::net::{Net, NormSpec, Role};
use super::{Extents, KeyMask, Mode};
use crate::ir::{Attention, Bias, IrError, Mask, NormKind, Op, Table, Type, ValueId};

/// What the layers of a stack have in common.
#[derive(Clone, Copy)]
pub(super) struct Heads {
    pub heads: usize,
    pub kv_heads: usize,
    pub head_dim: usize,
    pub scale: f64,
    pub mask: Mask,
    /// Dropout on the probabilities.
    pub dropout: f32,
    /// Whether queries and keys are normalized, and with which ε.
    pub qk_norm: Option<f64>,
}

/// What a stack gives its layers beside x.
#[derive(Clone, Copy, Default)]
pub(super) struct Context {
    /// u32 `[B,Tk]`.
    pub key_mask: Option<ValueId>,
    /// Whether the key mask also numbers documents.
    pub documents: bool,
    /// Added to the scores; `true` if it is trained.
    pub bias: Option<(ValueId, bool)>,
    /// Angles of rotary positions.
    pub angles: Option<ValueId>,
    /// Where a decoder that goes token by token stands.
    pub cache: Option<Cache>,
}

/// The inputs of a step that adds one token to a sequence of which keys and values are kept.
#[derive(Clone, Copy)]
pub(super) struct Cache {
    /// Tokens that there is room for.
    pub capacity: usize,
    /// Where the token stands: u32 `[1]`.
    pub position: ValueId,
    /// Its row in the table of positions: u32 `[1]`.
    pub row: ValueId,
    /// Which tokens are there: u32 `[B, capacity]`.
    pub mask: ValueId,
    /// Which of them a banded layer sees, where there are such layers: u32 `[B, capacity]`.
    pub band: Option<ValueId>,
}

impl Net {
    /// The inputs of a step over a cache, if this is one.
    pub fn cache(&mut self, extents: Extents, capacity: usize) -> Result<Option<Cache>, IrError> {
        if self.mode != Mode::Decode {
            return Ok(None);
        }
        let position = self.b.input("position", Type::u32(&[1]))?;
        let row = self.b.input("position_row", Type::u32(&[1]))?;
        let mask = self.b.input("cache_mask", Type::u32(&[extents.batch, capacity]))?;
        Ok(Some(Cache { capacity, position, row, mask, band: None }))
    }

    /// The key mask of a step, if it has one.
    pub fn key_mask(&mut self, extents: Extents, time: usize) -> Result<Option<ValueId>, IrError> {
        match extents.key_mask {
            KeyMask::None => Ok(None),
            KeyMask::Padding | KeyMask::Documents | KeyMask::Prefix => {
                self.b.input("key_mask", Type::u32(&[extents.batch, time])).map(Some)
            }
        }
    }

    /// Picks the distances from the token's place out of a table of all of them.
    pub fn distances_here(&mut self, bias: ValueId, cache: Option<Cache>) -> Result<ValueId, IrError> {
        let Some(cache) = cache else { return Ok(bias) };
        let distances = self.b.input("distances", Type::u32(&[cache.capacity]))?;
        self.b.push(Op::Embedding { padding: None }, &[bias, distances])
    }

    /// Adds rows of a table of positions, trained or fixed, from row `first` on.
    pub fn add_positions(
        &mut self,
        x: ValueId,
        table: ValueId,
        first: usize,
        cache: Option<Cache>,
    ) -> Result<ValueId, IrError> {
        match cache {
            None => {
                let dims = self.dims(x);
                let period = dims.get(1).copied().unwrap_or(1);
                self.b.push(Op::AddRows { period, first }, &[x, table])
            }
            Some(cache) => {
                let row = self.b.push(Op::Embedding { padding: None }, &[table, cache.row])?;
                self.b.push(Op::AddRows { period: 1, first: 0 }, &[x, row])
            }
        }
    }

    /// The angles of rotary positions.
    pub fn angles(&mut self, rows: usize, head_dim: usize, cache: Option<Cache>) -> Result<ValueId, IrError> {
        let table = self.b.push(Op::Table(Table::Angles { rows, head_dim, base: 10_000.0 }), &[])?;
        match cache {
            None => Ok(table),
            Some(cache) => self.b.push(Op::Embedding { padding: None }, &[table, cache.position]),
        }
    }

    /// Attention over the sequence that `qkv` was made of. `name` is that of the layer, for its parameters; `show` names the
    /// probabilities, and the cache.
    pub fn self_attention(
        &mut self,
        name: &str,
        show: &str,
        mut qkv: ValueId,
        heads: Heads,
        context: &Context,
    ) -> Result<ValueId, IrError> {
        if let Some(eps) = heads.qk_norm {
            qkv = self.normalize_heads(name, qkv, heads, eps)?;
        }
        if let Some(angles) = context.angles {
            qkv = self.b.push(Op::Rotate { heads: heads.heads + heads.kv_heads, inverse: false }, &[qkv, angles])?;
        }
        let dropout = self.dropout_site(heads.dropout);
        let (cross, mask, key_mask, projections) = match context.cache {
            None => (false, heads.mask, context.key_mask, vec![qkv]),
            Some(cache) => {
                let (q, kv) = self.split(qkv, heads)?;
                let batch = self.dims(qkv)[0];
                let state =
                    self.b.state(&format!("{show}.cache"), Type::f32(&[batch, cache.capacity, self.columns(kv)]))?;
                let kept = self.b.push(Op::Append(state), &[kv, cache.position])?;
                // What the token may see stands in the mask.
                let mask = match heads.mask {
                    Mask::Banded { .. } => cache.band.unwrap_or(cache.mask),
                    Mask::Full | Mask::Causal | Mask::Prefix => cache.mask,
                };
                (true, Mask::Full, Some(mask), vec![q, kept])
            }
        };
        let spec = Attention {
            heads: heads.heads,
            kv_heads: heads.kv_heads,
            mask,
            cross,
            bias: match context.bias {
                None => Bias::None,
                Some((_, false)) => Bias::Fixed,
                Some((_, true)) => Bias::Learned,
            },
            masked: key_mask.is_some(),
            documents: context.documents && !cross,
            scale: heads.scale,
            dropout,
        };
        let inputs = projections.into_iter().chain(context.bias.map(|(bias, _)| bias)).chain(key_mask);
        self.attend(show, spec, &inputs.collect::<Vec<_>>())
    }

    /// Attention of `q` over an encoder's keys and values. A step over a cache finds them there; `kv` makes them otherwise.
    pub fn cross_attention(
        &mut self,
        show: &str,
        q: ValueId,
        kv: ValueId,
        heads: Heads,
        key_mask: Option<ValueId>,
    ) -> Result<ValueId, IrError> {
        let spec = Attention {
            cross: true,
            masked: key_mask.is_some(),
            kv_heads: heads.kv_heads,
            dropout: self.dropout_site(heads.dropout),
            ..Attention::packed(heads.heads, Mask::Full, heads.scale)
        };
        let inputs: Vec<ValueId> = [q, kv].into_iter().chain(key_mask).collect();
        self.attend(show, spec, &inputs)
    }

    fn attend(&mut self, show: &str, spec: Attention, inputs: &[ValueId]) -> Result<ValueId, IrError> {
        let outputs = self.b.push_all(Op::Attention(spec), inputs)?;
        if self.mode.attention() {
            let inputs: Vec<ValueId> = inputs.iter().copied().chain([outputs[1]]).collect();
            let probs = self.b.push(Op::AttentionProbs(Attention { dropout: None, ..spec }), &inputs)?;
            self.b.output(show, probs); // (B, H, Tq, Tk)
        }
        Ok(outputs[0])
    }

    /// Queries, and keys with values.
    fn split(&mut self, qkv: ValueId, heads: Heads) -> Result<(ValueId, ValueId), IrError> {
        let (q, kv) = (heads.heads * heads.head_dim, 2 * heads.kv_heads * heads.head_dim);
        Ok((
            self.b.push(Op::Columns { start: 0, count: q }, &[qkv])?,
            self.b.push(Op::Columns { start: q, count: kv }, &[qkv])?,
        ))
    }

    /// Each head's query and key by its root mean square.
    fn normalize_heads(&mut self, name: &str, qkv: ValueId, heads: Heads, eps: f64) -> Result<ValueId, IrError> {
        let dims = self.dims(qkv);
        let (width, rows) = (self.columns(qkv), dims[..dims.len() - 1].to_vec());
        let mut start = 0;
        let mut sum = None;
        for (part, count) in [("q_norm", heads.heads), ("k_norm", heads.kv_heads), ("", heads.kv_heads)] {
            let columns = count * heads.head_dim;
            let mut x = self.b.push(Op::Columns { start, count: columns }, &[qkv])?;
            if !part.is_empty() {
                let by_head = [&rows[..], &[count, heads.head_dim]].concat();
                x = self.reshape(x, &by_head)?;
                let spec = NormSpec { kind: NormKind::Rms, eps, bias: false };
                x = self.norm(&format!("{name}.{part}"), x, spec)?;
                x = self.reshape(x, &[&rows[..], &[columns]].concat())?;
            }
            let padded = self.b.push(Op::PadColumns { start, width }, &[x])?;
            sum = Some(match sum {
                None => padded,
                Some(sum) => self.b.push(Op::Add, &[sum, padded])?,
            });
            start += columns;
        }
        Ok(sum.unwrap_or(qkv))
    }

    /// The relative positions of T5: a trained number for each bucket of distances and head, `[Tq + Tk - 1, H]`.
    pub fn relative_bias(
        &mut self,
        name: &str,
        table: Table,
        [buckets, heads]: [usize; 2],
        std: f64,
        cache: Option<Cache>,
    ) -> Result<ValueId, IrError> {
        let weight = self.matrix(&format!("{name}.weight"), [buckets, heads], std, Role::Table)?;
        let ids = self.b.push(Op::Table(table), &[])?;
        let bias = self.b.push(Op::Embedding { padding: None }, &[weight, ids])?;
        self.distances_here(bias, cache)
    }

    /// Keys and values of an encoder's output that [`Net::keep`] has kept, `[B,S,2·Hkv·E]`.
    pub fn kept(&mut self, layer: usize, dims: [usize; 3]) -> Result<ValueId, IrError> {
        let state = self.b.state(&cross_cache(layer), Type::f32(&dims))?;
        self.b.push(Op::State(state), &[])
    }

    /// Keeps keys and values of an encoder's output for the steps to come.
    pub fn keep(&mut self, layer: usize, kv: ValueId) -> Result<(), IrError> {
        let state = self.b.state(&cross_cache(layer), Type::f32(&self.dims(kv)))?;
        self.b.push(Op::Store(state), &[kv]).map(|_| ())
    }
}

fn cross_cache(layer: usize) -> String {
    format!("cross.attention.{layer}.cache")
}
