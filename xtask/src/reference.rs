//! `cargo xtask reference`: exchanges checkpoints with Hugging Face's transformers, in both directions.
//!
//! Not part of `cargo xtask test`, because it installs gigabytes of Python packages, once, into a virtual environment
//! under the build folder. The script `tests/reference/round_trip.py` says what is exchanged and compared.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::process::Process;
use crate::stamp::{self, Hash};
use crate::workspace::Workspace;

/// Major and minor version: what the packages need.
const PYTHON: (u32, u32) = (3, 10);
const REMEDY: &str =
    "install Python 3.10 or newer, with its venv module, from https://python.org or your system's packages";

/// Checks the script itself, then the command line with it.
pub fn run(workspace: &Workspace) -> Result<()> {
    let scripts = workspace.root().join("tests").join("reference");
    let python = environment(workspace, &scripts.join("requirements.txt"))?;
    Process::cargo(workspace.root()).args("build --locked --bin trainyard").run()?;
    let program = workspace.target().join("debug").join(format!("trainyard{}", std::env::consts::EXE_SUFFIX));
    let script = || round_trip(&python, workspace.root(), &scripts);
    script().arg("--self-check").run()?;
    script().arg("--program").arg(program).run()
}

fn round_trip(python: &Path, root: &Path, scripts: &Path) -> Process {
    // Nothing is looked up on the hub: every checkpoint is made here.
    let process = Process::new(&python.to_string_lossy(), root).env("HF_HUB_OFFLINE", "1");
    process.arg(scripts.join("round_trip.py"))
}

/// The interpreter of a virtual environment with the required packages, made unless an earlier run did so.
fn environment(workspace: &Workspace, requirements: &Path) -> Result<PathBuf> {
    let folder = workspace.target().join("reference");
    let python = folder.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    let mut hash = Hash::new();
    hash.add_file(requirements)?;
    let hash = hash.finish();
    // Inside the folder that it speaks of, so that both go together.
    let stamp = folder.join(".xtask-stamp");
    if stamp::is_fresh(&stamp, &hash) && python.is_file() {
        return Ok(python);
    }
    stamp::remove(&stamp)?;
    let system = system_python(workspace)?;
    Process::new(system, workspace.root()).args("-m venv").arg(&folder).run()?;
    let pip = Process::new(&python.to_string_lossy(), workspace.root()).args("-m pip install --quiet --requirement");
    pip.arg(requirements).run()?;
    stamp::write(&stamp, &hash)?;
    Ok(python)
}

/// The name under which this system has a Python that is new enough.
fn system_python(workspace: &Workspace) -> Result<&'static str> {
    let missing = || Error::Missing { tool: "Python".to_owned(), remedy: REMEDY.to_owned() };
    let mut found = None;
    for name in ["python3", "python"] {
        match Process::new(name, workspace.root()).arg("--version").read() {
            Ok(version) if suffices(&version) => return Ok(name),
            Ok(version) => found = found.or(Some(version.trim().trim_start_matches("Python ").to_owned())),
            Err(Error::Start { source, .. }) if source.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    let too_old = |found| Error::TooOld { tool: "Python", found, needed: PYTHON, remedy: REMEDY };
    Err(found.map_or_else(missing, too_old))
}

/// `Python 3.11.7` → true, `Python 2.7.18` → false; what is no version does not suffice either.
fn suffices(version: &str) -> bool {
    let numbers = version.trim().strip_prefix("Python ").unwrap_or_default();
    let mut numbers = numbers.split('.').map_while(|part| part.parse::<u32>().ok());
    numbers.next().zip(numbers.next()).is_some_and(|version| version >= PYTHON)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_pythons_and_non_versions_do_not_suffice() {
        assert!(suffices("Python 3.10.0\n"));
        assert!(suffices("Python 3.11.7"));
        assert!(suffices("Python 4.0"));
        for version in ["Python 3.9.19", "Python 2.7.18", "Python 3", "3.11.7", "Python", "", "Pythons 3.11"] {
            assert!(!suffices(version), "{version}");
        }
    }
}
