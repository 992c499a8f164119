use super::checkpoint::WeightsError;
use super::decode::DecodeError;
use super::metrics::readable;
use super::settings::SettingError;
use crate::data::DataError;
use crate::gpu::GpuError;
use crate::ir::IrError;
use crate::models::ModelError;
use crate::plan::PlanError;
use crate::reference::ReferenceError;
use crate::text::TextError;

/// Why a run could not be set up or go on.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// A setting.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// The data.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The tokenizer.
    #[error(transparent)]
    Text(#[from] TextError),
    /// The model's configuration.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// Arguments of a forward pass.
    #[error("the input: {0}")]
    Arguments(String),
    /// The graph.
    #[error(transparent)]
    Graph(#[from] IrError),
    /// The plan.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// What cannot be generated.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The device.
    #[error(transparent)]
    Gpu(#[from] GpuError),
    /// The interpreter.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// The weights of a checkpoint.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// A checkpoint without one of its files.
    #[error("the checkpoint has no {name}")]
    MissingFile {
        /// The file.
        name: &'static str,
    },
    /// A checkpoint that is not one of ours.
    #[error("{name}: {what}")]
    Checkpoint {
        /// The file.
        name: &'static str,
        /// What is wrong with it.
        what: String,
    },
    /// More memory than the interpreter should take.
    #[error(
        "the run needs {} MiB of memory, the CPU interpreter takes at most {} MiB; make the model, the batch or the \
         context smaller, or use a GPU",
        needed.div_ceil(1 << 20),
        limit >> 20
    )]
    Memory {
        /// Bytes of the run.
        needed: u64,
        /// Bytes there may be.
        limit: u64,
    },
    /// The tokenizer has more tokens than the model.
    #[error("vocab_size = {model} is smaller than the vocabulary of the data, {data} tokens")]
    Vocabulary {
        /// Rows of the token embedding.
        model: usize,
        /// Tokens of the tokenizer.
        data: usize,
    },
    /// A text for a preset that reads none.
    #[error("preset {preset:?} makes its own examples and reads no text; choose a text preset such as gpt-nano")]
    TaskTakesNoText {
        /// The preset.
        preset: &'static str,
    },
    /// No text for a preset that needs one.
    #[error("preset {preset:?} has no text of its own; give it one with --data FILE or drop one on the page")]
    NeedsText {
        /// The preset.
        preset: &'static str,
    },
    /// A change of a setting that needs a new run.
    #[error("{key} cannot change while a run goes on; restart to apply it")]
    NotLive {
        /// The setting.
        key: String,
    },
    /// Training has met a number that is none.
    #[error("{0}")]
    Diverged(Divergence),
}

/// The first step whose loss or gradient is no finite number.
#[derive(Clone, PartialEq, Debug)]
pub struct Divergence {
    /// The step, from 1.
    pub step: u32,
    /// `loss` or `gradient`.
    pub what: &'static str,
    /// What it became.
    pub value: String,
    /// Learning rate of the step.
    pub lr: f64,
}

impl core::fmt::Display for Divergence {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let what = if self.what == "loss" { "The loss" } else { "The gradient's norm" };
        write!(
            f,
            "{what} became {} at step {}. The learning rate ({}) is likely too high; the weights before that step are kept.",
            self.value,
            self.step,
            readable(self.lr)
        )
    }
}

impl TrainError {
    /// A stable name for programs; sentences may change.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Setting(_) => "setting",
            Self::Data(error) => error.code(),
            Self::TaskTakesNoText { .. } => "no_text_taken",
            Self::NeedsText { .. } => "text_needed",
            Self::Text(error) => error.code(),
            Self::Model(_) => "model",
            Self::Arguments(_) => "arguments",
            Self::Graph(_) => "graph",
            Self::Plan(_) => "plan",
            Self::Decode(_) => "decode",
            Self::Gpu(error) => error.code(),
            Self::Reference(_) => "reference",
            Self::Weights(_) => "weights",
            Self::MissingFile { .. } | Self::Checkpoint { .. } => "checkpoint",
            Self::Memory { .. } => "memory",
            Self::Vocabulary { .. } => "vocabulary",
            Self::NotLive { .. } => "not_live",
            Self::Diverged(_) => "diverged",
        }
    }
}
