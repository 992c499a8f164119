use pollster::block_on;
use serde_json::json;
use trainyard::train::{DeviceChoice, Preset, Session, StepMetrics};

fn session(preset: &str, changes: &[(&str, serde_json::Value)], seed: u32, device: DeviceChoice) -> Session {
    let preset = Preset::find(preset).expect("the preset exists");
    let mut settings = preset.settings().expect("its settings are valid");
    for (key, value) in changes {
        settings.set(key, value).expect("the change is valid");
    }
    let data = preset.dataset(&settings, None).expect("the data is built in");
    block_on(Session::new(settings, data, seed, device, &mut |_, _, _| {})).expect("a device is there")
}

fn train(session: &mut Session, steps: u32) -> Vec<StepMetrics> {
    let mut metrics = block_on(session.train(steps)).expect("the device works");
    metrics.extend(block_on(session.drain()).expect("the device works"));
    metrics
}

#[test]
fn sort_learns_on_the_gpu() {
    let mut session = session("sort", &[("dropout", json!(0.0))], 1, DeviceChoice::Gpu(None));
    let start = std::time::Instant::now();
    let metrics = train(&mut session, 100);
    println!("{:?} {:?}", start.elapsed() / 100, session.info());
    assert_eq!(metrics.len(), 100);
    let (first, last) = (metrics[0].loss, metrics[99].loss);
    assert!((f64::from(first) - 3.0_f64.ln()).abs() < 0.1, "a fresh model guesses: {first}");
    assert!(last < 0.5 * first, "{first} to {last}");
}

#[test]
fn bench_c() {
    let mut session = session("bench-c", &[], 1, DeviceChoice::Gpu(None));
    train(&mut session, 2);
    let start = std::time::Instant::now();
    let metrics = train(&mut session, 20);
    println!("{:?} {:?}", start.elapsed() / 20, metrics.last());
}
