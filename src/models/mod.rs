//! Networks as graphs, with Hugging Face's names and shapes, so that checkpoints need no translation table.
//!
//! A model file reads beside its paper: it declares parameters and pushes primitive operations, nothing else. Which
//! step the graph is for ([`Mode`]) decides on dropout and on what is shown; gradients are [`crate::autodiff`]'s.
//! The configuration is Hugging Face's `config.json`; what that cannot say stands under its key `trainyard`.
//!
//! The three modes of the chapter are three assemblies of the same parts (`net`, `attend`, `outputs`): an encoder (BERT),
//! a decoder (GPT), and a decoder with attention over an encoder (T5, BART, the original Transformer).

mod attend;
mod bart;
mod bert;
pub mod config;
mod error;
mod gpt;
mod head;
mod init;
mod net;
mod outputs;
mod t5;
mod transformer;

pub use config::{
    Architecture, BartConfig, BertConfig, Config, Decay, Family, FeedForward, Gpt2Config, NormPlacement, Options,
    Position, T5Config, TransformerConfig,
};
pub use error::ModelError;
pub use head::{Head, Labels, Model, Problem};
pub use init::{initial_values, known_answer_values};

/// What a graph is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// Dropout on; outputs `loss`.
    Train,
    /// Dropout off; outputs `loss` and the logits.
    Evaluate,
    /// Dropout off; outputs the logits and the attention probabilities. No loss.
    Inspect,
    /// Dropout off; everything a known answer may ask for: loss, logits, hidden states, attention probabilities.
    Everything,
    /// The encoder's part of a generation: keeps its keys and values for the decoder. No outputs.
    Encode,
    /// One more token of each sequence, over the keys and values of those before it; outputs the logits.
    ///
    /// The sequence that grows has room for [`Extents::target`] tokens, in a decoder-only model for [`Extents::time`]. Its inputs,
    /// beside `ids` or `decoder_ids` `[B,1]`: `position` u32 `[1]`, `position_row` u32 `[1]` (see
    /// [`Model::position_row`]), `cache_mask` u32 `[B, room]`, 1 = the token is there, and where positions are relative
    /// `distances` u32 `[room]`: `k - position + room - 1` for each k; where layers are banded `band_mask` u32 `[B, room]`, of the
    /// tokens that are there those that such a layer sees.
    Decode,
}

impl Mode {
    const fn dropout(self) -> bool {
        matches!(self, Self::Train)
    }

    const fn loss(self) -> bool {
        matches!(self, Self::Train | Self::Evaluate | Self::Everything)
    }

    const fn logits(self) -> bool {
        !matches!(self, Self::Train)
    }

    const fn attention(self) -> bool {
        matches!(self, Self::Inspect | Self::Everything)
    }
}

/// What the input `key_mask` says, if there is one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum KeyMask {
    /// There is none.
    #[default]
    None,
    /// Which keys are there.
    Padding,
    /// Which document a key belongs to. Positions come as an input, `position_ids`.
    Documents,
    /// Which keys are there, and which of them everyone may see ([`crate::ir::PREFIX`]).
    Prefix,
}

/// Extents of the data of a step.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Extents {
    /// Sequences B.
    pub batch: usize,
    /// Tokens of a sequence: T, or S where there is an encoder and a decoder.
    pub time: usize,
    /// Tokens of the decoder's sequence T, where there is an encoder.
    pub target: usize,
    /// The key mask u32 `[B,time]`.
    pub key_mask: KeyMask,
    /// How many rows are projected to the vocabulary: those that the input `rows` u32 names. `None` is all of them.
    pub rows: Option<usize>,
}

impl Extents {
    /// A decoder-only step without padding.
    #[must_use]
    pub const fn decoder(batch: usize, time: usize) -> Self {
        Self { batch, time, target: 0, key_mask: KeyMask::None, rows: None }
    }
}
