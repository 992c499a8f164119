//! Copies of words, whole or a row into each sequence: `shaders/copy.wgsl`.

use super::{
    Access::{Read, ReadWrite, Write},
    Entry, Kernel, KernelError, Launch, Target,
    grid::{elements, folded, width},
};

/// The shader.
pub static KERNEL: Kernel = Kernel {
    stem: "copy",
    text: include_str!("../../shaders/copy.wgsl"),
    lib: &[],
    entries: &[
        Entry { name: "whole", bindings: &[(0, Read), (3, Write)] },
        Entry { name: "append", bindings: &[(1, Read), (2, Read), (4, ReadWrite)] },
    ],
};

/// (x of `length` words) → the same.
///
/// # Errors
/// When the tensor is empty or too large.
pub fn whole(length: usize, target: Target) -> Result<Launch, KernelError> {
    launch("whole", [1, 1, length], length, target)
}

/// A row into each sequence of a state `[batch, time, columns]`, in place. (rows `[batch, 1, columns]`, position `[1]`,
/// state) → state.
///
/// # Errors
/// When the state is empty or too large.
pub fn append(state: [usize; 3], target: Target) -> Result<Launch, KernelError> {
    let [batch, _, columns] = state;
    launch("append", state, batch.saturating_mul(columns), target)
}

/// `words` are written.
fn launch(
    entry: &'static str,
    [batch, time, columns]: [usize; 3],
    words: usize,
    target: Target,
) -> Result<Launch, KernelError> {
    let length = elements(KERNEL.stem, "result", &[batch, time, columns])?;
    let grid = folded(KERNEL.stem, (words as u64).div_ceil(4 * u64::from(width(target))))?;
    let constants = vec![
        ("LENGTH", length.into()),
        ("TIME", (time as u32).into()),
        ("WIDTH", (columns as u32).into()),
        ("GRID_X", grid[0].into()),
        ("WX", width(target).into()),
    ];
    Launch::new(&KERNEL, entry, constants, grid, 0)
}
