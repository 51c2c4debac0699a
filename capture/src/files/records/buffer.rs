//! A window over a stream of bytes that only moves forward.

use std::io::{self, ErrorKind, Read};

/// How much is read at once, in bytes; less where the whole stream is shorter.
const CHUNK: u64 = 1 << 20;

pub(crate) struct Buffer {
    source: Box<dyn Read + Send>,
    bytes: Vec<u8>,
    /// The window: what was read and not consumed.
    start: usize,
    end: usize,
    /// Bytes consumed since the start of the stream.
    offset: u64,
    /// How long the stream is at most.
    limit: u64,
}

impl Buffer {
    /// `limit` is an upper bound of what `source` holds.
    pub(crate) fn new(source: Box<dyn Read + Send>, limit: u64) -> Self {
        let bytes = vec![0; limit.clamp(64, CHUNK) as usize];
        Self { source, bytes, start: 0, end: 0, offset: 0, limit }
    }

    /// What is there without reading on.
    pub(crate) fn data(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// Where `data` starts in the stream.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// How long the stream is at most.
    pub(crate) fn limit(&self) -> u64 {
        self.limit
    }

    pub(crate) fn consume(&mut self, n: usize) {
        self.start += n;
        self.offset += n as u64;
    }

    /// Reads until at least `wanted` bytes are in `data`; `false` where the stream ends before.
    ///
    /// The buffer grows with what is there, not with what is wanted, so that a length in a small file costs nothing.
    #[inline]
    pub(crate) fn fill(&mut self, wanted: usize) -> io::Result<bool> {
        if self.end - self.start >= wanted { Ok(true) } else { self.read(wanted) }
    }

    #[cold]
    fn read(&mut self, wanted: usize) -> io::Result<bool> {
        self.bytes.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        while self.end < wanted {
            if self.end == self.bytes.len() {
                self.bytes.resize(self.bytes.len() * 2, 0);
            }
            match self.source.read(&mut self.bytes[self.end..]) {
                Ok(0) => return Ok(false),
                Ok(n) => self.end += n,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hands over one byte a call.
    struct Trickle(Vec<u8>);

    impl Read for Trickle {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let Some(byte) = self.0.pop() else { return Ok(0) };
            buffer[0] = byte;
            Ok(1)
        }
    }

    #[test]
    fn every_byte_comes_once_and_in_order() {
        let bytes: Vec<u8> = (0..=255).collect();
        let mut buffer = Buffer::new(Box::new(Trickle(bytes.iter().rev().copied().collect())), u64::MAX);
        let mut seen = Vec::new();
        for n in 1..=22 {
            assert!(buffer.fill(n).unwrap());
            assert_eq!(buffer.offset(), seen.len() as u64);
            seen.extend_from_slice(&buffer.data()[..n]);
            buffer.consume(n);
        }
        assert!(!buffer.fill(4).unwrap());
        seen.extend_from_slice(buffer.data());
        assert_eq!(seen, bytes);
    }

    #[test]
    fn the_buffer_grows_with_what_is_there() {
        let mut buffer = Buffer::new(Box::new(io::repeat(7).take(1000)), 1000);
        assert!(!buffer.fill(usize::MAX).unwrap());
        assert_eq!(buffer.data().len(), 1000);
        assert!(buffer.bytes.len() <= 2000);
    }

    #[test]
    fn what_came_before_an_error_is_kept() {
        struct Fails(bool);
        impl Read for Fails {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                if std::mem::replace(&mut self.0, true) {
                    return Err(io::Error::other("unplugged"));
                }
                buffer[..3].copy_from_slice(b"abc");
                Ok(3)
            }
        }
        let mut buffer = Buffer::new(Box::new(Fails(false)), u64::MAX);
        assert!(buffer.fill(3).unwrap());
        assert!(buffer.fill(4).is_err());
        assert_eq!(buffer.data(), b"abc");
    }
}
