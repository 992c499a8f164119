//! `trainyard convert`: a checkpoint read in any of its forms and written in ours.

use pollster::block_on;
use serde_json::{Map, Value};
use trainyard::models::{Decay, Extents, Mode};
use trainyard::train::TrainError;
use trainyard::train::checkpoint::{
    CONFIG, Exported, Folder, ModelDirectory, Strictness, TOKENIZER, TokenizerParts, assemble, put, wanted,
    write_model_dir,
};

use crate::args::ConvertArgs;
use crate::error::CliError;
use crate::output;
use crate::run::{MAX_JSON, read_model, required, tokenizer, weights};
use crate::store::Store;

pub fn run(args: &ConvertArgs) -> Result<(), CliError> {
    let store = Store::open(&args.model)?;
    let model = read_model(&store)?;
    let weights = weights(&store)?;
    let (family, class) = (model.config.family(), model.class().map_err(TrainError::from)?);
    let smallest = Extents { target: 1, ..Extents::decoder(1, 1) };
    let graph = model.graph(smallest, Mode::Inspect, Decay::Matrices).map_err(TrainError::from)?;
    let tensors = graph.tensors();
    let mut parameters = assemble(&graph);
    let keep = |at: usize, values: Vec<f32>| -> Result<(), TrainError> {
        put(&mut parameters, &tensors[at], values);
        Ok(())
    };
    let loaded = block_on(weights.load(family, &wanted(&tensors), Strictness::Complete, keep));
    let report = loaded.map_err(|error| store.fault(error))?;
    // Keys that this program does not know stay as they are.
    let config = required(&store, CONFIG, MAX_JSON)?;
    let mut config: Map<String, Value> = serde_json::from_slice(&config).unwrap_or_default();
    if let Value::Object(own) = model.to_json().map_err(TrainError::from)? {
        config.extend(own);
    }
    let tokenizer = if store.has(TOKENIZER) { Some(tokenizer(&store)?) } else { None };
    let json = tokenizer.as_ref().map(|t| t.to_json()).unwrap_or_default();
    let specials = tokenizer.as_ref().map(|t| t.specials()).unwrap_or_default();
    let token = |id: u32| tokenizer.as_ref().and_then(|t| t.token(id));
    let parts =
        TokenizerParts { json: &json, specials: &specials, token: &token, max_length: model.config.positions() };
    std::fs::create_dir_all(&args.out).map_err(CliError::io("create", &args.out))?;
    let exported = Exported::new(family, &graph, &parameters);
    let directory = ModelDirectory {
        family,
        class,
        config: &config,
        tensors: &exported.named(),
        tokenizer: tokenizer.is_some().then_some(parts),
        shard_bytes: args.shard_bytes,
    };
    write_model_dir(&mut Folder(args.out.clone()), &directory).map_err(|error| store.fault(error.into()))?;
    output::line(&format!("{report}"))?;
    output::line(&format!("{} tensors written to {}", exported.named().len(), args.out.display()))
}
