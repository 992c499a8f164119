//! The table: the vector-Jacobian product of every operation.

use super::no_gradient;
use crate::ir::{Bias, Builder, IrError, Node, Op, ValueId};

/// Appends the cotangents of a node's inputs, given those of its outputs. `wanted` says which inputs need one; others may
/// come back as `None`.
pub(super) fn vjp(
    b: &mut Builder,
    node: &Node,
    dy: &[Option<ValueId>],
    wanted: &[bool],
) -> Result<Vec<Option<ValueId>>, IrError> {
    let unsupported = |what: &'static str| Err(no_gradient(node, what));
    // Every operation with a gradient has one through its first output alone.
    let (Some(&Some(dy)), true) = (dy.first(), dy.iter().skip(1).all(Option::is_none)) else {
        return unsupported("only the first output has a gradient");
    };
    let x = node.inputs.as_slice();
    let mut push_if = |wanted: bool, op: Op, inputs: &[ValueId]| -> Result<Option<ValueId>, IrError> {
        if wanted { b.push(op, inputs).map(Some) } else { Ok(None) }
    };
    Ok(match &node.op {
        Op::Param(_) | Op::Input(_) | Op::Fill { .. } | Op::Table(_) => vec![],
        Op::Embedding { padding } => {
            let rows = b.graph().ty(x[0]).shape.rows();
            vec![Some(b.push(Op::EmbeddingGrad { rows, padding: *padding }, &[x[1], dy])?), None]
        }
        Op::AddRows { period, first } => {
            let table = &b.graph().ty(x[1]).shape;
            let table_rows = (table.dims().len() > 1).then(|| table.rows());
            let sum = Op::SumRows { period: *period, first: *first, table_rows };
            vec![Some(dy), if wanted[1] { Some(b.push(sum, &[dy])?) } else { None }]
        }
        // Each gradient is one product again and has the layout of its operand: for y = a·bᵀ, say, db = dyᵀ·a is stored
        // like b. Nothing but a product whose operands are both transposed reads both transposed.
        Op::MatMul { ta, tb } => {
            let da = if *ta { ((*tb, true), [x[1], dy]) } else { ((false, !*tb), [dy, x[1]]) };
            let db = if *tb { ((true, *ta), [dy, x[0]]) } else { ((!*ta, false), [x[0], dy]) };
            let mut product = |wanted, ((ta, tb), operands): ((bool, bool), [ValueId; 2])| {
                push_if(wanted, Op::MatMul { ta, tb }, &operands)
            };
            vec![product(wanted[0], da)?, product(wanted[1], db)?]
        }
        Op::Add => vec![Some(dy), Some(dy)],
        Op::Scale { .. } | Op::Dropout(_) => vec![Some(b.push(node.op.clone(), &[dy])?)],
        Op::Reshape { .. } => {
            let shape = b.graph().ty(x[0]).shape.clone();
            vec![Some(b.push(Op::Reshape { shape }, &[dy])?)]
        }
        Op::Columns { start, .. } => {
            let width = b.graph().ty(x[0]).shape.columns();
            vec![Some(b.push(Op::PadColumns { start: *start, width }, &[dy])?)]
        }
        Op::PadColumns { start, .. } => {
            let count = b.graph().ty(x[0]).shape.columns();
            vec![Some(b.push(Op::Columns { start: *start, count }, &[dy])?)]
        }
        Op::Rotate { heads, inverse } => {
            if wanted[1] {
                return unsupported("angles have no gradient");
            }
            vec![Some(b.push(Op::Rotate { heads: *heads, inverse: !inverse }, &[dy, x[1]])?), None]
        }
        Op::Activation(f) => vec![Some(b.push(Op::ActivationGrad(*f), &[x[0], dy])?)],
        Op::Gated(f) => vec![Some(b.push(Op::GatedGrad(*f), &[x[0], dy])?)],
        Op::Norm { kind, .. } => {
            let stats = node.outputs[1];
            let dx = push_if(wanted[0], Op::NormGrad { kind: *kind }, &[x[0], x[1], stats, dy])?;
            let mut gradients = vec![dx];
            if wanted[1..].contains(&true) {
                let weights = b.push_all(Op::NormParamGrad { beta: x.len() == 3 }, &[x[0], stats, dy])?;
                gradients.extend(weights.into_iter().map(Some));
            }
            gradients
        }
        Op::Attention(a) => {
            if a.bias == Bias::Fixed && a.bias_input().is_some_and(|i| wanted[i]) {
                return unsupported("a fixed bias has no gradient");
            }
            let mut inputs = x.to_vec();
            inputs.extend([node.outputs[0], node.outputs[1], dy]);
            // Projections first, then a learned bias: the order of the inputs.
            b.push_all(Op::AttentionGrad(*a), &inputs)?.into_iter().map(Some).collect()
        }
        Op::CrossEntropy { smoothing } => {
            if wanted[2] {
                return unsupported("the weights of a loss have no gradient");
            }
            vec![Some(b.push(Op::CrossEntropyGrad { smoothing: *smoothing }, &[x[0], x[1], x[2], dy])?)]
        }
        Op::ElementLoss(kind) => {
            if wanted[1..].contains(&true) {
                return unsupported("targets and weights of a loss have no gradient");
            }
            vec![Some(b.push(Op::ElementLossGrad(*kind), &[x[0], x[1], x[2], dy])?)]
        }
        Op::State(_) | Op::Store(_) | Op::Append(_) => return unsupported("a state has no gradient"),
        Op::AttentionProbs(_) => return unsupported("probabilities made for inspection have no gradient"),
        Op::EmbeddingGrad { .. }
        | Op::SumRows { .. }
        | Op::ActivationGrad(_)
        | Op::GatedGrad(_)
        | Op::ElementLossGrad(_)
        | Op::NormGrad { .. }
        | Op::NormParamGrad { .. }
        | Op::AttentionGrad(_)
        | Op::CrossEntropyGrad { .. } => return unsupported("a gradient has no gradient itself"),
        Op::Fused(_) => return unsupported("a fused operation has no gradient; differentiate before fusing"),
    })
}
