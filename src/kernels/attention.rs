//! Attention without stored probabilities: `shaders/attention.wgsl`, `attention_grad.wgsl` and `attention_probs.wgsl`.

use super::{
    Access::{Read, Write},
    Const, Entry, Kernel, KernelError, Launch, Target, dropout,
    grid::{axes, elements, folded, width},
};
use crate::ir::Dropout;

/// The forward shader.
pub static KERNEL: Kernel = Kernel {
    stem: "attention",
    text: include_str!("../../shaders/attention.wgsl"),
    lib: &["heads", "rng", "step"],
    entries: &[
        Entry { name: "forward", bindings: &[(0, Read), (2, Write), (3, Write)] },
        Entry { name: "forward_masked", bindings: &[(0, Read), (1, Read), (2, Write), (3, Write)] },
    ],
};

/// The shader of the gradients: first the queries' launch, then the keys', which reads its `delta`.
pub static GRAD: Kernel = Kernel {
    stem: "attention_grad",
    text: include_str!("../../shaders/attention_grad.wgsl"),
    lib: &["heads", "rng", "step"],
    entries: &[
        Entry { name: "queries", bindings: &[(0, Read), (2, Read), (3, Read), (4, Read), (6, Write), (7, Write)] },
        Entry {
            name: "queries_masked",
            bindings: &[(0, Read), (1, Read), (2, Read), (3, Read), (4, Read), (6, Write), (7, Write)],
        },
        Entry { name: "keys", bindings: &[(0, Read), (3, Read), (4, Read), (5, Read), (6, Write)] },
        Entry { name: "keys_masked", bindings: &[(0, Read), (1, Read), (3, Read), (4, Read), (5, Read), (6, Write)] },
    ],
};

/// The shader of the probabilities.
pub static PROBS: Kernel = Kernel {
    stem: "attention_probs",
    text: include_str!("../../shaders/attention_probs.wgsl"),
    lib: &[],
    entries: &[
        Entry { name: "probs", bindings: &[(0, Read), (2, Read), (3, Write)] },
        Entry { name: "probs_masked", bindings: &[(0, Read), (1, Read), (2, Read), (3, Write)] },
    ],
};

/// Who attends to whom.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Heads {
    /// B.
    pub batch: usize,
    /// T, of queries and keys.
    pub time: usize,
    /// H.
    pub heads: usize,
    /// Columns of a head.
    pub head_dim: usize,
    /// Queries see no later key.
    pub causal: bool,
    /// Multiplies `q·k`.
    pub scale: f32,
    /// Dropout on the probabilities.
    pub dropout: Option<Dropout>,
    /// A key mask is bound.
    pub masked: bool,
}

/// (qkv, key mask if `masked`) → o, lse.
///
/// # Errors
/// When a tensor is empty or too large, or there are too many heads or sequences.
pub fn forward(heads: &Heads, target: Target) -> Result<Launch, KernelError> {
    rows(&KERNEL, if heads.masked { "forward_masked" } else { "forward" }, heads, 4, target)
}

/// (qkv, key mask if `masked`, o, lse, do) → the first third of dqkv's columns, D `[B,H,T]`.
///
/// # Errors
/// When a tensor is empty or too large, or there are too many heads or sequences.
pub fn grad_queries(heads: &Heads, target: Target) -> Result<Launch, KernelError> {
    rows(&GRAD, if heads.masked { "queries_masked" } else { "queries" }, heads, 6, target)
}

/// (qkv, key mask if `masked`, lse, do, D) → the other two thirds of dqkv's columns.
///
/// # Errors
/// When a tensor is empty or too large, or there are too many heads or sequences.
pub fn grad_keys(heads: &Heads, target: Target) -> Result<Launch, KernelError> {
    rows(&GRAD, if heads.masked { "keys_masked" } else { "keys" }, heads, 8, target)
}

/// (qkv, key mask if `masked`, lse) → probabilities `[B,H,T,T]`, without dropout.
///
/// # Errors
/// When a tensor is empty or too large.
pub fn probs(heads: &Heads, target: Target) -> Result<Launch, KernelError> {
    let stem = PROBS.stem;
    let threads = elements(stem, "probs", &[heads.batch, heads.heads, heads.time, heads.time])?;
    let grid = folded(stem, threads.div_ceil(width(target)).into())?;
    let mut constants = shape(stem, heads)?;
    constants.push(("GRID_X", grid[0].into()));
    constants.push(("WX", width(target).into()));
    let entry = if heads.masked { "probs_masked" } else { "probs" };
    Launch::new(&PROBS, entry, constants, grid, 2 * pairs(heads))
}

/// A thread per row of a head: time along x, heads along y, sequences along z.
fn rows(
    kernel: &'static Kernel,
    entry: &'static str,
    heads: &Heads,
    cost: u64,
    target: Target,
) -> Result<Launch, KernelError> {
    let wx = match target {
        // Short sequences would leave half of a wider workgroup idle.
        Target::Gpu if heads.time <= 32 => 32,
        Target::Gpu | Target::Software => width(target),
    };
    let groups = [(heads.time as u64).div_ceil(wx.into()), heads.heads as u64, heads.batch as u64];
    let grid = axes(kernel.stem, groups)?;
    let mut constants = shape(kernel.stem, heads)?;
    constants.push(("WX", wx.into()));
    constants.extend(dropout::optional(heads.dropout));
    Ok(Launch::new(kernel, entry, constants, grid, cost * pairs(heads))?.at_site(heads.dropout))
}

fn shape(stem: &'static str, heads: &Heads) -> Result<Vec<(&'static str, Const)>, KernelError> {
    elements(stem, "qkv", &[heads.batch, heads.time, 3, heads.heads, heads.head_dim])?;
    Ok(vec![
        ("BATCH", (heads.batch as u32).into()),
        ("TIME", (heads.time as u32).into()),
        ("HEADS", (heads.heads as u32).into()),
        ("HEAD", (heads.head_dim as u32).into()),
        ("CAUSAL", heads.causal.into()),
        ("SCALE", heads.scale.into()),
    ])
}

/// Multiply-adds of one product over all pairs of times: masks are not subtracted.
const fn pairs(heads: &Heads) -> u64 {
    heads.batch as u64 * heads.heads as u64 * heads.head_dim as u64 * heads.time as u64 * heads.time as u64
}
