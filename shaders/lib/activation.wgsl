// Pointwise nonlinearities and their derivatives, four elements at a time. Which one is the head constant ACTIVATION of
// the including file: 0 gelu (tanh), 1 gelu (erf), 2 relu, 3 silu, 4 tanh; the numbers are those of
// src/kernels/activation.rs.
//
// Built from `exp` and division alone: WGSL allows its `tanh` an absolute error of 1e-5 and has no `erf`. Arguments
// of `exp` are clamped where the result has long saturated, so that nothing overflows.

const GELU_TANH: u32 = 0u;
const GELU_ERF: u32 = 1u;
const RELU: u32 = 2u;
const TANH: u32 = 4u;

fn activate(x: vec4<f32>) -> vec4<f32> {
    if (ACTIVATION == GELU_TANH) {
        // (1 + tanh u)/2 = sigmoid(2u): no cancellation for negative x.
        return x * sigmoid(gelu_argument(x));
    }
    if (ACTIVATION == GELU_ERF) {
        return x * normal_cdf(x);
    }
    if (ACTIVATION == RELU) {
        return select(x, vec4<f32>(0.0), x <= vec4<f32>(0.0));
    }
    if (ACTIVATION == TANH) {
        return tangent(x);
    }
    return x * sigmoid(x);
}

fn activate_grad(x: vec4<f32>) -> vec4<f32> {
    if (ACTIVATION == GELU_TANH) {
        let c = clamp(x, vec4<f32>(-30.0), vec4<f32>(30.0));
        let slope = 1.5957691216057308 + 0.21406444881780076 * c * c;
        return sigmoid(gelu_argument(x)) + c * slope * sigmoid_slope(gelu_argument(x));
    }
    if (ACTIVATION == GELU_ERF) {
        let c = clamp(x, vec4<f32>(-13.0), vec4<f32>(13.0));
        return normal_cdf(x) + c * (0.3989422804014327 * exp(-0.5 * c * c));
    }
    if (ACTIVATION == RELU) {
        return select(vec4<f32>(1.0), vec4<f32>(0.0), x <= vec4<f32>(0.0));
    }
    if (ACTIVATION == TANH) {
        return tangent_slope(x);
    }
    return sigmoid(x) + x * sigmoid_slope(x);
}

// tanh(x): near 0 its Taylor series, where the quotient would cancel; what the series leaves out is below 2⁻²⁶ of it there.
fn tangent(x: vec4<f32>) -> vec4<f32> {
    let e = exp(-2.0 * abs(x));
    let s = x * x;
    let near = x * (1.0 + s * (-0.33333333 + s * (0.13333333 + s * (-0.053968254 + s * 0.021869488))));
    return select(sign(x) * ((1.0 - e) / (1.0 + e)), near, abs(x) < vec4<f32>(0.25));
}

// tanh'(x) = 4·e^{-2|x|}/(1 + e^{-2|x|})².
fn tangent_slope(x: vec4<f32>) -> vec4<f32> {
    let e = exp(-2.0 * abs(x));
    return 4.0 * e / ((1.0 + e) * (1.0 + e));
}

// 2u, with u = √(2/π)(x + 0.044715 x³).
fn gelu_argument(x: vec4<f32>) -> vec4<f32> {
    let c = clamp(x, vec4<f32>(-30.0), vec4<f32>(30.0));
    return c * (1.5957691216057308 + 0.07135481627260025 * c * c);
}

fn sigmoid(x: vec4<f32>) -> vec4<f32> {
    return 1.0 / (1.0 + exp(min(-x, vec4<f32>(80.0))));
}

// sigmoid'(x) = sigmoid(x)·sigmoid(-x).
fn sigmoid_slope(x: vec4<f32>) -> vec4<f32> {
    let e = exp(-min(abs(x), vec4<f32>(80.0)));
    return e / ((1.0 + e) * (1.0 + e));
}

// Φ(x) = (1 + erf(x/√2))/2. The tail erfc(t), t = |x|/√2, comes from two polynomials after N. Juffa (erff, 2015): the
// logarithm of the tail from 0.927734375 up, the odd series of erf below. Absolute error of Φ below 1e-7.
fn normal_cdf(x: vec4<f32>) -> vec4<f32> {
    let t = min(abs(x) * 0.7071067811865476, vec4<f32>(10.0));
    let s = t * t;
    var far = -1.72853470e-5 * t + 3.83197126e-4;
    far = far * s + (-3.88396438e-3 * t + 2.42546219e-2);
    far = far * t - 1.06777877e-1;
    far = far * t - 6.34846687e-1;
    far = far * t - 1.28717512e-1;
    far = far * t - t;
    var near = -5.96761703e-4 * s + 4.99119423e-3;
    near = near * s - 2.67681349e-2;
    near = near * s + 1.12819925e-1;
    near = near * s - 3.76125336e-1;
    near = near * s + 1.28379166e-1;
    near = near * t + t;
    let tail = 0.5 * select(1.0 - near, exp(far), t > vec4<f32>(0.927734375));
    return select(1.0 - tail, tail, x < vec4<f32>(0.0));
}
