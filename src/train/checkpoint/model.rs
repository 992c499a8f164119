//! A model read from a checkpoint, to generate and evaluate with: any directory in Hugging Face's form.

use core::ops::ControlFlow;

use super::{Report, Source, Strictness, WEIGHTS, Weights, wanted};
use crate::models::{Architecture, Model, ModelError};
use crate::text::Tokenizer;
use crate::train::evaluate::{Measure, accuracy, validation};
use crate::train::generate::{Generated, Request, generate};
use crate::train::{DeviceChoice, Engine, TrainError};

/// Puts the weights of a checkpoint on a device, a tensor at a time; what [`Strictness::Partial`] lets be missing is zero.
///
/// # Errors
/// When they do not fit the model, or the device does not hold it.
pub async fn load_engine<S: Source>(
    model: &Model,
    weights: &Weights<S>,
    strictness: Strictness,
    device: DeviceChoice,
) -> Result<(Engine, Report), TrainError> {
    let mut engine = Engine::look(model, device).await?;
    let tensors = engine.graph().tensors();
    let keep = |at: usize, values: Vec<f32>| engine.put(&tensors[at], values);
    let report = weights.load(model.config.family(), &wanted(&tensors), strictness, keep).await?;
    Ok((engine, report))
}

/// A model on a device, with its tokenizer.
pub struct LoadedModel {
    model: Model,
    tokenizer: Tokenizer,
    engine: Engine,
}

impl LoadedModel {
    /// Reads the three files of a checkpoint, which are in memory. Nothing is loaded unless all of it fits.
    ///
    /// # Errors
    /// When a file is malformed, the files do not fit each other, or the device does not hold the model.
    pub async fn open(
        model: Model,
        tokenizer: Tokenizer,
        weights: &[u8],
        device: DeviceChoice,
    ) -> Result<Self, TrainError> {
        let weights = Weights::of_files(vec![(WEIGHTS.to_owned(), weights)]).await?;
        Self::load(model, tokenizer, &weights, device).await
    }

    /// Puts the weights of a checkpoint on a device.
    ///
    /// # Errors
    /// When the files do not fit each other, or the device does not hold the model.
    pub async fn load<S: Source>(
        model: Model,
        tokenizer: Tokenizer,
        weights: &Weights<S>,
        device: DeviceChoice,
    ) -> Result<Self, TrainError> {
        if tokenizer.vocab_size() > model.config.vocabulary() {
            return Err(TrainError::Vocabulary { model: model.config.vocabulary(), data: tokenizer.vocab_size() });
        }
        let (engine, _) = load_engine(&model, weights, Strictness::Complete, device).await?;
        Ok(Self { model, tokenizer, engine })
    }

    /// What it is.
    #[must_use]
    pub const fn model(&self) -> &Model {
        &self.model
    }

    /// Its tokenizer.
    #[must_use]
    pub const fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// The adapter's name, or the interpreter's.
    #[must_use]
    pub fn device(&self) -> &str {
        self.engine.adapter().map_or("CPU interpreter", |adapter| adapter.name.as_str())
    }

    /// Writes what is asked for; see [`generate`].
    ///
    /// # Errors
    /// When the model does not write, the request does not fit it, or the device fails.
    pub async fn generate(
        &mut self,
        request: &Request,
        each: &mut dyn FnMut(&[u32]) -> ControlFlow<()>,
    ) -> Result<Generated<Vec<u32>>, TrainError> {
        generate(&mut self.engine, request, each).await
    }

    /// Mean loss of the first `batches` validation batches, in nats, and where answers are right or wrong the share of right
    /// ones.
    ///
    /// # Errors
    /// When the data is too short, the context too long for the model, or the device fails.
    pub async fn validation(&mut self, measure: Measure<'_>, batches: u32) -> Result<(f64, Option<f64>), TrainError> {
        self.check(&measure)?;
        validation(&mut self.engine, measure, batches).await
    }

    /// Right answers among the first `count` held-out examples of a task; `None` for texts.
    ///
    /// # Errors
    /// When the context is too long for the model, or the device fails.
    pub async fn accuracy(&mut self, measure: Measure<'_>, count: u32) -> Result<Option<(u32, u32)>, TrainError> {
        self.check(&measure)?;
        if self.model.config.family().architecture() != Architecture::DecoderOnly {
            return Ok(None);
        }
        accuracy(&mut self.engine, measure.data, measure.extents, self.model.config.vocabulary(), count).await
    }

    fn check(&self, measure: &Measure<'_>) -> Result<(), TrainError> {
        let (model, vocabulary) = (self.model.config.vocabulary(), measure.data.tokenizer().vocab_size());
        if vocabulary > model {
            return Err(TrainError::Vocabulary { model, data: vocabulary });
        }
        let time = measure.extents.time.max(measure.extents.target);
        match self.model.config.positions() {
            Some(positions) if time > positions => Err(ModelError::Context { time, positions }.into()),
            Some(_) | None => Ok(()),
        }
    }
}
