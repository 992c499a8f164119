//! Muon, a matrix at a time, beside the products of `matmul`: `shaders/muon.wgsl`.

use super::{
    Access::{Read, ReadWrite, Write},
    Const, Entry, Kernel, KernelError, Launch, Target,
    grid::{axes, elements, folded, width},
    optimizer::{per_thread, rest},
};

/// The shader.
pub static KERNEL: Kernel = Kernel {
    stem: "muon",
    text: include_str!("../../shaders/muon.wgsl"),
    lib: &["reduce", "step"],
    entries: &[
        Entry { name: "momentum", bindings: &[(0, Read), (1, Read), (6, ReadWrite), (7, Write), (8, Write)] },
        Entry { name: "normalize", bindings: &[(2, Read), (4, Read), (7, Write)] },
        Entry { name: "polynomial", bindings: &[(2, Read), (3, Read), (7, Write)] },
        Entry { name: "apply", bindings: &[(1, Read), (2, Read), (5, ReadWrite)] },
    ],
};

/// A matrix in the arenas. Learning rate and weight decay come with the step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Matrix {
    /// Elements of the arenas that are bound before it.
    pub skip: usize,
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub columns: usize,
}

/// Sums of squares that [`momentum`] leaves for [`normalize`], each thread of which adds them up.
#[must_use]
pub fn partials(matrix: &Matrix) -> usize {
    (matrix.rows * matrix.columns).div_ceil(1024).clamp(1, 64)
}

/// Nesterov momentum. (grads, scalars; momentum in place) → direction, partial sums of its squares.
///
/// # Errors
/// When the matrix is empty or too large.
pub fn momentum(matrix: &Matrix, momentum: f64, target: Target) -> Result<Launch, KernelError> {
    let grid = axes(KERNEL.stem, [partials(matrix) as u64, 1, 1])?;
    let constants = [
        ("MOMENTUM", (momentum as f32).into()),
        ("MOMENTUM_REST", rest(momentum)),
        ("PARTIALS", (partials(matrix) as u32).into()),
        ("SLICES", width(target).into()),
    ];
    launch("momentum", matrix, &constants, grid, 9)
}

/// Division by the Frobenius norm, `eps` at least. (direction, partial sums) → x.
///
/// # Errors
/// When the matrix is empty or too large.
pub fn normalize(matrix: &Matrix, eps: f64, target: Target) -> Result<Launch, KernelError> {
    let constants = [("EPS", (eps as f32).into()), ("PARTIALS", (partials(matrix) as u32).into())];
    // The direction is no part of an arena.
    pointwise("normalize", &Matrix { skip: 0, ..*matrix }, &constants, 1, target)
}

/// `a·1 + b·g + c·g²` of a square matrix g of `extent` rows. (g, g²) → y.
///
/// # Errors
/// When the matrix is empty or too large.
pub fn polynomial(extent: usize, [a, b, c]: [f64; 3], target: Target) -> Result<Launch, KernelError> {
    let constants = [("A", (a as f32).into()), ("B", (b as f32).into()), ("C", (c as f32).into())];
    pointwise("polynomial", &Matrix { skip: 0, rows: extent, columns: extent }, &constants, 4, target)
}

/// The update: `scale` times the learning rate along x. (scalars, x; params in place).
///
/// # Errors
/// When the matrix is empty or too large.
pub fn apply(matrix: &Matrix, scale: f64, target: Target) -> Result<Launch, KernelError> {
    pointwise("apply", matrix, &[("SCALE", (scale as f32).into())], 4, target)
}

/// An element after the other. `cost` is the number of operations that one takes, roughly.
fn pointwise(
    entry: &'static str,
    matrix: &Matrix,
    constants: &[(&'static str, Const)],
    cost: u64,
    target: Target,
) -> Result<Launch, KernelError> {
    let each = u64::from(per_thread(target) * width(target));
    let grid = folded(KERNEL.stem, (matrix.rows as u64 * matrix.columns as u64).div_ceil(each))?;
    let mut all =
        vec![("PER_THREAD", per_thread(target).into()), ("GRID_X", grid[0].into()), ("WX", width(target).into())];
    all.extend_from_slice(constants);
    launch(entry, matrix, &all, grid, cost)
}

fn launch(
    entry: &'static str,
    matrix: &Matrix,
    constants: &[(&'static str, Const)],
    grid: [u32; 3],
    cost: u64,
) -> Result<Launch, KernelError> {
    let length = elements(KERNEL.stem, "matrix", &[matrix.rows, matrix.columns])?;
    elements(KERNEL.stem, "arena", &[matrix.skip + length as usize])?;
    let mut all: Vec<(&'static str, Const)> = vec![
        ("SKIP", (matrix.skip as u32).into()),
        ("ROWS", (matrix.rows as u32).into()),
        ("COLUMNS", (matrix.columns as u32).into()),
    ];
    all.extend_from_slice(constants);
    Launch::new(&KERNEL, entry, all, grid, cost * u64::from(length))
}
