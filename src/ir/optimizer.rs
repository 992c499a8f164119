use super::Param;

/// How parameters follow their gradients. Data: `plan` lowers it to launches, `reference` interprets it.
///
/// Learning rate and the numbers of [`OptimizerKind::corrections`] arrive with each step. Constants are f64, so that the
/// interpreter can be held to PyTorch's f64; kernels round them.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Optimizer {
    /// The rule.
    pub kind: OptimizerKind,
    /// Largest global L2 norm of the gradient: it is scaled by `min(1, clip/(norm + 1e-6))`. `None` does not clip.
    pub clip: Option<f64>,
}

/// An update rule, as PyTorch has it where it does. Below, g is the clipped gradient, and `wd` is 0 for parameters without
/// the decay flag. A rule keeps at most two numbers for each element: the moments m and v.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum OptimizerKind {
    /// Adam with decoupled weight decay (Loshchilov & Hutter 2019):
    /// `p -= lr·wd·p`, then `p -= lr·m̂/(√v̂ + ε)`.
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
    /// Gradient descent with momentum as in `torch.optim.SGD`, without dampening or Nesterov:
    /// `m = momentum·m + g + wd·p`, `p -= lr·m`.
    Sgd {
        /// Share of m that stays.
        momentum: f64,
        /// Weight decay, a part of the gradient.
        weight_decay: f64,
    },
    /// Adafactor (Shazeer & Stern 2018) without first moment, relative step sizes or parameter scaling, as in
    /// `transformers.Adafactor`: with `w = t^decay_rate`, v follows `g² + ε` at the rate w, for a matrix only its means over
    /// rows (kept in m) and over columns (kept in v). `u = g/√v̂`, `p -= lr·wd·p`, `p -= lr·u/max(1, rms(u)/clip_threshold)`.
    Adafactor {
        /// ε, added to the squared gradient.
        eps: f64,
        /// Largest root mean square of an update.
        clip_threshold: f64,
        /// How fast the memory of v grows; negative.
        decay_rate: f64,
        /// Weight decay.
        weight_decay: f64,
    },
    /// Lion (Chen et al. 2023): `u = sign(β₁·m + (1-β₁)·g)`, `p -= lr·(u + wd·p)`, `m = β₂·m + (1-β₂)·g`.
    Lion {
        /// Weight of m in the update.
        beta1: f64,
        /// Decay of m.
        beta2: f64,
        /// Weight decay.
        weight_decay: f64,
    },
    /// Muon (Jordan 2024) as in `torch.optim.Muon` for the [hidden matrices](Param::is_hidden_matrix), AdamW at the same
    /// rate for the rest: `m += (1-momentum)·(g - m)`, `u = orthogonalized(g + momentum·(m - g))`, `p -= lr·wd·p`,
    /// `p -= lr·√max(1, rows/columns)·u`.
    Muon {
        /// Share of m that stays.
        momentum: f64,
        /// AdamW's β₁.
        beta1: f64,
        /// AdamW's β₂.
        beta2: f64,
        /// AdamW's ε.
        eps: f64,
        /// Weight decay of both.
        weight_decay: f64,
    },
}

/// The quintic `a·x + b·x³ + c·x⁵` by which Muon drives singular values toward 1.
pub const NEWTON_SCHULZ: [f64; 3] = [3.4445, -4.7750, 2.0315];

/// How often Muon applies it.
pub const NEWTON_SCHULZ_STEPS: usize = 5;

/// Least norm that Muon divides a matrix by.
pub const NEWTON_SCHULZ_EPS: f64 = 1e-7;

impl OptimizerKind {
    /// The rule that a parameter follows: this one, or AdamW where Muon leaves a parameter to it.
    #[must_use]
    pub fn of(self, param: &Param) -> Self {
        match self {
            Self::Muon { beta1, beta2, eps, weight_decay, .. } if !param.is_hidden_matrix() => {
                Self::AdamW { beta1, beta2, eps, weight_decay }
            }
            Self::AdamW { .. } | Self::Sgd { .. } | Self::Adafactor { .. } | Self::Lion { .. } | Self::Muon { .. } => {
                self
            }
        }
    }

    /// Weight decay.
    #[must_use]
    pub const fn weight_decay(self) -> f64 {
        match self {
            Self::AdamW { weight_decay, .. }
            | Self::Sgd { weight_decay, .. }
            | Self::Adafactor { weight_decay, .. }
            | Self::Lion { weight_decay, .. }
            | Self::Muon { weight_decay, .. } => weight_decay,
        }
    }

    /// The same rule with another weight decay.
    #[must_use]
    pub const fn with_weight_decay(mut self, value: f64) -> Self {
        match &mut self {
            Self::AdamW { weight_decay, .. }
            | Self::Sgd { weight_decay, .. }
            | Self::Adafactor { weight_decay, .. }
            | Self::Lion { weight_decay, .. }
            | Self::Muon { weight_decay, .. } => *weight_decay = value,
        }
        self
    }

    /// What the rule takes the two moments of step t by, t counted from 1: `1/(1 - β₁ᵗ)` and `1/(1 - β₂ᵗ)` for AdamW, 1 and
    /// `t^decay_rate` for Adafactor, 1 and 1 where nothing depends on t.
    #[must_use]
    pub fn corrections(self, t: u32) -> [f64; 2] {
        let t = f64::from(t);
        match self {
            Self::AdamW { beta1, beta2, .. } | Self::Muon { beta1, beta2, .. } => {
                [beta1, beta2].map(|beta| 1.0 / (1.0 - libm::pow(beta, t)))
            }
            Self::Adafactor { decay_rate, .. } => [1.0, libm::pow(t, decay_rate)],
            Self::Sgd { .. } | Self::Lion { .. } => [1.0, 1.0],
        }
    }
}

impl Param {
    /// Whether it is a matrix inside a block: of rank 2, with the decay flag, under a numbered `h`, `layer`, `layers`,
    /// `block` or `blocks`, and no embedding. These are the parameters that Muon orthogonalizes.
    #[must_use]
    pub fn is_hidden_matrix(&self) -> bool {
        let segments: Vec<&str> = self.name.split('.').collect();
        let numbered = |pair: &[&str]| {
            ["h", "layer", "layers", "block", "blocks"].contains(&pair[0])
                && !pair[1].is_empty()
                && pair[1].bytes().all(|byte| byte.is_ascii_digit())
        };
        let embedding = |name: &&str| name.contains("embed") || *name == "relative_attention_bias";
        self.decay
            && self.shape.dims().len() == 2
            && segments.windows(2).any(numbered)
            && !segments.iter().any(embedding)
    }
}
