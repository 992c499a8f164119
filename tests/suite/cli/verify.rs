//! `verify`: passes what is right, fails what is not, and never passes on nothing.

use serde_json::{Value, json};

use super::Workspace;

const MODELS: &str = include_str!("../../fixtures/model_kat.json");
const ODD: &str = include_str!("../../fixtures/model_kat_odd.json");
const OPS: &str = include_str!("../../fixtures/ops_kat.json");
const METRICS: &str = include_str!("../../fixtures/metrics_kat.json");

fn parse(text: &str) -> Value {
    serde_json::from_str(text).expect("the fixture is JSON")
}

fn last_line(text: &str) -> &str {
    text.lines().last().unwrap_or_default()
}

#[test]
fn the_fixtures_pass_on_the_interpreter_and_on_the_gpu() {
    let here = Workspace::new();
    here.write("models.json", MODELS);
    here.write("odd.json", ODD);
    here.write("ops.json", OPS);
    here.write("metrics.json", METRICS);
    for device in ["cpu", "gpu"] {
        let text = here.ok(&format!("verify models.json odd.json ops.json metrics.json --device {device}"));
        assert!(last_line(&text).contains(" passed, 0 failed, "), "{text}");
        let lines: Vec<&str> = text.lines().filter(|line| line.contains(" gpt2_lm ")).collect();
        assert_eq!(lines.len(), if device == "cpu" { 2 } else { 1 }, "a line a case and machine");
        assert!(lines.iter().all(|line| line.starts_with("pass") && line.contains("gate")), "{lines:?}");
        assert!(text.lines().any(|line| line.starts_with("pass  gelu_erf")), "{text}");
        assert!(text.lines().any(|line| line.starts_with("pass  noam")), "{text}");
        assert!(text.lines().any(|line| line.starts_with("pass  gpt2_lm_odd")), "{text}");
        assert!(!text.lines().any(|line| line.starts_with("skip")), "every class is built in: {text}");
    }
}

/// The must-fail half: one number of a copy is off by ten gates.
#[test]
fn a_mutated_copy_fails_and_says_where() {
    let here = Workspace::new();
    let mut models = parse(MODELS);
    let loss = models["cases"]["gpt2_lm"]["loss"].as_f64().expect("the loss is a number");
    models["cases"]["gpt2_lm"]["loss"] = (loss + 1e-4).into();
    let mut ops = parse(OPS);
    ops["gelu_erf"]["y"][0] = json!(0.5);
    for (name, file, case, quantity) in [("models.json", models, "gpt2_lm", "loss"), ("ops.json", ops, "gelu_erf", "y")]
    {
        here.write(name, file.to_string());
        let run = here.run(&format!("verify {name} --device cpu"));
        assert_eq!(run.code, Some(1), "{}", run.stdout);
        let lines: Vec<&str> = run.stdout.lines().filter(|line| line.contains(case)).collect();
        assert_eq!(lines.len(), 2, "{}", run.stdout);
        assert!(lines.iter().all(|line| line.starts_with("FAIL") && line.contains(quantity)), "{lines:?}");
        assert!(last_line(&run.stdout).contains(", 2 failed, "), "{}", run.stdout);
    }
}

#[test]
fn nothing_compared_is_no_success() {
    let here = Workspace::new();
    let mut models = parse(MODELS);
    let mut only = models["cases"]["bert_qa"].take();
    only["class"] = json!("LlamaForCausalLM");
    here.write("skipped.json", json!({ "cases": { "bert_qa": only } }).to_string());
    here.write("empty.json", "{}");
    here.write("no.json", "not JSON");
    here.write("no-cases.json", r#"{"cases": 3}"#);
    here.write("bytes.json", b"\xFF");
    let error = here.fails("verify skipped.json --device cpu");
    assert!(error.contains("no known answer was compared"), "{error}");
    for name in ["empty.json", "no.json", "no-cases.json", "bytes.json", "missing.json"] {
        let run = here.run(&format!("verify {name} --device cpu"));
        assert_eq!(run.code, Some(1), "{name}: {}", run.stdout);
        assert!(run.stdout.starts_with(&format!("FAIL  {name}")), "{name}: {}", run.stdout);
    }
}

#[test]
fn json_says_the_same() {
    let here = Workspace::new();
    here.write("ops.json", OPS);
    let report = here.ok_json("verify ops.json --device cpu --json");
    let cases = report["cases"].as_array().expect("cases are listed");
    let passed = cases.iter().filter(|case| case["outcome"] == "pass").count();
    assert_eq!(report["passed"], passed);
    assert_eq!(report["failed"], 0);
    assert!(cases.iter().any(|case| case["name"] == "ce_ls0.1" && case["machine"] == "f64"));
}
