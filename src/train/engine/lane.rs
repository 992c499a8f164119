//! What generates on an engine: the graphs that encode and decode, over the engine's parameters, with states of their own.

use super::{Backend, Engine, Inputs, RING, cpu, gpu};
use crate::gpu::{Device, GpuError, ParamStore, Prepared};
use crate::ir::{Graph, IrError, Op, ParamId};
use crate::models::Mode;
use crate::plan::{Plan, Purpose};
use crate::reference::{Interpreter, Keep, StepKey};
use crate::train::TrainError;
use crate::train::decode::CacheShape;

/// Graphs of one shape, with the keys and values of what they have read.
pub(in crate::train) struct Lane {
    shape: CacheShape,
    kind: Kind,
}

enum Kind {
    Gpu(Box<GpuLane>),
    Cpu(Box<CpuLane>),
}

struct GpuLane {
    /// The engine's parameters, and the states of this lane.
    store: ParamStore,
    encode: Option<Prepared>,
    decode: Prepared,
}

struct CpuLane {
    encode: Option<(Graph, Interpreter<f32>)>,
    decode: (Graph, Interpreter<f32>),
}

impl Engine {
    /// The lane of this shape: the one kept, with its states made zero, or a new one.
    pub(in crate::train) async fn take_lane(&mut self, shape: CacheShape) -> Result<Lane, TrainError> {
        if let Some(mut lane) = self.lane.take().filter(|lane| lane.shape == shape) {
            lane.reset()?;
            return Ok(lane);
        }
        let extents = shape.extents();
        let graph = |mode| self.graphs().forward(mode, extents).and_then(|graph| Ok(over(graph, &self.graph)?));
        let encode = if shape.source > 0 { Some(graph(Mode::Encode)?) } else { None };
        let decode = graph(Mode::Decode)?;
        let kind = match &self.backend {
            Backend::Gpu(engine) => {
                Kind::Gpu(Box::new(GpuLane::new(engine.device(), engine.store(), encode.as_ref(), &decode).await?))
            }
            Backend::Cpu(_) => Kind::Cpu(Box::new(CpuLane::new(encode, decode)?)),
        };
        Ok(Lane { shape, kind })
    }

    /// Keeps a lane for whoever needs its shape next.
    pub(in crate::train) fn keep_lane(&mut self, lane: Lane) {
        self.lane = Some(lane);
    }
}

impl Lane {
    /// Reads the sources.
    pub async fn encode(&mut self, engine: &Engine, inputs: &Inputs) -> Result<(), TrainError> {
        match (&mut self.kind, &engine.backend) {
            (Kind::Gpu(lane), _) => {
                let Some(encode) = &mut lane.encode else { return Ok(()) };
                let ticket = encode.submit(&[gpu::step_data(super::Step::default(), inputs)])?;
                encode.finish(ticket).await?;
                Ok(())
            }
            (Kind::Cpu(lane), Backend::Cpu(cpu)) => {
                let Some((graph, interpreter)) = &mut lane.encode else { return Ok(()) };
                let decoder = &mut lane.decode.1;
                core::mem::swap(interpreter.states_mut(), decoder.states_mut());
                let result = interpreter.run(cpu.parameters(), &cpu::tensors(graph, inputs), StepKey::default());
                core::mem::swap(interpreter.states_mut(), decoder.states_mut());
                interpreter.recycle(result?);
                Ok(())
            }
            (Kind::Cpu(_), Backend::Gpu(_)) => Err(foreign()),
        }
    }

    /// Reads tokens; returns the logits after the last ones.
    pub async fn steps(&mut self, engine: &Engine, steps: &[Inputs]) -> Result<Vec<f32>, TrainError> {
        match (&mut self.kind, &engine.backend) {
            (Kind::Gpu(lane), _) => {
                for chunk in steps.chunks(lane.decode.ring().max(1)) {
                    let data: Vec<_> =
                        chunk.iter().map(|inputs| gpu::step_data(super::Step::default(), inputs)).collect();
                    let ticket = lane.decode.submit(&data)?;
                    lane.decode.finish(ticket).await?;
                }
                Ok(lane.decode.read_output("logits").await?)
            }
            (Kind::Cpu(lane), Backend::Cpu(cpu)) => {
                let (graph, interpreter) = &mut lane.decode;
                let mut logits = Vec::new();
                for inputs in steps {
                    let values = interpreter.run(cpu.parameters(), &cpu::tensors(graph, inputs), StepKey::default())?;
                    logits.clear();
                    logits.extend_from_slice(values.output("logits").unwrap_or_default());
                    interpreter.recycle(values);
                }
                Ok(logits)
            }
            (Kind::Cpu(_), Backend::Gpu(_)) => Err(foreign()),
        }
    }

    /// Row i of every state becomes what row `parents[i]` was.
    pub async fn reorder(&mut self, parents: &[u32]) -> Result<(), TrainError> {
        match &mut self.kind {
            Kind::Gpu(lane) => Ok(lane.store.reorder_states(parents).await?),
            Kind::Cpu(lane) => Ok(lane.decode.1.states_mut().reorder(parents)?),
        }
    }

    /// Makes every state zero: what a mask hides must be finite, and another model's values may not have been.
    fn reset(&mut self) -> Result<(), TrainError> {
        match &mut self.kind {
            Kind::Gpu(lane) => Ok(lane.store.reset_states()?),
            Kind::Cpu(lane) => {
                lane.decode.1.states_mut().reset();
                Ok(())
            }
        }
    }

    /// Bytes on the device, the engine's parameters excluded.
    pub(super) fn allocated_bytes(&self) -> u64 {
        match &self.kind {
            Kind::Gpu(lane) => {
                let plans = lane.encode.iter().chain([&lane.decode]).map(Prepared::allocated_bytes);
                plans.sum::<u64>() + lane.store.state_bytes()
            }
            Kind::Cpu(_) => 0,
        }
    }
}

impl GpuLane {
    async fn new(
        device: &Device,
        parameters: &ParamStore,
        encode: Option<&Graph>,
        decode: &Graph,
    ) -> Result<Self, TrainError> {
        let mut store = parameters.with_own_states();
        let plan = |graph, ring| Plan::new(graph, Purpose::Forward, ring, device.target());
        let encode = match encode {
            Some(graph) => Some(Prepared::build(device, &plan(graph, 1)?, &mut store, |_, _, _| {}).await?),
            None => None,
        };
        let decode = Prepared::build(device, &plan(decode, RING)?, &mut store, |_, _, _| {}).await?;
        Ok(Self { store, encode, decode })
    }
}

impl CpuLane {
    fn new(encode: Option<Graph>, decode: Graph) -> Result<Self, TrainError> {
        let ready = |graph: Graph| -> Result<(Graph, Interpreter<f32>), TrainError> {
            cpu::check_memory(cpu::footprint(&graph).bytes)?;
            let interpreter = Interpreter::new(&graph, Keep::Results)?;
            Ok((graph, interpreter))
        };
        Ok(Self { encode: encode.map(ready).transpose()?, decode: ready(decode)? })
    }
}

fn foreign() -> TrainError {
    GpuError::Mismatch { what: "the cache belongs to another engine".to_owned() }.into()
}

/// A graph over the parameter table of `whole`, of which it has some: both then find theirs in one arena.
fn over(mut graph: Graph, whole: &Graph) -> Result<Graph, IrError> {
    let own = core::mem::replace(&mut graph.params, whole.params.clone());
    for node in &mut graph.nodes {
        if let Op::Param(id) = &mut node.op {
            let param = &own[id.index()];
            let place = whole.params.iter().position(|p| p.name == param.name);
            let missing = || IrError::Undefined { op: "parameter", scope: param.name.clone(), value: id.index() };
            *id = ParamId(place.ok_or_else(missing)? as u32);
        }
    }
    graph.verify()?;
    Ok(graph)
}
