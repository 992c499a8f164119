//! Single operations from PyTorch.

use serde_json::{Value, json};
use trainyard::train::known_answers::{CaseResult, InterpreterMachine, Outcome};

use super::{gpu, run};

const OPERATIONS: &str = include_str!("../../fixtures/ops_kat.json");

fn assert_all_pass(results: &[CaseResult]) {
    assert_eq!(results.len(), 8, "{results:?}");
    for CaseResult { name, outcome, .. } in results {
        assert!(matches!(outcome, Outcome::Pass(_)), "{name}: {outcome:?}");
    }
}

#[test]
fn they_agree_in_f64() {
    assert_all_pass(&run(OPERATIONS, &mut InterpreterMachine::<f64>::default()));
}

#[test]
fn they_agree_in_f32() {
    assert_all_pass(&run(OPERATIONS, &mut InterpreterMachine::<f32>::default()));
}

#[test]
fn they_agree_on_the_gpu() {
    assert_all_pass(&run(OPERATIONS, &mut gpu()));
}

/// A file of one case, changed.
fn changed(name: &str, new_name: &str, change: impl FnOnce(&mut Value)) -> Outcome {
    let mut file: Value = serde_json::from_str(OPERATIONS).expect("the fixture is JSON");
    let mut case = file[name].take();
    assert!(case.is_object(), "{name} is in the fixture");
    change(&mut case);
    let results = run(&json!({ new_name: case }).to_string(), &mut InterpreterMachine::<f64>::default());
    results.into_iter().next().expect("one case").outcome
}

fn assert_fails(name: &str, about: &str, change: impl FnOnce(&mut Value)) {
    match changed(name, name, change) {
        Outcome::Fail(detail) => assert!(detail.contains(about), "{name}: {detail}"),
        other => panic!("{name}: {other:?}"),
    }
}

/// Moves a number by ten gates.
fn shift(value: &mut Value) {
    *value = json!(value.as_f64().expect("a number") + 1e-11);
}

#[test]
fn each_result_is_compared() {
    for name in ["gelu_erf", "gelu_new_tanh"] {
        assert_fails(name, "y:", |c| shift(&mut c["y"][11]));
        assert_fails(name, "dy:", |c| shift(&mut c["dy"][11]));
    }
    for name in ["layernorm_eps1e-12", "rmsnorm_eps1e-6"] {
        assert_fails(name, "y:", |c| c["y"][1][7] = json!(0.5));
        assert_fails(name, "dx:", |c| c["dx"][0][0] = json!(0.5));
        assert_fails(name, "dgamma:", |c| c["dgamma"][3] = json!(0.5));
    }
    assert_fails("layernorm_eps1e-05", "dbeta:", |c| c["dbeta"][3] = json!(0.5));
    for name in ["ce_ls0.0", "ce_ls0.1"] {
        assert_fails(name, "loss:", |c| shift(&mut c["loss"]));
        assert_fails(name, "dlogits:", |c| shift(&mut c["dlogits"][3][3]));
    }
    let adamw = "adamw_clip1.0_lr.1_b.9_.98_eps1e-9_wd.05";
    assert_fails(adamw, "norm of step 1", |c| shift(&mut c["steps"][1]["norm"]));
    assert_fails(adamw, "p after step 2", |c| shift(&mut c["steps"][2]["p"][0]));
}

#[test]
fn constants_come_from_the_name() {
    for (name, other) in [
        ("layernorm_eps1e-05", "layernorm_eps1e-6"),
        ("rmsnorm_eps1e-6", "rmsnorm_eps1e-5"),
        ("ce_ls0.1", "ce_ls0.2"),
        ("gelu_erf", "gelu_new_tanh"),
        ("adamw_clip1.0_lr.1_b.9_.98_eps1e-9_wd.05", "adamw_clip2.0_lr.1_b.9_.98_eps1e-9_wd.05"),
        ("adamw_clip1.0_lr.1_b.9_.98_eps1e-9_wd.05", "adamw_clip1.0_lr.2_b.9_.98_eps1e-9_wd.05"),
        ("adamw_clip1.0_lr.1_b.9_.98_eps1e-9_wd.05", "adamw_clip1.0_lr.1_b.8_.98_eps1e-9_wd.05"),
        ("adamw_clip1.0_lr.1_b.9_.98_eps1e-9_wd.05", "adamw_clip1.0_lr.1_b.9_.99_eps1e-9_wd.05"),
        ("adamw_clip1.0_lr.1_b.9_.98_eps1e-9_wd.05", "adamw_clip1.0_lr.1_b.9_.98_eps1e-5_wd.05"),
        ("adamw_clip1.0_lr.1_b.9_.98_eps1e-9_wd.05", "adamw_clip1.0_lr.1_b.9_.98_eps1e-9_wd.06"),
    ] {
        assert!(matches!(changed(name, other, |_| {}), Outcome::Fail(_)), "{name} passes as {other}");
    }
    let respelled = changed("layernorm_eps1e-05", "layernorm_eps0.00001", |_| {});
    assert!(matches!(respelled, Outcome::Pass(_)), "{respelled:?}");
}

#[test]
fn unreadable_cases_fail() {
    assert_fails("gelu_erf", "y is no tensor", |c| c["y"][0] = json!("NaN"));
    assert_fails("gelu_erf", "y is missing", |c| {
        c.as_object_mut().expect("an object").remove("y");
    });
    assert_fails("gelu_erf", "15 values", |c| {
        c["x"].as_array_mut().expect("a list").pop();
    });
    assert_fails("layernorm_eps1e-12", "x is no tensor", |c| {
        c["x"][1].as_array_mut().expect("a list").pop();
    });
    assert_fails("layernorm_eps1e-12", "weight", |c| c["gamma"] = json!([1.0]));
    assert_fails("ce_ls0.0", "label 4", |c| c["labels"][0] = json!(4));
    assert_fails("ce_ls0.0", "no label counts", |c| c["labels"] = json!([-100, -100, -100, -100]));
    assert_fails("ce_ls0.0", "3 labels", |c| c["labels"] = json!([0, 0, 0]));
    assert_fails("adamw_clip1.0_lr.1_b.9_.98_eps1e-9_wd.05", "step 0", |c| c["steps"][0]["grad"] = json!([1.0]));
    assert!(matches!(changed("gelu_erf", "gelu_erf", |c| *c = json!(3)), Outcome::Fail(_)));
    assert!(matches!(changed("ce_ls0.0", "ce_lsx", |_| {}), Outcome::Fail(_)));
    assert!(matches!(changed("ce_ls0.0", "adamw_clip1", |_| {}), Outcome::Fail(_)));
}

#[test]
fn unknown_operations_are_skipped_and_unknown_results_listed() {
    match changed("gelu_erf", "mish", |_| {}) {
        Outcome::Skip(detail) => assert!(detail.contains("mish")),
        other => panic!("{other:?}"),
    }
    match changed("gelu_erf", "gelu_erf", |c| c["ddy"] = json!([0.0])) {
        Outcome::Pass(detail) => assert!(detail.contains("not checked: ddy"), "{detail}"),
        other => panic!("{other:?}"),
    }
}
