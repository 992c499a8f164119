//! Named starting points. Each says where its numbers come from.

use serde_json::json;

use super::error::TrainError;
use super::schedule::ScheduleKind;
use super::settings::{SettingError, Settings, TokenizerKind};
use crate::data::Objective;
use crate::data::{Dataset, Task, TokenizerChoice};
use crate::models::{Config, Decay, Gpt2Config, Model};

/// What a preset reads when no file is given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    /// An algorithmic task.
    Task(Task),
    /// The built-in text.
    World,
    /// A text that the user brings.
    Text,
}

/// A named starting point.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    /// Name for `--preset` and links.
    pub name: &'static str,
    /// Name on the page.
    pub title: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// What it reads.
    pub source: Source,
    /// Differences from [`base`], as `key = value` pairs.
    settings: &'static [(&'static str, &'static str)],
}

/// Small decoder, AdamW as in models that learn within a minute: the ground that presets differ from.
fn base() -> Settings {
    let model = Model::language(Config::Gpt2(Gpt2Config {
        n_layer: 2,
        n_head: 4,
        n_embd: 64,
        resid_pdrop: 0.0,
        embd_pdrop: 0.0,
        attn_pdrop: 0.0,
        bos_token_id: None,
        eos_token_id: None,
        ..Gpt2Config::default()
    }));
    Settings {
        model,
        fixed_vocabulary: false,
        fixed_positions: false,
        objective: Objective::default(),
        target: None,
        tokenizer: TokenizerKind::Characters,
        bpe_vocab: 1024,
        context: 64,
        batch: 32,
        steps: 2000,
        lr: 1e-3,
        min_lr: 1e-4,
        schedule: ScheduleKind::Cosine,
        warmup: 50,
        beta1: 0.9,
        beta2: 0.99,
        eps: 1e-8,
        weight_decay: 0.1,
        decay: Decay::Matrices,
        clip: 1.0,
        eval_every: 100,
        eval_batches: 4,
        world_seed: 0,
    }
}

/// All presets, in the order in which they are listed.
pub const PRESETS: &[Preset] = &[
    Preset {
        name: "reverse",
        title: "Reverse a word",
        summary: "Writes a word backwards: the attention maps grow an anti-diagonal.",
        source: Source::Task(Task::Reverse),
        // An untied head learns in half the steps; of the widths that do, 48 shows the clearest anti-diagonal.
        settings: &[
            ("n_embd", "48"),
            ("tie_word_embeddings", "false"),
            ("batch", "64"),
            ("steps", "1500"),
            ("lr", "2e-3"),
            ("warmup", "100"),
            ("weight_decay", "0.01"),
            ("eval_every", "50"),
        ],
    },
    Preset {
        name: "sort",
        title: "Sort digits",
        summary: "Sorts six digits from 0 to 2, as in minGPT: every held-out input comes out right.",
        source: Source::Task(Task::Sort),
        settings: &[
            ("n_layer", "3"),
            ("n_head", "3"),
            ("n_embd", "48"),
            ("dropout", "0.1"),
            ("tie_word_embeddings", "false"),
            ("batch", "64"),
            ("steps", "2000"),
            ("lr", "5e-4"),
            ("schedule", "constant"),
            ("warmup", "0"),
            ("beta2", "0.95"),
            ("decay", "linear"),
        ],
    },
    Preset {
        name: "copy",
        title: "Copy a word",
        summary: "Repeats a word: the simplest job for attention.",
        source: Source::Task(Task::Copy),
        settings: &[
            ("n_embd", "48"),
            ("tie_word_embeddings", "false"),
            ("initializer_range", "0.05"),
            ("batch", "64"),
            ("steps", "1500"),
            ("lr", "2e-3"),
            ("warmup", "100"),
            ("weight_decay", "0.01"),
            ("eval_every", "50"),
        ],
    },
    Preset {
        name: "add",
        title: "Add numbers",
        summary: "Adds two two-digit numbers, carries included.",
        source: Source::Task(Task::Add),
        settings: &[
            ("n_embd", "48"),
            ("tie_word_embeddings", "false"),
            ("initializer_range", "0.05"),
            ("batch", "64"),
            ("steps", "3000"),
            ("lr", "4e-3"),
            ("warmup", "100"),
            ("weight_decay", "0.01"),
            ("eval_every", "50"),
        ],
    },
    Preset {
        name: "gpt-nano",
        title: "GPT nano on text",
        summary: "Three layers, three heads, width 48: reads any text, on any machine.",
        source: Source::World,
        settings: &[
            ("n_layer", "3"),
            ("n_head", "3"),
            ("n_embd", "48"),
            ("context", "32"),
            ("batch", "16"),
            ("lr", "3e-3"),
            ("min_lr", "3e-4"),
        ],
    },
    Preset {
        name: "story",
        title: "Stories and reviews",
        summary: "Reads the built-in world of small stories and reviews, letter by letter.",
        source: Source::World,
        settings: &[
            ("n_layer", "4"),
            ("n_head", "4"),
            ("n_embd", "128"),
            ("context", "96"),
            ("steps", "5000"),
            ("eval_every", "250"),
        ],
    },
    Preset {
        name: "gpt-6",
        title: "GPT with six layers",
        summary: "Six layers, six heads, width 192, context 128: needs a GPU.",
        source: Source::World,
        settings: &[
            ("n_layer", "6"),
            ("n_head", "6"),
            ("n_embd", "192"),
            ("context", "128"),
            ("steps", "5000"),
            ("eval_every", "250"),
            ("dropout", "0.1"),
            ("tokenizer", "bpe"),
        ],
    },
    Preset {
        name: "nanogpt-cpu",
        title: "nanoGPT, CPU configuration",
        summary: "Tiny Shakespeare by character as in nanoGPT's README for a CPU: bring input.txt.",
        source: Source::Text,
        settings: &[
            ("n_layer", "4"),
            ("n_head", "4"),
            ("n_embd", "128"),
            ("context", "64"),
            ("batch", "12"),
            ("bias", "false"),
            ("activation_function", "gelu"),
            ("warmup", "100"),
            ("eval_every", "250"),
            ("eval_batches", "20"),
        ],
    },
    Preset {
        name: "nanogpt-baby",
        title: "nanoGPT, baby GPT",
        summary: "Tiny Shakespeare by character as in nanoGPT's README for a GPU: bring input.txt.",
        source: Source::Text,
        settings: &[
            ("n_layer", "6"),
            ("n_head", "6"),
            ("n_embd", "384"),
            ("context", "256"),
            ("batch", "64"),
            ("bias", "false"),
            ("activation_function", "gelu"),
            ("dropout", "0.2"),
            ("steps", "5000"),
            ("warmup", "100"),
            ("eval_every", "250"),
            ("eval_batches", "200"),
        ],
    },
    Preset {
        name: "bench-a",
        title: "Benchmark A",
        summary: "Four layers, four heads, width 128, context 64, batch 12, vocabulary 65.",
        source: Source::World,
        settings: &[
            ("n_layer", "4"),
            ("n_head", "4"),
            ("n_embd", "128"),
            ("context", "64"),
            ("batch", "12"),
            ("vocab_size", "65"),
            ("eval_every", "0"),
        ],
    },
    Preset {
        name: "bench-b",
        title: "Benchmark B",
        summary: "Six layers, six heads, width 192, context 128, batch 8, vocabulary 1024.",
        source: Source::World,
        settings: &[
            ("n_layer", "6"),
            ("n_head", "6"),
            ("n_embd", "192"),
            ("context", "128"),
            ("batch", "8"),
            ("vocab_size", "1024"),
            ("eval_every", "0"),
        ],
    },
    Preset {
        name: "bench-c",
        title: "Benchmark C",
        summary: "Two layers, two heads, width 64, context 32, batch 8, vocabulary 65.",
        source: Source::World,
        settings: &[("n_head", "2"), ("context", "32"), ("batch", "8"), ("vocab_size", "65"), ("eval_every", "0")],
    },
];

impl Preset {
    /// A preset by name.
    ///
    /// # Errors
    /// When there is none; lists those there are.
    pub fn find(name: &str) -> Result<&'static Self, SettingError> {
        PRESETS.iter().find(|p| p.name == name).ok_or_else(|| {
            let known = PRESETS.iter().map(|p| p.name).collect::<Vec<_>>().join(", ");
            SettingError::Preset { name: name.to_owned(), known }
        })
    }

    /// Its settings.
    ///
    /// # Errors
    /// Never for the presets of this file; a test reads them all.
    pub fn settings(&self) -> Result<Settings, SettingError> {
        let mut settings = base();
        for (key, value) in self.settings {
            settings.set_text(key, value)?;
        }
        if let Source::Task(task) = self.source {
            settings.set("context", &json!(task.context()))?;
        }
        Ok(settings)
    }

    /// What it reads: the task, the built-in text, or a text of the user's under a name.
    ///
    /// # Errors
    /// When a task is given a text, a text preset none, or the text cannot be read.
    pub fn dataset(&self, settings: &Settings, text: Option<(&str, &[u8])>) -> Result<Dataset, TrainError> {
        self.dataset_with(settings, settings.tokenizer_choice(), text)
    }

    /// The same with a tokenizer of the caller's: that of a checkpoint.
    ///
    /// # Errors
    /// As [`Self::dataset`], or when the tokenizer cannot encode the text.
    pub fn dataset_with(
        &self,
        settings: &Settings,
        tokenizer: TokenizerChoice,
        text: Option<(&str, &[u8])>,
    ) -> Result<Dataset, TrainError> {
        match (self.source, text) {
            (Source::Task(task), None) => Ok(Dataset::task(task)),
            (Source::Task(_), Some(_)) => Err(TrainError::TaskTakesNoText { preset: self.name }),
            (Source::World, None) => Ok(Dataset::world_with(settings.world_seed, tokenizer)?),
            (Source::Text, None) => Err(TrainError::NeedsText { preset: self.name }),
            (Source::World | Source::Text, Some((name, bytes))) => {
                Ok(Dataset::text(name, bytes, tokenizer, settings.context)?)
            }
        }
    }
}
