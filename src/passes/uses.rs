use crate::ir::{Graph, Node, ValueId};

/// The nodes of a graph while a pass replaces some of them by others, with who reads what.
pub(super) struct Uses<'a> {
    graph: &'a Graph,
    nodes: Vec<Option<Node>>,
    readers: Vec<Vec<usize>>,
    is_result: Vec<bool>,
}

impl<'a> Uses<'a> {
    pub(super) fn new(graph: &'a Graph) -> Self {
        let mut readers = vec![Vec::new(); graph.values.len()];
        for (i, node) in graph.nodes.iter().enumerate() {
            for input in &node.inputs {
                readers[input.index()].push(i);
            }
        }
        let mut is_result = vec![false; graph.values.len()];
        for value in graph.results() {
            is_result[value.index()] = true;
        }
        Self { graph, nodes: graph.nodes.iter().cloned().map(Some).collect(), readers, is_result }
    }

    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Node `i`, unless it has been replaced.
    pub(super) fn node(&self, i: usize) -> Option<&Node> {
        self.nodes[i].as_ref()
    }

    pub(super) fn graph(&self) -> &Graph {
        self.graph
    }

    /// Positions of the nodes that read `value`.
    pub(super) fn readers(&self, value: ValueId) -> &[usize] {
        &self.readers[value.index()]
    }

    /// The one node that reads `value`, if there is exactly one reading and the value is no result.
    pub(super) fn sole_reader(&self, value: ValueId) -> Option<(usize, &Node)> {
        match self.readers(value) {
            &[i] if !self.is_result[value.index()] => self.node(i).map(|node| (i, node)),
            _ => None,
        }
    }

    /// Whether anything but `reader` needs `value`.
    pub(super) fn needed_beside(&self, value: ValueId, reader: usize) -> bool {
        self.is_result[value.index()] || self.readers(value).iter().any(|&i| i != reader)
    }

    /// Puts `fused` in the place of the last of `replaced` and drops the others, if nobody reads its outputs earlier.
    pub(super) fn replace(&mut self, replaced: &[usize], fused: Node) -> bool {
        let Some(&last) = replaced.iter().max() else { return false };
        let early = |v: &ValueId| self.readers(*v).iter().any(|i| *i < last && !replaced.contains(i));
        if fused.outputs.iter().any(early) {
            return false;
        }
        // Inner nodes read values no longer: later matches must not count them.
        for &i in replaced {
            if let Some(node) = self.nodes[i].take() {
                for input in node.inputs {
                    self.readers[input.index()].retain(|&r| r != i);
                }
            }
        }
        for input in &fused.inputs {
            self.readers[input.index()].push(last);
        }
        self.nodes[last] = Some(fused);
        true
    }

    pub(super) fn finish(self) -> Vec<Node> {
        self.nodes.into_iter().flatten().collect()
    }
}
