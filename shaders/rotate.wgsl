// Turns pairs of columns by angles that depend on the row (rotary positions, in GPT-NeoX's layout).
//
//   for i < E/2 of each of the first HEADS heads of E = HEAD_DIM columns, cos and sin of row r mod PERIOD of the angles:
//     y[r, i]       = x[r, i]·cos - x[r, i + E/2]·SIGN·sin
//     y[r, i + E/2] = x[r, i + E/2]·cos + x[r, i]·SIGN·sin
//   the other columns stay as they are
//
// angles (PERIOD×E) holds E/2 cosines, then E/2 sines. SIGN is -1 to turn back: the gradient. A thread takes four
// elements of y, WX apart, and reads its partner itself, so that neighbors read neighbors.

const ROWS: u32 = 8u;
const COLUMNS: u32 = 8u;
const HEADS: u32 = 1u;
const HEAD_DIM: u32 = 8u;
const PERIOD: u32 = 8u;
const SIGN: f32 = 1.0;
const GRID_X: u32 = 1u;
const WX: u32 = 64u;

const HALF: u32 = HEAD_DIM / 2u;

@group(1) @binding(0) var<storage, read> x: array<f32, ROWS * COLUMNS>;
@group(1) @binding(1) var<storage, read> angles: array<f32, PERIOD * HEAD_DIM>;
@group(1) @binding(2) var<storage, read_write> y: array<f32, ROWS * COLUMNS>;

fn turned(index: u32) -> f32 {
    let column = index % COLUMNS;
    if (column >= HEADS * HEAD_DIM) {
        return x[index];
    }
    let within = column % HEAD_DIM;
    let lower = within < HALF;
    let at = ((index / COLUMNS) % PERIOD) * HEAD_DIM + select(within - HALF, within, lower);
    let partner = x[select(index - HALF, index + HALF, lower)];
    return x[index] * angles[at] + partner * (select(SIGN, -SIGN, lower) * angles[at + HALF]);
}

@compute @workgroup_size(WX)
fn rotate(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let first = (group.y * GRID_X + group.x) * (4u * WX) + local.x;
    for (var i = 0u; i < 4u; i++) {
        let wanted = first + i * WX;
        let index = min(wanted, ROWS * COLUMNS - 1u);
        let value = turned(index);
        if (wanted < ROWS * COLUMNS) {
            y[index] = value;
        }
    }
}
