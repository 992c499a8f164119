// The counter-based generator of src/rng: pcg4d (Jarzynski & Olano, JCGT 9(3), 2020).

fn pcg4d(counter: vec4<u32>) -> vec4<u32> {
    var v = counter * 1664525u + 1013904223u;
    v.x += v.y * v.w;
    v.y += v.z * v.x;
    v.z += v.x * v.y;
    v.w += v.y * v.z;
    v ^= v >> vec4<u32>(16u);
    v.x += v.y * v.w;
    v.y += v.z * v.x;
    v.z += v.x * v.y;
    v.w += v.y * v.z;
    return v;
}

// The random word of element `index`, counted row-major with the last extent rounded up to four.
fn dropout_word(index: u32, site: u32, step: u32, seed: u32) -> u32 {
    return pcg4d(vec4<u32>(index / 4u, site, step, seed))[index % 4u];
}
