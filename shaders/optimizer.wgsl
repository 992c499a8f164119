// Gradient norm, clipping, and the rules that treat every element alike, over flat arenas: gradients g, parameters p,
// moments m and v. The update covers elements SKIP to ELEMENTS of what is bound; of these, those before DECAYED decay.
//
//   accumulate      total = g for the first part of a batch, total += g for the others; and the same for the loss
//   norm_partials   partials[w] = Σ g² over the elements of workgroup w
//   finish          norm = √Σ partials; scalars = (clip factor, norm); records[slot] = (loss, norm, 0, 0)
//   adamw           g = factor·g; m += (1 - β₁)(g - m); v += (1 - β₂)(g² - v)
//                   p -= lr·wd·p; p -= lr·m·c₁/(√(v·c₂) + ε)
//   sgd             m = momentum·m + factor·g + wd·p; p -= lr·m
//   lion            g = factor·g; p -= lr·(sign(m + (1 - β₁)(g - m)) + wd·p); m += (1 - β₂)(g - m)
//
// A loss or norm that is not finite makes the factor negative, and an update then changes nothing. Finiteness is read
// off the bits: a shader compiler may assume that no NaN exists. norm_partials strides by all its threads; finish is
// one workgroup; accumulate and an update take PER_THREAD elements a thread, WX apart. Gaps of the arenas hold zeros and stay zero.

const ELEMENTS: u32 = 64u;
const SKIP: u32 = 0u;
const DECAYED: u32 = 64u;
const PARTIALS: u32 = 1u;
const RECORDS: u32 = 1u;
const BETA1_REST: f32 = 0.1;
const BETA2_REST: f32 = 0.001;
const EPS: f32 = 1e-8;
const MOMENTUM: f32 = 0.9;
const PER_THREAD: u32 = 4u;
const GRID_X: u32 = 1u;
const WX: u32 = 64u;
// For the reductions of the first two: one sum of 64 parts.
const LANES: u32 = 1u;
const SLICES: u32 = 64u;

@group(1) @binding(0) var<storage, read> grads: array<f32, ELEMENTS>;
@group(1) @binding(1) var<storage, read> partials_in: array<f32, PARTIALS>;
@group(1) @binding(2) var<storage, read> loss: array<f32, 1>;
@group(1) @binding(3) var<storage, read> scalars_in: array<f32, 2>;
@group(1) @binding(4) var<storage, read_write> partials: array<f32, PARTIALS>;
@group(1) @binding(5) var<storage, read_write> scalars: array<f32, 2>;
@group(1) @binding(6) var<storage, read_write> records: array<vec4<f32>, RECORDS>;
@group(1) @binding(7) var<storage, read_write> params: array<f32, ELEMENTS>;
@group(1) @binding(8) var<storage, read_write> moment1: array<f32, ELEMENTS>;
@group(1) @binding(9) var<storage, read_write> moment2: array<f32, ELEMENTS>;
@group(1) @binding(10) var<storage, read_write> total: array<f32, ELEMENTS>;
@group(1) @binding(11) var<storage, read_write> total_loss: array<f32, 1>;

fn finite(x: f32) -> bool {
    return (bitcast<u32>(x) & 0x7f800000u) != 0x7f800000u;
}

@compute @workgroup_size(SLICES)
fn norm_partials(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let w = min(group.x, PARTIALS - 1u);
    let first = w * SLICES + local.x;
    var sum = 0.0;
    for (var i = 0u; i < (ELEMENTS + PARTIALS * SLICES - 1u) / (PARTIALS * SLICES); i++) {
        let at = i * (PARTIALS * SLICES) + first;
        let g = select(0.0, grads[min(at, ELEMENTS - 1u)], at < ELEMENTS);
        sum += g * g;
    }
    let all = sum_slices(0u, local.x, vec2<f32>(sum, 0.0)).x;
    if (local.x == 0u) {
        partials[w] = all;
    }
}

@compute @workgroup_size(SLICES)
fn finish(@builtin(local_invocation_id) local: vec3<u32>) {
    var sum = 0.0;
    for (var i = 0u; i < (PARTIALS + SLICES - 1u) / SLICES; i++) {
        let at = i * SLICES + local.x;
        sum += select(0.0, partials_in[min(at, PARTIALS - 1u)], at < PARTIALS);
    }
    let all = sum_slices(0u, local.x, vec2<f32>(sum, 0.0)).x;
    if (local.x == 0u) {
        let norm = sqrt(all);
        let bound = norm + 1e-6;
        let clip = step_uniform.clip;
        let factor = select(1.0, clip / bound, clip < bound);
        scalars[0] = select(-1.0, factor, finite(all) && finite(loss[0]));
        scalars[1] = norm;
        records[min(step_uniform.slot, RECORDS - 1u)] = vec4<f32>(loss[0], norm, 0.0, 0.0);
    }
}

// Weight decay of an element.
fn decay(index: u32) -> f32 {
    return select(0.0, step_uniform.weight_decay, index < DECAYED);
}

fn update_adamw(index: u32, factor: f32) {
    let g = factor * grads[index];
    let m = moment1[index] + BETA1_REST * (g - moment1[index]);
    let v = moment2[index] + BETA2_REST * (g * g - moment2[index]);
    let direction = (m * step_uniform.correction1) / (sqrt(v * step_uniform.correction2) + EPS);
    params[index] = params[index] * (1.0 - step_uniform.lr * decay(index)) - step_uniform.lr * direction;
    moment1[index] = m;
    moment2[index] = v;
}

fn update_sgd(index: u32, factor: f32) {
    let m = MOMENTUM * moment1[index] + (factor * grads[index] + decay(index) * params[index]);
    params[index] -= step_uniform.lr * m;
    moment1[index] = m;
}

fn update_lion(index: u32, factor: f32) {
    let ahead = factor * grads[index] - moment1[index];
    let direction = sign(moment1[index] + BETA1_REST * ahead);
    params[index] -= step_uniform.lr * (direction + decay(index) * params[index]);
    moment1[index] += BETA2_REST * ahead;
}

fn first_index(group: vec3<u32>, lane: u32) -> u32 {
    return SKIP + (group.y * GRID_X + group.x) * (PER_THREAD * WX) + lane;
}

@compute @workgroup_size(WX)
fn accumulate(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let first = first_index(group, local.x);
    for (var i = 0u; i < PER_THREAD; i++) {
        let at = min(first + i * WX, ELEMENTS - 1u);
        if (first + i * WX < ELEMENTS) {
            total[at] = select(total[at], 0.0, step_uniform.part == 0u) + grads[at];
        }
    }
    if (first == SKIP) {
        total_loss[0] = select(total_loss[0], 0.0, step_uniform.part == 0u) + loss[0];
    }
}

@compute @workgroup_size(WX)
fn adamw(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let factor = scalars_in[0];
    let first = first_index(group, local.x);
    for (var i = 0u; i < PER_THREAD; i++) {
        let wanted = first + i * WX;
        if (factor >= 0.0 && wanted < ELEMENTS) {
            update_adamw(min(wanted, ELEMENTS - 1u), factor);
        }
    }
}

@compute @workgroup_size(WX)
fn sgd(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let factor = scalars_in[0];
    let first = first_index(group, local.x);
    for (var i = 0u; i < PER_THREAD; i++) {
        let wanted = first + i * WX;
        if (factor >= 0.0 && wanted < ELEMENTS) {
            update_sgd(min(wanted, ELEMENTS - 1u), factor);
        }
    }
}

@compute @workgroup_size(WX)
fn lion(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let factor = scalars_in[0];
    let first = first_index(group, local.x);
    for (var i = 0u; i < PER_THREAD; i++) {
        let wanted = first + i * WX;
        if (factor >= 0.0 && wanted < ELEMENTS) {
            update_lion(min(wanted, ELEMENTS - 1u), factor);
        }
    }
}
