//! What the host keeps of a cache: how far its sequences have come, and the inputs of the step that adds a token to each.

use super::DecodeError;
use crate::models::{Architecture, Config, Extents, KeyMask, Model};

/// Extents of a cache.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CacheShape {
    /// Sequences side by side.
    pub batch: usize,
    /// Tokens that each has room for.
    pub room: usize,
    /// Tokens of the longest source, where there is an encoder; 0 otherwise.
    pub source: usize,
}

impl CacheShape {
    /// Extents of the graphs that encode and decode.
    #[must_use]
    pub const fn extents(&self) -> Extents {
        if self.source == 0 {
            return Extents::decoder(self.batch, self.room);
        }
        Extents { batch: self.batch, time: self.source, target: self.room, key_mask: KeyMask::Padding, rows: None }
    }
}

/// How far the sequences of a cache have come.
#[derive(Clone, Debug)]
pub struct Cursor {
    shape: CacheShape,
    architecture: Architecture,
    /// The row of the table of positions that belongs to position 0.
    first_row: u32,
    /// Keys that a banded layer sees, where there are such layers.
    band: Option<usize>,
    pad: u32,
    position: usize,
    /// u32 `[B,S]`: which tokens of the sources are there.
    source_mask: Vec<u32>,
}

/// Data of a step, by the graph's input names.
type Inputs = Vec<(&'static str, Vec<u32>)>;

impl Cursor {
    /// At the start of empty sequences.
    #[must_use]
    pub fn new(model: &Model, shape: CacheShape) -> Self {
        let band = match &model.config {
            Config::Gpt2(config) => config.options.band,
            Config::Bert(_) | Config::T5(_) | Config::Bart(_) | Config::Transformer(_) => None,
        };
        Self {
            shape,
            architecture: model.config.family().architecture(),
            first_row: model.position_row(0),
            band,
            pad: model.config.pad().unwrap_or_default(),
            position: 0,
            source_mask: vec![0; shape.batch * shape.source],
        }
    }

    /// Extents of the cache.
    #[must_use]
    pub const fn shape(&self) -> CacheShape {
        self.shape
    }

    /// Tokens of each sequence so far.
    #[must_use]
    pub const fn position(&self) -> usize {
        self.position
    }

    /// Back to the start; the sources stay.
    pub const fn rewind(&mut self) {
        self.position = 0;
    }

    /// The inputs of the graph that encodes, for a source in each row.
    ///
    /// # Errors
    /// [`DecodeError::Rows`] for another number of sources, [`DecodeError::Room`] for one that is too long.
    pub fn encode(&mut self, sources: &[Vec<u32>]) -> Result<Inputs, DecodeError> {
        let CacheShape { batch, source: limit, .. } = self.shape;
        rows("sources", sources.len(), batch)?;
        let (mut ids, mut mask) = (Vec::with_capacity(batch * limit), Vec::with_capacity(batch * limit));
        for source in sources {
            if source.len() > limit {
                return Err(DecodeError::Room { what: "the source", found: source.len(), limit });
            }
            ids.extend_from_slice(source);
            mask.resize(ids.len(), 1);
            ids.resize(ids.len().next_multiple_of(limit.max(1)), self.pad);
            mask.resize(ids.len(), 0);
        }
        self.source_mask.clone_from(&mask);
        Ok(vec![("ids", ids), ("key_mask", mask)])
    }

    /// The inputs of the step that adds a token to each row, and moves on.
    ///
    /// # Errors
    /// [`DecodeError::Rows`] for another number of tokens, [`DecodeError::Room`] when the cache is full.
    pub fn step(&mut self, tokens: &[u32]) -> Result<Inputs, DecodeError> {
        let CacheShape { batch, room, .. } = self.shape;
        rows("tokens of a step", tokens.len(), batch)?;
        let position = self.position;
        if position >= room {
            return Err(DecodeError::Room { what: "the cache", found: position + 1, limit: room });
        }
        self.position += 1;
        let seen = |width: usize| {
            let row = (0..room).map(move |k| u32::from(k <= position && position - k < width));
            (0..batch).flat_map(move |_| row.clone()).collect::<Vec<u32>>()
        };
        let ids = if self.architecture == Architecture::EncoderDecoder { "decoder_ids" } else { "ids" };
        let mut inputs = vec![
            (ids, tokens.to_vec()),
            ("position", vec![position as u32]),
            ("position_row", vec![self.first_row + position as u32]),
            ("cache_mask", seen(room)),
            ("distances", (0..room).map(|k| (k + room - 1 - position) as u32).collect()),
        ];
        inputs.extend(self.band.map(|width| ("band_mask", seen(width))));
        if self.architecture == Architecture::EncoderDecoder {
            inputs.push(("key_mask", self.source_mask.clone()));
        }
        Ok(inputs)
    }

    /// Row i goes on as row `parents[i]` did.
    ///
    /// # Errors
    /// [`DecodeError::Rows`] for another number of parents, or one that is none of the rows.
    pub fn reorder(&mut self, parents: &[u32]) -> Result<(), DecodeError> {
        let CacheShape { batch, source, .. } = self.shape;
        rows("parents", parents.len(), batch)?;
        let mut mask = Vec::with_capacity(self.source_mask.len());
        for &parent in parents {
            let first = parent as usize * source;
            let row = self.source_mask.get(first..first + source).filter(|_| (parent as usize) < batch);
            mask.extend_from_slice(row.ok_or(DecodeError::Rows {
                what: "rows of a parent's number",
                found: batch,
                expected: parent as usize + 1,
            })?);
        }
        self.source_mask = mask;
        Ok(())
    }
}

const fn rows(what: &'static str, found: usize, expected: usize) -> Result<(), DecodeError> {
    if found == expected { Ok(()) } else { Err(DecodeError::Rows { what, found, expected }) }
}
