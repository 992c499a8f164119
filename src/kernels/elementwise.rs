//! Pointwise operations: `shaders/elementwise.wgsl`. Buffers in binding order: x, the second operand if any, y.

use super::{
    Access::{Read, Write},
    Const, Entry, Kernel, KernelError, Launch, Target, activation as functions, dropout as sites,
    grid::{elements, folded, width},
};
use crate::ir::{Activation, Dropout};

/// The shader.
pub static KERNEL: Kernel = Kernel {
    stem: "elementwise",
    text: include_str!("../../shaders/elementwise.wgsl"),
    lib: &["activation", "rng", "step"],
    entries: &[
        Entry { name: "add", bindings: &[(0, Read), (1, Read), (2, Write)] },
        Entry { name: "scale", bindings: &[(0, Read), (2, Write)] },
        Entry { name: "activation", bindings: &[(0, Read), (2, Write)] },
        Entry { name: "activation_grad", bindings: &[(0, Read), (1, Read), (2, Write)] },
        Entry { name: "dropout", bindings: &[(0, Read), (2, Write)] },
    ],
};

/// `a + b`. (a, b) → y.
///
/// # Errors
/// When the tensor is empty or too large.
pub fn add(length: usize, target: Target) -> Result<Launch, KernelError> {
    launch("add", length, &[], 1, target)
}

/// `factor · x`. (x) → y.
///
/// # Errors
/// When the tensor is empty or too large.
pub fn scale(length: usize, factor: f32, target: Target) -> Result<Launch, KernelError> {
    launch("scale", length, &[("FACTOR", factor.into())], 1, target)
}

/// `f(x)`. (x) → y.
///
/// # Errors
/// When the tensor is empty or too large.
pub fn activation(length: usize, f: Activation, target: Target) -> Result<Launch, KernelError> {
    launch("activation", length, &[functions::constant(f)], 10, target)
}

/// `f'(x) · dy`. (x, dy) → dx.
///
/// # Errors
/// When the tensor is empty or too large.
pub fn activation_grad(length: usize, f: Activation, target: Target) -> Result<Launch, KernelError> {
    launch("activation_grad", length, &[functions::constant(f)], 15, target)
}

/// Dropout of rows × columns elements. (x) → y.
///
/// # Errors
/// When the tensor is empty or too large.
pub fn dropout(rows: usize, columns: usize, dropout: Dropout, target: Target) -> Result<Launch, KernelError> {
    let length = elements(KERNEL.stem, "x", &[rows, columns])?;
    let [threshold, keep] = sites::constants(dropout);
    let constants = [("COLUMNS", (columns as u32).into()), threshold, keep];
    Ok(launch("dropout", length as usize, &constants, 1, target)?.at_site(Some(dropout)))
}

/// `cost` is the number of operations that an element takes, roughly.
fn launch(
    entry: &'static str,
    length: usize,
    constants: &[(&'static str, Const)],
    cost: u64,
    target: Target,
) -> Result<Launch, KernelError> {
    let length = elements(KERNEL.stem, "x", &[length])?;
    let grid = folded(KERNEL.stem, u64::from(length).div_ceil(4 * u64::from(width(target))))?;
    let mut all = vec![("LENGTH", length.into()), ("GRID_X", grid[0].into()), ("WX", width(target).into())];
    all.extend_from_slice(constants);
    Launch::new(&KERNEL, entry, all, grid, cost * u64::from(length))
}
