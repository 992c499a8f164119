//! From nodes to launches: one arm an operation.

use super::buffers::{DerivedInput, PlanError};
use super::content::{Content, Emitted};
use crate::ir::{Attention, Dropout, Epilogue, Fused, Graph, InputId, Mask, Node, NormKind, Op, ValueId};
use crate::kernels::attention::{self, Heads};
use crate::kernels::matmul::{self, MatMul, Variant};
use crate::kernels::{Launch, Target, cross_entropy, elementwise, embedding, norm, rows, sum};

/// Launches in order, what they touch, and what the host has to provide.
#[derive(Debug, Default)]
pub(super) struct Lowered {
    pub launches: Vec<Emitted>,
    /// Bytes of each [`Content::Scratch`].
    pub scratch: Vec<u64>,
    /// Host data in order of first need.
    pub derived: Vec<(InputId, DerivedInput)>,
    /// Constants: value and number.
    pub constants: Vec<(ValueId, f32)>,
}

/// Lowers every node of `graph`.
pub(super) fn lower(graph: &Graph, target: Target) -> Result<Lowered, PlanError> {
    let mut lowering = Lowering { graph, target, out: Lowered::default(), scope: String::new() };
    for node in &graph.nodes {
        lowering.scope.clone_from(&node.scope);
        lowering.node(node)?;
    }
    Ok(lowering.out)
}

struct Lowering<'a> {
    graph: &'a Graph,
    target: Target,
    out: Lowered,
    scope: String,
}

impl Lowering<'_> {
    fn node(&mut self, node: &Node) -> Result<(), PlanError> {
        let t = self.target;
        let (i, o) = (&node.inputs, &node.outputs);
        let direct: Vec<Content> = i.iter().chain(o).map(|&v| self.content(v)).collect();
        let n = o.first().map_or(1, |&v| self.elements(v));
        match &node.op {
            Op::Param(_) | Op::Input(_) => {}
            Op::Fill { value } => self.out.constants.push((o[0], *value)),
            Op::Embedding => {
                let [v, d] = self.matrix(i[0]);
                self.emit(embedding::forward(v, d, self.elements(i[1]), t)?, direct);
            }
            Op::EmbeddingGrad { rows } => {
                let list = self.positions(node, i[0], *rows)?;
                let [n, d] = self.matrix(i[1]);
                let operands = vec![list, self.content(i[1]), self.content(o[0])];
                self.emit(embedding::grad(*rows, d, n, t)?, operands);
            }
            Op::AddRows { period } => {
                let [n, d] = self.matrix(i[0]);
                self.emit(rows::add(n, d, *period, self.graph.ty(i[1]).shape.rows(), t)?, direct);
            }
            Op::SumRows { period, table_rows } => {
                let [n, d] = self.matrix(i[0]);
                self.emit(rows::sum(n, d, *period, table_rows.unwrap_or(1), t)?, direct);
            }
            Op::MatMul { ta, tb } => {
                self.matmul([*ta, *tb], i[0], i[1], Variant::Plain, direct)?;
            }
            Op::Add => self.emit(elementwise::add(n, t)?, direct),
            Op::Scale { factor } => self.emit(elementwise::scale(n, *factor, t)?, direct),
            Op::Activation(f) => self.emit(elementwise::activation(n, *f, t)?, direct),
            Op::ActivationGrad(f) => self.emit(elementwise::activation_grad(n, *f, t)?, direct),
            Op::Dropout(d) => {
                let [rows, columns] = self.matrix(i[0]);
                self.emit(elementwise::dropout(rows, columns, *d, t)?, direct);
            }
            Op::Norm { kind, eps } => {
                let [n, d] = self.matrix(i[0]);
                self.emit(norm::forward(n, d, *kind, *eps, i.len() == 3, t)?, direct);
            }
            Op::NormGrad { kind } => self.norm_grad(i[0], *kind, false, direct)?,
            Op::NormParamGrad { beta } => {
                let [n, d] = self.matrix(i[0]);
                self.emit(norm::param_grad(n, d, *beta, t)?, direct);
            }
            Op::Attention(a) => {
                let heads = self.heads(a, i[0], i.len() == 2);
                self.emit(attention::forward(&heads, t)?, direct);
            }
            Op::AttentionGrad(a) => self.attention_grad(a, node)?,
            Op::AttentionProbs(a) => {
                let heads = self.heads(a, i[0], i.len() == 3);
                self.emit(attention::probs(&heads, t)?, direct);
            }
            Op::CrossEntropy { smoothing } => {
                let [n, v] = self.matrix(i[0]);
                let rows = self.scratch(n as u64 * 4);
                let reads = i.iter().map(|&v| self.content(v));
                let operands = reads.chain([rows]).collect();
                self.emit(cross_entropy::rows(n, v, *smoothing, t)?, operands);
                self.emit(sum::total(n, t)?, vec![rows, self.content(o[0])]);
            }
            Op::CrossEntropyGrad { smoothing } => {
                let [n, v] = self.matrix(i[0]);
                self.emit(cross_entropy::grad(n, v, *smoothing, t)?, direct);
            }
            Op::Fused(fused) => self.fused(fused, node, direct)?,
        }
        Ok(())
    }

    fn fused(&mut self, fused: &Fused, node: &Node, direct: Vec<Content>) -> Result<(), PlanError> {
        let (i, o) = (&node.inputs, &node.outputs);
        match *fused {
            Fused::Linear { ta, tb, bias, epilogue } => {
                let variant = match epilogue {
                    Epilogue::None => Variant::Bias,
                    Epilogue::Activation { f, save } => Variant::Activation { bias, f, save },
                    Epilogue::Residual { dropout } => Variant::Residual { bias, dropout },
                };
                self.matmul([ta, tb], i[0], i[1], variant, direct)?;
            }
            Fused::MatMulActivationGrad { tb, f } => {
                self.matmul([false, tb], i[0], i[1], Variant::ActivationGrad { f }, direct)?;
            }
            Fused::WeightBiasGrad => {
                self.matmul([true, false], i[0], i[1], Variant::WeightBias, direct)?;
            }
            Fused::NormGradAdd { kind } => self.norm_grad(i[0], kind, true, direct)?,
            Fused::EmbeddingGradAdd { rows } => {
                let list = self.positions(node, i[1], rows)?;
                let [n, d] = self.matrix(i[2]);
                let operands = vec![self.content(i[0]), list, self.content(i[2]), self.content(o[0])];
                self.emit(embedding::grad_add(rows, d, n, self.target)?, operands);
            }
            Fused::CrossEntropyBoth { smoothing } => {
                let [n, v] = self.matrix(i[0]);
                let rows = self.scratch(n as u64 * 4);
                let operands = i.iter().map(|&v| self.content(v)).chain([rows, self.content(o[1])]).collect();
                self.emit(cross_entropy::both(n, v, smoothing, self.target)?, operands);
                self.emit(sum::total(n, self.target)?, vec![rows, self.content(o[0])]);
            }
        }
        Ok(())
    }

    fn matmul(
        &mut self,
        [ta, tb]: [bool; 2],
        a: ValueId,
        b: ValueId,
        variant: Variant,
        operands: Vec<Content>,
    ) -> Result<(), PlanError> {
        let ([ar, ac], [br, bc]) = (self.matrix(a), self.matrix(b));
        let (m, k) = if ta { (ac, ar) } else { (ar, ac) };
        let n = if tb { br } else { bc };
        let launch = matmul::launch(&MatMul { m, n, k, ta, tb, variant }, self.target)?;
        self.emit(launch, operands);
        Ok(())
    }

    fn norm_grad(
        &mut self,
        x: ValueId,
        kind: NormKind,
        residual: bool,
        operands: Vec<Content>,
    ) -> Result<(), PlanError> {
        let [n, d] = self.matrix(x);
        let launch =
            if residual { norm::grad_add(n, d, kind, self.target) } else { norm::grad(n, d, kind, self.target) }?;
        self.emit(launch, operands);
        Ok(())
    }

    /// Two launches write disjoint columns of dqkv; the first also leaves `rowsum(do·o)` for the second.
    fn attention_grad(&mut self, a: &Attention, node: &Node) -> Result<(), PlanError> {
        let i = &node.inputs;
        let masked = i.len() == 5;
        let heads = self.heads(a, i[0], masked);
        let rowsum = self.scratch((heads.batch * heads.heads * heads.time) as u64 * 4);
        let inputs: Vec<Content> = i.iter().map(|&v| self.content(v)).collect();
        let out = self.content(node.outputs[0]);
        let queries = inputs.iter().copied().chain([out, rowsum]).collect();
        self.emit(attention::grad_queries(&heads, self.target)?, queries);
        let o = inputs.len() - 3;
        let keys = inputs.iter().copied().enumerate().filter(|&(at, _)| at != o).map(|(_, c)| c);
        let keys = keys.chain([rowsum, out]).collect();
        self.emit(attention::grad_keys(&heads, self.target)?, keys);
        Ok(())
    }

    fn heads(&self, a: &Attention, qkv: ValueId, masked: bool) -> Heads {
        let dims = self.graph.ty(qkv).shape.dims();
        let (batch, time, width) = (dims[0], dims[1], dims[2] / 3);
        Heads {
            batch,
            time,
            heads: a.heads,
            head_dim: width / a.heads,
            causal: a.mask == Mask::Causal,
            scale: a.scale,
            dropout: a.dropout.filter(|d: &Dropout| d.p > 0.0),
            masked,
        }
    }

    fn positions(&mut self, node: &Node, ids: ValueId, rows: usize) -> Result<Content, PlanError> {
        let Op::Input(input) = self.graph.producer(ids).op else {
            return Err(PlanError::Unsupported {
                op: node.op.name(),
                scope: node.scope.clone(),
                what: "the ids of an embedding gradient must be an input, because the host sorts them",
            });
        };
        Ok(self.derived(input, DerivedInput::SortedPositions { rows: rows as u32 }))
    }

    fn derived(&mut self, input: InputId, derived: DerivedInput) -> Content {
        if !self.out.derived.contains(&(input, derived)) {
            self.out.derived.push((input, derived));
        }
        Content::Derived(input, derived)
    }

    fn content(&mut self, value: ValueId) -> Content {
        match self.graph.producer(value).op {
            Op::Input(input) => self.derived(input, DerivedInput::Direct),
            _ => Content::Value(value),
        }
    }

    fn scratch(&mut self, bytes: u64) -> Content {
        self.out.scratch.push(bytes);
        Content::Scratch(self.out.scratch.len() as u32 - 1)
    }

    fn emit(&mut self, launch: Launch, operands: Vec<Content>) {
        self.out.launches.push(Emitted { launch, operands, scope: self.scope.clone() });
    }

    fn matrix(&self, value: ValueId) -> [usize; 2] {
        let shape = &self.graph.ty(value).shape;
        [shape.rows(), shape.columns()]
    }

    fn elements(&self, value: ValueId) -> usize {
        self.graph.ty(value).shape.elements()
    }
}
