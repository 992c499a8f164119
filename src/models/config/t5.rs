use serde_json::{Value, json};

use super::limits::{self, Extent};
use super::macros::config;
use super::value::{Setting, wrong};
use crate::ir::Activation;
use crate::models::{ModelError, NormPlacement, Options};

/// The feed-forward layer of T5: `feed_forward_proj`.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct FeedForward {
    /// Nonlinearity.
    pub activation: Activation,
    /// Whether it is gated, as in v1.1.
    pub gated: bool,
}

/// Hugging Face reads "gated-gelu" as the tanh form, and otherwise the name behind "gated-".
impl Setting for FeedForward {
    fn read(key: &str, value: &Value) -> Result<Self, ModelError> {
        let name = value.as_str().ok_or_else(|| wrong(key, value, "\"relu\", \"gated-gelu\" or the like"))?;
        let (gated, name) = name.strip_prefix("gated-").map_or((false, name), |name| (true, name));
        let name = if gated && name == "gelu" { "gelu_new" } else { name };
        Ok(Self { activation: Activation::read(key, &json!(name))?, gated })
    }

    fn write(&self) -> Value {
        let name = self.activation.write();
        let name = name.as_str().unwrap_or_default();
        match (self.gated, self.activation) {
            (true, Activation::GeluTanh) => json!("gated-gelu"),
            (true, _) => json!(format!("gated-{name}")),
            (false, _) => json!(name),
        }
    }
}

config! {
    /// T5 as Hugging Face's `T5Config` describes it, with its defaults: v1.0, and with `gated-gelu` and untied embeddings v1.1.
    T5Config, "t5", Options { bias: false, ..Options::plain(NormPlacement::Pre) }, {
        /// Rows of the token embedding V.
        vocab_size: usize = 32_128, "vocab_size";
        /// Width d.
        d_model: usize = 512, "d_model";
        /// Columns of a head; heads times this may differ from d.
        d_kv: usize = 64, "d_kv";
        /// Width of the feed-forward layer.
        d_ff: usize = 2048, "d_ff";
        /// Blocks of the encoder.
        num_layers: usize = 6, "num_layers";
        /// Blocks of the decoder; `None` is as many.
        num_decoder_layers: Option<usize> = None, "num_decoder_layers";
        /// Heads H.
        num_heads: usize = 8, "num_heads";
        /// Buckets of relative positions.
        relative_attention_num_buckets: usize = 32, "relative_attention_num_buckets";
        /// Distances from here on share a bucket.
        relative_attention_max_distance: usize = 128, "relative_attention_max_distance";
        /// Dropout, everywhere.
        dropout_rate: f32 = 0.1, "dropout_rate";
        /// ε of the norms.
        layer_norm_epsilon: f64 = 1e-6, "layer_norm_epsilon";
        /// Multiplies all standard deviations of initial weights.
        initializer_factor: f64 = 1.0, "initializer_factor";
        /// The feed-forward layer.
        feed_forward_proj: FeedForward = FeedForward { activation: Activation::Relu, gated: false }, "feed_forward_proj";
        /// Whether the output projection is the token embedding.
        tie_word_embeddings: bool = true, "tie_word_embeddings";
        /// Padding token.
        pad_token_id: u32 = 0, "pad_token_id";
        /// Last token of a text.
        eos_token_id: u32 = 1, "eos_token_id";
        /// What the decoder starts with; `None` is the padding token.
        decoder_start_token_id: Option<u32> = None, "decoder_start_token_id";
    }
}

impl T5Config {
    /// Blocks of the decoder.
    #[must_use]
    pub fn decoder_layers(&self) -> usize {
        self.num_decoder_layers.unwrap_or(self.num_layers)
    }

    /// Columns of all heads.
    #[must_use]
    pub fn inner(&self) -> usize {
        self.num_heads * self.d_kv
    }

    /// Checks what concerns more than one key.
    ///
    /// # Errors
    /// When something exceeds its limit, or the buckets are no buckets.
    pub fn check(&self) -> Result<(), ModelError> {
        limits::no_options(self.options, Self::default().options)?;
        limits::check(&[
            Extent::layers("num_layers", self.num_layers),
            Extent::layers("num_decoder_layers", self.decoder_layers()),
            Extent::width("d_model", self.d_model),
            Extent::width("d_kv", self.d_kv),
            Extent::width("num_heads", self.num_heads),
            Extent::width("num_heads · d_kv", self.num_heads.saturating_mul(self.d_kv)),
            Extent::inner("d_ff", self.d_ff),
            Extent::vocabulary("vocab_size", self.vocab_size),
            Extent::positions("relative_attention_num_buckets", self.relative_attention_num_buckets),
            Extent::positions("relative_attention_max_distance", self.relative_attention_max_distance),
        ])?;
        let (buckets, distance) = (self.relative_attention_num_buckets, self.relative_attention_max_distance);
        // The encoder halves the buckets, each half keeps half of its own for single distances.
        if buckets < 4 || distance <= buckets / 2 {
            return Err(ModelError::Buckets { buckets, distance });
        }
        let [v, d, i, f] = [self.vocab_size, self.d_model, self.inner(), self.d_ff].map(|n| n as u64);
        let [encoder, decoder] = [self.num_layers, self.decoder_layers()].map(|n| n as u64);
        limits::parameters(2 * v * d + encoder * (4 * d * i + 3 * d * f) + decoder * (8 * d * i + 3 * d * f))
    }
}
