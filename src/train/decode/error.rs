//! Refusals, with what was found and what may be.

/// Why nothing can be generated, or not so much.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DecodeError {
    /// A head that does not predict tokens.
    #[error("a {family} model with a {head} head does not write text")]
    Head {
        /// The model's family.
        family: &'static str,
        /// Its head.
        head: &'static str,
    },
    /// More tokens than there is room for.
    #[error("{found} tokens in {what}; there is room for {limit}")]
    Room {
        /// Of which sequence.
        what: &'static str,
        /// How many there were.
        found: usize,
        /// How many there may be.
        limit: usize,
    },
    /// Rows that are too few, too many, or of different lengths.
    #[error("{what}: {found} where {expected} are needed")]
    Rows {
        /// What was counted.
        what: &'static str,
        /// How many there were.
        found: usize,
        /// How many there should be.
        expected: usize,
    },
    /// Nothing to continue, and no token that starts a text.
    #[error("the prompt is empty, and the model has no token that starts a text")]
    EmptyPrompt,
    /// A setting out of its range.
    #[error("{name} = {found}: {expected} is needed")]
    Setting {
        /// Which.
        name: &'static str,
        /// What it was.
        found: String,
        /// What it may be.
        expected: &'static str,
    },
    /// A stop token that is not one.
    #[error("{text:?} is {tokens} tokens; only a single token can end a text")]
    Stop {
        /// How it was spelled.
        text: String,
        /// How many tokens it is.
        tokens: usize,
    },
    /// A source for a model without an encoder, or none for one with an encoder.
    #[error("a {family} model {}", if *encoder { "needs a source text to read" } else { "reads no source text; give a prompt" })]
    Source {
        /// The model's family.
        family: &'static str,
        /// Whether it has an encoder.
        encoder: bool,
    },
}

/// A [`DecodeError::Setting`].
pub(super) fn setting(name: &'static str, found: &impl ToString, expected: &'static str) -> DecodeError {
    DecodeError::Setting { name, found: found.to_string(), expected }
}
