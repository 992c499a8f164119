// What changes between steps. Group 0, bound once per step with a dynamic offset.
// The Rust twin is src/kernels/step.rs.

struct Step {
    step: u32,
    seed: u32,
    slot: u32,
    site: u32,
    lr: f32,
    correction1: f32,
    correction2: f32,
    weight_decay: f32,
    clip: f32,
    part: u32,
    parts: u32,
}

@group(0) @binding(0) var<uniform> step_uniform: Step;
