//! How a token is shown on an axis: visible, unambiguous and short.

use std::fmt::Write as _;

/// The text with its invisible characters made visible.
pub(super) fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            ' ' => out.push('␣'),
            '\n' => out.push('↵'),
            '\t' => out.push('⇥'),
            _ if is_invisible(character) => {
                // Writing to a string cannot fail.
                let _ = write!(out, "‹U+{:04X}›", u32::from(character));
            }
            _ => out.push(character),
        }
    }
    out
}

/// The bytes of a byte-level token: as text where they are UTF-8, else each run of stray bytes in hexadecimal.
pub(super) fn visible_bytes(bytes: &[u8]) -> String {
    let mut out = String::new();
    for chunk in bytes.utf8_chunks() {
        out.push_str(&visible(chunk.valid()));
        if !chunk.invalid().is_empty() {
            let hex: Vec<String> = chunk.invalid().iter().map(|byte| format!("{byte:02X}")).collect();
            // Writing to a string cannot fail.
            let _ = write!(out, "‹{}›", hex.join(" "));
        }
    }
    out
}

/// A character for an error message: quoted, with its code point.
pub(super) fn escape(character: char) -> String {
    format!("'{}' (U+{:04X})", visible(character.encode_utf8(&mut [0; 4])), u32::from(character))
}

/// Control and format characters, and white space other than what has a symbol of its own.
fn is_invisible(character: char) -> bool {
    character.is_control()
        || character.is_whitespace()
        || matches!(character, '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}')
}
