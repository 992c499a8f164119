//! `config.json`: what is written reads back as the same model; what describes none is refused with the key and what it needs.

use serde_json::{Value, json};
use trainyard::ir::{Activation, NormKind};
use trainyard::models::{
    Config, Decay, Extents, Family, FeedForward, Gpt2Config, Head, Labels, Mode, Model, ModelError, NormPlacement,
    Options, Position, Problem, T5Config,
};

fn read(value: &Value) -> Result<Config, ModelError> {
    Config::from_json(&value.to_string())
}

/// A configuration of a family: vocabulary, width, layers, heads, width of the feed-forward layer; and positions.
pub fn sized(family: Family, [v, d, l, h, f]: [usize; 5], positions: usize) -> Config {
    let keys: &[(&str, usize)] = match family {
        Family::Bert => {
            &[("hidden_size", d), ("num_hidden_layers", l), ("num_attention_heads", h), ("intermediate_size", f)]
        }
        Family::Gpt2 => &[("n_embd", d), ("n_layer", l), ("n_head", h), ("n_inner", f)],
        Family::T5 => &[("d_model", d), ("num_layers", l), ("num_heads", h), ("d_kv", d / h), ("d_ff", f)],
        Family::Bart => &[
            ("d_model", d),
            ("encoder_layers", l),
            ("decoder_layers", l),
            ("encoder_attention_heads", h),
            ("decoder_attention_heads", h),
            ("encoder_ffn_dim", f),
            ("decoder_ffn_dim", f),
        ],
        Family::Transformer => {
            &[("d_model", d), ("encoder_layers", l), ("decoder_layers", l), ("num_heads", h), ("d_ff", f)]
        }
    };
    let mut config = family.config();
    for (key, value) in keys {
        assert_eq!(config.set(key, &json!(value)), Ok(true), "{key}");
    }
    config.set_vocabulary(v);
    config.set_positions(positions);
    config
}

/// Every key of a family at a value that is not its default, where there is another.
fn changed(family: Family) -> Config {
    let mut config = family.config();
    for (key, value) in family.config().to_map() {
        let other = match &value {
            Value::Bool(b) => json!(!b),
            // Sizes stay multiples of their heads when they are halved together.
            Value::Number(n) if n.is_u64() && !key.ends_with("token_id") => json!(n.as_u64().unwrap_or(0).max(2) / 2),
            Value::Number(n) if n.is_u64() => json!(n.as_u64().unwrap_or(0) + 3),
            Value::Number(n) => json!(n.as_f64().unwrap_or(0.0) / 2.0 + 1e-3),
            Value::Null if key.ends_with("token_id") => json!(7),
            Value::Null if key.ends_with("dropout") => json!(0.25),
            Value::Null => json!(5),
            Value::String(s) if s == "gelu" => json!("silu"),
            Value::String(s) if s == "relu" => json!("gated-silu"),
            Value::String(_) | Value::Array(_) | Value::Object(_) => continue,
        };
        if key == "activation_function" && other == "gated-silu" {
            continue;
        }
        config.set(&key, &other).expect("a value of the same kind");
    }
    config
}

#[test]
fn every_key_of_every_family_round_trips() {
    for family in Family::ALL {
        let config = changed(family);
        let (map, plain) = (config.to_map(), family.config().to_map());
        let kept: Vec<&String> = map.iter().filter(|(key, value)| plain[*key] == **value).map(|(key, _)| key).collect();
        let allowed = ["model_type", "activation_function"];
        assert!(kept.iter().all(|key| allowed.contains(&key.as_str())), "{family:?}: {kept:?} did not change");
        assert_eq!(Config::from_map(family, &map).as_ref(), Ok(&config), "{map:#?}");
        for (key, value) in &map {
            assert!(key == "model_type" || config.get(key) == *value, "{family:?}: {key}");
        }
    }
}

#[test]
fn every_class_round_trips() {
    let labels = |count, problem| Head::Sequence(Labels { count, problem });
    let heads = [
        Head::Language,
        Head::PreTraining,
        Head::NextSentence,
        labels(3, Problem::Single),
        labels(1, Problem::Regression),
        labels(4, Problem::Multiple),
        Head::Token { labels: 5 },
        Head::Question,
    ];
    let mut classes = Vec::new();
    for family in Family::ALL {
        for head in heads {
            let model = Model { config: changed(family), head, smoothing: 0.0 };
            let Ok(json) = model.to_json() else {
                let refused =
                    model.graph(Extents { target: 1, ..Extents::decoder(1, 1) }, Mode::Train, Decay::Matrices);
                assert!(
                    matches!(refused, Err(ModelError::Head { .. })),
                    "{family:?} {head:?} has a graph and no class"
                );
                continue;
            };
            classes.push(json["architectures"][0].as_str().unwrap_or_default().to_owned());
            assert_eq!(Model::from_json(&json.to_string()), Ok(model), "{json:#}");
            assert_eq!(json["model_type"], family.name());
            assert!(json.get("trainyard").is_none(), "extensions are written where they are used");
        }
    }
    classes.dedup();
    assert_eq!(classes.len(), 15, "{classes:?}");
    assert!(classes.iter().all(|class| Model::knows(class)));
}

#[test]
fn labels_are_counted_as_hugging_face_does() {
    let sequence = |class: &str, keys: Value| {
        let model = Model::from_class(class, keys.as_object().expect("an object")).expect("a model");
        model.head
    };
    let labels = |count, problem| Head::Sequence(Labels { count, problem });
    assert_eq!(sequence("BertForSequenceClassification", json!({})), labels(2, Problem::Single));
    assert_eq!(sequence("BartForSequenceClassification", json!({})), labels(3, Problem::Single));
    let one = sequence("BertForSequenceClassification", json!({ "num_labels": 1 }));
    assert_eq!(one, labels(1, Problem::Regression), "one label is a number");
    let named = json!({ "id2label": { "0": "no", "1": "yes", "2": "perhaps" } });
    assert_eq!(sequence("GPT2ForSequenceClassification", named), labels(3, Problem::Single));
    let refused = |keys: Value| {
        let keys = keys.as_object().cloned().expect("an object");
        Model::from_class("BertForSequenceClassification", &keys).expect_err("no labels").to_string()
    };
    assert!(refused(json!({ "num_labels": 0 })).contains("num_labels is 0"));
    assert!(refused(json!({ "num_labels": 100_001 })).contains("num_labels is 100001"));
    assert!(refused(json!({ "problem_type": "ranking" })).contains("problem_type is \"ranking\""));
    let unknown = Model::from_class("BertForRanking", &serde_json::Map::new()).expect_err("no such class");
    assert!(unknown.to_string().contains("known: BertForMaskedLM"), "{unknown}");
}

#[test]
fn options_stand_apart_and_round_trip() {
    let options = Options {
        bias: false,
        norm: NormPlacement::Post,
        norm_kind: NormKind::Rms,
        position: Position::Rotary,
        gated: true,
        kv_heads: Some(3),
        qk_norm: true,
        band: Some(9),
    };
    let positions = [Position::Learned, Position::Sinusoidal, Position::Rotary, Position::Alibi, Position::None];
    for position in positions {
        for activation in [Activation::GeluTanh, Activation::GeluErf, Activation::Relu, Activation::Silu] {
            let options = Options { position, ..options };
            let config = Config::Gpt2(Gpt2Config { options, activation, ..Gpt2Config::default() });
            let map = config.to_map();
            assert_eq!(map["trainyard"].as_object().map(|o| o.len()), Some(8 - usize::from(position == positions[0])));
            assert_eq!(read(&Value::Object(map)), Ok(config));
        }
    }
    for (activation, gated, name) in [
        (Activation::GeluTanh, true, "gated-gelu"),
        (Activation::GeluTanh, false, "gelu_new"),
        (Activation::GeluErf, false, "gelu"),
        (Activation::Silu, true, "gated-silu"),
        (Activation::Relu, false, "relu"),
    ] {
        let feed_forward_proj = FeedForward { activation, gated };
        let config = Config::T5(T5Config { feed_forward_proj, ..T5Config::default() });
        assert_eq!(config.get("feed_forward_proj"), name);
        assert_eq!(read(&Value::Object(config.to_map())), Ok(config));
    }
}

#[test]
fn floats_are_written_as_short_as_they_were_set() {
    let map = Gpt2Config::default().to_map();
    assert_eq!(map["resid_pdrop"].to_string(), "0.1");
    assert_eq!(map["layer_norm_epsilon"].as_f64(), Some(1e-5));
}

#[test]
fn unknown_keys_are_ignored_as_hugging_face_does() {
    let config =
        read(&json!({ "model_type": "gpt2", "n_layer": 3, "summary_type": "cls_index", "transformers_version": "5" }));
    assert_eq!(config.map(|c| c.get("n_layer")), Ok(json!(3)));
    assert_eq!(Gpt2Config::default().set("summary_type", &json!(1)), Ok(false));
}

#[test]
fn what_describes_no_model_is_refused() {
    let cases = [
        (json!({ "vocab_size": 0 }), "config.json: vocab_size is 0, but a whole number from 1 to 4294967295 is needed"),
        (json!({ "n_layer": -1 }), "config.json: n_layer is -1, but"),
        (json!({ "n_embd": 7.5 }), "config.json: n_embd is 7.5, but"),
        (json!({ "n_head": "4" }), "config.json: n_head is \"4\", but"),
        (json!({ "n_positions": 4_294_967_296_u64 }), "config.json: n_positions is 4294967296, but"),
        (json!({ "n_inner": 0 }), "config.json: n_inner is 0, but"),
        (json!({ "resid_pdrop": 1.0 }), "config.json: resid_pdrop is 1.0, but a probability"),
        (json!({ "embd_pdrop": -0.1 }), "config.json: embd_pdrop is -0.1, but a probability"),
        (json!({ "attn_pdrop": null }), "config.json: attn_pdrop is null, but a probability"),
        (json!({ "layer_norm_epsilon": 0 }), "config.json: layer_norm_epsilon is 0, but a positive number"),
        (json!({ "initializer_range": -1 }), "config.json: initializer_range is -1, but a positive number"),
        (json!({ "scale_attn_weights": 1 }), "config.json: scale_attn_weights is 1, but true or false"),
        (json!({ "scale_attn_by_inverse_layer_idx": "no" }), "config.json: scale_attn_by_inverse_layer_idx is"),
        (json!({ "tie_word_embeddings": null }), "config.json: tie_word_embeddings is null, but true or false"),
        (json!({ "eos_token_id": -3 }), "config.json: eos_token_id is -3, but a token id or null"),
        (
            json!({ "activation_function": "gelu_fast" }),
            "config.json: activation_function is \"gelu_fast\", but one of",
        ),
        (json!({ "trainyard": { "norm": "middle" } }), "config.json: norm is \"middle\", but \"pre\" or \"post\""),
        (json!({ "trainyard": { "bias": 0 } }), "config.json: bias is 0, but true or false"),
        (
            json!({ "model_type": "llama" }),
            "config.json: model_type \"llama\" is unknown; known: bert, t5, bart, transformer, gpt2",
        ),
        (json!({ "model_type": 3 }), "config.json: model_type \"?\" is unknown"),
        (json!({ "n_embd": 10, "n_head": 3 }), "n_head = 3 does not divide n_embd = 10"),
        (json!({ "n_layer": 257 }), "n_layer is 257; at most 256 is supported"),
        (json!({ "n_embd": 65_537, "n_head": 1 }), "n_embd is 65537; at most 65536 is supported"),
        (json!({ "n_positions": 65_537 }), "n_positions is 65537; at most 65536 is supported"),
        (json!({ "n_inner": 262_145 }), "n_inner is 262145; at most 262144 is supported"),
        (json!({ "vocab_size": 2_000_001 }), "vocab_size is 2000001; at most 2000000 is supported"),
        (json!({ "n_embd": 65_536, "n_head": 1, "n_layer": 256 }), "the number of parameters is"),
    ];
    for (mut value, message) in cases {
        if let Some(map) = value.as_object_mut() {
            map.entry("model_type").or_insert_with(|| json!("gpt2"));
        }
        let error = read(&value).expect_err("the configuration describes no model").to_string();
        assert!(error.starts_with(message), "{value}: {error}");
    }
    for text in ["", "[1]", "3", "{\"n_layer\": 1", "{} {}"] {
        let error = Config::from_json(text).expect_err("no object");
        assert!(matches!(error, ModelError::Syntax(_)), "{text:?}: {error}");
    }
}

#[test]
fn every_family_refuses_what_describes_no_model() {
    let cases = [
        (
            json!({ "model_type": "bert", "num_attention_heads": 7 }),
            "num_attention_heads = 7 does not divide hidden_size = 768",
        ),
        (json!({ "model_type": "bert", "type_vocab_size": 0 }), "config.json: type_vocab_size is 0"),
        (json!({ "model_type": "bert", "type_vocab_size": 65_537 }), "type_vocab_size is 65537; at most 65536"),
        (json!({ "model_type": "bert", "hidden_act": "gelu_fast" }), "config.json: hidden_act is \"gelu_fast\""),
        (json!({ "model_type": "bert", "classifier_dropout": 1 }), "config.json: classifier_dropout is 1"),
        (json!({ "model_type": "bert", "intermediate_size": 262_145 }), "intermediate_size is 262145; at most 262144"),
        (json!({ "model_type": "bert", "trainyard": { "kv_heads": 5 } }), "kv_heads = 5 does not divide the 12 heads"),
        (
            json!({ "model_type": "bert", "hidden_size": 36, "trainyard": { "position": "rotary" } }),
            "rotary positions need",
        ),
        (
            json!({ "model_type": "gpt2", "trainyard": { "position": "absolute" } }),
            "config.json: position is \"absolute\"",
        ),
        (json!({ "model_type": "gpt2", "trainyard": { "band": 0 } }), "config.json: band is 0"),
        (json!({ "model_type": "t5", "feed_forward_proj": "gated-gelu-fast" }), "config.json: feed_forward_proj is"),
        (json!({ "model_type": "t5", "relative_attention_num_buckets": 3 }), "relative_attention_num_buckets = 3"),
        (json!({ "model_type": "t5", "relative_attention_max_distance": 16 }), "relative_attention_num_buckets = 32"),
        (json!({ "model_type": "t5", "num_heads": 2048, "d_kv": 64 }), "num_heads · d_kv is 131072; at most 65536"),
        (
            json!({ "model_type": "t5", "num_heads": 4_294_967_295_u64, "d_kv": 4_294_967_295_u64 }),
            "d_kv is 4294967295",
        ),
        (json!({ "model_type": "t5", "num_decoder_layers": 257 }), "num_decoder_layers is 257; at most 256"),
        (
            json!({ "model_type": "t5", "trainyard": { "gated": true } }),
            "config.json: the option \"gated\" does not exist",
        ),
        (
            json!({ "model_type": "bart", "decoder_attention_heads": 3 }),
            "decoder_attention_heads = 3 does not divide d_model",
        ),
        (json!({ "model_type": "bart", "eos_token_id": null }), "config.json: eos_token_id is null"),
        (
            json!({ "model_type": "bart", "trainyard": { "norm": "pre" } }),
            "config.json: the option \"norm\" does not exist",
        ),
        (json!({ "model_type": "transformer", "num_heads": 3 }), "num_heads = 3 does not divide d_model = 512"),
        (json!({ "model_type": "transformer", "target_vocab_size": 2_000_001 }), "target_vocab_size is 2000001"),
    ];
    for (value, message) in cases {
        let error = read(&value).expect_err("the configuration describes no model").to_string();
        assert!(error.starts_with(message), "{value}: {error}");
    }
    let error = read(&json!({ "n_layer": 3 })).expect_err("of no family");
    assert_eq!(error, ModelError::Missing { key: "model_type" });
}

/// A long wrong value is shown by its beginning.
#[test]
fn messages_stay_short() {
    let error =
        read(&json!({ "model_type": "gpt2", "n_layer": "x".repeat(10_000) })).expect_err("no number").to_string();
    assert!(error.len() < 250, "{error}");
}

#[test]
fn graphs_refuse_what_the_model_cannot_read() {
    let config =
        Gpt2Config { vocab_size: 7, n_positions: 4, n_embd: 4, n_layer: 1, n_head: 2, ..Gpt2Config::default() };
    let build = |config: &Gpt2Config, batch, time| {
        let model = Model::language(Config::Gpt2(config.clone()));
        let graph = model.graph(Extents::decoder(batch, time), Mode::Train, Decay::Matrices);
        graph.map(|_| ()).map_err(|e| e.to_string())
    };
    assert_eq!(build(&config, 1, 4), Ok(()));
    let long = build(&config, 1, 5).expect_err("five tokens, four positions");
    assert_eq!(long, "a context of 5 tokens exceeds the model's 4 positions");
    assert!(build(&config, 0, 4).is_err_and(|e| e.contains("0 elements")));
    assert!(build(&config, 1 << 40, 4).is_err_and(|e| e.contains("elements")));
    let odd = Gpt2Config { n_head: 3, ..config };
    assert!(build(&odd, 1, 4).is_err_and(|e| e.contains("does not divide")));
    let bert = Model::language(Config::Bert(trainyard::models::BertConfig::default()));
    for mode in [Mode::Encode, Mode::Decode] {
        let refused = bert.graph(Extents::decoder(1, 1), mode, Decay::Matrices);
        assert!(matches!(refused, Err(ModelError::NoDecoder { family: "bert" })));
    }
}
