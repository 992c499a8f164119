//! The one type that the rest of the program sees.

use std::sync::Arc;

use super::file::{self, Checked, ModelKind};
use super::pipeline::{self, Pipeline};
use super::symbols::{ANY_CHARACTER, Symbols};
use super::{TextError, byte_level, label, train};

/// The largest vocabulary that [`Tokenizer::train_bpe`] trains.
pub const MAX_BPE_VOCABULARY: usize = 65_536;

/// More specials than this are left to the crate's automaton.
const MAX_SPECIALS: usize = 64;

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
    /// Whatever a loaded `tokenizer.json` says.
    Other,
}

/// Maps text to token ids `0..vocab_size` and back.
#[derive(Clone, Debug)]
pub struct Tokenizer(Form);

#[derive(Clone, Debug)]
enum Form {
    Symbols(Arc<Symbols>),
    Bytes,
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
        Ok(Self::table(Symbols::of_text(text)))
    }

    /// Single-character symbols with the ids from 0, then special tokens. All are to be different.
    #[must_use]
    pub fn symbols(tokens: &[&str], specials: &[&str]) -> Self {
        Self::table(Symbols::new(tokens.iter().chain(specials).map(|&token| token.to_owned()).collect()))
    }

    fn table(table: Symbols) -> Self {
        Self(Form::Symbols(Arc::new(table)))
    }

    /// The 256 bytes; the id of a byte is its value.
    #[must_use]
    pub const fn bytes() -> Self {
        Self(Form::Bytes)
    }

    /// Trains byte-level BPE as GPT-2 has it. The vocabulary holds `<|endoftext|>`, the 256 bytes and merges of pairs
    /// that occur at least twice, so a short text may yield fewer than `vocab_size` tokens; 256 means the bytes alone.
    ///
    /// # Errors
    /// An empty text, or a size outside `256..=65536`.
    pub fn train_bpe(text: &str, vocab_size: usize) -> Result<Self, TextError> {
        let (min, max) = (256, MAX_BPE_VOCABULARY);
        if !(min..=max).contains(&vocab_size) {
            return Err(TextError::VocabularySize { requested: vocab_size, min, max });
        }
        if text.trim().is_empty() {
            return Err(TextError::Empty);
        }
        if vocab_size == min {
            return Ok(Self::bytes());
        }
        pipeline::check_whitespace(text)?;
        let file = train::train(&pipeline::pieces(text), vocab_size)?;
        Self::from_json(file.to_string().as_bytes())
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
            return Ok(Self::table(Symbols::new(checked.tokens)));
        }
        if is_byte_table(&checked) {
            return Ok(Self::bytes());
        }
        Ok(Self(Form::Pipeline(Pipeline::new(checked, source)?)))
    }

    /// The `tokenizer.json`. What was loaded from a file is returned as it was.
    #[must_use]
    pub fn to_json(&self) -> String {
        match &self.0 {
            Form::Symbols(table) => format!("{:#}", table.to_json()),
            Form::Bytes => format!("{:#}", pipeline::bytes_json()),
            Form::Pipeline(pipeline) => pipeline.source().to_owned(),
        }
    }

    /// What one token stands for.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match &self.0 {
            Form::Symbols(_) => Kind::Characters,
            Form::Bytes => Kind::Bytes,
            Form::Pipeline(pipeline) if pipeline.is_byte_level() => Kind::Bpe,
            Form::Pipeline(_) => Kind::Other,
        }
    }

    /// How many ids there are, special tokens included.
    #[must_use]
    pub fn vocab_size(&self) -> usize {
        match &self.0 {
            Form::Symbols(table) => table.tokens().len(),
            Form::Bytes => 256,
            Form::Pipeline(pipeline) => pipeline.tokens().len(),
        }
    }

    /// The ids of `text`. No special tokens are added; those spelled out in the text are recognized.
    ///
    /// # Errors
    /// A character that the vocabulary lacks, or a text the model refuses.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, TextError> {
        match &self.0 {
            Form::Symbols(table) => table.encode(text),
            Form::Bytes => Ok(text.bytes().map(u32::from).collect()),
            Form::Pipeline(pipeline) => pipeline.encode(text),
        }
    }

    /// The text of `ids`, special tokens included. Ids outside the vocabulary and stray bytes become U+FFFD.
    #[must_use]
    pub fn decode(&self, ids: &[u32]) -> String {
        let stray = char::REPLACEMENT_CHARACTER.to_string();
        match &self.0 {
            Form::Symbols(table) => {
                ids.iter().map(|&id| table.tokens().get(id as usize).unwrap_or(&stray).as_str()).collect()
            }
            Form::Bytes => {
                let mut bytes = Vec::with_capacity(ids.len());
                for &id in ids {
                    match u8::try_from(id) {
                        Ok(byte) => bytes.push(byte),
                        Err(_) => bytes.extend_from_slice(stray.as_bytes()),
                    }
                }
                String::from_utf8_lossy(&bytes).into_owned()
            }
            Form::Pipeline(pipeline) => pipeline.decode(ids),
        }
    }

    /// The token as an axis label: invisible characters made visible, bytes that are no text as `‹E2›`.
    #[must_use]
    pub fn label(&self, id: u32) -> String {
        let label = match &self.0 {
            Form::Symbols(table) => table.tokens().get(id as usize).map(|token| label::visible(token)),
            Form::Bytes => u8::try_from(id).ok().map(|byte| label::visible_bytes(&[byte])),
            Form::Pipeline(pipeline) => pipeline.label(id),
        };
        label.unwrap_or_else(|| char::REPLACEMENT_CHARACTER.to_string())
    }

    /// The token as `tokenizer.json` spells it (`Ġthe`).
    #[must_use]
    pub fn token(&self, id: u32) -> Option<String> {
        match &self.0 {
            Form::Symbols(table) => table.tokens().get(id as usize).cloned(),
            Form::Bytes => u8::try_from(id).ok().map(|byte| byte_level::character(byte).to_string()),
            Form::Pipeline(pipeline) => pipeline.tokens().get(id as usize).cloned(),
        }
    }

    /// The id of a token as `tokenizer.json` spells it.
    #[must_use]
    pub fn id(&self, token: &str) -> Option<u32> {
        match &self.0 {
            Form::Symbols(table) => (0..).zip(table.tokens()).find(|(_, other)| *other == token).map(|(id, _)| id),
            Form::Bytes => {
                let mut characters = token.chars();
                match (characters.next(), characters.next()) {
                    (Some(character), None) => byte_level::byte(character).map(u32::from),
                    _ => None,
                }
            }
            Form::Pipeline(pipeline) => pipeline.id(token),
        }
    }

    /// The token that ends a text, under one of its usual names.
    #[must_use]
    pub fn eos(&self) -> Option<u32> {
        ["<eos>", "<|endoftext|>", "</s>", "[SEP]"].iter().find_map(|name| self.id(name))
    }
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
        && !file.irregular_added
        && file.is_added.iter().filter(|&&added| added).count() <= MAX_SPECIALS
        && file.tokens.iter().zip(&file.is_added).all(single)
}

/// The form that [`Tokenizer::bytes`] has: no merges, and the id of a byte is its value.
fn is_byte_table(file: &Checked) -> bool {
    let byte_level = |part: &Option<serde_json::Value>| part.as_ref().is_some_and(|part| part["type"] == "ByteLevel");
    file.model == ModelKind::Bpe
        && file.merges == 0
        && file.normalizer.is_none()
        && byte_level(&file.pre_tokenizer)
        && byte_level(&file.decoder)
        && file.pre_tokenizer.as_ref().is_some_and(|part| part["add_prefix_space"] == false)
        && file.tokens.len() == 256
        && (0..=u8::MAX).zip(&file.tokens).all(|(byte, token)| byte_level::bytes(token).as_deref() == Some(&[byte]))
}
