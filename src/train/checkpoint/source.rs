//! Where the bytes of a checkpoint come from and go to: a directory on disk, files in memory, or what the page offers.
//!
//! Reading is asynchronous because the page reads slices of files that only come in promises; on disk and in memory
//! the futures are ready at once. Nothing here knows what the files hold.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// A file that is read in parts.
pub trait Source {
    /// Its bytes.
    fn size(&self) -> u64;

    /// Fills `into` with the bytes from `offset`.
    ///
    /// # Errors
    /// When the file ends before, or cannot be read.
    fn read_at(&self, offset: u64, into: &mut [u8]) -> impl Future<Output = io::Result<()>>;
}

/// Files by name, to read.
pub trait Directory {
    /// One of them.
    type Source: Source;

    /// Opens a file; `None` if there is none of this name.
    ///
    /// # Errors
    /// When it is there and cannot be opened.
    fn open(&self, name: &str) -> impl Future<Output = io::Result<Option<Self::Source>>>;
}

/// What a file consists of: a function that writes all of it, a part at a time.
pub type Body<'a> = &'a mut dyn FnMut(&mut dyn Write) -> io::Result<()>;

/// Files by name, to write.
pub trait FileSink {
    /// Writes a file of `size` bytes, in place of one of the same name.
    ///
    /// # Errors
    /// When it cannot be written; a file of that name from before is then still there.
    fn put(&mut self, name: &str, size: u64, body: Body<'_>) -> io::Result<()>;

    /// Removes a file, if it is there.
    ///
    /// # Errors
    /// When it is there and cannot be removed.
    fn remove(&mut self, name: &str) -> io::Result<()>;
}

impl Source for &[u8] {
    fn size(&self) -> u64 {
        self.len() as u64
    }

    async fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        let part = usize::try_from(offset).ok().and_then(|offset| self.get(offset..)?.get(..into.len()));
        into.copy_from_slice(part.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

/// A directory in memory: files that were dropped on the page, or that are to be downloaded from it.
pub type Files = BTreeMap<String, Vec<u8>>;

impl<'a> Directory for &'a Files {
    type Source = &'a [u8];

    async fn open(&self, name: &str) -> io::Result<Option<&'a [u8]>> {
        Ok(self.get(name).map(Vec::as_slice))
    }
}

impl FileSink for Files {
    fn put(&mut self, name: &str, size: u64, body: Body<'_>) -> io::Result<()> {
        let mut bytes = Vec::new();
        let size = usize::try_from(size).map_err(|_| io::ErrorKind::OutOfMemory)?;
        bytes.try_reserve_exact(size).map_err(|_| io::ErrorKind::OutOfMemory)?;
        body(&mut bytes)?;
        self.insert(name.to_owned(), bytes);
        Ok(())
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        Self::remove(self, name);
        Ok(())
    }
}

/// A file on disk, opened for reading.
#[derive(Debug)]
pub struct DiskFile {
    file: fs::File,
    size: u64,
}

impl DiskFile {
    /// Opens a file, if it is there.
    ///
    /// # Errors
    /// When it is there and cannot be opened, or is no file.
    pub fn open(path: &Path) -> io::Result<Option<Self>> {
        let file = match fs::File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other?,
        };
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        Ok(Some(Self { file, size: metadata.len() }))
    }
}

impl Source for DiskFile {
    fn size(&self) -> u64 {
        self.size
    }

    async fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        let mut file = &self.file;
        file.seek(SeekFrom::Start(offset))?;
        file.read_exact(into)
    }
}

/// A directory on disk.
#[derive(Clone, Debug)]
pub struct Folder(pub PathBuf);

impl Directory for Folder {
    type Source = DiskFile;

    async fn open(&self, name: &str) -> io::Result<Option<DiskFile>> {
        DiskFile::open(&self.0.join(name))
    }
}

impl FileSink for Folder {
    /// A file is written beside its place and renamed into it when it is complete and on the disk.
    fn put(&mut self, name: &str, _size: u64, body: Body<'_>) -> io::Result<()> {
        let (new, path) = (self.0.join(format!(".{name}.new")), self.0.join(name));
        let mut file = io::BufWriter::new(fs::File::create(&new)?);
        body(&mut file)?;
        file.into_inner()?.sync_all()?;
        fs::rename(&new, &path)
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        match fs::remove_file(self.0.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }
}
