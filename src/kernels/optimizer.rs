//! Gradient norm, clipping and AdamW over the flat arenas: `shaders/optimizer.wgsl`.

use super::{
    Access::{Read, ReadWrite, Write},
    Entry, Kernel, KernelError, Launch, Target,
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
        Entry { name: "adamw", bindings: &[(0, Read), (3, Read), (7, ReadWrite), (8, ReadWrite), (9, ReadWrite)] },
    ],
};

/// Elements of the buffer that carries the clip factor and the norm from `finish` to `adamw`.
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

/// Decay rates and layout of an AdamW update.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct AdamW {
    /// Elements of an arena, gaps included.
    pub arena: usize,
    /// Elements up to here decay.
    pub decayed: usize,
    /// Decay of the first moment.
    pub beta1: f64,
    /// Decay of the second moment.
    pub beta2: f64,
    /// ε, added after the square root.
    pub eps: f64,
}

/// (grads, scalars; params, first moments, second moments in place). Learning rate, weight decay and bias corrections
/// come with the step.
///
/// # Errors
/// When the arena is empty or too large.
pub fn adamw(spec: &AdamW, target: Target) -> Result<Launch, KernelError> {
    let length = elements(KERNEL.stem, "arena", &[spec.arena])?;
    let per_thread = match target {
        Target::Gpu => 4_u32,
        // Starting a workgroup costs a software adapter as much as several elements do.
        Target::Software => 8,
    };
    let grid = folded(KERNEL.stem, length.div_ceil(per_thread * width(target)).into())?;
    // In f64, because in f32 the small 1 - β would keep few of its digits.
    let rest = |beta: f64| (1.0 - beta) as f32;
    let constants = vec![
        ("ELEMENTS", length.into()),
        ("DECAYED", (spec.decayed.min(spec.arena) as u32).into()),
        ("BETA1_REST", rest(spec.beta1).into()),
        ("BETA2_REST", rest(spec.beta2).into()),
        ("EPS", (spec.eps as f32).into()),
        ("PER_THREAD", per_thread.into()),
        ("GRID_X", grid[0].into()),
        ("WX", width(target).into()),
    ];
    Launch::new(&KERNEL, "adamw", constants, grid, 14 * u64::from(length))
}
