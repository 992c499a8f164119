//! Whole models against Hugging Face: the cases of a `model_kat.json`.
//!
//! A case gives a class, its configuration and the arguments of its `forward`; weights are a hash of each parameter's name.
//! Compared are loss, logits, attention rows, hidden states, gradient norms, six AdamW losses and generated ids.

use serde_json::{Map, Value};

use super::compare::Checks;
use super::inputs::{Batch, language_model_inputs};
use super::keys::{Key, parse_key};
use super::{CaseResult, Machine, MachineError, Outcome};
use crate::autodiff::append_backward;
use crate::ir::{Graph, Optimizer, OptimizerKind};
use crate::models::{Decay, Extents, Gpt2Config, Mode, gpt, known_answer_values};
use crate::passes::optimize;
use crate::train::decode::{self, Stop};

/// The class that this build implements.
const CLASS: &str = "GPT2LMHeadModel";
/// Learning rate of the AdamW trajectory.
const LR: f64 = 1e-3;
/// Its other constants: PyTorch's defaults.
const OPTIMIZER: Optimizer =
    Optimizer { kind: OptimizerKind::AdamW { beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0.01 }, clip: None };

/// Runs every case of a file.
pub fn models(cases: &Map<String, Value>, machine: &mut dyn Machine) -> Vec<CaseResult> {
    let run = |(name, case): (&String, &Value)| {
        let class = case.get("class").and_then(Value::as_str).unwrap_or("?");
        let outcome = if class == CLASS {
            language_model(case, machine).unwrap_or_else(Outcome::Fail)
        } else {
            Outcome::Skip(format!("class {class} is not implemented"))
        };
        CaseResult { name: name.clone(), outcome }
    };
    cases.iter().filter(|(name, _)| !name.starts_with('_')).map(run).collect()
}

fn language_model(case: &Value, machine: &mut dyn Machine) -> Result<Outcome, String> {
    let object = |key: &str| case.get(key).and_then(Value::as_object).ok_or_else(|| format!("{key} is no object"));
    let config = Gpt2Config::from_map(object("config")?).map_err(|e| e.to_string())?;
    let batch = language_model_inputs(object("inputs")?, config.vocab_size)?;
    let extents = Extents { batch: batch.rows, time: batch.time, key_mask: batch.key_mask.is_some() };
    let build = |mode, extents| gpt::language_model(&config, extents, mode, Decay::Matrices).map_err(|e| e.to_string());
    let graph = build(Mode::Everything, extents)?;
    let weights: Vec<Vec<f32>> = graph.params.iter().map(known_answer_values).collect();
    let outputs = machine.forward(&optimize(&graph).map_err(|e| e.to_string())?, &weights, &batch.inputs())?;

    let mut checks = Checks::new(machine.precision());
    let mut generation = Generation { config: &config, weights: &weights, machine, build: &build };
    let mut descent = None;
    for (key, expected) in case.as_object().into_iter().flatten() {
        match parse_key(key) {
            Key::Description => {}
            Key::Parameters => {
                let found = graph.parameter_count() as f64;
                checks.exact(key, &[found], expected);
            }
            Key::Loss => checks.number(key, outputs.scalar("loss")?, expected, 1e-5, 1e-9),
            Key::Logits => checks.logits(&outputs, expected)?,
            Key::Attention { layer, head, row, query } => {
                let [h, t] = [config.n_head, batch.time];
                let probs = outputs.get(&format!("attention.{layer}"))?;
                let start = ((row * h + head) * t + query) * t;
                checks.vector(key, probs.get(start..start + t), expected, 1e-5, 1e-7);
            }
            Key::Hidden { layer, row, time } => {
                let hidden = outputs.get(&format!("hidden.{layer}"))?;
                let start = (row * batch.time + time) * config.n_embd;
                let length = expected.as_array().map_or(0, Vec::len);
                checks.vector(key, hidden.get(start..start + length), expected, 1e-5, 1e-7);
            }
            Key::Gradients | Key::GlobalGradient | Key::AdamW => {
                if descent.is_none() {
                    descent = Some(descend(&build(Mode::Evaluate, extents)?, &weights, &batch, generation.machine)?);
                }
                let Some((graph, descent)) = &descent else { continue };
                match parse_key(key) {
                    Key::AdamW => checks.vector(key, Some(&descent.losses), expected, 1e-4, 1e-9),
                    Key::GlobalGradient => checks.global_norm(key, &descent.gradients, expected),
                    _ => checks.norms(key, graph, &descent.gradients, expected),
                }
            }
            Key::Greedy { prompt } => checks.ids(key, &generation.greedy(&prompt)?, expected),
            Key::Beam { beams, length_penalty, prompt } => {
                checks.ids(key, &generation.beam(&prompt, beams, length_penalty)?, expected);
            }
            Key::Unchecked => checks.unchecked(key),
        }
    }
    Ok(checks.outcome())
}

/// Six AdamW steps on one batch, and the gradients of the first.
fn descend(
    graph: &Graph,
    weights: &[Vec<f32>],
    batch: &Batch,
    machine: &mut dyn Machine,
) -> Result<(Graph, super::Descent), MachineError> {
    let text = |e: crate::ir::IrError| e.to_string();
    let loss = graph.output("loss").ok_or("the graph has no loss")?;
    let mut graph = graph.clone();
    graph.outputs.retain(|(name, _)| name == "loss");
    let graph = optimize(&append_backward(graph, loss).map_err(text)?).map_err(text)?;
    let weights: Vec<Vec<f64>> = weights.iter().map(|w| w.iter().map(|&x| f64::from(x)).collect()).collect();
    let descent = machine.descend(&graph, OPTIMIZER, &weights, &vec![batch.inputs(); 6], LR)?;
    Ok((graph, descent))
}

type Build<'a> = dyn Fn(Mode, Extents) -> Result<Graph, String> + 'a;

/// Scores sequences by one forward graph long enough for all of them: what stands right of the last token cannot
/// reach it through a causal mask.
struct Generation<'a> {
    config: &'a Gpt2Config,
    weights: &'a [Vec<f32>],
    machine: &'a mut dyn Machine,
    build: &'a Build<'a>,
}

impl Generation<'_> {
    fn greedy(&mut self, prompt: &[u32]) -> Result<Vec<u32>, MachineError> {
        let stop = Stop { eos: self.config.eos_token_id, max_new: 12 };
        let mut score = self.scorer(prompt.len() + stop.max_new)?;
        decode::greedy(prompt, stop, &mut score)
    }

    fn beam(&mut self, prompt: &[u32], beams: usize, length_penalty: f64) -> Result<Vec<u32>, MachineError> {
        let stop = Stop { eos: self.config.eos_token_id, max_new: 8 };
        let mut score = self.scorer(prompt.len() + stop.max_new)?;
        decode::beam(prompt, beams, length_penalty, stop, &mut score)
    }

    fn scorer(
        &mut self,
        time: usize,
    ) -> Result<impl FnMut(&[u32]) -> Result<Vec<f64>, MachineError> + '_, MachineError> {
        let time = time.min(self.config.n_positions);
        let mut graph = (self.build)(Mode::Inspect, Extents { batch: 1, time, key_mask: false })?;
        graph.outputs.retain(|(name, _)| name == "logits");
        let graph = optimize(&graph).map_err(|e| e.to_string())?;
        let v = self.config.vocab_size;
        Ok(move |ids: &[u32]| {
            let last = ids.len().checked_sub(1).filter(|&last| last < time);
            let last = last.ok_or("the sequence is empty or longer than the model's positions")?;
            let mut padded = ids.to_vec();
            padded.resize(time, 0);
            let inputs = Batch::ids_only(padded);
            let outputs = self.machine.forward(&graph, self.weights, &inputs)?;
            let row = outputs.get("logits")?.get(last * v..(last + 1) * v).map(<[f64]>::to_vec);
            row.ok_or_else(|| "the logits are shorter than they should be".to_owned())
        })
    }
}
