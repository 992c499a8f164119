//! Continuing a text token by token.

use super::decode::{Rules, Sampling, Search, Strategy};
use super::engine::Engine;
use super::error::TrainError;
use super::inspect::padded;
use super::session::Session;
use crate::models::{Extents, Mode};

impl Session {
    /// Continues `prompt`, token by token, until the end token or `max_new` tokens; a task's question at most to the
    /// length of its answer.
    ///
    /// # Errors
    /// When the prompt cannot be encoded or the device fails.
    pub async fn generate(&mut self, prompt: &str, max_new: usize, how: Sampling) -> Result<String, TrainError> {
        let (ids, max_new) = match self.data().question(prompt)? {
            Some(example) => (example.question, max_new.min(example.answer.len())),
            None => (self.data().tokenizer().encode(prompt)?, max_new),
        };
        let (context, vocabulary, eos) =
            (self.settings().context, self.settings().model.config.vocabulary(), self.settings().model.config.eos());
        let window = Window { mode: Mode::Inspect, context, vocabulary };
        let new = generate(self.engine_mut(), &ids, window, Rules::new(eos, max_new), how, &mut |_| {}).await?;
        Ok(self.data().tokenizer().decode(&new))
    }
}

/// What a model can read and write.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// Which graph scores: one that a run has at hand anyway, or the one that keeps no attention maps.
    pub mode: Mode,
    /// Tokens at once.
    pub context: usize,
    /// Logits a position.
    pub vocabulary: usize,
}

/// New tokens after `prompt`; the model sees the last `context` tokens. `each` hears of every token as it is drawn. An end
/// token is not returned.
///
/// # Errors
/// When the device fails.
pub async fn generate(
    engine: &mut Engine,
    prompt: &[u32],
    window: Window,
    rules: Rules,
    how: Sampling,
    each: &mut dyn FnMut(u32),
) -> Result<Vec<u32>, TrainError> {
    let extents = Extents::decoder(1, window.context);
    let mut search = Search::new(prompt, Strategy::Sample(how), rules.clone());
    while let Some(ids) = search.open().first() {
        let seen = &ids[ids.len().saturating_sub(window.context)..];
        let last = seen.len().saturating_sub(1);
        let mut inputs = padded(seen, window.context);
        if window.mode != Mode::Inspect {
            inputs.push(("targets", vec![0; window.context]));
            inputs.push(("weights", vec![0; window.context]));
        }
        let outputs = engine.forward(window.mode, extents, &inputs, &["logits"]).await?;
        let logits = outputs.first().and_then(|l| l.get(last * window.vocabulary..(last + 1) * window.vocabulary));
        search.advance(vec![logits.unwrap_or_default().iter().map(|&l| f64::from(l)).collect()]);
        if let Some(&token) = search.best().last().filter(|&&token| !rules.ends(token)) {
            each(token);
        }
    }
    let mut new = search.best().get(prompt.len()..).unwrap_or_default().to_vec();
    new.truncate(new.iter().position(|&token| rules.ends(token)).unwrap_or(new.len()));
    Ok(new)
}
