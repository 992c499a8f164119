//! The post-processor of a `tokenizer.json`: four published kinds and sequences of them, brought to one form.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value;

use super::shorten;
use crate::text::TextError;
use crate::text::processor::{Piece, Processor, Trim};

/// No published template has more than eight.
const MAX_PIECES: usize = 64;
/// BERT has two segments, and the other families one.
const MAX_TYPE_ID: u32 = 1;

/// A post-processor as it stands.
#[derive(Deserialize)]
#[serde(tag = "type")]
enum Source {
    TemplateProcessing {
        single: Vec<SourcePiece>,
        pair: Vec<SourcePiece>,
        special_tokens: HashMap<String, SourceSpecial>,
    },
    RobertaProcessing {
        sep: (String, u32),
        cls: (String, u32),
        trim_offsets: bool,
        add_prefix_space: bool,
    },
    BertProcessing {
        sep: (String, u32),
        cls: (String, u32),
    },
    ByteLevel {
        trim_offsets: bool,
        add_prefix_space: bool,
    },
    Sequence {
        processors: Vec<Source>,
    },
}

#[derive(Deserialize)]
enum SourcePiece {
    Sequence { id: SourceText, type_id: u32 },
    SpecialToken { id: String, type_id: u32 },
}

#[derive(Clone, Copy, Deserialize)]
enum SourceText {
    A,
    B,
}

/// A name of a template stands for one or more tokens.
#[derive(Deserialize)]
struct SourceSpecial {
    ids: Vec<u32>,
    tokens: Vec<String>,
}

/// Accepts or refuses a post-processor of a file with these tokens.
pub(super) fn check(value: Option<&Value>, tokens: &[String]) -> Result<Processor, TextError> {
    let Some(value) = value else {
        return Ok(Processor::default());
    };
    let source = Source::deserialize(value).map_err(|error| TextError::file("post_processor", error.to_string()))?;
    let mut processor = Processor { source: value.clone(), ..Processor::default() };
    match source {
        Source::Sequence { processors } => {
            let place = |i: usize| format!("post_processor.processors[{i}]");
            for (i, part) in processors.iter().enumerate() {
                // Offsets are trimmed at most once, and before a template adds tokens that have none.
                let in_order = matches!((i, part), (0, Source::ByteLevel { .. }))
                    || (i + 1 == processors.len() && i < 2 && !matches!(part, Source::ByteLevel { .. }));
                if !in_order || matches!(part, Source::Sequence { .. }) {
                    return Err(TextError::file(place(i), "only a ByteLevel and then a template are supported"));
                }
                let trim = processor.trim;
                set(&mut processor, part, &place(i), tokens)?;
                if trim != Trim::No && matches!(part, Source::RobertaProcessing { trim_offsets: true, .. }) {
                    return Err(TextError::file(place(i), "offsets would be trimmed twice"));
                }
                if trim != Trim::No {
                    processor.trim = trim;
                }
            }
        }
        part => set(&mut processor, &part, "post_processor", tokens)?,
    }
    Ok(processor)
}

/// Takes over what one post-processor says.
fn set(processor: &mut Processor, source: &Source, place: &str, tokens: &[String]) -> Result<(), TextError> {
    let special = |key: &str, (token, id): &(String, u32), type_id: u32| {
        check_special(&format!("{place}.{key}"), *id, token, tokens)?;
        Ok::<_, TextError>(Piece::Special { id: *id, type_id })
    };
    let (first, second) = (|type_id| Piece::First { type_id }, |type_id| Piece::Second { type_id });
    let trim = |trim: bool, first_added: bool| match (trim, first_added) {
        (false, _) => Trim::No,
        (true, false) => Trim::Yes,
        (true, true) => Trim::YesButFirst,
    };
    match source {
        Source::ByteLevel { trim_offsets, add_prefix_space } => processor.trim = trim(*trim_offsets, *add_prefix_space),
        Source::RobertaProcessing { sep, cls, trim_offsets, add_prefix_space } => {
            processor.trim = trim(*trim_offsets, *add_prefix_space);
            let (cls, sep) = (special("cls", cls, 0)?, special("sep", sep, 0)?);
            processor.single = vec![cls, first(0), sep];
            processor.pair = vec![cls, first(0), sep, sep, second(0), sep];
        }
        Source::BertProcessing { sep, cls } => {
            let (cls, first_sep, second_sep) =
                (special("cls", cls, 0)?, special("sep", sep, 0)?, special("sep", sep, 1)?);
            processor.single = vec![cls, first(0), first_sep];
            processor.pair = vec![cls, first(0), first_sep, second(1), second_sep];
        }
        Source::TemplateProcessing { single, pair, special_tokens } => {
            processor.single = template(single, &format!("{place}.single"), 1, special_tokens, tokens)?;
            processor.pair = template(pair, &format!("{place}.pair"), 2, special_tokens, tokens)?;
        }
        // Refused by the caller, which knows the place.
        Source::Sequence { .. } => {}
    }
    Ok(())
}

/// A template with `texts` texts, each of which it must hold once.
fn template(
    pieces: &[SourcePiece],
    place: &str,
    texts: usize,
    special_tokens: &HashMap<String, SourceSpecial>,
    tokens: &[String],
) -> Result<Vec<Piece>, TextError> {
    let mut out = Vec::new();
    let mut held = [0_usize; 2];
    for (i, piece) in pieces.iter().enumerate() {
        let place = || format!("{place}[{i}]");
        let (SourcePiece::Sequence { type_id, .. } | SourcePiece::SpecialToken { type_id, .. }) = *piece;
        if type_id > MAX_TYPE_ID {
            return Err(TextError::file(place(), format!("type_id {type_id} (limit {MAX_TYPE_ID})")));
        }
        match piece {
            SourcePiece::Sequence { id: SourceText::A, .. } => {
                held[0] += 1;
                out.push(Piece::First { type_id });
            }
            SourcePiece::Sequence { id: SourceText::B, .. } => {
                held[1] += 1;
                out.push(Piece::Second { type_id });
            }
            SourcePiece::SpecialToken { id: name, .. } => {
                let Some(special) = special_tokens.get(name) else {
                    return Err(TextError::file(place(), format!("{:?} is not in special_tokens", shorten(name))));
                };
                if special.ids.len() != special.tokens.len() {
                    let problem = format!("{} ids, but {} tokens", special.ids.len(), special.tokens.len());
                    return Err(TextError::file(place(), problem));
                }
                for (&id, token) in special.ids.iter().zip(&special.tokens) {
                    check_special(&place(), id, token, tokens)?;
                    out.push(Piece::Special { id, type_id });
                }
            }
        }
        if out.len() > MAX_PIECES {
            return Err(TextError::file(place(), format!("more than {MAX_PIECES} tokens")));
        }
    }
    let expected = if texts == 1 { [1, 0] } else { [1, 1] };
    if held != expected {
        let problem = format!(
            "text A occurs {} times and text B {} times, not {} and {}",
            held[0], held[1], expected[0], expected[1]
        );
        return Err(TextError::file(place, problem));
    }
    Ok(out)
}

/// A special token of a template is one of the vocabulary, under the same id.
fn check_special(place: &str, id: u32, token: &str, tokens: &[String]) -> Result<(), TextError> {
    match tokens.get(id as usize) {
        Some(other) if other == token => Ok(()),
        Some(other) => {
            let problem = format!("id {id} is {:?}, not {:?}", shorten(other), shorten(token));
            Err(TextError::file(place, problem))
        }
        None => Err(TextError::file(place, format!("id {id}, but there are {} tokens", tokens.len()))),
    }
}
