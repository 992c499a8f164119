//! A model read from a checkpoint, to generate and evaluate with: any GPT-2 directory in Hugging Face's form.

use super::{Family, Source, Strictness, WEIGHTS, Weights, wanted};
use crate::data::Dataset;
use crate::models::{Extents, Gpt2Config, Mode, ModelError};
use crate::text::Tokenizer;
use crate::train::decode::{Sampling, Stop};
use crate::train::look::{Window, accuracy, generate, validation_loss};
use crate::train::{DeviceChoice, Engine, TrainError};

/// Windows of a generation are a multiple of this, so that few graphs serve every prompt.
const WINDOW: usize = 64;

/// A model on a device, with its tokenizer.
pub struct Model {
    config: Gpt2Config,
    tokenizer: Tokenizer,
    engine: Engine,
}

/// The extents of an evaluation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sizes {
    /// Sequences a batch.
    pub batch: usize,
    /// Tokens a sequence.
    pub context: usize,
}

impl Sizes {
    const fn extents(self) -> Extents {
        Extents { batch: self.batch, time: self.context, key_mask: false }
    }
}

impl Model {
    /// Reads the three files of a checkpoint, which are in memory. Nothing is loaded unless all of it fits.
    ///
    /// # Errors
    /// When a file is malformed, the files do not fit each other, or the device does not hold the model.
    pub async fn open(
        config: Gpt2Config,
        tokenizer: Tokenizer,
        weights: &[u8],
        device: DeviceChoice,
    ) -> Result<Self, TrainError> {
        let weights = Weights::of_files(vec![(WEIGHTS.to_owned(), weights)]).await?;
        Self::load(config, tokenizer, &weights, device).await
    }

    /// Puts the weights of a checkpoint on a device.
    ///
    /// # Errors
    /// When the files do not fit each other, or the device does not hold the model.
    pub async fn load<S: Source>(
        config: Gpt2Config,
        tokenizer: Tokenizer,
        weights: &Weights<S>,
        device: DeviceChoice,
    ) -> Result<Self, TrainError> {
        if tokenizer.vocab_size() > config.vocab_size {
            return Err(TrainError::Vocabulary { model: config.vocab_size, data: tokenizer.vocab_size() });
        }
        let mut engine = Engine::look(&config, device).await?;
        let wanted = wanted(engine.graph());
        let mut parameters = vec![Vec::new(); wanted.len()];
        let keep = |at: usize, values| -> Result<(), TrainError> {
            parameters[at] = values;
            Ok(())
        };
        weights.load(Family::Gpt2, &wanted, Strictness::Exact, keep).await?;
        engine.set_parameters(parameters)?;
        Ok(Self { config, tokenizer, engine })
    }

    /// Its configuration.
    #[must_use]
    pub const fn config(&self) -> &Gpt2Config {
        &self.config
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

    /// Continues `prompt` by at most `max_new` tokens, until the end token; `each` hears of every token as it is drawn.
    ///
    /// # Errors
    /// When the device fails.
    pub async fn generate(
        &mut self,
        prompt: &[u32],
        max_new: usize,
        how: Sampling,
        each: &mut dyn FnMut(u32),
    ) -> Result<Vec<u32>, TrainError> {
        let needed = prompt.len().saturating_add(max_new).checked_next_multiple_of(WINDOW);
        let context = needed.map_or(self.config.n_positions, |n| n.min(self.config.n_positions));
        let window = Window { mode: Mode::Evaluate, context, vocabulary: self.config.vocab_size };
        let stop = Stop { eos: self.config.eos_token_id, max_new };
        generate(&mut self.engine, prompt, window, stop, how, each).await
    }

    /// Mean loss of the first `batches` validation batches, in nats.
    ///
    /// # Errors
    /// When the data is too short, the context too long for the model, or the device fails.
    pub async fn validation_loss(&mut self, data: &Dataset, sizes: Sizes, batches: u32) -> Result<f64, TrainError> {
        self.check(data, sizes)?;
        validation_loss(&mut self.engine, data, sizes.extents(), batches).await
    }

    /// Right answers among the first `count` held-out examples of a task; `None` for texts.
    ///
    /// # Errors
    /// When the context is too long for the model, or the device fails.
    pub async fn accuracy(
        &mut self,
        data: &Dataset,
        sizes: Sizes,
        count: u32,
    ) -> Result<Option<(u32, u32)>, TrainError> {
        self.check(data, sizes)?;
        accuracy(&mut self.engine, data, sizes.extents(), self.config.vocab_size, count).await
    }

    fn check(&self, data: &Dataset, sizes: Sizes) -> Result<(), TrainError> {
        let (model, vocabulary) = (self.config.vocab_size, data.tokenizer().vocab_size());
        if vocabulary > model {
            return Err(TrainError::Vocabulary { model, data: vocabulary });
        }
        let (time, positions) = (sizes.context, self.config.n_positions);
        if time > positions { Err(ModelError::Context { time, positions }.into()) } else { Ok(()) }
    }
}
