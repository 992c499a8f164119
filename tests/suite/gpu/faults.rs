//! Devices that go away, shaders that do not compile, adapters that are not there.

use pollster::block_on;
use trainyard::gpu::{Device, GpuError, ParamStore, StepData, adapters};
use trainyard::kernels::Target;
use trainyard::plan::Buffer;

use super::plans::{IDS, broken, scaling, step, training};
use super::{device, own_device, prepare, store};

const WORDS: [u32; IDS] = [1; IDS];

fn data<'a>() -> StepData<'a> {
    StepData { step: step(0, 0.0), inputs: vec![("ids", &WORDS)] }
}

#[test]
fn a_lost_device_gives_a_loss_and_never_zeros() -> Result<(), GpuError> {
    let lost = own_device();
    let plan = training();
    let mut store = store(&lost, &plan, &[1.0])?;
    let mut run = prepare(&lost, &plan, &mut store)?;
    let generation = lost.generation();
    let pending = run.submit(&[data()])?;
    lost.destroy();

    let is_loss = |what: &str, code: Option<&'static str>| assert_eq!(code, Some("lost"), "{what}");
    let code = |e: GpuError| e.code();
    is_loss("a submit in flight", block_on(run.finish(pending)).err().map(code));
    is_loss("a new submit", run.submit(&[data()]).err().map(code));
    is_loss("an output", block_on(run.read_output("inputs")).err().map(code));
    is_loss("a download", block_on(store.download(Buffer::Params)).err().map(code));
    is_loss("an upload", store.upload_params(&vec![0.0; plan.arenas.elements]).err().map(code));
    is_loss("an allocation", block_on(ParamStore::new(&lost, &plan.arenas)).err().map(code));
    is_loss("a build", prepare(&lost, &plan, &mut store).err().map(code));
    is_loss("the state", lost.check().err().map(code));
    assert!(matches!(lost.check(), Err(GpuError::Lost { generation: g, .. }) if g == generation));
    Ok(())
}

#[test]
fn a_ticket_of_an_earlier_device_is_a_loss() -> Result<(), GpuError> {
    let (first, second) = (own_device(), own_device());
    assert!(second.generation() > first.generation());
    let plan = training();
    let mut old_store = store(&first, &plan, &[1.0])?;
    let mut old = prepare(&first, &plan, &mut old_store)?;
    let mut new_store = store(&second, &plan, &[1.0])?;
    let mut new = prepare(&second, &plan, &mut new_store)?;
    let ticket = old.submit(&[data()])?;
    let error = block_on(new.finish(ticket)).expect_err("the ticket is of another device");
    assert!(matches!(error, GpuError::Lost { generation, .. } if generation == first.generation()), "{error}");
    let mixed = prepare(&second, &plan, &mut old_store).err().map(|e| e.code());
    assert_eq!(mixed, Some("mismatch"), "a store cannot change devices");
    Ok(())
}

#[test]
fn dropping_a_plan_with_submits_in_flight_leaves_the_device_usable() -> Result<(), GpuError> {
    let device = own_device();
    let plan = training();
    let mut store = store(&device, &plan, &[1.0])?;
    let mut run = prepare(&device, &plan, &mut store)?;
    let _unread = run.submit(&[data()])?;
    drop(run);
    let mut run = prepare(&device, &plan, &mut store)?;
    let ticket = run.submit(&[data()])?;
    assert_eq!(block_on(run.finish(ticket))?[0].loss, 5.0 * 2.0);
    device.check()
}

#[test]
fn a_shader_that_does_not_compile_is_named_and_leaves_nothing() -> Result<(), GpuError> {
    let device = own_device();
    let plan = broken();
    let mut store = store(&device, &plan, &[1.0])?;
    let before = device.counters();
    let error = prepare(&device, &plan, &mut store).err().expect("the second shader is wrong");
    assert!(matches!(&error, GpuError::Validation { label, .. } if label == "trainyard.test_broken.broken"), "{error}");
    assert!(error.to_string().contains("no_such_function"), "{error}");
    assert_eq!(device.counters().live_bytes, before.live_bytes);
    // The device is as good as before, and the pipelines that did compile are kept.
    device.check()?;
    let compiled = device.counters().pipelines;
    prepare(&device, &scaling(1.0), &mut store)?;
    assert_eq!(device.counters().pipelines, compiled);
    Ok(())
}

#[test]
fn adapters_are_listed_best_first_and_chosen_by_name() -> Result<(), GpuError> {
    let all = block_on(adapters());
    assert!(!all.is_empty(), "these tests need an adapter");
    assert!(all.windows(2).all(|pair| pair[0].kind <= pair[1].kind));
    assert_eq!(device().adapter().name, all[0].name);
    let part = all[0].name[..4].to_uppercase();
    assert!(block_on(Device::open(Some(&part)))?.adapter().is_called(&part));
    let json = serde_json::to_value(&all[0]).expect("plain data");
    assert!(json["limits"]["buffer_bytes"].as_u64() >= Some(256 << 20), "{json}");

    let error = block_on(Device::open(Some("no such adapter"))).err().expect("there is none of that name");
    assert_eq!(error.code(), "no-such-adapter");
    assert!(error.to_string().contains(&all[0].name), "{error}");
    Ok(())
}

#[test]
fn software_adapters_are_known_as_such() {
    let info = device().adapter();
    let software = info.name.contains("llvmpipe") || info.name.contains("SwiftShader");
    assert_eq!(device().target() == Target::Software, software || info.target() == Target::Software);
    if software {
        assert_eq!(device().target(), Target::Software, "{info:?}");
    }
}

/// Linux pretends to have any amount of memory; a process with a limited address space is told the truth. So the test
/// starts itself once more in such a process, where the variable below is set.
#[cfg(target_os = "linux")]
#[test]
fn memory_that_is_not_there_is_refused_and_nothing_remains() -> Result<(), GpuError> {
    const LIMITED: &str = "TRAINYARD_TEST_LIMITED_MEMORY";
    if std::env::var_os(LIMITED).is_some() {
        return allocate_more_than_the_process_may();
    }
    let output = std::process::Command::new("prlimit")
        .arg("--as=6000000000")
        .arg(std::env::current_exe().expect("the test binary has a path"))
        .args(["--exact", "gpu::faults::memory_that_is_not_there_is_refused_and_nothing_remains"])
        .env(LIMITED, "1")
        .output()
        .expect("prlimit is part of util-linux");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
    Ok(())
}

#[cfg(target_os = "linux")]
fn allocate_more_than_the_process_may() -> Result<(), GpuError> {
    let device = own_device();
    let mut plan = scaling(1.0);
    let mut store = store(&device, &plan, &[1.0])?;
    let before = device.counters();
    plan.slots.extend(vec![250 << 20; 400]);
    let error = prepare(&device, &plan, &mut store).err().expect("98 GiB are not there");
    assert_eq!(error.code(), "out-of-memory", "{error}");
    assert!(error.to_string().contains("(250.00 MiB)"), "{error}");
    let after = device.counters();
    assert_eq!((after.live_buffers, after.live_bytes), (before.live_buffers, before.live_bytes));
    prepare(&device, &scaling(1.0), &mut store)?;
    device.check()
}
