//! `metrics.jsonl`: a line for each step, in order, in one piece with the checkpoint beside it.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write as _};
use std::path::PathBuf;

use serde_json::{Value, json};
use trainyard::train::checkpoint::METRICS;
use trainyard::train::{Evaluation, StepMetrics, number};

use crate::error::CliError;
use crate::store::Store;

/// The largest metrics file that is read back: 20 million steps.
const MAX_METRICS: u64 = 4 << 30;

/// The open file.
pub struct Metrics {
    path: PathBuf,
    file: BufWriter<File>,
}

impl Metrics {
    /// Opens the file of a run that goes on after `step`: later lines, which a killed run may have left, are removed.
    pub fn open(store: &Store, step: u32) -> Result<Self, CliError> {
        let old = store.read(METRICS, MAX_METRICS)?.unwrap_or_default();
        let kept = String::from_utf8_lossy(&old)
            .lines()
            .filter(|line| is_of_step_up_to(line, step))
            .flat_map(|line| [line, "\n"])
            .collect::<String>();
        store.replace(METRICS, kept.as_bytes())?;
        let path = store.path(METRICS);
        let file = OpenOptions::new().append(true).open(&path).map_err(CliError::io("write", &path))?;
        Ok(Self { path, file: BufWriter::new(file) })
    }

    /// Adds a step, with what an evaluation after it showed.
    pub fn add(&mut self, step: &StepMetrics, evaluation: Option<&Evaluation>) -> Result<(), CliError> {
        let mut line = step.to_json();
        if let Some(evaluation) = evaluation {
            line.insert("val_loss".to_owned(), number(evaluation.val_loss));
            if let Some(accuracy) = evaluation.accuracy {
                line.insert("accuracy".to_owned(), json!(accuracy));
            }
        }
        writeln!(self.file, "{}", Value::Object(line)).map_err(CliError::io("write", &self.path))
    }

    /// Hands everything to the system.
    pub fn flush(&mut self) -> Result<(), CliError> {
        self.file.flush().map_err(CliError::io("write", &self.path))
    }
}

/// Whether a whole line is there, and of a step that counts.
fn is_of_step_up_to(line: &str, last: u32) -> bool {
    let step = serde_json::from_str::<Value>(line).ok().and_then(|value| value["step"].as_u64());
    step.is_some_and(|step| step <= u64::from(last))
}
