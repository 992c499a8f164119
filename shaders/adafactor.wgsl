// Adafactor for one tensor: a matrix of ROWS × COLUMNS, of whose second moment only the means over rows and columns are
// kept, or anything else as a vector of COLUMNS. Elements SKIP and on of what is bound of the arenas; g = factor·gradient,
// w = step_uniform.correction2 = t^decay_rate.
//
//   rows     row[r] += w·(mean over c of g² + ε - row[r]);  kept in moment1[SKIP + r]
//   columns  column[c] += w·(mean over r of g² + ε - column[c]);  kept in moment2[SKIP + c]
//            scale[c] = √(mean of row / column[c])
//   norm     partials = Σ u², u[r,c] = g·scale[c]/√row[r]
//   apply    p -= lr·wd·p + lr·u/max(1, rms(u)/CLIP)
//   vector   v += w·(g² + ε - v), u = g/√v, and the same; v is moment2
//
// rows: a workgroup a row, SLICES threads along it. columns: LANES columns a workgroup, SLICES threads down each. norm
// strides by all its threads; apply takes PER_THREAD elements a thread, WX apart; vector is one workgroup. A negative
// factor keeps parameters and moments as they are.

const SKIP: u32 = 0u;
const ROWS: u32 = 8u;
const COLUMNS: u32 = 8u;
const EPS: f32 = 1e-30;
const CLIP: f32 = 1.0;
const DECAY: bool = true;
const PARTIALS: u32 = 1u;
const PER_THREAD: u32 = 4u;
const GRID_X: u32 = 1u;
const WX: u32 = 64u;
const LANES: u32 = 1u;
const SLICES: u32 = 64u;

@group(1) @binding(0) var<storage, read> grads: array<f32, SKIP + ROWS * COLUMNS>;
@group(1) @binding(1) var<storage, read> scalars: array<f32, 2>;
@group(1) @binding(2) var<storage, read> row_in: array<f32, ROWS>;
@group(1) @binding(3) var<storage, read> scale_in: array<f32, COLUMNS>;
@group(1) @binding(4) var<storage, read> partials_in: array<f32, PARTIALS>;
@group(1) @binding(5) var<storage, read_write> params: array<f32, SKIP + ROWS * COLUMNS>;
@group(1) @binding(6) var<storage, read_write> moment1: array<f32, SKIP + ROWS * COLUMNS>;
@group(1) @binding(7) var<storage, read_write> moment2: array<f32, SKIP + ROWS * COLUMNS>;
@group(1) @binding(8) var<storage, read_write> row: array<f32, ROWS>;
@group(1) @binding(9) var<storage, read_write> scale: array<f32, COLUMNS>;
@group(1) @binding(10) var<storage, read_write> partials: array<f32, PARTIALS>;

var<workgroup> total: f32;

fn gradient(at: u32) -> f32 {
    return scalars[0] * grads[SKIP + at];
}

fn square(at: u32) -> f32 {
    let g = gradient(at);
    return g * g + EPS;
}

fn follow(old: f32, fresh: f32) -> f32 {
    return old + step_uniform.correction2 * (fresh - old);
}

// What clipping makes of the learning rate, of the sum of all u².
fn rate(squares: f32) -> f32 {
    return step_uniform.lr / max(1.0, sqrt(squares / f32(ROWS * COLUMNS)) / CLIP);
}

fn move_parameter(at: u32, step: f32) {
    let decay = select(0.0, step_uniform.lr * step_uniform.weight_decay, DECAY);
    params[SKIP + at] = params[SKIP + at] * (1.0 - decay) - step;
}

@compute @workgroup_size(SLICES)
fn rows(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let wanted = group.y * GRID_X + group.x;
    let r = min(wanted, ROWS - 1u);
    var sum = 0.0;
    for (var i = 0u; i < (COLUMNS + SLICES - 1u) / SLICES; i++) {
        let c = i * SLICES + local.x;
        sum += select(0.0, square(r * COLUMNS + min(c, COLUMNS - 1u)), c < COLUMNS);
    }
    let all = sum_slices(0u, local.x, vec2<f32>(sum, 0.0)).x;
    if (local.x == 0u && wanted < ROWS) {
        let mean = follow(moment1[SKIP + r], all / f32(COLUMNS));
        row[r] = mean;
        if (scalars[0] >= 0.0) {
            moment1[SKIP + r] = mean;
        }
    }
}

@compute @workgroup_size(LANES * SLICES)
fn columns(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let lane = local.x % LANES;
    let slice = local.x / LANES;
    let wanted = group.x * LANES + lane;
    let c = min(wanted, COLUMNS - 1u);
    // (Σ g² + ε, Σ row) over the rows of a slice.
    var sum = vec2<f32>();
    for (var i = 0u; i < (ROWS + SLICES - 1u) / SLICES; i++) {
        let inside = i * SLICES + slice < ROWS;
        let r = min(i * SLICES + slice, ROWS - 1u);
        sum += select(vec2<f32>(), vec2<f32>(square(r * COLUMNS + c), row_in[r]), inside);
    }
    let all = sum_slices(lane, slice, sum) / f32(ROWS);
    if (slice == 0u && wanted < COLUMNS) {
        let mean = follow(moment2[SKIP + c], all.x);
        // Two roots: a column without gradients is 1e-30, and the quotient would leave the range.
        scale[c] = sqrt(all.y) / sqrt(mean);
        if (scalars[0] >= 0.0) {
            moment2[SKIP + c] = mean;
        }
    }
}

fn update(at: u32) -> f32 {
    return gradient(at) * scale_in[at % COLUMNS] / sqrt(row_in[at / COLUMNS]);
}

@compute @workgroup_size(SLICES)
fn norm(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let w = min(group.x, PARTIALS - 1u);
    var sum = 0.0;
    for (var i = 0u; i < (ROWS * COLUMNS + PARTIALS * SLICES - 1u) / (PARTIALS * SLICES); i++) {
        let at = (i * PARTIALS + w) * SLICES + local.x;
        let u = select(0.0, update(min(at, ROWS * COLUMNS - 1u)), at < ROWS * COLUMNS);
        sum += u * u;
    }
    let all = sum_slices(0u, local.x, vec2<f32>(sum, 0.0)).x;
    if (local.x == 0u) {
        partials[w] = all;
    }
}

@compute @workgroup_size(WX)
fn apply(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    var squares = 0.0;
    for (var i = 0u; i < PARTIALS; i++) {
        squares += partials_in[i];
    }
    let first = (group.y * GRID_X + group.x) * (PER_THREAD * WX) + local.x;
    for (var i = 0u; i < PER_THREAD; i++) {
        let wanted = first + i * WX;
        if (scalars[0] >= 0.0 && wanted < ROWS * COLUMNS) {
            let at = min(wanted, ROWS * COLUMNS - 1u);
            move_parameter(at, rate(squares) * update(at));
        }
    }
}

@compute @workgroup_size(SLICES)
fn vector(@builtin(local_invocation_id) local: vec3<u32>) {
    var sum = 0.0;
    for (var i = 0u; i < (COLUMNS + SLICES - 1u) / SLICES; i++) {
        let at = min(i * SLICES + local.x, COLUMNS - 1u);
        if (i * SLICES + local.x < COLUMNS) {
            let v = follow(moment2[SKIP + at], square(at));
            sum += gradient(at) * gradient(at) / v;
            if (scalars[0] >= 0.0) {
                moment2[SKIP + at] = v;
            }
        }
    }
    let all = sum_slices(0u, local.x, vec2<f32>(sum, 0.0)).x;
    if (local.x == 0u) {
        total = all;
    }
    workgroupBarrier();
    for (var i = 0u; i < (COLUMNS + SLICES - 1u) / SLICES; i++) {
        let at = min(i * SLICES + local.x, COLUMNS - 1u);
        if (scalars[0] >= 0.0 && i * SLICES + local.x < COLUMNS) {
            // A thread has written the elements that it reads here.
            move_parameter(at, rate(total) * gradient(at) / sqrt(moment2[SKIP + at]));
        }
    }
}
