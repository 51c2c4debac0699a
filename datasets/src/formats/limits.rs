//! How much of a file is read before it is refused.

use std::io::{self, Read};

use thiserror::Error;

/// A file may unpack to this many bytes before its ratio counts: small files of equal rows pack well.
const RATIO_FREE_BYTES: u64 = 1 << 20;

/// How much of a file is read before it is refused; checked while reading, so that a small file cannot fill the memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadLimits {
    /// Bytes of the file when it is an archive.
    pub compressed_bytes: u64,
    /// Bytes of text, after unpacking where the file is an archive.
    pub uncompressed_bytes: u64,
    /// Bytes of text for each byte of the archive. Packet tables reach 4 to 60; a file of nothing but zeros a thousand.
    pub ratio: u64,
    /// Bytes of one line.
    pub line_bytes: u64,
    /// Rows without the header.
    pub rows: u64,
    /// Traces.
    pub traces: u64,
}

impl ReadLimits {
    /// For the user's own files: wide enough for any set that fits into memory.
    pub const OWN: Self = Self {
        compressed_bytes: 1 << 36,
        uncompressed_bytes: 1 << 38,
        ratio: 1000,
        line_bytes: 1 << 28,
        rows: 1 << 36,
        traces: 1 << 32,
    };

    /// For what strangers upload to a competition: 32 MiB packed, 2 GiB of text, 200 bytes of text a packed byte, 50 million
    /// rows of at most 1 MiB, a million traces.
    pub const UPLOAD: Self = Self {
        compressed_bytes: 32 << 20,
        uncompressed_bytes: 2 << 30,
        ratio: 200,
        line_bytes: 1 << 20,
        rows: 50_000_000,
        traces: 1_000_000,
    };
}

impl Default for ReadLimits {
    fn default() -> Self {
        Self::UPLOAD
    }
}

/// Which limit a file exceeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum LimitExceeded {
    /// The archive itself is too large.
    #[error("the archive has {found} bytes, allowed are {limit}")]
    CompressedBytes {
        /// Bytes of the archive.
        found: u64,
        /// The limit.
        limit: u64,
    },
    /// The text is too large.
    #[error("more than the allowed {limit} bytes of text")]
    UncompressedBytes {
        /// The limit.
        limit: u64,
    },
    /// The archive unpacks to too much.
    #[error("unpacks to more than the allowed {limit} times the size of the archive")]
    Ratio {
        /// The limit.
        limit: u64,
    },
    /// A line is too long.
    #[error("a line is longer than the allowed {limit} bytes")]
    LineBytes {
        /// The limit.
        limit: u64,
    },
    /// There are too many rows.
    #[error("more than the allowed {limit} rows")]
    Rows {
        /// The limit.
        limit: u64,
    },
    /// There are too many traces.
    #[error("more than the allowed {limit} traces")]
    Traces {
        /// The limit.
        limit: u64,
    },
}

impl From<LimitExceeded> for io::Error {
    fn from(limit: LimitExceeded) -> Self {
        io::Error::other(limit)
    }
}

/// Passes bytes on until a limit is exceeded; the error then carries the [`LimitExceeded`].
pub(crate) struct Limited<R> {
    inner: R,
    limits: ReadLimits,
    /// Size of the archive that `inner` unpacks; none for plain text.
    archive_bytes: Option<u64>,
    read: u64,
    line: u64,
}

impl<R: Read> Limited<R> {
    /// Limits plain text.
    pub(crate) fn plain(inner: R, limits: ReadLimits) -> Self {
        Self { inner, limits, archive_bytes: None, read: 0, line: 0 }
    }

    /// Limits what an archive of `archive_bytes` unpacks to, after a look at that size.
    pub(crate) fn unpacked(inner: R, archive_bytes: u64, limits: ReadLimits) -> Result<Self, LimitExceeded> {
        if archive_bytes > limits.compressed_bytes {
            return Err(LimitExceeded::CompressedBytes { found: archive_bytes, limit: limits.compressed_bytes });
        }
        Ok(Self { inner, limits, archive_bytes: Some(archive_bytes), read: 0, line: 0 })
    }

    fn check(&mut self, chunk: &[u8]) -> Result<(), LimitExceeded> {
        let limits = &self.limits;
        self.read += chunk.len() as u64;
        self.line = match chunk.iter().rposition(|&byte| byte == b'\n') {
            Some(end) => (chunk.len() - end - 1) as u64,
            None => self.line + chunk.len() as u64,
        };
        if self.read > limits.uncompressed_bytes {
            return Err(LimitExceeded::UncompressedBytes { limit: limits.uncompressed_bytes });
        }
        let allowed = self.archive_bytes.map(|bytes| bytes.saturating_mul(limits.ratio).max(RATIO_FREE_BYTES));
        if allowed.is_some_and(|allowed| self.read > allowed) {
            return Err(LimitExceeded::Ratio { limit: limits.ratio });
        }
        if self.line > limits.line_bytes {
            return Err(LimitExceeded::LineBytes { limit: limits.line_bytes });
        }
        Ok(())
    }
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.check(&buffer[..count])?;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exceeded(mut reader: Limited<impl Read>) -> Option<LimitExceeded> {
        let error = io::copy(&mut reader, &mut io::sink()).err()?;
        error.get_ref().and_then(|inner| inner.downcast_ref().copied())
    }

    #[test]
    fn both_ends_of_each_limit() {
        let limits = ReadLimits { uncompressed_bytes: 8, line_bytes: 4, ..ReadLimits::default() };
        let plain = |text: &'static str| exceeded(Limited::plain(text.as_bytes(), limits));
        assert_eq!(plain("abc\nabc\n"), None);
        assert_eq!(plain("abc\nabc\na"), Some(LimitExceeded::UncompressedBytes { limit: 8 }));
        assert_eq!(plain("abcd"), None);
        assert_eq!(plain("abcde"), Some(LimitExceeded::LineBytes { limit: 4 }));
    }

    #[test]
    fn an_archive_is_limited_by_size_and_ratio() {
        let limits = ReadLimits { compressed_bytes: 2 << 20, ratio: 2, line_bytes: u64::MAX, ..ReadLimits::default() };
        let unpacked = |bytes, archive| Limited::unpacked(io::repeat(b'a').take(bytes), archive, limits);
        assert_eq!(exceeded(unpacked(2 << 20, 1 << 20).unwrap()), None);
        assert_eq!(exceeded(unpacked((2 << 20) + 1, 1 << 20).unwrap()), Some(LimitExceeded::Ratio { limit: 2 }));
        assert_eq!(exceeded(unpacked(1 << 20, 1).unwrap()), None, "below 1 MiB no ratio counts");
        assert!(unpacked(1, 2 << 20).is_ok());
        assert!(unpacked(1, (2 << 20) + 1).is_err());
    }
}
