/// Why a score could not be computed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum MetricError {
    /// Predictions and references do not belong together.
    #[error("{metric}: {predictions} predictions for {references} references")]
    Lengths {
        /// The score.
        metric: &'static str,
        /// Number of predictions.
        predictions: usize,
        /// Number of references.
        references: usize,
    },
    /// Nothing to score.
    #[error("{metric}: there is nothing to score")]
    Empty {
        /// The score.
        metric: &'static str,
    },
    /// A correlation with a constant.
    #[error("{metric}: the {side} are all equal, so it is undefined")]
    Constant {
        /// The score.
        metric: &'static str,
        /// `predictions` or `references`.
        side: &'static str,
    },
    /// NaN or infinity.
    #[error("{metric}: number {index} of the {side} is not finite")]
    NotFinite {
        /// The score.
        metric: &'static str,
        /// `predictions` or `references`.
        side: &'static str,
        /// Counted from 0.
        index: usize,
    },
    /// A tag that is not of the scheme.
    #[error("entity F1: tag {tag:?} of token {token} in sequence {sequence} of the {side} is not O, B-TYPE or I-TYPE")]
    Tag {
        /// The tag.
        tag: String,
        /// `predictions` or `references`.
        side: &'static str,
        /// Counted from 0.
        sequence: usize,
        /// Counted from 0.
        token: usize,
    },
    /// Texts whose table of common subsequences would not fit.
    #[error("ROUGE-L: sentences of {reference} and {prediction} tokens need a table of over {limit} cells")]
    TooLong {
        /// Tokens of the reference's sentence.
        reference: usize,
        /// Tokens of the prediction's sentence.
        prediction: usize,
        /// Cells allowed.
        limit: usize,
    },
}
