// Sum of COUNT numbers: total[0] = Σ x[i].
//
// One workgroup of 64 threads; thread t takes i = t, t + 64, …, then the 64 sums are added in a fixed order.

const COUNT: u32 = 64u;
// For the reduction: one sum of 64 parts.
const LANES: u32 = 1u;
const SLICES: u32 = 64u;

@group(1) @binding(0) var<storage, read> x: array<f32, COUNT>;
@group(1) @binding(1) var<storage, read_write> result: array<f32, 1>;

@compute @workgroup_size(SLICES)
fn total(@builtin(local_invocation_id) local: vec3<u32>) {
    var sum = 0.0;
    for (var i = 0u; i < (COUNT + SLICES - 1u) / SLICES; i++) {
        let at = i * SLICES + local.x;
        sum += select(0.0, x[min(at, COUNT - 1u)], at < COUNT);
    }
    let all = sum_slices(0u, local.x, vec2<f32>(sum, 0.0)).x;
    if (local.x == 0u) {
        result[0] = all;
    }
}
