//! The model of a `tokenizer.json`: its fields, and the rules of each of the four kinds.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::shorten;
use super::vocabulary::{Merges, Vocabulary};
use crate::text::TextError;

const MAX_WORD_CHARACTERS: u64 = 1000;
const MAX_AFFIX_BYTES: usize = 64;

/// The fields of all four models; `kind` says which count.
#[derive(Deserialize)]
pub(super) struct Model {
    #[serde(rename = "type")]
    kind: Option<String>,
    pub(super) vocab: Vocabulary,
    pub(super) merges: Option<Merges>,
    pub(super) unk_token: Option<String>,
    unk_id: Option<usize>,
    continuing_subword_prefix: Option<String>,
    end_of_word_suffix: Option<String>,
    dropout: Option<f64>,
    #[serde(default)]
    fuse_unk: bool,
    #[serde(default)]
    byte_fallback: bool,
    #[serde(default)]
    ignore_merges: bool,
    max_input_chars_per_word: Option<u64>,
}

/// The model of a checked file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::text) enum ModelKind {
    Bpe,
    WordPiece,
    WordLevel,
    Unigram,
}

/// Accepts or refuses a model.
pub(super) fn check(model: &Model) -> Result<ModelKind, TextError> {
    let kind = match model.kind.as_deref() {
        Some("BPE") => ModelKind::Bpe,
        Some("WordPiece") => ModelKind::WordPiece,
        Some("WordLevel") => ModelKind::WordLevel,
        Some("Unigram") => ModelKind::Unigram,
        Some(other) => {
            let problem = format!("{other:?} is not supported; known: BPE, Unigram, WordLevel, WordPiece");
            return Err(TextError::file("model.type", problem));
        }
        // Files of 2020, GPT-2's own among them, do not say.
        None if model.merges.is_some() => ModelKind::Bpe,
        None => return Err(TextError::file("model.type", "missing")),
    };
    for (key, value) in [
        ("continuing_subword_prefix", &model.continuing_subword_prefix),
        ("end_of_word_suffix", &model.end_of_word_suffix),
    ] {
        if let Some(text) = value.as_ref().filter(|text| text.len() > MAX_AFFIX_BYTES) {
            return Err(TextError::file(
                format!("model.{key}"),
                format!("{} bytes (limit {MAX_AFFIX_BYTES})", text.len()),
            ));
        }
    }
    if model.dropout.is_some_and(|dropout| dropout != 0.0) {
        return Err(TextError::file("model.dropout", "encoding must be deterministic; only null or 0 is supported"));
    }
    match kind {
        ModelKind::Bpe => check_bpe(model)?,
        ModelKind::WordPiece => {
            check_unknown(model)?;
            if model.unk_token.is_none() {
                return Err(TextError::file("model.unk_token", "missing"));
            }
            if let Some(limit) = model.max_input_chars_per_word.filter(|&limit| limit > MAX_WORD_CHARACTERS) {
                let problem = format!("{limit} (limit {MAX_WORD_CHARACTERS})");
                return Err(TextError::file("model.max_input_chars_per_word", problem));
            }
        }
        ModelKind::WordLevel => {}
        ModelKind::Unigram => model.vocab.check_scores(model.unk_id)?,
    }
    if kind != ModelKind::Unigram && model.vocab.is_scored() {
        return Err(TextError::file("model.vocab", "a list of scores belongs to a Unigram model"));
    }
    Ok(kind)
}

fn check_bpe(model: &Model) -> Result<(), TextError> {
    check_unknown(model)?;
    let Some(merges) = &model.merges else {
        return Err(TextError::file("model.merges", "missing"));
    };
    let vocab: HashMap<&str, u32> = model.vocab.ids().collect();
    let prefix = model.continuing_subword_prefix.as_deref().unwrap_or_default();
    let mut joined = String::new();
    for (i, (left, right)) in merges.0.iter().enumerate() {
        let place = || format!("model.merges[{i}]");
        let Some(tail) = right.strip_prefix(prefix) else {
            return Err(TextError::file(place(), format!("{:?} lacks the prefix {prefix:?}", shorten(right))));
        };
        joined.clear();
        joined.push_str(left);
        joined.push_str(tail);
        for token in [left, right, &joined] {
            if !vocab.contains_key(token.as_str()) {
                return Err(TextError::file(place(), format!("{:?} is not in model.vocab", shorten(token))));
            }
        }
    }
    Ok(())
}

/// An unknown token that is named, other than by "", must exist.
fn check_unknown(model: &Model) -> Result<(), TextError> {
    match model.unk_token.as_deref() {
        Some(token) if !token.is_empty() && !model.vocab.ids().any(|(other, _)| other == token) => {
            Err(TextError::file("model.unk_token", format!("{:?} is not in model.vocab", shorten(token))))
        }
        _ => Ok(()),
    }
}

/// The model again, from its checked fields.
pub(super) fn rewrite(model: &Model, kind: ModelKind) -> Value {
    let nonempty = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let mut out = Map::new();
    let mut set = |key: &str, value: Value| out.insert(key.to_owned(), value);
    set("vocab", model.vocab.to_json());
    match kind {
        ModelKind::Bpe => {
            set("type", json!("BPE"));
            set("dropout", Value::Null);
            set("unk_token", json!(nonempty(&model.unk_token)));
            set("continuing_subword_prefix", json!(nonempty(&model.continuing_subword_prefix)));
            set("end_of_word_suffix", json!(nonempty(&model.end_of_word_suffix)));
            set("fuse_unk", json!(model.fuse_unk));
            set("byte_fallback", json!(model.byte_fallback));
            set("ignore_merges", json!(model.ignore_merges));
            set("merges", json!(model.merges.as_ref().map(|merges| merges.0.as_slice()).unwrap_or_default()));
        }
        ModelKind::WordPiece => {
            set("type", json!("WordPiece"));
            set("unk_token", json!(model.unk_token));
            set("continuing_subword_prefix", json!(model.continuing_subword_prefix.as_deref().unwrap_or("##")));
            set("max_input_chars_per_word", json!(model.max_input_chars_per_word.unwrap_or(100)));
        }
        ModelKind::WordLevel => {
            set("type", json!("WordLevel"));
            set("unk_token", json!(model.unk_token.as_deref().unwrap_or("<unk>")));
        }
        ModelKind::Unigram => {
            set("type", json!("Unigram"));
            set("unk_id", json!(model.unk_id));
            set("byte_fallback", json!(model.byte_fallback));
        }
    }
    Value::Object(out)
}
