//! Values of `config.json`: how each kind is read and written.

use serde_json::{Value, json};

use crate::ir::{Activation, NormKind};
use crate::models::{ModelError, NormPlacement, Position};

/// A kind of value. What is written reads back as the same.
pub(super) trait Setting: Sized {
    /// Reads the value of `key`.
    fn read(key: &str, value: &Value) -> Result<Self, ModelError>;
    /// The value in JSON.
    fn write(&self) -> Value;
}

/// The complaint about a value.
pub(super) fn wrong(key: &str, value: &Value, expected: &str) -> ModelError {
    let mut found = value.to_string();
    if found.len() > 60 {
        found = format!("{}…", found.chars().take(60).collect::<String>());
    }
    ModelError::Value { key: key.to_owned(), found, expected: expected.to_owned() }
}

/// A size.
impl Setting for usize {
    fn read(key: &str, value: &Value) -> Result<Self, ModelError> {
        let number = value.as_u64().filter(|&n| n >= 1 && n <= u64::from(u32::MAX));
        number.map(|n| n as Self).ok_or_else(|| wrong(key, value, "a whole number from 1 to 4294967295"))
    }

    fn write(&self) -> Value {
        json!(self)
    }
}

/// A size that follows from others when it is null.
impl Setting for Option<usize> {
    fn read(key: &str, value: &Value) -> Result<Self, ModelError> {
        if value.is_null() { Ok(None) } else { usize::read(key, value).map(Some) }
    }

    fn write(&self) -> Value {
        json!(self)
    }
}

/// A token.
impl Setting for u32 {
    fn read(key: &str, value: &Value) -> Result<Self, ModelError> {
        let id = value.as_u64().and_then(|n| Self::try_from(n).ok());
        id.ok_or_else(|| wrong(key, value, "a token id"))
    }

    fn write(&self) -> Value {
        json!(self)
    }
}

/// A token that there may be.
impl Setting for Option<u32> {
    fn read(key: &str, value: &Value) -> Result<Self, ModelError> {
        if value.is_null() {
            return Ok(None);
        }
        let id = value.as_u64().and_then(|n| u32::try_from(n).ok());
        id.map(Some).ok_or_else(|| wrong(key, value, "a token id or null"))
    }

    fn write(&self) -> Value {
        json!(self)
    }
}

/// A probability of dropout.
impl Setting for f32 {
    fn read(key: &str, value: &Value) -> Result<Self, ModelError> {
        let p = value.as_f64().filter(|p| (0.0..1.0).contains(p));
        p.map(|p| p as Self).ok_or_else(|| wrong(key, value, "a probability from 0 up to, not including, 1"))
    }

    /// The shortest decimal that reads back as this f32: 0.1, not 0.10000000149.
    fn write(&self) -> Value {
        self.to_string().parse::<f64>().map_or(Value::Null, |v| json!(v))
    }
}

/// A probability that follows from another when it is null.
impl Setting for Option<f32> {
    fn read(key: &str, value: &Value) -> Result<Self, ModelError> {
        if value.is_null() { Ok(None) } else { f32::read(key, value).map(Some) }
    }

    fn write(&self) -> Value {
        self.as_ref().map_or(Value::Null, Setting::write)
    }
}

/// A positive number.
impl Setting for f64 {
    fn read(key: &str, value: &Value) -> Result<Self, ModelError> {
        value.as_f64().filter(|&v| v > 0.0 && v.is_finite()).ok_or_else(|| wrong(key, value, "a positive number"))
    }

    fn write(&self) -> Value {
        json!(self)
    }
}

impl Setting for bool {
    fn read(key: &str, value: &Value) -> Result<Self, ModelError> {
        value.as_bool().ok_or_else(|| wrong(key, value, "true or false"))
    }

    fn write(&self) -> Value {
        json!(self)
    }
}

/// A value that is one of several names; the first name of each is the one that is written.
macro_rules! names {
    ($ty:ty, $expected:literal, { $($first:literal $(| $other:literal)* => $value:expr),+ $(,)? }) => {
        impl Setting for $ty {
            fn read(key: &str, value: &Value) -> Result<Self, ModelError> {
                match value.as_str() {
                    $(Some($first $(| $other)*) => Ok($value),)+
                    Some(_) | None => Err(wrong(key, value, $expected)),
                }
            }

            fn write(&self) -> Value {
                [$(($value, $first)),+].into_iter().find(|(v, _)| v == self).map_or(Value::Null, |(_, name)| json!(name))
            }
        }
    };
}

names!(Activation, "one of \"gelu_new\", \"gelu\", \"relu\", \"silu\", \"tanh\"", {
    "gelu_new" | "gelu_pytorch_tanh" => Activation::GeluTanh,
    "gelu" => Activation::GeluErf,
    "relu" => Activation::Relu,
    "silu" | "swish" => Activation::Silu,
    "tanh" => Activation::Tanh,
});
names!(NormPlacement, "\"pre\" or \"post\"", { "pre" => NormPlacement::Pre, "post" => NormPlacement::Post });
names!(NormKind, "\"layer\" or \"rms\"", { "layer" => NormKind::Layer, "rms" => NormKind::Rms });
names!(Position, "one of \"learned\", \"sinusoidal\", \"rotary\", \"alibi\", \"none\"", {
    "learned" => Position::Learned,
    "sinusoidal" => Position::Sinusoidal,
    "rotary" => Position::Rotary,
    "alibi" => Position::Alibi,
    "none" => Position::None,
});
