//! How a table of text is written: its encoding, what stands between fields, how lines end. Spreadsheets of other languages and systems
//! write all of it otherwise, and nothing in the file says so.

use std::fmt;
use std::io::{self, Read};

/// Names of columns of the tables that are read here: the separator that parts the header into these is the right one.
const KNOWN_COLUMNS: [&str; 19] = [
    "class",
    "rep",
    "session",
    "cell_id",
    "capture_id",
    "team_id",
    "direction_size",
    "timestamp",
    "path",
    "splt_direction",
    "splt_ps",
    "application_name",
    "APP",
    "label",
    "PPI",
    "ppi",
    "PPI_PKT_TIMES",
    "PPI_PKT_LENGTHS",
    "PPI_PKT_DIRECTIONS",
];
const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];
/// How much of a file tells its dialect.
pub(crate) const HEAD_BYTES: u64 = 1 << 16;

/// How a table of text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialect {
    encoding: Encoding,
    /// What stands between fields.
    pub(crate) separator: u8,
    /// Whether lines end with a carriage return alone.
    pub(crate) carriage_returns: bool,
    /// Whether a first line names the separator, as spreadsheets write it: `sep=;`.
    pub(crate) separator_line: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Utf8,
    Utf16 { big_endian: bool },
}

impl Dialect {
    /// Comma-separated UTF-8, as it is written here; with or without a byte order mark.
    pub const PLAIN: Self =
        Self { encoding: Encoding::Utf8, separator: b',', carriage_returns: false, separator_line: false };

    /// The dialect of a file that begins so.
    ///
    /// # Errors
    /// A name for an encoding that is read nowhere here.
    pub(crate) fn of(head: &[u8]) -> Result<Self, &'static str> {
        Self::of_table(head, &[])
    }

    /// The dialect of a file that begins so and has these columns, where they are known.
    ///
    /// # Errors
    /// As [`Self::of`].
    pub(crate) fn of_table(head: &[u8], wanted: &[&str]) -> Result<Self, &'static str> {
        let encoding = Encoding::of(head)?;
        let text = encoding.decode(head);
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let carriage_returns = text.contains('\r') && !text.contains('\n');
        let mut lines = text.split(['\n', '\r']);
        let first = lines.next().unwrap_or_default();
        let named = first.strip_prefix("sep=").map(str::trim_end);
        if let Some(&[separator]) = named.map(str::as_bytes) {
            return Ok(Self { encoding, separator, carriage_returns, separator_line: true });
        }
        let known = |&separator: &u8| {
            let names = split(first, separator);
            names.iter().filter(|name| KNOWN_COLUMNS.contains(&name.as_str())).count() >= 2
        };
        let parts =
            |&separator: &u8| split(first, separator).iter().filter(|name| wanted.contains(&name.as_str())).count();
        let wanted = SEPARATORS.into_iter().rev().max_by_key(parts).filter(|separator| parts(separator) >= 2);
        let separator = wanted.or_else(|| SEPARATORS.into_iter().find(known)).unwrap_or(b',');
        Ok(Self { encoding, separator, carriage_returns, separator_line: false })
    }

    /// The names of the columns in the first line of a file that begins so.
    pub(crate) fn header(self, head: &[u8]) -> Vec<String> {
        let text = self.encoding.decode(head);
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let line = text.split(['\n', '\r']).filter(|line| !line.is_empty()).nth(usize::from(self.separator_line));
        split(line.unwrap_or_default(), self.separator)
    }

    /// Whether every reader of comma-separated values reads it.
    pub fn is_plain(self) -> bool {
        self == Self::PLAIN
    }

    /// The bytes of a file, from its beginning, as UTF-8.
    pub(crate) fn decoded<'a>(self, bytes: impl Read + 'a) -> Box<dyn Read + 'a> {
        match self.encoding {
            Encoding::Utf8 => Box::new(bytes),
            Encoding::Utf16 { big_endian } => {
                Box::new(Utf16 { bytes, big_endian, rest: Vec::new(), text: Vec::new(), at: 0 })
            }
        }
    }
}

impl fmt::Display for Dialect {
    /// What is not plain about it, as `semicolons between fields, UTF-16`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let separator = match self.separator {
            b',' => None,
            b';' => Some("semicolons between fields"),
            b'\t' => Some("tabs between fields"),
            b'|' => Some("bars between fields"),
            _ => Some("other marks than commas between fields"),
        };
        let encoding = (self.encoding != Encoding::Utf8).then_some("UTF-16");
        let lines = self.carriage_returns.then_some("lines that end with a carriage return alone");
        let first = self.separator_line.then_some("a first line that names the separator");
        let all: Vec<&str> = [separator, encoding, lines, first].into_iter().flatten().collect();
        f.write_str(if all.is_empty() { "commas between fields, UTF-8" } else { "" })?;
        f.write_str(&all.join(", "))
    }
}

impl Encoding {
    fn of(head: &[u8]) -> Result<Self, &'static str> {
        if head.starts_with(&[0xff, 0xfe, 0, 0]) || head.starts_with(&[0, 0, 0xfe, 0xff]) {
            return Err("text in UTF-32; save it as UTF-8");
        }
        // Of a character of any western language one byte is 0, and the first lines are hardly anything else.
        let start = &head[..head.len().min(128)];
        let zeros = |from: usize| start.iter().skip(from).step_by(2).filter(|&&byte| byte == 0).count();
        let (first, second, most) = (zeros(0), zeros(1), start.len() / 2 * 3 / 4);
        Ok(match head {
            [0xff, 0xfe, ..] => Self::Utf16 { big_endian: false },
            [0xfe, 0xff, ..] => Self::Utf16 { big_endian: true },
            _ if start.len() > 8 && second >= most && first * 8 < second => Self::Utf16 { big_endian: false },
            _ if start.len() > 8 && first >= most && second * 8 < first => Self::Utf16 { big_endian: true },
            _ => Self::Utf8,
        })
    }

    fn decode(self, head: &[u8]) -> String {
        match self {
            Self::Utf8 => String::from_utf8_lossy(head).into_owned(),
            Self::Utf16 { big_endian } => String::from_utf16_lossy(&units(head, big_endian)),
        }
    }
}

/// What text begins a file, whatever its encoding.
pub(crate) fn beginning(head: &[u8]) -> String {
    Encoding::of(head).unwrap_or(Encoding::Utf8).decode(head)
}

/// The text of a whole file.
///
/// # Errors
/// What is wrong with its encoding.
pub(crate) fn text(bytes: Vec<u8>) -> Result<String, &'static str> {
    match Encoding::of(&bytes)? {
        Encoding::Utf8 => String::from_utf8(bytes).map_err(|_| "not UTF-8"),
        Encoding::Utf16 { big_endian } => {
            String::from_utf16(&units(&bytes, big_endian)).map_err(|_| "not UTF-16, as which it begins")
        }
    }
}

/// The fields of a line, without blanks and quotes around them.
fn split(line: &str, separator: u8) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    for character in line.chars() {
        match character {
            '"' => quoted = !quoted,
            _ if character == char::from(separator) && !quoted => fields.push(String::new()),
            _ => fields.last_mut().expect("there is a first one").push(character),
        }
    }
    fields.iter().map(|field| field.trim().to_owned()).collect()
}

fn units(bytes: &[u8], big_endian: bool) -> Vec<u16> {
    let unit = |pair: &[u8; 2]| if big_endian { u16::from_be_bytes(*pair) } else { u16::from_le_bytes(*pair) };
    bytes.as_chunks::<2>().0.iter().map(unit).collect()
}

/// UTF-16 as UTF-8; halves without the other half become the replacement character.
struct Utf16<R> {
    bytes: R,
    big_endian: bool,
    /// Bytes that are no whole character yet.
    rest: Vec<u8>,
    text: Vec<u8>,
    at: usize,
}

impl<R: Read> Utf16<R> {
    fn fill(&mut self) -> io::Result<()> {
        let mut buffer = [0; 8192];
        while self.at == self.text.len() {
            let count = self.bytes.read(&mut buffer)?;
            self.rest.extend_from_slice(&buffer[..count]);
            let mut units = units(&self.rest, self.big_endian);
            if count > 0 && units.last().is_some_and(|unit| (0xd800..0xdc00).contains(unit)) {
                units.pop();
            }
            self.rest.drain(..units.len() * 2);
            if count == 0 {
                if !self.rest.is_empty() {
                    return Err(io::Error::new(io::ErrorKind::InvalidData, "UTF-16 that ends within a character"));
                }
                if units.is_empty() {
                    return Ok(());
                }
            }
            self.text = String::from_utf16_lossy(&units).into_bytes();
            self.at = 0;
        }
        Ok(())
    }
}

impl<R: Read> Read for Utf16<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.fill()?;
        let count = (self.text.len() - self.at).min(buffer.len());
        buffer[..count].copy_from_slice(&self.text[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str, big_endian: bool) -> Vec<u8> {
        text.encode_utf16().flat_map(|unit| if big_endian { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
    }

    #[test]
    fn the_header_tells_the_separator() {
        for (line, separator) in [
            ("cell_id,rep,direction_size,timestamp\n1;2", b','),
            ("cell_id;rep;direction_size;timestamp\n", b';'),
            ("\"cell_id\"\t\"rep\"\tdirection_size\ttimestamp\r\n", b'\t'),
            ("class,rep,session,a;b;c;d;e;f\n", b','),
            ("class | rep | a\n", b'|'),
            ("something;else\n", b','),
            ("sep=;\ncell_id;rep\n", b';'),
            ("", b','),
        ] {
            assert_eq!(Dialect::of(line.as_bytes()).unwrap().separator, separator, "{line}");
        }
        let excel = b"sep=;\r\ncell_id;rep\r\n";
        assert_eq!(Dialect::of(excel).unwrap().header(excel), ["cell_id", "rep"]);
    }

    #[test]
    fn utf_16_is_read_with_and_without_a_mark() {
        let text = "cell_id;rep;direction_size;timestamp\né;\u{1f600}\n";
        for big_endian in [false, true] {
            for mark in ["", "\u{feff}"] {
                let bytes = utf16(&format!("{mark}{text}"), big_endian);
                let dialect = Dialect::of(&bytes).unwrap();
                assert_eq!(dialect.to_string(), "semicolons between fields, UTF-16");
                assert_eq!(dialect.header(&bytes), ["cell_id", "rep", "direction_size", "timestamp"]);
                let mut decoded = String::new();
                dialect.decoded(bytes.as_slice()).read_to_string(&mut decoded).unwrap();
                assert_eq!(decoded, format!("{mark}{text}"));
                let cut = dialect.decoded(&bytes[..bytes.len() - 1]).read_to_string(&mut decoded);
                assert_eq!(cut.unwrap_err().kind(), io::ErrorKind::InvalidData);
            }
        }
        assert!(Dialect::of(&[0xff, 0xfe, 0, 0, b'c', 0, 0, 0]).is_err());
        assert!(Dialect::of(b"cell_id,rep\n").unwrap().is_plain());
    }
}
