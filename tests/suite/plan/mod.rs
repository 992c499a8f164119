//! Plans as data and on a device: what verification catches, what a step costs, what memory it takes.

mod budget;
mod memory;
mod snapshots;
mod states;
mod verify;
mod views;

use trainyard::autodiff::append_backward;
use trainyard::ir::{Graph, Optimizer, OptimizerKind};
use trainyard::kernels::Target;
use trainyard::models::{Extents, Gpt2Config, Mode};
use trainyard::passes::optimize;
use trainyard::plan::{Plan, PlanError, Purpose};

use crate::models::gpt2;

const OPTIMIZER: Optimizer =
    Optimizer { kind: OptimizerKind::AdamW { beta1: 0.9, beta2: 0.99, eps: 1e-8, weight_decay: 0.1 }, clip: Some(1.0) };

/// Two layers that have everything: dropout, biases, a tied head.
fn tiny() -> Gpt2Config {
    Gpt2Config { vocab_size: 11, n_positions: 8, n_embd: 12, n_layer: 2, n_head: 3, ..Gpt2Config::default() }
}

/// The graph of a training step, optimized.
fn training_graph(config: &Gpt2Config) -> Graph {
    let graph = gpt2(config, Extents::decoder(2, 8), Mode::Train);
    let loss = graph.output("loss").expect("a loss");
    optimize(&append_backward(graph, loss).expect("differentiable")).expect("well-formed")
}

fn training_plan(graph: &Graph) -> Result<Plan, PlanError> {
    Plan::new(graph, Purpose::Train(OPTIMIZER), 4, Target::Gpu)
}
