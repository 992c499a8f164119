//! What takes no launch and no memory: reshaped values, and constants that are equal. And where a copy is needed after all.

use trainyard::ir::{Builder, Graph, IrError, Op, Shape, Table, Type, ValueId};
use trainyard::kernels::Target;
use trainyard::passes::optimize;
use trainyard::plan::{Buffer, Plan, PlanError, Purpose, verify};

use super::OPTIMIZER;

fn forward(graph: &Graph) -> Result<Plan, PlanError> {
    Plan::new(graph, Purpose::Forward, 1, Target::Gpu)
}

fn stems(plan: &Plan) -> Vec<&'static str> {
    plan.launches.iter().map(|l| l.launch.kernel.stem).collect()
}

fn reshape(b: &mut Builder, dims: &[usize], x: ValueId) -> Result<ValueId, IrError> {
    b.push(Op::Reshape { shape: Shape::new(dims) }, &[x])
}

/// Scale, then views of it, one of them a result; the first value is read again at the end.
fn viewed() -> Result<Graph, IrError> {
    let mut b = Builder::new();
    let x = b.input("x", Type::f32(&[4, 6]))?;
    let y = b.push(Op::Scale { factor: 2.0 }, &[x])?;
    let mut z = reshape(&mut b, &[2, 12], y)?;
    for _ in 0..3 {
        z = b.push(Op::Scale { factor: 0.5 }, &[z])?;
    }
    let back = reshape(&mut b, &[4, 6], z)?;
    let sum = b.push(Op::Add, &[y, back])?;
    let flat = reshape(&mut b, &[24], sum)?;
    b.output("flat", flat);
    Ok(b.finish())
}

#[test]
fn a_view_takes_neither_launch_nor_memory() -> Result<(), Box<dyn std::error::Error>> {
    let plan = forward(&viewed()?)?;
    assert_eq!(stems(&plan), ["stage", "elementwise", "elementwise", "elementwise", "elementwise", "elementwise"]);
    // The scaled value lives until the sum reads it, beside two that take turns; the result has a slot of its own.
    assert_eq!(plan.slots, [96; 4], "{plan}");
    Ok(())
}

#[test]
fn what_is_viewed_must_stay() -> Result<(), Box<dyn std::error::Error>> {
    let graph = viewed()?;
    let plan = forward(&graph)?;
    verify(&plan, &graph)?;
    let mut broken = plan.clone();
    // The third launch may not take the place of the value that the sum reads.
    let first = broken.launches[1].bindings[1].buffer;
    broken.launches[3].bindings[1].buffer = first;
    broken.launches[4].bindings[0].buffer = first;
    let message = verify(&broken, &graph).expect_err("the sum reads something else").to_string();
    assert!(message.contains("needs Value("), "{message}");
    Ok(())
}

/// A parameter and its gradient are read and written under another shape, in their arenas.
#[test]
fn a_reshaped_parameter_is_trained() -> Result<(), Box<dyn std::error::Error>> {
    let graph = trained(|b, w| reshape(b, &[6, 4], w))?;
    let plan = Plan::new(&graph, Purpose::Train(OPTIMIZER), 2, Target::Gpu)?;
    assert!(!stems(&plan).contains(&"copy"), "{plan}");
    let written = |buffer| plan.launches.iter().flat_map(|l| &l.bindings).filter(|b| b.buffer == buffer).count();
    assert_eq!(written(Buffer::Grads), 3, "the gradient, its norm, the update: {plan}");
    Ok(())
}

/// A gradient that something else reads too: it would be read and written in one arena.
#[test]
fn a_gradient_that_is_read_is_copied() -> Result<(), Box<dyn std::error::Error>> {
    let graph = trained(|b, w| {
        let v = reshape(b, &[6, 4], w)?;
        let u = b.push(Op::Activation(trainyard::ir::Activation::Tanh), &[v])?;
        // Both operands of the sum get one and the same gradient.
        b.push(Op::Add, &[u, v])
    })?;
    Plan::new(&graph, Purpose::Train(OPTIMIZER), 2, Target::Gpu)?;
    let mut b = Builder::new();
    let param = trainyard::ir::Param {
        name: "w".to_owned(),
        shape: Shape::new(&[24]),
        init: trainyard::ir::Init::Ones,
        decay: true,
        frozen: false,
        parts: vec![],
    };
    let (w, x) = (b.param(param)?, b.input("x", Type::f32(&[4, 6]))?);
    let y = b.push(Op::Scale { factor: 3.0 }, &[x])?;
    let (viewed, twice) = (reshape(&mut b, &[24], y)?, b.push(Op::Add, &[y, y])?);
    b.gradient(trainyard::ir::ParamId(0), viewed);
    b.output("twice", twice);
    let (flat, of_input) = (reshape(&mut b, &[4, 6], w)?, reshape(&mut b, &[6, 4], x)?);
    b.output("parameter", flat);
    b.output("input", of_input);
    let plan = forward(&b.finish())?;
    assert_eq!(stems(&plan).iter().filter(|s| **s == "copy").count(), 3, "{plan}");
    Ok(())
}

/// The squared error of x·f(w), differentiated, w being 24 numbers in a row.
fn trained(
    f: impl FnOnce(&mut Builder, ValueId) -> Result<ValueId, IrError>,
) -> Result<Graph, Box<dyn std::error::Error>> {
    let mut b = Builder::new();
    let init = trainyard::ir::Init::Normal { std: 1.0 };
    let param = trainyard::ir::Param {
        name: "w".to_owned(),
        shape: Shape::new(&[24]),
        init,
        decay: true,
        frozen: false,
        parts: vec![],
    };
    let w = b.param(param)?;
    let x = b.input("x", Type::f32(&[3, 6]))?;
    let (y, weights) = (b.input("y", Type::f32(&[3, 4]))?, b.input("weights", Type::f32(&[3, 4]))?);
    let w = f(&mut b, w)?;
    let found = b.push(Op::MatMul { ta: false, tb: false }, &[x, w])?;
    let loss = b.push(Op::ElementLoss(trainyard::ir::ElementLoss::Squared), &[found, y, weights])?;
    b.output("loss", loss);
    let graph = trainyard::autodiff::append_backward(b.finish(), loss)?;
    Ok(optimize(&graph)?)
}

fn buckets() -> Table {
    Table::RelativeBuckets { bidirectional: true, buckets: 8, max_distance: 6, queries: 5, keys: 4 }
}

/// Two equal tables of ids, a table of numbers, and the sorted positions of the ids.
fn constants() -> Result<Graph, IrError> {
    let mut b = Builder::new();
    let (x, dy) = (b.input("x", Type::f32(&[8, 3]))?, b.input("dy", Type::f32(&[8, 3]))?);
    let positions = b.push(Op::Table(Table::Sinusoids { rows: 8, columns: 3 }), &[])?;
    let x = b.push(Op::AddRows { period: 8, first: 0 }, &[x, positions])?;
    for padding in [None, Some(2)] {
        let ids = b.push(Op::Table(buckets()), &[])?;
        let y = b.push(Op::Embedding { padding }, &[x, ids])?;
        let dx = b.push(Op::EmbeddingGrad { rows: 8, padding }, &[ids, dy])?;
        let sum = b.push(Op::Add, &[y, dx])?;
        b.output(&format!("{padding:?}"), sum);
    }
    Ok(b.finish())
}

#[test]
fn equal_constants_are_one() -> Result<(), Box<dyn std::error::Error>> {
    let graph = constants()?;
    let plan = forward(&graph)?;
    let mut lengths: Vec<usize> = plan.constants.iter().map(|(_, words)| words.len()).collect();
    lengths.sort_unstable();
    // 8 ids; 9 offsets and 8 positions, with and without padding; 24 numbers.
    assert_eq!(lengths, [8, 17, 17, 24], "{plan}");
    let bytes: u64 = plan.constants.iter().map(|&(slot, _)| plan.slots[slot as usize]).sum();
    assert_eq!(bytes, 4 * (8 + 17 + 17 + 24), "constants are counted with the slots");
    for at in 0..plan.constants.len() {
        let mut wrong = plan.clone();
        wrong.constants[at].1[1] ^= 1;
        let message = verify(&wrong, &graph).expect_err("a word of a constant is wrong").to_string();
        assert!(message.contains("needs "), "{message}");
    }
    Ok(())
}

#[test]
fn ids_beyond_the_rows_are_refused() -> Result<(), IrError> {
    let mut b = Builder::new();
    let (ids, dy) = (b.push(Op::Table(buckets()), &[])?, b.input("dy", Type::f32(&[8, 3]))?);
    let y = b.push(Op::EmbeddingGrad { rows: 2, padding: None }, &[ids, dy])?;
    b.output("y", y);
    let error = forward(&b.finish()).expect_err("eight buckets for two rows").to_string();
    assert!(error.contains("a table of ids below the rows"), "{error}");
    Ok(())
}
