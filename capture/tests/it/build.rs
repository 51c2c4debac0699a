//! Builds packets, frames and capture files, and imports them.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use etherparse::{IpFragOffset, IpNumber, Ipv4Header, Ipv6FragmentHeader, Ipv6Header, TcpHeader};
use tempfile::TempDir;
use wfkit_capture::{FileStats, Import, ImportError, ImportOptions, ImportParts, OutlierRule, Records, import};
use wfkit_datasets::{Label, LabelledTrace, Trace};

pub(crate) const CLIENT: &str = "10.0.0.2:40000";
pub(crate) const SERVER: &str = "203.0.113.5:443";

const FIN: u8 = 0x01;
pub(crate) const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const PSH: u8 = 0x08;
pub(crate) const ACK: u8 = 0x10;

/// A TCP segment in an IP packet; its fields are what the headers say.
#[derive(Debug, Clone)]
pub(crate) struct Packet {
    pub(crate) time_ns: u64,
    pub(crate) from: SocketAddr,
    pub(crate) to: SocketAddr,
    pub(crate) payload: usize,
    /// Sequence number; [`number`] gives one where there is none.
    pub(crate) seq: Option<u32>,
    /// What the payload starts with; 0xaa fills it.
    pub(crate) data: Vec<u8>,
    pub(crate) flags: u8,
    /// Bytes of TCP options; 12 hold a time stamp, as usual.
    pub(crate) options: usize,
    /// IPv4: flags and offset; for IPv6 a fragment header is added where it is not 0.
    pub(crate) fragment: u16,
    /// What the IP header says instead of the true length.
    pub(crate) stated_len: Option<u16>,
    /// What the IP header says instead of TCP.
    pub(crate) protocol: u8,
}

impl Packet {
    pub(crate) fn new(time_ns: u64, from: &str, to: &str, payload: usize) -> Self {
        let (from, to) = (from.parse().unwrap(), to.parse().unwrap());
        let (seq, data) = (None, Vec::new());
        Self {
            time_ns,
            from,
            to,
            payload,
            seq,
            data,
            flags: ACK,
            options: 12,
            fragment: 0,
            stated_len: None,
            protocol: 6,
        }
    }

    pub(crate) fn flags(self, flags: u8) -> Self {
        Self { flags, ..self }
    }

    pub(crate) fn ip_bytes(&self) -> Vec<u8> {
        let mut tcp = TcpHeader::new(self.from.port(), self.to.port(), self.seq.unwrap_or(0), u16::MAX);
        let has = |flag: u8| self.flags & flag != 0;
        (tcp.fin, tcp.syn, tcp.rst, tcp.psh, tcp.ack) = (has(FIN), has(SYN), has(RST), has(PSH), has(ACK));
        tcp.set_options_raw(&vec![1; self.options]).unwrap();
        let tcp_len = tcp.header_len() + self.payload;
        let mut bytes = Vec::new();
        match (self.from.ip(), self.to.ip()) {
            (IpAddr::V4(from), IpAddr::V4(to)) => Ipv4Header {
                total_len: self.stated_len.unwrap_or((Ipv4Header::MIN_LEN + tcp_len) as u16),
                identification: 1,
                dont_fragment: self.fragment & 0x4000 != 0,
                more_fragments: self.fragment & 0x2000 != 0,
                fragment_offset: IpFragOffset::try_new(self.fragment & 0x1fff).unwrap(),
                time_to_live: 64,
                protocol: IpNumber(self.protocol),
                source: from.octets(),
                destination: to.octets(),
                ..Ipv4Header::default()
            }
            .write_raw(&mut bytes)
            .unwrap(),
            (IpAddr::V6(from), IpAddr::V6(to)) => {
                let fragment = (self.fragment != 0).then(|| {
                    let offset = IpFragOffset::try_new(self.fragment >> 3).unwrap();
                    Ipv6FragmentHeader::new(IpNumber(self.protocol), offset, self.fragment & 1 != 0, 1)
                });
                let fragment_len = if fragment.is_some() { Ipv6FragmentHeader::LEN } else { 0 };
                Ipv6Header {
                    payload_length: self.stated_len.unwrap_or((fragment_len + tcp_len) as u16),
                    next_header: if fragment.is_some() {
                        IpNumber::IPV6_FRAGMENTATION_HEADER
                    } else {
                        IpNumber(self.protocol)
                    },
                    hop_limit: 64,
                    source: from.octets(),
                    destination: to.octets(),
                    ..Ipv6Header::default()
                }
                .write(&mut bytes)
                .unwrap();
                if let Some(fragment) = fragment {
                    fragment.write(&mut bytes).unwrap();
                }
            }
            _ => panic!("both ends have the same IP version"),
        }
        tcp.write(&mut bytes).unwrap();
        bytes.extend(&self.data);
        bytes.extend(vec![0xaa; self.payload - self.data.len()]);
        bytes
    }

    pub(crate) fn frame(&self, link: Link) -> Frame {
        let data = link.wrap(&self.ip_bytes());
        Frame { time_ns: self.time_ns, orig_len: data.len() as u32, data }
    }
}

/// A query and its reply, opened in view: the trace is `0: 100, 10 ms: -1448, 10 ms: -700, 25 ms: 36`.
pub(crate) fn conversation() -> Vec<Packet> {
    let ms = 1_000_000;
    let start = 1_700_000_000_000_000_000;
    let up = |at: u64, payload| Packet::new(start + at * ms, CLIENT, SERVER, payload);
    let down = |at: u64, payload| Packet::new(start + at * ms, SERVER, CLIENT, payload);
    number(vec![
        up(0, 0).flags(SYN),
        down(4, 0).flags(SYN | ACK),
        up(5, 0),
        up(5, 100),
        down(15, 1448),
        down(15, 700),
        up(16, 0),
        up(30, 36),
    ])
}

/// Gives the packets sequence numbers, each direction its own, close to the largest so that they wrap.
pub(crate) fn number(mut packets: Vec<Packet>) -> Vec<Packet> {
    let mut next = HashMap::new();
    for packet in &mut packets {
        let next = next.entry((packet.from, packet.to)).or_insert(u32::MAX - 1000);
        let seq = *packet.seq.get_or_insert(*next);
        *next = seq.wrapping_add(packet.payload as u32 + u32::from(packet.flags & SYN != 0));
    }
    packets
}

pub(crate) const CONVERSATION_START: i64 = 1_700_000_000_005_000_000;

pub(crate) fn conversation_trace() -> Trace {
    Trace::new(vec![0, 10_000_000, 10_000_000, 25_000_000], vec![100, -1448, -700, 36]).unwrap()
}

pub(crate) fn frames(packets: &[Packet], link: Link) -> Vec<Frame> {
    number(packets.to_vec()).iter().map(|packet| packet.frame(link)).collect()
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Link {
    Ethernet,
    /// Ethernet with one or two VLAN tags.
    Vlan(usize),
    Raw,
    Cooked,
    Cooked2,
    NullLittleEndian,
    Loop,
    /// Ethernet with a length and a SNAP header.
    Snap,
    /// PPP, with the address and control bytes or without.
    Ppp(bool),
    PppoeSession,
    PppEther,
    CiscoHdlc,
    Wifi(Wifi),
    /// Behind a radiotap header.
    Radiotap(Wifi),
}

/// What the header of an IEEE 802.11 data frame has beyond the shortest.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Wifi {
    pub(crate) quality_of_service: bool,
    pub(crate) high_throughput: bool,
    pub(crate) four_addresses: bool,
    pub(crate) padded: bool,
    pub(crate) encrypted: bool,
    pub(crate) aggregated: bool,
}

impl Wifi {
    fn header(self) -> Vec<u8> {
        let subtype = if self.quality_of_service { 0x88 } else { 0x08 };
        let directions = if self.four_addresses { 3 } else { 1 };
        let flags = directions | u8::from(self.encrypted) << 6 | u8::from(self.high_throughput) << 7;
        let mut header = vec![subtype, flags];
        header.extend(vec![0xb0; if self.four_addresses { 28 } else { 22 }]);
        if self.quality_of_service {
            header.extend([u8::from(self.aggregated) << 7, 0]);
        }
        if self.high_throughput {
            header.extend([0xc0; 4]);
        }
        if self.padded {
            header.resize(header.len().next_multiple_of(4), 0);
        }
        header.extend([0xaa, 0xaa, 3, 0, 0, 0]);
        header
    }
}

impl Link {
    pub(crate) fn number(self) -> u32 {
        match self {
            Self::Ethernet | Self::Vlan(_) | Self::Snap | Self::PppoeSession => 1,
            Self::Ppp(_) => 9,
            Self::PppEther => 51,
            Self::CiscoHdlc => 104,
            Self::Wifi(_) => 105,
            Self::Radiotap(_) => 127,
            Self::Raw => 101,
            Self::Cooked => 113,
            Self::Cooked2 => 276,
            Self::NullLittleEndian => 0,
            Self::Loop => 108,
        }
    }

    pub(crate) fn wrap(self, ip: &[u8]) -> Vec<u8> {
        let is_v6 = ip[0] >> 4 == 6;
        let ether_type: [u8; 2] = if is_v6 { [0x86, 0xdd] } else { [0x08, 0x00] };
        let mut bytes = match self {
            Self::Ethernet => [[2; 12].as_slice(), &ether_type].concat(),
            Self::Vlan(tags) => {
                let tag = [0x81, 0x00, 0x00, 0x07];
                [[2; 12].as_slice(), &tag.repeat(tags), &ether_type].concat()
            }
            Self::Raw => vec![],
            Self::Cooked => [[0, 4, 0, 1, 0, 6, 2, 2, 2, 2, 2, 2, 0, 0].as_slice(), &ether_type].concat(),
            Self::Cooked2 => [ether_type.as_slice(), &[0, 0, 0, 0, 0, 3, 0, 1, 4, 6, 2, 2, 2, 2, 2, 2, 0, 0]].concat(),
            Self::NullLittleEndian => vec![if is_v6 { 30 } else { 2 }, 0, 0, 0],
            Self::Loop => vec![0, 0, 0, if is_v6 { 24 } else { 2 }],
            Self::Snap => {
                let length = (ip.len() as u16 + 8).min(1500).to_be_bytes();
                [[2; 12].as_slice(), &length, &[0xaa, 0xaa, 3, 0, 0, 0], &ether_type].concat()
            }
            Self::Ppp(true) => vec![0xff, 3, 0, if is_v6 { 0x57 } else { 0x21 }],
            Self::Ppp(false) => vec![if is_v6 { 0x57 } else { 0x21 }],
            Self::PppoeSession => {
                [[2; 12].as_slice(), &[0x88, 0x64, 0x11, 0, 0, 1, 9, 9, 0, if is_v6 { 0x57 } else { 0x21 }]].concat()
            }
            Self::PppEther => vec![0x11, 0, 0, 1, 9, 9, 0, if is_v6 { 0x57 } else { 0x21 }],
            Self::CiscoHdlc => [[0x0f, 0].as_slice(), &ether_type].concat(),
            Self::Wifi(wifi) => [wifi.header().as_slice(), &ether_type].concat(),
            Self::Radiotap(wifi) => {
                // Two words of what is present, a timer behind padding to 8 bytes, flags, and a byte more.
                let flags = u8::from(wifi.padded) << 5;
                let mut header = vec![0, 0, 26, 0, 3, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0];
                header.extend([7, 7, 7, 7, 7, 7, 7, 7, flags, 0]);
                [header.as_slice(), &wifi.header(), &ether_type].concat()
            }
        };
        bytes.extend(ip);
        bytes
    }
}

/// A frame as captured.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) time_ns: u64,
    pub(crate) orig_len: u32,
    pub(crate) data: Vec<u8>,
}

impl Frame {
    pub(crate) fn snapped(mut self, snap_len: usize) -> Self {
        self.data.truncate(snap_len);
        self
    }
}

/// The frames of a capture file, with what they start with replaced: they are raw IP, padded with zeros to their length.
pub(crate) fn frames_of(raw_ip_capture: &Path, link: Link) -> Vec<Frame> {
    let mut records = Records::open(raw_ip_capture).unwrap();
    let mut frames = Vec::new();
    while let Some(record) = records.next().unwrap() {
        let mut ip = record.data.to_vec();
        ip.resize(record.orig_len as usize, 0);
        let data = link.wrap(&ip);
        frames.push(Frame { time_ns: record.time_ns.unwrap() as u64, orig_len: data.len() as u32, data });
    }
    frames
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Pcap {
    pub(crate) big_endian: bool,
    pub(crate) nanoseconds: bool,
    pub(crate) link: u32,
}

impl Pcap {
    pub(crate) fn of(link: Link) -> Self {
        Self { big_endian: false, nanoseconds: false, link: link.number() }
    }

    pub(crate) fn bytes(self, frames: &[Frame]) -> Vec<u8> {
        let mut out = Numbers { bytes: Vec::new(), big_endian: self.big_endian };
        out.u32(if self.nanoseconds { 0xa1b2_3c4d } else { 0xa1b2_c3d4 });
        out.u16(2);
        out.u16(4);
        for field in [0, 0, 262_144, self.link] {
            out.u32(field);
        }
        let fraction = if self.nanoseconds { 1 } else { 1_000 };
        for frame in frames {
            out.u32((frame.time_ns / 1_000_000_000) as u32);
            out.u32((frame.time_ns % 1_000_000_000 / fraction) as u32);
            out.u32(frame.data.len() as u32);
            out.u32(frame.orig_len);
            out.bytes.extend(&frame.data);
        }
        out.bytes
    }
}

/// A pcapng file, block by block.
pub(crate) struct PcapNg(Numbers);

impl PcapNg {
    pub(crate) fn new(big_endian: bool) -> Self {
        let mut file = Self(Numbers { bytes: Vec::new(), big_endian });
        file.section(big_endian);
        file
    }

    pub(crate) fn section(&mut self, big_endian: bool) -> &mut Self {
        self.0.big_endian = big_endian;
        self.block(0x0a0d_0d0a, |out| {
            out.u32(0x1a2b_3c4d);
            out.u16(1);
            out.u16(0);
            out.u32(u32::MAX);
            out.u32(u32::MAX);
        })
    }

    /// `options` are codes and values.
    pub(crate) fn interface(&mut self, link: u32, snap_len: u32, options: &[(u16, &[u8])]) -> &mut Self {
        self.block(1, |out| {
            out.u16(link as u16);
            out.u16(0);
            out.u32(snap_len);
            for (code, value) in options {
                out.u16(*code);
                out.u16(value.len() as u16);
                out.padded(value);
            }
            out.u32(0);
        })
    }

    pub(crate) fn packet(&mut self, interface: u32, ticks: u64, frame: &Frame) -> &mut Self {
        self.block(6, |out| {
            out.u32(interface);
            out.packet(ticks, frame);
        })
    }

    pub(crate) fn obsolete_packet(&mut self, interface: u16, ticks: u64, frame: &Frame) -> &mut Self {
        self.block(2, |out| {
            out.u16(interface);
            out.u16(0);
            out.packet(ticks, frame);
        })
    }

    pub(crate) fn simple_packet(&mut self, frame: &Frame) -> &mut Self {
        self.block(3, |out| {
            out.u32(frame.orig_len);
            out.padded(&frame.data);
        })
    }

    pub(crate) fn block(&mut self, block_type: u32, body: impl FnOnce(&mut Numbers)) -> &mut Self {
        let start = self.0.bytes.len();
        self.0.u32(block_type);
        self.0.u32(0);
        body(&mut self.0);
        let len = (self.0.bytes.len() - start + 4) as u32;
        let len_bytes = if self.0.big_endian { len.to_be_bytes() } else { len.to_le_bytes() };
        self.0.bytes[start + 4..start + 8].copy_from_slice(&len_bytes);
        self.0.u32(len);
        self
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.0.bytes.clone()
    }
}

/// Numbers in a byte order.
pub(crate) struct Numbers {
    pub(crate) bytes: Vec<u8>,
    pub(crate) big_endian: bool,
}

impl Numbers {
    pub(crate) fn u16(&mut self, n: u16) {
        self.bytes.extend(if self.big_endian { n.to_be_bytes() } else { n.to_le_bytes() });
    }

    pub(crate) fn u32(&mut self, n: u32) {
        self.bytes.extend(if self.big_endian { n.to_be_bytes() } else { n.to_le_bytes() });
    }

    fn padded(&mut self, value: &[u8]) {
        self.bytes.extend(value);
        self.bytes.extend(vec![0; value.len().next_multiple_of(4) - value.len()]);
    }

    fn packet(&mut self, ticks: u64, frame: &Frame) {
        self.u32((ticks >> 32) as u32);
        self.u32(ticks as u32);
        self.u32(frame.data.len() as u32);
        self.u32(frame.orig_len);
        self.padded(&frame.data);
    }
}

/// A folder with these files.
pub(crate) fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, bytes) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    folder
}

/// Imports a folder as a whole, and asserts that in parts, and in shares, the same comes out.
pub(crate) fn import_folder(folder: &TempDir, options: &ImportOptions) -> Result<Import, ImportError> {
    let paths = [folder.path().to_owned()];
    let whole = import(&paths, options, &|_, _| {});
    match (ImportParts::open(&paths, options, None, &|_, _| {}), &whole) {
        (Err(ImportError::NeedsAll(_)), _) => assert_eq!(options.select.outliers, OutlierRule::Iqr),
        (Err(error), whole) => assert_eq!(error.to_string(), whole.as_ref().unwrap_err().to_string()),
        (Ok(parts), whole) => {
            let whole = whole.as_ref().unwrap();
            assert_eq!((parts.stats(), parts.provenance()), (&whole.stats, whole.set.provenance()));
            let labels: Vec<Label> =
                whole.set.traces().iter().map(|one| Label { likeness: None, ..one.into() }).collect();
            assert_eq!(parts.labels(), labels);
            assert_eq!(traces_of(parts), whole.set.traces());
            check_shares(&paths, options, whole);
        }
    }
    whole
}

/// Shares of two machines, where captures tell all that is needed by themselves.
fn check_shares(paths: &[PathBuf], options: &ImportOptions, whole: &Import) {
    let (mut traces, mut files, mut listings) = (Vec::new(), 0, Vec::new());
    for share in 0..2 {
        let rows = |files: usize| files * share / 2..files * (share + 1) / 2;
        match ImportParts::open(paths, options, Some(&rows), &|_, _| {}) {
            Err(ImportError::NeedsAll(_)) => return,
            Err(ImportError::NoTrace { stats }) => files += stats.files,
            Err(error) => panic!("share {share}: {error}"),
            Ok(parts) => {
                files += parts.stats().files;
                listings.push(parts.listing().to_owned());
                traces.extend(traces_of(parts));
            }
        }
    }
    assert_eq!((traces.as_slice(), files), (whole.set.traces(), whole.stats.files));
    assert!(listings.windows(2).all(|pair| pair[0] == pair[1]));
}

fn traces_of(parts: ImportParts) -> Vec<LabelledTrace> {
    parts.flat_map(|part| part.unwrap().into_traces()).collect()
}

/// What came of one capture: its statistics, start time and trace.
#[derive(Debug)]
pub(crate) struct One {
    pub(crate) stats: FileStats,
    pub(crate) start_ns: i64,
    pub(crate) trace: Trace,
}

/// Imports one capture file that gives a trace.
pub(crate) fn import_one(bytes: &[u8], options: &ImportOptions) -> One {
    let import = import_folder(&folder(&[("a_0.pcap", bytes)]), options).unwrap();
    check_sums(&import.stats);
    let labelled = &import.set.traces()[0];
    let stats = import.stats.by_file[0].clone();
    One { stats, start_ns: labelled.start_ns.unwrap(), trace: labelled.trace.clone() }
}

/// Imports one capture file that gives no trace.
pub(crate) fn refuse_one(bytes: &[u8]) -> FileStats {
    match import_folder(&folder(&[("a_0.pcap", bytes)]), &ImportOptions::default()) {
        Err(ImportError::NoTrace { stats }) => {
            check_sums(&stats);
            stats.by_file[0].clone()
        }
        other => panic!("{other:?}"),
    }
}

/// Imports a conversation of raw IP packets.
pub(crate) fn import_packets(packets: &[Packet], options: &ImportOptions) -> One {
    import_one(&Pcap::of(Link::Raw).bytes(&frames(packets, Link::Raw)), options)
}

/// Every packet and file is in one count.
pub(crate) fn check_sums(stats: &wfkit_capture::ImportStats) {
    assert_eq!(stats.packets, stats.kept + stats.dropped.values().sum::<u64>());
    assert_eq!(stats.files, stats.traces + stats.dropped_traces.values().sum::<u64>());
    for file in &stats.by_file {
        assert_eq!(file.packets, file.kept + file.dropped.values().sum::<u64>(), "{file:?}");
    }
}

pub(crate) fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}
