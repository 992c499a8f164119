//! A run that starts from a checkpoint of the visitor's: files that were dropped, or that lie under a URL.
//!
//! The page gives an object `{ open(name) }`, which resolves to a file `{ size, read(offset, length) }` or to nothing;
//! `read` resolves to a `Uint8Array` of just that length. Only what is asked for is read, a piece at a time, so that no
//! file is ever in memory as a whole. The page counts the bytes, and cancels by throwing: what it throws comes out of
//! [`Engine::load`] as it is.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;

use js_sys::{Array, Function, Object, Promise, Reflect, Uint8Array};
use serde_json::json;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::Engine;
use super::convert::{Failure, to_js};
use super::engine::{RunConfig, compiling};
use crate::models::Model;
use crate::text::Tokenizer;
use crate::train::checkpoint::{CONFIG, Directory, Source, Strictness, TOKENIZER, Weights};
use crate::train::{DeviceChoice, Preset, Session, TrainError};

/// Bytes of the files that are read whole.
const MAX_CONFIG: u64 = 1 << 20;
const MAX_TOKENIZER: u64 = 64 << 20;

/// What the page threw, kept beside the error that stands for it.
type Thrown = Rc<RefCell<Option<JsValue>>>;

/// Files of the page's by name.
struct PageFiles {
    object: Object,
    thrown: Thrown,
}

/// One of them.
struct PageFile {
    object: JsValue,
    size: u64,
    thrown: Thrown,
}

/// Calls a method that returns a promise, or a value.
async fn call(object: &JsValue, method: &str, arguments: &[JsValue], thrown: &Thrown) -> io::Result<JsValue> {
    let called = async {
        let method: Function = Reflect::get(object, &method.into())?.dyn_into()?;
        let answer = method.apply(object, &arguments.iter().collect::<Array>())?;
        match answer.dyn_into::<Promise>() {
            Ok(promise) => JsFuture::from(promise).await,
            Err(answer) => Ok(answer),
        }
    };
    called.await.map_err(|error| {
        thrown.replace(Some(error));
        io::Error::other("the page could not read it")
    })
}

impl Directory for PageFiles {
    type Source = PageFile;

    async fn open(&self, name: &str) -> io::Result<Option<PageFile>> {
        let object = call(&self.object, "open", &[name.into()], &self.thrown).await?;
        if object.is_null() || object.is_undefined() {
            return Ok(None);
        }
        let size = Reflect::get(&object, &"size".into()).ok().and_then(|size| size.as_f64());
        let size = size.filter(|size| *size >= 0.0).ok_or_else(|| io::Error::other("its size is not known"))?;
        Ok(Some(PageFile { object, size: size as u64, thrown: Rc::clone(&self.thrown) }))
    }
}

impl Source for PageFile {
    fn size(&self) -> u64 {
        self.size
    }

    async fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        let arguments = [JsValue::from(offset as f64), JsValue::from(into.len() as f64)];
        let bytes = call(&self.object, "read", &arguments, &self.thrown).await?;
        let bytes = bytes.dyn_into::<Uint8Array>().map_err(|_| io::Error::other("the page gave no bytes"))?;
        if bytes.length() as usize != into.len() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        bytes.copy_to(into);
        Ok(())
    }
}

impl PageFiles {
    /// The whole of a small file.
    async fn read(&self, name: &'static str, limit: u64) -> Result<Vec<u8>, TrainError> {
        let fault = |what: String| TrainError::Checkpoint { name, what };
        let file = self.open(name).await.map_err(|error| fault(error.to_string()))?;
        let file = file.ok_or(TrainError::MissingFile { name })?;
        if file.size > limit {
            return Err(fault(format!("{} bytes; at most {limit} are read", file.size)));
        }
        let mut bytes = vec![0; file.size as usize];
        file.read_at(0, &mut bytes).await.map_err(|error| fault(error.to_string()))?;
        Ok(bytes)
    }
}

#[wasm_bindgen]
impl Engine {
    /// Sets a run up as [`Self::configure`] does, with the model and the tokenizer of a checkpoint. Returned is
    /// `{ info, report: { sentence, loaded, missing, unexpected, ignored, cast, parameters } }`; an earlier run stays as
    /// it is until the new one is loaded.
    ///
    /// # Errors
    /// When files, settings, text and device do not fit, or with what `files` throws.
    pub async fn load(
        &mut self,
        config: JsValue,
        text: Option<Uint8Array>,
        progress: Function,
        files: Object,
    ) -> Result<JsValue, JsValue> {
        let config = RunConfig::read(config)?;
        let thrown = Thrown::default();
        let files = PageFiles { object: files, thrown: Rc::clone(&thrown) };
        let loaded = self.open_run(&config, text.map(|text| text.to_vec()), &progress, &files).await;
        let (session, report) =
            loaded.map_err(|error| thrown.take().unwrap_or_else(|| JsValue::from(Failure::from(error))))?;
        let answer = json!({ "info": session.info(), "report": report });
        self.session = Some(session);
        to_js(&answer)
    }
}

impl Engine {
    async fn open_run(
        &self,
        config: &RunConfig,
        text: Option<Vec<u8>>,
        progress: &Function,
        files: &PageFiles,
    ) -> Result<(Session, serde_json::Value), TrainError> {
        let preset = Preset::find(&config.preset)?;
        let mut settings = preset.settings()?;
        settings.apply(config.settings.iter().map(|(key, value)| (key.as_str(), value)))?;
        let found = Model::from_json(&String::from_utf8_lossy(&files.read(CONFIG, MAX_CONFIG).await?))?;
        settings.start_from(&found)?;
        let tokenizer = Tokenizer::from_json(&files.read(TOKENIZER, MAX_TOKENIZER).await?)?;
        let weights = Weights::open(files).await?;
        let name = config.text_name.as_deref().unwrap_or("text");
        let data = preset.dataset_from(&settings, tokenizer, text.as_deref().map(|bytes| (name, bytes)))?;
        let device = self.device.clone().map_or(DeviceChoice::Cpu, DeviceChoice::Open);
        let mut session = Session::new(settings, data, config.seed, device, &mut compiling(progress)).await?;
        let report = session.start_from(&weights, Strictness::Partial).await?;
        let count = |model: &Model| model.parameters().map_err(TrainError::from);
        let report = json!({
            "sentence": report.to_string(),
            "loaded": report.loaded.len(),
            "missing": report.missing,
            "unexpected": report.unexpected,
            "ignored": report.ignored,
            "cast": report.cast.len(),
            "parameters": { "checkpoint": count(&found)?, "run": count(&session.settings().model)? },
        });
        Ok((session, report))
    }
}
