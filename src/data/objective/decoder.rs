//! Batches for encoders with decoders: corrupted texts, and pairs of question and answer.

use super::batch_of;
use super::denoise::{Denoise, noise};
use super::key::Key;
use super::rows::PairRows;
use super::t5::Corruption;
use crate::data::batch::window;
use crate::data::corpus::{Pair, Part};
use crate::data::{Batch, DataError, Shape, Vocabulary};

/// Tokens of both sides without their frames; refuses less than `least` of either.
fn room(
    name: &'static str,
    shape: Shape,
    least: (usize, usize),
    vocabulary: &Vocabulary,
) -> Result<(usize, usize), DataError> {
    let added = vocabulary.frame.added();
    let inside = |part: &'static str, length: usize, least: usize| {
        let too_short = DataError::Length { objective: name, part, length, least: added + least };
        length.checked_sub(added).filter(|&room| room >= least).ok_or(too_short)
    };
    Ok((inside("source", shape.source, least.0)?, inside("target", shape.target, least.1)?))
}

/// T5's objectives, over windows of the text.
pub(super) fn corrupted(
    corruption: &Corruption,
    part: &Part<'_>,
    vocabulary: &Vocabulary,
    shape: Shape,
    key: Key,
) -> Result<Batch, DataError> {
    let name = corruption.name();
    let (source, target) = room(name, shape, corruption.least(), vocabulary)?;
    let raw = corruption.raw_length(source, target);
    let tokens = part.tokens(raw, shape.source)?;
    let mut rows = PairRows::new(shape, vocabulary, name)?;
    for example in batch_of(shape) {
        let start = window(tokens.len(), raw, &mut key.choice(example));
        let text = &tokens[start..start + raw];
        let done = corruption.apply(text, None, target, vocabulary, &mut key.noise(example))?;
        rows.add_dropped(done.undone);
        rows.push(vocabulary.framed(done.input), vocabulary.framed(done.target));
    }
    Ok(rows.finish())
}

/// BART's noise, over documents.
pub(super) fn denoised(
    options: &Denoise,
    part: &Part<'_>,
    vocabulary: &Vocabulary,
    shape: Shape,
    key: Key,
) -> Result<Batch, DataError> {
    let name = "denoise";
    let (source, target) = room(name, shape, (1, 1), vocabulary)?;
    let mask = vocabulary.mask(name)?;
    let documents = part.documents(name)?;
    let mut rows = PairRows::new(shape, vocabulary, name)?;
    for example in batch_of(shape) {
        let (text, _) = documents.excerpt(source.min(target), &mut key.choice(example));
        let noised = noise(text, options, mask, source, vocabulary, &mut key.noise(example));
        rows.add_dropped(noised.left_out);
        rows.push(vocabulary.framed(noised.ids()), vocabulary.framed(text.iter().copied()));
    }
    Ok(rows.finish())
}

/// Pairs of source and target; what is too long is cut before its last token.
pub(in crate::data) fn pairs(
    mut pair: impl FnMut(u32) -> Pair,
    vocabulary: &Vocabulary,
    shape: Shape,
) -> Result<Batch, DataError> {
    let name = "seq2seq";
    room(name, shape, (1, 1), vocabulary)?;
    let mut rows = PairRows::new(shape, vocabulary, name)?;
    for example in batch_of(shape) {
        let (source, target) = pair(example);
        rows.push(vocabulary.framed(source), vocabulary.framed(target));
    }
    Ok(rows.finish())
}
