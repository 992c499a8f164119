// Gradients of a normalization's weights over the rows of dy (ROWS×COLUMNS).
//
//   gamma_grad[c] = Σ_rows dy·(x - μ)·r, beta_grad[c] = Σ_rows dy
//
// A workgroup has LANES columns; SLICES threads share a column, slice s takes rows s, s + SLICES, … and slice 0 adds up
// the slices in order: one barrier. Neighboring threads read neighboring columns.

const ROWS: u32 = 8u;
const COLUMNS: u32 = 8u;
const LANES: u32 = 8u;
const SLICES: u32 = 8u;

@group(1) @binding(0) var<storage, read> x: array<f32, ROWS * COLUMNS>;
@group(1) @binding(1) var<storage, read> stats: array<f32, ROWS * 2u>;
@group(1) @binding(2) var<storage, read> dy: array<f32, ROWS * COLUMNS>;
@group(1) @binding(3) var<storage, read_write> gamma_grad: array<f32, COLUMNS>;
@group(1) @binding(4) var<storage, read_write> beta_grad: array<f32, COLUMNS>;

// (Σ dy·x̂, Σ dy) over the rows of a slice.
fn part(column: u32, slice: u32) -> vec2<f32> {
    var sum = vec2<f32>();
    for (var i = 0u; i < (ROWS + SLICES - 1u) / SLICES; i++) {
        let wanted = i * SLICES + slice;
        let row = min(wanted, ROWS - 1u);
        let g = select(0.0, dy[row * COLUMNS + column], wanted < ROWS);
        sum += vec2<f32>(g * ((x[row * COLUMNS + column] - stats[2u * row]) * stats[2u * row + 1u]), g);
    }
    return sum;
}

@compute @workgroup_size(LANES * SLICES)
fn both(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let lane = local.x % LANES;
    let slice = local.x / LANES;
    let wanted = group.x * LANES + lane;
    let column = min(wanted, COLUMNS - 1u);
    let sum = sum_slices(lane, slice, part(column, slice));
    if (slice == 0u && wanted < COLUMNS) {
        gamma_grad[column] = sum.x;
        beta_grad[column] = sum.y;
    }
}

@compute @workgroup_size(LANES * SLICES)
fn gamma(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let lane = local.x % LANES;
    let slice = local.x / LANES;
    let wanted = group.x * LANES + lane;
    let column = min(wanted, COLUMNS - 1u);
    let sum = sum_slices(lane, slice, part(column, slice));
    if (slice == 0u && wanted < COLUMNS) {
        gamma_grad[column] = sum.x;
    }
}
