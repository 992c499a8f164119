//! A vocabulary of single characters, with whole-word specials such as `<eos>` beside them.
//!
//! Its `tokenizer.json` is a `WordLevel` model behind a `Split` on every character, which the Hugging Face libraries
//! read as it stands. No id is spent on `<unk>`: the model names it, the vocabulary does not hold it, so an unknown
//! character is an error there as here.

use serde_json::{Map, Value, json};

use super::TextError;

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
    /// Tokens of several characters, longest first.
    specials: Vec<(String, u32)>,
}

impl Symbols {
    /// A table with the ids `0..tokens.len()`. A token of one character is a symbol, any other is a special.
    pub(super) fn new(tokens: Vec<String>) -> Self {
        let mut table = Self { tokens: Vec::new(), ascii: [NONE; 128], others: Vec::new(), specials: Vec::new() };
        for (id, token) in (0..).zip(&tokens) {
            let mut characters = token.chars();
            match (characters.next(), characters.next()) {
                (Some(character), None) => match table.ascii.get_mut(character as usize) {
                    Some(slot) => *slot = id,
                    None => table.others.push((character, id)),
                },
                (Some(_), Some(_)) => table.specials.push((token.clone(), id)),
                // The empty token cannot occur in a text.
                (None, _) => {}
            }
        }
        table.others.sort_unstable();
        table.specials.sort_by_key(|(token, id)| (std::cmp::Reverse(token.len()), *id));
        table.tokens = tokens;
        table
    }

    /// The sorted unique characters of `text`.
    pub(super) fn of_text(text: &str) -> Self {
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
        Self::new(ascii.chain(others).map(String::from).collect())
    }

    pub(super) fn tokens(&self) -> &[String] {
        &self.tokens
    }

    pub(super) fn encode(&self, text: &str) -> Result<Vec<u32>, TextError> {
        let mut ids = Vec::with_capacity(text.len());
        let mut rest = text;
        let mut position = 1;
        while let Some(character) = rest.chars().next() {
            let special = self.specials.iter().find(|(token, _)| rest.starts_with(token.as_str()));
            let (id, bytes, characters) = match special {
                Some((token, id)) => (*id, token.len(), token.chars().count()),
                None => {
                    let id = self.character(character).ok_or(TextError::UnknownCharacter { character, position })?;
                    (id, character.len_utf8(), 1)
                }
            };
            ids.push(id);
            position += characters;
            rest = &rest[bytes..];
        }
        Ok(ids)
    }

    fn character(&self, character: char) -> Option<u32> {
        match self.ascii.get(character as usize) {
            Some(&id) => (id != NONE).then_some(id),
            None => self.others.binary_search_by_key(&character, |entry| entry.0).ok().map(|i| self.others[i].1),
        }
    }

    pub(super) fn to_json(&self) -> Value {
        let vocab: Map<String, Value> =
            (0_u32..).zip(&self.tokens).map(|(id, token)| (token.clone(), Value::from(id))).collect();
        let mut specials = self.specials.clone();
        specials.sort_by_key(|entry| entry.1);
        let added: Vec<Value> = specials
            .iter()
            .map(|(token, id)| {
                json!({
                    "id": id, "content": token, "single_word": false, "lstrip": false, "rstrip": false,
                    "normalized": false, "special": true
                })
            })
            .collect();
        json!({
            "version": "1.0", "truncation": null, "padding": null, "added_tokens": added, "normalizer": null,
            "pre_tokenizer": {
                "type": "Split", "pattern": { "Regex": ANY_CHARACTER }, "behavior": "Isolated", "invert": false
            },
            "post_processor": null, "decoder": { "type": "Fuse" },
            "model": { "type": "WordLevel", "vocab": vocab, "unk_token": "<unk>" }
        })
    }
}
