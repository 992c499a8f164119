// Muon for one matrix of ROWS × COLUMNS, elements SKIP and on of what is bound of the arenas; its matrix products are those
// of matmul.wgsl. g = factor·gradient.
//
//   momentum    m += (1 - momentum)(g - m); y = g + momentum·(m - g); partials[w] = Σ y² over workgroup w
//   normalize   y = x/max(√Σ partials, EPS)
//   polynomial  y = a·1 + b·x + c·other for square matrices of ROWS: x = XXᵀ, other = x·x; the next X is y·X
//   apply       p -= lr·wd·p + lr·SCALE·x
//
// momentum strides by all its threads; the others take PER_THREAD elements a thread, WX apart. A negative factor keeps
// parameters and moments as they are.

const SKIP: u32 = 0u;
const ROWS: u32 = 8u;
const COLUMNS: u32 = 8u;
const MOMENTUM: f32 = 0.95;
const MOMENTUM_REST: f32 = 0.05;
const EPS: f32 = 1e-7;
const A: f32 = 3.4445;
const B: f32 = -4.775;
const C: f32 = 2.0315;
const SCALE: f32 = 1.0;
const PARTIALS: u32 = 1u;
const PER_THREAD: u32 = 4u;
const GRID_X: u32 = 1u;
const WX: u32 = 64u;
// For the reduction of momentum: one sum of 64 parts.
const LANES: u32 = 1u;
const SLICES: u32 = 64u;

@group(1) @binding(0) var<storage, read> grads: array<f32, SKIP + ROWS * COLUMNS>;
@group(1) @binding(1) var<storage, read> scalars: array<f32, 2>;
@group(1) @binding(2) var<storage, read> x: array<f32, ROWS * COLUMNS>;
@group(1) @binding(3) var<storage, read> other: array<f32, ROWS * COLUMNS>;
@group(1) @binding(4) var<storage, read> partials_in: array<f32, PARTIALS>;
@group(1) @binding(5) var<storage, read_write> params: array<f32, SKIP + ROWS * COLUMNS>;
@group(1) @binding(6) var<storage, read_write> moment1: array<f32, SKIP + ROWS * COLUMNS>;
@group(1) @binding(7) var<storage, read_write> y: array<f32, ROWS * COLUMNS>;
@group(1) @binding(8) var<storage, read_write> partials: array<f32, PARTIALS>;

@compute @workgroup_size(SLICES)
fn momentum(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let w = min(group.x, PARTIALS - 1u);
    let factor = scalars[0];
    var sum = 0.0;
    for (var i = 0u; i < (ROWS * COLUMNS + PARTIALS * SLICES - 1u) / (PARTIALS * SLICES); i++) {
        let wanted = (i * PARTIALS + w) * SLICES + local.x;
        if (wanted < ROWS * COLUMNS) {
            let at = min(wanted, ROWS * COLUMNS - 1u);
            let g = factor * grads[SKIP + at];
            let m = moment1[SKIP + at] + MOMENTUM_REST * (g - moment1[SKIP + at]);
            let direction = g + MOMENTUM * (m - g);
            sum += direction * direction;
            y[at] = direction;
            if (factor >= 0.0) {
                moment1[SKIP + at] = m;
            }
        }
    }
    let all = sum_slices(0u, local.x, vec2<f32>(sum, 0.0)).x;
    if (local.x == 0u) {
        partials[w] = all;
    }
}

fn first_index(group: vec3<u32>, lane: u32) -> u32 {
    return (group.y * GRID_X + group.x) * (PER_THREAD * WX) + lane;
}

@compute @workgroup_size(WX)
fn normalize(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    var squares = 0.0;
    for (var i = 0u; i < PARTIALS; i++) {
        squares += partials_in[i];
    }
    let norm = max(sqrt(squares), EPS);
    let first = first_index(group, local.x);
    for (var i = 0u; i < PER_THREAD; i++) {
        let at = min(first + i * WX, ROWS * COLUMNS - 1u);
        if (first + i * WX < ROWS * COLUMNS) {
            y[at] = x[at] / norm;
        }
    }
}

@compute @workgroup_size(WX)
fn polynomial(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let first = first_index(group, local.x);
    for (var i = 0u; i < PER_THREAD; i++) {
        let at = min(first + i * WX, ROWS * COLUMNS - 1u);
        if (first + i * WX < ROWS * COLUMNS) {
            y[at] = select(0.0, A, at / COLUMNS == at % COLUMNS) + B * x[at] + C * other[at];
        }
    }
}

@compute @workgroup_size(WX)
fn apply(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let decay = step_uniform.lr * step_uniform.weight_decay;
    let first = first_index(group, local.x);
    for (var i = 0u; i < PER_THREAD; i++) {
        let at = min(first + i * WX, ROWS * COLUMNS - 1u);
        if (scalars[0] >= 0.0 && first + i * WX < ROWS * COLUMNS) {
            params[SKIP + at] = params[SKIP + at] * (1.0 - decay) - step_uniform.lr * SCALE * x[at];
        }
    }
}
