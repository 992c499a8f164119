//! Known answers for sizes where nothing divides anything, from the same programs.

use trainyard::train::known_answers::{InterpreterMachine, Machine, Outcome};

use super::{gpu, run};

const ODD: &str = include_str!("../../fixtures/model_kat_odd.json");

/// Nothing fails, whatever this build implements; the language model is compared in full.
fn assert_agrees(machine: &mut impl Machine) {
    let results = run(ODD, machine);
    let failures: Vec<_> = results.iter().filter(|r| matches!(r.outcome, Outcome::Fail(_))).collect();
    assert!(failures.is_empty(), "{failures:#?}");
    let lm = results.iter().find(|r| r.name == "gpt2_lm_odd").expect("the case is in the file");
    assert!(matches!(&lm.outcome, Outcome::Pass(detail) if !detail.contains("not checked")), "{lm:?}");
}

#[test]
fn odd_sizes_agree_in_f64() {
    assert_agrees(&mut InterpreterMachine::<f64>::default());
}

#[test]
fn odd_sizes_agree_in_f32() {
    assert_agrees(&mut InterpreterMachine::<f32>::default());
}

#[test]
fn odd_sizes_agree_on_the_gpu() {
    assert_agrees(&mut gpu());
}
