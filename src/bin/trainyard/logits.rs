//! `trainyard logits`: one forward pass of a checkpoint, for comparing it with its origin.

use pollster::block_on;
use serde_json::{Map, Value};
use trainyard::train::TrainError;
use trainyard::train::checkpoint::{Strictness, load_engine, logits};

use crate::args::LogitsArgs;
use crate::error::CliError;
use crate::run::{read_model, weights};
use crate::source::read_file;
use crate::store::Store;

const MAX_INPUT: u64 = 64 << 20;

pub fn run(args: &LogitsArgs) -> Result<(), CliError> {
    let store = Store::open(&args.model)?;
    let model = read_model(&store)?;
    let wrong =
        |what: String| CliError::File { path: args.input.clone(), error: Box::new(TrainError::Arguments(what)) };
    let input = read_file(&args.input, MAX_INPUT)?;
    let input: Map<String, Value> = serde_json::from_slice(&input).map_err(|e| wrong(e.to_string()))?;
    let weights = weights(&store)?;
    let device = args.device.choice()?;
    let loaded = block_on(load_engine(&model, &weights, Strictness::Complete, device));
    let (mut engine, _) = loaded.map_err(|error| store.fault(error))?;
    let found = block_on(logits(&mut engine, &model, &input)).map_err(|error| match error {
        TrainError::Arguments(what) => wrong(what),
        other => other.into(),
    })?;
    let entries: Map<String, Value> =
        found.into_iter().map(|entry| (entry.name.clone(), serde_json::json!(entry))).collect();
    std::fs::write(&args.out, Value::Object(entries).to_string()).map_err(CliError::io("write", &args.out))
}
