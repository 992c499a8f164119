//! Known answers on the page's device.

use js_sys::{Array, Function, Promise};
use serde::Serialize;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::Engine;
use super::convert::{Failure, to_js};
use crate::train::known_answers::{AnyMachine, CaseResult, KnownAnswers, Outcome, Worst};

/// A case as the page shows it.
#[derive(Serialize)]
struct Line {
    name: String,
    outcome: &'static str,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    worst: Option<WorstLine>,
}

#[derive(Serialize)]
struct WorstLine {
    quantity: String,
    error: f64,
    gate: f64,
}

impl From<CaseResult> for Line {
    fn from(CaseResult { name, outcome, worst }: CaseResult) -> Self {
        let (outcome, detail) = match outcome {
            Outcome::Pass(detail) => ("pass", detail),
            Outcome::Fail(detail) => ("fail", detail),
            Outcome::Skip(detail) => ("skip", detail),
        };
        let worst = worst.map(|Worst { quantity, error, gate }| WorstLine { quantity, error, gate });
        Self { name, outcome, detail, worst }
    }
}

#[wasm_bindgen]
impl Engine {
    /// Runs the known answers of a file's text on this device; an engine without one interprets in single precision. A
    /// run that is set up stays as it is.
    ///
    /// `progress(done, total, name, result)` is called before each case with its name and the result of the one before,
    /// and after the last with an empty name. It may return a promise, which is awaited; when `false` comes out, no
    /// further case is run. Returned are the results so far: `{ name, outcome, detail, worst? }` each.
    ///
    /// # Errors
    /// When the text holds no known answers, the device is lost, or `progress` throws.
    pub async fn verify(&self, text: String, progress: Function) -> Result<Array, JsValue> {
        let file = KnownAnswers::read(&text).map_err(|error| Failure::new("known_answers", &error.to_string()))?;
        let mut machine = AnyMachine::on(self.device.clone());
        let results = Array::new();
        let total = file.cases().len();
        let mut last = JsValue::UNDEFINED;
        for (done, case) in file.cases().iter().enumerate() {
            if !report(&progress, [done.into(), total.into(), case.name().into(), last]).await? {
                return Ok(results);
            }
            let result = case.run(&mut machine).await;
            if let Some(device) = &self.device {
                // A lost device must not read as a wrong one.
                device.check().map_err(Failure::from)?;
            }
            last = to_js(&Line::from(result))?;
            results.push(&last);
        }
        report(&progress, [total.into(), total.into(), "".into(), last]).await?;
        Ok(results)
    }
}

/// Whether to go on.
async fn report(progress: &Function, arguments: [JsValue; 4]) -> Result<bool, JsValue> {
    let answer = progress.apply(&JsValue::NULL, &arguments.iter().collect::<Array>())?;
    let answer = match answer.dyn_into::<Promise>() {
        Ok(promise) => JsFuture::from(promise).await?,
        Err(answer) => answer,
    };
    Ok(answer != JsValue::FALSE)
}
