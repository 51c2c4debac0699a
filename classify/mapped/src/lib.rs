//! Files as bytes that the system reads where they are touched.
//!
//! The one unsafe call of the crates around it is here: a mapping is a promise that nobody changes the file meanwhile, which
//! only its users can keep.

use std::fs::File;
use std::io::{self, Read as _};
use std::ops::Deref;
use std::path::Path;

use memmap2::Mmap;

/// The bytes of a file: its pages themselves where the system can map it, else a copy, as of pipes and empty files.
///
/// The file must stay as it is while this lives. One that is replaced by renaming or removed does no harm, since the old bytes
/// stay; one that is overwritten in place shows its new bytes in part; one that is cut short ends the process by a signal
/// (`SIGBUS`) when a page that is gone is touched. So keep it only as long as reading takes.
#[derive(Debug)]
pub struct MappedFile(Bytes);

#[derive(Debug)]
enum Bytes {
    Mapped(Mmap),
    Read(Vec<u8>),
}

impl MappedFile {
    /// Maps a file, or reads it where it cannot be mapped; fails where it can be neither.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let about = file.metadata()?;
        if about.is_file() && about.len() > 0 {
            // SAFETY: the mapping is private and only read, and lives no longer than `self`. What remains is that the file must
            // not be changed meanwhile, which no program can enforce; the documentation of the type hands that on.
            if let Ok(mapping) = unsafe { Mmap::map(&file) } {
                return Ok(Self(Bytes::Mapped(mapping)));
            }
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(Self(Bytes::Read(bytes)))
    }

    /// Whether the bytes are the pages of the file rather than a copy.
    pub fn is_mapped(&self) -> bool {
        matches!(self.0, Bytes::Mapped(_))
    }
}

impl Deref for MappedFile {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Bytes::Mapped(mapping) => mapping,
            Bytes::Read(bytes) => bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that fails")]

    use super::*;

    #[test]
    fn the_bytes_are_those_of_the_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let empty = MappedFile::open(file.path()).unwrap();
        assert!(empty.is_empty() && !empty.is_mapped());

        let bytes: Vec<u8> = (0..10_000u32).map(|i| (i % 251) as u8).collect();
        std::fs::write(file.path(), &bytes).unwrap();
        let mapped = MappedFile::open(file.path()).unwrap();
        assert_eq!(*mapped, *bytes);
        assert_eq!(mapped.is_mapped(), cfg!(any(unix, windows)));
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_was_removed_keeps_its_bytes() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "as it was").unwrap();
        let mapped = MappedFile::open(file.path()).unwrap();
        drop(file);
        assert_eq!(&*mapped, b"as it was");
    }

    #[test]
    fn what_is_no_file_is_an_error() {
        assert_eq!(MappedFile::open(Path::new("no such file")).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert!(MappedFile::open(&std::env::temp_dir()).is_err());
    }
}
