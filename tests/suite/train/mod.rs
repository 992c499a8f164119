//! Runs: learning, determinism, divergence, live settings, checkpoints, schedules, decoding.

mod accumulation;
mod checkpoint_files;
mod decoding;
mod decoding_answers;
mod decoding_cache;
mod determinism;
mod directories;
mod loading;
mod peak_memory;
mod runs;
mod safetensors;
mod settings;
mod start;
pub mod state_dicts;

use pollster::block_on;
use serde_json::Value;
use trainyard::train::{DeviceChoice, Preset, Session, StepMetrics};

use crate::kernels::device;

/// A run of a preset with some settings changed.
fn session(preset: &str, changes: &[(&str, Value)], seed: u32, device: DeviceChoice) -> Session {
    let preset = Preset::find(preset).expect("the preset exists");
    let mut settings = preset.settings().expect("its settings are valid");
    for (key, value) in changes {
        settings.set(key, value).expect("the change is valid");
    }
    let data = preset.dataset(&settings, None).expect("the data is built in");
    block_on(Session::new(settings, data, seed, device, &mut |_, _, _| {})).expect("a device is there")
}

/// The tests' shared device.
fn shared() -> DeviceChoice {
    DeviceChoice::Open(device().clone())
}

fn train(session: &mut Session, steps: u32) -> Vec<StepMetrics> {
    let mut metrics = block_on(session.train(steps)).expect("the device works");
    metrics.extend(block_on(session.drain()).expect("the device works"));
    metrics
}

fn losses(metrics: &[StepMetrics]) -> Vec<u32> {
    metrics.iter().map(|m| m.loss.to_bits()).collect()
}
