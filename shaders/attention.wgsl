// Multi-head self-attention over a packed projection qkv (BATCH×TIME×3·HEADS·HEAD), without storing the probabilities.
//
//   s[i,j] = SCALE·q_i·k_j where query i may see key j;  p = softmax_j s;  o_i = Σ_j dropout(p[i,j])·v_j
//   lse[b,h,i] = log Σ_j exp s[i,j], from which the backward pass recovers p
//
// A query may see j ≤ i if CAUSAL, every j otherwise; `forward_masked` further asks that key_mask[b,j] is not 0. What
// it may not see has p exactly 0; a query that sees nothing gets o = 0 and lse = -1e30.
//
// A thread per query, lanes along time, head and batch the grid's other axes, so keys and values are read at one
// address by the whole workgroup. Keys go by in fours with a running maximum (Milakov & Gimelshein 2018), the query
// and the output stay in registers.

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
@group(1) @binding(2) var<storage, read_write> o: array<f32, BATCH * TIME * HEADS * HEAD>;
@group(1) @binding(3) var<storage, read_write> lse: array<f32, BATCH * HEADS * TIME>;

var<private> query: array<f32, HEAD>;
var<private> sum: array<f32, HEAD>;
var<private> peak: f32;
var<private> total: f32;

fn begin(p: Place) {
    let at = packed(p, 0u, p.time);
    for (var d = 0u; d < HEAD; d++) {
        query[d] = qkv[at + d];
        sum[d] = 0.0;
    }
    peak = -1e30;
    total = 0.0;
}

// Takes in the keys and values of four times.
fn attend(p: Place, times: vec4<u32>, visible: vec4<bool>) {
    let key = packed4(p, 1u, times);
    var s = vec4<f32>();
    for (var d = 0u; d < HEAD; d++) {
        s += query[d] * vec4<f32>(qkv[key.x + d], qkv[key.y + d], qkv[key.z + d], qkv[key.w + d]);
    }
    s = select(vec4<f32>(-1e30), SCALE * s, visible);
    let highest = max(max(peak, max(s.x, s.y)), max(s.z, s.w));
    let shrink = exp(peak - highest);
    let e = select(vec4<f32>(0.0), exp(s - highest), visible);
    total = total * shrink + ((e.x + e.y) + (e.z + e.w));
    peak = highest;
    let weight = e * kept4(p, times.x);
    let value = packed4(p, 2u, times);
    for (var d = 0u; d < HEAD; d++) {
        let v = vec4<f32>(qkv[value.x + d], qkv[value.y + d], qkv[value.z + d], qkv[value.w + d]);
        sum[d] = sum[d] * shrink + dot(weight, v);
    }
}

fn finish(p: Place) {
    if (!p.inside) {
        return;
    }
    let nothing = total == 0.0;
    let inverse = select(1.0 / total, 0.0, nothing);
    let at = ((p.batch * TIME + p.time) * HEADS + p.head) * HEAD;
    for (var d = 0u; d < HEAD; d++) {
        o[at + d] = sum[d] * inverse;
    }
    lse[(p.batch * HEADS + p.head) * TIME + p.time] = select(peak + log(total), -1e30, nothing);
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
fn forward(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let p = place(group, local.x);
    begin(p);
    for (var n = 0u; n < (TIME + 3u) / 4u; n++) {
        if (CAUSAL && 4u * n >= (group.x + 1u) * WX) {
            break;
        }
        let t = four(n);
        attend(p, t.clamped, t.inside & seen(vec4<u32>(p.time), t.clamped));
    }
    finish(p);
}

@compute @workgroup_size(WX)
fn forward_masked(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let p = place(group, local.x);
    begin(p);
    for (var n = 0u; n < (TIME + 3u) / 4u; n++) {
        if (CAUSAL && 4u * n >= (group.x + 1u) * WX) {
            break;
        }
        let t = four(n);
        attend(p, t.clamped, t.inside & seen(vec4<u32>(p.time), t.clamped) & unmasked(p, t.clamped));
    }
    finish(p);
}
