//! What stands beside a `tokenizer.json` for `transformers`: which class reads it, and what its special tokens are for.
//!
//! A family's class does not take the file as it stands: it builds the family's own normalizer and pre-tokenizer around
//! the file's vocabulary, and adds every special token of its arguments that the vocabulary lacks. So it is named only
//! for a tokenizer that is as the class builds it (versions 4 and 5), with every argument written out; all others have
//! the general class, which changes nothing.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::models::Family;
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

/// The parts of a `tokenizer.json` that a class would build itself.
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

impl Kind {
    /// The family's own class, where it builds the same tokenizer.
    fn own_class(&self, family: Family, tokens: &Map<String, Value>) -> Option<&'static str> {
        let (model, pre_tokenizer) = (self.model.r#type.as_str(), &self.pre_tokenizer);
        let (same, class) = match family {
            Family::Bert => (
                model == "WordPiece"
                    && is(&self.normalizer, "BertNormalizer")
                    && self.normalizer["clean_text"] != false
                    && is(pre_tokenizer, "BertPreTokenizer"),
                "BertTokenizerFast",
            ),
            Family::Gpt2 => (self.is_byte_level(), "GPT2TokenizerFast"),
            Family::Bart => (self.is_byte_level(), "BartTokenizerFast"),
            Family::T5 => {
                let parts = pre_tokenizer["pretokenizers"].as_array().map(Vec::as_slice).unwrap_or_default();
                let words = matches!(parts, [split, space] if is(split, "WhitespaceSplit") && is(space, "Metaspace"));
                let normalizer = self.normalizer.is_null() || is(&self.normalizer, "Precompiled");
                (model == "Unigram" && words && normalizer, "T5TokenizerFast")
            }
            Family::Transformer => return None,
        };
        // GPT-2's class does without special tokens, the others put them around a text.
        let complete = family == Family::Gpt2 || !tokens.values().any(Value::is_null);
        (same && complete).then_some(class)
    }

    fn is_byte_level(&self) -> bool {
        let pieces = is(&self.pre_tokenizer, "ByteLevel") && self.pre_tokenizer["use_regex"] != false;
        self.model.r#type == "BPE" && self.normalizer.is_null() && pieces
    }
}

fn is(part: &Value, name: &str) -> bool {
    part["type"] == name
}

/// The `tokenizer_config.json`.
pub(super) fn tokenizer_config(
    family: Family,
    tokenizer: &TokenizerParts<'_>,
    tokens: &Map<String, Value>,
) -> Map<String, Value> {
    // What is no JSON has no kind; the general class will say what is wrong with it.
    let kind: Kind = serde_json::from_str(tokenizer.json).unwrap_or_default();
    let own = kind.own_class(family, tokens);
    let mut config = Map::new();
    let mut set = |key: &str, value: Value| config.insert(key.to_owned(), value);
    set("tokenizer_class", json!(own.unwrap_or("PreTrainedTokenizerFast")));
    match family {
        Family::Bert if own.is_some() => {
            set("do_lower_case", json!(kind.normalizer["lowercase"] != false));
            set("strip_accents", kind.normalizer["strip_accents"].clone());
            set("tokenize_chinese_chars", json!(kind.normalizer["handle_chinese_chars"] != false));
        }
        Family::Gpt2 | Family::Bart if own.is_some() => {
            set("add_prefix_space", json!(kind.pre_tokenizer["add_prefix_space"] == true));
        }
        Family::T5 if own.is_some() => {
            set("extra_ids", json!(tokenizer.specials.sentinels.len()));
        }
        Family::Bert | Family::Gpt2 | Family::T5 | Family::Bart | Family::Transformer => {}
    }
    if let Some(length) = tokenizer.max_length {
        set("model_max_length", json!(length));
    }
    // Joining of punctuation is WordPiece's habit; it would change what other tokenizers decode.
    set("clean_up_tokenization_spaces", json!(family == Family::Bert && own.is_some()));
    config.extend(tokens.clone());
    config
}
