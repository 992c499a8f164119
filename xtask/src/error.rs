//! What can go wrong in a command. Each message is one sentence that names the thing and, where there is one, the remedy.

use std::io;
use std::path::{Path, PathBuf};

pub type Result<T> = std::result::Result<T, Error>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The command line is wrong; the sentence says how and what would be right.
    #[error("{0}")]
    Usage(String),

    #[error("port {port} is already in use; choose another one with `cargo xtask serve --port N`")]
    PortTaken { port: u16 },

    #[error("cannot listen on port {port}: {source}")]
    Listen { port: u16, source: io::Error },

    #[error("{tool} is missing; {remedy}")]
    Missing { tool: String, remedy: String },

    #[error("{tool} {found} is too old, {}.{} or newer is needed; {remedy}", needed.0, needed.1)]
    TooOld { tool: &'static str, found: String, needed: (u32, u32), remedy: &'static str },

    #[error("cannot start `{command}`: {source}")]
    Start { command: String, source: io::Error },

    /// `status` is the operating system's wording: an exit status or a signal.
    #[error("`{command}` failed: {status}")]
    Failed { command: String, status: String },

    #[error("cannot {action} {}: {source}", path.display())]
    File { action: &'static str, path: PathBuf, source: io::Error },

    #[error("wasm-bindgen refused {}: {reason}", path.display())]
    Bindgen { path: PathBuf, reason: String },

    /// A check looked at something and found it wrong.
    #[error("{0}")]
    Check(String),
}

impl Error {
    /// For `map_err` on file operations: `action` completes "cannot … PATH".
    pub fn file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::File { action, path, source }
    }
}
