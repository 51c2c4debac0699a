//! What other tools wrote about a capture: one line a packet, as `tshark -T fields` does.

use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, Read};
use std::net::IpAddr;
use std::path::Path;

use csv::StringRecord;
use thiserror::Error;
use wfkit_datasets::Layer;

use crate::endpoint::Endpoint;
use crate::packet::{Segment, TcpFlags};
use crate::stats::Reason;

/// Enough of a file to see its first line.
const PREFIX: u64 = 4096;

/// Longer lines are no packets.
const MAX_LINE: usize = 64 << 10;

const SEPARATORS: [char; 4] = ['\t', ',', ';', '|'];

/// Why a text cannot be read, or not further. Rows are counted from 1, after the header. Values are not told: they are
/// addresses.
#[derive(Debug, Error)]
pub(crate) enum TextError {
    #[error("row {row}: the text cannot be read further")]
    Read { row: u64 },
    #[error("no column with sizes of the layer {layer}: {}; it has {}", needs(wanted), found.join(", "))]
    NoSizes { layer: String, wanted: &'static [&'static str], found: Vec<String> },
    #[error("row {row}, column `{column}`: not {expected}")]
    Value { row: u64, column: &'static str, expected: &'static str },
}

fn needs(wanted: &[&str]) -> String {
    match wanted {
        [] => "a text about packets has none, a capture does".to_owned(),
        names => format!("it needs one of {}", names.join(", ")),
    }
}

/// Reads the packets of a text, one after another.
///
/// Columns are found by the names that tshark gives them in a header (`-E header=y`): `frame.time_epoch` or
/// `frame.time_relative`; `ip.src` and `ip.dst`, or those of IPv6; `frame.len`, `ip.len` or `tcp.len` for the layer;
/// maybe `ip.proto`, `_ws.col.Protocol`, and ports. Without a header they are time, source, destination, protocol and
/// frame length. Separators are tabs, commas, semicolons or bars.
pub(crate) struct TextPackets<R> {
    rows: csv::Reader<R>,
    row: StringRecord,
    columns: Columns,
    number: u64,
}

/// The time of a packet, Unix time in ns, and what a segment says of it; or why it is none.
pub(crate) type TextPacket = Result<(i64, Segment<'static>), Reason>;

/// Where the columns are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Columns {
    time: usize,
    sources: Vec<usize>,
    destinations: Vec<usize>,
    size: usize,
    size_name: &'static str,
    protocol: Option<usize>,
    protocol_number: Option<usize>,
    source_ports: Vec<usize>,
    destination_ports: Vec<usize>,
}

const TIMES: &[&str] = &["frame.time_epoch", "frame.time_relative", "_ws.col.Time", "Time", "time"];
const SOURCES: &[&str] = &["ip.src", "ipv6.src", "_ws.col.Source", "Source", "source", "src"];
const DESTINATIONS: &[&str] = &["ip.dst", "ipv6.dst", "_ws.col.Destination", "Destination", "destination", "dst"];
const PROTOCOLS: &[&str] = &["_ws.col.Protocol", "Protocol", "protocol"];

fn sizes_of(layer: Layer) -> &'static [&'static str] {
    match layer {
        Layer::Frame => &["frame.len", "_ws.col.Length", "Length", "length"],
        Layer::Ip => &["ip.len"],
        Layer::Tcp => &["tcp.len"],
        _ => &[],
    }
}

impl Columns {
    fn of_header(header: &[&str], layer: Layer) -> Result<Self, TextError> {
        let at = |names: &[&str]| -> Vec<usize> {
            names.iter().filter_map(|name| header.iter().position(|column| column == name)).collect()
        };
        let size = sizes_of(layer)
            .iter()
            .find_map(|&name| header.iter().position(|column| *column == name).map(|at| (at, name)));
        let Some((size, size_name)) = size else {
            return Err(no_sizes(layer, header.iter().map(|&name| name.to_owned()).collect()));
        };
        Ok(Self {
            time: at(TIMES)[0], // `is_header` has seen it
            sources: at(SOURCES),
            destinations: at(DESTINATIONS),
            size,
            size_name,
            protocol: at(PROTOCOLS).first().copied(),
            protocol_number: at(&["ip.proto"]).first().copied(),
            source_ports: at(&["tcp.srcport"]),
            destination_ports: at(&["tcp.dstport"]),
        })
    }

    /// Time, source, destination, protocol, length.
    fn without_header(layer: Layer) -> Result<Self, TextError> {
        if layer != Layer::Frame {
            return Err(no_sizes(layer, vec!["frame lengths in five columns without a header".to_owned()]));
        }
        Ok(Self {
            sources: vec![1],
            destinations: vec![2],
            protocol: Some(3),
            size: 4,
            size_name: "length",
            ..Self::default()
        })
    }
}

fn no_sizes(layer: Layer, found: Vec<String>) -> TextError {
    TextError::NoSizes { layer: format!("{layer:?}").to_lowercase(), wanted: sizes_of(layer), found }
}

impl<R: Read> TextPackets<R> {
    /// `None` where it is no text of this kind.
    fn new(first_line: &str, content: R, layer: Layer) -> Option<Result<Self, TextError>> {
        let (separator, columns) = Self::columns(first_line, layer)?;
        let has_headers = is_header(&split(first_line, separator));
        let rows = csv::ReaderBuilder::new()
            .delimiter(separator as u8)
            .has_headers(has_headers)
            .flexible(true)
            .from_reader(content);
        Some(columns.map(|columns| Self { rows, row: StringRecord::new(), columns, number: 0 }))
    }

    fn columns(first_line: &str, layer: Layer) -> Option<(char, Result<Columns, TextError>)> {
        SEPARATORS.into_iter().find_map(|separator| {
            let fields = split(first_line, separator);
            if is_header(&fields) {
                Some((separator, Columns::of_header(&fields, layer)))
            } else if is_row(&fields) {
                Some((separator, Columns::without_header(layer)))
            } else {
                None
            }
        })
    }

    /// The next packet; the segment's payload is the size. `None` after the last, and after an error.
    pub(crate) fn next(&mut self) -> Result<Option<TextPacket>, TextError> {
        self.number += 1;
        let row = self.number;
        match self.rows.read_record(&mut self.row) {
            Ok(true) if self.row.as_slice().len() <= MAX_LINE => {}
            Ok(false) => return Ok(None),
            Ok(true) | Err(_) => return Err(TextError::Read { row }),
        }
        let columns = &self.columns;
        let field = |at: usize| self.row.get(at).unwrap_or("").trim();
        let time_ns = ns_of_seconds(field(columns.time)).ok_or(TextError::Value {
            row,
            column: "time",
            expected: "seconds from 0 to 9223372036",
        })?;
        let address = |at: &[usize]| at.iter().find_map(|&at| field(at).parse::<IpAddr>().ok());
        let (Some(source), Some(destination)) = (address(&columns.sources), address(&columns.destinations)) else {
            return Ok(Some(Err(Reason::NotIp)));
        };
        let protocol = columns.protocol.map(field).unwrap_or("");
        let number = columns.protocol_number.map(field).filter(|number| !number.is_empty());
        if number.is_some_and(|number| number != "6") || (number.is_none() && is_no_tcp(protocol)) {
            return Ok(Some(Err(Reason::NotTcp)));
        }
        let size: u32 = match field(columns.size) {
            "" => 0,
            size => size.parse().map_err(|_| TextError::Value {
                row,
                column: columns.size_name,
                expected: "a whole number of bytes",
            })?,
        };
        let port = |at: &[usize]| at.iter().find_map(|&at| field(at).parse().ok()).unwrap_or(0);
        Ok(Some(Ok((
            time_ns,
            Segment {
                source: Endpoint::new(source, port(&columns.source_ports)),
                destination: Endpoint::new(destination, port(&columns.destination_ports)),
                ip_len: size,
                seq: 0,
                flags: TcpFlags::default(),
                payload_len: size,
                payload: &[],
                fragment: false,
            },
        ))))
    }
}

/// Opens a file as a text about packets; `None` where it is none.
pub(crate) fn open_text(path: &Path, layer: Layer) -> Option<Result<TextPackets<Box<dyn Read + Send>>, TextError>> {
    let mut content = BufReader::new(File::open(path).ok()?);
    let first_line = first_line(&mut content)?;
    let content: Box<dyn Read + Send> = Box::new(Cursor::new(first_line.clone().into_bytes()).chain(content));
    TextPackets::new(first_line.trim_end(), content, layer)
}

/// Whether the file starts like a text about packets.
pub(crate) fn looks_like_text(path: &Path) -> bool {
    path.is_file() && open_text(path, Layer::Frame).is_some()
}

fn first_line(content: &mut impl BufRead) -> Option<String> {
    let mut line = Vec::new();
    content.take(PREFIX).read_until(b'\n', &mut line).ok()?;
    String::from_utf8(line).ok()
}

fn split(line: &str, separator: char) -> Vec<&str> {
    line.split(separator).map(|field| field.trim().trim_matches('"')).collect()
}

fn is_header(fields: &[&str]) -> bool {
    [TIMES, SOURCES, DESTINATIONS].iter().all(|names| fields.iter().any(|field| names.contains(field)))
}

/// Time, source, destination, protocol, length; the first packet may be one without IP, such as ARP.
fn is_row(fields: &[&str]) -> bool {
    let is_address = |field: &str| field.parse::<IpAddr>().is_ok() || field.is_empty() || field.split(':').count() == 6;
    fields.len() == 5
        && ns_of_seconds(fields[0]).is_some()
        && is_address(fields[1])
        && is_address(fields[2])
        && fields[4].parse::<u32>().is_ok()
}

/// Protocols that are not over TCP, as tshark names them.
fn is_no_tcp(protocol: &str) -> bool {
    const OTHERS: [&str; 22] = [
        "ARP", "CDP", "DHCP", "DHCPv6", "DNS", "DTLS", "GQUIC", "ICMP", "ICMPv6", "IGMP", "IGMPv2", "IGMPv3", "LLDP",
        "LLMNR", "MDNS", "NBNS", "NTP", "QUIC", "SSDP", "STP", "STUN", "UDP",
    ];
    OTHERS.contains(&protocol)
}

/// Seconds in decimals, to the nanosecond; further digits are cut off.
fn ns_of_seconds(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let fraction = fraction.get(..9).unwrap_or(fraction);
    let fraction_ns: i64 = format!("{fraction:0<9}").parse().ok()?;
    whole.parse::<i64>().ok()?.checked_mul(1_000_000_000)?.checked_add(fraction_ns)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Times and sizes, and the error at the end.
    type Found = (Vec<Result<(i64, u32), Reason>>, Option<TextError>);

    fn packets(text: &str, layer: Layer) -> Found {
        let first_line = text.lines().next().unwrap();
        let mut packets = TextPackets::new(first_line, text.as_bytes(), layer).unwrap().unwrap();
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
        let error = TextPackets::new(line.trim(), line.as_bytes(), Layer::Tcp).unwrap().err().unwrap();
        assert_eq!(
            error.to_string(),
            "no column with sizes of the layer tcp: it needs one of tcp.len; it has frame lengths in five columns \
             without a header"
        );
    }

    #[test]
    fn a_value_that_makes_no_sense_is_named_by_row_and_column_only() {
        let text = "1.0,10.0.0.1,10.0.0.2,TCP,66\n1.1,10.0.0.1,10.0.0.2,TCP,many\n";
        let (found, error) = packets(text, Layer::Frame);
        assert_eq!(found.len(), 1);
        assert_eq!(error.unwrap().to_string(), "row 2, column `length`: not a whole number of bytes");
    }

    #[test]
    fn other_texts_are_not_about_packets() {
        for line in ["path,class,rep", "", "1,2,3,4,5", "a,b,c,d,e", "cell_id,rep,direction_size,timestamp", "\u{0}"] {
            assert!(TextPackets::new(line, line.as_bytes(), Layer::Frame).is_none(), "{line}");
        }
    }

    #[test]
    fn seconds_are_read_to_the_nanosecond() {
        assert_eq!(ns_of_seconds("0"), Some(0));
        assert_eq!(ns_of_seconds("1700000000.123456789"), Some(1_700_000_000_123_456_789));
        assert_eq!(ns_of_seconds("1.1234567899"), Some(1_123_456_789));
        assert_eq!(ns_of_seconds("1."), Some(1_000_000_000));
        for text in ["", ".", "-1", "1e3", "nan", "99999999999", "1.2.3", "é"] {
            assert_eq!(ns_of_seconds(text), None, "{text}");
        }
    }
}
