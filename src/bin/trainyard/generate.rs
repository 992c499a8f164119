//! `trainyard generate`: continues a prompt or answers a source, and shows every token as it is drawn.

use core::ops::ControlFlow;

use pollster::block_on;
use trainyard::data::Dataset;
use trainyard::models::{Architecture, ModelError};
use trainyard::text::Tokenizer;
use trainyard::train::checkpoint::LoadedModel;
use trainyard::train::decode::{Beams, Rules, Sampling, Strategy};
use trainyard::train::{Ended, Request, Source, TrainError, source_of_text, start_of_text, stop_token};

use crate::args::GenerateArgs;
use crate::error::CliError;
use crate::output;
use crate::progress::notice;
use crate::run::{Run, open_model};
use crate::store::Store;

/// New tokens, where nothing says when to end.
const TOKENS: usize = 200;
const TEMPERATURE: f32 = 0.8;

pub fn run(args: &GenerateArgs) -> Result<(), CliError> {
    if let Some(temperature) = args.temperature.filter(|t| !(t.is_finite() && *t >= 0.0)) {
        return Err(CliError::Temperature(temperature));
    }
    if [&args.prompt, &args.source].into_iter().flatten().any(String::is_empty) {
        return Err(CliError::EmptyPrompt);
    }
    let device = args.device.choice()?;
    let store = Store::open(&args.checkpoint)?;
    let task = Run::read(&store)?.and_then(|run| match run.preset.source {
        Source::Task(task) => Some((Dataset::task(task), run.settings.context)),
        Source::World | Source::Text | Source::Figure | Source::Translation => None,
    });
    let mut model = open_model(&store, device)?;
    let request = request(args, &model, task.as_ref())?;
    let drawn = matches!(request.strategy, Strategy::Sample(_));

    let mut stream = Stream { tokenizer: model.tokenizer().clone(), ids: Vec::new(), shown: 0, result: Ok(()) };
    // Of an answer, what it begins with has the start token before it.
    let given =
        if request.source.is_empty() { &request.prompt[..] } else { request.prompt.get(1..).unwrap_or_default() };
    stream.extend(given);
    let written = block_on(model.generate(&request, &mut |new| match new.last() {
        Some(&last) if drawn => {
            stream.extend(&[last]);
            stream.wanted()
        }
        Some(_) | None => ControlFlow::Continue(()),
    }))?;
    if !drawn {
        stream.extend(&written.new);
    }
    stream.end()?;
    if written.ended == Ended::Full {
        notice("the text ends here because the decoder has no position left");
    }
    Ok(())
}

/// What the flags ask for.
fn request(args: &GenerateArgs, model: &LoadedModel, task: Option<&(Dataset, usize)>) -> Result<Request, CliError> {
    let (network, tokenizer) = (model.model(), model.tokenizer());
    let family = network.config.family();
    if family.architecture() == Architecture::EncoderOnly {
        return Err(TrainError::from(ModelError::NoDecoder { family: family.name() }).into());
    }
    let answers = family.architecture() == Architecture::EncoderDecoder;
    let strategy = match args.beams {
        Some(count) => Strategy::Beam(Beams { count: count as usize, length_penalty: args.length_penalty }),
        None => {
            let default = if task.is_some() || answers { 0.0 } else { TEMPERATURE };
            let temperature = args.temperature.unwrap_or(default);
            Strategy::Sample(Sampling { temperature, top_k: args.top_k, top_p: args.top_p, seed: args.seed })
        }
    };
    let prompt =
        if answers { answer_start(args, tokenizer)? } else { prompt(args, model, task.map(|(data, _)| data))? };
    let most = match (args.max_new, task) {
        (Some(tokens), _) => tokens as usize,
        // A task's sequence is one token longer than its context: the last one is only ever predicted.
        (None, Some((_, context))) if !answers => (context + 1).saturating_sub(prompt.len()),
        (None, _) => TOKENS,
    };
    let mut rules = Rules::of(network, most);
    (rules.min_new, rules.repetition_penalty) = (args.min_new as usize, args.repetition_penalty);
    for text in &args.stop {
        rules.ends.push(stop_token(tokenizer, text)?);
    }
    strategy.check().and_then(|()| rules.check()).map_err(TrainError::from)?;
    let Some(text) = &args.source else { return Ok(Request::prompt(prompt, strategy, rules)) };
    let source = source_of_text(network, tokenizer, text).map_err(CliError::Source)?;
    Request::source(network, source, &prompt, strategy, rules).map_err(|error| TrainError::from(error).into())
}

/// What an answer begins with.
fn answer_start(args: &GenerateArgs, tokenizer: &Tokenizer) -> Result<Vec<u32>, CliError> {
    args.prompt.as_ref().map_or(Ok(Vec::new()), |text| tokenizer.encode(text).map_err(CliError::Prompt))
}

/// The ids to continue.
fn prompt(args: &GenerateArgs, model: &LoadedModel, task: Option<&Dataset>) -> Result<Vec<u32>, CliError> {
    let tokenizer = model.tokenizer();
    let given = args.prompt.clone().or_else(|| task.map(Dataset::default_prompt));
    if let Some(text) = given {
        let ids = tokenizer.encode(&text).map_err(CliError::Prompt)?;
        return if ids.is_empty() { Err(CliError::EmptyPrompt) } else { Ok(ids) };
    }
    start_of_text(model.model(), tokenizer).ok_or(CliError::NeedsPrompt)
}

/// Text as it grows. A character may take several tokens, so what ends in half a character waits.
struct Stream {
    tokenizer: Tokenizer,
    ids: Vec<u32>,
    /// Bytes of the text that are printed.
    shown: usize,
    result: Result<(), CliError>,
}

impl Stream {
    /// Goes on with some tokens.
    fn extend(&mut self, ids: &[u32]) {
        self.ids.extend_from_slice(ids);
        let text = self.tokenizer.decode(&self.ids);
        if !text.ends_with(char::REPLACEMENT_CHARACTER) {
            self.show(&text);
        }
    }

    /// No more where nobody reads it.
    const fn wanted(&self) -> ControlFlow<()> {
        if self.result.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }

    fn show(&mut self, text: &str) {
        if self.result.is_ok()
            && let Some(new) = text.get(self.shown..)
        {
            self.result = output::text(new);
            self.shown = text.len();
        }
    }

    /// Prints what waited, and ends the line.
    fn end(mut self) -> Result<(), CliError> {
        let text = self.tokenizer.decode(&self.ids);
        self.show(&text);
        self.result?;
        output::line("")
    }
}
