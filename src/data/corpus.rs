//! A text as two rows of token ids, one to learn from and one to measure with, and as documents where these are asked for.

use std::sync::{Arc, OnceLock};

use super::DataError;
use super::documents::{Documents, clauses};
use super::world::{self, Document, DocumentKind, TRAIN, VALIDATION, World};
use crate::text::{TextError, Tokenizer, TrainKind, TrainSpec};

/// The largest text: what a browser's 4 GiB of WebAssembly memory, or a workstation, holds with its ids.
pub(super) const MAX_TEXT_BYTES: usize = if cfg!(target_arch = "wasm32") { 64 << 20 } else { 1 << 30 };

/// Documents of the built-in text: some five million characters, ready in a fraction of a second.
const WORLD_TRAIN_DOCUMENTS: u32 = 25_000;
const WORLD_VALIDATION_DOCUMENTS: u32 = 2_000;

/// How a text becomes tokens.
#[derive(Clone, Debug, Default)]
pub enum TokenizerChoice {
    /// The characters of the text.
    #[default]
    Characters,
    /// The 256 bytes.
    Bytes,
    /// Byte-level BPE trained on the training part, with this vocabulary size.
    Bpe(usize),
    /// Made of the text as this says: characters of all of it, trained kinds of the training part.
    Trained(TrainSpec),
    /// This one.
    Given(Tokenizer),
}

impl TokenizerChoice {
    /// The tokenizer for a text whose training part is `training`.
    pub(super) fn build(self, whole: &str, training: &str) -> Result<Tokenizer, TextError> {
        match self {
            Self::Characters => Tokenizer::characters(whole),
            Self::Bytes => Ok(Tokenizer::bytes()),
            Self::Bpe(vocab_size) => Tokenizer::train_bpe(training, vocab_size),
            Self::Trained(spec) if spec.kind == TrainKind::Characters => Tokenizer::train(whole, &spec),
            Self::Trained(spec) => Tokenizer::train(training, &spec),
            Self::Given(tokenizer) => Ok(tokenizer),
        }
    }
}

/// A text, cut in two.
#[derive(Clone, Debug)]
pub(super) struct Corpus {
    pub name: String,
    pub train: Vec<u32>,
    pub validation: Vec<u32>,
    origin: Origin,
    /// Made on first use, for most objectives read no more than the tokens above.
    structures: [OnceLock<Result<Structure, DataError>>; 2],
    pairs: [OnceLock<Result<Vec<Pair>, DataError>>; 2],
}

/// Where documents come from.
#[derive(Clone, Debug)]
enum Origin {
    /// A text and the byte where its validation part starts.
    Text(Arc<str>, usize),
    World(u32),
}

/// What is known of a part beyond its tokens.
#[derive(Clone, Debug)]
struct Structure {
    documents: Documents,
    /// Documents with their classes.
    labels: Vec<(u32, u32)>,
}

/// Source and target.
pub(super) type Pair = (Vec<u32>, Vec<u32>);

/// The texts of the two parts of the built-in text.
pub(super) fn world_texts(world_seed: u32) -> (String, String) {
    let text = |part| {
        let (first, count) = world_range(part);
        world::text(world_seed, first, count)
    };
    (text(PartKind::Training), text(PartKind::Validation))
}

fn world_documents(world_seed: u32, part: PartKind) -> Vec<Document> {
    let world = World::new(world_seed);
    let (first, count) = world_range(part);
    (first..first + count).map(|index| world.document(index)).collect()
}

/// The first document of a part of the built-in text, and how many it has.
const fn world_range(part: PartKind) -> (u32, u32) {
    match part {
        PartKind::Training => (TRAIN.start, WORLD_TRAIN_DOCUMENTS),
        PartKind::Validation => (VALIDATION.start, WORLD_VALIDATION_DOCUMENTS),
    }
}

impl Corpus {
    /// The tokens of [`world_texts`].
    pub(super) fn world(name: String, world_seed: u32, train: Vec<u32>, validation: Vec<u32>) -> Self {
        let origin = Origin::World(world_seed);
        Self { name, train, validation, origin, structures: Default::default(), pairs: Default::default() }
    }

    /// Cuts a text's tokens 90 to 10, in order; each part has at least one window. Documents are cut at `cut`, the
    /// byte at nine tenths of the text.
    pub(super) fn split(
        name: &str,
        text: Arc<str>,
        cut: usize,
        mut tokens: Vec<u32>,
        context: usize,
    ) -> Result<Self, DataError> {
        let total = tokens.len();
        let window = context.saturating_add(1);
        let needed = window.saturating_mul(2);
        if total < needed {
            return Err(DataError::TooShort { name: name.to_owned(), part: "text", tokens: total, context, needed });
        }
        let nine_tenths = (total as u64 * 9 / 10) as usize;
        let validation = tokens.split_off(nine_tenths.min(total - window));
        let origin = Origin::Text(text, cut);
        Ok(Self {
            name: name.to_owned(),
            train: tokens,
            validation,
            origin,
            structures: Default::default(),
            pairs: Default::default(),
        })
    }

    /// The part to learn from.
    pub(super) const fn training<'a>(&'a self, tokenizer: &'a Tokenizer) -> Part<'a> {
        Part { corpus: self, tokenizer, kind: PartKind::Training }
    }

    /// The part to measure with.
    pub(super) const fn held_out<'a>(&'a self, tokenizer: &'a Tokenizer) -> Part<'a> {
        Part { corpus: self, tokenizer, kind: PartKind::Validation }
    }
}

#[derive(Clone, Copy, Debug)]
enum PartKind {
    Training,
    Validation,
}

/// One of the two parts, as objectives read it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part<'a> {
    corpus: &'a Corpus,
    tokenizer: &'a Tokenizer,
    kind: PartKind,
}

impl<'a> Part<'a> {
    /// Its tokens, `needed` at least for rows of `context`.
    pub(super) fn tokens(&self, needed: usize, context: usize) -> Result<&'a [u32], DataError> {
        let (tokens, part) = match self.kind {
            PartKind::Training => (&self.corpus.train, "training part"),
            PartKind::Validation => (&self.corpus.validation, "validation part"),
        };
        if tokens.len() < needed {
            let name = self.corpus.name.clone();
            return Err(DataError::TooShort { name, part, tokens: tokens.len(), context, needed });
        }
        Ok(tokens)
    }

    /// Its documents, one at least.
    pub(super) fn documents(&self, objective: &'static str) -> Result<&'a Documents, DataError> {
        let documents = &self.structure()?.documents;
        if documents.is_empty() { Err(self.lacks(objective, "documents")) } else { Ok(documents) }
    }

    /// Its labeled documents, one at least.
    pub(super) fn labels(&self) -> Result<&'a [(u32, u32)], DataError> {
        let labels = &self.structure()?.labels;
        if labels.is_empty() { Err(self.lacks("classify", "labeled documents")) } else { Ok(labels) }
    }

    /// Its pairs of source and target, one at least.
    pub(super) fn pairs(&self) -> Result<&'a [Pair], DataError> {
        let made = self.corpus.pairs[self.kind as usize].get_or_init(|| {
            let pairs = match &self.corpus.origin {
                Origin::Text(text, cut) => pairs_of_text(self.tokenizer, self.kind.of(text, *cut)),
                Origin::World(seed) => pairs_of_world(self.tokenizer, *seed, self.kind),
            };
            pairs.map_err(|error| self.in_text(error))
        });
        let pairs = made.as_ref().map_err(DataError::clone)?;
        if pairs.is_empty() {
            return Err(self.lacks("seq2seq", "lines of a source, a tab and a target"));
        }
        Ok(pairs)
    }

    /// The error that says what the data do not have.
    pub(super) fn lacks(&self, objective: &'static str, needs: &'static str) -> DataError {
        DataError::Unsupported { objective, name: self.corpus.name.clone(), needs }
    }

    fn structure(&self) -> Result<&'a Structure, DataError> {
        let made = self.corpus.structures[self.kind as usize].get_or_init(|| {
            let structure = match &self.corpus.origin {
                Origin::Text(text, cut) => Documents::of_text(self.tokenizer, self.kind.of(text, *cut))
                    .map(|documents| Structure { documents, labels: Vec::new() }),
                Origin::World(seed) => Structure::of_world(self.tokenizer, *seed, self.kind),
            };
            structure.map_err(|error| self.in_text(error))
        });
        made.as_ref().map_err(DataError::clone)
    }

    fn in_text(&self, error: TextError) -> DataError {
        DataError::Text { name: self.corpus.name.clone(), error }
    }
}

impl PartKind {
    /// The part of a text that is cut at a byte.
    fn of(self, text: &str, cut: usize) -> &str {
        match self {
            Self::Training => &text[..cut],
            Self::Validation => &text[cut..],
        }
    }
}

impl Structure {
    /// Reviews are labeled 0 if negative, 1 if positive.
    fn of_world(tokenizer: &Tokenizer, seed: u32, part: PartKind) -> Result<Self, TextError> {
        let documents = world_documents(seed, part);
        let label = |(number, document): (u32, &Document)| match document.kind {
            DocumentKind::Review { positive } => Some((number, u32::from(positive))),
            DocumentKind::Story { .. } => None,
        };
        let labels = (0..).zip(&documents).filter_map(label).collect();
        let texts = documents.iter().map(|document| clauses(&document.text));
        Ok(Self { documents: Documents::encode(tokenizer, texts)?, labels })
    }
}

/// The first two columns of every line that has a tab.
fn pairs_of_text(tokenizer: &Tokenizer, text: &str) -> Result<Vec<Pair>, TextError> {
    let columns = |line| {
        let mut columns = str::split(line, '\t').map(str::trim);
        let (source, target) = (columns.next()?, columns.next()?);
        (!source.is_empty() && !target.is_empty()).then_some((source, target))
    };
    let pairs = text.lines().filter_map(columns);
    pairs.map(|(source, target)| Ok((tokenizer.encode(source)?, tokenizer.encode(target)?))).collect()
}

/// Stories with a question: up to the question, and the answer.
fn pairs_of_world(tokenizer: &Tokenizer, seed: u32, part: PartKind) -> Result<Vec<Pair>, TextError> {
    let mut pairs = Vec::new();
    for document in world_documents(seed, part) {
        if let DocumentKind::Story { question: Some((_, answer)) } = &document.kind {
            let story = document.text.strip_suffix(answer.as_str()).unwrap_or(&document.text).trim_end();
            pairs.push((tokenizer.encode(story)?, tokenizer.encode(answer)?));
        }
    }
    Ok(pairs)
}
