//! The `tokenizer.json` format, read strictly.
//!
//! The `tokenizers` crate panics on some crafted files (a merge longer than the longest token overruns its scratch
//! buffer, a merge shorter than the subword prefix underflows), and in WebAssembly a panic ends the page's engine.
//! Duplicate ids and gaps it accepts silently. Therefore a file is parsed into the types below, every rule is
//! checked, and the crate receives a file written from them. Truncation and padding are left out, so those parts
//! cannot act and need no trust; post-processing is carried out by `text::processor`.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::{Value, json};

use self::components::Stage;
use self::model::Model;
use super::TextError;
use super::pieces::Cut;
use super::processor::Processor;

mod components;
mod model;
mod processor;
mod vocabulary;

pub(super) use self::model::ModelKind;

const MAX_FILE_BYTES: usize = 64 << 20;
const MAX_TOKENS: usize = 2_000_000;
const MAX_TOKEN_BYTES: usize = 4096;

/// A file as it stands.
#[derive(Deserialize)]
struct File {
    version: Option<String>,
    #[serde(default)]
    added_tokens: Vec<AddedToken>,
    normalizer: Option<Value>,
    pre_tokenizer: Option<Value>,
    post_processor: Option<Value>,
    decoder: Option<Value>,
    model: Model,
}

/// A token that is cut out of the text before anything else happens.
#[derive(Deserialize)]
struct AddedToken {
    id: u32,
    content: String,
    #[serde(default)]
    single_word: bool,
    #[serde(default)]
    lstrip: bool,
    #[serde(default)]
    rstrip: bool,
    #[serde(default)]
    normalized: bool,
    #[serde(default)]
    special: bool,
}

/// A file that has passed every check.
pub(super) struct Checked {
    /// Token of each id, added tokens included.
    pub tokens: Vec<String>,
    /// Which ids are added tokens.
    pub is_added: Vec<bool>,
    /// Which of them are special, that is, stand for no text.
    pub is_special: Vec<bool>,
    /// An added token is matched only as a word, swallows white space beside it, is normalized or contains white space.
    pub irregular_added: bool,
    pub model: ModelKind,
    pub merges: usize,
    /// The token for what the vocabulary lacks, if the model names one.
    pub unknown: Option<String>,
    pub processor: Processor,
    pub normalizer: Option<Value>,
    pub pre_tokenizer: Option<Value>,
    pub decoder: Option<Value>,
    /// The same file, rewritten from the checked parts.
    pub clean: Value,
}

impl Checked {
    /// Where a text may be cut without a change of its tokens. Byte-level files know more, and are not asked here.
    pub(super) fn cut(&self) -> Cut {
        // BERT's normalizer can take a mark away, which matters only where another one then joins spaces.
        let is_local = |part: &Value| part["type"] == "BertNormalizer" || is_local(part);
        if self.irregular_added || !self.normalizer.as_ref().is_none_or(is_local) {
            return Cut::Nowhere;
        }
        let part = self.pre_tokenizer.as_ref();
        match part.and_then(|part| part["type"].as_str()) {
            Some("BertPreTokenizer" | "Whitespace" | "WhitespaceSplit") => Cut::Space,
            Some("Metaspace") if part.is_some_and(|part| part["replacement"] == "▁" && part["split"] != false) => {
                Cut::Space
            }
            _ => Cut::Nowhere,
        }
    }
}

/// Whether a normalizer treats what follows a letter and a lone space as if it stood alone.
fn is_local(normalizer: &Value) -> bool {
    match normalizer["type"].as_str() {
        Some("Lowercase" | "NFC" | "NFD" | "NFKC" | "NFKD" | "Nmt") => true,
        Some("Replace") => normalizer["pattern"]["Regex"] == " {2,}",
        Some("Sequence") => normalizer["normalizers"].as_array().is_some_and(|parts| parts.iter().all(is_local)),
        _ => false,
    }
}

/// Reads and checks a file.
pub(super) fn read(json: &[u8]) -> Result<Checked, TextError> {
    if json.len() > MAX_FILE_BYTES {
        return Err(TextError::file("size", format!("{} bytes (limit {MAX_FILE_BYTES})", json.len())));
    }
    let file: File = serde_json::from_slice(json).map_err(|error| {
        TextError::file(format!("line {}, column {}", error.line(), error.column()), error.to_string())
    })?;
    if let Some(version) = file.version.as_deref().filter(|&version| version != "1.0") {
        return Err(TextError::file("version", format!("{version:?} is not supported; known: 1.0")));
    }
    components::check(file.normalizer.as_ref(), "normalizer", Stage::Normalizer)?;
    components::check(file.pre_tokenizer.as_ref(), "pre_tokenizer", Stage::PreTokenizer)?;
    components::check(file.decoder.as_ref(), "decoder", Stage::Decoder)?;
    let (tokens, is_added) = assign_ids(&file)?;
    let model = model::check(&file.model)?;
    let processor = processor::check(file.post_processor.as_ref(), &tokens)?;
    let added = &file.added_tokens;
    let mut is_special = vec![false; tokens.len()];
    for token in added {
        if let Some(slot) = is_special.get_mut(token.id as usize) {
            *slot = token.special;
        }
    }
    Ok(Checked {
        irregular_added: added.iter().any(|token| {
            token.single_word
                || token.lstrip
                || token.rstrip
                || token.normalized
                || token.content.contains(char::is_whitespace)
        }),
        merges: file.model.merges.as_ref().map_or(0, |merges| merges.0.len()),
        clean: rewrite(&file, model),
        unknown: file.model.unk_token,
        tokens,
        is_added,
        is_special,
        model,
        processor,
        normalizer: file.normalizer,
        pre_tokenizer: file.pre_tokenizer,
        decoder: file.decoder,
    })
}

/// The token of each id. Every id from 0 has exactly one token, every token one id.
fn assign_ids(file: &File) -> Result<(Vec<String>, Vec<bool>), TextError> {
    let mut entries: Vec<(&str, u32, String)> = Vec::new();
    let mut ids: HashMap<&str, u32> = HashMap::new();
    for (token, id) in file.model.vocab.ids() {
        let place = || format!("model.vocab[{:?}]", shorten(token));
        check_token(token, place)?;
        if ids.insert(token, id).is_some() {
            return Err(TextError::file(place(), "the token occurs twice"));
        }
        entries.push((token, id, place()));
    }
    let mut added_contents = HashMap::new();
    for (i, added) in file.added_tokens.iter().enumerate() {
        let place = || format!("added_tokens[{i}]");
        check_token(&added.content, place)?;
        if let Some(first) = added_contents.insert(added.content.as_str(), i) {
            return Err(TextError::file(place(), format!("the same content as added_tokens[{first}]")));
        }
        match ids.get(added.content.as_str()) {
            Some(&id) if id == added.id => {}
            Some(&id) => {
                return Err(TextError::file(place(), format!("id {}, but id {id} in model.vocab", added.id)));
            }
            None => entries.push((&added.content, added.id, place())),
        }
    }
    let count = entries.len();
    if count == 0 || count > MAX_TOKENS {
        return Err(TextError::file("model.vocab", format!("{count} tokens (1 to {MAX_TOKENS} are supported)")));
    }
    let mut tokens: Vec<Option<&str>> = vec![None; count];
    for (token, id, place) in entries {
        match tokens.get_mut(id as usize) {
            Some(slot @ None) => *slot = Some(token),
            Some(Some(other)) => {
                return Err(TextError::file(place, format!("id {id} is also the id of {:?}", shorten(other))));
            }
            None => {
                let problem = format!("id {id}, but {count} tokens have the ids 0 to {} without gaps", count - 1);
                return Err(TextError::file(place, problem));
            }
        }
    }
    // As many entries as slots and no slot twice: none is empty.
    let tokens: Vec<String> = tokens.into_iter().flatten().map(str::to_owned).collect();
    let is_added = tokens.iter().map(|token| added_contents.contains_key(token.as_str())).collect();
    Ok((tokens, is_added))
}

fn check_token(token: &str, place: impl Fn() -> String) -> Result<(), TextError> {
    match token.len() {
        0 => Err(TextError::file(place(), "an empty token")),
        1..=MAX_TOKEN_BYTES => Ok(()),
        bytes => Err(TextError::file(place(), format!("a token of {bytes} bytes (limit {MAX_TOKEN_BYTES})"))),
    }
}

/// The file again, from its checked parts.
fn rewrite(file: &File, model: ModelKind) -> Value {
    let added: Vec<Value> = file
        .added_tokens
        .iter()
        .map(|token| {
            json!({
                "id": token.id, "content": token.content, "single_word": token.single_word, "lstrip": token.lstrip,
                "rstrip": token.rstrip, "normalized": token.normalized, "special": token.special
            })
        })
        .collect();
    json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": added,
        "normalizer": file.normalizer, "pre_tokenizer": file.pre_tokenizer, "post_processor": null,
        "decoder": file.decoder, "model": model::rewrite(&file.model, model)
    })
}

/// A token for a message, without flooding it.
fn shorten(token: &str) -> String {
    let mut characters = token.chars();
    let mut short: String = characters.by_ref().take(32).collect();
    if characters.next().is_some() {
        short.push('…');
    }
    short
}
