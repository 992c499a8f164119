//! A vocabulary of single characters, with whole-word specials such as `<eos>` beside them.
//!
//! Its `tokenizer.json` is a `WordLevel` model behind a `Split` on every character, which the Hugging Face libraries
//! read as it stands. The model names an unknown token. Where the vocabulary does not hold it, as in a plain character
//! model, which spends no id on it, an unknown character is an error there as here.

use serde_json::{Value, json};

use super::TextError;
use super::encoding::{Encoding, Words};
use super::literals::Literals;
use super::write::{self, Parts};

/// A pattern that matches every single character; `.` would leave out the newline.
pub(super) const ANY_CHARACTER: &str = r"[\s\S]";

const NONE: u32 = u32::MAX;

/// The table of characters and specials.
#[derive(Clone, Debug)]
pub(super) struct Symbols {
    /// Token of each id.
    tokens: Vec<String>,
    /// Id of each ASCII character, or `NONE`.
    ascii: [u32; 128],
    /// Ids of the other characters, sorted by character.
    others: Vec<(char, u32)>,
    /// Tokens of several characters.
    specials: Literals,
    /// The name of the unknown token, which may not be in the table.
    unknown: String,
}

/// What stands at a place in a text.
struct Symbol {
    id: u32,
    bytes: usize,
    characters: usize,
    is_special: bool,
}

impl Symbols {
    /// A table with the ids `0..tokens.len()`. A token of one character is a symbol, any other is a special; all are
    /// to be different. `unknown` names the token for characters that the table lacks.
    pub(super) fn new(tokens: Vec<String>, unknown: &str) -> Self {
        let mut ascii = [NONE; 128];
        let mut others = Vec::new();
        let mut specials = Vec::new();
        for (id, token) in (0..).zip(&tokens) {
            let mut characters = token.chars();
            match (characters.next(), characters.next()) {
                (Some(character), None) => match ascii.get_mut(character as usize) {
                    Some(slot) => *slot = id,
                    None => others.push((character, id)),
                },
                (Some(_), Some(_)) => specials.push((id, token.as_str())),
                // The empty token cannot occur in a text.
                (None, _) => {}
            }
        }
        others.sort_unstable();
        let specials = Literals::new(specials);
        Self { tokens, ascii, others, specials, unknown: unknown.to_owned() }
    }

    /// The sorted unique characters of `text`.
    pub(super) fn of_text(text: &str) -> Vec<String> {
        let mut ascii = [false; 128];
        let mut others = std::collections::BTreeSet::new();
        for character in text.chars() {
            match ascii.get_mut(character as usize) {
                Some(seen) => *seen = true,
                None => {
                    others.insert(character);
                }
            }
        }
        let ascii = (0_u8..128).filter(|&byte| ascii[usize::from(byte)]).map(char::from);
        ascii.chain(others).map(String::from).collect()
    }

    pub(super) fn tokens(&self) -> &[String] {
        &self.tokens
    }

    pub(super) fn specials(&self) -> &Literals {
        &self.specials
    }

    pub(super) fn id(&self, token: &str) -> Option<u32> {
        let mut characters = token.chars();
        match (characters.next(), characters.next()) {
            (Some(character), None) => self.character(character),
            _ => self.specials.id(token),
        }
    }

    pub(super) fn encode(&self, text: &str) -> Result<Vec<u32>, TextError> {
        let mut ids = Vec::with_capacity(text.len());
        self.walk(text, |_, symbol, _| ids.push(symbol.id))?;
        Ok(ids)
    }

    pub(super) fn encoding(&self, text: &str) -> Result<Encoding, TextError> {
        let mut encoding = Encoding::default();
        let mut words = Words::default();
        self.walk(text, |rest, symbol, at| {
            let word = match rest.chars().next() {
                Some(character) if !symbol.is_special => words.character(character),
                _ => words.special(),
            };
            // An unknown character is shown as the token that stands for it.
            let token = self.tokens.get(symbol.id as usize).cloned().unwrap_or_default();
            encoding.push(symbol.id, token, (at, at + symbol.characters), Some(word));
        })?;
        Ok(encoding)
    }

    /// Calls `visit` with the rest of the text, what it starts with, and how many characters came before.
    fn walk(&self, text: &str, mut visit: impl FnMut(&str, &Symbol, usize)) -> Result<(), TextError> {
        let unknown = self.id(&self.unknown);
        let (mut rest, mut at) = (text, 0);
        while let Some(character) = rest.chars().next() {
            let symbol = match self.specials.at(rest) {
                Some((token, id)) => {
                    Symbol { id, bytes: token.len(), characters: token.chars().count(), is_special: true }
                }
                None => {
                    let error = TextError::UnknownCharacter { character, position: at + 1 };
                    let id = self.character(character).or(unknown).ok_or(error)?;
                    Symbol { id, bytes: character.len_utf8(), characters: 1, is_special: false }
                }
            };
            visit(rest, &symbol, at);
            at += symbol.characters;
            rest = &rest[symbol.bytes..];
        }
        Ok(())
    }

    fn character(&self, character: char) -> Option<u32> {
        match self.ascii.get(character as usize) {
            Some(&id) => (id != NONE).then_some(id),
            None => self.others.binary_search_by_key(&character, |entry| entry.0).ok().map(|i| self.others[i].1),
        }
    }

    pub(super) fn to_json(&self, post_processor: Value) -> Value {
        let parts = Parts {
            normalizer: Value::Null,
            pre_tokenizer: json!({
                "type": "Split", "pattern": { "Regex": ANY_CHARACTER }, "behavior": "Isolated", "invert": false
            }),
            post_processor,
            decoder: json!({ "type": "Fuse" }),
            model: json!({ "type": "WordLevel", "vocab": write::vocabulary(&self.tokens), "unk_token": self.unknown }),
        };
        write::file(self.specials.sorted(), parts)
    }
}
