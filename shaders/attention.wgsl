// Multi-head attention of q (BATCH×QUERIES×HEADS·HEAD) to kv (BATCH×KEYS×2·KV_HEADS·HEAD), or within one packed projection, without
// storing the probabilities. Layout and visibility: lib/heads.wgsl.
//
//   s[i,j] = SCALE·q_i·k_j + bias[j-i] where query i may see key j;  p = softmax_j s;  o_i = Σ_j dropout(p[i,j])·v_j
//   lse[b,h,i] = log Σ_j exp s[i,j], from which the backward pass recovers p
//
// What a query may not see has p exactly 0; a query that sees nothing gets o = 0 and lse = -1e30. `_biased` adds the bias,
// `_masked` asks the key mask.
//
// A thread per query, lanes along time, head and batch the grid's other axes, so keys and values are read at one
// address by the whole workgroup. Keys go by in fours with a running maximum (Milakov & Gimelshein 2018), the query
// and the output stay in registers.

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
@group(1) @binding(4) var<storage, read_write> o: array<f32, BATCH * QUERIES * HEADS * HEAD>;
@group(1) @binding(5) var<storage, read_write> lse: array<f32, BATCH * HEADS * QUERIES>;

var<private> query: array<f32, HEAD>;
var<private> sum: array<f32, HEAD>;
var<private> peak: f32;
var<private> total: f32;

fn begin(p: Place) {
    let at = query_at(p.batch, p.head, p.time);
    for (var d = 0u; d < HEAD; d++) {
        query[d] = q[at + d];
        sum[d] = 0.0;
    }
    peak = -1e30;
    total = 0.0;
}

// Takes in the keys and values of four times.
fn attend(p: Place, times: vec4<u32>, visible: vec4<bool>, added: vec4<f32>) {
    if (SPARSE && !any(visible)) {
        return;
    }
    let key = key4(p, times);
    var s = vec4<f32>();
    for (var d = 0u; d < HEAD; d++) {
        s += query[d] * vec4<f32>(kv[key.x + d], kv[key.y + d], kv[key.z + d], kv[key.w + d]);
    }
    s = select(vec4<f32>(-1e30), scored(s, added), visible);
    let highest = max(max(peak, max(s.x, s.y)), max(s.z, s.w));
    let shrink = exp(peak - highest);
    let e = select(vec4<f32>(0.0), exp(s - highest), visible);
    total = total * shrink + ((e.x + e.y) + (e.z + e.w));
    peak = highest;
    let weight = e * kept4(p.batch, p.head, p.time, times.x);
    let value = key + TO_VALUE;
    for (var d = 0u; d < HEAD; d++) {
        let v = vec4<f32>(kv[value.x + d], kv[value.y + d], kv[value.z + d], kv[value.w + d]);
        sum[d] = sum[d] * shrink + dot(weight, v);
    }
}

fn finish(p: Place) {
    if (!p.inside) {
        return;
    }
    let nothing = total == 0.0;
    let inverse = select(1.0 / total, 0.0, nothing);
    let at = output_at(p.batch, p.head, p.time);
    for (var d = 0u; d < HEAD; d++) {
        o[at + d] = sum[d] * inverse;
    }
    lse[statistic_at(p.batch, p.head, p.time)] = select(peak + log(total), -1e30, nothing);
}

@compute @workgroup_size(WX)
fn forward(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let p = place(group, local.x, QUERIES, HEADS);
    begin(p);
    for (var n = first_keys(group.x); n < end_keys(group.x); n++) {
        let t = four(n, KEYS);
        attend(p, t.clamped, t.inside & seen(vec4<u32>(p.time), t.clamped), vec4<f32>());
    }
    finish(p);
}

@compute @workgroup_size(WX)
fn forward_masked(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let p = place(group, local.x, QUERIES, HEADS);
    begin(p);
    for (var n = first_keys(group.x); n < end_keys(group.x); n++) {
        let t = four(n, KEYS);
        attend(p, t.clamped, t.inside & shown(p.batch, vec4<u32>(p.time), t.clamped), vec4<f32>());
    }
    finish(p);
}

@compute @workgroup_size(WX)
fn forward_biased(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let p = place(group, local.x, QUERIES, HEADS);
    begin(p);
    for (var n = first_keys(group.x); n < end_keys(group.x); n++) {
        let t = four(n, KEYS);
        attend(p, t.clamped, t.inside & seen(vec4<u32>(p.time), t.clamped), bias4(p.head, vec4<u32>(p.time), t.clamped));
    }
    finish(p);
}

@compute @workgroup_size(WX)
fn forward_biased_masked(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let p = place(group, local.x, QUERIES, HEADS);
    begin(p);
    for (var n = first_keys(group.x); n < end_keys(group.x); n++) {
        let t = four(n, KEYS);
        attend(p, t.clamped, t.inside & shown(p.batch, vec4<u32>(p.time), t.clamped), bias4(p.head, vec4<u32>(p.time), t.clamped));
    }
    finish(p);
}
