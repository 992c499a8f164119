//! The page: packages, WebAssembly module and Vite's build, each redone only when its inputs changed.

use std::fs;

use crate::error::{Error, Result};
use crate::stamp::{self, Hash};
use crate::workspace::Workspace;
use crate::{npm, wasm};

/// Top-level names in `www` that the build does not read.
const NOT_INPUTS: &[&str] = &["dist", "dist-fake", "node_modules", "test"];

/// Everything that a fresh checkout needs to have a page in `www/dist`.
pub fn build(workspace: &Workspace) -> Result<()> {
    // Before the minutes of compiling: a missing tool should be told at once.
    npm::install(workspace)?;
    wasm::build(workspace)?;
    bundle(workspace)
}

/// Vite's build of `www` as it stands.
pub fn bundle(workspace: &Workspace) -> Result<()> {
    let mut hash = Hash::new();
    hash.add_folder(&workspace.www(), NOT_INPUTS)?;
    // The page offers to run the tests' known answers.
    hash.add_folder(&workspace.root().join("tests").join("fixtures"), &[])?;
    let hash = hash.finish();
    let stamp = workspace.stamp("www");
    let index = workspace.dist().join("index.html");
    if stamp::is_fresh(&stamp, &hash) && index.is_file() {
        return Ok(());
    }
    stamp::remove(&stamp)?;
    npm::script(workspace, "build").run()?;
    if !fs::metadata(&index).is_ok_and(|index| index.len() > 0) {
        return Err(Error::Check(format!("`npm run build` succeeded but left no {}", index.display())));
    }
    stamp::write(&stamp, &hash)
}
