// Cross-entropy of logits z (ROWS×CLASSES) against target classes, in nats, with label smoothing s = SMOOTHING.
//
//   loss[row] = w·((1 - s)·(lse - z_y) + s·(lse - mean z)), lse = log Σ exp z, w the row's weight
//   dz = w·dloss·(softmax z - (1 - s)·[v = y] - s/CLASSES)
//
//   rows   row losses            both   row losses and dz for dloss = 1            grad   dz
//
// A weight of 0 ignores a row, whatever its logits. All is taken relative to the largest logit m, so a confident row
// loses no digits: lse - z_y = log Σ exp(z - m) - (z_y - m). A thread per row.

const ROWS: u32 = 8u;
const CLASSES: u32 = 8u;
const SMOOTHING: f32 = 0.0;
const GRID_X: u32 = 1u;
const WX: u32 = 64u;

@group(1) @binding(0) var<storage, read> logits: array<f32, ROWS * CLASSES>;
@group(1) @binding(1) var<storage, read> targets: array<u32, ROWS>;
@group(1) @binding(2) var<storage, read> weights: array<f32, ROWS>;
@group(1) @binding(3) var<storage, read> dloss: array<f32, 1>;
@group(1) @binding(4) var<storage, read_write> losses: array<f32, ROWS>;
@group(1) @binding(5) var<storage, read_write> dlogits: array<f32, ROWS * CLASSES>;

struct Row {
    index: u32,
    inside: bool,
    // m, Σ exp(z - m), Σ (z - m)
    peak: f32,
    total: f32,
    sum: f32,
}

fn row(group: vec3<u32>, lane: u32) -> Row {
    let wanted = (group.y * GRID_X + group.x) * WX + lane;
    let index = min(wanted, ROWS - 1u);
    let start = index * CLASSES;
    var peak = logits[start];
    for (var v = 0u; v < CLASSES; v++) {
        peak = max(peak, logits[start + v]);
    }
    var total = 0.0;
    var sum = 0.0;
    for (var v = 0u; v < CLASSES; v++) {
        let z = logits[start + v] - peak;
        total += exp(z);
        sum += z;
    }
    return Row(index, wanted < ROWS, peak, total, sum);
}

fn loss(r: Row) -> f32 {
    let target_class = min(targets[r.index], CLASSES - 1u);
    let z = logits[r.index * CLASSES + target_class] - r.peak;
    let blend = (1.0 - SMOOTHING) * z + SMOOTHING * (r.sum / f32(CLASSES));
    let weight = weights[r.index];
    return select(weight * (log(r.total) - blend), 0.0, weight == 0.0);
}

fn store_dlogits(r: Row, upstream: f32) {
    let start = r.index * CLASSES;
    let target_class = min(targets[r.index], CLASSES - 1u);
    let weight = weights[r.index];
    for (var v = 0u; v < CLASSES; v++) {
        let p = exp(logits[start + v] - r.peak) / r.total;
        let wanted = select(0.0, 1.0 - SMOOTHING, v == target_class) + SMOOTHING / f32(CLASSES);
        dlogits[start + v] = select(weight * upstream * (p - wanted), 0.0, weight == 0.0);
    }
}

@compute @workgroup_size(WX)
fn rows(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let r = row(group, local.x);
    let value = loss(r);
    if (r.inside) {
        losses[r.index] = value;
    }
}

@compute @workgroup_size(WX)
fn both(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let r = row(group, local.x);
    let value = loss(r);
    if (r.inside) {
        losses[r.index] = value;
        store_dlogits(r, 1.0);
    }
}

@compute @workgroup_size(WX)
fn grad(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let r = row(group, local.x);
    if (r.inside) {
        store_dlogits(r, dloss[0]);
    }
}
