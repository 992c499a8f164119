//! Where each value of a graph is found, before any buffer is chosen.
//!
//! A reshaped value is found where the value lies that it views; a state at the moment of its reading where the last change
//! before left it; a constant where the first equal one lies. So none of them takes a launch or memory of its own, and what
//! reads them keeps alive what they view.

use std::collections::BTreeMap;

use super::buffers::DerivedInput;
use super::content::Content;
use crate::ir::{Graph, Node, Op, StateId, ValueId};

/// Contents by value.
#[derive(Debug)]
pub(super) struct Resolved {
    values: Vec<Content>,
    /// What the state held before each of the values that change one.
    before: BTreeMap<ValueId, Content>,
    /// What each state holds at the end.
    states: Vec<Content>,
}

impl Resolved {
    pub(super) fn new(graph: &Graph) -> Self {
        let mut resolved = Self {
            values: (0..graph.values.len() as u32).map(|i| Content::Value(ValueId(i))).collect(),
            before: BTreeMap::new(),
            states: (0..graph.states.len() as u32).map(|i| Content::State(StateId(i))).collect(),
        };
        let readers = readers(graph);
        for (at, node) in graph.nodes.iter().enumerate() {
            if let &[output] = node.outputs.as_slice() {
                let content = resolved.content(graph, node, output, &graph.nodes[..at], &readers);
                resolved.values[output.index()] = content;
            }
        }
        resolved
    }

    /// The content of a node's only output.
    fn content(&mut self, graph: &Graph, node: &Node, output: ValueId, before: &[Node], readers: &[usize]) -> Content {
        let own = Content::Value(output);
        match &node.op {
            Op::Input(id) => Content::Derived(*id, DerivedInput::Direct),
            Op::Fill { .. } | Op::Table(_) => {
                let equal = before.iter().find(|n| same_constant(&n.op, &node.op));
                equal.map_or(own, |n| self.value(n.outputs[0]))
            }
            Op::Reshape { .. } => {
                let viewed = graph.viewed(output);
                if needs_copy(graph, output, viewed, readers) { own } else { self.value(node.inputs[0]) }
            }
            Op::State(id) => self.states[id.index()],
            Op::Store(id) | Op::Append(id) => {
                let held = self.states[id.index()];
                // What a state holds is stored without work.
                if matches!(node.op, Op::Store(_)) && self.value(node.inputs[0]) == held {
                    return held;
                }
                self.before.insert(output, held);
                self.states[id.index()] = own;
                own
            }
            Op::Param(_)
            | Op::Embedding { .. }
            | Op::EmbeddingGrad { .. }
            | Op::AddRows { .. }
            | Op::SumRows { .. }
            | Op::MatMul { .. }
            | Op::Add
            | Op::Scale { .. }
            | Op::Columns { .. }
            | Op::PadColumns { .. }
            | Op::Rotate { .. }
            | Op::Activation(_)
            | Op::Gated(_)
            | Op::GatedGrad(_)
            | Op::ActivationGrad(_)
            | Op::Dropout(_)
            | Op::Norm { .. }
            | Op::NormGrad { .. }
            | Op::NormParamGrad { .. }
            | Op::Attention(_)
            | Op::AttentionGrad(_)
            | Op::AttentionProbs(_)
            | Op::CrossEntropy { .. }
            | Op::CrossEntropyGrad { .. }
            | Op::ElementLoss(_)
            | Op::ElementLossGrad(_)
            | Op::Fused(_) => own,
        }
    }

    /// Where a value is found.
    pub(super) fn value(&self, value: ValueId) -> Content {
        self.values[value.index()]
    }

    /// What the state held before a value that changes it.
    pub(super) fn before(&self, value: ValueId) -> Option<Content> {
        self.before.get(&value).copied()
    }

    /// What each state holds at the end.
    pub(super) fn states(&self) -> &[Content] {
        &self.states
    }
}

/// Which state a value lies in: the results of changing one, not what reads it.
pub(super) fn state_of(graph: &Graph, value: ValueId) -> Option<StateId> {
    if let Op::Store(id) | Op::Append(id) = graph.producer(value).op { Some(id) } else { None }
}

/// How often each value is read, results included, what views it excluded.
fn readers(graph: &Graph) -> Vec<usize> {
    let mut readers = vec![0; graph.values.len()];
    let read =
        graph.nodes.iter().filter(|n| !matches!(n.op, Op::Reshape { .. })).flat_map(|n| n.inputs.iter().copied());
    for value in read.chain(graph.results()) {
        readers[graph.viewed(value).index()] += 1;
    }
    readers
}

/// A result has a place of its own. A gradient lies in an arena, so it can view what nothing else reads; an output can view
/// what a launch writes to a slot.
fn needs_copy(graph: &Graph, output: ValueId, viewed: ValueId, readers: &[usize]) -> bool {
    let computed = !matches!(
        graph.producer(viewed).op,
        Op::Param(_) | Op::Input(_) | Op::Fill { .. } | Op::Table(_) | Op::State(_) | Op::Store(_) | Op::Append(_)
    );
    let is_gradient = |value: ValueId| graph.gradients.iter().any(|&(_, v)| v == value);
    if is_gradient(output) {
        return !computed || readers[viewed.index()] > 1;
    }
    let lies_in_arena = || graph.gradients.iter().any(|&(_, v)| graph.viewed(v) == viewed);
    graph.outputs.iter().any(|&(_, v)| v == output) && (!computed || lies_in_arena())
}

fn same_constant(a: &Op, b: &Op) -> bool {
    if let (Op::Fill { value: a }, Op::Fill { value: b }) = (a, b) {
        return a.to_bits() == b.to_bits();
    }
    matches!((a, b), (Op::Table(a), Op::Table(b)) if a == b)
}
