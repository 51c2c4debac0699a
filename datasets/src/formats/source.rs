//! Where the bytes of a file are: on a disk, in memory, or behind a reader.

use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use wfkit_metrics::{Observer, Silent, Work};

use super::ReadError;

/// A file to read, by whatever holds its bytes. Errors name it by its path, or by the name that it is given.
pub struct Source<'a> {
    name: &'a Path,
    bytes: Bytes<'a>,
    observer: &'a dyn Observer,
}

enum Bytes<'a> {
    OfPath,
    Of(Box<dyn ReadSeek + 'a>),
}

/// What a zip archive is read from.
pub(crate) trait ReadSeek: Read + Seek {}

impl<R: Read + Seek> ReadSeek for R {}

impl<'a> Source<'a> {
    /// What a reader gives, from where it stands to its end.
    pub fn reader(name: &'a (impl AsRef<Path> + ?Sized), reader: impl Read + Seek + 'a) -> Self {
        Self { name: name.as_ref(), bytes: Bytes::Of(Box::new(reader)), observer: &Silent }
    }

    /// Bytes in memory.
    pub fn bytes(name: &'a (impl AsRef<Path> + ?Sized), bytes: &'a [u8]) -> Self {
        Self::reader(name, Cursor::new(bytes))
    }

    /// The same, watched by somebody, where it is a file on a disk: every megabyte is a step.
    pub fn watched_by(self, observer: &'a dyn Observer) -> Self {
        Self { observer, ..self }
    }

    /// Its path or name.
    pub fn name(&self) -> &'a Path {
        self.name
    }

    pub(crate) fn open(self) -> io::Result<BufReader<Box<dyn ReadSeek + 'a>>> {
        Ok(BufReader::new(match self.bytes {
            Bytes::OfPath => {
                let file = File::open(self.name)?;
                let megabytes = file.metadata()?.len() / MEGABYTE;
                Box::new(Watched {
                    file,
                    work: Work::begin(self.observer, "reading, MB", megabytes as usize),
                    bytes: 0,
                })
            }
            Bytes::Of(bytes) => bytes,
        }))
    }
}

const MEGABYTE: u64 = 1_000_000;

/// A file that tells how much of it was read.
struct Watched<'a> {
    file: File,
    work: Work<'a>,
    /// Read since this was last told.
    bytes: u64,
}

impl Read for Watched<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.bytes += read as u64;
        self.work.steps(self.bytes / MEGABYTE);
        self.bytes %= MEGABYTE;
        Ok(read)
    }
}

impl Seek for Watched<'_> {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.file.seek(position)
    }
}

impl fmt::Debug for Source<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Source").field(&self.name).finish()
    }
}

impl<'a> From<&'a Path> for Source<'a> {
    fn from(path: &'a Path) -> Self {
        Self { name: path, bytes: Bytes::OfPath, observer: &Silent }
    }
}

impl<'a> From<&'a PathBuf> for Source<'a> {
    fn from(path: &'a PathBuf) -> Self {
        path.as_path().into()
    }
}

/// Where a file was sought, which pipes cannot be: an archive is read from its end, and what is looked at first is read again.
pub(super) fn sought(path: &Path, result: io::Result<u64>) -> Result<u64, ReadError> {
    result.map_err(|error| match error.kind() {
        io::ErrorKind::NotSeekable => {
            let reason = "comes through a pipe, where only plain competition files do; save it as a file first";
            ReadError::io(path, io::Error::new(error.kind(), reason))
        }
        _ => ReadError::io(path, error),
    })
}

/// The first bytes of a file that is read again, which a pipe cannot be.
#[cfg(feature = "tables")]
pub(crate) fn start_of(path: &Path, most: u64) -> Result<Vec<u8>, ReadError> {
    let mut file = File::open(path).map_err(|error| ReadError::io(path, error))?;
    sought(path, file.rewind().map(|()| 0))?;
    let mut start = Vec::new();
    file.take(most).read_to_end(&mut start).map_err(|error| ReadError::io(path, error))?;
    Ok(start)
}
