//! Batches for encoders: masked language modeling, alone or with sentence pairs, and classification.

use super::batch_of;
use super::key::Key;
use super::mlm::{Masking, Mlm, corrupt, select, slots};
use super::nsp::{PairTask, draw_pair};
use super::rows::EncoderRows;
use crate::data::corpus::Part;
use crate::data::{Batch, DataError, Shape, Vocabulary};

/// `[CLS] text [SEP]`, as far as the vocabulary has these.
pub(super) fn single(text: &[u32], vocabulary: &Vocabulary) -> Vec<u32> {
    let specials = &vocabulary.specials;
    specials.start.into_iter().chain(text.iter().copied()).chain(specials.end).collect()
}

/// Tokens that [`single`] adds.
fn added(vocabulary: &Vocabulary) -> usize {
    usize::from(vocabulary.specials.start.is_some()) + usize::from(vocabulary.specials.end.is_some())
}

/// Tokens for text in a row of `source` tokens of which `added` are special; refuses less than `least`.
fn room(name: &'static str, source: usize, added: usize, least: usize) -> Result<usize, DataError> {
    match source.checked_sub(added) {
        Some(room) if room >= least => Ok(room),
        _ => Err(DataError::Length { objective: name, part: "source", length: source, least: added + least }),
    }
}

/// Masked language modeling over documents.
pub(super) fn mlm(
    options: &Mlm,
    part: &Part<'_>,
    vocabulary: &Vocabulary,
    shape: Shape,
    key: Key,
) -> Result<Batch, DataError> {
    let name = "mlm";
    let (pad, mask) = (vocabulary.pad(name)?, vocabulary.mask(name)?);
    let documents = part.documents(name)?;
    let room = room(name, shape.source, added(vocabulary), 1)?;
    let mut rows = EncoderRows::new(shape.batch, shape.source, pad);
    let mut selected = Vec::with_capacity(shape.batch);
    for example in batch_of(shape) {
        let (text, place) = documents.excerpt(room, &mut key.choice(example));
        let mut row = single(text, vocabulary);
        let mut draws = match options.masking {
            Masking::Dynamic => key.noise(example),
            Masking::Static => key.noise_at(place as u32),
        };
        let positions = select(&row, options, vocabulary, &mut draws);
        selected.push(corrupt(&mut row, &positions, mask, vocabulary, &mut draws));
        rows.push(row, usize::MAX);
    }
    let mut out = Batch::default();
    rows.finish_with_slots(&selected, slots(options.probability, shape.batch, shape.source), &mut out);
    Ok(out)
}

/// Masked language modeling over sentence pairs, with the pairs' labels. Pairs are drawn anew at every visit, so
/// [`Masking::Static`] makes no difference.
pub(super) fn pairs(
    options: &Mlm,
    task: PairTask,
    part: &Part<'_>,
    vocabulary: &Vocabulary,
    shape: Shape,
    key: Key,
) -> Result<Batch, DataError> {
    let name = match task {
        PairTask::Next => "mlm+nsp",
        PairTask::Order => "mlm+sop",
    };
    let (pad, mask) = (vocabulary.pad(name)?, vocabulary.mask(name)?);
    let (start, end) = (vocabulary.start(name)?, vocabulary.end(name)?);
    let documents = part.documents(name)?;
    let room = room(name, shape.source, 3, 2)?;
    let mut rows = EncoderRows::new(shape.batch, shape.source, pad);
    let mut selected = Vec::with_capacity(shape.batch);
    let mut labels = Vec::with_capacity(shape.batch);
    for example in batch_of(shape) {
        let pair = draw_pair(documents, task, room, &mut key.choice(example));
        let pair = pair.ok_or_else(|| part.lacks(name, "documents of at least two sentences"))?;
        let second = pair.first.len() + 2;
        let mut row = vec![start];
        row.extend(pair.first);
        row.push(end);
        row.extend(pair.second);
        row.push(end);
        let mut draws = key.noise(example);
        let positions = select(&row, options, vocabulary, &mut draws);
        selected.push(corrupt(&mut row, &positions, mask, vocabulary, &mut draws));
        rows.push(row, second);
        labels.push(pair.label);
    }
    let mut out = Batch::default();
    rows.finish_with_slots(&selected, slots(options.probability, shape.batch, shape.source), &mut out);
    out.push("pair_targets", labels);
    out.push_floats("pair_weights", vec![1.0 / shape.batch as f32; shape.batch]);
    Ok(out)
}

/// Labeled documents: which class each is of.
pub(super) fn classify(part: &Part<'_>, vocabulary: &Vocabulary, shape: Shape, key: Key) -> Result<Batch, DataError> {
    let name = "classify";
    let pad = vocabulary.pad(name)?;
    vocabulary.start(name)?;
    room(name, shape.source, added(vocabulary), 1)?;
    let (documents, all) = (part.documents(name)?, part.labels()?);
    let mut rows = EncoderRows::new(shape.batch, shape.source, pad);
    let mut labels = Vec::with_capacity(shape.batch);
    let mut out = Batch::default();
    for example in batch_of(shape) {
        let chosen = key.choice(example).below(all.len() as u32) as usize;
        let (document, label) = all[chosen];
        out.dropped += rows.push(single(documents.document(document as usize), vocabulary), usize::MAX);
        labels.push(label);
    }
    rows.finish(&mut out);
    out.push("targets", labels);
    out.push_weights(std::iter::repeat_n(true, shape.batch));
    Ok(out)
}
