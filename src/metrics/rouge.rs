//! Summarization: ROUGE as the rouge-score package computes it, without stemming.

use std::collections::{BTreeSet, HashMap};

use super::ngrams::{ngrams, shared};
use super::tokens::words;
use super::{MetricError, Prf};

/// Cells of the largest table of common subsequences: 256 MiB.
const TABLE: usize = 1 << 26;

/// The scores of one text.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Rouge {
    /// Single words.
    pub rouge1: Prf,
    /// Pairs of words.
    pub rouge2: Prf,
    /// Longest common subsequence of the whole texts.
    pub rouge_l: Prf,
    /// Union of the longest common subsequences of their lines.
    pub rouge_lsum: Prf,
}

/// Scores a prediction against a reference. Words are runs of `a`–`z` and digits in lower case; a line is a sentence.
///
/// # Errors
/// When two sentences, or the texts, are too long for a table of their subsequences.
pub fn rouge(prediction: &str, reference: &str) -> Result<Rouge, MetricError> {
    let (prediction, reference) = (prediction.to_lowercase(), reference.to_lowercase());
    let (p, r) = (words(&prediction), words(&reference));
    let common = Table::new(&r, &p)?.length();
    Ok(Rouge {
        rouge1: overlap(&p, &r, 1),
        rouge2: overlap(&p, &r, 2),
        rouge_l: Prf::from_counts(common, p.len(), r.len()),
        rouge_lsum: by_lines(&lines(&prediction), &lines(&reference))?,
    })
}

fn lines(text: &str) -> Vec<Vec<&str>> {
    text.split('\n').map(words).collect()
}

fn overlap(prediction: &[&str], reference: &[&str], n: usize) -> Prf {
    let runs = |tokens: &[&str]| (tokens.len() + 1).saturating_sub(n);
    let hits = shared(&ngrams(prediction, n), &ngrams(reference, n));
    Prf::from_counts(hits, runs(prediction), runs(reference))
}

/// Words of the reference that stand in a common subsequence with any line of the prediction; no word counts more often
/// than either text has it.
fn by_lines(prediction: &[Vec<&str>], reference: &[Vec<&str>]) -> Result<Prf, MetricError> {
    let (mut left_p, mut left_r) = (count(prediction), count(reference));
    let mut hits = 0;
    for line in reference {
        let mut places = BTreeSet::new();
        for other in prediction {
            places.extend(Table::new(line, other)?.places());
        }
        for place in places {
            if let (Some(p), Some(r)) = (left_p.get_mut(line[place]), left_r.get_mut(line[place]))
                && *p > 0
                && *r > 0
            {
                *p -= 1;
                *r -= 1;
                hits += 1;
            }
        }
    }
    let length = |lines: &[Vec<&str>]| lines.iter().map(Vec::len).sum();
    Ok(Prf::from_counts(hits, length(prediction), length(reference)))
}

fn count<'t>(lines: &[Vec<&'t str>]) -> HashMap<&'t str, usize> {
    let mut counts = HashMap::new();
    for word in lines.iter().flatten() {
        *counts.entry(*word).or_default() += 1;
    }
    counts
}

/// Lengths of the longest common subsequences of all prefixes: `[reference + 1, prediction + 1]`.
struct Table<'a> {
    reference: &'a [&'a str],
    prediction: &'a [&'a str],
    cells: Vec<u32>,
}

impl<'a> Table<'a> {
    fn new(reference: &'a [&'a str], prediction: &'a [&'a str]) -> Result<Self, MetricError> {
        let width = prediction.len() + 1;
        let cells = (reference.len() + 1).checked_mul(width).filter(|&cells| cells <= TABLE);
        let cells = cells.ok_or(MetricError::TooLong {
            reference: reference.len(),
            prediction: prediction.len(),
            limit: TABLE,
        })?;
        let mut cells = vec![0_u32; cells];
        for (i, a) in reference.iter().enumerate() {
            let (done, rest) = cells.split_at_mut((i + 1) * width);
            let above = &done[i * width..];
            for (j, b) in prediction.iter().enumerate() {
                rest[j + 1] = if a == b { above[j] + 1 } else { above[j + 1].max(rest[j]) };
            }
        }
        Ok(Self { reference, prediction, cells })
    }

    fn at(&self, i: usize, j: usize) -> u32 {
        self.cells[i * (self.prediction.len() + 1) + j]
    }

    fn length(&self) -> usize {
        self.at(self.reference.len(), self.prediction.len()) as usize
    }

    /// Places in the reference of one longest subsequence: of several the one that the package takes, because the union
    /// over lines depends on it.
    fn places(&self) -> Vec<usize> {
        let (mut i, mut j) = (self.reference.len(), self.prediction.len());
        let mut places = Vec::with_capacity(self.length());
        while i > 0 && j > 0 {
            if self.reference[i - 1] == self.prediction[j - 1] {
                (i, j) = (i - 1, j - 1);
                places.push(i);
            } else if self.at(i, j - 1) > self.at(i - 1, j) {
                j -= 1;
            } else {
                i -= 1;
            }
        }
        places
    }
}
