//! From nodes to launches: one arm an operation.

use super::buffers::{DerivedInput, PlanError};
use super::constants;
use super::content::{Content, Emitted};
use super::resolve::Resolved;
use crate::ir::{Attention, AttentionShape, Bias, Fused, Graph, InputId, Node, NormKind, Op, Type, ValueId};
use crate::kernels::columns::{self, Range};
use crate::kernels::cross_entropy::{self, CrossEntropy};
use crate::kernels::embedding::{self, Lookup};
use crate::kernels::matmul::{self, MatMul, Variant};
use crate::kernels::norm::{self, Norm};
use crate::kernels::rotate::{self, Rotation};
use crate::kernels::rows::{self, Table};
use crate::kernels::{Launch, Target, attention, copy, element_loss, elementwise, gated, sum};

/// Launches in order, what they touch, and what the host has to provide.
#[derive(Debug, Default)]
pub(super) struct Lowered {
    pub launches: Vec<Emitted>,
    /// Bytes of each [`Content::Scratch`].
    pub scratch: Vec<u64>,
    /// Host data in order of first need.
    pub derived: Vec<(InputId, DerivedInput)>,
    /// The first launch that runs only with the last part of a batch.
    pub tail: Option<usize>,
    /// Constants with their words, each once.
    pub constants: Vec<(Content, Vec<u32>)>,
}

/// Lowers every node of `graph`.
pub(super) fn lower(graph: &Graph, resolved: &Resolved, target: Target) -> Result<Lowered, PlanError> {
    let mut lowering = Lowering { graph, resolved, target, out: Lowered::default(), scope: String::new() };
    for node in &graph.nodes {
        lowering.scope.clone_from(&node.scope);
        lowering.node(node)?;
    }
    Ok(lowering.out)
}

struct Lowering<'a> {
    graph: &'a Graph,
    resolved: &'a Resolved,
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
            Op::Param(_) | Op::Input(_) | Op::State(_) => {}
            Op::Fill { .. } | Op::Table(_) => {
                self.constant(self.resolved.value(o[0]));
            }
            Op::Embedding { .. } => {
                let [rows, columns] = self.matrix(i[0]);
                let lookup = Lookup { rows, columns, count: self.elements(i[1]) };
                self.emit(embedding::forward(&lookup, t)?, direct);
            }
            Op::EmbeddingGrad { rows, padding } => {
                let list = self.positions(node, i[0], *rows, *padding)?;
                let [count, columns] = self.matrix(i[1]);
                let operands = vec![list, self.content(i[1]), self.content(o[0])];
                self.emit(embedding::grad(&Lookup { rows: *rows, columns, count }, t)?, operands);
            }
            Op::AddRows { period, first } => {
                let table = self.table(i[0], [*period, *first], self.graph.ty(i[1]).shape.rows());
                self.emit(rows::add(&table, t)?, direct);
            }
            Op::SumRows { period, first, table_rows } => {
                let table = self.table(i[0], [*period, *first], table_rows.unwrap_or(1));
                self.emit(rows::sum(&table, t)?, direct);
            }
            Op::MatMul { ta, tb } => {
                self.matmul([*ta, *tb], i[0], i[1], Variant::PLAIN, direct)?;
            }
            Op::Add => self.emit(elementwise::add(n, t)?, direct),
            Op::Scale { factor } => self.emit(elementwise::scale(n, *factor as f32, t)?, direct),
            // It is found where the value is that it views, or it is a copy of that.
            Op::Reshape { .. } => {
                if self.resolved.value(o[0]) == Content::Value(o[0]) {
                    self.emit(copy::whole(n, t)?, direct);
                }
            }
            Op::Columns { start, count } => {
                let [rows, width] = self.matrix(i[0]);
                self.emit(columns::take(&Range { rows, width, start: *start, count: *count }, t)?, direct);
            }
            Op::PadColumns { start, width } => {
                let [rows, count] = self.matrix(i[0]);
                self.emit(columns::pad(&Range { rows, width: *width, start: *start, count }, t)?, direct);
            }
            Op::Rotate { heads, inverse } => {
                let ([rows, columns], [period, head_dim]) = (self.matrix(i[0]), self.matrix(i[1]));
                let rotation = Rotation { rows, columns, heads: *heads, head_dim, period, inverse: *inverse };
                self.emit(rotate::rotate(&rotation, t)?, direct);
            }
            Op::Gated(f) => {
                let [rows, half] = self.matrix(o[0]);
                self.emit(gated::forward(rows, half, *f, t)?, direct);
            }
            Op::GatedGrad(f) => {
                let [rows, half] = self.matrix(i[1]);
                self.emit(gated::grad(rows, half, *f, t)?, direct);
            }
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
            Op::ElementLoss(kind) => {
                let length = self.elements(i[0]);
                let terms = self.scratch(length as u64 * 4);
                let operands = direct[..3].iter().copied().chain([terms]).collect();
                self.emit(element_loss::terms(length, *kind, t)?, operands);
                self.emit(sum::total(length, t)?, vec![terms, direct[3]]);
            }
            Op::ElementLossGrad(kind) => self.emit(element_loss::grad(n, *kind, t)?, direct),
            Op::Store(_) => {
                if self.resolved.value(o[0]) == Content::Value(o[0]) {
                    self.emit(copy::whole(n, t)?, direct);
                }
            }
            Op::Append(_) => {
                let [rows, columns] = self.matrix(i[0]);
                self.emit(copy::append([rows, n / (rows * columns), columns], t)?, direct);
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
            Fused::EmbeddingGradAdd { rows, padding } => {
                let list = self.positions(node, i[1], rows, padding)?;
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

    fn table(&self, x: ValueId, [period, first]: [usize; 2], table_rows: usize) -> Table {
        let [rows, columns] = self.matrix(x);
        Table { rows, columns, period, first, table_rows }
    }

    /// Ids of an input are sorted by the host at each step, those of a table once.
    fn positions(
        &mut self,
        node: &Node,
        ids: ValueId,
        rows: usize,
        padding: Option<u32>,
    ) -> Result<Content, PlanError> {
        let derived = DerivedInput::SortedPositions { rows: rows as u32, padding };
        let list = match self.resolved.value(ids) {
            Content::Derived(input, _) => return Ok(self.derived(input, derived)),
            Content::Value(table) => Content::DerivedTable(table, derived),
            other => other,
        };
        if self.constant(list) {
            return Ok(list);
        }
        Err(PlanError::Unsupported {
            op: node.op.name(),
            scope: node.scope.clone(),
            what: "the ids of an embedding gradient must be an input, or a table of ids below the rows: the host sorts them",
        })
    }

    /// Notes a constant; says whether it is one.
    fn constant(&mut self, content: Content) -> bool {
        if self.out.constants.iter().any(|(known, _)| *known == content) {
            return true;
        }
        let words = constants::words(self.graph, content);
        self.out.constants.extend(words.map(|words| (content, words)));
        self.out.constants.last().is_some_and(|(known, _)| *known == content)
    }

    fn derived(&mut self, input: InputId, derived: DerivedInput) -> Content {
        if !self.out.derived.contains(&(input, derived)) {
            self.out.derived.push((input, derived));
        }
        Content::Derived(input, derived)
    }

    fn content(&mut self, value: ValueId) -> Content {
        match self.resolved.value(value) {
            Content::Derived(input, derived) => self.derived(input, derived),
            other => other,
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
