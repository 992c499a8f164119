//! Masked language modeling: hides tokens of a text, and asks for them (Devlin et al. 2019).
//!
//! What is selected, by one of two published rules or by whole words, is a target. Of the selected, 80% are replaced by
//! the mask, 10% by a random id, and 10% stay as they are.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::draw::{chance, rounded, shuffle};
use crate::data::Vocabulary;
use crate::rng::Draws;

/// Which positions are selected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Selection {
    /// Each with the same probability, independently: Hugging Face's `DataCollatorForLanguageModeling`.
    #[default]
    Independent,
    /// A fixed number in every row, half-to-even rounded from the row's length with its special tokens: Google's
    /// `create_pretraining_data.py`, and *Dive into Deep Learning*.
    Exact,
    /// As many as [`Selection::Exact`] would take or fewer, by whole words: a word that would be too much is passed over.
    WholeWord,
}

/// When the mask of a text is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Masking {
    /// Anew at every visit (RoBERTa).
    #[default]
    Dynamic,
    /// Once: a function of the place in the text and the seed.
    Static,
}

/// Parameters of masked language modeling.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mlm {
    /// Share of the tokens that are selected.
    pub probability: f64,
    /// How they are selected.
    pub selection: Selection,
    /// When.
    pub masking: Masking,
    /// The most selected in a row by [`Selection::Exact`] and [`Selection::WholeWord`]; 0 sets no limit.
    pub most: usize,
}

impl Default for Mlm {
    fn default() -> Self {
        Self { probability: 0.15, selection: Selection::default(), masking: Masking::default(), most: 0 }
    }
}

/// What became of a selected token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Replaced by the mask.
    Masked,
    /// Replaced by a random id, which may be the right one.
    Replaced,
    /// Left as it is.
    Kept,
}

/// A token to be predicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Selected {
    /// Its position in the row.
    pub position: usize,
    /// The id that stood there.
    pub original: u32,
    /// What stands there now.
    pub fate: Fate,
}

/// Draws the positions to predict of a row, in ascending order. Special tokens are never selected.
#[must_use]
pub fn select(row: &[u32], options: &Mlm, vocabulary: &Vocabulary, draws: &mut Draws) -> Vec<usize> {
    let maskable = |&position: &usize| !vocabulary.is_special(row[position]);
    let mut candidates: Vec<usize> = (0..row.len()).filter(maskable).collect();
    let share = rounded(row.len() as f64 * options.probability).max(1);
    let most = if options.most == 0 { share } else { share.min(options.most) };
    match options.selection {
        Selection::Independent => candidates.retain(|_| chance(draws, options.probability)),
        Selection::Exact => {
            shuffle(draws, &mut candidates);
            candidates.truncate(most);
        }
        Selection::WholeWord => {
            let mut words = whole_words(row, &candidates, vocabulary);
            shuffle(draws, &mut words);
            candidates.clear();
            for word in words {
                if candidates.len() + word.len() <= most {
                    candidates.extend(word);
                }
            }
        }
    }
    candidates.sort_unstable();
    candidates
}

/// The words of a row: runs of candidates, cut where a word starts.
fn whole_words(row: &[u32], candidates: &[usize], vocabulary: &Vocabulary) -> Vec<Range<usize>> {
    let mut words: Vec<Range<usize>> = Vec::new();
    for &position in candidates {
        match words.last_mut() {
            Some(word) if word.end == position && !vocabulary.starts_word(row[position]) => word.end += 1,
            _ => words.push(position..position + 1),
        }
    }
    words
}

/// Replaces the tokens at `positions` of a row: 80% by `mask`, 10% by any id of the vocabulary, special ones included.
pub fn corrupt(
    row: &mut [u32],
    positions: &[usize],
    mask: u32,
    vocabulary: &Vocabulary,
    draws: &mut Draws,
) -> Vec<Selected> {
    let mut fate = |position: usize| {
        let original = row[position];
        let fate = if chance(draws, 0.8) {
            row[position] = mask;
            Fate::Masked
        } else if chance(draws, 0.5) {
            row[position] = vocabulary.any(draws);
            Fate::Replaced
        } else {
            Fate::Kept
        };
        Selected { position, original, fate }
    };
    positions.iter().map(|&position| fate(position)).collect()
}

/// Slots for the selected positions of a batch of `batch` rows of `time` tokens (N): six standard deviations above
/// the mean number of independent selections, rounded up to 64, at most all positions.
#[must_use]
pub fn slots(probability: f64, batch: usize, time: usize) -> usize {
    let tokens = batch.saturating_mul(time);
    let mean = probability * tokens as f64;
    let deviation = (mean * (1.0 - probability)).max(0.0).sqrt();
    ((mean + 6.0 * deviation).ceil() as usize).next_multiple_of(64).min(tokens)
}
