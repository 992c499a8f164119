//! Checkpoints in Hugging Face's form: `config.json`, `model.safetensors`, `tokenizer.json`, and beside them what a
//! resumed run needs to go on bit for bit.
//!
//! A checkpoint is a set of named byte strings ([`File`]); who owns the disk or the download writes them.

mod export;
mod model;
mod run;
mod safetensors;
mod weights;

pub use model::LoadedModel;
pub use run::{RunRecord, TextRecord, fingerprint};
pub use safetensors::{Dtype, SafetensorsError, Tensor, Tensors, read, write};
pub use weights::{WeightsError, export_weights, import_weights};

/// One file of a checkpoint.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct File {
    /// Its name in the directory.
    pub name: &'static str,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// The model's configuration.
pub const CONFIG: &str = "config.json";
/// The model's weights.
pub const WEIGHTS: &str = "model.safetensors";
/// The tokenizer.
pub const TOKENIZER: &str = "tokenizer.json";
/// The moments of the optimizer.
pub const OPTIMIZER: &str = "optimizer.safetensors";
/// Step, seed and settings of the run.
pub const TRAINER: &str = "trainer.json";
/// A line for each step.
pub const METRICS: &str = "metrics.jsonl";
