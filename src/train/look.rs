//! What people see of a model: attention maps of a probe sentence, next-token predictions, samples, evaluations.

use serde::Serialize;

use super::decode::{Sampling, Stop, argmax};
use super::engine::{Engine, Inputs};
use super::error::TrainError;
use super::session::Session;
use crate::data::Dataset;
use crate::models::{Extents, Mode};

/// Attention maps and predictions for one sentence.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Inspection {
    /// Training steps that the weights have seen.
    pub step: u32,
    /// The tokens, as they are shown.
    pub tokens: Vec<String>,
    /// For each position the token that is predicted to follow, as it is shown.
    pub targets: Vec<String>,
    /// Layers L.
    pub layers: usize,
    /// Heads H.
    pub heads: usize,
    /// Tokens n.
    pub length: usize,
    /// Probabilities `[L,H,n,n]`, a row for each query; too many for anything but an array of their own.
    #[serde(skip)]
    pub probs: Vec<f32>,
    /// For each position the most likely next tokens with their probabilities.
    pub next: Vec<Vec<Prediction>>,
    /// Mean cross-entropy of the sentence's own next tokens, for a task of the answer's; `None` where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss: Option<f32>,
}

/// A token with its probability.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Prediction {
    /// As it is shown.
    pub token: String,
    /// Probability.
    pub p: f64,
}

/// How a model does on what it has not trained on.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Evaluation {
    /// Training steps that the weights have seen.
    pub step: u32,
    /// Mean validation loss in nats.
    pub val_loss: f64,
    /// Share of held-out answers that greedy decoding gets exactly right; only for tasks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accuracy: Option<f64>,
}

/// How many predictions are listed for a position.
const TOP: usize = 5;
/// Held-out examples of an evaluation while training.
const EXAMPLES: u32 = 256;

impl Session {
    /// Attention maps and predictions for `text`.
    ///
    /// # Errors
    /// When the text has characters that the tokenizer lacks, or the device fails.
    pub async fn inspect(&mut self, text: &str) -> Result<Inspection, TrainError> {
        let context = self.settings().context;
        let ids = self.data().probe(text, context)?;
        let model = &self.settings().model;
        let (layers, heads, vocabulary) = (model.n_layer, model.n_head, model.vocab_size);
        let n = ids.len();
        let names: Vec<String> = (0..layers).map(|l| format!("attention.{l}")).collect();
        let wanted: Vec<&str> = std::iter::once("logits").chain(names.iter().map(String::as_str)).collect();
        let extents = Extents { batch: 1, time: context, key_mask: false };
        let inputs = padded(&ids, context);
        let mut outputs = self.engine_mut().forward(Mode::Inspect, extents, &inputs, &wanted).await?.into_iter();
        let logits = outputs.next().unwrap_or_default();
        let mut probs = Vec::with_capacity(layers * heads * n * n);
        for layer in outputs {
            for row in layer.chunks_exact(context * context).flat_map(|head| head.chunks_exact(context).take(n)) {
                probs.extend_from_slice(&row[..n]);
            }
        }
        let tokenizer = self.data().tokenizer();
        let rows: Vec<Vec<(u32, f64)>> = logits.chunks_exact(vocabulary).take(n).map(softmax_ranked).collect();
        let next = rows
            .iter()
            .map(|row| row.iter().take(TOP).map(|&(id, p)| Prediction { token: tokenizer.label(id), p }).collect())
            .collect();
        let targets = rows.iter().map(|row| row.first().map_or_else(String::new, |&(id, _)| tokenizer.label(id)));
        let surprisal = |(row, &id): (&Vec<(u32, f64)>, &u32)| {
            row.iter().find(|(token, _)| *token == id).map_or(f64::INFINITY, |&(_, p)| -libm::log(p))
        };
        // A task's model learns nothing of the question.
        let given = self.data().question(text)?.map_or(1, |example| example.question.len());
        let losses: Vec<f64> = rows.iter().zip(&ids[1..]).skip(given.saturating_sub(1)).map(surprisal).collect();
        Ok(Inspection {
            step: self.submitted(),
            tokens: ids.iter().map(|&id| tokenizer.label(id)).collect(),
            targets: targets.collect(),
            layers,
            heads,
            length: n,
            probs,
            next,
            loss: (!losses.is_empty()).then(|| (losses.iter().sum::<f64>() / losses.len() as f64) as f32),
        })
    }

    /// Validation loss over the configured number of batches, and for tasks the share of right answers.
    ///
    /// # Errors
    /// When the device fails.
    pub async fn evaluate(&mut self) -> Result<Evaluation, TrainError> {
        // As many sequences, whatever the size of a part.
        let batches = self.settings().eval_batches.saturating_mul(self.settings().accumulate);
        let extents = self.extents();
        let data = self.shared_data();
        let val_loss = validation_loss(self.engine_mut(), &data, extents, batches).await?;
        let accuracy = self.accuracy(EXAMPLES).await?.map(|(right, count)| f64::from(right) / f64::from(count));
        Ok(Evaluation { step: self.submitted(), val_loss, accuracy })
    }

    /// How many of `count` held-out answers greedy decoding gets exactly right; `None` for texts.
    ///
    /// # Errors
    /// When the device fails.
    pub async fn accuracy(&mut self, count: u32) -> Result<Option<(u32, u32)>, TrainError> {
        let (extents, vocabulary) = (self.extents(), self.settings().model.vocab_size);
        let data = self.shared_data();
        accuracy(self.engine_mut(), &data, extents, vocabulary, count).await
    }

    /// Those of a part of a batch: what is looked at fits where what is trained does.
    fn extents(&self) -> Extents {
        let settings = self.settings();
        let batch = settings.batch / settings.accumulate as usize;
        Extents { batch, time: settings.context, key_mask: false }
    }

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
            (self.settings().context, self.settings().model.vocab_size, self.settings().model.eos_token_id);
        let window = Window { mode: Mode::Inspect, context, vocabulary };
        let new = generate(self.engine_mut(), &ids, window, Stop { eos, max_new }, how, &mut |_| {}).await?;
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
    stop: Stop,
    how: Sampling,
    each: &mut dyn FnMut(u32),
) -> Result<Vec<u32>, TrainError> {
    let mut ids = prompt.to_vec();
    let extents = Extents { batch: 1, time: window.context, key_mask: false };
    for position in 0..stop.max_new {
        let seen = &ids[ids.len().saturating_sub(window.context)..];
        let last = seen.len().saturating_sub(1);
        let mut inputs = padded(seen, window.context);
        if window.mode != Mode::Inspect {
            inputs.push(("targets", vec![0; window.context]));
            inputs.push(("weights", vec![0; window.context]));
        }
        let outputs = engine.forward(window.mode, extents, &inputs, &["logits"]).await?;
        let logits = outputs.first().and_then(|l| l.get(last * window.vocabulary..(last + 1) * window.vocabulary));
        let token = how.choose(logits.unwrap_or_default(), position as u32);
        if Some(token) == stop.eos {
            break;
        }
        each(token);
        ids.push(token);
    }
    Ok(ids.split_off(prompt.len()))
}

/// Mean loss of the first `batches` validation batches, in nats.
///
/// # Errors
/// When the data does not fit the extents, or the device fails.
pub async fn validation_loss(
    engine: &mut Engine,
    data: &Dataset,
    extents: Extents,
    batches: u32,
) -> Result<f64, TrainError> {
    let mut total = 0.0;
    for index in 0..batches {
        let batch = data.validation_batch(index, extents.batch, extents.time)?;
        let inputs = super::engine::batch_inputs(batch);
        let outputs = engine.forward(Mode::Evaluate, extents, &inputs, &["loss"]).await?;
        total += f64::from(outputs.first().and_then(|l| l.first()).copied().unwrap_or(f32::NAN));
    }
    Ok(total / f64::from(batches))
}

/// Right answers among `count` held-out examples, and `count`; `None` for texts.
///
/// An answer counts when greedy decoding reproduces it. That is the case exactly if, given the true prefix, the best
/// token is right at each of its positions; so one forward pass decides a whole batch.
///
/// # Errors
/// When the device fails.
pub async fn accuracy(
    engine: &mut Engine,
    data: &Dataset,
    extents: Extents,
    vocabulary: usize,
    count: u32,
) -> Result<Option<(u32, u32)>, TrainError> {
    let (batch, time) = (extents.batch, extents.time);
    let mut right = 0;
    let mut next = 0;
    while next < count {
        let examples: Vec<_> = (next..count.min(next + batch as u32)).filter_map(|i| data.held_out(i)).collect();
        if examples.is_empty() {
            return Ok(None);
        }
        next += examples.len() as u32;
        let mut ids = vec![0; batch * time];
        for (row, example) in ids.chunks_exact_mut(time).zip(&examples) {
            // The answer's last token is only ever predicted, never read.
            let sequence = example.question.iter().chain(&example.answer).take(time);
            row.iter_mut().zip(sequence).for_each(|(slot, &id)| *slot = id);
        }
        let inputs: Inputs = vec![("ids", ids), ("targets", vec![0; batch * time]), ("weights", vec![0; batch * time])];
        let outputs = engine.forward(Mode::Evaluate, extents, &inputs, &["logits"]).await?;
        let logits = outputs.into_iter().next().unwrap_or_default();
        for (row, example) in logits.chunks_exact(time * vocabulary).zip(&examples) {
            let first = example.question.len().saturating_sub(1);
            let predicted = row.chunks_exact(vocabulary).skip(first).map(argmax);
            right += u32::from(predicted.take(example.answer.len()).eq(example.answer.iter().copied()));
        }
    }
    Ok(Some((right, count)))
}

/// The ids of one sequence; what stands after it cannot be seen through a causal mask.
fn padded(ids: &[u32], context: usize) -> Inputs {
    let mut ids = ids.to_vec();
    ids.resize(context, 0);
    vec![("ids", ids)]
}

/// Tokens by probability, most likely first.
fn softmax_ranked(logits: &[f32]) -> Vec<(u32, f64)> {
    let wide: Vec<f64> = logits.iter().map(|&l| f64::from(l)).collect();
    let logs = super::decode::log_softmax(&wide);
    let mut ranked: Vec<(u32, f64)> = logs.into_iter().enumerate().map(|(i, l)| (i as u32, libm::exp(l))).collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    ranked
}
