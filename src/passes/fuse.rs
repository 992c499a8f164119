use super::{rebuild::rebuild, uses::Uses};
use crate::ir::{Epilogue, Fused, Graph, IrError, Node, Op, ValueId};

/// Merges chains of operations into [`Fused`] ones wherever the intermediate values have no other reader.
///
/// Sums of gradients go first: they would otherwise look like residual sums of a matrix product.
///
/// # Errors
/// When the graph was ill-formed.
pub fn fuse(graph: &Graph) -> Result<Graph, IrError> {
    let mut uses = Uses::new(graph);
    for rule in [cross_entropy, gradient_sum, activation_grad, weight_bias_grad, linear] {
        for i in 0..uses.len() {
            rule(&mut uses, i);
        }
    }
    rebuild(graph, &uses.finish())
}

/// `cross_entropy` and its gradient for dloss = 1.
fn cross_entropy(uses: &mut Uses<'_>, i: usize) -> bool {
    let Some(Node { op: Op::CrossEntropyGrad { smoothing }, inputs, outputs, scope }) = uses.node(i).cloned() else {
        return false;
    };
    let &[logits, targets, weights, dloss] = inputs.as_slice() else { return false };
    if !matches!(uses.graph().producer(dloss).op, Op::Fill { value } if value == 1.0) {
        return false;
    }
    let forward = uses.readers(logits).iter().copied().find(|&j| {
        uses.node(j).is_some_and(|n| {
            matches!(n.op, Op::CrossEntropy { smoothing: s } if s == smoothing)
                && n.inputs == [logits, targets, weights]
        })
    });
    let Some((j, node)) = forward.and_then(|j| Some((j, uses.node(j)?.clone()))) else { return false };
    let fused = Node {
        op: Op::Fused(Fused::CrossEntropyBoth { smoothing }),
        inputs: vec![logits, targets, weights],
        outputs: vec![node.outputs[0], outputs[0]],
        scope,
    };
    uses.replace(&[i, j], fused)
}

/// `add(norm_grad, residual)` and `add(embedding_grad, other)`.
fn gradient_sum(uses: &mut Uses<'_>, i: usize) -> bool {
    let Some(node) = uses.node(i).cloned() else { return false };
    let Some((j, add)) = node.outputs.first().and_then(|&v| uses.sole_reader(v)) else { return false };
    if add.op != Op::Add {
        return false;
    }
    let (outputs, other) = (add.outputs.clone(), other_operand(add, node.outputs[0]));
    let (op, inputs) = match node.op {
        Op::NormGrad { kind } => {
            (Fused::NormGradAdd { kind }, node.inputs.iter().copied().chain([other]).collect::<Vec<_>>())
        }
        Op::EmbeddingGrad { rows, padding } => (
            Fused::EmbeddingGradAdd { rows, padding },
            [other].into_iter().chain(node.inputs.iter().copied()).collect(),
        ),
        _ => return false,
    };
    uses.replace(&[i, j], Node { op: Op::Fused(op), inputs, outputs, scope: node.scope })
}

/// `activation_grad(x, matmul(a, b))`.
fn activation_grad(uses: &mut Uses<'_>, i: usize) -> bool {
    let Some(Node { op: Op::MatMul { ta: false, tb }, inputs, outputs, scope }) = uses.node(i).cloned() else {
        return false;
    };
    let Some((j, next)) = uses.sole_reader(outputs[0]) else { return false };
    let Op::ActivationGrad(f) = next.op else { return false };
    let &[x, dy] = next.inputs.as_slice() else { return false };
    if dy != outputs[0] || x == outputs[0] {
        return false;
    }
    let fused = Node {
        op: Op::Fused(Fused::MatMulActivationGrad { tb, f }),
        inputs: vec![inputs[0], inputs[1], x],
        outputs: next.outputs.clone(),
        scope,
    };
    uses.replace(&[i, j], fused)
}

/// `matmul(xᵀ, dy)` and `sum_rows(dy)`.
fn weight_bias_grad(uses: &mut Uses<'_>, i: usize) -> bool {
    let Some(Node { op: Op::MatMul { ta: true, tb: false }, inputs, outputs, scope }) = uses.node(i).cloned() else {
        return false;
    };
    let dy = inputs[1];
    let sum = uses
        .readers(dy)
        .iter()
        .copied()
        .find(|&j| uses.node(j).is_some_and(|n| n.op == Op::SumRows { period: 1, first: 0, table_rows: None }));
    let Some((j, sum)) = sum.and_then(|j| Some((j, uses.node(j)?.clone()))) else { return false };
    let fused = Node { op: Op::Fused(Fused::WeightBiasGrad), inputs, outputs: vec![outputs[0], sum.outputs[0]], scope };
    uses.replace(&[i, j], fused)
}

/// `matmul`, then a bias, then a nonlinearity or a residual sum, as far as they follow each other.
fn linear(uses: &mut Uses<'_>, i: usize) -> bool {
    let Some(Node { op: Op::MatMul { ta, tb }, mut inputs, outputs, scope }) = uses.node(i).cloned() else {
        return false;
    };
    let mut replaced = vec![i];
    let mut y = outputs[0];
    let mut bias = false;
    if let Some((j, next)) = uses.sole_reader(y)
        && next.op == (Op::AddRows { period: 1, first: 0 })
        && next.inputs[0] == y
        && uses.graph().ty(next.inputs[1]).shape.dims().len() == 1
    {
        inputs.push(next.inputs[1]);
        y = next.outputs[0];
        replaced.push(j);
        bias = true;
    }
    let (epilogue, outputs) = follow(uses, y, &mut inputs, &mut replaced);
    if replaced.len() == 1 {
        return false;
    }
    let op = Op::Fused(Fused::Linear { ta, tb, bias, epilogue });
    uses.replace(&replaced, Node { op, inputs, outputs, scope })
}

/// What follows the (biased) product `y`: extends `inputs` and `replaced`, returns epilogue and outputs.
fn follow(
    uses: &Uses<'_>,
    y: ValueId,
    inputs: &mut Vec<ValueId>,
    replaced: &mut Vec<usize>,
) -> (Epilogue, Vec<ValueId>) {
    let nonlinearity = uses.readers(y).iter().find_map(|&j| match uses.node(j) {
        Some(Node { op: Op::Activation(f), outputs, .. }) => Some((j, *f, outputs[0])),
        Some(_) | None => None,
    });
    if let Some((j, f, out)) = nonlinearity {
        replaced.push(j);
        let save = uses.needed_beside(y, j);
        return (Epilogue::Activation { f, save }, if save { vec![out, y] } else { vec![out] });
    }
    let mut branch = y;
    let mut dropout = None;
    let mut chain = Vec::new();
    if let Some((j, Node { op: Op::Dropout(d), outputs, .. })) = uses.sole_reader(branch) {
        dropout = Some(*d);
        chain.push(j);
        branch = outputs[0];
    }
    if let Some((j, add)) = uses.sole_reader(branch)
        && add.op == Op::Add
    {
        chain.push(j);
        inputs.push(other_operand(add, branch));
        replaced.append(&mut chain);
        return (Epilogue::Residual { dropout }, add.outputs.clone());
    }
    (Epilogue::None, vec![y])
}

/// The operand of a sum that is not `value`.
fn other_operand(add: &Node, value: ValueId) -> ValueId {
    if add.inputs[0] == value { add.inputs[1] } else { add.inputs[0] }
}
