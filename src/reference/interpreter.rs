use std::collections::BTreeMap;
use std::sync::Arc;

use super::evaluate::{Operands, evaluate};
use super::program::Program;
use super::{Float, ReferenceError, States, StepKey};
use crate::ir::{DType, Graph, Op, ParamId, ValueId};

/// The elements of a value, row-major.
#[derive(Clone, PartialEq, Debug)]
pub enum Tensor<F> {
    /// Numbers.
    Float(Vec<F>),
    /// Indices and flags.
    Index(Vec<u32>),
}

/// Which values outlive a step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Keep {
    /// Outputs and gradients; others are freed after their last use.
    Results,
    /// All, for tests.
    All,
}

/// A graph made ready for repeated steps. It keeps the buffers of a step for the next one.
#[derive(Debug)]
pub struct Interpreter<F> {
    program: Arc<Program>,
    keep: Keep,
    /// Free buffers by length.
    pool: BTreeMap<usize, Vec<Vec<F>>>,
    /// Scratch of the matrix products.
    scratch: Vec<F>,
    states: States<F>,
}

/// What a step computed.
#[derive(Debug)]
pub struct Values<F> {
    program: Arc<Program>,
    values: Vec<Option<Vec<F>>>,
}

/// Runs a graph once. For repeated steps see [`Interpreter`].
///
/// # Errors
/// As [`Interpreter::new`] and [`Interpreter::run`].
pub fn run<F: Float>(
    graph: &Graph,
    params: &[Vec<F>],
    inputs: &[Tensor<F>],
    key: StepKey,
) -> Result<Values<F>, ReferenceError> {
    Interpreter::new(graph, Keep::Results)?.run(params, inputs, key)
}

impl<F: Float> Values<F> {
    /// A value by its id in the graph that was given; `None` for indices and for what was freed.
    #[must_use]
    pub fn get(&self, value: ValueId) -> Option<&[F]> {
        self.values.get(self.program.value(value)?.index())?.as_deref()
    }

    /// A result by name.
    #[must_use]
    pub fn output(&self, name: &str) -> Option<&[F]> {
        self.values[self.program.output(name)?.index()].as_deref()
    }

    /// The gradient of the loss for a parameter; `None` if the parameter does not influence it.
    #[must_use]
    pub fn gradient(&self, param: ParamId) -> Option<&[F]> {
        self.values[self.program.gradient(param)?.index()].as_deref()
    }
}

impl<F: Float> Interpreter<F> {
    /// Makes a graph ready.
    ///
    /// # Errors
    /// When the graph is ill-formed.
    pub fn new(graph: &Graph, keep: Keep) -> Result<Self, ReferenceError> {
        let program = Arc::new(Program::new(graph)?);
        Ok(Self { program, keep, pool: BTreeMap::new(), scratch: Vec::new(), states: States::default() })
    }

    /// What outlives a step: zero at first, changed by every run.
    #[must_use]
    pub fn states(&self) -> &States<F> {
        &self.states
    }

    /// As [`Self::states`], to reset or reorder, or to swap with those of another interpreter whose graph names states alike.
    pub fn states_mut(&mut self) -> &mut States<F> {
        &mut self.states
    }

    /// Runs the graph. Parameters and inputs come in the order of their tables.
    ///
    /// # Errors
    /// When parameters, inputs or states are missing or have the wrong size, or an index is out of range; of the states some
    /// may have changed in the last case.
    pub fn run(&mut self, params: &[Vec<F>], inputs: &[Tensor<F>], key: StepKey) -> Result<Values<F>, ReferenceError> {
        let program = Arc::clone(&self.program);
        program.check_params(params.iter().map(Vec::len))?;
        program.check_inputs(inputs.iter().map(|input| match input {
            Tensor::Float(v) => (DType::F32, v.len()),
            Tensor::Index(v) => (DType::U32, v.len()),
        }))?;
        self.states.ensure(&program.graph.states)?;
        let mut values: Vec<Option<Vec<F>>> = Vec::new();
        values.resize_with(program.graph.values.len(), || None);
        for (node, dead) in program.graph.nodes.iter().zip(&program.dead_after) {
            let mut outputs: Vec<Vec<F>> = Vec::with_capacity(node.outputs.len());
            let buffered = node.outputs.iter().filter(|&&v| program.buffered(v));
            outputs.extend(buffered.map(|&v| self.take(program.graph.ty(v).shape.elements())));
            let operands = Operands { program: &program, graph: &program.graph, node, values: &values, params, inputs };
            evaluate(&operands, key, &mut outputs, &mut self.scratch, &mut self.states)?;
            for (&id, output) in node.outputs.iter().zip(outputs) {
                values[id.index()] = Some(output);
            }
            if self.keep == Keep::Results {
                for buffer in dead.iter().filter_map(|v| values[v.index()].take()) {
                    self.give(buffer);
                }
            }
        }
        self.copy_borrowed(params, inputs, &mut values);
        Ok(Values { program, values })
    }

    /// Takes the buffers of a step back for the next one.
    pub fn recycle(&mut self, values: Values<F>) {
        for buffer in values.values.into_iter().flatten() {
            self.give(buffer);
        }
    }

    /// Parameters and inputs that are results themselves (or all of them, when all values are kept).
    fn copy_borrowed(&self, params: &[Vec<F>], inputs: &[Tensor<F>], values: &mut [Option<Vec<F>>]) {
        let graph = &self.program.graph;
        let mut copy = |value: ValueId| match graph.producer(value).op {
            Op::Param(id) => values[value.index()] = Some(params[id.index()].clone()),
            Op::Input(id) => {
                if let Tensor::Float(input) = &inputs[id.index()] {
                    values[value.index()] = Some(input.clone());
                }
            }
            ref _computed => {}
        };
        match self.keep {
            Keep::Results => graph.results().filter(|&v| self.program.borrowed(v)).for_each(copy),
            Keep::All => (0..graph.values.len() as u32).for_each(|i| copy(ValueId(i))),
        }
    }

    /// A buffer of zeros.
    fn take(&mut self, len: usize) -> Vec<F> {
        match self.pool.get_mut(&len).and_then(Vec::pop) {
            Some(mut buffer) => {
                buffer.fill(F::ZERO);
                buffer
            }
            None => vec![F::ZERO; len],
        }
    }

    fn give(&mut self, buffer: Vec<F>) {
        self.pool.entry(buffer.len()).or_default().push(buffer);
    }
}
