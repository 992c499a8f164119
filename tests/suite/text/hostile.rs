//! Crafted tokenizer files: every one is refused with its place, none panics.

use serde_json::{Value, json};
use trainyard::text::{TextError, Tokenizer};

/// A small sound file to spoil.
pub(super) fn small() -> Value {
    json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [], "normalizer": null,
        "pre_tokenizer": { "type": "Whitespace" }, "post_processor": null, "decoder": null,
        "model": { "type": "BPE", "vocab": { "a": 0, "b": 1, "ab": 2 }, "merges": ["a b"] }
    })
}

/// Sets `value` at a JSON pointer of the small file and returns what loading says.
fn spoiled(pointer: &str, value: Value) -> Result<Tokenizer, TextError> {
    let mut file = small();
    *file.pointer_mut(pointer).expect("the pointer exists in the small file") = value;
    Tokenizer::from_json(file.to_string().as_bytes())
}

fn problem(result: Result<Tokenizer, TextError>) -> String {
    result.map(|tokenizer| tokenizer.vocab_size()).expect_err("a spoiled file").to_string()
}

#[test]
fn the_unspoiled_file_loads() {
    let tokenizer = Tokenizer::from_json(small().to_string().as_bytes()).expect("sound");
    assert_eq!(tokenizer.encode("ab ba"), Ok(vec![2, 1, 0]));
}

#[test]
fn broken_json_is_placed() {
    let message = problem(Tokenizer::from_json(b"{\n\"model\": 3}"));
    assert!(message.starts_with("tokenizer.json, line 2, column 10:"), "{message}");
    let message = problem(Tokenizer::from_json(b"{\"version\": \"1.0"));
    assert!(message.starts_with("tokenizer.json, line 1, column 16:"), "{message}");
    let message = problem(Tokenizer::from_json(b"{\xFF}"));
    assert_eq!(message, "tokenizer.json, byte 1: not UTF-8");
    assert!(Tokenizer::from_json("[".repeat(100_000).as_bytes()).is_err(), "deep nesting");
}

#[test]
fn vocabularies_are_checked() {
    let cases = [
        (
            json!({ "a": 0, "b": 1, "ab": 3 }),
            "model.vocab[\"ab\"]: id 3, but 3 tokens have the ids 0 to 2 without gaps",
        ),
        (json!({ "a": 0, "b": 1, "ab": 1 }), "model.vocab[\"ab\"]: id 1 is also the id of \"b\""),
        (json!({ "a": 0, "b": 1, "": 2 }), "model.vocab[\"\"]: an empty token"),
        (json!({}), "model.vocab: 0 tokens (1 to 2000000 are supported)"),
        (json!([["a", 0.0], ["b", 0.0], ["ab", 0.0]]), "model.vocab: a list of scores belongs to a Unigram model"),
    ];
    for (vocab, expected) in cases {
        assert_eq!(problem(spoiled("/model/vocab", vocab)), format!("tokenizer.json, {expected}"));
    }
    let long = "a".repeat(4097);
    let message = problem(spoiled("/model/vocab", json!({ "a": 0, long: 1, "ab": 2 })));
    assert!(message.ends_with("a token of 4097 bytes (limit 4096)"), "{message}");
    assert!(message.len() < 200, "{message}");
    for id in [json!(-1), json!(4_294_967_296_u64), json!("0"), json!(0.5)] {
        assert!(spoiled("/model/vocab", json!({ "a": id })).is_err());
    }
}

#[test]
fn a_token_that_occurs_twice_is_refused() {
    // A map type would silently keep one of them.
    let text = small().to_string().replace(r#""b":1"#, r#""b":1,"b":1"#);
    let message = problem(Tokenizer::from_json(text.as_bytes()));
    assert_eq!(message, "tokenizer.json, model.vocab[\"b\"]: the token occurs twice");
}

#[test]
fn merges_are_checked() {
    let cases = [
        // Longer than the longest token: the crate's buffer overruns.
        (json!(["ab ab"]), "model.merges[0]: \"abab\" is not in model.vocab"),
        (json!(["a b", "a c"]), "model.merges[1]: \"c\" is not in model.vocab"),
        (json!([["b", "a"]]), "model.merges[0]: \"ba\" is not in model.vocab"),
    ];
    for (merges, expected) in cases {
        assert_eq!(problem(spoiled("/model/merges", merges)), format!("tokenizer.json, {expected}"));
    }
    for merges in [json!(["a"]), json!(["a b c"]), json!([["a"]]), json!([["a", "b", "c"]]), json!([1])] {
        let message = problem(spoiled("/model/merges", merges));
        assert!(message.contains("merge"), "{message}");
    }
}

#[test]
fn a_prefix_longer_than_a_token_does_not_underflow() {
    let mut file = small();
    file["model"]["continuing_subword_prefix"] = json!("####");
    let message = problem(Tokenizer::from_json(file.to_string().as_bytes()));
    assert_eq!(message, "tokenizer.json, model.merges[0]: \"b\" lacks the prefix \"####\"");
}

#[test]
fn added_tokens_are_checked() {
    let added = |id: u32, content: &str| json!({ "id": id, "content": content, "special": true });
    let cases = [
        (json!([added(5, "<x>")]), "added_tokens[0]: id 5, but 4 tokens have the ids 0 to 3 without gaps"),
        (json!([added(1, "<x>")]), "added_tokens[0]: id 1 is also the id of \"b\""),
        (json!([added(0, "b")]), "added_tokens[0]: id 0, but id 1 in model.vocab"),
        (json!([added(3, "<x>"), added(3, "<x>")]), "added_tokens[1]: the same content as added_tokens[0]"),
        (json!([added(3, "")]), "added_tokens[0]: an empty token"),
        (
            json!([added(4, "<x>"), added(3, "<y>")]),
            "added_tokens, id 3: ids after the vocabulary must follow in the order of the list",
        ),
    ];
    for (list, expected) in cases {
        assert_eq!(problem(spoiled("/added_tokens", list)), format!("tokenizer.json, {expected}"));
    }
    assert!(spoiled("/added_tokens", json!([added(3, "<x>"), added(4, "<y>")])).is_ok());
}

#[test]
fn components_are_an_allow_list() {
    let split = |regex: &str| json!({ "type": "Split", "pattern": { "Regex": regex }, "behavior": "Isolated", "invert": false });
    let mut nested = json!({ "type": "Whitespace" });
    for _ in 0..6 {
        nested = json!({ "type": "Sequence", "pretokenizers": [nested] });
    }
    let many: Vec<Value> = vec![json!({ "type": "Whitespace" }); 17];
    let replace = json!({ "type": "Replace", "pattern": { "String": "a" }, "content": "aaaa" });
    let cases = [
        (
            "/pre_tokenizer",
            split("(a+)+$"),
            "pre_tokenizer.pattern: this regular expression is not one of the published ones",
        ),
        (
            "/pre_tokenizer",
            json!({ "type": "FixedLength", "length": 0 }),
            "pre_tokenizer.type: \"FixedLength\" is not supported",
        ),
        ("/pre_tokenizer", json!({ "add_prefix_space": true }), "pre_tokenizer.type: \"\" is not supported"),
        ("/pre_tokenizer", nested, "sequences nest deeper than 4"),
        (
            "/pre_tokenizer",
            json!({ "type": "Sequence", "pretokenizers": many }),
            "pre_tokenizer.pretokenizers: 17 parts (limit 16)",
        ),
        (
            "/pre_tokenizer",
            json!({ "type": "Sequence", "pretokenizers": {} }),
            "pre_tokenizer.pretokenizers: a sequence needs a list",
        ),
        (
            "/normalizer",
            json!({ "type": "Precompiled", "precompiled_charsmap": "AAAA" }),
            "normalizer.type: \"Precompiled\" is not supported",
        ),
        (
            "/normalizer",
            json!({ "type": "Replace", "pattern": { "String": "" }, "content": "b" }),
            "normalizer.pattern: either a non-empty String or a Regex",
        ),
        ("/normalizer", json!({ "type": "Prepend", "prepend": "aaaaa" }), "normalizer.prepend: 5 bytes (limit 4)"),
        ("/normalizer", json!({ "type": "Sequence", "normalizers": vec![replace; 5] }), "more than 4 replacements"),
        (
            "/decoder",
            json!({ "type": "Strip", "content": " ", "start": 0, "stop": 9 }),
            "decoder.stop: only 0 is supported",
        ),
        (
            "/decoder",
            json!({ "type": "WordPiece", "prefix": "#".repeat(65), "cleanup": true }),
            "decoder.prefix: 65 bytes (limit 64)",
        ),
    ];
    for (pointer, component, expected) in cases {
        let message = problem(spoiled(pointer, component));
        assert!(message.contains(expected), "{message}\nexpected: {expected}");
    }
}

#[test]
fn models_are_checked() {
    let cases = [
        ("/model", json!({ "type": "Neural", "vocab": {} }), "supported"),
        ("/model", json!({ "type": "BPE", "vocab": { "a": 0 } }), "model.merges: missing"),
        (
            "/model",
            json!({ "type": "BPE", "vocab": { "a": 0 }, "merges": [], "dropout": 0.1 }),
            "model.dropout: encoding must be deterministic",
        ),
        (
            "/model",
            json!({ "type": "BPE", "vocab": { "a": 0 }, "merges": [], "unk_token": "?" }),
            "model.unk_token: \"?\" is not in model.vocab",
        ),
        ("/model", json!({ "type": "WordPiece", "vocab": { "a": 0 } }), "model.unk_token: missing"),
        (
            "/model",
            json!({ "type": "WordPiece", "vocab": { "a": 0 }, "unk_token": "a", "max_input_chars_per_word": 1_000_000_000_000_u64 }),
            "model.max_input_chars_per_word: 1000000000000 (limit 1000)",
        ),
        (
            "/model",
            json!({ "type": "Unigram", "vocab": [["a", 0.0]], "unk_id": 1 }),
            "model.unk_id: 1, but there are 1 tokens",
        ),
        ("/model", json!({ "type": "Unigram", "vocab": [["a", 0.0]] }), "model.unk_id: missing"),
        (
            "/model",
            json!({ "type": "Unigram", "vocab": { "a": 0 }, "unk_id": 0 }),
            "model.vocab: a Unigram model needs a list of scores",
        ),
        ("/version", json!("2.0"), "version: \"2.0\" is not supported"),
    ];
    for (pointer, value, expected) in cases {
        let message = problem(spoiled(pointer, value));
        assert!(message.contains(expected), "{message}\nexpected: {expected}");
    }
}

#[test]
fn parts_that_do_not_act_are_not_trusted() {
    let mut file = small();
    file["truncation"] = json!({ "max_length": 1, "stride": 9, "strategy": "LongestFirst", "direction": "Right" });
    file["padding"] = json!({ "strategy": { "Fixed": 1_000_000_000_000_u64 } });
    let tokenizer = Tokenizer::from_json(file.to_string().as_bytes()).expect("those parts are left out");
    assert_eq!(tokenizer.encode("ab a"), Ok(vec![2, 0]));
}
