//! Which file answers a request. Nothing outside the served folder does.

use std::path::{Path, PathBuf};

use super::request::Status;

/// The file that the target of a request names. A path without a dot that names none is a route of the single-page
/// app, and `index.html` answers it.
pub fn resolve(folder: &Path, target: &str) -> Result<PathBuf, Status> {
    let path = target.split(['?', '#']).next().unwrap_or_default();
    let path = percent_decode(path).ok_or(Status::BadRequest)?;
    let mut file = folder.to_path_buf();
    let mut last = "";
    for segment in path.split('/').filter(|segment| !segment.is_empty()) {
        // `..` climbs; a backslash or a colon does on Windows.
        if segment == "." || segment == ".." || segment.contains(['\\', ':', '\0']) {
            return Err(Status::BadRequest);
        }
        file.push(segment);
        last = segment;
    }
    if file.is_dir() {
        file.push("index.html");
    }
    if !file.is_file() && !last.contains('.') {
        file = folder.join("index.html");
    }
    // A link inside the folder may point out of it.
    match (file.canonicalize(), folder.canonicalize()) {
        (Ok(file), Ok(folder)) if file.starts_with(&folder) && file.is_file() => Ok(file),
        _ => Err(Status::NotFound),
    }
}

/// `None` where an escape is broken or the result is not UTF-8.
fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let mut digit = || char::from(bytes.next()?).to_digit(16);
        decoded.push(u8::try_from(digit()? * 16 + digit()?).ok()?);
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes() {
        assert_eq!(percent_decode("/a%20b%2Fc").as_deref(), Some("/a b/c"));
        for broken in ["%", "%2", "%zz", "%+1", "%ff"] {
            assert_eq!(percent_decode(broken), None, "{broken}");
        }
    }
}
