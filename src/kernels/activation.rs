//! The numbers by which shaders know the nonlinearities of `shaders/lib/activation.wgsl`.

use super::Const;
use crate::ir::Activation;

/// The head constant that selects a nonlinearity.
pub(super) const fn constant(f: Activation) -> (&'static str, Const) {
    let number = match f {
        Activation::GeluTanh => 0,
        Activation::GeluErf => 1,
        Activation::Relu => 2,
        Activation::Silu => 3,
        Activation::Tanh => 4,
    };
    ("ACTIVATION", Const::U32(number))
}
