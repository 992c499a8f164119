//! Special tokens spelled out in a text.

use std::collections::HashMap;

/// Finds the longest of a set of tokens at a place in a text.
#[derive(Clone, Debug)]
pub(super) struct Literals {
    ids: HashMap<String, u32>,
    /// The different lengths in bytes, longest first.
    lengths: Vec<usize>,
    /// Whether a token starts with the byte; most places of a text are left after this one look.
    starts: [bool; 256],
}

impl Literals {
    pub(super) fn new<'a>(tokens: impl IntoIterator<Item = (u32, &'a str)>) -> Self {
        let ids: HashMap<String, u32> = tokens.into_iter().map(|(id, token)| (token.to_owned(), id)).collect();
        let mut lengths: Vec<usize> = ids.keys().map(String::len).collect();
        lengths.sort_unstable_by_key(|&length| std::cmp::Reverse(length));
        lengths.dedup();
        let mut starts = [false; 256];
        for byte in ids.keys().filter_map(|token| token.bytes().next()) {
            starts[usize::from(byte)] = true;
        }
        Self { ids, lengths, starts }
    }

    /// The token that `text` starts with, and its id.
    pub(super) fn at<'a>(&self, text: &'a str) -> Option<(&'a str, u32)> {
        let first = text.bytes().next()?;
        if !self.starts[usize::from(first)] {
            return None;
        }
        self.lengths.iter().find_map(|&length| {
            let token = text.get(..length)?;
            self.ids.get(token).map(|&id| (token, id))
        })
    }

    /// Whether `token` is one of them.
    pub(super) fn contains(&self, token: &str) -> bool {
        self.ids.contains_key(token)
    }

    /// The id of `token`, if it is one of them.
    pub(super) fn id(&self, token: &str) -> Option<u32> {
        self.ids.get(token).copied()
    }

    /// All of them in the order of their ids.
    pub(super) fn sorted(&self) -> Vec<(u32, &str)> {
        let mut all: Vec<(u32, &str)> = self.ids.iter().map(|(token, &id)| (id, token.as_str())).collect();
        all.sort_unstable();
        all
    }
}
