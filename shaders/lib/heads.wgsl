// Where the operands of the attention kernels lie, who computes what, and which query sees which key. Head constants of the
// including file: BATCH, QUERIES, KEYS, HEADS, KV_HEADS, HEAD (columns a head), PACKED, SCALE, BIAS, CAUSAL, BANDED, BAND,
// PREFIX, DOCUMENTS, WX; its buffers key_mask and bias.
//
// q[b,t] holds HEADS heads of queries, kv[b,t] KV_HEADS heads of keys, then as many of values; query head h reads key head
// h / GROUP. If PACKED is 1, both are one buffer with rows (queries, keys, values), and the same binding twice.
//
// key_mask[b,k] is 0 for a hidden key, else the low 31 bits number its document and the highest bit marks a prefix.
// bias (QUERIES+KEYS-1 × HEADS) has a row for each distance k - q, the least one first.

const GROUP: u32 = HEADS / KV_HEADS;
const Q_ROW: u32 = (HEADS + PACKED * 2u * KV_HEADS) * HEAD;
const KV_ROW: u32 = (PACKED * HEADS + 2u * KV_HEADS) * HEAD;
// From a key to its value.
const TO_VALUE: u32 = KV_HEADS * HEAD;
const QUERY_BLOCKS: u32 = (QUERIES + 3u) / 4u;
const KEY_BLOCKS: u32 = (KEYS + 3u) / 4u;
// Whether blocks of four that see nothing of each other are common and lie anywhere.
const SPARSE: bool = PREFIX || DOCUMENTS;

// A thread's position: a query or, in the kernel for keys and values, a key, whose head counts the key heads.
struct Place {
    batch: u32,
    head: u32,
    time: u32,
    inside: bool,
}

// Four consecutive times.
struct Four {
    clamped: vec4<u32>,
    inside: vec4<bool>,
}

fn place(group: vec3<u32>, lane: u32, times: u32, heads: u32) -> Place {
    let time = group.x * WX + lane;
    return Place(min(group.z, BATCH - 1u), min(group.y, heads - 1u), min(time, times - 1u), time < times);
}

fn four(n: u32, times: u32) -> Four {
    let wanted = vec4<u32>(4u * n) + vec4<u32>(0u, 1u, 2u, 3u);
    return Four(min(wanted, vec4<u32>(times - 1u)), wanted < vec4<u32>(times));
}

// First column of a query in q.
fn query_at(batch: u32, head: u32, time: u32) -> u32 {
    return (batch * QUERIES + time) * Q_ROW + head * HEAD;
}

// First column of the key that a query head reads, in kv.
fn key_at(batch: u32, head: u32, time: u32) -> u32 {
    return (batch * KEYS + time) * KV_ROW + (PACKED * HEADS + head / GROUP) * HEAD;
}

fn key4(p: Place, times: vec4<u32>) -> vec4<u32> {
    return key_at(p.batch, p.head, 0u) + times * KV_ROW;
}

// First column of a query in o and its gradient.
fn output_at(batch: u32, head: u32, time: u32) -> u32 {
    return ((batch * QUERIES + time) * HEADS + head) * HEAD;
}

// Index of a query in lse and delta.
fn statistic_at(batch: u32, head: u32, time: u32) -> u32 {
    return (batch * HEADS + head) * QUERIES + time;
}

// The blocks of four keys that a workgroup of queries has to go through: from here ...
fn first_keys(group: u32) -> u32 {
    if (BANDED) {
        return (max(group * WX + 1u, BAND) - BAND) / 4u;
    }
    return 0u;
}

// ... to before here.
fn end_keys(group: u32) -> u32 {
    if (CAUSAL && !PREFIX) {
        return min(KEY_BLOCKS, ((group + 1u) * WX + 3u) / 4u);
    }
    return KEY_BLOCKS;
}

// The blocks of four queries that a workgroup of keys has to go through: from here ...
fn first_queries(group: u32) -> u32 {
    if (CAUSAL && !PREFIX) {
        return group * WX / 4u;
    }
    return 0u;
}

// ... to before here.
fn end_queries(group: u32) -> u32 {
    if (BANDED) {
        return min(QUERY_BLOCKS, ((group + 1u) * WX + BAND + 3u) / 4u);
    }
    return QUERY_BLOCKS;
}

// What the structural mask allows.
fn seen(queries: vec4<u32>, keys: vec4<u32>) -> vec4<bool> {
    if (BANDED) {
        return (keys <= queries) & (queries - keys < vec4<u32>(BAND));
    }
    return vec4<bool>(!CAUSAL) | (keys <= queries);
}

// What the structural mask and the key mask allow.
fn shown(batch: u32, queries: vec4<u32>, keys: vec4<u32>) -> vec4<bool> {
    let start = batch * KEYS;
    let key = vec4<u32>(
        key_mask[start + keys.x],
        key_mask[start + keys.y],
        key_mask[start + keys.z],
        key_mask[start + keys.w],
    );
    var visible = seen(queries, keys);
    if (PREFIX) {
        visible = visible | (key >= vec4<u32>(0x80000000u));
    }
    visible = visible & (key != vec4<u32>(0u));
    if (DOCUMENTS) {
        let query = vec4<u32>(
            key_mask[start + queries.x],
            key_mask[start + queries.y],
            key_mask[start + queries.z],
            key_mask[start + queries.w],
        );
        // Shifted, so that the mark of a prefix does not count.
        visible = visible & (query != vec4<u32>(0u)) & (((query ^ key) << vec4<u32>(1u)) == vec4<u32>(0u));
    }
    return visible;
}

fn bias4(head: u32, queries: vec4<u32>, keys: vec4<u32>) -> vec4<f32> {
    let at = (keys + vec4<u32>(QUERIES - 1u) - queries) * HEADS + head;
    return vec4<f32>(bias[at.x], bias[at.y], bias[at.z], bias[at.w]);
}

// The scores of four products q·k.
fn scored(products: vec4<f32>, added: vec4<f32>) -> vec4<f32> {
    if (BIAS) {
        return SCALE * products + added;
    }
    return SCALE * products;
}
