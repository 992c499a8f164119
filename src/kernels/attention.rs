//! Attention without stored probabilities: `shaders/attention.wgsl`, `attention_grad.wgsl`, `attention_bias_grad.wgsl` and
//! `attention_probs.wgsl`.
//!
//! Every launch binds what queries and what keys are read from, q and kv: the packed projection twice where there is but
//! one. Then the bias and the key mask follow, if there are any; an entry point's name says which it binds.

use super::{
    Access::{Read, Write},
    Const, Entry, Kernel, KernelError, Launch, Target, dropout,
    grid::{LANES, axes, elements, folded, slices, width},
};
use crate::ir::{Attention, AttentionShape, Dropout, Mask};

/// The forward shader.
pub static KERNEL: Kernel = Kernel {
    stem: "attention",
    text: include_str!("../../shaders/attention.wgsl"),
    lib: &["heads", "heads_dropout", "rng", "step"],
    entries: &[
        Entry { name: "forward", bindings: &[(0, Read), (1, Read), (4, Write), (5, Write)] },
        Entry { name: "forward_masked", bindings: &[(0, Read), (1, Read), (3, Read), (4, Write), (5, Write)] },
        Entry { name: "forward_biased", bindings: &[(0, Read), (1, Read), (2, Read), (4, Write), (5, Write)] },
        Entry {
            name: "forward_biased_masked",
            bindings: &[(0, Read), (1, Read), (2, Read), (3, Read), (4, Write), (5, Write)],
        },
    ],
};

/// The shader of the projections' gradients: first the queries' launch, then the keys', which reads its `delta`. With a
/// bias `deltas` comes before both, because WebGPU grants eight buffers and the queries' launch would need nine.
pub static GRAD: Kernel = Kernel {
    stem: "attention_grad",
    text: include_str!("../../shaders/attention_grad.wgsl"),
    lib: &["heads", "heads_dropout", "rng", "step"],
    entries: &[
        Entry { name: "deltas", bindings: &[(4, Read), (6, Read), (10, Write)] },
        Entry {
            name: "queries",
            bindings: &[(0, Read), (1, Read), (4, Read), (5, Read), (6, Read), (8, Write), (10, Write)],
        },
        Entry {
            name: "queries_masked",
            bindings: &[(0, Read), (1, Read), (3, Read), (4, Read), (5, Read), (6, Read), (8, Write), (10, Write)],
        },
        Entry {
            name: "queries_biased",
            bindings: &[(0, Read), (1, Read), (2, Read), (5, Read), (6, Read), (7, Read), (8, Write)],
        },
        Entry {
            name: "queries_biased_masked",
            bindings: &[(0, Read), (1, Read), (2, Read), (3, Read), (5, Read), (6, Read), (7, Read), (8, Write)],
        },
        Entry { name: "keys", bindings: &[(0, Read), (1, Read), (5, Read), (6, Read), (7, Read), (9, Write)] },
        Entry {
            name: "keys_masked",
            bindings: &[(0, Read), (1, Read), (3, Read), (5, Read), (6, Read), (7, Read), (9, Write)],
        },
        Entry {
            name: "keys_biased",
            bindings: &[(0, Read), (1, Read), (2, Read), (5, Read), (6, Read), (7, Read), (9, Write)],
        },
        Entry {
            name: "keys_biased_masked",
            bindings: &[(0, Read), (1, Read), (2, Read), (3, Read), (5, Read), (6, Read), (7, Read), (9, Write)],
        },
    ],
};

/// The shader of the bias's gradient.
pub static BIAS_GRAD: Kernel = Kernel {
    stem: "attention_bias_grad",
    text: include_str!("../../shaders/attention_bias_grad.wgsl"),
    lib: &["heads", "heads_dropout", "reduce", "rng", "step"],
    entries: &[
        Entry {
            name: "distances",
            bindings: &[(0, Read), (1, Read), (2, Read), (4, Read), (5, Read), (6, Read), (7, Write)],
        },
        Entry {
            name: "distances_masked",
            bindings: &[(0, Read), (1, Read), (2, Read), (3, Read), (4, Read), (5, Read), (6, Read), (7, Write)],
        },
    ],
};

/// The shader of the probabilities.
pub static PROBS: Kernel = Kernel {
    stem: "attention_probs",
    text: include_str!("../../shaders/attention_probs.wgsl"),
    lib: &["heads"],
    entries: &[
        Entry { name: "probs", bindings: &[(0, Read), (1, Read), (4, Read), (5, Write)] },
        Entry { name: "probs_masked", bindings: &[(0, Read), (1, Read), (3, Read), (4, Read), (5, Write)] },
        Entry { name: "probs_biased", bindings: &[(0, Read), (1, Read), (2, Read), (4, Read), (5, Write)] },
        Entry {
            name: "probs_biased_masked",
            bindings: &[(0, Read), (1, Read), (2, Read), (3, Read), (4, Read), (5, Write)],
        },
    ],
};

/// (q, kv, bias, key mask) → o, lse.
///
/// # Errors
/// When a tensor is empty or too large, or there are too many heads or sequences.
pub fn forward(spec: &Attention, shape: AttentionShape, target: Target) -> Result<Launch, KernelError> {
    let entries = ["forward", "forward_masked", "forward_biased", "forward_biased_masked"];
    rows(&KERNEL, pick(spec, entries), spec, shape, [shape.queries, spec.heads], 4 * pairs(spec, shape), target)
}

/// (o, do) → D `[B,H,Tq]`, of which the launches of a biased attention's gradients read.
///
/// # Errors
/// When a tensor is empty or too large, or there are too many heads or sequences.
pub fn grad_deltas(spec: &Attention, shape: AttentionShape, target: Target) -> Result<Launch, KernelError> {
    let flops = 2 * (shape.batch * shape.queries * spec.heads * shape.head_dim) as u64;
    rows(&GRAD, "deltas", spec, shape, [shape.queries, spec.heads], flops, target)
}

/// (q, kv, key mask, o, lse, do) → the queries' columns of dq, D `[B,H,Tq]`; with a bias (q, kv, bias, key mask, lse, do, D)
/// → the queries' columns of dq.
///
/// # Errors
/// When a tensor is empty or too large, or there are too many heads or sequences.
pub fn grad_queries(spec: &Attention, shape: AttentionShape, target: Target) -> Result<Launch, KernelError> {
    let entries = ["queries", "queries_masked", "queries_biased", "queries_biased_masked"];
    rows(&GRAD, pick(spec, entries), spec, shape, [shape.queries, spec.heads], 6 * pairs(spec, shape), target)
}

/// (q, kv, bias, key mask, lse, do, D) → the keys' and values' columns of dkv.
///
/// # Errors
/// When a tensor is empty or too large, or there are too many heads or sequences.
pub fn grad_keys(spec: &Attention, shape: AttentionShape, target: Target) -> Result<Launch, KernelError> {
    let entries = ["keys", "keys_masked", "keys_biased", "keys_biased_masked"];
    rows(&GRAD, pick(spec, entries), spec, shape, [shape.keys, spec.kv_heads], 8 * pairs(spec, shape), target)
}

/// (q, kv, bias, key mask, lse, do, D) → dbias.
///
/// # Errors
/// When a tensor is empty or too large, or there are too many heads.
pub fn grad_bias(spec: &Attention, shape: AttentionShape, target: Target) -> Result<Launch, KernelError> {
    let stem = BIAS_GRAD.stem;
    let grid = axes(stem, [(shape.distances() as u64).div_ceil(LANES.into()), spec.heads as u64, 1])?;
    let mut constants = head(stem, spec, shape)?;
    constants.extend([("LANES", LANES.into()), ("SLICES", slices(target).into())]);
    constants.extend(dropout::optional(dropped(spec)));
    let entry = if spec.masked { "distances_masked" } else { "distances" };
    Ok(Launch::new(&BIAS_GRAD, entry, constants, grid, 4 * pairs(spec, shape))?.at_site(dropped(spec)))
}

/// (q, kv, bias, key mask, lse) → probabilities `[B,H,Tq,Tk]`, without dropout.
///
/// # Errors
/// When a tensor is empty or too large.
pub fn probs(spec: &Attention, shape: AttentionShape, target: Target) -> Result<Launch, KernelError> {
    let stem = PROBS.stem;
    elements(stem, "probs", &[shape.batch, spec.heads, shape.queries, shape.keys])?;
    let threads = elements(stem, "blocks", &[shape.batch, spec.heads, shape.queries, shape.keys.div_ceil(4)])?;
    let grid = folded(stem, threads.div_ceil(width(target)).into())?;
    let mut constants = head(stem, spec, shape)?;
    constants.extend([("GRID_X", grid[0].into()), ("WX", width(target).into())]);
    let entry = pick(spec, ["probs", "probs_masked", "probs_biased", "probs_biased_masked"]);
    Launch::new(&PROBS, entry, constants, grid, 2 * pairs(spec, shape))
}

/// The entry point for what there is of (neither, key mask, bias, both).
const fn pick(spec: &Attention, entries: [&'static str; 4]) -> &'static str {
    entries[2 * spec.bias_input().is_some() as usize + spec.masked as usize]
}

/// A thread per row of a head: `times` along x, `heads` along y, sequences along z.
fn rows(
    kernel: &'static Kernel,
    entry: &'static str,
    spec: &Attention,
    shape: AttentionShape,
    [times, heads]: [usize; 2],
    flops: u64,
    target: Target,
) -> Result<Launch, KernelError> {
    let wx = match target {
        // Short sequences would leave half of a wider workgroup idle.
        Target::Gpu if times <= 32 => 32,
        Target::Gpu | Target::Software => width(target),
    };
    let grid = axes(kernel.stem, [(times as u64).div_ceil(wx.into()), heads as u64, shape.batch as u64])?;
    let mut constants = head(kernel.stem, spec, shape)?;
    constants.push(("WX", wx.into()));
    constants.extend(dropout::optional(dropped(spec)));
    Ok(Launch::new(kernel, entry, constants, grid, flops)?.at_site(dropped(spec)))
}

/// Dropout, if it drops anything.
fn dropped(spec: &Attention) -> Option<Dropout> {
    spec.dropout.filter(|dropout| dropout.p > 0.0)
}

/// The head constants of all four shaders.
fn head(
    stem: &'static str,
    spec: &Attention,
    shape: AttentionShape,
) -> Result<Vec<(&'static str, Const)>, KernelError> {
    let AttentionShape { batch, queries, keys, head_dim } = shape;
    let packed = if spec.cross { 0 } else { 1 };
    let both = 2 * spec.kv_heads;
    elements(stem, "queries", &[batch, queries, spec.heads + packed * both, head_dim])?;
    elements(stem, "keys and values", &[batch, keys, packed * spec.heads + both, head_dim])?;
    let mut constants: Vec<(&'static str, Const)> = [
        ("BATCH", batch),
        ("QUERIES", queries),
        ("KEYS", keys),
        ("HEADS", spec.heads),
        ("KV_HEADS", spec.kv_heads),
        ("HEAD", head_dim),
        ("PACKED", packed),
    ]
    .map(|(name, extent)| (name, Const::U32(extent as u32)))
    .into();
    constants.extend([
        ("SCALE", (spec.scale as f32).into()),
        ("BIAS", spec.bias_input().is_some().into()),
        ("CAUSAL", (spec.mask != Mask::Full).into()),
        ("PREFIX", (spec.mask == Mask::Prefix).into()),
        ("DOCUMENTS", spec.documents.into()),
    ]);
    if let Mask::Banded { width } = spec.mask {
        // No distance is longer than all queries.
        constants.extend([("BANDED", true.into()), ("BAND", (width.min(queries) as u32).into())]);
    }
    Ok(constants)
}

/// Multiply-adds of one product over all pairs of times: masks are not subtracted.
const fn pairs(spec: &Attention, shape: AttentionShape) -> u64 {
    shape.batch as u64 * spec.heads as u64 * shape.head_dim as u64 * shape.queries as u64 * shape.keys as u64
}
