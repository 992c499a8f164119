//! What can be wrong with a text or a tokenizer file, each with its place.

use super::label::escape;

/// An error of this module. The message is a sentence for people; [`TextError::code`] is for programs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Nothing but white space.
    #[error("the text is empty")]
    Empty,
    /// The byte order mark of UTF-16.
    #[error("the text is UTF-16 ({order} byte order mark); save it as UTF-8")]
    Utf16 {
        /// "little-endian" or "big-endian".
        order: &'static str,
    },
    /// A NUL byte, which no text has.
    #[error("this looks like a binary file: a NUL byte at offset {offset}")]
    Nul {
        /// Byte offset in the file.
        offset: usize,
    },
    /// Too many control characters for a text.
    #[error("this looks like a binary file: {control} of {total} bytes are control characters (limit 10%)")]
    ControlCharacters {
        /// Control characters other than tab, newline, carriage return and form feed.
        control: usize,
        /// Bytes in the file.
        total: usize,
    },
    /// A byte sequence that is not UTF-8.
    #[error("the text is not valid UTF-8: byte 0x{value:02X} at offset {offset}")]
    InvalidUtf8 {
        /// Byte offset in the file, a byte order mark included.
        offset: usize,
        /// The first byte that does not fit.
        value: u8,
    },
    /// A character outside the vocabulary.
    #[error("{} is not in the tokenizer's vocabulary (character {position} of the text)", escape(*character))]
    UnknownCharacter {
        /// The character.
        character: char,
        /// Its number in the text, from 1.
        position: usize,
    },
    /// A run of white space on which the pre-tokenizer's regular expression would give up.
    #[error("{length} white space characters in a row from character {position} of the text (limit {limit})")]
    WhitespaceRun {
        /// Number of the run's first character in the text, from 1.
        position: usize,
        /// Characters in the run.
        length: usize,
        /// The longest run accepted.
        limit: usize,
    },
    /// A vocabulary size that cannot be trained to.
    #[error("a {kind} vocabulary has {min} to {max} tokens, not {requested}")]
    VocabularySize {
        /// What its tokens are.
        kind: &'static str,
        /// What was asked for.
        requested: usize,
        /// The special tokens and the least beside them.
        min: usize,
        /// The largest supported.
        max: usize,
    },
    /// More sentinels than a text could use.
    #[error("{requested} sentinel tokens (limit {max})")]
    Sentinels {
        /// What was asked for.
        requested: u32,
        /// The most supported.
        max: u32,
    },
    /// A `tokenizer.json` that is broken, hostile or beyond what is supported.
    #[error("tokenizer.json, {place}: {problem}")]
    TokenizerFile {
        /// The JSON path or the line and column.
        place: String,
        /// What is wrong there, with the limit if there is one.
        problem: String,
    },
    /// A message of the `tokenizers` crate about a text.
    #[error("the tokenizer cannot encode this text: {0}")]
    Engine(String),
}

impl TextError {
    /// A stable name for programs; the sentence may change.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Empty => "text-empty",
            Self::Utf16 { .. } => "text-utf16",
            Self::Nul { .. } | Self::ControlCharacters { .. } => "text-binary",
            Self::InvalidUtf8 { .. } => "text-invalid-utf8",
            Self::UnknownCharacter { .. } => "text-unknown-character",
            Self::WhitespaceRun { .. } => "text-whitespace-run",
            Self::VocabularySize { .. } => "tokenizer-vocabulary-size",
            Self::Sentinels { .. } => "tokenizer-sentinels",
            Self::TokenizerFile { .. } => "tokenizer-file",
            Self::Engine(_) => "tokenizer-engine",
        }
    }

    /// An error in a `tokenizer.json`.
    pub(super) fn file(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::TokenizerFile { place: place.into(), problem: problem.into() }
    }
}
