//! `trainyard presets`: the starting points.

use serde_json::{Value, json};
use trainyard::data::Dataset;
use trainyard::models::Config;
use trainyard::train::{PRESETS, Preset, Settings, Source, TrainError};

use crate::args::PresetsArgs;
use crate::error::CliError;
use crate::output;
use crate::source::vocabulary;

pub fn run(args: &PresetsArgs) -> Result<(), CliError> {
    // One build of the built-in text counts its characters for every preset that reads it.
    let world = Dataset::world(0)?;
    let mut list = Vec::with_capacity(PRESETS.len());
    for preset in PRESETS {
        let mut settings = preset.settings()?;
        settings.model.config.set_vocabulary(vocabulary(preset, &settings, &world)?);
        if !settings.fixed_positions {
            settings.model.config.set_positions(settings.context.max(settings.shape().target));
        }
        list.push((preset, settings));
    }
    if args.json {
        let entries = list.iter().map(|(preset, settings)| entry(preset, settings));
        let entries: Vec<Value> = entries.collect::<Result<_, _>>()?;
        return output::json(&entries);
    }
    for (preset, settings) in &list {
        output::line(&format!("{:<13} {}", preset.name, preset.summary))?;
        let config = &settings.model.config;
        output::line(&format!(
            "{:<13} {}, {} parameters: {}, width {}, context {}, vocabulary {}; {}, batch {}, {} steps, {}",
            "",
            config.family().name(),
            output::short(settings.model.parameters().map_err(TrainError::from)? as f64),
            stacks(config),
            config.width(),
            settings.context,
            config.vocabulary(),
            settings.objective.name(),
            settings.batch,
            settings.steps,
            reads(preset),
        ))?;
    }
    Ok(())
}

/// Layers and heads of both stacks, as far as there are any.
fn stacks(config: &Config) -> String {
    let stack = |name: &str, stack: Option<[usize; 2]>| {
        stack.map(|[layers, heads]| format!("{name}{layers} layers, {heads} heads"))
    };
    let both = config.encoder().is_some() && config.decoder().is_some();
    let names = if both { ["encoder ", "decoder "] } else { ["", ""] };
    let stacks = [stack(names[0], config.encoder()), stack(names[1], config.decoder())];
    stacks.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn reads(preset: &Preset) -> &'static str {
    match preset.source {
        Source::Task(_) => "makes its own examples",
        Source::World => "reads the built-in text or --data",
        Source::Text => "reads --data",
        Source::Figure => "reads the figures' sentences or --data",
        Source::Translation => "reads the built-in sentence pairs or --data",
    }
}

fn entry(preset: &Preset, settings: &Settings) -> Result<Value, CliError> {
    let source = match preset.source {
        Source::Task(_) => "task",
        Source::World => "world",
        Source::Text => "text",
        Source::Figure => "figure",
        Source::Translation => "translation",
    };
    Ok(json!({
        "name": preset.name,
        "title": preset.title,
        "summary": preset.summary,
        "source": source,
        "parameters": settings.model.parameters().map_err(TrainError::from)?,
        "settings": settings.to_map(),
    }))
}
