// Copies words (f32 or u32, bits as they are).
//
//   whole    result = source, LENGTH words
//   append   state[s, position, c] = row[s, c] in each sequence s of a state of TIME rows of WIDTH columns, LENGTH words in
//            all; a position that is none of the rows changes nothing
//
// A thread takes four words, WX apart; in append, of the LENGTH/TIME words of all rows. There the rest of the state stays,
// and a clamped word is written as it was read.

const LENGTH: u32 = 64u;
const TIME: u32 = 1u;
const WIDTH: u32 = 64u;
const GRID_X: u32 = 1u;
const WX: u32 = 64u;

const NEW: u32 = LENGTH / TIME;

@group(1) @binding(0) var<storage, read> source: array<u32, LENGTH>;
@group(1) @binding(1) var<storage, read> row: array<u32, LENGTH / TIME>;
@group(1) @binding(2) var<storage, read> position: array<u32, 1>;
@group(1) @binding(3) var<storage, read_write> result: array<u32, LENGTH>;
@group(1) @binding(4) var<storage, read_write> state: array<u32, LENGTH>;

fn first(group: vec3<u32>, lane: u32) -> u32 {
    return (group.y * GRID_X + group.x) * (4u * WX) + lane;
}

@compute @workgroup_size(WX)
fn whole(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    for (var i = 0u; i < 4u; i++) {
        let wanted = first(group, local.x) + i * WX;
        let index = min(wanted, LENGTH - 1u);
        let word = source[index];
        if (wanted < LENGTH) {
            result[index] = word;
        }
    }
}

@compute @workgroup_size(WX)
fn append(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let at = position[0];
    for (var i = 0u; i < 4u; i++) {
        let wanted = first(group, local.x) + i * WX;
        let index = min(wanted, NEW - 1u);
        let place = ((index / WIDTH) * TIME + min(at, TIME - 1u)) * WIDTH + index % WIDTH;
        let word = select(state[place], row[index], at < TIME);
        if (wanted < NEW) {
            state[place] = word;
        }
    }
}
