//! Data that breaks careless kernels: logits of 10⁴, one token, one class, one column, rows without a visible key, huge and
//! tiny variances, numbers that saturate, zeros with a sign.

use trainyard::ir::{Activation, Dropout, ElementLoss, Mask, NormKind, Op};
use trainyard::kernels::Target;

use super::{check, run};
use crate::cases::attention::{Part, Shape};
use crate::cases::ops::{self, NormPart, NormShape};
use crate::cases::{Case, Sketch, more};

const NO_KEY: f32 = -1e30;

/// Scores up to about `logit`, with heads of eight columns.
fn steep(part: Part, mask: Mask, masked: bool, logit: f64) -> Case {
    // q·k of eight terms of ±spread², over √8, is about spread²·0.94 in the mean, three times that at most.
    let shape = Shape { spread: logit.sqrt(), ..Shape::packed([2, 9, 2, 8], mask) };
    shape.masked(masked).case(part)
}

fn attentions() -> Vec<Case> {
    let mut cases = Vec::new();
    for part in [Part::Forward, Part::Grad, Part::Probs] {
        for mask in [Mask::Full, Mask::Causal] {
            cases.push(steep(part, mask, true, 80.0));
            cases.push(steep(part, mask, false, 1e4));
            // One token, with and without a key to see; heads of odd widths.
            for (batch, head) in [(1, 5), (2, 1), (2, 63)] {
                let mut shape = Shape::packed([batch, 1, 1, head], mask).masked(batch == 2);
                shape.spec.dropout = Some(Dropout { p: 0.5, site: 1 });
                cases.push(shape.case(part));
            }
        }
    }
    cases
}

fn losses() -> Vec<Case> {
    let mut cases = Vec::new();
    for classes in [1, 3, 65] {
        for spread in [80.0, 1e4] {
            for grad in [false, true] {
                cases.push(ops::cross_entropy(grad, &[7, classes], 0.0, spread));
            }
            cases.push(ops::cross_entropy(false, &[5, classes], 0.1, spread));
        }
    }
    cases
}

fn norms() -> Vec<Case> {
    let mut cases = Vec::new();
    for part in [NormPart::Forward, NormPart::Grad, NormPart::ParamGrad] {
        for (kind, beta) in [(NormKind::Layer, true), (NormKind::Rms, false)] {
            for columns in [1, 3, 5, 7, 63, 65] {
                let dims = &[3, columns][..];
                cases.push(ops::norm(part, NormShape { kind, beta, dims, eps: 1e-5, center: 0.0, spread: 1.0 }));
            }
            // Huge, tiny, and far from zero.
            for (eps, center, spread) in [(1e-5, 0.0, 1e12), (1e-12, 0.0, 1e-4), (1e-5, 100.0, 1e-2)] {
                cases.push(ops::norm(part, NormShape { kind, beta, dims: &[5, 33], eps, center, spread }));
            }
        }
    }
    cases
}

fn widths() -> Vec<Case> {
    let mut cases = Vec::new();
    for width in [1, 3, 5, 7, 63, 65] {
        cases.push(ops::embedding(false, 3, width, &[5]));
        cases.push(ops::embedding(true, 65, width, &[2, 33]));
        cases.push(ops::matmul(false, true, [5, width, 3]));
        cases.push(ops::matmul(true, false, [width, 33, 65]));
        cases.push(ops::row_table(true, &[6, width], 3, Some(4)));
        cases.push(ops::dropout(&[3, width], 0.5, 2));
        for f in ops::ACTIVATIONS {
            cases.push(ops::activation(true, f, &[3, width], 100.0));
        }
    }
    cases
}

/// Logits that saturate, and arguments of tanh on both sides of where its series ends.
fn saturated() -> Vec<Case> {
    let mut cases = Vec::new();
    for grad in [false, true] {
        for kind in [ElementLoss::Squared, ElementLoss::Logistic] {
            for spread in [1e-3, 1e4] {
                cases.push(more::element_loss(grad, kind, &[5, 33], spread));
            }
        }
        for spread in [1e-3, 0.26, 10.0, 1e4] {
            cases.push(ops::activation(grad, Activation::Tanh, &[5, 33], spread));
        }
        for f in ops::ACTIVATIONS {
            cases.push(more::gate(grad, f, &[3, 66], 100.0));
        }
    }
    cases
}

fn all() -> Vec<Case> {
    [attentions(), losses(), norms(), widths(), saturated()].concat()
}

#[test]
fn extremes_agree_in_the_shapes_for_software() {
    check(all(), Target::Software);
}

#[test]
fn extremes_agree_in_the_shapes_for_gpus() {
    check(all(), Target::Gpu);
}

/// The last sequence sees no key at all, and causally neither does the first token of the first.
#[test]
fn a_query_that_sees_no_key_is_silent() {
    let (batch, time, heads, head) = (2, 5, 2, 3);
    for target in [Target::Software, Target::Gpu] {
        for part in [Part::Forward, Part::Grad, Part::Probs] {
            let shape = Shape::packed([batch, time, heads, head], Mask::Causal).masked(true);
            let outputs = run(&shape.case(part), target).expect("the case runs");
            let y = &outputs[0].1;
            let (hidden, first) = (y.len() / 2, y.len() / (batch * time));
            assert!(y[hidden..].iter().all(|&x| x == 0.0), "the last sequence sees nothing");
            match part {
                Part::Forward => {
                    assert!(y[..first].iter().all(|&x| x == 0.0), "the first token sees nothing");
                    let lse = &outputs[1].1;
                    assert!(lse[heads * time..].iter().all(|&x| x == NO_KEY));
                    assert!((0..heads).all(|h| lse[h * time] == NO_KEY));
                }
                Part::Grad => {
                    assert!(y[..heads * head].iter().all(|&x| x == 0.0), "its query has no gradient");
                }
                Part::Probs => assert!((0..heads).all(|h| y[h * time * time] == 0.0)),
            }
        }
    }
}

/// All columns alike: the variance is 0, y is β, and nothing is infinite.
#[test]
fn a_constant_row_becomes_the_bias() {
    let mut s = Sketch::new("constant rows".to_owned());
    let (x, gamma, beta) = (s.given(&[3, 8], vec![3.5; 24]), s.x(&[8]), s.x(&[8]));
    let outputs = s.push_all(Op::Norm { kind: NormKind::Layer, eps: 1e-5 }, &[x, gamma, beta]);
    let case = s.finish(&outputs, 8);
    let beta: Vec<f32> = case.operand(beta).iter().map(|&b| b as f32).collect();
    for target in [Target::Software, Target::Gpu] {
        let outputs = run(&case, target).expect("the case runs");
        assert_eq!(outputs[0].1, beta.repeat(3));
        assert!(outputs[1].1.iter().all(|x| x.is_finite()));
    }
}

#[test]
fn zeros_keep_their_sign_in_sums_and_are_zero_elsewhere() {
    let zeros = [0.0, -0.0, -0.0, 0.0];
    let mut s = Sketch::new("sums of zeros".to_owned());
    let (a, b) = (s.given(&[4], zeros.to_vec()), s.given(&[4], vec![0.0, -0.0, 0.0, -0.0]));
    let y = s.push(Op::Add, &[a, b]);
    let sum = run(&s.finish(&[y], 1), Target::Software).expect("the case runs").swap_remove(0).1;
    assert_eq!(sum.iter().map(|x| x.to_bits()).collect::<Vec<_>>(), [0, 1 << 31, 0, 0]);
    for f in ops::ACTIVATIONS {
        let mut s = Sketch::new(format!("{} of zeros", f.name()));
        let x = s.given(&[4], zeros.to_vec());
        let y = s.push(Op::Activation(f), &[x]);
        let found = run(&s.finish(&[y], 1), Target::Software).expect("the case runs").swap_remove(0).1;
        assert_eq!(found, [0.0; 4], "{}", f.name());
    }
}
