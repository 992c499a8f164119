//! The arguments of every command, with their help.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use trainyard::train::DeviceChoice;
use trainyard::train::checkpoint::SHARD_BYTES;
use trainyard::train::decode::Strategy;

use crate::error::CliError;

/// Trains small Transformers on the GPU, generates with them, and measures and verifies what it does.
#[derive(Parser, Debug)]
#[command(name = "trainyard", version)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand, Debug)]
pub enum Command {
    Train(TrainArgs),
    Generate(GenerateArgs),
    Eval(EvalArgs),
    Info(InfoArgs),
    Presets(PresetsArgs),
    Plan(PlanArgs),
    Verify(VerifyArgs),
    Bench(BenchArgs),
    Logits(LogitsArgs),
    Convert(ConvertArgs),
}

/// Where to compute.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Device {
    /// A GPU, through Vulkan, Metal or DirectX 12.
    Gpu,
    /// The interpreter: slow, for tiny models and as a reference.
    Cpu,
}

#[derive(Args, Debug)]
pub struct DeviceArgs {
    /// Where to compute.
    #[arg(long, value_enum, default_value_t = Device::Gpu)]
    pub device: Device,
    /// Part of the name of the adapter to use; `trainyard info` lists them. The best one is the default.
    #[arg(long, value_name = "NAME")]
    pub adapter: Option<String>,
}

impl DeviceArgs {
    /// The choice that `train` understands.
    pub fn choice(&self) -> Result<DeviceChoice, CliError> {
        match (self.device, &self.adapter) {
            (Device::Gpu, adapter) => Ok(DeviceChoice::Gpu(adapter.clone())),
            (Device::Cpu, None) => Ok(DeviceChoice::Cpu),
            (Device::Cpu, Some(name)) => Err(CliError::AdapterOfCpu { name: name.clone() }),
        }
    }
}

/// One `key=value`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pair {
    pub key: String,
    pub value: String,
}

fn pair(text: &str) -> Result<Pair, String> {
    let (key, value) = text.split_once('=').ok_or("key=value is needed, such as n_layer=4")?;
    Ok(Pair { key: key.trim().to_owned(), value: value.trim().to_owned() })
}

/// Train a model and keep it in a directory, in Hugging Face's form.
///
/// The directory holds config.json, model.safetensors and tokenizer.json, a line of metrics.jsonl for each step, and
/// what --resume needs. It is saved at every evaluation and at the end; a save is complete or does not happen.
#[derive(Args, Debug)]
pub struct TrainArgs {
    /// Where to start from; `trainyard presets` lists them. A resumed run knows its own.
    #[arg(long, value_name = "NAME", required_unless_present = "resume")]
    pub preset: Option<String>,
    /// A UTF-8 text to learn from, instead of the built-in one.
    #[arg(long, value_name = "FILE")]
    pub data: Option<PathBuf>,
    /// A tokenizer.json to read the text with, instead of one made from it.
    #[arg(long, value_name = "FILE", conflicts_with = "resume")]
    pub tokenizer: Option<PathBuf>,
    /// Start from the model of a directory in Hugging Face's form: its sizes, tokenizer and weights. A head that it lacks
    /// is new.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["resume", "tokenizer"])]
    pub from: Option<PathBuf>,
    /// Length of the run.
    #[arg(long, value_name = "N")]
    pub steps: Option<u32>,
    /// Seed of first weights, data order and dropout. The same seed gives the same bits on the same adapter.
    #[arg(long, value_name = "N", conflicts_with = "resume", default_value_t = 0)]
    pub seed: u32,
    /// Change a setting, by its Hugging Face name where it has one; may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = pair, conflicts_with = "resume")]
    pub settings: Vec<Pair>,
    #[command(flatten)]
    pub device: DeviceArgs,
    /// The run's directory.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Go on with the run in the directory, as if it had never been interrupted.
    #[arg(long, conflicts_with = "overwrite")]
    pub resume: bool,
    /// Replace the run in the directory.
    #[arg(long)]
    pub overwrite: bool,
    /// Save and stop after this step although the run is longer; --resume goes on.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub stop_at: Option<u32>,
    /// Print the result as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Continue a prompt, or answer a source text, with a trained model.
///
/// Reads a model in Hugging Face's form with a tokenizer.json: a decoder (GPT-2) continues --prompt, an encoder–decoder (T5, BART,
/// the original Transformer) answers --source. Prints the text as it is drawn; beams print their best when they have ended.
#[derive(Args, Debug)]
pub struct GenerateArgs {
    /// The directory of the model.
    #[arg(long, value_name = "DIR")]
    pub checkpoint: PathBuf,
    /// What to continue; without it an end-of-text token, a line end, or a held-out question of the task. With --source, how the
    /// answer begins.
    #[arg(long, value_name = "TEXT")]
    pub prompt: Option<String>,
    /// What the encoder reads.
    #[arg(long, value_name = "TEXT")]
    pub source: Option<String>,
    /// New tokens at most [default: 200, or up to the end of a task's sequence].
    #[arg(long, value_name = "N", visible_alias = "tokens")]
    pub max_new: Option<u32>,
    /// New tokens at least: the end token does not come before.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub min_new: u32,
    /// A token that ends the text, beside the model's own; may be repeated.
    #[arg(long, value_name = "TOKEN")]
    pub stop: Vec<String>,
    /// Divides the logits; 0 always takes the best token [default: 0.8, for tasks and sources 0].
    #[arg(long, value_name = "T", conflicts_with = "beams")]
    pub temperature: Option<f32>,
    /// Draw from the best K tokens only; 0 allows all.
    #[arg(long, value_name = "K", default_value_t = 0)]
    pub top_k: usize,
    /// Draw from the most likely tokens only that together have probability P.
    #[arg(long, value_name = "P", default_value_t = 1.0)]
    pub top_p: f32,
    /// Makes tokens that are in the text less likely, above 1.
    #[arg(long, value_name = "R", default_value_t = 1.0)]
    pub repetition_penalty: f64,
    /// Search with N beams instead of drawing.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=Strategy::MOST_BEAMS as i64))]
    pub beams: Option<u32>,
    /// Exponent of the length that the score of a beam is divided by.
    #[arg(long, value_name = "A", default_value_t = 1.0, requires = "beams")]
    pub length_penalty: f64,
    /// Seed of the draws.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u32,
    #[command(flatten)]
    pub device: DeviceArgs,
}

/// Measure a trained model on what it has not trained on.
///
/// Texts: the loss on the last tenth of the text. Tasks: also how many held-out questions it answers exactly right.
#[derive(Args, Debug)]
pub struct EvalArgs {
    /// The directory of the model.
    #[arg(long, value_name = "DIR")]
    pub checkpoint: PathBuf,
    /// A UTF-8 text to measure on, its last tenth, instead of what the run learned from.
    #[arg(long, value_name = "FILE")]
    pub data: Option<PathBuf>,
    /// Held-out questions of a task.
    #[arg(long, value_name = "N", default_value_t = 5000, value_parser = clap::value_parser!(u32).range(1..))]
    pub examples: u32,
    /// Batches of the loss [default: those of the run].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub batches: Option<u32>,
    #[command(flatten)]
    pub device: DeviceArgs,
    /// Print the figures as JSON.
    #[arg(long)]
    pub json: bool,
}

/// List the adapters, their limits and features.
#[derive(Args, Debug)]
pub struct InfoArgs {
    /// Print as JSON.
    #[arg(long)]
    pub json: bool,
}

/// List the presets and their settings.
#[derive(Args, Debug)]
pub struct PresetsArgs {
    /// Print as JSON, every setting included.
    #[arg(long)]
    pub json: bool,
}

/// Show what a training step would launch and a run would allocate; needs no GPU.
#[derive(Args, Debug)]
pub struct PlanArgs {
    /// Where to start from; `trainyard presets` lists them.
    #[arg(long, value_name = "NAME")]
    pub preset: String,
    /// A UTF-8 text that decides on the vocabulary.
    #[arg(long, value_name = "FILE")]
    pub data: Option<PathBuf>,
    /// Change a setting; may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = pair)]
    pub settings: Vec<Pair>,
    /// Plan for a software adapter such as lavapipe or SwiftShader.
    #[arg(long)]
    pub software: bool,
    /// Print the graph of a training step; without --launches nothing else.
    #[arg(long)]
    pub graph: bool,
    /// Print the launches of a training step; without --graph nothing else.
    #[arg(long)]
    pub launches: bool,
    /// Print the sums as JSON.
    #[arg(long, conflicts_with_all = ["graph", "launches"])]
    pub json: bool,
}

/// Compare this machine with known answers from other implementations.
///
/// Reads files in the two formats of model_kat.json (whole models) and ops_kat.json (single operations). The interpreter
/// runs every case in double and in single precision, a GPU its plan. Exit code 1 on any miss, or if nothing passed.
#[derive(Args, Debug)]
pub struct VerifyArgs {
    /// The files.
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    #[command(flatten)]
    pub device: DeviceArgs,
    /// Print as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Measure milliseconds a step, tokens and floating-point operations a second.
#[derive(Args, Debug)]
pub struct BenchArgs {
    /// The preset to train; may be repeated [default: bench-a, bench-b and bench-c].
    #[arg(long, value_name = "NAME")]
    pub preset: Vec<String>,
    /// Steps to measure, at least 5 [default: about two seconds of them].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub steps: Option<u32>,
    /// Change a setting; may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = pair)]
    pub settings: Vec<Pair>,
    #[command(flatten)]
    pub device: DeviceArgs,
    /// Time every launch as well, and list the kernels by time.
    #[arg(long)]
    pub profile: bool,
    /// Print as JSON: an object with one --preset, else an array.
    #[arg(long)]
    pub json: bool,
}

/// Run a model once on given tokens and write its logits.
///
/// Reads a directory in Hugging Face's form; the input is a JSON object of input_ids and what else the class's forward
/// takes: attention_mask, token_type_ids, decoder_input_ids. For comparing a checkpoint with its origin.
#[derive(Args, Debug)]
pub struct LogitsArgs {
    /// The directory of the model.
    #[arg(long, value_name = "DIR")]
    pub model: PathBuf,
    /// The arguments, as JSON.
    #[arg(long, value_name = "FILE")]
    pub input: PathBuf,
    /// Where the logits go: a JSON object of shape and data by name.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    #[command(flatten)]
    pub device: DeviceArgs,
}

/// Read a model in any of Hugging Face's forms and write it anew, in single precision and under its present names.
#[derive(Args, Debug)]
pub struct ConvertArgs {
    /// The directory of the model.
    #[arg(long, value_name = "DIR")]
    pub model: PathBuf,
    /// The directory to write; made if it is not there.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Bytes of weights in a file at most; what is larger is cut into several with an index.
    #[arg(long, value_name = "BYTES", default_value_t = SHARD_BYTES)]
    pub shard_bytes: u64,
}
