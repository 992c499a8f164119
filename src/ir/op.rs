use super::{InputId, ParamId, fused::Fused};

/// A pointwise nonlinearity.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Activation {
    /// `x/2 · (1 + tanh(√(2/π)(x + 0.044715 x³)))`: Hugging Face's `gelu_new`.
    GeluTanh,
    /// `x/2 · (1 + erf(x/√2))`: Hugging Face's `gelu`.
    GeluErf,
    /// `max(x, 0)`.
    Relu,
    /// `x · sigmoid(x)`.
    Silu,
}

impl Activation {
    /// The name in texts.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::GeluTanh => "gelu_tanh",
            Self::GeluErf => "gelu_erf",
            Self::Relu => "relu",
            Self::Silu => "silu",
        }
    }
}

/// Which statistics a normalization removes.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum NormKind {
    /// Mean and variance (Ba et al. 2016): `(x - μ)/√(σ² + ε)·γ + β`, σ² biased.
    Layer,
    /// The root mean square alone (Zhang & Sennrich 2019): `x/√(mean x² + ε)·γ`.
    Rms,
}

/// Which keys a query may attend to, before padding.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mask {
    /// All of them.
    Full,
    /// `k ≤ q`.
    Causal,
}

/// Dropout at one site of the model. The mask is a function of (element, site, step, seed), never stored.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Dropout {
    /// The probability that an element becomes 0; the others are divided by `1 - p`.
    pub p: f32,
    /// Tells the sites of one model apart.
    pub site: u32,
}

impl Dropout {
    /// An element is kept when its random word is at least this: p·2³².
    #[must_use]
    pub fn threshold(self) -> u32 {
        // The cast saturates: p = 1 drops all but one word in 2³².
        (f64::from(self.p) * 4_294_967_296.0) as u32
    }
}

/// Multi-head self-attention over a packed projection.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Attention {
    /// Number of heads H; a head is a contiguous slice of D/H columns.
    pub heads: usize,
    /// Structural mask.
    pub mask: Mask,
    /// Multiplies `q·k`.
    pub scale: f32,
    /// Dropout on the probabilities.
    pub dropout: Option<Dropout>,
}

/// An operation. Shapes below are (inputs) → outputs, with N rows meaning "all leading axes".
#[derive(Clone, PartialEq, Debug)]
pub enum Op {
    /// A trainable tensor. () → its shape.
    Param(ParamId),
    /// Data of the step. () → its type.
    Input(InputId),
    /// A constant scalar. () → `[1]`.
    Fill {
        /// The constant.
        value: f32,
    },
    /// Row lookup. (table `[V,D]`, ids `[..]`) → `[..,D]`.
    Embedding,
    /// Gradient of the lookup: sums the rows of each id. (ids `[..]`, dy `[..,D]`) → `[V,D]`.
    EmbeddingGrad {
        /// V.
        rows: usize,
    },
    /// Adds row `i mod period` of a table to row i: a bias (`period` 1, table `[D]`) or positions (table `[P,D]`).
    /// (x `[..,D]`, table) → `[..,D]`.
    AddRows {
        /// How many rows of the table are used.
        period: usize,
    },
    /// Gradient of [`Op::AddRows`] for its table: sums rows `r, r + period, …`; table rows past the period get 0.
    /// (dy `[..,D]`) → `[D]` or `[P,D]`.
    SumRows {
        /// As in [`Op::AddRows`].
        period: usize,
        /// P, or `None` for a table of rank 1.
        table_rows: Option<usize>,
    },
    /// `op(a)·op(b)`, operands seen as matrices. (a, b) → `[..,N]`, or `[M,N]` when `a` is transposed.
    MatMul {
        /// Use `aᵀ`.
        ta: bool,
        /// Use `bᵀ`.
        tb: bool,
    },
    /// Elementwise sum. (a, b) → same shape.
    Add,
    /// Product with a constant. (x) → same shape.
    Scale {
        /// The constant.
        factor: f32,
    },
    /// Pointwise nonlinearity. (x) → same shape.
    Activation(Activation),
    /// `dy · f'(x)`. (x, dy) → same shape.
    ActivationGrad(Activation),
    /// Zeroes elements at random; its own gradient. (x) → same shape.
    Dropout(Dropout),
    /// Normalization over the innermost axis. (x `[..,D]`, γ `[D]`, optional β `[D]`) → y `[..,D]`, statistics `[N,2]`
    /// (mean, 1/√(variance + ε); the mean is 0 for RMS).
    Norm {
        /// Which statistics.
        kind: NormKind,
        /// ε.
        eps: f64,
    },
    /// Gradient for x. (x, γ, statistics, dy) → `[..,D]`.
    NormGrad {
        /// Which statistics.
        kind: NormKind,
    },
    /// Gradient for γ and, where there is one, β. (x, statistics, dy) → `[D]`, or `[D]`, `[D]`.
    NormParamGrad {
        /// Whether there is a β.
        beta: bool,
    },
    /// Softmax attention. (qkv `[B,T,3D]`, optional key mask u32 `[B,T]`, 1 = visible) → o `[B,T,D]`, log-sum-exp
    /// `[B,H,T]`. A query that sees no key gets o = 0 and lse = -1e30.
    Attention(Attention),
    /// Gradient for qkv. (qkv, optional key mask, o, lse, do) → `[B,T,3D]`.
    AttentionGrad(Attention),
    /// The probabilities themselves, without dropout, for people to look at.
    /// (qkv, optional key mask, lse) → `[B,H,T,T]`, rows are queries.
    AttentionProbs(Attention),
    /// `Σ weight·CE`, CE in nats with torch's label smoothing. (logits `[..,V]`, targets u32 `[..]`, weights `[..]`) →
    /// `[1]`. A weight of 0 ignores a row; weights that sum to 1 give the mean.
    CrossEntropy {
        /// ε of label smoothing.
        smoothing: f64,
    },
    /// Gradient for the logits. (logits, targets, weights, dloss `[1]`) → `[..,V]`.
    CrossEntropyGrad {
        /// ε of label smoothing.
        smoothing: f64,
    },
    /// Several operations in one launch; only passes create these.
    Fused(Fused),
}

impl Op {
    /// The name in texts, labels and errors.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Param(_) => "param",
            Self::Input(_) => "input",
            Self::Fill { .. } => "fill",
            Self::Embedding => "embedding",
            Self::EmbeddingGrad { .. } => "embedding_grad",
            Self::AddRows { .. } => "add_rows",
            Self::SumRows { .. } => "sum_rows",
            Self::MatMul { .. } => "matmul",
            Self::Add => "add",
            Self::Scale { .. } => "scale",
            Self::Activation(_) => "activation",
            Self::ActivationGrad(_) => "activation_grad",
            Self::Dropout(_) => "dropout",
            Self::Norm { .. } => "norm",
            Self::NormGrad { .. } => "norm_grad",
            Self::NormParamGrad { .. } => "norm_param_grad",
            Self::Attention(_) => "attention",
            Self::AttentionGrad(_) => "attention_grad",
            Self::AttentionProbs(_) => "attention_probs",
            Self::CrossEntropy { .. } => "cross_entropy",
            Self::CrossEntropyGrad { .. } => "cross_entropy_grad",
            Self::Fused(fused) => fused.name(),
        }
    }
}
