use js_sys::{Array, Float32Array, Function, Object, Promise, Reflect, Uint8Array};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::convert::{Failure, to_js};
use crate::data::TokenizerChoice;
use crate::text::Tokenizer;
use crate::train::decode::{Beams, Rules, Sampling, Strategy};
use crate::train::{Device, DeviceChoice, Generated, Generation, Preset, Session, StepMetrics, TrainError, stop_token};

/// A run to set up: a preset, what differs from it, a seed.
#[derive(Deserialize)]
pub(super) struct RunConfig {
    pub preset: String,
    #[serde(default)]
    pub settings: Map<String, Value>,
    pub seed: u32,
    #[serde(default)]
    pub text_name: Option<String>,
}

impl RunConfig {
    pub fn read(config: JsValue) -> Result<Self, Failure> {
        serde_wasm_bindgen::from_value(config)
            .map_err(|e| Failure::new("setting", &format!("the run's configuration: {e}")))
    }
}

/// Passes on how far compiling is: done, total, name.
pub(super) fn compiling(progress: &Function) -> impl FnMut(usize, usize, &str) {
    |done, total, label| {
        // What the page does with the progress cannot stop the run.
        let _ = progress.call3(&JsValue::NULL, &done.into(), &total.into(), &label.into());
    }
}

/// A text to continue, or to answer. What is not given stays at what changes nothing.
#[derive(Deserialize)]
struct GenerateRequest {
    prompt: String,
    max_new: usize,
    temperature: f32,
    top_k: usize,
    seed: u32,
    #[serde(default = "one")]
    top_p: f32,
    #[serde(default = "one")]
    repetition_penalty: f32,
    #[serde(default)]
    min_new: usize,
    /// More than one searches instead of drawing.
    #[serde(default)]
    beams: usize,
    #[serde(default = "one")]
    length_penalty: f32,
    /// Tokens that end the text, beside the model's own.
    #[serde(default)]
    stop: Vec<String>,
}

const fn one() -> f32 {
    1.0
}

impl GenerateRequest {
    fn strategy(&self) -> Strategy {
        let &Self { temperature, top_k, top_p, seed, beams, length_penalty, .. } = self;
        match beams {
            0 | 1 => Strategy::Sample(Sampling { temperature, top_k, top_p, seed }),
            count => Strategy::Beam(Beams { count, length_penalty: f64::from(length_penalty) }),
        }
    }

    fn rules(&self, session: &Session) -> Result<Rules, TrainError> {
        let mut rules = Rules::of(&session.settings().model, self.max_new);
        rules.min_new = self.min_new;
        rules.repetition_penalty = f64::from(self.repetition_penalty);
        for text in &self.stop {
            rules.ends.push(stop_token(session.data().tokenizer(), text)?);
        }
        Ok(rules)
    }
}

/// A text continued.
#[derive(Serialize)]
struct Written {
    prompt: String,
    text: String,
    /// `stop`, `limit`, `full` or `cancelled`.
    ended: &'static str,
    /// Only where there is a right answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    correct: Option<bool>,
}

/// A device and the run on it.
#[wasm_bindgen]
pub struct Engine {
    pub(super) device: Option<Device>,
    pub(super) session: Option<Session>,
}

#[wasm_bindgen]
impl Engine {
    /// Opens the visitor's GPU (`"gpu"`), or makes an engine that interprets (`"cpu"`).
    ///
    /// # Errors
    /// When there is no WebGPU, no adapter, or it does not open.
    pub async fn create(device: String) -> Result<Engine, JsValue> {
        let device = match device.as_str() {
            "gpu" => DeviceChoice::Gpu(None).open().await.map_err(Failure::from)?,
            "cpu" => None,
            other => return Err(Failure::new("setting", &format!("unknown device {other:?}; known: gpu, cpu")).into()),
        };
        Ok(Self { device, session: None })
    }

    /// What the device is and can do.
    ///
    /// # Errors
    /// Never.
    pub fn caps(&self) -> Result<JsValue, JsValue> {
        let caps = match &self.device {
            Some(device) => {
                let adapter = device.adapter();
                let features: &[&str] = if adapter.timestamps { &["timestamp-query"] } else { &[] };
                json!({
                    "device": "gpu",
                    "adapter": adapter.name,
                    "software": device.adapter().is_software(),
                    "max_buffer_bytes": adapter.limits.buffer_bytes,
                    "features": features,
                })
            }
            None => json!({
                "device": "cpu", "adapter": "CPU interpreter", "software": true, "max_buffer_bytes": 0, "features": [],
            }),
        };
        to_js(&caps)
    }

    /// Sets a run up: on a text if one is given, read with a `tokenizer.json` if one is given. An earlier run stays as it
    /// is until the new one stands.
    ///
    /// # Errors
    /// When settings, text and device do not fit.
    pub async fn configure(
        &mut self,
        config: JsValue,
        text: Option<Uint8Array>,
        progress: Function,
        tokenizer: Option<Uint8Array>,
    ) -> Result<JsValue, JsValue> {
        let config = RunConfig::read(config)?;
        let preset = Preset::find(&config.preset).map_err(Failure::from)?;
        let mut settings = preset.settings().map_err(Failure::from)?;
        settings.apply(config.settings.iter().map(|(key, value)| (key.as_str(), value))).map_err(Failure::from)?;
        let bytes = text.map(|t| t.to_vec());
        let name = config.text_name.as_deref().unwrap_or("text");
        let tokenizer = match tokenizer {
            Some(json) => TokenizerChoice::Given(
                Tokenizer::from_json(&json.to_vec()).map_err(TrainError::from).map_err(Failure::from)?,
            ),
            None => settings.tokenizer_choice(),
        };
        let text = bytes.as_deref().map(|b| (name, b));
        let data = preset.dataset_with(&settings, tokenizer, text).map_err(Failure::from)?;
        let device = self.device.clone().map_or(DeviceChoice::Cpu, DeviceChoice::Open);
        let session = Session::new(settings, data, config.seed, device, &mut compiling(&progress))
            .await
            .map_err(Failure::from)?;
        let info = self.session.insert(session).info();
        to_js(&info)
    }

    /// Trains about `steps` steps further; see `Session::train`.
    ///
    /// # Errors
    /// When the device fails. A divergence is part of the result.
    pub async fn train(&mut self, steps: u32) -> Result<JsValue, JsValue> {
        let session = self.session()?;
        let records = session.train(steps).await.map_err(Failure::from)?;
        result(session, &records)
    }

    /// Waits for every step under way.
    ///
    /// # Errors
    /// When the device fails.
    pub async fn drain(&mut self) -> Result<JsValue, JsValue> {
        let session = self.session()?;
        let records = session.drain().await.map_err(Failure::from)?;
        result(session, &records)
    }

    /// Validation loss and, for tasks, accuracy.
    ///
    /// # Errors
    /// When the device fails.
    pub async fn evaluate(&mut self) -> Result<JsValue, JsValue> {
        let evaluation = self.session()?.evaluate().await.map_err(Failure::from)?;
        to_js(&evaluation)
    }

    /// Attention maps and predictions for a sentence. `hidden` are the tokens to hide, counted without special tokens; without
    /// it the seed decides.
    ///
    /// # Errors
    /// When the text does not fit the tokenizer, or the device fails.
    pub async fn inspect(&mut self, text: String, hidden: Option<Vec<usize>>) -> Result<JsValue, JsValue> {
        let seen = self.session()?.inspect(&text, hidden.as_deref()).await.map_err(Failure::from)?;
        let object = to_js(&seen)?;
        let stages: Array = Reflect::get(&object, &"stages".into())?.dyn_into()?;
        for (stage, seen) in stages.iter().zip(&seen.stages) {
            Reflect::set(&stage, &"probs".into(), &Float32Array::from(seen.probs.as_slice()))?;
        }
        Ok(object)
    }

    /// A sentence before and after the objective of the run; `hidden` as in [`Self::inspect`].
    ///
    /// # Errors
    /// When the text does not fit the tokenizer.
    #[expect(clippy::needless_pass_by_value, reason = "wasm-bindgen hands over what it has copied")]
    pub fn show(&mut self, text: String, hidden: Option<Vec<usize>>) -> Result<JsValue, JsValue> {
        to_js(&self.session()?.show(&text, hidden.as_deref()).map_err(Failure::from)?)
    }

    /// Continues a prompt, or answers it where the model has an encoder; without one, a held-out question of the task, number
    /// `seed`. After every token `each`, if given, is called with the text so far and the last token's label; it may return a
    /// promise, and `false` ends the text.
    ///
    /// # Errors
    /// When the prompt does not fit the tokenizer, the model does not write, or the device fails; what `each` throws.
    pub async fn generate(&mut self, request: JsValue, each: Option<Function>) -> Result<JsValue, JsValue> {
        let request: GenerateRequest = serde_wasm_bindgen::from_value(request)
            .map_err(|e| Failure::new("setting", &format!("the request: {e}")))?;
        let session = self.session()?;
        let rules = request.rules(session).map_err(Failure::from)?;
        let strategy = request.strategy();
        let drawn = session.data().held_out(request.seed).filter(|_| request.prompt.is_empty());
        let asked = match drawn {
            Some(example) => Some(example),
            None => session.data().question(&request.prompt).map_err(|e| Failure::from(TrainError::from(e)))?,
        };
        let prompt = asked.map_or(request.prompt, |example| session.data().show(&example.question));
        let wanted = session.request(&prompt, strategy, rules).map_err(Failure::from)?;
        let tokenizer = session.data().tokenizer().clone();
        let mut generation = Generation::new(session.engine_mut(), &wanted).await.map_err(Failure::from)?;
        let mut shown = 0;
        while generation.step().await.map_err(Failure::from)? {
            let new = generation.new_tokens();
            let (Some(each), Some(&token)) = (&each, new.last()) else { continue };
            if new.len() == core::mem::replace(&mut shown, new.len()) {
                continue;
            }
            let answer = each.call2(&JsValue::NULL, &tokenizer.decode(new).into(), &tokenizer.label(token).into())?;
            if JsFuture::from(Promise::resolve(&answer)).await?.as_bool() == Some(false) {
                generation.cancel();
            }
        }
        let Generated { new, ended } = generation.finish();
        let text = tokenizer.decode(&new);
        let correct = session.data().check(&prompt, &text);
        to_js(&Written { prompt, text, ended: ended.name(), correct })
    }

    /// Changes a setting that acts at once.
    ///
    /// # Errors
    /// When it is unknown, out of range, or needs a restart.
    pub fn set_live(&mut self, key: &str, value: JsValue) -> Result<(), JsValue> {
        let value: Value = serde_wasm_bindgen::from_value(value)
            .map_err(|e| Failure::new("setting", &format!("the value of {key}: {e}")))?;
        Ok(self.session()?.set_live(key, &value).map_err(Failure::from)?)
    }

    /// The files of a checkpoint: `{ name, bytes }` each.
    ///
    /// # Errors
    /// When the device fails.
    pub async fn checkpoint(&mut self) -> Result<Array, JsValue> {
        let files = self.session()?.export().await.map_err(Failure::from)?;
        let list = Array::new();
        for file in files {
            let entry = Object::new();
            Reflect::set(&entry, &"name".into(), &file.name.into())?;
            Reflect::set(&entry, &"bytes".into(), &Uint8Array::from(file.bytes.as_slice()))?;
            list.push(&entry);
        }
        Ok(list)
    }

    /// Every shader of the run as it is compiled: `{ name, source }` each.
    ///
    /// # Errors
    /// Before a run is set up, or on the CPU.
    pub fn shaders(&mut self) -> Result<JsValue, JsValue> {
        let shaders = self.session()?.shaders().map_err(Failure::from)?;
        let list: Vec<Value> =
            shaders.into_iter().map(|(name, source)| json!({ "name": name, "source": source })).collect();
        to_js(&list)
    }

    fn session(&mut self) -> Result<&mut Session, Failure> {
        self.session.as_mut().ok_or_else(|| Failure::new("not_configured", "no run is set up yet"))
    }
}

fn result(session: &Session, records: &[StepMetrics]) -> Result<JsValue, JsValue> {
    let numbers = |m: &StepMetrics| {
        let object = Object::new();
        let fields: [(&str, f64); 6] = [
            ("step", f64::from(m.step)),
            ("loss", f64::from(m.loss)),
            ("lr", m.lr),
            ("grad_norm", f64::from(m.grad_norm)),
            ("tokens", m.tokens as f64),
            ("ms", m.ms),
        ];
        for (key, value) in fields {
            Reflect::set(&object, &key.into(), &value.into())?;
        }
        Ok::<JsValue, JsValue>(object.into())
    };
    let list = Array::new();
    for record in records {
        list.push(&numbers(record)?);
    }
    let diverged = session
        .diverged()
        .map(|d| json!({ "step": d.step, "what": d.what, "value": d.value, "sentence": d.to_string() }));
    let object = to_js(&match diverged {
        Some(diverged) => json!({ "finished": session.finished(), "diverged": diverged }),
        None => json!({ "finished": session.finished() }),
    })?;
    Reflect::set(&object, &"records".into(), &list)?;
    Ok(object)
}
