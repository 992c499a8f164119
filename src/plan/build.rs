use super::buffers::{Arenas, Plan, PlanError};
use super::content::{Content, Emitted};
use super::lower::{Lowered, lower};
use super::optimize::Tail;
use super::place::{input_bytes, place};
use super::resolve::Resolved;
use super::verify::verify;
use crate::ir::{Graph, Optimizer};
use crate::kernels::{Launch, Target, optimizer, record, stage};

/// What a plan does with its graph.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Purpose {
    /// Run it; a loss, if there is one, is recorded.
    Forward,
    /// Run it and let the optimizer follow its gradients.
    Train(Optimizer),
    /// The same for batches that come in parts, each as large as the graph's: gradients and losses add up over the parts
    /// of [`crate::kernels::Step::parts`], and the optimizer follows the sum after the last. Weights that divide by what
    /// counts in the whole batch make that sum the gradient of the whole batch.
    Accumulate(Optimizer),
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
            (Purpose::Train(rule), Some(loss)) => {
                lowered.tail = Some(lowered.launches.len());
                let tail = Tail { graph, arenas: &arenas, grads: Content::Grads, loss, ring, target };
                tail.optimize(&mut lowered, rule)?;
            }
            (Purpose::Accumulate(rule), Some(loss)) => {
                let launch = optimizer::accumulate(arenas.elements, target)?;
                let total = Content::Total(arenas.all());
                let operands = vec![Content::Grads(arenas.all()), loss, total, Content::TotalLoss];
                emit(&mut lowered, launch, operands, "optimizer");
                lowered.tail = Some(lowered.launches.len());
                let (grads, loss) = (Content::Total, Content::TotalLoss);
                Tail { graph, arenas: &arenas, grads, loss, ring, target }.optimize(&mut lowered, rule)?;
            }
            (Purpose::Train(_) | Purpose::Accumulate(_), None) => {
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
            lowered.tail = lowered.tail.map(|tail| tail + 1);
        }
        let trains = matches!(purpose, Purpose::Train(_) | Purpose::Accumulate(_));
        let plan = place(graph, &resolved, &lowered, arenas, ring, trains)?;
        verify(&plan, graph)?;
        Ok(plan)
    }
}

pub(super) fn scratch(lowered: &mut Lowered, bytes: u64) -> Content {
    lowered.scratch.push(bytes);
    Content::Scratch(lowered.scratch.len() as u32 - 1)
}

pub(super) fn emit(lowered: &mut Lowered, launch: Launch, operands: Vec<Content>, scope: &str) {
    lowered.launches.push(Emitted { launch, operands, scope: scope.to_owned() });
}
