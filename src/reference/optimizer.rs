//! The optimizer that [`Optimizer`] describes, on plain vectors.

use super::program::check_length;
use super::{Float, ReferenceError};
use crate::ir::{Optimizer, OptimizerKind, Param};

/// The two moments of Adam, one vector a parameter each.
#[derive(Clone, PartialEq, Debug)]
pub struct AdamState<F> {
    /// Running mean of the gradient.
    pub moment1: Vec<Vec<F>>,
    /// Running mean of its square.
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
    let OptimizerKind::AdamW { beta1, beta2, eps, weight_decay } = optimizer.kind;
    let correction = |beta: f64| F::new(1.0 - libm::pow(beta, f64::from(t)));
    let (correction1, correction2) = (correction(beta1), correction(beta2));
    let moments = state.moment1.iter_mut().zip(&mut state.moment2);
    for (((param, p), grad), (m, v)) in table.iter().zip(params).zip(grads).zip(moments) {
        let Some(grad) = grad else { continue };
        let keep = F::new(if param.decay { 1.0 - lr * weight_decay } else { 1.0 });
        for (((p, &g), m), v) in p.iter_mut().zip(*grad).zip(m).zip(v) {
            let g = g * factor;
            *m = F::new(beta1) * *m + F::new(1.0 - beta1) * g;
            *v = F::new(beta2) * *v + F::new(1.0 - beta2) * g * g;
            *p *= keep;
            *p -= F::new(lr) * (*m / correction1) / ((*v / correction2).sqrt() + F::new(eps));
        }
    }
    Ok(norm)
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
