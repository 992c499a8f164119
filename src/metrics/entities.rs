//! Named entities, by seqeval's definitions: an entity counts when its type and both its ends are right.

use std::collections::BTreeSet;

use super::{MetricError, Prf, paired};

/// What makes a run of tags an entity.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scheme {
    /// seqeval's default, that of conlleval: an `I-X` that continues nothing starts an entity.
    Lenient,
    /// IOB2 by the book, seqeval's `mode="strict", scheme=IOB2`: only a `B-X` starts one, other `I-X` are passed over.
    Strict,
}

/// Type, and first and last token.
type Entity<'a> = (&'a str, usize, usize);

enum Tag<'a> {
    Outside,
    Begin(&'a str),
    Inside(&'a str),
}

/// Micro-averaged scores over all entities of all sequences; tags are `O`, `B-TYPE` and `I-TYPE`.
///
/// # Errors
/// When the numbers of sequences, or of the tags of one, differ, there is no sequence, or a tag is of another kind.
pub fn entity_scores<S: AsRef<str>>(
    predictions: &[Vec<S>],
    references: &[Vec<S>],
    scheme: Scheme,
) -> Result<Prf, MetricError> {
    paired("entity F1", predictions.len(), references.len())?;
    let (mut hits, mut predicted, mut true_ones) = (0, 0, 0);
    for (sequence, (prediction, reference)) in predictions.iter().zip(references).enumerate() {
        let (predictions, references) = (prediction.len(), reference.len());
        if predictions != references {
            return Err(MetricError::Lengths { metric: "entity F1, tags of one sequence", predictions, references });
        }
        let found = entities(prediction, scheme, "predictions", sequence)?;
        let expected = entities(reference, scheme, "references", sequence)?;
        hits += found.intersection(&expected).count();
        predicted += found.len();
        true_ones += expected.len();
    }
    Ok(Prf::from_counts(hits, predicted, true_ones))
}

fn entities<'a, S: AsRef<str>>(
    tags: &'a [S],
    scheme: Scheme,
    side: &'static str,
    sequence: usize,
) -> Result<BTreeSet<Entity<'a>>, MetricError> {
    let mut found = BTreeSet::new();
    let mut open: Option<(&str, usize)> = None;
    for (token, text) in tags.iter().map(AsRef::as_ref).enumerate() {
        let tag = parse(text).ok_or_else(|| MetricError::Tag { tag: text.to_owned(), side, sequence, token })?;
        let continues = matches!((&tag, open), (Tag::Inside(kind), Some((current, _))) if *kind == current);
        if continues {
            continue;
        }
        if let Some((kind, start)) = open.take() {
            found.insert((kind, start, token - 1));
        }
        open = match (tag, scheme) {
            (Tag::Begin(kind), _) | (Tag::Inside(kind), Scheme::Lenient) => Some((kind, token)),
            (Tag::Inside(_), Scheme::Strict) | (Tag::Outside, _) => None,
        };
    }
    if let Some((kind, start)) = open {
        found.insert((kind, start, tags.len() - 1));
    }
    Ok(found)
}

fn parse(text: &str) -> Option<Tag<'_>> {
    match text.split_once('-') {
        None if text == "O" => Some(Tag::Outside),
        Some(("B", kind)) if !kind.is_empty() => Some(Tag::Begin(kind)),
        Some(("I", kind)) if !kind.is_empty() => Some(Tag::Inside(kind)),
        None | Some(_) => None,
    }
}
