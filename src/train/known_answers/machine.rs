use std::collections::BTreeMap;

use crate::ir::{Graph, Optimizer};

/// Why a machine could not compute, in a sentence.
pub type MachineError = String;

/// Which gates apply.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Precision {
    /// Single precision.
    F32,
    /// Double precision.
    F64,
}

/// The data of one input.
#[derive(Clone, PartialEq, Debug)]
pub enum Data {
    /// Indices or flags.
    Index(Vec<u32>),
    /// Numbers.
    Float(Vec<f64>),
}

/// The data of a step, by the graph's input names.
pub type Inputs = Vec<(String, Data)>;

/// The outputs of a graph by name.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Evaluated(pub BTreeMap<String, Vec<f64>>);

impl Evaluated {
    /// An output.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn get(&self, name: &str) -> Result<&[f64], MachineError> {
        self.0.get(name).map(Vec::as_slice).ok_or_else(|| format!("there is no output {name}"))
    }

    /// The one number of an output.
    ///
    /// # Errors
    /// When there is none of that name, or it is no scalar.
    pub fn scalar(&self, name: &str) -> Result<f64, MachineError> {
        match self.get(name)? {
            &[value] => Ok(value),
            values => Err(format!("{name} has {} values instead of one", values.len())),
        }
    }
}

/// What some steps of an optimizer showed.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Descent {
    /// Loss before each step.
    pub losses: Vec<f64>,
    /// Norm of the gradient before clipping, at each step.
    pub norms: Vec<f64>,
    /// For each parameter its gradient at the first step.
    pub gradients: Vec<Vec<f64>>,
    /// For each parameter its values after the last step.
    pub parameters: Vec<Vec<f64>>,
}

/// Something that computes graphs.
pub trait Machine {
    /// Which gates apply.
    fn precision(&self) -> Precision;

    /// Runs an optimized graph; returns its outputs.
    ///
    /// # Errors
    /// When it cannot be run.
    fn forward(
        &mut self,
        graph: &Graph,
        parameters: &[Vec<f32>],
        inputs: &[(String, Data)],
    ) -> impl Future<Output = Result<Evaluated, MachineError>>;

    /// Takes an optimizer step on each batch in turn, from zero moments, with a constant learning rate.
    ///
    /// # Errors
    /// When it cannot be run.
    fn descend(
        &mut self,
        graph: &Graph,
        optimizer: Optimizer,
        parameters: &[Vec<f64>],
        batches: &[Inputs],
        lr: f64,
    ) -> impl Future<Output = Result<Descent, MachineError>>;
}
