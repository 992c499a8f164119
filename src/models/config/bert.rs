use super::limits::{self, Extent};
use super::macros::config;
use crate::ir::Activation;
use crate::models::{ModelError, NormPlacement, Options};

config! {
    /// BERT as Hugging Face's `BertConfig` describes it, with its defaults.
    BertConfig, "bert", Options::plain(NormPlacement::Post), {
        /// Rows of the token embedding V.
        vocab_size: usize = 30_522, "vocab_size";
        /// Width d.
        hidden_size: usize = 768, "hidden_size";
        /// Blocks L.
        num_hidden_layers: usize = 12, "num_hidden_layers";
        /// Heads H.
        num_attention_heads: usize = 12, "num_attention_heads";
        /// Width of the feed-forward layer.
        intermediate_size: usize = 3072, "intermediate_size";
        /// Nonlinearity of the feed-forward layer and of the transform before the vocabulary.
        activation: Activation = Activation::GeluErf, "hidden_act";
        /// Dropout on embeddings and on both projections into the residual stream.
        hidden_dropout_prob: f32 = 0.1, "hidden_dropout_prob";
        /// Dropout on attention probabilities.
        attention_probs_dropout_prob: f32 = 0.1, "attention_probs_dropout_prob";
        /// Dropout before a classifier; `None` is that of the hidden states.
        classifier_dropout: Option<f32> = None, "classifier_dropout";
        /// Rows of the position embedding P, and the longest text.
        max_position_embeddings: usize = 512, "max_position_embeddings";
        /// Token types: the texts of a pair.
        type_vocab_size: usize = 2, "type_vocab_size";
        /// Standard deviation of initial weights.
        initializer_range: f64 = 0.02, "initializer_range";
        /// ε of the norms.
        layer_norm_eps: f64 = 1e-12, "layer_norm_eps";
        /// Whether the output projection is the token embedding.
        tie_word_embeddings: bool = true, "tie_word_embeddings";
        /// Padding token: its embedding starts at 0 and has no gradient as an input.
        pad_token_id: Option<u32> = Some(0), "pad_token_id";
    }
}

impl BertConfig {
    /// Columns of a head.
    #[must_use]
    pub fn head_dim(&self) -> usize {
        self.hidden_size / self.num_attention_heads
    }

    /// Heads of keys and values.
    #[must_use]
    pub fn kv_heads(&self) -> usize {
        self.options.kv_heads.unwrap_or(self.num_attention_heads)
    }

    /// Checks what concerns more than one key.
    ///
    /// # Errors
    /// When heads do not divide the width, or something exceeds its limit.
    pub fn check(&self) -> Result<(), ModelError> {
        limits::check(&[
            Extent::layers("num_hidden_layers", self.num_hidden_layers),
            Extent::positions("max_position_embeddings", self.max_position_embeddings),
            Extent::positions("type_vocab_size", self.type_vocab_size),
            Extent::width("hidden_size", self.hidden_size),
            Extent::inner("intermediate_size", self.intermediate_size),
            Extent::vocabulary("vocab_size", self.vocab_size),
        ])?;
        limits::heads("num_attention_heads", self.num_attention_heads, "hidden_size", self.hidden_size)?;
        self.options.check(self.num_attention_heads, self.hidden_size)?;
        let [v, p, d, f, l, t] = [
            self.vocab_size,
            self.max_position_embeddings,
            self.hidden_size,
            self.intermediate_size,
            self.num_hidden_layers,
            self.type_vocab_size,
        ]
        .map(|n| n as u64);
        limits::parameters((v + p + t) * d + l * (4 * d * d + 3 * d * f))
    }
}
