//! Known answers from Hugging Face, on the interpreter in both precisions and on the GPU.

mod odd;
mod ops;

use serde_json::{Value, json};
use trainyard::ir::{Graph, Optimizer, Param};
use trainyard::train::known_answers::{CaseResult, Data, Descent, Evaluated, GpuMachine, Inputs};
use trainyard::train::known_answers::{InterpreterMachine, Machine, MachineError, Outcome, Precision, verify};

use crate::kernels::device;

const MODELS: &str = include_str!("../../fixtures/model_kat.json");

fn gpu() -> GpuMachine {
    GpuMachine::new(device().clone())
}

fn run(text: &str, machine: &mut dyn Machine) -> Vec<CaseResult> {
    verify(text, machine).expect("the fixture is JSON")
}

/// Only the case of this name, so that a mutated copy stays small.
fn case(text: &str, name: &str, change: impl FnOnce(&mut Value)) -> String {
    let mut file: Value = serde_json::from_str(text).expect("the fixture is JSON");
    let mut case = file["cases"][name].take();
    change(&mut case);
    json!({ "cases": { name: case } }).to_string()
}

fn assert_passes(results: &[CaseResult], names: &[&str]) {
    for name in names {
        let result = results.iter().find(|r| r.name == *name).expect("the case is in the file");
        assert!(matches!(result.outcome, Outcome::Pass(_)), "{name}: {:?}", result.outcome);
    }
    assert!(!results.iter().any(|r| matches!(r.outcome, Outcome::Fail(_))), "{results:?}");
}

#[test]
fn gpt2_agrees_in_f64() {
    assert_passes(&run(MODELS, &mut InterpreterMachine::<f64>::default()), &["gpt2_lm"]);
}

#[test]
fn gpt2_agrees_in_f32() {
    assert_passes(&run(MODELS, &mut InterpreterMachine::<f32>::default()), &["gpt2_lm"]);
}

#[test]
fn gpt2_agrees_on_the_gpu() {
    assert_passes(&run(MODELS, &mut gpu()), &["gpt2_lm"]);
}

/// A machine that lays one kind of weight out wrongly.
struct Transposed<M> {
    machine: M,
    suffix: &'static str,
}

impl<M: Machine> Transposed<M> {
    fn weights<T: Copy>(&self, graph: &Graph, parameters: &[Vec<T>]) -> Vec<Vec<T>> {
        let transpose = |(param, values): (&Param, &Vec<T>)| {
            let &[rows, columns] = param.shape.dims() else { return values.clone() };
            if !param.name.ends_with(self.suffix) || rows != columns {
                return values.clone();
            }
            (0..rows * columns).map(|i| values[i % columns * rows + i / columns]).collect()
        };
        graph.params.iter().zip(parameters).map(transpose).collect()
    }
}

impl<M: Machine> Machine for Transposed<M> {
    fn precision(&self) -> Precision {
        self.machine.precision()
    }

    fn forward(
        &mut self,
        graph: &Graph,
        parameters: &[Vec<f32>],
        inputs: &[(String, Data)],
    ) -> Result<Evaluated, MachineError> {
        let parameters = self.weights(graph, parameters);
        self.machine.forward(graph, &parameters, inputs)
    }

    fn descend(
        &mut self,
        graph: &Graph,
        optimizer: Optimizer,
        parameters: &[Vec<f64>],
        batches: &[Inputs],
        lr: f64,
    ) -> Result<Descent, MachineError> {
        let parameters = self.weights(graph, parameters);
        self.machine.descend(graph, optimizer, &parameters, batches, lr)
    }
}

/// The sentence with which the case fails.
fn failure(results: &[CaseResult]) -> String {
    match results {
        [CaseResult { outcome: Outcome::Fail(sentence), .. }] => sentence.clone(),
        other => panic!("one failure is expected: {other:?}"),
    }
}

/// The f32 gates are what a GPU is judged by: they must be tight enough for the mistakes that are easy to make.
#[test]
fn common_mistakes_fail_the_known_answer() {
    let f32 = || InterpreterMachine::<f32>::default();
    let set = |key: &'static str, value: Value| case(MODELS, "gpt2_lm", move |case| case["config"][key] = value);
    let remove = |part: &'static str, key: &'static str| {
        case(MODELS, "gpt2_lm", move |case| {
            case[part].as_object_mut().and_then(|o| o.remove(key)).expect("the case has this key");
        })
    };
    let mistakes = [
        ("erf instead of tanh", set("activation_function", json!("gelu"))),
        ("epsilon", set("layer_norm_epsilon", json!(1e-6))),
        ("padding ignored", remove("inputs", "attention_mask")),
        ("unscaled attention", set("scale_attn_weights", json!(false))),
        ("scaled by layer", set("scale_attn_by_inverse_layer_idx", json!(true))),
        ("untied head", set("tie_word_embeddings", json!(false))),
        ("no biases", case(MODELS, "gpt2_lm", |case| case["config"]["trainyard"] = json!({ "bias": false }))),
        ("post-norm", case(MODELS, "gpt2_lm", |case| case["config"]["trainyard"] = json!({ "norm": "post" }))),
    ];
    for (what, text) in mistakes {
        let results = run(&text, &mut f32());
        assert!(matches!(&results[..], [CaseResult { outcome: Outcome::Fail(_), .. }]), "{what} passes: {results:?}");
    }
    // Labels that do not shift: the last label moves to the front.
    let shifted = case(MODELS, "gpt2_lm", |case| {
        for row in case["inputs"]["labels"].as_array_mut().expect("labels") {
            row.as_array_mut().expect("a row").rotate_right(1);
        }
    });
    assert!(failure(&run(&shifted, &mut f32())).contains("loss"), "the loss notices labels in other places");
    let mut transposed = Transposed { machine: f32(), suffix: "attn.c_proj.weight" };
    assert!(!failure(&run(&case(MODELS, "gpt2_lm", |_| {}), &mut transposed)).is_empty());
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
