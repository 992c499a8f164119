// Row lookup in a table (ROWS×COLUMNS) by COUNT ids, and its gradient without atomics.
//
//   forward    y[n,c] = table[ids[n], c]
//   grad       table_grad[v,c] = Σ dy[n,c] over the positions n of id v, ascending; 0 where there is none
//   grad_add   the same plus other[v,c]
//
// `list` sorts positions by id: ROWS + 1 offsets, then COUNT positions; those of id v stand at offsets[v]..offsets[v+1].
// A thread per element of the result. Ids are below ROWS; the clamps only keep a wrong one from reading elsewhere.

const ROWS: u32 = 8u;
const COLUMNS: u32 = 8u;
const COUNT: u32 = 8u;
const GRID_X: u32 = 1u;
const WX: u32 = 64u;

@group(1) @binding(0) var<storage, read> table: array<f32, ROWS * COLUMNS>;
@group(1) @binding(1) var<storage, read> ids: array<u32, COUNT>;
@group(1) @binding(2) var<storage, read> other: array<f32, ROWS * COLUMNS>;
@group(1) @binding(3) var<storage, read> list: array<u32, ROWS + 1u + COUNT>;
@group(1) @binding(4) var<storage, read> dy: array<f32, COUNT * COLUMNS>;
@group(1) @binding(5) var<storage, read_write> y: array<f32, COUNT * COLUMNS>;
@group(1) @binding(6) var<storage, read_write> table_grad: array<f32, ROWS * COLUMNS>;

fn thread(group: vec3<u32>, lane: u32) -> u32 {
    return (group.y * GRID_X + group.x) * WX + lane;
}

@compute @workgroup_size(WX)
fn forward(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let element = thread(group, local.x);
    let index = min(element, COUNT * COLUMNS - 1u);
    let row = min(ids[index / COLUMNS], ROWS - 1u);
    let value = table[row * COLUMNS + index % COLUMNS];
    if (element < COUNT * COLUMNS) {
        y[index] = value;
    }
}

// Sum of the rows of dy that used the id of element `index`, in its column.
fn scattered(index: u32) -> f32 {
    let id = index / COLUMNS;
    let column = index % COLUMNS;
    let start = list[id];
    let end = list[id + 1u];
    var total = 0.0;
    for (var i = 0u; i < COUNT; i++) {
        if (start + i >= end) {
            break;
        }
        let position = min(list[ROWS + 1u + min(start + i, COUNT - 1u)], COUNT - 1u);
        total += dy[position * COLUMNS + column];
    }
    return total;
}

@compute @workgroup_size(WX)
fn grad(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let element = thread(group, local.x);
    let index = min(element, ROWS * COLUMNS - 1u);
    let value = scattered(index);
    if (element < ROWS * COLUMNS) {
        table_grad[index] = value;
    }
}

@compute @workgroup_size(WX)
fn grad_add(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let element = thread(group, local.x);
    let index = min(element, ROWS * COLUMNS - 1u);
    let value = other[index] + scattered(index);
    if (element < ROWS * COLUMNS) {
        table_grad[index] = value;
    }
}
