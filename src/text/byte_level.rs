//! GPT-2's byte alphabet: each of the 256 bytes has a visible character, so that a vocabulary of bytes is JSON text.
//!
//! The 188 printable Latin-1 bytes stand for themselves; the other 68, in order, for U+0100 and up (space is `Ġ`).

/// The character of a byte.
pub(super) fn character(byte: u8) -> char {
    if is_printable(byte) {
        return char::from(byte);
    }
    let earlier = (0..byte).filter(|&other| !is_printable(other)).count();
    // At most 67 earlier bytes: the code point stays below U+0144.
    char::from_u32(0x100 + earlier as u32).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// The byte of a character of the alphabet.
pub(super) fn byte(character: char) -> Option<u8> {
    match u32::from(character) {
        code @ 0..=0xFF => u8::try_from(code).ok().filter(|&byte| is_printable(byte)),
        code @ 0x100..=0x143 => (0..=u8::MAX).filter(|&byte| !is_printable(byte)).nth((code - 0x100) as usize),
        _ => None,
    }
}

/// The bytes of a token spelled in the alphabet; `None` if a character is not of the alphabet.
pub(super) fn bytes(token: &str) -> Option<Vec<u8>> {
    token.chars().map(byte).collect()
}

fn is_printable(byte: u8) -> bool {
    matches!(byte, 0x21..=0x7E | 0xA1..=0xAC | 0xAE..=0xFF)
}
