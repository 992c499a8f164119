//! What stands beside a `tokenizer.json` for `transformers`: which class reads it, and what its special tokens are for.
//!
//! The classes change the tokenizer they read where their arguments differ from it: BERT's rewrites the normalizer, T5's
//! adds sentinels, all of them add a special token that the vocabulary lacks. So every argument is written out, `null`
//! where there is no such token. They also fail on a tokenizer of another kind, which the general class reads.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Family;
use crate::text::Specials;

/// A tokenizer to write.
#[derive(Clone, Copy)]
pub struct TokenizerParts<'a> {
    /// Its `tokenizer.json`.
    pub json: &'a str,
    /// Ids of its special tokens.
    pub specials: &'a Specials,
    /// The token of an id, as the file spells it.
    pub token: &'a dyn Fn(u32) -> Option<String>,
    /// Tokens that the model reads at most, if there is a limit.
    pub max_length: Option<usize>,
}

impl TokenizerParts<'_> {
    /// The names that the family's class has for special tokens, with the tokens; `null` for those that there are not.
    pub(super) fn special_tokens(&self, family: Family) -> Map<String, Value> {
        let Specials { pad, unk, start, end, mask, ref sentinels } = *self.specials;
        let roles: &[(&str, Option<u32>)] = match family {
            Family::Bert => &[("unk", unk), ("sep", end), ("pad", pad), ("cls", start), ("mask", mask)],
            // One token starts texts, ends them, and stands for what is unknown.
            Family::Gpt2 => &[("bos", start.or(end)), ("eos", end), ("unk", unk.or(end)), ("pad", pad)],
            Family::T5 => &[("eos", end), ("unk", unk), ("pad", pad)],
            Family::Bart => &[
                ("bos", start),
                ("eos", end),
                ("unk", unk),
                ("sep", end),
                ("pad", pad),
                ("cls", start),
                ("mask", mask),
            ],
            Family::Transformer => &[("bos", start), ("eos", end), ("unk", unk), ("pad", pad)],
        };
        let name = |id: &Option<u32>| id.and_then(|id| (self.token)(id));
        let mut tokens: Map<String, Value> =
            roles.iter().map(|(role, id)| (format!("{role}_token"), json!(name(id)))).collect();
        if !sentinels.is_empty() {
            let names: Vec<String> = sentinels.iter().filter_map(|&id| (self.token)(id)).collect();
            tokens.insert("additional_special_tokens".to_owned(), json!(names));
        }
        tokens
    }
}

/// The parts of a `tokenizer.json` that its class depends on.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Kind {
    normalizer: Value,
    pre_tokenizer: Value,
    model: ModelKind,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ModelKind {
    r#type: String,
}

/// The `tokenizer_config.json`.
pub(super) fn tokenizer_config(
    family: Family,
    tokenizer: &TokenizerParts<'_>,
    tokens: &Map<String, Value>,
) -> Map<String, Value> {
    // What is no JSON has no kind; it is the general class that will say so.
    let kind: Kind = serde_json::from_str(tokenizer.json).unwrap_or_default();
    let (normalizer, pre_tokenizer) = (&kind.normalizer, &kind.pre_tokenizer);
    let is = |part: &Value, name: &str| part["type"] == name;
    let byte_level = kind.model.r#type == "BPE" && is(pre_tokenizer, "ByteLevel");
    let mut config = Map::new();
    let mut set = |key: &str, value: Value| config.insert(key.to_owned(), value);
    let class = match family {
        Family::Bert if kind.model.r#type == "WordPiece" && is(normalizer, "BertNormalizer") => {
            set("do_lower_case", json!(normalizer["lowercase"] != false));
            set("strip_accents", normalizer["strip_accents"].clone());
            set("tokenize_chinese_chars", json!(normalizer["handle_chinese_chars"] != false));
            "BertTokenizerFast"
        }
        Family::Gpt2 | Family::Bart if byte_level => {
            set("add_prefix_space", json!(pre_tokenizer["add_prefix_space"] == true));
            if family == Family::Gpt2 { "GPT2TokenizerFast" } else { "BartTokenizerFast" }
        }
        Family::T5 if kind.model.r#type == "Unigram" => {
            set("extra_ids", json!(tokenizer.specials.sentinels.len()));
            "T5TokenizerFast"
        }
        Family::Bert | Family::Gpt2 | Family::T5 | Family::Bart | Family::Transformer => "PreTrainedTokenizerFast",
    };
    set("tokenizer_class", json!(class));
    if let Some(length) = tokenizer.max_length {
        set("model_max_length", json!(length));
    }
    // Joining of punctuation would change what byte-level and character tokenizers decode.
    set("clean_up_tokenization_spaces", json!(class == "BertTokenizerFast"));
    config.extend(tokens.clone());
    config
}
