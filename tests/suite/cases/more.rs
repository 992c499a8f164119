//! Cases of constant data, of what moves columns and rows, of gates, of losses of numbers, and of states.

use trainyard::ir::{Activation, ElementLoss, Op, Shape, Table, Type, ValueId};

use super::ops::ACTIVATIONS;
use super::{Case, Sketch};

/// A lookup of ids of which `padding` is one.
pub fn padded_embedding(grad: bool, rows: usize, columns: usize, ids: &[usize], padding: u32) -> Case {
    let name = if grad { "embedding_grad" } else { "embedding" };
    let mut s = Sketch::new(format!("{name} V={rows} D={columns} ids={ids:?} padding={padding}"));
    let count: usize = ids.iter().product();
    let drawn = s.ids(ids, rows as u32);
    // What is dropped is no derivative: the differences of the forward case are not looked at.
    if grad {
        let dy = s.data(&[ids, &[columns]].concat());
        let y = s.push(Op::EmbeddingGrad { rows, padding: Some(padding) }, &[drawn, dy]);
        return s.finish_forward(&[y], count);
    }
    let table = s.x(&[rows, columns]);
    let y = s.push(Op::Embedding { padding: Some(padding) }, &[table, drawn]);
    s.finish_forward(&[y], 1)
}

pub fn padded_embeddings(grad: bool) -> Vec<Case> {
    vec![
        padded_embedding(grad, 3, 5, &[2, 9], 0),
        padded_embedding(grad, 7, 3, &[65], 6),
        padded_embedding(grad, 1, 4, &[3], 0),
        padded_embedding(grad, 5, 2, &[7], 90),
        table_embedding(grad, 7, 3, 5, None),
        table_embedding(grad, 6, 9, 8, Some(3)),
    ]
}

/// A lookup whose ids are constant: T5's buckets, seen as a matrix of one row.
fn table_embedding(grad: bool, queries: usize, keys: usize, columns: usize, padding: Option<u32>) -> Case {
    let name = if grad { "embedding_grad" } else { "embedding" };
    let mut s = Sketch::new(format!("{name} of the buckets of {queries}×{keys} D={columns} padding={padding:?}"));
    let rows = 8;
    let table = Table::RelativeBuckets { bidirectional: true, buckets: rows, max_distance: 6, queries, keys };
    let distances = queries + keys - 1;
    let ids = s.push(Op::Table(table), &[]);
    let ids = s.push(Op::Reshape { shape: Shape::new(&[1, distances]) }, &[ids]);
    if grad {
        let dy = s.data(&[1, distances, columns]);
        let y = s.push(Op::EmbeddingGrad { rows, padding }, &[ids, dy]);
        return s.finish_forward(&[y], distances);
    }
    let weights = s.x(&[rows, columns]);
    let y = s.push(Op::Embedding { padding }, &[weights, ids]);
    if padding.is_some() { s.finish_forward(&[y], 1) } else { s.finish(&[y], 1) }
}

/// Rows of a table from `first` on, added to `x` or summed back.
pub fn shifted_rows(grad: bool, x: &[usize], period: usize, first: usize, rows: usize) -> Case {
    let name = if grad { "sum_rows" } else { "add_rows" };
    let mut s = Sketch::new(format!("{name} {x:?} period={period} first={first} table={rows}"));
    let (count, columns) = (x[..x.len() - 1].iter().product::<usize>(), x[x.len() - 1]);
    if grad {
        let dy = s.data(x);
        let y = s.push(Op::SumRows { period, first, table_rows: Some(rows) }, &[dy]);
        return s.finish_forward(&[y], count / period);
    }
    let (x, table) = (s.x(x), s.x(&[rows, columns]));
    let y = s.push(Op::AddRows { period, first }, &[x, table]);
    s.finish(&[y], 1)
}

pub fn shifted_row_tables(grad: bool) -> Vec<Case> {
    vec![
        shifted_rows(grad, &[2, 3, 5], 3, 2, 5),
        shifted_rows(grad, &[2, 3, 5], 3, 1, 7),
        shifted_rows(grad, &[7, 1], 1, 3, 4),
        shifted_rows(grad, &[130, 9], 2, 2, 5),
        shifted_rows(grad, &[65, 8], 65, 64, 130),
    ]
}

/// Constant data where it is read: fixed positions added to x, rows of ALiBi's slopes as positions.
pub fn tables() -> Vec<Case> {
    let case = |name: &str, table: Table, x: &[usize], first: usize, period: usize| {
        let mut s = Sketch::new(format!("table {name} {x:?} first={first}"));
        let (x, rows) = (s.x(x), s.push(Op::Table(table), &[]));
        let y = s.push(Op::AddRows { period, first }, &[x, rows]);
        s.finish(&[y], 1)
    };
    vec![
        case("sinusoids", Table::Sinusoids { rows: 5, columns: 7 }, &[2, 5, 7], 0, 5),
        case("sinusoids", Table::Sinusoids { rows: 65, columns: 8 }, &[63, 8], 2, 63),
        case("angles", Table::Angles { rows: 9, head_dim: 6, base: 1e4 }, &[9, 6], 0, 9),
        case("slopes", Table::Slopes { heads: 6, queries: 3, keys: 5 }, &[7, 6], 0, 7),
    ]
}

/// The same elements under another shape: of a computed value, of an input, of a parameter, of a reshaped value.
pub fn reshapes() -> Vec<Case> {
    let reshape = |s: &mut Sketch, dims: &[usize], x: ValueId| s.push(Op::Reshape { shape: Shape::new(dims) }, &[x]);
    let mut s = Sketch::new("reshape [2,3,5] [6,5] between products".to_owned());
    let (x, w, v) = (s.x(&[2, 3, 5]), s.x(&[5, 7]), s.x(&[7, 3]));
    let y = s.push(Op::MatMul { ta: false, tb: false }, &[x, w]);
    let y = reshape(&mut s, &[3, 2, 7], y);
    let y = reshape(&mut s, &[6, 7], y);
    let y = s.push(Op::MatMul { ta: false, tb: false }, &[y, v]);
    let mut cases = vec![s.finish(&[y], 7)];
    let mut s = Sketch::new("reshape of an input and of a parameter".to_owned());
    let (x, w) = (s.x(&[4, 15]), s.param(&[3, 5, 4]));
    let (x, w) = (reshape(&mut s, &[12, 5], x), reshape(&mut s, &[12, 5], w));
    let y = s.push(Op::Add, &[x, w]);
    cases.push(s.finish(&[y], 1));
    let mut s = Sketch::new("reshape as a result".to_owned());
    let x = s.x(&[65, 3]);
    let y = s.push(Op::Scale { factor: 3.0 }, &[x]);
    let z = reshape(&mut s, &[3, 65], y);
    cases.push(s.finish(&[z, y], 1));
    cases
}

pub fn columns(x: &[usize], start: usize, count: usize) -> Case {
    let mut s = Sketch::new(format!("columns {start}+{count} of {x:?}"));
    let x = s.x(x);
    let y = s.push(Op::Columns { start, count }, &[x]);
    s.finish(&[y], 1)
}

pub fn column_ranges() -> Vec<Case> {
    vec![
        columns(&[1, 1], 0, 1),
        columns(&[3, 7], 2, 5),
        columns(&[2, 5, 9], 0, 4),
        columns(&[65, 8], 7, 1),
        columns(&[9, 65], 0, 65),
    ]
}

pub fn padded_columns() -> Vec<Case> {
    let case = |x: &[usize], start: usize, width: usize| {
        let mut s = Sketch::new(format!("pad_columns {x:?} at {start} of {width}"));
        let x = s.x(x);
        let y = s.push(Op::PadColumns { start, width }, &[x]);
        s.finish(&[y], 1)
    };
    vec![case(&[1, 1], 0, 1), case(&[3, 5], 2, 7), case(&[2, 5, 4], 0, 9), case(&[65, 1], 7, 8), case(&[9, 63], 1, 65)]
}

/// `heads` heads of `head_dim` columns in `x` turn; `per_row`: every row of x has angles of its own.
pub fn rotate(x: &[usize], heads: usize, head_dim: usize, inverse: bool, per_row: bool) -> Case {
    let mut s = Sketch::new(format!("rotate {x:?} heads={heads} E={head_dim} inverse={inverse} per_row={per_row}"));
    let rows: usize = x[..x.len() - 1].iter().product();
    let time = x[x.len() - 2];
    let angles = if per_row {
        s.data(&[rows, head_dim])
    } else {
        s.push(Op::Table(Table::Angles { rows: time, head_dim, base: 100.0 }), &[])
    };
    let x = s.x(x);
    let y = s.push(Op::Rotate { heads, inverse }, &[x, angles]);
    s.finish(&[y], 2)
}

pub fn rotations() -> Vec<Case> {
    let mut cases = Vec::new();
    for inverse in [false, true] {
        cases.extend([
            rotate(&[1, 1, 2], 1, 2, inverse, false),
            rotate(&[2, 5, 24], 2, 4, inverse, false),
            rotate(&[3, 7, 10], 1, 6, inverse, true),
            rotate(&[65, 9], 1, 8, inverse, false),
            rotate(&[2, 9, 12], 0, 4, inverse, false),
        ]);
    }
    cases
}

/// `f(a)·b`, or its gradient.
pub fn gate(grad: bool, f: Activation, x: &[usize], spread: f64) -> Case {
    let name = if grad { "gated_grad" } else { "gated" };
    let mut s = Sketch::new(format!("{name} {} {x:?} ±{spread}", f.name()));
    let dims = x;
    let x = s.around(dims, 0.0, spread);
    if grad {
        let dy = s.data(Shape::new(dims).with_columns(dims[dims.len() - 1] / 2).dims());
        let y = s.push(Op::GatedGrad(f), &[x, dy]);
        return s.finish_forward(&[y], 1);
    }
    let y = s.push(Op::Gated(f), &[x]);
    s.finish(&[y], 1)
}

pub fn gates(grad: bool) -> Vec<Case> {
    let mut cases = Vec::new();
    for f in ACTIVATIONS {
        for (dims, spread) in [(&[1, 2][..], 1.0), (&[2, 3, 10], 2.0), (&[9, 126], 6.0), (&[65, 6], 20.0)] {
            cases.push(gate(grad, f, dims, spread));
        }
    }
    cases
}

/// The loss of numbers in ± `spread`, or its gradient; labels of the logistic one are 0 and 1, and numbers between.
pub fn element_loss(grad: bool, kind: ElementLoss, dims: &[usize], spread: f64) -> Case {
    let name = if grad { "element_loss_grad" } else { "element_loss" };
    let mut s = Sketch::new(format!("{name} {} {dims:?} ±{spread}", kind.name()));
    let x = s.around(dims, 0.0, spread);
    let targets = match kind {
        ElementLoss::Squared => s.data(dims),
        ElementLoss::Logistic => s.weights(dims),
    };
    let weights = s.weights(dims);
    if grad {
        let dloss = s.data(&[1]);
        let y = s.push(Op::ElementLossGrad(kind), &[x, targets, weights, dloss]);
        return s.finish_forward(&[y], 1);
    }
    let y = s.push(Op::ElementLoss(kind), &[x, targets, weights]);
    s.differentiate_only(&[x]);
    s.finish(&[y], dims.iter().product())
}

pub fn element_losses(grad: bool) -> Vec<Case> {
    let mut cases = Vec::new();
    for kind in [ElementLoss::Squared, ElementLoss::Logistic] {
        for (dims, spread) in [(&[1][..], 1.0), (&[7, 1], 1.0), (&[5, 13], 6.0), (&[257], 2.0), (&[3, 3, 7], 90.0)] {
            cases.push(element_loss(grad, kind, dims, spread));
        }
    }
    cases
}

/// What a state holds at first, and after it has been replaced.
pub fn states() -> Vec<Case> {
    let mut s = Sketch::new("state at first".to_owned());
    let (x, state) = (s.data(&[3, 5]), s.state("memory", Type::f32(&[3, 5])));
    let held = s.push(Op::State(state), &[]);
    let y = s.push(Op::Add, &[x, held]);
    let first = s.finish_forward(&[y], 1);
    let mut s = Sketch::new("state after a store".to_owned());
    let (x, state) = (s.data(&[2, 9]), s.state("memory", Type::f32(&[2, 9])));
    s.push(Op::Store(state), &[x]);
    let held = s.push(Op::State(state), &[]);
    let y = s.push(Op::Scale { factor: -2.0 }, &[held]);
    vec![first, s.finish_forward(&[y], 1)]
}

/// A state takes the place of what it held, also from values that have none of their own.
pub fn stores() -> Vec<Case> {
    let mut cases = Vec::new();
    for dims in [&[1][..], &[3, 5], &[2, 65]] {
        let mut s = Sketch::new(format!("store {dims:?}"));
        let (x, state) = (s.data(dims), s.state("memory", Type::f32(dims)));
        let twice = s.push(Op::Add, &[x, x]);
        let y = s.push(Op::Store(state), &[twice]);
        cases.push(s.finish_forward(&[y], 1));
    }
    let mut s = Sketch::new("store of a sum with what was there".to_owned());
    let (x, state) = (s.data(&[3, 5]), s.state("memory", Type::f32(&[3, 5])));
    s.push(Op::Store(state), &[x]);
    let held = s.push(Op::State(state), &[]);
    let sum = s.push(Op::Add, &[held, x]);
    let y = s.push(Op::Store(state), &[sum]);
    cases.push(s.finish_forward(&[y], 1));
    cases
}

/// A row of each sequence is written, others stay; a position past the end writes nothing.
pub fn appends() -> Vec<Case> {
    let case = |[batch, time, width]: [usize; 3], position: u32| {
        let mut s = Sketch::new(format!("append at {position} of [{batch},{time},{width}]"));
        let dims = [batch, time, width];
        let state = s.state("memory", Type::f32(&dims));
        let (old, row) = (s.data(&dims), s.data(&[batch, 1, width]));
        let at = s.given_ids(&[1], vec![position]);
        s.push(Op::Store(state), &[old]);
        let held = s.push(Op::Append(state), &[row, at]);
        let y = s.push(Op::Scale { factor: 2.0 }, &[held]);
        s.finish_forward(&[y, held], 1)
    };
    vec![
        case([1, 1, 1], 0),
        case([2, 5, 3], 4),
        case([3, 9, 7], 0),
        case([2, 3, 65], 1),
        case([2, 5, 3], 5),
        case([2, 5, 3], u32::MAX),
    ]
}
