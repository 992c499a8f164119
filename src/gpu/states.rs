//! The states that the plans of a store share by name: what outlives a step beside the parameters.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::ir::{State, Type};

use super::GpuError;
use super::device::{Allocation, Device, Wanted};

/// States on the device, zero at first.
#[derive(Default)]
pub(super) struct States {
    held: BTreeMap<String, Held>,
    /// Where rows wait while they change places: WebGPU copies between two buffers only. Made with the first reordering.
    scratch: Option<Arc<Allocation>>,
}

struct Held {
    ty: Type,
    buffer: Arc<Allocation>,
}

impl Held {
    /// The outermost extent: sequences.
    fn rows(&self) -> usize {
        self.ty.shape.dims().first().copied().unwrap_or(1)
    }
}

impl States {
    /// Makes those of a plan that are not there.
    ///
    /// # Errors
    /// [`GpuError::Mismatch`] when one is there with another type; what the device objects to. Nothing is made then.
    pub(super) async fn ensure(&mut self, device: &Device, states: &[State]) -> Result<(), GpuError> {
        let mut missing = Vec::new();
        for state in states {
            match self.held.get(&state.name) {
                Some(held) if held.ty == state.ty => {}
                Some(held) => {
                    let what = format!("state {:?} is {} in this store, {} in the plan", state.name, held.ty, state.ty);
                    return Err(GpuError::Mismatch { what });
                }
                None => missing.push(state),
            }
        }
        let wanted: Vec<Wanted> =
            missing.iter().map(|state| wanted(format!("trainyard.state.{}", state.name), state.ty.bytes())).collect();
        if wanted.is_empty() {
            return Ok(());
        }
        let made = device.allocate(&wanted).await?;
        let held = missing.into_iter().zip(made).map(|(s, buffer)| (s.name.clone(), Held { ty: s.ty.clone(), buffer }));
        self.held.extend(held);
        Ok(())
    }

    pub(super) fn buffer(&self, name: &str) -> Option<&Arc<Allocation>> {
        self.held.get(name).map(|held| &held.buffer)
    }

    /// Bytes on the device.
    pub(super) fn allocated_bytes(&self) -> u64 {
        self.held.values().map(|held| &held.buffer).chain(&self.scratch).map(|b| b.bytes).sum()
    }

    /// Makes all of them zero again, after what has been submitted.
    pub(super) fn reset(&self, device: &Device) -> Result<(), GpuError> {
        device.check()?;
        let mut encoder = device.encoder("trainyard.states.reset");
        self.held.values().for_each(|held| encoder.clear_buffer(&held.buffer.raw, 0, None));
        let _submission = device.submit(encoder, 0);
        device.check()
    }

    /// Row i of each of them becomes what row `parents[i]` was, after what has been submitted.
    pub(super) async fn reorder(&mut self, device: &Device, parents: &[u32]) -> Result<(), GpuError> {
        device.check()?;
        for (name, held) in &self.held {
            if held.rows() != parents.len() {
                let what = format!("{} parents for state {name:?}, which has {} rows", parents.len(), held.rows());
                return Err(GpuError::Mismatch { what });
            }
        }
        if let Some(parent) = parents.iter().find(|&&p| p as usize >= parents.len()) {
            return Err(GpuError::Mismatch { what: format!("parent {parent} is none of the {} rows", parents.len()) });
        }
        let largest = self.held.values().map(|held| held.buffer.bytes).max().unwrap_or(0);
        if self.scratch.as_ref().map_or(0, |scratch| scratch.bytes) < largest {
            let made = device.allocate(&[wanted("trainyard.states.scratch".to_owned(), largest)]).await?;
            self.scratch = made.into_iter().next();
        }
        let Some(scratch) = &self.scratch else { return Ok(()) };
        let mut encoder = device.encoder("trainyard.states.reorder");
        for held in self.held.values() {
            let width = held.ty.bytes() / held.rows().max(1) as u64;
            let moved = || (0_u64..).zip(parents).filter(|&(row, &parent)| row != u64::from(parent));
            for (row, &parent) in moved() {
                let from = u64::from(parent) * width;
                encoder.copy_buffer_to_buffer(&held.buffer.raw, from, &scratch.raw, row * width, width);
            }
            for (row, _) in moved() {
                encoder.copy_buffer_to_buffer(&scratch.raw, row * width, &held.buffer.raw, row * width, width);
            }
        }
        let _submission = device.submit(encoder, 0);
        device.check()
    }
}

fn wanted(label: String, bytes: u64) -> Wanted {
    let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST;
    Wanted { label, bytes, usage }
}
