//! The choices that came after GPT-2 and BERT: each has its gradients, its number of parameters, and is seen by the device as
//! by the interpreter (see `invariance`).

use trainyard::ir::{Activation, NormKind};
use trainyard::models::{Config, Family, Gpt2Config, Head, Model, NormPlacement, Options, Position};

use super::families::small;
use crate::autodiff::model::check;

/// One choice at a time, and all of them together. Of GPT-2, with the norm before.
pub fn variants() -> Vec<Options> {
    let plain = Options::plain(NormPlacement::Pre);
    let all = Options {
        bias: false,
        norm_kind: NormKind::Rms,
        position: Position::Rotary,
        gated: true,
        kv_heads: Some(1),
        qk_norm: true,
        band: Some(3),
        norm: NormPlacement::Pre,
    };
    vec![
        Options { norm: NormPlacement::Post, ..plain },
        Options { norm_kind: NormKind::Rms, ..plain },
        Options { position: Position::Sinusoidal, ..plain },
        Options { position: Position::Rotary, ..plain },
        Options { position: Position::Alibi, ..plain },
        Options { position: Position::None, ..plain },
        Options { gated: true, ..plain },
        Options { kv_heads: Some(1), ..plain },
        Options { qk_norm: true, ..plain },
        Options { band: Some(3), ..plain },
        Options { bias: false, ..plain },
        all,
    ]
}

#[test]
fn gradients_are_differences() -> Result<(), String> {
    for options in variants() {
        let config = Gpt2Config {
            vocab_size: 7,
            n_positions: 6,
            n_embd: 8,
            n_inner: Some(6),
            n_layer: 2,
            n_head: 2,
            activation: Activation::Silu,
            options,
            ..Gpt2Config::default()
        };
        check(&config, true, |_, _| {}).map_err(|e| format!("{options:?}: {e}"))?;
    }
    Ok(())
}

#[test]
fn the_formula_counts_what_is_declared() {
    for options in variants() {
        for tie_word_embeddings in [true, false] {
            let Config::Gpt2(small) = small(Family::Gpt2) else { panic!("a GPT-2") };
            let config = Gpt2Config { options, tie_word_embeddings, ..small };
            let model = Model { config: Config::Gpt2(config.clone()), head: Head::Language, smoothing: 0.0 };
            assert_eq!(model.parameters(), Ok(config.parameters()), "{options:?}");
        }
    }
}
