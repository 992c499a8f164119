//! Tokenizers that the `tokenizers` crate executes: the four published models, loaded or trained here.
//!
//! Byte-level BPE must lose nothing, and the crate drops what it does not know without a word. So the bytes of the
//! tokens are compared with the bytes of the text after every encoding. Long texts are encoded in pieces, because
//! the crate keeps some hundred bytes per token until a call ends; the cuts are where GPT-2's pattern cuts anyway.

use std::sync::Arc;

use serde_json::{Value, json};

use super::file::{Checked, ModelKind};
use super::{TextError, byte_level, label};

/// The regular expression engine keeps a state per white space character and gives up at a million.
const MAX_WHITESPACE_RUN: usize = 100_000;

/// A text is encoded in pieces of about this many bytes.
const PIECE_BYTES: usize = 1 << 16;

/// A tokenizer that the crate executes.
#[derive(Clone, Debug)]
pub(super) struct Pipeline {
    engine: Arc<tokenizers::Tokenizer>,
    /// Spelling of each id.
    tokens: Arc<[String]>,
    form: Form,
    source: Arc<str>,
}

#[derive(Clone, Debug)]
enum Form {
    /// Byte-level BPE: the bytes of each id. `exact` if nothing is added to or taken from the text.
    ByteLevel { pieces: Arc<[Vec<u8>]>, exact: bool },
    /// Anything else.
    Other { metaspace: bool },
}

impl Pipeline {
    /// Hands a checked file to the crate. `source` is the file as it was.
    pub(super) fn new(file: Checked, source: &str) -> Result<Self, TextError> {
        let clean = serde_json::to_vec(&file.clean).map_err(|error| TextError::file("model", error.to_string()))?;
        let engine = tokenizers::Tokenizer::from_bytes(&clean)
            .map_err(|error| TextError::file("model", format!("refused by the tokenizers crate: {error}")))?;
        // The crate numbers added tokens itself, in the order of the file.
        for (id, token) in (0_u32..).zip(&file.tokens) {
            if engine.token_to_id(token) != Some(id) {
                let place = format!("added_tokens, id {id}");
                return Err(TextError::file(place, "ids after the vocabulary must follow in the order of the list"));
            }
        }
        let form = Self::form(&file);
        Ok(Self { engine: Arc::new(engine), tokens: file.tokens.into(), form, source: source.into() })
    }

    fn form(file: &Checked) -> Form {
        let kind_of =
            |part: &Option<Value>| part.as_ref().and_then(|p| p["type"].as_str()).unwrap_or_default().to_owned();
        let (pre_tokenizer, decoder) = (kind_of(&file.pre_tokenizer), kind_of(&file.decoder));
        if file.model != ModelKind::Bpe || decoder != "ByteLevel" {
            return Form::Other { metaspace: pre_tokenizer == "Metaspace" || decoder == "Metaspace" };
        }
        let pieces = file
            .tokens
            .iter()
            .zip(&file.is_added)
            .map(|(token, &added)| match byte_level::bytes(token) {
                Some(bytes) if !added => bytes,
                _ => token.as_bytes().to_vec(),
            })
            .collect();
        let unchanged = file.pre_tokenizer.as_ref().is_some_and(|part| {
            part["type"] == "ByteLevel" && part["add_prefix_space"] == false && part["use_regex"] != false
        });
        Form::ByteLevel { pieces, exact: unchanged && file.normalizer.is_none() && !file.irregular_added }
    }

    pub(super) fn is_byte_level(&self) -> bool {
        matches!(self.form, Form::ByteLevel { .. })
    }

    pub(super) fn tokens(&self) -> &[String] {
        &self.tokens
    }

    pub(super) fn source(&self) -> &str {
        &self.source
    }

    pub(super) fn id(&self, token: &str) -> Option<u32> {
        self.engine.token_to_id(token)
    }

    pub(super) fn encode(&self, text: &str) -> Result<Vec<u32>, TextError> {
        check_whitespace(text)?;
        let Form::ByteLevel { pieces: bytes, exact: true } = &self.form else {
            return self.encode_piece(text);
        };
        let mut ids = Vec::with_capacity(text.len() / 3);
        for piece in pieces(text) {
            let new = self.encode_piece(piece)?;
            let spelled: usize = new.iter().filter_map(|&id| bytes.get(id as usize)).map(Vec::len).sum();
            if spelled != piece.len() {
                return Err(self.lost(text));
            }
            ids.extend(new);
        }
        Ok(ids)
    }

    fn encode_piece(&self, piece: &str) -> Result<Vec<u32>, TextError> {
        let encoding = self.engine.encode_fast(piece, false).map_err(|error| TextError::Engine(error.to_string()))?;
        Ok(encoding.get_ids().to_vec())
    }

    /// Why the tokens do not spell the text: a byte without a token, if there is one.
    fn lost(&self, text: &str) -> TextError {
        let has_token = |byte: u8| self.id(byte_level::character(byte).encode_utf8(&mut [0; 4])).is_some();
        let known: Vec<bool> = (0..=u8::MAX).map(has_token).collect();
        let is_lost = |c: &char| c.encode_utf8(&mut [0; 4]).bytes().any(|byte| !known[usize::from(byte)]);
        match text.chars().zip(1..).find(|(character, _)| is_lost(character)) {
            Some((character, position)) => TextError::UnknownCharacter { character, position },
            None => TextError::Engine("its tokens do not spell the text".to_owned()),
        }
    }

    pub(super) fn decode(&self, ids: &[u32]) -> String {
        let known = |id: &u32| (*id as usize) < self.tokens.len();
        match &self.form {
            Form::ByteLevel { pieces, .. } => {
                let stray = char::REPLACEMENT_CHARACTER.to_string().into_bytes();
                let bytes: Vec<&[u8]> =
                    ids.iter().map(|&id| pieces.get(id as usize).unwrap_or(&stray).as_slice()).collect();
                String::from_utf8_lossy(&bytes.concat()).into_owned()
            }
            Form::Other { .. } => {
                let runs = ids.chunk_by(|a, b| known(a) == known(b));
                let texts = runs.map(|run| match run.first() {
                    // The crate's own decoder fails on nothing that passed the checks; it would drop unknown ids.
                    Some(id) if known(id) => self.engine.decode(run, false).unwrap_or_default(),
                    _ => run.iter().map(|_| char::REPLACEMENT_CHARACTER).collect(),
                });
                texts.collect()
            }
        }
    }

    pub(super) fn label(&self, id: u32) -> Option<String> {
        match &self.form {
            Form::ByteLevel { pieces, .. } => pieces.get(id as usize).map(|piece| label::visible_bytes(piece)),
            Form::Other { metaspace: true } => {
                self.tokens.get(id as usize).map(|token| label::visible(&token.replace('▁', " ")))
            }
            Form::Other { metaspace: false } => self.tokens.get(id as usize).map(|token| label::visible(token)),
        }
    }
}

/// The `tokenizer.json` of the 256 bytes: BPE without merges, where the id of a byte is its value.
pub(super) fn bytes_json() -> Value {
    let vocab: serde_json::Map<String, Value> =
        (0..=u8::MAX).map(|byte| (byte_level::character(byte).to_string(), Value::from(byte))).collect();
    let byte_level = json!({ "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true });
    json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [], "normalizer": null,
        "pre_tokenizer": byte_level, "post_processor": null, "decoder": byte_level,
        "model": {
            "type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
            "vocab": vocab, "merges": []
        }
    })
}

/// Cuts a text before lone white space between words. GPT-2's pattern always starts a token there, and every
/// alternative that could look across the cut (`\s+(?!\S)`) is the same on both sides of it.
pub(super) fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut before = None;
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        let alone = character.is_whitespace()
            && before.is_some_and(|before: char| !before.is_whitespace())
            && characters.peek().is_some_and(|(_, after)| !after.is_whitespace());
        if alone && at - start >= PIECE_BYTES {
            pieces.push(&text[start..at]);
            start = at;
        }
        before = Some(character);
    }
    pieces.push(&text[start..]);
    pieces
}

pub(super) fn check_whitespace(text: &str) -> Result<(), TextError> {
    let mut length = 0;
    let mut longest = (0, 0);
    for (character, position) in text.chars().zip(1_usize..) {
        length = if character.is_whitespace() { length + 1 } else { 0 };
        if length > longest.0 {
            longest = (length, position + 1 - length);
        }
    }
    match longest {
        (length, position) if length > MAX_WHITESPACE_RUN => {
            Err(TextError::WhitespaceRun { position, length, limit: MAX_WHITESPACE_RUN })
        }
        _ => Ok(()),
    }
}
