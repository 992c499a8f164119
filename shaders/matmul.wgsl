// Matrix product C = op(A)·op(B), M×K times K×N, with what a linear layer does to it before it is stored.
//
//   c[m,n] = Σ_k a[m·A_ROW + k·A_DEPTH] · b[k·B_DEPTH + n·B_COLUMN], k ascending; the strides say which is transposed
//
//   plain                 y = c
//   bias                  y = c + bias[n]
//   activation(_save)     y = f(c), pre = c                bias_activation(_save)  y = f(c + bias), pre = c + bias
//   residual              y = dropout(c) + extra[m,n]      bias_residual           y = dropout(c + bias) + extra[m,n]
//   activation_grad       y = c · f'(extra[m,n])
//   weight_bias           y = c, bias_grad[n] = Σ_k op(B)[k,n]
//
// A thread computes 8 rows × 8 columns in registers. The columns of neighboring threads are neighbors: thread
// lx + WX·ly of workgroup (gx, gy) owns rows gy·8·WY + ly + i·WY and columns gx·8·WX + lx + j·WX. Rows and columns
// past the end repeat the last one and are not stored. No workgroup memory: the caches hold what threads share.

const M: u32 = 64u;
const N: u32 = 64u;
const K: u32 = 8u;
const A_ROW: u32 = 8u;
const A_DEPTH: u32 = 1u;
const B_DEPTH: u32 = 64u;
const B_COLUMN: u32 = 1u;
const ACTIVATION: u32 = 0u;
const DROPOUT: bool = false;
const SITE: u32 = 0u;
const THRESHOLD: u32 = 0u;
const KEEP: f32 = 1.0;
const SUM_COLUMNS: bool = false;
const WX: u32 = 8u;
const WY: u32 = 8u;

@group(1) @binding(0) var<storage, read> a: array<f32, M * K>;
@group(1) @binding(1) var<storage, read> b: array<f32, K * N>;
@group(1) @binding(2) var<storage, read> bias_row: array<f32, N>;
@group(1) @binding(3) var<storage, read> extra: array<f32, M * N>;
@group(1) @binding(4) var<storage, read_write> y: array<f32, M * N>;
@group(1) @binding(5) var<storage, read_write> pre: array<f32, M * N>;
@group(1) @binding(6) var<storage, read_write> bias_grad: array<f32, N>;

// First row and column of a thread.
struct Place {
    row: u32,
    column: u32,
}

// Row i of a thread's tile: c[2i] holds columns 0 to 3, c[2i + 1] columns 4 to 7. Named, so that they stay registers.
struct Tile {
    c0: vec4<f32>, c1: vec4<f32>, c2: vec4<f32>, c3: vec4<f32>,
    c4: vec4<f32>, c5: vec4<f32>, c6: vec4<f32>, c7: vec4<f32>,
    c8: vec4<f32>, c9: vec4<f32>, c10: vec4<f32>, c11: vec4<f32>,
    c12: vec4<f32>, c13: vec4<f32>, c14: vec4<f32>, c15: vec4<f32>,
    // Σ_k of op(B)'s columns, if SUM_COLUMNS.
    sum_lo: vec4<f32>, sum_hi: vec4<f32>,
}

// Four neighboring elements of a tile.
struct Quad {
    row: u32,
    column: vec4<u32>,
    index: vec4<u32>,
    inside: vec4<bool>,
}

fn place(group: vec3<u32>, local: vec3<u32>) -> Place {
    // A compiler sees that a coordinate is the same for all lanes only when no lane enters into it.
    let lx = select(local.x % WX, 0u, WX == 1u);
    let ly = select(local.x / WX, 0u, WY == 1u);
    return Place(group.y * (8u * WY) + ly, group.x * (8u * WX) + lx);
}

fn a_offset(at: Place, i: u32) -> u32 {
    return min(at.row + i * WY, M - 1u) * A_ROW;
}

fn b_offset(at: Place, j: u32) -> u32 {
    return min(at.column + j * WX, N - 1u) * B_COLUMN;
}

fn product(at: Place) -> Tile {
    let a0 = a_offset(at, 0u);
    let a1 = a_offset(at, 1u);
    let a2 = a_offset(at, 2u);
    let a3 = a_offset(at, 3u);
    let a4 = a_offset(at, 4u);
    let a5 = a_offset(at, 5u);
    let a6 = a_offset(at, 6u);
    let a7 = a_offset(at, 7u);
    let b0 = b_offset(at, 0u);
    let b1 = b_offset(at, 1u);
    let b2 = b_offset(at, 2u);
    let b3 = b_offset(at, 3u);
    let b4 = b_offset(at, 4u);
    let b5 = b_offset(at, 5u);
    let b6 = b_offset(at, 6u);
    let b7 = b_offset(at, 7u);
    var c0 = vec4<f32>();
    var c1 = vec4<f32>();
    var c2 = vec4<f32>();
    var c3 = vec4<f32>();
    var c4 = vec4<f32>();
    var c5 = vec4<f32>();
    var c6 = vec4<f32>();
    var c7 = vec4<f32>();
    var c8 = vec4<f32>();
    var c9 = vec4<f32>();
    var c10 = vec4<f32>();
    var c11 = vec4<f32>();
    var c12 = vec4<f32>();
    var c13 = vec4<f32>();
    var c14 = vec4<f32>();
    var c15 = vec4<f32>();
    var sum_lo = vec4<f32>();
    var sum_hi = vec4<f32>();
    for (var k = 0u; k < K; k++) {
        let ka = k * A_DEPTH;
        let kb = k * B_DEPTH;
        let lo = vec4<f32>(b[kb + b0], b[kb + b1], b[kb + b2], b[kb + b3]);
        let hi = vec4<f32>(b[kb + b4], b[kb + b5], b[kb + b6], b[kb + b7]);
        if (SUM_COLUMNS) {
            sum_lo += lo;
            sum_hi += hi;
        }
        let x0 = a[ka + a0];
        c0 += x0 * lo;
        c1 += x0 * hi;
        let x1 = a[ka + a1];
        c2 += x1 * lo;
        c3 += x1 * hi;
        let x2 = a[ka + a2];
        c4 += x2 * lo;
        c5 += x2 * hi;
        let x3 = a[ka + a3];
        c6 += x3 * lo;
        c7 += x3 * hi;
        let x4 = a[ka + a4];
        c8 += x4 * lo;
        c9 += x4 * hi;
        let x5 = a[ka + a5];
        c10 += x5 * lo;
        c11 += x5 * hi;
        let x6 = a[ka + a6];
        c12 += x6 * lo;
        c13 += x6 * hi;
        let x7 = a[ka + a7];
        c14 += x7 * lo;
        c15 += x7 * hi;
    }
    return Tile(c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15, sum_lo, sum_hi);
}

// The values of quad p, 0 to 15.
fn values(tile: Tile, p: u32) -> vec4<f32> {
    switch p {
        case 0u: { return tile.c0; }
        case 1u: { return tile.c1; }
        case 2u: { return tile.c2; }
        case 3u: { return tile.c3; }
        case 4u: { return tile.c4; }
        case 5u: { return tile.c5; }
        case 6u: { return tile.c6; }
        case 7u: { return tile.c7; }
        case 8u: { return tile.c8; }
        case 9u: { return tile.c9; }
        case 10u: { return tile.c10; }
        case 11u: { return tile.c11; }
        case 12u: { return tile.c12; }
        case 13u: { return tile.c13; }
        case 14u: { return tile.c14; }
        default: { return tile.c15; }
    }
}

// Where quad p, 0 to 15, goes.
fn quad(at: Place, p: u32) -> Quad {
    let row = at.row + (p / 2u) * WY;
    let column = vec4<u32>(at.column + (p % 2u) * (4u * WX)) + vec4<u32>(0u, WX, 2u * WX, 3u * WX);
    let inside = (column < vec4<u32>(N)) & vec4<bool>(row < M);
    let clamped = min(column, vec4<u32>(N - 1u));
    return Quad(row, clamped, min(row, M - 1u) * N + clamped, inside);
}

fn load_bias(q: Quad) -> vec4<f32> {
    return vec4<f32>(bias_row[q.column.x], bias_row[q.column.y], bias_row[q.column.z], bias_row[q.column.w]);
}

fn load_extra(q: Quad) -> vec4<f32> {
    return vec4<f32>(extra[q.index.x], extra[q.index.y], extra[q.index.z], extra[q.index.w]);
}

fn store(q: Quad, value: vec4<f32>) {
    if (q.inside.x) { y[q.index.x] = value.x; }
    if (q.inside.y) { y[q.index.y] = value.y; }
    if (q.inside.z) { y[q.index.z] = value.z; }
    if (q.inside.w) { y[q.index.w] = value.w; }
}

fn store_pre(q: Quad, value: vec4<f32>) {
    if (q.inside.x) { pre[q.index.x] = value.x; }
    if (q.inside.y) { pre[q.index.y] = value.y; }
    if (q.inside.z) { pre[q.index.z] = value.z; }
    if (q.inside.w) { pre[q.index.w] = value.w; }
}

fn store_bias_grad(q: Quad, value: vec4<f32>) {
    if (q.inside.x) { bias_grad[q.column.x] = value.x; }
    if (q.inside.y) { bias_grad[q.column.y] = value.y; }
    if (q.inside.z) { bias_grad[q.column.z] = value.z; }
    if (q.inside.w) { bias_grad[q.column.w] = value.w; }
}

// 1/(1 - p) or 0; the index counts rows of N rounded up to four.
fn kept(q: Quad) -> vec4<f32> {
    if (!DROPOUT) {
        return vec4<f32>(1.0);
    }
    let index = vec4<u32>(q.row * (4u * ((N + 3u) / 4u))) + q.column;
    let word = vec4<u32>(
        dropout_word(index.x, SITE, step_uniform.step, step_uniform.seed),
        dropout_word(index.y, SITE, step_uniform.step, step_uniform.seed),
        dropout_word(index.z, SITE, step_uniform.step, step_uniform.seed),
        dropout_word(index.w, SITE, step_uniform.step, step_uniform.seed),
    );
    return select(vec4<f32>(0.0), vec4<f32>(KEEP), word >= vec4<u32>(THRESHOLD));
}

@compute @workgroup_size(WX * WY)
fn plain(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let at = place(group, local);
    let tile = product(at);
    for (var p = 0u; p < 16u; p++) {
        store(quad(at, p), values(tile, p));
    }
}

@compute @workgroup_size(WX * WY)
fn bias(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let at = place(group, local);
    let tile = product(at);
    for (var p = 0u; p < 16u; p++) {
        let q = quad(at, p);
        store(q, values(tile, p) + load_bias(q));
    }
}

@compute @workgroup_size(WX * WY)
fn activation(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let at = place(group, local);
    let tile = product(at);
    for (var p = 0u; p < 16u; p++) {
        store(quad(at, p), activate(values(tile, p)));
    }
}

@compute @workgroup_size(WX * WY)
fn activation_save(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let at = place(group, local);
    let tile = product(at);
    for (var p = 0u; p < 16u; p++) {
        let q = quad(at, p);
        let value = values(tile, p);
        store_pre(q, value);
        store(q, activate(value));
    }
}

@compute @workgroup_size(WX * WY)
fn bias_activation(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let at = place(group, local);
    let tile = product(at);
    for (var p = 0u; p < 16u; p++) {
        let q = quad(at, p);
        store(q, activate(values(tile, p) + load_bias(q)));
    }
}

@compute @workgroup_size(WX * WY)
fn bias_activation_save(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let at = place(group, local);
    let tile = product(at);
    for (var p = 0u; p < 16u; p++) {
        let q = quad(at, p);
        let value = values(tile, p) + load_bias(q);
        store_pre(q, value);
        store(q, activate(value));
    }
}

@compute @workgroup_size(WX * WY)
fn residual(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let at = place(group, local);
    let tile = product(at);
    for (var p = 0u; p < 16u; p++) {
        let q = quad(at, p);
        store(q, values(tile, p) * kept(q) + load_extra(q));
    }
}

@compute @workgroup_size(WX * WY)
fn bias_residual(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let at = place(group, local);
    let tile = product(at);
    for (var p = 0u; p < 16u; p++) {
        let q = quad(at, p);
        store(q, (values(tile, p) + load_bias(q)) * kept(q) + load_extra(q));
    }
}

@compute @workgroup_size(WX * WY)
fn activation_grad(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let at = place(group, local);
    let tile = product(at);
    for (var p = 0u; p < 16u; p++) {
        let q = quad(at, p);
        store(q, values(tile, p) * activate_grad(load_extra(q)));
    }
}

@compute @workgroup_size(WX * WY)
fn weight_bias(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let at = place(group, local);
    let tile = product(at);
    for (var p = 0u; p < 16u; p++) {
        store(quad(at, p), values(tile, p));
    }
    // Every thread has the sums of its columns; those of the first row store them.
    let lo = quad(at, 0u);
    let hi = quad(at, 1u);
    if (at.row == 0u) {
        store_bias_grad(lo, tile.sum_lo);
        store_bias_grad(hi, tile.sum_hi);
    }
}
