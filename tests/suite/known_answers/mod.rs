//! Known answers from Hugging Face, on the interpreter in both precisions and on the GPU.

mod files;
mod mistakes;
mod odd;
mod ops;

use pollster::block_on;
use serde_json::{Value, json};
use trainyard::train::known_answers::{CaseResult, GpuMachine, InterpreterMachine, Machine, Outcome, verify};

use crate::kernels::device;

const MODELS: &str = include_str!("../../fixtures/model_kat.json");

fn gpu() -> GpuMachine {
    GpuMachine::new(device().clone())
}

fn run(text: &str, machine: &mut impl Machine) -> Vec<CaseResult> {
    block_on(verify(text, machine)).expect("the fixture is JSON")
}

/// Only the case of this name, so that a mutated copy stays small.
fn case(text: &str, name: &str, change: impl FnOnce(&mut Value)) -> String {
    let mut file: Value = serde_json::from_str(text).expect("the fixture is JSON");
    let mut case = file["cases"][name].take();
    change(&mut case);
    json!({ "cases": { name: case } }).to_string()
}

/// Every case of the file passes, and nothing of it is left out.
fn assert_passes(machine: &mut impl Machine) {
    let results = run(MODELS, machine);
    let names: Vec<&str> = results.iter().map(|r| r.name.as_str()).collect();
    assert_eq!(names.len(), 12, "{names:?}");
    for result in &results {
        let passes = matches!(&result.outcome, Outcome::Pass(detail) if !detail.contains("not checked"));
        assert!(passes, "{}: {:?}", result.name, result.outcome);
    }
}

#[test]
fn every_model_agrees_in_f64() {
    assert_passes(&mut InterpreterMachine::<f64>::default());
}

#[test]
fn every_model_agrees_in_f32() {
    assert_passes(&mut InterpreterMachine::<f32>::default());
}

#[test]
fn every_model_agrees_on_the_gpu() {
    assert_passes(&mut gpu());
}

/// The sentence with which the case fails.
fn failure(results: &[CaseResult]) -> String {
    match results {
        [CaseResult { outcome: Outcome::Fail(sentence), .. }] => sentence.clone(),
        other => panic!("one failure is expected: {other:?}"),
    }
}

/// On the device itself, so that not only the interpreter's comparison is known to fail.
#[test]
fn mistakes_fail_on_the_gpu_too() {
    let wrong = case(MODELS, "gpt2_lm", |case| {
        case["config"]["activation_function"] = json!("gelu");
        // Enough of the case to be quick.
        case.as_object_mut()
            .expect("an object")
            .retain(|key, _| ["class", "config", "inputs", "loss"].contains(&key.as_str()));
    });
    let sentence = failure(&run(&wrong, &mut gpu()));
    assert!(sentence.starts_with("loss: 4.0787"), "{sentence}");
}

#[test]
fn a_wrong_answer_in_the_file_fails() {
    let keys = ["loss", "n_unique_params", "grad_global_l2", "adamw_losses_before_each_step", "logits", "grad_l2"];
    for key in keys {
        let text = case(MODELS, "gpt2_lm", |case| nudge(&mut case[key]));
        let sentence = failure(&run(&text, &mut InterpreterMachine::<f64>::default()));
        assert!(sentence.contains(key) || key == "logits", "{key}: {sentence}");
    }
    let text = case(MODELS, "gpt2_lm", |case| case["inputs"]["token_type_ids"] = json!([[0]]));
    assert!(failure(&run(&text, &mut InterpreterMachine::<f64>::default())).contains("token_type_ids"));
    let skipped = case(MODELS, "gpt2_lm", |case| case["class"] = json!("LlamaForCausalLM"));
    let results = run(&skipped, &mut InterpreterMachine::<f64>::default());
    assert!(
        matches!(&results[..], [CaseResult { outcome: Outcome::Skip(s), .. }] if s.contains("Llama")),
        "{results:?}"
    );
}

/// Moves the first number of a value by a thousandth, or a whole one by one.
fn nudge(value: &mut Value) {
    match value {
        Value::Number(number) => {
            *value = match number.as_u64() {
                Some(whole) => json!(whole + 1),
                None => json!(number.as_f64().expect("a number") * 1.001 + 1e-3),
            };
        }
        Value::Array(items) => items.iter_mut().take(1).for_each(nudge),
        Value::Object(map) => map.values_mut().filter(|v| !v.is_null()).take(1).for_each(nudge),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}
