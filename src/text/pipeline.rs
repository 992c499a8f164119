//! Tokenizers that the `tokenizers` crate executes: the four published models, loaded or trained here.
//!
//! Byte-level BPE must lose nothing, and the crate drops what it does not know without a word. So the bytes of the
//! tokens are compared with the bytes of the text after every encoding.

use std::sync::Arc;

use serde_json::Value;

use super::encoding::Encoding;
use super::file::{Checked, ModelKind};
use super::pieces::{Cut, check_whitespace, pieces};
use super::{TextError, byte_level, label};

/// A text is encoded in pieces of about this many bytes.
const PIECE_BYTES: usize = 1 << 16;

/// A tokenizer that the crate executes.
#[derive(Clone, Debug)]
pub(super) struct Pipeline {
    engine: Arc<tokenizers::Tokenizer>,
    /// Spelling of each id.
    tokens: Arc<[String]>,
    /// Which ids stand for no text.
    is_special: Arc<[bool]>,
    form: Form,
    cut: Cut,
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
        let cut = match &form {
            Form::ByteLevel { exact: true, .. } => Cut::WhiteSpace,
            Form::ByteLevel { exact: false, .. } => Cut::Nowhere,
            Form::Other { .. } => file.cut(),
        };
        Ok(Self {
            engine: Arc::new(engine),
            tokens: file.tokens.into(),
            is_special: file.is_special.into(),
            form,
            cut,
            source: source.into(),
        })
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

    pub(super) fn is_special(&self, id: u32) -> bool {
        self.is_special.get(id as usize).copied().unwrap_or_default()
    }

    pub(super) fn source(&self) -> &str {
        &self.source
    }

    pub(super) fn id(&self, token: &str) -> Option<u32> {
        self.engine.token_to_id(token)
    }

    pub(super) fn encode(&self, text: &str) -> Result<Vec<u32>, TextError> {
        let mut ids = Vec::with_capacity(text.len() / 3);
        let tokens = |piece: &str| self.engine.encode_fast(piece, false);
        self.run(text, tokens, |_, encoding| ids.extend_from_slice(encoding.get_ids()))?;
        Ok(ids)
    }

    pub(super) fn encoding(&self, text: &str) -> Result<Encoding, TextError> {
        let mut all = Encoding::default();
        let (mut characters, mut words) = (0, 0);
        let tokens = |piece: &str| self.engine.encode_char_offsets(piece, false);
        self.run(text, tokens, |piece, encoding| {
            let places = encoding.get_offsets().iter().zip(encoding.get_word_ids());
            for ((&id, token), (&(start, end), word)) in
                encoding.get_ids().iter().zip(encoding.get_tokens()).zip(places)
            {
                all.push(id, token.as_str(), (characters + start, characters + end), word.map(|word| words + word));
            }
            characters += piece.chars().count();
            words += encoding.get_word_ids().iter().flatten().max().map_or(0, |last| last + 1);
        })?;
        Ok(all)
    }

    /// Encodes piece by piece.
    fn run(
        &self,
        text: &str,
        encode: impl Fn(&str) -> tokenizers::Result<tokenizers::Encoding>,
        mut take: impl FnMut(&str, &tokenizers::Encoding),
    ) -> Result<(), TextError> {
        check_whitespace(text)?;
        for piece in pieces(text, self.cut, PIECE_BYTES) {
            let encoding = encode(piece).map_err(|error| TextError::Engine(error.to_string()))?;
            if let Form::ByteLevel { pieces: bytes, exact: true } = &self.form {
                let of_token = |&id: &u32| bytes.get(id as usize).map_or(0, Vec::len);
                let spelled: usize = encoding.get_ids().iter().map(of_token).sum();
                if spelled != piece.len() {
                    return Err(self.lost(text));
                }
            }
            take(piece, &encoding);
        }
        Ok(())
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
