//! Directories in Hugging Face's form, to write: configuration, weights, tokenizer.
//!
//! The bytes are a function of what is written: names in order, no time, no path. `config.json` comes last, so that an
//! interrupted directory is none.

use std::io;

use serde_json::{Map, Value, json};

use super::safetensors::{Named, head, sorted};
use super::tokenizer_files::{TokenizerParts, tokenizer_config};
use super::weights::finite;
use super::{
    CONFIG, FileSink, GENERATION_CONFIG, INDEX, SPECIAL_TOKENS, TOKENIZER, TOKENIZER_CONFIG, WEIGHTS, WeightsError,
};
use crate::models::Family;

/// The size at which Hugging Face begins a new file of weights.
pub const SHARD_BYTES: u64 = 5_000_000_000;

/// Keys of a configuration that a generation goes by.
const GENERATION_KEYS: [&str; 6] = [
    "bos_token_id",
    "eos_token_id",
    "pad_token_id",
    "decoder_start_token_id",
    "forced_bos_token_id",
    "forced_eos_token_id",
];

/// A model to write.
#[derive(Clone, Copy)]
pub struct ModelDirectory<'a> {
    /// Whose names it has.
    pub family: Family,
    /// Hugging Face's class for it, such as `BertForMaskedLM`.
    pub class: &'a str,
    /// The keys of its `config.json`; `architectures`, `model_type` and `torch_dtype` are set here.
    pub config: &'a Map<String, Value>,
    /// Its tensors under the names of that class.
    pub tensors: &'a [Named<'a>],
    /// Its tokenizer, if it has one.
    pub tokenizer: Option<TokenizerParts<'a>>,
    /// Bytes of weights in a file at most; a tensor that is larger has one for itself. [`SHARD_BYTES`] is usual.
    pub shard_bytes: u64,
}

/// Writes a directory that `transformers` opens. Tensors go to the sink one after the other, none is copied.
///
/// # Errors
/// When a weight is not finite (nothing is written then), or a file cannot be written.
pub fn write_model_dir(sink: &mut impl FileSink, model: &ModelDirectory<'_>) -> Result<(), WeightsError> {
    model.tensors.iter().try_for_each(|&(name, _, values)| finite(name, values))?;
    write_weights(sink, model.tensors, model.shard_bytes)?;
    if let Some(tokenizer) = &model.tokenizer {
        let tokens = tokenizer.special_tokens(model.family);
        put(sink, TOKENIZER, tokenizer.json.as_bytes())?;
        put_json(sink, TOKENIZER_CONFIG, tokenizer_config(model.family, tokenizer, &tokens))?;
        put_json(sink, SPECIAL_TOKENS, tokens.into_iter().filter(|(_, token)| !token.is_null()).collect())?;
    }
    // BERT's classes do not generate.
    if model.family != Family::Bert {
        let mut generation = Map::new();
        generation.insert("_from_model_config".to_owned(), Value::Bool(true));
        let known = GENERATION_KEYS.iter().filter_map(|&key| Some((key, model.config.get(key)?)));
        generation.extend(known.filter(|(_, id)| !id.is_null()).map(|(key, id)| (key.to_owned(), id.clone())));
        put_json(sink, GENERATION_CONFIG, generation)?;
    }
    let mut config = Map::new();
    config.insert("architectures".to_owned(), json!([model.class]));
    config.insert("model_type".to_owned(), json!(model.family.name()));
    config.insert("torch_dtype".to_owned(), json!("float32"));
    for (key, value) in model.config {
        config.entry(key).or_insert_with(|| value.clone());
    }
    put_json(sink, CONFIG, config)
}

/// One file, or as many as `shard_bytes` asks for and an index.
fn write_weights(sink: &mut impl FileSink, tensors: &[Named<'_>], shard_bytes: u64) -> Result<(), WeightsError> {
    let tensors = sorted(tensors);
    let shards = shards(&tensors, shard_bytes);
    if shards.len() <= 1 {
        return put_tensors(sink, WEIGHTS, &tensors);
    }
    let mut map = Map::new();
    for (i, &shard) in shards.iter().enumerate() {
        let file = format!("model-{:05}-of-{:05}.safetensors", i + 1, shards.len());
        put_tensors(sink, &file, shard)?;
        map.extend(shard.iter().map(|&(name, ..)| (name.to_owned(), Value::from(file.as_str()))));
    }
    let mut index = Map::new();
    index.insert("metadata".to_owned(), json!({ "total_size": bytes(&tensors) }));
    index.insert("weight_map".to_owned(), Value::Object(map));
    put_json(sink, INDEX, index)?;
    // A single file from before would be read instead of these.
    sink.remove(WEIGHTS).map_err(|error| unwritable(WEIGHTS, &error))
}

/// The tensors, cut where a file would hold more than `limit` bytes of them.
fn shards<'t, 'a>(tensors: &'t [Named<'a>], limit: u64) -> Vec<&'t [Named<'a>]> {
    let mut shards = Vec::new();
    let (mut start, mut held) = (0, 0);
    for (at, tensor) in tensors.iter().enumerate() {
        let size = bytes(std::slice::from_ref(tensor));
        if at > start && held + size > limit {
            shards.push(&tensors[start..at]);
            (start, held) = (at, 0);
        }
        held += size;
    }
    shards.push(&tensors[start..]);
    shards
}

fn bytes(tensors: &[Named<'_>]) -> u64 {
    tensors.iter().map(|&(.., values)| size_of_val(values) as u64).sum()
}

fn put_tensors(sink: &mut impl FileSink, file: &str, tensors: &[Named<'_>]) -> Result<(), WeightsError> {
    let head = head(tensors);
    let size = head.len() as u64 + bytes(tensors);
    let written = sink.put(file, size, &mut |out| {
        out.write_all(&head)?;
        tensors.iter().try_for_each(|&(.., values)| out.write_all(bytemuck::cast_slice(values)))
    });
    written.map_err(|error| unwritable(file, &error))
}

fn put(sink: &mut impl FileSink, file: &str, content: &[u8]) -> Result<(), WeightsError> {
    let written = sink.put(file, content.len() as u64, &mut |out| out.write_all(content));
    written.map_err(|error| unwritable(file, &error))
}

fn put_json(sink: &mut impl FileSink, file: &str, content: Map<String, Value>) -> Result<(), WeightsError> {
    put(sink, file, format!("{:#}\n", Value::Object(content)).as_bytes())
}

fn unwritable(file: &str, error: &io::Error) -> WeightsError {
    WeightsError::Io { file: file.to_owned(), verb: "written", what: error.to_string() }
}
