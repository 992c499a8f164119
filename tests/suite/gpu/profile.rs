//! Profiles name every launch and time it.

use pollster::block_on;
use trainyard::gpu::{GpuError, StepData};

use super::plans::{scaling, step};
use super::{device, prepare, store};

#[test]
fn a_profile_times_every_launch_in_order() -> Result<(), GpuError> {
    let plan = scaling(2.0);
    let mut store = store(device(), &plan, &[1.0])?;
    let mut run = prepare(device(), &plan, &mut store)?;
    let data = StepData { step: step(0, 0.0), inputs: vec![] };
    let profile = block_on(run.profile(&data, 5));
    if !device().adapter().timestamps {
        assert_eq!(profile.map_err(|e| e.code()), Err("limit"));
        return Ok(());
    }
    let profile = profile?;
    let labels: Vec<_> = profile.iter().map(trainyard::gpu::LaunchTime::label).collect();
    assert_eq!(labels, ["first test_scale.scale", "second test_scale.scale"]);
    assert!(profile.iter().all(|l| l.nanoseconds.is_finite() && l.nanoseconds < 1e9 && l.flops == 1));
    assert!(profile.iter().any(|l| l.nanoseconds > 0.0), "{profile:?}");
    assert_eq!(block_on(run.read_output("y"))?[0], 4.0, "the profiled step has run");
    Ok(())
}
