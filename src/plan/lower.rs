//! From nodes to launches: one arm an operation.

use super::buffers::{DerivedInput, PlanError};
use super::content::{Content, Emitted};
use crate::ir::{Attention, AttentionShape, Bias, Fused, Graph, InputId, Node, NormKind, Op, Type, ValueId};
use crate::kernels::cross_entropy::{self, CrossEntropy};
use crate::kernels::embedding::{self, Lookup};
use crate::kernels::matmul::{self, MatMul, Variant};
use crate::kernels::norm::{self, Norm};
use crate::kernels::rows::{self, Table};
use crate::kernels::{Launch, Target, attention, elementwise, sum};

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
            Op::Embedding { .. } => {
                let [rows, columns] = self.matrix(i[0]);
                let lookup = Lookup { rows, columns, count: self.elements(i[1]) };
                self.emit(embedding::forward(&lookup, t)?, direct);
            }
            Op::EmbeddingGrad { rows, .. } => {
                let list = self.positions(node, i[0], *rows)?;
                let [count, columns] = self.matrix(i[1]);
                let operands = vec![list, self.content(i[1]), self.content(o[0])];
                self.emit(embedding::grad(&Lookup { rows: *rows, columns, count }, t)?, operands);
            }
            Op::AddRows { period, .. } => {
                let table = self.table(i[0], *period, self.graph.ty(i[1]).shape.rows());
                self.emit(rows::add(&table, t)?, direct);
            }
            Op::SumRows { period, table_rows, .. } => {
                let table = self.table(i[0], *period, table_rows.unwrap_or(1));
                self.emit(rows::sum(&table, t)?, direct);
            }
            Op::MatMul { ta, tb } => {
                self.matmul([*ta, *tb], i[0], i[1], Variant::PLAIN, direct)?;
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
                self.emit(norm::forward(&self.norm(i[0], *kind), *eps, i.len() == 3, t)?, direct);
            }
            Op::NormGrad { kind } => self.norm_grad(i[0], *kind, false, direct)?,
            Op::NormParamGrad { beta } => {
                let shape = self.norm(i[0], NormKind::Layer);
                self.emit(norm::param_grad(&shape, *beta, t)?, direct);
            }
            Op::Attention(a) => {
                let shape = self.attention_shape(a, node)?;
                self.emit(attention::forward(a, shape, t)?, two_sources(a, direct));
            }
            Op::AttentionGrad(a) => self.attention_grad(a, node)?,
            Op::AttentionProbs(a) => {
                let shape = self.attention_shape(a, node)?;
                self.emit(attention::probs(a, shape, t)?, two_sources(a, direct));
            }
            Op::CrossEntropy { smoothing } => {
                let loss = self.cross_entropy(i[0], *smoothing);
                let rows = self.scratch(loss.rows as u64 * 4);
                let operands = direct[..3].iter().copied().chain([rows]).collect();
                self.emit(cross_entropy::rows(&loss, t)?, operands);
                self.emit(sum::total(loss.rows, t)?, vec![rows, direct[3]]);
            }
            Op::CrossEntropyGrad { smoothing } => {
                self.emit(cross_entropy::grad(&self.cross_entropy(i[0], *smoothing), t)?, direct);
            }
            Op::Table(_)
            | Op::Reshape { .. }
            | Op::Columns { .. }
            | Op::PadColumns { .. }
            | Op::Rotate { .. }
            | Op::Gated(_)
            | Op::GatedGrad(_)
            | Op::ElementLoss(_)
            | Op::ElementLossGrad(_)
            | Op::State(_)
            | Op::Store(_)
            | Op::Append(_) => {
                let (op, scope) = (node.op.name(), node.scope.clone());
                return Err(PlanError::Unsupported { op, scope, what: "there is no kernel yet" });
            }
            Op::Fused(fused) => self.fused(fused, node, direct)?,
        }
        Ok(())
    }

    fn fused(&mut self, fused: &Fused, node: &Node, direct: Vec<Content>) -> Result<(), PlanError> {
        let (i, o) = (&node.inputs, &node.outputs);
        match *fused {
            Fused::Linear { ta, tb, bias, epilogue } => {
                self.matmul([ta, tb], i[0], i[1], Variant::Linear { bias, epilogue }, direct)?;
            }
            Fused::MatMulActivationGrad { tb, f } => {
                self.matmul([false, tb], i[0], i[1], Variant::ActivationGrad(f), direct)?;
            }
            Fused::WeightBiasGrad => {
                self.matmul([true, false], i[0], i[1], Variant::WeightBias, direct)?;
            }
            Fused::NormGradAdd { kind } => self.norm_grad(i[0], kind, true, direct)?,
            Fused::EmbeddingGradAdd { rows, .. } => {
                let list = self.positions(node, i[1], rows)?;
                let [count, columns] = self.matrix(i[2]);
                let operands = vec![self.content(i[0]), list, self.content(i[2]), self.content(o[0])];
                self.emit(embedding::grad_add(&Lookup { rows, columns, count }, self.target)?, operands);
            }
            Fused::CrossEntropyBoth { smoothing } => {
                let loss = self.cross_entropy(i[0], smoothing);
                let rows = self.scratch(loss.rows as u64 * 4);
                let operands = direct[..3].iter().copied().chain([rows, direct[4]]).collect();
                self.emit(cross_entropy::both(&loss, self.target)?, operands);
                self.emit(sum::total(loss.rows, self.target)?, vec![rows, direct[3]]);
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
        let shape = self.norm(x, kind);
        let launch = if residual { norm::grad_add(&shape, self.target) } else { norm::grad(&shape, self.target) }?;
        self.emit(launch, operands);
        Ok(())
    }

    /// Two launches write the gradients of queries and of keys and values: disjoint columns of dqkv, or one tensor each. The
    /// second reads `rowsum(do·o)`, which the first leaves or, with a bias, both read from a launch of its own.
    fn attention_grad(&mut self, a: &Attention, node: &Node) -> Result<(), PlanError> {
        let (t, shape) = (self.target, self.attention_shape(a, node)?);
        let rowsum = self.scratch((shape.batch * a.heads * shape.queries) as u64 * 4);
        let inputs: Vec<Content> = node.inputs.iter().map(|&v| self.content(v)).collect();
        let outputs: Vec<Content> = node.outputs.iter().map(|&v| self.content(v)).collect();
        let mut sources = two_sources(a, inputs);
        let following = sources.split_off(sources.len() - 3);
        let &[o, lse, d_o] = following.as_slice() else {
            return Err(unsupported(node, "it needs o, its log-sum-exp and a gradient"));
        };
        let dq = if a.cross { outputs[0] } else { Content::Partial(node.outputs[0]) };
        let with = |rest: &[Content]| [sources.as_slice(), rest].concat();
        if a.bias == Bias::None {
            self.emit(attention::grad_queries(a, shape, t)?, with(&[o, lse, d_o, dq, rowsum]));
        } else {
            self.emit(attention::grad_deltas(a, shape, t)?, vec![o, d_o, rowsum]);
            self.emit(attention::grad_queries(a, shape, t)?, with(&[lse, d_o, rowsum, dq]));
        }
        let dkv = outputs[a.projections() - 1];
        self.emit(attention::grad_keys(a, shape, t)?, with(&[lse, d_o, rowsum, dkv]));
        if a.bias == Bias::Learned {
            let dbias = outputs[a.projections()];
            self.emit(attention::grad_bias(a, shape, t)?, with(&[lse, d_o, rowsum, dbias]));
        }
        Ok(())
    }

    fn attention_shape(&self, a: &Attention, node: &Node) -> Result<AttentionShape, PlanError> {
        let types: Vec<&Type> = node.inputs.iter().map(|&v| self.graph.ty(v)).collect();
        a.shape(&types).ok_or_else(|| unsupported(node, "its heads do not divide its projections"))
    }

    fn norm(&self, x: ValueId, kind: NormKind) -> Norm {
        let [rows, columns] = self.matrix(x);
        Norm { rows, columns, kind }
    }

    fn cross_entropy(&self, logits: ValueId, smoothing: f64) -> CrossEntropy {
        let [rows, classes] = self.matrix(logits);
        CrossEntropy { rows, classes, smoothing: smoothing as f32 }
    }

    fn table(&self, x: ValueId, period: usize, table_rows: usize) -> Table {
        let [rows, columns] = self.matrix(x);
        Table { rows, columns, period, table_rows }
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

/// The operands of an attention as its launches bind them: what queries and what keys are read from, be it one tensor.
fn two_sources(a: &Attention, mut operands: Vec<Content>) -> Vec<Content> {
    if !a.cross {
        operands.insert(0, operands[0]);
    }
    operands
}

fn unsupported(node: &Node, what: &'static str) -> PlanError {
    PlanError::Unsupported { op: node.op.name(), scope: node.scope.clone(), what }
}
