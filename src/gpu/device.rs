//! An open device, and the only ways to make objects on it: every creation is counted and checked.

use core::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use crate::kernels::{Step, Target};

use super::error::Mib;
use super::health::{Health, lock};
use super::pipelines::Pipelines;
use super::{AdapterInfo, GpuError, Limits, platform};

/// Objects made and work sent since the device was opened. A steady state makes none and only sends.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counters {
    /// Buffers made.
    pub buffers: u64,
    /// Bind groups made.
    pub bind_groups: u64,
    /// Pipelines compiled.
    pub pipelines: u64,
    /// Submits.
    pub submits: u64,
    /// Dispatches.
    pub dispatches: u64,
    /// Buffers alive now.
    pub live_buffers: u64,
    /// Their bytes.
    pub live_bytes: u64,
}

#[derive(Default)]
pub(super) struct Counts {
    pub(super) buffers: AtomicU64,
    pub(super) bind_groups: AtomicU64,
    pub(super) pipelines: AtomicU64,
    pub(super) submits: AtomicU64,
    pub(super) dispatches: AtomicU64,
    live_buffers: AtomicU64,
    live_bytes: AtomicU64,
}

/// Adds to a counter that nothing is ordered by.
pub(super) fn count(counter: &AtomicU64, n: u64) {
    counter.fetch_add(n, Ordering::Relaxed);
}

/// What the handles of a device share.
pub(super) struct Shared {
    pub(super) raw: wgpu::Device,
    pub(super) queue: wgpu::Queue,
    pub(super) health: Arc<Health>,
    pub(super) counts: Counts,
    pub(super) pipelines: Mutex<Pipelines>,
    /// Group 0 of every pipeline: the step uniform, with a dynamic offset.
    pub(super) step_layout: wgpu::BindGroupLayout,
    adapter: AdapterInfo,
}

/// A device. Handles are cheap to copy and mean the same device.
#[derive(Clone)]
pub struct Device {
    pub(super) shared: Arc<Shared>,
}

/// Every adapter there is, best first; in a browser at most one.
pub async fn adapters() -> Vec<AdapterInfo> {
    platform::list().await
}

impl Device {
    /// Opens the best adapter, or the best of those with `choice` in their name, with all the limits it has.
    ///
    /// # Errors
    /// [`GpuError::NoAdapter`], [`GpuError::NoSuchAdapter`], [`GpuError::Device`].
    pub async fn open(choice: Option<&str>) -> Result<Self, GpuError> {
        let (info, adapter) = platform::find(choice).await?;
        let limits = adapter.limits();
        Self::request(info, &adapter, limits).await
    }

    /// Opens the best adapter with the limits that every WebGPU device has, as the tests do.
    ///
    /// # Errors
    /// As [`Device::open`].
    pub async fn open_default_limits() -> Result<Self, GpuError> {
        let (info, adapter) = platform::find(None).await?;
        Self::request(info, &adapter, wgpu::Limits::defaults()).await
    }

    async fn request(info: AdapterInfo, adapter: &wgpu::Adapter, limits: wgpu::Limits) -> Result<Self, GpuError> {
        let timestamps = if info.timestamps { wgpu::Features::TIMESTAMP_QUERY } else { wgpu::Features::empty() };
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("trainyard"),
            required_features: timestamps,
            required_limits: limits,
            ..wgpu::DeviceDescriptor::default()
        };
        let (raw, queue) = adapter
            .request_device(&descriptor)
            .await
            .map_err(|e| GpuError::Device { adapter: info.name.clone(), reason: e.to_string() })?;
        let health = Arc::new(Health::new());
        platform::watch(&raw, &health);
        let (step_layout, verdict) = platform::scoped(&raw, "trainyard.step", || {
            raw.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
                label: Some("trainyard.step"),
                entries: &[wgpu::BindGroupLayoutEntry {
                    binding: 0,
                    visibility: wgpu::ShaderStages::COMPUTE,
                    ty: wgpu::BindingType::Buffer {
                        ty: wgpu::BufferBindingType::Uniform,
                        has_dynamic_offset: true,
                        min_binding_size: wgpu::BufferSize::new(size_of::<Step>() as u64),
                    },
                    count: None,
                }],
            })
        });
        if let Some(error) = verdict.await {
            return Err(error);
        }
        health.check()?;
        let adapter = AdapterInfo { limits: Limits::of(&raw.limits()), ..info };
        let shared =
            Shared { raw, queue, health, counts: Counts::default(), pipelines: Mutex::default(), step_layout, adapter };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Which device of this process; results of an earlier one are never mixed in.
    #[must_use]
    pub fn generation(&self) -> u32 {
        self.shared.health.generation
    }

    /// The adapter, with the limits that this device was given.
    #[must_use]
    pub fn adapter(&self) -> &AdapterInfo {
        &self.shared.adapter
    }

    /// What kernels should be shaped for.
    #[must_use]
    pub fn target(&self) -> Target {
        self.shared.adapter.target()
    }

    /// Whether the device can still be used.
    ///
    /// # Errors
    /// [`GpuError::Lost`], or the first error that no call returned. Both stay: open a new device.
    pub fn check(&self) -> Result<(), GpuError> {
        self.shared.health.check()
    }

    /// Gives the device up: everything on it is lost. What a fault injector calls.
    pub fn destroy(&self) {
        self.shared.raw.destroy();
        platform::tick(&self.shared.raw, &self.shared.health);
    }

    /// What was made and sent so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        let counts = &self.shared.counts;
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counters {
            buffers: get(&counts.buffers),
            bind_groups: get(&counts.bind_groups),
            pipelines: get(&counts.pipelines),
            submits: get(&counts.submits),
            dispatches: get(&counts.dispatches),
            live_buffers: get(&counts.live_buffers),
            live_bytes: get(&counts.live_bytes),
        }
    }

    /// Runs `make` and returns what it made, unless the device objects.
    pub(super) async fn scoped<T>(&self, label: &str, make: impl FnOnce() -> T) -> Result<T, GpuError> {
        let (made, verdict) = platform::scoped(&self.shared.raw, label, make);
        match verdict.await {
            Some(error) => {
                // A device that is gone objects to everything; that is the cause to report.
                self.shared.health.check()?;
                Err(error)
            }
            None => self.check().map(|()| made),
        }
    }

    /// Makes several buffers: all of them or none.
    pub(super) async fn allocate(&self, wanted: &[Wanted]) -> Result<Vec<Arc<Allocation>>, GpuError> {
        self.check()?;
        let mut made = Vec::with_capacity(wanted.len());
        for w in wanted {
            let label = format!("{} ({})", w.label, Mib(w.bytes));
            made.push(platform::scoped(&self.shared.raw, &label, || Arc::new(Allocation::new(self, w))));
        }
        let mut buffers = Vec::with_capacity(made.len());
        let mut first = None;
        // Every scope is read to its end, also after an error, before anything is freed.
        for (buffer, verdict) in made {
            first = first.or(verdict.await);
            buffers.push(buffer);
        }
        self.check()?;
        first.map_or(Ok(buffers), Err)
    }

    /// Sends commands.
    pub(super) fn submit(&self, encoder: wgpu::CommandEncoder, dispatches: u64) -> wgpu::SubmissionIndex {
        count(&self.shared.counts.submits, 1);
        count(&self.shared.counts.dispatches, dispatches);
        let _turn = lock(&self.shared.health.turn);
        self.shared.queue.submit([encoder.finish()])
    }

    /// A fresh encoder.
    pub(super) fn encoder(&self, label: &str) -> wgpu::CommandEncoder {
        self.shared.raw.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some(label) })
    }

    /// The pipelines compiled so far.
    pub(super) fn with_pipelines<T>(&self, f: impl FnOnce(&mut Pipelines) -> T) -> T {
        f(&mut lock(&self.shared.pipelines))
    }
}

/// A buffer to be made.
pub(super) struct Wanted {
    pub(super) label: String,
    pub(super) bytes: u64,
    pub(super) usage: wgpu::BufferUsages,
}

/// A buffer, counted, and freed when dropped: browsers would keep it until a garbage collection.
pub(super) struct Allocation {
    pub(super) raw: wgpu::Buffer,
    pub(super) bytes: u64,
    shared: Arc<Shared>,
}

impl Allocation {
    fn new(device: &Device, wanted: &Wanted) -> Self {
        let shared = Arc::clone(&device.shared);
        // Never mapped at creation: that throws in a browser whose GPU process is gone.
        let raw = shared.raw.create_buffer(&wgpu::BufferDescriptor {
            label: Some(&wanted.label),
            size: wanted.bytes,
            usage: wanted.usage,
            mapped_at_creation: false,
        });
        count(&shared.counts.buffers, 1);
        count(&shared.counts.live_buffers, 1);
        count(&shared.counts.live_bytes, wanted.bytes);
        Self { raw, bytes: wanted.bytes, shared }
    }
}

impl Drop for Allocation {
    fn drop(&mut self) {
        self.raw.destroy();
        self.shared.counts.live_buffers.fetch_sub(1, Ordering::Relaxed);
        self.shared.counts.live_bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}
