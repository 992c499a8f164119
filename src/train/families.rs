//! What each family starts from: small configurations, and the objectives that they were made for.

use crate::data::Objective;
use crate::data::objective::{Causal, Denoise, Mlm, Selection, Span};
use crate::models::{
    BartConfig, BertConfig, Config, Family, Gpt2Config, Head, KeyMask, Labels, Problem, T5Config, TransformerConfig,
};
use crate::text::TrainKind;

/// The objective that a family was published with.
#[must_use]
pub fn default_objective(family: Family) -> Objective {
    match family {
        Family::Bert => Objective::Mlm(Mlm::default()),
        Family::Gpt2 => Objective::Causal(Causal::default()),
        Family::T5 => Objective::Span(Span::default()),
        Family::Bart => Objective::Denoise(Denoise::default()),
        Family::Transformer => Objective::Seq2Seq,
    }
}

/// The kind of tokenizer that a family was published with; characters where words have no part in it.
#[must_use]
pub(super) const fn tokenizer(family: Family) -> TrainKind {
    match family {
        Family::Bert => TrainKind::WordPiece,
        Family::T5 => TrainKind::Unigram,
        Family::Bart => TrainKind::Bpe,
        Family::Gpt2 | Family::Transformer => TrainKind::Characters,
    }
}

/// The objectives that a family can be trained with.
#[must_use]
pub fn objectives(family: Family) -> &'static [&'static str] {
    match family {
        Family::Bert => &["mlm", "mlm+nsp", "mlm+sop", "classify"],
        Family::Gpt2 => &["causal", "prefix_lm", "lm"],
        Family::T5 => &[
            "span",
            "iid_15_u_u",
            "iid_15_r10s90_f",
            "iid_15_m_f",
            "iid_15_d_d",
            "prefix_lm",
            "all_permute",
            "denoise",
            "seq2seq",
        ],
        Family::Bart => &["denoise", "seq2seq", "all_permute", "prefix_lm"],
        Family::Transformer => &["seq2seq", "denoise", "prefix_lm"],
    }
}

/// The head that an objective needs, over this many classes.
#[must_use]
pub(super) const fn head(objective: &Objective, classes: usize) -> Head {
    match objective {
        Objective::MlmNsp(_) | Objective::MlmSop(_) => Head::PreTraining,
        Objective::Classify => Head::Sequence(Labels { count: classes, problem: Problem::Single }),
        _ => Head::Language,
    }
}

/// A configuration of a family with the layers, heads and width of another, and no dropout.
#[must_use]
pub fn config(family: Family, like: &Config) -> Config {
    let [layers, heads] = like.decoder().or_else(|| like.encoder()).unwrap_or([2, 4]);
    let (width, positions) = (like.width(), like.positions().unwrap_or(512));
    match family {
        Family::Bert => Config::Bert(BertConfig {
            hidden_size: width,
            num_hidden_layers: layers,
            num_attention_heads: heads,
            intermediate_size: 4 * width,
            max_position_embeddings: positions,
            hidden_dropout_prob: 0.0,
            attention_probs_dropout_prob: 0.0,
            ..BertConfig::default()
        }),
        Family::Gpt2 => Config::Gpt2(Gpt2Config {
            n_embd: width,
            n_layer: layers,
            n_head: heads,
            n_positions: positions,
            resid_pdrop: 0.0,
            embd_pdrop: 0.0,
            attn_pdrop: 0.0,
            bos_token_id: None,
            eos_token_id: None,
            ..Gpt2Config::default()
        }),
        Family::T5 => Config::T5(T5Config {
            d_model: width,
            d_kv: (width / heads).max(1),
            d_ff: 4 * width,
            num_layers: layers,
            num_heads: heads,
            dropout_rate: 0.0,
            ..T5Config::default()
        }),
        Family::Bart => Config::Bart(BartConfig {
            d_model: width,
            max_position_embeddings: positions,
            encoder_layers: layers,
            encoder_attention_heads: heads,
            encoder_ffn_dim: 4 * width,
            decoder_layers: layers,
            decoder_attention_heads: heads,
            decoder_ffn_dim: 4 * width,
            dropout: 0.0,
            ..BartConfig::default()
        }),
        Family::Transformer => Config::Transformer(TransformerConfig {
            d_model: width,
            max_position_embeddings: positions,
            encoder_layers: layers,
            decoder_layers: layers,
            num_heads: heads,
            d_ff: 4 * width,
            dropout: 0.0,
            ..TransformerConfig::default()
        }),
    }
}

/// An objective by name, with the parameters of `like` where it has the same ones.
#[must_use]
pub(super) fn objective(name: &str, like: &Objective) -> Objective {
    let mut objective = match name {
        "mlm" => Objective::Mlm(Mlm::default()),
        "mlm+nsp" => Objective::MlmNsp(Mlm::default()),
        "mlm+sop" => Objective::MlmSop(Mlm::default()),
        "span" => Objective::Span(Span::default()),
        "iid_15_u_u" => Objective::UniqueSentinels,
        "iid_15_r10s90_f" => Objective::BertStyle,
        "iid_15_m_f" => Objective::MassStyle,
        "iid_15_d_d" => Objective::DropTokens,
        "prefix_lm" => Objective::PrefixLm,
        "all_permute" => Objective::Deshuffle,
        "lm" => Objective::Lm,
        "denoise" => Objective::Denoise(Denoise::default()),
        "seq2seq" => Objective::Seq2Seq,
        "classify" => Objective::Classify,
        _ => Objective::Causal(Causal::default()),
    };
    match (&mut objective, like) {
        (Objective::Mlm(new) | Objective::MlmNsp(new) | Objective::MlmSop(new), old) => {
            if let Objective::Mlm(mlm) | Objective::MlmNsp(mlm) | Objective::MlmSop(mlm) = old {
                *new = *mlm;
            }
        }
        (new, old) if new.name() == old.name() => *new = old.clone(),
        _ => {}
    }
    objective
}

/// Settings of how much an objective corrupts, and how; one that an objective does not have is null in a listing.
pub const NOISE: [&str; 7] = ["mask_rate", "mean_span", "permute", "mask_tokens", "delete_tokens", "insert", "rotate"];

/// One of [`NOISE`], where the objective has it.
#[must_use]
pub(super) fn noise(objective: &Objective, key: &str) -> Option<f64> {
    noise_slot(&mut objective.clone(), key).copied()
}

/// Sets one of [`NOISE`], where the objective has it.
pub(super) fn set_noise(objective: &mut Objective, key: &str, value: f64) {
    if let Some(slot) = noise_slot(objective, key) {
        *slot = value;
    }
}

fn noise_slot<'a>(objective: &'a mut Objective, key: &str) -> Option<&'a mut f64> {
    Some(match (objective, key) {
        (Objective::Mlm(mlm) | Objective::MlmNsp(mlm) | Objective::MlmSop(mlm), "mask_rate") => &mut mlm.probability,
        (Objective::Span(span), "mask_rate") => &mut span.density,
        (Objective::Span(span), "mean_span") => &mut span.mean,
        (Objective::Denoise(denoise), "mask_rate") => &mut denoise.infill,
        (Objective::Denoise(denoise), "mean_span") => &mut denoise.lambda,
        (Objective::Denoise(denoise), "permute") => &mut denoise.permute,
        (Objective::Denoise(denoise), "mask_tokens") => &mut denoise.mask,
        (Objective::Denoise(denoise), "delete_tokens") => &mut denoise.delete,
        (Objective::Denoise(denoise), "insert") => &mut denoise.insert,
        (Objective::Denoise(denoise), "rotate") => &mut denoise.rotate,
        _ => return None,
    })
}

/// Whether the pieces of a word are masked together.
#[must_use]
pub(super) const fn whole_words(objective: &Objective) -> bool {
    match objective {
        Objective::Mlm(mlm) | Objective::MlmNsp(mlm) | Objective::MlmSop(mlm) => {
            matches!(mlm.selection, Selection::WholeWord)
        }
        _ => false,
    }
}

/// Sets [`whole_words`], where the objective masks tokens.
pub(super) fn set_whole_words(objective: &mut Objective, whole: bool) {
    if let Objective::Mlm(mlm) | Objective::MlmNsp(mlm) | Objective::MlmSop(mlm) = objective {
        mlm.selection = if whole { Selection::WholeWord } else { Selection::default() };
    }
}

/// What the key mask of a decoder-only model says.
#[must_use]
pub(super) const fn decoder_mask(objective: &Objective) -> KeyMask {
    match objective {
        Objective::Causal(causal) if causal.documents && causal.isolate => KeyMask::Documents,
        Objective::PrefixLm => KeyMask::Prefix,
        _ => KeyMask::None,
    }
}
