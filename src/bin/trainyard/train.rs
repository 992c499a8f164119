//! `trainyard train`: sets a run up, or picks it up again, and takes it to its end.

use std::path::Path;
use std::time::Instant;

use pollster::block_on;
use serde::Serialize;
use serde_json::{Value, json};
use trainyard::data::{Dataset, TokenizerChoice};
use trainyard::models::Model;
use trainyard::train::checkpoint::{DiskFile, OPTIMIZER, Strictness, TextRecord, WEIGHTS, Weights};
use trainyard::train::{Evaluation, Preset, Session, Settings, StepMetrics, TrainError, number, single};

use crate::args::TrainArgs;
use crate::error::{CliError, Diverged};
use crate::metrics::Metrics;
use crate::output;
use crate::progress::{Progress, compiling, notice};
use crate::run::{MAX_WEIGHTS, Run, read_model, required, tokenizer, weights};
use crate::source;
use crate::store::Store;

/// How much is trained between two looks at the clock.
const SLICE_MS: f64 = 200.0;
/// Steps of a slice at most.
const SLICE_STEPS: f64 = 256.0;

/// A run ready to go on, wherever it stands.
struct Start {
    preset: &'static Preset,
    text: Option<TextRecord>,
    session: Session,
}

pub fn run(args: &TrainArgs) -> Result<(), CliError> {
    let store = if args.resume { Store::open(&args.out)? } else { Store::new(&args.out) };
    let start = if args.resume { resume(args, &store)? } else { begin(args, &store)? };
    for sentence in start.session.data().summary().notices {
        notice(&sentence);
    }
    let metrics = Metrics::open(&store, start.session.step())?;
    let progress = Progress::new(start.session.step(), start.session.settings().steps);
    let last_step = args.stop_at.unwrap_or(u32::MAX).min(start.session.settings().steps);
    let kept = (start.session.step() > 0).then(|| start.session.step());
    let mut trainer =
        Trainer { preset: start.preset, text: start.text, session: start.session, store, metrics, progress, kept };
    let began = Instant::now();
    let first = trainer.session.step();
    let result = trainer.train_until(last_step);
    trainer.progress.finish();
    trainer.metrics.flush()?;
    let (last, evaluation) = result?;
    let seconds = began.elapsed().as_secs_f64();
    let tokens = f64::from(last_step - first) * last.tokens as f64;
    report(args, &trainer, &last, evaluation.as_ref(), seconds, tokens / seconds.max(1e-9))
}

/// A new run.
fn begin(args: &TrainArgs, store: &Store) -> Result<Start, CliError> {
    let preset = Preset::find(args.preset.as_deref().unwrap_or_default())?;
    let mut settings = source::settings(preset, &args.settings, args.steps)?;
    let origin = args.from.as_deref().map(Origin::open).transpose()?;
    if let Some(origin) = &origin {
        settings.start_from(&origin.model).map_err(|error| origin.store.fault(error))?;
        // What the user says counts before what the checkpoint says.
        source::change(&mut settings, &args.settings)?;
    }
    let device = args.device.choice()?;
    if !args.overwrite && !store.is_vacant()? {
        return Err(CliError::NotEmpty { dir: store.dir().to_owned() });
    }
    let file = args.data.as_ref().map(|path| Ok::<_, CliError>((source::name(path), source::read_text(path)?)));
    let file = file.transpose()?;
    let given = file.as_ref().map(|(name, bytes)| (name.as_str(), bytes.as_slice()));
    let data = match (&origin, &args.tokenizer) {
        (Some(origin), _) => {
            let data = preset.dataset_from(&settings, tokenizer(&origin.store)?, given);
            data.map_err(|error| origin.fault(error))?
        }
        (None, Some(path)) => {
            preset.dataset_with(&settings, TokenizerChoice::Given(source::read_tokenizer(path)?), given)?
        }
        (None, None) => preset.dataset(&settings, given)?,
    };
    let text = file.as_ref().map(|(name, bytes)| TextRecord::new(name, bytes));
    let mut session = block_on(Session::new(settings, data, args.seed, device, &mut compiling()))?;
    if let Some(origin) = &origin {
        origin.load(&mut session)?;
    }
    store.start()?;
    Ok(Start { preset, text, session })
}

/// A checkpoint to start from, opened.
struct Origin {
    store: Store,
    model: Model,
    weights: Weights<DiskFile>,
}

impl Origin {
    fn open(dir: &Path) -> Result<Self, CliError> {
        let store = Store::open(dir)?;
        let (model, weights) = (read_model(&store)?, weights(&store)?);
        Ok(Self { store, model, weights })
    }

    /// An error that may be about one of its files.
    fn fault(&self, error: TrainError) -> CliError {
        match error {
            TrainError::Checkpoint { .. } | TrainError::Weights(_) | TrainError::Vocabulary { .. } => {
                self.store.fault(error)
            }
            other => other.into(),
        }
    }

    /// Puts its weights into a new run, and says what came of it.
    fn load(&self, session: &mut Session) -> Result<(), CliError> {
        let loaded = block_on(session.start_from(&self.weights, Strictness::Partial));
        let report = loaded.map_err(|error| self.fault(error))?;
        let count = |model: &Model| model.parameters().map_err(TrainError::from);
        let (before, after) = (count(&self.model)?, count(&session.settings().model)?);
        notice(&format!("{}: {report}", self.store.dir().display()));
        notice(&format!("The checkpoint's model has {before} parameters, the run's has {after}."));
        Ok(())
    }
}

/// The run in the directory.
fn resume(args: &TrainArgs, store: &Store) -> Result<Start, CliError> {
    let device = args.device.choice()?;
    store.settle()?;
    let Some(run) = Run::read(store)? else {
        let what = "there is no run to resume in it (no trainer.json)".to_owned();
        return Err(CliError::NoCheckpoint { dir: store.dir().to_owned(), what });
    };
    if let Some(asked) = args.preset.as_ref().filter(|asked| **asked != run.record.preset) {
        let (dir, found) = (store.dir().to_owned(), run.record.preset);
        return Err(CliError::OtherPreset { dir, found, asked: asked.clone() });
    }
    let mut settings: Settings = run.settings.clone();
    if let Some(steps) = args.steps {
        settings.set("steps", &steps.into())?;
    }
    let (step, steps) = (run.record.step, settings.steps.min(args.stop_at.unwrap_or(u32::MAX)));
    if step >= steps {
        return Err(CliError::Finished { dir: store.dir().to_owned(), step, steps });
    }
    // A run that was started from a checkpoint has more of it than the settings tell.
    settings.start_from(&read_model(store)?).map_err(|error| store.fault(error))?;
    let data = same_data(args, store, &run)?;
    let weights = required(store, WEIGHTS, MAX_WEIGHTS)?;
    let moments = required(store, OPTIMIZER, 2 * MAX_WEIGHTS)?;
    let mut session = block_on(Session::new(settings, data, run.record.seed, device, &mut compiling()))?;
    session.resume(step, &weights, &moments).map_err(|error| store.fault(error))?;
    let here = session.engine().adapter().map_or("CPU interpreter", |adapter| adapter.name.as_str());
    if here != run.record.device {
        notice(&format!("The run was on {}; on {here} it goes on, but not to the same bits.", run.record.device));
    }
    Ok(Start { preset: run.preset, text: run.record.text, session })
}

/// The data that the run learned from, or an error: another text or tokenizer would silently be another run.
fn same_data(args: &TrainArgs, store: &Store, run: &Run) -> Result<Dataset, CliError> {
    let tokenizer = tokenizer(store)?;
    let json = tokenizer.to_json();
    let data = run.data(store, TokenizerChoice::Given(tokenizer), args.data.as_deref(), true)?;
    if data.tokenizer().to_json() == json {
        Ok(data)
    } else {
        Err(CliError::OtherTokenizer { dir: store.dir().to_owned() })
    }
}

struct Trainer {
    preset: &'static Preset,
    text: Option<TextRecord>,
    session: Session,
    store: Store,
    metrics: Metrics,
    progress: Progress,
    /// Step of the checkpoint on disk.
    kept: Option<u32>,
}

impl Trainer {
    /// Trains, evaluates and saves until `last` steps are done.
    fn train_until(&mut self, last: u32) -> Result<(StepMetrics, Option<Evaluation>), CliError> {
        loop {
            let stop = next_stop(self.session.step(), self.session.settings().eval_every, last);
            let newest = self.train_to(stop)?;
            let every = self.session.settings().eval_every;
            let due = every > 0 && (stop.is_multiple_of(every) || stop == self.session.settings().steps);
            let evaluation = if due { Some(block_on(self.session.evaluate())?) } else { None };
            self.metrics.add(&newest, evaluation.as_ref())?;
            self.metrics.flush()?;
            if let Some(evaluation) = &evaluation {
                self.progress.evaluated(&newest, evaluation);
                if !evaluation.val_loss.is_finite() {
                    let value = evaluation.val_loss.to_string();
                    return Err(self.diverged(newest.step, "validation loss", value, newest.lr));
                }
            }
            self.save(&newest)?;
            if stop >= last {
                return Ok((newest, evaluation));
            }
        }
    }

    /// Trains to a step. All lines but that of the last step are written.
    fn train_to(&mut self, stop: u32) -> Result<StepMetrics, CliError> {
        let mut held: Option<StepMetrics> = None;
        let mut slice = 1;
        loop {
            let left = stop - self.session.submitted();
            let mut new = block_on(self.session.train(left.min(slice)))?;
            if self.session.submitted() >= stop || self.session.diverged().is_some() {
                new.extend(block_on(self.session.drain())?);
            }
            self.progress.steps(&new);
            for step in new {
                if let Some(before) = held.replace(step) {
                    self.metrics.add(&before, None)?;
                }
            }
            self.metrics.flush()?;
            if let Some(divergence) = self.session.diverged().cloned() {
                if let Some(last) = &held {
                    self.metrics.add(last, None)?;
                }
                return Err(self.diverged(divergence.step, divergence.what, divergence.value, divergence.lr));
            }
            match held {
                Some(last) if last.step >= stop => return Ok(last),
                Some(last) => slice = (SLICE_MS / last.ms.max(1e-3)).clamp(1.0, SLICE_STEPS) as u32,
                None => {}
            }
        }
    }

    /// Saves the run; weights that are not finite are a divergence that no loss has shown yet.
    fn save(&mut self, newest: &StepMetrics) -> Result<(), CliError> {
        let snapshot = block_on(self.session.snapshot(self.preset.name, self.text.clone()));
        match snapshot {
            Ok(files) => self.store.save(&files)?,
            Err(TrainError::Weights(error)) => {
                return Err(self.diverged(newest.step, "weights", format!("unusable ({error})"), newest.lr));
            }
            Err(error) => return Err(error.into()),
        }
        self.kept = Some(newest.step);
        Ok(())
    }

    fn diverged(&self, step: u32, what: &'static str, value: String, lr: f64) -> CliError {
        let (dir, kept) = (self.store.dir().to_owned(), self.kept);
        CliError::Diverged(Box::new(Diverged { step, what, value, lr, dir, kept }))
    }
}

/// The next step to evaluate and save at.
fn next_stop(step: u32, every: u32, last: u32) -> u32 {
    match step.checked_div(every) {
        Some(done) => last.min((done + 1).saturating_mul(every)),
        None => last,
    }
}

#[derive(Serialize)]
struct Report<'a> {
    preset: &'a str,
    step: u32,
    train_loss: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    val_loss: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    accuracy: Option<Value>,
    seconds: f64,
    tokens_per_s: f64,
    device: &'a str,
    out: String,
}

fn report(
    args: &TrainArgs,
    trainer: &Trainer,
    last: &StepMetrics,
    evaluation: Option<&Evaluation>,
    seconds: f64,
    tokens_per_s: f64,
) -> Result<(), CliError> {
    let device = trainer.session.engine().adapter().map_or("CPU interpreter", |adapter| adapter.name.as_str());
    let accuracy = evaluation.and_then(|e| e.accuracy);
    let val_loss = evaluation.map(|e| e.val_loss);
    if args.json {
        return output::json(&Report {
            preset: trainer.preset.name,
            step: last.step,
            train_loss: single(last.loss),
            val_loss: val_loss.map(number),
            accuracy: accuracy.map(|a| json!(a)),
            seconds,
            tokens_per_s,
            device,
            out: args.out.display().to_string(),
        });
    }
    let speed = output::short(tokens_per_s);
    output::line(&format!("step {} after {}, {speed} tokens/s on {device}", last.step, output::duration(seconds)))?;
    let mut figures = format!("train loss {:.4}", last.loss);
    if let Some(val_loss) = val_loss {
        figures += &format!(", validation loss {val_loss:.4}");
    }
    if let Some(accuracy) = accuracy {
        figures += &format!(", {:.1} % of held-out answers right", 100.0 * accuracy);
    }
    output::line(&figures)?;
    output::line(&format!("saved in {}", args.out.display()))
}
