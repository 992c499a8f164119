// Gradient of attention.wgsl for its bias (QUERIES+KEYS-1 × HEADS), given lse, the gradient of o (here `upstream`, do) and
// D_i = do_i·o_i (`delta`).
//
//   dbias[r,h] = Σ_b Σ_i g[i,j], j = i + r - (QUERIES-1), g[i,j] = p·(c·(do_i·v_j) - D_i)
//   p = exp(s - lse), c = dropout factors, s as in attention.wgsl
//
// A workgroup has LANES distances of a head; SLICES threads share one and take turns along the queries of all sequences,
// then slice 0 adds up the slices in order. Neighboring threads have one query and neighboring keys. `_masked` asks the key
// mask.

const BATCH: u32 = 1u;
const QUERIES: u32 = 8u;
const KEYS: u32 = 8u;
const HEADS: u32 = 1u;
const KV_HEADS: u32 = 1u;
const HEAD: u32 = 4u;
const PACKED: u32 = 1u;
const SCALE: f32 = 0.5;
const BIAS: bool = true;
const CAUSAL: bool = false;
const BANDED: bool = false;
const BAND: u32 = 0u;
const PREFIX: bool = false;
const DOCUMENTS: bool = false;
const DROPOUT: bool = false;
const THRESHOLD: u32 = 0u;
const KEEP: f32 = 1.0;
const LANES: u32 = 8u;
const SLICES: u32 = 8u;
const WX: u32 = LANES * SLICES;

@group(1) @binding(0) var<storage, read> q: array<f32, BATCH * QUERIES * Q_ROW>;
@group(1) @binding(1) var<storage, read> kv: array<f32, BATCH * KEYS * KV_ROW>;
@group(1) @binding(2) var<storage, read> bias: array<f32, (QUERIES + KEYS - 1u) * HEADS>;
@group(1) @binding(3) var<storage, read> key_mask: array<u32, BATCH * KEYS>;
@group(1) @binding(4) var<storage, read> lse: array<f32, BATCH * HEADS * QUERIES>;
@group(1) @binding(5) var<storage, read> upstream: array<f32, BATCH * QUERIES * HEADS * HEAD>;
@group(1) @binding(6) var<storage, read> delta: array<f32, BATCH * HEADS * QUERIES>;
@group(1) @binding(7) var<storage, read_write> dbias: array<f32, (QUERIES + KEYS - 1u) * HEADS>;

const DISTANCES: u32 = QUERIES + KEYS - 1u;

// What a workgroup goes through: blocks of four queries from `first`, of each sequence.
struct Range {
    first: u32,
    blocks: u32,
}

fn range(group: u32) -> Range {
    let least = group * LANES;
    let most = min(least + LANES, DISTANCES) - 1u;
    let later = CAUSAL && !PREFIX && least > QUERIES - 1u;
    let beyond = BANDED && most + BAND <= QUERIES - 1u;
    let first = QUERIES - 1u - min(most, QUERIES - 1u);
    let end = min(QUERIES, DISTANCES - least);
    return Range(first, select((end - first + 3u) / 4u, 0u, later || beyond));
}

// Four queries and the keys at a distance from them.
struct Pairs {
    batch: u32,
    queries: vec4<u32>,
    keys: vec4<u32>,
    inside: vec4<bool>,
}

fn pairs(r: Range, distance: u32, m: u32) -> Pairs {
    let query = vec4<u32>(r.first + 4u * (m % r.blocks)) + vec4<u32>(0u, 1u, 2u, 3u);
    // Counted from QUERIES - 1 keys before the first one.
    let key = query + distance;
    let inside = (query < vec4<u32>(QUERIES)) & (key >= vec4<u32>(QUERIES - 1u)) & (key < vec4<u32>(DISTANCES));
    let clamped = clamp(key, vec4<u32>(QUERIES - 1u), vec4<u32>(DISTANCES - 1u)) - (QUERIES - 1u);
    return Pairs(m / r.blocks, min(query, vec4<u32>(QUERIES - 1u)), clamped, inside);
}

// The factors of p[queries, keys], pair by pair.
fn kept_pairs(p: Pairs, head: u32) -> vec4<f32> {
    return vec4<f32>(
        kept4(p.batch, head, p.queries.x, p.keys.x)[p.keys.x % 4u],
        kept4(p.batch, head, p.queries.y, p.keys.y)[p.keys.y % 4u],
        kept4(p.batch, head, p.queries.z, p.keys.z)[p.keys.z % 4u],
        kept4(p.batch, head, p.queries.w, p.keys.w)[p.keys.w % 4u],
    );
}

// Σ g of four pairs.
fn gather(p: Pairs, head: u32, added: f32, visible: vec4<bool>) -> f32 {
    let query = query_at(p.batch, head, 0u) + p.queries * Q_ROW;
    let row = output_at(p.batch, head, 0u) + p.queries * (HEADS * HEAD);
    let key = key_at(p.batch, head, 0u) + p.keys * KV_ROW;
    let value = key + TO_VALUE;
    var s = vec4<f32>();
    var dp = vec4<f32>();
    for (var d = 0u; d < HEAD; d++) {
        s += vec4<f32>(q[query.x + d], q[query.y + d], q[query.z + d], q[query.w + d])
            * vec4<f32>(kv[key.x + d], kv[key.y + d], kv[key.z + d], kv[key.w + d]);
        dp += vec4<f32>(upstream[row.x + d], upstream[row.y + d], upstream[row.z + d], upstream[row.w + d])
            * vec4<f32>(kv[value.x + d], kv[value.y + d], kv[value.z + d], kv[value.w + d]);
    }
    let at = statistic_at(p.batch, head, 0u) + p.queries;
    let log_sum = vec4<f32>(lse[at.x], lse[at.y], lse[at.z], lse[at.w]);
    let row_delta = vec4<f32>(delta[at.x], delta[at.y], delta[at.z], delta[at.w]);
    let prob = exp(scored(s, vec4<f32>(added)) - log_sum);
    let g = select(vec4<f32>(0.0), prob * (dp * kept_pairs(p, head) - row_delta), visible);
    return (g.x + g.y) + (g.z + g.w);
}

@compute @workgroup_size(WX)
fn distances(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let slice = local.x / LANES;
    let head = min(group.y, HEADS - 1u);
    let wanted = group.x * LANES + local.x % LANES;
    let distance = min(wanted, DISTANCES - 1u);
    let r = range(group.x);
    let added = bias[distance * HEADS + head];
    var part = 0.0;
    for (var m = slice; m < BATCH * r.blocks; m += SLICES) {
        let p = pairs(r, distance, m);
        part += gather(p, head, added, p.inside & seen(p.queries, p.keys));
    }
    let sum = sum_slices(local.x % LANES, slice, vec2<f32>(part, 0.0));
    if (slice == 0u && wanted < DISTANCES) {
        dbias[distance * HEADS + head] = sum.x;
    }
}

@compute @workgroup_size(WX)
fn distances_masked(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let slice = local.x / LANES;
    let head = min(group.y, HEADS - 1u);
    let wanted = group.x * LANES + local.x % LANES;
    let distance = min(wanted, DISTANCES - 1u);
    let r = range(group.x);
    let added = bias[distance * HEADS + head];
    var part = 0.0;
    for (var m = slice; m < BATCH * r.blocks; m += SLICES) {
        let p = pairs(r, distance, m);
        part += gather(p, head, added, p.inside & shown(p.batch, p.queries, p.keys));
    }
    let sum = sum_slices(local.x % LANES, slice, vec2<f32>(part, 0.0));
    if (slice == 0u && wanted < DISTANCES) {
        dbias[distance * HEADS + head] = sum.x;
    }
}
