// Adds a table to the rows of x (ROWS×COLUMNS), and the gradient of that for the table (TABLE_ROWS×COLUMNS).
//
//   add   y[r,c] = x[r,c] + table[r mod PERIOD, c]
//   sum   sums[p,c] = Σ x[p + i·PERIOD, c] over i ascending; 0 for p ≥ PERIOD
//
// A thread per element of the result. PERIOD divides ROWS.

const ROWS: u32 = 8u;
const COLUMNS: u32 = 8u;
const TABLE_ROWS: u32 = 1u;
const PERIOD: u32 = 1u;
const GRID_X: u32 = 1u;
const WX: u32 = 64u;

@group(1) @binding(0) var<storage, read> x: array<f32, ROWS * COLUMNS>;
@group(1) @binding(1) var<storage, read> table: array<f32, TABLE_ROWS * COLUMNS>;
@group(1) @binding(2) var<storage, read_write> y: array<f32, ROWS * COLUMNS>;
@group(1) @binding(3) var<storage, read_write> sums: array<f32, TABLE_ROWS * COLUMNS>;

fn thread(group: vec3<u32>, lane: u32) -> u32 {
    return (group.y * GRID_X + group.x) * WX + lane;
}

@compute @workgroup_size(WX)
fn add(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let element = thread(group, local.x);
    let index = min(element, ROWS * COLUMNS - 1u);
    let at = ((index / COLUMNS) % PERIOD) * COLUMNS + index % COLUMNS;
    let value = x[index] + table[at];
    if (element < ROWS * COLUMNS) {
        y[index] = value;
    }
}

@compute @workgroup_size(WX)
fn sum(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let element = thread(group, local.x);
    let index = min(element, TABLE_ROWS * COLUMNS - 1u);
    let first = min(index / COLUMNS, PERIOD - 1u) * COLUMNS + index % COLUMNS;
    var total = 0.0;
    for (var i = 0u; i < ROWS / PERIOD; i++) {
        total += x[i * (PERIOD * COLUMNS) + first];
    }
    if (element < TABLE_ROWS * COLUMNS) {
        sums[index] = select(0.0, total, index / COLUMNS < PERIOD);
    }
}
