// Dropout of attention probabilities. Head constants of the including file: HEADS, QUERIES, KEYS, DROPOUT, THRESHOLD, KEEP.

// The factors of p[query, first..first+4], `first` in a block of four: one call of the generator. Its index counts
// [B,H,Tq,Tk] with the last extent rounded up to four.
fn kept4(batch: u32, head: u32, query: u32, first: u32) -> vec4<f32> {
    if (!DROPOUT) {
        return vec4<f32>(1.0);
    }
    let row = (batch * HEADS + head) * QUERIES + query;
    let counter = row * ((KEYS + 3u) / 4u) + first / 4u;
    let words = pcg4d(vec4<u32>(counter, step_uniform.site, step_uniform.step, step_uniform.seed));
    return select(vec4<f32>(0.0), vec4<f32>(KEEP), words >= vec4<u32>(THRESHOLD));
}
