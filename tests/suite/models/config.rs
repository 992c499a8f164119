//! `config.json`: what is written reads back as the same model; what describes none is refused with the key and what it needs.

use serde_json::{Value, json};
use trainyard::ir::Activation;
use trainyard::models::{Decay, Extents, Gpt2Config, Mode, ModelError, NormPlacement, gpt};

fn read(value: &Value) -> Result<Gpt2Config, ModelError> {
    Gpt2Config::from_json(&value.to_string())
}

#[test]
fn round_trips() {
    let mut configs = vec![Gpt2Config::default()];
    for activation in [Activation::GeluTanh, Activation::GeluErf, Activation::Relu, Activation::Silu] {
        for (bias, norm) in [(true, NormPlacement::Pre), (false, NormPlacement::Pre), (true, NormPlacement::Post)] {
            configs.push(Gpt2Config {
                vocab_size: 65,
                n_positions: 33,
                n_embd: 12,
                n_layer: 3,
                n_head: 4,
                n_inner: (bias && norm == NormPlacement::Post).then_some(17),
                activation,
                resid_pdrop: 0.1,
                embd_pdrop: 0.25,
                attn_pdrop: 0.3,
                layer_norm_epsilon: 1e-6,
                initializer_range: 0.013,
                scale_attn_weights: bias,
                scale_attn_by_inverse_layer_idx: !bias,
                tie_word_embeddings: bias,
                bos_token_id: None,
                eos_token_id: Some(3),
                pad_token_id: Some(0),
                bias,
                norm,
            });
        }
    }
    for config in configs {
        let json = config.to_json();
        assert_eq!(read(&json).as_ref(), Ok(&config), "{json:#}");
        assert_eq!(json["model_type"], "gpt2");
        let plain = config.bias && config.norm == NormPlacement::Pre;
        assert_eq!(json.get("trainyard").is_none(), plain, "extensions stand apart, and only where they are used");
    }
}

#[test]
fn floats_are_written_as_short_as_they_were_set() {
    let json = Gpt2Config::default().to_json();
    assert_eq!(json["resid_pdrop"].to_string(), "0.1");
    assert_eq!(json["layer_norm_epsilon"].as_f64(), Some(1e-5));
}

#[test]
fn unknown_keys_are_ignored_as_hugging_face_does() {
    let config =
        read(&json!({ "model_type": "gpt2", "n_layer": 3, "summary_type": "cls_index", "transformers_version": "5" }));
    assert_eq!(config.map(|c| c.n_layer), Ok(3));
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
        (json!({ "model_type": "bert" }), "config.json: model_type \"bert\" is unknown; known: gpt2"),
        (json!({ "model_type": 3 }), "config.json: model_type \"?\" is unknown"),
        (json!({ "n_embd": 10, "n_head": 3 }), "n_head = 3 does not divide n_embd = 10"),
        (json!({ "n_layer": 257 }), "n_layer is 257; at most 256 is supported"),
        (json!({ "n_embd": 65_537, "n_head": 1 }), "n_embd is 65537; at most 65536 is supported"),
        (json!({ "n_positions": 65_537 }), "n_positions is 65537; at most 65536 is supported"),
        (json!({ "n_inner": 262_145 }), "n_inner is 262145; at most 262144 is supported"),
        (json!({ "vocab_size": 2_000_001 }), "vocab_size is 2000001; at most 2000000 is supported"),
        (json!({ "n_embd": 65_536, "n_head": 1, "n_layer": 256 }), "the number of parameters is"),
    ];
    for (value, message) in cases {
        let error = read(&value).expect_err("the configuration describes no model").to_string();
        assert!(error.starts_with(message), "{value}: {error}");
    }
    for text in ["", "[1]", "3", "{\"n_layer\": 1", "{} {}"] {
        let error = Gpt2Config::from_json(text).expect_err("no object");
        assert!(matches!(error, ModelError::Syntax(_)), "{text:?}: {error}");
    }
}

/// A long wrong value is shown by its beginning.
#[test]
fn messages_stay_short() {
    let error = read(&json!({ "n_layer": "x".repeat(10_000) })).expect_err("no number").to_string();
    assert!(error.len() < 250, "{error}");
}

#[test]
fn graphs_refuse_what_the_model_cannot_read() {
    let config =
        Gpt2Config { vocab_size: 7, n_positions: 4, n_embd: 4, n_layer: 1, n_head: 2, ..Gpt2Config::default() };
    let build = |config: &Gpt2Config, batch, time| {
        let extents = Extents { batch, time, key_mask: false };
        gpt::language_model(config, extents, Mode::Train, Decay::Matrices).map(|_| ()).map_err(|e| e.to_string())
    };
    assert_eq!(build(&config, 1, 4), Ok(()));
    let long = build(&config, 1, 5).expect_err("five tokens, four positions");
    assert_eq!(long, "a context of 5 tokens exceeds the model's n_positions = 4");
    assert!(build(&config, 0, 4).is_err_and(|e| e.contains("0 elements")));
    assert!(build(&config, 1 << 40, 4).is_err_and(|e| e.contains("elements")));
    let odd = Gpt2Config { n_head: 3, ..config };
    assert!(build(&odd, 1, 4).is_err_and(|e| e.contains("does not divide")));
}
