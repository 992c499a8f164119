use super::limits::{self, Extent};
use super::macros::config;
use crate::ir::Activation;
use crate::models::{ModelError, NormPlacement, Options};

config! {
    /// BART as Hugging Face's `BartConfig` describes it, with its defaults.
    BartConfig, "bart", Options::plain(NormPlacement::Post), {
        /// Rows of the token embedding V.
        vocab_size: usize = 50_265, "vocab_size";
        /// Positions P; the tables have two rows more.
        max_position_embeddings: usize = 1024, "max_position_embeddings";
        /// Width d.
        d_model: usize = 1024, "d_model";
        /// Blocks of the encoder.
        encoder_layers: usize = 12, "encoder_layers";
        /// Heads of the encoder.
        encoder_attention_heads: usize = 16, "encoder_attention_heads";
        /// Width of the encoder's feed-forward layer.
        encoder_ffn_dim: usize = 4096, "encoder_ffn_dim";
        /// Blocks of the decoder.
        decoder_layers: usize = 12, "decoder_layers";
        /// Heads of the decoder.
        decoder_attention_heads: usize = 16, "decoder_attention_heads";
        /// Width of the decoder's feed-forward layer.
        decoder_ffn_dim: usize = 4096, "decoder_ffn_dim";
        /// Nonlinearity of the feed-forward layers.
        activation: Activation = Activation::GeluErf, "activation_function";
        /// Dropout on embeddings and on every branch of the residual stream.
        dropout: f32 = 0.1, "dropout";
        /// Dropout on attention probabilities.
        attention_dropout: f32 = 0.0, "attention_dropout";
        /// Dropout after the nonlinearity of a feed-forward layer.
        activation_dropout: f32 = 0.0, "activation_dropout";
        /// Dropout in the classification head.
        classifier_dropout: f32 = 0.0, "classifier_dropout";
        /// Standard deviation of initial weights.
        init_std: f64 = 0.02, "init_std";
        /// Whether embeddings are multiplied by √d.
        scale_embedding: bool = false, "scale_embedding";
        /// First token of a text.
        bos_token_id: u32 = 0, "bos_token_id";
        /// Padding token: its embedding starts at 0 and has no gradient as an input.
        pad_token_id: u32 = 1, "pad_token_id";
        /// Last token of a text.
        eos_token_id: u32 = 2, "eos_token_id";
        /// What the decoder starts with; `None` is the last token of a text.
        decoder_start_token_id: Option<u32> = Some(2), "decoder_start_token_id";
        /// What generation ends with when it reaches its limit.
        forced_eos_token_id: Option<u32> = Some(2), "forced_eos_token_id";
    }
}

impl BartConfig {
    /// Checks what concerns more than one key.
    ///
    /// # Errors
    /// When heads do not divide the width, or something exceeds its limit.
    pub fn check(&self) -> Result<(), ModelError> {
        limits::no_options(self.options, Self::default().options)?;
        limits::check(&[
            Extent::layers("encoder_layers", self.encoder_layers),
            Extent::layers("decoder_layers", self.decoder_layers),
            Extent::positions("max_position_embeddings", self.max_position_embeddings),
            Extent::width("d_model", self.d_model),
            Extent::inner("encoder_ffn_dim", self.encoder_ffn_dim),
            Extent::inner("decoder_ffn_dim", self.decoder_ffn_dim),
            Extent::vocabulary("vocab_size", self.vocab_size),
        ])?;
        limits::heads("encoder_attention_heads", self.encoder_attention_heads, "d_model", self.d_model)?;
        limits::heads("decoder_attention_heads", self.decoder_attention_heads, "d_model", self.d_model)?;
        let [v, p, d, e, f, le, ld] = [
            self.vocab_size,
            self.max_position_embeddings,
            self.d_model,
            self.encoder_ffn_dim,
            self.decoder_ffn_dim,
            self.encoder_layers,
            self.decoder_layers,
        ]
        .map(|n| n as u64);
        limits::parameters((v + 2 * p) * d + le * (4 * d * d + 2 * d * e) + ld * (8 * d * d + 2 * d * f))
    }
}
