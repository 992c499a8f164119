//! Why a command failed, in one sentence.

use std::io;
use std::path::{Path, PathBuf};

use trainyard::data::DataError;
use trainyard::text::TextError;
use trainyard::train::{SettingError, TrainError, readable};

/// A failure of the command line.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// What the core says.
    #[error("{error}{}", hint(error))]
    Train {
        /// What went wrong.
        error: Box<TrainError>,
    },
    /// A file or directory.
    #[error("cannot {what} {}: {error}", path.display())]
    Io {
        /// `read`, `write` …
        what: &'static str,
        /// What it was.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// A file beyond what is read.
    #[error("{} has {bytes} bytes; at most {limit} are read", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
        /// The largest accepted.
        limit: u64,
    },
    /// A file of a checkpoint that is malformed.
    #[error("{}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: Box<TrainError>,
    },
    /// A directory that holds something already.
    #[error(
        "{} is not empty; --resume goes on with the run in it, --overwrite replaces it, or choose another --out",
        dir.display()
    )]
    NotEmpty {
        /// The directory.
        dir: PathBuf,
    },
    /// No directory, or not one with a model.
    #[error("{} is no checkpoint: {what}", dir.display())]
    NoCheckpoint {
        /// Where it was looked for.
        dir: PathBuf,
        /// What is missing.
        what: String,
    },
    /// A resumed run is given another preset.
    #[error("the run in {} is of preset {found:?}, not {asked:?}", dir.display())]
    OtherPreset {
        /// The directory.
        dir: PathBuf,
        /// Its preset.
        found: String,
        /// The one asked for.
        asked: String,
    },
    /// A text that is not the one that the run learned from.
    #[error("{} is not the text that the run in {} learned from: {found} instead of {expected}", path.display(), dir.display())]
    OtherText {
        /// The text.
        path: PathBuf,
        /// The run.
        dir: PathBuf,
        /// Fingerprint of what is there.
        found: String,
        /// Fingerprint of what was learned from.
        expected: String,
    },
    /// A tokenizer that this build would not make of the same text.
    #[error("{} was made by another build: the tokenizer of the same data differs", dir.display())]
    OtherTokenizer {
        /// The run.
        dir: PathBuf,
    },
    /// Nothing is left to do.
    #[error("the run in {} has done {step} of its {steps} steps already; --steps N makes it longer", dir.display())]
    Finished {
        /// The directory.
        dir: PathBuf,
        /// Steps done.
        step: u32,
        /// Steps of the run.
        steps: u32,
    },
    /// Training has met a number that is none.
    #[error("{0}")]
    Diverged(Box<Diverged>),
    /// A model without a natural first token.
    #[error("a --prompt is needed: the tokenizer has neither an end-of-text token nor a line end")]
    NeedsPrompt,
    /// A prompt that the tokenizer refuses.
    #[error("the prompt: {0}")]
    Prompt(TextError),
    /// A source that the tokenizer refuses.
    #[error("the source: {0}")]
    Source(TextError),
    /// A prompt without a token.
    #[error("the prompt is empty; leave --prompt out to start from nothing")]
    EmptyPrompt,
    /// A temperature that divides by nothing.
    #[error("--temperature {0}: a number from 0 up is needed")]
    Temperature(f32),
    /// A model without a record of its data.
    #[error("{} does not say what it was trained on; give a text to measure on with --data", dir.display())]
    NeedsData {
        /// The directory.
        dir: PathBuf,
    },
    /// Known answers were missed, or none was given.
    #[error("{}", missed(*failed, *passed))]
    Missed {
        /// Cases that failed.
        failed: usize,
        /// Cases that passed.
        passed: usize,
    },
    /// An adapter for the interpreter.
    #[error("--adapter {name:?} chooses among GPUs, --device cpu uses none; leave one of them out")]
    AdapterOfCpu {
        /// The adapter asked for.
        name: String,
    },
    /// Whoever read the output has stopped.
    #[error("the output was closed")]
    Pipe,
}

/// A run that stopped, and what is left of it.
#[derive(Debug)]
pub struct Diverged {
    pub step: u32,
    /// What became no finite number: the loss, the gradient …
    pub what: &'static str,
    pub value: String,
    pub lr: f64,
    pub dir: PathBuf,
    /// Step of the checkpoint in the directory.
    pub kept: Option<u32>,
}

impl std::fmt::Display for Diverged {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { step, what, value, lr, dir, kept } = self;
        let (dir, lr) = (dir.display(), readable(*lr));
        write!(f, "training diverged: {what} {value} at step {step}; the learning rate ({lr}) is likely too high; ")?;
        match kept {
            Some(kept) => write!(f, "{dir} keeps the checkpoint of step {kept}"),
            None => write!(f, "no checkpoint was due before, {dir} holds the metrics only"),
        }
    }
}

fn missed(failed: usize, passed: usize) -> String {
    match failed {
        0 => "no known answer was compared".to_owned(),
        failed => format!("{failed} of {} known answers were missed or could not be read", failed + passed),
    }
}

/// What to do about some failures of the core.
fn hint(error: &TrainError) -> &'static str {
    match error.code() {
        "no-adapter" => "; --device cpu computes without one",
        "limit" => "; make the model, the batch or the context smaller",
        _ => "",
    }
}

impl CliError {
    pub fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |error| Self::Io { what, path, error }
    }

    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::AdapterOfCpu { .. } => 2,
            _ => 1,
        }
    }
}

impl From<TrainError> for CliError {
    fn from(error: TrainError) -> Self {
        Self::Train { error: Box::new(error) }
    }
}

impl From<SettingError> for CliError {
    fn from(error: SettingError) -> Self {
        TrainError::from(error).into()
    }
}

impl From<DataError> for CliError {
    fn from(error: DataError) -> Self {
        TrainError::from(error).into()
    }
}
