//! Where a long text may be cut so that its pieces have the tokens of the whole.
//!
//! The `tokenizers` crate keeps some hundred bytes per token until a call ends, and trainers count each piece once:
//! both want pieces. A cut comes before lone white space between words. There GPT-2's pattern starts a token, and
//! every alternative that could look across the cut (`\s+(?!\S)`) is the same on both sides of it; BERT's
//! pre-tokenizer drops white space; Metaspace starts a word at every space.

use super::TextError;

/// The regular expression engine keeps a state per white space character and gives up at a million.
const MAX_WHITESPACE_RUN: usize = 100_000;

/// What a tokenizer may be cut at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// Nothing: what stands far away may matter.
    Nowhere,
    /// Any lone white space.
    WhiteSpace,
    /// A lone space after a letter or digit: what precedes must not become white space when it is normalized.
    Space,
}

/// Cuts a text into pieces of at least `min_bytes`, the last one aside.
pub(super) fn pieces(text: &str, cut: Cut, min_bytes: usize) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest.take()?;
        match next_cut(text, cut, min_bytes) {
            Some(at) => {
                rest = Some(&text[at..]);
                Some(&text[..at])
            }
            None => Some(text),
        }
    })
}

fn next_cut(text: &str, cut: Cut, min_bytes: usize) -> Option<usize> {
    if cut == Cut::Nowhere || text.len() <= min_bytes {
        return None;
    }
    let mut before = None;
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        if at >= min_bytes.max(1) {
            let is_between = before.is_some_and(|before: char| !before.is_whitespace())
                && characters.peek().is_some_and(|(_, after)| !after.is_whitespace());
            let is_cut = match cut {
                Cut::Nowhere => false,
                Cut::WhiteSpace => character.is_whitespace(),
                Cut::Space => character == ' ' && before.is_some_and(char::is_alphanumeric),
            };
            if is_between && is_cut {
                return Some(at);
            }
        }
        before = Some(character);
    }
    None
}

/// Refuses a run of white space on which the regular expression engine would give up.
pub(super) fn check_whitespace(text: &str) -> Result<(), TextError> {
    let mut length = 0;
    let mut longest = (0, 0);
    for (character, position) in text.chars().zip(1_usize..) {
        length = if character.is_whitespace() { length + 1 } else { 0 };
        if length > longest.0 {
            longest = (length, position + 1 - length);
        }
    }
    match longest {
        (length, position) if length > MAX_WHITESPACE_RUN => {
            Err(TextError::WhitespaceRun { position, length, limit: MAX_WHITESPACE_RUN })
        }
        _ => Ok(()),
    }
}
