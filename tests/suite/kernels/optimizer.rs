//! The tail of a training plan (norm, clipping, AdamW) against the interpreter's optimizer.

use trainyard::autodiff::append_backward;
use trainyard::ir::{Builder, DType, Graph, Init, IrError, Op, Optimizer, OptimizerKind, Param, Shape, Type};
use trainyard::kernels::Target;
use trainyard::plan::Buffer;
use trainyard::reference::{AdamState, StepKey, Tensor, run, update};

use super::Failure;
use super::compare::{Tolerance, compare};
use super::training::Training;

const ROWS: usize = 6;
const CLASSES: usize = 7;
const LR: f64 = 0.01;
const BETAS: [f64; 2] = [0.9, 0.999];
const DECAY: f64 = 0.1;

/// A linear classifier: a weight that decays, a bias that does not.
fn graph() -> Result<Graph, IrError> {
    let mut b = Builder::new();
    let mut param = |name: &str, dims: &[usize], decay| {
        b.param(Param {
            name: name.to_owned(),
            shape: Shape::new(dims),
            init: Init::Zeros,
            decay,
            frozen: false,
            parts: vec![],
        })
    };
    let weight = param("weight", &[5, CLASSES], true)?;
    let bias = param("bias", &[CLASSES], false)?;
    let x = b.input("x", Type::f32(&[ROWS, 5]))?;
    let targets = b.input("targets", Type { dtype: DType::U32, shape: Shape::new(&[ROWS]) })?;
    let weights = b.input("weights", Type::f32(&[ROWS]))?;
    let product = b.push(Op::MatMul { ta: false, tb: false }, &[x, weight])?;
    let logits = b.push(Op::AddRows { period: 1, first: 0 }, &[product, bias])?;
    let loss = b.push(Op::CrossEntropy { smoothing: 0.0 }, &[logits, targets, weights])?;
    b.output("loss", loss);
    append_backward(b.finish(), loss).map_err(|e| panic!("the loss has a gradient: {e}"))
}

fn wave(count: usize, phase: f64) -> Vec<f64> {
    (0..count).map(|i| f64::from((i as f64 * 1.7 + phase).sin() as f32)).collect()
}

/// Inputs in the order of the graph's table.
fn inputs(weight: f64) -> Vec<Tensor<f64>> {
    let targets = (0..ROWS as u32).map(|i| i % CLASSES as u32).collect();
    vec![Tensor::Float(wave(ROWS * 5, 0.3)), Tensor::Index(targets), Tensor::Float(vec![weight; ROWS])]
}

fn adamw(clip: Option<f64>) -> Optimizer {
    let [beta1, beta2] = BETAS;
    Optimizer { kind: OptimizerKind::AdamW { beta1, beta2, eps: 1e-8, weight_decay: DECAY }, clip }
}

/// Three steps are a few dozen roundings: 16·ε·√16 is far below the 1e-2 that a step moves a parameter.
fn near(what: &str, found: &[f32], expected: &[f64]) {
    let single: Vec<f32> = expected.iter().map(|&x| x as f32).collect();
    if let Err(fault) = compare(found, expected, &single, 16, Tolerance { factor: 16.0, cancels: false }) {
        panic!("{what}: {fault}");
    }
}

fn follows_the_interpreter(clip: Option<f64>, target: Target) -> Result<(), Failure> {
    let graph = graph()?;
    let mut params = vec![wave(5 * CLASSES, 0.0), wave(CLASSES, 1.0)];
    let mut training = Training::new(&graph, &params, adamw(clip), target)?;
    let mut state = AdamState::new(&graph.params);
    let inputs = inputs(1.0 / ROWS as f64);
    for t in 1..=3 {
        let values = run(&graph, &params, &inputs, StepKey { seed: 0, step: 0 })?;
        let gradients: Vec<_> = graph.gradients.iter().map(|&(param, _)| values.gradient(param)).collect();
        let norm = update(&adamw(clip), &graph.params, &mut params, &gradients, &mut state, LR, t as u32)?;
        let loss = values.output("loss").expect("the graph has a loss")[0];
        let record = training.step(&graph, &inputs, t as u32, LR)?;
        near(&format!("loss of step {t}"), &[record.loss], &[loss]);
        near(&format!("norm of step {t}"), &[record.grad_norm], &[norm]);
    }
    let expected = [(Buffer::Params, &params), (Buffer::Moment1, &state.moment1), (Buffer::Moment2, &state.moment2)];
    for (which, expected) in expected {
        let (found, gaps) = training.arena(which)?;
        for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
            near(&format!("{which:?} {i}"), found, expected);
        }
        assert!(!gaps.is_empty() && gaps.iter().all(|&x| x == 0.0), "{which:?}: the gaps stay zero");
    }
    Ok(())
}

#[test]
fn adamw_follows_the_interpreter() -> Result<(), Failure> {
    follows_the_interpreter(None, Target::Software)?;
    follows_the_interpreter(None, Target::Gpu)
}

#[test]
fn clipping_follows_the_interpreter() -> Result<(), Failure> {
    // The gradient's norm is about 0.5.
    follows_the_interpreter(Some(0.05), Target::Software)?;
    follows_the_interpreter(Some(0.05), Target::Gpu)
}

#[test]
fn a_step_that_is_not_finite_changes_nothing() -> Result<(), Failure> {
    let graph = graph()?;
    let params = vec![wave(5 * CLASSES, 0.0), wave(CLASSES, 1.0)];
    for target in [Target::Software, Target::Gpu] {
        let mut training = Training::new(&graph, &params, adamw(Some(1.0)), target)?;
        training.step(&graph, &inputs(0.1), 1, LR)?;
        let arenas = [Buffer::Params, Buffer::Moment1, Buffer::Moment2];
        let mut before = Vec::new();
        for which in arenas {
            before.push(training.arena(which)?);
        }
        for weight in [f64::INFINITY, f64::NAN] {
            let record = training.step(&graph, &inputs(weight), 2, LR)?;
            assert!(!record.loss.is_finite(), "{record:?}");
            for (which, before) in arenas.iter().zip(&before) {
                assert_eq!(training.arena(*which)?, *before, "{which:?} after weight {weight}");
            }
        }
        training.step(&graph, &inputs(0.1), 2, LR)?;
        assert_ne!(training.arena(Buffer::Params)?, before[0], "a finite step moves parameters again");
    }
    Ok(())
}
