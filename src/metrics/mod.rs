//! How good predictions are: the scores that papers report, with the rules of the programs that define them.
//!
//! Every function is pure and computes in f64: labels, numbers, tags or texts go in, a score comes out. A score here equals
//! that of the reference program to the last digits (scikit-learn, SciPy, seqeval, the SQuAD script, sacrebleu,
//! rouge-score, D2L), because a score computed by a rule of one's own compares with nothing. What is undefined, such as
//! the correlation with a constant, is an error and never a silent 0.

mod answers;
mod bleu;
mod classes;
mod correlation;
mod entities;
mod error;
mod language;
mod ngrams;
mod rouge;
mod tokens;

pub use answers::{Answer, exact_match, normalize_answer, score_answers, token_f1};
pub use bleu::{Bleu, corpus_bleu, d2l_bleu, sentence_bleu};
pub use classes::{accuracy, f1, matthews};
pub use correlation::{average_ranks, pearson, spearman};
pub use entities::{Scheme, entity_scores};
pub use error::MetricError;
pub use language::{bits_per_character, perplexity};
pub use rouge::{Rouge, rouge};
pub use tokens::Tokenization;

/// Precision, recall and their harmonic mean, each from 0 to 1.
#[derive(Clone, Copy, PartialEq, Default, Debug)]
pub struct Prf {
    /// Share of what was predicted that is right.
    pub precision: f64,
    /// Share of what is right that was predicted.
    pub recall: f64,
    /// `2·P·R / (P + R)`.
    pub f1: f64,
}

impl Prf {
    /// From numbers of hits, of predicted and of true items; a ratio with nothing below it is 0.
    #[must_use]
    pub fn from_counts(hits: usize, predicted: usize, reference: usize) -> Self {
        let ratio = |whole: usize| if whole == 0 { 0.0 } else { hits as f64 / whole as f64 };
        let (precision, recall) = (ratio(predicted), ratio(reference));
        let sum = precision + recall;
        Self { precision, recall, f1: if sum > 0.0 { 2.0 * precision * recall / sum } else { 0.0 } }
    }
}

/// Fails unless there is a prediction for each reference, and at least one.
fn paired(metric: &'static str, predictions: usize, references: usize) -> Result<(), MetricError> {
    if predictions != references {
        return Err(MetricError::Lengths { metric, predictions, references });
    }
    if references == 0 { Err(MetricError::Empty { metric }) } else { Ok(()) }
}
