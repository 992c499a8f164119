use super::{Attention, InputId, ParamId, Shape, StateId, Table, fused::Fused};

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
    /// `tanh(x)`: the pooler of BERT.
    Tanh,
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
            Self::Tanh => "tanh",
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

/// A loss of numbers, element by element.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ElementLoss {
    /// `(x - y)²`: regression.
    Squared,
    /// `ln(1 + eˣ) - x·y`: binary cross-entropy of a logit, for labels that do not exclude each other.
    Logistic,
}

impl ElementLoss {
    /// The name in texts.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Squared => "squared",
            Self::Logistic => "logistic",
        }
    }
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
    /// Constant data, known with the graph. () → its type.
    Table(Table),
    /// Row lookup. (table `[V,D]`, ids `[..]`) → `[..,D]`. The ids are an input or a table.
    Embedding {
        /// The gradient of lookups of this id is dropped: PyTorch's `padding_idx`.
        padding: Option<u32>,
    },
    /// Gradient of the lookup: sums the rows of each id. (ids `[..]`, dy `[..,D]`) → `[V,D]`.
    EmbeddingGrad {
        /// V.
        rows: usize,
        /// As in [`Op::Embedding`].
        padding: Option<u32>,
    },
    /// Adds row `first + i mod period` of a table to row i: a bias (`period` 1, table `[D]`) or positions (table `[P,D]`).
    /// (x `[..,D]`, table) → `[..,D]`.
    AddRows {
        /// How many rows of the table are used.
        period: usize,
        /// The first of them.
        first: usize,
    },
    /// Gradient of [`Op::AddRows`] for its table: row `first + r` sums the rows `r, r + period, …`, rows that were not used
    /// get 0. (dy `[..,D]`) → `[D]` or `[P,D]`.
    SumRows {
        /// As in [`Op::AddRows`].
        period: usize,
        /// As in [`Op::AddRows`].
        first: usize,
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
        factor: f64,
    },
    /// The same elements in order, under another shape; no work. (x) → shape.
    Reshape {
        /// As many elements as x has.
        shape: Shape,
    },
    /// Some of the columns. (x `[..,D]`) → `[..,count]`.
    Columns {
        /// The first of them.
        start: usize,
        /// How many.
        count: usize,
    },
    /// Gradient of [`Op::Columns`]: zeros around. (x `[..,count]`) → `[..,width]`.
    PadColumns {
        /// Where x starts.
        start: usize,
        /// D.
        width: usize,
    },
    /// Turns pairs of columns by an angle that depends on the position (Su et al. 2021, in GPT-NeoX's layout: column i of a
    /// head goes with column `i + E/2`). (x `[..,T,D]`, angles `[T,E]` or one row for each row of x: E/2 cosines, then E/2
    /// sines) → same shape. The first `heads·E` columns turn, the others stay.
    Rotate {
        /// Heads that turn.
        heads: usize,
        /// Turns back: the gradient.
        inverse: bool,
    },
    /// Pointwise nonlinearity. (x) → same shape.
    Activation(Activation),
    /// `f(a)·b` for x = (a, b) side by side (Shazeer 2020). (x `[..,2F]`) → `[..,F]`.
    Gated(Activation),
    /// Gradient of [`Op::Gated`]. (x `[..,2F]`, dy `[..,F]`) → `[..,2F]`.
    GatedGrad(Activation),
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
    /// Softmax attention. (inputs as [`Attention`] says) → o `[B,Tq,H·E]`, log-sum-exp `[B,H,Tq]`. A query that sees no key
    /// gets o = 0 and lse = -1e30.
    Attention(Attention),
    /// Its gradients. (inputs, o, lse, do) → one for each projection, then one for a learned bias.
    AttentionGrad(Attention),
    /// The probabilities themselves, without dropout, for people to look at. (inputs, lse) → `[B,H,Tq,Tk]`.
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
    /// `Σ weight·loss(x, y)`. (x `[..]`, targets f32 like x, weights like x) → `[1]`.
    ElementLoss(ElementLoss),
    /// Gradient for x. (x, targets, weights, dloss `[1]`) → like x.
    ElementLossGrad(ElementLoss),
    /// What a state holds. () → its type.
    State(StateId),
    /// Replaces a state. (x like the state) → the state as it is then.
    Store(StateId),
    /// Writes one row of each sequence of a state `[B,T,D]`. (x `[B,1,D]`, position u32 `[1]`) → the state as it is then.
    Append(StateId),
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
            Self::Table(_) => "table",
            Self::Embedding { .. } => "embedding",
            Self::EmbeddingGrad { .. } => "embedding_grad",
            Self::AddRows { .. } => "add_rows",
            Self::SumRows { .. } => "sum_rows",
            Self::MatMul { .. } => "matmul",
            Self::Add => "add",
            Self::Scale { .. } => "scale",
            Self::Reshape { .. } => "reshape",
            Self::Columns { .. } => "columns",
            Self::PadColumns { .. } => "pad_columns",
            Self::Rotate { .. } => "rotate",
            Self::Activation(_) => "activation",
            Self::Gated(_) => "gated",
            Self::GatedGrad(_) => "gated_grad",
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
            Self::ElementLoss(_) => "element_loss",
            Self::ElementLossGrad(_) => "element_loss_grad",
            Self::State(_) => "state",
            Self::Store(_) => "store",
            Self::Append(_) => "append",
            Self::Fused(fused) => fused.name(),
        }
    }
}
