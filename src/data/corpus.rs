//! A text as two rows of token ids, one to learn from and one to measure with.

use super::{Batch, DataError};
use crate::rng::{Draws, Stream};
use crate::text::{TextError, Tokenizer};

/// The largest text: what a browser's 4 GiB of WebAssembly memory, or a workstation, holds with its ids.
pub(super) const MAX_TEXT_BYTES: usize = if cfg!(target_arch = "wasm32") { 64 << 20 } else { 1 << 30 };

/// Validation windows are the same in every run, whatever its seed.
const VALIDATION_SEED: u32 = 0;

/// How a text becomes tokens.
#[derive(Clone, Debug, Default)]
pub enum TokenizerChoice {
    /// The characters of the text.
    #[default]
    Characters,
    /// The 256 bytes.
    Bytes,
    /// Byte-level BPE trained on the training part, with this vocabulary size.
    Bpe(usize),
    /// This one.
    Given(Tokenizer),
}

impl TokenizerChoice {
    /// The tokenizer for a text whose training part is `training`.
    pub(super) fn build(self, whole: &str, training: &str) -> Result<Tokenizer, TextError> {
        match self {
            Self::Characters => Tokenizer::characters(whole),
            Self::Bytes => Ok(Tokenizer::bytes()),
            Self::Bpe(vocab_size) => Tokenizer::train_bpe(training, vocab_size),
            Self::Given(tokenizer) => Ok(tokenizer),
        }
    }
}

/// The two parts.
#[derive(Clone, Debug)]
pub(super) struct Corpus {
    pub name: String,
    pub train: Vec<u32>,
    pub validation: Vec<u32>,
}

impl Corpus {
    /// Cuts a text's tokens 90 to 10, in order; each part has at least one window.
    pub(super) fn split(name: &str, mut tokens: Vec<u32>, context: usize) -> Result<Self, DataError> {
        let total = tokens.len();
        let window = context.saturating_add(1);
        let needed = window.saturating_mul(2);
        if total < needed {
            return Err(DataError::TooShort { name: name.to_owned(), part: "text", tokens: total, context, needed });
        }
        let nine_tenths = (total as u64 * 9 / 10) as usize;
        let validation = tokens.split_off(nine_tenths.min(total - window));
        Ok(Self { name: name.to_owned(), train: tokens, validation })
    }

    pub(super) fn train_batch(&self, seed: u32, step: u32, batch: usize, context: usize) -> Result<Batch, DataError> {
        self.check(&self.train, "training part", context)?;
        Batch::windows(&self.train, &mut Draws::new(step, Stream::Windows, seed), batch, context)
    }

    pub(super) fn validation_batch(&self, index: u32, batch: usize, context: usize) -> Result<Batch, DataError> {
        self.check(&self.validation, "validation part", context)?;
        Batch::windows(&self.validation, &mut Draws::new(index, Stream::Validation, VALIDATION_SEED), batch, context)
    }

    fn check(&self, tokens: &[u32], part: &'static str, context: usize) -> Result<(), DataError> {
        let needed = context.saturating_add(1);
        if tokens.len() < needed {
            let name = self.name.clone();
            return Err(DataError::TooShort { name, part, tokens: tokens.len(), context, needed });
        }
        Ok(())
    }
}
