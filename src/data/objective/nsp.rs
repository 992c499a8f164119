//! Pairs of text for sentence-pair objectives: next sentence prediction, and sentence order prediction.
//!
//! Next sentence prediction after Google's `create_pretraining_data.py`: a run of segments of one document is cut in two
//! at random; half of the time the second part is replaced by a run of another document, label 1. Sentence order
//! prediction (ALBERT, Lan et al. 2020): both parts follow each other; half of the time they are swapped, label 1.

use super::draw::chance;
use crate::data::documents::Documents;
use crate::rng::Draws;

/// What the second label of a pair means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PairTask {
    /// The second part is of another document.
    Next,
    /// The second part stood before the first.
    Order,
}

/// Two parts of text without special tokens, and their label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextPair {
    /// First part.
    pub first: Vec<u32>,
    /// Second part.
    pub second: Vec<u32>,
    /// 0 if `second` follows `first` in the text.
    pub label: u32,
}

/// How often a pair aims at a random shorter length.
const SHORT: f64 = 0.1;

/// Draws a pair of at most `most` tokens, at least 2. `None` where no document has two segments, or, for
/// [`PairTask::Next`], fewer than two documents have.
///
/// Both parts come from documents of at least two segments: a document with a single one could only ever be the first
/// part of a false pair, which would give the label away.
#[must_use]
pub fn draw_pair(documents: &Documents, task: PairTask, most: usize, draws: &mut Draws) -> Option<TextPair> {
    let divisible = documents.divisible();
    if most < 2 || divisible.len() < usize::from(task == PairTask::Next) + 1 {
        return None;
    }
    let aim = if chance(draws, SHORT) { 2 + draws.below(most as u32 - 1) as usize } else { most };
    let chosen = draws.below(divisible.len() as u32) as usize;
    let segments = documents.segments(divisible[chosen] as usize);
    let run = run(&segments, 2, aim, draws);
    let cut = 1 + draws.below(run.len() as u32 - 1) as usize;
    let (first, second) = (run[..cut].concat(), run[cut..].concat());
    let is_false = chance(draws, 0.5);
    let (mut first, mut second) = match (is_false, task) {
        (false, _) => (first, second),
        (true, PairTask::Order) => (second, first),
        (true, PairTask::Next) => {
            let others = divisible.len() as u32 - 1;
            let other = (chosen + 1 + draws.below(others) as usize) % divisible.len();
            let segments = documents.segments(divisible[other] as usize);
            let room = aim.saturating_sub(first.len());
            (first, self::run(&segments, 1, room, draws).concat())
        }
    };
    shorten(&mut first, &mut second, most, draws);
    Some(TextPair { first, second, label: u32::from(is_false) })
}

/// Consecutive segments from a random one on, until they have `aim` tokens or the document ends; at least `fewest`.
fn run<'a>(segments: &[&'a [u32]], fewest: usize, aim: usize, draws: &mut Draws) -> Vec<&'a [u32]> {
    let starts = (segments.len() + 1).saturating_sub(fewest);
    let start = draws.below(starts as u32) as usize;
    let mut taken = Vec::new();
    let mut tokens = 0;
    for &segment in &segments[start..] {
        if taken.len() >= fewest && tokens >= aim {
            break;
        }
        tokens += segment.len();
        taken.push(segment);
    }
    taken
}

/// Takes tokens off the longer part, at a random end each time, until both together have at most `most`.
fn shorten(first: &mut Vec<u32>, second: &mut Vec<u32>, most: usize, draws: &mut Draws) {
    let mut bounds = [(0, first.len()), (0, second.len())];
    let length = |(start, end): (usize, usize)| end - start;
    while length(bounds[0]) + length(bounds[1]) > most {
        let longer = usize::from(length(bounds[0]) <= length(bounds[1]));
        if chance(draws, 0.5) {
            bounds[longer].0 += 1;
        } else {
            bounds[longer].1 -= 1;
        }
    }
    for (part, (start, end)) in [first, second].into_iter().zip(bounds) {
        part.truncate(end);
        part.drain(..start);
    }
}
