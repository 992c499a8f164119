// The register tile of matrix products: 8 rows × 8 columns a thread. Head constants of the including file: M, N, K, A_ROW,
// A_DEPTH, B_DEPTH, B_COLUMN, WX, WY, SLICES, SUM_COLUMNS; its buffers a and b.
//
//   c[m,n] = Σ_k a[m·A_ROW + k·A_DEPTH] · b[k·B_DEPTH + n·B_COLUMN]; the strides say which operand is transposed
//
// Thread lx + WX·(ly + WY·slice) of workgroup (gx, gy) owns rows gy·8·WY + ly + i·WY and columns gx·8·WX + lx + j·WX: the
// columns of neighboring threads are neighbors. Rows and columns past the end repeat the last one and are not stored.
// With several SLICES a thread takes only every SLICES-th k. The caches hold what threads share.

// First row and column of a thread.
struct Place {
    row: u32,
    column: u32,
}

// Row i of a thread's tile: c[2i] holds columns 0 to 3, c[2i + 1] columns 4 to 7. Named, so that they stay registers.
struct Tile {
    c0: vec4<f32>, c1: vec4<f32>, c2: vec4<f32>, c3: vec4<f32>,
    c4: vec4<f32>, c5: vec4<f32>, c6: vec4<f32>, c7: vec4<f32>,
    c8: vec4<f32>, c9: vec4<f32>, c10: vec4<f32>, c11: vec4<f32>,
    c12: vec4<f32>, c13: vec4<f32>, c14: vec4<f32>, c15: vec4<f32>,
    // Σ_k of op(B)'s columns, if SUM_COLUMNS.
    sum_lo: vec4<f32>, sum_hi: vec4<f32>,
}

// Four neighboring elements of a tile.
struct Quad {
    row: u32,
    column: vec4<u32>,
    index: vec4<u32>,
    inside: vec4<bool>,
}

fn place(group: vec3<u32>, local: vec3<u32>) -> Place {
    // A compiler sees that a coordinate is the same for all lanes only when no lane enters into it.
    let lx = select(local.x % WX, 0u, WX == 1u);
    let ly = select((local.x / WX) % WY, 0u, WY == 1u);
    return Place(group.y * (8u * WY) + ly, group.x * (8u * WX) + lx);
}

fn a_offset(at: Place, i: u32) -> u32 {
    return min(at.row + i * WY, M - 1u) * A_ROW;
}

fn b_offset(at: Place, j: u32) -> u32 {
    return min(at.column + j * WX, N - 1u) * B_COLUMN;
}

fn product(at: Place, slice: u32) -> Tile {
    let a0 = a_offset(at, 0u);
    let a1 = a_offset(at, 1u);
    let a2 = a_offset(at, 2u);
    let a3 = a_offset(at, 3u);
    let a4 = a_offset(at, 4u);
    let a5 = a_offset(at, 5u);
    let a6 = a_offset(at, 6u);
    let a7 = a_offset(at, 7u);
    let b0 = b_offset(at, 0u);
    let b1 = b_offset(at, 1u);
    let b2 = b_offset(at, 2u);
    let b3 = b_offset(at, 3u);
    let b4 = b_offset(at, 4u);
    let b5 = b_offset(at, 5u);
    let b6 = b_offset(at, 6u);
    let b7 = b_offset(at, 7u);
    var c0 = vec4<f32>();
    var c1 = vec4<f32>();
    var c2 = vec4<f32>();
    var c3 = vec4<f32>();
    var c4 = vec4<f32>();
    var c5 = vec4<f32>();
    var c6 = vec4<f32>();
    var c7 = vec4<f32>();
    var c8 = vec4<f32>();
    var c9 = vec4<f32>();
    var c10 = vec4<f32>();
    var c11 = vec4<f32>();
    var c12 = vec4<f32>();
    var c13 = vec4<f32>();
    var c14 = vec4<f32>();
    var c15 = vec4<f32>();
    var sum_lo = vec4<f32>();
    var sum_hi = vec4<f32>();
    for (var i = 0u; i < (K + SLICES - 1u) / SLICES; i++) {
        let wanted = i * SLICES + slice;
        let k = min(wanted, K - 1u);
        let ka = k * A_DEPTH;
        let kb = k * B_DEPTH;
        var lo = vec4<f32>(b[kb + b0], b[kb + b1], b[kb + b2], b[kb + b3]);
        var hi = vec4<f32>(b[kb + b4], b[kb + b5], b[kb + b6], b[kb + b7]);
        if (K % SLICES != 0u) {
            lo = select(vec4<f32>(0.0), lo, wanted < K);
            hi = select(vec4<f32>(0.0), hi, wanted < K);
        }
        if (SUM_COLUMNS) {
            sum_lo += lo;
            sum_hi += hi;
        }
        let x0 = a[ka + a0];
        c0 += x0 * lo;
        c1 += x0 * hi;
        let x1 = a[ka + a1];
        c2 += x1 * lo;
        c3 += x1 * hi;
        let x2 = a[ka + a2];
        c4 += x2 * lo;
        c5 += x2 * hi;
        let x3 = a[ka + a3];
        c6 += x3 * lo;
        c7 += x3 * hi;
        let x4 = a[ka + a4];
        c8 += x4 * lo;
        c9 += x4 * hi;
        let x5 = a[ka + a5];
        c10 += x5 * lo;
        c11 += x5 * hi;
        let x6 = a[ka + a6];
        c12 += x6 * lo;
        c13 += x6 * hi;
        let x7 = a[ka + a7];
        c14 += x7 * lo;
        c15 += x7 * hi;
    }
    return Tile(c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15, sum_lo, sum_hi);
}

// The values of quad p, 0 to 15.
fn values(tile: Tile, p: u32) -> vec4<f32> {
    switch p {
        case 0u: { return tile.c0; }
        case 1u: { return tile.c1; }
        case 2u: { return tile.c2; }
        case 3u: { return tile.c3; }
        case 4u: { return tile.c4; }
        case 5u: { return tile.c5; }
        case 6u: { return tile.c6; }
        case 7u: { return tile.c7; }
        case 8u: { return tile.c8; }
        case 9u: { return tile.c9; }
        case 10u: { return tile.c10; }
        case 11u: { return tile.c11; }
        case 12u: { return tile.c12; }
        case 13u: { return tile.c13; }
        case 14u: { return tile.c14; }
        default: { return tile.c15; }
    }
}

// Where quad p, 0 to 15, goes.
fn quad(at: Place, p: u32) -> Quad {
    let row = at.row + (p / 2u) * WY;
    let column = vec4<u32>(at.column + (p % 2u) * (4u * WX)) + vec4<u32>(0u, WX, 2u * WX, 3u * WX);
    let inside = (column < vec4<u32>(N)) & vec4<bool>(row < M);
    let clamped = min(column, vec4<u32>(N - 1u));
    return Quad(row, clamped, min(row, M - 1u) * N + clamped, inside);
}
