//! Runs plans on a GPU; the only module that knows `wgpu`.
//!
//! A [`Device`] is opened, a [`ParamStore`] holds a run's arenas on it, and [`Prepared::build`] makes a plan ready:
//! checked against the device's limits, allocated, compiled, bound. After that a step only writes its inputs and
//! re-encodes the prepared list ([`Prepared::submit`]); its record is read later ([`Prepared::finish`]). Plans over one store
//! share its parameters, and its states by name.
//!
//! Rules. A step counts only when its record has been read back from the device that ran it: a failure is an error,
//! never zeros. Limits are refused with both numbers before the first allocation. Errors of creation belong to the call
//! that created; a loss or an error outside of a creation stays with the device, and the cure is a new one. Nothing
//! here panics on what a device or a plan does.
//!
//! Why errors need their own code in a browser: see `web.rs`.

mod adapter;
mod compile;
mod device;
mod error;
mod executor;
mod health;
mod inputs;
mod limits;
#[cfg(not(target_arch = "wasm32"))]
mod native;
mod params;
mod pipelines;
mod prepared;
mod profile;
mod readback;
mod signal;
mod states;
#[cfg(target_arch = "wasm32")]
mod web;

#[cfg(not(target_arch = "wasm32"))]
use native as platform;
#[cfg(target_arch = "wasm32")]
use web as platform;

pub use adapter::{AdapterInfo, AdapterKind, Limits};
pub use compile::pipeline_count;
pub use device::{Counters, Device, adapters};
pub use error::{GpuError, Unit};
pub use executor::{Record, StepData, Ticket};
pub use limits::{STAGING, check_limits, overhead_bytes, run_bytes, store_bytes, workgroup_size};
pub use params::ParamStore;
pub use prepared::Prepared;
pub use profile::LaunchTime;
