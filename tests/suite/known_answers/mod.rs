//! Known answers from Hugging Face, on the interpreter in both precisions and on the GPU.

mod ops;

use pollster::block_on;
use trainyard::gpu::Device;
use trainyard::train::known_answers::{CaseResult, GpuMachine, InterpreterMachine, Machine, Outcome, verify};

const MODELS: &str = include_str!("../../fixtures/model_kat.json");

fn gpu() -> GpuMachine {
    GpuMachine::new(block_on(Device::open(None)).expect("tests need a GPU adapter: install mesa-vulkan-drivers"))
}

fn run(text: &str, machine: &mut dyn Machine) -> Vec<CaseResult> {
    verify(text, machine).expect("the fixture is JSON")
}

/// Only the case of this name, so that a mutated copy stays small.
fn case(text: &str, name: &str, change: impl FnOnce(&mut serde_json::Value)) -> String {
    let mut file: serde_json::Value = serde_json::from_str(text).expect("the fixture is JSON");
    let mut case = file["cases"][name].take();
    change(&mut case);
    serde_json::json!({ "cases": { name: case } }).to_string()
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
