use crate::ir::{Builder, Graph, IrError, Node, ValueId};

/// Builds the graph that `nodes`, over the values of `graph`, describe: same parameters, inputs, states, outputs and gradients,
/// values renumbered, types inferred anew, well-formedness checked.
pub(super) fn rebuild(graph: &Graph, nodes: &[Node]) -> Result<Graph, IrError> {
    let mut b = Builder::from_graph(Graph {
        params: graph.params.clone(),
        inputs: graph.inputs.clone(),
        states: graph.states.clone(),
        ..Graph::default()
    });
    let mut renumbered: Vec<Option<ValueId>> = vec![None; graph.values.len()];
    let find = |renumbered: &[Option<ValueId>], value: ValueId, node: Option<&Node>| {
        renumbered[value.index()].ok_or_else(|| IrError::Undefined {
            op: node.map_or("result", |n| n.op.name()),
            scope: node.map_or_else(String::new, |n| n.scope.clone()),
            value: value.index(),
        })
    };
    for node in nodes {
        let inputs = node.inputs.iter().map(|&v| find(&renumbered, v, Some(node))).collect::<Result<Vec<_>, _>>()?;
        b.set_scope(&node.scope);
        let outputs = b.push_all(node.op.clone(), &inputs)?;
        for (&old, new) in node.outputs.iter().zip(outputs) {
            renumbered[old.index()] = Some(new);
        }
    }
    for (name, value) in &graph.outputs {
        let value = find(&renumbered, *value, None)?;
        b.output(name, value);
    }
    for &(param, value) in &graph.gradients {
        let value = find(&renumbered, value, None)?;
        b.gradient(param, value);
    }
    let rebuilt = b.finish();
    rebuilt.verify()?;
    Ok(rebuilt)
}
