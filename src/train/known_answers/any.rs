use super::{Data, Descent, Evaluated, GpuMachine, Inputs, InterpreterMachine, Machine, MachineError, Precision};
use crate::ir::{Graph, Optimizer};
use crate::train::Device;

/// A machine chosen while the program runs.
pub enum AnyMachine {
    /// The interpreter in double precision.
    F64(InterpreterMachine<f64>),
    /// The interpreter in single precision.
    F32(InterpreterMachine<f32>),
    /// A GPU.
    Gpu(GpuMachine),
}

impl AnyMachine {
    /// A device, or where there is none the interpreter in single precision.
    #[must_use]
    pub fn on(device: Option<Device>) -> Self {
        device.map_or_else(|| Self::F32(InterpreterMachine::default()), |device| Self::Gpu(GpuMachine::new(device)))
    }

    /// The interpreter's precision, or the adapter's name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::F64(_) => "f64",
            Self::F32(_) => "f32",
            Self::Gpu(machine) => machine.name(),
        }
    }
}

impl Machine for AnyMachine {
    fn precision(&self) -> Precision {
        match self {
            Self::F64(machine) => machine.precision(),
            Self::F32(machine) => machine.precision(),
            Self::Gpu(machine) => machine.precision(),
        }
    }

    async fn forward(
        &mut self,
        graph: &Graph,
        parameters: &[Vec<f32>],
        inputs: &[(String, Data)],
    ) -> Result<Evaluated, MachineError> {
        match self {
            Self::F64(machine) => machine.forward(graph, parameters, inputs).await,
            Self::F32(machine) => machine.forward(graph, parameters, inputs).await,
            Self::Gpu(machine) => machine.forward(graph, parameters, inputs).await,
        }
    }

    async fn descend(
        &mut self,
        graph: &Graph,
        optimizer: Optimizer,
        parameters: &[Vec<f64>],
        batches: &[Inputs],
        lr: f64,
    ) -> Result<Descent, MachineError> {
        match self {
            Self::F64(machine) => machine.descend(graph, optimizer, parameters, batches, lr).await,
            Self::F32(machine) => machine.descend(graph, optimizer, parameters, batches, lr).await,
            Self::Gpu(machine) => machine.descend(graph, optimizer, parameters, batches, lr).await,
        }
    }
}
