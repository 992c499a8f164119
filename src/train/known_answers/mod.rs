//! Known answers: files of inputs and results from other implementations, run here and compared.
//!
//! `model_kat.json` holds whole models, `ops_kat.json` single operations, `metrics_kat.json` scores; users run files of the
//! same formats to trust their adapter. A [`Machine`] computes, whatever it is: the interpreter in f64 or f32, or a GPU.
//! Machines are asynchronous, since a browser's GPU can only be awaited, and [`Case`]s run one at a time, so that whoever
//! waits sees how far it is and can stop.

mod any;
mod compare;
mod generation;
mod gpu;
mod inputs;
mod interpreter;
mod keys;
mod machine;
mod metrics;
mod model;
mod ops;
mod result;

pub(super) use inputs::arguments;

pub use any::AnyMachine;
pub use gpu::GpuMachine;
pub use interpreter::InterpreterMachine;
pub use machine::{Data, Descent, Evaluated, Inputs, Machine, MachineError, Precision};
pub use result::{CaseResult, Outcome, Worst};

use serde_json::{Map, Value};
use thiserror::Error;

/// Why a text holds no known answers.
#[derive(Debug, Error)]
pub enum KnownAnswersError {
    /// It cannot be parsed.
    #[error("the file is no JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// It is JSON of another kind.
    #[error("the file is no JSON object")]
    NoObject,
    /// The models' cases are of another kind.
    #[error("\"cases\" is no object")]
    NoCases,
    /// There is no case in it.
    #[error("the file holds no known answer")]
    Empty,
}

/// The cases of a file, in its order.
#[derive(Clone, PartialEq, Debug)]
pub struct KnownAnswers {
    cases: Vec<Case>,
}

/// A case of a file: what to run, and what comes out.
#[derive(Clone, PartialEq, Debug)]
pub struct Case {
    name: String,
    about: About,
    content: Value,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum About {
    Model,
    Metric,
    Operation,
}

impl KnownAnswers {
    /// Reads a file's text; keys that start with an underscore are comments.
    ///
    /// # Errors
    /// When the text is no JSON object, or holds no case.
    pub fn read(text: &str) -> Result<Self, KnownAnswersError> {
        let Value::Object(mut file) = serde_json::from_str(text)? else { return Err(KnownAnswersError::NoObject) };
        let about = |name: &str| if metrics::knows(name) { About::Metric } else { About::Operation };
        let cases = match file.remove("cases") {
            Some(Value::Object(models)) => collect(models, |_| About::Model),
            Some(_) => return Err(KnownAnswersError::NoCases),
            None => collect(file, about),
        };
        if cases.is_empty() { Err(KnownAnswersError::Empty) } else { Ok(Self { cases }) }
    }

    /// The cases; never none.
    #[must_use]
    pub fn cases(&self) -> &[Case] {
        &self.cases
    }
}

fn collect(cases: Map<String, Value>, about: impl Fn(&str) -> About) -> Vec<Case> {
    let case = |(name, content): (String, Value)| Case { about: about(&name), name, content };
    cases.into_iter().filter(|(name, _)| !name.starts_with('_')).map(case).collect()
}

impl Case {
    /// Name in the file.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Computes what the case is about, and compares. Whatever goes wrong is a failure of the case.
    pub async fn run<M: Machine>(&self, machine: &mut M) -> CaseResult {
        let checked = match self.about {
            About::Model => model::run(&self.content, machine).await,
            About::Metric => metrics::run(&self.name, &self.content, machine).await,
            About::Operation => ops::run(&self.name, &self.content, machine).await,
        };
        let name = self.name.clone();
        match checked {
            Ok(checks) => checks.result(name),
            Err(stopped) => CaseResult { name, outcome: stopped.into(), worst: None },
        }
    }
}

/// Runs every case of a file's text on a machine.
///
/// # Errors
/// As [`KnownAnswers::read`].
pub async fn verify<M: Machine>(text: &str, machine: &mut M) -> Result<Vec<CaseResult>, KnownAnswersError> {
    let file = KnownAnswers::read(text)?;
    let mut results = Vec::with_capacity(file.cases().len());
    for case in file.cases() {
        results.push(case.run(machine).await);
    }
    Ok(results)
}
