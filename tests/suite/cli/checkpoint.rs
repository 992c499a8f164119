//! The files of a checkpoint: Hugging Face's names and shapes, and what happens to those that are not.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Workspace, sort};

/// The header of a safetensors file, in the order of the file.
fn header(file: &[u8]) -> serde_json::Map<String, Value> {
    let length = u64::from_le_bytes(*file.first_chunk().expect("a header length")) as usize;
    match serde_json::from_slice(&file[8..8 + length]).expect("the header is JSON") {
        Value::Object(map) => map,
        other => panic!("the header is {other}"),
    }
}

/// The tensors that `GPT2LMHeadModel` has, written down from Hugging Face's source, not from ours.
fn gpt2_tensors(v: usize, p: usize, d: usize, layers: usize, tied: bool) -> BTreeMap<String, Value> {
    let mut tensors = BTreeMap::from([
        ("transformer.wte.weight".to_owned(), json!([v, d])),
        ("transformer.wpe.weight".to_owned(), json!([p, d])),
        ("transformer.ln_f.weight".to_owned(), json!([d])),
        ("transformer.ln_f.bias".to_owned(), json!([d])),
    ]);
    for layer in 0..layers {
        let shapes = [
            ("ln_1.weight", json!([d])),
            ("ln_1.bias", json!([d])),
            ("attn.c_attn.weight", json!([d, 3 * d])),
            ("attn.c_attn.bias", json!([3 * d])),
            ("attn.c_proj.weight", json!([d, d])),
            ("attn.c_proj.bias", json!([d])),
            ("ln_2.weight", json!([d])),
            ("ln_2.bias", json!([d])),
            ("mlp.c_fc.weight", json!([d, 4 * d])),
            ("mlp.c_fc.bias", json!([4 * d])),
            ("mlp.c_proj.weight", json!([4 * d, d])),
            ("mlp.c_proj.bias", json!([d])),
        ];
        tensors.extend(shapes.map(|(name, shape)| (format!("transformer.h.{layer}.{name}"), shape)));
    }
    if !tied {
        tensors.insert("lm_head.weight".to_owned(), json!([v, d]));
    }
    tensors
}

#[test]
fn names_and_shapes_are_hugging_faces() {
    let here = Workspace::new();
    for (run, more, tied) in
        [("untied", "", false), ("tied", "--set tie_word_embeddings=true", true), ("bare", "--set bias=false", false)]
    {
        here.ok(&sort(&format!("--steps 1 --set n_layer=2 {more} --out {run}")));
        let file = here.read(&format!("{run}/model.safetensors"));
        let header = header(&file);
        assert_eq!(header["__metadata__"], json!({ "format": "pt" }), "nothing but the format");
        let tensors = header.iter().filter(|(name, _)| *name != "__metadata__");
        let found: BTreeMap<String, Value> = tensors.clone().map(|(n, t)| (n.clone(), t["shape"].clone())).collect();
        assert_eq!(found, gpt2_tensors(3, 11, 12, 2, tied), "{run}");
        let names: Vec<&String> = tensors.map(|(name, _)| name).collect();
        assert!(names.is_sorted(), "{names:?}");
    }
    let config = here.json("untied/config.json");
    assert_eq!(config["model_type"], "gpt2");
    assert_eq!(config["architectures"], json!(["GPT2LMHeadModel"]));
    let sizes = ["vocab_size", "n_positions", "n_embd", "n_layer", "n_head"].map(|key| config[key].clone());
    assert_eq!(sizes, [3, 11, 12, 2, 3].map(Value::from));
    assert_eq!(config["tie_word_embeddings"], false);
    assert_eq!(here.json("bare/config.json")["trainyard"]["bias"], false);
    assert_eq!(here.json("untied/tokenizer.json")["model"]["type"], "WordLevel");
}

#[test]
fn what_is_no_checkpoint_is_refused_with_its_place() {
    let here = Workspace::new();
    here.ok(&sort("--steps 1 --out good"));
    let good = here.read("good/model.safetensors");
    let config = String::from_utf8(here.read("good/config.json")).expect("the configuration is UTF-8");
    let non_finite = {
        let mut file = good.clone();
        let last = file.len() - 4;
        file[last..].copy_from_slice(&f32::NAN.to_le_bytes());
        file
    };
    let cases: [(&str, Vec<u8>, &str); 9] = [
        ("model.safetensors", good[..100].to_vec(), "the file has 100 bytes"),
        ("model.safetensors", good[..good.len() - 4].to_vec(), "but its header needs"),
        ("model.safetensors", u64::MAX.to_le_bytes().to_vec(), "at most 16777216 is accepted"),
        ("model.safetensors", non_finite, "values that are not finite"),
        ("config.json", b"{".to_vec(), "config.json"),
        ("config.json", config.replace("\"n_embd\": 12", "\"n_embd\": 24").into(), "instead of [3, 24]"),
        ("config.json", config.replace("\"n_layer\": 1", "\"n_layer\": 999999").into(), "at most 256"),
        ("config.json", config.replace("\"gpt2\"", "\"llama\"").into(), "model_type \"llama\" is unknown"),
        ("tokenizer.json", b"[]".to_vec(), "tokenizer.json"),
    ];
    for (i, (name, bytes, expected)) in cases.into_iter().enumerate() {
        let run = format!("bad-{i}");
        here.copy("good", &run);
        here.write(&format!("{run}/{name}"), bytes);
        let error = here.fails(&format!("generate --checkpoint {run} --device cpu"));
        assert!(error.contains(&run) && error.contains(expected), "{i}: {error}");
    }
    for name in ["config.json", "tokenizer.json", "model.safetensors"] {
        let run = format!("without-{name}");
        here.copy("good", &run);
        std::fs::remove_file(here.path(&format!("{run}/{name}"))).expect("the file is there");
        let error = here.fails(&format!("generate --checkpoint {run} --device cpu"));
        assert!(error.contains("is no checkpoint: ") && error.contains(&format!("no {name}")), "{error}");
    }
    here.write("file", "x");
    let error = here.fails("generate --checkpoint file --device cpu");
    assert!(error.contains("file is no checkpoint: a directory"), "{error}");
}

/// A later version's record is not misread, and moments of another model are not taken.
#[test]
fn a_resume_needs_a_record_and_moments_that_fit() {
    let here = Workspace::new();
    here.ok(&sort("--steps 4 --stop-at 2 --out run"));
    here.ok(&sort("--steps 1 --set n_layer=2 --out other"));
    let mut record = here.json("run/trainer.json");
    let original = record.to_string();
    record["format"] = 2.into();
    here.write("run/trainer.json", record.to_string());
    let error = here.fails("train --resume --device cpu --out run");
    assert!(error.contains("format 2 is not known; this build reads format 1"), "{error}");

    here.write("run/trainer.json", original);
    here.write("run/optimizer.safetensors", here.read("other/optimizer.safetensors"));
    let error = here.fails("train --resume --device cpu --out run");
    assert!(error.contains("optimizer.safetensors"), "{error}");
}
