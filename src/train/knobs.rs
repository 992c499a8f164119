//! Every setting that a visitor or `--set` can turn: its kind, range, words, whether it acts at once, and which families of
//! models have it.

use crate::data::Objective;
use crate::models::Family::{self, Bart, Bert, Gpt2, T5, Transformer};

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
    /// What the model is asked for.
    Objective,
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
    /// The families that have it; empty for all.
    pub families: &'static [Family],
    /// One sentence.
    pub help: &'static str,
}

const fn knob(key: &'static str, label: &'static str, kind: Kind, group: Group, help: &'static str) -> Knob {
    Knob { key, label, kind, live: false, group, families: &[], help }
}

/// A key of the configurations of some families.
const fn model(
    families: &'static [Family],
    key: &'static str,
    label: &'static str,
    kind: Kind,
    help: &'static str,
) -> Knob {
    Knob { key, label, kind, live: false, group: Group::Model, families, help }
}

const fn live(key: &'static str, label: &'static str, kind: Kind, group: Group, help: &'static str) -> Knob {
    Knob { key, label, kind, live: true, group, families: &[], help }
}

impl Knob {
    /// Whether a family has it.
    #[must_use]
    pub fn belongs_to(&self, family: Family) -> bool {
        self.families.is_empty() || self.families.contains(&family)
    }
}

/// How much one of BART's noisers does; 0 turns it off.
const fn noiser(key: &'static str, label: &'static str, help: &'static str) -> Knob {
    Knob { key, label, kind: SHARE, live: false, group: Group::Objective, families: &[Bart, T5, Transformer], help }
}

const SHARE: Kind = Kind::Float { min: 0.0, max: 1.0 };
const PROBABILITY: Kind = Kind::Float { min: 0.0, max: 0.95 };
/// Up to what single precision holds: a rate that is too high shows in the loss, and that is a lesson.
const RATE: Kind = Kind::Float { min: 0.0, max: 1e38 };
const ACTIVATIONS: Kind = Kind::Choice(&["gelu_new", "gelu", "relu", "silu"]);
const EPSILON: Kind = Kind::Float { min: 1e-30, max: 1.0 };
const SPREAD: Kind = Kind::Float { min: 1e-6, max: 10.0 };
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
        Kind::Choice(&["characters", "bytes", "bpe", "wordpiece", "unigram", "words"]),
        Group::Tokens,
        "How text becomes tokens: characters, bytes, or pieces of words learned from the text.",
    ),
    knob(
        "bpe_vocab",
        "Trained vocabulary",
        Kind::Int { min: 64, max: 65_536 },
        Group::Tokens,
        "Most tokens of a tokenizer that is trained on the text, special ones included.",
    ),
    knob(
        "vocab_size",
        "Vocabulary size",
        COUNT,
        Group::Tokens,
        "Rows of the token embedding (V); follows the tokenizer unless set.",
    ),
    knob(
        "family",
        "Family",
        Kind::Choice(&["bert", "t5", "bart", "transformer", "gpt2"]),
        Group::Model,
        "Encoder-only (BERT), encoder and decoder (T5, BART, the original Transformer), or decoder-only (GPT).",
    ),
    model(&[Gpt2], "n_layer", "Layers", Kind::Int { min: 1, max: 256 }, "Transformer blocks, one after the other."),
    model(
        &[Bert],
        "num_hidden_layers",
        "Layers",
        Kind::Int { min: 1, max: 256 },
        "Transformer blocks, one after the other.",
    ),
    model(&[T5], "num_layers", "Encoder layers", Kind::Int { min: 1, max: 256 }, "Blocks of the encoder."),
    model(
        &[T5],
        "num_decoder_layers",
        "Decoder layers",
        Kind::Nullable,
        "Blocks of the decoder; null is as many as the encoder has.",
    ),
    model(
        &[Bart, Transformer],
        "encoder_layers",
        "Encoder layers",
        Kind::Int { min: 1, max: 256 },
        "Blocks of the encoder.",
    ),
    model(
        &[Bart, Transformer],
        "decoder_layers",
        "Decoder layers",
        Kind::Int { min: 1, max: 256 },
        "Blocks of the decoder.",
    ),
    model(
        &[Gpt2],
        "n_head",
        "Attention heads",
        Kind::Int { min: 1, max: 1024 },
        "Heads per layer; they divide the embedding dimension among them.",
    ),
    model(
        &[Bert],
        "num_attention_heads",
        "Attention heads",
        Kind::Int { min: 1, max: 1024 },
        "Heads per layer; they divide the width among them.",
    ),
    model(&[T5, Transformer], "num_heads", "Attention heads", Kind::Int { min: 1, max: 1024 }, "Heads per layer."),
    model(
        &[Bart],
        "encoder_attention_heads",
        "Encoder heads",
        Kind::Int { min: 1, max: 1024 },
        "Heads per layer of the encoder.",
    ),
    model(
        &[Bart],
        "decoder_attention_heads",
        "Decoder heads",
        Kind::Int { min: 1, max: 1024 },
        "Heads per layer of the decoder.",
    ),
    model(
        &[Gpt2],
        "n_embd",
        "Embedding dimension (d_model)",
        Kind::Int { min: 1, max: 65_536 },
        "Numbers that stand for one token inside the model.",
    ),
    model(
        &[Bert],
        "hidden_size",
        "Width (d_model)",
        Kind::Int { min: 1, max: 65_536 },
        "Numbers that stand for one token inside the model.",
    ),
    model(
        &[T5, Bart, Transformer],
        "d_model",
        "Width (d_model)",
        Kind::Int { min: 1, max: 65_536 },
        "Numbers that stand for one token inside the model.",
    ),
    model(
        &[T5],
        "d_kv",
        "Head width (d_kv)",
        Kind::Int { min: 1, max: 65_536 },
        "Columns of a head; heads times this may differ from the width.",
    ),
    model(
        &[Gpt2],
        "n_inner",
        "Feed-forward dimension (d_ff)",
        Kind::Nullable,
        "Width of the feed-forward layer; null is four times the embedding dimension.",
    ),
    model(
        &[Bert],
        "intermediate_size",
        "Feed-forward width (d_ff)",
        Kind::Int { min: 1, max: 262_144 },
        "Width of the feed-forward layer.",
    ),
    model(
        &[T5, Transformer],
        "d_ff",
        "Feed-forward width (d_ff)",
        Kind::Int { min: 1, max: 262_144 },
        "Width of the feed-forward layers.",
    ),
    model(
        &[Bart],
        "encoder_ffn_dim",
        "Encoder feed-forward width",
        Kind::Int { min: 1, max: 262_144 },
        "Width of the feed-forward layer of the encoder.",
    ),
    model(
        &[Bart],
        "decoder_ffn_dim",
        "Decoder feed-forward width",
        Kind::Int { min: 1, max: 262_144 },
        "Width of the feed-forward layer of the decoder.",
    ),
    model(
        &[Gpt2],
        "n_positions",
        "Positions",
        Kind::Int { min: 1, max: 65_536 },
        "Rows of the position embedding; follows the context unless set.",
    ),
    model(
        &[Bert, Bart, Transformer],
        "max_position_embeddings",
        "Positions",
        Kind::Int { min: 1, max: 65_536 },
        "Longest text; follows the context unless set.",
    ),
    model(
        &[T5],
        "relative_attention_num_buckets",
        "Position buckets",
        Kind::Int { min: 4, max: 65_536 },
        "Buckets of relative positions.",
    ),
    model(
        &[T5],
        "relative_attention_max_distance",
        "Farthest distance",
        Kind::Int { min: 3, max: 65_536 },
        "Tokens farther apart than this share a bucket.",
    ),
    model(
        &[Bert],
        "type_vocab_size",
        "Token types",
        Kind::Int { min: 1, max: 65_536 },
        "Texts that a token can belong to: two for pairs.",
    ),
    model(
        &[Gpt2, Bart, Transformer],
        "activation_function",
        "Activation",
        ACTIVATIONS,
        "Nonlinearity of the feed-forward layer.",
    ),
    model(&[Bert], "hidden_act", "Activation", ACTIVATIONS, "Nonlinearity of the feed-forward layer."),
    model(
        &[T5],
        "feed_forward_proj",
        "Feed-forward layer",
        Kind::Choice(&["relu", "gelu_new", "gated-gelu", "gated-silu"]),
        "The nonlinearity, or a gate: relu is v1.0, gated-gelu v1.1.",
    ),
    model(
        &[Gpt2, Bert],
        "norm",
        "Normalization",
        Kind::Choice(&["pre", "post"]),
        "Before each sublayer (GPT-2) or after it (BERT, the original Transformer).",
    ),
    model(
        &[Gpt2, Bert],
        "norm_kind",
        "Norm",
        Kind::Choice(&["layer", "rms"]),
        "Layer norm, or the root mean square alone.",
    ),
    model(
        &[Gpt2, Bert],
        "position",
        "Positions by",
        Kind::Choice(&["learned", "sinusoidal", "rotary", "alibi", "none"]),
        "How the stack knows the order of its tokens.",
    ),
    model(
        &[Gpt2, Bert],
        "gated",
        "Gated feed-forward",
        Kind::Bool,
        "Multiplies the nonlinearity by a second projection: SwiGLU with silu, GEGLU with gelu.",
    ),
    model(
        &[Gpt2, Bert],
        "kv_heads",
        "Key heads",
        Kind::Nullable,
        "Heads of keys and values, which groups of query heads share; null is one each.",
    ),
    model(
        &[Gpt2, Bert],
        "qk_norm",
        "Query and key norm",
        Kind::Bool,
        "Whether each head normalizes its queries and keys.",
    ),
    model(
        &[Gpt2],
        "band",
        "Banded attention",
        Kind::Nullable,
        "Every second layer sees only this many tokens back, as in GPT-3; null is all.",
    ),
    model(&[Gpt2, Bert], "bias", "Biases", Kind::Bool, "Whether projections and norms have biases."),
    model(
        &[Gpt2, Bert, T5],
        "tie_word_embeddings",
        "Tied embeddings",
        Kind::Bool,
        "Whether the output projection is the token embedding.",
    ),
    model(
        &[Bart],
        "scale_embedding",
        "Scaled embeddings",
        Kind::Bool,
        "Whether embeddings are multiplied by the square root of the width.",
    ),
    knob("dropout", "Dropout", PROBABILITY, Group::Model, "Share of activations zeroed while training, at every site."),
    model(&[Gpt2], "resid_pdrop", "Dropout, residual", PROBABILITY, "Dropout on projections into the residual stream."),
    model(&[Gpt2], "embd_pdrop", "Dropout, embeddings", PROBABILITY, "Dropout on the embeddings."),
    model(&[Gpt2], "attn_pdrop", "Dropout, attention", PROBABILITY, "Dropout on attention probabilities."),
    model(
        &[Bert],
        "hidden_dropout_prob",
        "Dropout, hidden",
        PROBABILITY,
        "Dropout on embeddings and on projections into the residual stream.",
    ),
    model(
        &[Bert],
        "attention_probs_dropout_prob",
        "Dropout, attention",
        PROBABILITY,
        "Dropout on attention probabilities.",
    ),
    model(&[T5], "dropout_rate", "Dropout rate", PROBABILITY, "Dropout, everywhere."),
    model(&[Bart], "attention_dropout", "Dropout, attention", PROBABILITY, "Dropout on attention probabilities."),
    model(&[Bart], "activation_dropout", "Dropout, activations", PROBABILITY, "Dropout after the nonlinearity."),
    model(&[Gpt2, T5], "layer_norm_epsilon", "Norm epsilon", EPSILON, "Added to the variance in every norm."),
    model(&[Bert, Transformer], "layer_norm_eps", "Norm epsilon", EPSILON, "Added to the variance in every norm."),
    model(&[Gpt2, Bert], "initializer_range", "Initial standard deviation", SPREAD, "Spread of the first weights."),
    model(&[Bart], "init_std", "Initial standard deviation", SPREAD, "Spread of the first weights."),
    model(&[T5], "initializer_factor", "Initial factor", SPREAD, "Multiplies the spread of the first weights."),
    model(
        &[Gpt2],
        "scale_attn_weights",
        "Scaled attention",
        Kind::Bool,
        "Whether scores are divided by the square root of the head's width.",
    ),
    model(
        &[Gpt2],
        "scale_attn_by_inverse_layer_idx",
        "Scale by layer",
        Kind::Bool,
        "Whether scores of layer i are divided by i + 1 as well.",
    ),
    knob(
        "objective",
        "Objective",
        Kind::Choice(&Objective::NAMES),
        Group::Objective,
        "What the model learns to do: the next token, masked tokens, spans, noise, or answers.",
    ),
    knob(
        "target",
        "Target length",
        Kind::Nullable,
        Group::Objective,
        "Tokens of the decoder's sequence (T); null follows the objective and the context.",
    ),
    knob(
        "mask_rate",
        "Share of noise",
        SHARE,
        Group::Objective,
        "Share of the tokens that are masked, or corrupted in spans.",
    ),
    knob(
        "mean_span",
        "Mean span",
        Kind::Float { min: 1.0, max: 1000.0 },
        Group::Objective,
        "Mean length of a corrupted span, in tokens.",
    ),
    noiser("permute", "Permute sentences", "BART: share of the sentences that change places."),
    noiser("mask_tokens", "Mask tokens", "BART: probability that a token becomes the mask."),
    noiser("delete_tokens", "Delete tokens", "BART: probability that a token is deleted without a mark."),
    noiser("insert", "Insert masks", "BART: masks to insert, as a share of the tokens."),
    noiser("rotate", "Rotate", "BART: probability that the text starts at another token."),
    knob(
        "whole_words",
        "Whole words",
        Kind::Bool,
        Group::Objective,
        "Whether the pieces of a word are masked together.",
    ),
    knob(
        "label_smoothing",
        "Label smoothing",
        Kind::Float { min: 0.0, max: 0.9 },
        Group::Objective,
        "Share of the target that is spread over the vocabulary.",
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
