//! Runs that start from a checkpoint.

use pollster::block_on;
use serde_json::json;
use trainyard::models::Model;
use trainyard::train::checkpoint::{CONFIG, Files, Named, Strictness, WEIGHTS, Weights, read, write};
use trainyard::train::{DeviceChoice, Preset, Session, TrainError};

use super::{session, train};

const SMALL: [(&str, u32); 5] = [
    ("num_hidden_layers", 1),
    ("hidden_size", 12),
    ("num_attention_heads", 3),
    ("intermediate_size", 24),
    ("context", 16),
];

/// A small BERT that has learned for a step, as files.
fn pretrained() -> Files {
    let changes: Vec<_> = SMALL.iter().map(|&(key, value)| (key, json!(value))).chain([("batch", json!(2))]).collect();
    let mut run = session("bert", &changes, 7, DeviceChoice::Cpu);
    train(&mut run, 1);
    let files = block_on(run.export()).expect("the weights are finite");
    files.into_iter().map(|file| (file.name.to_owned(), file.bytes)).collect()
}

fn model(files: &Files) -> Model {
    Model::from_json(&String::from_utf8_lossy(&files[CONFIG])).expect("the run wrote its configuration")
}

/// A run over reviews with the model of these files, not yet loaded.
fn tuning(files: &Files) -> Session {
    let preset = Preset::find("sentiment").expect("the preset exists");
    let mut settings = preset.settings().expect("its settings are valid");
    for (key, value) in [("context", 16), ("batch", 2)] {
        settings.set(key, &json!(value)).expect("the change is valid");
    }
    settings.start_from(&model(files)).expect("the families are equal");
    let tokenizer =
        trainyard::text::Tokenizer::from_json(&files["tokenizer.json"]).expect("the run wrote its tokenizer");
    let data = preset.dataset_from(&settings, tokenizer, None).expect("the data is built in");
    block_on(Session::new(settings, data, 3, DeviceChoice::Cpu, &mut |_, _, _| {})).expect("the interpreter takes it")
}

/// Every tensor of a session by name.
fn values(session: &mut Session) -> Vec<(String, Vec<f32>)> {
    let tensors = session.engine().graph().tensors();
    let state = block_on(session.engine_mut().state()).expect("the interpreter has its state");
    let value = |tensor: &trainyard::ir::NamedTensor| {
        (tensor.name.clone(), state.parameters[tensor.param.index()][tensor.range.clone()].to_vec())
    };
    tensors.iter().map(value).collect()
}

fn loaded(run: &mut Session, files: &Files, strictness: Strictness) -> Result<String, TrainError> {
    let weights = block_on(Weights::open(&files))?;
    block_on(run.start_from(&weights, strictness)).map(|report| report.to_string())
}

/// The body is the checkpoint's bit for bit, the head is the run's own, and both learn.
#[test]
fn fine_tuning_keeps_the_body_and_makes_a_head() {
    let files = pretrained();
    let (mut fresh, mut run) = (tuning(&files), tuning(&files));
    let report = loaded(&mut run, &files, Strictness::Partial).expect("the body fits");
    assert!(report.contains("lacks") && report.contains("classifier.weight"), "{report}");
    let file = read(&files[WEIGHTS]).expect("the run wrote its weights");
    let (mut body, mut head) = (0, Vec::new());
    for ((name, found), (_, initial)) in values(&mut run).into_iter().zip(values(&mut fresh)) {
        match file.get(&name) {
            Some(tensor) => {
                assert_eq!(found, tensor.to_f32().expect("weights are F32"), "{name}");
                body += usize::from(found != initial);
            }
            None => {
                assert_eq!(found, initial, "{name}");
                head.push(name);
            }
        }
    }
    assert!(body > 5, "only {body} tensors differ from a fresh run's");
    let expected = ["bert.pooler.dense.bias", "bert.pooler.dense.weight", "classifier.bias", "classifier.weight"];
    head.sort();
    assert_eq!(head, expected);
    let before = values(&mut run);
    assert!(train(&mut run, 2).iter().all(|step| step.loss.is_finite()));
    assert!(
        before.iter().zip(values(&mut run)).all(|((name, old), (_, new))| *old != new || name.contains("token_type"))
    );
    // Nobody pulls the weights from under a run.
    let error = loaded(&mut run, &files, Strictness::Partial).expect_err("the run has begun");
    assert!(error.to_string().contains("the run has begun"), "{error}");
}

/// Two labels become as many as the data have; a body of another shape is an error.
#[test]
fn a_head_of_another_shape_is_new_and_a_body_is_refused() {
    let files = pretrained();
    let with = |name: &str, shape: &[usize]| {
        let numbers = vec![0.5; shape.iter().product()];
        let tensors = read(&files[WEIGHTS]).expect("the run wrote its weights");
        let old: Vec<_> = tensors.0.iter().map(|t| (t.entry.clone(), t.to_f32().expect("weights are F32"))).collect();
        let kept = old.iter().filter(|(entry, _)| entry.name != name);
        let mut named: Vec<Named<'_>> =
            kept.map(|(entry, data)| (entry.name.as_str(), entry.shape.as_slice(), data.as_slice())).collect();
        named.push((name, shape, &numbers));
        let mut changed = files.clone();
        changed.insert(WEIGHTS.to_owned(), write(&named));
        changed
    };
    let mut run = tuning(&files);
    let initial = values(&mut run);
    let report =
        loaded(&mut run, &with("classifier.weight", &[7, 12]), Strictness::Partial).expect("a head may differ");
    assert!(report.contains("classifier.weight"), "{report}");
    let classifier = |all: &[(String, Vec<f32>)]| all.iter().find(|(name, _)| name == "classifier.weight").cloned();
    assert_eq!(classifier(&values(&mut run)), classifier(&initial));

    let mut run = tuning(&files);
    let initial = values(&mut run);
    let wrong = with("bert.embeddings.LayerNorm.weight", &[13]);
    let error = loaded(&mut run, &wrong, Strictness::Partial).expect_err("the body differs").to_string();
    assert!(error.contains("bert.embeddings.LayerNorm.weight [13] instead of [12]"), "{error}");
    assert_eq!(values(&mut run), initial, "a refusal changes nothing");
    assert!(loaded(&mut run, &files, Strictness::Complete).is_err(), "a head is missing");
}

/// Half precision in several files gives the rounded values.
#[test]
fn shards_in_half_precision_are_read() {
    let files = pretrained();
    let tensors = read(&files[WEIGHTS]).expect("the run wrote its weights");
    let halves: Vec<_> = tensors
        .0
        .iter()
        .map(|tensor| {
            let values = tensor.to_f32().expect("weights are F32");
            (tensor.entry.clone(), values.into_iter().map(half::f16::from_f32).collect::<Vec<_>>())
        })
        .collect();
    let mut sharded = Files::new();
    let mut map = serde_json::Map::new();
    for (at, part) in halves.chunks(halves.len().div_ceil(3)).enumerate() {
        let name = format!("model-{:05}-of-00003.safetensors", at + 1);
        let (mut header, mut data) = (serde_json::Map::new(), Vec::new());
        for (entry, values) in part {
            let begin = data.len();
            data.extend(values.iter().flat_map(|value| value.to_le_bytes()));
            let place = json!({ "dtype": "F16", "shape": entry.shape, "data_offsets": [begin, data.len()] });
            header.insert(entry.name.clone(), place);
            map.insert(entry.name.clone(), json!(name));
        }
        let header = serde_json::Value::Object(header).to_string();
        let length = (header.len() as u64).to_le_bytes();
        sharded.insert(name, [&length[..], header.as_bytes(), &data].concat());
    }
    sharded.insert("model.safetensors.index.json".to_owned(), json!({ "weight_map": map }).to_string().into_bytes());
    let mut run = tuning(&files);
    let report = loaded(&mut run, &sharded, Strictness::Partial).expect("the shards fit");
    assert!(report.contains("from F16"), "{report}");
    for (name, found) in values(&mut run) {
        if let Some((_, values)) = halves.iter().find(|(entry, _)| entry.name == name) {
            let expected: Vec<f32> = values.iter().map(|value| value.to_f32()).collect();
            assert_eq!(found, expected, "{name}");
        }
    }
}

/// Partial is not anything goes: of another model nothing would be left.
#[test]
fn another_family_is_refused() {
    let files = pretrained();
    let mut settings = Preset::find("t5").expect("the preset exists").settings().expect("its settings are valid");
    let before = settings.clone();
    let error = settings.start_from(&model(&files)).expect_err("BERT is no T5").to_string();
    assert!(error.contains("config.json: model_type is \"bert\", the run trains \"t5\""), "{error}");
    assert_eq!(settings, before);

    let mut run = tuning(&files);
    let mut other = files.clone();
    other.insert(WEIGHTS.to_owned(), write(&[("transformer.h.0.ln_1.weight", &[2], &[1.0, 2.0])]));
    let error = loaded(&mut run, &other, Strictness::Partial).expect_err("nothing fits").to_string();
    assert!(error.contains("none of the 1 tensors") && error.contains("transformer.h.0.ln_1.weight"), "{error}");
}
