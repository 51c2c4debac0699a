//! The encodings that texts of Windows and of shells come in.

use std::io::{self, BufRead, BufReader, Read};

/// The text as UTF-8 without a byte order mark. UTF-16 is known by its mark, or by the zeros in its first two letters.
pub(super) fn decoded(source: Box<dyn Read + Send>) -> io::Result<Box<dyn BufRead + Send>> {
    let mut source = BufReader::new(source);
    let head = source.fill_buf()?;
    let (mark, big_endian) = match head {
        [0xef, 0xbb, 0xbf, ..] => (3, None),
        [0xff, 0xfe, ..] => (2, Some(false)),
        [0xfe, 0xff, ..] => (2, Some(true)),
        [1..=0x7f, 0, 1..=0x7f, 0, ..] => (0, Some(false)),
        [0, 1..=0x7f, 0, 1..=0x7f, ..] => (0, Some(true)),
        _ => (0, None),
    };
    source.consume(mark);
    Ok(match big_endian {
        None => Box::new(source),
        Some(big_endian) => Box::new(BufReader::new(Utf16 { source, big_endian, ready: Vec::new(), at: 0 })),
    })
}

/// UTF-16 as UTF-8; half a pair of surrogates becomes the replacement character.
struct Utf16<R> {
    source: R,
    big_endian: bool,
    ready: Vec<u8>,
    at: usize,
}

impl<R: Read> Utf16<R> {
    fn unit(&mut self) -> io::Result<Option<u16>> {
        let mut bytes = [0; 2];
        match self.source.read_exact(&mut bytes) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error),
            Ok(()) => Ok(Some(if self.big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })),
        }
    }
}

impl<R: Read> Read for Utf16<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.at == self.ready.len() {
            let mut units = Vec::with_capacity(2048);
            while units.len() < 2048 {
                let Some(unit) = self.unit()? else { break };
                units.push(unit);
            }
            // A pair is not torn apart.
            if units.last().is_some_and(|unit| (0xd800..0xdc00).contains(unit)) {
                units.extend(self.unit()?);
            }
            self.ready = String::from_utf16_lossy(&units).into_bytes();
            self.at = 0;
        }
        let n = out.len().min(self.ready.len() - self.at);
        out[..n].copy_from_slice(&self.ready[self.at..self.at + n]);
        self.at += n;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn read(bytes: Vec<u8>) -> String {
        let mut text = String::new();
        decoded(Box::new(Cursor::new(bytes))).unwrap().read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn one_text_in_every_encoding() {
        let text = format!("time,ä,😀\n{}", "1,2,3\n".repeat(3000));
        let units = || text.encode_utf16();
        let little: Vec<u8> = units().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = units().flat_map(u16::to_be_bytes).collect();
        assert_eq!(read(text.clone().into_bytes()), text);
        assert_eq!(read([&[0xef, 0xbb, 0xbf], text.as_bytes()].concat()), text);
        assert_eq!(read([&[0xff, 0xfe], little.as_slice()].concat()), text);
        assert_eq!(read([&[0xfe, 0xff], big.as_slice()].concat()), text);
        assert_eq!(read(little), text);
        assert_eq!(read(big), text);
        assert_eq!(read(vec![0xff, 0xfe, b'a', 0, 0x00, 0xd8]), "a\u{fffd}");
        assert_eq!(read(vec![]), "");
    }
}
