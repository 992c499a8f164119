//! Where things lie in the checkout.

use std::env;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

pub struct Workspace {
    root: PathBuf,
    target: PathBuf,
}

impl Workspace {
    /// Cargo tells a program it runs where its manifest lies; that of the build is only the fallback, because a build
    /// folder may have been copied from another checkout.
    pub fn locate() -> Result<Self> {
        let manifest =
            env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = manifest
            .parent()
            .filter(|root| root.join("Cargo.toml").is_file())
            .ok_or_else(|| {
                Error::Usage(format!(
                    "{} is not inside the project; run `cargo xtask` from the checkout",
                    manifest.display()
                ))
            })?
            .to_path_buf();
        let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir));
        Ok(Self { root, target })
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn target(&self) -> &Path {
        &self.target
    }

    pub fn www(&self) -> PathBuf {
        self.root.join("www")
    }

    /// The built page.
    pub fn dist(&self) -> PathBuf {
        self.www().join("dist")
    }

    /// Where the page finds the WebAssembly module.
    pub fn wasm(&self) -> PathBuf {
        self.www().join("src").join("wasm")
    }

    /// A stamp of what an earlier build was made from.
    pub fn stamp(&self, name: &str) -> PathBuf {
        self.target.join("xtask").join(format!("{name}.stamp"))
    }
}
