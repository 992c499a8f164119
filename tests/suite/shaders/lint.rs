//! The rules for a shader, read off its naga module.

use naga::{AddressSpace, ArraySize, GlobalVariable, Module, StorageAccess, TypeInner, valid::GlobalUse};
use trainyard::kernels::{Access, Kernel, STEP_FIELDS};

/// What WebGPU grants every adapter.
const STORAGE_BUFFERS: usize = 8;
const THREADS: u32 = 256;
const WORKGROUP_BYTES: u32 = 16_384;

/// Every problem with `text` as the shader of `kernel`.
pub fn check(kernel: &Kernel, text: &str) -> Result<(), Vec<String>> {
    let module = naga::front::wgsl::parse_str(text).map_err(|e| vec![format!("does not parse: {e}")])?;
    let mut validator =
        naga::valid::Validator::new(naga::valid::ValidationFlags::all(), naga::valid::Capabilities::empty());
    let info = validator.validate(&module).map_err(|e| vec![format!("invalid: {}", e.emit_to_string(text))])?;
    let mut problems = Vec::new();
    globals(&module, &mut problems);
    let mut names: Vec<_> = module.entry_points.iter().map(|e| e.name.as_str()).collect();
    let mut listed: Vec<_> = kernel.entries.iter().map(|e| e.name).collect();
    names.sort_unstable();
    listed.sort_unstable();
    if names != listed {
        problems.push(format!("entry points are {names:?}, the wrapper lists {listed:?}"));
    }
    for (index, point) in module.entry_points.iter().enumerate() {
        let uses = info.get_entry_point(index);
        let used = |space: fn(&AddressSpace) -> bool| {
            module.global_variables.iter().filter(move |(handle, g)| space(&g.space) && !uses[*handle].is_empty())
        };
        let mut buffers: Vec<(u32, &GlobalVariable, GlobalUse)> = used(|s| matches!(s, AddressSpace::Storage { .. }))
            .map(|(handle, g)| (g.binding.map_or(u32::MAX, |b| b.binding), g, uses[handle]))
            .collect();
        buffers.sort_unstable_by_key(|(number, ..)| *number);
        if buffers.len() > STORAGE_BUFFERS {
            problems.push(format!("{}: {} storage buffers of {STORAGE_BUFFERS}", point.name, buffers.len()));
        }
        let threads: u32 = point.workgroup_size.iter().product();
        if threads > THREADS {
            problems.push(format!("{}: {threads} threads of {THREADS}", point.name));
        }
        let bytes: u32 = used(|s| matches!(s, AddressSpace::WorkGroup))
            .map(|(_, g)| module.types[g.ty].inner.size(module.to_ctx()))
            .sum();
        if bytes > WORKGROUP_BYTES {
            problems.push(format!("{}: {bytes} bytes of workgroup memory, {WORKGROUP_BYTES} possible", point.name));
        }
        if let Some(entry) = kernel.entries.iter().find(|e| e.name == point.name) {
            bindings(entry.name, entry.bindings, &buffers, &mut problems);
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// Groups, the step uniform, fixed sizes, and reads numbered before writes.
fn globals(module: &Module, problems: &mut Vec<String>) {
    let mut last_read = None;
    let mut first_write = None;
    for (_, global) in module.global_variables.iter() {
        let Some(binding) = global.binding else { continue };
        let name = global.name.as_deref().unwrap_or("?");
        match (binding.group, global.space) {
            (0, AddressSpace::Uniform) if binding.binding == 0 => step(module, global, problems),
            (1, AddressSpace::Storage { access }) => {
                if access.contains(StorageAccess::STORE) {
                    first_write = Some(first_write.map_or(binding.binding, |n: u32| n.min(binding.binding)));
                } else {
                    last_read = Some(last_read.map_or(binding.binding, |n: u32| n.max(binding.binding)));
                }
                if !matches!(module.types[global.ty].inner, TypeInner::Array { size: ArraySize::Constant(_), .. }) {
                    problems.push(format!("{name} is not an array of fixed size"));
                }
            }
            (group, space) => problems.push(format!("{name} is {space:?} in group {group}")),
        }
    }
    if let (Some(read), Some(write)) = (last_read, first_write)
        && read > write
    {
        problems.push(format!("order: a read has number {read}, a write {write}"));
    }
}

/// The uniform has the fields of the Rust struct at its offsets.
fn step(module: &Module, global: &GlobalVariable, problems: &mut Vec<String>) {
    let TypeInner::Struct { members, .. } = &module.types[global.ty].inner else {
        problems.push("Step is not a struct".to_owned());
        return;
    };
    let found: Vec<_> = members.iter().map(|m| (m.name.as_deref().unwrap_or("?"), m.offset as usize)).collect();
    if found != STEP_FIELDS {
        problems.push(format!("Step has {found:?}, the Rust struct {STEP_FIELDS:?}"));
    }
}

/// The buffers an entry point uses are those listed, in ascending order, reads first, and used as said.
fn bindings(
    entry: &str,
    listed: &[(u32, Access)],
    buffers: &[(u32, &GlobalVariable, GlobalUse)],
    problems: &mut Vec<String>,
) {
    let ascending = listed.windows(2).all(|pair| pair[0].0 < pair[1].0);
    let reads_first = listed.windows(2).all(|pair| pair[1].1 != Access::Read || pair[0].1 == Access::Read);
    if !ascending || !reads_first {
        problems.push(format!("{entry}: order of {listed:?}"));
    }
    let used: Vec<_> = buffers.iter().map(|(number, ..)| *number).collect();
    let mut wanted: Vec<_> = listed.iter().map(|(number, _)| *number).collect();
    wanted.sort_unstable();
    if used != wanted {
        problems.push(format!("{entry} uses bindings {used:?}, the wrapper lists {wanted:?}"));
    }
    for (number, access) in listed {
        let Some((_, global, uses)) = buffers.iter().find(|(n, ..)| n == number) else { continue };
        let writable = matches!(
            global.space,
            AddressSpace::Storage { access } if access.contains(StorageAccess::STORE)
        );
        let fits = match access {
            Access::Read => !writable && *uses == GlobalUse::READ,
            Access::Write => writable && *uses == GlobalUse::WRITE,
            Access::ReadWrite => writable && *uses == GlobalUse::READ | GlobalUse::WRITE,
        };
        if !fits {
            problems.push(format!(
                "{entry}: binding {number} is {access:?}, but the shader {uses:?}, writable: {writable}"
            ));
        }
    }
}
