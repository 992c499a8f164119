// Losses of LENGTH numbers x against targets t, each with a weight w; 0 ignores an element, whatever it is.
//
//   squared    (x - t)²                                        LOGISTIC = false
//   logistic   ln(1 + eˣ) - x·t: a logit against a label        LOGISTIC = true
//
//   terms   losses = w·loss(x, t)          grad   dx = w·dloss·loss'(x, t)
//
// ln(1 + eˣ) = max(x, 0) + ln(1 + e^{-|x|}) overflows nowhere. A thread takes four elements, WX apart.

const LENGTH: u32 = 64u;
const LOGISTIC: bool = false;
const GRID_X: u32 = 1u;
const WX: u32 = 64u;

@group(1) @binding(0) var<storage, read> x: array<f32, LENGTH>;
@group(1) @binding(1) var<storage, read> targets: array<f32, LENGTH>;
@group(1) @binding(2) var<storage, read> weights: array<f32, LENGTH>;
@group(1) @binding(3) var<storage, read> dloss: array<f32, 1>;
@group(1) @binding(4) var<storage, read_write> losses: array<f32, LENGTH>;
@group(1) @binding(5) var<storage, read_write> dx: array<f32, LENGTH>;

// ln(1 + z) for z in [0, 1]: its series where 1 + z would round z away.
fn log_one_plus(z: f32) -> f32 {
    return select(log(1.0 + z), z * (1.0 - z * (0.5 - z * 0.33333333)), z < 0.00390625);
}

fn loss(x: f32, t: f32) -> f32 {
    if (LOGISTIC) {
        return (max(x, 0.0) - x * t) + log_one_plus(exp(-abs(x)));
    }
    return (x - t) * (x - t);
}

fn slope(x: f32, t: f32) -> f32 {
    if (LOGISTIC) {
        let e = exp(-abs(x));
        return select(1.0, e, x < 0.0) / (1.0 + e) - t;
    }
    return 2.0 * (x - t);
}

@compute @workgroup_size(WX)
fn terms(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let first = (group.y * GRID_X + group.x) * (4u * WX) + local.x;
    for (var i = 0u; i < 4u; i++) {
        let wanted = first + i * WX;
        let index = min(wanted, LENGTH - 1u);
        let weight = weights[index];
        let value = select(weight * loss(x[index], targets[index]), 0.0, weight == 0.0);
        if (wanted < LENGTH) {
            losses[index] = value;
        }
    }
}

@compute @workgroup_size(WX)
fn grad(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let first = (group.y * GRID_X + group.x) * (4u * WX) + local.x;
    for (var i = 0u; i < 4u; i++) {
        let wanted = first + i * WX;
        let index = min(wanted, LENGTH - 1u);
        let weight = weights[index];
        let value = select(weight * dloss[0] * slope(x[index], targets[index]), 0.0, weight == 0.0);
        if (wanted < LENGTH) {
            dx[index] = value;
        }
    }
}
