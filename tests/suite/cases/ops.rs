//! Cases of the primitive operations. A function in the singular makes one case from extents, one in the plural the list.

use trainyard::ir::{Activation, Dropout, NormKind, Op, ValueId};

use super::{Case, Sketch};

pub const ACTIVATIONS: [Activation; 5] =
    [Activation::GeluTanh, Activation::GeluErf, Activation::Relu, Activation::Silu, Activation::Tanh];

pub fn params() -> Vec<Case> {
    let mut s = Sketch::new("param".to_owned());
    let (w, x) = (s.param(&[5, 7]), s.x(&[5, 7]));
    let y = s.push(Op::Add, &[w, x]);
    vec![s.finish(&[y], 1)]
}

pub fn inputs() -> Vec<Case> {
    let mut s = Sketch::new("input".to_owned());
    let x = s.x(&[3, 1, 7]);
    let y = s.push(Op::Scale { factor: 1.0 }, &[x]);
    vec![s.finish(&[y], 1)]
}

pub fn fills() -> Vec<Case> {
    let mut s = Sketch::new("fill".to_owned());
    let x = s.x(&[1]);
    let fill = s.push(Op::Fill { value: -2.5 }, &[]);
    let y = s.push(Op::Add, &[x, fill]);
    vec![s.finish(&[y], 1)]
}

pub fn embedding(grad: bool, rows: usize, columns: usize, ids: &[usize]) -> Case {
    let name = if grad { "embedding_grad" } else { "embedding" };
    let mut s = Sketch::new(format!("{name} V={rows} D={columns} ids={ids:?}"));
    let count: usize = ids.iter().product();
    let index = s.ids(ids, rows as u32);
    if grad {
        let dy = s.data(&[ids, &[columns]].concat());
        let y = s.push(Op::EmbeddingGrad { rows, padding: None }, &[index, dy]);
        return s.finish_forward(&[y], count);
    }
    let table = s.x(&[rows, columns]);
    let y = s.push(Op::Embedding { padding: None }, &[table, index]);
    s.finish(&[y], 1)
}

pub fn embeddings(grad: bool) -> Vec<Case> {
    vec![
        embedding(grad, 1, 1, &[1]),
        embedding(grad, 3, 1, &[17]),
        embedding(grad, 7, 5, &[3, 4]),
        embedding(grad, 65, 64, &[2, 9]),
        embedding(grad, 2, 63, &[1, 65]),
    ]
}

/// Adds rows of a table of `table` rows (`None`: a bias of rank 1) to `x`, or sums them back.
pub fn row_table(grad: bool, x: &[usize], period: usize, table: Option<usize>) -> Case {
    let name = if grad { "sum_rows" } else { "add_rows" };
    let mut s = Sketch::new(format!("{name} {x:?} period={period} table={table:?}"));
    let (rows, columns) = (x[..x.len() - 1].iter().product::<usize>(), x[x.len() - 1]);
    if grad {
        let dy = s.data(x);
        let y = s.push(Op::SumRows { period, first: 0, table_rows: table }, &[dy]);
        return s.finish_forward(&[y], rows / period);
    }
    let table = table.map_or(vec![columns], |rows| vec![rows, columns]);
    let (x, table) = (s.x(x), s.x(&table));
    let y = s.push(Op::AddRows { period, first: 0 }, &[x, table]);
    s.finish(&[y], 1)
}

pub fn row_tables(grad: bool) -> Vec<Case> {
    vec![
        row_table(grad, &[1, 1], 1, None),
        row_table(grad, &[2, 3, 5], 1, None),
        row_table(grad, &[65, 63], 1, None),
        row_table(grad, &[9, 64], 1, Some(1)),
        row_table(grad, &[2, 3, 5], 3, Some(3)),
        row_table(grad, &[4, 7, 8], 7, Some(11)),
        row_table(grad, &[5, 1, 65], 1, Some(9)),
    ]
}

/// `op(a)·op(b)`, m × k × n.
pub fn matmul(ta: bool, tb: bool, [m, k, n]: [usize; 3]) -> Case {
    let flag = |t| if t { 't' } else { 'n' };
    let mut s = Sketch::new(format!("matmul {}{} {m}×{k}×{n}", flag(ta), flag(tb)));
    let a = s.x(&if ta { [k, m] } else { [m, k] });
    let b = s.x(&if tb { [n, k] } else { [k, n] });
    let y = s.push(Op::MatMul { ta, tb }, &[a, b]);
    s.finish(&[y], k)
}

pub fn matmuls() -> Vec<Case> {
    let mut cases = Vec::new();
    for (ta, tb) in [(false, false), (false, true), (true, false), (true, true)] {
        for extents in [[1, 1, 1], [3, 5, 1], [1, 7, 11], [7, 9, 8], [8, 8, 8], [9, 1, 17], [65, 63, 64], [63, 65, 65]]
        {
            cases.push(matmul(ta, tb, extents));
        }
    }
    for tb in [false, true] {
        let mut s = Sketch::new(format!("matmul of rank 3, tb={tb}"));
        let (a, b) = (s.x(&[2, 3, 5]), s.x(&if tb { [4, 5] } else { [5, 4] }));
        let y = s.push(Op::MatMul { ta: false, tb }, &[a, b]);
        cases.push(s.finish(&[y], 5));
    }
    cases
}

pub fn adds() -> Vec<Case> {
    let mut cases: Vec<Case> = [vec![1], vec![2, 3, 5], vec![65, 63], vec![1, 257]]
        .iter()
        .map(|dims| {
            let mut s = Sketch::new(format!("add {dims:?}"));
            let (a, b) = (s.x(dims), s.x(dims));
            let y = s.push(Op::Add, &[a, b]);
            s.finish(&[y], 1)
        })
        .collect();
    let mut s = Sketch::new("add of a value to itself".to_owned());
    let x = s.x(&[3, 5]);
    let y = s.push(Op::Add, &[x, x]);
    cases.push(s.finish(&[y], 1));
    cases
}

pub fn scales() -> Vec<Case> {
    let scale = |dims: &[usize], factor: f64| {
        let mut s = Sketch::new(format!("scale {dims:?} {factor}"));
        let x = s.x(dims);
        let y = s.push(Op::Scale { factor }, &[x]);
        s.finish(&[y], 1)
    };
    vec![scale(&[1], 0.1), scale(&[3, 7], -3.0), scale(&[65, 9], 0.0)]
}

pub fn activation(grad: bool, f: Activation, dims: &[usize], spread: f64) -> Case {
    let name = if grad { "activation_grad" } else { "activation" };
    let mut s = Sketch::new(format!("{name} {} {dims:?} ±{spread}", f.name()));
    let x = s.around(dims, 0.0, spread);
    if grad {
        let dy = s.data(dims);
        let y = s.push(Op::ActivationGrad(f), &[x, dy]);
        return s.finish_forward(&[y], 1);
    }
    let y = s.push(Op::Activation(f), &[x]);
    s.finish(&[y], 1)
}

pub fn activations(grad: bool) -> Vec<Case> {
    let mut cases = Vec::new();
    for f in ACTIVATIONS {
        for (dims, spread) in [(&[1][..], 1.0), (&[3, 5], 2.0), (&[7, 65], 6.0), (&[9, 7], 30.0), (&[127], 0.25)] {
            cases.push(activation(grad, f, dims, spread));
        }
    }
    cases
}

pub fn dropout(dims: &[usize], p: f32, site: u32) -> Case {
    let mut s = Sketch::new(format!("dropout {dims:?} p={p}"));
    let x = s.x(dims);
    let y = s.push(Op::Dropout(Dropout { p, site }), &[x]);
    s.finish(&[y], 1)
}

pub fn dropouts() -> Vec<Case> {
    vec![
        dropout(&[31, 1], 0.5, 2),
        dropout(&[7, 5], 0.1, 0),
        dropout(&[3, 3, 8], 0.25, 9),
        dropout(&[5, 63], 0.9, 1),
        dropout(&[4, 4], 0.0, 1),
    ]
}

/// Which of the operations of a normalization.
#[derive(Clone, Copy, PartialEq)]
pub enum NormPart {
    Forward,
    Grad,
    ParamGrad,
}

/// A normalization of `x` over rows of `dims`, its values in `center ± spread`.
#[derive(Clone, Copy)]
pub struct NormShape<'a> {
    pub kind: NormKind,
    pub beta: bool,
    pub dims: &'a [usize],
    pub eps: f64,
    pub center: f64,
    pub spread: f64,
}

pub fn norm(part: NormPart, shape: NormShape<'_>) -> Case {
    let NormShape { kind, beta, dims, eps, center, spread } = shape;
    let name = match part {
        NormPart::Forward => "norm",
        NormPart::Grad => "norm_grad",
        NormPart::ParamGrad => "norm_param_grad",
    };
    let mut s = Sketch::new(format!("{name} {kind:?} {dims:?} beta={beta} ε={eps:e} x={center}±{spread}"));
    let columns = dims[dims.len() - 1];
    let rows: usize = dims[..dims.len() - 1].iter().product();
    let mut inputs = vec![s.around(dims, center, spread), s.around(&[columns], 1.0, 0.5)];
    if beta {
        inputs.push(s.x(&[columns]));
    }
    let forward = s.push_all(Op::Norm { kind, eps }, &inputs);
    match part {
        NormPart::Forward => s.finish(&forward, columns),
        NormPart::Grad => {
            let dy = s.data(dims);
            let y = s.push(Op::NormGrad { kind }, &[inputs[0], inputs[1], forward[1], dy]);
            s.finish_forward(&[y], columns)
        }
        NormPart::ParamGrad => {
            let dy = s.data(dims);
            let y = s.push_all(Op::NormParamGrad { beta }, &[inputs[0], forward[1], dy]);
            s.finish_forward(&y, rows.max(columns))
        }
    }
}

pub fn norms(part: NormPart) -> Vec<Case> {
    let mut cases = Vec::new();
    for (kind, beta) in [(NormKind::Layer, true), (NormKind::Layer, false), (NormKind::Rms, false)] {
        for dims in [&[1, 1][..], &[5, 1], &[1, 3], &[2, 3, 7], &[9, 8], &[3, 64], &[17, 65]] {
            cases.push(norm(part, NormShape { kind, beta, dims, eps: 1e-5, center: 0.0, spread: 1.0 }));
        }
        for (eps, center, spread) in [(1e-5, 0.0, 64.0), (1e-12, 0.0, 1.0), (1e-6, 8.0, 1.0)] {
            cases.push(norm(part, NormShape { kind, beta, dims: &[3, 13], eps, center, spread }));
        }
    }
    cases
}

/// The loss of `dims` logits in ± `spread`, or its gradient.
pub fn cross_entropy(grad: bool, dims: &[usize], smoothing: f64, spread: f64) -> Case {
    let name = if grad { "cross_entropy_grad" } else { "cross_entropy" };
    let mut s = Sketch::new(format!("{name} {dims:?} ε={smoothing} ±{spread}"));
    let inputs = classification(&mut s, dims, spread);
    let classes = dims[dims.len() - 1];
    if grad {
        let dloss = s.data(&[1]);
        let y = s.push(Op::CrossEntropyGrad { smoothing }, &[inputs[0], inputs[1], inputs[2], dloss]);
        return s.finish_forward(&[y], classes);
    }
    let y = s.push(Op::CrossEntropy { smoothing }, &inputs);
    s.finish(&[y], dims.iter().product())
}

/// Logits, targets, weights.
pub fn classification(s: &mut Sketch, dims: &[usize], spread: f64) -> [ValueId; 3] {
    let (rows, classes) = (&dims[..dims.len() - 1], dims[dims.len() - 1]);
    [s.around(dims, 0.0, spread), s.ids(rows, classes as u32), s.weights(rows)]
}

pub fn cross_entropies(grad: bool) -> Vec<Case> {
    let mut cases = Vec::new();
    for smoothing in [0.0, 0.1] {
        for (dims, spread) in
            [(&[1, 1][..], 1.0), (&[5, 3], 1.0), (&[2, 3, 7], 1.0), (&[9, 64], 1.0), (&[4, 65], 1.0), (&[5, 9], 40.0)]
        {
            cases.push(cross_entropy(grad, dims, smoothing, spread));
        }
    }
    cases
}
