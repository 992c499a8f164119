//! What computes: a model's parameters on a device, and the graphs that train it and look at it.
//!
//! Two engines answer alike: plans on a GPU, and the interpreter on the CPU. Callers name a graph by what it is for
//! ([`Mode`]) and its extents; plans are built on first use and kept.

mod cpu;
mod gpu;
mod lane;
mod plans;

use crate::autodiff::append_backward;
use crate::data::Batch;
use crate::gpu::{AdapterInfo, Counters, Device, GpuError};
use crate::ir::{Graph, NamedTensor, Optimizer};
use crate::kernels::Step;
use crate::models::{Decay, Extents, Mode, Model};
use crate::passes::optimize;

use super::error::TrainError;
use super::settings::Settings;

pub(super) use lane::Lane;
pub(super) use plans::RunPlans;

/// Where to compute.
#[derive(Clone)]
pub enum DeviceChoice {
    /// A GPU, the best or the one whose name contains this.
    Gpu(Option<String>),
    /// A GPU that is open already, with what it has compiled.
    Open(Device),
    /// The interpreter.
    Cpu,
}

impl DeviceChoice {
    /// The device, or `None` for the interpreter.
    ///
    /// # Errors
    /// When there is no such adapter, or it does not open.
    pub async fn open(self) -> Result<Option<Device>, GpuError> {
        match self {
            Self::Gpu(choice) => Device::open(choice.as_deref()).await.map(Some),
            Self::Open(device) => device.check().map(|()| Some(device)),
            Self::Cpu => Ok(None),
        }
    }
}

/// Steps per submit at most.
pub const RING: u32 = 32;

/// Data of one call, by the graph's input names.
pub type Inputs = Vec<(&'static str, Vec<u32>)>;

/// What a step left behind.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Record {
    /// Loss before the update.
    pub loss: f32,
    /// Global L2 norm of the gradient before clipping.
    pub grad_norm: f32,
}

/// Steps that have been handed over and not been read back.
pub enum InFlight {
    /// On a GPU.
    Gpu(crate::gpu::Ticket),
    /// The interpreter has them already.
    Cpu(Vec<Record>),
}

/// Values and moments of every parameter, in the graph's order.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct State {
    /// Values.
    pub parameters: Vec<Vec<f32>>,
    /// First moments.
    pub moment1: Vec<Vec<f32>>,
    /// Second moments.
    pub moment2: Vec<Vec<f32>>,
}

/// What a run needs, known before anything is allocated.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Footprint {
    /// Bytes on the device, all plans of the run together.
    pub bytes: u64,
    /// Dispatches of a training step, optimizer included.
    pub dispatches: usize,
    /// Floating-point operations of a training step as launched.
    pub flops: u64,
}

/// The graphs of a model.
#[derive(Clone, Debug)]
pub(super) struct Graphs {
    pub model: Model,
    pub decay: Decay,
}

impl Graphs {
    /// A forward graph, optimized.
    pub fn forward(&self, mode: Mode, extents: Extents) -> Result<Graph, TrainError> {
        Ok(optimize(&self.model.graph(extents, mode, self.decay)?)?)
    }

    /// The graph of a training step, optimized.
    pub fn training(&self, extents: Extents) -> Result<Graph, TrainError> {
        let graph = self.model.graph(extents, Mode::Train, self.decay)?;
        let loss = graph.output("loss");
        match loss {
            Some(loss) => Ok(optimize(&append_backward(graph, loss)?)?),
            None => Ok(optimize(&graph)?),
        }
    }
}

/// A model on a device.
pub struct Engine {
    graph: Graph,
    backend: Backend,
    /// What generated last.
    lane: Option<Lane>,
}

enum Backend {
    Gpu(Box<gpu::GpuEngine>),
    Cpu(Box<cpu::CpuEngine>),
}

impl Engine {
    /// An engine that trains and looks. Parameters are to be set next.
    ///
    /// # Errors
    /// When the settings describe no model, or the device cannot hold it: with numbers, before anything is allocated.
    pub async fn train(
        settings: &Settings,
        device: DeviceChoice,
        progress: &mut dyn FnMut(usize, usize, &str),
    ) -> Result<Self, TrainError> {
        let graphs = Graphs { model: settings.model.clone(), decay: settings.decay };
        settings.part()?;
        let extents = settings.extents();
        let graph = graphs.training(extents)?;
        let optimizer = settings.optimizer();
        let parts = settings.accumulate;
        let backend = match device.open().await? {
            Some(device) => {
                let engine = gpu::GpuEngine::train(graphs, &graph, (optimizer, parts), extents, device, progress);
                Backend::Gpu(Box::new(engine.await?))
            }
            None => Backend::Cpu(Box::new(cpu::CpuEngine::train(graphs, &graph, (optimizer, parts), extents)?)),
        };
        Ok(Self { graph, backend, lane: None })
    }

    /// An engine that only looks. Parameters are to be set next.
    ///
    /// # Errors
    /// As [`Self::train`].
    pub async fn look(model: &Model, device: DeviceChoice) -> Result<Self, TrainError> {
        let graphs = Graphs { model: model.clone(), decay: Decay::Matrices };
        let graph = graphs.forward(Mode::Inspect, Extents { target: 1, ..Extents::decoder(1, 1) })?;
        let backend = match device.open().await? {
            Some(device) => Backend::Gpu(Box::new(gpu::GpuEngine::look(graphs, &graph, device).await?)),
            None => Backend::Cpu(Box::new(cpu::CpuEngine::look(graphs, &graph)?)),
        };
        Ok(Self { graph, backend, lane: None })
    }

    /// The graph whose parameter table counts.
    #[must_use]
    pub const fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The model.
    #[must_use]
    pub const fn model(&self) -> &Model {
        &self.graphs().model
    }

    const fn graphs(&self) -> &Graphs {
        match &self.backend {
            Backend::Gpu(gpu) => gpu.graphs(),
            Backend::Cpu(cpu) => cpu.graphs(),
        }
    }

    /// The adapter, if it is a GPU.
    #[must_use]
    pub fn adapter(&self) -> Option<&AdapterInfo> {
        match &self.backend {
            Backend::Gpu(gpu) => Some(gpu.adapter()),
            Backend::Cpu(_) => None,
        }
    }

    /// The GPU engine, for profiles and plans.
    pub(super) fn gpu_mut(&mut self) -> Option<&mut gpu::GpuEngine> {
        match &mut self.backend {
            Backend::Gpu(gpu) => Some(gpu),
            Backend::Cpu(_) => None,
        }
    }

    /// Memory and launches.
    #[must_use]
    pub fn footprint(&self) -> Footprint {
        let footprint = match &self.backend {
            Backend::Gpu(gpu) => gpu.footprint(),
            Backend::Cpu(cpu) => cpu.footprint(),
        };
        Footprint { bytes: footprint.bytes + self.lane.as_ref().map_or(0, Lane::allocated_bytes), ..footprint }
    }

    /// Submits that may be under way at a time: two keep a GPU busy while the host prepares, the interpreter is done with a
    /// step when it has taken it.
    #[must_use]
    pub const fn depth(&self) -> usize {
        match &self.backend {
            Backend::Gpu(_) => 2,
            Backend::Cpu(_) => 1,
        }
    }

    /// Objects made and work sent since the device was opened; `None` for the interpreter.
    #[must_use]
    pub fn counters(&self) -> Option<Counters> {
        match &self.backend {
            Backend::Gpu(gpu) => Some(gpu.counters()),
            Backend::Cpu(_) => None,
        }
    }

    /// Bytes that the engine holds on a device now; `None` for the interpreter.
    #[must_use]
    pub fn allocated_bytes(&self) -> Option<u64> {
        match &self.backend {
            Backend::Gpu(gpu) => Some(gpu.allocated_bytes() + self.lane.as_ref().map_or(0, Lane::allocated_bytes)),
            Backend::Cpu(_) => None,
        }
    }

    /// Steps per submit at most.
    #[must_use]
    pub const fn ring(&self) -> u32 {
        match &self.backend {
            Backend::Gpu(gpu) => gpu.ring(),
            Backend::Cpu(_) => 1,
        }
    }

    /// Hands training steps over.
    ///
    /// # Errors
    /// When the device fails.
    pub fn submit(&mut self, steps: Vec<(Step, Batch)>) -> Result<InFlight, TrainError> {
        match &mut self.backend {
            Backend::Gpu(gpu) => Ok(InFlight::Gpu(gpu.submit(steps)?)),
            Backend::Cpu(cpu) => Ok(InFlight::Cpu(cpu.steps(steps)?)),
        }
    }

    /// Cuts every later step into about so many submits; what is computed stays the same.
    pub fn split(&mut self, pieces: usize) {
        match &mut self.backend {
            Backend::Gpu(gpu) => gpu.split(pieces),
            Backend::Cpu(_) => {}
        }
    }

    /// Reads steps back, once all of them have been computed.
    ///
    /// # Errors
    /// When the device fails.
    pub async fn finish(&mut self, steps: InFlight) -> Result<Vec<Record>, TrainError> {
        match (&mut self.backend, steps) {
            (Backend::Gpu(gpu), InFlight::Gpu(ticket)) => gpu.finish(ticket).await,
            (_, InFlight::Cpu(records)) => Ok(records),
            (Backend::Cpu(_), InFlight::Gpu(_)) => Ok(Vec::new()),
        }
    }

    /// Runs a forward graph on the current parameters; returns the named outputs.
    ///
    /// # Errors
    /// When the graph cannot be built or the device fails.
    pub async fn forward(
        &mut self,
        mode: Mode,
        extents: Extents,
        inputs: &Inputs,
        outputs: &[&str],
    ) -> Result<Vec<Vec<f32>>, TrainError> {
        match &mut self.backend {
            Backend::Gpu(gpu) => gpu.forward(mode, extents, inputs, outputs).await,
            Backend::Cpu(cpu) => cpu.forward(mode, extents, inputs, outputs),
        }
    }

    /// Sets the values of one tensor, such as a checkpoint holds; moments stay as they are.
    ///
    /// # Errors
    /// When the device fails.
    pub fn put(&mut self, tensor: &NamedTensor, values: Vec<f32>) -> Result<(), TrainError> {
        match &mut self.backend {
            Backend::Gpu(gpu) => gpu.put(tensor, &values),
            Backend::Cpu(cpu) => {
                cpu.put(tensor, values);
                Ok(())
            }
        }
    }

    /// Sets values, and moments to zero.
    ///
    /// # Errors
    /// When the device fails.
    pub fn set_parameters(&mut self, parameters: Vec<Vec<f32>>) -> Result<(), TrainError> {
        let zeros: Vec<Vec<f32>> = parameters.iter().map(|p| vec![0.0; p.len()]).collect();
        self.set_state(State { parameters, moment1: zeros.clone(), moment2: zeros })
    }

    /// Sets values and moments.
    ///
    /// # Errors
    /// When the device fails.
    pub fn set_state(&mut self, state: State) -> Result<(), TrainError> {
        match &mut self.backend {
            Backend::Gpu(gpu) => gpu.set_state(&state),
            Backend::Cpu(cpu) => {
                cpu.set_state(state);
                Ok(())
            }
        }
    }

    /// Values and moments.
    ///
    /// # Errors
    /// When the device fails.
    pub async fn state(&mut self) -> Result<State, TrainError> {
        match &mut self.backend {
            Backend::Gpu(gpu) => gpu.state().await,
            Backend::Cpu(cpu) => Ok(cpu.state()),
        }
    }

    /// Whether the device can still be used.
    ///
    /// # Errors
    /// When it was lost.
    pub fn check(&self) -> Result<(), GpuError> {
        match &self.backend {
            Backend::Gpu(gpu) => gpu.check(),
            Backend::Cpu(_) => Ok(()),
        }
    }
}

/// A batch as the graph's inputs.
pub(super) fn batch_inputs(batch: Batch) -> Inputs {
    batch.fields
}

/// The inputs of each part of a batch, of which `extents` are those: every input is cut along its outermost extent, and the
/// slots of a prediction go to the part that their row is in.
fn cut(mut inputs: Inputs, parts: u32, extents: Extents) -> Vec<Inputs> {
    if parts == 1 {
        return vec![inputs];
    }
    let slots = extents.rows.map(|room| take_slots(&mut inputs, parts, extents.batch * extents.time, room));
    let piece = |words: &[u32], part: usize| {
        let length = words.len() / parts as usize;
        words[part * length..(part + 1) * length].to_vec()
    };
    let whole = |part: usize| inputs.iter().map(move |(name, words)| (*name, piece(words, part)));
    let slots = |part: usize| slots.iter().flat_map(move |slots| slots[part].clone());
    (0..parts as usize).map(|part| whole(part).chain(slots(part)).collect()).collect()
}

/// Takes the slots of a prediction out of a batch; returns those of each part of `rows` rows, filled up to `room`.
fn take_slots(inputs: &mut Inputs, parts: u32, rows: usize, room: usize) -> Vec<Inputs> {
    let mut take = |name: &str| {
        let at = inputs.iter().position(|(other, _)| *other == name);
        at.map(|at| inputs.swap_remove(at).1).unwrap_or_default()
    };
    let (places, targets, weights) = (take("rows"), take("targets"), take("weights"));
    let part = |part: usize| {
        let (first, last) = (part * rows, (part + 1) * rows);
        let used = places.iter().zip(&targets).zip(&weights);
        let here = used.filter(|((place, _), weight)| **weight != 0 && (first..last).contains(&(**place as usize)));
        let mut slots = [Vec::with_capacity(room), Vec::with_capacity(room), Vec::with_capacity(room)];
        for ((place, target), weight) in here.take(room) {
            for (slot, word) in slots.iter_mut().zip([place - first as u32, *target, *weight]) {
                slot.push(word);
            }
        }
        slots.iter_mut().for_each(|slot| slot.resize(room, 0));
        ["rows", "targets", "weights"].into_iter().zip(slots).collect()
    };
    (0..parts as usize).map(part).collect()
}

/// The uniform of a part of a step. Parts are numbered through, so that each has dropout masks of its own.
const fn part_of(step: Step, part: u32, parts: u32) -> Step {
    Step { step: step.step.wrapping_mul(parts).wrapping_add(part), part, parts, ..step }
}

/// The optimizer with what of it can change while a run goes on.
fn with_live(optimizer: Optimizer, step: &Step) -> Optimizer {
    let kind = optimizer.kind.with_weight_decay(f64::from(step.weight_decay));
    Optimizer { kind, clip: (step.clip < f32::MAX).then_some(f64::from(step.clip)) }
}
