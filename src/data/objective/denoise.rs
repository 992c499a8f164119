//! BART's noise: the text is transformed, and the decoder writes it as it was (Lewis et al. 2020).
//!
//! The noisers compose in the order of fairseq's `denoising_dataset.py`: sentences are permuted, then tokens masked, deleted
//! or infilled, then masks inserted, then the document rotated. Start and end tokens are never touched: they are added
//! afterwards. Every token knows where it came from, so that the page can draw what happened.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::Role;
use super::draw::{LEAST_LAMBDA, MOST_LAMBDA, Poisson, chance, permutation};
use crate::data::Vocabulary;
use crate::rng::Draws;

/// Parameters of the noisers; 0 turns one off. The defaults are those of BART as published.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Denoise {
    /// Share of the sentences that change places.
    pub permute: f64,
    /// Probability that a token becomes the mask.
    pub mask: f64,
    /// Probability that a token is deleted.
    pub delete: f64,
    /// Share of the words that are infilled: spans of them become one mask each.
    pub infill: f64,
    /// Mean length of an infilled span, in words (Poisson). Spans of length 0 insert a mask.
    pub lambda: f64,
    /// Masks to insert, as a share of the tokens.
    pub insert: f64,
    /// Probability that a mask of `infill`, `mask` or `insert` is a random token instead.
    pub random: f64,
    /// Probability that the document is rotated.
    pub rotate: f64,
}

impl Default for Denoise {
    fn default() -> Self {
        let off = Self::OFF;
        Self { permute: 1.0, infill: 0.3, lambda: 3.0, ..off }
    }
}

impl Denoise {
    /// No noise at all.
    pub const OFF: Self =
        Self { permute: 0.0, mask: 0.0, delete: 0.0, infill: 0.0, lambda: 3.0, insert: 0.0, random: 0.0, rotate: 0.0 };

    /// Name, value, least and most of each parameter.
    pub(super) const fn bounds(&self) -> [(&'static str, f64, f64, f64); 8] {
        [
            ("permute", self.permute, 0.0, 1.0),
            ("mask", self.mask, 0.0, 1.0),
            ("delete", self.delete, 0.0, 1.0),
            ("infill", self.infill, 0.0, 1.0),
            ("lambda", self.lambda, LEAST_LAMBDA, MOST_LAMBDA),
            ("insert", self.insert, 0.0, 1.0),
            ("random", self.random, 0.0, 1.0),
            ("rotate", self.rotate, 0.0, 1.0),
        ]
    }
}

/// A token after noise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noised {
    /// Its id.
    pub id: u32,
    /// The tokens of the text that it stands for; empty if it was inserted.
    pub from: Range<usize>,
    /// What happened, if anything did; the latest of several.
    pub role: Option<Role>,
}

/// A text under noise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoisedText {
    /// Its tokens.
    pub tokens: Vec<Noised>,
    /// Positions in the text that were deleted.
    pub deleted: Vec<usize>,
    /// Insertions that were left out for want of room.
    pub left_out: usize,
}

impl NoisedText {
    /// The text without noise yet.
    #[must_use]
    pub fn new(text: &[u32]) -> Self {
        let tokens = text.iter().enumerate().map(|(at, &id)| Noised { id, from: at..at + 1, role: None }).collect();
        Self { tokens, deleted: Vec::new(), left_out: 0 }
    }

    /// The ids.
    #[must_use]
    pub fn ids(&self) -> Vec<u32> {
        self.tokens.iter().map(|token| token.id).collect()
    }
}

/// Applies the noisers to `text`; the result has at most `room` tokens if the text has.
#[must_use]
pub fn noise(
    text: &[u32],
    options: &Denoise,
    mask: u32,
    room: usize,
    vocabulary: &Vocabulary,
    draws: &mut Draws,
) -> NoisedText {
    let mut out = NoisedText::new(text);
    permute_sentences(&mut out, options.permute, vocabulary, draws);
    let filler = Filler { mask, random: options.random, vocabulary };
    if options.infill > 0.0 {
        infill(&mut out, options.infill, options.lambda, room, &filler, draws);
    }
    if options.mask > 0.0 {
        mask_tokens(&mut out, options.mask, &filler, draws);
    }
    if options.delete > 0.0 {
        delete_tokens(&mut out, options.delete, draws);
    }
    let insertions = (out.tokens.len() as f64 * options.insert).ceil() as usize;
    insert(&mut out, insertions, room, &filler, draws);
    if options.rotate > 0.0 && chance(draws, options.rotate) {
        rotate(&mut out, draws);
    }
    out
}

/// What takes the place of hidden text.
pub struct Filler<'a> {
    /// The mask.
    pub mask: u32,
    /// Probability of a random token instead.
    pub random: f64,
    /// Where that comes from.
    pub vocabulary: &'a Vocabulary,
}

impl Filler<'_> {
    fn token(&self, from: Range<usize>, role: Role, draws: &mut Draws) -> Noised {
        let is_random = self.random > 0.0 && chance(draws, self.random);
        let id = if is_random { self.vocabulary.any(draws) } else { self.mask };
        Noised { id, from, role: Some(if is_random { Role::Replaced } else { role }) }
    }
}

/// Puts a share of the sentences, rounded up, into a random order on their places. A sentence ends with a full stop that
/// does not follow another.
pub fn permute_sentences(text: &mut NoisedText, share: f64, vocabulary: &Vocabulary, draws: &mut Draws) {
    let tokens = &text.tokens;
    let is_stop = |at: usize| vocabulary.is_full_stop(tokens[at].id);
    let ends = (0..tokens.len()).filter(|&at| at + 1 == tokens.len() || is_stop(at) && (at == 0 || !is_stop(at - 1)));
    let mut start = 0;
    let mut sentences: Vec<Range<usize>> = Vec::new();
    for end in ends {
        sentences.push(start..end + 1);
        start = end + 1;
    }
    let moving = (sentences.len() as f64 * share).ceil() as usize;
    if moving < 2 {
        return;
    }
    let mut places = permutation(draws, sentences.len());
    places.truncate(moving);
    let mut order: Vec<usize> = (0..sentences.len()).collect();
    for (&place, chosen) in places.iter().zip(permutation(draws, moving)) {
        order[place] = places[chosen];
    }
    let mut out = Vec::with_capacity(tokens.len());
    for (place, sentence) in order.into_iter().enumerate() {
        let role = (place != sentence).then_some(Role::Permuted);
        let moved = tokens[sentences[sentence].clone()].iter().cloned();
        out.extend(moved.map(|token| Noised { role: role.or(token.role), ..token }));
    }
    text.tokens = out;
}

/// Replaces each token by the mask with probability `p`.
pub fn mask_tokens(text: &mut NoisedText, p: f64, filler: &Filler<'_>, draws: &mut Draws) {
    for token in &mut text.tokens {
        if chance(draws, p) {
            *token = filler.token(token.from.clone(), Role::Masked, draws);
        }
    }
}

/// Deletes each token with probability `p`.
pub fn delete_tokens(text: &mut NoisedText, p: f64, draws: &mut Draws) {
    let NoisedText { tokens, deleted, .. } = text;
    tokens.retain(|token| {
        let keep = !chance(draws, p);
        if !keep {
            deleted.extend(token.from.clone());
        }
        keep
    });
}

/// Replaces each run of marked tokens by one mask.
pub fn infill_runs(text: &mut NoisedText, marked: &[bool], filler: &Filler<'_>, draws: &mut Draws) {
    let (mut out, mut spans) = (Vec::with_capacity(text.tokens.len()), 0);
    let mut open = false;
    for (at, token) in std::mem::take(&mut text.tokens).into_iter().enumerate() {
        let hidden = marked.get(at) == Some(&true);
        match out.last_mut() {
            Some(Noised { from, .. }) if hidden && open => from.end = token.from.end,
            _ if hidden => {
                out.push(filler.token(token.from, Role::Span(spans), draws));
                spans += 1;
            }
            _ => out.push(token),
        }
        open = hidden;
    }
    text.tokens = out;
}

/// Replaces spans of words, a share `p` of all words rounded up, by one mask each. Lengths are Poisson; the last is cut so
/// that they add up. Each positive one starts at another random word; spans that meet or overlap share what they cover,
/// and a start inside another span leaves no mask of its own. Each length of zero inserts a mask in a random gap.
pub fn infill(text: &mut NoisedText, p: f64, lambda: f64, room: usize, filler: &Filler<'_>, draws: &mut Draws) {
    let length = text.tokens.len();
    let is_start = |at: usize| at == 0 || filler.vocabulary.starts_word(text.tokens[at].id);
    let starts: Vec<usize> = (0..length).filter(|&at| is_start(at)).collect();
    let (lengths, insertions) = span_lengths(starts.len(), p, lambda, draws);
    // For each word: whether a span starts with it, and whether one covers it without starting there.
    let (mut begins, mut covered) = (vec![false; starts.len()], vec![false; starts.len()]);
    for (word, span) in permutation(draws, starts.len()).into_iter().zip(&lengths) {
        begins[word] = true;
        let end = (word + span).min(starts.len());
        covered[word + 1..end].fill(true);
    }
    let word_end = |word: usize| starts.get(word + 1).copied().unwrap_or(length);
    let mut out: Vec<Noised> = Vec::with_capacity(length);
    let mut spans = 0;
    for (word, &start) in starts.iter().enumerate() {
        let tokens = &text.tokens[start..word_end(word)];
        // A span's words follow each other here; in the text they may not, after a permutation.
        let from = tokens.iter().map(|t| t.from.start).min().unwrap_or(0)
            ..tokens.iter().map(|t| t.from.end).max().unwrap_or(0);
        match out.last_mut() {
            Some(mask) if covered[word] => {
                if mask.from.end == from.start {
                    mask.from.end = from.end;
                } else {
                    text.deleted.extend(from);
                }
            }
            _ if begins[word] => {
                out.push(filler.token(from, Role::Span(spans), draws));
                spans += 1;
            }
            _ => out.extend_from_slice(tokens),
        }
    }
    text.tokens = out;
    insert(text, insertions, room, filler, draws);
}

/// The positive lengths of infilled spans among `words` words, and how many had length zero.
#[must_use]
pub fn span_lengths(words: usize, p: f64, lambda: f64, draws: &mut Draws) -> (Vec<usize>, usize) {
    let budget = (words as f64 * p).ceil() as usize;
    let poisson = Poisson::new(lambda);
    let (mut lengths, mut zeros, mut sum) = (Vec::new(), 0, 0);
    while sum < budget {
        let length = poisson.draw(draws).min(budget - sum);
        sum += length;
        if length == 0 {
            zeros += 1;
        } else {
            lengths.push(length);
        }
    }
    (lengths, zeros)
}

/// Inserts `count` masks at random gaps, start and end included; no more than `room` tokens in all.
pub fn insert(text: &mut NoisedText, count: usize, room: usize, filler: &Filler<'_>, draws: &mut Draws) {
    let length = text.tokens.len();
    let fitting = count.min(room.saturating_sub(length));
    text.left_out += count - fitting;
    if fitting == 0 {
        return;
    }
    let mut is_new = vec![false; length + fitting];
    for &place in permutation(draws, length + fitting).iter().take(fitting) {
        is_new[place] = true;
    }
    let mut old = std::mem::take(&mut text.tokens).into_iter();
    let mut after = 0;
    for new in is_new {
        let token = if new { Some(filler.token(after..after, Role::Inserted, draws)) } else { old.next() };
        if let Some(token) = token {
            after = token.from.end;
            text.tokens.push(token);
        }
    }
}

/// Rotates the text so that a random token comes first.
pub fn rotate(text: &mut NoisedText, draws: &mut Draws) {
    let offset = draws.below(text.tokens.len() as u32) as usize;
    if offset > 0 {
        text.tokens.rotate_left(offset);
        for token in &mut text.tokens {
            token.role.get_or_insert(Role::Rotated);
        }
    }
}
