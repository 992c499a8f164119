// Attention probabilities for people to look at: probs (BATCH×HEADS×QUERIES×KEYS), without dropout.
//
//   probs[b,h,i,j] = exp(SCALE·q_i·k_j + bias[j-i] - lse[b,h,i]), exactly 0 where query i may not see key j
//
// A thread per four keys of a query; blocks of four fill a row. Not on the training path. Layout and visibility:
// lib/heads.wgsl; `_biased` adds the bias, `_masked` asks the key mask.

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
const GRID_X: u32 = 1u;
const WX: u32 = 64u;

@group(1) @binding(0) var<storage, read> q: array<f32, BATCH * QUERIES * Q_ROW>;
@group(1) @binding(1) var<storage, read> kv: array<f32, BATCH * KEYS * KV_ROW>;
@group(1) @binding(2) var<storage, read> bias: array<f32, (QUERIES + KEYS - 1u) * HEADS>;
@group(1) @binding(3) var<storage, read> key_mask: array<u32, BATCH * KEYS>;
@group(1) @binding(4) var<storage, read> lse: array<f32, BATCH * HEADS * QUERIES>;
@group(1) @binding(5) var<storage, read_write> probabilities: array<f32, BATCH * HEADS * QUERIES * KEYS>;

// Four keys of a query.
struct Block {
    p: Place,
    keys: Four,
}

fn block(group: vec3<u32>, lane: u32) -> Block {
    let wanted = (group.y * GRID_X + group.x) * WX + lane;
    let index = min(wanted, BATCH * HEADS * QUERIES * KEY_BLOCKS - 1u);
    let row = index / KEY_BLOCKS;
    let p = Place(row / (QUERIES * HEADS), row / QUERIES % HEADS, row % QUERIES, index == wanted);
    return Block(p, four(index % KEY_BLOCKS, KEYS));
}

fn store(p: Place, keys: Four, visible: vec4<bool>, added: vec4<f32>) {
    let query = query_at(p.batch, p.head, p.time);
    let key = key4(p, keys.clamped);
    var s = vec4<f32>();
    for (var d = 0u; d < HEAD; d++) {
        s += q[query + d] * vec4<f32>(kv[key.x + d], kv[key.y + d], kv[key.z + d], kv[key.w + d]);
    }
    let row = statistic_at(p.batch, p.head, p.time);
    let value = select(vec4<f32>(0.0), exp(scored(s, added) - lse[row]), visible);
    for (var i = 0u; i < 4u; i++) {
        if (p.inside && keys.inside[i]) {
            probabilities[row * KEYS + keys.clamped[i]] = value[i];
        }
    }
}

@compute @workgroup_size(WX)
fn probs(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let b = block(group, local.x);
    store(b.p, b.keys, seen(vec4<u32>(b.p.time), b.keys.clamped), vec4<f32>());
}

@compute @workgroup_size(WX)
fn probs_masked(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let b = block(group, local.x);
    store(b.p, b.keys, shown(b.p.batch, vec4<u32>(b.p.time), b.keys.clamped), vec4<f32>());
}

@compute @workgroup_size(WX)
fn probs_biased(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let b = block(group, local.x);
    store(b.p, b.keys, seen(vec4<u32>(b.p.time), b.keys.clamped), bias4(b.p.head, vec4<u32>(b.p.time), b.keys.clamped));
}

@compute @workgroup_size(WX)
fn probs_biased_masked(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let b = block(group, local.x);
    store(b.p, b.keys, shown(b.p.batch, vec4<u32>(b.p.time), b.keys.clamped), bias4(b.p.head, vec4<u32>(b.p.time), b.keys.clamped));
}
