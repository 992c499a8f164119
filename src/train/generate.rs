//! Writing token by token: what a model, a strategy and a cache do together.

use core::ops::ControlFlow;

use super::decode::{CacheShape, DecodeError, Decoder, Rules, Search, Strategy};
use super::engine::Engine;
use super::error::TrainError;
use super::session::Session;
use crate::data::DataError;
use crate::models::{Architecture, Family, Model};
use crate::text::{TextError, Tokenizer};

/// Caches are a multiple of this long, so that few of them serve every prompt.
const STRIDE: usize = 64;

/// What is to be written.
#[derive(Clone, PartialEq, Debug)]
pub struct Request {
    /// What to continue; in an encoder–decoder what the decoder has read already, its start token at least.
    pub prompt: Vec<u32>,
    /// What an encoder reads.
    pub source: Vec<u32>,
    /// How tokens are chosen.
    pub strategy: Strategy,
    /// When it ends.
    pub rules: Rules,
    /// Tokens that a decoder-only model sees at most, beside the limit of its positions.
    pub window: usize,
}

/// Why a generation ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ended {
    /// The model wrote this token, which ends a sequence.
    Stop(u32),
    /// As many tokens as were asked for.
    Limit,
    /// The decoder of an encoder–decoder has no position left.
    Full,
    /// Whoever listened asked for it.
    Cancelled,
}

impl Ended {
    /// For programs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stop(_) => "stop",
            Self::Limit => "limit",
            Self::Full => "full",
            Self::Cancelled => "cancelled",
        }
    }
}

/// What was written.
#[derive(Clone, PartialEq, Debug)]
pub struct Generated<T> {
    /// The new tokens without the one that ended them, or their text.
    pub new: T,
    /// Why it ended.
    pub ended: Ended,
}

/// Text under way: [`Self::step`] by step, so that callers may look up, wait or stop between tokens.
///
/// The cache of a decoder-only model may fill up. The last half of what it sees is then read anew from position 0, and writing
/// goes on: what stands before that half is forgotten.
pub struct Generation<'a> {
    decoder: Decoder<'a>,
    search: Search,
    rules: Rules,
    prompt: usize,
    /// Tokens of every open sequence that the cache has read or forgotten.
    read: usize,
    encoder: bool,
    ended: Option<Ended>,
}

impl<'a> Generation<'a> {
    /// Makes the cache ready and reads the source. The prompt is read with the first step.
    ///
    /// # Errors
    /// When the model does not write, prompt or source do not fit it, or the device fails.
    pub async fn new(engine: &'a mut Engine, request: &Request) -> Result<Generation<'a>, TrainError> {
        let Request { prompt, source, strategy, rules, window } = request;
        strategy.check()?;
        rules.check()?;
        let config = &engine.model().config;
        let (family, positions) = (config.family(), config.positions());
        let encoder = family.architecture() == Architecture::EncoderDecoder;
        let fitting = |needed: usize| {
            let length = needed.checked_next_multiple_of(STRIDE).unwrap_or(usize::MAX);
            length.min(positions.unwrap_or(usize::MAX))
        };
        if encoder == source.is_empty() && config.decoder().is_some() {
            return Err(DecodeError::Source { family: family.name(), encoder }.into());
        }
        if prompt.is_empty() {
            return Err(DecodeError::EmptyPrompt.into());
        }
        let mut room = fitting(prompt.len().saturating_add(rules.max_new));
        if encoder && prompt.len() > room {
            return Err(DecodeError::Room { what: "the prompt", found: prompt.len(), limit: room }.into());
        }
        if !encoder {
            room = room.min((*window).max(1));
        }
        let source_room = if encoder { fitting(source.len()) } else { 0 };
        let shape = CacheShape { batch: strategy.width(), room, source: source_room };
        let mut decoder = Decoder::new(engine, shape).await?;
        if encoder {
            decoder.encode(&vec![source.clone(); shape.batch]).await?;
        }
        let search = Search::new(prompt, *strategy, rules.clone());
        let read = prompt.len().saturating_sub(room);
        Ok(Self { decoder, search, rules: rules.clone(), prompt: prompt.len(), read, encoder, ended: None })
    }

    /// Writes one more token; `false` if the text has ended.
    ///
    /// # Errors
    /// When the device fails.
    pub async fn step(&mut self) -> Result<bool, TrainError> {
        let length = self.search.open().first().map_or(0, Vec::len);
        if self.ended.is_some() || length == 0 {
            return Ok(false);
        }
        let CacheShape { batch, room, .. } = self.decoder.shape();
        if self.decoder.position() + length - self.read > room {
            if self.encoder {
                self.ended = Some(Ended::Full);
                return Ok(false);
            }
            self.decoder.rewind();
            self.read = length - (room / 2).max(1);
        } else if self.decoder.position() > 0 {
            let mut parents = self.search.parents().to_vec();
            parents.resize(batch, 0);
            self.decoder.reorder(&parents).await?;
        }
        let open = self.search.open();
        let row = |row: usize| open.get(row).or(open.first()).map(|ids| ids[self.read..].to_vec()).unwrap_or_default();
        let tokens: Vec<Vec<u32>> = (0..batch).map(row).collect();
        let mut logits = self.decoder.feed(&tokens).await?;
        logits.truncate(open.len());
        self.read = length;
        self.search.advance(logits);
        Ok(true)
    }

    /// The tokens written so far, of the best sequence, without the one that ends it.
    #[must_use]
    pub fn new_tokens(&self) -> &[u32] {
        let new = self.search.best().get(self.prompt..).unwrap_or_default();
        match new.split_last() {
            Some((&last, before)) if self.rules.ends(last) => before,
            Some(_) | None => new,
        }
    }

    /// Ends it here.
    pub const fn cancel(&mut self) {
        self.ended = Some(Ended::Cancelled);
    }

    /// What was written, and why it ended.
    #[must_use]
    pub fn finish(self) -> Generated<Vec<u32>> {
        let best = self.search.best();
        let stop = best.get(self.prompt..).and_then(<[u32]>::last).copied().filter(|&last| self.rules.ends(last));
        let ended = self.ended.unwrap_or_else(|| stop.map_or(Ended::Limit, Ended::Stop));
        Generated { new: self.new_tokens().to_vec(), ended }
    }
}

/// Writes to the end. `each` sees the new tokens after every one that is added, and may stop it; under beam search earlier
/// ones may change as well.
///
/// # Errors
/// As [`Generation::new`] and [`Generation::step`].
pub async fn generate(
    engine: &mut Engine,
    request: &Request,
    each: &mut dyn FnMut(&[u32]) -> ControlFlow<()>,
) -> Result<Generated<Vec<u32>>, TrainError> {
    let mut generation = Generation::new(engine, request).await?;
    let mut shown = 0;
    while generation.step().await? {
        let new = generation.new_tokens();
        if new.len() != core::mem::replace(&mut shown, new.len()) && each(new).is_break() {
            generation.cancel();
        }
    }
    Ok(generation.finish())
}

impl Request {
    /// What continues a prompt, with a decoder-only model.
    #[must_use]
    pub const fn prompt(prompt: Vec<u32>, strategy: Strategy, rules: Rules) -> Self {
        Self { prompt, source: Vec::new(), strategy, rules, window: usize::MAX }
    }

    /// What answers a source, with an encoder–decoder; `prompt` is what its decoder has read after the start token.
    ///
    /// # Errors
    /// [`DecodeError::Source`] for a model without an encoder and a decoder.
    pub fn source(
        model: &Model,
        source: Vec<u32>,
        prompt: &[u32],
        strategy: Strategy,
        rules: Rules,
    ) -> Result<Self, DecodeError> {
        let family = model.config.family().name();
        let start = model.config.decoder_start().ok_or(DecodeError::Source { family, encoder: false })?;
        let prompt = core::iter::once(start).chain(prompt.iter().copied()).collect();
        Ok(Self { prompt, source, strategy, rules, window: usize::MAX })
    }
}

impl Rules {
    /// A model's own: its end token, and what it must end with at the limit.
    #[must_use]
    pub fn of(model: &Model, max_new: usize) -> Self {
        Self { forced: model.config.forced_eos(), ..Self::new(model.config.eos(), max_new) }
    }
}

/// The token that a text alone spells.
///
/// # Errors
/// When the tokenizer refuses it, or it is not one token.
pub fn stop_token(tokenizer: &Tokenizer, text: &str) -> Result<u32, TrainError> {
    match tokenizer.encode(text)?[..] {
        [token] => Ok(token),
        ref tokens => Err(DecodeError::Stop { text: text.to_owned(), tokens: tokens.len() }.into()),
    }
}

/// What the encoder of a model reads of a text: framed by the template of the tokenizer, or by the special tokens of the family
/// where that adds none.
///
/// # Errors
/// When the tokenizer refuses the text.
pub fn source_of_text(model: &Model, tokenizer: &Tokenizer, text: &str) -> Result<Vec<u32>, TextError> {
    let encoding = tokenizer.encode_with(text, None, true)?;
    if encoding.special.contains(&true) {
        return Ok(encoding.ids);
    }
    let start = model.config.bos().filter(|_| model.config.family() == Family::Bart);
    Ok(start.into_iter().chain(encoding.ids).chain(model.config.eos()).collect())
}

/// What a decoder-only model begins a text with: its start token, or a line end.
#[must_use]
pub fn start_of_text(model: &Model, tokenizer: &Tokenizer) -> Option<Vec<u32>> {
    let start = model.config.bos().filter(|&id| (id as usize) < model.config.vocabulary());
    let line = || tokenizer.encode("\n").ok().filter(|ids| !ids.is_empty());
    start.map(|id| vec![id]).or_else(line)
}

impl Session {
    /// What answers a text of the page: of a decoder-only model what continues it, of an encoder–decoder what it makes of it
    /// under the objective of the run. Of a task's question the answer has the length that it should have.
    ///
    /// # Errors
    /// When the text cannot be encoded.
    pub fn request(&self, text: &str, strategy: Strategy, mut rules: Rules) -> Result<Request, TrainError> {
        let model = &self.settings().model;
        if model.config.family().architecture() == Architecture::EncoderDecoder {
            return Ok(Request::source(model, self.probe(text, None)?.ids, &[], strategy, rules)?);
        }
        let prompt = match self.data().question(text)? {
            Some(example) => {
                rules.max_new = rules.max_new.min(example.answer.len());
                rules.min_new = rules.min_new.min(rules.max_new);
                example.question
            }
            None => self.data().tokenizer().encode(text)?,
        };
        let start = || start_of_text(model, self.data().tokenizer());
        let prompt = Some(prompt).filter(|ids| !ids.is_empty()).or_else(start).ok_or(DataError::EmptyProbe)?;
        Ok(Request { window: self.settings().context, ..Request::prompt(prompt, strategy, rules) })
    }

    /// Answers a text, see [`Self::request`]. `each` sees the text so far and may stop it.
    ///
    /// # Errors
    /// When the text cannot be encoded, the model does not write, or the device fails.
    pub async fn generate(
        &mut self,
        text: &str,
        strategy: Strategy,
        rules: Rules,
        each: &mut dyn FnMut(&str) -> ControlFlow<()>,
    ) -> Result<Generated<String>, TrainError> {
        let request = self.request(text, strategy, rules)?;
        let data = self.shared_data();
        let tokenizer = data.tokenizer();
        let mut show = |new: &[u32]| each(&tokenizer.decode(new));
        let Generated { new, ended } = generate(self.engine_mut(), &request, &mut show).await?;
        Ok(Generated { new: tokenizer.decode(&new), ended })
    }
}
