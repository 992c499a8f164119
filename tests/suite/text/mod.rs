//! Reading texts, and the tokenizers against the Hugging Face library's own answers.

mod files;
mod fuzz;
mod hostile;
mod own;
mod runs;
mod train;
mod utf8;
