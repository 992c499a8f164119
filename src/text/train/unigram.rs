//! Unigram as T5 has it: pieces with probabilities, of which the most probable sequence spells a word.
//!
//! T5's own normalizer is a compiled table; here its parts stand for it: other white space and invisible characters
//! become spaces, compatible characters one, several spaces one.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::lattice::Piece;
use super::{Specials, TrainSpec, em, frame, seeds, words};
use crate::text::TextError;
use crate::text::write::Parts;

/// Frequent substrings to start from, for each token that is wanted.
const SEEDS_PER_TOKEN: usize = 10;
const MIN_SEEDS: usize = 20_000;

/// Training ends with a few tokens more than are wanted, the least probable of which then go.
const SURPLUS: f64 = 1.1;

/// A special token is less probable than the spelling of its name: text that becomes one only when it is normalized
/// stays text.
const LONGEST_NAME: f64 = 64.0;

/// Trains: leading special tokens, then pieces by their probability; trailing special tokens follow the vocabulary.
pub(super) fn train(text: &str, spec: &TrainSpec, specials: &Specials) -> Result<Value, TextError> {
    let normalizer = json!({ "type": "Sequence", "normalizers": [
        { "type": "Nmt" }, { "type": "NFKC" },
        { "type": "Replace", "pattern": { "Regex": " {2,}" }, "content": " " }
    ] });
    let metaspace = json!({ "type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true });
    let words = words::count(text, &normalizer, &metaspace)?;
    let room = spec.vocab_size - specials.leading.len() - specials.trailing.len();
    let pieces = pieces(words, room, specials);

    let lowest = pieces.iter().fold(-1.0_f64, |lowest, (_, score)| lowest.min(*score));
    let leading = specials.leading.iter().map(|token| (token.clone(), LONGEST_NAME * lowest));
    let vocab: Vec<(String, f64)> = leading.chain(pieces).collect();
    let count = vocab.len() + specials.trailing.len();
    let parts = Parts {
        normalizer,
        pre_tokenizer: metaspace.clone(),
        post_processor: spec.family.post_processor(false),
        decoder: metaspace,
        model: json!({
            "type": "Unigram", "unk_id": specials.leading.iter().position(|token| token == specials.unknown),
            "vocab": vocab, "byte_fallback": false
        }),
    };
    Ok(frame(specials, count, parts))
}

/// At most `room` pieces with their scores: all characters, the most frequent ones if there are too many, then the
/// most probable substrings. Sorted by score; equal ones by their text.
fn pieces(words: BTreeMap<String, u64>, room: usize, specials: &Specials) -> Vec<(String, f64)> {
    let seeds = (room * SEEDS_PER_TOKEN).max(MIN_SEEDS);
    let mut lattices = seeds::lattices(words, seeds, |text| specials.contains(text));
    em::train(&mut lattices, (room as f64 * SURPLUS) as usize);

    let text = |piece: &Piece| lattices.text(piece).iter().collect::<String>();
    let (mut characters, mut others): (Vec<_>, Vec<_>) = lattices
        .pieces
        .iter()
        .map(|piece| (text(piece), piece.score))
        .partition(|(text, _)| text.chars().nth(1).is_none());
    let lowest = characters.iter().chain(&others).fold(0.0_f64, |lowest, (_, score)| lowest.min(*score));
    // The names of special tokens can be spelled, should a text be normalized to one.
    let known: BTreeSet<String> = characters.iter().map(|(text, _)| text.clone()).collect();
    let names: BTreeSet<String> = specials.leading.iter().flat_map(|name| name.chars().map(String::from)).collect();
    characters.extend(names.difference(&known).map(|character| (character.clone(), lowest)));
    // Characters are in the order of their counts, which probabilities need not follow.
    characters.truncate(room);
    let by_score = |a: &(String, f64), b: &(String, f64)| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0));
    others.sort_by(by_score);
    others.truncate(room - characters.len());
    characters.extend(others);
    characters.sort_by(by_score);
    characters
}
