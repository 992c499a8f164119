//! Dropout masks on the device are the interpreter's, element by element: they follow from (element, site, step, seed)
//! alone, not from who computes.

use trainyard::ir::{Attention, Dropout, Epilogue, Fused, Mask, Op};
use trainyard::kernels::Target;
use trainyard::reference::Tensor;

use super::run;
use crate::cases::{Case, Sketch};

const TARGETS: [Target; 2] = [Target::Software, Target::Gpu];

/// The first output on the device, which must be the f32 interpreter's bit for bit.
fn same_bits(case: &Case) -> Vec<f32> {
    let expected = case.run_f32().expect("the interpreter knows every operation");
    let expected: Vec<u32> = expected.output("y0").expect("an output").iter().map(|x| x.to_bits()).collect();
    let mut found = Vec::new();
    for target in TARGETS {
        found = run(case, target).unwrap_or_else(|e| panic!("{}: {e}", case.name)).swap_remove(0).1;
        let bits: Vec<u32> = found.iter().map(|x| x.to_bits()).collect();
        assert_eq!(bits, expected, "{} on {target:?}", case.name);
    }
    found
}

/// The share of zeros is p within five standard deviations.
fn assert_share(values: &[f32], p: f64, name: &str) {
    let n = values.len() as f64;
    let zeros = values.iter().filter(|&&x| x == 0.0).count() as f64;
    let spread = (p * (1.0 - p) * n).sqrt();
    assert!((zeros - p * n).abs() <= 5.0 * spread, "{name}: {zeros} zeros of {n} at p = {p}");
}

fn elementwise(dims: &[usize], p: f32, site: u32, seed: u32, step: u32) -> Case {
    let mut s = Sketch::new(format!("mask {dims:?} p={p} site={site} seed={seed} step={step}"));
    let x = s.given(dims, vec![1.0; dims.iter().product()]);
    let y = s.push(Op::Dropout(Dropout { p, site }), &[x]);
    let mut case = s.finish(&[y], 1);
    (case.key.seed, case.key.step) = (seed, step);
    case
}

#[test]
fn elementwise_masks_agree() {
    let first = same_bits(&elementwise(&[61, 63], 0.2, 4, 1, 0));
    assert_share(&first, 0.2, "elementwise");
    let others = [
        elementwise(&[61, 63], 0.2, 5, 1, 0),
        elementwise(&[61, 63], 0.2, 4, 2, 0),
        elementwise(&[61, 63], 0.2, 4, 1, 1),
        elementwise(&[61, 63], 0.2, 4, u32::MAX, u32::MAX),
    ];
    for other in others {
        assert_ne!(same_bits(&other), first, "{}: site, seed and step matter", other.name);
    }
    assert!(same_bits(&elementwise(&[5, 7], 0.0, 4, 1, 0)).iter().all(|&x| x == 1.0), "p = 0 drops nothing");
    assert_share(&same_bits(&elementwise(&[33, 65], 0.95, 4, 1, 0)), 0.95, "p = 0.95");
}

#[test]
fn masks_of_a_residual_are_the_elementwise_ones() {
    let (m, n, p, site) = (33, 65, 0.3, 9);
    let mut s = Sketch::new("mask of a residual".to_owned());
    let ones = |s: &mut Sketch, dims: [usize; 2]| s.given(&dims, vec![1.0; dims[0] * dims[1]]);
    let (a, b) = (ones(&mut s, [m, 1]), ones(&mut s, [1, n]));
    let residual = s.given(&[m, n], vec![0.0; m * n]);
    let epilogue = Epilogue::Residual { dropout: Some(Dropout { p, site }) };
    let op = Op::Fused(Fused::Linear { ta: false, tb: false, bias: false, epilogue });
    let y = s.push_all(op, &[a, b, residual]);
    let fused = same_bits(&s.finish_forward(&y, 1));
    let plain = same_bits(&elementwise(&[m, n], p, site, 7, 3));
    assert_eq!(fused, plain, "fusing moves no mask");
}

/// Queries and keys of zero see all keys alike; the values are the unit vectors, so o is the matrix of dropped probabilities.
fn attention(mask: Mask, time: usize, heads: usize, batch: usize, grad: bool) -> Case {
    let width = heads * time;
    let unit = |t: usize| (0..width).map(move |c| if c % time == t { 1.0 } else { 0.0 });
    let rows = (0..batch).flat_map(|_| 0..time);
    let packed: Vec<f64> = rows.flat_map(|t| std::iter::repeat_n(0.0, 2 * width).chain(unit(t))).collect();
    let mut s = Sketch::new(format!("mask of attention {mask:?} T={time} H={heads} B={batch} grad={grad}"));
    let qkv = s.given(&[batch, time, 3 * width], packed);
    let spec = Attention { dropout: Some(Dropout { p: 0.4, site: 6 }), ..Attention::packed(heads, mask, 1.0) };
    let forward = s.push_all(Op::Attention(spec), &[qkv]);
    if !grad {
        return s.finish(&forward, time);
    }
    // Unit vectors again: the gradient of the values is the transposed matrix.
    let units: Vec<f64> = (0..batch).flat_map(|_| 0..time).flat_map(unit).collect();
    let d_o = s.given(&[batch, time, width], units);
    let dqkv = s.push(Op::AttentionGrad(spec), &[qkv, forward[0], forward[1], d_o]);
    s.finish_forward(&[dqkv], time)
}

#[test]
fn masks_of_attention_agree_forward_and_backward() {
    for mask in [Mask::Full, Mask::Causal] {
        for (time, heads, batch) in [(8, 2, 2), (33, 1, 2), (7, 3, 1)] {
            for grad in [false, true] {
                let case = attention(mask, time, heads, batch, grad);
                let expected = case.run().expect("the interpreter knows every operation");
                let expected = expected.output("y0").expect("an output");
                let width = heads * time;
                // Of dqkv only the values' third is made of single probabilities.
                let counts = |at: usize| !grad || at % (3 * width) >= 2 * width;
                let mut kept = 0;
                for target in TARGETS {
                    let found = run(&case, target).unwrap_or_else(|e| panic!("{}: {e}", case.name)).swap_remove(0).1;
                    for (at, (&f, &e)) in found.iter().zip(expected).enumerate().filter(|&(at, _)| counts(at)) {
                        assert_eq!(f == 0.0, e == 0.0, "{} on {target:?} [{at}]: {f} instead of {e}", case.name);
                        kept += usize::from(e != 0.0);
                    }
                }
                assert!(kept > 0, "{}: everything is dropped", case.name);
            }
        }
    }
}

#[test]
fn another_seed_is_another_mask() {
    let mut case = attention(Mask::Full, 8, 2, 2, false);
    let pattern = |case: &Case| {
        let found = run(case, Target::Software).expect("the case runs").swap_remove(0).1;
        found.iter().map(|&x| x == 0.0).collect::<Vec<bool>>()
    };
    let before = pattern(&case);
    case.key.seed += 1;
    assert_ne!(pattern(&case), before);
    assert!(case.inputs.iter().all(|i| matches!(i, Tensor::Float(_))));
}
