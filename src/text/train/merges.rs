//! Byte pair encoding: merge the most frequent pair of neighbors, again and again.
//!
//! The trainer of the `tokenizers` crate runs on a thread pool, which a page does not have, and its queue can hold a
//! pair twice, in the order of a hash map. Here every pair has one count and ties go to the pair with the smaller
//! ids, so the same words give the same merges on every machine; a test holds the two trainers together.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

/// A pair that occurs once is no regularity.
const MIN_COUNT: u64 = 2;

type Pair = (u32, u32);

/// A word of the text as ids, and how often it occurs.
pub(super) struct Word {
    pub(super) ids: Vec<u32>,
    pub(super) count: u64,
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

/// Adds tokens to the alphabet `tokens` by merging pairs in `words` until there are `limit`, or no pair occurs twice.
/// Returns the merges in their order. What continues a word starts with `prefix`, which a merge takes off its right side.
pub(super) fn learn(
    mut words: Vec<Word>,
    tokens: &mut Vec<String>,
    limit: usize,
    prefix: &str,
) -> Vec<(String, String)> {
    let mut pairs = Pairs::default();
    for (index, word) in words.iter().enumerate() {
        pairs.add(index, word);
    }
    let mut known: HashMap<String, u32> = tokens.iter().cloned().zip(0..).collect();
    let mut merges: Vec<(String, String)> = Vec::new();
    while tokens.len() < limit {
        let Some((pair, holders)) = pairs.pop() else {
            break;
        };
        let sides = (tokens[pair.0 as usize].clone(), tokens[pair.1 as usize].clone());
        let joined = format!("{}{}", sides.0, sides.1.strip_prefix(prefix).unwrap_or(&sides.1));
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
    merges
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
