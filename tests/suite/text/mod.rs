//! Reading texts, and the tokenizers against the Hugging Face library's own answers.

mod files;
mod hostile;
mod own;
mod train;
mod utf8;
