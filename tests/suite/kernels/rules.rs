//! Every optimizer's kernels: PyTorch's steps, the interpreter's on larger tensors, and what they leave alone.

use trainyard::ir::{Builder, Graph, Init, IrError, Op, Optimizer, OptimizerKind, Param, Shape, Type};
use trainyard::kernels::{Const, Target};
use trainyard::plan::{Buffer, Plan, Purpose};
use trainyard::reference::{AdamState, Tensor, update};

use super::Failure;
use super::training::Training;
use crate::reference::answers::{Answers, agree, answers};

const TARGETS: [Target; 2] = [Target::Software, Target::Gpu];
const ARENAS: [Buffer; 3] = [Buffer::Params, Buffer::Moment1, Buffer::Moment2];

/// A graph whose gradients are its inputs, one a parameter; `learns` says which have one.
fn graph(table: &[Param], learns: impl Fn(&str) -> bool) -> Result<Graph, IrError> {
    let mut b = Builder::new();
    let loss = b.input("loss", Type::f32(&[1]))?;
    let loss = b.push(Op::Scale { factor: 1.0 }, &[loss])?;
    b.output("loss", loss);
    for (i, param) in table.iter().enumerate() {
        b.param(param.clone())?;
        let gradient = b.input(&param.name, Type::f32(param.shape.dims()))?;
        let gradient = b.push(Op::Scale { factor: 1.0 }, &[gradient])?;
        if learns(&param.name) {
            b.gradient(trainyard::ir::ParamId(i as u32), gradient);
        }
    }
    Ok(b.finish())
}

fn inputs(loss: f64, gradients: &[Vec<f64>]) -> Vec<Tensor<f64>> {
    std::iter::once(vec![loss]).chain(gradients.iter().cloned()).map(Tensor::Float).collect()
}

/// Rounding of a few dozen operations; Newton-Schulz takes thirty products, whose errors the quintic's slope at zero, 3.4
/// to the power of five, makes larger before the last iterations even them out.
fn gate(kind: OptimizerKind) -> f64 {
    match kind {
        OptimizerKind::AdamW { .. } | OptimizerKind::Sgd { .. } | OptimizerKind::Lion { .. } => 2e-6,
        OptimizerKind::Adafactor { .. } => 4e-6,
        OptimizerKind::Muon { .. } => 2e-5,
    }
}

#[test]
fn every_rule_takes_pytorchs_steps() -> Result<(), Failure> {
    let Answers { lr, table, first, gradients, cases } = answers();
    let graph = graph(&table, |_| true)?;
    for case in &cases {
        for target in TARGETS {
            let mut training = Training::new(&graph, &first, case.optimizer, target)?;
            for (t, (gradients, expected)) in (1..).zip(gradients.iter().zip(&case.after)) {
                training.step(&graph, &inputs(1.0, gradients), t, lr)?;
                let (found, gaps) = training.arena(Buffer::Params)?;
                assert!(gaps.iter().all(|&x| x == 0.0), "{}: the gaps stay zero", case.name);
                for ((param, found), expected) in table.iter().zip(found).zip(expected) {
                    let found: Vec<f64> = found.into_iter().map(f64::from).collect();
                    agree(&found, expected, gate(case.optimizer.kind))
                        .unwrap_or_else(|e| panic!("{}, {target:?}, step {t}, {}: {e}", case.name, param.name));
                }
            }
        }
    }
    Ok(())
}

/// The optimizers of the known answers, one of each rule.
fn rules() -> Vec<Optimizer> {
    ["adamw", "sgd", "adafactor", "lion", "muon"]
        .map(|name| answers().cases.into_iter().find(|c| c.name == name).expect("the case exists").optimizer)
        .to_vec()
}

fn wave(count: usize, phase: f64) -> Vec<f64> {
    (0..count).map(|i| f64::from((i as f64 * 1.7 + phase * 0.9 + (i % 7) as f64).sin() as f32)).collect()
}

fn param(name: &str, dims: &[usize]) -> Param {
    Param {
        name: name.to_owned(),
        shape: Shape::new(dims),
        init: Init::Zeros,
        decay: dims.len() == 2,
        frozen: false,
        parts: vec![],
    }
}

/// Shapes beyond one workgroup, in parameters and both moments.
#[test]
fn larger_tensors_follow_the_interpreter() -> Result<(), Failure> {
    let shapes = [
        param("embedding.weight", &[41, 7]),
        param("h.0.tall", &[130, 33]),
        param("h.0.wide", &[3, 1000]),
        param("h.0.column", &[300, 1]),
        param("h.0.row", &[1, 129]),
        param("h.0.square", &[64, 64]),
        param("h.0.bias", &[700]),
    ];
    let graph = graph(&shapes, |_| true)?;
    let draw = |phase: f64| -> Vec<Vec<f64>> {
        shapes.iter().enumerate().map(|(i, p)| wave(p.shape.elements(), phase + i as f64)).collect()
    };
    for optimizer in rules() {
        for target in TARGETS {
            let mut training = Training::new(&graph, &draw(0.0), optimizer, target)?;
            let mut expected = draw(0.0);
            let mut state = AdamState::new(&graph.params);
            for t in 1..=3 {
                let gradients = draw(f64::from(t) * 10.0);
                let views: Vec<Option<&[f64]>> = gradients.iter().map(|g| Some(g.as_slice())).collect();
                update(&optimizer, &graph.params, &mut expected, &views, &mut state, 0.01, t)?;
                training.step(&graph, &inputs(1.0, &gradients), t, 0.01)?;
            }
            for (which, expected) in ARENAS.into_iter().zip([&expected, &state.moment1, &state.moment2]) {
                for ((param, found), expected) in shapes.iter().zip(training.arena(which)?.0).zip(expected) {
                    let found: Vec<f64> = found.into_iter().map(f64::from).collect();
                    agree(&found, expected, gate(optimizer.kind))
                        .unwrap_or_else(|e| panic!("{optimizer:?}, {target:?}, {which:?}, {}: {e}", param.name));
                }
            }
        }
    }
    Ok(())
}

/// The same tensor `by` elements further into its arena: its gradient comes from the host.
fn moved(graph: &Graph, optimizer: Optimizer, by: usize, target: Target) -> Result<Plan, Failure> {
    let mut plan = Plan::new(graph, Purpose::Train(optimizer), 1, target)?;
    let writes_gradient = |l: &trainyard::plan::PlanLaunch| {
        l.launch.kernel.stem == "elementwise" && l.bindings.iter().any(|b| b.buffer == Buffer::Grads)
    };
    plan.launches.retain(|l| !writes_gradient(l));
    plan.arenas.params[0].0 += by;
    let mut changed = 0;
    for launch in &mut plan.launches {
        let stem = launch.launch.kernel.stem;
        for (name, value) in &mut launch.launch.constants {
            match value {
                Const::U32(v) if *name == "SKIP" => *v += by as u32,
                // Those of the flat rules count from the start of the binding.
                Const::U32(v) if stem == "optimizer" && launch.launch.entry.name != "norm_partials" => {
                    *v += if ["ELEMENTS", "DECAYED"].contains(name) { by as u32 } else { 0 };
                }
                _ => {}
            }
        }
        let arenas = [Buffer::Grads, Buffer::Params, Buffer::Moment1, Buffer::Moment2];
        for binding in launch.bindings.iter_mut().filter(|b| arenas.contains(&b.buffer)) {
            if launch.launch.entry.name != "norm_partials" {
                binding.size += by as u64 * 4;
                changed += 1;
            }
        }
    }
    assert!(changed > 0, "no launch updates the tensor");
    Ok(plan)
}

#[test]
fn a_tensor_may_start_anywhere() -> Result<(), Failure> {
    for dims in [&[5, 3][..], &[3, 5], &[15]] {
        let graph = graph(&[param("h.0.weight", dims)], |_| true)?;
        let (start, gradient) = (wave(15, 0.0), wave(15, 3.0));
        for optimizer in rules() {
            for target in TARGETS {
                let run = |by: usize| -> Result<Vec<Vec<f32>>, Failure> {
                    let plan = moved(&graph, optimizer, by, target)?;
                    let mut training = Training::of_plan(plan, std::slice::from_ref(&start), optimizer)?;
                    let narrow: Vec<f32> = gradient.iter().map(|&x| x as f32).collect();
                    training.store.upload(Buffer::Grads, &training.plan.arenas.flatten(&[narrow]))?;
                    training.step(&graph, &inputs(1.0, std::slice::from_ref(&gradient)), 1, 0.01)?;
                    ARENAS
                        .into_iter()
                        .map(|which| {
                            let (mut found, gaps) = training.arena(which)?;
                            assert!(gaps.iter().all(|&x| x == 0.0), "{optimizer:?} writes beside the tensor");
                            Ok(found.remove(0))
                        })
                        .collect()
                };
                let (here, there) = (run(0)?, run(17)?);
                // The norm's partial sums fall to other threads, so a bit of the clip factor may differ.
                for (here, there) in here.iter().zip(&there) {
                    let wide = |v: &[f32]| v.iter().map(|&x| f64::from(x)).collect::<Vec<_>>();
                    agree(&wide(there), &wide(here), gate(optimizer.kind))
                        .unwrap_or_else(|e| panic!("{optimizer:?}, {target:?}, {dims:?}: {e}"));
                }
                assert_ne!(here[0], start.iter().map(|&x| x as f32).collect::<Vec<_>>(), "the step moves it");
            }
        }
    }
    Ok(())
}

/// As in PyTorch, a parameter without a gradient is not even decayed.
#[test]
fn parameters_without_gradient_stay() -> Result<(), Failure> {
    let table =
        ["h.0.a", "h.0.b", "h.0.c", "embedding"].map(|name| param(name, &[6, 9])).into_iter().chain([param("v", &[9])]);
    let table: Vec<Param> = table.collect();
    let draw = |phase: f64| -> Vec<Vec<f64>> { table.iter().map(|p| wave(p.shape.elements(), phase)).collect() };
    for (still, target) in [("h.0.b", Target::Gpu), ("embedding", Target::Software), ("v", Target::Gpu)] {
        let graph = graph(&table, |name| name != still)?;
        for optimizer in rules() {
            let mut training = Training::new(&graph, &draw(1.0), optimizer, target)?;
            let before = training.arena(Buffer::Params)?.0;
            for t in 1..=2 {
                training.step(&graph, &inputs(1.0, &draw(f64::from(t))), t, 0.01)?;
            }
            let after = training.arena(Buffer::Params)?.0;
            for ((param, before), after) in table.iter().zip(before).zip(after) {
                assert_eq!(before == after, param.name == still, "{optimizer:?}, {target:?}: {}", param.name);
            }
        }
    }
    Ok(())
}

/// Rows and columns without gradients, as in an embedding of rare tokens, beside very large ones; and no gradient at all.
#[test]
fn zeros_are_no_trap() -> Result<(), Failure> {
    let table = [param("h.0.weight", &[12, 6]), param("bias", &[6])];
    let graph = graph(&table, |_| true)?;
    let start: Vec<Vec<f64>> = table.iter().map(|p| wave(p.shape.elements(), 0.0)).collect();
    let sparse: Vec<f64> = wave(72, 1.0)
        .into_iter()
        .enumerate()
        .map(|(i, g)| if i / 6 % 3 == 0 && i % 6 != 2 { g * 65_536.0 } else { 0.0 })
        .collect();
    let steps = [vec![vec![0.0; 72], vec![0.0; 6]], vec![sparse, vec![0.0; 6]]];
    for optimizer in rules() {
        for target in TARGETS {
            let optimizer = Optimizer { clip: None, ..optimizer };
            let mut training = Training::new(&graph, &start, optimizer, target)?;
            let (mut expected, mut state) = (start.clone(), AdamState::new(&graph.params));
            for (t, gradients) in (1..).zip(&steps) {
                let views: Vec<Option<&[f64]>> = gradients.iter().map(|g| Some(g.as_slice())).collect();
                update(&optimizer, &graph.params, &mut expected, &views, &mut state, 0.01, t)?;
                training.step(&graph, &inputs(1.0, gradients), t, 0.01)?;
                for ((param, found), expected) in table.iter().zip(training.arena(Buffer::Params)?.0).zip(&expected) {
                    let found: Vec<f64> = found.into_iter().map(f64::from).collect();
                    agree(&found, expected, gate(optimizer.kind))
                        .unwrap_or_else(|e| panic!("{optimizer:?}, {target:?}, step {t}, {}: {e}", param.name));
                }
            }
        }
    }
    Ok(())
}

#[test]
fn no_rule_follows_what_is_not_finite() -> Result<(), Failure> {
    let table = [param("h.0.weight", &[9, 5]), param("bias", &[5])];
    let graph = graph(&table, |_| true)?;
    let draw = |phase: f64| -> Vec<Vec<f64>> { table.iter().map(|p| wave(p.shape.elements(), phase)).collect() };
    for optimizer in rules() {
        for target in TARGETS {
            let mut training = Training::new(&graph, &draw(0.0), optimizer, target)?;
            training.step(&graph, &inputs(1.0, &draw(1.0)), 1, 0.01)?;
            let state = |training: &mut Training| -> Result<Vec<Vec<Vec<f32>>>, Failure> {
                ARENAS.into_iter().map(|which| Ok(training.arena(which)?.0)).collect()
            };
            let before = state(&mut training)?;
            let mut poisoned = draw(2.0);
            poisoned[0][7] = f64::NAN;
            training.step(&graph, &inputs(1.0, &poisoned), 2, 0.01)?;
            training.step(&graph, &inputs(f64::INFINITY, &draw(2.0)), 2, 0.01)?;
            assert_eq!(state(&mut training)?, before, "{optimizer:?}, {target:?}");
            training.step(&graph, &inputs(1.0, &draw(2.0)), 2, 0.01)?;
            assert_ne!(state(&mut training)?, before, "{optimizer:?}, {target:?}: a finite step moves it again");
        }
    }
    Ok(())
}
