//! `metrics_kat.json`, and the random and awkward inputs of `metrics_odd.json`, through `verify`.

use pollster::block_on;
use serde_json::{Value, json};
use trainyard::train::known_answers::{CaseResult, GpuMachine, InterpreterMachine, Machine, Outcome, verify};

use crate::kernels::device;

const KNOWN: &str = include_str!("../../fixtures/metrics_kat.json");
const ODD: &str = include_str!("../../fixtures/metrics_odd.json");

fn parse(text: &str) -> Value {
    serde_json::from_str(text).expect("the fixture is JSON")
}

fn scores(text: &str, machine: &mut impl Machine) -> Vec<CaseResult> {
    block_on(verify(text, machine)).expect("the fixture is JSON")
}

fn assert_all_pass(results: &[CaseResult], cases: usize) {
    assert_eq!(results.len(), cases, "{results:?}");
    for CaseResult { name, outcome, .. } in results {
        let Outcome::Pass(detail) = outcome else { panic!("{name}: {outcome:?}") };
        assert!(!detail.contains("not checked"), "{name}: {detail}");
    }
}

#[test]
fn every_score_agrees_with_the_program_that_defines_it() {
    assert_all_pass(&scores(KNOWN, &mut InterpreterMachine::<f64>::default()), 10);
    assert_all_pass(&scores(ODD, &mut InterpreterMachine::<f64>::default()), 17);
}

#[test]
fn smoothed_losses_agree_on_every_machine() {
    for text in [KNOWN, ODD] {
        let mut file = parse(text);
        let cases = file.as_object_mut().expect("the fixture is an object");
        cases.retain(|name, _| name.starts_with("label_smoothing"));
        let text = file.to_string();
        assert_all_pass(&scores(&text, &mut InterpreterMachine::<f32>::default()), 1);
        assert_all_pass(&scores(&text, &mut GpuMachine::new(device().clone())), 1);
    }
}

/// Where the numbers of a case stand that are results: everything but the inputs.
fn results(value: &Value, path: &str, found: &mut Vec<String>) {
    const INPUTS: [&str; 12] =
        ["y", "p", "true", "pred", "refs", "hyps", "ref", "hyp", "gold", "logits", "target", "signature"];
    match value {
        Value::Number(_) => found.push(path.to_owned()),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, item)| results(item, &format!("{path}/{i}"), found));
        }
        Value::Object(map) => {
            // `p` is a precision inside `rouge1`.
            let input = |key: &str| INPUTS.contains(&key) && !path.contains("/rouge");
            for (key, item) in map.iter().filter(|(key, _)| !input(key)) {
                results(item, &format!("{path}/{key}"), found);
            }
        }
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

/// The must-fail half: each number of the file, moved by a thousand gates, fails its case.
#[test]
fn each_result_is_compared() {
    let file = parse(KNOWN);
    let mut moved = 0;
    for (name, case) in file.as_object().expect("the fixture is an object") {
        let mut paths = Vec::new();
        results(case, "", &mut paths);
        for path in paths {
            let mut changed = case.clone();
            let number = changed.pointer_mut(&path).expect("the path was found");
            *number = json!(number.as_f64().expect("a number") * (1.0 + 1e-9) + 1e-9);
            let text = json!({ name.as_str(): changed }).to_string();
            let results = scores(&text, &mut InterpreterMachine::<f64>::default());
            assert!(
                matches!(&results[..], [CaseResult { outcome: Outcome::Fail(_), .. }]),
                "{name}{path} is not compared: {results:?}"
            );
            moved += 1;
        }
    }
    assert_eq!(moved, 77, "numbers that are results");
}

#[test]
fn unreadable_cases_fail() {
    let fails = |text: Value, about: &str| {
        let results = scores(&text.to_string(), &mut InterpreterMachine::<f64>::default());
        let [CaseResult { outcome: Outcome::Fail(detail), .. }] = &results[..] else { panic!("{text}: {results:?}") };
        assert!(detail.contains(about), "{text}: {detail}");
    };
    fails(json!({ "classification": 3 }), "cannot be read");
    fails(json!({ "classification": { "y": [1, 0], "p": [1], "accuracy": 1.0 } }), "1 predictions for 2 references");
    fails(json!({ "classification": { "y": [1], "p": [1] } }), "nothing was compared");
    fails(json!({ "classification": { "y": [1], "p": [1], "recall": 1.0 } }), "not checked: recall");
    fails(json!({ "regression": { "y": [1, 2], "p": [3, 3], "pearson": 1.0 } }), "all equal");
    fails(json!({ "seqeval_x": { "true": [["U-PER"]], "pred": [["O"]], "f1_micro": 0.0 } }), "U-PER");
    fails(json!({ "rouge": {} }), "no list");
    fails(json!({ "bleu": { "refs": ["a"], "hyps": ["a"], "signature": "nrefs:4" } }), "nrefs:4");
    fails(json!({ "bleu": { "refs": [], "hyps": [], "bp": 1.0 } }), "nothing to score");
    fails(json!({ "label_smoothing": { "logits": [[0.0, 1.0]], "target": [2], "torch_ce_eps0": 1.0 } }), "target 2");
    fails(json!({ "label_smoothing": { "logits": [[0.0, 1.0]], "target": [1], "torch_ce_eps1": 1.0 } }), "smoothing");
    fails(json!({ "label_smoothing": { "logits": [[0.0], [1.0]], "target": [0, 0] } }), "no matrix");
}

#[test]
fn scores_and_operations_may_share_a_file() {
    let mut file = parse(include_str!("../../fixtures/ops_kat.json"));
    file["squad"] = parse(KNOWN)["squad"].take();
    let results = scores(&file.to_string(), &mut InterpreterMachine::<f64>::default());
    assert_all_pass(&results, 9);
}
