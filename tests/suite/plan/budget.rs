//! How many dispatches, objects and submits a step takes: the performance model of small models.

use insta::{assert_snapshot, with_settings};
use pollster::block_on;
use serde_json::json;
use trainyard::data::{Objective, Shape};
use trainyard::gpu::Device;
use trainyard::kernels::Step;
use trainyard::text::TrainKind;
use trainyard::train::{DeviceChoice, PRESETS, Preset, Session, Settings, plan_report};

/// A preset with the vocabulary that its text would give it: of letters, or of the byte-pair encoding.
fn settings(preset: &Preset) -> Settings {
    let mut settings = preset.settings().expect("its settings are valid");
    if !settings.fixed_vocabulary {
        let vocabulary = match settings.tokenizer {
            TrainKind::Characters => 65,
            TrainKind::Bytes => 256,
            TrainKind::Bpe | TrainKind::WordPiece | TrainKind::Unigram | TrainKind::Words => settings.bpe_vocab,
        };
        settings.set("vocab_size", &json!(vocabulary)).expect("a vocabulary");
    }
    settings
}

#[test]
fn dispatches_of_every_preset() {
    let mut lines = String::new();
    for preset in PRESETS {
        let report = plan_report(&settings(preset), None, false).expect("the preset can be planned");
        if preset.name == "gpt-6" {
            assert!(report.dispatches <= 180, "gpt-6 takes {} dispatches a step", report.dispatches);
        }
        lines += &format!("{}: {} dispatches, {} parameters\n", preset.name, report.dispatches, report.parameters);
    }
    with_settings!({ snapshot_path => "../../snapshots", prepend_module_to_snapshot => false, omit_expression => true }, {
        assert_snapshot!("dispatches", lines);
    });
}

/// A dispatch per layer more or less shows as a multiple: the count is a straight line in the layers.
#[test]
fn dispatches_grow_by_the_same_for_every_layer() {
    let families: [(&str, &[&str], usize); 4] = [
        ("gpt-6", &["n_layer"], 24),
        ("bert", &["num_hidden_layers"], 28),
        ("t5", &["num_layers"], 64),
        ("bart", &["encoder_layers", "decoder_layers"], 68),
    ];
    for (preset, keys, most) in families {
        let dispatches = |layers: u32| {
            let mut settings = settings(Preset::find(preset).expect("the preset exists"));
            keys.iter().for_each(|key| settings.set(key, &json!(layers)).expect("a depth"));
            plan_report(&settings, None, false).expect("it can be planned").dispatches
        };
        let counts: Vec<usize> = [1, 2, 3, 7].map(dispatches).to_vec();
        let layer = counts[1] - counts[0];
        assert_eq!(counts[2] - counts[1], layer, "{preset}: {counts:?}");
        assert_eq!(counts[3] - counts[2], 4 * layer, "{preset}: {counts:?}");
        assert!(layer <= most, "{preset}: {layer} dispatches a layer");
    }
}

/// The smallest benchmark on a device whose objects are counted.
fn bench(device: &Device) -> Session {
    let preset = Preset::find("bench-c").expect("the preset exists");
    let settings = preset.settings().expect("its settings are valid");
    let data = preset.dataset(&settings, None).expect("the data is built in");
    let open = DeviceChoice::Open(device.clone());
    block_on(Session::new(settings, data, 1, open, &mut |_, _, _| {})).expect("it fits")
}

#[test]
fn a_steady_state_makes_nothing() {
    let device = block_on(Device::open_default_limits()).expect("tests need a GPU adapter");
    let mut session = bench(&device);
    let dispatches = session.engine().footprint().dispatches as u64;
    block_on(session.train(2)).and_then(|_| block_on(session.drain())).expect("the device works");

    let before = device.counters();
    let metrics = block_on(session.train(20)).expect("the device works").len();
    let metrics = metrics + block_on(session.drain()).expect("the device works").len();
    let after = device.counters();
    assert_eq!((metrics, after.dispatches - before.dispatches), (20, 20 * dispatches));
    assert_eq!(
        (after.buffers, after.bind_groups, after.pipelines, after.live_bytes),
        (before.buffers, before.bind_groups, before.pipelines, before.live_bytes),
        "a step makes objects"
    );
}

#[test]
fn a_chunk_takes_one_submit() {
    let device = block_on(Device::open_default_limits()).expect("tests need a GPU adapter");
    let mut session = bench(&device);
    let dispatches = session.engine().footprint().dispatches as u64;
    let batch =
        session.data().train_batch(&Objective::default(), Shape::single(8, 32), 1, 0).expect("the data is there");
    let steps = vec![(Step { lr: 1e-3, ..Step::default() }, batch); 7];
    let before = device.counters();
    let ticket = session.engine_mut().submit(steps).expect("seven steps fit the ring");
    let records = block_on(session.engine_mut().finish(ticket)).expect("the device works");
    let after = device.counters();
    assert_eq!((records.len(), after.submits - before.submits), (7, 1));
    assert_eq!(after.dispatches - before.dispatches, 7 * dispatches);
}
