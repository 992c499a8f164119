// Keeps the loss of an evaluation step: records[slot] = (loss, 0, 0, 0).
//
// One thread.

const RECORDS: u32 = 1u;

@group(1) @binding(0) var<storage, read> value: array<f32, 1>;
@group(1) @binding(1) var<storage, read_write> records: array<vec4<f32>, RECORDS>;

@compute @workgroup_size(1)
fn loss() {
    records[min(step_uniform.slot, RECORDS - 1u)] = vec4<f32>(value[0], 0.0, 0.0, 0.0);
}
