//! Gated linear units: `shaders/gated.wgsl`.

use super::{
    Access::{Read, Write},
    Entry, Kernel, KernelError, Launch, Target, activation as functions,
    grid::{elements, folded, width},
};
use crate::ir::Activation;

/// The shader.
pub static KERNEL: Kernel = Kernel {
    stem: "gated",
    text: include_str!("../../shaders/gated.wgsl"),
    lib: &["activation"],
    entries: &[
        Entry { name: "forward", bindings: &[(0, Read), (2, Write)] },
        Entry { name: "grad", bindings: &[(0, Read), (1, Read), (3, Write)] },
    ],
};

/// `f(a)·b`. (x of `rows`·`2 half`) → y of `rows`·`half`.
///
/// # Errors
/// When a tensor is empty or too large.
pub fn forward(rows: usize, half: usize, f: Activation, target: Target) -> Result<Launch, KernelError> {
    launch("forward", [rows, half], f, 11, target)
}

/// (x of `rows`·`2 half`, dy of `rows`·`half`) → dx like x.
///
/// # Errors
/// When a tensor is empty or too large.
pub fn grad(rows: usize, half: usize, f: Activation, target: Target) -> Result<Launch, KernelError> {
    launch("grad", [rows, half], f, 28, target)
}

/// `cost` is the number of operations that an element of y takes, roughly.
fn launch(
    entry: &'static str,
    [rows, half]: [usize; 2],
    f: Activation,
    cost: u64,
    target: Target,
) -> Result<Launch, KernelError> {
    elements(KERNEL.stem, "x", &[rows, half, 2])?;
    let work = elements(KERNEL.stem, "y", &[rows, half])?;
    let grid = folded(KERNEL.stem, u64::from(work).div_ceil(4 * u64::from(width(target))))?;
    let constants = vec![
        ("ROWS", (rows as u32).into()),
        ("HALF", (half as u32).into()),
        functions::constant(f),
        ("GRID_X", grid[0].into()),
        ("WX", width(target).into()),
    ];
    Launch::new(&KERNEL, entry, constants, grid, cost * u64::from(work))
}
