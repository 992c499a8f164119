//! One node: finds the operands, checks indices, and calls the loops.

use super::interpreter::Tensor;
use super::matmul::{MatMul, matmul};
use super::program::Program;
use super::rows::Turn;
use super::step::DropoutMask;
use super::{
    Float, ReferenceError, States, StepKey, attention, columns, element_loss, elementwise, loss, norm, rows, states,
};
use crate::ir::{Attention, ElementLoss, Graph, IrError, Node, Op, Shape, TableValues, Type};

/// What a node reads.
pub(super) struct Operands<'a, F> {
    pub program: &'a Program,
    pub graph: &'a Graph,
    pub node: &'a Node,
    /// Computed values.
    pub values: &'a [Option<Vec<F>>],
    pub params: &'a [Vec<F>],
    pub inputs: &'a [Tensor<F>],
}

impl<'a, F: Float> Operands<'a, F> {
    /// Operand `i`, a tensor of numbers.
    fn float(&self, i: usize) -> Result<&'a [F], ReferenceError> {
        let value = self.node.inputs[i];
        let found = match self.graph.producer(value).op {
            Op::Param(id) => self.params.get(id.index()).map(Vec::as_slice),
            Op::Input(id) => match self.inputs.get(id.index()) {
                Some(Tensor::Float(input)) => Some(input.as_slice()),
                Some(Tensor::Index(_)) | None => None,
            },
            ref _computed => self.values[value.index()].as_deref(),
        };
        found.ok_or_else(|| self.undefined(i))
    }

    /// Operand `i`, a tensor of indices: an input or a table, whatever its shape.
    fn index(&self, i: usize) -> Result<&'a [u32], ReferenceError> {
        let viewed = self.graph.viewed(self.node.inputs[i]);
        match self.graph.producer(viewed).op {
            Op::Input(id) => match self.inputs.get(id.index()) {
                Some(Tensor::Index(input)) => Ok(input),
                Some(Tensor::Float(_)) | None => Err(self.undefined(i)),
            },
            Op::Table(_) => match &self.program.tables[viewed.index()] {
                Some(TableValues::Index(table)) => Ok(table),
                Some(TableValues::Float(_)) | None => Err(self.undefined(i)),
            },
            ref _computed => Err(self.undefined(i)),
        }
    }

    fn shape(&self, i: usize) -> &'a Shape {
        &self.graph.ty(self.node.inputs[i]).shape
    }

    fn undefined(&self, i: usize) -> ReferenceError {
        let (op, scope) = (self.node.op.name(), self.node.scope.clone());
        IrError::Undefined { op, scope, value: self.node.inputs[i].index() }.into()
    }

    /// Ids that name rows of a table.
    fn ids(&self, i: usize, rows: usize) -> Result<&'a [u32], ReferenceError> {
        let ids = self.index(i)?;
        match rows::find_outside(ids, rows) {
            None => Ok(ids),
            Some((position, id)) => {
                let (op, scope) = (self.node.op.name(), self.node.scope.clone());
                Err(ReferenceError::Id { op, scope, position, id, rows })
            }
        }
    }

    /// The operands that both operations of the loss share.
    fn classification(&self, smoothing: f64) -> Result<loss::Inputs<'a, F>, ReferenceError> {
        let (logits, targets, weights) = (self.float(0)?, self.index(1)?, self.float(2)?);
        let classes = self.shape(0).columns();
        let inputs = loss::Inputs { smoothing, classes, logits, targets, weights };
        match inputs.find_outside() {
            None => Ok(inputs),
            Some((position, target)) => {
                let (op, scope) = (self.node.op.name(), self.node.scope.clone());
                Err(ReferenceError::Target { op, scope, position, target, classes })
            }
        }
    }

    fn element_loss(&self, kind: ElementLoss) -> Result<element_loss::Inputs<'a, F>, ReferenceError> {
        Ok(element_loss::Inputs { kind, x: self.float(0)?, targets: self.float(1)?, weights: self.float(2)? })
    }

    /// The common operands of the attention operations.
    fn attention(&self, spec: Attention) -> Result<attention::Inputs<'a, F>, ReferenceError> {
        let types: Vec<&Type> = self.node.inputs.iter().map(|&v| self.graph.ty(v)).collect();
        let shape = spec.shape(&types).ok_or_else(|| {
            let (op, scope) = (self.node.op.name(), self.node.scope.clone());
            IrError::Arity { op, scope, found: types.len() }
        })?;
        let (q, kv) = (self.float(0)?, self.float(spec.projections() - 1)?);
        let bias = spec.bias_input().map(|i| self.float(i)).transpose()?;
        let key_mask = spec.mask_input().map(|i| self.index(i)).transpose()?;
        Ok(attention::Inputs { spec, shape, q, kv, bias, key_mask })
    }
}

/// Computes the outputs of a node into buffers of zeros.
pub(super) fn evaluate<F: Float>(
    x: &Operands<'_, F>,
    key: StepKey,
    outputs: &mut [Vec<F>],
    scratch: &mut Vec<F>,
    states: &mut States<F>,
) -> Result<(), ReferenceError> {
    let [y, rest @ ..] = outputs else { return Ok(()) };
    match &x.node.op {
        // The caller owns these: they have no buffer, and neither have tables of indices.
        Op::Param(_) | Op::Input(_) => {}
        Op::Fill { value } => y.fill(F::new(f64::from(*value))),
        Op::Table(_) => {
            if let Some(TableValues::Float(numbers)) = &x.program.tables[x.node.outputs[0].index()] {
                y.iter_mut().zip(numbers).for_each(|(y, &number)| *y = F::new(number));
            }
        }
        Op::Embedding { .. } => {
            let ids = x.ids(1, x.shape(0).rows())?;
            rows::embedding(x.float(0)?, ids, y, x.shape(0).columns());
        }
        Op::EmbeddingGrad { rows, padding } => {
            rows::embedding_grad(x.ids(0, *rows)?, *padding, x.float(1)?, y, x.shape(1).columns());
        }
        Op::AddRows { period, first } => {
            let turn = Turn { period: *period, first: *first, columns: x.shape(0).columns() };
            rows::add_rows(x.float(0)?, x.float(1)?, turn, y);
        }
        Op::SumRows { period, first, .. } => {
            let turn = Turn { period: *period, first: *first, columns: x.shape(0).columns() };
            rows::sum_rows(x.float(0)?, turn, y);
        }
        Op::MatMul { ta, tb } => {
            let (a, b) = (x.shape(0), x.shape(1));
            let (m, k) = if *ta { (a.columns(), a.rows()) } else { (a.rows(), a.columns()) };
            let n = if *tb { b.rows() } else { b.columns() };
            matmul(MatMul { m, n, k, ta: *ta, tb: *tb }, x.float(0)?, x.float(1)?, y, scratch);
        }
        Op::Add => elementwise::add(x.float(0)?, x.float(1)?, y),
        Op::Scale { factor } => elementwise::scale(*factor, x.float(0)?, y),
        Op::Reshape { .. } => y.copy_from_slice(x.float(0)?),
        Op::Columns { start, count } => columns::copy(x.float(0)?, [*start, x.shape(0).columns()], y, [0, *count]),
        Op::PadColumns { start, width } => {
            columns::copy(x.float(0)?, [0, x.shape(0).columns()], y, [*start, *width]);
        }
        Op::Rotate { heads, inverse } => {
            let angles = (x.float(1)?, x.shape(1).columns());
            columns::rotate(*heads, *inverse, x.shape(0).columns(), x.float(0)?, angles, y);
        }
        Op::Activation(f) => elementwise::activation(*f, x.float(0)?, y),
        Op::Gated(f) => elementwise::gated(*f, x.shape(0).columns() / 2, x.float(0)?, y),
        Op::GatedGrad(f) => elementwise::gated_grad(*f, x.shape(1).columns(), x.float(0)?, x.float(1)?, y),
        Op::ActivationGrad(f) => elementwise::activation_grad(*f, x.float(0)?, x.float(1)?, y),
        Op::Dropout(dropout) => {
            elementwise::dropout(&DropoutMask::new(*dropout, key), x.shape(0).columns(), x.float(0)?, y);
        }
        Op::Norm { kind, eps } => {
            let beta = if x.node.inputs.len() == 3 { Some(x.float(2)?) } else { None };
            let [stats, ..] = rest else { return Ok(()) };
            norm::forward(*kind, *eps, x.float(0)?, x.float(1)?, beta, y, stats);
        }
        Op::NormGrad { kind } => norm::grad(*kind, x.float(0)?, x.float(1)?, x.float(2)?, x.float(3)?, y),
        Op::NormParamGrad { .. } => {
            let dbeta = rest.first_mut().map(Vec::as_mut_slice);
            norm::param_grad(x.float(0)?, x.float(1)?, x.float(2)?, y, dbeta);
        }
        Op::Attention(spec) => {
            let [lse, ..] = rest else { return Ok(()) };
            attention::forward(x.attention(*spec)?, key, y, lse);
        }
        Op::AttentionGrad(spec) => {
            let next = spec.inputs();
            let following = [x.float(next)?, x.float(next + 1)?, x.float(next + 2)?];
            attention::grad(x.attention(*spec)?, key, following, outputs);
        }
        Op::AttentionProbs(spec) => attention::probs(x.attention(*spec)?, x.float(spec.inputs())?, y),
        Op::CrossEntropy { smoothing } => {
            y.fill(x.classification(*smoothing)?.forward());
        }
        Op::CrossEntropyGrad { smoothing } => {
            x.classification(*smoothing)?.grad(x.float(3)?[0], y);
        }
        Op::ElementLoss(kind) => y.fill(x.element_loss(*kind)?.forward()),
        Op::ElementLossGrad(kind) => x.element_loss(*kind)?.grad(x.float(3)?[0], y),
        Op::State(id) => y.copy_from_slice(states.values_mut(&x.graph.states[id.index()])),
        Op::Store(id) => {
            let state = states.values_mut(&x.graph.states[id.index()]);
            state.copy_from_slice(x.float(0)?);
            y.copy_from_slice(state);
        }
        Op::Append(id) => {
            let ty = &x.graph.states[id.index()].ty;
            let state = states.values_mut(&x.graph.states[id.index()]);
            let (time, width) = (ty.shape.rows() / x.shape(0).rows(), ty.shape.columns());
            states::append(state, [time, width], x.float(0)?, x.index(1)?[0] as usize);
            y.copy_from_slice(state);
        }
        Op::Fused(fused) => {
            // Expanded before: see `Program`.
            let scope = x.node.scope.clone();
            return Err(IrError::Gradient { op: fused.name(), scope, what: "not expanded" }.into());
        }
    }
    Ok(())
}
