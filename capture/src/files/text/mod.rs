//! What other tools wrote about a capture: one line a packet, as `tshark -T fields` does, JSON of tshark, lines of tcpdump.
//!
//! [`encoding`] makes UTF-8 of the text, [`printed`] rows of what is no table, [`row`] fields of a line, [`columns`] finds what is in them, and [`times`] what
//! its times count.

mod columns;
mod encoding;
mod error;
mod printed;
mod row;
mod times;

use std::collections::BTreeSet;
use std::io::{self, BufRead, Read};
use std::path::Path;

use wfkit_datasets::Layer;

use crate::files::records::open_unpacked;
use crate::import::stats::Reason;
use crate::packet::Segment;

use columns::Columns;
use encoding::decoded;
pub(crate) use error::TextError;
use error::Unreadable;
use printed::as_rows;
use times::{Look, Times};

/// Longer lines are no packets.
const MAX_LINE: u64 = 64 << 10;

/// How many names of protocols a message tells.
const MOST_NAMES: usize = 5;

/// The time of a packet, Unix time in ns, and what a segment says of it; or why it is none.
pub(crate) type TextPacket = Result<(i64, Segment<'static>), Reason>;

/// Reads the packets of a text, one after another.
///
/// Columns are found by the names that tshark gives them in a header (`-E header=y`): `frame.time_epoch`,
/// `frame.time_relative`, Wireshark's `Time` or `frame.time_delta`; `ip.src` and `ip.dst`, or those of IPv6; `frame.len`,
/// `ip.len` or `tcp.len` for the layer; maybe `ip.proto`, `_ws.col.Protocol`, `tcp.flags`, and ports. Without a header they are time,
/// source, destination, protocol and frame length. Separators are tabs, commas, semicolons or bars; decimals have a
/// point or a comma; the text is UTF-8 or UTF-16.
///
/// A row that cannot be read is left out and counted; it does not end the trace.
pub(crate) struct TextPackets {
    lines: Lines,
    columns: Columns,
    times: Times,
    rows: u64,
    first_unreadable: Option<(u64, Unreadable)>,
    unreadable: u64,
    unknown_protocols: BTreeSet<String>,
}

impl TextPackets {
    /// The next packet; the segment's payload is the size. `None` after the last, and after an error.
    pub(crate) fn next(&mut self) -> Result<Option<TextPacket>, TextError> {
        let Self { lines, columns, times, .. } = self;
        self.rows += 1;
        let row = self.rows;
        let packet = match lines.next().map_err(|_| TextError::Read { row })? {
            Line::End => return Ok(None),
            Line::TooLong => Err(Unreadable { column: "", expected: "a line of at most 64 KiB" }),
            Line::Of(line) => {
                let fields = columns.row(line);
                let time = columns.time(&fields).and_then(|field| times.next(field));
                match time {
                    None => Err(Unreadable { column: "time", expected: "seconds, or a date and time" }),
                    Some(time_ns) => columns.segment(&fields).map(|segment| match segment {
                        Ok(segment) => Ok((time_ns, segment)),
                        Err((reason, unknown)) => {
                            if let Some(name) = unknown.filter(|_| self.unknown_protocols.len() <= MOST_NAMES) {
                                self.unknown_protocols.insert(plain_name(name));
                            }
                            Err(reason)
                        }
                    }),
                }
            }
        };
        Ok(Some(packet.unwrap_or_else(|what| {
            self.unreadable += 1;
            self.first_unreadable.get_or_insert((row, what));
            Err(Reason::UnreadableRow)
        })))
    }

    /// One sentence about what was left out, and one about what was taken for granted.
    pub(crate) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if let Some((row, Unreadable { column, expected })) = self.first_unreadable {
            let column = if column.is_empty() { String::new() } else { format!(", column `{column}`") };
            let rows = if self.unreadable == 1 { "this row is" } else { "such rows are" };
            let n = if self.unreadable == 1 { String::new() } else { format!("{} ", self.unreadable) };
            problems.push(format!("row {row}{column}: not {expected}; {n}{rows} left out"));
        }
        if !self.unknown_protocols.is_empty() {
            let names: Vec<&str> = self.unknown_protocols.iter().map(String::as_str).take(MOST_NAMES).collect();
            problems.push(format!(
                "protocols that are not known to be over TCP are left out: {}; the column ip.proto or tcp.len would tell",
                names.join(", ")
            ));
        }
        problems
    }

    /// Whether the text has nothing that tells TCP from other protocols, so that all packets count.
    pub(crate) fn knows_no_protocol(&self) -> bool {
        self.columns.know_no_protocol()
    }
}

/// The name of a protocol as a message may tell it.
fn plain_name(name: &str) -> String {
    name.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '/' | ' ')).take(20).collect()
}

/// Opens a file as a text about packets; `None` where it is none.
///
/// The times are looked at first, all of them: only together they tell whether they are seconds from one start.
pub(crate) fn open_text(path: &Path, layer: Layer) -> Option<Result<TextPackets, TextError>> {
    let mut lines = Lines::open(path)?;
    if let Some(problem) = lines.problem {
        return Some(Err(TextError::Printed(problem)));
    }
    let columns = match Columns::of(&lines.first()?, layer)? {
        Ok(columns) => columns,
        Err(error) => return Some(Err(error)),
    };
    Some(packets(columns, Lines::open(path)?, Lines::open(path)?))
}

fn packets(columns: Columns, looked_at: Lines, read: Lines) -> Result<TextPackets, TextError> {
    let times = look_at_times(&columns, looked_at)?;
    let mut lines = read;
    if columns.has_header {
        lines.next().map_err(|_| TextError::Read { row: 0 })?;
    }
    Ok(TextPackets {
        lines,
        columns,
        times,
        rows: 0,
        first_unreadable: None,
        unreadable: 0,
        unknown_protocols: BTreeSet::new(),
    })
}

fn look_at_times(columns: &Columns, mut lines: Lines) -> Result<Times, TextError> {
    let mut look = Look::default();
    let mut sample = None;
    // What cannot be read is told when the packets are.
    while let Ok(line @ (Line::Of(_) | Line::TooLong)) = lines.next() {
        let Line::Of(line) = line else { continue };
        if let Some(field) = columns.time(&columns.row(line)) {
            look.add(field);
            sample.get_or_insert(field);
        }
    }
    let column = &columns.time_name;
    look.times(column, sample).map_err(|what| TextError::Times { column: column.clone(), what })
}

/// Whether `path` is a text about packets, as tshark, Wireshark and tcpdump print them, or a folder in which all files are, of which there is one at
/// least. What has a name that starts with a dot is passed over.
pub fn is_packet_text(path: &Path) -> bool {
    if !path.is_dir() {
        return looks_like_text(path);
    }
    let Ok(entries) = std::fs::read_dir(path) else { return false };
    let mut files = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| !path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".")))
        .peekable();
    files.peek().is_some() && files.all(|file| is_packet_text(&file))
}

/// Whether the file starts like a text about packets.
pub(crate) fn looks_like_text(path: &Path) -> bool {
    let first = path.is_file().then(|| Lines::open(path)).flatten().and_then(|mut lines| lines.first());
    first.is_some_and(|line| Columns::of(&line, Layer::Frame).is_some())
}

/// The lines of a text, one in memory at a time.
struct Lines {
    source: Box<dyn BufRead + Send>,
    line: Vec<u8>,
    text: String,
    /// Why nothing can be made of it.
    problem: Option<&'static str>,
}

enum Line<'a> {
    Of(&'a str),
    TooLong,
    End,
}

impl Lines {
    fn open(path: &Path) -> Option<Self> {
        Self::of(open_unpacked(path).ok()?)
    }

    fn of(source: Box<dyn Read + Send>) -> Option<Self> {
        let (source, problem) = as_rows(decoded(source).ok()?).ok()?;
        Some(Self { source, line: Vec::new(), text: String::new(), problem })
    }

    /// The first line, where it is text.
    fn first(&mut self) -> Option<String> {
        self.read().ok()?;
        let line = std::str::from_utf8(&self.line).ok()?;
        (!line.contains('\0')).then(|| line.trim_end().to_owned())
    }

    /// The next line that is not empty.
    fn next(&mut self) -> io::Result<Line<'_>> {
        loop {
            if self.read()? == 0 {
                return Ok(Line::End);
            }
            if self.line.len() as u64 == MAX_LINE && !self.line.ends_with(b"\n") {
                self.skip_to_end()?;
                return Ok(Line::TooLong);
            }
            if !self.line.trim_ascii().is_empty() {
                break;
            }
        }
        // Other encodings have the digits and separators of ASCII, too.
        self.text = String::from_utf8_lossy(&self.line).into_owned();
        Ok(Line::Of(self.text.trim_end_matches(['\r', '\n'])))
    }

    fn read(&mut self) -> io::Result<usize> {
        self.line.clear();
        (&mut self.source).take(MAX_LINE).read_until(b'\n', &mut self.line)
    }

    fn skip_to_end(&mut self) -> io::Result<()> {
        while self.read()? > 0 && !self.line.ends_with(b"\n") {}
        Ok(())
    }
}

/// Any bytes as a text, with every layer.
pub(crate) fn read_any(bytes: &[u8]) {
    let lines = || Lines::of(Box::new(io::Cursor::new(bytes.to_vec())));
    for layer in [Layer::Frame, Layer::Ip, Layer::Tcp] {
        let Some(first) = lines().and_then(|mut lines| lines.first()) else { return };
        let Some(Ok(columns)) = Columns::of(&first, layer) else { continue };
        let (Some(looked_at), Some(read)) = (lines(), lines()) else { return };
        let Ok(mut text) = packets(columns, looked_at, read) else { continue };
        while let Ok(Some(packet)) = text.next() {
            if let Ok((_, segment)) = packet {
                assert!(i32::try_from(segment.payload_len).is_ok());
            }
        }
        assert!(text.problems().len() <= 2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Times and sizes, and the error at the end.
    type PacketsOrReasons = (Vec<Result<(i64, u32), Reason>>, Option<TextError>);

    fn open(text: &str, layer: Layer) -> Option<Result<TextPackets, TextError>> {
        let lines = || Lines::of(Box::new(io::Cursor::new(text.as_bytes().to_vec()))).unwrap();
        let columns = Columns::of(&lines().first()?, layer)?;
        Some(columns.and_then(|columns| super::packets(columns, lines(), lines())))
    }

    fn packets(text: &str, layer: Layer) -> PacketsOrReasons {
        let mut packets = open(text, layer).unwrap().unwrap();
        let mut found = Vec::new();
        loop {
            match packets.next() {
                Ok(Some(packet)) => found.push(packet.map(|(time_ns, segment)| (time_ns, segment.payload_len))),
                Ok(None) => return (found, None),
                Err(error) => return (found, Some(error)),
            }
        }
    }

    #[test]
    fn five_columns_without_a_header() {
        let text = "1700000000.000000001,10.0.0.1,10.0.0.2,TCP,66\n\
                    1700000000.5,10.0.0.2,10.0.0.1,DNS,80\n\
                    1700000001,02:00:00:00:00:01,ff:ff:ff:ff:ff:ff,ARP,60\n\
                    1700000002.25,10.0.0.2,10.0.0.1,TLSv1.3,1514\n";
        let (found, error) = packets(text, Layer::Frame);
        assert!(error.is_none());
        assert_eq!(
            found,
            [
                Ok((1_700_000_000_000_000_001, 66)),
                Err(Reason::NotTcp),
                Err(Reason::NotIp),
                Ok((1_700_000_002_250_000_000, 1514))
            ]
        );
    }

    #[test]
    fn columns_are_found_by_name_and_sizes_by_layer() {
        let text = "frame.time_epoch\tip.src\tipv6.src\tip.dst\tipv6.dst\tip.proto\tframe.len\tip.len\ttcp.len\n\
                    1.5\t10.0.0.1\t\t10.0.0.2\t\t6\t1514\t1500\t1448\n\
                    1.6\t\tfd00::1\t\tfd00::2\t\t94\t\t8\n\
                    1.7\t10.0.0.1\t\t10.0.0.2\t\t17\t80\t66\t\n";
        assert_eq!(
            packets(text, Layer::Frame).0,
            [Ok((1_500_000_000, 1514)), Ok((1_600_000_000, 94)), Err(Reason::NotTcp)]
        );
        assert_eq!(packets(text, Layer::Ip).0[0], Ok((1_500_000_000, 1500)));
        assert_eq!(packets(text, Layer::Tcp).0[0], Ok((1_500_000_000, 1448)));
    }

    #[test]
    fn sizes_of_another_layer_are_not_taken_for_those_that_are_wanted() {
        let line = "1.0,10.0.0.1,10.0.0.2,TCP,66\n";
        let error = open(line, Layer::Tcp).unwrap().err().unwrap();
        assert_eq!(
            error.to_string(),
            "no column with sizes of the layer tcp: it needs one of tcp.len; it has frame lengths in five columns \
             without a header"
        );
    }

    #[test]
    fn rows_that_make_no_sense_are_left_out_and_the_first_is_named() {
        let text = "1.0,10.0.0.1,10.0.0.2,TCP,66\n1.1,10.0.0.1,10.0.0.2,TCP,many\nnever,10.0.0.1,10.0.0.2,TCP,5\n\
                    \"1.2,10.0.0.1,10.0.0.2,TCP,67\n1.3,10.0.0.2,10.0.0.1,TCP,68\n";
        let mut packets = open(text, Layer::Frame).unwrap().unwrap();
        let mut found = Vec::new();
        while let Some(packet) = packets.next().unwrap() {
            found.push(packet.map(|(time_ns, _)| time_ns));
        }
        let unreadable = Err(Reason::UnreadableRow);
        assert_eq!(found, [Ok(1_000_000_000), unreadable, unreadable, unreadable, Ok(1_300_000_000)]);
        assert_eq!(
            packets.problems(),
            ["row 2, column `length`: not a whole number of bytes; 3 such rows are left out"]
        );
    }

    #[test]
    fn only_what_is_known_to_be_tcp_is_taken() {
        let row = |protocol: &str| format!("1.0,10.0.0.1,10.0.0.2,{protocol},66\n");
        for over_tcp in ["TCP", "TLSv1.2", "TLSv1.3", "TLSv1", "SSLv2", "HTTP", "HTTP2", "SSHv2", "SMB2"] {
            assert!(packets(&row(over_tcp), Layer::Frame).0[0].is_ok(), "{over_tcp}");
        }
        for other in ["DTLSv1.2", "WireGuard", "ESP", "UDPENCAP", "BT-uTP", "", "Tor over something"] {
            assert_eq!(packets(&row(other), Layer::Frame).0[0], Err(Reason::NotTcp), "{other}");
        }
        let mut text = open(&row("NewThing 10.0.0.1"), Layer::Frame).unwrap().unwrap();
        text.next().unwrap();
        assert!(text.problems()[0].contains("left out: NewThing 10001;"), "{:?}", text.problems());
    }

    #[test]
    fn columns_that_only_tcp_has_something_in_tell_it() {
        let text = "frame.time_epoch,ip.src,ip.dst,tcp.srcport,tcp.dstport,frame.len\n\
                    1.0,10.0.0.1,10.0.0.2,40000,443,66\n1.1,10.0.0.1,10.0.0.2,,,67\n";
        assert_eq!(packets(text, Layer::Frame).0, [Ok((1_000_000_000, 66)), Err(Reason::NotTcp)]);
    }

    #[test]
    fn decimal_commas_between_any_separators() {
        for separator in [",", ";", "\t", "|"] {
            let text = "frame.time_epoch;ip.src;ip.dst;frame.len\n1700000000,050000000;10.0.0.1;10.0.0.2;66\n";
            let found = packets(&text.replace(';', separator), Layer::Frame).0;
            assert_eq!(found, [Ok((1_700_000_000_050_000_000, 66))], "{separator}");
        }
    }

    #[test]
    fn other_texts_are_not_about_packets() {
        for line in ["path,class,rep", "", "1,2,3,4,5", "a,b,c,d,e", "cell_id,rep,direction_size,timestamp", "\u{0}"] {
            assert!(open(line, Layer::Frame).is_none(), "{line}");
        }
    }
}
