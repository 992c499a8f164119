//! Repeated steps, kept values, and fused graphs.

use trainyard::autodiff::append_backward;
use trainyard::ir::{Graph, ParamId, ValueId};
use trainyard::models::{Gpt2Config, Mode, initial_values};
use trainyard::passes::optimize;
use trainyard::reference::{Interpreter, Keep, StepKey, Tensor, Values};

use super::KEY;
use crate::models::{decoder, gpt2};

fn model() -> Graph {
    let config =
        Gpt2Config { vocab_size: 11, n_positions: 8, n_embd: 12, n_layer: 2, n_head: 3, ..Gpt2Config::default() };
    let graph = gpt2(&config, decoder(2, 7, true), Mode::Train);
    let loss = graph.output("loss").expect("a loss");
    append_backward(graph, loss).expect("differentiable")
}

fn inputs(graph: &Graph) -> Vec<Tensor<f32>> {
    let tensor = |input: &trainyard::ir::Input| {
        let n = input.ty.shape.elements();
        match input.name.as_str() {
            "weights" => Tensor::Float(vec![1.0 / n as f32; n]),
            "key_mask" => Tensor::Index((0..n).map(|i| u32::from(i != n - 1)).collect()),
            _ => Tensor::Index((0..n as u32).map(|i| i * 7 % 11).collect()),
        }
    };
    graph.inputs.iter().map(tensor).collect()
}

fn step(interpreter: &mut Interpreter<f32>, graph: &Graph, key: StepKey) -> Values<f32> {
    interpreter.run(&initial_values(graph, 4), &inputs(graph), key).expect("runs")
}

fn results(graph: &Graph, values: &Values<f32>) -> Vec<Vec<f32>> {
    let loss = values.output("loss").expect("a loss").to_vec();
    let gradients = (0..graph.params.len()).map(|i| values.gradient(ParamId(i as u32)).expect("a gradient").to_vec());
    [vec![loss], gradients.collect()].concat()
}

/// Buffers of the step before hold numbers; none may leak into the next step.
#[test]
fn recycled_buffers_give_the_same_bits() {
    let graph = model();
    let mut interpreter = Interpreter::new(&graph, Keep::Results).expect("well-formed");
    let first = step(&mut interpreter, &graph, KEY);
    let expected = results(&graph, &first);
    interpreter.recycle(first);
    let other = step(&mut interpreter, &graph, StepKey { step: 1, ..KEY });
    assert_ne!(results(&graph, &other), expected, "dropout depends on the step");
    interpreter.recycle(other);
    for _ in 0..2 {
        let again = step(&mut interpreter, &graph, KEY);
        assert_eq!(results(&graph, &again), expected);
        interpreter.recycle(again);
    }
}

#[test]
fn values_are_freed_unless_kept() {
    let graph = model();
    let mut frugal = Interpreter::new(&graph, Keep::Results).expect("well-formed");
    let mut keeping = Interpreter::new(&graph, Keep::All).expect("well-formed");
    let (freed, kept) = (step(&mut frugal, &graph, KEY), step(&mut keeping, &graph, KEY));
    assert_eq!(results(&graph, &freed), results(&graph, &kept));
    let mut held = 0;
    for i in 0..graph.values.len() as u32 {
        let value = ValueId(i);
        let ty = graph.ty(value);
        if ty.dtype == trainyard::ir::DType::F32 {
            assert_eq!(kept.get(value).map(<[f32]>::len), Some(ty.shape.elements()), "value {i}");
        } else {
            assert_eq!(kept.get(value), None, "indices are not numbers");
        }
        held += usize::from(freed.get(value).is_some());
    }
    assert_eq!(held, graph.results().collect::<std::collections::BTreeSet<_>>().len());
    assert_eq!(freed.get(ValueId(u32::MAX)), None);
    assert_eq!(freed.output("no such output"), None);
}

/// Fusing changes no bit: a fused operation is run as the graph it stands for.
#[test]
fn a_fused_graph_gives_the_same_bits() {
    let graph = model();
    let fused = optimize(&graph).expect("well-formed");
    assert!(fused.nodes.len() < graph.nodes.len());
    let mut interpreter = Interpreter::new(&graph, Keep::Results).expect("well-formed");
    let mut optimized = Interpreter::new(&fused, Keep::Results).expect("well-formed");
    assert_eq!(
        results(&fused, &step(&mut optimized, &fused, KEY)),
        results(&graph, &step(&mut interpreter, &graph, KEY))
    );
}

#[test]
fn an_input_may_be_an_output() {
    let mut b = trainyard::ir::Builder::new();
    let x = b.input("x", trainyard::ir::Type::f32(&[2])).expect("a new name");
    b.output("y", x);
    let values = trainyard::reference::run(&b.finish(), &[], &[Tensor::Float(vec![1.0_f32, 2.0])], KEY).expect("runs");
    assert_eq!(values.output("y"), Some(&[1.0, 2.0][..]));
}
