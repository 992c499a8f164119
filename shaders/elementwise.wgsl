// Pointwise operations on tensors of LENGTH elements, seen as rows of COLUMNS.
//
//   add              y = x + other
//   scale            y = FACTOR · x
//   activation       y = f(x)
//   activation_grad  y = f'(x) · other                     (other is dy)
//   dropout          y = x / (1 - p) or 0, by the counter-based generator; its own gradient
//
// A thread takes four elements, WX apart, so that the threads of a workgroup read neighbors.

const LENGTH: u32 = 64u;
const COLUMNS: u32 = 8u;
const FACTOR: f32 = 1.0;
const ACTIVATION: u32 = 0u;
const THRESHOLD: u32 = 0u;
const KEEP: f32 = 1.0;
const GRID_X: u32 = 1u;
const WX: u32 = 64u;

@group(1) @binding(0) var<storage, read> x: array<f32, LENGTH>;
@group(1) @binding(1) var<storage, read> other: array<f32, LENGTH>;
@group(1) @binding(2) var<storage, read_write> y: array<f32, LENGTH>;

// The thread's four elements; those past the end are clamped and not stored.
struct Quad {
    index: vec4<u32>,
    inside: vec4<bool>,
}

fn quad(group: vec3<u32>, lane: u32) -> Quad {
    let first = (group.y * GRID_X + group.x) * (4u * WX) + lane;
    let index = vec4<u32>(first) + vec4<u32>(0u, WX, 2u * WX, 3u * WX);
    return Quad(min(index, vec4<u32>(LENGTH - 1u)), index < vec4<u32>(LENGTH));
}

fn load_x(q: Quad) -> vec4<f32> {
    return vec4<f32>(x[q.index.x], x[q.index.y], x[q.index.z], x[q.index.w]);
}

fn load_other(q: Quad) -> vec4<f32> {
    return vec4<f32>(other[q.index.x], other[q.index.y], other[q.index.z], other[q.index.w]);
}

fn store(q: Quad, value: vec4<f32>) {
    if (q.inside.x) { y[q.index.x] = value.x; }
    if (q.inside.y) { y[q.index.y] = value.y; }
    if (q.inside.z) { y[q.index.z] = value.z; }
    if (q.inside.w) { y[q.index.w] = value.w; }
}

// Row-major, the last extent rounded up to four.
fn dropout_index(element: u32) -> u32 {
    return (element / COLUMNS) * (4u * ((COLUMNS + 3u) / 4u)) + element % COLUMNS;
}

fn kept(element: u32) -> f32 {
    let word = dropout_word(dropout_index(element), step_uniform.site, step_uniform.step, step_uniform.seed);
    return select(0.0, KEEP, word >= THRESHOLD);
}

@compute @workgroup_size(WX)
fn add(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let q = quad(group, local.x);
    store(q, load_x(q) + load_other(q));
}

@compute @workgroup_size(WX)
fn scale(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let q = quad(group, local.x);
    store(q, FACTOR * load_x(q));
}

@compute @workgroup_size(WX)
fn activation(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let q = quad(group, local.x);
    store(q, activate(load_x(q)));
}

@compute @workgroup_size(WX)
fn activation_grad(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let q = quad(group, local.x);
    store(q, activate_grad(load_x(q)) * load_other(q));
}

@compute @workgroup_size(WX)
fn dropout(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let q = quad(group, local.x);
    let keep = vec4<f32>(kept(q.index.x), kept(q.index.y), kept(q.index.z), kept(q.index.w));
    store(q, load_x(q) * keep);
}
