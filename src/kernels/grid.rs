//! From extents to workgroups, within the limits of WebGPU.

use super::{KernelError, Target};

/// Workgroups along one axis of a dispatch.
const GROUPS: u64 = 65_535;

/// Elements of a tensor: their byte offsets stay below 2³².
const ELEMENTS: u64 = 1 << 30;

/// The number of elements of a tensor with these extents.
///
/// # Errors
/// [`KernelError::Size`] when there are none or too many.
pub(super) fn elements(stem: &'static str, what: &'static str, extents: &[usize]) -> Result<u32, KernelError> {
    let elements = extents.iter().fold(1_u128, |product, &extent| product.saturating_mul(extent as u128));
    match u32::try_from(elements) {
        Ok(n) if n > 0 && u64::from(n) <= ELEMENTS => Ok(n),
        Ok(_) | Err(_) => Err(KernelError::Size { stem, what, elements, limit: ELEMENTS }),
    }
}

/// A grid with this many workgroups along each axis.
///
/// # Errors
/// [`KernelError::Grid`] when an axis has too many.
pub(super) fn axes(stem: &'static str, groups: [u64; 3]) -> Result<[u32; 3], KernelError> {
    let mut grid = [0; 3];
    for (axis, (slot, groups)) in grid.iter_mut().zip(groups).enumerate() {
        *slot = match u32::try_from(groups) {
            Ok(n) if groups <= GROUPS => n,
            Ok(_) | Err(_) => return Err(KernelError::Grid { stem, axis, groups, limit: GROUPS }),
        };
    }
    Ok(grid)
}

/// A grid with at least `groups` workgroups in all; what does not fit along x goes on along y. The kernel counts
/// `group.y * GRID_X + group.x`.
///
/// # Errors
/// [`KernelError::Grid`] when two axes are not enough.
pub(super) fn folded(stem: &'static str, groups: u64) -> Result<[u32; 3], KernelError> {
    let y = groups.div_ceil(GROUPS).max(1);
    axes(stem, [groups.div_ceil(y), y, 1])
}

/// Threads of a one-dimensional workgroup: one vector of lanes in software, one or two waves on a GPU.
pub(super) const fn width(target: Target) -> u32 {
    match target {
        Target::Gpu => 64,
        Target::Software => 8,
    }
}

/// Results at a time of a workgroup that splits sums among its threads: a vector of lanes, and a sector of memory.
pub(super) const LANES: u32 = 8;

/// Threads that share a sum: enough in all to keep a GPU busy with the few columns of a small model.
pub(super) const fn slices(target: Target) -> u32 {
    match target {
        Target::Gpu => 32,
        Target::Software => 8,
    }
}
