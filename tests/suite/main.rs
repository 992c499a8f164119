//! The one integration binary: linking happens once. Each module tests the module of the library it is named for.

mod architecture;
mod autodiff;
mod cases;
mod cli;
mod data;
mod gpu;
mod ir;
mod kernels;
mod known_answers;
mod metrics;
mod models;
mod passes;
mod plan;
mod reference;
mod shaders;
mod text;
mod train;
