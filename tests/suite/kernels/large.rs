//! Products with more results than the shared cases have, for which GPUs get other shapes of workgroups.

use trainyard::ir::{Fused, Op};
use trainyard::kernels::Target;

use super::check;
use crate::cases::{Case, Sketch};

/// The gradient of a weight of 384×384 over 71 rows: too few tiles for a GPU, enough to share each among four threads.
fn weights() -> Vec<Case> {
    let gradient = |name: &str, op: Op| {
        let mut s = Sketch::new(format!("{name} of 384×384 over 71 rows"));
        let (x, dy) = (s.data(&[71, 384]), s.data(&[71, 384]));
        let outputs = s.push_all(op, &[x, dy]);
        s.finish_forward(&outputs, 71)
    };
    vec![
        gradient("matmul", Op::MatMul { ta: true, tb: false }),
        gradient("weight_bias_grad", Op::Fused(Fused::WeightBiasGrad)),
    ]
}

#[test]
fn large_weights_agree_in_the_shapes_for_software() {
    check(weights(), Target::Software);
}

#[test]
fn large_weights_agree_in_the_shapes_for_gpus() {
    check(weights(), Target::Gpu);
}
