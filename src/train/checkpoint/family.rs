//! Names of tensors: what published checkpoints call the parameters of a graph, and what they hold besides.
//!
//! A graph names its parameters as Hugging Face's class for it saves them. Files differ from that in few ways, all of
//! them listed here: the prefix of the model inside the class, the names that TensorFlow had for a norm's parameters,
//! copies of tied weights, and buffers that are no weights.

use std::borrow::Cow;

use crate::models::Family;

impl Family {
    /// What a class with a head puts before the names of the model inside it, and the bare model's class does not.
    const fn prefix(self) -> Option<&'static str> {
        match self {
            Self::Bert => Some("bert."),
            Self::Gpt2 | Self::T5 => Some("transformer."),
            Self::Bart => Some("model."),
            Self::Transformer => None,
        }
    }

    /// A tensor's name without prefix, with a norm's parameters under their present names: equal for equal parameters.
    pub(super) fn plain(self, name: &str) -> Cow<'_, str> {
        let name = self.prefix().and_then(|prefix| name.strip_prefix(prefix)).unwrap_or(name);
        for (old, new) in [(".gamma", ".weight"), (".beta", ".bias")] {
            if let Some(stem) = name.strip_suffix(old) {
                return Cow::Owned(format!("{stem}{new}"));
            }
        }
        Cow::Borrowed(name)
    }

    /// The tied weight that a tensor of this plain name repeats.
    pub(super) fn original_of(self, plain: &str) -> Option<&'static str> {
        match (self, plain) {
            (Self::Bert, "cls.predictions.decoder.weight") => Some("embeddings.word_embeddings.weight"),
            (Self::Bert, "cls.predictions.decoder.bias") => Some("cls.predictions.bias"),
            (Self::Gpt2, "lm_head.weight") => Some("wte.weight"),
            (
                Self::T5 | Self::Bart,
                "lm_head.weight" | "encoder.embed_tokens.weight" | "decoder.embed_tokens.weight",
            ) => Some("shared.weight"),
            (Self::Bert | Self::Gpt2 | Self::T5 | Self::Bart | Self::Transformer, _) => None,
        }
    }

    /// Whether a parameter of this plain name has a row for each class or label: what another task has of another shape.
    pub(super) fn counts_labels(self, plain: &str) -> bool {
        match self {
            Self::Bert => plain.starts_with("classifier.") || plain.starts_with("qa_outputs."),
            Self::Gpt2 => ["score.", "classifier.", "qa_outputs."].iter().any(|head| plain.starts_with(head)),
            Self::Bart => plain.starts_with("classification_head.out_proj.") || plain.starts_with("qa_outputs."),
            Self::T5 | Self::Transformer => false,
        }
    }

    /// Whether a tensor of this plain name is no weight: a buffer, or what an old version saved and never used.
    pub(super) fn is_buffer(self, plain: &str) -> bool {
        match self {
            Self::Bert => matches!(plain, "embeddings.position_ids" | "embeddings.token_type_ids"),
            Self::Gpt2 => {
                let block = plain.strip_prefix("h.").and_then(|rest| rest.split_once('.'));
                block.is_some_and(|(layer, rest)| {
                    layer.bytes().all(|b| b.is_ascii_digit()) && matches!(rest, "attn.bias" | "attn.masked_bias")
                })
            }
            Self::T5 => plain == "decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight",
            Self::Bart => matches!(plain, "final_logits_bias" | "encoder.version" | "decoder.version"),
            Self::Transformer => false,
        }
    }

    /// The bias that Hugging Face's class has beside `weight` whether the graph has it or not. One of zeros changes
    /// nothing: a model without biases is written with them, and read from them.
    pub(super) fn constant_bias(self, weight: &str) -> Option<String> {
        let stem = weight.strip_suffix(".weight")?;
        let layer = stem.rsplit('.').next()?;
        let biased = self == Self::Gpt2 && (layer.starts_with("c_") || layer.starts_with("ln_"));
        biased.then(|| format!("{stem}.bias"))
    }
}
