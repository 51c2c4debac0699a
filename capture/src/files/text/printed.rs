//! Texts that are no tables, JSON of tshark (`-T json`, `-T ek`) and lines of tcpdump, as the rows of one: with a header, and tabs between
//! columns of the names that [`super::columns`] knows.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read};
use std::net::IpAddr;

use serde_json::Value;

/// So many packets tell which columns there are.
const LOOKED_AT: usize = 256;
/// Longer objects and lines are no packets.
const MAX_OBJECT: usize = 4 << 20;
const MAX_LINE: u64 = 64 << 10;
/// So much of a text tells what it is.
const HEAD: u64 = 8 << 10;

/// The columns that rows may have.
const NAMES: [&str; 13] = [
    "frame.time_epoch",
    "frame.time_relative",
    "Time",
    "ip.src",
    "ip.dst",
    "ip.proto",
    "tcp.srcport",
    "tcp.dstport",
    "tcp.flags",
    "frame.len",
    "ip.len",
    "tcp.len",
    "_ws.col.Protocol",
];

/// What is known of a packet, by [`NAMES`].
#[derive(Debug, Clone, Default, PartialEq)]
struct Printed {
    fields: [Option<String>; NAMES.len()],
    /// Its ends are called by names.
    is_named: bool,
    /// Its ends are on the next line.
    waits: bool,
}

impl Printed {
    fn set(&mut self, name: &str, value: impl Into<String>) {
        if let Some(at) = NAMES.iter().position(|known| *known == name) {
            self.fields[at] = Some(value.into());
        }
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.fields[NAMES.iter().position(|known| *known == name)?].as_deref()
    }

    fn has_time(&self) -> bool {
        self.fields[..3].iter().any(Option::is_some)
    }
}

/// The text as a table where it is one of these; else as it is. And why it is of no use, where that is so.
pub(super) fn as_rows(
    mut source: Box<dyn BufRead + Send>,
) -> io::Result<(Box<dyn BufRead + Send>, Option<&'static str>)> {
    // What is in the buffer may be no more than told how the file is packed.
    let mut head = Vec::new();
    (&mut source).take(HEAD).read_to_end(&mut head)?;
    let kind = Kind::of(&String::from_utf8_lossy(&head));
    let source: Box<dyn BufRead + Send> = Box::new(io::Cursor::new(head).chain(source));
    let Some(kind) = kind else { return Ok((source, None)) };
    let mut rows =
        Rows { kind, source, held: VecDeque::new(), columns: Vec::new(), ready: Vec::new(), at: 0, tcpdump: None };
    let problem = rows.begin()?;
    Ok((Box::new(BufReader::new(rows)), problem))
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    /// Objects, one after the other, in a list or not.
    Json,
    Tcpdump,
}

impl Kind {
    fn of(head: &str) -> Option<Self> {
        let text = head.trim_start();
        if text.starts_with(['[', '{']) {
            // Of what a packet has this comes first, be it in an object of its own.
            return (text.contains("\"_index\"") || text.contains("\"layers\"")).then_some(Self::Json);
        }
        let is_packet =
            |line: &str| Line::of(line).is_some_and(|line| line.is_ip && (line.has_time || line.body.contains(" > ")));
        text.lines().take(20).any(is_packet).then_some(Self::Tcpdump)
    }
}

/// Makes rows of packets.
struct Rows {
    kind: Kind,
    source: Box<dyn BufRead + Send>,
    held: VecDeque<Printed>,
    columns: Vec<usize>,
    /// What is to be read next, from `at` on.
    ready: Vec<u8>,
    at: usize,
    /// A packet of tcpdump whose ends may be on the next line.
    tcpdump: Option<Printed>,
}

impl Rows {
    /// Looks at the first packets. Returns why they are of no use.
    fn begin(&mut self) -> io::Result<Option<&'static str>> {
        while self.held.len() < LOOKED_AT
            && let Some(packet) = self.packet()?
        {
            self.held.push_back(packet);
        }
        let has = |at: usize| self.held.iter().any(|packet| packet.fields[at].is_some());
        // A text about packets has these, whether the first of its packets have or not.
        let needed = |at: usize| ["ip.src", "ip.dst"].contains(&NAMES[at]);
        self.columns = (0..NAMES.len()).filter(|&at| has(at) || needed(at)).collect();
        if !self.held.iter().any(Printed::has_time) {
            // The reader wants a name for a column of times, and is told why there is nothing in it.
            self.columns.insert(0, 0);
        }
        let names: Vec<&str> = self.columns.iter().map(|&at| NAMES[at]).collect();
        self.ready = (names.join("\t") + "\n").into_bytes();
        let no_address = !self.held.iter().any(|packet| packet.get("ip.src").is_some());
        Ok(if no_address && self.held.iter().any(|packet| packet.is_named) {
            Some("hosts are called by name, so that nobody knows which is the client; print addresses: tcpdump -n")
        } else if !self.held.iter().any(Printed::has_time) {
            Some("packets have no times; print them: tcpdump -tt, tshark -e frame.time_epoch")
        } else {
            None
        })
    }

    fn packet(&mut self) -> io::Result<Option<Printed>> {
        match self.kind {
            Kind::Json => self.json(),
            Kind::Tcpdump => self.lines(),
        }
    }

    /// The next object that is a packet.
    fn json(&mut self) -> io::Result<Option<Printed>> {
        loop {
            let Some(object) = next_object(&mut self.source)? else { return Ok(None) };
            match serde_json::from_slice::<Value>(&object) {
                Ok(value) => {
                    if let Some(packet) = of_json(&value) {
                        return Ok(Some(packet));
                    }
                }
                // It is counted as a row that cannot be read.
                Err(_) => return Ok(Some(Printed::default())),
            }
        }
    }

    fn lines(&mut self) -> io::Result<Option<Printed>> {
        loop {
            if self.tcpdump.as_ref().is_some_and(|packet| !packet.waits) {
                return Ok(self.tcpdump.take());
            }
            let mut line = Vec::new();
            (&mut self.source).take(MAX_LINE).read_until(b'\n', &mut line)?;
            if line.is_empty() {
                return Ok(self.tcpdump.take());
            }
            let line = String::from_utf8_lossy(&line).into_owned();
            let line = line.trim_end();
            if let Some(found) = Line::of(line) {
                // One whose ends never came is still a packet.
                if let Some(before) = self.tcpdump.replace(found.packet()) {
                    return Ok(Some(before));
                }
            } else if line.starts_with([' ', '\t'])
                && let Some(packet) = &mut self.tcpdump
            {
                conversation(packet, line.trim_start());
            }
        }
    }
}

impl Read for Rows {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.at == self.ready.len() {
            let next = match self.held.pop_front() {
                Some(packet) => Some(packet),
                None => self.packet()?,
            };
            let Some(packet) = next else { return Ok(0) };
            self.ready.clear();
            self.at = 0;
            for (nth, &at) in self.columns.iter().enumerate() {
                if nth > 0 {
                    self.ready.push(b'\t');
                }
                let field = packet.fields[at].as_deref().unwrap_or_default();
                self.ready.extend(field.bytes().map(|byte| if byte.is_ascii_control() { b' ' } else { byte }));
            }
            // A line without anything in it would be none.
            if self.ready.iter().all(|&byte| byte == b'\t') {
                self.ready.insert(0, b'?');
            }
            self.ready.push(b'\n');
        }
        let n = out.len().min(self.ready.len() - self.at);
        out[..n].copy_from_slice(&self.ready[self.at..self.at + n]);
        self.at += n;
        Ok(n)
    }
}

/// The bytes of the next object, whatever stands between objects; one that is too long is handed over cut, so that it is none.
fn next_object(source: &mut dyn BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut object = Vec::new();
    let (mut depth, mut in_text, mut escaped) = (0u32, false, false);
    loop {
        let buffer = source.fill_buf()?;
        if buffer.is_empty() {
            return Ok((!object.is_empty()).then_some(object));
        }
        let mut used = 0;
        let mut is_done = false;
        for &byte in buffer {
            used += 1;
            if depth == 0 && byte != b'{' {
                continue;
            }
            if object.len() < MAX_OBJECT {
                object.push(byte);
            }
            match byte {
                _ if escaped => escaped = false,
                b'\\' if in_text => escaped = true,
                b'"' => in_text = !in_text,
                b'{' if !in_text => depth += 1,
                b'}' if !in_text => {
                    depth -= 1;
                    is_done = depth == 0;
                }
                _ => {}
            }
            if is_done {
                break;
            }
        }
        source.consume(used);
        if is_done {
            return Ok(Some(object));
        }
    }
}

/// A packet of tshark; none for an object that is none, such as the index before each packet of `-T ek`.
fn of_json(value: &Value) -> Option<Printed> {
    let layers = value.get("layers").or_else(|| value.get("_source")?.get("layers"))?;
    let mut packet = Printed::default();
    let mut take = |name: &str, protocol: &str, field: &str| {
        if packet.get(name).is_none()
            && let Some(value) = field_of(layers, protocol, field)
        {
            packet.set(name, value);
        }
    };
    take("frame.time_epoch", "frame", "time_epoch");
    take("frame.time_relative", "frame", "time_relative");
    take("ip.src", "ip", "src");
    take("ip.src", "ipv6", "src");
    take("ip.dst", "ip", "dst");
    take("ip.dst", "ipv6", "dst");
    take("ip.proto", "ip", "proto");
    take("ip.proto", "ipv6", "nxt");
    take("tcp.srcport", "tcp", "srcport");
    take("tcp.dstport", "tcp", "dstport");
    take("tcp.flags", "tcp", "flags");
    take("frame.len", "frame", "len");
    take("ip.len", "ip", "len");
    take("tcp.len", "tcp", "len");
    take("_ws.col.Protocol", "_ws.col", "Protocol");
    if packet.get("ip.len").is_none()
        && let Some(payload) = field_of(layers, "ipv6", "plen").and_then(|length| length.parse::<u32>().ok())
    {
        packet.set("ip.len", (payload.saturating_add(40)).to_string());
    }
    if !packet.has_time()
        && let Some(ms) = value.get("timestamp").and_then(scalar).and_then(|ms| ms.parse::<u64>().ok())
    {
        packet.set("frame.time_epoch", format!("{}.{:03}", ms / 1000, ms % 1000));
    }
    let is_tcp = layers.get("tcp").is_some();
    // What is in a tunnel is no packet of this link.
    let protocols = field_of(layers, "frame", "protocols").unwrap_or_default();
    let in_tunnel = protocols.split(':').filter(|name| ["ip", "ipv6"].contains(name)).count() > 1;
    match (is_tcp, in_tunnel) {
        (_, true) => packet.set("ip.proto", "4"),
        (true, false) => packet.set("ip.proto", "6"),
        (false, false) => {}
    }
    Some(packet)
}

/// A field, as `-T json` and `-T ek` name it, with and without `-e`.
fn field_of(layers: &Value, protocol: &str, field: &str) -> Option<String> {
    let layer = layers.get(protocol);
    let (dotted, underlined) = (format!("{protocol}.{field}"), format!("{protocol}_{field}").replace('.', "_"));
    let value = layer
        .and_then(|layer| layer.get(&dotted).or_else(|| layer.get(format!("{protocol}_{underlined}"))))
        .or_else(|| layers.get(&dotted))
        .or_else(|| layers.get(&underlined));
    value.and_then(scalar)
}

/// A text or number, the first of a list of them.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Array(values) => values.first().and_then(scalar),
        _ => None,
    }
}

/// A first line of tcpdump about a packet.
#[derive(Debug)]
struct Line<'a> {
    has_time: bool,
    time: (&'static str, String),
    is_ip: bool,
    frame_len: Option<u32>,
    /// What stands behind the name of the protocol.
    body: &'a str,
}

impl<'a> Line<'a> {
    fn of(line: &'a str) -> Option<Self> {
        let mut rest = line.trim_start();
        // `tcpdump -#` counts packets.
        if let Some((number, behind)) = rest.split_once([' ', '\t'])
            && !number.is_empty()
            && number.bytes().all(|byte| byte.is_ascii_digit())
        {
            rest = behind.trim_start();
        }
        let (word, behind) = rest.split_once(' ').unwrap_or((rest, ""));
        let is_clock = |word: &str| {
            word.len() >= 8
                && word.bytes().filter(|&byte| byte == b':').count() == 2
                && word.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b':' | b'.'))
        };
        let is_date = |word: &str| {
            word.len() == 10
                && word.split('-').count() == 3
                && word.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
        };
        let is_epoch = |word: &str| {
            word.split_once('.').is_some_and(|(whole, part)| {
                whole.len() >= 9 && [whole, part].iter().all(|text| text.bytes().all(|byte| byte.is_ascii_digit()))
            })
        };
        let (time, rest) = if is_epoch(word) {
            (Some(("frame.time_epoch", word.to_owned())), behind)
        } else if is_clock(word) {
            (Some(("Time", word.to_owned())), behind)
        } else if is_date(word)
            && let Some((clock, behind)) = behind.trim_start().split_once(' ')
            && is_clock(clock)
        {
            (Some(("Time", format!("{word} {clock}"))), behind)
        } else {
            (None, rest)
        };
        let rest = rest.trim_start();
        let has_time = time.is_some();
        let (is_ip, frame_len, body) = body_of(rest);
        // Without a time it is a packet only where it says so first.
        if !has_time && (!is_ip || line.starts_with([' ', '\t'])) {
            return None;
        }
        Some(Self { has_time, time: time.unwrap_or(("Time", String::new())), is_ip, frame_len, body })
    }

    fn packet(&self) -> Printed {
        let mut packet = Printed::default();
        if self.has_time {
            packet.set(self.time.0, self.time.1.clone());
        }
        if let Some(length) = self.frame_len {
            packet.set("frame.len", length.to_string());
        }
        if self.is_ip {
            let ends = is_told(&mut packet, self.body);
            packet.waits = ends.is_empty();
            conversation(&mut packet, ends);
        }
        packet
    }
}

/// Whether it is a packet of IP, the length of its frame, and what stands behind that.
fn body_of(rest: &str) -> (bool, Option<u32>, &str) {
    // `-e`: hardware addresses, `ethertype IPv4 (0x0800), length 66: ` and the packet.
    if let Some((_, behind)) = rest.split_once("ethertype ")
        && let Some((_, length)) = behind.split_once(", length ")
    {
        let (digits, body) = length.split_once(':').unwrap_or((length, ""));
        return (behind.contains("IPv4") || behind.contains("IPv6"), digits.trim().parse().ok(), body.trim_start());
    }
    for name in ["IP6 ", "IP ", "ip6: ", "ip: "] {
        // Behind the interface and the direction, where there are several: `eth0  In  IP 10.0.0.1..`.
        let at = rest.find(name).filter(|&at| at == 0 || (rest[..at].ends_with(' ') && at < 32));
        if let Some(at) = at {
            return (true, None, rest[at + name.len()..].trim_start());
        }
    }
    (false, None, rest)
}

/// Notes what `-v` tells in brackets about the packet of IP. Returns what stands behind them.
fn is_told<'a>(packet: &mut Printed, body: &'a str) -> &'a str {
    if !body.starts_with('(') {
        return body;
    }
    let mut depth = 0;
    let end = body.char_indices().find_map(|(at, character)| {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        (depth == 0).then_some(at)
    });
    let Some(end) = end else { return "" };
    let told = &body[1..end];
    let number = |text: &str, open: &str| -> Option<u32> {
        let digits = text.split_once(open)?.1;
        digits.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
    };
    let named = told.split_once("proto ").or_else(|| told.split_once("next-header "));
    if let Some(proto) = named.and_then(|(_, name)| number(name, "(")) {
        packet.set("ip.proto", proto.to_string());
    }
    if let Some(payload) = number(told, "payload length: ") {
        packet.set("ip.len", payload.saturating_add(40).to_string());
    } else if let Some(length) = number(told, ", length ") {
        packet.set("ip.len", length.to_string());
    }
    body[end + 1..].trim_start()
}

/// Notes who talks to whom, and what tcpdump tells of a segment: `10.0.0.1.443 > 10.0.0.2.5555: Flags [P.], .., length 536`.
fn conversation(packet: &mut Printed, text: &str) {
    let Some((source, rest)) = text.split_once(" > ") else { return };
    let Some((destination, rest)) = rest.split_once(": ").or_else(|| Some((rest.strip_suffix(':')?, ""))) else {
        return;
    };
    let (Some(source), Some(destination)) = (end_of(source), end_of(destination)) else {
        packet.is_named = !source.contains(' ') && !destination.contains(' ');
        packet.waits &= !packet.is_named;
        return;
    };
    packet.waits = false;
    packet.set("ip.src", source.0.to_string());
    packet.set("ip.dst", destination.0.to_string());
    let number_behind = |text: &str, what: &str| -> Option<u32> {
        let digits = text.split_once(what)?.1;
        digits.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
    };
    let (is_tcp, length) = match rest.strip_prefix("Flags [") {
        Some(rest) => {
            let flags = rest.split(']').next().unwrap_or_default();
            let bit = |letter| match letter {
                'F' => 0x01,
                'S' => 0x02,
                'R' => 0x04,
                'P' => 0x08,
                '.' => 0x10,
                'U' => 0x20,
                _ => 0,
            };
            packet.set("tcp.flags", format!("0x{:02x}", flags.chars().fold(0u8, |flags, letter| flags | bit(letter))));
            (true, number_behind(rest, ", length "))
        }
        None => (rest.starts_with("tcp "), number_behind(rest, "tcp ").filter(|_| rest.starts_with("tcp "))),
    };
    if is_tcp {
        for (name, port) in [("tcp.srcport", source.1), ("tcp.dstport", destination.1)] {
            if let Some(port) = port {
                packet.set(name, port.to_string());
            }
        }
        packet.set("tcp.len", length.unwrap_or(0).to_string());
    }
    if packet.get("ip.proto").is_none() {
        let proto = match () {
            () if is_tcp => "6",
            () if rest.starts_with("ICMP") => "1",
            () => "17",
        };
        packet.set("ip.proto", proto);
    }
}

/// Address and port.
fn end_of(text: &str) -> Option<(IpAddr, Option<u16>)> {
    let text = text.trim();
    if let Ok(address) = text.parse() {
        return Some((address, None));
    }
    let (address, port) = text.rsplit_once('.')?;
    Some((address.parse().ok()?, port.parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> (Vec<String>, Option<&'static str>) {
        let source: Box<dyn BufRead + Send> = Box::new(io::Cursor::new(text.as_bytes().to_vec()));
        let (mut rows, problem) = as_rows(source).unwrap();
        let mut text = String::new();
        rows.read_to_string(&mut text).unwrap();
        (text.lines().map(|line| line.replace('\t', " ")).collect(), problem)
    }

    #[test]
    fn lines_of_tcpdump_however_much_they_tell() {
        let header = "frame.time_epoch ip.src ip.dst ip.proto tcp.srcport tcp.dstport tcp.flags tcp.len";
        let row = "1700000000.5 10.0.0.1 10.0.0.2 6 5555 443 0x18 536";
        let line =
            "IP 10.0.0.1.5555 > 10.0.0.2.443: Flags [P.], seq 1:537, ack 1, win 80, options [nop,TS val 1], length 536";
        for prefix in ["", "    1  ", "reading from file x.pcap, link-type RAW (Raw IP)\n"] {
            assert_eq!(
                rows(&format!("{prefix}1700000000.5 {line}\n")),
                (vec![header.to_owned(), row.to_owned()], None)
            );
        }
        assert_eq!(rows(&format!("1700000000.5 eth0  Out {line}: HTTP: GET /\n")).0, [header, row]);
        let verbose = "1700000000.5 IP (tos 0x0, ttl 64, id 1, offset 0, flags [DF], proto TCP (6), length 588)\n    10.0.0.1.5555 > \
                       10.0.0.2.443: Flags [P.], cksum 0x1 (correct), seq 1:537, ack 1, win 80, length 536\n\t0x0000:  4500 > x\n";
        let with_length = [
            "frame.time_epoch ip.src ip.dst ip.proto tcp.srcport tcp.dstport tcp.flags ip.len tcp.len",
            "1700000000.5 10.0.0.1 10.0.0.2 6 5555 443 0x18 588 536",
        ];
        assert_eq!(rows(verbose).0, with_length);
        let twice = rows(&verbose.repeat(3)).0;
        assert_eq!((twice.len(), &twice[3]), (4, &with_length[1].to_owned()));
        let v6 = "1700000000.5 IP6 (hlim 64, next-header TCP (6) payload length: 556) fd00::1.5555 > fd00::2.443: Flags [S], length 536\n";
        assert_eq!(rows(v6).0[1], "1700000000.5 fd00::1 fd00::2 6 5555 443 0x02 596 536");
        let link = "12:00:01.5 02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype IPv4 (0x0800), length 602: 10.0.0.1.5555 > \
                    10.0.0.2.443: tcp 536\n";
        assert_eq!(rows(link).0[1], "12:00:01.5 10.0.0.1 10.0.0.2 6 5555 443 602 536");
        let others = "2026-11-21 03:02:48.8 IP 10.0.0.1.53 > 10.0.0.2.40000: 1 A? x. (30)\n2026-11-21 03:02:48.9 ARP, Request who-has \
                      10.0.0.1 tell 10.0.0.2, length 28\n2026-11-21 03:02:49.0 IP 10.0.0.1 > 10.0.0.2: ICMP echo reply, length 64\n";
        assert_eq!(
            rows(others).0,
            [
                "Time ip.src ip.dst ip.proto",
                "2026-11-21 03:02:48.8 10.0.0.1 10.0.0.2 17",
                "2026-11-21 03:02:48.9   ",
                "2026-11-21 03:02:49.0 10.0.0.1 10.0.0.2 1"
            ]
        );
    }

    #[test]
    fn what_tcpdump_did_not_print_is_asked_for() {
        let (_, problem) = rows("1700000000.5 IP client.lan.5555 > host.example.https: Flags [S], length 0\n");
        assert!(problem.unwrap().contains("tcpdump -n"));
        let (_, problem) = rows("IP 10.0.0.1.5555 > 10.0.0.2.443: Flags [S], length 0\n");
        assert!(problem.unwrap().contains("tcpdump -tt"));
    }

    #[test]
    fn json_of_tshark_with_and_without_its_own_layers() {
        let header = "frame.time_epoch ip.src ip.dst ip.proto tcp.srcport tcp.len";
        let row = "1.5 10.0.0.1 10.0.0.2 6 443 5";
        for text in [
            r#"[ { "_index": "packets-x", "_source": { "layers": { "frame": {"frame.time_epoch": "1.5", "frame.protocols": "eth:ethertype:ip:tcp"},
               "ip": {"ip.src": "10.0.0.1", "ip.dst": "10.0.0.2", "ip.proto": "6"}, "tcp": {"tcp.srcport": "443", "tcp.len": "5", "x": "}\"{"} } } } ]"#,
            r#"[{"_index":"p","_source":{"layers":{"frame.time_epoch":["1.5"],"ip.src":["10.0.0.1"],"ip.dst":["10.0.0.2"],"ip.proto":["6"],"tcp.srcport":["443"],"tcp.len":["5"]}}}]"#,
            "{\"index\":{\"_index\":\"packets-x\"}}\n{\"timestamp\":\"1500\",\"layers\":{\"frame\":{\"frame_frame_time_epoch\":\"1.5\"},\"ip\":{\"ip_ip_src\":\"10.0.0.1\",\"ip_ip_dst\":\"10.0.0.2\"},\"tcp\":{\"tcp_tcp_srcport\":443,\"tcp_tcp_len\":\"5\"}}}\n",
            "{\"index\":{\"_index\":\"packets-x\"}}\n{\"timestamp\":\"1500\",\"layers\":{\"frame_time_epoch\":[\"1.5\"],\"ip_src\":[\"10.0.0.1\"],\"ip_dst\":[\"10.0.0.2\"],\"ip_proto\":[\"6\"],\"tcp_srcport\":[\"443\"],\"tcp_len\":[\"5\"]}}\n",
        ] {
            assert_eq!(rows(text), (vec![header.to_owned(), row.to_owned()], None), "{text}");
        }
        let only_ms = "{\"_index\":1}{\"timestamp\":\"1700000000123\",\"layers\":{\"ipv6\":{\"ipv6_ipv6_src\":\"fd00::1\",\"ipv6_ipv6_dst\":\"fd00::2\",\"ipv6_ipv6_plen\":\"60\"},\"tcp\":{}}}{";
        assert_eq!(
            rows(only_ms).0,
            ["frame.time_epoch ip.src ip.dst ip.proto ip.len", "1700000000.123 fd00::1 fd00::2 6 100", "?    "]
        );
        let tunnel = r#"[{"_index":"p","_source":{"layers":{"frame":{"frame.time_epoch":"1","frame.protocols":"raw:ip:ip:tcp"},"ip":{"ip.src":"10.0.0.1","ip.dst":"10.0.0.2"},"tcp":{}}}}]"#;
        assert_eq!(rows(tunnel).0[1], "1 10.0.0.1 10.0.0.2 4");
    }

    #[test]
    fn other_texts_stay_as_they_are() {
        for text in ["a,b\n1,2\n", "{\"class\": 1}\n", "12:00 in the afternoon > x\n", ""] {
            assert_eq!(rows(text).0, text.lines().map(str::to_owned).collect::<Vec<_>>());
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[-0-9a-fIPFlags >.:,()\\[\\]{}\" \n\t]{0,200}", at in 0..4usize) {
            let start = ["", "[{\"_index\": 1}, {\"layers\": {", "1700000000.5 IP (", "12:00:00.5 IP 10.0.0.1.5 > "][at];
            let (rows, _) = rows(&format!("{start}{text}\n{text}"));
            // Every row has as many fields as the header.
            let fields = |row: &String| row.matches(' ').count();
            proptest::prop_assert!(at < 2 || rows.iter().skip(1).all(|row| fields(row) >= fields(&rows[0])));
        }
    }
}
