//! The interpreter: properties that no rounding excuses, errors, dropout, the optimizer, and training with it.

pub mod answers;
mod attention;
mod definition;
mod dropout;
mod errors;
mod exact;
mod interpreter;
mod loss;
mod more;
mod optimizer;
mod training;

use trainyard::ir::{Builder, Graph, Op, Type, ValueId};
use trainyard::reference::{Float, StepKey, Tensor, Values, run};
use trainyard::rng::{Draws, Stream, unit};

const KEY: StepKey = StepKey { seed: 3, step: 8 };

/// A graph of one operation on fresh inputs of these types, with its outputs named `y0`, `y1`, ….
fn one(op: Op, types: &[Type]) -> Graph {
    let mut b = Builder::new();
    let inputs: Vec<ValueId> =
        types.iter().enumerate().map(|(i, ty)| b.input(&format!("x{i}"), ty.clone()).expect("a new name")).collect();
    let outputs = b.push_all(op, &inputs).expect("the operands fit");
    for (i, output) in outputs.into_iter().enumerate() {
        b.output(&format!("y{i}"), output);
    }
    b.finish()
}

fn values<F: Float>(graph: &Graph, inputs: &[Tensor<F>]) -> Values<F> {
    run(graph, &[], inputs, KEY).expect("the inputs fit")
}

/// The first output.
fn result<F: Float>(graph: &Graph, inputs: &[Tensor<F>]) -> Vec<F> {
    values(graph, inputs).output("y0").expect("an output").to_vec()
}

/// Numbers in ± `spread`.
fn numbers<F: Float>(item: u32, len: usize, spread: f64) -> Vec<F> {
    let mut draws = Draws::new(item, Stream::Task, 21);
    (0..len).map(|_| F::new(spread * (f64::from(unit(draws.word())) * 2.0 - 1.0))).collect()
}
