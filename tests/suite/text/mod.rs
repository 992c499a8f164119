//! Reading texts, and the tokenizers against the Hugging Face library's own answers.

mod files;
mod fuzz;
mod hostile;
mod kinds;
mod own;
mod places;
mod processors;
mod runs;
mod train;
mod unigram;
mod utf8;
mod word_pieces;
