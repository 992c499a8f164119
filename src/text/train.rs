//! Byte-level BPE training: merge the most frequent pair of neighbors, again and again.
//!
//! The trainer of the `tokenizers` crate runs on a thread pool, which a page does not have, and its queue can hold a
//! pair twice, in the order of a hash map. Here every pair has one count and ties go to the pair with the smaller
//! ids, so the same text gives the same vocabulary on every machine; a test holds the two trainers together.
//! Splitting the text into words is left to the crate.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};

use serde_json::{Map, Value, json};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::{OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer};

use super::{TextError, byte_level};

/// The end-of-text token of GPT-2, the only special token of a vocabulary trained here.
const END_OF_TEXT: &str = "<|endoftext|>";

/// A pair that occurs once is no regularity.
const MIN_COUNT: u64 = 2;

type Pair = (u32, u32);

/// A word of the text as ids, and how often it occurs.
struct Word {
    ids: Vec<u32>,
    count: u64,
}

/// What the pairs of all words add up to.
#[derive(Default)]
struct Pairs {
    counts: HashMap<Pair, u64>,
    /// Words that have, or once had, the pair.
    words: HashMap<Pair, Vec<usize>>,
    /// Candidates, most frequent first, then smallest; counts may be out of date.
    queue: BinaryHeap<(u64, Reverse<Pair>)>,
}

impl Pairs {
    fn add(&mut self, index: usize, word: &Word) {
        for pair in neighbors(&word.ids) {
            let count = self.counts.entry(pair).or_default();
            *count += word.count;
            self.queue.push((*count, Reverse(pair)));
            self.words.entry(pair).or_default().push(index);
        }
    }

    fn remove(&mut self, word: &Word) {
        for pair in neighbors(&word.ids) {
            if let Some(count) = self.counts.get_mut(&pair) {
                *count -= word.count;
            }
        }
    }

    /// The most frequent pair with the words to look for it in, sorted.
    fn pop(&mut self) -> Option<(Pair, Vec<usize>)> {
        while let Some((count, Reverse(pair))) = self.queue.pop() {
            let current = self.counts.get(&pair).copied().unwrap_or_default();
            if current < count {
                // Every increase was queued; a decrease is queued now, so that it waits for its turn.
                if current > 0 {
                    self.queue.push((current, Reverse(pair)));
                }
            } else if current == count {
                if count < MIN_COUNT {
                    return None;
                }
                let mut words = self.words.remove(&pair).unwrap_or_default();
                words.sort_unstable();
                words.dedup();
                return Some((pair, words));
            }
        }
        None
    }
}

/// Trains on a text in `pieces` and returns the `tokenizer.json` of at most `vocab_size` tokens: `<|endoftext|>`,
/// the 256 bytes in the order of their characters, then one token per merge.
pub(super) fn train(pieces: &[&str], vocab_size: usize) -> Result<Value, TextError> {
    let mut tokens = vec![END_OF_TEXT.to_owned()];
    let mut alphabet: Vec<char> = (0..=u8::MAX).map(byte_level::character).collect();
    alphabet.sort_unstable();
    tokens.extend(alphabet.iter().map(char::to_string));
    let ids: HashMap<char, u32> = alphabet.into_iter().zip(1..).collect();

    let mut words: Vec<Word> = count_words(pieces)?
        .into_iter()
        .map(|(word, count)| Word { ids: word.chars().filter_map(|c| ids.get(&c).copied()).collect(), count })
        .collect();
    let mut pairs = Pairs::default();
    for (index, word) in words.iter().enumerate() {
        pairs.add(index, word);
    }

    let mut known: HashMap<String, u32> = tokens.iter().cloned().zip(0..).collect();
    let mut merges: Vec<(String, String)> = Vec::new();
    while tokens.len() < vocab_size {
        let Some((pair, holders)) = pairs.pop() else {
            break;
        };
        let sides = (tokens[pair.0 as usize].clone(), tokens[pair.1 as usize].clone());
        let joined = format!("{}{}", sides.0, sides.1);
        // "ab" + "c" and "a" + "bc" are one token by two merges.
        let id = *known.entry(joined).or_insert_with_key(|joined| {
            tokens.push(joined.clone());
            tokens.len() as u32 - 1
        });
        merges.push(sides);
        for index in holders {
            let word = &mut words[index];
            if neighbors(&word.ids).any(|other| other == pair) {
                pairs.remove(word);
                merge(&mut word.ids, pair, id);
                pairs.add(index, word);
            }
        }
    }
    Ok(file(&tokens, &merges))
}

fn neighbors(ids: &[u32]) -> impl Iterator<Item = Pair> {
    ids.windows(2).map(|pair| (pair[0], pair[1]))
}

/// Replaces every occurrence of `pair`, from the left.
fn merge(ids: &mut Vec<u32>, pair: Pair, id: u32) {
    let mut merged = Vec::with_capacity(ids.len());
    let mut rest = ids.as_slice();
    loop {
        match rest {
            [a, b, tail @ ..] if (*a, *b) == pair => {
                merged.push(id);
                rest = tail;
            }
            [a, tail @ ..] => {
                merged.push(*a);
                rest = tail;
            }
            [] => break,
        }
    }
    *ids = merged;
}

/// The words that GPT-2's pattern finds, spelled in the byte alphabet.
fn count_words(pieces: &[&str]) -> Result<BTreeMap<String, u64>, TextError> {
    let mut counts = BTreeMap::new();
    let splitter = ByteLevel::new(false, true, true);
    for &piece in pieces {
        let mut text = PreTokenizedString::from(piece);
        splitter.pre_tokenize(&mut text).map_err(|error| TextError::Engine(error.to_string()))?;
        for (word, _, _) in text.get_splits(OffsetReferential::Original, OffsetType::None) {
            match counts.get_mut(word) {
                Some(count) => *count += 1,
                None => {
                    counts.insert(word.to_owned(), 1);
                }
            }
        }
    }
    Ok(counts)
}

fn file(tokens: &[String], merges: &[(String, String)]) -> Value {
    let vocab: Map<String, Value> = tokens.iter().cloned().zip((0_u32..).map(Value::from)).collect();
    let byte_level = |trim_offsets: bool| json!({ "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": trim_offsets, "use_regex": true });
    json!({
        "version": "1.0", "truncation": null, "padding": null,
        "added_tokens": [{
            "id": 0, "content": END_OF_TEXT, "single_word": false, "lstrip": false, "rstrip": false,
            "normalized": false, "special": true
        }],
        "normalizer": null, "pre_tokenizer": byte_level(true), "post_processor": byte_level(false),
        "decoder": byte_level(true),
        "model": {
            "type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
            "vocab": vocab, "merges": merges
        }
    })
}
