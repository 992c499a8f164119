//! Known answers: files of inputs and results from other implementations, run here and compared.
//!
//! `model_kat.json` holds whole models, `ops_kat.json` single operations, `metrics_kat.json` scores; users run files of the
//! same formats to trust their adapter. A [`Machine`] computes, whatever it is: the interpreter in f64 or f32, or a GPU.

mod compare;
mod generation;
#[cfg(not(target_arch = "wasm32"))]
mod gpu;
mod inputs;
mod interpreter;
mod keys;
mod machine;
mod metrics;
mod model;
mod ops;

#[cfg(not(target_arch = "wasm32"))]
pub use gpu::GpuMachine;
pub use interpreter::InterpreterMachine;
pub use machine::{Data, Descent, Evaluated, Inputs, Machine, MachineError, Precision};

use serde_json::{Map, Value};

/// How a case went, with the sentence that says so.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Every quantity lies within its gate; names the one closest to it.
    Pass(String),
    /// At least one does not; names the first.
    Fail(String),
    /// This build does not implement what the case is about.
    Skip(String),
}

/// A case and how it went.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CaseResult {
    /// Name in the file.
    pub name: String,
    /// How it went.
    pub outcome: Outcome,
}

/// Runs every case of a file's text on a machine.
///
/// # Errors
/// When the text is no JSON object.
pub fn verify(text: &str, machine: &mut dyn Machine) -> Result<Vec<CaseResult>, String> {
    let file: Value = serde_json::from_str(text).map_err(|e| format!("the file is no JSON: {e}"))?;
    let object = file.as_object().ok_or("the file is no JSON object")?;
    match object.get("cases") {
        Some(Value::Object(cases)) => Ok(model::models(cases, machine)),
        Some(_) => Err("\"cases\" is no object".to_owned()),
        None => {
            let (scores, operations): (Map<_, _>, Map<_, _>) =
                object.clone().into_iter().partition(|(name, _)| metrics::knows(name));
            let mut results = metrics::metrics(&scores, machine);
            results.extend(ops::operations(&operations, machine));
            Ok(results)
        }
    }
}
