// Gradient of attention.wgsl for qkv (BATCH×TIME×3·HEADS·HEAD), given o, lse and the gradient of o (here `upstream`, do).
//
//   p = exp(s - lse), c = dropout factors, D_i = do_i·o_i, g[i,j] = p·(c·(do_i·v_j) - D_i)·SCALE
//   queries   dq_i = Σ_j g[i,j]·k_j, and D to delta (BATCH×HEADS×TIME)
//   keys      dk_j = Σ_i g[i,j]·q_i, dv_j = Σ_i c·p·do_i
//
// Both write dqkv, each its own columns; p is computed again by each, which is cheaper than storing it. A thread per query
// or key, lanes along time, head and batch the grid's other axes; the others go by in fours, in order. `_masked`: only
// keys with key_mask[b,j] not 0.

const BATCH: u32 = 1u;
const TIME: u32 = 8u;
const HEADS: u32 = 1u;
const HEAD: u32 = 4u;
const CAUSAL: bool = false;
const SCALE: f32 = 0.5;
const DROPOUT: bool = false;
const THRESHOLD: u32 = 0u;
const KEEP: f32 = 1.0;
const WX: u32 = 32u;

@group(1) @binding(0) var<storage, read> qkv: array<f32, BATCH * TIME * 3u * HEADS * HEAD>;
@group(1) @binding(1) var<storage, read> key_mask: array<u32, BATCH * TIME>;
@group(1) @binding(2) var<storage, read> o: array<f32, BATCH * TIME * HEADS * HEAD>;
@group(1) @binding(3) var<storage, read> lse: array<f32, BATCH * HEADS * TIME>;
@group(1) @binding(4) var<storage, read> upstream: array<f32, BATCH * TIME * HEADS * HEAD>;
@group(1) @binding(5) var<storage, read> delta_in: array<f32, BATCH * HEADS * TIME>;
@group(1) @binding(6) var<storage, read_write> dqkv: array<f32, BATCH * TIME * 3u * HEADS * HEAD>;
@group(1) @binding(7) var<storage, read_write> delta: array<f32, BATCH * HEADS * TIME>;

// The thread's own rows: query and do, or key and value; and the gradients of query, or key and value.
var<private> own: array<f32, HEAD>;
var<private> other: array<f32, HEAD>;
var<private> sum: array<f32, HEAD>;
var<private> sum_value: array<f32, HEAD>;

// First column of a head in o and do.
fn head_row(p: Place, time: u32) -> u32 {
    return ((p.batch * TIME + time) * HEADS + p.head) * HEAD;
}

// Index of a query in lse and delta.
fn statistic(p: Place, time: u32) -> u32 {
    return (p.batch * HEADS + p.head) * TIME + time;
}

fn begin_query(p: Place) -> f32 {
    let at = packed(p, 0u, p.time);
    let row = head_row(p, p.time);
    var dot_product = 0.0;
    for (var d = 0u; d < HEAD; d++) {
        own[d] = qkv[at + d];
        other[d] = upstream[row + d];
        sum[d] = 0.0;
        dot_product += other[d] * o[row + d];
    }
    return dot_product;
}

// Adds the part of four keys to dq.
fn attend(p: Place, times: vec4<u32>, visible: vec4<bool>, row_delta: f32) {
    let key = packed4(p, 1u, times);
    let value = packed4(p, 2u, times);
    var s = vec4<f32>();
    var dp = vec4<f32>();
    for (var d = 0u; d < HEAD; d++) {
        s += own[d] * vec4<f32>(qkv[key.x + d], qkv[key.y + d], qkv[key.z + d], qkv[key.w + d]);
        dp += other[d] * vec4<f32>(qkv[value.x + d], qkv[value.y + d], qkv[value.z + d], qkv[value.w + d]);
    }
    let prob = select(vec4<f32>(0.0), exp(SCALE * s - lse[statistic(p, p.time)]), visible);
    let g = SCALE * prob * (dp * kept4(p, times.x) - row_delta);
    for (var d = 0u; d < HEAD; d++) {
        sum[d] += dot(g, vec4<f32>(qkv[key.x + d], qkv[key.y + d], qkv[key.z + d], qkv[key.w + d]));
    }
}

fn finish_query(p: Place, row_delta: f32) {
    if (!p.inside) {
        return;
    }
    let at = packed(p, 0u, p.time);
    for (var d = 0u; d < HEAD; d++) {
        dqkv[at + d] = sum[d];
    }
    delta[statistic(p, p.time)] = row_delta;
}

fn unmasked(p: Place, times: vec4<u32>) -> vec4<bool> {
    let start = p.batch * TIME;
    return vec4<bool>(
        key_mask[start + times.x] != 0u,
        key_mask[start + times.y] != 0u,
        key_mask[start + times.z] != 0u,
        key_mask[start + times.w] != 0u,
    );
}

@compute @workgroup_size(WX)
fn queries(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let p = place(group, local.x);
    let row_delta = begin_query(p);
    for (var n = 0u; n < (TIME + 3u) / 4u; n++) {
        if (CAUSAL && 4u * n >= (group.x + 1u) * WX) {
            break;
        }
        let t = four(n);
        attend(p, t.clamped, t.inside & seen(vec4<u32>(p.time), t.clamped), row_delta);
    }
    finish_query(p, row_delta);
}

@compute @workgroup_size(WX)
fn queries_masked(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let p = place(group, local.x);
    let row_delta = begin_query(p);
    for (var n = 0u; n < (TIME + 3u) / 4u; n++) {
        if (CAUSAL && 4u * n >= (group.x + 1u) * WX) {
            break;
        }
        let t = four(n);
        attend(p, t.clamped, t.inside & seen(vec4<u32>(p.time), t.clamped) & unmasked(p, t.clamped), row_delta);
    }
    finish_query(p, row_delta);
}

fn begin_key(p: Place) {
    let key = packed(p, 1u, p.time);
    let value = packed(p, 2u, p.time);
    for (var d = 0u; d < HEAD; d++) {
        own[d] = qkv[key + d];
        other[d] = qkv[value + d];
        sum[d] = 0.0;
        sum_value[d] = 0.0;
    }
}

// The factor of p[query, p.time].
fn kept_column(p: Place, query: u32) -> f32 {
    return kept_row(p, query, p.time)[p.time % 4u];
}

// Adds the part of four queries to dk and dv.
fn gather(p: Place, times: vec4<u32>, visible: vec4<bool>) {
    let query = packed4(p, 0u, times);
    let row = vec4<u32>(head_row(p, times.x), head_row(p, times.y), head_row(p, times.z), head_row(p, times.w));
    let at = vec4<u32>(statistic(p, 0u)) + times;
    var s = vec4<f32>();
    var dp = vec4<f32>();
    for (var d = 0u; d < HEAD; d++) {
        s += own[d] * vec4<f32>(qkv[query.x + d], qkv[query.y + d], qkv[query.z + d], qkv[query.w + d]);
        dp += other[d] * vec4<f32>(upstream[row.x + d], upstream[row.y + d], upstream[row.z + d], upstream[row.w + d]);
    }
    let log_sum = vec4<f32>(lse[at.x], lse[at.y], lse[at.z], lse[at.w]);
    let row_delta = vec4<f32>(delta_in[at.x], delta_in[at.y], delta_in[at.z], delta_in[at.w]);
    let kept = vec4<f32>(
        kept_column(p, times.x),
        kept_column(p, times.y),
        kept_column(p, times.z),
        kept_column(p, times.w),
    );
    let prob = select(vec4<f32>(0.0), exp(SCALE * s - log_sum), visible);
    let weight = prob * kept;
    let g = SCALE * prob * (dp * kept - row_delta);
    for (var d = 0u; d < HEAD; d++) {
        sum[d] += dot(g, vec4<f32>(qkv[query.x + d], qkv[query.y + d], qkv[query.z + d], qkv[query.w + d]));
        let up = vec4<f32>(upstream[row.x + d], upstream[row.y + d], upstream[row.z + d], upstream[row.w + d]);
        sum_value[d] += dot(weight, up);
    }
}

fn finish_key(p: Place) {
    if (!p.inside) {
        return;
    }
    let key = packed(p, 1u, p.time);
    let value = packed(p, 2u, p.time);
    for (var d = 0u; d < HEAD; d++) {
        dqkv[key + d] = sum[d];
        dqkv[value + d] = sum_value[d];
    }
}

@compute @workgroup_size(WX)
fn keys(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let p = place(group, local.x);
    begin_key(p);
    for (var n = 0u; n < (TIME + 3u) / 4u; n++) {
        if (CAUSAL && 4u * n + 3u < group.x * WX) {
            continue;
        }
        let t = four(n);
        gather(p, t.clamped, t.inside & seen(t.clamped, vec4<u32>(p.time)));
    }
    finish_key(p);
}

@compute @workgroup_size(WX)
fn keys_masked(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let p = place(group, local.x);
    let shown = key_mask[p.batch * TIME + p.time] != 0u;
    begin_key(p);
    for (var n = 0u; n < (TIME + 3u) / 4u; n++) {
        if (CAUSAL && 4u * n + 3u < group.x * WX) {
            continue;
        }
        let t = four(n);
        gather(p, t.clamped, t.inside & seen(t.clamped, vec4<u32>(p.time)) & vec4<bool>(shown));
    }
    finish_key(p);
}
