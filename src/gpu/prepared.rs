//! A plan made ready: every buffer allocated, every pipeline compiled, every bind group made, once.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::kernels::{STEP_STRIDE, Step};
use crate::plan::{Binding, Buffer, InputSlot, OutputSlot, Plan};

use super::compile::compile_all;
use super::device::{Allocation, Device, Wanted, count};
use super::executor::InFlight;
use super::limits::{STAGING, buffer_bytes, check_limits, output_staging_bytes, step_bytes};
use super::pipelines::{Compiled, label};
use super::{GpuError, ParamStore, inputs};

/// A dispatch, ready to be encoded.
pub(super) struct Command {
    pub(super) pipeline: wgpu::ComputePipeline,
    pub(super) bind_group: wgpu::BindGroup,
    pub(super) grid: [u32; 3],
    /// Whether the command before, in the same step, set the same pipeline.
    pub(super) same_pipeline: bool,
    /// Its dropout site.
    pub(super) site: usize,
}

/// How a launch is named in a profile.
pub(super) struct Name {
    pub(super) kernel: &'static str,
    pub(super) entry: &'static str,
    pub(super) scope: String,
    pub(super) flops: u64,
    /// Operations and words bound: what cutting a step weighs by.
    pub(super) work: u64,
}

/// A plan on a device, over a parameter store. Nothing is made any more once it is built.
pub struct Prepared {
    pub(super) device: Device,
    pub(super) commands: Vec<Command>,
    /// Commands from this one on run only with the last part of a batch.
    pub(super) tail: usize,
    /// Where a step is cut into submits: the end of each piece. One piece unless [`Prepared::split`] was called.
    pub(super) pieces: Vec<usize>,
    pub(super) names: Vec<Name>,
    pub(super) buffers: BTreeMap<Buffer, Arc<Allocation>>,
    pub(super) own: Vec<Arc<Allocation>>,
    pub(super) step_ring: Arc<Allocation>,
    pub(super) step_group: wgpu::BindGroup,
    pub(super) staging: Vec<Arc<Allocation>>,
    pub(super) output_staging: Option<Arc<Allocation>>,
    pub(super) in_flight: VecDeque<InFlight>,
    pub(super) inputs: Vec<InputSlot>,
    pub(super) input_words: usize,
    pub(super) outputs: Vec<OutputSlot>,
    pub(super) ring: usize,
    /// Whether the plan leaves records.
    pub(super) records: bool,
    /// Dropout sites, 0 included: so many uniforms a step.
    pub(super) sites: usize,
    pub(super) constants: Vec<u32>,
    /// Host copies of the rings, reused.
    pub(super) input_scratch: Vec<u32>,
    pub(super) step_scratch: Vec<u8>,
}

impl Prepared {
    /// Checks, allocates and compiles. States are the store's: a plan finds those that plans built before over the same store
    /// have made under the same names, so that what one stores the other reads; new ones are zero. `progress` is called with the pipelines done, how many there are, and the name
    /// of the last.
    ///
    /// # Errors
    /// Before anything is allocated [`GpuError::Limit`] and [`GpuError::Mismatch`]; then what the device objects to,
    /// by the name of the buffer or shader. After an error nothing of the plan remains on the device.
    pub async fn build(
        device: &Device,
        plan: &Plan,
        store: &mut ParamStore,
        progress: impl FnMut(usize, usize, &str),
    ) -> Result<Self, GpuError> {
        device.check()?;
        check_limits(plan, &device.adapter().limits)?;
        if store.generation() != device.generation() || *store.arenas() != plan.arenas {
            return Err(GpuError::Mismatch {
                what: "the parameter store belongs to another device or graph than the plan".to_owned(),
            });
        }
        let pipelines = compile_all(device, plan, progress).await?;
        if plan.trains {
            store.ensure_training().await?;
        }
        store.ensure_states(&plan.states).await?;
        let memory = Memory::allocate(device, plan, store).await?;
        let (step_group, commands) = device.scoped("trainyard.bind", || memory.bind(device, plan, &pipelines)).await?;
        for (slot, words) in &plan.constants {
            let buffer = memory.get(Buffer::Slot(*slot))?;
            device.shared.queue.write_buffer(&buffer.raw, 0, bytemuck::cast_slice(words));
        }
        device.check()?;
        let ring = plan.ring as usize;
        let input_words = usize::try_from(plan.input_bytes / 4).unwrap_or(usize::MAX);
        Ok(Self {
            device: device.clone(),
            pieces: vec![commands.len()],
            tail: plan.tail,
            commands,
            names: plan.launches.iter().map(Name::of).collect(),
            buffers: memory.buffers,
            own: memory.own,
            step_ring: memory.step_ring,
            step_group,
            staging: memory.staging,
            output_staging: memory.output_staging,
            in_flight: VecDeque::with_capacity(STAGING),
            inputs: plan.inputs.clone(),
            input_words,
            outputs: plan.outputs.clone(),
            ring,
            records: plan.launches.iter().flat_map(|l| &l.bindings).any(|b| b.buffer == Buffer::Records),
            constants: plan.constants.iter().map(|(slot, _)| *slot).collect(),
            input_scratch: vec![0; input_words * ring],
            sites: plan.sites(),
            step_scratch: vec![0; STEP_STRIDE as usize * ring * plan.sites()],
        })
    }

    /// Bytes on the device, the store's excluded: exactly [`Plan::own_bytes`] and [`super::overhead_bytes`].
    #[must_use]
    pub fn allocated_bytes(&self) -> u64 {
        self.own.iter().map(|b| b.bytes).sum()
    }

    /// The names of the inputs with the number of words that the host hands over for each.
    ///
    /// # Errors
    /// [`GpuError::Mismatch`] when a slot has no room for its derived list.
    pub fn inputs(&self) -> Result<Vec<(&str, usize)>, GpuError> {
        let mut names: Vec<(&str, usize)> = Vec::new();
        for slot in &self.inputs {
            if !names.iter().any(|(name, _)| *name == slot.name) {
                names.push((&slot.name, inputs::host_words(slot)?));
            }
        }
        Ok(names)
    }

    /// The results that can be read.
    #[must_use]
    pub fn outputs(&self) -> &[OutputSlot] {
        &self.outputs
    }

    /// Steps that one submit may hold.
    #[must_use]
    pub fn ring(&self) -> usize {
        self.ring
    }

    /// The device it lives on.
    #[must_use]
    pub fn device(&self) -> &Device {
        &self.device
    }
}

impl Name {
    fn of(launch: &crate::plan::PlanLaunch) -> Self {
        Self {
            kernel: launch.launch.kernel.stem,
            entry: launch.launch.entry.name,
            scope: launch.scope.clone(),
            flops: launch.launch.flops,
            work: launch.launch.flops + launch.bindings.iter().map(|b| b.size / 4).sum::<u64>(),
        }
    }
}

/// The buffers of a plan.
struct Memory {
    /// By their name in the plan, the store's included.
    buffers: BTreeMap<Buffer, Arc<Allocation>>,
    own: Vec<Arc<Allocation>>,
    step_ring: Arc<Allocation>,
    staging: Vec<Arc<Allocation>>,
    output_staging: Option<Arc<Allocation>>,
}

impl Memory {
    async fn allocate(device: &Device, plan: &Plan, store: &ParamStore) -> Result<Self, GpuError> {
        let storage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST;
        let read = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
        let uniform = wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST;
        let wanted = |label: String, bytes, usage| Wanted { label, bytes, usage };

        let mut all = vec![wanted("trainyard.steps".to_owned(), step_bytes(plan), uniform)];
        for i in 0..STAGING {
            all.push(wanted(format!("trainyard.staging.{i}"), plan.record_bytes(), read));
        }
        let mut names = Vec::new();
        let shared = [Buffer::InputRing, Buffer::Inputs, Buffer::Records];
        for buffer in shared.into_iter().chain((0..plan.slots.len() as u32).map(Buffer::Slot)) {
            // A plan without inputs, or a slot without elements, has no buffer.
            if let Some(bytes) = buffer_bytes(plan, buffer).filter(|&bytes| bytes > 0) {
                names.push(buffer);
                all.push(wanted(format!("trainyard.{buffer:?}"), bytes, storage));
            }
        }
        let outputs = output_staging_bytes(plan);
        if outputs > 0 {
            all.push(wanted("trainyard.outputs".to_owned(), outputs, read));
        }

        let own = device.allocate(&all).await?;
        let mut made = own.iter().cloned();
        let step_ring = made.next().ok_or_else(|| missing("the step ring"))?;
        let staging = made.by_ref().take(STAGING).collect();
        let mut buffers: BTreeMap<_, _> = names.into_iter().zip(made.by_ref()).collect();
        let output_staging = made.next();
        for arena in [Buffer::Params, Buffer::Grads, Buffer::Moment1, Buffer::Moment2] {
            buffers.extend(store.buffer(arena).map(|b| (arena, Arc::clone(b))));
        }
        for (i, state) in plan.states.iter().enumerate() {
            buffers.extend(store.state(&state.name).map(|b| (Buffer::State(i as u32), Arc::clone(b))));
        }
        Ok(Self { buffers, own, step_ring, staging, output_staging })
    }

    fn get(&self, buffer: Buffer) -> Result<&Arc<Allocation>, GpuError> {
        self.buffers.get(&buffer).ok_or_else(|| missing(&format!("{buffer:?}")))
    }

    /// The bind groups. A binding whose buffer is missing is left out, which the device then reports.
    fn bind(&self, device: &Device, plan: &Plan, pipelines: &[Arc<Compiled>]) -> (wgpu::BindGroup, Vec<Command>) {
        let raw = &device.shared.raw;
        let step = wgpu::BindGroupEntry {
            binding: 0,
            resource: wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                buffer: &self.step_ring.raw,
                offset: 0,
                size: wgpu::BufferSize::new(size_of::<Step>() as u64),
            }),
        };
        let step_group = raw.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("trainyard.step"),
            layout: &device.shared.step_layout,
            entries: &[step],
        });
        let mut commands: Vec<Command> = Vec::with_capacity(plan.launches.len());
        for (i, (launch, compiled)) in plan.launches.iter().zip(pipelines).enumerate() {
            let declared = launch.launch.entry.bindings;
            let entries: Vec<_> =
                declared.iter().zip(&launch.bindings).filter_map(|(&(n, _), b)| self.entry(n, b)).collect();
            let bind_group = raw.create_bind_group(&wgpu::BindGroupDescriptor {
                label: Some(&label(&launch.launch)),
                layout: &compiled.layout,
                entries: &entries,
            });
            commands.push(Command {
                bind_group,
                grid: launch.launch.grid,
                same_pipeline: i > 0 && Arc::ptr_eq(&pipelines[i - 1], compiled),
                pipeline: compiled.pipeline.clone(),
                site: launch.launch.site as usize,
            });
        }
        count(&device.shared.counts.bind_groups, 1 + commands.len() as u64);
        (step_group, commands)
    }

    fn entry(&self, number: u32, binding: &Binding) -> Option<wgpu::BindGroupEntry<'_>> {
        let buffer = self.buffers.get(&binding.buffer)?;
        Some(wgpu::BindGroupEntry {
            binding: number,
            resource: wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                buffer: &buffer.raw,
                offset: binding.offset,
                size: wgpu::BufferSize::new(binding.size),
            }),
        })
    }
}

fn missing(what: &str) -> GpuError {
    GpuError::Mismatch { what: format!("the plan uses {what}, which it does not have") }
}
