// Sums over threads of a workgroup, in a fixed order. Head constants of the including file: LANES sums at a time, each of
// SLICES parts; the workgroup has LANES·SLICES threads.

var<workgroup> parts: array<vec2<f32>, LANES * SLICES>;

// A thread brings part `slice` of sum `lane`, two numbers at once; the threads with slice 0 get the sums. Every thread
// of the workgroup must call, once.
fn sum_slices(lane: u32, slice: u32, part: vec2<f32>) -> vec2<f32> {
    parts[slice * LANES + lane] = part;
    workgroupBarrier();
    var sum = vec2<f32>();
    if (slice == 0u) {
        for (var s = 0u; s < SLICES; s++) {
            sum += parts[s * LANES + lane];
        }
    }
    return sum;
}
