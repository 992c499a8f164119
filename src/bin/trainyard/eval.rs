//! `trainyard eval`: what a trained model does on what it has not trained on.

use pollster::block_on;
use serde::Serialize;
use serde_json::Value;
use trainyard::data::{Dataset, Task, TokenizerChoice};
use trainyard::train::checkpoint::LoadedModel;
use trainyard::train::{Measure, Preset, Settings, Source, default_objective, number};

use crate::args::EvalArgs;
use crate::error::CliError;
use crate::output;
use crate::run::{Run, open_model};
use crate::source;
use crate::store::Store;

/// Sizes for a model that does not say how it was trained.
const BATCH: usize = 8;
const BATCHES: u32 = 20;
const CONTEXT: usize = 1024;
/// Batches that frequencies are counted over.
const UNIGRAM_BATCHES: u32 = 50;

#[derive(Serialize)]
struct Report<'a> {
    val_loss: Value,
    /// The same by frequency alone.
    unigram_loss: f64,
    batches: u32,
    batch: usize,
    context: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    right: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    examples: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    accuracy: Option<f64>,
    device: &'a str,
}

pub fn run(args: &EvalArgs) -> Result<(), CliError> {
    let device = args.device.choice()?;
    let store = Store::open(&args.checkpoint)?;
    let run = Run::read(&store)?;
    let mut model = open_model(&store, device)?;
    let (data, settings, batches) = match &run {
        Some(run) => {
            let tokenizer = TokenizerChoice::Given(model.tokenizer().clone());
            let data = run.data(&store, tokenizer, args.data.as_deref(), false)?;
            (data, run.settings.clone(), run.settings.eval_batches)
        }
        None => {
            let settings = foreign_settings(&model)?;
            (foreign(args, &store, &model, &settings)?, settings, BATCHES)
        }
    };
    let batches = args.batches.unwrap_or(batches);
    let measure = Measure { vocabulary: model.model().classes(), ..Measure::of(&settings, &data) };
    let (val_loss, share) = block_on(model.validation(measure, batches))?;
    let answers = block_on(model.accuracy(measure, args.examples))?;
    let unigram_loss = measure.unigram(batches.max(UNIGRAM_BATCHES))?;
    let (batch, context) = (settings.batch, settings.context);
    if args.json {
        return output::json(&Report {
            val_loss: number(val_loss),
            unigram_loss,
            batches,
            batch,
            context,
            right: answers.map(|(right, _)| right),
            examples: answers.map(|(_, examples)| examples),
            accuracy: share.or_else(|| answers.map(|(right, examples)| f64::from(right) / f64::from(examples))),
            device: model.device(),
        });
    }
    output::line(&format!("validation loss {val_loss:.4} ({batches} batches of {batch} × {context} tokens)"))?;
    output::line(&format!("a guess by frequency alone: {unigram_loss:.4}"))?;
    match answers {
        Some((right, examples)) => {
            let sorts = run.is_some_and(|run| run.preset.source == Source::Task(Task::Sort));
            let verb = if sorts { "sorted" } else { "right:" };
            output::line(&format!("{verb} {right} of {examples} held-out"))
        }
        None => match share {
            Some(share) => output::line(&format!("right: {:.1} %", 100.0 * share)),
            None => Ok(()),
        },
    }
}

/// How a model from elsewhere is measured: by the objective of its family, over as many tokens as it reads.
fn foreign_settings(model: &LoadedModel) -> Result<Settings, CliError> {
    let mut settings = Preset::find("gpt-nano")?.settings()?;
    settings.model = model.model().clone();
    settings.objective = default_objective(settings.model.config.family());
    settings.batch = BATCH;
    settings.context = settings.model.config.positions().unwrap_or(CONTEXT).min(CONTEXT);
    Ok(settings)
}

/// A text for a model from elsewhere.
fn foreign(args: &EvalArgs, store: &Store, model: &LoadedModel, settings: &Settings) -> Result<Dataset, CliError> {
    let Some(path) = &args.data else { return Err(CliError::NeedsData { dir: store.dir().to_owned() }) };
    let tokenizer = TokenizerChoice::Given(model.tokenizer().clone());
    let bytes = source::read_text(path)?;
    Ok(Dataset::text(&source::name(path), &bytes, tokenizer, settings.context)?)
}
