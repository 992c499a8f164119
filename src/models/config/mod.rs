//! Configurations, with Hugging Face's keys and defaults.

mod bart;
mod bert;
mod gpt2;
mod limits;
mod macros;
mod options;
mod t5;
mod transformer;
mod value;

pub use bart::BartConfig;
pub use bert::BertConfig;
pub use gpt2::Gpt2Config;
pub use options::{NormPlacement, Options, Position};
pub use t5::{FeedForward, T5Config};
pub use transformer::TransformerConfig;

use serde_json::{Map, Value};

use super::ModelError;

/// Which parameters weight decay applies to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Decay {
    /// Every tensor of rank 2 or more, embeddings too: nanoGPT.
    Matrices,
    /// Weights of matrix products, embeddings not: minGPT.
    Linear,
}

/// Which of its two stacks a model has: the chapter's three modes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Architecture {
    /// Every token sees every other: BERT.
    EncoderOnly,
    /// A decoder that also looks at an encoder: T5, BART, the original Transformer.
    EncoderDecoder,
    /// Every token sees those before it: GPT.
    DecoderOnly,
}

/// A family of models.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Family {
    /// Devlin et al. 2019.
    Bert,
    /// Radford et al. 2019.
    Gpt2,
    /// Raffel et al. 2020.
    T5,
    /// Lewis et al. 2020.
    Bart,
    /// Vaswani et al. 2017.
    Transformer,
}

impl Family {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 5] = [Self::Bert, Self::T5, Self::Bart, Self::Transformer, Self::Gpt2];

    /// Hugging Face's `model_type`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bert => "bert",
            Self::Gpt2 => "gpt2",
            Self::T5 => "t5",
            Self::Bart => "bart",
            Self::Transformer => "transformer",
        }
    }

    /// The family of a `model_type`.
    ///
    /// # Errors
    /// When there is none.
    pub fn named(name: &str) -> Result<Self, ModelError> {
        let known = || Self::ALL.map(Self::name).join(", ");
        Self::ALL
            .into_iter()
            .find(|family| family.name() == name)
            .ok_or_else(|| ModelError::Family { found: name.to_owned(), known: known() })
    }

    /// Which stacks it has.
    #[must_use]
    pub const fn architecture(self) -> Architecture {
        match self {
            Self::Bert => Architecture::EncoderOnly,
            Self::Gpt2 => Architecture::DecoderOnly,
            Self::T5 | Self::Bart | Self::Transformer => Architecture::EncoderDecoder,
        }
    }

    /// Its configuration with Hugging Face's defaults.
    #[must_use]
    pub fn config(self) -> Config {
        match self {
            Self::Bert => Config::Bert(BertConfig::default()),
            Self::Gpt2 => Config::Gpt2(Gpt2Config::default()),
            Self::T5 => Config::T5(T5Config::default()),
            Self::Bart => Config::Bart(BartConfig::default()),
            Self::Transformer => Config::Transformer(TransformerConfig::default()),
        }
    }
}

/// A configuration of any family.
#[derive(Clone, PartialEq, Debug)]
pub enum Config {
    /// BERT.
    Bert(BertConfig),
    /// GPT-2.
    Gpt2(Gpt2Config),
    /// T5.
    T5(T5Config),
    /// BART.
    Bart(BartConfig),
    /// The original Transformer.
    Transformer(TransformerConfig),
}

/// `body` for the configuration inside, whatever family.
macro_rules! each {
    ($config:expr, $inner:ident => $body:expr) => {
        match $config {
            Config::Bert($inner) => $body,
            Config::Gpt2($inner) => $body,
            Config::T5($inner) => $body,
            Config::Bart($inner) => $body,
            Config::Transformer($inner) => $body,
        }
    };
}

impl Config {
    /// The family.
    #[must_use]
    pub const fn family(&self) -> Family {
        match self {
            Self::Bert(_) => Family::Bert,
            Self::Gpt2(_) => Family::Gpt2,
            Self::T5(_) => Family::T5,
            Self::Bart(_) => Family::Bart,
            Self::Transformer(_) => Family::Transformer,
        }
    }

    /// Reads the text of a `config.json`.
    ///
    /// # Errors
    /// When it is no JSON object, a value is of the wrong kind, or the whole describes no model.
    pub fn from_json(text: &str) -> Result<Self, ModelError> {
        let value: Value = serde_json::from_str(text).map_err(|e| ModelError::Syntax(e.to_string()))?;
        let Value::Object(map) = &value else {
            return Err(ModelError::Syntax("the file is no JSON object".to_owned()));
        };
        let family = map.get("model_type").ok_or(ModelError::Missing { key: "model_type" })?;
        Self::from_map(Family::named(family.as_str().unwrap_or("?"))?, map)
    }

    /// Reads the keys of a `config.json` of a family. Keys that the family does not have are ignored, as Hugging Face does.
    ///
    /// # Errors
    /// When a value is of the wrong kind, or the whole describes no model.
    pub fn from_map(family: Family, map: &Map<String, Value>) -> Result<Self, ModelError> {
        let mut config = family.config();
        let extensions = map.get("trainyard").and_then(Value::as_object);
        for (key, value) in map.iter().chain(extensions.into_iter().flatten()) {
            config.set(key, value)?;
        }
        config.check()?;
        Ok(config)
    }

    /// Sets one key by its Hugging Face name, or an option by ours; returns whether the family has it.
    ///
    /// # Errors
    /// When the value is of the wrong kind.
    pub fn set(&mut self, key: &str, value: &Value) -> Result<bool, ModelError> {
        each!(self, c => c.set(key, value))
    }

    /// The value of a key; null where the family has none of this name.
    #[must_use]
    pub fn get(&self, key: &str) -> Value {
        each!(self, c => c.get(key))
    }

    /// Checks what concerns more than one key.
    ///
    /// # Errors
    /// When the whole describes no model.
    pub fn check(&self) -> Result<(), ModelError> {
        each!(self, c => c.check())
    }

    /// The keys of a `config.json`, less what the head adds.
    #[must_use]
    pub fn to_map(&self) -> Map<String, Value> {
        each!(self, c => c.to_map())
    }

    /// Rows of the token embedding; of two the target's, which is what is predicted.
    #[must_use]
    pub fn vocabulary(&self) -> usize {
        match self {
            Self::Transformer(c) => c.target_vocabulary(),
            Self::Bert(c) => c.vocab_size,
            Self::Gpt2(c) => c.vocab_size,
            Self::T5(c) => c.vocab_size,
            Self::Bart(c) => c.vocab_size,
        }
    }

    /// Sets the rows of the token embedding.
    pub fn set_vocabulary(&mut self, rows: usize) {
        each!(self, c => c.vocab_size = rows);
    }

    /// The longest text, where there is a limit.
    #[must_use]
    pub fn positions(&self) -> Option<usize> {
        match self {
            Self::Bert(c) => Some(c.max_position_embeddings),
            Self::Gpt2(c) => Some(c.n_positions),
            Self::T5(_) => None,
            Self::Bart(c) => Some(c.max_position_embeddings),
            Self::Transformer(c) => Some(c.max_position_embeddings),
        }
    }

    /// Sets the longest text, where there is a limit.
    pub fn set_positions(&mut self, positions: usize) {
        match self {
            Self::Bert(c) => c.max_position_embeddings = positions,
            Self::Gpt2(c) => c.n_positions = positions,
            Self::T5(_) => {}
            Self::Bart(c) => c.max_position_embeddings = positions,
            Self::Transformer(c) => c.max_position_embeddings = positions,
        }
    }

    /// Width d.
    #[must_use]
    pub const fn width(&self) -> usize {
        match self {
            Self::Bert(c) => c.hidden_size,
            Self::Gpt2(c) => c.n_embd,
            Self::T5(c) => c.d_model,
            Self::Bart(c) => c.d_model,
            Self::Transformer(c) => c.d_model,
        }
    }

    /// Layers and heads of the encoder, if there is one.
    #[must_use]
    pub const fn encoder(&self) -> Option<[usize; 2]> {
        match self {
            Self::Bert(c) => Some([c.num_hidden_layers, c.num_attention_heads]),
            Self::Gpt2(_) => None,
            Self::T5(c) => Some([c.num_layers, c.num_heads]),
            Self::Bart(c) => Some([c.encoder_layers, c.encoder_attention_heads]),
            Self::Transformer(c) => Some([c.encoder_layers, c.num_heads]),
        }
    }

    /// Layers and heads of the decoder, if there is one.
    #[must_use]
    pub fn decoder(&self) -> Option<[usize; 2]> {
        match self {
            Self::Bert(_) => None,
            Self::Gpt2(c) => Some([c.n_layer, c.n_head]),
            Self::T5(c) => Some([c.decoder_layers(), c.num_heads]),
            Self::Bart(c) => Some([c.decoder_layers, c.decoder_attention_heads]),
            Self::Transformer(c) => Some([c.decoder_layers, c.num_heads]),
        }
    }

    /// What a decoder starts with: the prompt's own first token in a decoder-only model.
    #[must_use]
    pub fn decoder_start(&self) -> Option<u32> {
        match self {
            Self::Bert(_) | Self::Gpt2(_) => None,
            Self::T5(c) => Some(c.decoder_start_token_id.unwrap_or(c.pad_token_id)),
            Self::Bart(c) => Some(c.decoder_start_token_id.unwrap_or(c.eos_token_id)),
            Self::Transformer(c) => Some(c.bos_token_id),
        }
    }

    /// Last token of a text.
    #[must_use]
    pub const fn eos(&self) -> Option<u32> {
        match self {
            Self::Bert(_) => None,
            Self::Gpt2(c) => c.eos_token_id,
            Self::T5(c) => Some(c.eos_token_id),
            Self::Bart(c) => Some(c.eos_token_id),
            Self::Transformer(c) => Some(c.eos_token_id),
        }
    }

    /// First token of a text.
    #[must_use]
    pub const fn bos(&self) -> Option<u32> {
        match self {
            Self::Bert(_) | Self::T5(_) => None,
            Self::Gpt2(c) => c.bos_token_id,
            Self::Bart(c) => Some(c.bos_token_id),
            Self::Transformer(c) => Some(c.bos_token_id),
        }
    }

    /// What a generation ends with when it reaches its limit.
    #[must_use]
    pub const fn forced_eos(&self) -> Option<u32> {
        match self {
            Self::Bart(c) => c.forced_eos_token_id,
            Self::Bert(_) | Self::Gpt2(_) | Self::T5(_) | Self::Transformer(_) => None,
        }
    }

    /// Padding token.
    #[must_use]
    pub const fn pad(&self) -> Option<u32> {
        match self {
            Self::Bert(c) => c.pad_token_id,
            Self::Gpt2(c) => c.pad_token_id,
            Self::T5(c) => Some(c.pad_token_id),
            Self::Bart(c) => Some(c.pad_token_id),
            Self::Transformer(c) => Some(c.pad_token_id),
        }
    }

    /// The dropout on the branches of the residual stream.
    #[must_use]
    pub fn dropout(&self) -> Value {
        let key = match self {
            Self::Bert(_) => "hidden_dropout_prob",
            Self::Gpt2(_) => "resid_pdrop",
            Self::T5(_) => "dropout_rate",
            Self::Bart(_) | Self::Transformer(_) => "dropout",
        };
        self.get(key)
    }

    /// Sets every dropout of a training step that the family has a key for, attention's included.
    ///
    /// # Errors
    /// When it is no probability.
    pub fn set_dropout(&mut self, value: &Value) -> Result<(), ModelError> {
        let keys: &[&str] = match self {
            Self::Bert(_) => &["hidden_dropout_prob", "attention_probs_dropout_prob"],
            Self::Gpt2(_) => &["resid_pdrop", "embd_pdrop", "attn_pdrop"],
            Self::T5(_) => &["dropout_rate"],
            Self::Bart(_) => &["dropout", "attention_dropout"],
            Self::Transformer(_) => &["dropout"],
        };
        for key in keys {
            self.set(key, value)?;
        }
        Ok(())
    }
}
