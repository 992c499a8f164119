//! The one type that the rest of the program sees.

use std::sync::Arc;

use super::bytes::Bytes;
use super::encoding::Encoding;
use super::file::{self, Checked, ModelKind};
use super::literals::Literals;
use super::pipeline::Pipeline;
use super::processor::Processor;
use super::specials::Specials;
use super::symbols::{ANY_CHARACTER, Symbols};
use super::train::{self, Template, TrainKind, TrainSpec};
use super::{TextError, byte_level, label};

/// More specials than this, or longer ones, are left to the crate's automaton.
const MAX_SPECIALS: usize = 1024;
const MAX_SPECIAL_BYTES: usize = 64;

/// What one token stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// One character.
    Characters,
    /// One byte.
    Bytes,
    /// A piece of a word, by byte-level BPE.
    Bpe,
    /// Whatever a `tokenizer.json` says.
    Other,
}

/// Maps text to token ids `0..vocab_size` and back.
#[derive(Clone, Debug)]
pub struct Tokenizer {
    form: Form,
    processor: Arc<Processor>,
    specials: Arc<Specials>,
}

#[derive(Clone, Debug)]
enum Form {
    Symbols(Arc<Symbols>),
    Bytes(Arc<Bytes>),
    Pipeline(Pipeline),
}

impl Tokenizer {
    /// The characters of `text`, sorted: the vocabulary of a character model.
    ///
    /// # Errors
    /// [`TextError::Empty`] if there are none.
    pub fn characters(text: &str) -> Result<Self, TextError> {
        if text.is_empty() {
            return Err(TextError::Empty);
        }
        Ok(Self::table(Symbols::new(Symbols::of_text(text), train::UNKNOWN), Processor::default()))
    }

    /// Single-character symbols with the ids from 0, then special tokens. All are to be different.
    #[must_use]
    pub fn symbols(tokens: &[&str], specials: &[&str]) -> Self {
        let tokens = tokens.iter().chain(specials).map(|&token| token.to_owned()).collect();
        Self::table(Symbols::new(tokens, train::UNKNOWN), Processor::default())
    }

    fn table(table: Symbols, processor: Processor) -> Self {
        let specials = Specials::named(|name| table.specials().id(name));
        Self::new(Form::Symbols(Arc::new(table)), processor, specials)
    }

    fn new(form: Form, processor: Processor, specials: Specials) -> Self {
        Self { form, processor: Arc::new(processor), specials: Arc::new(specials) }
    }

    /// The 256 bytes; the id of a byte is its value.
    #[must_use]
    pub fn bytes() -> Self {
        Self::new(Form::Bytes(Arc::new(Bytes::new(&[], &[]))), Processor::default(), Specials::default())
    }

    /// Trains byte-level BPE as GPT-2 has it. The vocabulary holds `<|endoftext|>`, the 256 bytes and merges of pairs
    /// that occur at least twice, so a short text may yield fewer than `vocab_size` tokens; 256 means the bytes alone.
    ///
    /// # Errors
    /// An empty text, or a size outside `256..=65536`.
    pub fn train_bpe(text: &str, vocab_size: usize) -> Result<Self, TextError> {
        let (kind, min, max) = (train::BPE, 256, train::MAX_VOCABULARY);
        if !(min..=max).contains(&vocab_size) {
            return Err(TextError::VocabularySize { kind, requested: vocab_size, min, max });
        }
        if vocab_size == min && !text.trim().is_empty() {
            return Ok(Self::bytes());
        }
        Self::train(text, &TrainSpec::new(TrainKind::Bpe, vocab_size, Template::Gpt2))
    }

    /// Makes a tokenizer from a text. The same text and `spec` give the same `tokenizer.json` on every machine.
    ///
    /// # Errors
    /// An empty text, a vocabulary size outside [`TrainSpec::sizes`], too many sentinels, or a run of white space
    /// beyond the limit.
    pub fn train(text: &str, spec: &TrainSpec) -> Result<Self, TextError> {
        Self::from_json(train::file(text, spec)?.to_string().as_bytes())
    }

    /// Reads a `tokenizer.json`.
    ///
    /// # Errors
    /// [`TextError::TokenizerFile`] with the place of the first finding.
    pub fn from_json(json: &[u8]) -> Result<Self, TextError> {
        let source = std::str::from_utf8(json)
            .map_err(|error| TextError::file(format!("byte {}", error.valid_up_to()), "not UTF-8"))?;
        let checked = file::read(json)?;
        if is_character_table(&checked) {
            let unknown = checked.unknown.as_deref().unwrap_or(train::UNKNOWN);
            return Ok(Self::table(Symbols::new(checked.tokens, unknown), checked.processor));
        }
        let added = (0..).zip(&checked.tokens).zip(&checked.is_added).filter(|&(_, &added)| added);
        let added: Vec<(u32, &str)> = added.map(|((id, token), _)| (id, token.as_str())).collect();
        let specials = Specials::named(|name| added.iter().find(|entry| entry.1 == name).map(|entry| entry.0));
        if let Some(first) = first_of_byte_table(&checked) {
            let bytes = Bytes::new(&checked.tokens[..first], &checked.tokens[first + 256..]);
            return Ok(Self::new(Form::Bytes(Arc::new(bytes)), checked.processor, specials));
        }
        let processor = checked.processor.clone();
        Ok(Self::new(Form::Pipeline(Pipeline::new(checked, source)?), processor, specials))
    }

    /// The `tokenizer.json`. What was loaded from a file is returned as it was.
    #[must_use]
    pub fn to_json(&self) -> String {
        let post_processor = || self.processor.source.clone();
        match &self.form {
            Form::Symbols(table) => format!("{:#}", table.to_json(post_processor())),
            Form::Bytes(table) => format!("{:#}", table.to_json(post_processor())),
            Form::Pipeline(pipeline) => pipeline.source().to_owned(),
        }
    }

    /// What one token stands for.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match &self.form {
            Form::Symbols(_) => Kind::Characters,
            Form::Bytes(_) => Kind::Bytes,
            Form::Pipeline(pipeline) if pipeline.is_byte_level() => Kind::Bpe,
            Form::Pipeline(_) => Kind::Other,
        }
    }

    fn tokens(&self) -> &[String] {
        match &self.form {
            Form::Symbols(table) => table.tokens(),
            Form::Bytes(table) => table.tokens(),
            Form::Pipeline(pipeline) => pipeline.tokens(),
        }
    }

    /// How many ids there are, special tokens included.
    #[must_use]
    pub fn vocab_size(&self) -> usize {
        self.tokens().len()
    }

    /// The tokens that stand for something other than text, as far as the vocabulary has them.
    #[must_use]
    pub fn specials(&self) -> Specials {
        Specials::clone(&self.specials)
    }

    /// Whether a token stands for something other than text.
    #[must_use]
    pub fn is_special(&self, id: u32) -> bool {
        let is_one_of =
            |literals: &Literals| self.tokens().get(id as usize).is_some_and(|token| literals.contains(token));
        match &self.form {
            Form::Symbols(table) => is_one_of(table.specials()),
            Form::Bytes(table) => is_one_of(table.specials()),
            Form::Pipeline(pipeline) => pipeline.is_special(id),
        }
    }

    /// The ids of `text`. No special tokens are added; those spelled out in the text are recognized.
    ///
    /// # Errors
    /// A character that the vocabulary lacks, or a text the model refuses.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, TextError> {
        match &self.form {
            Form::Symbols(table) => table.encode(text),
            Form::Bytes(table) => Ok(table.encode(text)),
            Form::Pipeline(pipeline) => pipeline.encode(text),
        }
    }

    /// The tokens of a text or a pair of texts, each with its place, in the order of the file's template, whose own
    /// tokens are added if `special`.
    ///
    /// # Errors
    /// As [`encode`](Self::encode).
    pub fn encode_with(&self, text: &str, pair: Option<&str>, special: bool) -> Result<Encoding, TextError> {
        let encoding = |text: &str| match &self.form {
            Form::Symbols(table) => table.encoding(text),
            Form::Bytes(table) => Ok(table.encoding(text)),
            Form::Pipeline(pipeline) => pipeline.encoding(text),
        };
        let (first, second) = (encoding(text)?, pair.map(encoding).transpose()?);
        Ok(self.processor.apply(first, second, special, |id| self.token(id).unwrap_or_default()))
    }

    /// The text of `ids`, special tokens included. Ids outside the vocabulary and stray bytes become U+FFFD.
    #[must_use]
    pub fn decode(&self, ids: &[u32]) -> String {
        match &self.form {
            Form::Symbols(table) => {
                let stray = char::REPLACEMENT_CHARACTER.to_string();
                ids.iter().map(|&id| table.tokens().get(id as usize).unwrap_or(&stray).as_str()).collect()
            }
            Form::Bytes(table) => table.decode(ids),
            Form::Pipeline(pipeline) => pipeline.decode(ids),
        }
    }

    /// The text of `ids` without special tokens.
    #[must_use]
    pub fn decode_skipping_specials(&self, ids: &[u32]) -> String {
        let ids: Vec<u32> = ids.iter().copied().filter(|&id| !self.is_special(id)).collect();
        self.decode(&ids)
    }

    /// The token as an axis label: invisible characters made visible, bytes that are no text as `‹E2›`.
    #[must_use]
    pub fn label(&self, id: u32) -> String {
        let label = match &self.form {
            Form::Symbols(table) => table.tokens().get(id as usize).map(|token| label::visible(token)),
            Form::Bytes(table) => table.label(id),
            Form::Pipeline(pipeline) => pipeline.label(id),
        };
        label.unwrap_or_else(|| char::REPLACEMENT_CHARACTER.to_string())
    }

    /// The token as `tokenizer.json` spells it (`Ġthe`).
    #[must_use]
    pub fn token(&self, id: u32) -> Option<String> {
        self.tokens().get(id as usize).cloned()
    }

    /// The id of a token as `tokenizer.json` spells it.
    #[must_use]
    pub fn id(&self, token: &str) -> Option<u32> {
        match &self.form {
            Form::Symbols(table) => table.id(token),
            Form::Bytes(table) => table.id(token),
            Form::Pipeline(pipeline) => pipeline.id(token),
        }
    }

    /// The token that ends a text, under one of its usual names.
    #[must_use]
    pub fn eos(&self) -> Option<u32> {
        self.specials.end
    }
}

/// Whether our own matcher of special tokens can do what the crate's does.
fn has_simple_specials(file: &Checked) -> bool {
    let mut added = file.tokens.iter().zip(&file.is_added).filter(|&(_, &added)| added);
    !file.irregular_added
        && file.is_added.iter().filter(|&&added| added).count() <= MAX_SPECIALS
        && added.all(|(token, _)| token.len() <= MAX_SPECIAL_BYTES)
}

/// The form that [`Symbols::to_json`] writes, and others write for character models.
fn is_character_table(file: &Checked) -> bool {
    let split = file.pre_tokenizer.as_ref().is_some_and(|part| {
        part["type"] == "Split"
            && part["pattern"]["Regex"] == ANY_CHARACTER
            && part["behavior"] == "Isolated"
            && part["invert"] != true
    });
    let single = |(token, &added): (&String, &bool)| added || token.chars().nth(1).is_none();
    split
        && file.model == ModelKind::WordLevel
        && file.normalizer.is_none()
        && has_simple_specials(file)
        && file.tokens.iter().zip(&file.is_added).all(single)
}

/// The form that [`Bytes::to_json`] writes: no merges, and the ids of the bytes in the order of their values between
/// special tokens. Returns the id of byte 0.
fn first_of_byte_table(file: &Checked) -> Option<usize> {
    let byte_level = |part: &Option<serde_json::Value>| part.as_ref().is_some_and(|part| part["type"] == "ByteLevel");
    let first = file.is_added.iter().position(|&added| !added)?;
    let bytes = file.tokens.get(first..first + 256)?;
    let is_table = file.model == ModelKind::Bpe
        && file.merges == 0
        && file.normalizer.is_none()
        && byte_level(&file.pre_tokenizer)
        && byte_level(&file.decoder)
        && file.pre_tokenizer.as_ref().is_some_and(|part| part["add_prefix_space"] == false)
        && has_simple_specials(file)
        && file.is_added.iter().filter(|&&added| !added).count() == 256
        && (0..=u8::MAX).zip(bytes).all(|(byte, token)| byte_level::bytes(token).as_deref() == Some(&[byte]));
    // A special token of one character of the alphabet would be taken for its byte.
    let mut specials = file.tokens[..first].iter().chain(&file.tokens[first + 256..]);
    (is_table && specials.all(|token| token.chars().nth(1).is_some())).then_some(first)
}
