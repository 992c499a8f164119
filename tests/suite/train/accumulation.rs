//! Gradient accumulation: a batch in parts is the batch.

use pollster::block_on;
use serde_json::{Value, json};
use trainyard::gpu::Device;
use trainyard::train::{DeviceChoice, Preset, Session, StepMetrics, plan_report};

use super::{session, shared, train};

const BATCH: usize = 8;

fn run(rule: &str, parts: u32, dropout: f64, choice: DeviceChoice) -> (Vec<StepMetrics>, Session) {
    let changes: Vec<(&str, Value)> = vec![
        ("optimizer", json!(rule)),
        ("batch", json!(BATCH)),
        ("accumulate", json!(parts)),
        ("dropout", json!(dropout)),
        ("warmup", json!(0)),
        ("lr", json!(if rule == "sgd" { 0.05 } else { 1e-3 })),
    ];
    let mut session = session("bench-c", &changes, 3, choice);
    (train(&mut session, 5), session)
}

fn parameters(session: &mut Session) -> Vec<Vec<f32>> {
    block_on(session.engine_mut().state()).expect("the device works").parameters
}

/// The largest difference of two runs in loss or gradient norm, relative.
fn apart(a: &[StepMetrics], b: &[StepMetrics]) -> f64 {
    assert_eq!(a.len(), b.len());
    let pairs = a.iter().zip(b).flat_map(|(a, b)| [(a.loss, b.loss), (a.grad_norm, b.grad_norm)]);
    // What is not a number is as far apart as can be.
    let differences = pairs.map(|(a, b)| f64::from(((a - b) / b).abs()));
    differences.fold(0.0, |worst, d| {
        if d <= worst {
            worst
        } else if d.is_nan() {
            f64::INFINITY
        } else {
            d
        }
    })
}

#[test]
fn parts_take_the_steps_of_the_whole() {
    for choice in [shared(), DeviceChoice::Cpu] {
        for rule in ["sgd", "adamw"] {
            let (whole, mut at_once) = run(rule, 1, 0.0, choice.clone());
            for parts in [2, 8] {
                let (found, mut in_parts) = run(rule, parts, 0.0, choice.clone());
                assert_eq!(
                    found.iter().map(|m| (m.step, m.tokens)).collect::<Vec<_>>(),
                    whole.iter().map(|m| (m.step, m.tokens)).collect::<Vec<_>>()
                );
                let apart = apart(&found, &whole);
                println!("{rule}, {parts} parts: {apart:.1e}");
                assert!(apart <= 1e-5, "{rule} in {parts} parts: {apart:.1e} apart");
                // AdamW divides the rounding errors of gradients that are zero by themselves.
                if rule == "sgd" {
                    for (found, expected) in parameters(&mut in_parts).iter().zip(parameters(&mut at_once)) {
                        let scale = expected.iter().fold(0.0_f32, |scale, x| scale.max(x.abs()));
                        let close = |(f, e): (&f32, &f32)| (f - e).abs() <= 1e-5 * scale;
                        assert!(found.iter().zip(&expected).all(close), "{parts} parts");
                    }
                }
            }
        }
    }
}

/// Runs that should be apart are: another number of sequences is another step.
#[test]
fn the_comparison_can_fail() {
    let (whole, _) = run("sgd", 1, 0.0, shared());
    let mut other = session("bench-c", &[("optimizer", json!("sgd")), ("batch", json!(4))], 3, shared());
    assert!(apart(&train(&mut other, 5), &whole) > 1e-3);
    let mut broken = whole.clone();
    broken[2].loss = f32::NAN;
    assert!(apart(&broken, &whole) > 1.0);
}

/// Each part has masks of its own, the same on both engines.
#[test]
fn parts_drop_out_alike_on_both_engines() {
    let (gpu, _) = run("adamw", 4, 0.2, shared());
    let (cpu, _) = run("adamw", 4, 0.2, DeviceChoice::Cpu);
    assert!(apart(&gpu, &cpu) <= 2e-4, "{:.1e} apart", apart(&gpu, &cpu));
    let (once, _) = run("adamw", 1, 0.2, DeviceChoice::Cpu);
    assert!(apart(&gpu, &once) > 1e-4, "parts have masks of their own");
}

#[test]
fn parts_take_less_memory_and_only_the_last_updates() {
    let preset = Preset::find("bench-c").expect("the preset exists");
    let report = |parts: u32| {
        let mut settings = preset.settings().expect("its settings are valid");
        for (key, value) in [("batch", json!(32)), ("context", json!(64)), ("accumulate", json!(parts))] {
            settings.set(key, &value).expect("a size");
        }
        plan_report(&settings, None, false).expect("it can be planned")
    };
    let [whole, parts] = [1, 8].map(report);
    assert!(parts.bytes < whole.bytes / 2, "{} of {} bytes", parts.bytes, whole.bytes);
    let update = 3;
    assert_eq!(parts.dispatches, (whole.dispatches - update + 1) * 8 + update);

    let device = block_on(Device::open_default_limits()).expect("tests need a GPU adapter");
    let changes = [("batch", json!(8)), ("accumulate", json!(4))];
    let mut session = session("bench-c", &changes, 1, DeviceChoice::Open(device.clone()));
    let footprint = session.engine().footprint();
    assert_eq!((session.engine().ring(), device.counters().live_bytes), (8, footprint.bytes));
    let before = device.counters().dispatches;
    assert_eq!(train(&mut session, 11).len(), 11);
    assert_eq!(device.counters().dispatches - before, 11 * footprint.dispatches as u64);
    block_on(session.evaluate()).expect("the device works");
}

/// Cutting steps into submits and parts at once changes no bit.
#[test]
fn parts_may_be_cut_into_submits() {
    let changes = [("batch", json!(8)), ("accumulate", json!(2)), ("optimizer", json!("adafactor"))];
    let losses = |pieces: usize| {
        let mut session = session("bench-c", &changes, 1, shared());
        session.engine_mut().split(pieces);
        super::losses(&train(&mut session, 4))
    };
    let expected = losses(1);
    assert_eq!((losses(3), losses(1000)), (expected.clone(), expected));
}

#[test]
fn unequal_parts_are_refused() {
    let preset = Preset::find("bench-c").expect("the preset exists");
    let mut settings = preset.settings().expect("its settings are valid");
    settings.set("accumulate", &json!(3)).expect("a number");
    let error = plan_report(&settings, None, false).map(|_| ()).expect_err("8 is no multiple of 3");
    assert_eq!(
        (error.code(), error.to_string().as_str()),
        ("setting", "accumulate = 3: a divisor of batch = 8 is needed")
    );
}
