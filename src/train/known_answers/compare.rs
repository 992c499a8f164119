//! Comparing with a known answer: every quantity within its gate, the worst one reported.

use serde_json::Value;

use super::{CaseResult, Evaluated, Outcome, Precision, Worst};
use crate::ir::Graph;
use crate::train::readable;

/// The comparisons of one case.
pub(super) struct Checks {
    precision: Precision,
    worst: Option<Worst>,
    faults: Vec<String>,
    unchecked: Vec<String>,
}

impl Checks {
    pub fn new(precision: Precision) -> Self {
        Self { precision, worst: None, faults: Vec::new(), unchecked: Vec::new() }
    }

    const fn gate(&self, f32: f64, f64: f64) -> f64 {
        match self.precision {
            Precision::F32 => f32,
            Precision::F64 => f64,
        }
    }

    #[expect(clippy::neg_cmp_op_on_partial_ord, reason = "a value that is not a number must fail")]
    fn compare(&mut self, name: &str, found: f64, expected: f64, gate: f64) {
        let error = (found - expected).abs();
        if !(error <= gate) || !found.is_finite() {
            let (found, expected) = (readable(found), readable(expected));
            self.faults.push(format!("{name}: {found} instead of {expected}, off by {error:.3e}, gate {gate:.1e}"));
        }
        let share = error / gate;
        // What is not a number is the worst there is, and stays it.
        if !self.worst.as_ref().is_some_and(|w| share <= w.error / w.gate || w.error.is_nan()) {
            self.worst = Some(Worst { quantity: name.to_owned(), error, gate });
        }
    }

    pub fn number(&mut self, name: &str, found: f64, expected: &Value, f32: f64, f64: f64) {
        match expected.as_f64() {
            Some(expected) => self.compare(name, found, expected, self.gate(f32, f64)),
            None => self.faults.push(format!("{name}: {expected} is no number")),
        }
    }

    pub fn exact(&mut self, name: &str, found: &[f64], expected: &Value) {
        match expected.as_f64() {
            Some(expected) if found == [expected] => {}
            Some(_) | None => self.faults.push(format!("{name}: {found:?} instead of {expected}")),
        }
    }

    pub fn vector(&mut self, name: &str, found: Option<&[f64]>, expected: &Value, f32: f64, f64: f64) {
        let numbers = expected.as_array().and_then(|a| a.iter().map(Value::as_f64).collect::<Option<Vec<f64>>>());
        let (Some(found), Some(expected)) = (found, numbers) else {
            self.faults.push(format!("{name}: not there, or not a list of numbers"));
            return;
        };
        if found.len() != expected.len() || expected.is_empty() {
            self.faults.push(format!("{name}: {} values instead of {}", found.len(), expected.len()));
        }
        for (found, expected) in found.iter().zip(expected) {
            self.compare(name, *found, expected, self.gate(f32, f64));
        }
    }

    /// The tensors of `ops_kat.json`: gates relative to the largest magnitude, if that is above 1.
    pub fn tensor(&mut self, name: &str, found: &[f64], expected: &[f64]) {
        let largest = expected.iter().fold(1.0_f64, |m, x| m.max(x.abs()));
        if found.len() != expected.len() || expected.is_empty() {
            self.faults.push(format!("{name}: {} values instead of {}", found.len(), expected.len()));
        }
        for (found, expected) in found.iter().zip(expected) {
            self.compare(name, *found, *expected, self.gate(1e-5, 1e-12) * largest);
        }
    }

    /// `{name: {shape, first, sum, abs_sum}}`; `f32` is the gate of single values.
    pub fn logits(&mut self, outputs: &Evaluated, expected: &Value, f32: f64) -> Result<(), String> {
        let entries = expected.as_object().filter(|o| !o.is_empty()).ok_or("logits is no object")?;
        for (name, entry) in entries {
            let logits = outputs.get(match name.as_str() {
                "prediction_logits" => "logits",
                "seq_relationship_logits" => "pair_logits",
                other => other,
            })?;
            let shape = entry["shape"].as_array().map(|s| s.iter().filter_map(Value::as_u64).product::<u64>());
            if shape != Some(logits.len() as u64) {
                self.faults.push(format!("{name}: {} values, the shape says {}", logits.len(), entry["shape"]));
            }
            let count = entry["first"].as_array().map_or(0, Vec::len);
            self.vector(&format!("{name}.first"), logits.get(..count), &entry["first"], f32, 1e-7);
            let sum: f64 = logits.iter().sum();
            let abs_sum: f64 = logits.iter().map(|l| l.abs()).sum();
            let f32_gate = 1e-5 + 1e-6 * entry["abs_sum"].as_f64().unwrap_or(0.0);
            self.number(&format!("{name}.sum"), sum, &entry["sum"], f32_gate, 1e-6);
            self.number(&format!("{name}.abs_sum"), abs_sum, &entry["abs_sum"], f32_gate, 1e-6);
        }
        Ok(())
    }

    /// L2 norm of each parameter's gradient. Key biases have none, hence the absolute part.
    pub fn norms(&mut self, name: &str, graph: &Graph, gradients: &[Vec<f64>], expected: &Value) {
        let Some(entries) = expected.as_object() else {
            self.faults.push(format!("{name} is no object"));
            return;
        };
        let tensors = graph.tensors();
        let trained: Vec<_> = tensors.iter().filter(|t| !graph.params[t.param.index()].frozen).collect();
        for (tensor, value) in entries {
            let Some(found) = trained.iter().find(|t| t.name == *tensor) else {
                self.faults.push(format!("{name}: there is no parameter {tensor}"));
                continue;
            };
            let values = gradients[found.param.index()].get(found.range.clone()).unwrap_or_default();
            self.norm(&format!("{name} {tensor}"), values.iter(), value);
        }
        if entries.len() != trained.len() {
            self.faults.push(format!("{name}: {} tensors for {} parameters", entries.len(), trained.len()));
        }
    }

    pub fn global_norm(&mut self, name: &str, gradients: &[Vec<f64>], expected: &Value) {
        self.norm(name, gradients.iter().flatten(), expected);
    }

    fn norm<'a>(&mut self, name: &str, values: impl Iterator<Item = &'a f64>, expected: &Value) {
        let norm = values.map(|g| g * g).sum::<f64>().sqrt();
        let f32_gate = 1e-4 * expected.as_f64().unwrap_or(0.0).abs() + 1e-6;
        self.number(name, norm, expected, f32_gate, 1e-7);
    }

    pub fn ids(&mut self, name: &str, found: &[Vec<u32>], expected: &Value) {
        let ids = |row: &Value| row.as_array()?.iter().map(Value::as_u64).collect::<Option<Vec<u64>>>();
        // A single row need not stand in a list of its own.
        let rows = match expected.as_array() {
            Some(rows) if rows.iter().all(Value::is_array) => rows.iter().map(ids).collect::<Option<Vec<_>>>(),
            Some(_) | None => ids(expected).map(|row| vec![row]),
        };
        let found_rows = found.iter().map(|row| row.iter().map(|&id| u64::from(id)).collect::<Vec<u64>>());
        if rows.is_none_or(|rows| rows.is_empty() || !rows.into_iter().eq(found_rows)) {
            self.faults.push(format!("{name}: {found:?} instead of {expected}"));
        }
    }

    pub fn unchecked(&mut self, name: &str) {
        self.unchecked.push(name.to_owned());
    }

    pub fn result(self, name: String) -> CaseResult {
        let mut detail = match (&self.worst, self.faults.as_slice()) {
            (_, [first, rest @ ..]) => {
                let more = if rest.is_empty() { String::new() } else { format!(" (and {} more)", rest.len()) };
                format!("{first}{more}")
            }
            (Some(Worst { quantity, error, gate }), []) => {
                format!("worst {quantity}: error {error:.2e}, gate {gate:.1e}")
            }
            (None, []) => "nothing was compared".to_owned(),
        };
        if !self.unchecked.is_empty() {
            detail.push_str(&format!("; not checked: {}", self.unchecked.join(", ")));
        }
        let passed = self.faults.is_empty() && self.worst.is_some();
        let outcome = if passed { Outcome::Pass(detail) } else { Outcome::Fail(detail) };
        CaseResult { name, outcome, worst: self.worst }
    }
}
