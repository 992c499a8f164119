//! `trainyard generate`: continues a prompt, and shows every token as it is drawn.

use pollster::block_on;
use trainyard::data::Dataset;
use trainyard::text::Tokenizer;
use trainyard::train::Source;
use trainyard::train::checkpoint::LoadedModel;
use trainyard::train::decode::Sampling;

use crate::args::GenerateArgs;
use crate::error::CliError;
use crate::output;
use crate::run::{Run, open_model};
use crate::store::Store;

/// New tokens, where nothing says when to end.
const TOKENS: usize = 200;
const TEMPERATURE: f32 = 0.8;

pub fn run(args: &GenerateArgs) -> Result<(), CliError> {
    if let Some(temperature) = args.temperature.filter(|t| !(t.is_finite() && *t >= 0.0)) {
        return Err(CliError::Temperature(temperature));
    }
    if args.prompt.as_ref().is_some_and(String::is_empty) {
        return Err(CliError::EmptyPrompt);
    }
    let device = args.device.choice()?;
    let store = Store::open(&args.checkpoint)?;
    let task = Run::read(&store)?.and_then(|run| match run.preset.source {
        Source::Task(task) => Some((Dataset::task(task), run.settings.context)),
        Source::World | Source::Text | Source::Figure | Source::Translation => None,
    });
    let mut model = open_model(&store, device)?;
    let prompt = prompt(args, &model, task.as_ref().map(|(data, _)| data))?;
    let tokens = match (args.tokens, &task) {
        (Some(tokens), _) => tokens as usize,
        // A task's sequence is one token longer than its context: the last one is only ever predicted.
        (None, Some((_, context))) => (context + 1).saturating_sub(prompt.len()),
        (None, None) => TOKENS,
    };
    let temperature = args.temperature.unwrap_or(if task.is_some() { 0.0 } else { TEMPERATURE });
    let how = Sampling { temperature, top_k: args.top_k, top_p: 1.0, seed: args.seed };

    let mut stream = Stream { tokenizer: model.tokenizer().clone(), ids: Vec::new(), shown: 0, result: Ok(()) };
    for &id in &prompt {
        stream.push(id);
    }
    block_on(model.generate(&prompt, tokens, how, &mut |id| stream.push(id)))?;
    stream.end()
}

/// The ids to continue.
fn prompt(args: &GenerateArgs, model: &LoadedModel, task: Option<&Dataset>) -> Result<Vec<u32>, CliError> {
    let tokenizer = model.tokenizer();
    let given = args.prompt.clone().or_else(|| task.map(Dataset::default_prompt));
    if let Some(text) = given {
        let ids = tokenizer.encode(&text).map_err(CliError::Prompt)?;
        return if ids.is_empty() { Err(CliError::EmptyPrompt) } else { Ok(ids) };
    }
    let start = model.model().config.bos().filter(|&id| (id as usize) < model.model().config.vocabulary());
    match (start, tokenizer.encode("\n")) {
        (Some(id), _) => Ok(vec![id]),
        (None, Ok(ids)) if !ids.is_empty() => Ok(ids),
        (None, _) => Err(CliError::NeedsPrompt),
    }
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
    fn push(&mut self, id: u32) {
        self.ids.push(id);
        let text = self.tokenizer.decode(&self.ids);
        if !text.ends_with(char::REPLACEMENT_CHARACTER) {
            self.show(&text);
        }
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
