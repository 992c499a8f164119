use super::buffers::{Arenas, Plan, PlanError};
use super::content::{Content, Emitted};
use super::lower::{Lowered, lower};
use super::optimize::optimize;
use super::place::{input_bytes, place};
use super::verify::verify;
use crate::ir::{Graph, Optimizer};
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
        let mut lowered = lower(graph, target)?;
        let loss = graph.output("loss").map(Content::Value);
        match (purpose, loss) {
            (Purpose::Train(rule), Some(loss)) => optimize(&mut lowered, graph, rule, &arenas, loss, ring, target)?,
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
        let plan = place(graph, &lowered, arenas, ring, matches!(purpose, Purpose::Train(_)))?;
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
