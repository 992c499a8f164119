//! Row lookup and its gradient: `shaders/embedding.wgsl`.

use super::{
    Access::{Read, Write},
    Entry, Kernel, KernelError, Launch, Target,
    grid::{elements, folded, width},
};

/// The shader.
pub static KERNEL: Kernel = Kernel {
    stem: "embedding",
    text: include_str!("../../shaders/embedding.wgsl"),
    lib: &[],
    entries: &[
        Entry { name: "forward", bindings: &[(0, Read), (1, Read), (5, Write)] },
        Entry { name: "grad", bindings: &[(3, Read), (4, Read), (6, Write)] },
        Entry { name: "grad_add", bindings: &[(2, Read), (3, Read), (4, Read), (6, Write)] },
    ],
};

/// A table and how often it is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lookup {
    /// Rows of the table.
    pub rows: usize,
    /// Columns of the table.
    pub columns: usize,
    /// Number of ids.
    pub count: usize,
}

/// (table, ids) → rows.
///
/// # Errors
/// When a tensor is empty or too large.
pub fn forward(lookup: &Lookup, target: Target) -> Result<Launch, KernelError> {
    launch("forward", lookup, lookup.count, target)
}

/// (offsets and sorted positions, dy) → dtable.
///
/// # Errors
/// When a tensor is empty or too large.
pub fn grad(lookup: &Lookup, target: Target) -> Result<Launch, KernelError> {
    launch("grad", lookup, lookup.rows, target)
}

/// (other gradient of the table, offsets and sorted positions, dy) → dtable.
///
/// # Errors
/// When a tensor is empty or too large.
pub fn grad_add(lookup: &Lookup, target: Target) -> Result<Launch, KernelError> {
    launch("grad_add", lookup, lookup.rows, target)
}

fn launch(entry: &'static str, lookup: &Lookup, threads: usize, target: Target) -> Result<Launch, KernelError> {
    let stem = KERNEL.stem;
    elements(stem, "table", &[lookup.rows, lookup.columns])?;
    elements(stem, "list", &[lookup.rows.saturating_add(1).saturating_add(lookup.count)])?;
    let work = elements(stem, "y", &[lookup.count, lookup.columns])?;
    let threads = elements(stem, "result", &[threads, lookup.columns])?;
    let grid = folded(stem, threads.div_ceil(width(target)).into())?;
    let constants = vec![
        ("ROWS", (lookup.rows as u32).into()),
        ("COLUMNS", (lookup.columns as u32).into()),
        ("COUNT", (lookup.count as u32).into()),
        ("GRID_X", grid[0].into()),
        ("WX", width(target).into()),
    ];
    Launch::new(&KERNEL, entry, constants, grid, work.into())
}
