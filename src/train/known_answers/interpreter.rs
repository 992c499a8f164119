use super::{Data, Descent, Evaluated, Inputs, Machine, MachineError, Precision};
use crate::ir::{Graph, Optimizer, ParamId};
use crate::reference::{AdamState, Float, Interpreter, Keep, StepKey, Tensor, Values, update};

/// The interpreter as a machine.
#[derive(Debug, Default)]
pub struct InterpreterMachine<F> {
    element: core::marker::PhantomData<F>,
}

/// Types that the interpreter computes in, with the gates that apply.
pub trait Gated: Float {
    /// Which.
    const PRECISION: Precision;
}

impl Gated for f32 {
    const PRECISION: Precision = Precision::F32;
}

impl Gated for f64 {
    const PRECISION: Precision = Precision::F64;
}

impl<F: Gated> Machine for InterpreterMachine<F> {
    fn precision(&self) -> Precision {
        F::PRECISION
    }

    async fn forward(
        &mut self,
        graph: &Graph,
        parameters: &[Vec<f32>],
        inputs: &[(String, Data)],
    ) -> Result<Evaluated, MachineError> {
        let mut interpreter = Interpreter::<F>::new(graph, Keep::Results).map_err(|e| e.to_string())?;
        let inputs = tensors(graph, inputs)?;
        let values = interpreter.run(&widen(parameters), &inputs, StepKey::default()).map_err(|e| e.to_string())?;
        let read = |(name, _): &(String, _)| Some((name.clone(), numbers(values.output(name)?)));
        Ok(Evaluated(graph.outputs.iter().filter_map(read).collect()))
    }

    async fn descend(
        &mut self,
        graph: &Graph,
        optimizer: Optimizer,
        parameters: &[Vec<f64>],
        batches: &[Inputs],
        lr: f64,
    ) -> Result<Descent, MachineError> {
        let text = |e: crate::reference::ReferenceError| e.to_string();
        let mut interpreter = Interpreter::<F>::new(graph, Keep::Results).map_err(text)?;
        let mut parameters: Vec<Vec<F>> = parameters.iter().map(|p| p.iter().map(|&v| F::new(v)).collect()).collect();
        let mut state = AdamState::new(&graph.params);
        let mut descent = Descent::default();
        for (t, batch) in (1..).zip(batches) {
            let inputs = tensors(graph, batch)?;
            let values = interpreter.run(&parameters, &inputs, StepKey::default()).map_err(text)?;
            let gradients = gradients(graph, &values);
            let loss = values.output("loss").and_then(|l| l.first()).map_or(f64::NAN, |l| l.widen());
            descent.losses.push(loss);
            if t == 1 {
                descent.gradients = gradients.iter().map(|g| g.map(numbers).unwrap_or_default()).collect();
            }
            let norm = update(&optimizer, &graph.params, &mut parameters, &gradients, &mut state, lr, t);
            descent.norms.push(norm.map_err(text)?);
        }
        descent.parameters = parameters.iter().map(|p| numbers(p)).collect();
        Ok(descent)
    }
}

fn gradients<'a, F: Float>(graph: &Graph, values: &'a Values<F>) -> Vec<Option<&'a [F]>> {
    (0..graph.params.len()).map(|i| values.gradient(ParamId(i as u32))).collect()
}

fn widen<F: Float>(parameters: &[Vec<f32>]) -> Vec<Vec<F>> {
    parameters.iter().map(|p| p.iter().map(|&v| F::new(f64::from(v))).collect()).collect()
}

fn numbers<F: Float>(values: &[F]) -> Vec<f64> {
    values.iter().map(|v| v.widen()).collect()
}

/// Inputs in the order of the graph's table.
fn tensors<F: Float>(graph: &Graph, inputs: &[(String, Data)]) -> Result<Vec<Tensor<F>>, MachineError> {
    let find = |input: &crate::ir::Input| {
        let (_, data) = inputs
            .iter()
            .find(|(name, _)| *name == input.name)
            .ok_or_else(|| format!("the input {} is missing", input.name))?;
        Ok(match data {
            Data::Index(v) => Tensor::Index(v.clone()),
            Data::Float(v) => Tensor::Float(v.iter().map(|&x| F::new(x)).collect()),
        })
    };
    graph.inputs.iter().map(find).collect()
}
