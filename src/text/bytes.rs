//! The 256 bytes, with special tokens beside them: the id of a byte is its value, counted from the id of byte 0.
//!
//! Its `tokenizer.json` is byte-level BPE without merges.

use serde_json::Value;

use super::encoding::{Encoding, Words};
use super::literals::Literals;
use super::write::{self, Parts};
use super::{byte_level, label};

/// The table of bytes and specials.
#[derive(Clone, Debug)]
pub(super) struct Bytes {
    /// Token of each id; bytes in GPT-2's alphabet.
    tokens: Vec<String>,
    /// Id of byte 0; those of the other bytes follow.
    first: u32,
    specials: Literals,
}

impl Bytes {
    /// Specials before the bytes and after them. All are to be different.
    pub(super) fn new(before: &[String], after: &[String]) -> Self {
        let alphabet = (0..=u8::MAX).map(|byte| byte_level::character(byte).to_string());
        let tokens: Vec<String> = before.iter().cloned().chain(alphabet).chain(after.iter().cloned()).collect();
        let first = before.len();
        let is_byte = |i: usize| (first..first + 256).contains(&i);
        let specials = (0..).zip(&tokens).enumerate().filter(|&(i, _)| !is_byte(i));
        let specials = Literals::new(specials.map(|(_, (id, token))| (id, token.as_str())));
        Self { first: first as u32, tokens, specials }
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
            (Some(character), None) => byte_level::byte(character).map(|byte| self.first + u32::from(byte)),
            _ => self.specials.id(token),
        }
    }

    pub(super) fn encode(&self, text: &str) -> Vec<u32> {
        let mut ids = Vec::with_capacity(text.len());
        let mut rest = text;
        while let Some(character) = rest.chars().next() {
            let bytes = match self.specials.at(rest) {
                Some((token, id)) => {
                    ids.push(id);
                    token.len()
                }
                None => {
                    let length = character.len_utf8();
                    ids.extend(rest.bytes().take(length).map(|byte| self.first + u32::from(byte)));
                    length
                }
            };
            rest = &rest[bytes..];
        }
        ids
    }

    /// Every byte has the place of its character.
    pub(super) fn encoding(&self, text: &str) -> Encoding {
        let mut encoding = Encoding::default();
        let mut words = Words::default();
        let (mut rest, mut at) = (text, 0);
        while let Some(character) = rest.chars().next() {
            let (bytes, characters) = match self.specials.at(rest) {
                Some((token, id)) => {
                    let characters = token.chars().count();
                    encoding.push(id, token, (at, at + characters), Some(words.special()));
                    (token.len(), characters)
                }
                None => {
                    let word = words.character(character);
                    for byte in rest.bytes().take(character.len_utf8()) {
                        let token = byte_level::character(byte);
                        encoding.push(self.first + u32::from(byte), token, (at, at + 1), Some(word));
                    }
                    (character.len_utf8(), 1)
                }
            };
            at += characters;
            rest = &rest[bytes..];
        }
        encoding
    }

    /// Ids outside the vocabulary become U+FFFD.
    pub(super) fn decode(&self, ids: &[u32]) -> String {
        let mut bytes = Vec::with_capacity(ids.len());
        for &id in ids {
            match (self.byte(id), self.tokens.get(id as usize)) {
                (Some(byte), _) => bytes.push(byte),
                (None, Some(special)) => bytes.extend_from_slice(special.as_bytes()),
                (None, None) => bytes.extend_from_slice(b"\xEF\xBF\xBD"),
            }
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }

    pub(super) fn label(&self, id: u32) -> Option<String> {
        match self.byte(id) {
            Some(byte) => Some(label::visible_bytes(&[byte])),
            None => self.tokens.get(id as usize).map(|special| label::visible(special)),
        }
    }

    fn byte(&self, id: u32) -> Option<u8> {
        id.checked_sub(self.first).and_then(|value| u8::try_from(value).ok())
    }

    pub(super) fn to_json(&self, post_processor: Value) -> Value {
        let parts = Parts {
            normalizer: Value::Null,
            pre_tokenizer: write::byte_level(true),
            post_processor,
            decoder: write::byte_level(true),
            model: write::bpe(&self.tokens, &[]),
        };
        write::file(self.specials.sorted(), parts)
    }
}
