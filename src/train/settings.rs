use serde_json::{Map, Value, json};

use super::families;
use super::knobs::{KNOBS, Kind, Knob};
use super::metrics::readable;
use super::schedule::{Schedule, ScheduleKind};
use crate::data::{Frame, Objective, Shape, TokenizerChoice};
use crate::ir::{Optimizer, OptimizerKind};
use crate::models::{Architecture, Decay, Extents, Family, KeyMask, Model, ModelError};
use crate::text::{Template, TrainKind, TrainSpec};

/// A setting that cannot be.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SettingError {
    /// Not a key.
    #[error("unknown setting {key:?}; known: {known}")]
    Unknown {
        /// What was asked for.
        key: String,
        /// All keys.
        known: String,
    },
    /// A value of the wrong kind or out of range.
    #[error("{key} = {found}: {expected} is needed")]
    Value {
        /// The key.
        key: String,
        /// What was given.
        found: String,
        /// What may be given.
        expected: String,
    },
    /// Not a preset.
    #[error("unknown preset {name:?}; known: {known}")]
    Preset {
        /// What was asked for.
        name: String,
        /// All presets.
        known: String,
    },
    /// A model setting.
    #[error(transparent)]
    Model(#[from] ModelError),
}

/// Names of how text becomes tokens.
const TOKENIZERS: [(&str, TrainKind); 6] = [
    ("characters", TrainKind::Characters),
    ("bytes", TrainKind::Bytes),
    ("bpe", TrainKind::Bpe),
    ("wordpiece", TrainKind::WordPiece),
    ("unigram", TrainKind::Unigram),
    ("words", TrainKind::Words),
];

/// Everything that decides a run, beside its data and seed.
#[derive(Clone, PartialEq, Debug)]
pub struct Settings {
    /// The model; its vocabulary and positions follow data and context unless they were set.
    pub model: Model,
    /// Whether `vocab_size` was set.
    pub fixed_vocabulary: bool,
    /// Whether the number of positions was set.
    pub fixed_positions: bool,
    /// What the model learns to do.
    pub objective: Objective,
    /// How text becomes tokens.
    pub tokenizer: TrainKind,
    /// Vocabulary of a trained tokenizer, special tokens included.
    pub bpe_vocab: usize,
    /// Tokens a sequence: T, or S where there is an encoder and a decoder.
    pub context: usize,
    /// Tokens of the decoder's sequence T, where there is an encoder; `None` follows objective and context.
    pub target: Option<usize>,
    /// Sequences a batch B.
    pub batch: usize,
    /// Parts that a batch is computed in, one after the other.
    pub accumulate: u32,
    /// Steps of the run.
    pub steps: u32,
    /// Peak learning rate.
    pub lr: f64,
    /// Last learning rate of a falling schedule.
    pub min_lr: f64,
    /// Shape of the schedule.
    pub schedule: ScheduleKind,
    /// Warm-up steps.
    pub warmup: u32,
    /// Share of the run in which a schedule that was stable falls.
    pub decay_fraction: f64,
    /// The update rule.
    pub optimizer: Rule,
    /// Memory of SGD's and Muon's mean.
    pub momentum: f64,
    /// β₁ of AdamW and Lion.
    pub beta1: f64,
    /// β₂ of AdamW and Lion.
    pub beta2: f64,
    /// AdamW's ε.
    pub eps: f64,
    /// Weight decay.
    pub weight_decay: f64,
    /// Which parameters decay.
    pub decay: Decay,
    /// Largest gradient norm; 0 does not clip.
    pub clip: f64,
    /// Evaluate every so many steps; 0 never.
    pub eval_every: u32,
    /// Validation batches of an evaluation.
    pub eval_batches: u32,
    /// Seed of the built-in text.
    pub world_seed: u32,
}

/// An update rule by its name; its constants are settings of their own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rule {
    /// Adam with decoupled weight decay.
    AdamW,
    /// Gradient descent with momentum.
    Sgd,
    /// Adafactor.
    Adafactor,
    /// Lion.
    Lion,
    /// Muon for matrices inside blocks, AdamW for the rest.
    Muon,
}

impl Rule {
    /// All rules with their names, in the order in which they are listed.
    pub const NAMES: [(&'static str, Self); 5] = [
        ("adamw", Self::AdamW),
        ("sgd", Self::Sgd),
        ("adafactor", Self::Adafactor),
        ("lion", Self::Lion),
        ("muon", Self::Muon),
    ];
}

/// The value of a name; the first one where the name is none.
fn named<T: Copy, const N: usize>(names: &[(&str, T); N], name: Option<&str>) -> T {
    names.iter().find(|(n, _)| Some(*n) == name).unwrap_or(&names[0]).1
}

/// The name of a value.
fn name_of<T: PartialEq, const N: usize>(names: &[(&'static str, T); N], value: &T) -> &'static str {
    names.iter().find(|(_, v)| v == value).map_or(names[0].0, |(name, _)| name)
}

impl Settings {
    /// Sets one key from text, as `--set key=value` does.
    ///
    /// # Errors
    /// When the key is unknown, or the value is of the wrong kind or out of range.
    pub fn set_text(&mut self, key: &str, text: &str) -> Result<(), SettingError> {
        let value = serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()));
        self.set(key, &value)
    }

    /// Sets one key.
    ///
    /// # Errors
    /// When the key is unknown, or the value is of the wrong kind or out of range.
    pub fn set(&mut self, key: &str, value: &Value) -> Result<(), SettingError> {
        let family = self.model.config.family();
        let Some(knob) = KNOBS.iter().find(|k| k.key == key && k.belongs_to(family)) else {
            let known = self.knobs().map(|k| k.key).collect::<Vec<_>>().join(", ");
            return Err(SettingError::Unknown { key: key.to_owned(), known });
        };
        knob.check(value)?;
        let whole = || value.as_u64().unwrap_or(0);
        let number = || value.as_f64().unwrap_or(0.0);
        match key {
            "tokenizer" => {
                let wanted = value.as_str();
                let named = TOKENIZERS.iter().find(|(name, _)| Some(*name) == wanted);
                self.tokenizer = named.map_or(TrainKind::Characters, |&(_, kind)| kind);
            }
            "bpe_vocab" => self.bpe_vocab = whole() as usize,
            "context" => self.context = whole() as usize,
            "batch" => self.batch = whole() as usize,
            "accumulate" => self.accumulate = whole() as u32,
            "steps" => self.steps = whole() as u32,
            "lr" => self.lr = number(),
            "min_lr" => self.min_lr = number(),
            "schedule" => self.schedule = named(&ScheduleKind::NAMES, value.as_str()),
            "warmup" => self.warmup = whole() as u32,
            "decay_fraction" => self.decay_fraction = number(),
            "optimizer" => self.optimizer = named(&Rule::NAMES, value.as_str()),
            "momentum" => self.momentum = number(),
            "beta1" => self.beta1 = number(),
            "beta2" => self.beta2 = number(),
            "eps" => self.eps = number(),
            "weight_decay" => self.weight_decay = number(),
            "decay" => self.decay = if value.as_str() == Some("linear") { Decay::Linear } else { Decay::Matrices },
            "clip" => self.clip = number(),
            "dropout" => self.model.config.set_dropout(value)?,
            "family" => self.set_family(Family::named(value.as_str().unwrap_or_default())?),
            "objective" => self.objective = families::objective(value.as_str().unwrap_or_default(), &self.objective),
            "target" => self.target = value.as_u64().map(|n| n as usize),
            noise if families::NOISE.contains(&noise) => families::set_noise(&mut self.objective, key, number()),
            "whole_words" => families::set_whole_words(&mut self.objective, value.as_bool() == Some(true)),
            "label_smoothing" => self.model.smoothing = number(),
            "eval_every" => self.eval_every = whole() as u32,
            "eval_batches" => self.eval_batches = whole() as u32,
            "world_seed" => self.world_seed = whole() as u32,
            model_key => {
                self.fixed_vocabulary |= model_key == "vocab_size";
                self.fixed_positions |= ["n_positions", "max_position_embeddings"].contains(&model_key);
                self.model.config.set(model_key, value)?;
            }
        }
        Ok(())
    }

    /// The value of a key, as the page and `config` listings show it.
    #[must_use]
    pub fn get(&self, knob: &Knob) -> Value {
        match knob.key {
            "tokenizer" => {
                json!(TOKENIZERS.iter().find(|(_, kind)| *kind == self.tokenizer).map(|(name, _)| name))
            }
            "bpe_vocab" => json!(self.bpe_vocab),
            "context" => json!(self.context),
            "batch" => json!(self.batch),
            "accumulate" => json!(self.accumulate),
            "steps" => json!(self.steps),
            "lr" => json!(self.lr),
            "min_lr" => json!(self.min_lr),
            "schedule" => json!(name_of(&ScheduleKind::NAMES, &self.schedule)),
            "warmup" => json!(self.warmup),
            "decay_fraction" => json!(self.decay_fraction),
            "optimizer" => json!(name_of(&Rule::NAMES, &self.optimizer)),
            "momentum" => json!(self.momentum),
            "beta1" => json!(self.beta1),
            "beta2" => json!(self.beta2),
            "eps" => json!(self.eps),
            "weight_decay" => json!(self.weight_decay),
            "decay" => json!(if self.decay == Decay::Linear { "linear" } else { "matrices" }),
            "clip" => json!(self.clip),
            "dropout" => self.model.config.dropout(),
            "family" => json!(self.model.config.family().name()),
            "objective" => json!(self.objective.name()),
            "target" => json!(self.target),
            noise if families::NOISE.contains(&noise) => json!(families::noise(&self.objective, noise)),
            "whole_words" => json!(families::whole_words(&self.objective)),
            "label_smoothing" => json!(self.model.smoothing),
            "eval_every" => json!(self.eval_every),
            "eval_batches" => json!(self.eval_batches),
            "world_seed" => json!(self.world_seed),
            key => self.model.config.get(key),
        }
    }

    /// The settings that this family has, in the order in which they are shown.
    pub fn knobs(&self) -> impl Iterator<Item = &'static Knob> {
        let family = self.model.config.family();
        KNOBS.iter().filter(move |knob| knob.belongs_to(family))
    }

    /// Sets keys in the order in which they depend on each other: the family first, then the objective.
    ///
    /// # Errors
    /// As [`Self::set`].
    pub fn apply<'a>(
        &mut self,
        map: impl IntoIterator<Item = (&'a str, &'a Value)> + Clone,
    ) -> Result<(), SettingError> {
        for first in ["family", "objective"] {
            for (key, value) in map.clone().into_iter().filter(|(key, _)| *key == first) {
                self.set(key, value)?;
            }
        }
        for (key, value) in map.into_iter().filter(|(key, _)| !["family", "objective"].contains(key)) {
            // What an objective does not have is null in a listing.
            if !(value.is_null() && families::NOISE.contains(&key)) {
                self.set(key, value)?;
            }
        }
        Ok(())
    }

    /// Another family of about the same size, with the objective that it was made for.
    fn set_family(&mut self, family: Family) {
        if family != self.model.config.family() {
            self.model = Model::language(families::config(family, &self.model.config));
            self.objective = families::default_objective(family);
            self.target = None;
            self.tokenizer = families::tokenizer(family);
            (self.fixed_vocabulary, self.fixed_positions) = (false, false);
        }
    }

    /// How the family frames the sequences of its stacks.
    #[must_use]
    pub const fn frame(&self) -> Frame {
        match self.model.config.family() {
            Family::T5 => Frame::T5,
            Family::Bart => Frame::Bart,
            Family::Bert | Family::Gpt2 | Family::Transformer => Frame::Transformer,
        }
    }

    /// Extents of a batch.
    #[must_use]
    pub fn shape(&self) -> Shape {
        let target = match self.model.config.family().architecture() {
            Architecture::EncoderOnly | Architecture::DecoderOnly => 0,
            Architecture::EncoderDecoder => self
                .target
                .or_else(|| self.objective.natural_target(self.context, self.frame()))
                .unwrap_or(self.context),
        };
        Shape { batch: self.batch, source: self.context, target }
    }

    fn extents_of(&self, shape: Shape) -> Extents {
        let key_mask = match self.model.config.family().architecture() {
            Architecture::EncoderOnly | Architecture::EncoderDecoder => KeyMask::Padding,
            Architecture::DecoderOnly => families::decoder_mask(&self.objective),
        };
        let rows = self.objective.slots(shape);
        Extents { batch: shape.batch, time: shape.source, target: shape.target, key_mask, rows }
    }

    /// Extents of a part of a batch: what runs at once.
    #[must_use]
    pub fn extents(&self) -> Extents {
        self.extents_of(self.part_shape())
    }

    /// Extents of the data of a part of a batch.
    #[must_use]
    pub fn part_shape(&self) -> Shape {
        Shape { batch: self.batch / self.accumulate.max(1) as usize, ..self.shape() }
    }

    /// All keys with their values.
    #[must_use]
    pub fn to_map(&self) -> Map<String, Value> {
        self.knobs().map(|knob| (knob.key.to_owned(), self.get(knob))).collect()
    }

    /// The learning rate over the run.
    #[must_use]
    pub fn schedule(&self) -> Schedule {
        let Self { lr, min_lr, warmup, steps, .. } = *self;
        let decay = (self.decay_fraction * f64::from(steps)).round() as u32;
        Schedule { kind: self.schedule, lr, min_lr, warmup, steps, decay }
    }

    /// Sequences of a part of a batch.
    ///
    /// # Errors
    /// When the parts of [`Self::accumulate`] would not be of one size.
    pub fn part(&self) -> Result<usize, SettingError> {
        let parts = self.accumulate as usize;
        if parts > 0 && self.batch.is_multiple_of(parts) {
            return Ok(self.batch / parts);
        }
        let expected = format!("a divisor of batch = {}", self.batch);
        Err(SettingError::Value { key: "accumulate".to_owned(), found: parts.to_string(), expected })
    }

    /// The optimizer.
    #[must_use]
    pub fn optimizer(&self) -> Optimizer {
        let Self { momentum, beta1, beta2, eps, weight_decay, .. } = *self;
        let kind = match self.optimizer {
            Rule::AdamW => OptimizerKind::AdamW { beta1, beta2, eps, weight_decay },
            Rule::Sgd => OptimizerKind::Sgd { momentum, weight_decay },
            // The constants of the paper and of every implementation.
            Rule::Adafactor => {
                OptimizerKind::Adafactor { eps: 1e-30, clip_threshold: 1.0, decay_rate: -0.8, weight_decay }
            }
            Rule::Lion => OptimizerKind::Lion { beta1, beta2, weight_decay },
            Rule::Muon => OptimizerKind::Muon { momentum, beta1, beta2, eps, weight_decay },
        };
        Optimizer { kind, clip: (self.clip > 0.0).then_some(self.clip) }
    }

    /// How text becomes tokens: with the special tokens of the family. A decoder-only model of characters or bytes needs
    /// none until it tells documents apart.
    #[must_use]
    pub fn tokenizer_choice(&self) -> TokenizerChoice {
        let plain = matches!(self.tokenizer, TrainKind::Characters | TrainKind::Bytes);
        let documents = matches!(&self.objective, Objective::Causal(causal) if causal.documents);
        let template = match self.model.config.family() {
            Family::Bert => Template::Bert,
            Family::Gpt2 if plain && !documents => Template::None,
            Family::Gpt2 => Template::Gpt2,
            Family::T5 => Template::T5 { sentinels: SENTINELS },
            Family::Bart | Family::Transformer => Template::Bart,
        };
        TokenizerChoice::Trained(TrainSpec::new(self.tokenizer, self.bpe_vocab, template))
    }
}

/// Sentinels of a small T5: as many as its longest context has spans of the default objective.
const SENTINELS: u32 = 32;

impl Knob {
    /// Whether a value is of the knob's kind and in its range.
    ///
    /// # Errors
    /// With what is needed, when it is not.
    pub fn check(&self, value: &Value) -> Result<(), SettingError> {
        let expected = match self.kind {
            Kind::Int { min, max } => match value.as_u64() {
                Some(v) if (min..=max).contains(&v) => return Ok(()),
                Some(_) | None => format!("a whole number from {min} to {max}"),
            },
            Kind::Float { min, max } => match value.as_f64() {
                Some(v) if (min..=max).contains(&v) => return Ok(()),
                Some(_) | None => format!("a number from {} to {}", readable(min), readable(max)),
            },
            Kind::Choice(choices) => match value.as_str() {
                Some(v) if choices.contains(&v) => return Ok(()),
                Some(_) | None => format!("one of {}", choices.join(", ")),
            },
            Kind::Bool if value.is_boolean() => return Ok(()),
            Kind::Bool => "true or false".to_owned(),
            Kind::Nullable if value.is_null() || value.as_u64().is_some_and(|v| v > 0) => return Ok(()),
            Kind::Nullable => "a whole number above 0, or null".to_owned(),
        };
        let found = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        Err(SettingError::Value { key: self.key.to_owned(), found, expected })
    }
}
