//! Rotary positions: `shaders/rotate.wgsl`.

use super::{
    Access::{Read, Write},
    Entry, Kernel, KernelError, Launch, Target,
    grid::{elements, folded, width},
};

/// The shader.
pub static KERNEL: Kernel = Kernel {
    stem: "rotate",
    text: include_str!("../../shaders/rotate.wgsl"),
    lib: &[],
    entries: &[Entry { name: "rotate", bindings: &[(0, Read), (1, Read), (2, Write)] }],
};

/// What turns.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rotation {
    /// Rows of x.
    pub rows: usize,
    /// Columns of x; the first `heads`·`head_dim` turn.
    pub columns: usize,
    /// Heads that turn.
    pub heads: usize,
    /// Columns of a head; even.
    pub head_dim: usize,
    /// Rows of angles; row r of x turns by row `r mod period`.
    pub period: usize,
    /// Turns back.
    pub inverse: bool,
}

/// (x, angles of `period`·`head_dim`) → y.
///
/// # Errors
/// When a tensor is empty or too large.
pub fn rotate(rotation: &Rotation, target: Target) -> Result<Launch, KernelError> {
    let Rotation { rows, columns, heads, head_dim, period, inverse } = *rotation;
    let stem = KERNEL.stem;
    let work = elements(stem, "x", &[rows, columns])?;
    elements(stem, "angles", &[period, head_dim])?;
    let grid = folded(stem, u64::from(work).div_ceil(4 * u64::from(width(target))))?;
    let constants = vec![
        ("ROWS", (rows as u32).into()),
        ("COLUMNS", (columns as u32).into()),
        ("HEADS", (heads as u32).into()),
        ("HEAD_DIM", (head_dim as u32).into()),
        ("PERIOD", (period as u32).into()),
        ("SIGN", (if inverse { -1.0_f32 } else { 1.0 }).into()),
        ("GRID_X", grid[0].into()),
        ("WX", width(target).into()),
    ];
    Launch::new(&KERNEL, "rotate", constants, grid, 3 * u64::from(work))
}
