// Adds a table to the rows of x (ROWS×COLUMNS), and the gradient of that for the table (TABLE_ROWS×COLUMNS).
//
//   add         y[r,c] = x[r,c] + table[FIRST + r mod PERIOD, c]
//   sum         sums[FIRST + p, c] = Σ_i x[p + i·PERIOD, c] for p < PERIOD; 0 in other rows
//   sum_split   the same for few long sums
//
// A thread per element of the result. In sum_split a workgroup has LANES elements; SLICES threads share one, slice s
// takes i = s, s + SLICES, … and slice 0 adds up the slices in order: one barrier. PERIOD divides ROWS.

const ROWS: u32 = 8u;
const COLUMNS: u32 = 8u;
const TABLE_ROWS: u32 = 1u;
const PERIOD: u32 = 1u;
const FIRST: u32 = 0u;
const GRID_X: u32 = 1u;
const WX: u32 = 64u;
const LANES: u32 = 8u;
const SLICES: u32 = 8u;

// Rows that share a row of the table.
const COUNT: u32 = ROWS / PERIOD;

@group(1) @binding(0) var<storage, read> x: array<f32, ROWS * COLUMNS>;
@group(1) @binding(1) var<storage, read> table: array<f32, TABLE_ROWS * COLUMNS>;
@group(1) @binding(2) var<storage, read_write> y: array<f32, ROWS * COLUMNS>;
@group(1) @binding(3) var<storage, read_write> sums: array<f32, TABLE_ROWS * COLUMNS>;

@compute @workgroup_size(WX)
fn add(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let wanted = (group.y * GRID_X + group.x) * WX + local.x;
    let index = min(wanted, ROWS * COLUMNS - 1u);
    let at = (FIRST + (index / COLUMNS) % PERIOD) * COLUMNS + index % COLUMNS;
    let value = x[index] + table[at];
    if (wanted < ROWS * COLUMNS) {
        y[index] = value;
    }
}

// Which of the PERIOD rows an element of the table belongs to. Rows before FIRST wrap around to large numbers.
fn turn(index: u32) -> u32 {
    return index / COLUMNS - FIRST;
}

// Element of x with which the sum for an element of the table begins.
fn first(index: u32) -> u32 {
    return min(turn(index), PERIOD - 1u) * COLUMNS + index % COLUMNS;
}

@compute @workgroup_size(WX)
fn sum(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let wanted = (group.y * GRID_X + group.x) * WX + local.x;
    let index = min(wanted, TABLE_ROWS * COLUMNS - 1u);
    let start = first(index);
    var total = 0.0;
    for (var i = 0u; i < COUNT; i++) {
        total += x[i * (PERIOD * COLUMNS) + start];
    }
    if (wanted < TABLE_ROWS * COLUMNS) {
        sums[index] = select(0.0, total, turn(index) < PERIOD);
    }
}

@compute @workgroup_size(LANES * SLICES)
fn sum_split(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let lane = local.x % LANES;
    let slice = local.x / LANES;
    let wanted = (group.y * GRID_X + group.x) * LANES + lane;
    let index = min(wanted, TABLE_ROWS * COLUMNS - 1u);
    let start = first(index);
    var part = 0.0;
    for (var i = 0u; i < (COUNT + SLICES - 1u) / SLICES; i++) {
        let n = i * SLICES + slice;
        part += select(0.0, x[min(n, COUNT - 1u) * (PERIOD * COLUMNS) + start], n < COUNT);
    }
    let total = sum_slices(lane, slice, vec2<f32>(part, 0.0)).x;
    if (slice == 0u && wanted < TABLE_ROWS * COLUMNS) {
        sums[index] = select(0.0, total, turn(index) < PERIOD);
    }
}
