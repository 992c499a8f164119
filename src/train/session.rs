//! A run: settings and data on one side, an engine on the other, and the count of what has been learned.

use std::collections::VecDeque;
use std::sync::Arc;

use super::clock::now_ms;
use super::engine::{Engine, InFlight};
use super::error::{Divergence, TrainError};
use super::metrics::StepMetrics;
use super::settings::Settings;
use super::{Pace, families, knobs};
use crate::data::{Batch, Dataset};
use crate::kernels::Step;
use crate::models::{Config, initial_values};

/// A run in progress.
pub struct Session {
    settings: Settings,
    data: Arc<Dataset>,
    seed: u32,
    engine: Engine,
    /// Steps handed to the engine.
    submitted: u32,
    /// Steps whose losses have been read back: only these count.
    done: u32,
    in_flight: VecDeque<Chunk>,
    pace: Pace,
    diverged: Option<Divergence>,
}

struct Chunk {
    ticket: InFlight,
    first: u32,
    rates: Vec<f64>,
    submitted_ms: f64,
}

impl Session {
    /// Sets a run up: reads sizes off the data, builds graphs and plans, checks memory, compiles, uploads first values.
    /// `progress` hears of every pipeline compiled: done, total, name.
    ///
    /// # Errors
    /// When settings, data and device do not fit; nothing is left allocated then.
    pub async fn new(
        mut settings: Settings,
        data: Dataset,
        seed: u32,
        device: super::DeviceChoice,
        progress: &mut dyn FnMut(usize, usize, &str),
    ) -> Result<Self, TrainError> {
        fit_to_data(&mut settings, &data)?;
        let engine = Engine::train(&settings, device, progress).await?;
        let mut session = Self {
            settings,
            data: Arc::new(data),
            seed,
            engine,
            submitted: 0,
            done: 0,
            in_flight: VecDeque::new(),
            pace: Pace::default(),
            diverged: None,
        };
        let values = initial_values(session.engine.graph(), seed);
        session.engine.set_parameters(values)?;
        Ok(session)
    }

    /// The settings, sizes filled in.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The data.
    #[must_use]
    pub fn data(&self) -> &Dataset {
        &self.data
    }

    /// The data, to be kept while the engine is borrowed.
    pub(super) fn shared_data(&self) -> Arc<Dataset> {
        Arc::clone(&self.data)
    }

    /// The engine.
    #[must_use]
    pub const fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The engine, to look at the model with.
    pub const fn engine_mut(&mut self) -> &mut Engine {
        &mut self.engine
    }

    /// The seed.
    #[must_use]
    pub const fn seed(&self) -> u32 {
        self.seed
    }

    /// Steps that count.
    #[must_use]
    pub const fn step(&self) -> u32 {
        self.done
    }

    /// Steps that the parameters on the device have seen, or will before anything submitted later.
    #[must_use]
    pub const fn submitted(&self) -> u32 {
        self.submitted
    }

    /// Whether the run has reached its last step.
    #[must_use]
    pub const fn finished(&self) -> bool {
        self.done >= self.settings.steps
    }

    /// Where it diverged, if it did.
    #[must_use]
    pub const fn diverged(&self) -> Option<&Divergence> {
        self.diverged.as_ref()
    }

    /// Hands `steps` steps to the engine, at most two chunks ahead of what has been read back, and returns the metrics of
    /// the steps that came back meanwhile.
    ///
    /// # Errors
    /// When data or device fail. A divergence is no error: see [`Self::diverged`].
    pub async fn train(&mut self, steps: u32) -> Result<Vec<StepMetrics>, TrainError> {
        let mut metrics = Vec::new();
        let goal = self.submitted.saturating_add(steps).min(self.settings.steps);
        while self.submitted < goal && self.diverged.is_none() {
            if self.in_flight.len() >= self.engine.depth() {
                metrics.extend(self.read_back().await?);
                continue;
            }
            let count = self.pace.chunk(self.engine.ring()).min(goal - self.submitted);
            self.submit(count)?;
        }
        if self.in_flight.len() >= self.engine.depth() || self.submitted >= self.settings.steps {
            metrics.extend(self.read_back().await?);
        }
        Ok(metrics)
    }

    /// Waits for everything that has been handed to the engine.
    ///
    /// # Errors
    /// When the device fails.
    pub async fn drain(&mut self) -> Result<Vec<StepMetrics>, TrainError> {
        let mut metrics = Vec::new();
        while !self.in_flight.is_empty() {
            metrics.extend(self.read_back().await?);
        }
        Ok(metrics)
    }

    fn submit(&mut self, count: u32) -> Result<(), TrainError> {
        let first = self.submitted;
        let (schedule, shape) = (self.settings.schedule(), self.settings.shape());
        let mut steps: Vec<(Step, Batch)> = Vec::with_capacity(count as usize);
        let mut rates = Vec::with_capacity(count as usize);
        for slot in 0..count {
            let step = first + slot;
            let lr = schedule.at(step);
            let batch = self.data.train_batch(&self.settings.objective, shape, self.seed, step)?;
            steps.push((self.step_uniform(step, slot, lr), batch));
            rates.push(lr);
        }
        let submitted_ms = now_ms();
        let ticket = self.engine.submit(steps)?;
        self.submitted += count;
        self.in_flight.push_back(Chunk { ticket, first, rates, submitted_ms });
        Ok(())
    }

    pub(super) fn step_uniform(&self, step: u32, slot: u32, lr: f64) -> Step {
        let [correction1, correction2] =
            self.settings.optimizer().kind.corrections(step.saturating_add(1)).map(|x| x as f32);
        Step {
            step,
            seed: self.seed,
            slot,
            site: 0,
            part: 0,
            parts: 1,
            lr: lr as f32,
            correction1,
            correction2,
            weight_decay: self.settings.weight_decay as f32,
            clip: if self.settings.clip > 0.0 { self.settings.clip as f32 } else { f32::MAX },
        }
    }

    /// Reads the oldest chunk back. Steps after the first one that is not finite do not count.
    async fn read_back(&mut self) -> Result<Vec<StepMetrics>, TrainError> {
        let Some(chunk) = self.in_flight.pop_front() else { return Ok(Vec::new()) };
        let records = self.engine.finish(chunk.ticket).await?;
        let ms = self.pace.finished(chunk.submitted_ms, now_ms(), records.len() as u32);
        if let Some(pieces) = self.pace.pieces() {
            self.engine.split(pieces);
        }
        if self.diverged.is_some() {
            return Ok(Vec::new());
        }
        let tokens = (self.settings.batch * self.settings.context) as u64;
        let mut metrics = Vec::with_capacity(records.len());
        for (i, (record, lr)) in records.into_iter().zip(chunk.rates).enumerate() {
            let step = chunk.first + i as u32 + 1;
            metrics.push(StepMetrics { step, loss: record.loss, lr, grad_norm: record.grad_norm, tokens, ms });
            let bad = [("loss", record.loss), ("gradient", record.grad_norm)].into_iter().find(|(_, v)| !v.is_finite());
            if let Some((what, value)) = bad {
                self.diverged = Some(Divergence { step, what, value: value.to_string(), lr });
                break;
            }
            self.done = step;
        }
        Ok(metrics)
    }

    /// Changes a setting that acts at once.
    ///
    /// # Errors
    /// When the setting is unknown, out of range, or needs a new run.
    pub fn set_live(&mut self, key: &str, value: &serde_json::Value) -> Result<(), TrainError> {
        let mut settings = self.settings.clone();
        settings.set(key, value)?;
        if !knobs::KNOBS.iter().any(|k| k.key == key && k.live) {
            return Err(TrainError::NotLive { key: key.to_owned() });
        }
        self.settings = settings;
        Ok(())
    }

    /// Goes on from another run's state: values and moments of every parameter after `step` steps.
    ///
    /// # Errors
    /// When the device fails.
    pub fn restore(&mut self, step: u32, state: super::engine::State) -> Result<(), TrainError> {
        self.engine.set_state(state)?;
        self.in_flight.clear();
        self.submitted = step;
        self.done = step;
        self.diverged = None;
        Ok(())
    }
}

/// Fills in what follows from the data: vocabulary, positions, special tokens.
pub(super) fn fit_to_data(settings: &mut Settings, data: &Dataset) -> Result<(), TrainError> {
    // A shape that the data does not have is refused before anything is built for it.
    data.train_batch(&settings.objective, settings.shape(), 0, 0)?;
    data.validation_batch(&settings.objective, settings.shape(), 0)?;
    let tokenizer = data.tokenizer();
    let (vocabulary, longest) = (tokenizer.vocab_size(), settings.context.max(settings.shape().target));
    let model = &mut settings.model.config;
    if !settings.fixed_vocabulary {
        model.set_vocabulary(vocabulary);
    } else if model.vocabulary() < vocabulary {
        return Err(TrainError::Vocabulary { model: model.vocabulary(), data: vocabulary });
    }
    if !settings.fixed_positions {
        model.set_positions(longest);
    }
    settings.model.head = families::head(&settings.objective, data.classes());
    let specials = data.specials();
    match &mut settings.model.config {
        Config::Gpt2(gpt) => {
            gpt.eos_token_id = tokenizer.eos();
            gpt.bos_token_id = tokenizer.eos();
            gpt.pad_token_id = specials.pad.or_else(|| tokenizer.id("<pad>"));
        }
        Config::Bert(bert) => bert.pad_token_id = specials.pad,
        Config::T5(t5) => {
            t5.pad_token_id = specials.pad.unwrap_or(t5.pad_token_id);
            t5.eos_token_id = specials.end.unwrap_or(t5.eos_token_id);
            t5.decoder_start_token_id = Some(t5.pad_token_id);
        }
        Config::Bart(bart) => {
            bart.pad_token_id = specials.pad.unwrap_or(bart.pad_token_id);
            bart.bos_token_id = specials.start.unwrap_or(bart.bos_token_id);
            bart.eos_token_id = specials.end.unwrap_or(bart.eos_token_id);
            bart.decoder_start_token_id = Some(bart.eos_token_id);
            bart.forced_eos_token_id = Some(bart.eos_token_id);
        }
        Config::Transformer(transformer) => {
            transformer.pad_token_id = specials.pad.unwrap_or(transformer.pad_token_id);
            transformer.bos_token_id = specials.start.unwrap_or(transformer.bos_token_id);
            transformer.eos_token_id = specials.end.unwrap_or(transformer.eos_token_id);
        }
    }
    Ok(())
}
