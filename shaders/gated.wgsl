// Gated linear units on rows (a, b) of 2·HALF columns: one half goes through a nonlinearity f and scales the other.
//
//   forward   y[r,c] = f(a[r,c])·b[r,c]
//   grad      dx[r] = (dy·b·f'(a), dy·f(a))
//
// A thread takes four elements of the smaller tensor, WX apart.

const ROWS: u32 = 8u;
const HALF: u32 = 8u;
const ACTIVATION: u32 = 0u;
const GRID_X: u32 = 1u;
const WX: u32 = 64u;

const LENGTH: u32 = ROWS * HALF;

@group(1) @binding(0) var<storage, read> x: array<f32, 2u * ROWS * HALF>;
@group(1) @binding(1) var<storage, read> dy: array<f32, ROWS * HALF>;
@group(1) @binding(2) var<storage, read_write> y: array<f32, ROWS * HALF>;
@group(1) @binding(3) var<storage, read_write> dx: array<f32, 2u * ROWS * HALF>;

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

// Where the a of these elements stand in x; each b follows HALF later.
fn place(q: Quad) -> vec4<u32> {
    return q.index + (q.index / HALF) * HALF;
}

fn load_x(at: vec4<u32>) -> vec4<f32> {
    return vec4<f32>(x[at.x], x[at.y], x[at.z], x[at.w]);
}

fn store_dx(q: Quad, at: vec4<u32>, value: vec4<f32>) {
    if (q.inside.x) { dx[at.x] = value.x; }
    if (q.inside.y) { dx[at.y] = value.y; }
    if (q.inside.z) { dx[at.z] = value.z; }
    if (q.inside.w) { dx[at.w] = value.w; }
}

@compute @workgroup_size(WX)
fn forward(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let q = quad(group, local.x);
    let at = place(q);
    let value = activate(load_x(at)) * load_x(at + HALF);
    if (q.inside.x) { y[q.index.x] = value.x; }
    if (q.inside.y) { y[q.index.y] = value.y; }
    if (q.inside.z) { y[q.index.z] = value.z; }
    if (q.inside.w) { y[q.index.w] = value.w; }
}

@compute @workgroup_size(WX)
fn grad(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let q = quad(group, local.x);
    let at = place(q);
    let a = load_x(at);
    let upstream = vec4<f32>(dy[q.index.x], dy[q.index.y], dy[q.index.z], dy[q.index.w]);
    store_dx(q, at, upstream * load_x(at + HALF) * activate_grad(a));
    store_dx(q, at + HALF, upstream * activate(a));
}
