//! A checkpoint directory on disk, in which a save is complete or has not happened.
//!
//! A save writes all its files to `.next`, flushes them, and renames that directory to `.commit`: this one rename is the
//! save. Then the files move out to their places. Whatever moment the program or the machine dies at, a reader finds
//! one whole checkpoint: `.next` is ignored, and what still lies in `.commit` counts before what lies outside.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use trainyard::train::TrainError;
use trainyard::train::checkpoint::{
    self, CONFIG, Directory, DiskFile, METRICS, OPTIMIZER, TOKENIZER, TRAINER, WEIGHTS,
};

use crate::error::CliError;
use crate::source::read_file;

const NEXT: &str = ".next";
const COMMIT: &str = ".commit";
/// The files of a run.
const FILES: [&str; 6] = [CONFIG, WEIGHTS, TOKENIZER, OPTIMIZER, TRAINER, METRICS];

/// A checkpoint directory.
#[derive(Clone, Debug)]
pub struct Store {
    dir: PathBuf,
}

impl Store {
    pub fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned() }
    }

    /// A directory that is to be there.
    pub fn open(dir: &Path) -> Result<Self, CliError> {
        let what = match fs::metadata(dir) {
            Ok(found) if found.is_dir() => return Ok(Self::new(dir)),
            Ok(_) => "a directory with the model's files is needed",
            Err(error) if error.kind() == io::ErrorKind::NotFound => "there is no such directory",
            Err(error) => return Err(CliError::io("read", dir)(error)),
        };
        Err(CliError::NoCheckpoint { dir: dir.to_owned(), what: what.to_owned() })
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// An error of the core about one of the files, with the place.
    pub fn fault(&self, error: TrainError) -> CliError {
        let path = match error {
            TrainError::Weights(_) => self.path(WEIGHTS),
            // These name their file themselves.
            _ => self.dir.clone(),
        };
        CliError::File { path, error: Box::new(error) }
    }

    /// Whether nothing is there: no directory, or an empty one.
    pub fn is_vacant(&self) -> Result<bool, CliError> {
        match fs::read_dir(&self.dir) {
            Ok(mut entries) => Ok(entries.next().is_none()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
            Err(error) => Err(CliError::io("read", &self.dir)(error)),
        }
    }

    /// Makes the directory, and removes the run in it. Files that are not a run's stay.
    pub fn start(&self) -> Result<(), CliError> {
        fs::create_dir_all(&self.dir).map_err(CliError::io("create", &self.dir))?;
        self.discard(NEXT)?;
        self.discard(COMMIT)?;
        for name in FILES {
            let path = self.path(name);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(CliError::io("remove", &path)(error));
                }
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }

    /// Ends what an interrupted save began: a committed one is carried through, another one undone.
    pub fn settle(&self) -> Result<(), CliError> {
        self.discard(NEXT)?;
        let commit = self.path(COMMIT);
        let entries = match fs::read_dir(&commit) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(CliError::io("read", &commit)(error)),
        };
        for entry in entries {
            let entry = entry.map_err(CliError::io("read", &commit))?;
            let target = self.dir.join(entry.file_name());
            fs::rename(entry.path(), &target).map_err(CliError::io("write", &target))?;
        }
        sync_directory(&self.dir)?;
        fs::remove_dir(&commit).map_err(CliError::io("remove", &commit))
    }

    /// Saves files: all of them or none.
    pub fn save(&self, files: &[checkpoint::File]) -> Result<(), CliError> {
        self.settle()?;
        let next = self.path(NEXT);
        fs::create_dir(&next).map_err(CliError::io("create", &next))?;
        for file in files {
            write_synced(&next.join(file.name), &file.bytes)?;
        }
        sync_directory(&next)?;
        let commit = self.path(COMMIT);
        fs::rename(&next, &commit).map_err(CliError::io("write", &commit))?;
        sync_directory(&self.dir)?;
        self.settle()
    }

    /// Writes one file beside the checkpoint: the whole of it or nothing.
    pub fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), CliError> {
        let (new, path) = (self.path(&format!(".{name}.new")), self.path(name));
        write_synced(&new, bytes)?;
        fs::rename(&new, &path).map_err(CliError::io("write", &path))
    }

    /// Reads a file of the checkpoint; `None` if it is not there.
    pub fn read(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, CliError> {
        for path in [self.path(COMMIT).join(name), self.path(name)] {
            match read_file(&path, limit) {
                Err(CliError::Io { error, .. }) if error.kind() == io::ErrorKind::NotFound => {}
                result => return result.map(Some),
            }
        }
        Ok(None)
    }

    /// Whether the checkpoint has a file.
    pub fn has(&self, name: &str) -> bool {
        [self.path(COMMIT).join(name), self.path(name)].iter().any(|path| path.is_file())
    }

    fn discard(&self, name: &str) -> Result<(), CliError> {
        let path = self.path(name);
        match fs::remove_dir_all(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(CliError::io("remove", &path)(error)),
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

/// The weights, opened where they lie.
impl Directory for Store {
    type Source = DiskFile;

    async fn open(&self, name: &str) -> io::Result<Option<DiskFile>> {
        match DiskFile::open(&self.path(COMMIT).join(name))? {
            Some(file) => Ok(Some(file)),
            None => DiskFile::open(&self.path(name)),
        }
    }
}

fn write_synced(path: &Path, bytes: &[u8]) -> Result<(), CliError> {
    let write = || {
        let mut file = File::create(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(CliError::io("write", path))
}

/// Makes renames in a directory last; other systems than Unix do so on their own.
fn sync_directory(path: &Path) -> Result<(), CliError> {
    if cfg!(unix) {
        File::open(path).and_then(|dir| dir.sync_all()).map_err(CliError::io("write", path))?;
    }
    Ok(())
}
