//! Noise masks and what stands in their place: the building blocks of T5's objectives.
//!
//! Names and definitions follow `t5/data/preprocessors.py` (Raffel et al. 2020). A mask marks the tokens that are noise.

use std::ops::Range;

use super::draw::{chance, permutation, rounded, shuffle};
use crate::data::{DataError, Vocabulary};
use crate::rng::Draws;

/// Noise tokens and noise spans among `length` tokens, at least 2: a function of the length.
#[must_use]
pub fn noise_counts(length: usize, density: f64, mean_span: f64) -> (usize, usize) {
    let length = length.max(2);
    let noise = rounded(length as f64 * density).clamp(1, length - 1);
    let spans = rounded(noise as f64 / mean_span).max(1);
    // Spans on both sides are non-empty; the cap is that of Hugging Face's port.
    (noise, spans.min(noise).min(length - noise))
}

/// The mask of span corruption: text and noise spans in turn, the first of text, the last of noise, every way of cutting
/// the tokens of both kinds equally likely. `roll` then turns the mask by a random offset.
#[must_use]
pub fn random_spans(length: usize, density: f64, mean_span: f64, roll: bool, draws: &mut Draws) -> Vec<bool> {
    let whole = length.max(2);
    let (noise, spans) = noise_counts(length, density, mean_span);
    let noise_lengths = segment(noise, spans, draws);
    let text_lengths = segment(whole - noise, spans, draws);
    let mut mask = Vec::with_capacity(whole);
    for (text, noise) in text_lengths.into_iter().zip(noise_lengths) {
        mask.extend(std::iter::repeat_n(false, text));
        mask.extend(std::iter::repeat_n(true, noise));
    }
    mask.truncate(length);
    if roll && length > 0 {
        mask.rotate_right(draws.below(length as u32) as usize);
    }
    mask
}

/// Cuts `items` into `parts` non-empty lengths, `1 ≤ parts ≤ items`; all cuts are equally likely.
#[must_use]
pub fn segment(items: usize, parts: usize, draws: &mut Draws) -> Vec<usize> {
    let mut cuts: Vec<bool> = (0..items.saturating_sub(1)).map(|gap| gap + 1 < parts).collect();
    shuffle(draws, &mut cuts);
    let mut lengths = vec![1];
    for cut in cuts {
        match lengths.last_mut() {
            Some(last) if !cut => *last += 1,
            _ => lengths.push(1),
        }
    }
    lengths
}

/// A mask of independent tokens.
#[must_use]
pub fn independent(length: usize, density: f64, draws: &mut Draws) -> Vec<bool> {
    (0..length).map(|_| chance(draws, density)).collect()
}

/// A mask that marks a prefix of 1 to `length - 1` tokens, uniformly.
#[must_use]
pub fn random_prefix(length: usize, draws: &mut Draws) -> Vec<bool> {
    let most = length.saturating_sub(1);
    let least = most.min(1);
    let prefix = least + draws.below((most + 1 - least) as u32) as usize;
    (0..length).map(|at| at < prefix).collect()
}

/// The runs of a mask.
#[must_use]
pub fn runs(mask: &[bool]) -> Vec<Range<usize>> {
    let mut out: Vec<Range<usize>> = Vec::new();
    for at in (0..mask.len()).filter(|&at| mask[at]) {
        match out.last_mut() {
            Some(run) if run.end == at => run.end += 1,
            _ => out.push(at..at + 1),
        }
    }
    out
}

/// The complement of a mask.
#[must_use]
pub fn complement(mask: &[bool]) -> Vec<bool> {
    mask.iter().map(|noise| !noise).collect()
}

/// Every noise token becomes `sentinel`.
#[must_use]
pub fn noise_token_to_sentinel(tokens: &[u32], mask: &[bool], sentinel: u32) -> Vec<u32> {
    tokens.iter().zip(mask).map(|(&token, &noise)| if noise { sentinel } else { token }).collect()
}

/// Every noise span becomes one `sentinel`.
#[must_use]
pub fn noise_span_to_sentinel(tokens: &[u32], mask: &[bool], sentinel: u32) -> Vec<u32> {
    replace_spans(tokens, mask, |_| sentinel)
}

/// Noise span k becomes sentinel k.
///
/// # Errors
/// More spans than sentinels.
pub fn noise_span_to_unique_sentinel(tokens: &[u32], mask: &[bool], sentinels: &[u32]) -> Result<Vec<u32>, DataError> {
    let needed = runs(mask).len();
    if needed > sentinels.len() {
        return Err(DataError::Sentinels { needed, available: sentinels.len() });
    }
    Ok(replace_spans(tokens, mask, |span| sentinels[span]))
}

/// Every span of text becomes one `sentinel`.
#[must_use]
pub fn nonnoise_span_to_sentinel(tokens: &[u32], mask: &[bool], sentinel: u32) -> Vec<u32> {
    noise_span_to_sentinel(tokens, &complement(mask), sentinel)
}

/// Span k of text becomes sentinel k.
///
/// # Errors
/// More spans than sentinels.
pub fn nonnoise_span_to_unique_sentinel(
    tokens: &[u32],
    mask: &[bool],
    sentinels: &[u32],
) -> Result<Vec<u32>, DataError> {
    noise_span_to_unique_sentinel(tokens, &complement(mask), sentinels)
}

/// The text alone.
#[must_use]
pub fn drop_noise(tokens: &[u32], mask: &[bool]) -> Vec<u32> {
    tokens.iter().zip(mask).filter(|(_, noise)| !**noise).map(|(&token, _)| token).collect()
}

/// The noise alone.
#[must_use]
pub fn drop_nonnoise(tokens: &[u32], mask: &[bool]) -> Vec<u32> {
    drop_noise(tokens, &complement(mask))
}

/// The noise tokens in a random order on their places.
#[must_use]
pub fn permute_noise(tokens: &[u32], mask: &[bool], draws: &mut Draws) -> Vec<u32> {
    let places: Vec<usize> = (0..tokens.len()).filter(|&at| mask[at]).collect();
    let mut out = tokens.to_vec();
    for (&to, from) in places.iter().zip(permutation(draws, places.len())) {
        out[to] = tokens[places[from]];
    }
    out
}

/// Noise tokens become random ids with probability `random`, otherwise `sentinel`. Padding, end and unknown tokens are
/// not drawn: in T5's vocabularies these are the first three ids.
#[must_use]
pub fn noise_token_to_random_or_sentinel(
    tokens: &[u32],
    mask: &[bool],
    sentinel: u32,
    random: f64,
    vocabulary: &Vocabulary,
    draws: &mut Draws,
) -> Vec<u32> {
    let specials = &vocabulary.specials;
    let mut reserved: Vec<u32> = [specials.pad, specials.end, specials.unk].into_iter().flatten().collect();
    reserved.sort_unstable();
    reserved.dedup();
    let free = vocabulary.size.saturating_sub(reserved.len() as u32);
    let mut noise = || {
        if chance(draws, random) {
            // The n-th id that is not reserved.
            reserved.iter().fold(draws.below(free), |id, &taken| id + u32::from(id >= taken))
        } else {
            sentinel
        }
    };
    tokens.iter().zip(mask).map(|(&token, &is_noise)| if is_noise { noise() } else { token }).collect()
}

/// Turns noise into text from the end until at most `most` noise spans are left, and as many spans of text where
/// `both` holds; the number of tokens that this changed.
pub(super) fn limit_spans(mask: &mut [bool], most: usize, both: bool) -> usize {
    let mut undone = 0;
    loop {
        let noise = runs(mask);
        let text = if both { runs(&complement(mask)).len() } else { 0 };
        let Some(last) = noise.last() else { return undone };
        if noise.len() <= most && text <= most {
            return undone;
        }
        undone += last.len();
        mask[last.clone()].fill(false);
    }
}

fn replace_spans(tokens: &[u32], mask: &[bool], mut sentinel: impl FnMut(usize) -> u32) -> Vec<u32> {
    let mut spans = 0;
    let mut out = Vec::with_capacity(tokens.len());
    for (at, &token) in tokens.iter().enumerate() {
        if !mask[at] {
            out.push(token);
        } else if at == 0 || !mask[at - 1] {
            out.push(sentinel(spans));
            spans += 1;
        }
    }
    out
}
