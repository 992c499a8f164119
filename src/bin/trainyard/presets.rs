//! `trainyard presets`: the starting points.

use serde_json::{Value, json};
use trainyard::data::Dataset;
use trainyard::train::{PRESETS, Preset, Settings, Source};

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
        settings.model.vocab_size = vocabulary(preset, &settings, &world);
        if !settings.fixed_positions {
            settings.model.n_positions = settings.context;
        }
        list.push((preset, settings));
    }
    if args.json {
        let entries: Vec<Value> = list.iter().map(|(preset, settings)| entry(preset, settings)).collect();
        return output::json(&entries);
    }
    for (preset, settings) in &list {
        output::line(&format!("{:<13} {}", preset.name, preset.summary))?;
        let model = &settings.model;
        output::line(&format!(
            "{:<13} {} parameters: {} layers, {} heads, width {}, context {}, vocabulary {}; batch {}, {} steps, {}",
            "",
            output::short(model.parameters() as f64),
            model.n_layer,
            model.n_head,
            model.n_embd,
            settings.context,
            model.vocab_size,
            settings.batch,
            settings.steps,
            reads(preset),
        ))?;
    }
    Ok(())
}

fn reads(preset: &Preset) -> &'static str {
    match preset.source {
        Source::Task(_) => "makes its own examples",
        Source::World => "reads the built-in text or --data",
        Source::Text => "reads --data",
    }
}

fn entry(preset: &Preset, settings: &Settings) -> Value {
    let source = match preset.source {
        Source::Task(_) => "task",
        Source::World => "world",
        Source::Text => "text",
    };
    json!({
        "name": preset.name,
        "title": preset.title,
        "summary": preset.summary,
        "source": source,
        "parameters": settings.model.parameters(),
        "settings": settings.to_map(),
    })
}
