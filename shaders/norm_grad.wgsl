// Gradient of a normalization for its input (ROWS×COLUMNS), from the statistics (μ, r) that the forward pass kept.
//
//   x̂ = (x - μ)·r, g = γ·dy
//   layer   dx = r·(g - mean g - x̂·mean(g·x̂))
//   RMS     dx = r·(g - x̂·mean(g·x̂))
//   grad_add writes dx + residual: the gradient that goes round the normalized branch
//
// A thread per row; no barrier.

const ROWS: u32 = 8u;
const COLUMNS: u32 = 8u;
const RMS: bool = false;
const GRID_X: u32 = 1u;
const WX: u32 = 64u;

@group(1) @binding(0) var<storage, read> x: array<f32, ROWS * COLUMNS>;
@group(1) @binding(1) var<storage, read> gamma: array<f32, COLUMNS>;
@group(1) @binding(2) var<storage, read> stats: array<f32, ROWS * 2u>;
@group(1) @binding(3) var<storage, read> dy: array<f32, ROWS * COLUMNS>;
@group(1) @binding(4) var<storage, read> residual: array<f32, ROWS * COLUMNS>;
@group(1) @binding(5) var<storage, read_write> dx: array<f32, ROWS * COLUMNS>;

struct Row {
    start: u32,
    mean: f32,
    scale: f32,
    // mean g, mean(g·x̂)
    mean_g: f32,
    mean_gx: f32,
    inside: bool,
}

fn row(group: vec3<u32>, lane: u32) -> Row {
    let wanted = (group.y * GRID_X + group.x) * WX + lane;
    let index = min(wanted, ROWS - 1u);
    let start = index * COLUMNS;
    let mean = stats[2u * index];
    let scale = stats[2u * index + 1u];
    var sum_g = 0.0;
    var sum_gx = 0.0;
    for (var c = 0u; c < COLUMNS; c++) {
        let g = gamma[c] * dy[start + c];
        sum_g += g;
        sum_gx += g * ((x[start + c] - mean) * scale);
    }
    let mean_g = select(sum_g / f32(COLUMNS), 0.0, RMS);
    return Row(start, mean, scale, mean_g, sum_gx / f32(COLUMNS), wanted < ROWS);
}

fn element(r: Row, c: u32) -> f32 {
    let xhat = (x[r.start + c] - r.mean) * r.scale;
    return r.scale * (gamma[c] * dy[r.start + c] - r.mean_g - xhat * r.mean_gx);
}

@compute @workgroup_size(WX)
fn grad(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let r = row(group, local.x);
    if (r.inside) {
        for (var c = 0u; c < COLUMNS; c++) {
            dx[r.start + c] = element(r, c);
        }
    }
}

@compute @workgroup_size(WX)
fn grad_add(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let r = row(group, local.x);
    if (r.inside) {
        for (var c = 0u; c < COLUMNS; c++) {
            dx[r.start + c] = element(r, c) + residual[r.start + c];
        }
    }
}
