//! Where the columns of a text are, and what a row of it says.

use std::net::IpAddr;

use wfkit_datasets::Layer;

use super::error::{TextError, Unreadable};
use super::row::fields;
use super::times::{DELTAS, Field, SINCE_START, UNSAID};
use crate::import::stats::Reason;
use crate::packet::endpoint::Endpoint;
use crate::packet::{Segment, TcpFlags};

const SEPARATORS: [char; 4] = ['\t', ',', ';', '|'];

const SOURCES: &[&str] = &["ip.src", "ipv6.src", "_ws.col.Source", "Source", "source", "src"];
const DESTINATIONS: &[&str] = &["ip.dst", "ipv6.dst", "_ws.col.Destination", "Destination", "destination", "dst"];
const PROTOCOLS: &[&str] = &["_ws.col.Protocol", "Protocol", "protocol"];
const PROTOCOL_NUMBERS: &[&str] = &["ip.proto", "ipv6.nxt"];

/// Columns that only segments of TCP have something in.
const OF_TCP: &[&str] = &["tcp.len", "tcp.srcport", "tcp.dstport"];

/// What Wireshark calls packets that TCP carries, without a version behind.
const OVER_TCP: [&str; 42] = [
    "AMQP",
    "BGP",
    "BITTORRENT",
    "COTP",
    "FTP",
    "FTP-DATA",
    "GIT",
    "HTTP",
    "HTTP/JSON",
    "HTTP/XML",
    "IMAP",
    "IRC",
    "LDAP",
    "MONGO",
    "MQTT",
    "MYSQL",
    "NBSS",
    "OCSP",
    "PGSQL",
    "PKIX-CRL",
    "POP",
    "RESP",
    "RTMP",
    "RTSP",
    "SMB",
    "SMTP",
    "SMTP/IMF",
    "SOCKS",
    "SSH",
    "SSHV",
    "SSL",
    "SSLV",
    "TCP",
    "TDS",
    "TELNET",
    "TLS",
    "TLSV",
    "TPKT",
    "VNC",
    "WEBSOCKET",
    "X",
    "XMPP/XML",
];

/// The same of others, which need no word.
const NOT_OVER_TCP: [&str; 26] = [
    "ARP",
    "CDP",
    "DHCP",
    "DHCPV",
    "DNS",
    "DTLS",
    "DTLSV",
    "ESP",
    "GQUIC",
    "ICMP",
    "ICMPV",
    "IGMP",
    "IGMPV",
    "LLDP",
    "LLMNR",
    "MDNS",
    "NBNS",
    "NTP",
    "OPENVPN",
    "QUIC",
    "RTP",
    "SNMP",
    "SSDP",
    "STUN",
    "UDP",
    "WIREGUARD",
];

/// Bits of the flags of TCP that tshark gives one by one.
const FLAGS: [(&str, u8); 5] = [
    ("tcp.flags.fin", 0x01),
    ("tcp.flags.syn", 0x02),
    ("tcp.flags.reset", 0x04),
    ("tcp.flags.push", 0x08),
    ("tcp.flags.ack", 0x10),
];

fn sizes_of(layer: Layer) -> &'static [&'static str] {
    match layer {
        Layer::Frame => &["frame.len", "_ws.col.Length", "Length", "length"],
        Layer::Ip => &["ip.len"],
        Layer::Tcp => &["tcp.len"],
        _ => &[],
    }
}

/// Where the columns are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Columns {
    separator: Option<char>,
    pub(super) has_header: bool,
    pub(super) time_name: String,
    time: usize,
    sources: Vec<usize>,
    destinations: Vec<usize>,
    size: usize,
    size_name: &'static str,
    protocol: Option<usize>,
    protocol_numbers: Vec<usize>,
    of_tcp: Vec<usize>,
    source_ports: Vec<usize>,
    destination_ports: Vec<usize>,
    /// Where the flags of TCP are, and where single ones.
    flags: Vec<usize>,
    single_flags: Vec<(usize, u8)>,
}

impl Columns {
    /// The columns of a text with this first line; `None` where it is no text about packets.
    pub(super) fn of(first_line: &str, layer: Layer) -> Option<Result<Self, TextError>> {
        SEPARATORS.into_iter().find_map(|separator| {
            let fields = fields(first_line, separator);
            let columns = if is_header(&fields) {
                Self::of_header(&fields, layer)
            } else if is_row(&fields) {
                Self::without_header(layer)
            } else {
                return None;
            };
            Some(columns.map(|columns| Self { separator: Some(separator), ..columns }))
        })
    }

    fn of_header(header: &[&str], layer: Layer) -> Result<Self, TextError> {
        let at = |names: &[&str]| -> Vec<usize> {
            names.iter().filter_map(|name| header.iter().position(|column| column == name)).collect()
        };
        let size = sizes_of(layer)
            .iter()
            .find_map(|&name| header.iter().position(|column| *column == name).map(|at| (at, name)));
        let Some((size, size_name)) = size else {
            let others = [Layer::Frame, Layer::Ip, Layer::Tcp].into_iter();
            let other =
                others.filter(|&other| sizes_of(other).iter().any(|name| header.contains(name))).map(layer_name);
            let others: Vec<String> = other.map(|name| format!("--layer {name}")).collect();
            let instead =
                if others.is_empty() { String::new() } else { format!("; for {} it has some", others.join(" and ")) };
            return Err(no_sizes(layer, header.iter().map(|&name| name.to_owned()).collect(), instead));
        };
        let time = times().find_map(|name| header.iter().position(|column| *column == name));
        let time = time.expect("`is_header` has seen it");
        Ok(Self {
            separator: None,
            has_header: true,
            time_name: header[time].to_owned(),
            time,
            sources: at(SOURCES),
            destinations: at(DESTINATIONS),
            size,
            size_name,
            protocol: at(PROTOCOLS).first().copied(),
            protocol_numbers: at(PROTOCOL_NUMBERS),
            of_tcp: at(OF_TCP),
            source_ports: at(&["tcp.srcport"]),
            destination_ports: at(&["tcp.dstport"]),
            flags: at(&["tcp.flags"]),
            single_flags: FLAGS
                .iter()
                .filter_map(|&(name, bit)| Some((header.iter().position(|column| *column == name)?, bit)))
                .collect(),
        })
    }

    /// Time, source, destination, protocol, length.
    fn without_header(layer: Layer) -> Result<Self, TextError> {
        if layer != Layer::Frame {
            let found = vec!["frame lengths in five columns without a header".to_owned()];
            return Err(no_sizes(layer, found, String::new()));
        }
        Ok(Self {
            time_name: "1".to_owned(),
            sources: vec![1],
            destinations: vec![2],
            protocol: Some(3),
            size: 4,
            size_name: "length",
            ..Self::default()
        })
    }

    /// The columns of a line.
    pub(super) fn row<'a>(&self, line: &'a str) -> Row<'a> {
        let fields = fields(line, self.separator.unwrap_or(','));
        let mut row = Row { fields, split_at: usize::MAX };
        // A decimal comma between commas makes two columns of the time; then no address is where it should be.
        let follows = row.fields.get(self.time + 1).copied().unwrap_or_default();
        if self.separator == Some(',')
            && self.sources.iter().all(|&at| at > self.time)
            && row.address(&self.sources).is_none()
            && follows.len() >= 3
            && follows.bytes().all(|byte| byte.is_ascii_digit())
        {
            row.split_at = self.time;
        }
        row
    }

    /// The time in a row.
    pub(super) fn time(&self, row: &Row<'_>) -> Option<Field> {
        match row.split_at {
            usize::MAX => Field::parse(row.field(self.time)),
            at => Field::parse(&format!("{}.{}", row.fields[at], row.fields[at + 1])),
        }
    }

    /// The segment that a row tells of, its payload the size; or why it is none, with the name of a protocol that nothing is
    /// known of.
    pub(super) fn segment<'a>(
        &self,
        row: &Row<'a>,
    ) -> Result<Result<Segment<'static>, (Reason, Option<&'a str>)>, Unreadable> {
        let (Some(source), Some(destination)) = (row.address(&self.sources), row.address(&self.destinations)) else {
            return Ok(Err((Reason::NotIp, None)));
        };
        if let Err(unknown) = self.is_tcp(row) {
            return Ok(Err((Reason::NotTcp, unknown)));
        }
        let size: u32 = match row.field(self.size) {
            "" => 0,
            size => size_of(size).ok_or(Unreadable { column: self.size_name, expected: "a whole number of bytes" })?,
        };
        let port = |at: &[usize]| at.iter().find_map(|&at| row.field(at).parse().ok()).unwrap_or(0);
        Ok(Ok(Segment {
            source: Endpoint::new(source, port(&self.source_ports)),
            destination: Endpoint::new(destination, port(&self.destination_ports)),
            ip_len: size,
            seq: 0,
            flags: self.flags(row),
            payload_len: size,
            payload: &[],
            fragment: false,
        }))
    }

    fn flags(&self, row: &Row<'_>) -> TcpFlags {
        let all = self.flags.iter().find_map(|&at| {
            let field = row.field(at);
            match field.strip_prefix("0x") {
                Some(digits) => u16::from_str_radix(digits, 16).ok(),
                None => field.parse().ok(),
            }
        });
        let is_set = |at: usize| matches!(row.field(at), "1" | "True" | "true");
        let single = self.single_flags.iter().filter(|&&(at, _)| is_set(at)).fold(0, |flags, &(_, bit)| flags | bit);
        TcpFlags(all.unwrap_or(0) as u8 | single)
    }

    /// What the columns know of TCP decides, the surest first; where none says anything all packets are taken. An error
    /// comes with the name of the protocol where that is new.
    fn is_tcp<'a>(&self, row: &Row<'a>) -> Result<(), Option<&'a str>> {
        let decided = |is_tcp: bool| if is_tcp { Ok(()) } else { Err(None) };
        if let Some(number) = self.protocol_numbers.iter().map(|&at| row.field(at)).find(|number| !number.is_empty()) {
            return decided(number == "6");
        }
        if !self.of_tcp.is_empty() {
            return decided(self.of_tcp.iter().any(|&at| !row.field(at).is_empty()));
        }
        let Some(name) = self.protocol.map(|at| row.field(at)) else { return decided(true) };
        let plain = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.').to_ascii_uppercase();
        if OVER_TCP.contains(&plain.as_str()) {
            Ok(())
        } else {
            Err(Some(name).filter(|_| !NOT_OVER_TCP.contains(&plain.as_str())))
        }
    }

    /// Whether no column says which packets are TCP.
    pub(super) fn know_no_protocol(&self) -> bool {
        self.protocol.is_none() && self.protocol_numbers.is_empty() && self.of_tcp.is_empty()
    }
}

/// The fields of a line; those behind `split_at` are one further where the time takes two.
pub(super) struct Row<'a> {
    fields: Vec<&'a str>,
    split_at: usize,
}

impl<'a> Row<'a> {
    fn field(&self, at: usize) -> &'a str {
        let at = if at > self.split_at { at + 1 } else { at };
        self.fields.get(at).copied().unwrap_or("")
    }

    fn address(&self, at: &[usize]) -> Option<IpAddr> {
        at.iter().find_map(|&at| self.field(at).parse().ok())
    }
}

/// A number of bytes, be it written as one with decimals that are zero.
fn size_of(text: &str) -> Option<u32> {
    let whole = text
        .split_once('.')
        .map_or(Some(text), |(whole, rest)| rest.bytes().all(|byte| byte == b'0').then_some(whole))?;
    whole.parse().ok().filter(|&size| i32::try_from(size).is_ok())
}

fn times() -> impl Iterator<Item = &'static str> {
    SINCE_START.iter().chain(UNSAID).chain(DELTAS).copied()
}

fn no_sizes(layer: Layer, found: Vec<String>, instead: String) -> TextError {
    TextError::NoSizes { layer: layer_name(layer), wanted: sizes_of(layer), found, instead }
}

fn layer_name(layer: Layer) -> String {
    format!("{layer:?}").to_lowercase()
}

fn is_header(fields: &[&str]) -> bool {
    let has = |names: &[&str]| fields.iter().any(|field| names.contains(field));
    times().any(|name| fields.contains(&name)) && has(SOURCES) && has(DESTINATIONS)
}

/// Time, source, destination, protocol, length; the first packet may be one without IP, such as ARP.
fn is_row(fields: &[&str]) -> bool {
    let is_address = |field: &str| field.parse::<IpAddr>().is_ok() || field.is_empty() || field.split(':').count() == 6;
    fields.len() == 5
        && matches!(Field::parse(fields[0]), Some(field) if field.is_time())
        && is_address(fields[1])
        && is_address(fields[2])
        && size_of(fields[4]).is_some()
}
