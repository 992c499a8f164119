//! Memory: known before it is taken, shared by values that are never needed together, refused with numbers.

use std::collections::BTreeMap;

use pollster::block_on;
use serde_json::json;
use trainyard::gpu::{Device, Limits, ParamStore, Prepared, StepData};
use trainyard::kernels::Step;
use trainyard::plan::{Buffer, Content, Plan};
use trainyard::train::{DeviceChoice, Engine, Preset, Session, plan_report};

use super::{tiny, training_graph, training_plan};

#[test]
fn what_is_planned_is_what_is_allocated() {
    let device = block_on(Device::open_default_limits()).expect("tests need a GPU adapter");
    let preset = Preset::find("bench-c").expect("the preset exists");
    let settings = preset.settings().expect("its settings are valid");
    let data = preset.dataset(&settings, None).expect("the data is built in");
    let software = device.target() == trainyard::kernels::Target::Software;
    let planned = plan_report(&settings, Some(&data), software).expect("it can be planned").bytes;
    let open = DeviceChoice::Open(device.clone());
    let session = block_on(Session::new(settings, data, 1, open, &mut |_, _, _| {})).expect("it fits");
    assert_eq!(session.engine().footprint().bytes, planned);
    assert_eq!(device.counters().live_bytes, planned);
    drop(session);
    assert_eq!((device.counters().live_bytes, device.counters().live_buffers), (0, 0), "all of it is given back");
}

/// First and last launch of everything that lives in a slot, with its bytes.
fn lifetimes(plan: &Plan) -> BTreeMap<Content, (usize, usize, u64)> {
    let mut lives: BTreeMap<Content, (usize, usize, u64)> = BTreeMap::new();
    for (at, (launch, contents)) in plan.launches.iter().zip(&plan.trace).enumerate() {
        for (binding, &content) in launch.bindings.iter().zip(contents) {
            if matches!(binding.buffer, Buffer::Slot(_)) {
                lives.entry(content).or_insert((at, at, binding.size)).1 = at;
            }
        }
    }
    lives
}

#[test]
fn slots_are_used_again() {
    let plan = training_plan(&training_graph(&tiny())).expect("the model lowers");
    let lives = lifetimes(&plan);
    let all: u64 = lives.values().map(|l| l.2).sum();
    let alive = |at: usize| lives.values().filter(|&&(a, z, _)| a <= at && at <= z).map(|l| l.2).sum::<u64>();
    let peak = (0..plan.launches.len()).map(alive).max().expect("there are launches");
    let slots: u64 = plan.slots.iter().sum();
    println!("{} values of {all} bytes, {peak} at once, in {} slots of {slots}", lives.len(), plan.slots.len());
    assert!(peak <= slots, "what is alive at once has a place of its own");
    assert!(slots < all * 7 / 10, "{slots} bytes of slots for {all} bytes of values");
    assert!(slots <= peak * 13 / 10, "{slots} bytes of slots, {peak} alive at once");
}

/// Whatever a slot held before a step cannot matter.
#[test]
fn poisoned_slots_change_no_bit() {
    let device = block_on(Device::open_default_limits()).expect("tests need a GPU adapter");
    let graph = training_graph(&tiny());
    let plan = training_plan(&graph).expect("the model lowers");
    let values = trainyard::models::initial_values(&graph, 3);
    let words = |name: &str| -> Vec<u32> {
        let input = graph.input(name).expect("the graph has this input");
        let n = graph.inputs[input.index()].ty.shape.elements();
        match name {
            "weights" => vec![(1.0 / n as f32).to_bits(); n],
            _ => (0..n as u32).map(|i| i * 7 % 11).collect(),
        }
    };
    let inputs = ["ids", "targets", "weights"].map(|name| (name, words(name)));
    let run = |poison: bool| {
        let mut store = block_on(ParamStore::new(&device, &plan.arenas)).expect("it fits");
        store.upload_params(&plan.arenas.flatten(&values)).expect("it fits");
        let mut prepared = block_on(Prepared::build(&device, &plan, &mut store, |_, _, _| ())).expect("it builds");
        let mut bits = Vec::new();
        for step in 0..4 {
            if poison {
                prepared.poison_slots().expect("the device works");
            }
            let step =
                Step { step, seed: 5, lr: 1e-2, correction1: 2.0, correction2: 2.0, clip: 1.0, ..Step::default() };
            let inputs = inputs.iter().map(|(name, words)| (*name, words.as_slice())).collect();
            let ticket = prepared.submit(&[StepData { step, inputs }]).expect("the data fits");
            let record = block_on(prepared.finish(ticket)).expect("the device works")[0];
            assert!(record.loss.is_finite() && record.grad_norm.is_finite(), "step {step:?}: {record:?}");
            bits.extend([record.loss.to_bits(), record.grad_norm.to_bits()]);
        }
        let params = block_on(store.download(Buffer::Params)).expect("the device works");
        bits.extend(params.iter().map(|p| p.to_bits()));
        bits
    };
    assert_eq!(run(false), run(true));
}

#[test]
fn a_model_that_does_not_fit_is_refused_before_anything_is_made() {
    let device = block_on(Device::open_default_limits()).expect("tests need a GPU adapter");
    assert_eq!(device.adapter().limits, Limits::FLOOR);
    let mut settings = Preset::find("gpt-6").expect("the preset exists").settings().expect("its settings are valid");
    // GPT-2 with half its layers: 310 MiB of parameters, of which one buffer may have 256.
    for (key, value) in [("vocab_size", 50_257), ("n_embd", 768), ("n_head", 12), ("n_positions", 128), ("batch", 1)] {
        settings.set(key, &json!(value)).expect("a size");
    }
    let before = device.counters();
    let open = DeviceChoice::Open(device.clone());
    let error = block_on(Engine::train(&settings, open, &mut |_, _, _| {})).map(|_| ()).expect_err("it does not fit");
    let message = error.to_string();
    assert_eq!((error.code(), device.counters()), ("limit", before), "{message}");
    assert!(message.contains("309.85 MiB needed, this device allows 256.00 MiB"), "{message}");
}
