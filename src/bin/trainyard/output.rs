//! Standard output, where a closed pipe is no panic, and numbers as people read them.

use std::io::{self, Write as _};

use crate::error::CliError;

/// Writes text as it is, and sends it on its way.
pub fn text(text: &str) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    written.map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => CliError::Pipe,
        _ => CliError::Io { what: "write", path: "standard output".into(), error },
    })
}

/// Writes a line.
pub fn line(line: &str) -> Result<(), CliError> {
    text(&format!("{line}\n"))
}

/// Writes a JSON value over several lines.
pub fn json(value: &impl serde::Serialize) -> Result<(), CliError> {
    let text = serde_json::to_string_pretty(value).map_err(|error| CliError::Io {
        what: "write",
        path: "standard output".into(),
        error: error.into(),
    })?;
    line(&text)
}

/// A count with a unit prefix and three significant digits.
pub fn short(value: f64) -> String {
    let (scaled, prefix) = match value {
        v if v >= 1e9 => (v / 1e9, "G"),
        v if v >= 1e6 => (v / 1e6, "M"),
        v if v >= 1e3 => (v / 1e3, "k"),
        v => (v, ""),
    };
    let digits = match scaled {
        s if s >= 100.0 || prefix.is_empty() => 0,
        s if s >= 10.0 => 1,
        _ => 2,
    };
    format!("{scaled:.digits$}{prefix}")
}

/// Bytes in MiB.
pub fn mib(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}

/// Seconds as `1h02m`, `3m05s` or `4.2s`.
pub fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match whole {
        w if w >= 3600 => format!("{}h{:02}m", w / 3600, w % 3600 / 60),
        w if w >= 60 => format!("{}m{:02}s", w / 60, w % 60),
        _ => format!("{seconds:.1}s"),
    }
}
