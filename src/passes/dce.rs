use super::rebuild::rebuild;
use crate::ir::{Graph, IrError, Node, Op};

/// Drops nodes that no result depends on. Parameters and inputs stay declared, read or not; what changes a state stays.
///
/// # Errors
/// When the graph was ill-formed.
pub fn remove_dead(graph: &Graph) -> Result<Graph, IrError> {
    let mut live = vec![false; graph.values.len()];
    for value in graph.results() {
        live[value.index()] = true;
    }
    let mut kept: Vec<Node> = Vec::with_capacity(graph.nodes.len());
    for node in graph.nodes.iter().rev() {
        let declares = matches!(node.op, Op::Param(_) | Op::Input(_) | Op::Store(_) | Op::Append(_));
        if declares || node.outputs.iter().any(|v| live[v.index()]) {
            for input in &node.inputs {
                live[input.index()] = true;
            }
            kept.push(node.clone());
        }
    }
    kept.reverse();
    rebuild(graph, &kept)
}
