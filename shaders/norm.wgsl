// Normalization over the columns of x (ROWS×COLUMNS).
//
//   layer   y = (x - μ)·r·γ + β, μ = mean x, r = 1/√(mean (x - μ)² + ε)
//   RMS     y = x·r·γ, r = 1/√(mean x² + ε); its μ is stored as 0
//   stats[row] = (μ, r)
//
// Two passes, mean and then variance: E[x²] - E[x]² would cancel. A thread per row; no barrier.

const ROWS: u32 = 8u;
const COLUMNS: u32 = 8u;
const RMS: bool = false;
const EPS: f32 = 1e-5;
const GRID_X: u32 = 1u;
const WX: u32 = 64u;

@group(1) @binding(0) var<storage, read> x: array<f32, ROWS * COLUMNS>;
@group(1) @binding(1) var<storage, read> gamma: array<f32, COLUMNS>;
@group(1) @binding(2) var<storage, read> beta: array<f32, COLUMNS>;
@group(1) @binding(3) var<storage, read_write> y: array<f32, ROWS * COLUMNS>;
@group(1) @binding(4) var<storage, read_write> stats: array<f32, ROWS * 2u>;

// Mean and reciprocal deviation of the row that starts at `start`.
fn statistics(start: u32) -> vec2<f32> {
    var mean = 0.0;
    if (!RMS) {
        for (var c = 0u; c < COLUMNS; c++) {
            mean += x[start + c];
        }
        mean /= f32(COLUMNS);
    }
    var variance = 0.0;
    for (var c = 0u; c < COLUMNS; c++) {
        let d = x[start + c] - mean;
        variance += d * d;
    }
    return vec2<f32>(mean, 1.0 / sqrt(variance / f32(COLUMNS) + EPS));
}

fn thread(group: vec3<u32>, lane: u32) -> u32 {
    return (group.y * GRID_X + group.x) * WX + lane;
}

@compute @workgroup_size(WX)
fn forward(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let wanted = thread(group, local.x);
    let row = min(wanted, ROWS - 1u);
    let s = statistics(row * COLUMNS);
    if (wanted < ROWS) {
        for (var c = 0u; c < COLUMNS; c++) {
            y[row * COLUMNS + c] = (x[row * COLUMNS + c] - s.x) * s.y * gamma[c] + beta[c];
        }
        stats[2u * row] = s.x;
        stats[2u * row + 1u] = s.y;
    }
}

@compute @workgroup_size(WX)
fn forward_unbiased(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let wanted = thread(group, local.x);
    let row = min(wanted, ROWS - 1u);
    let s = statistics(row * COLUMNS);
    if (wanted < ROWS) {
        for (var c = 0u; c < COLUMNS; c++) {
            y[row * COLUMNS + c] = (x[row * COLUMNS + c] - s.x) * s.y * gamma[c];
        }
        stats[2u * row] = s.x;
        stats[2u * row + 1u] = s.y;
    }
}
