//! A synthetic world of short English texts whose meaning is known exactly.
//!
//! A document is first planned as a structure (a review with its hidden sentiment, a story with its events) and then
//! put into words by rule, so its labels and answers are true by construction. Two rules make it a measuring
//! instrument. *Random access*: document `index` of a world is a pure function of (`world_seed`, `index`), so there
//! is no end of text and none to store, and training and validation documents are ranges of the index. *Integers
//! only*: every choice compares a 32-bit draw with an integer table, so all machines write the same text.
//!
//! Words and punctuation are separated by single spaces, and everything is lower case: splitting at spaces gives
//! the words of the grammar. The first word tells the kind: a review begins with "the", a story with a name.

mod choice;
mod lexicon;
mod review;
mod story;
mod translation;
mod words;

use std::ops::Range;

use crate::rng::{Draws, Stream};

use self::choice::Table;
pub use self::lexicon::Lexicon;
use self::review::Review;
use self::story::Story;
pub use self::translation::Translator;

/// Documents to learn from.
pub const TRAIN: Range<u32> = 0..1 << 31;

/// Documents to measure with.
pub const VALIDATION: Range<u32> = 1 << 31..(1 << 31) + (1 << 20);

/// Stories and reviews, in the proportion of the full mixture.
const KINDS: Table<2> = Table::new([25, 20]);

/// A text with what is known about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// The words, without a newline.
    pub text: String,
    /// The derivation, as far as tasks ask for it.
    pub kind: DocumentKind,
}

/// The kind of a document, with its labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DocumentKind {
    /// Clauses that mostly agree with a hidden sentiment.
    Review {
        /// The hidden sentiment.
        positive: bool,
    },
    /// Who did what, and where things are in the end.
    Story {
        /// The closing question and its answer, as they stand in the text.
        question: Option<(String, String)>,
    },
}

/// The words of one world seed, ready to write documents.
#[derive(Clone, Debug)]
pub struct World {
    seed: u32,
    lexicon: Lexicon,
}

impl World {
    /// The world of `world_seed`.
    #[must_use]
    pub fn new(world_seed: u32) -> Self {
        Self { seed: world_seed, lexicon: Lexicon::new(world_seed) }
    }

    /// What its words mean.
    #[must_use]
    pub const fn lexicon(&self) -> &Lexicon {
        &self.lexicon
    }

    /// Document `index`.
    #[must_use]
    pub fn document(&self, index: u32) -> Document {
        let mut structure = Draws::new(index, Stream::DocStructure, self.seed);
        let mut lexical = Draws::new(index, Stream::DocLexical, self.seed);
        match KINDS.pick(&mut structure) {
            0 => Story::plan(&self.lexicon, &mut structure, &mut lexical).realize(&self.lexicon),
            _ => Review::plan(&self.lexicon, &mut structure, &mut lexical).realize(&self.lexicon),
        }
    }

    /// Documents `first..first + count`, a line each.
    #[must_use]
    pub fn text(&self, first: u32, count: u32) -> String {
        let mut text = String::new();
        for index in first..first.saturating_add(count) {
            text.push_str(&self.document(index).text);
            text.push('\n');
        }
        text
    }
}

/// The text of document `index` in the world of `world_seed`.
#[must_use]
pub fn document(world_seed: u32, index: u32) -> String {
    World::new(world_seed).document(index).text
}

/// Documents `first..first + count` of the world of `world_seed`, a line each.
#[must_use]
pub fn text(world_seed: u32, first: u32, count: u32) -> String {
    World::new(world_seed).text(first, count)
}
