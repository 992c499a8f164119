//! Checkpoints in Hugging Face's form: `config.json`, `model.safetensors`, `tokenizer.json`, and beside them what a
//! resumed run needs to go on bit for bit.
//!
//! Reading: a [`Directory`] gives files ([`Source`]) that are read in parts. [`Weights::open`] reads the headers of the
//! weights, one file or several; [`Weights::load`] matches their tensors with the parameters of a graph as the names of
//! a family allow, says in a [`Report`] what does not fit, and hands over one tensor at a time. A file is never in
//! memory as a whole.
//!
//! Writing: [`write_model_dir`] gives a [`FileSink`] all that `transformers` asks for, tensor by tensor. The checkpoint of
//! a run is a set of named byte strings ([`File`]); who owns the disk or the download writes them.

mod directory;
mod dtype;
mod export;
mod family;
mod fit;
mod forward;
mod index;
mod load;
mod model;
mod report;
mod run;
mod safetensors;
mod source;
mod start;
mod tokenizer_files;
mod weights;

pub use directory::{ModelDirectory, SHARD_BYTES, write_model_dir};
pub use dtype::Dtype;
pub use fit::{Wanted, assemble, put, wanted};
pub use forward::{Logits, logits};
pub use load::Weights;
pub use model::{LoadedModel, load_engine};
pub use report::{Report, Strictness, WrongShape};
pub use run::{RunRecord, TextRecord, fingerprint};
pub use safetensors::{Entry, Named, SafetensorsError, Tensor, Tensors, read, write};
pub use source::{Body, Directory, DiskFile, FileSink, Files, Folder, Source};
pub use tokenizer_files::TokenizerParts;
pub use weights::{Exported, WeightsError, export_weights, import_weights};

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
/// Which file has which of the weights, where they are several.
pub const INDEX: &str = "model.safetensors.index.json";
/// The tokenizer.
pub const TOKENIZER: &str = "tokenizer.json";
/// What the tokenizer's class in Hugging Face's library is to know.
pub const TOKENIZER_CONFIG: &str = "tokenizer_config.json";
/// The special tokens by their roles.
pub const SPECIAL_TOKENS: &str = "special_tokens_map.json";
/// How the model generates.
pub const GENERATION_CONFIG: &str = "generation_config.json";
/// The moments of the optimizer.
pub const OPTIMIZER: &str = "optimizer.safetensors";
/// Step, seed and settings of the run.
pub const TRAINER: &str = "trainer.json";
/// A line for each step.
pub const METRICS: &str = "metrics.jsonl";
