//! Losses of numbers and their gradient: `shaders/element_loss.wgsl`.

use super::{
    Access::{Read, Write},
    Const, Entry, Kernel, KernelError, Launch, Target,
    grid::{elements, folded, width},
};
use crate::ir::ElementLoss;

/// The shader.
pub static KERNEL: Kernel = Kernel {
    stem: "element_loss",
    text: include_str!("../../shaders/element_loss.wgsl"),
    lib: &[],
    entries: &[
        Entry { name: "terms", bindings: &[(0, Read), (1, Read), (2, Read), (4, Write)] },
        Entry { name: "grad", bindings: &[(0, Read), (1, Read), (2, Read), (3, Read), (5, Write)] },
    ],
};

/// (x, targets, weights) → the elements' losses, to be added up by [`super::sum::total`].
///
/// # Errors
/// When the tensor is empty or too large.
pub fn terms(length: usize, kind: ElementLoss, target: Target) -> Result<Launch, KernelError> {
    launch("terms", length, kind, target)
}

/// (x, targets, weights, dloss) → dx.
///
/// # Errors
/// When the tensor is empty or too large.
pub fn grad(length: usize, kind: ElementLoss, target: Target) -> Result<Launch, KernelError> {
    launch("grad", length, kind, target)
}

fn launch(entry: &'static str, length: usize, kind: ElementLoss, target: Target) -> Result<Launch, KernelError> {
    let length = elements(KERNEL.stem, "x", &[length])?;
    let grid = folded(KERNEL.stem, u64::from(length).div_ceil(4 * u64::from(width(target))))?;
    let (logistic, cost) = match kind {
        ElementLoss::Squared => (false, 4),
        ElementLoss::Logistic => (true, 10),
    };
    let constants = vec![
        ("LENGTH", length.into()),
        ("LOGISTIC", Const::Bool(logistic)),
        ("GRID_X", grid[0].into()),
        ("WX", width(target).into()),
    ];
    Launch::new(&KERNEL, entry, constants, grid, cost * u64::from(length))
}
