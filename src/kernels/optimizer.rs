//! Gradient norm, clipping, and the rules that treat every element alike, over the flat arenas: `shaders/optimizer.wgsl`.

use super::{
    Access::{Read, ReadWrite, Write},
    Const, Entry, Kernel, KernelError, Launch, Target,
    grid::{elements, folded, width},
};

/// The shader.
pub static KERNEL: Kernel = Kernel {
    stem: "optimizer",
    text: include_str!("../../shaders/optimizer.wgsl"),
    lib: &["reduce", "step"],
    entries: &[
        Entry { name: "norm_partials", bindings: &[(0, Read), (4, Write)] },
        Entry { name: "finish", bindings: &[(1, Read), (2, Read), (5, Write), (6, Write)] },
        Entry { name: "accumulate", bindings: &[(0, Read), (2, Read), (10, ReadWrite), (11, ReadWrite)] },
        Entry { name: "adamw", bindings: &[(0, Read), (3, Read), (7, ReadWrite), (8, ReadWrite), (9, ReadWrite)] },
        Entry { name: "sgd", bindings: &[(0, Read), (3, Read), (7, ReadWrite), (8, ReadWrite)] },
        Entry { name: "lion", bindings: &[(0, Read), (3, Read), (7, ReadWrite), (8, ReadWrite)] },
    ],
};

/// Elements of the buffer that carries the clip factor and the norm from `finish` to the updates.
pub const SCALARS: usize = 2;

/// How many partial sums [`norm_partials`] writes for an arena of this many elements.
#[must_use]
pub fn partials(arena: usize, target: Target) -> usize {
    match target {
        // Sixteen elements a thread at least, as many workgroups as one more can add up.
        Target::Gpu => arena.div_ceil(1024).clamp(1, 1024),
        Target::Software => arena.div_ceil(1024).clamp(1, 8),
    }
}

/// (grads) → partial sums of squares, [`partials`] of them.
///
/// # Errors
/// When the arena is empty or too large.
pub fn norm_partials(arena: usize, target: Target) -> Result<Launch, KernelError> {
    let length = elements(KERNEL.stem, "arena", &[arena])?;
    let partials = partials(arena, target) as u32;
    let constants = vec![("ELEMENTS", length.into()), ("PARTIALS", partials.into())];
    Launch::new(&KERNEL, "norm_partials", constants, [partials, 1, 1], 2 * u64::from(length))
}

/// (partial sums, loss) → [`SCALARS`], records. `ring` is the number of records.
///
/// # Errors
/// When there are no records or too many.
pub fn finish(arena: usize, ring: u32, target: Target) -> Result<Launch, KernelError> {
    elements(KERNEL.stem, "records", &[ring as usize, 4])?;
    let partials = partials(arena, target) as u32;
    let constants = vec![("PARTIALS", partials.into()), ("RECORDS", ring.into())];
    Launch::new(&KERNEL, "finish", constants, [1, 1, 1], partials.into())
}

/// A run of elements of the arenas. What is bound of each ends with the run and starts before it, where a binding may.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Window {
    /// Elements that are bound before the run.
    pub skip: usize,
    /// Elements of the run.
    pub length: usize,
    /// How many of them decay, from the first.
    pub decayed: usize,
}

/// Adds the gradients and the loss of a part of a batch to those of the parts before. (grads, loss; totals of both in place).
///
/// # Errors
/// When the arena is empty or too large.
pub fn accumulate(arena: usize, target: Target) -> Result<Launch, KernelError> {
    update("accumulate", &Window { skip: 0, length: arena, decayed: 0 }, &[], 1, target)
}

/// AdamW with ε added after the square root. (grads, scalars; params, first moments, second moments in place). Learning
/// rate, weight decay and bias corrections come with the step.
///
/// # Errors
/// When the window is empty or too large.
pub fn adamw(window: &Window, [beta1, beta2]: [f64; 2], eps: f64, target: Target) -> Result<Launch, KernelError> {
    let constants = [("BETA1_REST", rest(beta1)), ("BETA2_REST", rest(beta2)), ("EPS", (eps as f32).into())];
    update("adamw", window, &constants, 14, target)
}

/// Gradient descent with momentum. (grads, scalars; params, momentum in place). Learning rate and weight decay come with
/// the step.
///
/// # Errors
/// When the window is empty or too large.
pub fn sgd(window: &Window, momentum: f64, target: Target) -> Result<Launch, KernelError> {
    update("sgd", window, &[("MOMENTUM", (momentum as f32).into())], 7, target)
}

/// Lion. (grads, scalars; params, momentum in place). Learning rate and weight decay come with the step.
///
/// # Errors
/// When the window is empty or too large.
pub fn lion(window: &Window, [beta1, beta2]: [f64; 2], target: Target) -> Result<Launch, KernelError> {
    update("lion", window, &[("BETA1_REST", rest(beta1)), ("BETA2_REST", rest(beta2))], 10, target)
}

/// 1 - β, in f64: in f32 the small difference would keep few of its digits.
pub(super) fn rest(beta: f64) -> Const {
    ((1.0 - beta) as f32).into()
}

/// Elements a thread of an update takes: starting a workgroup costs a software adapter as much as several elements do.
pub(super) const fn per_thread(target: Target) -> u32 {
    match target {
        Target::Gpu => 4,
        Target::Software => 8,
    }
}

/// `cost` is the number of operations that an element takes, roughly.
fn update(
    entry: &'static str,
    window: &Window,
    constants: &[(&'static str, Const)],
    cost: u64,
    target: Target,
) -> Result<Launch, KernelError> {
    let length = elements(KERNEL.stem, "run", &[window.length])?;
    let bound = elements(KERNEL.stem, "arena", &[window.skip + window.length])?;
    let grid = folded(KERNEL.stem, length.div_ceil(per_thread(target) * width(target)).into())?;
    let mut all = vec![
        ("ELEMENTS", bound.into()),
        ("SKIP", (window.skip as u32).into()),
        ("DECAYED", ((window.skip + window.decayed) as u32).into()),
        ("PER_THREAD", per_thread(target).into()),
        ("GRID_X", grid[0].into()),
        ("WX", width(target).into()),
    ];
    all.extend_from_slice(constants);
    Launch::new(&KERNEL, entry, all, grid, cost * u64::from(length))
}
