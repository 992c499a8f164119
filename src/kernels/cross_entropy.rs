//! The loss of a classification and its gradient: `shaders/cross_entropy.wgsl`.

use super::{
    Access::{Read, Write},
    Entry, Kernel, KernelError, Launch, Target,
    grid::{elements, folded, width},
};

/// The shader.
pub static KERNEL: Kernel = Kernel {
    stem: "cross_entropy",
    text: include_str!("../../shaders/cross_entropy.wgsl"),
    lib: &[],
    entries: &[
        Entry { name: "rows", bindings: &[(0, Read), (1, Read), (2, Read), (4, Write)] },
        Entry { name: "both", bindings: &[(0, Read), (1, Read), (2, Read), (4, Write), (5, Write)] },
        Entry { name: "grad", bindings: &[(0, Read), (1, Read), (2, Read), (3, Read), (5, Write)] },
    ],
};

/// What is compared.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct CrossEntropy {
    /// Number of rows.
    pub rows: usize,
    /// Number of classes.
    pub classes: usize,
    /// ε of label smoothing.
    pub smoothing: f32,
}

/// (logits, targets, weights) → the rows' losses, to be added up by [`super::sum::total`].
///
/// # Errors
/// When a tensor is empty or too large.
pub fn rows(loss: &CrossEntropy, target: Target) -> Result<Launch, KernelError> {
    launch("rows", loss, target)
}

/// (logits, targets, weights) → the rows' losses, dlogits for dloss = 1.
///
/// # Errors
/// When a tensor is empty or too large.
pub fn both(loss: &CrossEntropy, target: Target) -> Result<Launch, KernelError> {
    launch("both", loss, target)
}

/// (logits, targets, weights, dloss) → dlogits.
///
/// # Errors
/// When a tensor is empty or too large.
pub fn grad(loss: &CrossEntropy, target: Target) -> Result<Launch, KernelError> {
    launch("grad", loss, target)
}

fn launch(entry: &'static str, loss: &CrossEntropy, target: Target) -> Result<Launch, KernelError> {
    let work = elements(KERNEL.stem, "logits", &[loss.rows, loss.classes])?;
    let grid = folded(KERNEL.stem, (loss.rows as u64).div_ceil(width(target).into()))?;
    let constants = vec![
        ("ROWS", (loss.rows as u32).into()),
        ("CLASSES", (loss.classes as u32).into()),
        ("SMOOTHING", loss.smoothing.into()),
        ("GRID_X", grid[0].into()),
        ("WX", width(target).into()),
    ];
    Launch::new(&KERNEL, entry, constants, grid, 8 * u64::from(work))
}
