//! The first vocabulary of a Unigram model: the characters of a text and its frequent substrings.
//!
//! As in SentencePiece, a substring is a candidate if it is not always followed by the same character, and candidates
//! are ranked by count times length. They are found in sorted suffixes, which also say where each one occurs; so the
//! lattices of all words come out of the same pass, without a search.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::lattice::{Edge, Lattices, Piece, Word};

/// Characters in the longest piece; SentencePiece has the same limit.
const MAX_PIECE: usize = 16;

/// Words are learned from in stretches of so many characters: a product of probabilities over them stays above the
/// smallest number.
pub(super) const MAX_STRETCH: usize = 32;

/// A substring that occurs once is no regularity.
const MIN_COUNT: u64 = 2;

/// Suffixes that start with the same `length` characters: a range of the sorted suffixes.
struct Group {
    first: usize,
    end: usize,
    length: usize,
    count: u64,
}

/// The lattices of the words over their characters and at most `limit` longer substrings, `refused` ones left out.
/// Pieces are in order: characters by count, then substrings by count times length; equal ones by their text.
pub(super) fn lattices(words: BTreeMap<String, u64>, limit: usize, refused: impl Fn(&str) -> bool) -> Lattices {
    let mut stretches: BTreeMap<Vec<char>, u64> = BTreeMap::new();
    for (word, count) in words {
        let letters: Vec<char> = word.chars().collect();
        for stretch in letters.chunks(MAX_STRETCH) {
            *stretches.entry(stretch.to_vec()).or_default() += count;
        }
    }
    let mut letters = Vec::new();
    let mut words = Vec::new();
    // Of the word that each letter belongs to.
    let mut ends: Vec<usize> = Vec::new();
    let mut counts: Vec<u64> = Vec::new();
    for (stretch, count) in stretches {
        let start = letters.len();
        letters.extend(stretch);
        ends.resize(letters.len(), letters.len());
        counts.resize(letters.len(), count);
        words.push(Word { start, end: letters.len(), count: count as f64 });
    }
    let suffix = |at: usize| &letters[at..ends[at].min(at + MAX_PIECE)];
    let mut suffixes: Vec<u32> = (0..letters.len() as u32).collect();
    suffixes.sort_unstable_by(|&a, &b| suffix(a as usize).cmp(suffix(b as usize)).then(a.cmp(&b)));

    let text = |group: &Group| -> &[char] { &suffix(suffixes[group.first] as usize)[..group.length] };
    let (mut characters, mut substrings) = (Vec::new(), Vec::new());
    for length in 1..=MAX_PIECE {
        for group in groups(&suffixes, &suffix, &counts, length) {
            if length == 1 {
                characters.push(group);
            } else if group.count >= MIN_COUNT && branches(&suffixes, &suffix, &group) {
                substrings.push(group);
            }
        }
    }
    characters.sort_by_key(|group| (Reverse(group.count), text(group)));
    substrings.retain(|group| !refused(&text(group).iter().collect::<String>()));
    substrings.sort_by_key(|group| (Reverse(group.count * group.length as u64), text(group)));
    substrings.truncate(limit);

    let mut pieces = Vec::new();
    let mut edges: Vec<Vec<Edge>> = Vec::new();
    edges.resize_with(letters.len(), Vec::new);
    for (id, group) in characters.iter().chain(&substrings).enumerate() {
        let score = group.count * group.length as u64;
        pieces.push(Piece { at: suffixes[group.first] as usize, length: group.length, score: score as f64 });
        for &at in &suffixes[group.first..group.end] {
            edges[at as usize].push(Edge { piece: id as u32, length: group.length as u32 });
        }
    }
    Lattices { letters, words, pieces, edges }
}

/// The runs of suffixes with the same first `length` characters. Their order keeps each run together.
fn groups<'a>(suffixes: &[u32], suffix: &impl Fn(usize) -> &'a [char], counts: &[u64], length: usize) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut current: Option<&[char]> = None;
    for (i, &at) in suffixes.iter().enumerate() {
        let start = suffix(at as usize).get(..length);
        let count = counts[at as usize];
        match groups.last_mut() {
            Some(group) if start.is_some() && start == current => {
                group.end = i + 1;
                group.count += count;
            }
            _ if start.is_some() => groups.push(Group { first: i, end: i + 1, length, count }),
            _ => {}
        }
        current = start;
    }
    groups
}

/// Whether the substring is followed by different characters or by an end. The first and the last of sorted suffixes
/// differ the earliest.
fn branches<'a>(suffixes: &[u32], suffix: &impl Fn(usize) -> &'a [char], group: &Group) -> bool {
    let next = |i: usize| suffixes.get(i).and_then(|&at| suffix(at as usize).get(group.length));
    let (first, last) = (next(group.first), next(group.end - 1));
    first.is_none() || first != last
}
