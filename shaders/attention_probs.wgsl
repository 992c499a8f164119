// Attention probabilities for people to look at: probs (BATCH×HEADS×TIME×TIME), rows are queries, without dropout.
//
//   probs[b,h,i,j] = exp(SCALE·q_i·k_j - lse[b,h,i]), exactly 0 where query i may not see key j
//
// A thread per element. Not on the training path.

const BATCH: u32 = 1u;
const TIME: u32 = 8u;
const HEADS: u32 = 1u;
const HEAD: u32 = 4u;
const CAUSAL: bool = false;
const SCALE: f32 = 0.5;
const GRID_X: u32 = 1u;
const WX: u32 = 64u;

@group(1) @binding(0) var<storage, read> qkv: array<f32, BATCH * TIME * 3u * HEADS * HEAD>;
@group(1) @binding(1) var<storage, read> key_mask: array<u32, BATCH * TIME>;
@group(1) @binding(2) var<storage, read> lse: array<f32, BATCH * HEADS * TIME>;
@group(1) @binding(3) var<storage, read_write> p: array<f32, BATCH * HEADS * TIME * TIME>;

struct Element {
    index: u32,
    batch: u32,
    head: u32,
    query: u32,
    key: u32,
    inside: bool,
}

fn element(group: vec3<u32>, lane: u32) -> Element {
    let wanted = (group.y * GRID_X + group.x) * WX + lane;
    let index = min(wanted, BATCH * HEADS * TIME * TIME - 1u);
    let row = index / TIME;
    let head = row / TIME;
    return Element(index, head / HEADS, head % HEADS, row % TIME, index % TIME, wanted < BATCH * HEADS * TIME * TIME);
}

fn probability(e: Element) -> f32 {
    let query = (e.batch * TIME + e.query) * (3u * HEADS * HEAD) + e.head * HEAD;
    let key = (e.batch * TIME + e.key) * (3u * HEADS * HEAD) + (HEADS + e.head) * HEAD;
    var s = 0.0;
    for (var d = 0u; d < HEAD; d++) {
        s += qkv[query + d] * qkv[key + d];
    }
    let value = exp(SCALE * s - lse[(e.batch * HEADS + e.head) * TIME + e.query]);
    return select(value, 0.0, CAUSAL && e.key > e.query);
}

@compute @workgroup_size(WX)
fn probs(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let e = element(group, local.x);
    let value = probability(e);
    if (e.inside) {
        p[e.index] = value;
    }
}

@compute @workgroup_size(WX)
fn probs_masked(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let e = element(group, local.x);
    let value = select(0.0, probability(e), key_mask[e.batch * TIME + e.key] != 0u);
    if (e.inside) {
        p[e.index] = value;
    }
}
