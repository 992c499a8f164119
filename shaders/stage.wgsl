// Brings the inputs of the current step from the ring of RING steps: inputs[i] = ring[slot·WORDS + i].
//
// Four words a thread, WX apart. The ring is written by the host once per submit; kernels read the copy, so their
// bindings do not depend on the step.

const WORDS: u32 = 64u;
const RING: u32 = 1u;
const GRID_X: u32 = 1u;
const WX: u32 = 64u;

@group(1) @binding(0) var<storage, read> ring: array<u32, RING * WORDS>;
@group(1) @binding(1) var<storage, read_write> inputs: array<u32, WORDS>;

@compute @workgroup_size(WX)
fn copy(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let slot = min(step_uniform.slot, RING - 1u);
    let first = (group.y * GRID_X + group.x) * (4u * WX) + local.x;
    for (var i = 0u; i < 4u; i++) {
        let wanted = first + i * WX;
        let index = min(wanted, WORDS - 1u);
        let word = ring[slot * WORDS + index];
        if (wanted < WORDS) {
            inputs[index] = word;
        }
    }
}
