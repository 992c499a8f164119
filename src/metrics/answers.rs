//! Extractive question answering, by the evaluation script of SQuAD 2.0.

use std::collections::HashMap;

use super::{MetricError, Prf, paired};

/// Scores of answers, each from 0 to 1.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Answer {
    /// Share of answers that equal a gold answer.
    pub exact_match: f64,
    /// Mean overlap in words with the nearest gold answer.
    pub f1: f64,
}

/// Lower case; without ASCII punctuation and the words a, an, the; one blank between words.
#[must_use]
pub fn normalize_answer(text: &str) -> String {
    let lower: String = text.to_lowercase().chars().filter(|c| !c.is_ascii_punctuation()).collect();
    let mut kept = String::with_capacity(lower.len());
    // A word is a run of letters and digits, as the script's `\b` sees it: quotation marks outside ASCII end one.
    for run in chunks(&lower) {
        kept.push_str(if matches!(run, "a" | "an" | "the") { " " } else { run });
    }
    kept.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Runs of letters and digits, and of everything else, in turn.
fn chunks(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?.is_alphanumeric();
        let end = rest.find(|c: char| c.is_alphanumeric() != first).unwrap_or(rest.len());
        let (run, tail) = rest.split_at(end);
        rest = tail;
        Some(run)
    })
}

/// Whether the normalized texts are equal.
#[must_use]
pub fn exact_match(prediction: &str, gold: &str) -> bool {
    normalize_answer(prediction) == normalize_answer(gold)
}

/// F1 of the words the normalized texts share, counted as often as both have them. Where a text has no words, 1 if the
/// other has none either, else 0.
#[must_use]
pub fn token_f1(prediction: &str, gold: &str) -> f64 {
    let (prediction, gold) = (normalize_answer(prediction), normalize_answer(gold));
    let mut words: HashMap<&str, usize> = HashMap::new();
    for word in gold.split_whitespace() {
        *words.entry(word).or_default() += 1;
    }
    let (predicted, expected) = (prediction.split_whitespace().count(), gold.split_whitespace().count());
    if predicted == 0 || expected == 0 {
        return if predicted == expected { 1.0 } else { 0.0 };
    }
    let mut hits = 0;
    for word in prediction.split_whitespace() {
        if let Some(left) = words.get_mut(word).filter(|left| **left > 0) {
            *left -= 1;
            hits += 1;
        }
    }
    Prf::from_counts(hits, predicted, expected).f1
}

/// Means over predictions `[N]`, each against the best of its gold answers; a question without any has no answer, and only
/// an empty prediction is right.
///
/// # Errors
/// When the numbers differ, or there are none.
pub fn score_answers<S: AsRef<str>>(predictions: &[S], golds: &[Vec<S>]) -> Result<Answer, MetricError> {
    paired("answers", predictions.len(), golds.len())?;
    let mut sum = Answer { exact_match: 0.0, f1: 0.0 };
    for (prediction, golds) in predictions.iter().zip(golds) {
        let prediction = prediction.as_ref();
        let golds: Vec<&str> = if golds.is_empty() { vec![""] } else { golds.iter().map(AsRef::as_ref).collect() };
        sum.exact_match += f64::from(golds.iter().any(|gold| exact_match(prediction, gold)));
        sum.f1 += golds.iter().map(|gold| token_f1(prediction, gold)).fold(0.0, f64::max);
    }
    let count = golds.len() as f64;
    Ok(Answer { exact_match: sum.exact_match / count, f1: sum.f1 / count })
}
