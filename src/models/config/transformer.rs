use super::limits::{self, Extent};
use super::macros::config;
use crate::ir::Activation;
use crate::models::{ModelError, NormPlacement, Options, Position};

config! {
    /// The original Transformer (Vaswani et al. 2017), as *Dive into Deep Learning* builds it. Hugging Face has no such class;
    /// the keys are those of its encoder–decoders.
    TransformerConfig, "transformer", Options { position: Position::Sinusoidal, ..Options::plain(NormPlacement::Post) }, {
        /// Rows of the source embedding.
        vocab_size: usize = 32_000, "vocab_size";
        /// Rows of the target embedding; `None` is as many.
        target_vocab_size: Option<usize> = None, "target_vocab_size";
        /// Longest text.
        max_position_embeddings: usize = 1024, "max_position_embeddings";
        /// Width d.
        d_model: usize = 512, "d_model";
        /// Blocks of the encoder.
        encoder_layers: usize = 6, "encoder_layers";
        /// Blocks of the decoder.
        decoder_layers: usize = 6, "decoder_layers";
        /// Heads H.
        num_heads: usize = 8, "num_heads";
        /// Width of the feed-forward layers.
        d_ff: usize = 2048, "d_ff";
        /// Nonlinearity of the feed-forward layers.
        activation: Activation = Activation::Relu, "activation_function";
        /// Dropout on embeddings, attention probabilities and every branch of the residual stream.
        dropout: f32 = 0.1, "dropout";
        /// ε of the norms.
        layer_norm_eps: f64 = 1e-5, "layer_norm_eps";
        /// First token of a text, and what the decoder starts with.
        bos_token_id: u32 = 2, "bos_token_id";
        /// Padding token.
        pad_token_id: u32 = 0, "pad_token_id";
        /// Last token of a text.
        eos_token_id: u32 = 1, "eos_token_id";
    }
}

impl TransformerConfig {
    /// Rows of the target embedding.
    #[must_use]
    pub fn target_vocabulary(&self) -> usize {
        self.target_vocab_size.unwrap_or(self.vocab_size)
    }

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
            Extent::inner("d_ff", self.d_ff),
            Extent::vocabulary("vocab_size", self.vocab_size),
            Extent::vocabulary("target_vocab_size", self.target_vocabulary()),
        ])?;
        limits::heads("num_heads", self.num_heads, "d_model", self.d_model)?;
        let [v, w, d, f, le, ld] = [
            self.vocab_size,
            self.target_vocabulary(),
            self.d_model,
            self.d_ff,
            self.encoder_layers,
            self.decoder_layers,
        ]
        .map(|n| n as u64);
        limits::parameters((v + 2 * w) * d + le * (4 * d * d + 2 * d * f) + ld * (8 * d * d + 2 * d * f))
    }
}
