//! What a plan needs, checked against what a device allows, before anything is allocated.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::kernels::{Access, Const, Launch, STEP_STRIDE, source};
use crate::plan::{Arenas, Buffer, Plan, PlanLaunch};

use super::{GpuError, Limits, Unit};

/// Staging buffers for records: so many submits can be in flight.
pub const STAGING: usize = 4;

/// The largest staging buffer: whatever is longer is read in pieces.
const READ_BYTES: u64 = 16 << 20;

/// Bytes that a prepared plan takes beside [`Plan::own_bytes`]: the ring of step uniforms, the staging buffers of the
/// records, and one for the outputs.
#[must_use]
pub fn overhead_bytes(plan: &Plan) -> u64 {
    step_bytes(plan) + STAGING as u64 * plan.record_bytes() + output_staging_bytes(plan)
}

/// Bytes that a run's parameter store takes: the arenas and a staging buffer to read them.
#[must_use]
pub fn store_bytes(arenas: &Arenas, trains: bool) -> u64 {
    arena_bytes(arenas) * if trains { 4 } else { 1 } + store_staging_bytes(arenas)
}

/// Bytes of everything that a run of these plans over one store takes on the device; reordering states takes as much as the
/// largest of them more.
#[must_use]
pub fn run_bytes(plans: &[&Plan]) -> u64 {
    let states: BTreeMap<&str, u64> =
        plans.iter().flat_map(|p| &p.states).map(|state| (state.name.as_str(), state.ty.bytes())).collect();
    let store = plans.first().map_or(0, |first| store_bytes(&first.arenas, plans.iter().any(|p| p.trains)));
    store + states.values().sum::<u64>() + plans.iter().map(|p| p.own_bytes() + overhead_bytes(p)).sum::<u64>()
}

/// One uniform for each step of a submit and each dropout site of the plan.
pub(super) fn step_bytes(plan: &Plan) -> u64 {
    u64::from(plan.ring) * plan.sites() as u64 * STEP_STRIDE
}

pub(super) fn output_staging_bytes(plan: &Plan) -> u64 {
    plan.outputs.iter().map(|o| o.elements as u64 * 4).sum::<u64>().min(READ_BYTES)
}

pub(super) fn store_staging_bytes(arenas: &Arenas) -> u64 {
    arena_bytes(arenas).min(READ_BYTES)
}

pub(super) fn arena_bytes(arenas: &Arenas) -> u64 {
    arenas.elements as u64 * 4
}

/// Bytes of a buffer of the plan; `None` for a slot or a state that it lacks.
pub(super) fn buffer_bytes(plan: &Plan, buffer: Buffer) -> Option<u64> {
    match buffer {
        Buffer::Params | Buffer::Grads | Buffer::Moment1 | Buffer::Moment2 => Some(arena_bytes(&plan.arenas)),
        Buffer::InputRing => Some(plan.input_bytes * u64::from(plan.ring)),
        Buffer::Inputs => Some(plan.input_bytes),
        Buffer::Records => Some(plan.record_bytes()),
        Buffer::Slot(slot) => plan.slots.get(slot as usize).copied(),
        Buffer::State(state) => plan.states.get(state as usize).map(|s| s.ty.bytes()),
    }
}

/// Refuses a plan that these limits do not allow, or that contradicts itself.
///
/// # Errors
/// [`GpuError::Limit`] with both numbers, [`GpuError::Mismatch`], [`GpuError::Kernel`].
pub fn check_limits(plan: &Plan, limits: &Limits) -> Result<(), GpuError> {
    check_buffers(plan, limits)?;
    let mut sizes = WorkgroupSizes::default();
    for launch in &plan.launches {
        check_launch(plan, launch, limits)?;
        sizes.check(launch, limits)?;
    }
    Ok(())
}

fn check_buffers(plan: &Plan, limits: &Limits) -> Result<(), GpuError> {
    if plan.ring == 0 {
        return Err(GpuError::Mismatch { what: "the plan's rings have no room for a step".to_owned() });
    }
    let arenas: &[Buffer] = if plan.trains {
        &[Buffer::Params, Buffer::Grads, Buffer::Moment1, Buffer::Moment2]
    } else {
        &[Buffer::Params]
    };
    let shared = [Buffer::InputRing, Buffer::Inputs, Buffer::Records];
    let slots = (0..plan.slots.len() as u32).map(Buffer::Slot);
    let states = (0..plan.states.len() as u32).map(Buffer::State);
    for buffer in arenas.iter().copied().chain(shared).chain(slots).chain(states) {
        let bytes = buffer_bytes(plan, buffer).unwrap_or(0);
        at_most(|| format!("{buffer} as one buffer"), bytes, limits.buffer_bytes, Unit::Bytes)?;
    }
    for output in &plan.outputs {
        let bytes = buffer_bytes(plan, output.buffer).unwrap_or(0);
        if bytes < output.elements as u64 * 4 {
            return Err(GpuError::Mismatch {
                what: format!(
                    "output {:?} has {} elements, its buffer {:?} {bytes} bytes",
                    output.name, output.elements, output.buffer
                ),
            });
        }
    }
    for input in &plan.inputs {
        let end = input.offset + input.words as u64 * 4;
        if input.offset % 4 != 0 || end > plan.input_bytes {
            return Err(GpuError::Mismatch {
                what: format!("input {:?} ends at byte {end} of {}", input.name, plan.input_bytes),
            });
        }
    }
    Ok(())
}

/// How a launch is named in messages.
fn place(launch: &PlanLaunch) -> String {
    format!("{}.{} in {:?}", launch.launch.kernel.stem, launch.launch.entry.name, launch.scope)
}

fn check_launch(plan: &Plan, launch: &PlanLaunch, limits: &Limits) -> Result<(), GpuError> {
    let declared = launch.launch.entry.bindings;
    let bound = &launch.bindings;
    if bound.len() != declared.len() {
        return Err(GpuError::Mismatch {
            what: format!("{} has {} bindings, {} are bound", place(launch), declared.len(), bound.len()),
        });
    }
    at_most(
        || format!("storage buffers of {}", place(launch)),
        bound.len() as u64,
        u64::from(limits.storage_buffers),
        Unit::Count,
    )?;
    for (axis, groups) in launch.launch.grid.into_iter().enumerate() {
        at_most(
            || format!("workgroups of {} along axis {axis}", place(launch)),
            u64::from(groups),
            u64::from(limits.workgroups),
            Unit::Count,
        )?;
    }
    for (binding, &(number, _)) in bound.iter().zip(declared) {
        at_most(
            || format!("{} read at once by {}", binding.buffer, place(launch)),
            binding.size,
            limits.binding_bytes,
            Unit::Bytes,
        )?;
        let unused = !plan.trains && matches!(binding.buffer, Buffer::Grads | Buffer::Moment1 | Buffer::Moment2);
        let held = if unused { 0 } else { buffer_bytes(plan, binding.buffer).unwrap_or(0) };
        let fits = binding.offset.checked_add(binding.size).is_some_and(|end| end <= held);
        if !fits || binding.size == 0 || binding.size % 4 != 0 || binding.offset % 256 != 0 {
            return Err(GpuError::Mismatch {
                what: format!(
                    "binding {number} of {}: {} bytes from byte {} of {:?}, which has {held}",
                    place(launch),
                    binding.size,
                    binding.offset,
                    binding.buffer
                ),
            });
        }
    }
    check_aliasing(launch)
}

/// WebGPU tracks use by whole buffer, but lets disjoint parts of one be written.
fn check_aliasing(launch: &PlanLaunch) -> Result<(), GpuError> {
    for (i, a) in launch.bindings.iter().enumerate() {
        for b in launch.bindings[..i].iter().filter(|b| b.buffer == a.buffer) {
            let what = match (a.access, b.access) {
                (Access::Read, Access::Read) => continue,
                (Access::Read, _) | (_, Access::Read) => "both reads and writes",
                (Access::Write | Access::ReadWrite, Access::Write | Access::ReadWrite) => {
                    if a.offset >= b.offset + b.size || b.offset >= a.offset + a.size {
                        continue;
                    }
                    "binds the same bytes twice to write"
                }
            };
            return Err(GpuError::Mismatch {
                what: format!("{} {what} in {:?}, which WebGPU forbids", place(launch), a.buffer),
            });
        }
    }
    Ok(())
}

/// Checks a number; the name is made only for a message.
fn at_most(what: impl Fn() -> String, needed: u64, limit: u64, unit: Unit) -> Result<(), GpuError> {
    if needed <= limit { Ok(()) } else { Err(GpuError::Limit { what: what(), needed, limit, unit }) }
}

/// Texts whose workgroup size has been looked at.
#[derive(Default)]
struct WorkgroupSizes {
    seen: std::collections::BTreeSet<(Arc<str>, &'static str)>,
}

impl WorkgroupSizes {
    fn check(&mut self, launch: &PlanLaunch, limits: &Limits) -> Result<(), GpuError> {
        let text: Arc<str> = source(&launch.launch)?.into();
        if !self.seen.insert((Arc::clone(&text), launch.launch.entry.name)) {
            return Ok(());
        }
        // Sizes written as anything but numbers, constants and products are left to the compiler.
        let Some(size) = workgroup_size(&text, &launch.launch) else { return Ok(()) };
        for (axis, (&threads, limit)) in size.iter().zip(limits.workgroup_size).enumerate() {
            at_most(
                || format!("threads of {} along axis {axis}", place(launch)),
                u64::from(threads),
                u64::from(limit),
                Unit::Count,
            )?;
        }
        at_most(
            || format!("threads of a workgroup of {}", place(launch)),
            size.iter().map(|&t| u64::from(t)).product(),
            u64::from(limits.invocations),
            Unit::Count,
        )
    }
}

/// The workgroup size of a launch, read from its specialized text; `None` where it is written in another way than as
/// numbers, head constants and their products.
#[must_use]
pub fn workgroup_size(text: &str, launch: &Launch) -> Option<[u32; 3]> {
    let function = text.find(&format!("fn {}(", launch.entry.name))?;
    let start = text[..function].rfind("@workgroup_size(")? + "@workgroup_size(".len();
    let arguments = &text[start..start + text[start..].find(')')?];
    let mut size = [1; 3];
    for (axis, argument) in arguments.split(',').map(str::trim).filter(|a| !a.is_empty()).enumerate() {
        *size.get_mut(axis)? =
            argument.split('*').try_fold(1u32, |n, f| n.checked_mul(factor(f.trim(), text, launch)?))?;
    }
    Some(size)
}

/// The value of a number or head constant.
fn factor(word: &str, text: &str, launch: &Launch) -> Option<u32> {
    if let Ok(number) = word.trim_end_matches(['u', 'i']).parse() {
        return Some(number);
    }
    if let Some((_, value)) = launch.constants.iter().find(|(name, _)| *name == word) {
        return match value {
            Const::U32(v) => Some(*v),
            Const::F32(_) | Const::Bool(_) => None,
        };
    }
    let head = text.find(&format!("const {word}:")).or_else(|| text.find(&format!("const {word} ")))?;
    let value = &text[head + text[head..].find('=')? + 1..];
    value[..value.find(';')?].trim().trim_end_matches(['u', 'i']).parse().ok()
}
