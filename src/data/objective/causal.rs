//! Language modeling from left to right: windows of a text, packed documents, and the prefix variant.

use serde::{Deserialize, Serialize};

use super::batch_of;
use super::key::Key;
use super::span::random_prefix;
use crate::data::batch::{SEEN_BY_ALL, window};
use crate::data::corpus::Part;
use crate::data::documents::Documents;
use crate::data::{Batch, DataError, Shape, Vocabulary};

/// Parameters of causal language modeling.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Causal {
    /// Whether documents are framed by `<bos>` and `<eos>` (without a start token: preceded by the end token, as GPT-2 has
    /// it) and packed into rows, instead of windows of the text as it stands.
    pub documents: bool,
    /// Whether packed documents are kept apart: no attention from one to another, positions from 0 in each, and the first
    /// token of a document is no target of the one before.
    pub isolate: bool,
}

/// Windows of the text, or packed documents.
pub(super) fn batch(
    options: &Causal,
    part: &Part<'_>,
    vocabulary: &Vocabulary,
    shape: Shape,
    key: Key,
) -> Result<Batch, DataError> {
    let time = shape.source;
    if !options.documents {
        let tokens = part.tokens(time.saturating_add(1), time)?;
        return Ok(Batch::windows(tokens, &mut key.batch(), shape.batch, time));
    }
    let end = vocabulary.end("causal")?;
    let start = vocabulary.specials.start;
    let documents = part.documents("causal")?;
    let [mut ids, mut targets, mut key_mask, mut position_ids] = [const { Vec::new() }; 4];
    let mut counts = Vec::new();
    for example in batch_of(shape) {
        let first = key.choice(example).below(documents.tokens().len() as u32) as usize;
        let row = Row::pack(documents, first, start, end, time + 1);
        ids.extend_from_slice(&row.ids[..time]);
        targets.extend_from_slice(&row.ids[1..]);
        key_mask.extend_from_slice(&row.documents[..time]);
        position_ids.extend_from_slice(&row.positions[..time]);
        // Where there is no start token, the end token that opens a document is the true successor of the last one.
        let crosses = |at: usize| start.is_some() && row.documents[at] != row.documents[at + 1];
        counts.extend((0..time).map(|at| !(options.isolate && crosses(at))));
    }
    let mut out = Batch::default();
    out.push("ids", ids);
    out.push("targets", targets);
    out.push_weights(counts);
    if options.isolate {
        out.push("key_mask", key_mask);
        out.push("position_ids", position_ids);
    }
    Ok(out)
}

/// Packed documents, from a token of one on.
struct Row {
    ids: Vec<u32>,
    /// The number of the document in the row, from 1.
    documents: Vec<u32>,
    /// The position in the document's part of the row.
    positions: Vec<u32>,
}

impl Row {
    fn pack(documents: &Documents, first: usize, start: Option<u32>, end: u32, length: usize) -> Self {
        let mut row = Self { ids: Vec::new(), documents: Vec::new(), positions: Vec::new() };
        let (mut document, mut offset) = documents.locate(first);
        let mut number = 1;
        while row.ids.len() < length {
            let opening = (offset == 0).then_some(start.unwrap_or(end));
            let text = documents.document(document)[offset..].iter().copied();
            let closing = start.map(|_| end);
            let room = length - row.ids.len();
            let before = row.ids.len();
            row.ids.extend(opening.into_iter().chain(text).chain(closing).take(room));
            row.documents.resize(row.ids.len(), number);
            row.positions.extend(0..(row.ids.len() - before) as u32);
            (document, offset) = ((document + 1) % documents.len(), 0);
            number += 1;
        }
        row
    }
}

/// A prefix that every position sees, and the rest of the window from left to right: the loss counts the rest only.
pub(super) fn prefix_batch(part: &Part<'_>, shape: Shape, key: Key) -> Result<Batch, DataError> {
    let time = shape.source;
    let tokens = part.tokens(time.saturating_add(1), time)?;
    let [mut ids, mut targets, mut key_mask] = [const { Vec::new() }; 3];
    let mut counts = Vec::new();
    for example in batch_of(shape) {
        let start = window(tokens.len(), time + 1, &mut key.choice(example));
        let row = &tokens[start..=start + time];
        let is_prefix = random_prefix(row.len(), &mut key.noise(example));
        ids.extend_from_slice(&row[..time]);
        targets.extend_from_slice(&row[1..]);
        key_mask.extend(is_prefix[..time].iter().map(|&prefix| if prefix { 1 | SEEN_BY_ALL } else { 1 }));
        counts.extend(is_prefix[1..].iter().map(|prefix| !prefix));
    }
    let mut out = Batch::default();
    out.push("ids", ids);
    out.push("targets", targets);
    out.push_weights(counts);
    out.push("key_mask", key_mask);
    Ok(out)
}
