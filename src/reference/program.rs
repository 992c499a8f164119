//! A graph made ready for the interpreter: fused operations expanded, and for each node the values that die with it.

use super::ReferenceError;
use crate::ir::{DType, Graph, Op, ParamId, TableValues, ValueId};

/// What [`super::Interpreter`] runs.
#[derive(Debug)]
pub(super) struct Program {
    /// Without fused operations.
    pub graph: Graph,
    /// For each value of the original graph, the value of the expanded one.
    values: Vec<ValueId>,
    /// For each value of the expanded graph, its elements if it is a table.
    pub tables: Vec<Option<TableValues>>,
    /// For each node of the expanded graph, the values that nobody reads after it.
    pub dead_after: Vec<Vec<ValueId>>,
}

impl Program {
    pub(super) fn new(graph: &Graph) -> Result<Self, ReferenceError> {
        let (graph, values) = graph.expand_fused_values()?;
        let mut dead_after = vec![Vec::new(); graph.nodes.len()];
        let mut seen = vec![false; graph.values.len()];
        for value in graph.results() {
            seen[value.index()] = true;
        }
        for (i, node) in graph.nodes.iter().enumerate().rev() {
            for &value in node.inputs.iter().chain(&node.outputs) {
                if !core::mem::replace(&mut seen[value.index()], true) {
                    dead_after[i].push(value);
                }
            }
        }
        let table = |i: u32| {
            let Op::Table(table) = &graph.producer(ValueId(i)).op else { return None };
            Some(table.values())
        };
        let tables = (0..graph.values.len() as u32).map(table).collect();
        Ok(Self { graph, values, tables, dead_after })
    }

    /// The expanded graph's value for one of the original graph.
    pub(super) fn value(&self, value: ValueId) -> Option<ValueId> {
        self.values.get(value.index()).copied()
    }

    pub(super) fn output(&self, name: &str) -> Option<ValueId> {
        self.graph.output(name)
    }

    pub(super) fn gradient(&self, param: ParamId) -> Option<ValueId> {
        self.graph.gradients.iter().find(|&&(p, _)| p == param).map(|&(_, v)| v)
    }

    /// Whether a step has a buffer for a value: not for parameters and inputs, which the caller owns, and not for indices,
    /// which come from inputs and tables.
    pub(super) fn buffered(&self, value: ValueId) -> bool {
        !self.borrowed(value) && self.graph.ty(value).dtype == DType::F32
    }

    /// Whether a value is a parameter or an input, which the caller owns.
    pub(super) fn borrowed(&self, value: ValueId) -> bool {
        matches!(self.graph.producer(value).op, Op::Param(_) | Op::Input(_))
    }

    /// Compares what a step was given with the tables.
    pub(super) fn check_params(&self, lengths: impl ExactSizeIterator<Item = usize>) -> Result<(), ReferenceError> {
        let expected = self.graph.params.len();
        if lengths.len() != expected {
            return Err(ReferenceError::Count { what: "parameters", found: lengths.len(), expected });
        }
        for (param, found) in self.graph.params.iter().zip(lengths) {
            check_length(&param.name, found, param.shape.elements())?;
        }
        Ok(())
    }

    /// Compares what a step was given with the tables.
    pub(super) fn check_inputs(
        &self,
        inputs: impl ExactSizeIterator<Item = (DType, usize)>,
    ) -> Result<(), ReferenceError> {
        let expected = self.graph.inputs.len();
        if inputs.len() != expected {
            return Err(ReferenceError::Count { what: "inputs", found: inputs.len(), expected });
        }
        for (input, (dtype, found)) in self.graph.inputs.iter().zip(inputs) {
            if dtype != input.ty.dtype {
                return Err(ReferenceError::Kind { name: input.name.clone(), expected: input.ty.dtype });
            }
            check_length(&input.name, found, input.ty.shape.elements())?;
        }
        Ok(())
    }
}

pub(super) fn check_length(name: &str, found: usize, expected: usize) -> Result<(), ReferenceError> {
    if found == expected {
        return Ok(());
    }
    Err(ReferenceError::Length { name: name.to_owned(), found, expected })
}
