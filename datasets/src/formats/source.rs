//! Where the bytes of a file are: on a disk, in memory, or behind a reader.

use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// A file to read, by whatever holds its bytes. Errors name it by its path, or by the name that it is given.
pub struct Source<'a> {
    name: &'a Path,
    bytes: Bytes<'a>,
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
        Self { name: name.as_ref(), bytes: Bytes::Of(Box::new(reader)) }
    }

    /// Bytes in memory.
    pub fn bytes(name: &'a (impl AsRef<Path> + ?Sized), bytes: &'a [u8]) -> Self {
        Self::reader(name, Cursor::new(bytes))
    }

    /// Its path or name.
    pub fn name(&self) -> &'a Path {
        self.name
    }

    /// The bytes and how many there are.
    pub(crate) fn open(self) -> io::Result<(BufReader<Box<dyn ReadSeek + 'a>>, u64)> {
        let mut bytes: Box<dyn ReadSeek + 'a> = match self.bytes {
            Bytes::OfPath => Box::new(File::open(self.name)?),
            Bytes::Of(bytes) => bytes,
        };
        // Pipes cannot be sought, and are read as they come.
        let length = match bytes.stream_position() {
            Ok(start) => {
                let end = bytes.seek(SeekFrom::End(0))?;
                bytes.seek(SeekFrom::Start(start))?;
                end - start
            }
            Err(_) => 0,
        };
        Ok((BufReader::new(bytes), length))
    }
}

impl fmt::Debug for Source<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Source").field(&self.name).finish()
    }
}

impl<'a> From<&'a Path> for Source<'a> {
    fn from(path: &'a Path) -> Self {
        Self { name: path, bytes: Bytes::OfPath }
    }
}

impl<'a> From<&'a PathBuf> for Source<'a> {
    fn from(path: &'a PathBuf) -> Self {
        path.as_path().into()
    }
}
