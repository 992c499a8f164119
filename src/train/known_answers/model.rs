//! Whole models against Hugging Face: the cases of a `model_kat.json`.
//!
//! A case gives a class, its configuration and the arguments of its `forward`; weights are a hash of each parameter's name.
//! Compared are loss, logits, attention rows, hidden states, gradient norms, six AdamW losses and generated ids.

use serde_json::Value;

use super::compare::Checks;
use super::generation::Generation;
use super::inputs::{self, Batch};
use super::keys::{Key, parse_key};
use super::result::Stopped;
use super::{Descent, Evaluated, Machine, MachineError};
use crate::autodiff::append_backward;
use crate::ir::{Graph, Optimizer, OptimizerKind};
use crate::models::{Decay, Family, Mode, Model, known_answer_values};
use crate::passes::optimize;
use crate::train::decode::Beams;

/// Learning rate of the AdamW trajectory.
const LR: f64 = 1e-3;
/// Its other constants: PyTorch's defaults.
const OPTIMIZER: Optimizer =
    Optimizer { kind: OptimizerKind::AdamW { beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0.01 }, clip: None };

/// Runs a case.
pub(super) async fn run<M: Machine>(case: &Value, machine: &mut M) -> Result<Checks, Stopped> {
    let class = case.get("class").and_then(Value::as_str).unwrap_or("?");
    if !Model::knows(class) {
        return Err(Stopped::Unknown(format!("class {class} is not implemented")));
    }
    let object = |key: &str| case.get(key).and_then(Value::as_object).ok_or_else(|| format!("{key} is no object"));
    let mut config = object("config")?.clone();
    // Floats as labels of several classes are how Hugging Face guesses that any of them may hold.
    if let (None, Some(true)) = (config.get("problem_type"), case["inputs"].get("labels").map(is_multiple)) {
        config.insert("problem_type".to_owned(), "multi_label_classification".into());
    }
    let model = Model::from_class(class, &config).map_err(|e| e.to_string())?;
    let batch = inputs::read(&model, object("inputs")?)?;
    let build = |mode| model.graph(batch.extents, mode, Decay::Matrices).map_err(|e| e.to_string());
    let graph = build(Mode::Everything)?;
    let weights: Vec<Vec<f32>> = graph.params.iter().map(known_answer_values).collect();
    let optimized = optimize(&graph).map_err(|e| e.to_string())?;
    let outputs = machine.forward(&optimized, &weights, &batch.inputs).await?;

    let mut checks = Checks::new(machine.precision());
    let logits_gate = if model.config.family() == Family::T5 { 2e-5 } else { 1e-5 };
    let mut generation = Generation { model: &model, weights: &weights, batch: &batch, machine };
    let mut descent = None;
    for (key, expected) in case.as_object().into_iter().flatten() {
        match parse_key(key) {
            Key::Description => {}
            Key::Parameters => checks.exact(key, &[graph.parameter_count() as f64], expected),
            Key::Loss => checks.number(key, outputs.scalar("loss")?, expected, 1e-5, 1e-9),
            Key::Logits => checks.logits(&outputs, expected, logits_gate)?,
            Key::Attention { output, head, row, query } => {
                let found = attention_row(&graph, &outputs, &output, [row, head, query]);
                checks.vector(key, found, expected, 1e-5, 1e-7);
            }
            Key::Hidden { output, row, time } => {
                let length = expected.as_array().map_or(0, Vec::len);
                checks.vector(key, hidden(&graph, &outputs, &output, [row, time], length), expected, 1e-5, 1e-7);
            }
            Key::Gradients | Key::GlobalGradient | Key::AdamW => {
                if descent.is_none() {
                    descent = Some(descend(&build(Mode::Evaluate)?, &weights, &batch, generation.machine).await?);
                }
                let Some((graph, descent)) = &descent else { continue };
                match parse_key(key) {
                    Key::AdamW => checks.vector(key, Some(&descent.losses), expected, 1e-4, 1e-9),
                    Key::GlobalGradient => checks.global_norm(key, &descent.gradients, expected),
                    _ => checks.norms(key, graph, &descent.gradients, expected),
                }
            }
            Key::Greedy { prompt } => checks.ids(key, &generation.greedy(prompt.as_deref()).await?, expected),
            Key::Beam { beams, length_penalty, prompt } => {
                checks.ids(
                    key,
                    &generation.beam(prompt.as_deref(), Beams { count: beams, length_penalty }).await?,
                    expected,
                );
            }
            Key::Unchecked => checks.unchecked(key),
        }
    }
    Ok(checks)
}

/// Whether labels are lists of numbers that are no whole ones by their spelling.
fn is_multiple(labels: &Value) -> bool {
    let first = labels.get(0).and_then(|row| row.get(0));
    first.is_some_and(|number| number.is_f64())
}

/// Probabilities of one query, from an output (B, H, Tq, Tk).
fn attention_row<'a>(
    graph: &Graph,
    outputs: &'a Evaluated,
    name: &str,
    [row, head, query]: [usize; 3],
) -> Option<&'a [f64]> {
    let &[batch, heads, queries, keys] = graph.ty(graph.output(name)?).shape.dims() else { return None };
    if row >= batch || head >= heads || query >= queries {
        return None;
    }
    let start = ((row * heads + head) * queries + query) * keys;
    outputs.get(name).ok()?.get(start..start + keys)
}

/// The first values of a token, from an output (B, T, d).
fn hidden<'a>(
    graph: &Graph,
    outputs: &'a Evaluated,
    name: &str,
    [row, time]: [usize; 2],
    length: usize,
) -> Option<&'a [f64]> {
    let &[_, tokens, width] = graph.ty(graph.output(name)?).shape.dims() else { return None };
    let start = (row * tokens + time) * width;
    if time >= tokens || length > width { None } else { outputs.get(name).ok()?.get(start..start + length) }
}

/// Six AdamW steps on one batch, and the gradients of the first.
async fn descend<M: Machine>(
    graph: &Graph,
    weights: &[Vec<f32>],
    batch: &Batch,
    machine: &mut M,
) -> Result<(Graph, Descent), MachineError> {
    let text = |e: crate::ir::IrError| e.to_string();
    let loss = graph.output("loss").ok_or("the graph has no loss")?;
    let mut graph = graph.clone();
    graph.outputs.retain(|(name, _)| name == "loss");
    let graph = optimize(&append_backward(graph, loss).map_err(text)?).map_err(text)?;
    let weights: Vec<Vec<f64>> = weights.iter().map(|w| w.iter().map(|&x| f64::from(x)).collect()).collect();
    let descent = machine.descend(&graph, OPTIMIZER, &weights, &vec![batch.inputs.clone(); 6], LR).await?;
    Ok((graph, descent))
}
