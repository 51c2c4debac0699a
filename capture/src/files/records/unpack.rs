//! Compression around a capture, found by content.

use std::io::{self, BufReader, Cursor, Read};

use flate2::read::MultiGzDecoder;
use lzma_rust2::XzReader;

use super::RecordError;

/// Enough of a stream to tell what it is.
pub(super) const PREFIX: usize = 24;

/// What xz may use, in KiB: its files state how much unpacking takes, up to 4 GiB. The strongest preset takes 64 MiB.
const XZ_MEMORY_KIB: u32 = 160 << 10;

/// The same for zstd, as a power of two in bytes: what its own program unpacks without being told to.
const ZSTD_WINDOW_LOG: u32 = 27;

/// Unpacks a stream if it is compressed with gzip, zstd or xz. Also an upper bound of its length, from that of the
/// packed one, and whether it was compressed.
pub(super) fn unpack(
    mut source: Box<dyn Read + Send>,
    len: u64,
) -> Result<(Box<dyn Read + Send>, u64, bool), RecordError> {
    let head = head_of(&mut source).map_err(RecordError::Open)?;
    let compression = Compression::of(&head);
    let source: Box<dyn Read + Send> = Box::new(Cursor::new(head).chain(source));
    Ok(match compression {
        None => (source, len, false),
        Some(Compression::Gzip) => (Box::new(MultiGzDecoder::new(source)), u64::MAX, true),
        Some(Compression::Xz) => {
            (Box::new(XzReader::new_mem_limit(BufReader::new(source), true, XZ_MEMORY_KIB)), u64::MAX, true)
        }
        Some(Compression::Zstd) => {
            let mut decoder = zstd::Decoder::new(source).map_err(RecordError::Open)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG).map_err(RecordError::Open)?;
            (Box::new(decoder), u64::MAX, true)
        }
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compression {
    Gzip,
    Zstd,
    Xz,
}

impl Compression {
    pub(super) fn of(head: &[u8]) -> Option<Self> {
        match head {
            [0x1f, 0x8b, ..] => Some(Self::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Self::Zstd),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Self::Xz),
            _ => None,
        }
    }
}

/// The first bytes of a stream, fewer than [`PREFIX`] only where it has no more.
pub(super) fn head_of(source: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(PREFIX);
    source.take(PREFIX as u64).read_to_end(&mut head)?;
    Ok(head)
}
