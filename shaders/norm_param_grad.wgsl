// Gradients of a normalization's weights over the rows of dy (ROWS×COLUMNS).
//
//   gamma_grad[c] = Σ_rows dy·(x - μ)·r, beta_grad[c] = Σ_rows dy, rows ascending
//
// A thread per column, so neighbors read neighbors; no barrier.

const ROWS: u32 = 8u;
const COLUMNS: u32 = 8u;
const GRID_X: u32 = 1u;
const WX: u32 = 64u;

@group(1) @binding(0) var<storage, read> x: array<f32, ROWS * COLUMNS>;
@group(1) @binding(1) var<storage, read> stats: array<f32, ROWS * 2u>;
@group(1) @binding(2) var<storage, read> dy: array<f32, ROWS * COLUMNS>;
@group(1) @binding(3) var<storage, read_write> gamma_grad: array<f32, COLUMNS>;
@group(1) @binding(4) var<storage, read_write> beta_grad: array<f32, COLUMNS>;

// (Σ dy·x̂, Σ dy) of a column.
fn sums(column: u32) -> vec2<f32> {
    var total = vec2<f32>();
    for (var r = 0u; r < ROWS; r++) {
        let at = r * COLUMNS + column;
        let g = dy[at];
        total += vec2<f32>(g * ((x[at] - stats[2u * r]) * stats[2u * r + 1u]), g);
    }
    return total;
}

fn thread(group: vec3<u32>, lane: u32) -> u32 {
    return (group.y * GRID_X + group.x) * WX + lane;
}

@compute @workgroup_size(WX)
fn both(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let wanted = thread(group, local.x);
    let column = min(wanted, COLUMNS - 1u);
    let total = sums(column);
    if (wanted < COLUMNS) {
        gamma_grad[column] = total.x;
        beta_grad[column] = total.y;
    }
}

@compute @workgroup_size(WX)
fn gamma(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let wanted = thread(group, local.x);
    let column = min(wanted, COLUMNS - 1u);
    let total = sums(column);
    if (wanted < COLUMNS) {
        gamma_grad[column] = total.x;
    }
}
