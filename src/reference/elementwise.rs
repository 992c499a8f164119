//! Operations on one element at a time, and dropout.

use super::Float;
use super::step::DropoutMask;
use crate::ir::Activation;

/// `f(x)`.
pub(super) fn activation<F: Float>(f: Activation, x: &[F], y: &mut [F]) {
    match f {
        Activation::GeluTanh => map(x, y, |x| F::new(0.5) * x * (F::ONE + gelu_argument(x).tanh())),
        Activation::GeluErf => map(x, y, |x| x * normal_cdf(x)),
        Activation::Relu => map(x, y, |x| if x > F::ZERO { x } else { F::ZERO * x }),
        Activation::Silu => map(x, y, |x| x * sigmoid(x)),
        Activation::Tanh => map(x, y, |x| x.tanh()),
    }
}

/// `dy · f'(x)`.
pub(super) fn activation_grad<F: Float>(f: Activation, x: &[F], dy: &[F], dx: &mut [F]) {
    match f {
        Activation::GeluTanh => map(x, dx, |x| {
            let t = gelu_argument(x).tanh();
            let slope = F::new(SQRT_2_OVER_PI) * (F::ONE + F::new(3.0 * GELU_CUBE) * x * x);
            F::new(0.5) * (F::ONE + t) + F::new(0.5) * x * (F::ONE - t * t) * slope
        }),
        Activation::GeluErf => map(x, dx, |x| normal_cdf(x) + x * F::new(INV_SQRT_2_PI) * (F::new(-0.5) * x * x).exp()),
        Activation::Relu => map(x, dx, |x| if x > F::ZERO { F::ONE } else { F::ZERO }),
        Activation::Silu => map(x, dx, |x| {
            let s = sigmoid(x);
            s * (F::ONE + x * (F::ONE - s))
        }),
        Activation::Tanh => map(x, dx, |x| {
            let t = x.tanh();
            F::ONE - t * t
        }),
    }
    for (dx, &dy) in dx.iter_mut().zip(dy) {
        *dx *= dy;
    }
}

/// `f(a)·b` of rows (a, b) with `half` columns each.
pub(super) fn gated<F: Float>(f: Activation, half: usize, x: &[F], y: &mut [F]) {
    for (x, y) in x.chunks(2 * half).zip(y.chunks_mut(half)) {
        let (a, b) = x.split_at(half);
        activation(f, a, y);
        for (y, &b) in y.iter_mut().zip(b) {
            *y *= b;
        }
    }
}

/// `dy·b·f'(a)` and `dy·f(a)`, side by side like a and b.
pub(super) fn gated_grad<F: Float>(f: Activation, half: usize, x: &[F], dy: &[F], dx: &mut [F]) {
    for ((x, dy), dx) in x.chunks(2 * half).zip(dy.chunks(half)).zip(dx.chunks_mut(2 * half)) {
        let (a, b) = x.split_at(half);
        let (da, db) = dx.split_at_mut(half);
        activation_grad(f, a, dy, da);
        activation(f, a, db);
        for (((da, db), &b), &dy) in da.iter_mut().zip(db).zip(b).zip(dy) {
            *da *= b;
            *db *= dy;
        }
    }
}

const SQRT_2_OVER_PI: f64 = 0.797_884_560_802_865_4;
const INV_SQRT_2_PI: f64 = 0.398_942_280_401_432_7;
const GELU_CUBE: f64 = 0.044_715;

fn gelu_argument<F: Float>(x: F) -> F {
    F::new(SQRT_2_OVER_PI) * (x + F::new(GELU_CUBE) * x * x * x)
}

fn normal_cdf<F: Float>(x: F) -> F {
    F::new(0.5) * (F::ONE + (x * F::new(core::f64::consts::FRAC_1_SQRT_2)).erf())
}

pub(super) fn sigmoid<F: Float>(x: F) -> F {
    F::ONE / (F::ONE + (-x).exp())
}

fn map<F: Float>(x: &[F], y: &mut [F], f: impl Fn(F) -> F) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y = f(x);
    }
}

/// `a + b`.
pub(super) fn add<F: Float>(a: &[F], b: &[F], y: &mut [F]) {
    for ((y, &a), &b) in y.iter_mut().zip(a).zip(b) {
        *y = a + b;
    }
}

/// `factor · x`.
pub(super) fn scale<F: Float>(factor: f64, x: &[F], y: &mut [F]) {
    let factor = F::new(factor);
    map(x, y, |x| factor * x);
}

/// `x` under the mask; rows of `columns` elements.
pub(super) fn dropout<F: Float>(mask: &DropoutMask<F>, columns: usize, x: &[F], y: &mut [F]) {
    for (row, (y, x)) in y.chunks_mut(columns).zip(x.chunks(columns)).enumerate() {
        mask.row(row, y);
        for (y, &x) in y.iter_mut().zip(x) {
            *y *= x;
        }
    }
}
