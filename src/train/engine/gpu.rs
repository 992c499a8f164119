use super::plans::RunPlans;
use super::{Footprint, Graphs, Inputs, RING, Record, State, batch_inputs, cut, part_of};
use crate::data::Batch;
use crate::gpu::{
    AdapterInfo, Counters, Device, GpuError, LaunchTime, ParamStore, Prepared, StepData, Ticket, pipeline_count,
};
use crate::ir::{Graph, NamedTensor, Optimizer};
use crate::kernels::Step;
use crate::models::{Extents, Mode};
use crate::plan::{Arenas, Buffer, Plan, Purpose};
use crate::train::error::TrainError;

/// Plans on a GPU, over one store of parameters.
pub(in crate::train) struct GpuEngine {
    graphs: Graphs,
    device: Device,
    arenas: Arenas,
    store: ParamStore,
    training: Option<(Plan, Prepared)>,
    forward: Vec<(Mode, Extents, Prepared)>,
    footprint: Footprint,
    /// Parts of a batch.
    parts: u32,
    /// Extents of a part of a batch.
    extents: Extents,
}

impl GpuEngine {
    /// Lowers the plans of a run, checks what they need, and only then allocates and compiles.
    pub async fn train(
        graphs: Graphs,
        graph: &Graph,
        optimizer: (Optimizer, u32),
        extents: Extents,
        device: Device,
        progress: &mut dyn FnMut(usize, usize, &str),
    ) -> Result<Self, TrainError> {
        let plans = RunPlans::new(&graphs, graph, optimizer, extents, device.target())?;
        plans.check(&device.adapter().limits)?;
        let footprint = plans.footprint();
        let total = plans.pipelines()?;
        let RunPlans { training, forward, parts } = plans;
        let mut store = ParamStore::new(&device, &training.arenas).await?;
        let mut before = 0;
        let note = |done: usize, _: usize, name: &str| progress(done, total, name);
        let prepared = Prepared::build(&device, &training, &mut store, note).await?;
        before += pipeline_count(&training)?;
        let mut looks = Vec::with_capacity(forward.len());
        for (mode, extents, plan) in forward {
            let note = |done: usize, _: usize, name: &str| progress(before + done, total, name);
            looks.push((mode, extents, Prepared::build(&device, &plan, &mut store, note).await?));
            before += pipeline_count(&plan)?;
        }
        let arenas = training.arenas.clone();
        let training = Some((training, prepared));
        Ok(Self { graphs, device, arenas, store, training, forward: looks, footprint, parts, extents })
    }

    pub async fn look(graphs: Graphs, graph: &Graph, device: Device) -> Result<Self, TrainError> {
        let arenas = Arenas::new(graph);
        let store = ParamStore::new(&device, &arenas).await?;
        let footprint = Footprint { bytes: store.allocated_bytes(), ..Footprint::default() };
        Ok(Self {
            graphs,
            device,
            arenas,
            store,
            training: None,
            forward: Vec::new(),
            footprint,
            parts: 1,
            extents: Extents::default(),
        })
    }

    /// Steps per submit at most.
    pub const fn ring(&self) -> u32 {
        let steps = RING / self.parts;
        if steps > 0 { steps } else { 1 }
    }

    pub const fn device(&self) -> &Device {
        &self.device
    }

    pub const fn store(&self) -> &ParamStore {
        &self.store
    }

    pub const fn graphs(&self) -> &Graphs {
        &self.graphs
    }

    pub fn adapter(&self) -> &AdapterInfo {
        self.device.adapter()
    }

    pub const fn footprint(&self) -> Footprint {
        self.footprint
    }

    pub fn check(&self) -> Result<(), GpuError> {
        self.device.check()
    }

    /// Device, training plan and its prepared form, for profiles and counters.
    pub fn training(&mut self) -> Option<(&Device, &Plan, &mut Prepared)> {
        self.training.as_mut().map(|(plan, prepared)| (&self.device, &*plan, prepared))
    }

    /// Objects made and work sent since the device was opened.
    pub fn counters(&self) -> Counters {
        self.device.counters()
    }

    /// Times every launch of a training step, which does train.
    pub async fn profile(&mut self, step: Step, batch: Batch, repeats: u32) -> Result<Vec<LaunchTime>, TrainError> {
        let Some((_, prepared)) = &mut self.training else { return Ok(Vec::new()) };
        // Of a batch in parts, the first, as if it were the whole.
        let inputs = cut(batch_inputs(batch), self.parts, self.extents).swap_remove(0);
        Ok(prepared.profile(&step_data(step, &inputs), repeats).await?)
    }

    /// Bytes on the device now.
    pub fn allocated_bytes(&self) -> u64 {
        let training = self.training.iter().map(|(_, p)| p.allocated_bytes());
        let forward = self.forward.iter().map(|(.., p)| p.allocated_bytes());
        self.store.allocated_bytes() + training.chain(forward).sum::<u64>()
    }

    pub fn submit(&mut self, steps: Vec<(Step, Batch)>) -> Result<Ticket, TrainError> {
        let Some((_, prepared)) = &mut self.training else {
            return Err(GpuError::Mismatch { what: "this engine does not train".to_owned() }.into());
        };
        let (parts, extents) = (self.parts, self.extents);
        let cut = |(step, batch)| {
            let inputs = cut(batch_inputs(batch), parts, extents).into_iter();
            (0..parts).zip(inputs).map(move |(part, inputs)| (part_of(step, part, parts), inputs))
        };
        let steps: Vec<(Step, Inputs)> = steps.into_iter().flat_map(cut).collect();
        let data: Vec<StepData<'_>> = steps.iter().map(|(step, inputs)| step_data(*step, inputs)).collect();
        Ok(prepared.submit(&data)?)
    }

    /// Cuts later steps into so many submits.
    pub fn split(&mut self, pieces: usize) {
        if let Some((_, prepared)) = &mut self.training {
            prepared.split(pieces);
        }
    }

    pub async fn finish(&mut self, ticket: Ticket) -> Result<Vec<Record>, TrainError> {
        let Some((_, prepared)) = &mut self.training else { return Ok(Vec::new()) };
        let records = prepared.finish(ticket).await?;
        Ok(records.into_iter().map(|r| Record { loss: r.loss, grad_norm: r.grad_norm }).collect())
    }

    pub async fn forward(
        &mut self,
        mode: Mode,
        extents: Extents,
        inputs: &Inputs,
        outputs: &[&str],
    ) -> Result<Vec<Vec<f32>>, TrainError> {
        let known = self.forward.iter().position(|(m, e, _)| (*m, *e) == (mode, extents));
        let at = match known {
            Some(at) => at,
            None => {
                let graph = self.graphs.forward(mode, extents)?;
                let plan = Plan::new(&graph, Purpose::Forward, 1, self.device.target())?;
                let prepared = Prepared::build(&self.device, &plan, &mut self.store, |_, _, _| {}).await?;
                self.footprint.bytes += prepared.allocated_bytes();
                self.forward.push((mode, extents, prepared));
                self.forward.len() - 1
            }
        };
        let prepared = &mut self.forward[at].2;
        let ticket = prepared.submit(&[step_data(Step::default(), inputs)])?;
        prepared.finish(ticket).await?;
        Ok(prepared.read_outputs(outputs).await?)
    }

    pub fn set_state(&mut self, state: &State) -> Result<(), TrainError> {
        self.store.upload_params(&self.arenas.flatten(&state.parameters))?;
        if self.training.is_some() {
            self.store.upload(Buffer::Moment1, &self.arenas.flatten(&state.moment1))?;
            self.store.upload(Buffer::Moment2, &self.arenas.flatten(&state.moment2))?;
        }
        Ok(())
    }

    pub fn put(&mut self, tensor: &NamedTensor, values: &[f32]) -> Result<(), TrainError> {
        let first = self.arenas.params.get(tensor.param.index()).map_or(0, |&(offset, _)| offset);
        Ok(self.store.upload_params_at(first + tensor.range.start, values)?)
    }

    pub async fn state(&mut self) -> Result<State, TrainError> {
        let parameters = self.arenas.split(&self.store.download(Buffer::Params).await?);
        if self.training.is_none() {
            return Ok(State { parameters, ..State::default() });
        }
        let moment1 = self.arenas.split(&self.store.download(Buffer::Moment1).await?);
        let moment2 = self.arenas.split(&self.store.download(Buffer::Moment2).await?);
        Ok(State { parameters, moment1, moment2 })
    }
}

pub(super) fn step_data(step: Step, inputs: &Inputs) -> StepData<'_> {
    StepData { step, inputs: inputs.iter().map(|(name, words)| (*name, words.as_slice())).collect() }
}
