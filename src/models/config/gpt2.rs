use super::limits::{self, Extent};
use super::macros::config;
use crate::ir::{Activation, NormKind};
use crate::models::{ModelError, NormPlacement, Options, Position};

config! {
    /// GPT-2 as Hugging Face's `GPT2Config` describes it, with its defaults.
    Gpt2Config, "gpt2", Options::plain(NormPlacement::Pre), {
        /// Rows of the token embedding V.
        vocab_size: usize = 50_257, "vocab_size";
        /// Rows of the position embedding P, and the longest context.
        n_positions: usize = 1024, "n_positions";
        /// Width d.
        n_embd: usize = 768, "n_embd";
        /// Blocks L.
        n_layer: usize = 12, "n_layer";
        /// Heads H.
        n_head: usize = 12, "n_head";
        /// Width of the feed-forward layer; `None` is 4 d.
        n_inner: Option<usize> = None, "n_inner";
        /// Nonlinearity of the feed-forward layer.
        activation: Activation = Activation::GeluTanh, "activation_function";
        /// Dropout on both projections into the residual stream.
        resid_pdrop: f32 = 0.1, "resid_pdrop";
        /// Dropout on the embeddings.
        embd_pdrop: f32 = 0.1, "embd_pdrop";
        /// Dropout on attention probabilities.
        attn_pdrop: f32 = 0.1, "attn_pdrop";
        /// Dropout before the projection of [`super::Head::Token`]; `None` is 0.1.
        classifier_dropout: Option<f32> = None, "classifier_dropout";
        /// ε of the norms.
        layer_norm_epsilon: f64 = 1e-5, "layer_norm_epsilon";
        /// Standard deviation of initial weights.
        initializer_range: f64 = 0.02, "initializer_range";
        /// Whether scores are divided by √(d/H).
        scale_attn_weights: bool = true, "scale_attn_weights";
        /// Whether scores of layer i are divided by i + 1 as well.
        scale_attn_by_inverse_layer_idx: bool = false, "scale_attn_by_inverse_layer_idx";
        /// Whether the output projection is the token embedding.
        tie_word_embeddings: bool = true, "tie_word_embeddings";
        /// First token of a text, if the tokenizer has one.
        bos_token_id: Option<u32> = Some(50_256), "bos_token_id";
        /// Last token of a text, if the tokenizer has one.
        eos_token_id: Option<u32> = Some(50_256), "eos_token_id";
        /// Padding token, if the tokenizer has one.
        pad_token_id: Option<u32> = None, "pad_token_id";
    }
}

impl Gpt2Config {
    /// Width of the feed-forward layer.
    #[must_use]
    pub fn inner(&self) -> usize {
        self.n_inner.unwrap_or(4 * self.n_embd)
    }

    /// Columns of a head.
    #[must_use]
    pub fn head_dim(&self) -> usize {
        self.n_embd / self.n_head
    }

    /// Heads of keys and values.
    #[must_use]
    pub fn kv_heads(&self) -> usize {
        self.options.kv_heads.unwrap_or(self.n_head)
    }

    /// Checks what concerns more than one key.
    ///
    /// # Errors
    /// When heads do not divide the width, or something exceeds its limit.
    pub fn check(&self) -> Result<(), ModelError> {
        limits::check(&[
            Extent::layers("n_layer", self.n_layer),
            Extent::positions("n_positions", self.n_positions),
            Extent::width("n_embd", self.n_embd),
            Extent::inner("n_inner", self.inner()),
            Extent::vocabulary("vocab_size", self.vocab_size),
        ])?;
        limits::heads("n_head", self.n_head, "n_embd", self.n_embd)?;
        self.options.check(self.n_head, self.n_embd)?;
        limits::parameters(self.parameters())
    }

    /// Number of trainable elements of the language model, tied ones once.
    #[must_use]
    pub fn parameters(&self) -> u64 {
        let [v, p, d, f, l] =
            [self.vocab_size, self.n_positions, self.n_embd, self.inner(), self.n_layer].map(|n| n as u64);
        let o = self.options;
        let [bias, gates] = [u64::from(o.bias), 1 + u64::from(o.gated)];
        let norm = d * (1 + u64::from(o.bias && o.norm_kind == NormKind::Layer));
        let qkv = d + 2 * (self.kv_heads() * self.head_dim()) as u64;
        let qk_norm = if o.qk_norm { 2 * self.head_dim() as u64 } else { 0 };
        let block = d * qkv + d * d + (gates + 1) * d * f + bias * (qkv + d + gates * f + d) + 2 * norm + qk_norm;
        let positions = if o.position == Position::Learned { p * d } else { 0 };
        let last = if o.norm == NormPlacement::Pre { norm } else { 0 };
        let head = if self.tie_word_embeddings { 0 } else { v * d };
        v * d + positions + l * block + last + head
    }
}
