//! T5's objectives: span corruption, and the seven it was compared with (Raffel et al. 2020, section 3.3).
//!
//! | name | noise | input | target |
//! |---|---|---|---|
//! | `span` | spans, 15%, mean 3 | a sentinel per span | a sentinel per span of text |
//! | `iid_15_u_u` | 15% of the tokens | a sentinel per run | a sentinel per run of text |
//! | `iid_15_r10s90_f` | 15% of the tokens | 90% sentinel, 10% random token | the text |
//! | `iid_15_m_f` | 15% of the tokens | a sentinel per token, always the first | the text |
//! | `iid_15_d_d` | 15% of the tokens | without the noise | the noise |
//! | `prefix_lm` | a prefix of random length | the prefix | the rest |
//! | `all_permute` | everything | the tokens in a random order | the text |
//! | `lm` | | nothing | the text |

use serde::{Deserialize, Serialize};

use super::draw::rounded;
use super::span::{self, noise_counts};
use crate::data::{DataError, Vocabulary};
use crate::rng::Draws;

/// Share of noise among independent tokens.
const DENSITY: f64 = 0.15;
/// Share of the noise that becomes a random token in `iid_15_r10s90_f`.
const RANDOM: f64 = 0.1;

/// Parameters of span corruption.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Span {
    /// Share of the tokens that are noise.
    pub density: f64,
    /// Mean length of a noise span, in tokens.
    pub mean: f64,
    /// Whether the mask is turned by a random offset; without, a text never starts with noise and always ends with it.
    pub random_roll: bool,
    /// Whether the target ends with a sentinel even where the text ends with noise, as the paper's figure has it; without,
    /// the end token alone says so.
    pub final_sentinel: bool,
}

impl Default for Span {
    fn default() -> Self {
        Self { density: DENSITY, mean: 3.0, random_roll: false, final_sentinel: false }
    }
}

impl Span {
    /// Lengths of input and target for `raw` tokens, without frames: the most they can be.
    fn lengths(&self, raw: usize) -> (usize, usize) {
        let (noise, spans) = noise_counts(raw, self.density, self.mean);
        // Turning can cut one span in two.
        let torn = usize::from(self.random_roll);
        (raw.max(2) - noise + spans + torn, noise + spans + torn + usize::from(self.final_sentinel))
    }

    /// The tokens of text that fill an input of `source`, and the length of their target: T5's `random_spans_helper`, with
    /// one end token on each side. `None` below the 3 tokens that it takes at least.
    #[must_use]
    pub fn natural(&self, source: usize) -> Option<(usize, usize)> {
        let mut raw = self.longest(source.checked_sub(1)?, usize::MAX)?;
        let (input, target) = self.lengths(raw);
        // At half noise both sides are to be of one length.
        if self.density == 0.5 && target > input && raw > 2 {
            raw -= 1;
        }
        Some((raw, self.lengths(raw).1 + 1))
    }

    /// The most tokens of text whose input and target have these lengths or less.
    fn longest(&self, input: usize, target: usize) -> Option<usize> {
        let fits = |&raw: &usize| {
            let (i, t) = self.lengths(raw);
            i <= input && t <= target
        };
        (2..).take_while(fits).last()
    }
}

/// An objective of the table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Corruption {
    /// `span`.
    Span(Span),
    /// `iid_15_u_u`.
    UniqueSentinels,
    /// `iid_15_r10s90_f`.
    BertStyle,
    /// `iid_15_m_f`.
    MassStyle,
    /// `iid_15_d_d`.
    DropTokens,
    /// `prefix_lm`.
    PrefixLm,
    /// `all_permute`.
    Deshuffle,
    /// `lm`.
    Lm,
}

/// Both sides of an example, without frames.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Corrupted {
    /// What the encoder reads.
    pub input: Vec<u32>,
    /// What the decoder writes.
    pub target: Vec<u32>,
    /// Which tokens of the text are noise.
    pub noise: Vec<bool>,
    /// Noise tokens that were left alone for want of sentinels or of room in the target.
    pub undone: usize,
}

impl Corruption {
    /// The shortest input and target, without frames.
    #[must_use]
    pub fn least(&self) -> (usize, usize) {
        match self {
            Self::Span(span) => span.lengths(2),
            Self::UniqueSentinels
            | Self::BertStyle
            | Self::MassStyle
            | Self::DropTokens
            | Self::PrefixLm
            | Self::Deshuffle
            | Self::Lm => (1, 1),
        }
    }

    /// Tokens of text for an input of `source` and a target of `target` tokens, both without frames and not below
    /// [`Self::least`], such that neither overflows.
    #[must_use]
    pub fn raw_length(&self, source: usize, target: usize) -> usize {
        match self {
            Self::Span(span) => span.longest(source, target).unwrap_or(2),
            Self::UniqueSentinels | Self::DropTokens => source,
            Self::BertStyle | Self::MassStyle | Self::Deshuffle => source.min(target),
            Self::PrefixLm => source.min(target) + 1,
            Self::Lm => target,
        }
    }

    /// The target's length for an input of `source` tokens, both without frames. For independent noise it is four
    /// standard deviations above the mean.
    #[must_use]
    pub fn natural_target(&self, source: usize) -> Option<usize> {
        Some(match self {
            Self::Span(span) => span.natural(source + 1)?.1 - 1,
            // Noise tokens and runs of text: p + p(1 - p) per token; their deviations add up to 0.64 √length at most.
            Self::UniqueSentinels => above(source, DENSITY + DENSITY * (1.0 - DENSITY), 0.64).min(source + 1),
            Self::DropTokens => above(source, DENSITY, (DENSITY * (1.0 - DENSITY)).sqrt()).min(source),
            Self::BertStyle | Self::MassStyle | Self::Deshuffle | Self::PrefixLm | Self::Lm => source,
        })
    }

    /// Corrupts `tokens`. `forced` says what is noise instead of the draws; `room` is the longest target.
    ///
    /// # Errors
    /// A vocabulary without sentinels where they are needed.
    pub fn apply(
        &self,
        tokens: &[u32],
        forced: Option<&[bool]>,
        room: usize,
        vocabulary: &Vocabulary,
        draws: &mut Draws,
    ) -> Result<Corrupted, DataError> {
        let length = tokens.len();
        let drawn = match self {
            Self::Span(s) => span::random_spans(length, s.density, s.mean, s.random_roll, draws),
            Self::UniqueSentinels | Self::BertStyle | Self::MassStyle | Self::DropTokens => {
                span::independent(length, DENSITY, draws)
            }
            Self::PrefixLm => span::complement(&span::random_prefix(length, draws)),
            Self::Deshuffle | Self::Lm => vec![true; length],
        };
        let mut noise = forced.map_or(drawn, |forced| (0..length).map(|at| forced.get(at) == Some(&true)).collect());
        let sentinels = &vocabulary.specials.sentinels;
        let mut undone = 0;
        let mask = noise.as_mut_slice();
        let text = || tokens.to_vec();
        let (input, target) = match self {
            Self::Span(_) | Self::UniqueSentinels => {
                vocabulary.first_sentinel(self.name())?;
                let is_final = matches!(self, Self::Span(s) if s.final_sentinel);
                let most = sentinels.len() - usize::from(is_final && sentinels.len() > 1);
                undone += span::limit_spans(mask, most, true);
                let written = |mask: &[bool]| {
                    let count = mask.iter().filter(|&&noise| noise).count();
                    let closing = is_final && mask.last() == Some(&true);
                    count + span::runs(&span::complement(mask)).len() + usize::from(closing)
                };
                undone += undo_until(mask, |mask| written(mask) <= room);
                let mut target = span::nonnoise_span_to_unique_sentinel(tokens, mask, sentinels)?;
                if is_final && mask.last() == Some(&true) {
                    target.extend(sentinels.get(span::runs(&span::complement(mask)).len()));
                }
                (span::noise_span_to_unique_sentinel(tokens, mask, sentinels)?, target)
            }
            Self::BertStyle => {
                let sentinel = vocabulary.first_sentinel(self.name())?;
                let input = span::noise_token_to_random_or_sentinel(tokens, mask, sentinel, RANDOM, vocabulary, draws);
                (input, text())
            }
            Self::MassStyle => {
                let sentinel = vocabulary.first_sentinel(self.name())?;
                (span::noise_token_to_sentinel(tokens, mask, sentinel), text())
            }
            Self::DropTokens => {
                undone += undo_until(mask, |mask| mask.iter().filter(|&&noise| noise).count() <= room);
                (span::drop_noise(tokens, mask), span::drop_nonnoise(tokens, mask))
            }
            Self::PrefixLm | Self::Lm => (span::drop_noise(tokens, mask), span::drop_nonnoise(tokens, mask)),
            Self::Deshuffle => (span::permute_noise(tokens, mask, draws), text()),
        };
        Ok(Corrupted { input, target, noise, undone })
    }

    /// Its name among the objectives.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Span(_) => "span",
            Self::UniqueSentinels => "iid_15_u_u",
            Self::BertStyle => "iid_15_r10s90_f",
            Self::MassStyle => "iid_15_m_f",
            Self::DropTokens => "iid_15_d_d",
            Self::PrefixLm => "prefix_lm",
            Self::Deshuffle => "all_permute",
            Self::Lm => "lm",
        }
    }
}

/// Four deviations (of `deviation` · √length) above the mean (of `mean` · length).
fn above(length: usize, mean: f64, deviation: f64) -> usize {
    let length = length as f64;
    rounded((mean * length + 4.0 * deviation * length.sqrt()).ceil()).max(1)
}

/// Turns noise into text, token by token from the end, until the mask fits or no noise is left; how many tokens.
fn undo_until(mask: &mut [bool], fits: impl Fn(&[bool]) -> bool) -> usize {
    let mut undone = 0;
    while !fits(mask) {
        let Some(last) = mask.iter().rposition(|&noise| noise) else { break };
        mask[last] = false;
        undone += 1;
    }
    undone
}
