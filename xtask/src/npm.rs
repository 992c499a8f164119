//! Node and npm: that they are there, and that `www/node_modules` holds what the lock file says.

use std::io::ErrorKind;

use crate::error::{Error, Result};
use crate::process::Process;
use crate::stamp::{self, Hash};
use crate::workspace::Workspace;

/// Major and minor version: what Vite 8 needs.
const NODE: (u32, u32) = (20, 19);
const REMEDY: &str = "install Node.js 20.19 or newer, with npm, from https://nodejs.org or your system's packages";

/// Fails with the remedy where Node or npm is missing or too old.
pub fn require(workspace: &Workspace) -> Result<()> {
    let version = version_of("node", workspace)?;
    if !node_suffices(&version) {
        return Err(Error::TooOld { tool: "Node.js", found: version, needed: NODE, remedy: REMEDY });
    }
    version_of("npm", workspace).map(drop)
}

/// Installs the packages of the lock file, unless an earlier run did so from the same files. Install scripts of packages
/// never run: they are how most attacks on npm users start, and no package here needs one.
pub fn install(workspace: &Workspace) -> Result<()> {
    require(workspace)?;
    let www = workspace.www();
    let mut hash = Hash::new();
    hash.add_file(&www.join("package.json"))?;
    hash.add_file(&www.join("package-lock.json"))?;
    let hash = hash.finish();
    // Inside the folder that it speaks of, so that both go together.
    let stamp = www.join("node_modules").join(".xtask-stamp");
    if stamp::is_fresh(&stamp, &hash) {
        return Ok(());
    }
    Process::new("npm", &www).args("ci --ignore-scripts --no-audit --no-fund").run()?;
    stamp::write(&stamp, &hash)
}

/// `npm run SCRIPT` in `www`, not yet started.
pub fn script(workspace: &Workspace, script: &str) -> Process {
    Process::new("npm", &workspace.www()).args("run --silent").arg(script)
}

fn version_of(tool: &str, workspace: &Workspace) -> Result<String> {
    match Process::new(tool, workspace.root()).arg("--version").read() {
        Ok(version) => Ok(version.trim().to_owned()),
        Err(Error::Start { source, .. }) if source.kind() == ErrorKind::NotFound => {
            Err(Error::Missing { tool: tool.to_owned(), remedy: REMEDY.to_owned() })
        }
        Err(error) => Err(error),
    }
}

/// `v20.20.2` → true, `v18.19.0` → false; what is no version does not suffice either.
fn node_suffices(version: &str) -> bool {
    let mut numbers = version.trim_start_matches('v').split('.').map_while(|part| part.parse::<u32>().ok());
    numbers.next().zip(numbers.next()).is_some_and(|version| version >= NODE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_nodes_and_non_versions_do_not_suffice() {
        assert!(node_suffices("v20.19.0"));
        assert!(node_suffices("v100.1.0"));
        for version in ["v18.19.1", "v20.18.3", "v2.99.0", "v20", "v", "", "twenty", "v-20.0.0"] {
            assert!(!node_suffices(version), "{version}");
        }
    }
}
