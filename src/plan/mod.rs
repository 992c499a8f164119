//! From a graph to the list of launches that a step replays, and the memory it lives in.
//!
//! A [`Plan`] is data: launches in order, each with the buffers it binds, and the sizes of those buffers. Parameters,
//! gradients and the two moments are flat arenas shared by every plan of a run; each activation has a whole-buffer
//! *slot* chosen by liveness, because WebGPU tracks usage per buffer: no launch may read one part of a buffer and
//! write another. A state lives in a buffer of its own, shared by the plans whose graphs name it alike; what changes it does
//! so in place. [`Plan::bytes`] is computed here, before anything is allocated.

mod arenas;
mod buffers;
mod build;
mod constants;
mod content;
mod lower;
mod optimize;
mod place;
mod resolve;
mod sorted;
mod text;
mod verify;

pub use arenas::ALIGNMENT;
pub use buffers::{Arenas, Binding, Buffer, DerivedInput, InputSlot, OutputSlot, Plan, PlanError, PlanLaunch};
pub use build::Purpose;
pub use content::{Content, Span};
pub use sorted::sorted_positions;
pub use verify::verify;
