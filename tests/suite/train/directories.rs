//! Directories that are written for Hugging Face's library: every file, at every number of shards, and back.

use std::path::Path;
use std::{fs, io, process};

use pollster::block_on;
use serde_json::{Map, Value, json};
use trainyard::models::Family;
use trainyard::text::Specials;
use trainyard::train::checkpoint::{
    Body, CONFIG, Directory, FileSink, Files, Folder, GENERATION_CONFIG, INDEX, ModelDirectory, Named, SHARD_BYTES,
    SPECIAL_TOKENS, Strictness, TOKENIZER, TOKENIZER_CONFIG, TokenizerParts, WEIGHTS, Weights, WeightsError, write,
    write_model_dir,
};

use super::state_dicts::{Tensor, named, tensors, wanted};

const WORDPIECE: &str = include_str!("../../fixtures/tok_wordpiece.json");
const BYTE_LEVEL: &str = include_str!("../../fixtures/tok_bytelevel_bpe.json");
const BYTE_LEVEL_BART: &str = include_str!("../../fixtures/tok_bytelevel_bpe_bart.json");
const UNIGRAM: &str = include_str!("../../fixtures/tok_unigram.json");

/// A tokenizer with another part.
fn with(json: &str, part: &str, value: &Value) -> String {
    let mut file: Value = serde_json::from_str(json).expect("the fixture is JSON");
    file[part] = value.clone();
    file.to_string()
}

/// The fixture with the parts of the published T5.
fn unigram() -> String {
    let space = json!({ "type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true });
    let words = json!({ "type": "Sequence", "pretokenizers": [{ "type": "WhitespaceSplit" }, space] });
    with(&with(UNIGRAM, "normalizer", &Value::Null), "pre_tokenizer", &words)
}

/// Class, configuration, tokenizer and special tokens of a family.
fn facts(family: Family) -> (&'static str, Value, String, Specials) {
    let some = |pad, unk, start, end, mask| Specials { pad, unk, start, end, mask, sentinels: vec![] };
    match family {
        Family::Bert => (
            "BertForPreTraining",
            json!({
                "vocab_size": 12, "hidden_size": 4, "num_hidden_layers": 1, "num_attention_heads": 2,
                "intermediate_size": 8, "max_position_embeddings": 6, "pad_token_id": 0,
            }),
            WORDPIECE.to_owned(),
            some(Some(0), Some(1), Some(2), Some(3), Some(4)),
        ),
        Family::Gpt2 => (
            "GPT2LMHeadModel",
            json!({
                "vocab_size": 12, "n_positions": 6, "n_embd": 4, "n_layer": 1, "n_head": 2, "model_type": "other",
                "bos_token_id": 0, "eos_token_id": 0, "pad_token_id": null,
            }),
            BYTE_LEVEL.to_owned(),
            some(None, None, None, Some(0), None),
        ),
        Family::T5 => (
            "T5ForConditionalGeneration",
            json!({
                "vocab_size": 12, "d_model": 4, "d_kv": 2, "d_ff": 8, "num_layers": 1, "num_decoder_layers": 1,
                "num_heads": 2, "relative_attention_num_buckets": 8, "feed_forward_proj": "relu",
                "is_encoder_decoder": true, "pad_token_id": 0, "eos_token_id": 1, "decoder_start_token_id": 0,
            }),
            unigram(),
            Specials { sentinels: (76..86).rev().collect(), ..some(Some(0), Some(2), None, Some(1), None) },
        ),
        Family::Bart => (
            "BartForConditionalGeneration",
            json!({
                "vocab_size": 12, "d_model": 4, "max_position_embeddings": 6, "encoder_layers": 1, "decoder_layers": 1,
                "encoder_attention_heads": 2, "decoder_attention_heads": 2, "encoder_ffn_dim": 8, "decoder_ffn_dim": 8,
                "bos_token_id": 0, "pad_token_id": 1, "eos_token_id": 2, "decoder_start_token_id": 2,
                "forced_eos_token_id": 2,
            }),
            BYTE_LEVEL_BART.to_owned(),
            some(Some(1), Some(3), Some(0), Some(2), Some(4)),
        ),
        Family::Transformer => (
            "Transformer",
            json!({ "d_model": 4 }),
            WORDPIECE.to_owned(),
            some(Some(0), Some(1), Some(2), Some(3), None),
        ),
    }
}

/// The token of an id in a fixture.
fn token(json: &str, id: u32) -> Option<String> {
    let file: Value = serde_json::from_str(json).ok()?;
    let added = file["added_tokens"].as_array()?;
    added.iter().find(|token| token["id"] == id).and_then(|token| token["content"].as_str()).map(str::to_owned)
}

/// Writes the tiny model of a family.
fn save(sink: &mut impl FileSink, family: Family, model: &[Tensor], shard_bytes: u64) -> Result<(), WeightsError> {
    let (class, config, json, specials) = facts(family);
    let Value::Object(config) = config else { panic!("a configuration is an object") };
    let token = |id| token(&json, id);
    let tokenizer = TokenizerParts { json: &json, specials: &specials, token: &token, max_length: Some(6) };
    let tensors = &named(model);
    write_model_dir(
        sink,
        &ModelDirectory { family, class, config: &config, tensors, tokenizer: Some(tokenizer), shard_bytes },
    )
}

fn saved(family: Family, shard_bytes: u64) -> Files {
    let mut files = Files::new();
    save(&mut files, family, &tensors(family), shard_bytes).expect("memory can be written");
    files
}

fn json_of(files: &Files, name: &str) -> Map<String, Value> {
    let bytes = files.get(name).unwrap_or_else(|| panic!("there is no {name}"));
    serde_json::from_slice(bytes).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Asserts that a directory holds this model, and nothing else.
fn assert_holds<D: Directory>(directory: &D, family: Family, model: &[Tensor]) {
    let weights = block_on(Weights::open(directory)).expect("the directory is sound");
    let mut seen = 0;
    let compare = |at: usize, values: Vec<f32>| -> Result<(), WeightsError> {
        seen += 1;
        assert_eq!(values, model[at].2, "{family:?}: {}", model[at].0);
        Ok(())
    };
    block_on(weights.load(family, &wanted(model), Strictness::Exact, compare)).expect("it fits");
    assert_eq!(seen, model.len());
}

#[test]
fn a_directory_has_all_its_files() {
    for family in Family::ALL {
        let files = saved(family, SHARD_BYTES);
        let mut names = vec![CONFIG, WEIGHTS, SPECIAL_TOKENS, TOKENIZER, TOKENIZER_CONFIG];
        names.extend((family != Family::Bert).then_some(GENERATION_CONFIG));
        names.sort_unstable();
        assert_eq!(files.keys().collect::<Vec<_>>(), names, "{family:?}");
        assert_eq!(files[TOKENIZER], facts(family).2.as_bytes());
        assert_eq!(files[WEIGHTS], write(&named(&tensors(family))), "the bytes are those of the weights");

        let (class, config, ..) = facts(family);
        let written = json_of(&files, CONFIG);
        assert_eq!(written["architectures"], json!([class]));
        assert_eq!(written["model_type"], family.name());
        assert_eq!(written["torch_dtype"], "float32");
        for (key, value) in config.as_object().expect("an object").iter().filter(|(key, _)| *key != "model_type") {
            assert_eq!(&written[key], value, "{family:?}: {key}");
        }
    }
    let generation = json_of(&saved(Family::Bart, SHARD_BYTES), GENERATION_CONFIG);
    let expected = json!({
        "_from_model_config": true, "bos_token_id": 0, "eos_token_id": 2, "pad_token_id": 1,
        "decoder_start_token_id": 2, "forced_eos_token_id": 2,
    });
    assert_eq!(Value::Object(generation), expected);
    let generation = json_of(&saved(Family::Gpt2, SHARD_BYTES), GENERATION_CONFIG);
    assert!(!generation.contains_key("pad_token_id"), "{generation:?}");
}

#[test]
fn a_tokenizer_has_the_class_of_its_family() {
    let cases = [
        (
            Family::Bert,
            json!({
                "do_lower_case": true, "strip_accents": null, "tokenize_chinese_chars": true,
                "tokenizer_class": "BertTokenizerFast", "model_max_length": 6, "clean_up_tokenization_spaces": true,
                "unk_token": "[UNK]", "sep_token": "[SEP]", "pad_token": "[PAD]", "cls_token": "[CLS]",
                "mask_token": "[MASK]",
            }),
        ),
        (
            Family::Gpt2,
            json!({
                "add_prefix_space": false, "tokenizer_class": "GPT2TokenizerFast", "model_max_length": 6,
                "clean_up_tokenization_spaces": false, "bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>",
                "unk_token": "<|endoftext|>", "pad_token": null,
            }),
        ),
        (
            Family::T5,
            json!({
                "extra_ids": 10, "tokenizer_class": "T5TokenizerFast", "model_max_length": 6,
                "clean_up_tokenization_spaces": false, "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>",
                "additional_special_tokens": (0..10).map(|i| format!("<extra_id_{i}>")).collect::<Vec<_>>(),
            }),
        ),
        (
            Family::Bart,
            json!({
                "add_prefix_space": false, "tokenizer_class": "BartTokenizerFast", "model_max_length": 6,
                "clean_up_tokenization_spaces": false, "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>",
                "sep_token": "</s>", "pad_token": "<pad>", "cls_token": "<s>", "mask_token": "<mask>",
            }),
        ),
        (
            Family::Transformer,
            json!({
                "tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 6,
                "clean_up_tokenization_spaces": false, "bos_token": "[CLS]", "eos_token": "[SEP]", "unk_token": "[UNK]",
                "pad_token": "[PAD]",
            }),
        ),
    ];
    for (family, expected) in cases {
        let files = saved(family, SHARD_BYTES);
        assert_eq!(Value::Object(json_of(&files, TOKENIZER_CONFIG)), expected, "{family:?}");
        let map = json_of(&files, SPECIAL_TOKENS);
        assert!(map.values().all(|token| !token.is_null()), "{map:?}");
        assert!(map.iter().all(|(role, token)| expected[role] == *token), "{map:?}");
    }
}

/// A family's class would change these tokenizers, the general one takes them as they are.
#[test]
fn other_tokenizers_have_the_general_class() {
    let without = |role: &str| {
        let mut specials = facts(Family::Bert).3;
        *(if role == "end" { &mut specials.end } else { &mut specials.mask }) = None;
        specials
    };
    let bert = || facts(Family::Bert).3;
    let no_regex = json!({ "type": "ByteLevel", "add_prefix_space": false, "use_regex": false });
    let dirty = json!({ "type": "BertNormalizer", "clean_text": false, "lowercase": true });
    let cases = [
        (Family::Bert, BYTE_LEVEL_BART.to_owned(), bert()),
        (Family::Bert, with(WORDPIECE, "normalizer", &Value::Null), bert()),
        (Family::Bert, with(WORDPIECE, "normalizer", &dirty), bert()),
        (Family::Bert, with(WORDPIECE, "pre_tokenizer", &json!({ "type": "Whitespace" })), bert()),
        (Family::Bert, WORDPIECE.to_owned(), without("end")),
        (Family::Bert, WORDPIECE.to_owned(), without("mask")),
        (Family::Gpt2, WORDPIECE.to_owned(), bert()),
        (Family::Gpt2, with(BYTE_LEVEL, "normalizer", &json!({ "type": "NFC" })), facts(Family::Gpt2).3),
        (Family::Bart, with(BYTE_LEVEL_BART, "pre_tokenizer", &no_regex), facts(Family::Bart).3),
        (Family::T5, UNIGRAM.to_owned(), facts(Family::T5).3),
        (Family::T5, with(&unigram(), "normalizer", &json!({ "type": "NFKC" })), facts(Family::T5).3),
        (Family::T5, WORDPIECE.to_owned(), facts(Family::T5).3),
    ];
    for (i, (family, json, specials)) in cases.into_iter().enumerate() {
        let token = |id| token(&json, id);
        let tokenizer = TokenizerParts { json: &json, specials: &specials, token: &token, max_length: None };
        let (class, config) = (facts(family).0, &Map::new());
        let model = ModelDirectory { family, class, config, tensors: &[], tokenizer: Some(tokenizer), shard_bytes: 1 };
        let mut files = Files::new();
        write_model_dir(&mut files, &model).expect("memory can be written");
        let config = json_of(&files, TOKENIZER_CONFIG);
        assert_eq!(config["tokenizer_class"], "PreTrainedTokenizerFast", "case {i}");
        let own = ["do_lower_case", "add_prefix_space", "extra_ids", "model_max_length"];
        assert!(own.iter().all(|key| !config.contains_key(*key)), "case {i}: {config:?}");
    }
}

#[test]
fn weights_are_split_where_a_file_is_full() {
    let model = tensors(Family::Bart);
    let sizes: u64 = model.iter().map(|tensor| tensor.2.len() as u64 * 4).sum();
    for limit in [1, 100, 500, sizes - 1, sizes] {
        let files = saved(Family::Bart, limit);
        let shards: Vec<&String> = files.keys().filter(|name| name.starts_with("model")).collect();
        assert_holds(&&files, Family::Bart, &model);
        if limit == sizes {
            assert_eq!(shards, [WEIGHTS]);
            continue;
        }
        let index = json_of(&files, INDEX);
        assert_eq!(index["metadata"], json!({ "total_size": sizes }));
        let map = index["weight_map"].as_object().expect("an object");
        assert_eq!(map.len(), model.len());
        assert!(map.keys().is_sorted());
        let count = shards.len() - 1;
        let expected: Vec<String> = (1..=count).map(|i| format!("model-{i:05}-of-{count:05}.safetensors")).collect();
        assert_eq!(shards[..count], expected.iter().collect::<Vec<_>>());
        assert_eq!(limit == 1, count == model.len(), "a tensor that is larger than a file has one for itself");
        for shard in &shards[..count] {
            let names: Vec<&String> = map.iter().filter(|(_, file)| *file == *shard).map(|(name, _)| name).collect();
            let held: u64 = model.iter().filter(|t| names.contains(&&t.0)).map(|t| t.2.len() as u64 * 4).sum();
            assert!(held <= limit || names.len() == 1, "{shard} holds {held} bytes of {limit}");
        }
    }
}

#[test]
fn the_same_model_has_the_same_bytes() {
    for family in Family::ALL {
        assert_eq!(saved(family, 200), saved(family, 200));
        let mut reversed = tensors(family);
        reversed.reverse();
        let mut files = Files::new();
        save(&mut files, family, &reversed, 200).expect("memory can be written");
        assert_eq!(files, saved(family, 200), "{family:?}: the order of the tensors does not matter");
    }
}

#[test]
fn a_directory_on_disk_is_read_back() {
    for family in Family::ALL {
        let model = tensors(family);
        let name = format!("directory-{}-{}", family.name(), process::id());
        let mut folder = Folder(Path::new(env!("CARGO_TARGET_TMPDIR")).join(name));
        fs::create_dir_all(&folder.0).expect("the build's folder for tests can be written");
        save(&mut folder, family, &model, SHARD_BYTES).expect("the folder can be written");
        assert_holds(&folder, family, &model);
        // Weights of one file would be read before those of several that replace them.
        let mut other = model.clone();
        other[0].2.fill(0.5);
        save(&mut folder, family, &other, 200).expect("the folder can be written");
        assert_holds(&folder, family, &other);
        assert!(!folder.0.join(WEIGHTS).exists());
        let names = fs::read_dir(&folder.0).expect("it is a folder").map(|entry| entry.expect("an entry").file_name());
        assert!(names.into_iter().all(|name| !name.to_string_lossy().starts_with('.')), "nothing is left over");
        fs::remove_dir_all(&folder.0).expect("the folder is there");
    }
}

/// A sink that fails after some bytes.
struct Full(usize);

impl FileSink for Full {
    fn put(&mut self, _name: &str, _size: u64, body: Body<'_>) -> io::Result<()> {
        let mut space = vec![0; self.0];
        body(&mut space.as_mut_slice())
    }

    fn remove(&mut self, _name: &str) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn what_cannot_be_written_is_named() {
    let model = tensors(Family::Gpt2);
    let error = save(&mut Full(1000), Family::Gpt2, &model, SHARD_BYTES).expect_err("the disk is full").to_string();
    assert!(error.starts_with("model.safetensors cannot be written: "), "{error}");
    let error = save(&mut Full(3000), Family::Gpt2, &model, SHARD_BYTES).expect_err("the disk is full").to_string();
    assert!(error.starts_with("tokenizer.json cannot be written: "), "{error}");
    // A directory in the place of a file.
    let folder = Folder(Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("no-directory-{}", process::id())));
    let error = save(&mut folder.clone(), Family::Gpt2, &model, SHARD_BYTES).expect_err("no folder").to_string();
    assert!(error.starts_with("model.safetensors cannot be written: "), "{error}");
    fs::create_dir_all(folder.0.join(WEIGHTS)).expect("the build's folder for tests can be written");
    let error = block_on(Weights::open(&folder)).expect_err("a directory is no file").to_string();
    assert!(error.starts_with("model.safetensors cannot be read: "), "{error}");
    fs::remove_dir_all(&folder.0).expect("the folder is there");

    let mut broken = model;
    broken[3].2[1] = f32::NAN;
    let mut files = Files::new();
    let error = save(&mut files, Family::Gpt2, &broken, SHARD_BYTES).expect_err("a weight is not finite").to_string();
    assert_eq!(error, "tensor \"transformer.h.0.ln_1.bias\" holds 1 values that are not finite, the first at 1");
    assert!(files.is_empty(), "nothing is written");
}

/// The comparison of this file finds a value that is another.
#[test]
#[should_panic(expected = "Gpt2: transformer.wte.weight")]
fn a_changed_value_is_seen() {
    let mut model = tensors(Family::Gpt2);
    let tensors: Vec<Named<'_>> = named(&model);
    let files = Files::from([(WEIGHTS.to_owned(), write(&tensors))]);
    model[0].2[5] += 1e-6;
    assert_holds(&&files, Family::Gpt2, &model);
}
