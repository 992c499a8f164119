use crate::ir::IrError;

/// A configuration that describes no model.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ModelError {
    /// `config.json` is no JSON object.
    #[error("config.json: {0}")]
    Syntax(String),
    /// A value of the wrong kind.
    #[error("config.json: {key} is {found}, but {expected} is needed")]
    Value {
        /// The key.
        key: String,
        /// What stands there.
        found: String,
        /// What may stand there.
        expected: String,
    },
    /// A required key is absent.
    #[error("config.json: {key} is missing")]
    Missing {
        /// The key.
        key: &'static str,
    },
    /// A family that is not built in.
    #[error("config.json: model_type {found:?} is unknown; known: {known}")]
    Family {
        /// What stands there.
        found: String,
        /// What may stand there.
        known: String,
    },
    /// A class that is not built in.
    #[error("the class {found:?} is unknown; known: {known}")]
    Class {
        /// What was asked for.
        found: String,
        /// What may be asked for.
        known: String,
    },
    /// A head that the family does not have.
    #[error("a {family} model has no head for {head}")]
    Head {
        /// The family.
        family: &'static str,
        /// The head.
        head: &'static str,
    },
    /// Generation needs a decoder.
    #[error("a {family} model has no decoder and cannot generate")]
    NoDecoder {
        /// The family.
        family: &'static str,
    },
    /// A choice that the family does not have.
    #[error("config.json: the option {option:?} does not exist for this family")]
    Option {
        /// The key under `trainyard`.
        option: String,
    },
    /// Heads must divide the width.
    #[error("{key} = {heads} does not divide {width_key} = {width}: every head needs the same number of columns")]
    Heads {
        /// Key of the number of heads.
        key: &'static str,
        /// Number of heads.
        heads: usize,
        /// Key of the width.
        width_key: &'static str,
        /// Width.
        width: usize,
    },
    /// Key heads must divide heads.
    #[error("kv_heads = {kv_heads} does not divide the {heads} heads: every key head serves the same number of them")]
    Groups {
        /// Number of heads.
        heads: usize,
        /// Number of heads of keys and values.
        kv_heads: usize,
    },
    /// Rotation turns pairs of columns.
    #[error("rotary positions need heads of an even number of columns, not {head_dim}")]
    Rotary {
        /// Columns of a head.
        head_dim: usize,
    },
    /// Buckets of relative positions.
    #[error(
        "relative_attention_num_buckets = {buckets} and relative_attention_max_distance = {distance}: at least 4 buckets and a \
         distance above half of them are needed"
    )]
    Buckets {
        /// Number of buckets.
        buckets: usize,
        /// Distance from which a bucket is shared.
        distance: usize,
    },
    /// More tokens than positions.
    #[error("a context of {time} tokens exceeds the model's {positions} positions")]
    Context {
        /// Tokens asked for.
        time: usize,
        /// Positions there are.
        positions: usize,
    },
    /// More than this build promises to handle.
    #[error("{what} is {found}; at most {limit} is supported")]
    Limit {
        /// What is too large.
        what: &'static str,
        /// How large.
        found: u64,
        /// How large it may be.
        limit: u64,
    },
    /// The graph refused.
    #[error(transparent)]
    Graph(#[from] IrError),
}
