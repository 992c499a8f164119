//! The WebAssembly module: compiled by cargo, given its JavaScript side by wasm-bindgen in this process.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use wasm_bindgen_cli_support::Bindgen;

use crate::error::{Error, Result};
use crate::process::Process;
use crate::stamp::{self, Hash};
use crate::workspace::Workspace;

pub const TARGET: &str = "wasm32-unknown-unknown";
/// The stem of every file that wasm-bindgen writes.
const NAME: &str = "trainyard";
/// What a visitor downloads at most, gzip-compressed. Raising it is a decision, not a repair.
const BUDGET_GZIP_BYTES: u64 = 2_500_000;

/// Adds the compilation target where rustup lacks it. `rust-toolchain.toml` does not list it: rustup would fetch it for
/// people who only use the command line.
pub fn ensure_target(workspace: &Workspace) -> Result<()> {
    let libraries =
        Process::new("rustc", workspace.root()).args("--print target-libdir --target").arg(TARGET).read()?;
    if Path::new(libraries.trim()).is_dir() {
        return Ok(());
    }
    Process::new("rustup", workspace.root()).args("target add").arg(TARGET).run().map_err(|error| Error::Missing {
        tool: format!("the Rust target {TARGET} ({error})"),
        remedy: "install Rust with rustup (https://rustup.rs), or your system's package of that target".to_owned(),
    })
}

/// The finished module.
pub fn module(workspace: &Workspace) -> PathBuf {
    workspace.wasm().join(format!("{NAME}_bg.wasm"))
}

/// Builds into `www/src/wasm` and returns the path of the module there.
pub fn build(workspace: &Workspace) -> Result<PathBuf> {
    ensure_target(workspace)?;
    Process::cargo(workspace.root())
        .args("build --release --locked --lib --package trainyard --target")
        .arg(TARGET)
        // Said outright, so that no configuration elsewhere moves the file that is read below.
        .arg("--target-dir")
        .arg(workspace.target())
        .run()?;
    let compiled = workspace.target().join(TARGET).join("release").join(format!("{NAME}.wasm"));
    bind(workspace, &compiled)
}

fn bind(workspace: &Workspace, compiled: &Path) -> Result<PathBuf> {
    let folder = workspace.wasm();
    let module = module(workspace);
    let mut hash = Hash::new();
    hash.add_file(compiled)?;
    // The settings below decide the result as much as the input does.
    hash.add(include_bytes!("wasm.rs"));
    let hash = hash.finish();
    let stamp = workspace.stamp("wasm");
    if stamp::is_fresh(&stamp, &hash) && module.is_file() {
        return Ok(module);
    }
    stamp::remove(&stamp)?;
    let refused =
        |error: &dyn fmt::Display| Error::Bindgen { path: compiled.to_path_buf(), reason: format!("{error:#}") };
    let mut bindgen = Bindgen::new();
    bindgen
        .input_path(compiled)
        .out_name(NAME)
        .typescript(true)
        // `new URL("trainyard_bg.wasm", import.meta.url)` in the glue is how Vite finds the module.
        .omit_default_module_path(false)
        .remove_name_section(true)
        .remove_producers_section(true)
        .web(true)
        .map_err(|error| refused(&error))?;
    let mut output = bindgen.generate_output().map_err(|error| refused(&error))?;
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(Error::file("empty", &folder))?;
    }
    output.emit(&folder).map_err(|error| refused(&error))?;
    stamp::write(&stamp, &hash)?;
    Ok(module)
}

/// The size of a module, on disk and on the wire.
pub struct Size {
    bytes: u64,
    gzip: u64,
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bytes, gzip } = self;
        write!(f, "{bytes} bytes, {gzip} with gzip (budget {BUDGET_GZIP_BYTES})")
    }
}

impl Size {
    pub fn check(&self) -> Result<()> {
        if self.gzip == 0 || self.gzip > BUDGET_GZIP_BYTES {
            return Err(Error::Check(format!("the WebAssembly module misses its size budget: {self}")));
        }
        Ok(())
    }
}

/// Node compresses: it is needed for the page anyway, and its zlib is what most servers use.
pub fn size(module: &Path) -> Result<Size> {
    const SCRIPT: &str = "const file = require('fs').readFileSync(process.argv[1]);\
        console.log(require('zlib').gzipSync(file, { level: 9 }).length)";
    let bytes = fs::metadata(module).map_err(Error::file("read", module))?.len();
    let folder = module.parent().unwrap_or(module);
    let printed = Process::new("node", folder).arg("-e").arg(SCRIPT).arg(module).read()?;
    let gzip = printed
        .trim()
        .parse()
        .map_err(|_| Error::Check(format!("node printed `{}` instead of a compressed size", printed.trim())))?;
    Ok(Size { bytes, gzip })
}

/// The page uses the browser's shader compiler; naga in the module would be a megabyte that nobody calls.
pub fn check_dependencies(workspace: &Workspace) -> Result<()> {
    let tree = Process::cargo(workspace.root())
        .args("tree --locked --package trainyard --edges normal --prefix none --target")
        .arg(TARGET)
        .read()?;
    refuse_naga(&tree)
}

fn refuse_naga(tree: &str) -> Result<()> {
    let lists = |package: &str| tree.lines().any(|line| line.split(' ').next() == Some(package));
    if !lists("trainyard") || !lists("wgpu") {
        return Err(Error::Check(format!(
            "`cargo tree` lists neither `trainyard` with `wgpu`; the check would mean nothing:\n{tree}"
        )));
    }
    if lists("naga") {
        return Err(Error::Check(format!(
            "naga is among the dependencies for {TARGET}; `cargo tree --target {TARGET} -e normal -i naga` shows why"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn naga_is_found_by_its_whole_name_only() {
        let tree = "trainyard v0.1.0 (/p)\nwgpu v30.0.1\n";
        assert!(refuse_naga(tree).is_ok());
        assert!(refuse_naga(&format!("{tree}naga-types v30.0.0\n")).is_ok());
        assert!(refuse_naga(&format!("{tree}naga v30.0.0\n")).is_err());
    }

    #[test]
    fn an_empty_tree_proves_nothing() {
        assert!(refuse_naga("").is_err());
        assert!(refuse_naga("trainyard v0.1.0 (/p)\n").is_err());
    }

    #[test]
    fn the_budget_binds() {
        let size = |gzip| Size { bytes: 1, gzip };
        assert!(size(BUDGET_GZIP_BYTES).check().is_ok());
        assert!(size(BUDGET_GZIP_BYTES + 1).check().is_err());
        assert!(size(0).check().is_err());
    }
}
