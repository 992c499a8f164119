//! Rows of examples, gathered into the tensors of a batch.

use super::mlm::Selected;
use crate::data::{Batch, DataError, Shape, Vocabulary};

/// Rows of an encoder: ids, token types, and which are padding.
pub(super) struct EncoderRows {
    time: usize,
    pad: u32,
    ids: Vec<u32>,
    type_ids: Vec<u32>,
    key_mask: Vec<u32>,
}

impl EncoderRows {
    pub(super) fn new(batch: usize, time: usize, pad: u32) -> Self {
        let room = || Vec::with_capacity(batch * time);
        Self { time, pad, ids: room(), type_ids: room(), key_mask: room() }
    }

    /// Adds a row whose tokens from `second` on are of type 1. A row that is too long loses the tokens before its last
    /// one; their number is returned.
    pub(super) fn push(&mut self, mut row: Vec<u32>, second: usize) -> u32 {
        let cut = fit(&mut row, self.time);
        let (used, padding) = (row.len(), self.time - row.len());
        self.ids.extend(row);
        self.ids.extend(std::iter::repeat_n(self.pad, padding));
        self.type_ids.extend((0..self.time).map(|at| u32::from(at >= second && at < used)));
        self.key_mask.extend((0..self.time).map(|at| u32::from(at < used)));
        cut
    }

    /// Adds the tensors to a batch.
    pub(super) fn finish(self, out: &mut Batch) {
        out.push("ids", self.ids);
        out.push("type_ids", self.type_ids);
        out.push("key_mask", self.key_mask);
    }

    /// Adds the tensors and the positions to predict, those of each row in order. Selections without a slot are undone,
    /// from the end.
    pub(super) fn finish_with_slots(mut self, selected: &[Vec<Selected>], slots: usize, out: &mut Batch) {
        let all = selected.iter().enumerate().flat_map(|(row, selected)| selected.iter().map(move |s| (row, s)));
        let (mut rows, mut targets) = (Vec::with_capacity(slots), Vec::with_capacity(slots));
        for (row, selected) in all {
            let at = row * self.time + selected.position;
            if rows.len() < slots {
                rows.push(at as u32);
                targets.push(selected.original);
            } else {
                self.ids[at] = selected.original;
                out.dropped += 1;
            }
        }
        let used = rows.len();
        rows.resize(slots, 0);
        targets.resize(slots, 0);
        self.finish(out);
        out.push("rows", rows);
        out.push("targets", targets);
        out.push_weights((0..slots).map(|slot| slot < used));
    }
}

/// Rows of an encoder with what its decoder is to write.
pub(super) struct PairRows {
    shape: Shape,
    pad: u32,
    start: u32,
    encoder: EncoderRows,
    decoder_ids: Vec<u32>,
    targets: Vec<u32>,
    counts: Vec<bool>,
    dropped: u32,
}

impl PairRows {
    pub(super) fn new(shape: Shape, vocabulary: &Vocabulary, objective: &'static str) -> Result<Self, DataError> {
        let pad = vocabulary.pad(objective)?;
        let start = vocabulary.decoder_start(objective)?;
        let room = shape.batch * shape.target;
        Ok(Self {
            shape,
            pad,
            start,
            encoder: EncoderRows::new(shape.batch, shape.source, pad),
            decoder_ids: Vec::with_capacity(room),
            targets: Vec::with_capacity(room),
            counts: Vec::with_capacity(room),
            dropped: 0,
        })
    }

    /// Adds an example, both sides framed. The decoder reads the target shifted right by one.
    pub(super) fn push(&mut self, input: Vec<u32>, mut target: Vec<u32>) {
        self.dropped += self.encoder.push(input, usize::MAX) + fit(&mut target, self.shape.target);
        let used = target.len();
        target.resize(self.shape.target, self.pad);
        self.decoder_ids.push(self.start);
        // What stands after the last target is padding to the decoder too.
        let read = target.iter().take(used.min(self.shape.target.saturating_sub(1)));
        self.decoder_ids.extend(read);
        self.decoder_ids.resize(self.targets.len() + self.shape.target, self.pad);
        self.targets.extend(target);
        self.counts.extend((0..self.shape.target).map(|at| at < used));
    }

    /// Counts what an objective left out to fit.
    pub(super) fn add_dropped(&mut self, dropped: usize) {
        self.dropped += dropped as u32;
    }

    pub(super) fn finish(self) -> Batch {
        let mut out = Batch { dropped: self.dropped, ..Batch::default() };
        out.push("ids", self.encoder.ids);
        out.push("key_mask", self.encoder.key_mask);
        out.push("decoder_ids", self.decoder_ids);
        out.push("targets", self.targets);
        out.push_weights(self.counts);
        out
    }
}

/// Cuts the tokens before the last one from a row that is longer than `length`; how many.
fn fit(row: &mut Vec<u32>, length: usize) -> u32 {
    let cut = row.len().saturating_sub(length);
    if cut > 0 && length > 0 {
        row.drain(length - 1..row.len() - 1);
    } else {
        row.truncate(length);
    }
    cut as u32
}
