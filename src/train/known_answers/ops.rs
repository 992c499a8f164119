//! The cases of `ops_kat.json`: single operations with their gradients, and the optimizer. A case's constants stand in
//! its name.

use serde_json::{Map, Value};

use super::compare::Checks;
use super::result::Stopped;
use super::{Data, Evaluated, Inputs, Machine};
use crate::autodiff::{append_backward, append_vjp};
use crate::ir::{
    Activation, Builder, Graph, Init, IrError, NormKind, Op, Optimizer, OptimizerKind, Param, Shape, Type, ValueId,
};
use crate::passes::optimize;

/// What a case is about.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Kind {
    Activation(Activation),
    Norm { kind: NormKind, eps: f64 },
    CrossEntropy { smoothing: f64 },
    AdamW { optimizer: Optimizer, lr: f64 },
}

/// Runs a case.
pub(super) async fn run<M: Machine>(name: &str, case: &Value, machine: &mut M) -> Result<Checks, Stopped> {
    let kind = kind(name)?.ok_or_else(|| Stopped::Unknown(format!("{name} is no operation of this build")))?;
    let case = case.as_object().ok_or("the case is no JSON object")?;
    let mut checks = Checks::new(machine.precision());
    let known = match kind {
        Kind::Activation(f) => activation(f, case, machine, &mut checks).await?,
        Kind::Norm { kind, eps } => norm(kind, eps, case, machine, &mut checks).await?,
        Kind::CrossEntropy { smoothing } => cross_entropy(smoothing, case, machine, &mut checks).await?,
        Kind::AdamW { optimizer, lr } => adamw(optimizer, lr, case, machine, &mut checks).await?,
    };
    for key in case.keys().filter(|key| !key.starts_with('_') && !known.contains(&key.as_str())) {
        checks.unchecked(key);
    }
    Ok(checks)
}

/// Reads a name; `None` if it names no operation.
fn kind(name: &str) -> Result<Option<Kind>, String> {
    let number = |text: &str| match text.parse::<f64>() {
        Ok(x) if x.is_finite() && x >= 0.0 => Ok(x),
        Ok(_) | Err(_) => Err(format!("{text:?} in the name is no constant")),
    };
    Ok(Some(match name {
        "gelu_erf" => Kind::Activation(Activation::GeluErf),
        "gelu_new_tanh" => Kind::Activation(Activation::GeluTanh),
        "relu" => Kind::Activation(Activation::Relu),
        "silu" => Kind::Activation(Activation::Silu),
        _ => {
            if let Some(eps) = name.strip_prefix("layernorm_eps") {
                Kind::Norm { kind: NormKind::Layer, eps: number(eps)? }
            } else if let Some(eps) = name.strip_prefix("rmsnorm_eps") {
                Kind::Norm { kind: NormKind::Rms, eps: number(eps)? }
            } else if let Some(smoothing) = name.strip_prefix("ce_ls") {
                Kind::CrossEntropy { smoothing: number(smoothing)? }
            } else if let Some(constants) = name.strip_prefix("adamw_") {
                // clipC_lrL_bB1_B2_epsE_wdW
                let parts: Vec<&str> = constants.split('_').collect();
                let wrong = || format!("{constants:?} is not clipC_lrL_bB1_B2_epsE_wdW");
                let &[clip, lr, beta1, beta2, eps, decay] = parts.as_slice() else { return Err(wrong()) };
                let named = |part: &str, prefix| number(part.strip_prefix(prefix).ok_or_else(wrong)?);
                let kind = OptimizerKind::AdamW {
                    beta1: named(beta1, "b")?,
                    beta2: number(beta2)?,
                    eps: named(eps, "eps")?,
                    weight_decay: named(decay, "wd")?,
                };
                Kind::AdamW { optimizer: Optimizer { kind, clip: Some(named(clip, "clip")?) }, lr: named(lr, "lr")? }
            } else {
                return Ok(None);
            }
        }
    }))
}

type Case = Map<String, Value>;
/// The keys that were used, or why the case could not be run.
type Checked = Result<&'static [&'static str], String>;

async fn activation<M: Machine>(f: Activation, case: &Case, machine: &mut M, checks: &mut Checks) -> Checked {
    let mut sketch = Sketch::default();
    let (dims, x) = tensor(case, "x")?;
    let ones = vec![1.0; x.len()];
    let x = sketch.input("x", &dims, x)?;
    let y = sketch.b.push(Op::Activation(f), &[x]).map_err(text)?;
    let dy = sketch.input("upstream", &dims, ones)?;
    let found = sketch.run(("y", y), dy, &[("dy", x)], machine).await?;
    compare(checks, &found, case, &["y", "dy"])?;
    Ok(&["x", "y", "dy"])
}

async fn norm<M: Machine>(kind: NormKind, eps: f64, case: &Case, machine: &mut M, checks: &mut Checks) -> Checked {
    let mut sketch = Sketch::default();
    let (dims, data) = tensor(case, "x")?;
    let x = sketch.input("x", &dims, data)?;
    let mut inputs = vec![x];
    let mut gradients = vec![("dx", x)];
    // RMS has no β: the file's is unused.
    let beta = kind == NormKind::Layer && case.get("beta").is_some_and(|beta| !beta.is_null());
    for (name, gradient) in [("gamma", "dgamma"), ("beta", "dbeta")].into_iter().take(if beta { 2 } else { 1 }) {
        let (dims, data) = tensor(case, name)?;
        let weight = sketch.input(name, &dims, data)?;
        inputs.push(weight);
        gradients.push((gradient, weight));
    }
    let y = sketch.b.push(Op::Norm { kind, eps }, &inputs).map_err(text)?;
    let (dims, upstream) = tensor(case, "upstream")?;
    let dy = sketch.input("upstream", &dims, upstream)?;
    let found = sketch.run(("y", y), dy, &gradients, machine).await?;
    let names: Vec<&str> = ["y"].into_iter().chain(gradients.iter().map(|&(name, _)| name)).collect();
    compare(checks, &found, case, &names)?;
    let unused = case.get("dbeta").is_none_or(Value::is_null);
    Ok(if beta || unused {
        &["x", "gamma", "beta", "upstream", "y", "dx", "dgamma", "dbeta"]
    } else {
        &["x", "gamma", "beta", "upstream", "y", "dx", "dgamma"]
    })
}

async fn cross_entropy<M: Machine>(smoothing: f64, case: &Case, machine: &mut M, checks: &mut Checks) -> Checked {
    let mut sketch = Sketch::default();
    let (dims, data) = tensor(case, "logits")?;
    let (rows, classes) = (Shape::new(&dims).rows(), Shape::new(&dims).columns());
    let labels = case.get("labels").and_then(Value::as_array).ok_or("labels is no list")?;
    if labels.len() != rows {
        return Err(format!("{} labels for {rows} rows of logits", labels.len()));
    }
    let (mut targets, mut weights) = (Vec::with_capacity(rows), Vec::with_capacity(rows));
    for label in labels {
        let label = label.as_i64().ok_or_else(|| format!("label {label} is no whole number"))?;
        let target = u32::try_from(label).ok().filter(|&t| (t as usize) < classes);
        if label != -100 && target.is_none() {
            return Err(format!("label {label} is not below {classes}, the number of classes"));
        }
        targets.push(target.unwrap_or(0));
        weights.push(if label == -100 { 0.0 } else { 1.0 });
    }
    let counted: f64 = weights.iter().sum();
    if counted == 0.0 {
        return Err("no label counts".to_owned());
    }
    weights.iter_mut().for_each(|w| *w /= counted);
    let logits = sketch.input("logits", &dims, data)?;
    let targets = sketch.indices("targets", &dims[..dims.len() - 1], targets)?;
    let weights = sketch.input("weights", &dims[..dims.len() - 1], weights)?;
    let loss = sketch.b.push(Op::CrossEntropy { smoothing }, &[logits, targets, weights]).map_err(text)?;
    let one = sketch.b.push(Op::Fill { value: 1.0 }, &[]).map_err(text)?;
    let found = sketch.run(("loss", loss), one, &[("dlogits", logits)], machine).await?;
    compare(checks, &found, case, &["loss", "dlogits"])?;
    Ok(&["logits", "labels", "loss", "dlogits"])
}

/// The loss `⟨p, g⟩` has the gradient g: the case's own.
async fn adamw<M: Machine>(
    optimizer: Optimizer,
    lr: f64,
    case: &Case,
    machine: &mut M,
    checks: &mut Checks,
) -> Checked {
    let (dims, p0) = tensor(case, "p0")?;
    let steps = case.get("steps").and_then(Value::as_array).filter(|s| !s.is_empty()).ok_or("steps is no list")?;
    let graph = linear_loss(p0.len()).map_err(text)?;
    let mut batches: Vec<Inputs> = Vec::new();
    for (i, step) in steps.iter().enumerate() {
        let step = step.as_object().ok_or_else(|| format!("step {i} is no JSON object"))?;
        let (grad_dims, gradient) = tensor(step, "grad")?;
        if grad_dims != dims {
            return Err(format!("step {i}: a gradient of shape {grad_dims:?} for a parameter of shape {dims:?}"));
        }
        batches.push(vec![("gradient".to_owned(), Data::Float(gradient))]);
        // From the start each time: a machine tells the parameters after its last step.
        let descent = machine.descend(&graph, optimizer, core::slice::from_ref(&p0), &batches, lr).await?;
        let p = descent.parameters.first().ok_or("the parameter is missing")?;
        checks.tensor(&format!("p after step {i}"), p, &tensor(step, "p")?.1);
        checks.tensor(&format!("norm of step {i}"), &descent.norms[i..], &tensor(step, "norm")?.1);
        for key in step.keys().filter(|key| !["grad", "norm", "p"].contains(&key.as_str())) {
            checks.unchecked(&format!("steps[{i}].{key}"));
        }
    }
    Ok(&["p0", "steps"])
}

fn linear_loss(elements: usize) -> Result<Graph, IrError> {
    let mut b = Builder::new();
    let shape = Shape::new(&[elements]);
    // The file's tensor is decayed although it has one axis.
    let p =
        b.param(Param { name: "p".to_owned(), shape, init: Init::Zeros, decay: true, frozen: false, parts: vec![] })?;
    let gradient = b.input("gradient", Type::f32(&[elements]))?;
    let loss = b.push(Op::MatMul { ta: false, tb: true }, &[p, gradient])?;
    b.output("loss", loss);
    optimize(&append_backward(b.finish(), loss)?)
}

/// A graph with the data of its inputs.
#[derive(Default)]
struct Sketch {
    b: Builder,
    data: Inputs,
}

impl Sketch {
    fn input(&mut self, name: &str, dims: &[usize], data: Vec<f64>) -> Result<ValueId, String> {
        self.data.push((name.to_owned(), Data::Float(data)));
        self.b.input(name, Type::f32(dims)).map_err(text)
    }

    fn indices(&mut self, name: &str, dims: &[usize], data: Vec<u32>) -> Result<ValueId, String> {
        self.data.push((name.to_owned(), Data::Index(data)));
        self.b.input(name, Type::u32(dims)).map_err(text)
    }

    /// Runs the graph with the result, and with gradients for its cotangent, as outputs.
    async fn run<M: Machine>(
        mut self,
        (name, y): (&str, ValueId),
        dy: ValueId,
        gradients: &[(&str, ValueId)],
        machine: &mut M,
    ) -> Result<Evaluated, String> {
        let wrt: Vec<ValueId> = gradients.iter().map(|&(_, x)| x).collect();
        let found = append_vjp(&mut self.b, &[(y, dy)], &wrt).map_err(text)?;
        self.b.output(name, y);
        for (&(name, _), gradient) in gradients.iter().zip(found) {
            self.b.output(name, gradient.ok_or_else(|| format!("there is no {name}"))?);
        }
        machine.forward(&optimize(&self.b.finish()).map_err(text)?, &[], &self.data).await
    }
}

fn compare(checks: &mut Checks, found: &Evaluated, case: &Case, names: &[&str]) -> Result<(), String> {
    for name in names {
        checks.tensor(name, found.get(name)?, &tensor(case, name)?.1);
    }
    Ok(())
}

/// Extents and numbers of a (nested) list; a number alone counts as a list of one.
fn tensor(case: &Case, name: &str) -> Result<(Vec<usize>, Vec<f64>), String> {
    let value = case.get(name).ok_or_else(|| format!("{name} is missing"))?;
    let mut dims = Vec::new();
    let mut inner = value;
    while let Some(list) = inner.as_array() {
        dims.push(list.len());
        inner = list.first().ok_or_else(|| format!("{name} is empty"))?;
    }
    let mut numbers = Vec::new();
    collect(value, &dims, &mut numbers).ok_or_else(|| format!("{name} is no tensor of numbers"))?;
    if dims.is_empty() {
        dims.push(1);
    }
    Ok((dims, numbers))
}

fn collect(value: &Value, dims: &[usize], numbers: &mut Vec<f64>) -> Option<()> {
    match (dims, value) {
        ([], _) => numbers.push(value.as_f64().filter(|x| x.is_finite())?),
        ([dim, inner @ ..], Value::Array(list)) if list.len() == *dim => {
            for value in list {
                collect(value, inner, numbers)?;
            }
        }
        _ => return None,
    }
    Some(())
}

#[expect(clippy::needless_pass_by_value, reason = "what map_err takes")]
fn text(error: IrError) -> String {
    error.to_string()
}
