//! Layer and RMS normalization: `shaders/norm.wgsl`, `norm_grad.wgsl` and `norm_param_grad.wgsl`.

use super::{
    Access::{Read, Write},
    Const, Entry, Kernel, KernelError, Launch, Target,
    grid::{LANES, axes, elements, folded, slices, width},
};
use crate::ir::NormKind;

/// The forward shader.
pub static KERNEL: Kernel = Kernel {
    stem: "norm",
    text: include_str!("../../shaders/norm.wgsl"),
    lib: &[],
    entries: &[
        Entry { name: "forward", bindings: &[(0, Read), (1, Read), (2, Read), (3, Write), (4, Write)] },
        Entry { name: "forward_unbiased", bindings: &[(0, Read), (1, Read), (3, Write), (4, Write)] },
    ],
};

/// The shader of the input's gradient.
pub static GRAD: Kernel = Kernel {
    stem: "norm_grad",
    text: include_str!("../../shaders/norm_grad.wgsl"),
    lib: &[],
    entries: &[
        Entry { name: "grad", bindings: &[(0, Read), (1, Read), (2, Read), (3, Read), (5, Write)] },
        Entry { name: "grad_add", bindings: &[(0, Read), (1, Read), (2, Read), (3, Read), (4, Read), (5, Write)] },
    ],
};

/// The shader of the weights' gradients.
pub static PARAM_GRAD: Kernel = Kernel {
    stem: "norm_param_grad",
    text: include_str!("../../shaders/norm_param_grad.wgsl"),
    lib: &["reduce"],
    entries: &[
        Entry { name: "both", bindings: &[(0, Read), (1, Read), (2, Read), (3, Write), (4, Write)] },
        Entry { name: "gamma", bindings: &[(0, Read), (1, Read), (2, Read), (3, Write)] },
    ],
};

/// What is normalized.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Norm {
    /// Number of rows.
    pub rows: usize,
    /// Number of columns, over which the statistics run.
    pub columns: usize,
    /// Which statistics.
    pub kind: NormKind,
}

/// (x, γ, β if `beta`) → y, statistics.
///
/// # Errors
/// When a tensor is empty or too large.
pub fn forward(norm: &Norm, eps: f64, beta: bool, target: Target) -> Result<Launch, KernelError> {
    let entry = if beta { "forward" } else { "forward_unbiased" };
    let extra = [rms(norm.kind), ("EPS", Const::F32(eps as f32))];
    launch(&KERNEL, entry, norm, &extra, 8, target)
}

/// (x, γ, statistics, dy) → dx.
///
/// # Errors
/// When a tensor is empty or too large.
pub fn grad(norm: &Norm, target: Target) -> Result<Launch, KernelError> {
    launch(&GRAD, "grad", norm, &[rms(norm.kind)], 12, target)
}

/// (x, γ, statistics, dy, residual) → dx + residual.
///
/// # Errors
/// When a tensor is empty or too large.
pub fn grad_add(norm: &Norm, target: Target) -> Result<Launch, KernelError> {
    launch(&GRAD, "grad_add", norm, &[rms(norm.kind)], 13, target)
}

/// (x, statistics, dy) → dγ, and dβ if `beta`. The kind does not matter: it is in the statistics.
///
/// # Errors
/// When a tensor is empty or too large.
pub fn param_grad(norm: &Norm, beta: bool, target: Target) -> Result<Launch, KernelError> {
    let entry = if beta { "both" } else { "gamma" };
    let work = elements(PARAM_GRAD.stem, "x", &[norm.rows, norm.columns])?;
    elements(PARAM_GRAD.stem, "statistics", &[norm.rows, 2])?;
    let grid = axes(PARAM_GRAD.stem, [(norm.columns as u64).div_ceil(LANES.into()), 1, 1])?;
    let constants = vec![
        ("ROWS", (norm.rows as u32).into()),
        ("COLUMNS", (norm.columns as u32).into()),
        ("LANES", LANES.into()),
        ("SLICES", slices(target).into()),
    ];
    Launch::new(&PARAM_GRAD, entry, constants, grid, 5 * u64::from(work))
}

const fn rms(kind: NormKind) -> (&'static str, Const) {
    ("RMS", Const::Bool(matches!(kind, NormKind::Rms)))
}

/// A thread per row. `cost` is the number of operations that an element takes, roughly.
fn launch(
    kernel: &'static Kernel,
    entry: &'static str,
    norm: &Norm,
    extra: &[(&'static str, Const)],
    cost: u64,
    target: Target,
) -> Result<Launch, KernelError> {
    let work = elements(kernel.stem, "x", &[norm.rows, norm.columns])?;
    elements(kernel.stem, "statistics", &[norm.rows, 2])?;
    let grid = folded(kernel.stem, (norm.rows as u64).div_ceil(width(target).into()))?;
    let mut constants: Vec<(&'static str, Const)> = vec![
        ("ROWS", (norm.rows as u32).into()),
        ("COLUMNS", (norm.columns as u32).into()),
        ("GRID_X", grid[0].into()),
        ("WX", width(target).into()),
    ];
    constants.extend_from_slice(extra);
    Launch::new(kernel, entry, constants, grid, cost * u64::from(work))
}
