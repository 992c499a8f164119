// Gradients of a small weight over many rows: a matrix product with few results and long sums, for GPUs.
//
//   plain         y = c = op(A)·op(B), M×K times K×N
//   weight_bias   y = c, bias_grad[n] = Σ_k op(B)[k,n]
//
// Tiles are those of lib/tile.wgsl, but SLICES threads share a tile: slice s takes k = s, s + SLICES, …, and the slices are
// added up in order through workgroup memory, so that a weight of a few tiles still occupies a GPU. SLICES quads at a
// time: thread (tile, slice) adds up and stores the quad of its number. SLICES divides 16.

const M: u32 = 64u;
const N: u32 = 64u;
const K: u32 = 8u;
const A_ROW: u32 = 1u;
const A_DEPTH: u32 = 64u;
const B_DEPTH: u32 = 64u;
const B_COLUMN: u32 = 1u;
const SUM_COLUMNS: bool = false;
const SLICES: u32 = 4u;
const WX: u32 = 4u;
const WY: u32 = 4u;

@group(1) @binding(0) var<storage, read> a: array<f32, M * K>;
@group(1) @binding(1) var<storage, read> b: array<f32, K * N>;
@group(1) @binding(2) var<storage, read_write> y: array<f32, M * N>;
@group(1) @binding(3) var<storage, read_write> bias_grad: array<f32, N>;

// One quad a row: the parts of every thread.
var<workgroup> parts: array<array<vec4<f32>, WX * WY * SLICES>, SLICES>;

// The sum over slices of quad `slice` of those that the threads of a tile put down.
fn sum_parts(thread: u32, slice: u32) -> vec4<f32> {
    workgroupBarrier();
    var sum = vec4<f32>();
    for (var s = 0u; s < SLICES; s++) {
        sum += parts[slice][s * (WX * WY) + thread % (WX * WY)];
    }
    workgroupBarrier();
    return sum;
}

fn store_product(at: Place, tile: Tile, thread: u32, slice: u32) {
    for (var round = 0u; round < 16u / SLICES; round++) {
        for (var i = 0u; i < SLICES; i++) {
            parts[i][thread] = values(tile, round * SLICES + i);
        }
        let sum = sum_parts(thread, slice);
        let q = quad(at, round * SLICES + slice);
        if (q.inside.x) { y[q.index.x] = sum.x; }
        if (q.inside.y) { y[q.index.y] = sum.y; }
        if (q.inside.z) { y[q.index.z] = sum.z; }
        if (q.inside.w) { y[q.index.w] = sum.w; }
    }
}

@compute @workgroup_size(WX * WY * SLICES)
fn plain(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let at = place(group, local);
    let slice = local.x / (WX * WY);
    store_product(at, product(at, slice), local.x, slice);
}

@compute @workgroup_size(WX * WY * SLICES)
fn weight_bias(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let at = place(group, local);
    let slice = local.x / (WX * WY);
    let tile = product(at, slice);
    store_product(at, tile, local.x, slice);
    parts[0][local.x] = tile.sum_lo;
    parts[1][local.x] = tile.sum_hi;
    let sum = sum_parts(local.x, slice);
    // Slices 0 and 1 of the first row of threads have the sums of its left and right columns.
    let q = quad(at, min(slice, 1u));
    if (at.row == 0u && slice < 2u) {
        if (q.inside.x) { bias_grad[q.column.x] = sum.x; }
        if (q.inside.y) { bias_grad[q.column.y] = sum.y; }
        if (q.inside.z) { bias_grad[q.column.z] = sum.z; }
        if (q.inside.w) { bias_grad[q.column.w] = sum.w; }
    }
}
