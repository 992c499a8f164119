//! The engine as the page's worker sees it: plain objects in, plain objects and typed arrays out.
//!
//! No tensor handle crosses the boundary. Every error is a JavaScript `Error` with a stable `code` beside its sentence.
//! Calls must not overlap: the worker makes the next one when the last has settled.

mod checkpoint;
mod convert;
mod engine;
mod verify;

pub use engine::Engine;

use serde_json::{Map, Value, json};
use wasm_bindgen::prelude::*;

use crate::train::{Group, KNOBS, Kind, Knob, PRESETS, Preset, Source, objectives};

use convert::{Failure, to_js};

/// Reports panics, which are faults of ours, with their place.
#[wasm_bindgen(start)]
pub fn start() {
    console_error_panic_hook::set_once();
}

/// The presets with the value of every setting.
///
/// # Errors
/// Never for the presets that are built in.
#[wasm_bindgen]
pub fn presets() -> Result<JsValue, JsValue> {
    let mut list = Vec::new();
    for preset in PRESETS {
        let settings = preset.settings().map_err(Failure::from)?;
        let (kind, name) = match preset.source {
            Source::Task(task) => ("task", task.as_str()),
            Source::World => ("world", "world"),
            Source::Text => ("text", "text"),
            Source::Figure => ("figure", "figure"),
            Source::Translation => ("translation", "translation"),
        };
        list.push(json!({
            "name": preset.name,
            "title": preset.title,
            "summary": preset.summary,
            "settings": settings.to_map(),
            "data": { "kind": kind, "name": name },
            "family": settings.model.config.family().name(),
            "architecture": settings.model.config.family().architecture(),
            "objectives": objectives(settings.model.config.family()),
            "example": preset.example.map(|e| json!({ "probe": e.probe, "hidden": e.hidden })),
        }));
    }
    to_js(&list)
}

/// The settings: kind, range, words, and whether a change acts at once.
///
/// # Errors
/// Never.
#[wasm_bindgen]
pub fn knobs() -> Result<JsValue, JsValue> {
    to_js(&KNOBS.iter().map(describe).collect::<Vec<_>>())
}

/// The learning rate over a run before it is set up: `points` pairs of step and rate, for a preset with some of its settings
/// changed.
///
/// # Errors
/// When a setting is unknown or out of range.
#[wasm_bindgen]
pub fn schedule(preset: &str, settings: JsValue, points: u32) -> Result<JsValue, JsValue> {
    let changes: Map<String, Value> =
        serde_wasm_bindgen::from_value(settings).map_err(|e| Failure::new("setting", &format!("the settings: {e}")))?;
    let mut settings = Preset::find(preset).and_then(Preset::settings).map_err(Failure::from)?;
    settings.apply(changes.iter().map(|(key, value)| (key.as_str(), value))).map_err(Failure::from)?;
    to_js(&settings.schedule().points(points))
}

fn describe(knob: &Knob) -> Value {
    let group = match knob.group {
        Group::Data => "data",
        Group::Tokens => "tokens",
        Group::Model => "model",
        Group::Objective => "objective",
        Group::Optimizer => "optimizer",
    };
    let mut object = json!({
        "key": knob.key, "label": knob.label, "live": knob.live, "group": group, "help": knob.help,
        "families": knob.families.iter().map(|family| family.name()).collect::<Vec<_>>(),
    });
    let (kind, range) = match knob.kind {
        Kind::Int { min, max } => ("int", json!({ "min": min, "max": max })),
        Kind::Float { min, max } => ("float", json!({ "min": min, "max": max })),
        Kind::Choice(choices) => ("choice", json!({ "choices": choices })),
        Kind::Bool => ("bool", json!({})),
        Kind::Nullable => ("int", json!({ "min": 1, "max": u32::MAX, "nullable": true })),
    };
    object["kind"] = json!(kind);
    for (key, value) in range.as_object().into_iter().flatten() {
        object[key] = value.clone();
    }
    object
}
