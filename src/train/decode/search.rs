//! Searches that their callers drive: [`Search::open`] says what to score, [`Search::advance`] takes the scores.

use super::error::setting;
use super::{DecodeError, Rules, Sampling, log_softmax};

/// How the next token is chosen.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Strategy {
    /// It is drawn.
    Sample(Sampling),
    /// Several sequences go on side by side, and the best of them is the result.
    Beam(Beams),
}

/// Beam search as Hugging Face does it with `early_stopping=True`: of the 2·`count` best continuations an end token among the
/// best `count` finishes a hypothesis with score Σ log p / length^`length_penalty` (generated tokens, end token
/// included), one of lower rank is dropped, the best others go on; the search ends with `count` hypotheses, or at the
/// limit, where open ones count with the same score.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Beams {
    /// Sequences side by side; 0 counts as 1.
    pub count: usize,
    /// Exponent of the length that scores are divided by.
    pub length_penalty: f64,
}

impl Beams {
    const fn width(self) -> usize {
        if self.count == 0 { 1 } else { self.count }
    }
}

impl Strategy {
    /// Refuses what cannot be followed.
    ///
    /// # Errors
    /// [`DecodeError::Setting`]: see [`Sampling::check`]; for more than [`Self::MOST_BEAMS`] beams, and a length penalty that is no
    /// number.
    pub fn check(&self) -> Result<(), DecodeError> {
        match self {
            Self::Sample(sampling) => sampling.check(),
            Self::Beam(beams) if beams.count > Self::MOST_BEAMS => {
                Err(setting("beams", &beams.count, "a number up to 64"))
            }
            Self::Beam(beams) if !beams.length_penalty.is_finite() => {
                Err(setting("length_penalty", &beams.length_penalty, "a number"))
            }
            Self::Beam(_) => Ok(()),
        }
    }

    /// Sequences side by side at most.
    pub const MOST_BEAMS: usize = 64;

    /// The best token always.
    pub const GREEDY: Self = Self::Sample(Sampling::GREEDY);

    /// Sequences that are open at once at most.
    #[must_use]
    pub const fn width(&self) -> usize {
        match self {
            Self::Sample(_) => 1,
            Self::Beam(beams) => beams.width(),
        }
    }
}

/// A search for the continuation of a prompt.
#[derive(Clone, Debug)]
pub struct Search {
    strategy: Strategy,
    rules: Rules,
    /// Tokens of the prompt.
    prompt: usize,
    /// New tokens of every open sequence.
    position: usize,
    open: Vec<Vec<u32>>,
    /// Summed log-probability of every open sequence.
    sums: Vec<f64>,
    parents: Vec<u32>,
    finished: Vec<(f64, Vec<u32>)>,
    done: bool,
}

impl Search {
    /// Before the first token.
    #[must_use]
    pub fn new(prompt: &[u32], strategy: Strategy, rules: Rules) -> Self {
        let done = rules.max_new == 0;
        Self {
            strategy,
            rules,
            prompt: prompt.len(),
            position: 0,
            open: vec![prompt.to_vec()],
            sums: vec![0.0],
            parents: vec![0],
            finished: Vec::new(),
            done,
        }
    }

    /// The sequences to score next, at most [`Strategy::width`]; none when the search is over.
    #[must_use]
    pub fn open(&self) -> &[Vec<u32>] {
        if self.done { &[] } else { &self.open }
    }

    /// For each open sequence, which of those open before the last step it extends.
    #[must_use]
    pub fn parents(&self) -> &[u32] {
        &self.parents
    }

    /// Takes the logits after each open sequence, in their order.
    pub fn advance(&mut self, logits: Vec<Vec<f64>>) {
        if self.done {
            return;
        }
        match self.strategy {
            Strategy::Sample(sampling) => self.draw(sampling, logits),
            Strategy::Beam(beams) => self.spread(beams, logits),
        }
        self.position += 1;
        self.done |= self.position >= self.rules.max_new;
    }

    /// The best sequence so far, prompt and end token included: the result once the search is over.
    #[must_use]
    pub fn best(&self) -> &[u32] {
        let going = self.sums.iter().zip(&self.open).map(|(&sum, ids)| (self.score(sum, ids), ids));
        let ended = self.finished.iter().map(|(score, ids)| (*score, ids));
        // Early stopping: enough hypotheses, and what is open does not count any more.
        let enough = self.finished.len() >= self.strategy.width();
        let all = ended.chain(going.filter(|_| !enough));
        all.reduce(|best, other| if other.0 > best.0 { other } else { best }).map_or(&[], |(_, ids)| ids)
    }

    /// Σ log p / length^penalty.
    fn score(&self, sum: f64, ids: &[u32]) -> f64 {
        match self.strategy {
            Strategy::Sample(_) => sum,
            Strategy::Beam(beams) => {
                let length = (ids.len() - self.prompt).max(1) as f64;
                sum / libm::pow(length, beams.length_penalty)
            }
        }
    }

    fn draw(&mut self, sampling: Sampling, logits: Vec<Vec<f64>>) {
        let (Some(ids), Some(mut scores)) = (self.open.first_mut(), logits.into_iter().next()) else {
            self.done = true;
            return;
        };
        self.rules.apply(ids, self.position, &mut scores);
        if scores.is_empty() {
            self.done = true;
            return;
        }
        let token = sampling.choose(&scores, self.position as u32);
        ids.push(token);
        self.done = self.rules.ends(token);
    }

    fn spread(&mut self, beams: Beams, logits: Vec<Vec<f64>>) {
        let mut scored = Vec::with_capacity(self.open.len());
        for ((ids, &sum), logits) in self.open.iter().zip(&self.sums).zip(logits) {
            let mut scores = log_softmax(&logits);
            self.rules.apply(ids, self.position, &mut scores);
            scored.push((sum, scores));
        }
        let width = beams.width();
        let candidates = best_candidates(&scored, 2 * width);
        if candidates.is_empty() {
            self.done = true;
            return;
        }
        let (mut open, mut sums, mut parents) = (Vec::new(), Vec::new(), Vec::new());
        for (rank, (sum, from, token)) in candidates.into_iter().enumerate() {
            let mut ids = self.open[from].clone();
            ids.push(token);
            if !self.rules.ends(token) {
                open.push(ids);
                sums.push(sum);
                parents.push(from as u32);
            } else if rank < width {
                self.finished.push((self.score(sum, &ids), ids));
            }
            if open.len() == width {
                break;
            }
        }
        self.done = self.finished.len() >= width || open.is_empty();
        (self.open, self.sums, self.parents) = (open, sums, parents);
    }
}

/// Extends `prompt` by the best token until it ends. `score` gives the logits after a sequence.
///
/// # Errors
/// Those of `score`.
pub fn greedy<E>(
    prompt: &[u32],
    rules: Rules,
    score: impl FnMut(&[u32]) -> Result<Vec<f64>, E>,
) -> Result<Vec<u32>, E> {
    drive(Search::new(prompt, Strategy::GREEDY, rules), score)
}

/// The result of a beam search. `score` gives the logits after a sequence.
///
/// # Errors
/// Those of `score`.
pub fn beam<E>(
    prompt: &[u32],
    beams: Beams,
    rules: Rules,
    score: impl FnMut(&[u32]) -> Result<Vec<f64>, E>,
) -> Result<Vec<u32>, E> {
    drive(Search::new(prompt, Strategy::Beam(beams), rules), score)
}

fn drive<E>(mut search: Search, mut score: impl FnMut(&[u32]) -> Result<Vec<f64>, E>) -> Result<Vec<u32>, E> {
    while !search.open().is_empty() {
        let logits = search.open().iter().map(|ids| score(ids)).collect::<Result<_, E>>()?;
        search.advance(logits);
    }
    Ok(search.best().to_vec())
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
