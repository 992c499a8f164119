//! A row's result does not depend on how many rows stand beside it: the order of every sum over its own numbers is fixed,
//! whatever shape of workgroup suits the whole. So a sequence gets the same logits alone and in a batch, bit for bit.

use trainyard::ir::{Activation, Attention, Epilogue, Fused, Mask, NormKind, Op, ValueId};
use trainyard::kernels::Target;
use trainyard::rng::{Draws, Stream, unit};

use super::run;
use crate::cases::{Case, Sketch};

/// Numbers that depend on `item` alone: fewer of them are the first of more.
fn numbers(item: u32, count: usize) -> Vec<f64> {
    let mut draws = Draws::new(item, Stream::Task, 51);
    (0..count).map(|_| f64::from(unit(draws.word())) * 2.0 - 1.0).collect()
}

fn given(s: &mut Sketch, item: u32, dims: &[usize]) -> ValueId {
    s.given(dims, numbers(item, dims.iter().product()))
}

/// The first output of a case for few rows, which must be how that for many begins.
fn assert_prefix(what: &str, rows: &[usize], case: impl Fn(usize) -> Case) {
    for target in [Target::Software, Target::Gpu] {
        let found = |rows: usize| {
            let outputs = run(&case(rows), target).unwrap_or_else(|e| panic!("{what} of {rows} rows: {e}"));
            outputs[0].1.iter().map(|x| x.to_bits()).collect::<Vec<u32>>()
        };
        let few = found(rows[0]);
        for &more in &rows[1..] {
            let many = found(more);
            assert!(many.len() > few.len());
            assert_eq!(many[..few.len()], few, "{what} on {target:?}: {} rows among {more}", rows[0]);
        }
    }
}

#[test]
fn rows_of_products() {
    // Long sums and few columns, where a kernel is tempted to share a sum among threads when rows are few.
    let (k, n) = (96, 33);
    let epilogues = [
        (false, Epilogue::None),
        (true, Epilogue::None),
        (true, Epilogue::Residual { dropout: None }),
        (false, Epilogue::Activation { f: Activation::GeluTanh, save: true }),
    ];
    for (bias, epilogue) in epilogues {
        for tb in [false, true] {
            assert_prefix(&format!("product {bias} {epilogue:?} {tb}"), &[3, 70, 2000, 8400], |m| {
                let mut s = Sketch::new(format!("rows {m} {bias} {epilogue:?} {tb}"));
                let mut inputs = vec![given(&mut s, 1, &[m, k]), given(&mut s, 2, &if tb { [n, k] } else { [k, n] })];
                if bias {
                    inputs.push(given(&mut s, 3, &[n]));
                }
                if matches!(epilogue, Epilogue::Residual { .. }) {
                    inputs.push(given(&mut s, 4, &[m, n]));
                }
                let y = s.push_all(Op::Fused(Fused::Linear { ta: false, tb, bias, epilogue }), &inputs);
                s.finish_forward(&y, k)
            });
        }
    }
    assert_prefix("plain product", &[1, 9, 2000, 8400], |m| {
        let mut s = Sketch::new(format!("plain {m}"));
        let (a, b) = (given(&mut s, 1, &[m, k]), given(&mut s, 2, &[n, k]));
        let y = s.push(Op::MatMul { ta: false, tb: true }, &[a, b]);
        s.finish_forward(&[y], k)
    });
}

#[test]
fn rows_of_norms() {
    for (kind, beta) in [(NormKind::Layer, true), (NormKind::Layer, false), (NormKind::Rms, false)] {
        assert_prefix(&format!("{kind:?}"), &[1, 5, 300], |rows| {
            let mut s = Sketch::new(format!("norm rows {rows} {kind:?} {beta}"));
            let mut inputs = vec![given(&mut s, 1, &[rows, 65]), given(&mut s, 2, &[65])];
            if beta {
                inputs.push(given(&mut s, 3, &[65]));
            }
            let y = s.push_all(Op::Norm { kind, eps: 1e-5 }, &inputs);
            s.finish_forward(&y, 65)
        });
    }
}

#[test]
fn sequences_of_attention() {
    for mask in [Mask::Causal, Mask::Full] {
        assert_prefix(&format!("{mask:?}"), &[1, 2, 9], |batch| {
            let (time, heads, head) = (37, 2, 5);
            let mut s = Sketch::new(format!("attention rows {batch} {mask:?}"));
            let qkv = given(&mut s, 1, &[batch, time, 3 * heads * head]);
            let spec = Attention::packed(heads, mask, 0.4);
            let y = s.push_all(Op::Attention(spec), &[qkv]);
            s.finish_forward(&y, time)
        });
    }
}
