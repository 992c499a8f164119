//! A run read back from its directory: the record, the model's files, the data.

use std::path::Path;

use trainyard::data::{Dataset, TokenizerChoice};
use trainyard::models::Model;
use trainyard::text::Tokenizer;
use trainyard::train::checkpoint::{
    CONFIG, DiskFile, LoadedModel, RunRecord, TOKENIZER, TRAINER, TextRecord, WEIGHTS, Weights, WeightsError,
};
use trainyard::train::{DeviceChoice, Preset, Settings, TrainError};

use crate::error::CliError;
use crate::source::{self, read_text};
use crate::store::Store;

/// Limits of the files that are read whole.
pub const MAX_JSON: u64 = 1 << 20;
pub const MAX_TOKENIZER: u64 = 64 << 20;
/// Two billion parameters in single precision, and the header.
pub const MAX_WEIGHTS: u64 = 8 << 30;

/// A run's record, and what follows from it.
pub struct Run {
    pub record: RunRecord,
    pub preset: &'static Preset,
    pub settings: Settings,
}

impl Run {
    /// Reads the record of a run; `None` where the directory holds a model from elsewhere.
    pub fn read(store: &Store) -> Result<Option<Self>, CliError> {
        let Some(bytes) = store.read(TRAINER, MAX_JSON)? else { return Ok(None) };
        let wrong = |error| CliError::File { path: store.path(TRAINER), error: Box::new(error) };
        let record = RunRecord::from_json(&bytes).map_err(|error| store.fault(error))?;
        let preset = Preset::find(&record.preset).map_err(|e| wrong(e.into()))?;
        let mut settings = preset.settings()?;
        let all = record.settings.iter().map(|(key, value)| (key.as_str(), value));
        settings.apply(all).map_err(|e| wrong(e.into()))?;
        Ok(Some(Self { record, preset, settings }))
    }

    /// The run's data, read with its tokenizer. `other` takes the place of a text that may have moved; with `same` it has
    /// to have the same content.
    pub fn data(
        &self,
        store: &Store,
        tokenizer: TokenizerChoice,
        other: Option<&Path>,
        same: bool,
    ) -> Result<Dataset, CliError> {
        let recorded = self.record.text.as_ref();
        let path = other.or_else(|| recorded.map(|text| Path::new(&text.path)));
        let Some(path) = path else { return Ok(self.preset.dataset_with(&self.settings, tokenizer, None)?) };
        let bytes = read_text(path)?;
        let found = TextRecord::new(&source::name(path), &bytes);
        if let Some(expected) =
            recorded.filter(|text| text.fingerprint != found.fingerprint && (same || other.is_none()))
        {
            return Err(CliError::OtherText {
                path: path.to_owned(),
                dir: store.dir().to_owned(),
                found: found.fingerprint,
                expected: expected.fingerprint.clone(),
            });
        }
        Ok(self.preset.dataset_with(&self.settings, tokenizer, Some((&found.path, &bytes)))?)
    }
}

/// Reads a file that a checkpoint has to have.
pub fn required(store: &Store, name: &'static str, limit: u64) -> Result<Vec<u8>, CliError> {
    store.read(name, limit)?.ok_or_else(|| {
        let pickle = name == WEIGHTS && store.path("pytorch_model.bin").exists();
        let hint = if pickle { "; pytorch_model.bin is not read, convert it to safetensors" } else { "" };
        CliError::NoCheckpoint { dir: store.dir().to_owned(), what: format!("it has no {name}{hint}") }
    })
}

/// Reads a checkpoint's tokenizer.
pub fn tokenizer(store: &Store) -> Result<Tokenizer, CliError> {
    let bytes = required(store, TOKENIZER, MAX_TOKENIZER)?;
    Tokenizer::from_json(&bytes).map_err(|error| store.fault(error.into()))
}

/// Reads what a model is.
pub fn read_model(store: &Store) -> Result<Model, CliError> {
    let config = required(store, CONFIG, MAX_JSON)?;
    Model::from_json(&String::from_utf8_lossy(&config)).map_err(|error| store.fault(error.into()))
}

/// Opens a model's weights, in one file or several, without reading them.
pub fn weights(store: &Store) -> Result<Weights<DiskFile>, CliError> {
    pollster::block_on(Weights::open(store)).map_err(|error| match error {
        WeightsError::NoWeights { .. } => {
            CliError::NoCheckpoint { dir: store.dir().to_owned(), what: error.to_string() }
        }
        other => store.fault(other.into()),
    })
}

/// Reads a model and puts it on a device.
pub fn open_model(store: &Store, device: DeviceChoice) -> Result<LoadedModel, CliError> {
    let (model, tokenizer, weights) = (read_model(store)?, tokenizer(store)?, weights(store)?);
    pollster::block_on(LoadedModel::load(model, tokenizer, &weights, device)).map_err(|error| match error {
        TrainError::Weights(_) | TrainError::Vocabulary { .. } => store.fault(error),
        other => other.into(),
    })
}
