use super::buffers::{Arenas, Plan, PlanError};
use super::content::{Content, Emitted};
use super::lower::{Lowered, lower};
use super::place::{input_bytes, place};
use super::resolve::Resolved;
use super::verify::verify;
use crate::ir::{Graph, Optimizer, OptimizerKind};
use crate::kernels::optimizer::{self, AdamW};
use crate::kernels::{Launch, Target, record, stage};

/// What a plan does with its graph.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Purpose {
    /// Run it; a loss, if there is one, is recorded.
    Forward,
    /// Run it and let the optimizer follow its gradients.
    Train(Optimizer),
}

impl Plan {
    /// Lowers an optimized graph for steps that come `ring` to a submit at most.
    ///
    /// # Errors
    /// When an operation cannot be lowered, a launch exceeds what any adapter offers, or verification fails.
    pub fn new(graph: &Graph, purpose: Purpose, ring: u32, target: Target) -> Result<Self, PlanError> {
        let arenas = Arenas::new(graph);
        let resolved = Resolved::new(graph);
        let mut lowered = lower(graph, &resolved, target)?;
        let loss = graph.output("loss").map(|value| resolved.value(value));
        match (purpose, loss) {
            (Purpose::Train(rule), Some(loss)) => train_tail(&mut lowered, rule, &arenas, loss, ring, target)?,
            (Purpose::Train(_), None) => {
                return Err(PlanError::Unsupported {
                    op: "optimizer",
                    scope: String::new(),
                    what: "the graph has no output named loss",
                });
            }
            (Purpose::Forward, Some(loss)) => {
                emit(&mut lowered, record::loss(ring, target)?, vec![loss, Content::Records], "record");
            }
            (Purpose::Forward, None) => {}
        }
        if !lowered.derived.is_empty() {
            let words = input_bytes(graph, &lowered) as usize / 4;
            let launch = stage::copy(words, ring, target)?;
            let operands = vec![Content::InputRing, Content::Inputs];
            lowered.launches.insert(0, Emitted { launch, operands, scope: "inputs".to_owned() });
        }
        let plan = place(graph, &resolved, &lowered, arenas, ring, matches!(purpose, Purpose::Train(_)))?;
        verify(&plan, graph)?;
        Ok(plan)
    }
}

/// Gradient norm, clipping and the update, over the flat arenas: three launches for any model.
fn train_tail(
    lowered: &mut Lowered,
    rule: Optimizer,
    arenas: &Arenas,
    loss: Content,
    ring: u32,
    target: Target,
) -> Result<(), PlanError> {
    let norm = optimizer::norm_partials(arenas.elements, target)?;
    let partials = scratch(lowered, optimizer::partials(arenas.elements, target) as u64 * 4);
    let scalars = scratch(lowered, optimizer::SCALARS as u64 * 4);
    emit(lowered, norm, vec![Content::Grads, partials], "optimizer");
    let finish = optimizer::finish(arenas.elements, ring, target)?;
    emit(lowered, finish, vec![partials, loss, scalars, Content::Records], "optimizer");
    match rule.kind {
        OptimizerKind::AdamW { beta1, beta2, eps, weight_decay: _ } => {
            let spec = AdamW { arena: arenas.elements, decayed: arenas.decayed, beta1, beta2, eps };
            let launch = optimizer::adamw(&spec, target)?;
            let operands = vec![Content::Grads, scalars, Content::Params, Content::Moment1, Content::Moment2];
            emit(lowered, launch, operands, "optimizer");
        }
    }
    Ok(())
}

fn scratch(lowered: &mut Lowered, bytes: u64) -> Content {
    lowered.scratch.push(bytes);
    Content::Scratch(lowered.scratch.len() as u32 - 1)
}

fn emit(lowered: &mut Lowered, launch: Launch, operands: Vec<Content>, scope: &str) {
    lowered.launches.push(Emitted { launch, operands, scope: scope.to_owned() });
}
