// Gradient of attention.wgsl for q, kv and the bias, given o, lse and the gradient of o (here `upstream`, do).
//
//   p = exp(s - lse), c = dropout factors, D_i = do_i·o_i, g[i,j] = p·(c·(do_i·v_j) - D_i)
//   queries   dq_i = SCALE·Σ_j g[i,j]·k_j, and D to delta (BATCH×HEADS×QUERIES)
//   keys      dk_j = SCALE·Σ_i g[i,j]·q_i, dv_j = Σ_i c·p·do_i, over the query heads of a key head too, in order
//
// p is computed again by each, which is cheaper than storing it. Both write their own columns of the gradients of q and
// kv: of one buffer if PACKED. A thread per query or key, lanes along time, head and batch the grid's other axes; the
// others go by in fours, in order. `_masked` asks the key mask, `_biased` adds the bias; there `deltas` brings D before,
// as there are not buffers enough. The gradient of the bias itself is in attention_bias_grad.wgsl.

const BATCH: u32 = 1u;
const QUERIES: u32 = 8u;
const KEYS: u32 = 8u;
const HEADS: u32 = 1u;
const KV_HEADS: u32 = 1u;
const HEAD: u32 = 4u;
const PACKED: u32 = 1u;
const SCALE: f32 = 0.5;
const BIAS: bool = false;
const CAUSAL: bool = false;
const BANDED: bool = false;
const BAND: u32 = 0u;
const PREFIX: bool = false;
const DOCUMENTS: bool = false;
const DROPOUT: bool = false;
const THRESHOLD: u32 = 0u;
const KEEP: f32 = 1.0;
const WX: u32 = 32u;

@group(1) @binding(0) var<storage, read> q: array<f32, BATCH * QUERIES * Q_ROW>;
@group(1) @binding(1) var<storage, read> kv: array<f32, BATCH * KEYS * KV_ROW>;
@group(1) @binding(2) var<storage, read> bias: array<f32, (QUERIES + KEYS - 1u) * HEADS>;
@group(1) @binding(3) var<storage, read> key_mask: array<u32, BATCH * KEYS>;
@group(1) @binding(4) var<storage, read> o: array<f32, BATCH * QUERIES * HEADS * HEAD>;
@group(1) @binding(5) var<storage, read> lse: array<f32, BATCH * HEADS * QUERIES>;
@group(1) @binding(6) var<storage, read> upstream: array<f32, BATCH * QUERIES * HEADS * HEAD>;
@group(1) @binding(7) var<storage, read> delta_in: array<f32, BATCH * HEADS * QUERIES>;
@group(1) @binding(8) var<storage, read_write> dq: array<f32, BATCH * QUERIES * Q_ROW>;
@group(1) @binding(9) var<storage, read_write> dkv: array<f32, BATCH * KEYS * KV_ROW>;
@group(1) @binding(10) var<storage, read_write> delta: array<f32, BATCH * HEADS * QUERIES>;

// The thread's own rows: query and do, or key and value; and the gradients of query, or key and value.
var<private> own: array<f32, HEAD>;
var<private> other: array<f32, HEAD>;
var<private> sum: array<f32, HEAD>;
var<private> sum_value: array<f32, HEAD>;

fn level(p: Place) -> f32 {
    let row = output_at(p.batch, p.head, p.time);
    var dot_product = 0.0;
    for (var d = 0u; d < HEAD; d++) {
        dot_product += upstream[row + d] * o[row + d];
    }
    return dot_product;
}

@compute @workgroup_size(WX)
fn deltas(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let p = place(group, local.x, QUERIES, HEADS);
    let row_delta = level(p);
    if (p.inside) {
        delta[statistic_at(p.batch, p.head, p.time)] = row_delta;
    }
}

fn begin_query(p: Place) {
    let at = query_at(p.batch, p.head, p.time);
    let row = output_at(p.batch, p.head, p.time);
    for (var d = 0u; d < HEAD; d++) {
        own[d] = q[at + d];
        other[d] = upstream[row + d];
        sum[d] = 0.0;
    }
}

// Adds the part of four keys to dq.
fn attend(p: Place, times: vec4<u32>, visible: vec4<bool>, added: vec4<f32>, row_delta: f32) {
    if (SPARSE && !any(visible)) {
        return;
    }
    let key = key4(p, times);
    let value = key + TO_VALUE;
    var s = vec4<f32>();
    var dp = vec4<f32>();
    for (var d = 0u; d < HEAD; d++) {
        s += own[d] * vec4<f32>(kv[key.x + d], kv[key.y + d], kv[key.z + d], kv[key.w + d]);
        dp += other[d] * vec4<f32>(kv[value.x + d], kv[value.y + d], kv[value.z + d], kv[value.w + d]);
    }
    let prob = exp(scored(s, added) - lse[statistic_at(p.batch, p.head, p.time)]);
    let kept = kept4(p.batch, p.head, p.time, times.x);
    let g = select(vec4<f32>(0.0), SCALE * prob * (dp * kept - row_delta), visible);
    for (var d = 0u; d < HEAD; d++) {
        sum[d] += dot(g, vec4<f32>(kv[key.x + d], kv[key.y + d], kv[key.z + d], kv[key.w + d]));
    }
}

fn finish_query(p: Place) {
    if (!p.inside) {
        return;
    }
    let at = query_at(p.batch, p.head, p.time);
    for (var d = 0u; d < HEAD; d++) {
        dq[at + d] = sum[d];
    }
}

@compute @workgroup_size(WX)
fn queries(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let p = place(group, local.x, QUERIES, HEADS);
    let row_delta = level(p);
    begin_query(p);
    for (var n = first_keys(group.x); n < end_keys(group.x); n++) {
        let t = four(n, KEYS);
        attend(p, t.clamped, t.inside & seen(vec4<u32>(p.time), t.clamped), vec4<f32>(), row_delta);
    }
    finish_query(p);
    if (p.inside) {
        delta[statistic_at(p.batch, p.head, p.time)] = row_delta;
    }
}

@compute @workgroup_size(WX)
fn queries_masked(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let p = place(group, local.x, QUERIES, HEADS);
    let row_delta = level(p);
    begin_query(p);
    for (var n = first_keys(group.x); n < end_keys(group.x); n++) {
        let t = four(n, KEYS);
        attend(p, t.clamped, t.inside & shown(p.batch, vec4<u32>(p.time), t.clamped), vec4<f32>(), row_delta);
    }
    finish_query(p);
    if (p.inside) {
        delta[statistic_at(p.batch, p.head, p.time)] = row_delta;
    }
}

@compute @workgroup_size(WX)
fn queries_biased(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let p = place(group, local.x, QUERIES, HEADS);
    let row_delta = delta_in[statistic_at(p.batch, p.head, p.time)];
    begin_query(p);
    for (var n = first_keys(group.x); n < end_keys(group.x); n++) {
        let t = four(n, KEYS);
        attend(p, t.clamped, t.inside & seen(vec4<u32>(p.time), t.clamped), bias4(p.head, vec4<u32>(p.time), t.clamped), row_delta);
    }
    finish_query(p);
}

@compute @workgroup_size(WX)
fn queries_biased_masked(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let p = place(group, local.x, QUERIES, HEADS);
    let row_delta = delta_in[statistic_at(p.batch, p.head, p.time)];
    begin_query(p);
    for (var n = first_keys(group.x); n < end_keys(group.x); n++) {
        let t = four(n, KEYS);
        attend(p, t.clamped, t.inside & shown(p.batch, vec4<u32>(p.time), t.clamped), bias4(p.head, vec4<u32>(p.time), t.clamped), row_delta);
    }
    finish_query(p);
}

fn begin_key(p: Place) {
    let key = key_at(p.batch, p.head * GROUP, p.time);
    for (var d = 0u; d < HEAD; d++) {
        own[d] = kv[key + d];
        other[d] = kv[key + TO_VALUE + d];
        sum[d] = 0.0;
        sum_value[d] = 0.0;
    }
}

// The factors of p[queries, key].
fn kept_column(p: Place, head: u32, queries: vec4<u32>) -> vec4<f32> {
    let lane = p.time % 4u;
    return vec4<f32>(
        kept4(p.batch, head, queries.x, p.time)[lane],
        kept4(p.batch, head, queries.y, p.time)[lane],
        kept4(p.batch, head, queries.z, p.time)[lane],
        kept4(p.batch, head, queries.w, p.time)[lane],
    );
}

// Adds the part of four queries of a head to dk and dv.
fn gather(p: Place, head: u32, times: vec4<u32>, visible: vec4<bool>, added: vec4<f32>) {
    if (SPARSE && !any(visible)) {
        return;
    }
    let query = query_at(p.batch, head, 0u) + times * Q_ROW;
    let row = output_at(p.batch, head, 0u) + times * (HEADS * HEAD);
    let at = statistic_at(p.batch, head, 0u) + times;
    var s = vec4<f32>();
    var dp = vec4<f32>();
    for (var d = 0u; d < HEAD; d++) {
        s += own[d] * vec4<f32>(q[query.x + d], q[query.y + d], q[query.z + d], q[query.w + d]);
        dp += other[d] * vec4<f32>(upstream[row.x + d], upstream[row.y + d], upstream[row.z + d], upstream[row.w + d]);
    }
    let log_sum = vec4<f32>(lse[at.x], lse[at.y], lse[at.z], lse[at.w]);
    let row_delta = vec4<f32>(delta_in[at.x], delta_in[at.y], delta_in[at.z], delta_in[at.w]);
    let kept = kept_column(p, head, times);
    let prob = select(vec4<f32>(0.0), exp(scored(s, added) - log_sum), visible);
    let weight = prob * kept;
    let g = select(vec4<f32>(0.0), SCALE * prob * (dp * kept - row_delta), visible);
    for (var d = 0u; d < HEAD; d++) {
        sum[d] += dot(g, vec4<f32>(q[query.x + d], q[query.y + d], q[query.z + d], q[query.w + d]));
        let up = vec4<f32>(upstream[row.x + d], upstream[row.y + d], upstream[row.z + d], upstream[row.w + d]);
        sum_value[d] += dot(weight, up);
    }
}

fn finish_key(p: Place) {
    if (!p.inside) {
        return;
    }
    let key = key_at(p.batch, p.head * GROUP, p.time);
    for (var d = 0u; d < HEAD; d++) {
        dkv[key + d] = sum[d];
        dkv[key + TO_VALUE + d] = sum_value[d];
    }
}

@compute @workgroup_size(WX)
fn keys(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let p = place(group, local.x, KEYS, KV_HEADS);
    begin_key(p);
    for (var head = p.head * GROUP; head < (p.head + 1u) * GROUP; head++) {
        for (var n = first_queries(group.x); n < end_queries(group.x); n++) {
            let t = four(n, QUERIES);
            gather(p, head, t.clamped, t.inside & seen(t.clamped, vec4<u32>(p.time)), vec4<f32>());
        }
    }
    finish_key(p);
}

@compute @workgroup_size(WX)
fn keys_masked(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let p = place(group, local.x, KEYS, KV_HEADS);
    begin_key(p);
    for (var head = p.head * GROUP; head < (p.head + 1u) * GROUP; head++) {
        for (var n = first_queries(group.x); n < end_queries(group.x); n++) {
            let t = four(n, QUERIES);
            gather(p, head, t.clamped, t.inside & shown(p.batch, t.clamped, vec4<u32>(p.time)), vec4<f32>());
        }
    }
    finish_key(p);
}

@compute @workgroup_size(WX)
fn keys_biased(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let p = place(group, local.x, KEYS, KV_HEADS);
    begin_key(p);
    for (var head = p.head * GROUP; head < (p.head + 1u) * GROUP; head++) {
        for (var n = first_queries(group.x); n < end_queries(group.x); n++) {
            let t = four(n, QUERIES);
            gather(p, head, t.clamped, t.inside & seen(t.clamped, vec4<u32>(p.time)), bias4(head, t.clamped, vec4<u32>(p.time)));
        }
    }
    finish_key(p);
}

@compute @workgroup_size(WX)
fn keys_biased_masked(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let p = place(group, local.x, KEYS, KV_HEADS);
    begin_key(p);
    for (var head = p.head * GROUP; head < (p.head + 1u) * GROUP; head++) {
        for (var n = first_queries(group.x); n < end_queries(group.x); n++) {
            let t = four(n, QUERIES);
            gather(p, head, t.clamped, t.inside & shown(p.batch, t.clamped, vec4<u32>(p.time)), bias4(head, t.clamped, vec4<u32>(p.time)));
        }
    }
    finish_key(p);
}
