//! What a run would take, known without a device: its plans, launches and bytes. And which adapters there are.

use serde::Serialize;

use super::engine::{Graphs, RunPlans};
use super::error::TrainError;
use super::session::fit_to_data;
use super::settings::Settings;
use crate::data::Dataset;
use crate::gpu::AdapterInfo;
use crate::ir::Op;
use crate::kernels::Target;
use crate::models::Mode;

/// A training step as a plan, and what a run of it allocates.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct PlanReport {
    /// Launches of a training step, optimizer included.
    pub dispatches: usize,
    /// Submits for up to [`super::RING`] steps.
    pub submits_per_chunk: u32,
    /// Buffers made in a step: every object is made when the run is set up. `bench` counts them.
    pub buffers_per_step: u32,
    /// Bind groups made in a step, likewise.
    pub bind_groups_per_step: u32,
    /// Bytes that a run allocates on the device, evaluation and inspection included.
    pub bytes: u64,
    /// Trainable elements, tied ones once.
    pub parameters: u64,
    /// Floating-point operations of a training step as launched.
    pub flops: u64,
    /// The same as papers count them: see [`dense_flops`].
    pub dense_flops: u64,
    /// Rows of the token embedding.
    pub vocab_size: usize,
    /// Sequences a batch.
    pub batch: usize,
    /// Tokens a sequence.
    pub context: usize,
    /// What kind of adapter the launches are shaped for: `gpu` or `software`.
    pub target: &'static str,
    /// The graph of a training step, optimized, as text.
    #[serde(skip)]
    pub graph: String,
    /// The launches of a training step as text.
    #[serde(skip)]
    pub launches: String,
}

/// Plans a run without a device. Without data the vocabulary is the one that is set.
///
/// # Errors
/// When settings and data do not fit, or describe no model.
pub fn plan_report(settings: &Settings, data: Option<&Dataset>, software: bool) -> Result<PlanReport, TrainError> {
    let mut settings = settings.clone();
    match data {
        Some(data) => fit_to_data(&mut settings, data)?,
        None if settings.fixed_positions => {}
        None => {
            let longest = settings.context.max(settings.shape().target);
            settings.model.config.set_positions(longest);
        }
    }
    let target = if software { Target::Software } else { Target::Gpu };
    let graphs = Graphs { model: settings.model.clone(), decay: settings.decay };
    settings.part()?;
    let extents = settings.extents();
    let graph = graphs.training(extents)?;
    let plans = RunPlans::new(&graphs, &graph, (settings.optimizer(), settings.accumulate), extents, target)?;
    let footprint = plans.footprint();
    Ok(PlanReport {
        dispatches: footprint.dispatches,
        submits_per_chunk: 1,
        buffers_per_step: 0,
        bind_groups_per_step: 0,
        bytes: footprint.bytes,
        parameters: graph.parameter_count() as u64,
        flops: footprint.flops,
        dense_flops: dense_flops(&settings)?,
        vocab_size: settings.model.config.vocabulary(),
        batch: settings.batch,
        context: settings.context,
        target: if software { "software" } else { "gpu" },
        graph: graph.to_string(),
        launches: plans.training.to_string(),
    })
}

/// Floating-point operations of a training step as nanoGPT counts them, whatever is launched: three times those of the forward
/// matrix products, the head included, embeddings not, and of attention with a dense mask. In a decoder-only model that is
/// (6N + 12·L·d·T) a token.
///
/// # Errors
/// When the settings describe no model.
pub fn dense_flops(settings: &Settings) -> Result<u64, TrainError> {
    let graph = settings.model.graph(settings.extents(), Mode::Evaluate, settings.decay)?;
    let shape = |value| &graph.ty(value).shape;
    let forward = graph.nodes.iter().map(|node| match &node.op {
        Op::MatMul { ta, .. } => {
            let a = shape(node.inputs[0]);
            let inner = if *ta { a.rows() } else { a.columns() };
            2 * (shape(node.outputs[0]).elements() * inner) as u64
        }
        Op::Attention(a) => {
            let (o, lse) = (shape(node.outputs[0]), shape(node.outputs[1]));
            let keys = shape(node.inputs[a.projections() - 1]).dims()[1];
            let width = o.elements() / lse.elements();
            4 * (lse.elements() * keys * width) as u64
        }
        _ => 0,
    });
    Ok(3 * forward.sum::<u64>())
}

/// Every adapter there is, best first.
pub async fn adapters() -> Vec<AdapterInfo> {
    crate::gpu::adapters().await
}
