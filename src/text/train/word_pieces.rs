//! WordPiece as BERT has it. The published vocabularies were made by BPE over characters, and so is this one: a piece
//! that continues a word is marked with `##`, and a merge drops the mark of its right side.
//!
//! The alphabet is every character of the text, and every character that continues a word with its mark. Where the
//! vocabulary is too small for all of them, the most frequent ones stay, and words with another one are unknown.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};

use super::merges::{self, Word};
use super::{Specials, TrainSpec, frame, words};
use crate::text::TextError;
use crate::text::write::{self, Parts};

/// The mark of a piece that continues a word.
const CONTINUING: &str = "##";

/// A word of more characters is unknown; BERT has this limit.
const MAX_WORD_CHARACTERS: usize = 100;

/// Trains: special tokens, the alphabet, one token per merge.
pub(super) fn train(text: &str, spec: &TrainSpec, specials: &Specials) -> Result<Value, TextError> {
    let mut counts = words::count(text, &normalizer(spec.lowercase), &pre_tokenizer())?;
    counts.retain(|word, _| is_short(word));
    let room = spec.vocab_size - specials.leading.len() - specials.trailing.len();
    let mut tokens = alphabet(&counts, room);
    let ids: HashMap<String, u32> = tokens.iter().cloned().zip(0..).collect();
    let spell = |(word, count): (String, u64)| {
        // `None` for a word with a character outside the alphabet.
        let ids: Option<Vec<u32>> = symbols(&word).map(|symbol| ids.get(&symbol).copied()).collect();
        ids.map(|ids| Word { ids, count })
    };
    let words: Vec<Word> = counts.into_iter().filter_map(spell).collect();
    merges::learn(&words, &mut tokens, room, CONTINUING);
    Ok(file(&specials.around(tokens), spec, specials))
}

/// The symbols that a word starts from.
fn symbols(word: &str) -> impl Iterator<Item = String> {
    word.chars().enumerate().map(|(i, character)| match i {
        0 => character.to_string(),
        _ => format!("{CONTINUING}{character}"),
    })
}

/// The most frequent symbols, at most `room`; first those that start a word, both parts sorted.
fn alphabet(words: &BTreeMap<String, u64>, room: usize) -> Vec<String> {
    let mut counts: HashMap<String, u64> = HashMap::new();
    for (word, &count) in words {
        for symbol in word.chars().map(String::from).chain(symbols(word).skip(1)) {
            *counts.entry(symbol).or_default() += count;
        }
    }
    let mut all: Vec<(std::cmp::Reverse<u64>, bool, String)> = counts
        .into_iter()
        .map(|(symbol, count)| (std::cmp::Reverse(count), symbol.chars().nth(1).is_some(), symbol))
        .collect();
    all.sort_unstable();
    all.truncate(room);
    let mut kept: Vec<(bool, String)> = all.into_iter().map(|(_, continues, symbol)| (continues, symbol)).collect();
    kept.sort_unstable();
    kept.into_iter().map(|(_, symbol)| symbol).collect()
}

pub(super) fn is_short(word: &str) -> bool {
    word.chars().nth(MAX_WORD_CHARACTERS).is_none()
}

pub(super) fn normalizer(lowercase: bool) -> Value {
    json!({
        "type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": null,
        "lowercase": lowercase
    })
}

pub(super) fn pre_tokenizer() -> Value {
    json!({ "type": "BertPreTokenizer" })
}

/// The file of a WordPiece vocabulary.
pub(super) fn file(tokens: &[String], spec: &TrainSpec, specials: &Specials) -> Value {
    let parts = Parts {
        normalizer: normalizer(spec.lowercase),
        pre_tokenizer: pre_tokenizer(),
        post_processor: spec.family.post_processor(false),
        decoder: json!({ "type": "WordPiece", "prefix": CONTINUING, "cleanup": true }),
        model: json!({
            "type": "WordPiece", "unk_token": specials.unknown, "continuing_subword_prefix": CONTINUING,
            "max_input_chars_per_word": MAX_WORD_CHARACTERS, "vocab": write::vocabulary(tokens)
        }),
    };
    frame(specials, tokens.len(), parts)
}
