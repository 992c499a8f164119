//! Tables added to rows, and their gradient: `shaders/rows.wgsl`.

use super::{
    Access::{Read, Write},
    Entry, Kernel, KernelError, Launch, Target,
    grid::{LANES, elements, folded, slices, width},
};

/// The shader.
pub static KERNEL: Kernel = Kernel {
    stem: "rows",
    text: include_str!("../../shaders/rows.wgsl"),
    lib: &["reduce"],
    entries: &[
        Entry { name: "add", bindings: &[(0, Read), (1, Read), (2, Write)] },
        Entry { name: "sum", bindings: &[(0, Read), (3, Write)] },
        Entry { name: "sum_split", bindings: &[(0, Read), (3, Write)] },
    ],
};

/// Rows of a tensor and the table that goes with them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Table {
    /// Rows of x.
    pub rows: usize,
    /// Columns of both.
    pub columns: usize,
    /// How many rows of the table are used; divides `rows`.
    pub period: usize,
    /// The first of them.
    pub first: usize,
    /// Rows of the table; 1 for a bias.
    pub table_rows: usize,
}

/// From this many terms on several threads share a sum.
const LONG: usize = 64;

/// Adds row `first + r mod period` of the table to row r. (x, table) → y.
///
/// # Errors
/// When a tensor is empty or too large.
pub fn add(table: &Table, target: Target) -> Result<Launch, KernelError> {
    launch("add", table, table.rows, width(target), target)
}

/// Sums rows `p, p + period, …` into row `first + p`; other rows of the table get 0. (dy) → dtable.
///
/// # Errors
/// When a tensor is empty or too large.
pub fn sum(table: &Table, target: Target) -> Result<Launch, KernelError> {
    if table.rows / table.period.max(1) >= LONG {
        launch("sum_split", table, table.table_rows, LANES, target)
    } else {
        launch("sum", table, table.table_rows, width(target), target)
    }
}

/// `rows` of the result, `per_group` of its elements in a workgroup.
fn launch(
    entry: &'static str,
    table: &Table,
    rows: usize,
    per_group: u32,
    target: Target,
) -> Result<Launch, KernelError> {
    let stem = KERNEL.stem;
    let work = elements(stem, "x", &[table.rows, table.columns])?;
    elements(stem, "table", &[table.table_rows, table.columns])?;
    elements(stem, "period", &[table.period])?;
    let grid = folded(stem, elements(stem, "result", &[rows, table.columns])?.div_ceil(per_group).into())?;
    let constants = vec![
        ("ROWS", (table.rows as u32).into()),
        ("COLUMNS", (table.columns as u32).into()),
        ("TABLE_ROWS", (table.table_rows as u32).into()),
        ("PERIOD", (table.period as u32).into()),
        ("FIRST", (table.first as u32).into()),
        ("GRID_X", grid[0].into()),
        ("WX", width(target).into()),
        ("LANES", LANES.into()),
        ("SLICES", slices(target).into()),
    ];
    Launch::new(&KERNEL, entry, constants, grid, work.into())
}
