//! Tokens in, logits out, over the keys and values of the tokens before.

use super::{CacheShape, Cursor, DecodeError};
use crate::models::{Head, ModelError};
use crate::train::TrainError;
use crate::train::engine::{Engine, Lane};

/// A model that reads token by token. What it has read stays in a cache on the device, so that a token costs the same however
/// many came before; the engine keeps the graphs for the next decoder of the same shape.
pub struct Decoder<'a> {
    engine: &'a mut Engine,
    lane: Option<Lane>,
    cursor: Cursor,
    vocabulary: usize,
}

impl<'a> Decoder<'a> {
    /// Makes graphs and cache ready.
    ///
    /// # Errors
    /// [`ModelError::NoDecoder`] and [`DecodeError::Head`] for a model that writes nothing, [`ModelError::Context`] for more
    /// room than the model has positions; when the device cannot hold the cache.
    pub async fn new(engine: &'a mut Engine, shape: CacheShape) -> Result<Decoder<'a>, TrainError> {
        let model = engine.model().clone();
        let family = model.config.family().name();
        if model.config.decoder().is_none() {
            return Err(ModelError::NoDecoder { family }.into());
        }
        if model.head != Head::Language {
            return Err(DecodeError::Head { family, head: model.head.name() }.into());
        }
        let encoder = model.config.encoder().is_some();
        if encoder != (shape.source > 0) {
            return Err(DecodeError::Source { family, encoder }.into());
        }
        let lane = engine.take_lane(shape).await?;
        let (cursor, vocabulary) = (Cursor::new(&model, shape), model.config.vocabulary());
        Ok(Self { engine, lane: Some(lane), cursor, vocabulary })
    }

    /// Tokens of each row so far.
    #[must_use]
    pub const fn position(&self) -> usize {
        self.cursor.position()
    }

    /// Extents of the cache.
    #[must_use]
    pub const fn shape(&self) -> CacheShape {
        self.cursor.shape()
    }

    /// Reads a source in each row, once for all tokens to come.
    ///
    /// # Errors
    /// When the sources do not fit the shape, or the device fails.
    pub async fn encode(&mut self, sources: &[Vec<u32>]) -> Result<(), TrainError> {
        let inputs = self.cursor.encode(sources)?;
        match &mut self.lane {
            Some(lane) => lane.encode(self.engine, &inputs).await,
            None => Ok(()),
        }
    }

    /// Reads some tokens in each row, as many steps in one submit as the device takes; returns the logits after the last ones,
    /// V for each row.
    ///
    /// # Errors
    /// When the rows are not as many as the cache has, not of one length or empty, or the cache has no room; when the device
    /// fails.
    pub async fn feed(&mut self, tokens: &[Vec<u32>]) -> Result<Vec<Vec<f64>>, TrainError> {
        let count = tokens.first().map_or(0, Vec::len);
        if let Some(other) = tokens.iter().map(Vec::len).find(|&n| n != count || n == 0) {
            return Err(DecodeError::Rows { what: "tokens of a row", found: other, expected: count.max(1) }.into());
        }
        let (room, needed) = (self.shape().room, self.position() + count);
        if needed > room {
            return Err(DecodeError::Room { what: "the cache", found: needed, limit: room }.into());
        }
        let column = |at: usize| tokens.iter().filter_map(|row| row.get(at).copied()).collect::<Vec<u32>>();
        let steps = (0..count).map(|at| self.cursor.step(&column(at))).collect::<Result<Vec<_>, _>>()?;
        let logits = match &mut self.lane {
            Some(lane) => lane.steps(self.engine, &steps).await?,
            None => Vec::new(),
        };
        Ok(logits.chunks(self.vocabulary.max(1)).map(|row| row.iter().map(|&l| f64::from(l)).collect()).collect())
    }

    /// Row i goes on as row `parents[i]` did: the survivors of a step of beam search.
    ///
    /// # Errors
    /// When the parents are not as many as the rows, or none of them; when the device fails.
    pub async fn reorder(&mut self, parents: &[u32]) -> Result<(), TrainError> {
        self.cursor.reorder(parents)?;
        let moved = (0..).zip(parents).any(|(row, &parent)| row != parent);
        match &mut self.lane {
            Some(lane) if moved => lane.reorder(parents).await,
            Some(_) | None => Ok(()),
        }
    }

    /// Forgets the tokens, not the sources.
    pub const fn rewind(&mut self) {
        self.cursor.rewind();
    }
}

impl Drop for Decoder<'_> {
    fn drop(&mut self) {
        if let Some(lane) = self.lane.take() {
            self.engine.keep_lane(lane);
        }
    }
}
