//! Trains small Transformers on the GPU, in a browser or natively, and shows their attention while they learn.
//!
//! A configuration becomes a static graph ([`models`], [`ir`]), the graph gains its backward half ([`autodiff`]), is
//! rewritten ([`passes`]) and lowered to a list of launches ([`plan`]) that the executor ([`gpu`]) replays each
//! step. [`mod@reference`] interprets the same graph on the CPU and is the oracle of every test. [`train`] drives both;
//! `web` and the command line only translate and print. `ARCHITECTURE.md` has the layers and the recipes.

pub mod autodiff;
pub mod data;
pub mod gpu;
pub mod ir;
pub mod kernels;
pub mod metrics;
pub mod models;
pub mod passes;
pub mod plan;
pub mod reference;
pub mod rng;
pub mod text;
pub mod train;
#[cfg(target_arch = "wasm32")]
pub mod web;
