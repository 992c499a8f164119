//! Matrix products with the epilogues of linear layers: `shaders/matmul.wgsl`, and `shaders/weight_grad.wgsl` where a GPU
//! would have too few tiles to do.
//!
//! Buffers in binding order: a, b; bias and residual (or the argument of f') where the variant has them; then y; then
//! the saved argument or the gradient of the bias.

use super::{
    Access::{Read, Write},
    Const, Entry, Kernel, KernelError, Launch, Target, activation, dropout,
    grid::{axes, elements},
};
use crate::ir::{Activation, Dropout, Epilogue};

/// The shader.
pub static KERNEL: Kernel = Kernel {
    stem: "matmul",
    text: include_str!("../../shaders/matmul.wgsl"),
    lib: &["activation", "rng", "step", "tile"],
    entries: &[
        Entry { name: "plain", bindings: &[(0, Read), (1, Read), (4, Write)] },
        Entry { name: "bias", bindings: &[(0, Read), (1, Read), (2, Read), (4, Write)] },
        Entry { name: "activation", bindings: &[(0, Read), (1, Read), (4, Write)] },
        Entry { name: "activation_save", bindings: &[(0, Read), (1, Read), (4, Write), (5, Write)] },
        Entry { name: "bias_activation", bindings: &[(0, Read), (1, Read), (2, Read), (4, Write)] },
        Entry { name: "bias_activation_save", bindings: &[(0, Read), (1, Read), (2, Read), (4, Write), (5, Write)] },
        Entry { name: "residual", bindings: &[(0, Read), (1, Read), (3, Read), (4, Write)] },
        Entry { name: "bias_residual", bindings: &[(0, Read), (1, Read), (2, Read), (3, Read), (4, Write)] },
        Entry { name: "activation_grad", bindings: &[(0, Read), (1, Read), (3, Read), (4, Write)] },
        Entry { name: "weight_bias", bindings: &[(0, Read), (1, Read), (4, Write), (6, Write)] },
    ],
};

/// The shader for few tiles and long sums.
pub static WEIGHT_GRAD: Kernel = Kernel {
    stem: "weight_grad",
    text: include_str!("../../shaders/weight_grad.wgsl"),
    lib: &["tile"],
    entries: &[
        Entry { name: "plain", bindings: &[(0, Read), (1, Read), (2, Write)] },
        Entry { name: "weight_bias", bindings: &[(0, Read), (1, Read), (2, Write), (3, Write)] },
    ],
};

/// What becomes of the product.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Variant {
    /// A linear layer. (a, b, bias if any, residual if any) → y, and the argument of the nonlinearity if saved.
    Linear {
        /// Whether a bias is added.
        bias: bool,
        /// What follows.
        epilogue: Epilogue,
    },
    /// `c · f'(x)`. (a, b, x) → dx.
    ActivationGrad(Activation),
    /// Gradients of a weight and its bias. (x, dy) → dw, db.
    WeightBias,
}

impl Variant {
    /// The product itself. (a, b) → y.
    pub const PLAIN: Self = Self::Linear { bias: false, epilogue: Epilogue::None };
}

/// `op(a)·op(b)`, M×K times K×N.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct MatMul {
    /// Rows of the product.
    pub m: usize,
    /// Columns of the product.
    pub n: usize,
    /// Terms of each sum.
    pub k: usize,
    /// a is stored K×M.
    pub ta: bool,
    /// b is stored N×K.
    pub tb: bool,
    /// What becomes of the product.
    pub variant: Variant,
}

/// Rows and columns of a thread.
const TILE: u32 = 8;

/// The launch of a product.
///
/// # Errors
/// When an operand is empty or too large, or there are too many workgroups.
pub fn launch(spec: &MatMul, target: Target) -> Result<Launch, KernelError> {
    let stem = KERNEL.stem;
    elements(stem, "a", &[spec.m, spec.k])?;
    elements(stem, "b", &[spec.k, spec.n])?;
    elements(stem, "y", &[spec.m, spec.n])?;
    let [m, n, k] = [spec.m as u32, spec.n as u32, spec.k as u32];
    let (entry, f, drop) = entry(spec.variant);
    // Only with Aᵀ, whose sums run over the rows of a batch anyway. Elsewhere a row's sum must not depend on how many rows
    // there are: a sequence gets the same logits alone and in a batch.
    let shared = spec.ta && WEIGHT_GRAD.entries.iter().any(|e| e.name == entry);
    let split = if shared { slices(m, n, k, target) } else { None };
    let (kernel, [wx, wy, slices]) = match split {
        Some(shape) => (&WEIGHT_GRAD, shape),
        None => (&KERNEL, workgroup(m, n, target)),
    };
    let mut constants: Vec<(&'static str, Const)> = vec![
        ("M", m.into()),
        ("N", n.into()),
        ("K", k.into()),
        ("A_ROW", if spec.ta { 1 } else { k }.into()),
        ("A_DEPTH", if spec.ta { m } else { 1 }.into()),
        ("B_DEPTH", if spec.tb { 1 } else { n }.into()),
        ("B_COLUMN", if spec.tb { k } else { 1 }.into()),
        ("SUM_COLUMNS", matches!(spec.variant, Variant::WeightBias).into()),
        ("SLICES", slices.into()),
        ("WX", wx.into()),
        ("WY", wy.into()),
    ];
    constants.extend(f.map(activation::constant));
    constants.extend(dropout::optional(drop));
    let grid = axes(kernel.stem, [n.div_ceil(TILE * wx).into(), m.div_ceil(TILE * wy).into(), 1])?;
    let flops = 2 * u64::from(m) * u64::from(n) * u64::from(k);
    Ok(Launch::new(kernel, entry, constants, grid, flops)?.at_site(drop))
}

/// The entry point of a variant, its nonlinearity and its dropout.
const fn entry(variant: Variant) -> (&'static str, Option<Activation>, Option<Dropout>) {
    match variant {
        Variant::Linear { bias: false, epilogue: Epilogue::None } => ("plain", None, None),
        Variant::Linear { bias: true, epilogue: Epilogue::None } => ("bias", None, None),
        Variant::Linear { bias: false, epilogue: Epilogue::Activation { f, save: false } } => {
            ("activation", Some(f), None)
        }
        Variant::Linear { bias: false, epilogue: Epilogue::Activation { f, save: true } } => {
            ("activation_save", Some(f), None)
        }
        Variant::Linear { bias: true, epilogue: Epilogue::Activation { f, save: false } } => {
            ("bias_activation", Some(f), None)
        }
        Variant::Linear { bias: true, epilogue: Epilogue::Activation { f, save: true } } => {
            ("bias_activation_save", Some(f), None)
        }
        Variant::Linear { bias: false, epilogue: Epilogue::Residual { dropout } } => ("residual", None, dropout),
        Variant::Linear { bias: true, epilogue: Epilogue::Residual { dropout } } => ("bias_residual", None, dropout),
        Variant::ActivationGrad(f) => ("activation_grad", Some(f), None),
        Variant::WeightBias => ("weight_bias", None, None),
    }
}

/// Threads along columns and rows, and one slice: of the shapes that suit the target the one that computes least beyond
/// the edges, the earlier on a tie.
fn workgroup(m: u32, n: u32, target: Target) -> [u32; 3] {
    let shapes: &[[u32; 3]] = match target {
        Target::Gpu => &[[16, 4, 1], [8, 8, 1], [4, 16, 1], [2, 32, 1], [1, 64, 1]],
        // All lanes along one axis: what they share is then loaded once.
        Target::Software => &[[8, 1, 1], [1, 8, 1]],
    };
    let computed = |&[wx, wy, _]: &[u32; 3]| {
        let columns = u64::from(n.next_multiple_of(TILE * wx));
        columns * u64::from(m.next_multiple_of(TILE * wy))
    };
    // `min_by_key` keeps the first of equals.
    shapes.iter().copied().min_by_key(computed).unwrap_or([8, 1, 1])
}

/// Workgroups that keep a large GPU busy.
const BUSY: u64 = 256;

/// Threads along columns and rows, and slices, for a product that leaves a GPU idle otherwise: few tiles, long sums.
fn slices(m: u32, n: u32, k: u32, target: Target) -> Option<[u32; 3]> {
    let groups = |[wx, wy, _]: [u32; 3]| u64::from(n.div_ceil(TILE * wx)) * u64::from(m.div_ceil(TILE * wy));
    let wide = [4, 4, 4];
    match target {
        Target::Software => None,
        // Below, the last sum over slices costs as much as the product.
        Target::Gpu if k < 64 || groups(workgroup(m, n, target)) >= BUSY => None,
        Target::Gpu if groups(wide) >= BUSY / 2 => Some(wide),
        Target::Gpu => Some([4, 2, 8]),
    }
}
