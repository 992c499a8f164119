//! Plans on a real device: whichever adapter the machine has, lavapipe where it has no GPU. Without one these fail.

mod faults;
mod inputs;
mod limits;
mod plans;
mod profile;
mod run;
mod states;

use std::sync::OnceLock;

use pollster::block_on;
use trainyard::gpu::{Device, GpuError, ParamStore, Prepared};
use trainyard::plan::Plan;

/// The device that tests share which neither lose it nor count its objects.
fn device() -> &'static Device {
    static DEVICE: OnceLock<Device> = OnceLock::new();
    DEVICE.get_or_init(own_device)
}

/// A device of its own, with the limits that every WebGPU device has.
fn own_device() -> Device {
    block_on(Device::open_default_limits()).unwrap_or_else(|e| panic!("these tests need an adapter: {e}"))
}

/// A plan made ready over a store.
fn prepare(device: &Device, plan: &Plan, store: &mut ParamStore) -> Result<Prepared, GpuError> {
    block_on(Prepared::build(device, plan, store, |_, _, _| ()))
}

/// A store with the given values at the start of its arena.
fn store(device: &Device, plan: &Plan, values: &[f32]) -> Result<ParamStore, GpuError> {
    let store = block_on(ParamStore::new(device, &plan.arenas))?;
    let mut flat = vec![0.0; plan.arenas.elements];
    flat[..values.len()].copy_from_slice(values);
    store.upload_params(&flat)?;
    Ok(store)
}
