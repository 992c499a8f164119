//! What can be wrong with data, with the numbers that say how to put it right.

use super::{Objective, Task};
use crate::text::TextError;

/// An error of this module. The message is a sentence for people; [`DataError::code`] is for programs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DataError {
    /// The text or its tokenizer.
    #[error("{name}: {error}")]
    Text {
        /// The data set.
        name: String,
        /// What is wrong.
        #[source]
        error: TextError,
    },
    /// More bytes than memory is planned for.
    #[error("{name}: {bytes} bytes (limit {limit})")]
    TooLarge {
        /// The data set.
        name: String,
        /// Its size.
        bytes: usize,
        /// The largest accepted.
        limit: usize,
    },
    /// Fewer tokens than windows of this context need.
    #[error("{name}: the {part} has {tokens} tokens; a context of {context} needs at least {needed}")]
    TooShort {
        /// The data set.
        name: String,
        /// "text", "training part" or "validation part".
        part: &'static str,
        /// Its tokens.
        tokens: usize,
        /// The context asked for.
        context: usize,
        /// The tokens it takes.
        needed: usize,
    },
    /// A batch without elements, or too large.
    #[error("a batch of {batch} by a context of {context} is not between 1 and {limit} tokens")]
    BatchShape {
        /// Sequences.
        batch: usize,
        /// Tokens in each.
        context: usize,
        /// Most tokens.
        limit: usize,
    },
    /// A task with a context other than its own.
    #[error("the task {task} has a context of exactly {needed}, not {context}")]
    TaskContext {
        /// The task.
        task: Task,
        /// What was asked for.
        context: usize,
        /// What it takes.
        needed: usize,
    },
    /// A name that is no task's.
    #[error("unknown task {name:?}; known: {}", Task::ALL.map(Task::as_str).join(", "))]
    UnknownTask {
        /// What was asked for.
        name: String,
    },
    /// A probe that is not a question of the task.
    #[error("{found:?} is no question of the task {task}: {expected}")]
    Question {
        /// The task.
        task: Task,
        /// What it takes, with an example.
        expected: &'static str,
        /// The probe.
        found: String,
    },
    /// A probe without a token.
    #[error("the probe is empty")]
    EmptyProbe,
    /// A name that is no objective's.
    #[error("unknown objective {name:?}; known: {}", Objective::NAMES.join(", "))]
    UnknownObjective {
        /// What was asked for.
        name: String,
    },
    /// A parameter out of its bounds.
    #[error("the objective {objective} takes {parameter} from {least} to {most}, not {value}")]
    Parameter {
        /// The objective.
        objective: &'static str,
        /// Its parameter.
        parameter: &'static str,
        /// The value given.
        value: String,
        /// The least accepted.
        least: String,
        /// The most accepted.
        most: String,
    },
    /// A vocabulary without a token that the objective writes.
    #[error("the objective {objective} needs a vocabulary with a {token} token")]
    MissingSpecial {
        /// The objective.
        objective: &'static str,
        /// What the token is for.
        token: &'static str,
    },
    /// More spans than names for them.
    #[error("{needed} spans need as many sentinel tokens; the vocabulary has {available}")]
    Sentinels {
        /// Spans.
        needed: usize,
        /// Sentinels.
        available: usize,
    },
    /// Data that do not have what the objective reads.
    #[error("the objective {objective} needs {needs}, which {name} does not have")]
    Unsupported {
        /// The objective.
        objective: &'static str,
        /// The data set.
        name: String,
        /// What is missing.
        needs: &'static str,
    },
    /// Rows without room for what the objective writes.
    #[error("the objective {objective} needs a {part} of at least {least} tokens, not {length}")]
    Length {
        /// The objective.
        objective: &'static str,
        /// "source" or "target".
        part: &'static str,
        /// What was asked for.
        length: usize,
        /// The least accepted.
        least: usize,
    },
}

impl DataError {
    /// A stable name for programs; the sentence may change.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Text { error, .. } => error.code(),
            Self::TooLarge { .. } => "data-too-large",
            Self::TooShort { .. } => "data-too-short",
            Self::BatchShape { .. } => "data-batch-shape",
            Self::TaskContext { .. } => "data-task-context",
            Self::UnknownTask { .. } => "data-unknown-task",
            Self::Question { .. } => "data-question",
            Self::EmptyProbe => "data-empty-probe",
            Self::UnknownObjective { .. } => "data-unknown-objective",
            Self::Parameter { .. } => "data-parameter",
            Self::MissingSpecial { .. } => "data-missing-special",
            Self::Sentinels { .. } => "data-sentinels",
            Self::Unsupported { .. } => "data-unsupported",
            Self::Length { .. } => "data-length",
        }
    }
}
