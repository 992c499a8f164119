//! The arenas that the plans of a run share: parameters, and for training gradients and two moments. With them go the states
//! of the plans.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::ir::State;
use crate::plan::{Arenas, Buffer};

use super::device::{Allocation, Device, Wanted};
use super::limits::{arena_bytes, store_staging_bytes};
use super::states::States;
use super::{GpuError, Unit, readback};

/// How much is handed to the queue at once: it copies what it is given.
const WRITE_ELEMENTS: usize = 4 << 20;

/// Flat arenas on the device. New ones hold zeros.
pub struct ParamStore {
    device: Device,
    arenas: Arenas,
    buffers: BTreeMap<Buffer, Arc<Allocation>>,
    staging: Option<Arc<Allocation>>,
    states: States,
}

impl ParamStore {
    /// Makes the parameter arena; those for training are made with the first plan that trains.
    ///
    /// # Errors
    /// [`GpuError::Limit`] when an arena exceeds a buffer, and what the device objects to.
    pub async fn new(device: &Device, arenas: &Arenas) -> Result<Self, GpuError> {
        let bytes = arena_bytes(arenas);
        let limit = device.adapter().limits.buffer_bytes;
        if bytes > limit {
            let what = format!("the arena of {} parameter values as one buffer", arenas.elements);
            return Err(GpuError::Limit { what, needed: bytes, limit, unit: Unit::Bytes });
        }
        let mut store = Self {
            device: device.clone(),
            arenas: arenas.clone(),
            buffers: BTreeMap::new(),
            staging: None,
            states: States::default(),
        };
        if bytes > 0 {
            let wanted = [
                arena(Buffer::Params, bytes),
                Wanted {
                    label: "trainyard.store.staging".to_owned(),
                    bytes: store_staging_bytes(arenas),
                    usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
                },
            ];
            let mut made = device.allocate(&wanted).await?.into_iter();
            store.buffers.extend(made.next().map(|buffer| (Buffer::Params, buffer)));
            store.staging = made.next();
        }
        Ok(store)
    }

    /// A store of the same parameters with states of its own, which plans over this store do not see.
    #[must_use]
    pub fn with_own_states(&self) -> Self {
        Self {
            device: self.device.clone(),
            arenas: self.arenas.clone(),
            buffers: self.buffers.clone(),
            staging: self.staging.clone(),
            states: States::default(),
        }
    }

    /// Makes the arenas for training, unless they are there.
    pub(super) async fn ensure_training(&mut self) -> Result<(), GpuError> {
        let bytes = arena_bytes(&self.arenas);
        if bytes == 0 || self.buffers.contains_key(&Buffer::Grads) {
            return Ok(());
        }
        let kinds = [Buffer::Grads, Buffer::Moment1, Buffer::Moment2];
        let made = self.device.allocate(&kinds.map(|kind| arena(kind, bytes))).await?;
        self.buffers.extend(kinds.into_iter().zip(made));
        Ok(())
    }

    /// Makes the states of a plan, unless they are there.
    pub(super) async fn ensure_states(&mut self, states: &[State]) -> Result<(), GpuError> {
        self.states.ensure(&self.device, states).await
    }

    pub(super) fn state(&self, name: &str) -> Option<&Arc<Allocation>> {
        self.states.buffer(name)
    }

    /// Makes every state zero again. Steps submitted before still see what was.
    ///
    /// # Errors
    /// A lost device.
    pub fn reset_states(&self) -> Result<(), GpuError> {
        self.states.reset(&self.device)
    }

    /// Row i of every state, along its outermost axis, becomes what row `parents[i]` was: the survivors of a step of beam
    /// search. Steps submitted before still see the old order.
    ///
    /// # Errors
    /// [`GpuError::Mismatch`] for a state with another number of rows, or a parent that is none of them (nothing has changed
    /// then); what the device objects to.
    pub async fn reorder_states(&mut self, parents: &[u32]) -> Result<(), GpuError> {
        self.states.reorder(&self.device, parents).await
    }

    /// Bytes of the states on the device.
    #[must_use]
    pub fn state_bytes(&self) -> u64 {
        self.states.allocated_bytes()
    }

    /// Which device it lives on.
    #[must_use]
    pub fn generation(&self) -> u32 {
        self.device.generation()
    }

    /// Where each parameter stands.
    #[must_use]
    pub fn arenas(&self) -> &Arenas {
        &self.arenas
    }

    /// Bytes on the device.
    #[must_use]
    pub fn allocated_bytes(&self) -> u64 {
        self.buffers.values().chain(&self.staging).map(|b| b.bytes).sum::<u64>() + self.states.allocated_bytes()
    }

    pub(super) fn buffer(&self, which: Buffer) -> Option<&Arc<Allocation>> {
        self.buffers.get(&which)
    }

    fn existing(&self, which: Buffer) -> Result<&Arc<Allocation>, GpuError> {
        self.buffers
            .get(&which)
            .ok_or_else(|| GpuError::Mismatch { what: format!("the parameter store has no {which:?}") })
    }

    /// Replaces the parameters by a flat arena, gaps included.
    ///
    /// # Errors
    /// As [`ParamStore::upload`].
    pub fn upload_params(&self, flat: &[f32]) -> Result<(), GpuError> {
        self.upload(Buffer::Params, flat)
    }

    /// Replaces an arena: the parameters, or the moments of an interrupted run.
    ///
    /// # Errors
    /// [`GpuError::Mismatch`] when the arena does not exist or has another length; a lost device.
    pub fn upload(&self, which: Buffer, flat: &[f32]) -> Result<(), GpuError> {
        self.device.check()?;
        if flat.len() != self.arenas.elements {
            let what = format!("{} values for {which:?}, which has {}", flat.len(), self.arenas.elements);
            return Err(GpuError::Mismatch { what });
        }
        if flat.is_empty() {
            return Ok(());
        }
        let buffer = self.existing(which)?;
        for (i, piece) in flat.chunks(WRITE_ELEMENTS).enumerate() {
            let offset = (i * WRITE_ELEMENTS) as u64 * 4;
            self.device.shared.queue.write_buffer(&buffer.raw, offset, bytemuck::cast_slice(piece));
        }
        self.device.check()
    }

    /// Replaces some parameters, from element `first` of their arena on.
    ///
    /// # Errors
    /// [`GpuError::Mismatch`] when they reach past its end; a lost device.
    pub fn upload_params_at(&self, first: usize, values: &[f32]) -> Result<(), GpuError> {
        self.device.check()?;
        if first.checked_add(values.len()).is_none_or(|end| end > self.arenas.elements) {
            let what = format!("{} values from {first} on for {} parameters", values.len(), self.arenas.elements);
            return Err(GpuError::Mismatch { what });
        }
        let buffer = self.existing(Buffer::Params)?;
        for (i, piece) in values.chunks(WRITE_ELEMENTS).enumerate() {
            let offset = (first + i * WRITE_ELEMENTS) as u64 * 4;
            self.device.shared.queue.write_buffer(&buffer.raw, offset, bytemuck::cast_slice(piece));
        }
        self.device.check()
    }

    /// Reads an arena.
    ///
    /// # Errors
    /// [`GpuError::Mismatch`] when the arena does not exist; a lost device; [`GpuError::Map`].
    pub async fn download(&mut self, which: Buffer) -> Result<Vec<f32>, GpuError> {
        match &self.staging {
            None => Ok(Vec::new()),
            Some(staging) => {
                let label = format!("trainyard.store.{which:?}");
                let source = (self.existing(which)?.as_ref(), self.arenas.elements);
                Ok(readback::read(&self.device, &[source], staging, &label).await?.pop().unwrap_or_default())
            }
        }
    }
}

fn arena(which: Buffer, bytes: u64) -> Wanted {
    let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST;
    Wanted { label: format!("trainyard.arena.{which:?}"), bytes, usage }
}
