use super::{Footprint, Graphs, Inputs, Record, State, batch_inputs, cut, part_of, with_live};
use crate::data::Batch;
use crate::ir::{DType, Graph, NamedTensor, Optimizer, ParamId};
use crate::kernels::Step;
use crate::models::{Extents, Mode};
use crate::reference::{AdamState, Interpreter, Keep, StepKey, Tensor, update};
use crate::train::checkpoint::{assemble, put};
use crate::train::error::TrainError;

/// The interpreter in single precision.
pub(super) struct CpuEngine {
    graphs: Graphs,
    graph: Graph,
    training: Option<Training>,
    forward: Vec<(Mode, Extents, Graph, Interpreter<f32>)>,
    parameters: Vec<Vec<f32>>,
    moments: AdamState<f32>,
}

struct Training {
    interpreter: Interpreter<f32>,
    optimizer: Optimizer,
    /// Parts of a batch.
    parts: u32,
    /// Extents of a part of a batch.
    extents: Extents,
    /// Gradients summed over the parts so far, `None` where a parameter has none.
    totals: Vec<Option<Vec<f32>>>,
}

/// The interpreter takes at most this many bytes; what is larger would not train in a lifetime anyway.
const MEMORY: u64 = if cfg!(target_arch = "wasm32") { 512 << 20 } else { 8 << 30 };

/// Refuses, with both numbers, what the interpreter should not allocate.
pub(super) fn check_memory(needed: u64) -> Result<(), TrainError> {
    if needed > MEMORY { Err(TrainError::Memory { needed, limit: MEMORY }) } else { Ok(()) }
}

impl CpuEngine {
    pub fn train(
        graphs: Graphs,
        graph: &Graph,
        (optimizer, parts): (Optimizer, u32),
        extents: Extents,
    ) -> Result<Self, TrainError> {
        check_memory(footprint(graph).bytes)?;
        let interpreter = Interpreter::new(graph, Keep::Results)?;
        let training = Some(Training { interpreter, optimizer, parts, extents, totals: Vec::new() });
        Ok(Self { training, ..Self::look(graphs, graph)? })
    }

    pub fn look(graphs: Graphs, graph: &Graph) -> Result<Self, TrainError> {
        check_memory(graph.parameter_count() as u64 * 12)?;
        let moments = AdamState::new(&graph.params);
        let (forward, parameters) = (Vec::new(), Vec::new());
        Ok(Self { graphs, graph: graph.clone(), training: None, forward, parameters, moments })
    }

    pub const fn graphs(&self) -> &Graphs {
        &self.graphs
    }

    /// Values, in the order of the graph's table.
    pub fn parameters(&self) -> &[Vec<f32>] {
        &self.parameters
    }

    pub fn footprint(&self) -> Footprint {
        footprint(&self.graph)
    }

    pub fn steps(&mut self, steps: Vec<(Step, Batch)>) -> Result<Vec<Record>, TrainError> {
        steps.into_iter().map(|(step, batch)| self.step(&step, batch)).collect()
    }

    fn step(&mut self, step: &Step, batch: Batch) -> Result<Record, TrainError> {
        let nothing = Record { loss: f32::NAN, grad_norm: f32::NAN };
        let Some(Training { interpreter, optimizer, parts, extents, totals }) = &mut self.training else {
            return Ok(nothing);
        };
        let mut loss = 0.0;
        for (part, inputs) in (0..).zip(cut(batch_inputs(batch), *parts, *extents)) {
            let Step { seed, step, .. } = part_of(*step, part, *parts);
            let values = interpreter.run(&self.parameters, &tensors(&self.graph, &inputs), StepKey { seed, step })?;
            loss += values.output("loss").and_then(|l| l.first().copied()).unwrap_or(f32::NAN);
            let gradients = (0..self.graph.params.len()).map(|i| values.gradient(ParamId(i as u32)));
            if part == 0 {
                *totals = gradients.map(|gradient| gradient.map(<[f32]>::to_vec)).collect();
            } else {
                for (total, gradient) in totals.iter_mut().zip(gradients) {
                    let pairs = total.iter_mut().flatten().zip(gradient.into_iter().flatten());
                    pairs.for_each(|(total, gradient)| *total += gradient);
                }
            }
            interpreter.recycle(values);
        }
        let gradients: Vec<Option<&[f32]>> = totals.iter().map(Option::as_deref).collect();
        let grad_norm = if loss.is_finite() {
            update(
                &with_live(*optimizer, step),
                &self.graph.params,
                &mut self.parameters,
                &gradients,
                &mut self.moments,
                f64::from(step.lr),
                step.step + 1,
            )?
        } else {
            f64::NAN
        };
        Ok(Record { loss, grad_norm: grad_norm as f32 })
    }

    pub fn forward(
        &mut self,
        mode: Mode,
        extents: Extents,
        inputs: &Inputs,
        outputs: &[&str],
    ) -> Result<Vec<Vec<f32>>, TrainError> {
        let known = self.forward.iter().position(|(m, e, ..)| (*m, *e) == (mode, extents));
        let at = match known {
            Some(at) => at,
            None => {
                let graph = self.graphs.forward(mode, extents)?;
                check_memory(footprint(&graph).bytes)?;
                let interpreter = Interpreter::new(&graph, Keep::Results)?;
                self.forward.push((mode, extents, graph, interpreter));
                self.forward.len() - 1
            }
        };
        let (_, _, graph, interpreter) = &mut self.forward[at];
        let values = interpreter.run(&self.parameters, &tensors(graph, inputs), StepKey::default())?;
        let read = |name: &&str| values.output(name).map(<[f32]>::to_vec).unwrap_or_default();
        let result = outputs.iter().map(read).collect();
        interpreter.recycle(values);
        Ok(result)
    }

    pub fn put(&mut self, tensor: &NamedTensor, values: Vec<f32>) {
        if self.parameters.len() != self.graph.params.len() {
            self.parameters = assemble(&self.graph);
        }
        put(&mut self.parameters, tensor, values);
    }

    pub fn set_state(&mut self, state: State) {
        self.parameters = state.parameters;
        self.moments = AdamState { moment1: state.moment1, moment2: state.moment2 };
    }

    pub fn state(&self) -> State {
        State {
            parameters: self.parameters.clone(),
            moment1: self.moments.moment1.clone(),
            moment2: self.moments.moment2.clone(),
        }
    }
}

/// Values, gradients, two moments, and every intermediate once: an upper bound.
pub(super) fn footprint(graph: &Graph) -> Footprint {
    let parameters = graph.parameter_count() as u64 * 16;
    let values: u64 = graph.values.iter().map(|v| v.ty.bytes()).sum();
    Footprint { bytes: parameters + values, dispatches: 0, flops: 0 }
}

/// Inputs in the order of the graph's table.
pub(super) fn tensors(graph: &Graph, inputs: &Inputs) -> Vec<Tensor<f32>> {
    let find = |name: &str| inputs.iter().find(|(n, _)| *n == name).map(|(_, words)| words.clone()).unwrap_or_default();
    let tensor = |input: &crate::ir::Input| match input.ty.dtype {
        DType::U32 => Tensor::Index(find(&input.name)),
        DType::F32 => Tensor::Float(bytemuck::cast_vec(find(&input.name))),
    };
    graph.inputs.iter().map(tensor).collect()
}
