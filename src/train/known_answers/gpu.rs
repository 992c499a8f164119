use super::{Data, Descent, Evaluated, Inputs, Machine, MachineError, Precision};
use crate::gpu::{Device, GpuError, ParamStore, Prepared, Record, StepData};
use crate::ir::{Graph, Optimizer};
use crate::kernels::Step;
use crate::plan::{Buffer, Plan, Purpose};

/// A GPU as a machine: every graph goes the whole way through plan and kernels.
pub struct GpuMachine {
    device: Device,
}

impl GpuMachine {
    /// On an open device.
    #[must_use]
    pub const fn new(device: Device) -> Self {
        Self { device }
    }

    /// The adapter's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.device.adapter().name
    }

    async fn prepare(
        &self,
        graph: &Graph,
        purpose: Purpose,
        parameters: &[Vec<f32>],
    ) -> Result<(Plan, ParamStore, Prepared), MachineError> {
        let text = |e: GpuError| e.to_string();
        let plan = Plan::new(graph, purpose, 1, self.device.target()).map_err(|e| e.to_string())?;
        let mut store = ParamStore::new(&self.device, &plan.arenas).await.map_err(text)?;
        let prepared = Prepared::build(&self.device, &plan, &mut store, |_, _, _| {}).await.map_err(text)?;
        store.upload_params(&plan.arenas.flatten(parameters)).map_err(text)?;
        Ok((plan, store, prepared))
    }
}

impl Machine for GpuMachine {
    fn precision(&self) -> Precision {
        Precision::F32
    }

    async fn forward(
        &mut self,
        graph: &Graph,
        parameters: &[Vec<f32>],
        inputs: &[(String, Data)],
    ) -> Result<Evaluated, MachineError> {
        let text = |e: GpuError| e.to_string();
        let (plan, _store, mut prepared) = self.prepare(graph, Purpose::Forward, parameters).await?;
        step(&mut prepared, Step::default(), inputs).await?;
        let mut outputs = Evaluated::default();
        for output in &plan.outputs {
            let values = prepared.read_output(&output.name).await.map_err(text)?;
            outputs.0.insert(output.name.clone(), widen(&values));
        }
        Ok(outputs)
    }

    async fn descend(
        &mut self,
        graph: &Graph,
        optimizer: Optimizer,
        parameters: &[Vec<f64>],
        batches: &[Inputs],
        lr: f64,
    ) -> Result<Descent, MachineError> {
        let text = |e: GpuError| e.to_string();
        let (plan, mut store, mut prepared) =
            self.prepare(graph, Purpose::Train(optimizer), &narrow(parameters)).await?;
        let mut descent = Descent::default();
        for (t, batch) in (1..).zip(batches) {
            let [correction1, correction2] = optimizer.kind.corrections(t).map(|x| x as f32);
            let uniform = Step {
                step: t - 1,
                lr: lr as f32,
                correction1,
                correction2,
                weight_decay: optimizer.kind.weight_decay() as f32,
                clip: optimizer.clip.map_or(f32::MAX, |clip| clip as f32),
                ..Step::default()
            };
            let records = step(&mut prepared, uniform, batch).await?;
            let record = records.first().ok_or("the step left no record")?;
            descent.losses.push(f64::from(record.loss));
            descent.norms.push(f64::from(record.grad_norm));
            if t == 1 {
                let flat = store.download(Buffer::Grads).await.map_err(text)?;
                descent.gradients = plan.arenas.split(&flat).iter().map(|g| widen(g)).collect();
            }
        }
        let flat = store.download(Buffer::Params).await.map_err(text)?;
        descent.parameters = plan.arenas.split(&flat).iter().map(|p| widen(p)).collect();
        Ok(descent)
    }
}

async fn step(prepared: &mut Prepared, step: Step, inputs: &[(String, Data)]) -> Result<Vec<Record>, MachineError> {
    let words = |data: &Data| match data {
        Data::Index(v) => v.clone(),
        Data::Float(v) => v.iter().map(|&x| (x as f32).to_bits()).collect(),
    };
    let inputs: Vec<(&str, Vec<u32>)> = inputs.iter().map(|(name, data)| (name.as_str(), words(data))).collect();
    let inputs = inputs.iter().map(|(name, words)| (*name, words.as_slice())).collect();
    let ticket = prepared.submit(&[StepData { step, inputs }]).map_err(|e| e.to_string())?;
    prepared.finish(ticket).await.map_err(|e| e.to_string())
}

fn narrow(parameters: &[Vec<f64>]) -> Vec<Vec<f32>> {
    parameters.iter().map(|p| p.iter().map(|&v| v as f32).collect()).collect()
}

fn widen(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&v| f64::from(v)).collect()
}
