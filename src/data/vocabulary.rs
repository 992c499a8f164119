//! What objectives need to know of a vocabulary: its special tokens, where words start, and what ends a sentence.

use super::DataError;
use crate::rng::Draws;
use crate::text::{Kind, Specials, Tokenizer};

/// How a family frames the sequences of its encoder and its decoder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Frame {
    /// `x </s>`; the decoder starts with the padding token.
    T5,
    /// `<s> x </s>`; the decoder starts with `</s>`.
    Bart,
    /// `x <eos>`; the decoder starts with `<bos>`.
    #[default]
    Transformer,
}

impl Frame {
    /// Tokens that the frame adds to a sequence.
    #[must_use]
    pub const fn added(self) -> usize {
        match self {
            Self::T5 | Self::Transformer => 1,
            Self::Bart => 2,
        }
    }
}

/// A vocabulary, as objectives see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vocabulary {
    /// How many ids there are.
    pub size: u32,
    /// Its special tokens.
    pub specials: Specials,
    /// How encoder and decoder rows are framed.
    pub frame: Frame,
    /// For each id: whether a word starts with it.
    starts_word: Vec<bool>,
    /// For each id: whether it is a full stop, or ends with one.
    full_stop: Vec<bool>,
}

impl Vocabulary {
    /// The vocabulary of a tokenizer. The frame is the one that the specials suggest: T5's with sentinels, BART's with
    /// a start and a mask, else the original Transformer's.
    ///
    /// A word starts where the tokenizer's own mark says so: without `##` in WordPiece, at white space (`Ġ`, `▁`) in the
    /// others, as in fairseq's `get_whole_word_mask`. Where there are no marks every token is a word.
    #[must_use]
    pub fn new(tokenizer: &Tokenizer, specials: Specials) -> Self {
        let size = u32::try_from(tokenizer.vocab_size()).unwrap_or(u32::MAX);
        let tokens: Vec<String> = (0..size).map(|id| tokenizer.token(id).unwrap_or_default()).collect();
        let continues = |token: &String| token.len() > 2 && token.starts_with("##");
        // Byte-level tables spell space, newline, tab and carriage return so.
        let spells_bytes = matches!(tokenizer.kind(), Kind::Bpe | Kind::Bytes);
        let marked = |token: &String| {
            token.chars().next().is_some_and(|first| {
                first == '▁' || first.is_whitespace() || spells_bytes && matches!(first, 'Ġ' | 'Ċ' | 'ĉ' | 'č')
            })
        };
        let mut starts_word: Vec<bool> = if tokens.iter().any(continues) {
            tokens.iter().map(|token| !continues(token)).collect()
        } else if tokens.iter().any(marked) {
            tokens.iter().map(marked).collect()
        } else {
            vec![true; tokens.len()]
        };
        for id in named(&specials) {
            if let Some(starts) = starts_word.get_mut(id as usize) {
                *starts = true;
            }
        }
        let full_stop = tokens.iter().map(|token| token.ends_with('.')).collect();
        let frame = suggested(&specials);
        Self { size, specials, frame, starts_word, full_stop }
    }

    /// A vocabulary of `size` ids of which each is a word, with these full stops.
    #[must_use]
    pub fn of_words(size: u32, specials: Specials, full_stops: &[u32]) -> Self {
        let frame = suggested(&specials);
        let full_stop = (0..size).map(|id| full_stops.contains(&id)).collect();
        Self { size, specials, frame, starts_word: vec![true; size as usize], full_stop }
    }

    /// The same with another frame.
    #[must_use]
    pub fn with_frame(mut self, frame: Frame) -> Self {
        self.frame = frame;
        self
    }

    /// Whether a word starts with `id`.
    #[must_use]
    pub fn starts_word(&self, id: u32) -> bool {
        self.starts_word.get(id as usize).copied().unwrap_or(true)
    }

    /// Whether a sentence ends with `id`.
    #[must_use]
    pub fn is_full_stop(&self, id: u32) -> bool {
        self.full_stop.get(id as usize).copied().unwrap_or(false)
    }

    /// Whether `id` stands for something other than text; `<unk>` stands for text.
    #[must_use]
    pub fn is_special(&self, id: u32) -> bool {
        let specials = &self.specials;
        [specials.pad, specials.start, specials.end, specials.mask].contains(&Some(id))
            || specials.sentinels.contains(&id)
    }

    /// Any id, special ones included.
    pub(super) fn any(&self, draws: &mut Draws) -> u32 {
        draws.below(self.size)
    }

    /// An encoder row or a decoder's targets around `body`.
    #[must_use]
    pub fn framed(&self, body: impl IntoIterator<Item = u32>) -> Vec<u32> {
        let start = if self.frame == Frame::Bart { self.specials.start } else { None };
        start.into_iter().chain(body).chain(self.specials.end).collect()
    }

    /// What a decoder reads first; refuses a vocabulary without the tokens of the frame.
    pub(super) fn decoder_start(&self, objective: &'static str) -> Result<u32, DataError> {
        let end = self.end(objective)?;
        match self.frame {
            Frame::T5 => self.pad(objective),
            Frame::Bart => self.start(objective).map(|_| end),
            Frame::Transformer => self.start(objective),
        }
    }

    pub(super) fn pad(&self, objective: &'static str) -> Result<u32, DataError> {
        self.specials.pad.ok_or(DataError::MissingSpecial { objective, token: "padding" })
    }

    pub(super) fn start(&self, objective: &'static str) -> Result<u32, DataError> {
        self.specials.start.ok_or(DataError::MissingSpecial { objective, token: "start" })
    }

    pub(super) fn end(&self, objective: &'static str) -> Result<u32, DataError> {
        self.specials.end.ok_or(DataError::MissingSpecial { objective, token: "end" })
    }

    pub(super) fn mask(&self, objective: &'static str) -> Result<u32, DataError> {
        self.specials.mask.ok_or(DataError::MissingSpecial { objective, token: "mask" })
    }

    pub(super) fn first_sentinel(&self, objective: &'static str) -> Result<u32, DataError> {
        self.specials.sentinels.first().copied().ok_or(DataError::MissingSpecial { objective, token: "sentinel" })
    }
}

/// Every special id.
fn named(specials: &Specials) -> impl Iterator<Item = u32> {
    let single = [specials.pad, specials.unk, specials.start, specials.end, specials.mask];
    single.into_iter().flatten().chain(specials.sentinels.iter().copied())
}

fn suggested(specials: &Specials) -> Frame {
    if !specials.sentinels.is_empty() {
        Frame::T5
    } else if specials.start.is_some() && specials.mask.is_some() {
        Frame::Bart
    } else {
        Frame::Transformer
    }
}
