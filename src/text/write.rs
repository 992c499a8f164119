//! The frame of every `tokenizer.json` written here.

use serde_json::{Map, Value, json};

/// What differs between the files.
pub(super) struct Parts {
    pub(super) normalizer: Value,
    pub(super) pre_tokenizer: Value,
    pub(super) post_processor: Value,
    pub(super) decoder: Value,
    pub(super) model: Value,
}

/// A file; the special tokens, in the order of their ids, are cut out of a text before anything else happens.
pub(super) fn file<'a>(specials: impl IntoIterator<Item = (u32, &'a str)>, parts: Parts) -> Value {
    let added: Vec<Value> = specials
        .into_iter()
        .map(|(id, token)| {
            json!({
                "id": id, "content": token, "single_word": false, "lstrip": false, "rstrip": false,
                "normalized": false, "special": true
            })
        })
        .collect();
    // `json!` would copy the vocabulary.
    let fields = [
        ("version", json!("1.0")),
        ("truncation", Value::Null),
        ("padding", Value::Null),
        ("added_tokens", Value::Array(added)),
        ("normalizer", parts.normalizer),
        ("pre_tokenizer", parts.pre_tokenizer),
        ("post_processor", parts.post_processor),
        ("decoder", parts.decoder),
        ("model", parts.model),
    ];
    Value::Object(fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

/// `{"token": id, …}` in the order of the ids.
pub(super) fn vocabulary(tokens: &[String]) -> Value {
    let ids: Map<String, Value> = (0_u32..).zip(tokens).map(|(id, token)| (token.clone(), Value::from(id))).collect();
    Value::Object(ids)
}

/// GPT-2's treatment of bytes, which is pre-tokenizer, post-processor and decoder in one.
pub(super) fn byte_level(trim_offsets: bool) -> Value {
    json!({ "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": trim_offsets, "use_regex": true })
}

/// A BPE model without options.
pub(super) fn bpe(tokens: &[String], merges: &[(String, String)]) -> Value {
    json!({
        "type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
        "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
        "vocab": vocabulary(tokens), "merges": merges
    })
}
