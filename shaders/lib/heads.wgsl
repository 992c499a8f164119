// Who computes what in the attention kernels, and which query sees which key. Head constants of the including file: TIME,
// HEADS, HEAD (columns a head), CAUSAL, DROPOUT, THRESHOLD, KEEP, WX.
//
// Packed rows: qkv[b,t] = (queries, keys, values), each HEADS heads of HEAD columns.

const WIDTH: u32 = HEADS * HEAD;

// A thread's position: a query or, in the kernel for keys and values, a key.
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

fn place(group: vec3<u32>, lane: u32) -> Place {
    let time = group.x * WX + lane;
    return Place(min(group.z, BATCH - 1u), min(group.y, HEADS - 1u), min(time, TIME - 1u), time < TIME);
}

fn four(n: u32) -> Four {
    let times = vec4<u32>(4u * n) + vec4<u32>(0u, 1u, 2u, 3u);
    return Four(min(times, vec4<u32>(TIME - 1u)), times < vec4<u32>(TIME));
}

// First column of the query (part 0), key (1) or value (2) at a time.
fn packed(p: Place, part: u32, time: u32) -> u32 {
    return (p.batch * TIME + time) * (3u * WIDTH) + part * WIDTH + p.head * HEAD;
}

fn packed4(p: Place, part: u32, times: vec4<u32>) -> vec4<u32> {
    return vec4<u32>(packed(p, part, times.x), packed(p, part, times.y), packed(p, part, times.z), packed(p, part, times.w));
}

fn seen(queries: vec4<u32>, keys: vec4<u32>) -> vec4<bool> {
    return vec4<bool>(!CAUSAL) | (keys <= queries);
}

// Dropout of p[query, first..first+4], `first` a multiple of four: one call of the generator. Its index counts
// [B,H,T,T] with the last extent rounded up to four.
fn kept4(p: Place, first: u32) -> vec4<f32> {
    return kept_row(p, p.time, first);
}

fn kept_row(p: Place, query: u32, first: u32) -> vec4<f32> {
    if (!DROPOUT) {
        return vec4<f32>(1.0);
    }
    let row = (p.batch * HEADS + p.head) * TIME + query;
    let counter = row * ((TIME + 3u) / 4u) + first / 4u;
    let words = pcg4d(vec4<u32>(counter, step_uniform.site, step_uniform.step, step_uniform.seed));
    return select(vec4<f32>(0.0), vec4<f32>(KEEP), words >= vec4<u32>(THRESHOLD));
}
