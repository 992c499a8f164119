//! Fused operations spelled out again: the graph that defines what a fused graph computes.

use super::{Builder, Graph, IrError, Op, ValueId};

impl Graph {
    /// The same computation without [`Op::Fused`]: each is replaced by [`super::Fused::define`], in its place and scope.
    ///
    /// # Errors
    /// When the graph was ill-formed.
    pub fn expand_fused(&self) -> Result<Self, IrError> {
        self.expand_fused_values().map(|(graph, _)| graph)
    }

    /// As [`Graph::expand_fused`], and for each value of this graph the value of the expanded one that equals it.
    ///
    /// # Errors
    /// When the graph was ill-formed.
    pub fn expand_fused_values(&self) -> Result<(Self, Vec<ValueId>), IrError> {
        self.verify()?;
        let mut b = Builder::from_graph(Self {
            params: self.params.clone(),
            inputs: self.inputs.clone(),
            states: self.states.clone(),
            ..Self::default()
        });
        // Verified: every value is made by a node before any reads it, so no placeholder is ever read.
        let mut expanded = vec![ValueId(u32::MAX); self.values.len()];
        for node in &self.nodes {
            let inputs: Vec<ValueId> = node.inputs.iter().map(|v| expanded[v.index()]).collect();
            b.set_scope(&node.scope);
            let outputs = match &node.op {
                Op::Fused(fused) => fused.define(&mut b, &inputs)?,
                op => b.push_all(op.clone(), &inputs)?,
            };
            for (old, new) in node.outputs.iter().zip(outputs) {
                expanded[old.index()] = new;
            }
        }
        for (name, value) in &self.outputs {
            b.output(name, expanded[value.index()]);
        }
        for (param, value) in &self.gradients {
            b.gradient(*param, expanded[value.index()]);
        }
        Ok((b.finish(), expanded))
    }
}
