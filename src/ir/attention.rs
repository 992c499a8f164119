//! Who attends to whom: what attention, its gradient and its probabilities share.

use super::{Dropout, Type};

/// Which keys a query may attend to, before what the key mask hides. q and k count from 0 in their own sequences.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mask {
    /// All of them: encoders, and decoders that look at an encoder.
    Full,
    /// `k ≤ q`: decoders.
    Causal,
    /// `k ≤ q`, or the key is marked by [`PREFIX`] in the key mask: the prefix language model of Raffel et al. 2020.
    Prefix,
    /// `q - width < k ≤ q`: the locally banded layers of GPT-3 (Child et al. 2019).
    Banded {
        /// How many keys a query sees, itself included.
        width: usize,
    },
}

impl Mask {
    /// The structural part of the rule; of [`Mask::Prefix`] what holds for keys that are not marked.
    #[must_use]
    pub const fn allows(self, query: usize, key: usize) -> bool {
        match self {
            Self::Full => true,
            Self::Causal | Self::Prefix => key <= query,
            Self::Banded { width } => key <= query && query - key < width,
        }
    }
}

/// In a key mask, marks a key that every query of its document may see under [`Mask::Prefix`].
pub const PREFIX: u32 = 1 << 31;

/// A number added to the scores that depends on head and distance alone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Bias {
    /// None.
    None,
    /// Without gradient: ALiBi (Press et al. 2022).
    Fixed,
    /// With gradient: the relative positions of T5 (Raffel et al. 2020).
    Learned,
}

/// Multi-head attention. Its inputs, in this order:
///
/// - the projections: `qkv [B,T,(H + 2·Hkv)·E]`, which holds H heads of E columns of queries, then Hkv heads of keys, then
///   of values; or, with `cross`, `q [B,Tq,H·E]` and `kv [B,Tk,2·Hkv·E]`. Query head h reads key head `h / (H/Hkv)`;
/// - with a `bias`: `[Tq + Tk - 1, H]`, of which row `k - q + Tq - 1` is added to the scaled score of (q, k);
/// - if `masked`: the key mask u32 `[B,Tk]`: 0 hides a key, otherwise the low 31 bits number its document.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Attention {
    /// Heads H of queries.
    pub heads: usize,
    /// Heads Hkv of keys and values; a divisor of H (Ainslie et al. 2023).
    pub kv_heads: usize,
    /// Structural mask.
    pub mask: Mask,
    /// Whether queries come from another tensor than keys and values.
    pub cross: bool,
    /// Whether a bias is added to the scores.
    pub bias: Bias,
    /// Whether there is a key mask.
    pub masked: bool,
    /// Whether a query sees only keys of its own document, as the key mask numbers them. Not with `cross`.
    pub documents: bool,
    /// Multiplies `q·k`.
    pub scale: f64,
    /// Dropout on the probabilities.
    pub dropout: Option<Dropout>,
}

impl Attention {
    /// Self-attention over a packed projection, as many key heads as heads, no bias, no key mask, no dropout.
    #[must_use]
    pub const fn packed(heads: usize, mask: Mask, scale: f64) -> Self {
        Self {
            heads,
            kv_heads: heads,
            mask,
            cross: false,
            bias: Bias::None,
            masked: false,
            documents: false,
            scale,
            dropout: None,
        }
    }

    /// How many inputs the projections are.
    #[must_use]
    pub const fn projections(&self) -> usize {
        if self.cross { 2 } else { 1 }
    }

    /// The place of the bias among the inputs.
    #[must_use]
    pub const fn bias_input(&self) -> Option<usize> {
        match self.bias {
            Bias::None => None,
            Bias::Fixed | Bias::Learned => Some(self.projections()),
        }
    }

    /// The place of the key mask among the inputs.
    #[must_use]
    pub const fn mask_input(&self) -> Option<usize> {
        match (self.masked, self.bias_input()) {
            (false, _) => None,
            (true, Some(bias)) => Some(bias + 1),
            (true, None) => Some(self.projections()),
        }
    }

    /// How many inputs there are.
    #[must_use]
    pub const fn inputs(&self) -> usize {
        self.projections() + self.bias_input().is_some() as usize + self.masked as usize
    }
}

/// Extents of an attention, read off its projections.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AttentionShape {
    /// B.
    pub batch: usize,
    /// Tq.
    pub queries: usize,
    /// Tk.
    pub keys: usize,
    /// E: columns of a head.
    pub head_dim: usize,
}

impl AttentionShape {
    /// Rows of a bias: one for each distance.
    #[must_use]
    pub const fn distances(&self) -> usize {
        self.queries + self.keys - 1
    }
}

impl Attention {
    /// The extents, if the projections have the shape that they must have.
    #[must_use]
    pub fn shape(&self, projections: &[&Type]) -> Option<AttentionShape> {
        let dims = |i: usize| projections.get(i).map_or(&[][..], |ty| ty.shape.dims());
        if self.heads == 0 || self.kv_heads == 0 || !self.heads.is_multiple_of(self.kv_heads) {
            return None;
        }
        let (shape, widths) = match (self.cross, dims(0), dims(1)) {
            (false, &[batch, time, width], _) => {
                let head_dim = width / (self.heads + 2 * self.kv_heads);
                let shape = AttentionShape { batch, queries: time, keys: time, head_dim };
                (shape, [(width, self.heads + 2 * self.kv_heads), (0, 0)])
            }
            (true, &[batch, queries, q], &[other, keys, kv]) if batch == other => {
                let shape = AttentionShape { batch, queries, keys, head_dim: q / self.heads };
                (shape, [(q, self.heads), (kv, 2 * self.kv_heads)])
            }
            _ => return None,
        };
        (shape.head_dim > 0 && widths.iter().all(|&(width, heads)| width == heads * shape.head_dim)).then_some(shape)
    }
}
