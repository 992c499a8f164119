use serde::Serialize;
use serde_json::{Map, Value};

use super::engine::Footprint;
use super::error::TrainError;
use super::families;
use super::session::Session;
use crate::data::Summary;
use crate::kernels::source;
use crate::models::Architecture;

/// What there is to know of a run before its first step.
#[derive(Clone, Debug, Serialize)]
pub struct RunInfo {
    /// Trainable elements.
    pub parameters: usize,
    /// Bytes on the device.
    pub gpu_bytes: u64,
    /// Dispatches of a training step, optimizer included.
    pub dispatches: usize,
    /// Submits for up to [`super::RING`] steps.
    pub submits_per_chunk: u32,
    /// Rows of the token embedding.
    pub vocab_size: usize,
    /// Loss of a uniform guess, ln V in nats.
    pub random_guess: f64,
    /// The family.
    pub family: &'static str,
    /// Which stacks it has.
    pub architecture: Architecture,
    /// Blocks and heads of the encoder, if there is one.
    pub encoder: Option<[usize; 2]>,
    /// Blocks and heads of the decoder, if there is one.
    pub decoder: Option<[usize; 2]>,
    /// The objectives that the family can be trained with.
    pub objectives: &'static [&'static str],
    /// Tokens a sequence.
    pub context: usize,
    /// Sequences a batch.
    pub batch: usize,
    /// Steps of the run.
    pub steps: u32,
    /// The data.
    pub data: Summary,
    /// A sentence to look at first.
    pub default_probe: String,
    /// A text to continue first.
    pub default_prompt: String,
    /// Every setting.
    pub settings: Map<String, Value>,
}

impl Session {
    /// What there is to know before the first step.
    #[must_use]
    pub fn info(&self) -> RunInfo {
        let Footprint { bytes, dispatches, .. } = self.engine().footprint();
        let settings = self.settings();
        RunInfo {
            parameters: self.engine().graph().parameter_count(),
            gpu_bytes: bytes,
            dispatches,
            submits_per_chunk: 1,
            vocab_size: settings.model.config.vocabulary(),
            random_guess: libm::log(settings.model.config.vocabulary() as f64),
            family: settings.model.config.family().name(),
            architecture: settings.model.config.family().architecture(),
            encoder: settings.model.config.encoder(),
            decoder: settings.model.config.decoder(),
            objectives: families::objectives(settings.model.config.family()),
            context: settings.context,
            batch: settings.batch,
            steps: settings.steps,
            data: self.data().summary(),
            default_probe: self.data().default_probe(),
            default_prompt: self.data().default_prompt(),
            settings: settings.to_map(),
        }
    }

    /// Name and text of every shader that a training step runs, each once; empty on the CPU.
    ///
    /// # Errors
    /// When a launch and its shader do not fit.
    pub fn shaders(&mut self) -> Result<Vec<(String, String)>, TrainError> {
        let Some((_, plan, _)) = self.engine_mut().gpu_mut().and_then(|gpu| gpu.training()) else {
            return Ok(Vec::new());
        };
        let mut shaders: Vec<(String, String)> = Vec::new();
        for launch in &plan.launches {
            let text = source(&launch.launch).map_err(crate::plan::PlanError::from)?;
            if !shaders.iter().any(|(_, known)| *known == text) {
                shaders.push((format!("{}.{}", launch.launch.kernel.stem, launch.launch.entry.name), text));
            }
        }
        Ok(shaders)
    }
}
