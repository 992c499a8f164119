//! The last stage of a tokenizer: offsets without white space, then a template of special tokens around one or two
//! texts. Every post-processor of a `tokenizer.json` that is accepted has this one form.
//!
//! The stage is carried out here rather than by the `tokenizers` crate: that one indexes with what the file says,
//! and our own forms (characters, bytes) need it too.

use serde_json::Value;

use super::byte_level;
use super::encoding::Encoding;

/// A part of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// The first text.
    First { type_id: u32 },
    /// The second text of a pair.
    Second { type_id: u32 },
    /// A token that the template adds.
    Special { id: u32, type_id: u32 },
}

/// What becomes of the offsets of byte-level tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trim {
    /// They stay.
    No,
    /// White space at both ends is left out.
    Yes,
    /// The same, but a single space at the start is one that the pre-tokenizer added, which has no place.
    YesButFirst,
}

/// A checked post-processor.
#[derive(Clone, Debug)]
pub(super) struct Processor {
    pub(super) trim: Trim,
    /// Holds the first text once.
    pub(super) single: Vec<Piece>,
    /// Holds both texts once.
    pub(super) pair: Vec<Piece>,
    /// As the file has it.
    pub(super) source: Value,
}

impl Default for Processor {
    /// Texts one after the other, as without a post-processor.
    fn default() -> Self {
        Self {
            trim: Trim::No,
            single: vec![Piece::First { type_id: 0 }],
            pair: vec![Piece::First { type_id: 0 }, Piece::Second { type_id: 1 }],
            source: Value::Null,
        }
    }
}

impl Processor {
    /// Puts the template around the texts, without its tokens unless `special`.
    pub(super) fn apply(
        &self,
        mut first: Encoding,
        second: Option<Encoding>,
        special: bool,
        spell: impl Fn(u32) -> String,
    ) -> Encoding {
        self.trim(&mut first);
        let template = if second.is_some() { &self.pair } else { &self.single };
        let (mut first, mut second) = (Some(first), second);
        if let Some(second) = &mut second {
            self.trim(second);
        }
        let mut whole = Encoding::default();
        for piece in template {
            match *piece {
                Piece::First { type_id } => whole.append(first.take().unwrap_or_default(), type_id),
                Piece::Second { type_id } => whole.append(second.take().unwrap_or_default(), type_id),
                Piece::Special { id, type_id } if special => whole.push_special(id, spell(id), type_id),
                Piece::Special { .. } => {}
            }
        }
        whole
    }

    /// As `process_offsets` of the `tokenizers` crate.
    fn trim(&self, text: &mut Encoding) {
        if self.trim == Trim::No {
            return;
        }
        let space = byte_level::character(b' ');
        let is_space = |character: &char| *character == space || character.is_whitespace();
        for (i, (token, (start, end))) in text.tokens.iter().zip(&mut text.offsets).enumerate() {
            let leading = token.chars().take_while(is_space).count();
            let trailing = token.chars().rev().take_while(is_space).count();
            let is_added = self.trim == Trim::YesButFirst && leading == 1 && (i == 0 || *start == 0);
            if !is_added {
                *start = (*start + leading).min(*end);
            }
            if *end >= trailing {
                *end = (*end - trailing).max(*start);
            }
        }
    }
}
