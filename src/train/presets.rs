//! Named starting points. Each says where its numbers come from.

use serde_json::json;

use super::error::TrainError;
use super::schedule::ScheduleKind;
use super::settings::{Rule, SettingError, Settings};
use crate::data::Objective;
use crate::data::{Dataset, Task, TokenizerChoice, figure};
use crate::models::{Architecture, Config, Decay, Gpt2Config, Model};
use crate::text::TrainKind;

/// What a preset reads when no file is given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    /// An algorithmic task.
    Task(Task),
    /// The built-in text.
    World,
    /// A text that the user brings.
    Text,
    /// The sentences of the chapter's figures.
    Figure,
    /// Sentences of the built-in world and their translations.
    Translation,
}

/// An example to look at first.
#[derive(Clone, Copy, Debug)]
pub struct Example {
    /// The sentence.
    pub probe: &'static str,
    /// Tokens of it that are hidden; of a decoder none.
    pub hidden: &'static [usize],
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
    /// What to look at first, where the data does not say.
    pub example: Option<Example>,
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
        tokenizer: TrainKind::Characters,
        bpe_vocab: 1024,
        context: 64,
        batch: 32,
        accumulate: 1,
        steps: 2000,
        lr: 1e-3,
        min_lr: 1e-4,
        schedule: ScheduleKind::Cosine,
        warmup: 50,
        decay_fraction: 0.2,
        optimizer: Rule::AdamW,
        momentum: 0.9,
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
        example: None,
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
        example: None,
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
        example: None,
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
        example: None,
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
        example: None,
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
        example: None,
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
        example: None,
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
        example: None,
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
        example: None,
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
        name: "bert",
        title: "BERT: fill in the blanks",
        summary: "An encoder guesses hidden words of the built-in world from both sides.",
        example: None,
        source: Source::World,
        settings: &[
            ("family", "bert"),
            ("tokenizer", "words"),
            ("context", "48"),
            ("steps", "1000"),
            ("lr", "3e-3"),
            ("beta2", "0.98"),
            ("weight_decay", "0.01"),
            ("schedule", "linear"),
            ("min_lr", "0"),
        ],
    },
    Preset {
        name: "t5",
        title: "T5: fill in the spans",
        summary: "An encoder reads a text with gaps, a decoder writes what stood in them.",
        example: None,
        source: Source::World,
        settings: &[
            ("family", "t5"),
            ("tokenizer", "words"),
            ("context", "48"),
            ("batch", "16"),
            ("steps", "1000"),
            ("lr", "3e-3"),
            ("beta2", "0.98"),
            ("weight_decay", "0.01"),
        ],
    },
    Preset {
        name: "bart",
        title: "BART: undo the noise",
        summary: "An encoder reads a text with words missing and sentences out of order, a decoder writes it as it was.",
        example: None,
        source: Source::World,
        settings: &[
            ("family", "bart"),
            ("tokenizer", "words"),
            ("context", "48"),
            ("batch", "16"),
            ("steps", "1000"),
            ("lr", "3e-3"),
            ("beta2", "0.98"),
            ("weight_decay", "0.01"),
        ],
    },
    Preset {
        name: "translate",
        title: "The original Transformer",
        summary: "An encoder reads an English sentence, a decoder writes it in Zorish, the built-in world's own language.",
        example: None,
        source: Source::Translation,
        settings: &[
            ("family", "transformer"),
            ("tokenizer", "words"),
            ("objective", "seq2seq"),
            ("context", "24"),
            ("target", "24"),
            ("batch", "16"),
            ("steps", "1500"),
            ("lr", "2e-3"),
            ("beta2", "0.98"),
            ("weight_decay", "0"),
            ("label_smoothing", "0.1"),
        ],
    },
    Preset {
        name: "reverse-seq2seq",
        title: "Reverse with two stacks",
        summary: "The original Transformer writes a word backwards: the anti-diagonal is in the cross-attention.",
        example: None,
        source: Source::Task(Task::Reverse),
        settings: &[
            ("family", "transformer"),
            ("d_model", "48"),
            ("d_ff", "192"),
            ("batch", "64"),
            ("steps", "1500"),
            ("lr", "2e-3"),
            ("warmup", "100"),
            ("weight_decay", "0.01"),
            ("eval_every", "50"),
        ],
    },
    Preset {
        name: "sentiment",
        title: "BERT: is the review good?",
        summary: "An encoder with a classifier reads the reviews of the built-in world.",
        example: None,
        source: Source::World,
        settings: &[
            ("family", "bert"),
            ("tokenizer", "words"),
            ("objective", "classify"),
            ("context", "48"),
            ("steps", "500"),
            ("lr", "1e-3"),
            ("weight_decay", "0.01"),
        ],
    },
    Preset {
        name: "figure-bert",
        title: "Figure: pretraining BERT",
        summary: "The chapter's own example: love is hidden in I love this red car.",
        example: Some(Example { probe: "I love this red car", hidden: &[1] }),
        source: Source::Figure,
        settings: &[
            ("family", "bert"),
            ("tokenizer", "words"),
            ("context", "8"),
            ("steps", "400"),
            ("lr", "3e-3"),
            ("num_hidden_layers", "1"),
            ("num_attention_heads", "2"),
            ("hidden_size", "32"),
            ("intermediate_size", "128"),
            ("eval_every", "50"),
        ],
    },
    Preset {
        name: "figure-t5",
        title: "Figure: pretraining T5",
        summary: "The chapter's own example: love and red car are hidden in I love this red car.",
        example: Some(Example { probe: "I love this red car", hidden: &[1, 3, 4] }),
        source: Source::Figure,
        settings: &[
            ("family", "t5"),
            ("tokenizer", "words"),
            ("context", "8"),
            ("mask_rate", "0.5"),
            ("mean_span", "1.5"),
            ("target", "10"),
            ("steps", "400"),
            ("lr", "3e-3"),
            ("num_layers", "1"),
            ("num_heads", "2"),
            ("d_model", "32"),
            ("d_kv", "16"),
            ("d_ff", "128"),
            ("eval_every", "50"),
        ],
    },
    Preset {
        name: "figure-gpt",
        title: "Figure: pretraining GPT",
        summary: "The chapter's own example: every word of I like this book is predicted from those before it.",
        example: Some(Example { probe: "I like this book", hidden: &[] }),
        source: Source::Figure,
        settings: &[
            ("tokenizer", "words"),
            ("context", "8"),
            ("steps", "400"),
            ("lr", "3e-3"),
            ("n_layer", "1"),
            ("n_head", "2"),
            ("n_embd", "32"),
            ("eval_every", "50"),
        ],
    },
    Preset {
        name: "bench-a",
        title: "Benchmark A",
        summary: "Four layers, four heads, width 128, context 64, batch 12, vocabulary 65.",
        example: None,
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
        example: None,
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
        example: None,
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
            if settings.model.config.family().architecture() == Architecture::EncoderDecoder {
                let (source, target) = task.pair_lengths(settings.frame());
                settings.set("context", &json!(source))?;
                settings.set("target", &json!(target))?;
            } else {
                settings.set("context", &json!(task.context()))?;
            }
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
        let two_stacks = settings.model.config.family().architecture() == Architecture::EncoderDecoder;
        let data = match (self.source, text) {
            (Source::Task(task), None) if two_stacks => Dataset::task_pairs(task),
            (Source::Task(task), None) => return Ok(Dataset::task(task)),
            (Source::Figure, None) => Dataset::text("figure", figure::text().as_bytes(), tokenizer, settings.context)?,
            (Source::Task(_), Some(_)) => return Err(TrainError::TaskTakesNoText { preset: self.name }),
            (Source::World, None) => Dataset::world_with(settings.world_seed, tokenizer)?,
            (Source::Translation, None) => Dataset::translation(settings.world_seed, tokenizer, settings.context)?,
            (Source::Text, None) => return Err(TrainError::NeedsText { preset: self.name }),
            (Source::World | Source::Text | Source::Figure | Source::Translation, Some((name, bytes))) => {
                Dataset::text(name, bytes, tokenizer, settings.context)?
            }
        };
        Ok(data.with_frame(settings.frame()))
    }
}
