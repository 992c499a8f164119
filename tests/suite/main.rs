//! The one integration binary: linking happens once. Each module tests the module of the library it is named for.

mod autodiff;
mod cases;
mod data;
mod ir;
mod reference;
mod text;
