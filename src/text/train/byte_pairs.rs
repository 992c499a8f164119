//! Byte-level BPE, as GPT-2 and BART have it: the 256 bytes and merges.

use std::collections::HashMap;

use serde_json::Value;

use super::merges::{self, Word};
use super::{Specials, TrainSpec, frame, words};
use crate::text::write::{self, Parts};
use crate::text::{TextError, byte_level};

/// Trains: special tokens, the 256 bytes in the order of their characters, one token per merge.
pub(super) fn train(text: &str, spec: &TrainSpec, specials: &Specials) -> Result<Value, TextError> {
    let mut alphabet: Vec<char> = (0..=u8::MAX).map(byte_level::character).collect();
    alphabet.sort_unstable();
    let ids: HashMap<char, u32> = alphabet.iter().copied().zip(0..).collect();
    let words: Vec<Word> = words::count(text, &Value::Null, &write::byte_level(true))?
        .into_iter()
        .map(|(word, count)| Word { ids: word.chars().filter_map(|c| ids.get(&c).copied()).collect(), count })
        .collect();
    let mut tokens: Vec<String> = alphabet.iter().map(char::to_string).collect();
    let room = spec.vocab_size - specials.leading.len() - specials.trailing.len();
    let merges = merges::learn(&words, &mut tokens, room, "");
    let tokens = specials.around(tokens);
    let parts = Parts {
        normalizer: Value::Null,
        pre_tokenizer: write::byte_level(true),
        post_processor: spec.family.post_processor(true),
        decoder: write::byte_level(true),
        model: write::bpe(&tokens, &merges),
    };
    Ok(frame(specials, tokens.len(), parts))
}
