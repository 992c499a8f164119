//! The one type that training reads from, whatever its source.

use serde::Serialize;

use super::corpus::{Corpus, MAX_TEXT_BYTES, Part, TokenizerChoice, world_texts};
use super::objective::Key;
use super::{Batch, DataError, Example, Frame, Objective, Shape, Task, Vocabulary, world};
use crate::text::{BYTE_ORDER_MARK, Kind, Specials, TextError, Tokenizer, decode_utf8};

/// Sentence pairs, of the ten million that there are; a tenth is not trained on.
const TRANSLATION_PAIRS: u32 = 20_000;

/// A character vocabulary above this deserves a hint at BPE.
const LARGE_CHARACTER_VOCABULARY: usize = 512;

/// The longest line that is offered as a probe.
const PROBE_CHARACTERS: usize = 80;

/// Something to train on: batches, a tokenizer, and what to show of it.
#[derive(Clone, Debug)]
pub struct Dataset {
    tokenizer: Tokenizer,
    vocabulary: Vocabulary,
    source: Source,
    notices: Vec<String>,
}

#[derive(Clone, Debug)]
enum Source {
    Task(Task),
    Text(Corpus),
    World(Corpus),
}

/// What there is to say about a data set before training.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// "task", "text" or "world".
    pub kind: &'static str,
    /// The task, the file, or "world".
    pub name: String,
    /// Tokens to learn from; tasks have no end.
    pub train_tokens: Option<usize>,
    /// Tokens to measure with; tasks have no end.
    pub validation_tokens: Option<usize>,
    /// Different tokens.
    pub vocab_size: usize,
    /// What was noticed in the text, in sentences.
    pub notices: Vec<String>,
}

impl Dataset {
    /// An algorithmic task.
    #[must_use]
    pub fn task(task: Task) -> Self {
        Self::new(task.tokenizer(), Source::Task(task))
    }

    /// An algorithmic task whose vocabulary also has `<eos>`, `<pad>` and `<bos>`, for encoder–decoders: the question is
    /// the source, the answer the target. The other ids are those of [`Dataset::task`].
    #[must_use]
    pub fn task_pairs(task: Task) -> Self {
        Self::new(task.pair_tokenizer(), Source::Task(task))
    }

    fn new(tokenizer: Tokenizer, source: Source) -> Self {
        let vocabulary = Vocabulary::new(&tokenizer, tokenizer.specials());
        Self { tokenizer, vocabulary, source, notices: Vec::new() }
    }

    /// The same data, its rows framed for another family than the special tokens suggest.
    #[must_use]
    pub fn with_frame(mut self, frame: Frame) -> Self {
        self.vocabulary = self.vocabulary.with_frame(frame);
        self
    }

    /// The built-in text of characters: documents of the synthetic world of `world_seed`, one a line.
    ///
    /// # Errors
    /// See [`Dataset::world_with`].
    pub fn world(world_seed: u32) -> Result<Self, DataError> {
        Self::world_with(world_seed, TokenizerChoice::Characters)
    }

    /// The built-in text with another tokenizer.
    ///
    /// # Errors
    /// What the tokenizer says to the text.
    pub fn world_with(world_seed: u32, choice: TokenizerChoice) -> Result<Self, DataError> {
        let name = "world".to_owned();
        let (train, validation) = world_texts(world_seed);
        let encoded = choice
            .build(&format!("{train}{validation}"), &train)
            .and_then(|tokenizer| Ok((tokenizer.encode(&train)?, tokenizer.encode(&validation)?, tokenizer)));
        match encoded {
            Ok((train, validation, tokenizer)) => {
                let source = Source::World(Corpus::world(name, world_seed, train, validation));
                Ok(Self::new(tokenizer, source))
            }
            Err(error) => Err(DataError::Text { name, error }),
        }
    }

    /// Sentence pairs of the synthetic world of `world_seed`, English and Zorish, for `seq2seq`.
    ///
    /// # Errors
    /// As [`Dataset::text`].
    pub fn translation(world_seed: u32, choice: TokenizerChoice, context: usize) -> Result<Self, DataError> {
        let pairs = world::Translator::new(world_seed).lines(0, TRANSLATION_PAIRS);
        Self::text("translation", pairs.as_bytes(), choice, context)
    }

    /// A text of the visitor's. The tokens are split 90 to 10 in order; the validation part holds at least
    /// `context + 1`.
    ///
    /// # Errors
    /// Bytes that are no text, a text too large or too short for `context`, or what the tokenizer says to it.
    pub fn text(name: &str, bytes: &[u8], choice: TokenizerChoice, context: usize) -> Result<Self, DataError> {
        if bytes.len() > MAX_TEXT_BYTES {
            return Err(DataError::TooLarge { name: name.to_owned(), bytes: bytes.len(), limit: MAX_TEXT_BYTES });
        }
        let in_text = |error: TextError| DataError::Text { name: name.to_owned(), error };
        let text = decode_utf8(bytes).map_err(in_text)?;
        let cut = text.floor_char_boundary((text.len() as u64 * 9 / 10) as usize);
        let tokenizer = choice.build(&text, &text[..cut]).map_err(in_text)?;
        let tokens = tokenizer.encode(&text).map_err(in_text)?;
        let mut notices = Vec::new();
        if bytes.starts_with(BYTE_ORDER_MARK) {
            notices.push("A byte order mark at the start was removed.".to_owned());
        }
        if text.contains('\r') {
            notices
                .push("The text has carriage returns (Windows line ends); they are learned as characters.".to_owned());
        }
        if tokenizer.kind() == Kind::Characters && tokenizer.vocab_size() > LARGE_CHARACTER_VOCABULARY {
            let size = tokenizer.vocab_size();
            notices.push(format!("The text has {size} different characters; BPE would make better use of the model."));
        }
        let corpus = Corpus::split(name, text.into(), cut, tokens, context)?;
        Ok(Self { notices, ..Self::new(tokenizer, Source::Text(corpus)) })
    }

    /// The batch of a training step: a pure function of its arguments.
    ///
    /// # Errors
    /// A shape without tokens or beyond the limit; parameters out of bounds; what the objective needs of the data, of the
    /// vocabulary or of the shape.
    pub fn train_batch(&self, objective: &Objective, shape: Shape, seed: u32, step: u32) -> Result<Batch, DataError> {
        match &self.source {
            Source::Task(task) => {
                let examples = task.training_examples(seed, step);
                task.batch(objective, &self.vocabulary, shape, examples)
            }
            Source::Text(corpus) | Source::World(corpus) => {
                self.batch(corpus.training(&self.tokenizer), objective, shape, Key::train(seed, step))
            }
        }
    }

    /// Batch `index` of what is never trained on, the same for every run.
    ///
    /// # Errors
    /// As [`Dataset::train_batch`].
    pub fn validation_batch(&self, objective: &Objective, shape: Shape, index: u32) -> Result<Batch, DataError> {
        match &self.source {
            Source::Task(task) => {
                let first = index.wrapping_mul(shape.batch as u32);
                let examples = |row: u32| task.held_out(first.wrapping_add(row));
                task.batch(objective, &self.vocabulary, shape, examples)
            }
            Source::Text(corpus) | Source::World(corpus) => {
                self.batch(corpus.held_out(&self.tokenizer), objective, shape, Key::validation(index))
            }
        }
    }

    fn batch(&self, part: Part<'_>, objective: &Objective, shape: Shape, key: Key) -> Result<Batch, DataError> {
        shape.check()?;
        objective.check()?;
        objective.batch(&part, &self.vocabulary, shape, key)
    }

    /// The vocabulary as objectives see it.
    #[must_use]
    pub const fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// The special tokens.
    #[must_use]
    pub const fn specials(&self) -> &Specials {
        &self.vocabulary.specials
    }

    /// Classes of labeled documents: reviews are good or bad.
    #[must_use]
    pub const fn classes(&self) -> usize {
        2
    }

    /// The task, if it is one.
    pub(super) const fn as_task(&self) -> Option<Task> {
        match &self.source {
            Source::Task(task) => Some(*task),
            Source::Text(_) | Source::World(_) => None,
        }
    }

    /// The tokenizer.
    #[must_use]
    pub const fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// The task, the file, or "world".
    #[must_use]
    pub fn name(&self) -> &str {
        match &self.source {
            Source::Task(task) => task.as_str(),
            Source::Text(corpus) | Source::World(corpus) => &corpus.name,
        }
    }

    /// What there is to say about it.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let (kind, corpus) = match &self.source {
            Source::Task(_) => ("task", None),
            Source::Text(corpus) => ("text", Some(corpus)),
            Source::World(corpus) => ("world", Some(corpus)),
        };
        Summary {
            kind,
            name: self.name().to_owned(),
            train_tokens: corpus.map(|corpus| corpus.train.len()),
            validation_tokens: corpus.map(|corpus| corpus.validation.len()),
            vocab_size: self.tokenizer.vocab_size(),
            notices: self.notices.clone(),
        }
    }

    /// Source and target lengths that fit every question and answer of a task under `seq2seq`; `None` for texts.
    #[must_use]
    pub const fn natural_lengths(&self) -> Option<(usize, usize)> {
        match &self.source {
            Source::Task(task) => Some(task.pair_lengths(self.vocabulary.frame)),
            Source::Text(_) | Source::World(_) => None,
        }
    }

    /// The context that a task prescribes; any will do for a text.
    #[must_use]
    pub const fn natural_context(&self) -> Option<usize> {
        match &self.source {
            Source::Task(task) => Some(task.context()),
            Source::Text(_) | Source::World(_) => None,
        }
    }

    /// What the attention maps show until the visitor types something: unseen in training, and accepted by
    /// [`Dataset::probe`].
    #[must_use]
    pub fn default_probe(&self) -> String {
        match &self.source {
            Source::Task(_) => self.default_prompt(),
            Source::Text(corpus) | Source::World(corpus) => {
                // Enough tokens for a line under any tokenizer.
                let head = &corpus.validation[..corpus.validation.len().min(8 * PROBE_CHARACTERS)];
                let text = self.tokenizer.decode(head);
                let is_whole = |line: &&str| line.trim().chars().count() >= 8;
                // The split may fall inside a line, so the first one is the last resort.
                let line = text.lines().skip(1).find(is_whole).or_else(|| text.lines().find(is_whole));
                shorten(line.unwrap_or(&text).trim())
            }
        }
    }

    /// The token ids of a probe. A task's question gets its right answer, less the last token; a text is cut at
    /// `context` tokens.
    ///
    /// # Errors
    /// An empty probe, a character outside the vocabulary, or what is no question of the task.
    pub fn probe(&self, text: &str, context: usize) -> Result<Vec<u32>, DataError> {
        let encode = |text: &str| {
            let in_probe = |error| DataError::Text { name: "probe".to_owned(), error };
            self.tokenizer.encode(text).map_err(in_probe)
        };
        let mut ids = match &self.source {
            _ if text.is_empty() => return Err(DataError::EmptyProbe),
            Source::Task(task) => task.probe(&encode(text.trim())?, text.trim())?,
            Source::Text(_) | Source::World(_) => encode(text)?,
        };
        ids.truncate(context);
        if ids.is_empty() { Err(DataError::EmptyProbe) } else { Ok(ids) }
    }

    /// What samples are continued from while training: a held-out question, or the start of a line.
    #[must_use]
    pub fn default_prompt(&self) -> String {
        match &self.source {
            Source::Task(task) => self.show(&task.opening()),
            Source::Text(corpus) | Source::World(corpus) => {
                if self.tokenizer.encode("\n").is_ok_and(|ids| !ids.is_empty()) {
                    return "\n".to_owned();
                }
                let head = self.tokenizer.decode(&corpus.train[..corpus.train.len().min(PROBE_CHARACTERS)]);
                head.split_whitespace().next().unwrap_or(&head).to_owned()
            }
        }
    }

    /// Held-out example `index` of a task, drawn with replacement and the same for every run.
    #[must_use]
    pub fn held_out(&self, index: u32) -> Option<Example> {
        match &self.source {
            Source::Task(task) => Some(task.held_out(index)),
            Source::Text(_) | Source::World(_) => None,
        }
    }

    /// The text of `ids`, without padding.
    #[must_use]
    pub fn show(&self, ids: &[u32]) -> String {
        match &self.source {
            Source::Task(task) => {
                let pads = [task.pad(), self.vocabulary.specials.pad];
                let shown: Vec<u32> = ids.iter().copied().filter(|&id| !pads.contains(&Some(id))).collect();
                self.tokenizer.decode(&shown)
            }
            Source::Text(_) | Source::World(_) => self.tokenizer.decode(ids),
        }
    }
}

/// At most [`PROBE_CHARACTERS`] of a line, cut at a space where there is one.
fn shorten(line: &str) -> String {
    match line.char_indices().nth(PROBE_CHARACTERS) {
        None => line.to_owned(),
        Some((end, _)) => {
            let head = &line[..end];
            head.rfind(' ').map_or(head, |space| &head[..space]).to_owned()
        }
    }
}
