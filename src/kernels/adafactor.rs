//! Adafactor, a tensor at a time: `shaders/adafactor.wgsl`.

use super::{
    Access::{Read, ReadWrite, Write},
    Const, Entry, Kernel, KernelError, Launch, Target,
    grid::{LANES, axes, elements, folded, slices, width},
    optimizer::per_thread,
};

/// The shader.
pub static KERNEL: Kernel = Kernel {
    stem: "adafactor",
    text: include_str!("../../shaders/adafactor.wgsl"),
    lib: &["reduce", "step"],
    entries: &[
        Entry { name: "rows", bindings: &[(0, Read), (1, Read), (6, ReadWrite), (8, Write)] },
        Entry { name: "columns", bindings: &[(0, Read), (1, Read), (2, Read), (7, ReadWrite), (9, Write)] },
        Entry { name: "norm", bindings: &[(0, Read), (1, Read), (2, Read), (3, Read), (10, Write)] },
        Entry { name: "apply", bindings: &[(0, Read), (1, Read), (2, Read), (3, Read), (4, Read), (5, ReadWrite)] },
        Entry { name: "vector", bindings: &[(0, Read), (1, Read), (5, ReadWrite), (7, ReadWrite)] },
    ],
};

/// A tensor in the arenas and the constants of the rule. Learning rate, weight decay and the rate of the second moment come
/// with the step.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Adafactor {
    /// Elements of the arenas that are bound before the tensor.
    pub skip: usize,
    /// Rows of a matrix; 1 for a vector.
    pub rows: usize,
    /// Columns of a matrix; elements of a vector.
    pub columns: usize,
    /// Whether weight decay applies.
    pub decay: bool,
    /// ε, added to the squared gradient.
    pub eps: f64,
    /// Largest root mean square of an update.
    pub clip_threshold: f64,
}

/// Sums of squares that [`norm`] leaves for [`apply`], each thread of which adds them up.
#[must_use]
pub fn partials(spec: &Adafactor) -> usize {
    (spec.rows * spec.columns).div_ceil(1024).clamp(1, 64)
}

/// Means over rows. (grads, scalars; first moments in place) → row means.
///
/// # Errors
/// When the matrix is empty or too large.
pub fn rows(spec: &Adafactor, target: Target) -> Result<Launch, KernelError> {
    let grid = folded(KERNEL.stem, spec.rows as u64)?;
    launch("rows", spec, &[("GRID_X", grid[0].into()), ("SLICES", threads(target))], grid, 3)
}

/// Means over columns. (grads, scalars, row means; second moments in place) → column scales.
///
/// # Errors
/// When the matrix is empty or too large.
pub fn columns(spec: &Adafactor, target: Target) -> Result<Launch, KernelError> {
    let grid = axes(KERNEL.stem, [(spec.columns as u64).div_ceil(LANES.into()), 1, 1])?;
    launch("columns", spec, &[("LANES", LANES.into()), ("SLICES", slices(target).into())], grid, 4)
}

/// The size of the update. (grads, scalars, row means, column scales) → partial sums of squares, [`partials`] of them.
///
/// # Errors
/// When the matrix is empty or too large.
pub fn norm(spec: &Adafactor, target: Target) -> Result<Launch, KernelError> {
    let grid = axes(KERNEL.stem, [partials(spec) as u64, 1, 1])?;
    launch("norm", spec, &[("PARTIALS", (partials(spec) as u32).into()), ("SLICES", threads(target))], grid, 6)
}

/// The update. (grads, scalars, row means, column scales, partial sums; params in place).
///
/// # Errors
/// When the matrix is empty or too large.
pub fn apply(spec: &Adafactor, target: Target) -> Result<Launch, KernelError> {
    let each = u64::from(per_thread(target) * width(target));
    let grid = folded(KERNEL.stem, (spec.rows as u64 * spec.columns as u64).div_ceil(each))?;
    let constants = [
        ("PARTIALS", (partials(spec) as u32).into()),
        ("PER_THREAD", per_thread(target).into()),
        ("GRID_X", grid[0].into()),
        ("WX", width(target).into()),
    ];
    launch("apply", spec, &constants, grid, 8)
}

/// All of it for a vector. (grads, scalars; params, second moments in place).
///
/// # Errors
/// When the vector is empty or too large.
pub fn vector(spec: &Adafactor, target: Target) -> Result<Launch, KernelError> {
    launch("vector", spec, &[("SLICES", threads(target))], [1, 1, 1], 12)
}

/// Threads along a row.
fn threads(target: Target) -> Const {
    width(target).into()
}

/// `cost` is the number of operations that an element takes, roughly.
fn launch(
    entry: &'static str,
    spec: &Adafactor,
    constants: &[(&'static str, Const)],
    grid: [u32; 3],
    cost: u64,
) -> Result<Launch, KernelError> {
    let length = elements(KERNEL.stem, "parameter", &[spec.rows, spec.columns])?;
    elements(KERNEL.stem, "arena", &[spec.skip + length as usize])?;
    let mut all: Vec<(&'static str, Const)> = vec![
        ("SKIP", (spec.skip as u32).into()),
        ("ROWS", (spec.rows as u32).into()),
        ("COLUMNS", (spec.columns as u32).into()),
        ("EPS", (spec.eps as f32).into()),
        ("CLIP", (spec.clip_threshold as f32).into()),
        ("DECAY", spec.decay.into()),
    ];
    all.extend_from_slice(constants);
    Launch::new(&KERNEL, entry, all, grid, cost * u64::from(length))
}
