//! What a resumed run needs beside the model: both moments of every parameter, and the record of the run.
//!
//! Batches, dropout and learning rates are functions of settings, seed, data and step, so these few facts bring back
//! every bit of the run.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::safetensors::{read, write};
use super::{File, OPTIMIZER, TRAINER, import_weights};
use crate::ir::Graph;
use crate::train::{Session, State, TrainError};

/// Version of [`RunRecord`]; a reader refuses what it does not know.
const FORMAT: u32 = 1;
/// Prefixes of the tensors of `optimizer.safetensors`.
const MOMENTS: [&str; 2] = ["moment1.", "moment2."];

/// The record of a run: `trainer.json`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct RunRecord {
    /// Version of this record.
    pub format: u32,
    /// Version of the program that wrote it; another one may compute other bits.
    pub build: String,
    /// Name of the preset.
    pub preset: String,
    /// Steps that the weights have seen.
    pub step: u32,
    /// The run's seed.
    pub seed: u32,
    /// Where it was computed: an adapter's name, or the interpreter.
    pub device: String,
    /// The text of the user's, if there is one.
    pub text: Option<TextRecord>,
    /// Every setting.
    pub settings: Map<String, Value>,
}

/// A text, by which a resumed run knows that it reads the same one.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TextRecord {
    /// The file as it was named.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// Its [`fingerprint`].
    pub fingerprint: String,
}

impl TextRecord {
    /// The record of a text.
    #[must_use]
    pub fn new(path: &str, bytes: &[u8]) -> Self {
        Self { path: path.to_owned(), bytes: bytes.len() as u64, fingerprint: fingerprint(bytes) }
    }
}

/// 64-bit FNV-1a of some bytes: tells an edited file from the same one, not a forger from the author.
#[must_use]
pub fn fingerprint(bytes: &[u8]) -> String {
    let step = |hash: u64, &byte: &u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3);
    format!("fnv1a64:{:016x}", bytes.iter().fold(0xCBF2_9CE4_8422_2325, step))
}

impl RunRecord {
    /// Reads a `trainer.json`.
    ///
    /// # Errors
    /// When it is no such record, or one of another version.
    pub fn from_json(bytes: &[u8]) -> Result<Self, TrainError> {
        let fault = |what: String| TrainError::Checkpoint { name: TRAINER, what };
        let value: Value = serde_json::from_slice(bytes).map_err(|e| fault(e.to_string()))?;
        let format = &value["format"];
        if *format != FORMAT {
            return Err(fault(format!("format {format} is not known; this build reads format {FORMAT}")));
        }
        serde_json::from_value(value).map_err(|e| fault(e.to_string()))
    }
}

impl Session {
    /// Everything that a resumed run needs, as it is after the last step: the model, the moments, the record.
    ///
    /// # Errors
    /// When steps are still under way, the device fails, or a weight is not finite.
    pub async fn snapshot(&mut self, preset: &str, text: Option<TextRecord>) -> Result<Vec<File>, TrainError> {
        if self.step() != self.submitted() {
            let what = format!("{} of {} submitted steps have come back", self.step(), self.submitted());
            return Err(TrainError::Checkpoint { name: TRAINER, what });
        }
        let state = self.engine_mut().state().await?;
        let mut files = self.model_files(&state)?;
        files.push(File { name: OPTIMIZER, bytes: export_moments(self.engine().graph(), &state) });
        let device = self.engine().adapter().map_or("CPU interpreter", |adapter| adapter.name.as_str());
        let record = RunRecord {
            format: FORMAT,
            build: env!("CARGO_PKG_VERSION").to_owned(),
            preset: preset.to_owned(),
            step: self.step(),
            seed: self.seed(),
            device: device.to_owned(),
            text,
            settings: self.settings().to_map(),
        };
        let json = serde_json::to_string_pretty(&record)
            .map_err(|e| TrainError::Checkpoint { name: TRAINER, what: e.to_string() })?;
        files.push(File { name: TRAINER, bytes: (json + "\n").into_bytes() });
        Ok(files)
    }

    /// Goes on from the weights and moments of a checkpoint after `step` steps.
    ///
    /// # Errors
    /// When they do not belong to this model, or the device fails.
    pub fn resume(&mut self, step: u32, weights: &[u8], optimizer: &[u8]) -> Result<(), TrainError> {
        let graph = self.engine().graph();
        let parameters = import_weights(self.settings().model.config.family(), graph, weights)?;
        let [moment1, moment2] = import_moments(graph, optimizer)?;
        self.restore(step, State { parameters, moment1, moment2 })
    }
}

fn export_moments(graph: &Graph, state: &State) -> Vec<u8> {
    let named = |prefix: &str| graph.params.iter().map(|p| format!("{prefix}{}", p.name)).collect::<Vec<_>>();
    let names = MOMENTS.map(named);
    let rows = names.iter().zip([&state.moment1, &state.moment2]);
    let tensors = rows.flat_map(|(names, values)| {
        let columns = names.iter().zip(&graph.params).zip(values);
        columns.map(|((name, param), values)| (name.as_str(), param.shape.dims(), values.as_slice()))
    });
    write(&tensors.collect::<Vec<_>>())
}

fn import_moments(graph: &Graph, file: &[u8]) -> Result<[Vec<Vec<f32>>; 2], TrainError> {
    let fault = |what: String| TrainError::Checkpoint { name: OPTIMIZER, what };
    let tensors = read(file).map_err(|e| fault(e.to_string()))?;
    if tensors.0.len() != MOMENTS.len() * graph.params.len() {
        let found = tensors.0.len();
        return Err(fault(format!("{found} tensors for two moments of {} parameters", graph.params.len())));
    }
    let mut moments = MOMENTS.map(|_| Vec::with_capacity(graph.params.len()));
    for (prefix, values) in MOMENTS.into_iter().zip(&mut moments) {
        for param in &graph.params {
            let name = format!("{prefix}{}", param.name);
            let tensor = tensors.get(&name).ok_or_else(|| fault(format!("{name} is missing")))?;
            let (found, expected) = (&tensor.entry.shape, param.shape.dims());
            if found != expected {
                return Err(fault(format!("{name} is {found:?}, expected {expected:?}")));
            }
            let data = tensor.to_f32().map_err(|e| fault(e.to_string()))?;
            if data.iter().any(|v| !v.is_finite()) {
                return Err(fault(format!("{name} holds values that are not finite")));
            }
            values.push(data);
        }
    }
    Ok(moments)
}
