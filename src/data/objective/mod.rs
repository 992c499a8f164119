//! Training objectives: what is hidden from a model, and what it is asked for.
//!
//! Every objective is a function of token ids and of draws that are keyed by (seed, step, example), so a batch can be
//! made again at any time. Each file holds the functions of one idea, as published, and a line or two that put their
//! results into rows:
//!
//! | objective | file | source | model |
//! |---|---|---|---|
//! | `causal` | `causal` | windows of the text, or packed documents | decoder |
//! | `mlm`, `mlm+nsp`, `mlm+sop` | `mlm`, `nsp` | documents | encoder |
//! | `classify` | `encoder` | labeled documents | encoder |
//! | `span` and T5's seven alternatives | `span`, `t5` | windows of the text | encoder–decoder |
//! | `denoise` | `denoise` | documents | encoder–decoder |
//! | `seq2seq` | `decoder` | pairs of texts | encoder–decoder |
//!
//! `prefix_lm` and `lm` also train a single stack: a shape without a target says so.

mod causal;
pub(super) mod decoder;
pub mod denoise;
mod draw;
mod encoder;
mod key;
pub mod mlm;
pub mod nsp;
mod rows;
mod show;
pub mod span;
mod t5;

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::corpus::Part;
use super::{Batch, DataError, Frame, Shape, Vocabulary};

pub use causal::Causal;
pub use denoise::Denoise;
pub use mlm::{Masking, Mlm, Selection, slots};
pub use show::{Change, Role, Shown};
pub use t5::{Corrupted, Corruption, Span};

pub(super) use key::Key;

use self::nsp::PairTask;

/// What a model is trained to do. As data it is `{"name": …}` with the parameters beside the name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name")]
pub enum Objective {
    /// The next token.
    #[serde(rename = "causal")]
    Causal(Causal),
    /// Hidden tokens.
    #[serde(rename = "mlm")]
    Mlm(Mlm),
    /// Hidden tokens, and whether the second text follows the first.
    #[serde(rename = "mlm+nsp")]
    MlmNsp(Mlm),
    /// Hidden tokens, and whether two texts stand in their order.
    #[serde(rename = "mlm+sop")]
    MlmSop(Mlm),
    /// Hidden spans.
    #[serde(rename = "span")]
    Span(Span),
    /// Hidden runs of independent tokens.
    #[serde(rename = "iid_15_u_u")]
    UniqueSentinels,
    /// The text whose tokens are hidden as BERT's are.
    #[serde(rename = "iid_15_r10s90_f")]
    BertStyle,
    /// The text whose tokens are hidden as MASS's are.
    #[serde(rename = "iid_15_m_f")]
    MassStyle,
    /// The tokens that were dropped.
    #[serde(rename = "iid_15_d_d")]
    DropTokens,
    /// The rest of the text.
    #[serde(rename = "prefix_lm")]
    PrefixLm,
    /// The text whose tokens are in disorder.
    #[serde(rename = "all_permute")]
    Deshuffle,
    /// The text, from nothing.
    #[serde(rename = "lm")]
    Lm,
    /// The text before noise.
    #[serde(rename = "denoise")]
    Denoise(Denoise),
    /// The answer, or the translation.
    #[serde(rename = "seq2seq")]
    Seq2Seq,
    /// The class.
    #[serde(rename = "classify")]
    Classify,
}

impl Default for Objective {
    fn default() -> Self {
        Self::Causal(Causal::default())
    }
}

impl Objective {
    /// Every name.
    pub const NAMES: [&str; 15] = [
        "causal",
        "mlm",
        "mlm+nsp",
        "mlm+sop",
        "span",
        "iid_15_u_u",
        "iid_15_r10s90_f",
        "iid_15_m_f",
        "iid_15_d_d",
        "prefix_lm",
        "all_permute",
        "lm",
        "denoise",
        "seq2seq",
        "classify",
    ];

    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        let at = match self {
            Self::Causal(_) => 0,
            Self::Mlm(_) => 1,
            Self::MlmNsp(_) => 2,
            Self::MlmSop(_) => 3,
            Self::Span(_) => 4,
            Self::UniqueSentinels => 5,
            Self::BertStyle => 6,
            Self::MassStyle => 7,
            Self::DropTokens => 8,
            Self::PrefixLm => 9,
            Self::Deshuffle => 10,
            Self::Lm => 11,
            Self::Denoise(_) => 12,
            Self::Seq2Seq => 13,
            Self::Classify => 14,
        };
        Self::NAMES[at]
    }

    /// The objective as one of T5's.
    #[must_use]
    pub const fn corruption(&self) -> Option<Corruption> {
        match self {
            Self::Span(span) => Some(Corruption::Span(*span)),
            Self::UniqueSentinels => Some(Corruption::UniqueSentinels),
            Self::BertStyle => Some(Corruption::BertStyle),
            Self::MassStyle => Some(Corruption::MassStyle),
            Self::DropTokens => Some(Corruption::DropTokens),
            Self::PrefixLm => Some(Corruption::PrefixLm),
            Self::Deshuffle => Some(Corruption::Deshuffle),
            Self::Lm => Some(Corruption::Lm),
            Self::Causal(_)
            | Self::Mlm(_)
            | Self::MlmNsp(_)
            | Self::MlmSop(_)
            | Self::Denoise(_)
            | Self::Seq2Seq
            | Self::Classify => None,
        }
    }

    /// Slots for positions to predict in a batch (N); `None` where every position has a target.
    #[must_use]
    pub fn slots(&self, shape: Shape) -> Option<usize> {
        match self {
            Self::Mlm(mlm) | Self::MlmNsp(mlm) | Self::MlmSop(mlm) => {
                Some(slots(mlm.probability, shape.batch, shape.source))
            }
            _ => None,
        }
    }

    /// The target length (T) for which nothing is cut, and of span corruption nothing padded, given the source length
    /// (S); `None` where there is no decoder, where the data decide, or where the source is too short.
    #[must_use]
    pub fn natural_target(&self, source: usize, frame: Frame) -> Option<usize> {
        if matches!(self, Self::Denoise(_)) {
            return Some(source);
        }
        let inside = source.checked_sub(frame.added())?;
        Some(self.corruption()?.natural_target(inside)? + frame.added())
    }

    /// Refuses parameters out of their bounds.
    ///
    /// # Errors
    /// The first such parameter, with its bounds.
    pub fn check(&self) -> Result<(), DataError> {
        let within = |(parameter, value, least, most): (&'static str, f64, f64, f64)| {
            let refused = DataError::Parameter {
                objective: self.name(),
                parameter,
                value: value.to_string(),
                least: least.to_string(),
                most: most.to_string(),
            };
            // Written so that what is not a number is refused.
            if value >= least && value <= most { Ok(()) } else { Err(refused) }
        };
        match self {
            Self::Mlm(mlm) | Self::MlmNsp(mlm) | Self::MlmSop(mlm) => {
                within(("probability", mlm.probability, 0.001, 1.0))
            }
            Self::Span(span) => {
                within(("density", span.density, 0.001, 0.999))?;
                within(("mean", span.mean, 1.0, 1000.0))
            }
            Self::Denoise(denoise) => denoise.bounds().into_iter().try_for_each(within),
            _ => Ok(()),
        }
    }

    /// The batch that `key` names.
    pub(super) fn batch(
        &self,
        part: &Part<'_>,
        vocabulary: &Vocabulary,
        shape: Shape,
        key: Key,
    ) -> Result<Batch, DataError> {
        if let Some(corruption) = self.corruption()
            && shape.target > 0
        {
            return decoder::corrupted(&corruption, part, vocabulary, shape, key);
        }
        match self {
            Self::Causal(options) => causal::batch(options, part, vocabulary, shape, key),
            Self::Lm => causal::batch(&Causal::default(), part, vocabulary, shape, key),
            Self::PrefixLm => causal::prefix_batch(part, shape, key),
            Self::Mlm(options) => encoder::mlm(options, part, vocabulary, shape, key),
            Self::MlmNsp(options) => encoder::pairs(options, PairTask::Next, part, vocabulary, shape, key),
            Self::MlmSop(options) => encoder::pairs(options, PairTask::Order, part, vocabulary, shape, key),
            Self::Classify => encoder::classify(part, vocabulary, shape, key),
            Self::Denoise(options) => decoder::denoised(options, part, vocabulary, shape, key),
            Self::Seq2Seq => {
                let pairs = part.pairs()?;
                let pair = |example| pairs[key.choice(example).below(pairs.len() as u32) as usize].clone();
                decoder::pairs(pair, vocabulary, shape)
            }
            Self::Span(_)
            | Self::UniqueSentinels
            | Self::BertStyle
            | Self::MassStyle
            | Self::DropTokens
            | Self::Deshuffle => Err(DataError::Length { objective: self.name(), part: "target", length: 0, least: 1 }),
        }
    }
}

impl FromStr for Objective {
    type Err = DataError;

    /// The objective of a name, with its default parameters.
    fn from_str(name: &str) -> Result<Self, DataError> {
        let fields = serde_json::json!({ "name": name });
        serde_json::from_value(fields).map_err(|_| DataError::UnknownObjective { name: name.to_owned() })
    }
}

/// The numbers of a batch's examples.
fn batch_of(shape: Shape) -> std::ops::Range<u32> {
    // `Shape::check` bounds them by 2²⁴.
    0..shape.batch as u32
}
