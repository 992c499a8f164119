//! Which normalizers, pre-tokenizers and decoders of a `tokenizer.json` are accepted.
//!
//! Only what has been read in the crate's source and found free of panics and of unbounded growth is on the list:
//! regular expressions are an allow-list because the engine gives up silently on an expensive one, replacements are
//! short because a chain of them multiplies the text, `Strip` decoders may not cut at the end because 0.23.2
//! underflows there, and `Precompiled` maps are refused because their bytes are used as offsets unchecked.

use serde_json::Value;

use crate::text::TextError;
use crate::text::symbols::ANY_CHARACTER;

const MAX_DEPTH: usize = 4;
const MAX_PARTS: usize = 16;
const MAX_REPLACEMENTS: usize = 4;
const MAX_REPLACEMENT_BYTES: usize = 4;
const MAX_STRING_BYTES: usize = 64;

/// The patterns of published tokenizers, none of which backtracks more than once per match.
const PATTERNS: [&str; 10] = [
    ANY_CHARACTER,
    " {2,}",
    r"\s+",
    r"\p{N}",
    r"\p{N}{1,3}",
    r"\d",
    // GPT-2.
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    // Llama 3.
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    // Qwen 2.
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
];

/// The three places of a component, with the key of a sequence's parts and the accepted types.
#[derive(Clone, Copy)]
pub(super) enum Stage {
    Normalizer,
    PreTokenizer,
    Decoder,
}

impl Stage {
    const fn parts(self) -> &'static str {
        match self {
            Self::Normalizer => "normalizers",
            Self::PreTokenizer => "pretokenizers",
            Self::Decoder => "decoders",
        }
    }

    const fn types(self) -> &'static [&'static str] {
        match self {
            Self::Normalizer => &[
                "BertNormalizer",
                "Lowercase",
                "NFC",
                "NFD",
                "NFKC",
                "NFKD",
                "Nmt",
                "Prepend",
                "Replace",
                "Sequence",
                "Strip",
                "StripAccents",
            ],
            Self::PreTokenizer => &[
                "BertPreTokenizer",
                "ByteLevel",
                "Digits",
                "Metaspace",
                "Punctuation",
                "Sequence",
                "Split",
                "Whitespace",
                "WhitespaceSplit",
            ],
            Self::Decoder => &[
                "BPEDecoder",
                "ByteFallback",
                "ByteLevel",
                "Fuse",
                "Metaspace",
                "Replace",
                "Sequence",
                "Strip",
                "WordPiece",
            ],
        }
    }
}

/// Accepts or refuses a component and everything in it.
pub(super) fn check(component: Option<&Value>, place: &str, stage: Stage) -> Result<(), TextError> {
    let Some(component) = component else {
        return Ok(());
    };
    let mut replacements = 0;
    check_one(component, place, stage, 0, &mut replacements)
}

fn check_one(
    component: &Value,
    place: &str,
    stage: Stage,
    depth: usize,
    replacements: &mut usize,
) -> Result<(), TextError> {
    if depth > MAX_DEPTH {
        return Err(TextError::file(place, format!("sequences nest deeper than {MAX_DEPTH}")));
    }
    let kind = component.get("type").and_then(Value::as_str).unwrap_or_default();
    if !stage.types().contains(&kind) {
        let known = stage.types().join(", ");
        return Err(TextError::file(format!("{place}.type"), format!("{kind:?} is not supported; known: {known}")));
    }
    check_strings(component, place)?;
    match kind {
        "Sequence" => {
            let place = format!("{place}.{}", stage.parts());
            let Some(parts) = component.get(stage.parts()).and_then(Value::as_array) else {
                return Err(TextError::file(place, "a sequence needs a list"));
            };
            if parts.len() > MAX_PARTS {
                return Err(TextError::file(place, format!("{} parts (limit {MAX_PARTS})", parts.len())));
            }
            for (i, part) in parts.iter().enumerate() {
                check_one(part, &format!("{place}[{i}]"), stage, depth + 1, replacements)?;
            }
        }
        "Replace" | "Prepend" => {
            *replacements += 1;
            if *replacements > MAX_REPLACEMENTS {
                return Err(TextError::file(place, format!("more than {MAX_REPLACEMENTS} replacements")));
            }
            let key = if kind == "Replace" { "content" } else { "prepend" };
            let content = component.get(key).and_then(Value::as_str).unwrap_or_default();
            if content.len() > MAX_REPLACEMENT_BYTES {
                let problem = format!("{} bytes (limit {MAX_REPLACEMENT_BYTES})", content.len());
                return Err(TextError::file(format!("{place}.{key}"), problem));
            }
            if kind == "Replace" {
                check_pattern(component, place)?;
            }
        }
        "Split" => check_pattern(component, place)?,
        "Strip" if matches!(stage, Stage::Decoder) && component.get("stop").and_then(Value::as_u64) != Some(0) => {
            return Err(TextError::file(format!("{place}.stop"), "only 0 is supported"));
        }
        _ => {}
    }
    Ok(())
}

fn check_pattern(component: &Value, place: &str) -> Result<(), TextError> {
    let place = format!("{place}.pattern");
    let pattern = component.get("pattern");
    let literal = pattern.and_then(|p| p.get("String")).and_then(Value::as_str);
    let regex = pattern.and_then(|p| p.get("Regex")).and_then(Value::as_str);
    match (literal, regex) {
        (Some(literal), None) if !literal.is_empty() => Ok(()),
        (None, Some(regex)) if PATTERNS.contains(&regex) => Ok(()),
        (None, Some(_)) => Err(TextError::file(place, "this regular expression is not one of the published ones")),
        _ => Err(TextError::file(place, "either a non-empty String or a Regex is needed")),
    }
}

/// Strings directly in a component are short, patterns aside.
fn check_strings(component: &Value, place: &str) -> Result<(), TextError> {
    let Some(fields) = component.as_object() else {
        return Ok(());
    };
    for (key, value) in fields {
        if let Some(text) = value.as_str()
            && text.len() > MAX_STRING_BYTES
        {
            let problem = format!("{} bytes (limit {MAX_STRING_BYTES})", text.len());
            return Err(TextError::file(format!("{place}.{key}"), problem));
        }
    }
    Ok(())
}
