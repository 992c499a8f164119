//! From next-token scores to tokens: greedy, sampling and beam search, over any model that scores.

use crate::rng::{Stream, draw, unit};

/// How the next token is chosen.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Sampling {
    /// Divides the logits; 0 takes the best token always.
    pub temperature: f32,
    /// Only the k best tokens may be drawn; 0 allows all.
    pub top_k: usize,
    /// Seed of the draws.
    pub seed: u32,
}

impl Sampling {
    /// The best token always.
    pub const GREEDY: Self = Self { temperature: 0.0, top_k: 0, seed: 0 };

    /// The token of draw `position`, a function of its arguments alone.
    #[must_use]
    pub fn choose(&self, logits: &[f32], position: u32) -> u32 {
        if self.temperature <= 0.0 {
            return argmax(logits);
        }
        let mut ranked: Vec<(u32, f32)> = logits.iter().enumerate().map(|(i, &l)| (i as u32, l)).collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        if self.top_k > 0 {
            ranked.truncate(self.top_k);
        }
        let best = ranked.first().map_or(0.0, |r| r.1);
        let weights: Vec<f64> = ranked.iter().map(|r| libm::exp(f64::from((r.1 - best) / self.temperature))).collect();
        let mut rest = f64::from(unit(draw(position, 0, Stream::Sampling, self.seed))) * weights.iter().sum::<f64>();
        for (&(token, _), weight) in ranked.iter().zip(&weights) {
            rest -= weight;
            if rest < 0.0 {
                return token;
            }
        }
        ranked.last().map_or(0, |r| r.0)
    }
}

/// The index of the largest value, the lowest among equals.
#[must_use]
pub fn argmax(values: &[f32]) -> u32 {
    let mut best = 0;
    for (i, value) in values.iter().enumerate() {
        if value.total_cmp(&values[best]).is_gt() {
            best = i;
        }
    }
    best as u32
}

/// Log-probabilities in f64.
#[must_use]
pub fn log_softmax(logits: &[f64]) -> Vec<f64> {
    let max = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = logits.iter().map(|&l| libm::exp(l - max)).sum();
    let log_sum = max + libm::log(sum);
    logits.iter().map(|&l| l - log_sum).collect()
}

/// How a search ends.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Stop {
    /// The token that ends a sequence, if any.
    pub eos: Option<u32>,
    /// New tokens at most.
    pub max_new: usize,
    /// What the last token allowed must be, if anything; it costs nothing.
    pub forced: Option<u32>,
}

impl Stop {
    /// Ends with a token, or after so many.
    #[must_use]
    pub const fn at(eos: Option<u32>, max_new: usize) -> Self {
        Self { eos, max_new, forced: None }
    }

    /// Scores of new token `position`: those given, unless a token is forced there.
    fn scores(&self, position: usize, given: Vec<f64>) -> Vec<f64> {
        match self.forced {
            Some(token) if position + 1 == self.max_new => {
                let mut scores = vec![f64::NEG_INFINITY; given.len()];
                if let Some(score) = scores.get_mut(token as usize) {
                    *score = 0.0;
                }
                scores
            }
            Some(_) | None => given,
        }
    }
}

/// Extends `prompt` by the best token until it ends. `score` gives the logits after a sequence.
///
/// # Errors
/// Those of `score`.
pub fn greedy<E>(
    prompt: &[u32],
    stop: Stop,
    mut score: impl FnMut(&[u32]) -> Result<Vec<f64>, E>,
) -> Result<Vec<u32>, E> {
    let mut ids = prompt.to_vec();
    for position in 0..stop.max_new {
        let logits = stop.scores(position, score(&ids)?);
        let best = best_candidates(&[(0.0, logits)], 1);
        let Some(&(_, _, token)) = best.first() else { break };
        ids.push(token);
        if Some(token) == stop.eos {
            break;
        }
    }
    Ok(ids)
}

/// Beam search as Hugging Face does it with `early_stopping=True`: of the 2·`beams` best continuations an end token among the
/// best `beams` finishes a hypothesis with score Σ log p / length^`length_penalty` (generated tokens, end token
/// included), one of lower rank is dropped, the best others go on; the search ends with `beams` hypotheses, or at the
/// limit, where open ones count with the same score.
///
/// # Errors
/// Those of `score`.
pub fn beam<E>(
    prompt: &[u32],
    beams: usize,
    length_penalty: f64,
    stop: Stop,
    mut score: impl FnMut(&[u32]) -> Result<Vec<f64>, E>,
) -> Result<Vec<u32>, E> {
    let mut open: Vec<(f64, Vec<u32>)> = vec![(0.0, prompt.to_vec())];
    let mut finished: Vec<(f64, Vec<u32>)> = Vec::new();
    let final_score = |sum: f64, ids: &[u32]| {
        let length = (ids.len() - prompt.len()).max(1) as f64;
        sum / libm::pow(length, length_penalty)
    };
    for position in 0..stop.max_new {
        let mut scored = Vec::with_capacity(open.len());
        for (sum, ids) in &open {
            scored.push((*sum, stop.scores(position, log_softmax(&score(ids)?))));
        }
        let mut next = Vec::with_capacity(beams);
        for (rank, (sum, from, token)) in best_candidates(&scored, 2 * beams).into_iter().enumerate() {
            let mut ids = open[from].1.clone();
            ids.push(token);
            if Some(token) != stop.eos {
                next.push((sum, ids));
            } else if rank < beams {
                finished.push((final_score(sum, &ids), ids));
            }
            if next.len() == beams {
                break;
            }
        }
        open = next;
        if finished.len() >= beams || open.is_empty() {
            open.clear();
            break;
        }
    }
    finished.extend(open.into_iter().map(|(sum, ids)| (final_score(sum, &ids), ids)));
    let best = finished.into_iter().reduce(|best, other| if other.0 > best.0 { other } else { best });
    Ok(best.map_or_else(|| prompt.to_vec(), |(_, ids)| ids))
}

/// The `count` best of all continuations: summed score, index of the beam, token. Ties go to the earlier beam and token.
fn best_candidates(beams: &[(f64, Vec<f64>)], count: usize) -> Vec<(f64, usize, u32)> {
    let mut all: Vec<(f64, usize, u32)> = Vec::new();
    for (beam, (sum, scores)) in beams.iter().enumerate() {
        all.extend(scores.iter().enumerate().map(|(token, score)| (sum + score, beam, token as u32)));
    }
    all.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    all.truncate(count);
    all
}
