//! Small plans made by hand, with kernels whose results are exact integers.

use trainyard::kernels::{Access, Const, Entry, Kernel, Launch, Step};
use trainyard::plan::{Arenas, Binding, Buffer, DerivedInput, InputSlot, OutputSlot, Plan, PlanLaunch};

/// Ids of a step.
pub const IDS: usize = 5;
/// Rows that the ids choose from.
pub const ROWS: u32 = 4;
/// Words of the inputs buffer: the ids at 0, their sorted positions at byte 256.
pub const WORDS: usize = 128;
/// Steps in a submit.
pub const RING: u32 = 4;
/// Elements of the arena.
pub const ELEMENTS: usize = 64;

const STAGE: Kernel = Kernel {
    stem: "test_stage",
    text: "// The step's part of the ring becomes the inputs.
const WORDS: u32 = 1u;
const RING: u32 = 1u;
@group(1) @binding(0) var<storage, read> ring: array<u32, RING * WORDS>;
@group(1) @binding(1) var<storage, read_write> inputs: array<u32, WORDS>;
@compute @workgroup_size(64)
fn stage(@builtin(global_invocation_id) id: vec3<u32>) {
    let i = min(id.x, WORDS - 1u);
    inputs[i] = ring[step_uniform.slot * WORDS + i];
}
",
    lib: &["step"],
    entries: &[Entry { name: "stage", bindings: &[(0, Access::Read), (1, Access::Write)] }],
};

const LEARN: Kernel = Kernel {
    stem: "test_learn",
    text: "// Loss: sum of the ids times the parameter, plus the learning rate. The parameter then grows by one.
const IDS: u32 = 1u;
@group(1) @binding(0) var<storage, read> inputs: array<u32>;
@group(1) @binding(1) var<storage, read_write> params: array<f32, 64>;
@group(1) @binding(2) var<storage, read_write> records: array<vec4<f32>>;
@compute @workgroup_size(1)
fn learn() {
    var sum = 0u;
    for (var i = 0u; i < IDS; i++) {
        sum += inputs[i];
    }
    let loss = f32(sum) * params[0] + step_uniform.lr;
    records[step_uniform.slot] = vec4(loss, f32(step_uniform.step), 0.0, 0.0);
    params[0] += 1.0;
}
@compute @workgroup_size(1)
fn silent() {
    params[0] += 1.0;
}
",
    lib: &["step"],
    entries: &[
        Entry { name: "learn", bindings: &[(0, Access::Read), (1, Access::ReadWrite), (2, Access::Write)] },
        Entry { name: "silent", bindings: &[(1, Access::ReadWrite)] },
    ],
};

const SCALE: Kernel = Kernel {
    stem: "test_scale",
    text: "// y = factor x
const WIDTH: u32 = 1u;
@group(1) @binding(0) var<storage, read> factor: array<f32, 1>;
@group(1) @binding(1) var<storage, read> x: array<f32, WIDTH>;
@group(1) @binding(2) var<storage, read_write> y: array<f32, WIDTH>;
@compute @workgroup_size(WIDTH)
fn scale(@builtin(local_invocation_index) i: u32) {
    y[i] = factor[0] * x[i];
}
",
    lib: &["step"],
    entries: &[Entry { name: "scale", bindings: &[(0, Access::Read), (1, Access::Read), (2, Access::Write)] }],
};

const BROKEN: Kernel = Kernel {
    stem: "test_broken",
    text: "// No such function.
@group(1) @binding(0) var<storage, read_write> y: array<f32, 64>;
@compute @workgroup_size(1)
fn broken() {
    y[0] = no_such_function(1.0);
}
",
    lib: &["step"],
    entries: &[Entry { name: "broken", bindings: &[(0, Access::Write)] }],
};

fn launch(
    kernel: &'static Kernel,
    entry: usize,
    constants: Vec<(&'static str, Const)>,
    grid: [u32; 3],
    bindings: Vec<Binding>,
    scope: &str,
) -> PlanLaunch {
    let entry = &kernel.entries[entry];
    PlanLaunch {
        launch: Launch { kernel, entry, constants, grid, flops: 1, site: 0 },
        bindings,
        scope: scope.to_owned(),
    }
}

pub fn binding(buffer: Buffer, size: u64, access: Access) -> Binding {
    Binding { buffer, offset: 0, size, access }
}

fn arenas() -> Arenas {
    Arenas { params: vec![(0, 1)], decayed: ELEMENTS, elements: ELEMENTS }
}

fn stage() -> PlanLaunch {
    let bytes = WORDS as u64 * 4;
    launch(
        &STAGE,
        0,
        vec![("WORDS", Const::U32(WORDS as u32)), ("RING", Const::U32(RING))],
        [2, 1, 1],
        vec![
            binding(Buffer::InputRing, bytes * u64::from(RING), Access::Read),
            binding(Buffer::Inputs, bytes, Access::Write),
        ],
        "inputs",
    )
}

fn learn() -> PlanLaunch {
    launch(
        &LEARN,
        0,
        vec![("IDS", Const::U32(IDS as u32))],
        [1, 1, 1],
        vec![
            binding(Buffer::Inputs, WORDS as u64 * 4, Access::Read),
            binding(Buffer::Params, ELEMENTS as u64 * 4, Access::ReadWrite),
            binding(Buffer::Records, u64::from(RING) * 16, Access::Write),
        ],
        "loss",
    )
}

/// Stages ids, records a loss, and changes the parameter.
pub fn training() -> Plan {
    let ids = |derived, offset, words| InputSlot { name: "ids".to_owned(), derived, offset, words };
    Plan {
        arenas: arenas(),
        trains: true,
        launches: vec![stage(), learn()],
        tail: 1,
        slots: vec![],
        constants: vec![],
        states: vec![],
        inputs: vec![
            ids(DerivedInput::Direct, 0, IDS),
            ids(DerivedInput::SortedPositions { rows: ROWS, padding: None }, 256, ROWS as usize + 1 + IDS),
        ],
        input_bytes: WORDS as u64 * 4,
        ring: RING,
        outputs: vec![OutputSlot { name: "inputs".to_owned(), buffer: Buffer::Inputs, elements: WORDS }],
        trace: vec![],
    }
}

/// As [`training`], with a launch that leaves no record in the place of the one that does.
pub fn silent() -> Plan {
    let mut plan = training();
    // The record stays bound by a launch of the plan, so that records are expected of it.
    let records = binding(Buffer::Records, 64, Access::Read);
    let spare = binding(Buffer::Slot(0), 64 * 4, Access::Write);
    plan.slots = vec![256];
    let factor = binding(Buffer::Params, 4, Access::Read);
    let scale = vec![("WIDTH", Const::U32(16))];
    plan.launches = vec![
        stage(),
        launch(
            &LEARN,
            1,
            vec![("IDS", Const::U32(IDS as u32))],
            [1, 1, 1],
            vec![binding(Buffer::Params, ELEMENTS as u64 * 4, Access::ReadWrite)],
            "nothing",
        ),
        launch(&SCALE, 0, scale, [1, 1, 1], vec![factor, records, spare], "reads the record"),
    ];
    plan
}

/// The parameters times the constant `factor`, twice: slot 1 = factor · params, slot 2 = factor · slot 1.
pub fn scaling(factor: f32) -> Plan {
    let bytes = ELEMENTS as u64 * 4;
    let scale = |from, to, scope| {
        launch(
            &SCALE,
            0,
            vec![("WIDTH", Const::U32(ELEMENTS as u32))],
            [1, 1, 1],
            vec![
                binding(Buffer::Slot(0), 4, Access::Read),
                binding(from, bytes, Access::Read),
                binding(to, bytes, Access::Write),
            ],
            scope,
        )
    };
    Plan {
        arenas: arenas(),
        trains: false,
        launches: vec![
            scale(Buffer::Params, Buffer::Slot(1), "first"),
            scale(Buffer::Slot(1), Buffer::Slot(2), "second"),
        ],
        tail: 2,
        slots: vec![256, bytes, bytes],
        constants: vec![(0, vec![factor.to_bits()])],
        states: vec![],
        inputs: vec![],
        input_bytes: 0,
        ring: 1,
        outputs: vec![OutputSlot { name: "y".to_owned(), buffer: Buffer::Slot(2), elements: ELEMENTS }],
        trace: vec![],
    }
}

/// A plan whose second launch does not compile.
pub fn broken() -> Plan {
    let mut plan = scaling(1.0);
    let bindings = vec![binding(Buffer::Slot(1), ELEMENTS as u64 * 4, Access::Write)];
    plan.launches.push(launch(&BROKEN, 0, vec![], [1, 1, 1], bindings, "broken"));
    plan
}

/// The uniform of training step `step`.
pub fn step(step: u32, lr: f32) -> Step {
    Step { step, lr, ..Step::default() }
}
