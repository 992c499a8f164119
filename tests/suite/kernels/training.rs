//! A training plan on the device, a step at a time.

use pollster::block_on;
use trainyard::gpu::{ParamStore, Prepared, Record, StepData};
use trainyard::ir::{Graph, Optimizer};
use trainyard::kernels::{Step, Target};
use trainyard::plan::{Buffer, Plan, Purpose};
use trainyard::reference::Tensor;

use super::{Failure, device};

/// A training plan with its parameters.
pub struct Training {
    pub plan: Plan,
    pub store: ParamStore,
    prepared: Prepared,
    optimizer: Optimizer,
}

impl Training {
    pub fn new(graph: &Graph, params: &[Vec<f64>], optimizer: Optimizer, target: Target) -> Result<Self, Failure> {
        Self::of_plan(Plan::new(graph, Purpose::Train(optimizer), 1, target)?, params, optimizer)
    }

    /// As [`Self::new`], with a plan of one's own.
    pub fn of_plan(plan: Plan, params: &[Vec<f64>], optimizer: Optimizer) -> Result<Self, Failure> {
        let mut store = block_on(ParamStore::new(device(), &plan.arenas))?;
        let narrow: Vec<Vec<f32>> = params.iter().map(|p| p.iter().map(|&x| x as f32).collect()).collect();
        store.upload_params(&plan.arenas.flatten(&narrow))?;
        let mut prepared = block_on(Prepared::build(device(), &plan, &mut store, |_, _, _| ()))?;
        prepared.poison_slots()?;
        Ok(Self { plan, store, prepared, optimizer })
    }

    /// Step t, counted from 1.
    pub fn step(&mut self, graph: &Graph, inputs: &[Tensor<f64>], t: u32, lr: f64) -> Result<Record, Failure> {
        let words: Vec<Vec<u32>> = inputs
            .iter()
            .map(|input| match input {
                Tensor::Float(numbers) => numbers.iter().map(|&x| (x as f32).to_bits()).collect(),
                Tensor::Index(words) => words.clone(),
            })
            .collect();
        let Optimizer { kind, clip } = self.optimizer;
        let [correction1, correction2] = kind.corrections(t).map(|x| x as f32);
        let step = Step {
            lr: lr as f32,
            correction1,
            correction2,
            weight_decay: kind.weight_decay() as f32,
            clip: clip.map_or(f32::MAX, |c| c as f32),
            ..Step::default()
        };
        let inputs = graph.inputs.iter().zip(&words).map(|(i, w)| (i.name.as_str(), w.as_slice())).collect();
        let ticket = self.prepared.submit(&[StepData { step, inputs }])?;
        Ok(block_on(self.prepared.finish(ticket))?[0])
    }

    /// An arena by parameters, and what lies between them.
    pub fn arena(&mut self, which: Buffer) -> Result<(Vec<Vec<f32>>, Vec<f32>), Failure> {
        let flat = block_on(self.store.download(which))?;
        let used = |i: usize| self.plan.arenas.params.iter().any(|&(first, n)| (first..first + n).contains(&i));
        let gaps = flat.iter().enumerate().filter(|(i, _)| !used(*i)).map(|(_, &x)| x).collect();
        Ok((self.plan.arenas.split(&flat), gaps))
    }
}
