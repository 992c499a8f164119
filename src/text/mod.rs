//! Text in, token ids out: reading bytes as UTF-8, and the tokenizers.
//!
//! [`decode_utf8`] is the gate for every text a visitor brings. A [`Tokenizer`] is one of three forms: a table of
//! characters (character models and the algorithmic tasks), the 256 bytes, or a model of the `tokenizers` crate read
//! from a `tokenizer.json`. The first two are our own because a character model encodes megabytes in the page, where
//! a general pipeline that keeps an offset and a string per token is too slow and too large. [`Tokenizer::train`]
//! makes one from a text, of any [`TrainKind`] and with the special tokens of any model family ([`Template`]).
//!
//! Rules: nothing here reads files, callers pass bytes; nothing panics on data; a `tokenizer.json` is validated
//! completely before the crate sees it (`file` says why), and what is trained is read like one; ids are contiguous
//! from zero.

mod byte_level;
mod bytes;
mod encoding;
mod error;
mod file;
mod label;
mod literals;
mod pieces;
mod pipeline;
mod processor;
mod specials;
mod symbols;
mod tokenizer;
mod train;
mod utf8;
mod write;

pub use encoding::Encoding;
pub use error::TextError;
pub use specials::Specials;
pub use tokenizer::{Kind, Tokenizer};
pub use train::{MAX_SENTINELS, MAX_VOCABULARY, Template, TrainKind, TrainSpec};
pub use utf8::{BYTE_ORDER_MARK, decode_utf8};
