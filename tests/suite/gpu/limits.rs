//! Plans that a device does not allow are refused with both numbers, before anything is made.

use pollster::block_on;
use trainyard::gpu::{GpuError, Limits, ParamStore, Unit, check_limits, workgroup_size};
use trainyard::kernels::{Access, Const, source};
use trainyard::plan::{Buffer, Plan};

use super::plans::{binding, scaling, training};
use super::{device, own_device, prepare, store};

/// What a changed plan is refused for under changed limits.
fn refusal(plan: &Plan, limits: &Limits) -> (&'static str, String) {
    let error = check_limits(plan, limits).expect_err("the plan must be refused");
    (error.code(), error.to_string())
}

#[test]
fn the_test_plans_fit_the_floor_which_the_test_device_has() {
    assert_eq!(device().adapter().limits, Limits::FLOOR);
    for plan in [training(), scaling(1.0)] {
        assert_eq!(check_limits(&plan, &Limits::FLOOR), Ok(()));
    }
}

#[test]
fn each_limit_is_refused_one_above_and_allowed_at_it() {
    let plan = training();
    // The largest buffer and binding is the input ring, 4 times 512 bytes.
    let tight = Limits {
        buffer_bytes: 2048,
        binding_bytes: 2048,
        storage_buffers: 3,
        workgroups: 2,
        invocations: 64,
        workgroup_size: [64, 1, 1],
        ..Limits::FLOOR
    };
    assert_eq!(check_limits(&plan, &tight), Ok(()));
    let cases = [
        (Limits { buffer_bytes: 2047, ..tight }, "the batches of a submit as one buffer"),
        (
            Limits { binding_bytes: 2047, ..tight },
            "the batches of a submit read at once by test_stage.stage in \"inputs\"",
        ),
        (Limits { storage_buffers: 2, ..tight }, "storage buffers of test_learn.learn in \"loss\""),
        (Limits { workgroups: 1, ..tight }, "workgroups of test_stage.stage in \"inputs\" along axis 0"),
        (Limits { invocations: 63, ..tight }, "threads of a workgroup of test_stage.stage in \"inputs\""),
        (Limits { workgroup_size: [63, 1, 1], ..tight }, "threads of test_stage.stage in \"inputs\" along axis 0"),
    ];
    for (limits, what) in cases {
        let (code, message) = refusal(&plan, &limits);
        assert_eq!(code, "limit");
        assert!(message.starts_with(what), "{message}");
    }
}

#[test]
fn bytes_are_shown_in_mib_and_counts_as_they_are() {
    let limit = |needed, limit, unit| GpuError::Limit { what: "it".to_owned(), needed, limit, unit }.to_string();
    let bytes = limit((128 << 20) + 1, 128 << 20, Unit::Bytes);
    assert_eq!(bytes, "it: 128.01 MiB needed, this device allows 128.00 MiB");
    assert_eq!(limit(9, 8, Unit::Count), "it: 9 needed, this device allows 8");
}

#[test]
fn a_plan_too_large_is_refused_before_anything_is_allocated() -> Result<(), GpuError> {
    let device = own_device();
    let mut plan = scaling(1.0);
    let mut store = store(&device, &plan, &[0.0])?;
    let before = device.counters();
    // One slot above the largest buffer of the floor: 256 MiB.
    plan.slots[2] = (256 << 20) + 256;
    let error = prepare(&device, &plan, &mut store).err().expect("a slot above the limit");
    assert_eq!(
        error.to_string(),
        "activation buffer 2 as one buffer: 256.01 MiB needed, this device allows 256.00 MiB"
    );
    plan.arenas.elements = (64 << 20) + 64;
    let error = block_on(ParamStore::new(&device, &plan.arenas)).err().expect("an arena above the limit");
    assert_eq!(error.code(), "limit");
    assert_eq!(device.counters(), before);
    Ok(())
}

#[test]
fn plans_that_contradict_themselves_are_refused() {
    let changed = |change: fn(&mut Plan)| {
        let mut plan = scaling(1.0);
        change(&mut plan);
        refusal(&plan, &Limits::FLOOR)
    };
    type Change = fn(&mut Plan);
    let cases: [(Change, &str); 9] = [
        (|p| p.ring = 0, "the plan's rings have no room for a step"),
        (|p| p.launches[0].bindings[2].buffer = Buffer::Params, "both reads and writes in Params"),
        (
            |p| {
                p.launches[0].bindings[1] = binding(Buffer::Slot(1), 256, Access::ReadWrite);
            },
            "binds the same bytes twice to write in Slot(1)",
        ),
        (|p| p.launches[0].bindings[2].buffer = Buffer::Slot(7), "which has 0"),
        (|p| p.launches[0].bindings[1].buffer = Buffer::Grads, "which has 0"),
        (|p| p.launches[0].bindings[1].offset = 256, "256 bytes from byte 256 of Params, which has 256"),
        (|p| p.launches[0].bindings[1] = binding(Buffer::Params, 0, Access::Read), "0 bytes from byte 0"),
        (|p| p.launches[1].bindings.truncate(2), "has 3 bindings, 2 are bound"),
        (|p| p.outputs[0].elements = 65, "output \"y\" has 65 elements"),
    ];
    for (change, part) in cases {
        let (code, message) = changed(change);
        assert_eq!(code, "mismatch", "{message}");
        assert!(message.contains(part), "{message} should contain {part}");
    }
    let (code, message) = changed(|p| p.launches[0].launch.constants.push(("HEIGHT", Const::U32(1))));
    assert_eq!(code, "kernel", "{message}");
}

#[test]
fn workgroup_sizes_are_read_from_the_specialized_text() -> Result<(), GpuError> {
    let plan = scaling(1.0);
    let launch = &plan.launches[0].launch;
    let text = source(launch)?;
    assert_eq!(workgroup_size(&text, launch), Some([64, 1, 1]));
    let with = |size: &str| workgroup_size(&text.replace("@workgroup_size(WIDTH)", size), launch);
    assert_eq!(with("@workgroup_size(8, 4u, 2)"), Some([8, 4, 2]));
    assert_eq!(with("@workgroup_size(WIDTH * 2u, 4,)"), Some([128, 4, 1]));
    assert_eq!(with("@workgroup_size(WIDTH + 1u)"), None, "left to the compiler");
    Ok(())
}
