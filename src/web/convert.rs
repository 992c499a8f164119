//! Values and errors on their way to JavaScript.

use serde::Serialize;
use wasm_bindgen::prelude::*;

use crate::train::{GpuError, SettingError, TrainError};

/// A plain object, maps included.
pub(super) fn to_js(value: &impl Serialize) -> Result<JsValue, JsValue> {
    let serializer = serde_wasm_bindgen::Serializer::json_compatible();
    value.serialize(&serializer).map_err(|e| Failure::new("conversion", &e.to_string()).into())
}

/// An error as the page sees it.
pub(super) struct Failure {
    code: String,
    message: String,
    suggestion: Option<&'static str>,
}

impl Failure {
    pub fn new(code: &str, message: &str) -> Self {
        let code = match code {
            "lost" => "device_lost".to_owned(),
            "device" => "device_failed".to_owned(),
            other => other.replace('-', "_"),
        };
        Self { code, message: message.to_owned(), suggestion: None }
    }
}

impl From<TrainError> for Failure {
    fn from(error: TrainError) -> Self {
        let suggestion = match &error {
            TrainError::Gpu(GpuError::Limit { .. } | GpuError::OutOfMemory { .. }) => {
                Some("Halve the batch size, shorten the context, or choose a smaller model.")
            }
            _ => None,
        };
        Self { suggestion, ..Self::new(error.code(), &error.to_string()) }
    }
}

impl From<GpuError> for Failure {
    fn from(error: GpuError) -> Self {
        TrainError::from(error).into()
    }
}

impl From<SettingError> for Failure {
    fn from(error: SettingError) -> Self {
        TrainError::from(error).into()
    }
}

impl From<Failure> for JsValue {
    fn from(failure: Failure) -> Self {
        let error = js_sys::Error::new(&failure.message);
        // Setting a property of a fresh object cannot fail.
        let _ = js_sys::Reflect::set(&error, &"code".into(), &failure.code.into());
        if let Some(suggestion) = failure.suggestion {
            let _ = js_sys::Reflect::set(&error, &"suggestion".into(), &suggestion.into());
        }
        error.into()
    }
}
