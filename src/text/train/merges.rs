//! Byte pair encoding: merge the most frequent pair of neighbors, again and again.
//!
//! The trainer of the `tokenizers` crate runs on a thread pool, which a page does not have, and its queue can hold a
//! pair twice, in the order of a hash map. Here every pair has one count and ties go to the pair with the smaller
//! ids, so the same words give the same merges on every machine; a test holds the two trainers together. A merge
//! visits the places of its pair and no others, so a text that is one long word takes no longer than many short ones.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

/// A pair that occurs once is no regularity.
const MIN_COUNT: u64 = 2;

/// No neighbor, and no symbol.
const NONE: u32 = u32::MAX;

type Pair = (u32, u32);

/// A word of the text as ids, and how often it occurs.
pub(super) struct Word {
    pub(super) ids: Vec<u32>,
    pub(super) count: u64,
}

/// A symbol of a word. What has been merged into its left neighbor has no id any more.
struct Symbol {
    id: u32,
    before: u32,
    after: u32,
    word: u32,
}

/// What the pairs of all words add up to.
#[derive(Default)]
struct Pairs {
    counts: HashMap<Pair, u64>,
    /// Left symbols of places that have, or once had, the pair.
    places: HashMap<Pair, Vec<u32>>,
    /// Candidates, most frequent first, then smallest; counts may be out of date.
    queue: BinaryHeap<(u64, Reverse<Pair>)>,
}

impl Pairs {
    fn add(&mut self, pair: Pair, place: u32, times: u64) {
        let count = self.counts.entry(pair).or_default();
        *count += times;
        self.queue.push((*count, Reverse(pair)));
        self.places.entry(pair).or_default().push(place);
    }

    fn remove(&mut self, pair: Pair, times: u64) {
        if let Some(count) = self.counts.get_mut(&pair) {
            *count -= times;
        }
    }

    /// The most frequent pair with the places to look for it at, from left to right.
    fn pop(&mut self) -> Option<(Pair, Vec<u32>)> {
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
                let mut places = self.places.remove(&pair).unwrap_or_default();
                places.sort_unstable();
                return Some((pair, places));
            }
        }
        None
    }
}

/// Adds tokens to the alphabet `tokens` by merging pairs in `words` until there are `limit`, or no pair occurs twice.
/// Returns the merges in their order. What continues a word starts with `prefix`, which a merge takes off its right side.
pub(super) fn learn(words: &[Word], tokens: &mut Vec<String>, limit: usize, prefix: &str) -> Vec<(String, String)> {
    let mut symbols = chain(words);
    let mut pairs = Pairs::default();
    for (place, symbol) in (0..).zip(&symbols) {
        if let Some(after) = symbols.get(symbol.after as usize) {
            pairs.add((symbol.id, after.id), place, words[symbol.word as usize].count);
        }
    }
    let mut known: HashMap<String, u32> = tokens.iter().cloned().zip(0..).collect();
    let mut merges: Vec<(String, String)> = Vec::new();
    while tokens.len() < limit {
        let Some((pair, places)) = pairs.pop() else {
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
        for place in places {
            merge(&mut symbols, &mut pairs, place, pair, id, words);
        }
    }
    merges
}

/// The symbols of all words, each with its neighbors.
fn chain(words: &[Word]) -> Vec<Symbol> {
    let mut symbols = Vec::with_capacity(words.iter().map(|word| word.ids.len()).sum());
    for (word, Word { ids, .. }) in (0..).zip(words) {
        let start = symbols.len() as u32;
        for (place, &id) in (start..).zip(ids) {
            let before = if place == start { NONE } else { place - 1 };
            let after = if place + 1 == start + ids.len() as u32 { NONE } else { place + 1 };
            symbols.push(Symbol { id, before, after, word });
        }
    }
    symbols
}

/// Merges the pair at `place` into `id`, if it still is there, and counts its neighbors anew.
fn merge(symbols: &mut [Symbol], pairs: &mut Pairs, place: u32, pair: Pair, id: u32, words: &[Word]) {
    let Symbol { id: left, before, after: right, word } = symbols[place as usize];
    let id_at = |symbols: &[Symbol], at: u32| symbols.get(at as usize).map(|symbol| symbol.id);
    if left != pair.0 || id_at(symbols, right) != Some(pair.1) {
        return;
    }
    let times = words[word as usize].count;
    let after = symbols[right as usize].after;
    pairs.remove(pair, times);
    if let Some(neighbor) = id_at(symbols, before) {
        pairs.remove((neighbor, pair.0), times);
        pairs.add((neighbor, id), before, times);
    }
    if let Some(neighbor) = id_at(symbols, after) {
        pairs.remove((pair.1, neighbor), times);
        pairs.add((id, neighbor), place, times);
        symbols[after as usize].before = place;
    }
    symbols[right as usize].id = NONE;
    symbols[place as usize].id = id;
    symbols[place as usize].after = after;
}
