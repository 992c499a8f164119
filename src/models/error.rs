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
    #[error("config.json: model_type {found:?} is unknown; known: gpt2")]
    Family {
        /// What stands there.
        found: String,
    },
    /// Heads must divide the width.
    #[error("n_head = {heads} does not divide n_embd = {width}: every head needs the same number of columns")]
    Heads {
        /// Number of heads.
        heads: usize,
        /// Width.
        width: usize,
    },
    /// More tokens than positions.
    #[error("a context of {time} tokens exceeds the model's n_positions = {positions}")]
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
