//! Reverse-mode differentiation: appends the backward half of a graph.
//!
//! [`append_vjp`] walks the nodes from last to first. Each node that lies between what is differentiated and what it is
//! differentiated for turns the cotangents of its outputs into cotangents of its inputs, by one rule of the table in
//! `rules.rs`. Cotangents that meet in one value are added in the order of that walk, so the graph, and with it every
//! rounding, is the same each time. Backward nodes carry the scope of their forward node.
//!
//! Rules.
//! - Differentiate first, fuse afterwards: a graph with a fused operation is refused, so that none can lack a gradient.
//! - What has no gradient (statistics, probabilities, weights of a loss, gradients themselves) is an error when one is
//!   needed, never a silent zero.
//! - Nothing is appended for a value that does not depend on what is asked for.

mod rules;

use crate::ir::{Builder, DType, Graph, IrError, Node, Op, ParamId, ValueId};

/// Appends the gradient of `loss` for each parameter that influences it and is trained, and records them in
/// [`Graph::gradients`], in the order of the parameters.
///
/// # Errors
/// When `loss` is no scalar, the graph holds a fused operation, or an operation on the way has no gradient.
pub fn append_backward(graph: Graph, loss: ValueId) -> Result<Graph, IrError> {
    let mut reads: Vec<(ParamId, ValueId)> = graph
        .nodes
        .iter()
        .filter_map(|node| if let Op::Param(id) = node.op { Some((id, *node.outputs.first()?)) } else { None })
        .filter(|(id, _)| graph.params.get(id.index()).is_none_or(|param| !param.frozen))
        .collect();
    reads.sort_by_key(|&(param, _)| param);
    let mut b = Builder::from_graph(graph);
    let scope = match b.graph().values.get(loss.index()) {
        Some(_) => b.graph().producer(loss).scope.clone(),
        None => return Err(IrError::Undefined { op: "loss", scope: String::new(), value: loss.index() }),
    };
    b.set_scope(&scope);
    let seed = b.push(Op::Fill { value: 1.0 }, &[])?;
    let wrt: Vec<ValueId> = reads.iter().map(|&(_, value)| value).collect();
    let gradients = append_vjp(&mut b, &[(loss, seed)], &wrt)?;
    let mut totals: Vec<(ParamId, ValueId)> = Vec::new();
    for (&(param, _), gradient) in reads.iter().zip(gradients) {
        let Some(gradient) = gradient else { continue };
        match totals.last_mut() {
            Some((last, total)) if *last == param => *total = b.push(Op::Add, &[*total, gradient])?,
            Some(_) | None => totals.push((param, gradient)),
        }
    }
    for (param, total) in totals {
        b.gradient(param, total);
    }
    b.set_scope("");
    Ok(b.finish())
}

/// Appends the vector-Jacobian product: for `cotangents` (value, cotangent of the same type) the cotangents of `wrt`,
/// `None` where nothing flows.
///
/// # Errors
/// When a cotangent does not fit its value, the graph holds a fused operation, or an operation on the way has no
/// gradient.
pub fn append_vjp(
    b: &mut Builder,
    cotangents: &[(ValueId, ValueId)],
    wrt: &[ValueId],
) -> Result<Vec<Option<ValueId>>, IrError> {
    check(b.graph(), cotangents, wrt)?;
    let depends = dependents(b.graph(), wrt);
    let mut sums = Cotangents(vec![None; b.graph().values.len()]);
    for &(value, cotangent) in cotangents {
        if depends[value.index()] {
            sums.add(b, value, cotangent)?;
        }
    }
    for i in (0..b.graph().nodes.len()).rev() {
        let node = &b.graph().nodes[i];
        let dy: Vec<Option<ValueId>> = node.outputs.iter().map(|&v| sums.get(v)).collect();
        let wanted: Vec<bool> = node.inputs.iter().map(|v| depends[v.index()]).collect();
        if dy.iter().all(Option::is_none) || !wanted.contains(&true) {
            continue;
        }
        let node = node.clone();
        b.set_scope(&node.scope);
        let contributions = rules::vjp(b, &node, &dy, &wanted)?;
        for ((&input, &wanted), contribution) in node.inputs.iter().zip(&wanted).zip(contributions) {
            if let (true, Some(contribution)) = (wanted, contribution) {
                same_type(b.graph(), node.op.name(), &node.scope, contribution, input)?;
                sums.add(b, input, contribution)?;
            }
        }
    }
    b.set_scope("");
    Ok(wrt.iter().map(|&v| sums.get(v)).collect())
}

/// The cotangent of each value of the forward graph, as far as it is known.
struct Cotangents(Vec<Option<ValueId>>);

impl Cotangents {
    fn get(&self, value: ValueId) -> Option<ValueId> {
        self.0[value.index()]
    }

    fn add(&mut self, b: &mut Builder, value: ValueId, contribution: ValueId) -> Result<(), IrError> {
        let slot = &mut self.0[value.index()];
        *slot = Some(match *slot {
            Some(sum) => b.push(Op::Add, &[sum, contribution])?,
            None => contribution,
        });
        Ok(())
    }
}

/// Which values depend on `wrt`.
fn dependents(graph: &Graph, wrt: &[ValueId]) -> Vec<bool> {
    let mut depends = vec![false; graph.values.len()];
    for &value in wrt {
        depends[value.index()] = true;
    }
    for node in &graph.nodes {
        if node.inputs.iter().any(|v| depends[v.index()]) {
            for output in &node.outputs {
                depends[output.index()] = true;
            }
        }
    }
    depends
}

fn check(graph: &Graph, cotangents: &[(ValueId, ValueId)], wrt: &[ValueId]) -> Result<(), IrError> {
    if let Some(node) = graph.nodes.iter().find(|node| matches!(node.op, Op::Fused(_))) {
        return Err(no_gradient(node, "a fused operation has no gradient; differentiate before fusing"));
    }
    for value in cotangents.iter().flat_map(|&(v, c)| [v, c]).chain(wrt.iter().copied()) {
        if value.index() >= graph.values.len() {
            return Err(IrError::Undefined { op: "gradient", scope: String::new(), value: value.index() });
        }
    }
    for &(value, cotangent) in cotangents {
        same_type(graph, "cotangent", &graph.producer(value).scope, cotangent, value)?;
    }
    match wrt.iter().find(|&&v| graph.ty(v).dtype != DType::F32) {
        Some(&v) => Err(no_gradient(graph.producer(v), "indices have no gradient")),
        None => Ok(()),
    }
}

fn same_type(graph: &Graph, op: &'static str, scope: &str, cotangent: ValueId, value: ValueId) -> Result<(), IrError> {
    let (left, right) = (graph.ty(cotangent), graph.ty(value));
    if left == right {
        return Ok(());
    }
    Err(IrError::Shape {
        op,
        scope: scope.to_owned(),
        what: "a gradient and its value",
        types: Box::new([left.clone(), right.clone()]),
    })
}

fn no_gradient(node: &Node, what: &'static str) -> IrError {
    IrError::Gradient { op: node.op.name(), scope: node.scope.clone(), what }
}
