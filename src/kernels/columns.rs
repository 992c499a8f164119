//! Ranges of columns: `shaders/columns.wgsl`.

use super::{
    Access::{Read, Write},
    Entry, Kernel, KernelError, Launch, Target,
    grid::{elements, folded, width},
};

/// The shader.
pub static KERNEL: Kernel = Kernel {
    stem: "columns",
    text: include_str!("../../shaders/columns.wgsl"),
    lib: &[],
    entries: &[
        Entry { name: "take", bindings: &[(0, Read), (2, Write)] },
        Entry { name: "pad", bindings: &[(1, Read), (3, Write)] },
    ],
};

/// A range of the columns of a tensor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Range {
    /// Rows.
    pub rows: usize,
    /// Columns of the whole.
    pub width: usize,
    /// First column of the range.
    pub start: usize,
    /// Columns of the range; `start + count` is at most `width`.
    pub count: usize,
}

/// Takes the range out. (x of `rows`·`width`) → y of `rows`·`count`.
///
/// # Errors
/// When a tensor is empty or too large.
pub fn take(range: &Range, target: Target) -> Result<Launch, KernelError> {
    launch("take", range, range.count, target)
}

/// Puts it between zeros. (x of `rows`·`count`) → y of `rows`·`width`.
///
/// # Errors
/// When a tensor is empty or too large.
pub fn pad(range: &Range, target: Target) -> Result<Launch, KernelError> {
    launch("pad", range, range.width, target)
}

/// `columns` of the result.
fn launch(entry: &'static str, range: &Range, columns: usize, target: Target) -> Result<Launch, KernelError> {
    let stem = KERNEL.stem;
    elements(stem, "whole", &[range.rows, range.width])?;
    elements(stem, "range", &[range.rows, range.count])?;
    let result = elements(stem, "result", &[range.rows, columns])?;
    let grid = folded(stem, u64::from(result).div_ceil(4 * u64::from(width(target))))?;
    let constants = vec![
        ("ROWS", (range.rows as u32).into()),
        ("WIDTH", (range.width as u32).into()),
        ("START", (range.start as u32).into()),
        ("COUNT", (range.count as u32).into()),
        ("GRID_X", grid[0].into()),
        ("WX", width(target).into()),
    ];
    Launch::new(&KERNEL, entry, constants, grid, 0)
}
