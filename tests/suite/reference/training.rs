//! Training on the CPU: the speed that a browser without WebGPU depends on, and a batch learnt by heart.

use std::time::Instant;

use trainyard::autodiff::append_backward;
use trainyard::ir::{Graph, Optimizer, OptimizerKind, ParamId};
use trainyard::models::{Extents, Gpt2Config, Mode, initial_values};
use trainyard::reference::{AdamState, Float, Interpreter, Keep, StepKey, Tensor, update};
use trainyard::rng::{Draws, Stream};

use crate::models::gpt2;

const OPTIMIZER: Optimizer =
    Optimizer { kind: OptimizerKind::AdamW { beta1: 0.9, beta2: 0.99, eps: 1e-8, weight_decay: 0.1 }, clip: Some(1.0) };

/// 2 layers, 2 heads, width 64, context 32, 65 characters: the smallest preset's size.
fn config() -> Gpt2Config {
    Gpt2Config { vocab_size: 65, n_positions: 32, n_embd: 64, n_layer: 2, n_head: 2, ..Gpt2Config::default() }
}

struct Run<F> {
    graph: Graph,
    interpreter: Interpreter<F>,
    params: Vec<Vec<F>>,
    inputs: Vec<Tensor<F>>,
    state: AdamState<F>,
    step: u32,
}

impl<F: Float> Run<F> {
    fn new(config: &Gpt2Config, batch: usize, time: usize) -> Self {
        let graph = gpt2(config, Extents::decoder(batch, time), Mode::Train);
        let loss = graph.output("loss").expect("a loss");
        let graph = append_backward(graph, loss).expect("differentiable");
        let params = initial_values(&graph, 1);
        let params = params.iter().map(|p| p.iter().map(|&x| F::new(f64::from(x))).collect()).collect();
        let mut draws = Draws::new(1, Stream::Task, 1);
        let rows = batch * time;
        let mut ids = || (0..rows).map(|_| draws.below(config.vocab_size as u32)).collect();
        let inputs =
            vec![Tensor::Index(ids()), Tensor::Index(ids()), Tensor::Float(vec![F::new(1.0 / rows as f64); rows])];
        let state = AdamState::new(&graph.params);
        let interpreter = Interpreter::new(&graph, Keep::Results).expect("well-formed");
        Self { graph, interpreter, params, inputs, state, step: 0 }
    }

    /// Loss and gradient norm before the update.
    fn step(&mut self, lr: f64) -> (f64, f64) {
        let key = StepKey { seed: 1, step: self.step };
        let values = self.interpreter.run(&self.params, &self.inputs, key).expect("runs");
        let loss = values.output("loss").expect("a loss")[0].widen();
        let grads: Vec<_> = (0..self.params.len()).map(|i| values.gradient(ParamId(i as u32))).collect();
        self.step += 1;
        let norm = update(&OPTIMIZER, &self.graph.params, &mut self.params, &grads, &mut self.state, lr, self.step)
            .expect("fits");
        self.interpreter.recycle(values);
        (loss, norm)
    }
}

/// A guard against a loop that stopped vectorizing, not a benchmark: the limit is several times what it takes.
#[test]
fn a_step_of_the_smallest_preset_is_quick() {
    let mut run = Run::<f32>::new(&config(), 8, 32);
    run.step(1e-3);
    let mut best = f64::INFINITY;
    for _ in 0..5 {
        let start = Instant::now();
        run.step(1e-3);
        best = best.min(start.elapsed().as_secs_f64() * 1e3);
    }
    println!("{best:.1} ms");
    assert!(best < 250.0, "a training step took {best:.1} ms");
}

fn tiny() -> Gpt2Config {
    let none = Gpt2Config { resid_pdrop: 0.0, embd_pdrop: 0.0, attn_pdrop: 0.0, ..Gpt2Config::default() };
    Gpt2Config { vocab_size: 13, n_positions: 8, n_embd: 16, n_layer: 2, n_head: 2, ..none }
}

#[test]
fn a_batch_is_learnt_by_heart() {
    let mut run = Run::<f32>::new(&tiny(), 4, 8);
    let (first, _) = run.step(1e-2);
    assert!((first - 13.0_f64.ln()).abs() < 0.1, "an untrained model guesses: {first}");
    let mut last = first;
    for _ in 0..300 {
        last = run.step(1e-2).0;
    }
    assert!(last < 0.05, "the loss went from {first} to {last}");
}

#[test]
fn training_is_deterministic_and_resumes_exactly() {
    let config = config();
    let mut whole = Run::<f32>::new(&config, 2, 8);
    let losses: Vec<(f64, f64)> = (0..6).map(|_| whole.step(1e-3)).collect();
    let mut first = Run::<f32>::new(&config, 2, 8);
    for expected in &losses[..3] {
        assert_eq!(first.step(1e-3), *expected);
    }
    let mut resumed = Run::<f32>::new(&config, 2, 8);
    (resumed.params, resumed.state, resumed.step) = (first.params, first.state, first.step);
    for expected in &losses[3..] {
        assert_eq!(resumed.step(1e-3), *expected);
    }
    assert_eq!(resumed.params, whole.params);
}

/// The masks of dropout are the same in both precisions, so the curves are.
#[test]
fn f32_follows_f64() {
    let config = Gpt2Config { resid_pdrop: 0.1, embd_pdrop: 0.1, attn_pdrop: 0.1, ..tiny() };
    let (mut narrow, mut wide) = (Run::<f32>::new(&config, 4, 8), Run::<f64>::new(&config, 4, 8));
    for step in 0..50 {
        let ((a, norm_a), (b, norm_b)) = (narrow.step(3e-3), wide.step(3e-3));
        assert!((a - b).abs() <= 1e-4 * b, "step {step}: {a} for {b}");
        assert!((norm_a - norm_b).abs() <= 1e-3 * norm_b, "step {step}: norm {norm_a} for {norm_b}");
    }
}
