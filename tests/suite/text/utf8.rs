//! What counts as a text.

use trainyard::text::{TextError, decode_utf8};

#[test]
fn a_text_is_returned_unchanged() {
    let text = "\t\"Naïve\" – 日本語\r\n\u{202E}e\u{301}\n";
    assert_eq!(decode_utf8(text.as_bytes()), Ok(text.to_owned()));
}

#[test]
fn a_byte_order_mark_is_removed_once() {
    assert_eq!(decode_utf8(b"\xEF\xBB\xBFabc"), Ok("abc".to_owned()));
    assert_eq!(decode_utf8(b"\xEF\xBB\xBF\xEF\xBB\xBFabc"), Ok("\u{FEFF}abc".to_owned()));
}

#[test]
fn utf16_is_named() {
    let utf16 = |bytes: &[u8]| decode_utf8(bytes).map_err(|error| error.to_string());
    assert_eq!(
        utf16(b"\xFF\xFEa\0"),
        Err("the text is UTF-16 (little-endian byte order mark); save it as UTF-8".to_owned())
    );
    assert_eq!(
        utf16(b"\xFE\xFF\0a"),
        Err("the text is UTF-16 (big-endian byte order mark); save it as UTF-8".to_owned())
    );
}

#[test]
fn invalid_bytes_are_placed() {
    let invalid = |offset, value| Err(TextError::InvalidUtf8 { offset, value });
    assert_eq!(decode_utf8(b"caf\xE9 au lait"), invalid(3, 0xE9));
    // The offset is that of the file, its byte order mark included.
    assert_eq!(decode_utf8(b"\xEF\xBB\xBFab\xC0\x80"), invalid(5, 0xC0));
    // A character cut off at the end.
    assert_eq!(decode_utf8(b"ab\xE2\x82"), invalid(2, 0xE2));
    // A lone surrogate.
    assert_eq!(decode_utf8(b"\xED\xA0\x80"), invalid(0, 0xED));
}

#[test]
fn binary_files_are_refused() {
    assert_eq!(decode_utf8(b"ab\0c"), Err(TextError::Nul { offset: 2 }));
    let ten_percent = b"\x01bcdefghij";
    assert!(decode_utf8(ten_percent).is_ok());
    let more = b"\x01\x02cdefghij";
    assert_eq!(decode_utf8(more), Err(TextError::ControlCharacters { control: 2, total: 10 }));
    assert!(decode_utf8(b"\n\r\t\x0C\n\n\n\n\nx").is_ok(), "white space is no control character");
}

#[test]
fn blank_texts_are_empty() {
    for blank in ["", " ", "\n\n\t", "\u{FEFF}", "\u{A0}\u{3000}"] {
        assert_eq!(decode_utf8(blank.as_bytes()), Err(TextError::Empty), "{blank:?}");
    }
}
