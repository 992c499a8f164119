//! What the files of a checkpoint hold: numbers of every type, one file or several, and all that can be wrong.

use pollster::block_on;
use serde_json::{Value, json};
use trainyard::models::Family;
use trainyard::train::checkpoint::{Files, INDEX, Strictness, WEIGHTS, Weights, write};

use super::loading::{assert_loads, load, single};
use super::safetensors::file;
use super::state_dicts::{Tensor, named, tensors};

/// The bits of halves and doubles, and what single precision makes of them.
#[test]
fn every_type_of_numbers_is_converted() {
    type Case = (&'static str, Vec<u8>, Vec<f32>);
    let cases: [Case; 4] = [
        // One, the smallest subnormal, the largest subnormal, the largest, minus zero.
        (
            "F16",
            [0x3C00_u16, 0x0001, 0x03FF, 0x7BFF, 0x8000].iter().flat_map(|h| h.to_le_bytes()).collect(),
            vec![1.0, 2.0_f32.powi(-24), 1023.0 * 2.0_f32.powi(-24), 65504.0, -0.0],
        ),
        (
            "BF16",
            [0x3F80_u16, 0x0001, 0xC049, 0x7F7F, 0x8000].iter().flat_map(|h| h.to_le_bytes()).collect(),
            [0x3F80_0000, 0x0001_0000, 0xC049_0000, 0x7F7F_0000, 0x8000_0000].map(f32::from_bits).to_vec(),
        ),
        (
            "F64",
            [1.0, 0.1, -1e-50, 1e300 / 1e270, -0.0].iter().flat_map(|d: &f64| d.to_le_bytes()).collect(),
            vec![1.0, 0.1, -0.0, 1e30, -0.0],
        ),
        (
            "F32",
            [1.0, 1e-45, 0.1, f32::MAX, -0.0].iter().flat_map(|s: &f32| s.to_le_bytes()).collect(),
            vec![1.0, 1e-45, 0.1, f32::MAX, -0.0],
        ),
    ];
    for (dtype, data, expected) in cases {
        let header =
            format!(r#"{{"output.bias":{{"dtype":"{dtype}","shape":[5],"data_offsets":[0,{}]}}}}"#, data.len());
        let files = Files::from([(WEIGHTS.to_owned(), file(&header, &data))]);
        let model = vec![("output.bias".to_owned(), vec![5], vec![])];
        let (values, report) = load(&files, Family::Transformer, &model, Strictness::Exact)
            .unwrap_or_else(|error| panic!("{dtype}: {error}"));
        let bits = |values: &[f32]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        assert_eq!(values[0].as_deref().map(bits), Some(bits(&expected)), "{dtype}");
        let sentence = report.to_string();
        match dtype {
            "F32" => assert_eq!(sentence, "1 of 1 parameters are loaded."),
            _ => assert_eq!(sentence, format!("1 of 1 parameters are loaded; converted to F32: 1 from {dtype}.")),
        }
    }
}

/// Infinity in each type, and a double that single precision does not hold.
#[test]
fn weights_that_are_not_finite_are_refused() {
    let cases: [(&str, Vec<u8>); 4] = [
        ("F16", 0x7C00_u16.to_le_bytes().to_vec()),
        ("BF16", 0xFF80_u16.to_le_bytes().to_vec()),
        ("F32", f32::NAN.to_le_bytes().to_vec()),
        ("F64", 1e300_f64.to_le_bytes().to_vec()),
    ];
    for (dtype, data) in cases {
        let header =
            format!(r#"{{"output.bias":{{"dtype":"{dtype}","shape":[1],"data_offsets":[0,{}]}}}}"#, data.len());
        let files = Files::from([(WEIGHTS.to_owned(), file(&header, &data))]);
        let model = vec![("output.bias".to_owned(), vec![1], vec![])];
        let error = load(&files, Family::Transformer, &model, Strictness::Exact).expect_err(dtype).to_string();
        assert_eq!(error, "tensor \"output.bias\" holds 1 values that are not finite, the first at 0");
    }
}

/// A model of the original Transformer in two files.
fn sharded() -> (Vec<Tensor>, Files) {
    let model = tensors(Family::Transformer);
    let [a, b] = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];
    let map: serde_json::Map<String, Value> =
        model.iter().enumerate().map(|(i, t)| (t.0.clone(), json!(if i < 2 { a } else { b }))).collect();
    let index = json!({ "metadata": { "total_size": 1 }, "weight_map": map });
    let files = Files::from([
        (a.to_owned(), write(&named(&model[..2]))),
        (b.to_owned(), write(&named(&model[2..]))),
        (INDEX.to_owned(), index.to_string().into_bytes()),
    ]);
    (model, files)
}

#[test]
fn several_files_are_read_by_their_index() {
    let (model, files) = sharded();
    assert_loads(&files, Family::Transformer, &model, "two files");
    // A single file counts before an index.
    let mut both = files;
    let other: Vec<Tensor> = model.iter().map(|(n, s, v)| (n.clone(), s.clone(), vec![1.0; v.len()])).collect();
    both.extend(single(&other));
    assert_loads(&both, Family::Transformer, &other, "both");
}

#[test]
fn every_wrong_directory_has_its_sentence() {
    let [a, b] = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];
    type Damage = fn(&mut Files);
    fn edit_index(files: &mut Files, edit: impl FnOnce(&mut Value)) {
        let bytes = files.get_mut(INDEX).expect("there is an index");
        let mut index: Value = serde_json::from_slice(bytes).expect("it is JSON");
        edit(&mut index);
        *bytes = index.to_string().into_bytes();
    }
    fn place(files: &mut Files, tensor: &str, file: &str) {
        edit_index(files, |index| index["weight_map"][tensor] = json!(file));
    }
    let cases: [(Damage, String); 14] = [
        (|files| files.clear(), "there is no model.safetensors".to_owned()),
        (
            |files| *files = Files::from([("pytorch_model.bin".to_owned(), vec![])]),
            "there is no model.safetensors; pytorch_model.bin is not read, convert it to safetensors".to_owned(),
        ),
        (
            |files| drop(files.remove("model-00002-of-00002.safetensors")),
            format!("{b} is missing; the index places 2 tensors in it, the first is \"output.bias\""),
        ),
        (
            |files| place(files, "absent.weight", "model-00001-of-00002.safetensors"),
            format!("the index places tensor \"absent.weight\" in {a}, which does not have it"),
        ),
        (
            |files| place(files, "output.bias", "model-00001-of-00002.safetensors"),
            format!("the index places tensor \"output.bias\" in {a}, which does not have it"),
        ),
        (
            |files| {
                let copy = files["model-00001-of-00002.safetensors"].clone();
                files.insert("model-00002-of-00002.safetensors".to_owned(), copy);
            },
            format!("tensor \"source.embedding.weight\" is in {a} and in {b}"),
        ),
        (
            |files| files.get_mut("model-00002-of-00002.safetensors").expect("it is there").truncate(100),
            format!("{b}: safetensors: the file has 100 bytes, but its header needs"),
        ),
        (
            |files| files.get_mut("model-00002-of-00002.safetensors").expect("it is there").truncate(5),
            format!("{b}: safetensors: the file has 5 bytes, but its header needs 8"),
        ),
        (
            |files| place(files, "x", "../elsewhere.safetensors"),
            "\"../elsewhere.safetensors\" is no name of a safetensors file".to_owned(),
        ),
        (|files| place(files, "x", "model.bin"), "\"model.bin\" is no name of a safetensors file".to_owned()),
        (
            |files| {
                let twice = br#"{"weight_map":{"x":"a.safetensors","x":"b.safetensors"}}"#;
                files.insert(INDEX.to_owned(), twice.to_vec());
            },
            "model.safetensors.index.json: tensor \"x\" occurs twice".to_owned(),
        ),
        (
            |files| drop(files.insert(INDEX.to_owned(), b"{}".to_vec())),
            "model.safetensors.index.json: missing field `weight_map`".to_owned(),
        ),
        (
            |files| edit_index(files, |index| index["weight_map"] = json!({})),
            "model.safetensors.index.json: it names no file".to_owned(),
        ),
        (
            |files| {
                edit_index(files, |index| {
                    let map = (0..1001).map(|i| (format!("t{i}"), json!(format!("{i}.safetensors"))));
                    index["weight_map"] = Value::Object(map.collect());
                });
            },
            "model.safetensors.index.json: it names 1001 files; at most 1000 are accepted".to_owned(),
        ),
    ];
    for (i, (damage, expected)) in cases.into_iter().enumerate() {
        let (_, mut files) = sharded();
        damage(&mut files);
        let error = block_on(Weights::open(&&files)).expect_err("the directory is wrong").to_string();
        assert!(error.contains(&expected), "case {i}: {expected:?} is expected: {error}");
    }
}
