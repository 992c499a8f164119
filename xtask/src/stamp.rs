//! Stamps: a hash of a build's inputs, written after it succeeded, tells the next run that there is nothing to do.
//!
//! Contents and not times, because a checkout gives every file the time of the checkout.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// FNV-1a, 64 bits: it guards against forgotten rebuilds, not against an adversary, and is the same in every build.
pub struct Hash(u64);

impl Hash {
    pub fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    /// Adds a field; its length goes in too, so that neighbors cannot trade bytes.
    pub fn add(&mut self, bytes: &[u8]) {
        for byte in (bytes.len() as u64).to_le_bytes().iter().chain(bytes) {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    pub fn add_file(&mut self, path: &Path) -> Result<()> {
        self.add(&fs::read(path).map_err(Error::file("read", path))?);
        Ok(())
    }

    /// Adds names and contents of all files below `folder`, except under the top-level names of `skip`.
    pub fn add_folder(&mut self, folder: &Path, skip: &[&str]) -> Result<()> {
        for path in sorted_entries(folder)? {
            let name = path.file_name().unwrap_or_default();
            if skip.iter().any(|skipped| name == *skipped) {
                continue;
            }
            self.add(name.as_encoded_bytes());
            if path.is_dir() {
                self.add_folder(&path, &[])?;
            } else {
                self.add_file(&path)?;
            }
        }
        Ok(())
    }

    pub fn finish(&self) -> String {
        format!("{:016x}", self.0)
    }
}

/// In the order of names: the order of the file system differs from machine to machine.
fn sorted_entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(Error::file("list", folder))? {
        paths.push(entry.map_err(Error::file("list", folder))?.path());
    }
    paths.sort();
    Ok(paths)
}

/// Whether the stamp says `hash`. An unreadable stamp is a stale one.
pub fn is_fresh(stamp: &Path, hash: &str) -> bool {
    fs::read_to_string(stamp).is_ok_and(|stamped| stamped == hash)
}

/// To be done before a build: one that fails halfway must not look like the one before it.
pub fn remove(stamp: &Path) -> Result<()> {
    match fs::remove_file(stamp) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::file("remove", stamp)(error)),
        _ => Ok(()),
    }
}

pub fn write(stamp: &Path, hash: &str) -> Result<()> {
    if let Some(folder) = stamp.parent() {
        fs::create_dir_all(folder).map_err(Error::file("create", folder))?;
    }
    fs::write(stamp, hash).map_err(Error::file("write", stamp))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash_of(fields: &[&[u8]]) -> String {
        let mut hash = Hash::new();
        for field in fields {
            hash.add(field);
        }
        hash.finish()
    }

    #[test]
    fn fields_do_not_run_into_each_other() {
        assert_eq!(hash_of(&[b"ab", b"c"]), hash_of(&[b"ab", b"c"]));
        assert_ne!(hash_of(&[b"ab", b"c"]), hash_of(&[b"a", b"bc"]));
        assert_ne!(hash_of(&[b""]), hash_of(&[]));
    }

    #[test]
    fn a_folder_changes_with_names_and_contents_but_not_with_what_is_skipped() -> Result<()> {
        let folder = std::env::temp_dir().join(format!("xtask-stamp-{}", std::process::id()));
        let put = |name: &str, text: &str| {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().unwrap_or(&folder)).map_err(Error::file("create", &path))?;
            fs::write(&path, text).map_err(Error::file("write", &path))
        };
        let hash = || {
            let mut hash = Hash::new();
            hash.add_folder(&folder, &["dist"]).map(|()| hash.finish())
        };
        put("src/a", "1")?;
        put("dist/a", "1")?;
        let first = hash()?;
        put("dist/a", "2")?;
        assert_eq!(hash()?, first);
        put("src/a", "2")?;
        assert_ne!(hash()?, first);
        put("src/a", "1")?;
        assert_eq!(hash()?, first);
        put("src/dist", "only the top level is skipped")?;
        assert_ne!(hash()?, first);
        fs::remove_dir_all(&folder).map_err(Error::file("remove", &folder))
    }
}
