//! The optimizer that [`Optimizer`] describes, on plain vectors.

mod adafactor;
mod muon;

use super::program::check_length;
use super::{Float, ReferenceError};
use crate::ir::{Optimizer, OptimizerKind, Param, ParamId, Shape};

/// What a rule keeps between steps: the two moments of AdamW, one vector a parameter each. Other rules keep what they have
/// in the same vectors, see [`OptimizerKind`].
#[derive(Clone, PartialEq, Debug)]
pub struct AdamState<F> {
    /// Running mean of the gradient; of Adafactor's matrices, the means of the squares over each row.
    pub moment1: Vec<Vec<F>>,
    /// Running mean of its square; of Adafactor's matrices, the means over each column.
    pub moment2: Vec<Vec<F>>,
}

impl<F: Float> AdamState<F> {
    /// All zeros: before the first step.
    #[must_use]
    pub fn new(params: &[Param]) -> Self {
        let zeros: Vec<Vec<F>> = params.iter().map(|p| vec![F::ZERO; p.shape.elements()]).collect();
        Self { moment1: zeros.clone(), moment2: zeros }
    }
}

/// One step: clips `grads` by their global norm, then moves `params`. `t` counts from 1. Returns the norm before clipping.
///
/// Parameters without a gradient stay as they are, as in PyTorch. If the norm is not finite, everything stays as it is.
///
/// # Errors
/// When `t` is 0, or a vector does not have its parameter's size.
pub fn update<F: Float>(
    optimizer: &Optimizer,
    table: &[Param],
    params: &mut [Vec<F>],
    grads: &[Option<&[F]>],
    state: &mut AdamState<F>,
    lr: f64,
    t: u32,
) -> Result<f64, ReferenceError> {
    check(table, params, grads, state)?;
    if t == 0 {
        return Err(ReferenceError::StepZero);
    }
    let squares = grads.iter().flatten().flat_map(|grad| grad.iter()).map(|g| g.widen() * g.widen());
    let norm = squares.sum::<f64>().sqrt();
    if !norm.is_finite() {
        return Ok(norm);
    }
    let factor = F::new(optimizer.clip.map_or(1.0, |clip| (clip / (norm + 1e-6)).min(1.0)));
    let moments = state.moment1.iter_mut().zip(&mut state.moment2);
    for (((param, p), grad), (m, v)) in table.iter().zip(params).zip(grads).zip(moments) {
        let Some(grad) = grad else { continue };
        // A stack takes its step tensor by tensor; it matters to those that look at rows and columns.
        for tensor in param.tensors(ParamId(0)) {
            let at = tensor.range;
            let step = Step { shape: &tensor.shape, decayed: param.decay, factor, lr, t };
            let (p, grad, m, v) = (&mut p[at.clone()], &grad[at.clone()], &mut m[at.clone()], &mut v[at]);
            step.take(optimizer.kind.of(param), p, grad, m, v);
        }
    }
    Ok(norm)
}

/// A step of one tensor.
struct Step<'a, F> {
    shape: &'a Shape,
    /// Whether weight decay applies.
    decayed: bool,
    /// What clipping multiplies the gradient by.
    factor: F,
    lr: f64,
    /// From 1.
    t: u32,
}

impl<F: Float> Step<'_, F> {
    fn take(&self, rule: OptimizerKind, p: &mut [F], grad: &[F], m: &mut [F], v: &mut [F]) {
        match rule {
            OptimizerKind::AdamW { beta1, beta2, eps, weight_decay } => {
                self.adamw([beta1, beta2], eps, weight_decay, p, grad, m, v);
            }
            OptimizerKind::Sgd { momentum, weight_decay } => self.sgd(momentum, weight_decay, p, grad, m),
            OptimizerKind::Lion { beta1, beta2, weight_decay } => self.lion([beta1, beta2], weight_decay, p, grad, m),
            OptimizerKind::Adafactor { eps, clip_threshold, decay_rate, weight_decay } => {
                self.adafactor([eps, clip_threshold, decay_rate], weight_decay, p, grad, m, v);
            }
            OptimizerKind::Muon { momentum, weight_decay, .. } => self.muon(momentum, weight_decay, p, grad, m),
        }
    }

    /// The weight decay that applies.
    fn decay(&self, weight_decay: f64) -> f64 {
        if self.decayed { weight_decay } else { 0.0 }
    }

    /// What decoupled weight decay leaves of a parameter.
    fn keep(&self, weight_decay: f64) -> F {
        F::new(1.0 - self.lr * self.decay(weight_decay))
    }

    #[expect(clippy::too_many_arguments, reason = "the constants of the rule, then its four vectors")]
    fn adamw(&self, betas: [f64; 2], eps: f64, weight_decay: f64, p: &mut [F], grad: &[F], m: &mut [F], v: &mut [F]) {
        let [correction1, correction2] = betas.map(|beta| F::new(1.0 - libm::pow(beta, f64::from(self.t))));
        let [beta1, beta2] = betas.map(F::new);
        let [rest1, rest2] = betas.map(|beta| F::new(1.0 - beta));
        let keep = self.keep(weight_decay);
        let (lr, eps) = (F::new(self.lr), F::new(eps));
        for (((p, &g), m), v) in p.iter_mut().zip(grad).zip(m).zip(v) {
            let g = g * self.factor;
            *m = beta1 * *m + rest1 * g;
            *v = beta2 * *v + rest2 * g * g;
            *p *= keep;
            *p -= lr * (*m / correction1) / ((*v / correction2).sqrt() + eps);
        }
    }

    fn sgd(&self, momentum: f64, weight_decay: f64, p: &mut [F], grad: &[F], m: &mut [F]) {
        let (lr, momentum, decay) = (F::new(self.lr), F::new(momentum), F::new(self.decay(weight_decay)));
        for ((p, &g), m) in p.iter_mut().zip(grad).zip(m) {
            *m = momentum * *m + (g * self.factor + decay * *p);
            *p -= lr * *m;
        }
    }

    fn lion(&self, betas: [f64; 2], weight_decay: f64, p: &mut [F], grad: &[F], m: &mut [F]) {
        let [beta1, beta2] = betas.map(F::new);
        let [rest1, rest2] = betas.map(|beta| F::new(1.0 - beta));
        let (lr, decay) = (F::new(self.lr), F::new(self.decay(weight_decay)));
        for ((p, &g), m) in p.iter_mut().zip(grad).zip(m) {
            let g = g * self.factor;
            *p -= lr * (sign(beta1 * *m + rest1 * g) + decay * *p);
            *m = beta2 * *m + rest2 * g;
        }
    }
}

/// -1, 0 or 1.
fn sign<F: Float>(x: F) -> F {
    if x > F::ZERO {
        F::ONE
    } else if x < F::ZERO {
        -F::ONE
    } else {
        F::ZERO
    }
}

fn check<F>(
    table: &[Param],
    params: &[Vec<F>],
    grads: &[Option<&[F]>],
    state: &AdamState<F>,
) -> Result<(), ReferenceError> {
    let lists = [
        ("parameters", params.len()),
        ("gradients", grads.len()),
        ("first moments", state.moment1.len()),
        ("second moments", state.moment2.len()),
    ];
    for (what, found) in lists {
        if found != table.len() {
            return Err(ReferenceError::Count { what, found, expected: table.len() });
        }
    }
    for (i, param) in table.iter().enumerate() {
        let expected = param.shape.elements();
        let grad = grads[i].map_or(expected, <[F]>::len);
        for found in [params[i].len(), grad, state.moment1[i].len(), state.moment2[i].len()] {
            check_length(&param.name, found, expected)?;
        }
    }
    Ok(())
}
