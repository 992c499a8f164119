// A range of columns of a tensor of ROWS rows, taken out or put back between zeros.
//
//   take   part[r,c] = whole[r, START + c]                                   for c < COUNT
//   pad    wide[r,c] = narrow[r, c - START] for START ≤ c < START + COUNT, else 0
//
// whole and wide have WIDTH columns, part and narrow COUNT. A thread takes four elements of the result, WX apart.

const ROWS: u32 = 8u;
const WIDTH: u32 = 8u;
const START: u32 = 0u;
const COUNT: u32 = 8u;
const GRID_X: u32 = 1u;
const WX: u32 = 64u;

@group(1) @binding(0) var<storage, read> whole: array<f32, ROWS * WIDTH>;
@group(1) @binding(1) var<storage, read> narrow: array<f32, ROWS * COUNT>;
@group(1) @binding(2) var<storage, read_write> part: array<f32, ROWS * COUNT>;
@group(1) @binding(3) var<storage, read_write> wide: array<f32, ROWS * WIDTH>;

fn first(group: vec3<u32>, lane: u32) -> u32 {
    return (group.y * GRID_X + group.x) * (4u * WX) + lane;
}

@compute @workgroup_size(WX)
fn take(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    for (var i = 0u; i < 4u; i++) {
        let wanted = first(group, local.x) + i * WX;
        let index = min(wanted, ROWS * COUNT - 1u);
        let value = whole[(index / COUNT) * WIDTH + START + index % COUNT];
        if (wanted < ROWS * COUNT) {
            part[index] = value;
        }
    }
}

@compute @workgroup_size(WX)
fn pad(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    for (var i = 0u; i < 4u; i++) {
        let wanted = first(group, local.x) + i * WX;
        let index = min(wanted, ROWS * WIDTH - 1u);
        // Columns before START wrap around to large numbers, which are outside too.
        let column = index % WIDTH - START;
        let value = narrow[(index / WIDTH) * COUNT + min(column, COUNT - 1u)];
        if (wanted < ROWS * WIDTH) {
            wide[index] = select(0.0, value, column < COUNT);
        }
    }
}
