//! The compute shaders seen from Rust: one file here for each file in `shaders/`, joined by its stem.
//!
//! A shader is a whole, valid WGSL file whose head declares constants. A wrapper turns shapes into a [`Launch`]: the
//! values of those constants, the number of workgroups, and how much work that is. [`source`] substitutes the values.
//! No `wgpu` here: a launch is data that `plan` records, `gpu` runs, and tests inspect.
//!
//! Bindings. Group 0 holds the [`Step`] uniform, the same for every launch of a step. Group 1 holds an entry point's
//! buffers in the order of [`Entry::bindings`]: reads first, then writes.
//!
//! Tensors are dense and row-major, without padding: any width, any vocabulary. Storage arrays have fixed sizes and
//! workgroup coordinates are clamped once, so that browsers can prove accesses in bounds; tails store predicated.

mod activation;
pub mod adafactor;
pub mod attention;
pub mod columns;
pub mod copy;
pub mod cross_entropy;
mod dropout;
pub mod element_loss;
pub mod elementwise;
pub mod embedding;
pub mod gated;
mod grid;
mod launch;
pub mod matmul;
pub mod muon;
pub mod norm;
pub mod optimizer;
pub mod record;
pub mod rotate;
pub mod rows;
pub mod stage;
mod step;
pub mod sum;

pub use launch::{Access, Const, Entry, Kernel, KernelError, Launch, Target, joined, source};
pub use step::{STEP_FIELDS, STEP_STRIDE, Step};

/// Every shader.
#[must_use]
pub fn all() -> &'static [&'static Kernel] {
    static ALL: [&Kernel; 24] = [
        &adafactor::KERNEL,
        &attention::KERNEL,
        &attention::GRAD,
        &attention::BIAS_GRAD,
        &attention::PROBS,
        &columns::KERNEL,
        &copy::KERNEL,
        &cross_entropy::KERNEL,
        &element_loss::KERNEL,
        &elementwise::KERNEL,
        &embedding::KERNEL,
        &gated::KERNEL,
        &matmul::KERNEL,
        &matmul::WEIGHT_GRAD,
        &muon::KERNEL,
        &norm::KERNEL,
        &norm::GRAD,
        &norm::PARAM_GRAD,
        &optimizer::KERNEL,
        &record::KERNEL,
        &rotate::KERNEL,
        &rows::KERNEL,
        &stage::KERNEL,
        &sum::KERNEL,
    ];
    &ALL
}
