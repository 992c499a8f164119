//! Translation: BLEU-4 of a corpus as sacrebleu computes it, and the score of *Dive into Deep Learning*.

use std::collections::HashMap;

use super::ngrams::{ngrams, shared};
use super::{MetricError, Tokenization, paired};

/// Longest run of tokens that is compared.
const ORDER: usize = 4;

/// BLEU of a corpus, from 0 to 100, with what it is made of.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Bleu {
    /// `brevity · exp(mean log precision)`.
    pub score: f64,
    /// Of runs of 1 to 4 tokens, in percent, smoothed where none is right.
    pub precisions: [f64; ORDER],
    /// `exp(1 - reference/hypothesis)` for hypotheses that are too short, else 1.
    pub brevity: f64,
    /// Tokens of the hypotheses.
    pub hypothesis_tokens: usize,
    /// Tokens of the references, of each the one whose length is nearest.
    pub reference_tokens: usize,
}

/// Counts over the corpus so far.
#[derive(Default)]
struct Counts {
    correct: [usize; ORDER],
    total: [usize; ORDER],
    hypothesis: usize,
    reference: usize,
}

/// BLEU-4 over all sentences together; each hypothesis may have several references. Orders without a hit are smoothed as
/// `smooth:exp` does, `eff:no`, so a corpus that nowhere has four tokens in a row scores 0.
///
/// # Errors
/// When the numbers differ, there are none, or a sentence has no reference.
pub fn corpus_bleu<S: AsRef<str>>(
    hypotheses: &[S],
    references: &[Vec<S>],
    tokenization: Tokenization,
) -> Result<Bleu, MetricError> {
    paired("BLEU", hypotheses.len(), references.len())?;
    let mut counts = Counts::default();
    for (hypothesis, references) in hypotheses.iter().zip(references) {
        counts.add(hypothesis.as_ref(), references, tokenization)?;
    }
    Ok(counts.score(false))
}

/// BLEU of one sentence over the orders that it has (`eff:yes`), as sacrebleu's `sentence_bleu`.
///
/// # Errors
/// When there is no reference.
pub fn sentence_bleu<S: AsRef<str>>(
    hypothesis: &str,
    references: &[S],
    tokenization: Tokenization,
) -> Result<Bleu, MetricError> {
    let mut counts = Counts::default();
    counts.add(hypothesis, references, tokenization)?;
    Ok(counts.score(true))
}

impl Counts {
    fn add<S: AsRef<str>>(
        &mut self,
        hypothesis: &str,
        references: &[S],
        tokenization: Tokenization,
    ) -> Result<(), MetricError> {
        let hypothesis = tokenization.apply(hypothesis);
        let references: Vec<String> = references.iter().map(|r| tokenization.apply(r.as_ref())).collect();
        let hypothesis: Vec<&str> = hypothesis.split_whitespace().collect();
        let references: Vec<Vec<&str>> = references.iter().map(|r| r.split_whitespace().collect()).collect();
        let length = hypothesis.len();
        let nearest = references.iter().map(Vec::len).min_by_key(|&r| (r.abs_diff(length), r));
        self.reference += nearest.ok_or(MetricError::Empty { metric: "BLEU, references of a sentence" })?;
        self.hypothesis += length;
        for (order, (correct, total)) in self.correct.iter_mut().zip(&mut self.total).enumerate() {
            let n = order + 1;
            let mut allowed: HashMap<&[&str], usize> = HashMap::new();
            for reference in &references {
                for (run, count) in ngrams(reference, n) {
                    let most = allowed.entry(run).or_default();
                    *most = count.max(*most);
                }
            }
            *correct += shared(&ngrams(&hypothesis, n), &allowed);
            *total += (length + 1).saturating_sub(n);
        }
        Ok(())
    }

    fn score(&self, effective_order: bool) -> Bleu {
        let (hypothesis, reference) = (self.hypothesis as f64, self.reference as f64);
        let brevity = match self.hypothesis {
            length if length >= self.reference => 1.0,
            0 => 0.0,
            _ => libm::exp(1.0 - reference / hypothesis),
        };
        let mut precisions = [0.0; ORDER];
        let mut halvings = 1.0;
        let orders = self.total.iter().take_while(|&&total| total > 0).count();
        // Without any hit there is nothing to smooth.
        let orders = if self.correct.iter().all(|&c| c == 0) { 0 } else { orders };
        for (precision, (&correct, &total)) in
            precisions.iter_mut().zip(self.correct.iter().zip(&self.total)).take(orders)
        {
            *precision = if correct == 0 {
                halvings *= 2.0;
                100.0 / (halvings * total as f64)
            } else {
                100.0 * correct as f64 / total as f64
            };
        }
        let counted = if effective_order { orders } else { ORDER };
        let score = if orders == 0 || counted > orders {
            0.0
        } else {
            let mean = precisions[..counted].iter().map(|&p| libm::log(p)).sum::<f64>() / counted as f64;
            brevity * libm::exp(mean)
        };
        Bleu { score, precisions, brevity, hypothesis_tokens: self.hypothesis, reference_tokens: self.reference }
    }
}

/// `exp(min(0, 1 - label/prediction)) · Π_{n ≤ k} p_n^(1/2^n)`, from 0 to 1: the `bleu` of *Dive into Deep Learning*,
/// section 10.7. Tokens stand between single blanks; orders longer than the prediction are left out.
#[must_use]
pub fn d2l_bleu(prediction: &str, label: &str, k: usize) -> f64 {
    let prediction: Vec<&str> = prediction.split(' ').collect();
    let label: Vec<&str> = label.split(' ').collect();
    let length = prediction.len() as f64;
    let mut score = libm::exp((1.0 - label.len() as f64 / length).min(0.0));
    for n in 1..=k.min(prediction.len()) {
        let hits = shared(&ngrams(&prediction, n), &ngrams(&label, n)) as f64;
        let precision = hits / (length - n as f64 + 1.0);
        score *= libm::pow(precision, libm::pow(0.5, n as f64));
    }
    score
}
