/// How parameters follow their gradients. Data: `plan` lowers it to launches, `reference` interprets it.
///
/// Learning rate and bias corrections arrive with each step. Constants are f64, so that the interpreter can be held to
/// PyTorch's f64; kernels round them.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Optimizer {
    /// The rule.
    pub kind: OptimizerKind,
    /// Largest global L2 norm of the gradient: it is scaled by `min(1, clip/(norm + 1e-6))`. `None` does not clip.
    pub clip: Option<f64>,
}

/// An update rule.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum OptimizerKind {
    /// Adam with decoupled weight decay (Loshchilov & Hutter 2019), as in PyTorch:
    /// `p -= lr·wd·p` for parameters with the decay flag, then `p -= lr·m̂/(√v̂ + ε)`.
    AdamW {
        /// Decay of the first moment.
        beta1: f64,
        /// Decay of the second moment.
        beta2: f64,
        /// ε, added after the square root.
        eps: f64,
        /// Weight decay.
        weight_decay: f64,
    },
}
