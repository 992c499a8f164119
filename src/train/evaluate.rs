//! How a model does on what it has not trained on.

use serde::Serialize;

use super::decode::argmax;
use super::engine::{Engine, Inputs};
use super::error::TrainError;
use super::session::Session;
use super::settings::Settings;
use crate::data::{Batch, Dataset, Objective, Shape};
use crate::models::{Architecture, Extents, Mode};

/// How a model does on what it has not trained on.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Evaluation {
    /// Training steps that the weights have seen.
    pub step: u32,
    /// Mean validation loss in nats.
    pub val_loss: f64,
    /// Share of right answers: of a task those that greedy decoding gets exactly right, of masked tokens and classes those
    /// that the model finds most likely. Not for texts that are written on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accuracy: Option<f64>,
}

/// Held-out examples of an evaluation while training.
const EXAMPLES: u32 = 256;

/// What is measured: the data, what of it is asked, and in which extents.
#[derive(Clone, Copy)]
pub struct Measure<'a> {
    /// The data.
    pub data: &'a Dataset,
    /// What is asked.
    pub objective: &'a Objective,
    /// Extents of a batch.
    pub shape: Shape,
    /// Extents of the graph.
    pub extents: Extents,
    /// Classes of the logits.
    pub vocabulary: usize,
}

/// How right answers are counted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Counting {
    /// Every labeled slot by itself.
    Slots,
    /// A row of slots as a whole.
    Rows,
}

impl<'a> Measure<'a> {
    /// What a run measures.
    #[must_use]
    pub fn of(settings: &'a Settings, data: &'a Dataset) -> Self {
        Self {
            data,
            objective: &settings.objective,
            shape: settings.part_shape(),
            extents: settings.extents(),
            vocabulary: settings.model.classes(),
        }
    }

    /// The loss of guessing by frequency alone: the validation targets' cross-entropy, in nats, under the frequencies that the
    /// targets of `batches` training batches have, one added to each count. What learns more than that uses the context.
    ///
    /// # Errors
    /// When the data does not fit the extents.
    pub fn unigram(&self, batches: u32) -> Result<f64, TrainError> {
        let mut counts = vec![1.0; self.vocabulary];
        let each = |batch: &Batch, seen: &mut dyn FnMut(usize, f64)| {
            let (targets, weights) =
                (batch.words("targets").unwrap_or_default(), batch.floats("weights").unwrap_or_default());
            for (&target, &weight) in targets.iter().zip(weights).filter(|&(_, &weight)| weight > 0.0) {
                seen(target as usize, f64::from(weight));
            }
        };
        for step in 0..batches {
            let batch = self.data.train_batch(self.objective, self.shape, 0, step)?;
            each(&batch, &mut |target, _| counts[target.min(self.vocabulary - 1)] += 1.0);
        }
        let total: f64 = counts.iter().sum();
        let mut loss = 0.0;
        for index in 0..batches {
            let batch = self.data.validation_batch(self.objective, self.shape, index)?;
            each(&batch, &mut |target, weight| {
                loss -= weight * libm::log(counts[target.min(self.vocabulary - 1)] / total);
            });
        }
        Ok(loss / f64::from(batches))
    }

    /// Whether answers are right or wrong, and how they are counted.
    const fn counting(&self) -> Option<Counting> {
        match self.objective {
            Objective::Mlm(_) | Objective::MlmNsp(_) | Objective::MlmSop(_) | Objective::Classify => {
                Some(Counting::Slots)
            }
            Objective::Seq2Seq => Some(Counting::Rows),
            _ => None,
        }
    }
}

impl Session {
    /// Validation loss over the configured number of batches, and where answers are right or wrong the share of right ones.
    ///
    /// # Errors
    /// When the device fails.
    pub async fn evaluate(&mut self) -> Result<Evaluation, TrainError> {
        let (settings, data) = (self.settings().clone(), self.shared_data());
        let measure = Measure::of(&settings, &data);
        // As many sequences, whatever the size of a part.
        let batches = settings.eval_batches.saturating_mul(settings.accumulate);
        let (val_loss, shared) = validation(self.engine_mut(), measure, batches).await?;
        let accuracy = match shared {
            Some(accuracy) => Some(accuracy),
            None => self.accuracy(EXAMPLES).await?.map(|(right, count)| f64::from(right) / f64::from(count)),
        };
        Ok(Evaluation { step: self.submitted(), val_loss, accuracy })
    }

    /// How many of `count` held-out answers of a task greedy decoding gets exactly right; `None` for texts.
    ///
    /// # Errors
    /// When the device fails.
    pub async fn accuracy(&mut self, count: u32) -> Result<Option<(u32, u32)>, TrainError> {
        let (settings, data) = (self.settings().clone(), self.shared_data());
        if settings.model.config.family().architecture() != Architecture::DecoderOnly {
            return Ok(None);
        }
        let measure = Measure::of(&settings, &data);
        accuracy(self.engine_mut(), &data, measure.extents, measure.vocabulary, count).await
    }
}

/// Mean loss of the first `batches` validation batches, in nats, and the share of right answers where they are right or wrong.
///
/// # Errors
/// When the data does not fit the extents, or the device fails.
pub async fn validation(
    engine: &mut Engine,
    measure: Measure<'_>,
    batches: u32,
) -> Result<(f64, Option<f64>), TrainError> {
    let counting = measure.counting();
    let wanted: &[&str] = if counting.is_some() { &["loss", "logits"] } else { &["loss"] };
    let (mut total, mut right, mut asked) = (0.0, 0, 0);
    for index in 0..batches {
        let batch = measure.data.validation_batch(measure.objective, measure.shape, index)?;
        let inputs = batch.fields.clone();
        let outputs = engine.forward(Mode::Evaluate, measure.extents, &inputs, wanted).await?;
        total += f64::from(outputs.first().and_then(|l| l.first()).copied().unwrap_or(f32::NAN));
        if let (Some(counting), Some(logits)) = (counting, outputs.get(1)) {
            let row = if counting == Counting::Rows { measure.shape.target } else { 1 };
            let (r, n) = right_answers(logits, &batch, measure.vocabulary, row);
            (right, asked) = (right + r, asked + n);
        }
    }
    let accuracy = (asked > 0).then(|| f64::from(right) / f64::from(asked));
    Ok((total / f64::from(batches), accuracy))
}

/// Groups of `row` slots of which every labeled one has its target as most likely token, and groups with a label.
///
/// Given the true prefix, greedy decoding reproduces a target exactly if each of its tokens is the most likely one, so one
/// forward pass decides.
fn right_answers(logits: &[f32], batch: &Batch, vocabulary: usize, row: usize) -> (u32, u32) {
    let (targets, weights) = (batch.words("targets").unwrap_or_default(), batch.floats("weights").unwrap_or_default());
    let slots: Vec<Option<bool>> = logits
        .chunks_exact(vocabulary)
        .zip(targets.iter().zip(weights))
        .map(|(logits, (&target, &weight))| (weight > 0.0).then(|| argmax(logits) == target))
        .collect();
    let groups = slots.chunks(row.max(1)).filter(|group| group.iter().any(Option::is_some));
    groups.fold((0, 0), |(right, asked), group| (right + u32::from(group.iter().flatten().all(|&ok| ok)), asked + 1))
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
