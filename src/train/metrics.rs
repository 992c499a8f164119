use serde_json::{Map, Value, json};

/// What is known of a step once its loss has been read back.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct StepMetrics {
    /// Number of the step, from 1: as many updates have been made.
    pub step: u32,
    /// Training loss before the update, in nats a counted token.
    pub loss: f32,
    /// Learning rate of the update.
    pub lr: f64,
    /// Global L2 norm of the gradient before clipping.
    pub grad_norm: f32,
    /// Tokens read in the step.
    pub tokens: u64,
    /// Milliseconds: the time of its submit, shared evenly by the steps of the submit.
    pub ms: f64,
}

impl StepMetrics {
    /// A line of `metrics.jsonl`, without the line end. Values that are not finite are strings.
    #[must_use]
    pub fn to_json(&self) -> Map<String, Value> {
        let mut line = Map::new();
        line.insert("step".to_owned(), json!(self.step));
        line.insert("loss".to_owned(), single(self.loss));
        line.insert("lr".to_owned(), number(self.lr));
        line.insert("grad_norm".to_owned(), single(self.grad_norm));
        line.insert("tokens".to_owned(), json!(self.tokens));
        line.insert("ms".to_owned(), number((self.ms * 1e3).round() / 1e3));
        line
    }
}

/// A number as people read it: no rows of zeros.
#[must_use]
pub fn readable(value: f64) -> String {
    let plain = value == 0.0 || (1e-5..1e7).contains(&value.abs());
    if plain || !value.is_finite() { value.to_string() } else { format!("{value:e}") }
}

/// An f32 as the shortest decimal that reads back as the same bits.
#[must_use]
pub fn single(value: f32) -> Value {
    number(value.to_string().parse().unwrap_or(f64::NAN))
}

/// A JSON number, or a string where JSON has none.
#[must_use]
pub fn number(value: f64) -> Value {
    if value.is_finite() { json!(value) } else { json!(value.to_string()) }
}
