//! The one integration binary: linking happens once. Each module tests the module of the library it is named for.

mod data;
mod gpu;
mod known_answers;
mod text;
