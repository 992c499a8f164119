//! What Hugging Face's configurations cannot say: the choices that came after GPT-2 and BERT, for either. They stand under
//! the key `trainyard` of `config.json`.

use serde_json::{Map, Value};

use super::value::Setting;
use crate::ir::NormKind;
use crate::models::ModelError;

/// Where a block normalizes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NormPlacement {
    /// Before each sublayer, and once at the end: GPT-2.
    Pre,
    /// After each residual sum, and not at the end: BERT, GPT-1 and the original Transformer.
    Post,
}

/// How a stack knows the order of its tokens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Position {
    /// A trained vector for each position, added to the embedding.
    Learned,
    /// Sines and cosines, added to the embedding (Vaswani et al. 2017).
    Sinusoidal,
    /// Queries and keys turn with their position (Su et al. 2021).
    Rotary,
    /// Scores fall with the distance (Press et al. 2022).
    Alibi,
    /// Not at all; a causal mask still gives it away.
    None,
}

/// Choices of a stack.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Options {
    /// Whether projections and layer norms have biases.
    pub bias: bool,
    /// Where a block normalizes.
    pub norm: NormPlacement,
    /// How a block normalizes (root mean square: Zhang & Sennrich 2019).
    pub norm_kind: NormKind,
    /// How the stack knows the order.
    pub position: Position,
    /// Whether the feed-forward layer is gated: `f(a)·b` (Shazeer 2020).
    pub gated: bool,
    /// Heads of keys and values; `None` is as many as heads of queries (Ainslie et al. 2023).
    pub kv_heads: Option<usize>,
    /// Whether each head's queries and keys are normalized (Henry et al. 2020, with the root mean square).
    pub qk_norm: bool,
    /// Every second layer, from the second on, sees only this many keys: GPT-3's locally banded attention.
    pub band: Option<usize>,
}

impl Options {
    /// GPT-2's and BERT's choices, apart from where they normalize.
    #[must_use]
    pub const fn plain(norm: NormPlacement) -> Self {
        Self {
            bias: true,
            norm,
            norm_kind: NormKind::Layer,
            position: Position::Learned,
            gated: false,
            kv_heads: None,
            qk_norm: false,
            band: None,
        }
    }

    /// Sets one key; returns whether there is one of this name.
    pub(super) fn set(&mut self, key: &str, value: &Value) -> Result<bool, ModelError> {
        match key {
            "bias" => self.bias = Setting::read(key, value)?,
            "norm" => self.norm = Setting::read(key, value)?,
            "norm_kind" => self.norm_kind = Setting::read(key, value)?,
            "position" => self.position = Setting::read(key, value)?,
            "gated" => self.gated = Setting::read(key, value)?,
            "kv_heads" => self.kv_heads = Setting::read(key, value)?,
            "qk_norm" => self.qk_norm = Setting::read(key, value)?,
            "band" => self.band = Setting::read(key, value)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn entries(self) -> [(&'static str, Value); 8] {
        [
            ("bias", self.bias.write()),
            ("norm", self.norm.write()),
            ("norm_kind", self.norm_kind.write()),
            ("position", self.position.write()),
            ("gated", self.gated.write()),
            ("kv_heads", self.kv_heads.write()),
            ("qk_norm", self.qk_norm.write()),
            ("band", self.band.write()),
        ]
    }

    /// The value of a key; null where there is none of this name.
    pub(super) fn get(self, key: &str) -> Value {
        self.entries().into_iter().find(|(name, _)| *name == key).map_or(Value::Null, |(_, value)| value)
    }

    /// What differs from `plain`, for the key `trainyard`.
    pub(super) fn to_map(self, plain: Self) -> Map<String, Value> {
        let differs = self.entries().into_iter().zip(plain.entries()).filter(|(mine, plain)| mine.1 != plain.1);
        differs.map(|((key, value), _)| (key.to_owned(), value)).collect()
    }

    /// Checks what concerns heads.
    pub(super) fn check(self, heads: usize, width: usize) -> Result<(), ModelError> {
        let kv_heads = self.kv_heads.unwrap_or(heads);
        if !heads.is_multiple_of(kv_heads) {
            return Err(ModelError::Groups { heads, kv_heads });
        }
        if self.position == Position::Rotary && !(width / heads.max(1)).is_multiple_of(2) {
            return Err(ModelError::Rotary { head_dim: width / heads.max(1) });
        }
        Ok(())
    }
}
