use super::{Activation, Builder, Dropout, IrError, NormKind, Op, ValueId};

/// What a matrix product does to its result before storing it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Epilogue {
    /// Nothing more. Outputs: y.
    None,
    /// A nonlinearity. Outputs: y and, if `save`, its argument for the backward pass.
    Activation {
        /// The nonlinearity.
        f: Activation,
        /// Whether the argument is needed later.
        save: bool,
    },
    /// Dropout, then the residual stream is added. Takes the residual as last input. Outputs: y.
    Residual {
        /// Dropout on the branch.
        dropout: Option<Dropout>,
    },
}

/// Operations that [`crate::passes`] merge. Each is *defined* by the primitive subgraph of [`Fused::define`]: the
/// interpreter runs that, and tests compare the kernels with it.
#[derive(Clone, PartialEq, Debug)]
pub enum Fused {
    /// `epilogue(op(a)·op(b) + bias)`. (a, b, bias if any, residual if any) → per epilogue.
    Linear {
        /// Use `aᵀ`.
        ta: bool,
        /// Use `bᵀ`.
        tb: bool,
        /// Whether there is a bias `[N]`.
        bias: bool,
        /// What follows.
        epilogue: Epilogue,
    },
    /// `(a·op(b)) · f'(x)`: the gradient through a layer and the nonlinearity before it. (a, b, x) → like x.
    MatMulActivationGrad {
        /// Use `bᵀ`.
        tb: bool,
        /// The nonlinearity.
        f: Activation,
    },
    /// Gradients of a weight `[in,out]` and its bias. (x `[..,in]`, dy `[..,out]`) → `[in,out]`, `[out]`.
    WeightBiasGrad,
    /// Gradient of a norm plus the gradient that goes round it. (x, γ, statistics, dy, residual) → like x.
    NormGradAdd {
        /// Which statistics.
        kind: NormKind,
    },
    /// Gradient of a table that is used twice. (other `[V,D]`, ids, dy) → `[V,D]`.
    EmbeddingGradAdd {
        /// V.
        rows: usize,
        /// As in [`Op::Embedding`].
        padding: Option<u32>,
    },
    /// Loss and its gradient in one reading of the logits, for dloss = 1. (logits, targets, weights) → `[1]`, `[..,V]`.
    CrossEntropyBoth {
        /// ε of label smoothing.
        smoothing: f64,
    },
}

impl Fused {
    /// The name in texts, labels and errors.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Linear { .. } => "linear",
            Self::MatMulActivationGrad { .. } => "matmul_activation_grad",
            Self::WeightBiasGrad => "weight_bias_grad",
            Self::NormGradAdd { .. } => "norm_grad_add",
            Self::EmbeddingGradAdd { .. } => "embedding_grad_add",
            Self::CrossEntropyBoth { .. } => "cross_entropy_both",
        }
    }

    /// Appends the primitive subgraph that this stands for; returns its outputs in order.
    ///
    /// # Errors
    /// As [`Builder::push`], when the inputs do not fit.
    pub fn define(&self, b: &mut Builder, inputs: &[ValueId]) -> Result<Vec<ValueId>, IrError> {
        let missing = || IrError::Arity { op: self.name(), scope: String::new(), found: inputs.len() };
        let at = |i: usize| inputs.get(i).copied().ok_or_else(missing);
        Ok(match *self {
            Self::Linear { ta, tb, bias, epilogue } => {
                let mut next = 2;
                let mut y = b.push(Op::MatMul { ta, tb }, &[at(0)?, at(1)?])?;
                if bias {
                    y = b.push(Op::AddRows { period: 1, first: 0 }, &[y, at(next)?])?;
                    next += 1;
                }
                match epilogue {
                    Epilogue::None => vec![y],
                    Epilogue::Activation { f, save } => {
                        let out = b.push(Op::Activation(f), &[y])?;
                        if save { vec![out, y] } else { vec![out] }
                    }
                    Epilogue::Residual { dropout } => {
                        if let Some(dropout) = dropout {
                            y = b.push(Op::Dropout(dropout), &[y])?;
                        }
                        vec![b.push(Op::Add, &[y, at(next)?])?]
                    }
                }
            }
            Self::MatMulActivationGrad { tb, f } => {
                let dy = b.push(Op::MatMul { ta: false, tb }, &[at(0)?, at(1)?])?;
                vec![b.push(Op::ActivationGrad(f), &[at(2)?, dy])?]
            }
            Self::WeightBiasGrad => vec![
                b.push(Op::MatMul { ta: true, tb: false }, &[at(0)?, at(1)?])?,
                b.push(Op::SumRows { period: 1, first: 0, table_rows: None }, &[at(1)?])?,
            ],
            Self::NormGradAdd { kind } => {
                let dx = b.push(Op::NormGrad { kind }, &[at(0)?, at(1)?, at(2)?, at(3)?])?;
                vec![b.push(Op::Add, &[dx, at(4)?])?]
            }
            Self::EmbeddingGradAdd { rows, padding } => {
                let scattered = b.push(Op::EmbeddingGrad { rows, padding }, &[at(1)?, at(2)?])?;
                vec![b.push(Op::Add, &[at(0)?, scattered])?]
            }
            Self::CrossEntropyBoth { smoothing } => {
                let (logits, targets, weights) = (at(0)?, at(1)?, at(2)?);
                let one = b.push(Op::Fill { value: 1.0 }, &[])?;
                vec![
                    b.push(Op::CrossEntropy { smoothing }, &[logits, targets, weights])?,
                    b.push(Op::CrossEntropyGrad { smoothing }, &[logits, targets, weights, one])?,
                ]
            }
        })
    }
}
