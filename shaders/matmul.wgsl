// Matrix product C = op(A)·op(B), M×K times K×N, with what a linear layer does to it before it is stored.
//
//   plain                 y = c
//   bias                  y = c + bias[n]
//   activation(_save)     y = f(c), pre = c                bias_activation(_save)  y = f(c + bias), pre = c + bias
//   residual              y = dropout(c) + extra[m,n]      bias_residual           y = dropout(c + bias) + extra[m,n]
//   activation_grad       y = c · f'(extra[m,n])
//   weight_bias           y = c, bias_grad[n] = Σ_k op(B)[k,n]
//
// Tiles and threads are those of lib/tile.wgsl; k ascends. No workgroup memory.

const M: u32 = 64u;
const N: u32 = 64u;
const K: u32 = 8u;
const A_ROW: u32 = 8u;
const A_DEPTH: u32 = 1u;
const B_DEPTH: u32 = 64u;
const B_COLUMN: u32 = 1u;
const ACTIVATION: u32 = 0u;
const DROPOUT: bool = false;
const THRESHOLD: u32 = 0u;
const KEEP: f32 = 1.0;
const SUM_COLUMNS: bool = false;
const SLICES: u32 = 1u;
const WX: u32 = 8u;
const WY: u32 = 8u;

@group(1) @binding(0) var<storage, read> a: array<f32, M * K>;
@group(1) @binding(1) var<storage, read> b: array<f32, K * N>;
@group(1) @binding(2) var<storage, read> bias_row: array<f32, N>;
@group(1) @binding(3) var<storage, read> extra: array<f32, M * N>;
@group(1) @binding(4) var<storage, read_write> y: array<f32, M * N>;
@group(1) @binding(5) var<storage, read_write> pre: array<f32, M * N>;
@group(1) @binding(6) var<storage, read_write> bias_grad: array<f32, N>;

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
        dropout_word(index.x, step_uniform.site, step_uniform.step, step_uniform.seed),
        dropout_word(index.y, step_uniform.site, step_uniform.step, step_uniform.seed),
        dropout_word(index.z, step_uniform.site, step_uniform.step, step_uniform.seed),
        dropout_word(index.w, step_uniform.site, step_uniform.step, step_uniform.seed),
    );
    return select(vec4<f32>(0.0), vec4<f32>(KEEP), word >= vec4<u32>(THRESHOLD));
}

@compute @workgroup_size(WX * WY)
fn plain(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let at = place(group, local);
    let tile = product(at, 0u);
    for (var p = 0u; p < 16u; p++) {
        store(quad(at, p), values(tile, p));
    }
}

@compute @workgroup_size(WX * WY)
fn bias(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let at = place(group, local);
    let tile = product(at, 0u);
    for (var p = 0u; p < 16u; p++) {
        let q = quad(at, p);
        store(q, values(tile, p) + load_bias(q));
    }
}

@compute @workgroup_size(WX * WY)
fn activation(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let at = place(group, local);
    let tile = product(at, 0u);
    for (var p = 0u; p < 16u; p++) {
        store(quad(at, p), activate(values(tile, p)));
    }
}

@compute @workgroup_size(WX * WY)
fn activation_save(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let at = place(group, local);
    let tile = product(at, 0u);
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
    let tile = product(at, 0u);
    for (var p = 0u; p < 16u; p++) {
        let q = quad(at, p);
        store(q, activate(values(tile, p) + load_bias(q)));
    }
}

@compute @workgroup_size(WX * WY)
fn bias_activation_save(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let at = place(group, local);
    let tile = product(at, 0u);
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
    let tile = product(at, 0u);
    for (var p = 0u; p < 16u; p++) {
        let q = quad(at, p);
        store(q, values(tile, p) * kept(q) + load_extra(q));
    }
}

@compute @workgroup_size(WX * WY)
fn bias_residual(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let at = place(group, local);
    let tile = product(at, 0u);
    for (var p = 0u; p < 16u; p++) {
        let q = quad(at, p);
        store(q, (values(tile, p) + load_bias(q)) * kept(q) + load_extra(q));
    }
}

@compute @workgroup_size(WX * WY)
fn activation_grad(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let at = place(group, local);
    let tile = product(at, 0u);
    for (var p = 0u; p < 16u; p++) {
        let q = quad(at, p);
        store(q, values(tile, p) * activate_grad(load_extra(q)));
    }
}

@compute @workgroup_size(WX * WY)
fn weight_bias(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let at = place(group, local);
    let tile = product(at, 0u);
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
