//! A text as documents of segments, for objectives that need to know where these end.
//!
//! Documents of a visitor's text are its paragraphs, or its lines where no line is empty; their segments are sentences
//! and lines. In the synthetic world a document is a line, and the clauses of a review are segments too, because a
//! review is one sentence.

use std::collections::HashMap;
use std::ops::Range;

use crate::rng::Draws;
use crate::text::{TextError, Tokenizer};

/// How the clauses of the world's reviews are joined, with the word that follows.
const CLAUSES: [&str; 3] = [" and the ", " , but the ", " , the "];

/// Segments whose tokens are looked up instead of encoded again; a text of many different ones gains nothing from more.
const MOST_KNOWN: usize = 1 << 16;

/// Token ids with the bounds of documents and of segments.
#[derive(Clone, Debug)]
pub struct Documents {
    tokens: Vec<u32>,
    /// First token of each segment, and the number of tokens.
    segments: Vec<u32>,
    /// First segment of each document, and the number of segments.
    documents: Vec<u32>,
    /// Documents of at least two segments.
    divisible: Vec<u32>,
}

impl Documents {
    /// Encodes documents, each given as its segments. What has no tokens is left out.
    pub(super) fn encode<'a, S: Iterator<Item = &'a str>>(
        tokenizer: &Tokenizer,
        documents: impl Iterator<Item = S>,
    ) -> Result<Self, TextError> {
        let mut out = Self { tokens: Vec::new(), segments: vec![0], documents: vec![0], divisible: Vec::new() };
        // Many segments come again, and a copy costs a fraction of an encoding.
        let mut known: HashMap<&str, Range<usize>> = HashMap::new();
        for document in documents {
            let first = out.segments.len() - 1;
            for segment in document {
                let start = out.tokens.len();
                match known.get(segment) {
                    Some(range) => out.tokens.extend_from_within(range.clone()),
                    None => out.tokens.extend(tokenizer.encode(segment)?),
                }
                if out.tokens.len() > start {
                    out.segments.push(out.tokens.len() as u32);
                    if known.len() < MOST_KNOWN {
                        known.entry(segment).or_insert(start..out.tokens.len());
                    }
                }
            }
            let segments = out.segments.len() - 1;
            if segments > first {
                if segments > first + 1 {
                    out.divisible.push(out.len() as u32);
                }
                out.documents.push(segments as u32);
            }
        }
        Ok(out)
    }

    /// Of a text: paragraphs, or lines.
    pub(super) fn of_text(tokenizer: &Tokenizer, text: &str) -> Result<Self, TextError> {
        let text = text.replace("\r\n", "\n");
        let by = if text.trim().contains("\n\n") { "\n\n" } else { "\n" };
        Self::encode(tokenizer, text.split(by).map(str::trim).map(sentences))
    }

    /// How many documents there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.documents.len() - 1
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All tokens, one document after the other.
    #[must_use]
    pub fn tokens(&self) -> &[u32] {
        &self.tokens
    }

    /// Where the tokens of a document start.
    pub(super) fn start(&self, document: usize) -> usize {
        self.segments[self.documents[document] as usize] as usize
    }

    /// The tokens of a document.
    #[must_use]
    pub fn document(&self, document: usize) -> &[u32] {
        &self.tokens[self.start(document)..self.start(document + 1)]
    }

    /// The segments of a document.
    pub(super) fn segments(&self, document: usize) -> Vec<&[u32]> {
        let bounds = &self.segments[self.documents[document] as usize..=self.documents[document + 1] as usize];
        bounds.windows(2).map(|bound| &self.tokens[bound[0] as usize..bound[1] as usize]).collect()
    }

    /// Documents of at least two segments.
    pub(super) fn divisible(&self) -> &[u32] {
        &self.divisible
    }

    /// The document of a token, and the token's place in it.
    pub(super) fn locate(&self, token: usize) -> (usize, usize) {
        let segment = self.segments.partition_point(|&start| start as usize <= token) - 1;
        let document = self.documents.partition_point(|&first| first as usize <= segment) - 1;
        (document, token - self.start(document))
    }

    /// A random token's document, so that long ones come as often as they have tokens: the document's first `room`
    /// tokens if it has no more, else a random window of it, with the place of the first token in the text.
    pub(super) fn excerpt(&self, room: usize, draws: &mut Draws) -> (&[u32], usize) {
        let token = draws.below(self.tokens.len() as u32) as usize;
        let (document, _) = self.locate(token);
        let tokens = self.document(document);
        let start = super::batch::window(tokens.len(), room, draws);
        (&tokens[start..tokens.len().min(start + room)], self.start(document) + start)
    }
}

/// The sentences and lines of a text; white space stands at the start of the next one, so that nothing is lost.
fn sentences(text: &str) -> impl Iterator<Item = &str> {
    pieces(text, |text, at, c| {
        let before = text[..at].chars().next_back();
        c == '\n' || c.is_whitespace() && before.is_some_and(|before| matches!(before, '.' | '?' | '!'))
    })
}

/// The sentences of a document of the world, and the clauses of a review.
pub(super) fn clauses(text: &str) -> impl Iterator<Item = &str> {
    pieces(text, |text, at, c| {
        c == ' ' && (text[..at].ends_with(['.', '?']) || CLAUSES.iter().any(|joined| text[at..].starts_with(joined)))
    })
}

/// Cuts a text before every character for which `is_cut` holds, given the text, the character's place and itself.
fn pieces(text: &str, is_cut: impl Fn(&str, usize, char) -> bool) -> impl Iterator<Item = &str> {
    let mut rest = 0;
    let mut done = false;
    std::iter::from_fn(move || {
        if done {
            return None;
        }
        let start = rest;
        let mut cuts = text[start..].char_indices().skip(1).map(|(at, c)| (start + at, c));
        let end = cuts.find(|&(at, c)| is_cut(text, at, c));
        done = end.is_none();
        rest = end.map_or(text.len(), |(at, _)| at);
        Some(&text[start..rest])
    })
}
