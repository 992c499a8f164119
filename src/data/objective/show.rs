//! One text before and after an objective, with what happened to which token: what the page draws.

use std::ops::Range;

use serde::Serialize;

use super::denoise::{Filler, NoisedText, infill_runs, noise};
use super::mlm::{Fate, Mlm, Selected, corrupt, select};
use super::{Corruption, Objective, encoder, span};
use crate::data::{DataError, Vocabulary};
use crate::rng::{Draws, Stream};

/// What happened to a part of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The mask or a sentinel stands for each token.
    Masked,
    /// A random token stands there.
    Replaced,
    /// It is to be predicted though it is visible.
    Kept,
    /// One sentinel or mask stands for all of it; spans are numbered from 0.
    Span(usize),
    /// Nothing stands there.
    Deleted,
    /// A mask stands where there was no text.
    Inserted,
    /// It stands in another place.
    Permuted,
    /// It was moved by a rotation.
    Rotated,
    /// It is to be written on.
    Continued,
}

/// One part of the text, where it stands in the input, and where in the target. Ranges are empty where it does not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// What happened.
    pub role: Role,
    /// Positions in the text.
    pub text: Range<usize>,
    /// Positions in the input.
    pub input: Range<usize>,
    /// Positions in the target.
    pub target: Range<usize>,
}

/// A text under an objective, special tokens included.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Shown {
    /// What the model reads.
    pub input: Vec<u32>,
    /// What it is to write; for masked language modeling the row before it was corrupted.
    pub target: Vec<u32>,
    /// What happened, in the order of the text.
    pub changed: Vec<Change>,
}

impl Objective {
    /// Shows what the objective makes of `ids`, a text without special tokens. `forced` marks the tokens to hide, instead of
    /// draws from `seed`: all of them are masked, spans in one piece where the objective hides spans.
    ///
    /// # Errors
    /// A vocabulary without a token that is to be written, or parameters out of bounds.
    pub fn show(
        &self,
        ids: &[u32],
        vocabulary: &Vocabulary,
        seed: u32,
        forced: Option<&[bool]>,
    ) -> Result<Shown, DataError> {
        self.check()?;
        let mut draws = Draws::new(0, Stream::ValidationNoise, seed);
        if let Some(corruption) = self.corruption() {
            return corrupted(&corruption, ids, vocabulary, forced, &mut draws);
        }
        match self {
            Self::Mlm(options) | Self::MlmNsp(options) | Self::MlmSop(options) => {
                masked(options, vocabulary.mask(self.name())?, ids, vocabulary, forced, &mut draws)
            }
            Self::Denoise(options) => {
                let mask = vocabulary.mask(self.name())?;
                let noised = match forced {
                    None => noise(ids, options, mask, usize::MAX, vocabulary, &mut draws),
                    Some(forced) => {
                        let mut text = NoisedText::new(ids);
                        let filler = Filler { mask, random: 0.0, vocabulary };
                        infill_runs(&mut text, forced, &filler, &mut draws);
                        text
                    }
                };
                Ok(denoised(&noised, ids, vocabulary))
            }
            Self::Causal(_) => {
                let row = encoder::single(ids, vocabulary);
                let shifted = row.get(1..).unwrap_or_default().to_vec();
                Ok(Shown { input: row[..shifted.len()].to_vec(), target: shifted, changed: Vec::new() })
            }
            Self::Classify => Ok(Shown { input: encoder::single(ids, vocabulary), ..Shown::default() }),
            _ => Ok(Shown { input: vocabulary.framed(ids.iter().copied()), ..Shown::default() }),
        }
    }
}

fn masked(
    options: &Mlm,
    mask: u32,
    ids: &[u32],
    vocabulary: &Vocabulary,
    forced: Option<&[bool]>,
    draws: &mut Draws,
) -> Result<Shown, DataError> {
    let target = encoder::single(ids, vocabulary);
    let mut input = target.clone();
    let before = usize::from(vocabulary.specials.start.is_some());
    let selected = match forced {
        Some(forced) => {
            let positions = (0..ids.len()).filter(|&at| forced.get(at) == Some(&true)).map(|at| at + before);
            let hide = |position: usize| {
                let original = std::mem::replace(&mut input[position], mask);
                Selected { position, original, fate: Fate::Masked }
            };
            positions.map(hide).collect()
        }
        None => {
            let positions = select(&input, options, vocabulary, draws);
            corrupt(&mut input, &positions, mask, vocabulary, draws)
        }
    };
    let change = |selected: Selected| {
        let role = match selected.fate {
            Fate::Masked => Role::Masked,
            Fate::Replaced => Role::Replaced,
            Fate::Kept => Role::Kept,
        };
        let at = selected.position;
        Change { role, text: at - before..at + 1 - before, input: at..at + 1, target: at..at + 1 }
    };
    let changed = selected.into_iter().map(change).collect();
    Ok(Shown { input, target, changed })
}

/// Tokens that the frame puts before a text.
fn framed_before(vocabulary: &Vocabulary) -> usize {
    let first = u32::MAX;
    usize::from(vocabulary.framed([first]).first() != Some(&first))
}

fn corrupted(
    corruption: &Corruption,
    ids: &[u32],
    vocabulary: &Vocabulary,
    forced: Option<&[bool]>,
    draws: &mut Draws,
) -> Result<Shown, DataError> {
    let done = corruption.apply(ids, forced, usize::MAX, vocabulary, draws)?;
    let before = framed_before(vocabulary);
    let text_runs = span::runs(&span::complement(&done.noise));
    let mut changed = Vec::new();
    for (number, run) in span::runs(&done.noise).into_iter().enumerate() {
        let hidden = done.noise[..run.start].iter().filter(|&&noise| noise).count();
        let visible = before + run.start - hidden;
        // Where the run is written: after the noise before it, or after that and a sentinel for each span of text.
        let written = before + hidden;
        let opened = written + text_runs.iter().filter(|text| text.start < run.start).count();
        let each = |role: &dyn Fn(usize) -> Role| -> Vec<Change> {
            let place = |at: usize| before + at..before + at + 1;
            run.clone()
                .map(|at| Change { role: role(at), text: at..at + 1, input: place(at), target: place(at) })
                .collect()
        };
        let whole =
            |role, input, target: usize| Change { role, text: run.clone(), input, target: target..target + run.len() };
        match corruption {
            Corruption::Span(_) | Corruption::UniqueSentinels => {
                let sentinel = visible + number;
                changed.push(whole(Role::Span(number), sentinel..sentinel + 1, opened));
            }
            Corruption::BertStyle | Corruption::MassStyle => {
                let sentinel = vocabulary.first_sentinel(corruption.name())?;
                changed.extend(each(&|at| if done.input[at] == sentinel { Role::Masked } else { Role::Replaced }));
            }
            Corruption::DropTokens => changed.push(whole(Role::Deleted, visible..visible, written)),
            Corruption::PrefixLm | Corruption::Lm => changed.push(whole(Role::Continued, visible..visible, written)),
            Corruption::Deshuffle => {
                let place = before + run.start;
                changed.push(whole(Role::Permuted, place..place + run.len(), place));
            }
        }
    }
    Ok(Shown { input: vocabulary.framed(done.input), target: vocabulary.framed(done.target), changed })
}

fn denoised(noised: &NoisedText, ids: &[u32], vocabulary: &Vocabulary) -> Shown {
    let before = framed_before(vocabulary);
    let place = |text: &Range<usize>| before + text.start..before + text.end;
    let mut changed: Vec<Change> = Vec::new();
    for (at, token) in noised.tokens.iter().enumerate() {
        let Some(role) = token.role else { continue };
        let input = before + at..before + at + 1;
        // Tokens that moved together are one change.
        let moved = matches!(role, Role::Permuted | Role::Rotated);
        match changed.last_mut() {
            Some(last)
                if moved && last.role == role && last.text.end == token.from.start && last.input.end == input.start =>
            {
                last.text.end = token.from.end;
                last.input.end = input.end;
            }
            _ => changed.push(Change { role, text: token.from.clone(), input, target: 0..0 }),
        }
    }
    let gone =
        noised.deleted.iter().map(|&at| Change { role: Role::Deleted, text: at..at + 1, input: 0..0, target: 0..0 });
    changed.extend(gone);
    changed.sort_by_key(|change| (change.text.start, change.text.end, change.input.start));
    for change in &mut changed {
        change.target = place(&change.text);
    }
    Shown { input: vocabulary.framed(noised.ids()), target: vocabulary.framed(ids.iter().copied()), changed }
}
