//! Every rule of the table, on every case.

use trainyard::ir::{Activation, Builder, Op};

use super::check::{against_differences, dot_test, gradients};
use crate::cases::{Case, cases, ops};

#[test]
fn every_rule_agrees_with_differences() -> Result<(), String> {
    let mut checked = 0;
    for case in cases().iter().filter(|case| !case.wrt.is_empty()) {
        let differentiated = case.differentiated().map_err(|e| format!("{}: {e}", case.name))?;
        differentiated.graph.verify().map_err(|e| format!("{}: {e}", case.name))?;
        let claimed = gradients(&differentiated)?;
        against_differences(case, &differentiated, &claimed)?;
        checked += 1;
    }
    assert!(checked > 100, "only {checked} cases were differentiated");
    Ok(())
}

#[test]
fn jacobians_are_adjoint() -> Result<(), String> {
    for case in cases().iter().filter(|case| !case.wrt.is_empty()) {
        let differentiated = case.differentiated().map_err(|e| format!("{}: {e}", case.name))?;
        dot_test(case, &differentiated, &gradients(&differentiated)?)?;
    }
    Ok(())
}

/// What both checks say of a claim.
fn verdicts(case: &Case, claimed: &[Vec<f64>]) -> Result<[bool; 2], String> {
    let differentiated = case.differentiated().map_err(|e| e.to_string())?;
    let passes = against_differences(case, &differentiated, claimed).is_ok();
    Ok([passes, dot_test(case, &differentiated, claimed).is_ok()])
}

#[test]
fn wrong_gradients_are_caught() -> Result<(), String> {
    let case = ops::matmul(false, false, [5, 5, 5]);
    let right = gradients(&case.differentiated().map_err(|e| e.to_string())?)?;
    assert_eq!(verdicts(&case, &right)?, [true, true]);

    let mut transposed = right.clone();
    transposed[1] = (0..25).map(|i| right[1][i % 5 * 5 + i / 5]).collect();
    assert_eq!(verdicts(&case, &transposed)?, [false, false], "a transposed gradient");

    let mut off = right.clone();
    off[0][7] *= 1.0 + 1e-4;
    assert_eq!(verdicts(&case, &off)?, [false, false], "one element off by 1e-4");

    let mut zero = right.clone();
    zero[0].fill(0.0);
    assert_eq!(verdicts(&case, &zero)?, [false, false], "a gradient of zero");

    let mut nan = right;
    nan[1][0] = f64::NAN;
    assert_eq!(verdicts(&case, &nan)?, [false, false], "a NaN");
    Ok(())
}

/// The two GELUs differ by 5e-4 at most: a rule that mixes them up must not pass.
#[test]
fn the_other_gelu_is_caught() -> Result<(), String> {
    let case = ops::activation(false, Activation::GeluTanh, &[3, 5], 2.0);
    let mut wrong = case.differentiated().map_err(|e| e.to_string())?;
    let mut replaced = 0;
    for node in &mut wrong.graph.nodes {
        if node.op == Op::ActivationGrad(Activation::GeluTanh) {
            node.op = Op::ActivationGrad(Activation::GeluErf);
            replaced += 1;
        }
    }
    assert_eq!(replaced, 1);
    assert_eq!(verdicts(&case, &gradients(&wrong)?)?, [false, false]);
    Ok(())
}

/// A sum of contributions that forgets one.
#[test]
fn a_forgotten_contribution_is_caught() -> Result<(), String> {
    let case = cases().into_iter().find(|case| case.name == "add of a value to itself").ok_or("no such case")?;
    let mut wrong = case.differentiated().map_err(|e| e.to_string())?;
    let cotangent = wrong.graph.input("cotangent").ok_or("no cotangent")?;
    let seed = wrong.graph.nodes.iter().find(|n| n.op == Op::Input(cotangent)).ok_or("no cotangent")?.outputs[0];
    wrong.graph.outputs.retain(|(name, _)| name != "d0");
    let mut b = Builder::from_graph(wrong.graph);
    b.output("d0", seed);
    wrong.graph = b.finish();
    assert_eq!(verdicts(&case, &gradients(&wrong)?)?, [false, false]);
    Ok(())
}
