// Sum over the 64 threads of a workgroup, in a fixed order. Every thread must call; thread 0 gets the sum.

const LANES: u32 = 64u;

var<workgroup> lane_sums: array<f32, LANES>;

fn sum_lanes(lane: u32, value: f32) -> f32 {
    lane_sums[lane] = value;
    workgroupBarrier();
    var sum = 0.0;
    if (lane == 0u) {
        // In groups of four: a shorter chain of roundings.
        for (var i = 0u; i < LANES / 4u; i++) {
            sum += (lane_sums[4u * i] + lane_sums[4u * i + 1u]) + (lane_sums[4u * i + 2u] + lane_sums[4u * i + 3u]);
        }
    }
    return sum;
}
