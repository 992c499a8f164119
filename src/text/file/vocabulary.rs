//! The two large parts of a `tokenizer.json`, read without losing duplicates and never beyond their limits.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value, json};

use super::MAX_TOKENS;
use crate::text::TextError;

/// `{"token": id, …}`, or for Unigram `[["token", score], …]`.
pub(super) enum Vocabulary {
    Ids(Vec<(String, u32)>),
    Scores(Vec<(String, f64)>),
}

impl Vocabulary {
    /// Every token with its id.
    pub(super) fn ids(&self) -> Box<dyn Iterator<Item = (&str, u32)> + '_> {
        match self {
            Self::Ids(entries) => Box::new(entries.iter().map(|(token, id)| (token.as_str(), *id))),
            Self::Scores(entries) => Box::new(entries.iter().map(|(token, _)| token.as_str()).zip(0..)),
        }
    }

    pub(super) const fn is_scored(&self) -> bool {
        matches!(self, Self::Scores(_))
    }

    /// What a Unigram model needs: finite scores, and an unknown token among them.
    pub(super) fn check_scores(&self, unknown: Option<usize>) -> Result<(), TextError> {
        let Self::Scores(entries) = self else {
            return Err(TextError::file("model.vocab", "a Unigram model needs a list of scores"));
        };
        if let Some(i) = entries.iter().position(|(_, score)| !score.is_finite()) {
            return Err(TextError::file(format!("model.vocab[{i}]"), "the score is not finite"));
        }
        match unknown {
            Some(id) if id < entries.len() => Ok(()),
            Some(id) => Err(TextError::file("model.unk_id", format!("{id}, but there are {} tokens", entries.len()))),
            None => Err(TextError::file("model.unk_id", "missing")),
        }
    }

    pub(super) fn to_json(&self) -> Value {
        match self {
            Self::Ids(entries) => {
                let map: Map<String, Value> = entries.iter().map(|(token, id)| (token.clone(), json!(id))).collect();
                Value::Object(map)
            }
            Self::Scores(entries) => json!(entries),
        }
    }
}

impl<'de> Deserialize<'de> for Vocabulary {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;

        impl<'de> Visitor<'de> for Entries {
            type Value = Vocabulary;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a vocabulary: an object of ids or a list of scores")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Vocabulary, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    limit(entries.len())?;
                    entries.push(entry);
                }
                Ok(Vocabulary::Ids(entries))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vocabulary, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = list.next_element()? {
                    limit(entries.len())?;
                    entries.push(entry);
                }
                Ok(Vocabulary::Scores(entries))
            }
        }

        deserializer.deserialize_any(Entries)
    }
}

/// Pairs of tokens in order of rank.
pub(super) struct Merges(pub(super) Vec<(String, String)>);

impl<'de> Deserialize<'de> for Merges {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;

        impl<'de> Visitor<'de> for Pairs {
            type Value = Merges;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of merges")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Merges, A::Error> {
                let mut pairs = Vec::new();
                while let Some(Pair(left, right)) = list.next_element()? {
                    limit(pairs.len())?;
                    pairs.push((left, right));
                }
                Ok(Merges(pairs))
            }
        }

        deserializer.deserialize_seq(Pairs)
    }
}

/// One merge: `"a b"`, or `["a", "b"]` where tokens may contain spaces.
struct Pair(String, String);

impl<'de> Deserialize<'de> for Pair {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Sides;

        impl<'de> Visitor<'de> for Sides {
            type Value = Pair;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a merge: \"a b\" or [\"a\", \"b\"]")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Pair, E> {
                match text.split_once(' ') {
                    Some((left, right)) if !right.contains(' ') => Ok(Pair(left.to_owned(), right.to_owned())),
                    _ => Err(E::custom("a merge is two tokens with one space between them")),
                }
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Pair, A::Error> {
                let sides = (list.next_element()?, list.next_element()?, list.next_element::<IgnoredAny>()?);
                match sides {
                    (Some(left), Some(right), None) => Ok(Pair(left, right)),
                    _ => Err(A::Error::custom("a merge has two tokens")),
                }
            }
        }

        deserializer.deserialize_any(Sides)
    }
}

fn limit<E: Error>(count: usize) -> Result<(), E> {
    if count >= MAX_TOKENS { Err(E::custom(format_args!("more than {MAX_TOKENS} entries"))) } else { Ok(()) }
}
