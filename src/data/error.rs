//! What can be wrong with data, with the numbers that say how to put it right.

use super::Task;
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
        }
    }
}
