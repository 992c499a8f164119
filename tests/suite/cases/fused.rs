//! Cases of the fused operations. They are not differentiated: that comes before fusing.

use trainyard::ir::{Activation, Dropout, Epilogue, Fused, NormKind, Op};

use super::ops::{ACTIVATIONS, classification};
use super::{Case, Sketch};

/// The first of the chain.
pub const FIRST: Fused = Fused::Linear { ta: false, tb: false, bias: false, epilogue: Epilogue::None };

/// As `cases_and_next` of the primitive operations.
pub fn cases_and_next(fused: &Fused) -> (Vec<Case>, Option<Fused>) {
    match fused {
        Fused::Linear { .. } => (linears(), Some(Fused::MatMulActivationGrad { tb: false, f: Activation::Relu })),
        Fused::MatMulActivationGrad { .. } => (activation_grads(), Some(Fused::WeightBiasGrad)),
        Fused::WeightBiasGrad => (weight_bias_grads(), Some(Fused::NormGradAdd { kind: NormKind::Layer })),
        Fused::NormGradAdd { .. } => (norm_grad_adds(), Some(Fused::EmbeddingGradAdd { rows: 1, padding: None })),
        Fused::EmbeddingGradAdd { .. } => (embedding_grad_adds(), Some(Fused::CrossEntropyBoth { smoothing: 0.0 })),
        Fused::CrossEntropyBoth { .. } => (cross_entropy_boths(), None),
    }
}

/// m × k × n.
const EXTENTS: [[usize; 3]; 4] = [[1, 1, 1], [7, 5, 9], [8, 64, 3], [65, 9, 63]];

fn linears() -> Vec<Case> {
    let mut epilogues = vec![Epilogue::None, Epilogue::Residual { dropout: None }];
    epilogues.push(Epilogue::Residual { dropout: Some(Dropout { p: 0.3, site: 4 }) });
    for f in ACTIVATIONS {
        epilogues.extend([false, true].map(|save| Epilogue::Activation { f, save }));
    }
    let mut cases = Vec::new();
    for (i, &epilogue) in epilogues.iter().enumerate() {
        for (j, &[m, k, n]) in EXTENTS.iter().enumerate() {
            for bias in [false, true] {
                // Not every combination: layouts take turns.
                let (ta, tb) = [(false, false), (false, true), (true, false)][(i + j) % 3];
                let mut s = Sketch::new(format!("linear {m}×{k}×{n} {ta} {tb} bias={bias} {epilogue:?}"));
                let mut inputs =
                    vec![s.data(&if ta { [k, m] } else { [m, k] }), s.data(&if tb { [n, k] } else { [k, n] })];
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

fn activation_grads() -> Vec<Case> {
    let mut cases = Vec::new();
    for f in ACTIVATIONS {
        for tb in [false, true] {
            for [m, k, n] in EXTENTS {
                let mut s = Sketch::new(format!("matmul_activation_grad {} {m}×{k}×{n} {tb}", f.name()));
                let inputs = [s.data(&[m, k]), s.data(&if tb { [n, k] } else { [k, n] }), s.data(&[m, n])];
                let y = s.push_all(Op::Fused(Fused::MatMulActivationGrad { tb, f }), &inputs);
                cases.push(s.finish_forward(&y, k));
            }
        }
    }
    cases
}

fn weight_bias_grads() -> Vec<Case> {
    let case = |x: &[usize], dy: &[usize]| {
        let mut s = Sketch::new(format!("weight_bias_grad {x:?} {dy:?}"));
        let inputs = [s.data(x), s.data(dy)];
        let y = s.push_all(Op::Fused(Fused::WeightBiasGrad), &inputs);
        s.finish_forward(&y, x[..x.len() - 1].iter().product())
    };
    vec![case(&[1, 1], &[1, 1]), case(&[2, 3, 5], &[2, 3, 7]), case(&[65, 9], &[65, 17]), case(&[9, 64], &[9, 8])]
}

fn norm_grad_adds() -> Vec<Case> {
    let mut cases = Vec::new();
    for kind in [NormKind::Layer, NormKind::Rms] {
        for dims in [&[3, 1][..], &[2, 3, 7], &[9, 64], &[5, 65]] {
            let mut s = Sketch::new(format!("norm_grad_add {kind:?} {dims:?}"));
            let columns = dims[dims.len() - 1];
            let (x, gamma) = (s.data(dims), s.data(&[columns]));
            let stats = s.push_all(Op::Norm { kind, eps: 1e-5 }, &[x, gamma])[1];
            let (dy, residual) = (s.data(dims), s.data(dims));
            let y = s.push_all(Op::Fused(Fused::NormGradAdd { kind }), &[x, gamma, stats, dy, residual]);
            cases.push(s.finish_forward(&y, columns));
        }
    }
    cases
}

fn embedding_grad_adds() -> Vec<Case> {
    let case = |rows: usize, columns: usize, ids: &[usize]| {
        let mut s = Sketch::new(format!("embedding_grad_add V={rows} D={columns} ids={ids:?}"));
        let other = s.data(&[rows, columns]);
        let index = s.ids(ids, rows as u32);
        let dy = s.data(&[ids, &[columns]].concat());
        let y = s.push_all(Op::Fused(Fused::EmbeddingGradAdd { rows, padding: None }), &[other, index, dy]);
        s.finish_forward(&y, ids.iter().product())
    };
    vec![case(1, 1, &[1]), case(7, 5, &[3, 4]), case(65, 8, &[2, 33]), case(3, 63, &[17])]
}

fn cross_entropy_boths() -> Vec<Case> {
    let mut cases = Vec::new();
    for smoothing in [0.0, 0.1] {
        for dims in [&[1, 1][..], &[2, 3, 7], &[9, 65]] {
            let mut s = Sketch::new(format!("cross_entropy_both {dims:?} ε={smoothing}"));
            let inputs = classification(&mut s, dims, 2.0);
            let y = s.push_all(Op::Fused(Fused::CrossEntropyBoth { smoothing }), &inputs);
            cases.push(s.finish_forward(&y, dims.iter().product()));
        }
    }
    cases
}
