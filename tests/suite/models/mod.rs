//! Models: names and shapes, configurations, first values, and what holds of any decoder.

mod config;
mod counts;
mod families;
mod invariance;
mod layout;
mod options;
mod properties;
mod start;

use trainyard::ir::Graph;
use trainyard::models::{Config, Decay, Extents, Gpt2Config, KeyMask, Mode, Model};

/// The graph of a GPT-2 that predicts tokens.
pub fn gpt2(config: &Gpt2Config, extents: Extents, mode: Mode) -> Graph {
    Model::language(Config::Gpt2(config.clone())).graph(extents, mode, Decay::Matrices).expect("a model")
}

/// Extents of a decoder-only step, with or without a mask of padding.
pub const fn decoder(batch: usize, time: usize, padded: bool) -> Extents {
    let key_mask = if padded { KeyMask::Padding } else { KeyMask::None };
    Extents { key_mask, ..Extents::decoder(batch, time) }
}
