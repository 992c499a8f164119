//! Every setting that a visitor or `--set` can turn: its kind, range, words and whether it acts at once.

use super::engine::RING;

/// What a setting holds.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Kind {
    /// A whole number.
    Int {
        /// Smallest.
        min: u64,
        /// Largest.
        max: u64,
    },
    /// A number.
    Float {
        /// Smallest.
        min: f64,
        /// Largest.
        max: f64,
    },
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Yes or no.
    Bool,
    /// A whole number, or null for the default.
    Nullable,
}

/// Which card of the page a setting stands on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Group {
    /// What is read.
    Data,
    /// How text becomes tokens.
    Tokens,
    /// What is trained.
    Model,
    /// How it is trained.
    Optimizer,
}

/// A setting.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Knob {
    /// Name for `--set`, links and configurations; Hugging Face's where it has one.
    pub key: &'static str,
    /// Name on the page.
    pub label: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Whether a change acts at once; the others apply on restart.
    pub live: bool,
    /// Where it stands.
    pub group: Group,
    /// One sentence.
    pub help: &'static str,
}

const fn knob(key: &'static str, label: &'static str, kind: Kind, group: Group, help: &'static str) -> Knob {
    Knob { key, label, kind, live: false, group, help }
}

const fn live(key: &'static str, label: &'static str, kind: Kind, group: Group, help: &'static str) -> Knob {
    Knob { key, label, kind, live: true, group, help }
}

const PROBABILITY: Kind = Kind::Float { min: 0.0, max: 0.95 };
/// Up to what single precision holds: a rate that is too high shows in the loss, and that is a lesson.
const RATE: Kind = Kind::Float { min: 0.0, max: 1e38 };
/// A share of what was there before.
const MEMORY: Kind = Kind::Float { min: 0.0, max: 0.999_999 };
const COUNT: Kind = Kind::Int { min: 1, max: u32::MAX as u64 };

/// All settings, in the order in which they are shown.
pub const KNOBS: &[Knob] = &[
    knob(
        "world_seed",
        "World seed",
        Kind::Int { min: 0, max: u32::MAX as u64 },
        Group::Data,
        "Seed of the built-in text: another seed, another world.",
    ),
    knob(
        "context",
        "Context length",
        Kind::Int { min: 1, max: 65_536 },
        Group::Data,
        "Tokens the model reads at once (T).",
    ),
    knob(
        "tokenizer",
        "Tokenizer",
        Kind::Choice(&["characters", "bytes", "bpe"]),
        Group::Tokens,
        "How text becomes tokens: one per character, one per byte, or byte-pair encoding trained on the text.",
    ),
    knob(
        "bpe_vocab",
        "BPE vocabulary",
        Kind::Int { min: 257, max: 65_536 },
        Group::Tokens,
        "Vocabulary size of the trained byte-pair encoding.",
    ),
    knob(
        "vocab_size",
        "Vocabulary size",
        COUNT,
        Group::Tokens,
        "Rows of the token embedding (V); follows the tokenizer unless set.",
    ),
    knob("n_layer", "Layers", Kind::Int { min: 1, max: 256 }, Group::Model, "Transformer blocks, one after the other."),
    knob(
        "n_head",
        "Attention heads",
        Kind::Int { min: 1, max: 1024 },
        Group::Model,
        "Heads per layer; they divide the embedding dimension among them.",
    ),
    knob(
        "n_embd",
        "Embedding dimension (d_model)",
        Kind::Int { min: 1, max: 65_536 },
        Group::Model,
        "Numbers that stand for one token inside the model.",
    ),
    knob(
        "n_inner",
        "Feed-forward dimension (d_ff)",
        Kind::Nullable,
        Group::Model,
        "Width of the feed-forward layer; null is four times the embedding dimension.",
    ),
    knob(
        "n_positions",
        "Positions",
        Kind::Int { min: 1, max: 65_536 },
        Group::Model,
        "Rows of the position embedding; follows the context unless set.",
    ),
    knob(
        "activation_function",
        "Activation",
        Kind::Choice(&["gelu_new", "gelu", "relu", "silu"]),
        Group::Model,
        "Nonlinearity of the feed-forward layer.",
    ),
    knob(
        "norm",
        "Normalization",
        Kind::Choice(&["pre", "post"]),
        Group::Model,
        "Before each sublayer (GPT-2) or after it (the original Transformer).",
    ),
    knob("bias", "Biases", Kind::Bool, Group::Model, "Whether projections and norms have biases."),
    knob(
        "tie_word_embeddings",
        "Tied embeddings",
        Kind::Bool,
        Group::Model,
        "Whether the output projection is the token embedding.",
    ),
    knob("dropout", "Dropout", PROBABILITY, Group::Model, "Share of activations zeroed while training, at every site."),
    knob(
        "resid_pdrop",
        "Dropout, residual",
        PROBABILITY,
        Group::Model,
        "Dropout on projections into the residual stream.",
    ),
    knob("embd_pdrop", "Dropout, embeddings", PROBABILITY, Group::Model, "Dropout on the embeddings."),
    knob("attn_pdrop", "Dropout, attention", PROBABILITY, Group::Model, "Dropout on attention probabilities."),
    knob(
        "layer_norm_epsilon",
        "Norm epsilon",
        Kind::Float { min: 1e-30, max: 1.0 },
        Group::Model,
        "Added to the variance in every norm.",
    ),
    knob(
        "initializer_range",
        "Initial standard deviation",
        Kind::Float { min: 1e-6, max: 10.0 },
        Group::Model,
        "Spread of the first weights.",
    ),
    knob(
        "scale_attn_weights",
        "Scaled attention",
        Kind::Bool,
        Group::Model,
        "Whether scores are divided by the square root of the head's width.",
    ),
    knob(
        "scale_attn_by_inverse_layer_idx",
        "Scale by layer",
        Kind::Bool,
        Group::Model,
        "Whether scores of layer i are divided by i + 1 as well.",
    ),
    knob("batch", "Batch size", Kind::Int { min: 1, max: 65_536 }, Group::Optimizer, "Sequences per step (B)."),
    knob(
        "accumulate",
        "Gradient accumulation",
        Kind::Int { min: 1, max: RING as u64 },
        Group::Optimizer,
        "Parts that a batch is computed in: the same step with less memory. Divides the batch size.",
    ),
    knob("steps", "Steps", COUNT, Group::Optimizer, "Length of the run."),
    live("lr", "Learning rate", RATE, Group::Optimizer, "Size of a step, at its peak."),
    live("min_lr", "Final learning rate", RATE, Group::Optimizer, "Where a falling schedule ends."),
    live(
        "schedule",
        "Learning-rate schedule",
        Kind::Choice(&["constant", "linear", "cosine", "inverse_sqrt", "wsd"]),
        Group::Optimizer,
        "How the learning rate moves after the warm-up; wsd stays at its peak and falls at the end.",
    ),
    live(
        "warmup",
        "Warm-up steps",
        Kind::Int { min: 0, max: u32::MAX as u64 },
        Group::Optimizer,
        "Steps in which the learning rate rises to its peak.",
    ),
    live(
        "decay_fraction",
        "Decay fraction",
        Kind::Float { min: 0.0, max: 1.0 },
        Group::Optimizer,
        "Last part of the run, in which the wsd schedule falls.",
    ),
    knob(
        "optimizer",
        "Optimizer",
        Kind::Choice(&["adamw", "sgd", "adafactor", "lion", "muon"]),
        Group::Optimizer,
        "How weights follow their gradients; muon is for the matrices inside blocks and leaves the rest to adamw.",
    ),
    knob(
        "momentum",
        "Momentum",
        MEMORY,
        Group::Optimizer,
        "Memory of the mean gradient in sgd (0.9 is usual) and muon (0.95).",
    ),
    knob("beta1", "Beta 1", MEMORY, Group::Optimizer, "Memory of the mean gradient in adamw and lion."),
    knob(
        "beta2",
        "Beta 2",
        MEMORY,
        Group::Optimizer,
        "Memory of the squared gradient in adamw, of the mean in lion (0.99 is usual).",
    ),
    knob(
        "eps",
        "Epsilon",
        Kind::Float { min: 1e-30, max: 1.0 },
        Group::Optimizer,
        "Keeps the division of adamw finite.",
    ),
    live(
        "weight_decay",
        "Weight decay",
        Kind::Float { min: 0.0, max: 1e9 },
        Group::Optimizer,
        "Pull of decayed weights toward zero, per unit of learning rate.",
    ),
    knob(
        "decay",
        "Decayed weights",
        Kind::Choice(&["matrices", "linear"]),
        Group::Optimizer,
        "All matrices, or only those of linear layers.",
    ),
    live(
        "clip",
        "Gradient clipping (max norm)",
        Kind::Float { min: 0.0, max: 1e9 },
        Group::Optimizer,
        "Largest norm of the gradient; 0 does not clip.",
    ),
    live(
        "eval_every",
        "Evaluate every",
        Kind::Int { min: 0, max: u32::MAX as u64 },
        Group::Optimizer,
        "Steps between evaluations; 0 never evaluates.",
    ),
    live(
        "eval_batches",
        "Evaluation batches",
        Kind::Int { min: 1, max: 100_000 },
        Group::Optimizer,
        "Batches of one evaluation.",
    ),
];
