use core::fmt;

use crate::ir::State;
use crate::kernels::{Access, KernelError, Launch};

/// A buffer of the executor.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Buffer {
    /// Parameters, decayed ones first; shared by the plans of a run.
    Params,
    /// Gradients, laid out like the parameters; shared.
    Grads,
    /// First moments; shared.
    Moment1,
    /// Second moments; shared.
    Moment2,
    /// The plan's inputs for K steps, written by the host, read by the `stage` launch.
    InputRing,
    /// The inputs of the current step.
    Inputs,
    /// Loss and gradient norm of K steps (four f32 each), copied to the host after each submit.
    Records,
    /// An activation slot.
    Slot(u32),
    /// A state, by its position in [`Plan::states`]; shared by name.
    State(u32),
}

impl fmt::Display for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Params => "the parameters",
            Self::Grads => "the gradients",
            Self::Moment1 => "the first moments",
            Self::Moment2 => "the second moments",
            Self::InputRing => "the batches of a submit",
            Self::Inputs => "the batch of a step",
            Self::Records => "the losses of a submit",
            Self::Slot(slot) => return write!(f, "activation buffer {slot}"),
            Self::State(state) => return write!(f, "state {state}"),
        })
    }
}

/// One buffer range of a launch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Binding {
    /// Which buffer.
    pub buffer: Buffer,
    /// First byte; a multiple of 256.
    pub offset: u64,
    /// Number of bytes.
    pub size: u64,
    /// How it is used.
    pub access: Access,
}

/// A launch with its buffers.
#[derive(Clone, Debug)]
pub struct PlanLaunch {
    /// The kernel and its constants.
    pub launch: Launch,
    /// One for each binding of the entry point, in order.
    pub bindings: Vec<Binding>,
    /// Where in the model, e.g. `h.2/attn`, for profiles and debugging labels.
    pub scope: String,
}

/// Host data that a plan derives from an input: lists that kernels need to stay deterministic.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum DerivedInput {
    /// The input itself.
    Direct,
    /// For N ids below `rows`: `rows + 1` offsets, then the positions sorted by id (stable), N words. The positions of id v
    /// stand at `offsets[v]..offsets[v+1]`.
    SortedPositions {
        /// Number of ids.
        rows: u32,
        /// An id whose positions are left out.
        padding: Option<u32>,
    },
}

/// Where the host's data of a step goes in the inputs buffer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InputSlot {
    /// Name of the graph's input.
    pub name: String,
    /// What of it.
    pub derived: DerivedInput,
    /// First byte in [`Buffer::Inputs`]; a multiple of 256.
    pub offset: u64,
    /// Number of 32-bit words.
    pub words: usize,
}

/// A result that can be read back after a step.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OutputSlot {
    /// Name of the graph's output.
    pub name: String,
    /// Where it lies.
    pub buffer: Buffer,
    /// Number of f32.
    pub elements: usize,
}

/// Sizes of the arenas that the plans of a run share.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Arenas {
    /// For each parameter of the graph, in its order: first element in the arena (a multiple of 64) and element count.
    pub params: Vec<(usize, usize)>,
    /// Elements up to here belong to decayed parameters.
    pub decayed: usize,
    /// Elements of an arena, gaps included.
    pub elements: usize,
}

/// What a step does, as data.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The run's arenas.
    pub arenas: Arenas,
    /// Whether gradients and moments are used.
    pub trains: bool,
    /// In order.
    pub launches: Vec<PlanLaunch>,
    /// Launches from this one on run only with the last part of a batch: see [`super::Purpose::Accumulate`].
    pub tail: usize,
    /// Bytes of each activation slot.
    pub slots: Vec<u64>,
    /// Slots that hold a constant, written once: slot and its words.
    pub constants: Vec<(u32, Vec<u32>)>,
    /// What outlives a step beside the parameters, in the graph's order.
    pub states: Vec<State>,
    /// The host's data of a step.
    pub inputs: Vec<InputSlot>,
    /// Bytes of [`Buffer::Inputs`]; a multiple of 256.
    pub input_bytes: u64,
    /// Steps per submit at most: K, the length of the rings.
    pub ring: u32,
    /// Readable results.
    pub outputs: Vec<OutputSlot>,
    /// For each launch what its bindings hold, for [`super::verify`].
    pub trace: Vec<Vec<super::Content>>,
}

impl Plan {
    /// Bytes of every buffer that this plan owns: without the arenas and the states, which plans share.
    #[must_use]
    pub fn own_bytes(&self) -> u64 {
        self.slots.iter().sum::<u64>() + self.input_bytes * (u64::from(self.ring) + 1) + self.record_bytes()
    }

    /// Launches of a training step whose batch comes in so many parts.
    #[must_use]
    pub fn dispatches(&self, parts: usize) -> usize {
        let tail = self.launches.len().saturating_sub(self.tail);
        (self.launches.len() - tail) * parts + tail
    }

    /// Floating-point operations of a training step whose batch comes in so many parts.
    #[must_use]
    pub fn flops(&self, parts: usize) -> u64 {
        let times = |at: usize| if at < self.tail { parts as u64 } else { 1 };
        self.launches.iter().enumerate().map(|(at, l)| l.launch.flops * times(at)).sum()
    }

    /// Bytes of the arenas: parameters, and for training gradients and two moments.
    #[must_use]
    pub fn arena_bytes(&self) -> u64 {
        self.arenas.elements as u64 * 4 * if self.trains { 4 } else { 1 }
    }

    /// Bytes of the states.
    #[must_use]
    pub fn state_bytes(&self) -> u64 {
        self.states.iter().map(|state| state.ty.bytes()).sum()
    }

    /// Dropout sites that launches ask for, 0 included.
    #[must_use]
    pub fn sites(&self) -> usize {
        self.launches.iter().map(|l| l.launch.site as usize + 1).max().unwrap_or(1)
    }

    /// Bytes of [`Buffer::Records`].
    #[must_use]
    pub fn record_bytes(&self) -> u64 {
        u64::from(self.ring) * 16
    }
}

/// A graph that cannot be lowered.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PlanError {
    /// The graph itself is wrong.
    #[error(transparent)]
    Graph(#[from] crate::ir::IrError),
    /// A launch is impossible.
    #[error(transparent)]
    Kernel(#[from] KernelError),
    /// A construct that lowering does not know.
    #[error("{op} in {scope:?} cannot be lowered: {what}")]
    Unsupported {
        /// The operation.
        op: &'static str,
        /// Where in the model.
        scope: String,
        /// What is missing.
        what: &'static str,
    },
    /// A launch would read something else than the value it needs.
    #[error("launch {launch} ({kernel}) in {scope:?}: {what}")]
    Stale {
        /// Position in the list.
        launch: usize,
        /// The kernel.
        kernel: &'static str,
        /// Where in the model.
        scope: String,
        /// What it would see.
        what: String,
    },
}
