use serde_json::{Map, Value, json};

use super::ModelError;
use crate::ir::Activation;

/// Where a block normalizes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NormPlacement {
    /// Before each sublayer, and once at the end: GPT-2.
    Pre,
    /// After each residual sum, and not at the end: GPT-1 and the original Transformer.
    Post,
}

/// Which parameters weight decay applies to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Decay {
    /// Every tensor of rank 2 or more, embeddings too: nanoGPT.
    Matrices,
    /// Weights of matrix products, embeddings not: minGPT.
    Linear,
}

/// GPT-2 as Hugging Face's `GPT2Config` describes it, with its defaults, and our extensions.
#[derive(Clone, PartialEq, Debug)]
pub struct Gpt2Config {
    /// Rows of the token embedding V.
    pub vocab_size: usize,
    /// Rows of the position embedding P.
    pub n_positions: usize,
    /// Width d.
    pub n_embd: usize,
    /// Blocks L.
    pub n_layer: usize,
    /// Heads H.
    pub n_head: usize,
    /// Width of the feed-forward layer; `None` is 4 d.
    pub n_inner: Option<usize>,
    /// Nonlinearity of the feed-forward layer.
    pub activation: Activation,
    /// Dropout on both projections into the residual stream.
    pub resid_pdrop: f32,
    /// Dropout on the embeddings.
    pub embd_pdrop: f32,
    /// Dropout on attention probabilities.
    pub attn_pdrop: f32,
    /// ε of the norms.
    pub layer_norm_epsilon: f64,
    /// Standard deviation of initial weights.
    pub initializer_range: f64,
    /// Whether scores are divided by √(d/H).
    pub scale_attn_weights: bool,
    /// Whether scores of layer i are divided by i + 1 as well.
    pub scale_attn_by_inverse_layer_idx: bool,
    /// Whether the output projection is the token embedding.
    pub tie_word_embeddings: bool,
    /// First token of a text, if the tokenizer has one.
    pub bos_token_id: Option<u32>,
    /// Last token of a text, if the tokenizer has one.
    pub eos_token_id: Option<u32>,
    /// Padding token, if the tokenizer has one.
    pub pad_token_id: Option<u32>,
    /// Whether projections and norms have biases. An extension: `trainyard.bias`.
    pub bias: bool,
    /// Where a block normalizes. An extension: `trainyard.norm`.
    pub norm: NormPlacement,
}

impl Default for Gpt2Config {
    fn default() -> Self {
        Self {
            vocab_size: 50_257,
            n_positions: 1024,
            n_embd: 768,
            n_layer: 12,
            n_head: 12,
            n_inner: None,
            activation: Activation::GeluTanh,
            resid_pdrop: 0.1,
            embd_pdrop: 0.1,
            attn_pdrop: 0.1,
            layer_norm_epsilon: 1e-5,
            initializer_range: 0.02,
            scale_attn_weights: true,
            scale_attn_by_inverse_layer_idx: false,
            tie_word_embeddings: true,
            bos_token_id: Some(50_256),
            eos_token_id: Some(50_256),
            pad_token_id: None,
            bias: true,
            norm: NormPlacement::Pre,
        }
    }
}

/// Limits beyond which a configuration is refused before any arithmetic with it.
const MAX_PARAMETERS: u64 = 2_000_000_000;
const MAX_POSITIONS: u64 = 65_536;
const MAX_LAYERS: u64 = 256;
const MAX_WIDTH: u64 = 65_536;
const MAX_VOCABULARY: u64 = 2_000_000;

impl Gpt2Config {
    /// Reads `config.json`. Keys that GPT-2 does not have are ignored, as Hugging Face does.
    ///
    /// # Errors
    /// When a value is of the wrong kind, or the whole describes no model.
    pub fn from_json(text: &str) -> Result<Self, ModelError> {
        let value: Value = serde_json::from_str(text).map_err(|e| ModelError::Syntax(e.to_string()))?;
        let Value::Object(map) = &value else {
            return Err(ModelError::Syntax("the file is no JSON object".to_owned()));
        };
        Self::from_map(map)
    }

    /// Reads the keys of a `config.json`.
    ///
    /// # Errors
    /// As [`Self::from_json`].
    pub fn from_map(map: &Map<String, Value>) -> Result<Self, ModelError> {
        if let Some(family) = map.get("model_type").filter(|v| v.as_str() != Some("gpt2")) {
            return Err(ModelError::Family { found: family.as_str().unwrap_or("?").to_owned() });
        }
        let mut config = Self::default();
        for (key, value) in map {
            config.set(key, value)?;
        }
        if let Some(Value::Object(extensions)) = map.get("trainyard") {
            for (key, value) in extensions {
                config.set(key, value)?;
            }
        }
        config.check()?;
        Ok(config)
    }

    /// Sets one key by its Hugging Face name (or `bias`, `norm`); returns whether GPT-2 has it.
    ///
    /// # Errors
    /// When the value is of the wrong kind.
    pub fn set(&mut self, key: &str, value: &Value) -> Result<bool, ModelError> {
        match key {
            "vocab_size" => self.vocab_size = size(key, value)?,
            "n_positions" => self.n_positions = size(key, value)?,
            "n_embd" => self.n_embd = size(key, value)?,
            "n_layer" => self.n_layer = size(key, value)?,
            "n_head" => self.n_head = size(key, value)?,
            "n_inner" => self.n_inner = if value.is_null() { None } else { Some(size(key, value)?) },
            "activation_function" => self.activation = activation(key, value)?,
            "resid_pdrop" => self.resid_pdrop = probability(key, value)?,
            "embd_pdrop" => self.embd_pdrop = probability(key, value)?,
            "attn_pdrop" => self.attn_pdrop = probability(key, value)?,
            "layer_norm_epsilon" => self.layer_norm_epsilon = positive(key, value)?,
            "initializer_range" => self.initializer_range = positive(key, value)?,
            "scale_attn_weights" => self.scale_attn_weights = flag(key, value)?,
            "scale_attn_by_inverse_layer_idx" => self.scale_attn_by_inverse_layer_idx = flag(key, value)?,
            "tie_word_embeddings" => self.tie_word_embeddings = flag(key, value)?,
            "bos_token_id" => self.bos_token_id = token(key, value)?,
            "eos_token_id" => self.eos_token_id = token(key, value)?,
            "pad_token_id" => self.pad_token_id = token(key, value)?,
            "bias" => self.bias = flag(key, value)?,
            "norm" => {
                self.norm = match value.as_str() {
                    Some("pre") => NormPlacement::Pre,
                    Some("post") => NormPlacement::Post,
                    Some(_) | None => return Err(wrong(key, value, "\"pre\" or \"post\"")),
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Width of the feed-forward layer.
    #[must_use]
    pub fn inner(&self) -> usize {
        self.n_inner.unwrap_or(4 * self.n_embd)
    }

    /// Columns of a head.
    #[must_use]
    pub fn head_dim(&self) -> usize {
        self.n_embd / self.n_head
    }

    /// Checks what concerns more than one key.
    ///
    /// # Errors
    /// When heads do not divide the width, or something exceeds its limit.
    pub fn check(&self) -> Result<(), ModelError> {
        let limit = |what, found: usize, limit| {
            if found as u64 > limit { Err(ModelError::Limit { what, found: found as u64, limit }) } else { Ok(()) }
        };
        limit("n_layer", self.n_layer, MAX_LAYERS)?;
        limit("n_positions", self.n_positions, MAX_POSITIONS)?;
        limit("n_embd", self.n_embd, MAX_WIDTH)?;
        limit("n_inner", self.inner(), 4 * MAX_WIDTH)?;
        limit("vocab_size", self.vocab_size, MAX_VOCABULARY)?;
        if !self.n_embd.is_multiple_of(self.n_head) {
            return Err(ModelError::Heads { heads: self.n_head, width: self.n_embd });
        }
        let parameters = self.parameters();
        if parameters > MAX_PARAMETERS {
            return Err(ModelError::Limit {
                what: "the number of parameters",
                found: parameters,
                limit: MAX_PARAMETERS,
            });
        }
        Ok(())
    }

    /// Number of trainable elements, tied ones once.
    #[must_use]
    pub fn parameters(&self) -> u64 {
        let [v, p, d, f, l] =
            [self.vocab_size, self.n_positions, self.n_embd, self.inner(), self.n_layer].map(|n| n as u64);
        let bias = u64::from(self.bias);
        let norm = d * (1 + bias);
        let block = 4 * d * d + 2 * d * f + bias * (4 * d + f + d) + 2 * norm;
        let last = if self.norm == NormPlacement::Pre { norm } else { 0 };
        let head = if self.tie_word_embeddings { 0 } else { v * d };
        v * d + p * d + l * block + last + head
    }

    /// The `config.json` that Hugging Face reads.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut json = json!({
            "architectures": ["GPT2LMHeadModel"],
            "model_type": "gpt2",
            "vocab_size": self.vocab_size,
            "n_positions": self.n_positions,
            "n_embd": self.n_embd,
            "n_layer": self.n_layer,
            "n_head": self.n_head,
            "n_inner": self.n_inner,
            "activation_function": match self.activation {
                Activation::GeluTanh => "gelu_new",
                Activation::GeluErf => "gelu",
                Activation::Relu => "relu",
                Activation::Silu => "silu",
                Activation::Tanh => "tanh",
            },
            "resid_pdrop": decimal(self.resid_pdrop),
            "embd_pdrop": decimal(self.embd_pdrop),
            "attn_pdrop": decimal(self.attn_pdrop),
            "layer_norm_epsilon": self.layer_norm_epsilon,
            "initializer_range": self.initializer_range,
            "scale_attn_weights": self.scale_attn_weights,
            "scale_attn_by_inverse_layer_idx": self.scale_attn_by_inverse_layer_idx,
            "tie_word_embeddings": self.tie_word_embeddings,
            "bos_token_id": self.bos_token_id,
            "eos_token_id": self.eos_token_id,
            "pad_token_id": self.pad_token_id,
        });
        let norm = match self.norm {
            NormPlacement::Pre => "pre",
            NormPlacement::Post => "post",
        };
        if !self.bias || self.norm == NormPlacement::Post {
            json["trainyard"] = json!({ "bias": self.bias, "norm": norm });
        }
        json
    }
}

/// The shortest decimal that reads back as this f32, as a JSON number: 0.1, not 0.10000000149.
fn decimal(value: f32) -> Value {
    value.to_string().parse::<f64>().map_or(Value::Null, |v| json!(v))
}

fn wrong(key: &str, value: &Value, expected: &str) -> ModelError {
    let mut found = value.to_string();
    if found.len() > 60 {
        found = format!("{}…", found.chars().take(60).collect::<String>());
    }
    ModelError::Value { key: key.to_owned(), found, expected: expected.to_owned() }
}

fn size(key: &str, value: &Value) -> Result<usize, ModelError> {
    let expected = "a whole number from 1 to 4294967295";
    let number = value.as_u64().filter(|&n| n >= 1 && n <= u64::from(u32::MAX));
    number.map(|n| n as usize).ok_or_else(|| wrong(key, value, expected))
}

fn token(key: &str, value: &Value) -> Result<Option<u32>, ModelError> {
    if value.is_null() {
        return Ok(None);
    }
    let id = value.as_u64().and_then(|n| u32::try_from(n).ok());
    id.map(Some).ok_or_else(|| wrong(key, value, "a token id or null"))
}

fn probability(key: &str, value: &Value) -> Result<f32, ModelError> {
    let p = value.as_f64().filter(|p| (0.0..1.0).contains(p));
    p.map(|p| p as f32).ok_or_else(|| wrong(key, value, "a probability from 0 up to, not including, 1"))
}

fn positive(key: &str, value: &Value) -> Result<f64, ModelError> {
    value.as_f64().filter(|&v| v > 0.0 && v.is_finite()).ok_or_else(|| wrong(key, value, "a positive number"))
}

fn flag(key: &str, value: &Value) -> Result<bool, ModelError> {
    value.as_bool().ok_or_else(|| wrong(key, value, "true or false"))
}

fn activation(key: &str, value: &Value) -> Result<Activation, ModelError> {
    Ok(match value.as_str() {
        Some("gelu_new" | "gelu_pytorch_tanh") => Activation::GeluTanh,
        Some("gelu") => Activation::GeluErf,
        Some("relu") => Activation::Relu,
        Some("silu" | "swish") => Activation::Silu,
        Some("tanh") => Activation::Tanh,
        Some(_) | None => {
            return Err(wrong(key, value, "one of \"gelu_new\", \"gelu\", \"relu\", \"silu\""));
        }
    })
}
