//! What the model families add to a vocabulary: special tokens, their ids, and the template around a text.

use serde_json::{Map, Value, json};

use crate::text::specials::sentinel;
use crate::text::write;

/// T5 has a hundred.
pub const MAX_SENTINELS: u32 = 1000;

/// A model family's special tokens and template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Template {
    /// None, as in a plain character model. Kinds that need an unknown token have `<unk>`.
    None,
    /// `[PAD]` 0, `[UNK]` 1, `[CLS]` 2, `[SEP]` 3, `[MASK]` 4; `[CLS] A [SEP] B [SEP]`.
    Bert,
    /// `<|endoftext|>` 0; texts as they are.
    Gpt2,
    /// `<pad>` 0, `</s>` 1, `<unk>` 2 and, from the last id downward, `<extra_id_0>`, `<extra_id_1>`, …; `A </s> B </s>`.
    T5 {
        /// How many `<extra_id_N>` there are, at most [`MAX_SENTINELS`]. T5 has 100.
        sentinels: u32,
    },
    /// `<s>` 0, `<pad>` 1, `</s>` 2, `<unk>` 3 and, as the last id, `<mask>`; `<s> A </s> </s> B </s>`.
    Bart,
}

impl Template {
    /// The tokens with the first ids.
    pub(super) const fn leading(self) -> &'static [&'static str] {
        match self {
            Self::None => &[],
            Self::Bert => &["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"],
            Self::Gpt2 => &["<|endoftext|>"],
            Self::T5 { .. } => &["<pad>", "</s>", "<unk>"],
            Self::Bart => &["<s>", "<pad>", "</s>", "<unk>"],
        }
    }

    /// The tokens with the last ids.
    pub(super) fn trailing(self) -> Vec<String> {
        match self {
            Self::None | Self::Bert | Self::Gpt2 => Vec::new(),
            Self::T5 { sentinels } => (0..sentinels).rev().map(sentinel).collect(),
            Self::Bart => vec!["<mask>".to_owned()],
        }
    }

    /// The token for what the vocabulary lacks.
    pub(super) const fn unknown(self) -> Option<&'static str> {
        match self {
            Self::None | Self::Gpt2 => None,
            Self::Bert => Some("[UNK]"),
            Self::T5 { .. } | Self::Bart => Some("<unk>"),
        }
    }

    /// The post-processor. Byte-level vocabularies have the published ones, which know about their spaces.
    pub(super) fn post_processor(self, byte_level: bool) -> Value {
        match self {
            Self::None => Value::Null,
            Self::Gpt2 if byte_level => write::byte_level(false),
            Self::Gpt2 => Value::Null,
            Self::Bert => self.template("[CLS] A [SEP]", "[CLS] A [SEP] B:1 [SEP]:1"),
            Self::T5 { .. } => self.template("A </s>", "A </s> B </s>"),
            Self::Bart if byte_level => json!({
                "type": "RobertaProcessing", "sep": ["</s>", self.leading_id("</s>")],
                "cls": ["<s>", self.leading_id("<s>")], "trim_offsets": true, "add_prefix_space": false
            }),
            Self::Bart => self.template("<s> A </s>", "<s> A </s> </s> B </s>"),
        }
    }

    /// A template of parts with a space between them: A and B are the texts, the rest special tokens; `:1` is a segment.
    fn template(self, single: &str, pair: &str) -> Value {
        let mut specials = Map::new();
        let mut pieces = |template: &str| -> Value {
            let piece = |part: &str| {
                let (name, type_id) = match part.strip_suffix(":1") {
                    Some(name) => (name, 1),
                    None => (part, 0),
                };
                if matches!(name, "A" | "B") {
                    return json!({ "Sequence": { "id": name, "type_id": type_id } });
                }
                let special = json!({ "id": name, "ids": [self.leading_id(name)], "tokens": [name] });
                specials.insert(name.to_owned(), special);
                json!({ "SpecialToken": { "id": name, "type_id": type_id } })
            };
            template.split(' ').map(piece).collect()
        };
        let (single, pair) = (pieces(single), pieces(pair));
        json!({ "type": "TemplateProcessing", "single": single, "pair": pair, "special_tokens": specials })
    }

    fn leading_id(self, name: &str) -> Option<usize> {
        self.leading().iter().position(|&token| token == name)
    }
}
