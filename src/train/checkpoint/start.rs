//! A run that starts from a checkpoint: fine-tuning, and training that goes on on other data.
//!
//! The checkpoint decides on the model: sizes, vocabulary, positions, and the tokenizer that gives ids their meaning.
//! Data and objective decide on the head. So the body is loaded as it is, and a head that the checkpoint lacks, or has
//! for another number of classes, keeps its initial values.

use super::{CONFIG, Report, Source, Strictness, TOKENIZER, Weights, wanted};
use crate::data::{Dataset, TokenizerChoice};
use crate::models::Model;
use crate::text::Tokenizer;
use crate::train::{Preset, Session, Settings, TrainError};

impl Settings {
    /// Takes the configuration of a checkpoint's model over, vocabulary and positions included, and leaves the objective,
    /// and with it the head, as it is.
    ///
    /// # Errors
    /// When the checkpoint is of another family, or does not read as many tokens as a sequence has.
    pub fn start_from(&mut self, found: &Model) -> Result<(), TrainError> {
        let fault = |what: String| TrainError::Checkpoint { name: CONFIG, what };
        let (theirs, ours) = (found.config.family(), self.model.config.family());
        if theirs != ours {
            let what = format!("model_type is {:?}, the run trains {:?}", theirs.name(), ours.name());
            return Err(fault(what));
        }
        let longest = self.context.max(self.shape().target);
        if let Some(positions) = found.config.positions().filter(|&positions| positions < longest) {
            return Err(fault(format!(
                "the model has {positions} positions, a sequence of the run has {longest} tokens"
            )));
        }
        self.model.config = found.config.clone();
        (self.fixed_vocabulary, self.fixed_positions) = (true, true);
        Ok(())
    }
}

impl Preset {
    /// What it reads, with the tokenizer of a checkpoint.
    ///
    /// # Errors
    /// As [`Self::dataset_with`], or when its data have a vocabulary of their own, which is another one.
    pub fn dataset_from(
        &self,
        settings: &Settings,
        tokenizer: Tokenizer,
        text: Option<(&str, &[u8])>,
    ) -> Result<Dataset, TrainError> {
        let json = tokenizer.to_json();
        let data = self.dataset_with(settings, TokenizerChoice::Given(tokenizer), text)?;
        if data.tokenizer().to_json() == json {
            return Ok(data);
        }
        let what = format!("preset {:?} has a vocabulary of its own, and it is another one", self.name);
        Err(TrainError::Checkpoint { name: TOKENIZER, what })
    }
}

impl Session {
    /// Replaces parameters by those of a checkpoint; before the first step, so that there are no moments yet. With
    /// [`Strictness::Partial`] what the checkpoint lacks keeps its initial values.
    ///
    /// # Errors
    /// When the run has begun, or the weights do not fit: then it is as it was. When a weight is not finite, a file cannot
    /// be read to its end or the device fails, the run has parts of both and is to be dropped.
    pub async fn start_from<S: Source>(
        &mut self,
        weights: &Weights<S>,
        strictness: Strictness,
    ) -> Result<Report, TrainError> {
        if self.submitted() > 0 {
            let what =
                format!("the run has begun, {} steps are submitted; only a new run starts from it", self.submitted());
            return Err(TrainError::Checkpoint { name: CONFIG, what });
        }
        let family = self.settings().model.config.family();
        let tensors = self.engine().graph().tensors();
        let engine = self.engine_mut();
        let keep = |at: usize, values: Vec<f32>| engine.put(&tensors[at], values);
        weights.load(family, &wanted(&tensors), strictness, keep).await
    }
}
