//! Constant data, moved columns, gates, losses of numbers and states, where the result is known without the interpreter.

use trainyard::ir::{Activation, Builder, ElementLoss, Graph, IrError, Op, Shape, Table, Type};
use trainyard::reference::{Interpreter, Keep, ReferenceError, Tensor};

use super::{KEY, numbers, one, result};

fn f32s(dims: &[usize]) -> Type {
    Type::f32(dims)
}

#[test]
fn rows_of_a_table_start_where_they_should() {
    let (x, table) = (vec![0.0; 8], (0..10).map(f64::from).collect::<Vec<_>>());
    let add = one(Op::AddRows { period: 2, first: 2 }, &[f32s(&[4, 2]), f32s(&[5, 2])]);
    let y = result(&add, &[Tensor::Float(x), Tensor::Float(table)]);
    assert_eq!(y, [4.0, 5.0, 6.0, 7.0, 4.0, 5.0, 6.0, 7.0]);
    let sum = one(Op::SumRows { period: 2, first: 2, table_rows: Some(5) }, &[f32s(&[4, 2])]);
    let dy = Tensor::Float((1..9).map(f64::from).collect());
    assert_eq!(result(&sum, &[dy]), [0.0, 0.0, 0.0, 0.0, 6.0, 8.0, 10.0, 12.0, 0.0, 0.0]);
}

#[test]
fn padding_has_no_gradient() {
    let ids = Tensor::Index(vec![1, 0, 1, 2]);
    let dy = || Tensor::Float(vec![1.0, 10.0, 100.0, 1000.0]);
    let grad = |padding| one(Op::EmbeddingGrad { rows: 3, padding }, &[Type::u32(&[4]), f32s(&[4, 1])]);
    assert_eq!(result(&grad(None), &[ids.clone(), dy()]), [10.0, 101.0, 1000.0]);
    assert_eq!(result(&grad(Some(1)), &[ids, dy()]), [10.0, 0.0, 1000.0]);
}

#[test]
fn a_reshaped_table_of_ids_looks_up() -> Result<(), Box<dyn std::error::Error>> {
    let mut b = Builder::new();
    let table = Table::RelativeBuckets { bidirectional: false, buckets: 4, max_distance: 8, queries: 3, keys: 2 };
    let (weights, ids) = (b.input("weights", f32s(&[4, 1]))?, b.push(Op::Table(table.clone()), &[])?);
    let ids = b.push(Op::Reshape { shape: Shape::new(&[2, 2]) }, &[ids])?;
    let y = b.push(Op::Embedding { padding: None }, &[weights, ids])?;
    b.output("y0", y);
    let found = result(&b.finish(), &[Tensor::Float(vec![0.0, 1.0, 2.0, 3.0])]);
    let expected: Vec<f64> = table.values().words().into_iter().map(f64::from).collect();
    assert_eq!(found, expected);
    assert_eq!(expected, [2.0, 1.0, 0.0, 0.0], "distances -2, -1, 0, 1");
    Ok(())
}

#[test]
fn columns_come_back_between_zeros() {
    let x = || Tensor::Float((0..10).map(f64::from).collect());
    assert_eq!(
        result(&one(Op::Columns { start: 1, count: 3 }, &[f32s(&[2, 5])]), &[x()]),
        [1.0, 2.0, 3.0, 6.0, 7.0, 8.0]
    );
    let padded = result(&one(Op::PadColumns { start: 1, width: 7 }, &[f32s(&[2, 5])]), &[x()]);
    assert_eq!(padded, [0.0, 0.0, 1.0, 2.0, 3.0, 4.0, 0.0, 0.0, 5.0, 6.0, 7.0, 8.0, 9.0, 0.0]);
}

/// By a right angle (a, b) becomes (-b, a): column i goes with column i + E/2, and what is no head stays.
#[test]
fn a_rotation_turns_pairs() {
    let x = Tensor::Float(vec![1.0, 2.0, 3.0, 4.0, 9.0]);
    let angles = Tensor::Float(vec![0.0, 1.0, 1.0, 0.0]);
    let turn = |inverse| one(Op::Rotate { heads: 1, inverse }, &[f32s(&[1, 5]), f32s(&[1, 4])]);
    assert_eq!(result(&turn(false), &[x.clone(), angles.clone()]), [-3.0, 2.0, 1.0, 4.0, 9.0]);
    assert_eq!(result(&turn(true), &[x, angles]), [3.0, 2.0, -1.0, 4.0, 9.0]);
}

/// Scores of rotated queries and keys depend on the distance alone: that is what rotation is for.
#[test]
fn rotated_scores_depend_on_the_distance() -> Result<(), IrError> {
    let (time, width) = (7, 6);
    let angles = Table::Angles { rows: time, head_dim: width, base: 1e4 };
    let mut b = Builder::new();
    let (x, table) = (b.input("x", f32s(&[1, time, width]))?, b.push(Op::Table(angles), &[])?);
    let y = b.push(Op::Rotate { heads: 1, inverse: false }, &[x, table])?;
    b.output("y0", y);
    let graph = b.finish();
    let rotated = |item: u32| result(&graph, &[Tensor::Float(numbers::<f64>(item, width, 1.0).repeat(time))]);
    let (q, k) = (rotated(1), rotated(2));
    let score = |i: usize, j: usize| -> f64 { (0..width).map(|c| q[i * width + c] * k[j * width + c]).sum() };
    for (i, j) in [(2, 0), (3, 3), (1, 4)] {
        assert!((score(i, j) - score(i + 2, j + 2)).abs() < 1e-14, "({i}, {j})");
        assert!((score(i, j) - score(i + 2, j + 1)).abs() > 1e-3, "({i}, {j}) and another distance");
    }
    Ok(())
}

#[test]
fn a_gate_scales_the_other_half() {
    let x = Tensor::Float(vec![-1.0, 2.0, 3.0, 5.0]);
    assert_eq!(result(&one(Op::Gated(Activation::Relu), &[f32s(&[1, 4])]), core::slice::from_ref(&x)), [0.0, 10.0]);
    let grad = one(Op::GatedGrad(Activation::Relu), &[f32s(&[1, 4]), f32s(&[1, 2])]);
    assert_eq!(result(&grad, &[x, Tensor::Float(vec![7.0, 11.0])]), [0.0, 55.0, 0.0, 22.0]);
}

#[test]
fn losses_of_numbers_do_not_overflow_and_ignore_what_has_no_weight() {
    let types = [f32s(&[4]), f32s(&[4]), f32s(&[4])];
    let loss = |kind, x: [f32; 4], y: [f32; 4], w: [f32; 4]| {
        let inputs = [x, y, w].map(|v| Tensor::Float(v.to_vec()));
        result(&one(Op::ElementLoss(kind), &types), &inputs)[0]
    };
    let nan = f32::NAN;
    let squared = loss(ElementLoss::Squared, [1.0, 5.0, nan, 2.0], [3.0, 4.0, nan, 2.0], [1.0, 0.5, 0.0, 1.0]);
    assert_eq!(squared, 4.5);
    let logistic = loss(ElementLoss::Logistic, [1e4, -1e4, 0.0, nan], [0.0, 1.0, 0.25, 1.0], [1.0, 0.5, 1.0, 0.0]);
    assert_eq!(logistic, 15_000.0 + core::f32::consts::LN_2);
    assert_eq!(loss(ElementLoss::Logistic, [1e4, -1e4, 1e4, -1e4], [1.0, 0.0, 1.0, 0.0], [1.0; 4]), 0.0);
    let inputs = [vec![1e4, -1e4, 0.0, nan], vec![0.0, 1.0, 0.25, 1.0], vec![1.0, 0.5, 1.0, 0.0], vec![2.0]];
    let types = [f32s(&[4]), f32s(&[4]), f32s(&[4]), f32s(&[1])];
    let slopes = result(&one(Op::ElementLossGrad(ElementLoss::Logistic), &types), &inputs.map(Tensor::Float));
    assert_eq!(slopes, [2.0, -1.0, 0.5, 0.0]);
}

/// Adds x to a state of two rows.
fn accumulating(name: &str, rows: usize) -> Result<Graph, IrError> {
    let mut b = Builder::new();
    let state = b.state(name, f32s(&[rows, 1]))?;
    let (x, held) = (b.input("x", f32s(&[rows, 1]))?, b.push(Op::State(state), &[])?);
    let sum = b.push(Op::Add, &[x, held])?;
    let stored = b.push(Op::Store(state), &[sum])?;
    b.output("y0", stored);
    Ok(b.finish())
}

#[test]
fn states_outlive_a_run() -> Result<(), Box<dyn std::error::Error>> {
    let mut interpreter = Interpreter::<f64>::new(&accumulating("sum", 2)?, Keep::Results)?;
    assert_eq!(interpreter.states().get("sum"), None);
    let x = [Tensor::Float(vec![1.0, 10.0])];
    for n in 1..4 {
        let values = interpreter.run(&[], &x, KEY)?;
        let expected = [f64::from(n), 10.0 * f64::from(n)];
        assert_eq!((values.output("y0"), interpreter.states().get("sum")), (Some(&expected[..]), Some(&expected[..])));
    }
    interpreter.states_mut().reorder(&[1, 1])?;
    assert_eq!(interpreter.states().get("sum"), Some(&[30.0, 30.0][..]));
    let refused = interpreter.states_mut().reorder(&[0, 2]);
    assert_eq!(refused, Err(ReferenceError::Parent { parent: 2, rows: 2 }));
    let refused = interpreter.states_mut().reorder(&[0]);
    assert_eq!(refused, Err(ReferenceError::Length { name: "sum".to_owned(), found: 1, expected: 2 }));
    assert_eq!(interpreter.states().get("sum"), Some(&[30.0, 30.0][..]), "a refusal changes nothing");
    interpreter.states_mut().reset();
    assert_eq!(interpreter.run(&[], &x, KEY)?.output("y0"), Some(&[1.0, 10.0][..]));

    let mut other = Interpreter::<f64>::new(&accumulating("sum", 3)?, Keep::Results)?;
    core::mem::swap(other.states_mut(), interpreter.states_mut());
    let error = other.run(&[], &[Tensor::Float(vec![0.0; 3])], KEY).err().map(|e| e.to_string());
    assert_eq!(error.as_deref(), Some("\"sum\" has 2 elements, but needs 3"));
    Ok(())
}
