//! The plans of a run as data, so that what a run will take is known without a device and by the code that allocates it.

use super::{Footprint, Graphs, RING};
use crate::gpu::{Limits, check_limits, pipeline_count, run_bytes};
use crate::ir::{Graph, Optimizer};
use crate::kernels::Target;
use crate::models::{Extents, Mode};
use crate::plan::{Plan, Purpose};
use crate::train::error::TrainError;

/// What trains and what looks, over one store.
pub(in crate::train) struct RunPlans {
    pub training: Plan,
    pub forward: Vec<(Mode, Extents, Plan)>,
    /// Parts of a batch.
    pub parts: u32,
}

impl RunPlans {
    /// Lowers the training graph, and those that a run evaluates and inspects with.
    pub fn new(
        graphs: &Graphs,
        graph: &Graph,
        (optimizer, parts): (Optimizer, u32),
        extents: Extents,
        target: Target,
    ) -> Result<Self, TrainError> {
        let purpose = if parts > 1 { Purpose::Accumulate(optimizer) } else { Purpose::Train(optimizer) };
        let training = Plan::new(graph, purpose, RING, target)?;
        let looks = [(Mode::Evaluate, extents), (Mode::Inspect, Extents { batch: 1, ..extents })];
        let mut forward = Vec::with_capacity(looks.len());
        for (mode, extents) in looks {
            let graph = graphs.forward(mode, extents)?;
            forward.push((mode, extents, Plan::new(&graph, Purpose::Forward, 1, target)?));
        }
        Ok(Self { training, forward, parts })
    }

    fn all(&self) -> Vec<&Plan> {
        std::iter::once(&self.training).chain(self.forward.iter().map(|(.., plan)| plan)).collect()
    }

    /// Refuses what these limits do not allow.
    pub fn check(&self, limits: &Limits) -> Result<(), TrainError> {
        for plan in self.all() {
            check_limits(plan, limits)?;
        }
        Ok(())
    }

    /// Pipelines of all plans together, each plan counting its own.
    pub fn pipelines(&self) -> Result<usize, TrainError> {
        let mut total = 0;
        for plan in self.all() {
            total += pipeline_count(plan)?;
        }
        Ok(total)
    }

    /// Memory and launches.
    pub fn footprint(&self) -> Footprint {
        Footprint {
            bytes: run_bytes(&self.all()),
            dispatches: self.training.dispatches(self.parts as usize),
            flops: self.training.flops(self.parts as usize),
        }
    }
}
