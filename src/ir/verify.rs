use super::{Graph, IrError, NodeId, infer::infer};

impl Graph {
    /// Checks that the graph is well-formed: every value is made before it is read, by the node that it names, with
    /// the type that the type rule gives; results exist; gradients look like their parameters.
    ///
    /// # Errors
    /// The first fault found, with operation and scope.
    pub fn verify(&self) -> Result<(), IrError> {
        let mut made = vec![false; self.values.len()];
        for (i, node) in self.nodes.iter().enumerate() {
            let undefined = |value: usize| IrError::Undefined { op: node.op.name(), scope: node.scope.clone(), value };
            for &input in &node.inputs {
                if made.get(input.index()) != Some(&true) {
                    return Err(undefined(input.index()));
                }
            }
            let inferred = infer(self, &node.op, &node.inputs, &node.scope)?;
            if inferred.len() != node.outputs.len() {
                return Err(IrError::Arity {
                    op: node.op.name(),
                    scope: node.scope.clone(),
                    found: node.outputs.len(),
                });
            }
            for (&output, inferred) in node.outputs.iter().zip(inferred) {
                let value = self.values.get(output.index()).ok_or_else(|| undefined(output.index()))?;
                if value.node != NodeId(i as u32) || made[output.index()] {
                    return Err(undefined(output.index()));
                }
                if value.ty != inferred {
                    return Err(IrError::Recorded {
                        op: node.op.name(),
                        scope: node.scope.clone(),
                        types: Box::new([value.ty.clone(), inferred]),
                    });
                }
                made[output.index()] = true;
            }
        }
        for value in self.results() {
            if made.get(value.index()) != Some(&true) {
                return Err(IrError::Undefined { op: "result", scope: String::new(), value: value.index() });
            }
        }
        for &(param, value) in &self.gradients {
            let found = self.ty(value);
            match self.params.get(param.index()) {
                Some(p) if p.shape == found.shape => {}
                Some(_) | None => {
                    return Err(IrError::Gradient {
                        op: "gradient",
                        scope: String::new(),
                        what: "a gradient must have the shape of its parameter",
                    });
                }
            }
        }
        Ok(())
    }
}
