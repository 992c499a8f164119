//! Small whole numbers: whatever the order of a sum, the tile or the rounding, every result is exact.
//!
//! All partial sums stay below 2²⁴, so an f32 holds them; one wrong index, guard or edge shows as a difference.

use trainyard::ir::{Dropout, Epilogue, Fused, Op};
use trainyard::kernels::Target;
use trainyard::reference::Tensor;

use super::run;
use crate::cases::{Case, Sketch, cases};

/// The operations that only add and multiply.
const EXACT: [&str; 15] = [
    "matmul ",
    "matmul of",
    "embedding",
    "add_rows",
    "sum_rows",
    "reshape",
    "columns",
    "pad_columns",
    "state",
    "store",
    "append",
    "add ",
    "scale [3, 7] -3",
    "weight_bias_grad",
    "embedding_grad_add",
];

/// Every layout with every epilogue that has no nonlinearity; extents take turns.
fn linears() -> Vec<Case> {
    // p = 1/2 multiplies by two.
    let dropout = Some(Dropout { p: 0.5, site: 3 });
    let epilogues = [Epilogue::None, Epilogue::Residual { dropout: None }, Epilogue::Residual { dropout }];
    let extents = [[7, 5, 9], [65, 9, 63], [1, 65, 3], [64, 3, 65]];
    let mut cases = Vec::new();
    for (i, (ta, tb)) in [(false, false), (false, true), (true, false), (true, true)].into_iter().enumerate() {
        for (j, &epilogue) in epilogues.iter().enumerate() {
            for bias in [false, true] {
                let [m, k, n] = extents[(i + 2 * j + usize::from(bias)) % extents.len()];
                let mut s = Sketch::new(format!("linear {m}×{k}×{n} {ta} {tb} bias={bias} {epilogue:?}"));
                let a = s.data(&if ta { [k, m] } else { [m, k] });
                let mut inputs = vec![a, s.data(&if tb { [n, k] } else { [k, n] })];
                if bias {
                    inputs.push(s.data(&[n]));
                }
                if matches!(epilogue, Epilogue::Residual { .. }) {
                    inputs.push(s.data(&[m, n]));
                }
                let y = s.push_all(Op::Fused(Fused::Linear { ta, tb, bias, epilogue }), &inputs);
                cases.push(s.finish_forward(&y, k));
            }
        }
    }
    cases
}

/// Gradients of weights over many rows, from a few results to thousands: a GPU shares their sums among threads.
fn weight_gradients() -> Vec<Case> {
    let mut cases = Vec::new();
    for [rows, m, n] in [[64, 8, 8], [65, 1, 1], [67, 33, 31], [130, 64, 65], [65, 384, 353]] {
        let mut s = Sketch::new(format!("weight_bias_grad {rows} rows {m}×{n}"));
        let inputs = [s.data(&[rows, m]), s.data(&[rows, n])];
        let y = s.push_all(Op::Fused(Fused::WeightBiasGrad), &inputs);
        cases.push(s.finish_forward(&y, rows));
        let mut s = Sketch::new(format!("matmul tn {m}×{rows}×{n}"));
        let inputs = [s.data(&[rows, m]), s.data(&[rows, n])];
        let y = s.push(Op::MatMul { ta: true, tb: false }, &inputs);
        cases.push(s.finish_forward(&[y], rows));
    }
    cases
}

/// Rounds every number of a case, from -8 to 8.
fn whole(mut case: Case) -> Case {
    let round = |numbers: &mut Vec<f64>| numbers.iter_mut().for_each(|x| *x = (*x * 8.0).round());
    case.params.iter_mut().for_each(round);
    for input in &mut case.inputs {
        if let Tensor::Float(numbers) = input {
            round(numbers);
        }
    }
    case
}

fn check(target: Target) {
    let chosen = cases().into_iter().filter(|c| EXACT.iter().any(|name| c.name.starts_with(name)));
    let all: Vec<Case> = chosen.chain(linears()).chain(weight_gradients()).map(whole).collect();
    assert!(all.len() > 70, "only {} cases", all.len());
    for case in all {
        let expected = case.run().expect("the interpreter knows every operation");
        for (name, found) in run(&case, target).unwrap_or_else(|e| panic!("{}: {e}", case.name)) {
            let expected = expected.output(&name).expect("the same outputs");
            assert_eq!(found.len(), expected.len(), "{}, {name}", case.name);
            assert!(expected.iter().all(|x| x.abs() < 16_777_216.0), "{}: too large to be exact", case.name);
            let differs = found.iter().zip(expected).position(|(&f, &e)| f64::from(f) != e);
            if let Some(at) = differs {
                panic!("{}, {name}[{at}] on {target:?}: {} instead of {}", case.name, found[at], expected[at]);
            }
        }
    }
}

#[test]
fn whole_numbers_come_out_exactly_in_the_shapes_for_software() {
    check(Target::Software);
}

#[test]
fn whole_numbers_come_out_exactly_in_the_shapes_for_gpus() {
    check(Target::Gpu);
}
