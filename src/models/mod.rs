//! Networks as graphs, with Hugging Face's names and shapes, so that checkpoints need no translation table.
//!
//! A model file reads beside its paper: it declares parameters and pushes primitive operations, nothing else. Which
//! step the graph is for ([`Mode`]) decides on dropout and on what is shown; gradients are [`crate::autodiff`]'s.
//! The configuration is Hugging Face's `config.json`; what that cannot say stands under its key `trainyard`.

pub mod config;
mod error;
pub mod gpt;
mod init;

pub use config::{Decay, Gpt2Config, NormPlacement};
pub use error::ModelError;
pub use init::{initial_values, known_answer_values};

/// What a graph is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// Dropout on; outputs `loss`.
    Train,
    /// Dropout off; outputs `loss` and `logits`.
    Evaluate,
    /// Dropout off; outputs `logits` and, for each layer l, `attention.l`. No loss.
    Inspect,
    /// Dropout off; everything a known answer may ask for: `loss`, `logits`, `hidden.l`, `attention.l`.
    Everything,
}

impl Mode {
    const fn dropout(self) -> bool {
        matches!(self, Self::Train)
    }

    const fn loss(self) -> bool {
        !matches!(self, Self::Inspect)
    }

    const fn logits(self) -> bool {
        !matches!(self, Self::Train)
    }

    const fn attention(self) -> bool {
        matches!(self, Self::Inspect | Self::Everything)
    }
}

/// Extents of the data of a step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Extents {
    /// Sequences B.
    pub batch: usize,
    /// Tokens a sequence T.
    pub time: usize,
    /// Whether some keys are padding: adds the input `key_mask` u32 `[B,T]`, 1 = visible.
    pub key_mask: bool,
}
