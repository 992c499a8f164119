//! Tokenizers made from a text: six kinds of tokens, each with the special tokens of any model family.
//!
//! Every trainer returns a `tokenizer.json`, which is then read like one from elsewhere, so what is trained here and
//! what is loaded cannot differ. Nothing depends on threads, hash order or the platform's mathematics: ties have a
//! rule, sums have an order, logarithms are `libm`'s.

use serde_json::Value;

use super::TextError;
use super::bytes::Bytes;
use super::pieces::check_whitespace;
use super::symbols::Symbols;
use super::write::{self, Parts};

mod byte_pairs;
mod em;
mod family;
mod lattice;
mod merges;
mod seeds;
mod unigram;
mod word_pieces;
mod words;

pub use family::{MAX_SENTINELS, Template};

/// The largest vocabulary that is trained.
pub const MAX_VOCABULARY: usize = 65_536;

/// The unknown token of families that do not name one.
pub(super) const UNKNOWN: &str = "<unk>";

pub(super) const BPE: &str = "byte-level BPE";

/// What one token stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrainKind {
    /// One character of the text.
    Characters,
    /// One byte.
    Bytes,
    /// A piece of a word, by byte-level BPE (GPT-2, BART).
    Bpe,
    /// A piece of a word, by BPE over characters, those inside a word marked with `##` (BERT).
    WordPiece,
    /// A piece of a word, by the likelihood of the text (T5).
    Unigram,
    /// A word or a punctuation mark.
    Words,
}

/// What to make of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrainSpec {
    /// What one token stands for.
    pub kind: TrainKind,
    /// The most tokens, special ones included. Ignored for characters and bytes, of which there are as many as there are.
    pub vocab_size: usize,
    /// Whose special tokens and template.
    pub family: Template,
    /// Whether WordPiece and words are made of lower-case letters without accents, as BERT's uncased models have it.
    pub lowercase: bool,
}

impl TrainSpec {
    /// A tokenizer that tells upper from lower case.
    #[must_use]
    pub const fn new(kind: TrainKind, vocab_size: usize, family: Template) -> Self {
        Self { kind, vocab_size, family, lowercase: false }
    }

    /// The smallest and the largest vocabulary of a trained kind.
    #[must_use]
    pub fn sizes(&self) -> (usize, usize) {
        let specials = Specials::of(self);
        let least = if self.kind == TrainKind::Bpe { 256 } else { 1 };
        (specials.leading.len() + specials.trailing.len() + least, MAX_VOCABULARY)
    }

    /// The name of the kind before "vocabulary".
    const fn name(&self) -> &'static str {
        match self.kind {
            TrainKind::Characters => "character",
            TrainKind::Bytes => "byte",
            TrainKind::Bpe => BPE,
            TrainKind::WordPiece => "WordPiece",
            TrainKind::Unigram => "Unigram",
            TrainKind::Words => "word-level",
        }
    }
}

/// The special tokens around a vocabulary: those with the first ids and those with the last.
struct Specials {
    leading: Vec<String>,
    trailing: Vec<String>,
    unknown: &'static str,
}

impl Specials {
    fn of(spec: &TrainSpec) -> Self {
        let mut leading: Vec<String> = spec.family.leading().iter().map(|&token| token.to_owned()).collect();
        let unknown = spec.family.unknown();
        // A vocabulary with gaps cannot do without.
        if unknown.is_none() && matches!(spec.kind, TrainKind::WordPiece | TrainKind::Unigram | TrainKind::Words) {
            leading.push(UNKNOWN.to_owned());
        }
        Self { leading, trailing: spec.family.trailing(), unknown: unknown.unwrap_or(UNKNOWN) }
    }

    /// A whole vocabulary.
    fn around(&self, tokens: impl IntoIterator<Item = String>) -> Vec<String> {
        self.leading.iter().cloned().chain(tokens).chain(self.trailing.iter().cloned()).collect()
    }

    /// With their ids in a vocabulary of `count` tokens.
    fn numbered(&self, count: usize) -> Vec<(u32, &str)> {
        let last = count.saturating_sub(self.trailing.len()) as u32;
        let leading = (0..).zip(&self.leading);
        leading.chain((last..).zip(&self.trailing)).map(|(id, token)| (id, token.as_str())).collect()
    }

    /// Whether a token of the text would be taken for one of them.
    fn contains(&self, token: &str) -> bool {
        self.leading.iter().chain(&self.trailing).any(|special| special == token)
    }
}

/// Trains; returns the `tokenizer.json`.
pub(super) fn file(text: &str, spec: &TrainSpec) -> Result<Value, TextError> {
    if let Template::T5 { sentinels } = spec.family
        && sentinels > MAX_SENTINELS
    {
        return Err(TextError::Sentinels { requested: sentinels, max: MAX_SENTINELS });
    }
    let specials = Specials::of(spec);
    match spec.kind {
        TrainKind::Bytes => {
            Ok(Bytes::new(&specials.leading, &specials.trailing).to_json(spec.family.post_processor(true)))
        }
        TrainKind::Characters if text.is_empty() => Err(TextError::Empty),
        TrainKind::Characters => {
            let tokens = specials.around(Symbols::of_text(text));
            Ok(Symbols::new(tokens, specials.unknown).to_json(spec.family.post_processor(false)))
        }
        TrainKind::Bpe => byte_pairs::train(trainable(text, spec)?, spec, &specials),
        TrainKind::WordPiece => word_pieces::train(trainable(text, spec)?, spec, &specials),
        TrainKind::Unigram => unigram::train(trainable(text, spec)?, spec, &specials),
        TrainKind::Words => words_file(trainable(text, spec)?, spec, &specials),
    }
}

/// The text, if a vocabulary of the size that is asked for can be learned from it.
fn trainable<'a>(text: &'a str, spec: &TrainSpec) -> Result<&'a str, TextError> {
    let ((min, max), requested) = (spec.sizes(), spec.vocab_size);
    if !(min..=max).contains(&requested) {
        return Err(TextError::VocabularySize { kind: spec.name(), requested, min, max });
    }
    if text.trim().is_empty() {
        return Err(TextError::Empty);
    }
    check_whitespace(text)?;
    Ok(text)
}

/// The most frequent words; equally frequent ones in the order of their characters.
fn words_file(text: &str, spec: &TrainSpec, specials: &Specials) -> Result<Value, TextError> {
    let (normalizer, pre_tokenizer) = (word_pieces::normalizer(spec.lowercase), word_pieces::pre_tokenizer());
    let mut words: Vec<(String, u64)> = words::count(text, &normalizer, &pre_tokenizer)?
        .into_iter()
        .filter(|(word, _)| word_pieces::is_short(word) && !specials.contains(word))
        .collect();
    // Sorted by their characters already, and the sort is stable.
    words.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    words.truncate(spec.vocab_size - specials.leading.len() - specials.trailing.len());
    let tokens = specials.around(words.into_iter().map(|(word, _)| word));
    Ok(word_pieces::file(&tokens, spec, specials))
}

/// A file around a model whose special tokens are all in `count` tokens.
fn frame(specials: &Specials, count: usize, parts: Parts) -> Value {
    write::file(specials.numbered(count), parts)
}
