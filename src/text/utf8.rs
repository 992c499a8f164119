//! Bytes to text, or the reason why not.

use super::TextError;

/// The UTF-8 byte order mark, which [`decode_utf8`] removes.
pub const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Reads `bytes` as a UTF-8 text. A byte order mark is removed, nothing else is changed.
///
/// # Errors
/// A UTF-16 byte order mark, a NUL byte or more than 10% control characters, a sequence that is not UTF-8, or no
/// character but white space.
pub fn decode_utf8(bytes: &[u8]) -> Result<String, TextError> {
    match bytes {
        [0xFF, 0xFE, ..] => {
            return Err(TextError::Utf16 { order: "little-endian" });
        }
        [0xFE, 0xFF, ..] => {
            return Err(TextError::Utf16 { order: "big-endian" });
        }
        _ => {}
    }
    if let Some(offset) = bytes.iter().position(|&byte| byte == 0) {
        return Err(TextError::Nul { offset });
    }
    let body = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    let text = std::str::from_utf8(body).map_err(|error| {
        let at = error.valid_up_to();
        let value = body.get(at).copied().unwrap_or_default();
        TextError::InvalidUtf8 { offset: bytes.len() - body.len() + at, value }
    })?;
    let control = body.iter().filter(|&&byte| is_control(byte)).count();
    if control > body.len() / 10 {
        return Err(TextError::ControlCharacters { control, total: body.len() });
    }
    if text.trim().is_empty() {
        return Err(TextError::Empty);
    }
    Ok(text.to_owned())
}

fn is_control(byte: u8) -> bool {
    byte.is_ascii_control() && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0C)
}
