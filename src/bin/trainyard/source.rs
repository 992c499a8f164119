//! What a command learns or measures from: a preset's own data, or a text file.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

use trainyard::data::Dataset;
use trainyard::text::Tokenizer;
use trainyard::text::TrainKind;
use trainyard::train::{Preset, Settings, Source, TrainError};

use crate::args::Pair;
use crate::error::CliError;
use crate::run::MAX_TOKENIZER;

/// The largest text that is read; the core's limit is the same.
const MAX_TEXT: u64 = 1 << 30;
/// Characters of Tiny Shakespeare, which the presets without a text of their own are made for.
const TINY_SHAKESPEARE_CHARACTERS: u32 = 65;

/// Reads a file of at most `limit` bytes.
pub fn read_file(path: &Path, limit: u64) -> Result<Vec<u8>, CliError> {
    let file = File::open(path).map_err(CliError::io("read", path))?;
    let bytes = file.metadata().map_err(CliError::io("read", path))?.len();
    let too_large = |bytes| CliError::TooLarge { path: path.to_owned(), bytes, limit };
    if bytes > limit {
        return Err(too_large(bytes));
    }
    let mut content = Vec::with_capacity(bytes as usize);
    // A pipe has no size, and a file may grow while it is read.
    file.take(limit.saturating_add(1)).read_to_end(&mut content).map_err(CliError::io("read", path))?;
    if content.len() as u64 > limit { Err(too_large(content.len() as u64)) } else { Ok(content) }
}

/// Reads a text as bytes.
pub fn read_text(path: &Path) -> Result<Vec<u8>, CliError> {
    read_file(path, MAX_TEXT)
}

/// Reads a tokenizer of the user's.
pub fn read_tokenizer(path: &Path) -> Result<Tokenizer, CliError> {
    let bytes = read_file(path, MAX_TOKENIZER)?;
    Tokenizer::from_json(&bytes)
        .map_err(|error| CliError::File { path: path.to_owned(), error: Box::new(error.into()) })
}

/// How a text is called in messages and in the record of a run.
pub fn name(path: &Path) -> String {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
}

/// The settings of a preset with what the user changed.
pub fn settings(preset: &Preset, changes: &[Pair], steps: Option<u32>) -> Result<Settings, CliError> {
    let mut settings = preset.settings()?;
    change(&mut settings, changes)?;
    if let Some(steps) = steps {
        settings.set("steps", &steps.into())?;
    }
    check_model(&settings)?;
    Ok(settings)
}

/// Sets what the user changed.
pub fn change(settings: &mut Settings, changes: &[Pair]) -> Result<(), CliError> {
    // Other keys depend on the family, and on the objective.
    let rank = |key: &str| ["family", "objective"].iter().position(|&first| first == key).unwrap_or(2);
    let mut changes: Vec<&Pair> = changes.iter().collect();
    changes.sort_by_key(|pair| rank(&pair.key));
    for Pair { key, value } in changes {
        settings.set_text(key, value)?;
    }
    Ok(())
}

/// Refuses a model that cannot be before its data is read, which may take a while. The vocabulary may not be known yet.
fn check_model(settings: &Settings) -> Result<(), CliError> {
    let mut model = settings.model.config.clone();
    if !settings.fixed_vocabulary {
        model.set_vocabulary(1);
    }
    if !settings.fixed_positions {
        model.set_positions(settings.context.max(settings.shape().target));
    }
    model.check().map_err(TrainError::from)?;
    Ok(())
}

/// The data that decides on a plan's vocabulary; `None` where it is set, or where the preset waits for a text: then it is
/// planned for Tiny Shakespeare's characters.
pub fn for_plan(preset: &Preset, settings: &mut Settings, path: Option<&Path>) -> Result<Option<Dataset>, CliError> {
    if let Some(path) = path {
        let bytes = read_text(path)?;
        return Ok(Some(preset.dataset(settings, Some((&name(path), &bytes)))?));
    }
    if settings.fixed_vocabulary {
        return Ok(None);
    }
    match preset.source {
        Source::Text => {
            settings.set("vocab_size", &TINY_SHAKESPEARE_CHARACTERS.into())?;
            Ok(None)
        }
        Source::Task(_) | Source::World | Source::Figure | Source::Translation => {
            Ok(Some(preset.dataset(settings, None)?))
        }
    }
}

/// Vocabulary for the list of presets: what the tokenizer has, or will be trained to at most.
pub fn vocabulary(preset: &Preset, settings: &Settings, world: &Dataset) -> Result<usize, CliError> {
    Ok(match (preset.source, settings.tokenizer) {
        _ if settings.fixed_vocabulary => settings.model.config.vocabulary(),
        (Source::Task(_) | Source::Figure | Source::Translation, _) => {
            preset.dataset(settings, None)?.tokenizer().vocab_size()
        }
        (_, TrainKind::Bytes) => 256,
        (Source::Text, TrainKind::Characters) => TINY_SHAKESPEARE_CHARACTERS as usize,
        (Source::World, TrainKind::Characters) => world.tokenizer().vocab_size(),
        (_, TrainKind::Bpe | TrainKind::WordPiece | TrainKind::Unigram | TrainKind::Words) => settings.bpe_vocab,
    })
}
