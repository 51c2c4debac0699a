//! Capture files -> packet records, in constant memory. The only module that knows pcap-parser.
//!
//! pcap-parser parses the blocks and keeps the buffer; this module finds the format by content, grows the buffer
//! where a record needs it (never beyond the file, never beyond [`MAX_RECORD`]), turns ticks into nanoseconds, and
//! turns the parser's errors, which quote the input, into errors that say where and no more.

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::ops::Range;
use std::path::Path;

use flate2::read::MultiGzDecoder;
use pcap_parser::traits::PcapReaderIterator;
use pcap_parser::{
    Block, InterfaceDescriptionBlock, LegacyPcapReader, OptionCode, PcapBlockOwned, PcapError, PcapHeader,
    PcapNGReader, UnknownBlock, parse_pcap_header,
};
use thiserror::Error;

use crate::link::LinkType;

/// The largest record (pcap) or block (pcapng) that is read, in bytes. Packets of networks stay below 256 KiB.
const MAX_RECORD: u64 = 64 << 20;
/// The buffer holds the whole file where its length is between these, in bytes.
const BUFFER: (u64, u64) = (4 << 10, 1 << 20);
/// Enough of a file to tell what it is.
const PREFIX: usize = 24;

/// One captured packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// Number in the file, from 1.
    pub number: u64,
    /// What `data` starts with.
    pub link: LinkType,
    /// Unix time in ns. `None` where the file holds no time (simple packet blocks) or one outside 1970-2262.
    pub time_ns: Option<i64>,
    /// Length of the frame on the wire, in bytes, as the capture states it.
    pub orig_len: u32,
    /// The captured bytes.
    pub data: &'a [u8],
}

/// Reads the packets of a pcap or pcapng file, one after another; also of one compressed with gzip.
///
/// pcap: both byte orders, microseconds and nanoseconds, and the "modified" format of old Linux tools. pcapng:
/// sections of either byte order, many interfaces, `if_tsresol` and `if_tsoffset`, enhanced, simple and obsolete
/// packet blocks; all other blocks are skipped.
pub struct Records {
    reader: Box<dyn PcapReaderIterator + Send>,
    layout: Layout,
    /// An upper bound: no record goes beyond.
    file_len: u64,
    /// Packets returned so far.
    packets: u64,
    /// Length of the block that was looked at last, still at the front of the buffer.
    unconsumed: usize,
    failed: bool,
}

/// Why a file cannot be read, or not further: then the packets before the error were read and are good.
///
/// Names the record (from 1; 0 is the header of the file) and byte (of what is in a compressed file), never what the
/// file holds.
#[derive(Debug, Error)]
pub enum RecordError {
    /// The file cannot be opened.
    #[error("cannot be opened: {0}")]
    Open(io::Error),
    /// The system fails to read on.
    #[error("record {record}: the file cannot be read or unpacked further")]
    Read {
        /// The record that was being read.
        record: u64,
    },
    /// There is nothing in the file.
    #[error("the file is empty")]
    Empty,
    /// The file starts like neither format.
    #[error("neither pcap nor pcapng")]
    NotACapture,
    /// The file starts like a compressed file.
    #[error("compressed with {0}: unpack it first")]
    Compressed(
        /// The compression.
        &'static str,
    ),
    /// The file ends inside a record.
    #[error("record {record}: cut at byte {end}, after {present}{} bytes of it", of_all(length))]
    Cut {
        /// The record.
        record: u64,
        /// Where the file ends.
        end: u64,
        /// Bytes of the record that are there.
        present: u64,
        /// Bytes that it should have, where enough is there to say.
        length: Option<u64>,
    },
    /// A record says it is longer than any record may be.
    #[error("record {record} at byte {start}: {length} bytes long, more than {MAX_RECORD}")]
    TooLong {
        /// The record.
        record: u64,
        /// Where it starts.
        start: u64,
        /// The length it states.
        length: u64,
    },
    /// A record makes no sense.
    #[error("record {record} at byte {start}: {problem}")]
    Malformed {
        /// The record.
        record: u64,
        /// Where it starts.
        start: u64,
        /// What is wrong.
        problem: String,
    },
}

fn of_all(length: &Option<u64>) -> String {
    length.map_or_else(String::new, |length| format!(" of {length}"))
}

impl Records {
    /// Opens a file and looks at its header.
    pub fn open(path: &Path) -> Result<Self, RecordError> {
        let file = File::open(path).map_err(RecordError::Open)?;
        let metadata = file.metadata().map_err(RecordError::Open)?;
        // Only a regular file has a length that says something.
        Self::from_reader(file, if metadata.is_file() { metadata.len() } else { u64::MAX })
    }

    /// Reads a capture from memory.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, RecordError> {
        let len = bytes.len() as u64;
        Self::from_reader(Cursor::new(bytes), len)
    }

    /// `file_len` is an upper bound of what `source` holds.
    fn from_reader(mut source: impl Read + Send + 'static, file_len: u64) -> Result<Self, RecordError> {
        let head = head_of(&mut source).map_err(RecordError::Open)?;
        let is_gzip = head.starts_with(&[0x1f, 0x8b]);
        let source = Cursor::new(head).chain(source);
        if is_gzip {
            Self::from_plain(Box::new(MultiGzDecoder::new(source)), u64::MAX)
        } else {
            Self::from_plain(Box::new(source), file_len)
        }
    }

    fn from_plain(mut source: Box<dyn Read + Send>, file_len: u64) -> Result<Self, RecordError> {
        let head = head_of(&mut source).map_err(|_| RecordError::Read { record: 0 })?;
        let file_len = if head.len() < PREFIX { head.len() as u64 } else { file_len };
        let format = Format::of(&head)?;
        let header_len = format.header_len(&head);
        match header_len {
            Some(length) if length > MAX_RECORD => {
                return Err(RecordError::TooLong { record: 0, start: 0, length });
            }
            Some(length) if length <= file_len => {}
            length => {
                return Err(RecordError::Cut { record: 0, end: file_len, present: file_len, length });
            }
        }

        // pcap-parser wants the header in its first read, and spare room in the buffer.
        let capacity = file_len.clamp(BUFFER.0, BUFFER.1).max(header_len.unwrap_or(0)) as usize + 1;
        let layout = Layout::new(format, &head)?;
        let source = Filling(Cursor::new(head).chain(source));
        let reader = match format {
            Format::Pcap => LegacyPcapReader::new(capacity, source).map(|r| Box::new(r) as Box<_>),
            Format::PcapNg => PcapNGReader::new(capacity, source).map(|r| Box::new(r) as Box<_>),
        }
        .map_err(|_| bad_header("the header makes no sense"))?;
        Ok(Self { reader, layout, file_len, packets: 0, unconsumed: 0, failed: false })
    }

    /// The link type of all packets where the file has one for all (pcap); `None` for pcapng.
    pub fn link(&self) -> Option<LinkType> {
        match &self.layout {
            Layout::Pcap(pcap) => Some(pcap.link),
            Layout::PcapNg(_) => None,
        }
    }

    /// The next packet, `None` after the last and after an error.
    #[expect(clippy::should_implement_trait, reason = "a record borrows the buffer, which no `Iterator` can lend")]
    pub fn next(&mut self) -> Result<Option<Record<'_>>, RecordError> {
        if self.failed {
            return Ok(None);
        }
        let packet = self.find_packet();
        self.failed = packet.is_err();
        let Some(Packet { link, time_ns, orig_len, bytes }) = packet? else { return Ok(None) };
        self.packets += 1;
        let data = self.reader.data().get(bytes).expect("the parser has seen the whole block");
        Ok(Some(Record { number: self.packets, link, time_ns, orig_len, data }))
    }

    /// Goes to the next packet and leaves its block at the front of the buffer.
    fn find_packet(&mut self) -> Result<Option<Packet>, RecordError> {
        loop {
            self.reader.consume(self.unconsumed);
            self.unconsumed = 0;
            let parser_wants_more = match self.reader.next() {
                Ok((len, block)) => {
                    self.unconsumed = len;
                    match self.layout.read(&block) {
                        Ok(Some(packet)) => return Ok(Some(packet)),
                        Ok(None) => continue,
                        Err(problem) => return Err(self.malformed(problem)),
                    }
                }
                Err(PcapError::Eof) => return Ok(None),
                Err(PcapError::ReadError) => return Err(RecordError::Read { record: self.packets + 1 }),
                Err(PcapError::Incomplete(_) | PcapError::BufferTooSmall | PcapError::UnexpectedEof) => true,
                Err(_) => false,
            };

            let data = self.reader.data();
            let length = self.layout.block_len(data);
            if data.is_empty() && self.reader.reader_exhausted() {
                return Ok(None);
            } else if let Some(length) = length.filter(|&length| length <= data.len() as u64) {
                // All of it is there and it is still no block that the parser can read.
                match self.layout.can_skip(data) {
                    true => self.unconsumed = length as usize,
                    false => return Err(self.malformed("the block makes no sense".to_owned())),
                }
            } else if parser_wants_more {
                self.refill(length)?;
            } else {
                return Err(self.malformed("the block makes no sense".to_owned()));
            }
        }
    }

    /// Reads more of a record that has `length` bytes, where that is known.
    fn refill(&mut self, length: Option<u64>) -> Result<(), RecordError> {
        let record = self.packets + 1;
        let start = self.reader.consumed() as u64;
        let present = self.reader.data().len() as u64;
        if let Some(length) = length {
            if length > MAX_RECORD {
                return Err(RecordError::TooLong { record, start, length });
            }
            if length > self.file_len.saturating_sub(start) {
                let present = self.file_len.saturating_sub(start);
                return Err(RecordError::Cut { record, end: self.file_len, present, length: Some(length) });
            }
            self.reader.grow(length as usize + 1); // only grows
        }
        if self.reader.reader_exhausted() {
            return Err(RecordError::Cut { record, end: start + present, present, length });
        }
        self.reader.refill().map_err(|_| RecordError::Read { record })
    }

    fn malformed(&self, problem: String) -> RecordError {
        RecordError::Malformed { record: self.packets + 1, start: self.reader.consumed() as u64, problem }
    }
}

fn bad_header(problem: impl Into<String>) -> RecordError {
    RecordError::Malformed { record: 0, start: 0, problem: problem.into() }
}

/// Whether the file starts like a capture.
pub(crate) fn looks_like_capture(path: &Path) -> bool {
    let head = File::open(path).and_then(|mut file| head_of(&mut file));
    head.is_ok_and(|head| Format::of(&head).is_ok())
}

fn head_of(source: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(PREFIX);
    source.take(PREFIX as u64).read_to_end(&mut head)?;
    Ok(head)
}

#[derive(Debug, Clone, Copy)]
enum Format {
    Pcap,
    PcapNg,
}

impl Format {
    /// By the first four bytes.
    fn of(head: &[u8]) -> Result<Self, RecordError> {
        match head {
            [] => Err(RecordError::Empty),
            [0xd4, 0xc3, 0xb2, 0xa1, ..] | [0xa1, 0xb2, 0xc3, 0xd4, ..] => Ok(Self::Pcap), // microseconds
            [0x4d, 0x3c, 0xb2, 0xa1, ..] | [0xa1, 0xb2, 0x3c, 0x4d, ..] => Ok(Self::Pcap), // nanoseconds
            [0x34, 0xcd, 0xb2, 0xa1, ..] => Ok(Self::Pcap),                                // "modified"
            [0x0a, 0x0d, 0x0d, 0x0a, ..] => Ok(Self::PcapNg),
            [0x1f, 0x8b, ..] => Err(RecordError::Compressed("gzip, twice")),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Err(RecordError::Compressed("zstd")),
            [0xfd, b'7', b'z', b'X', ..] => Err(RecordError::Compressed("xz")),
            [b'P', b'K', 3, 4, ..] => Err(RecordError::Compressed("zip")),
            _ => Err(RecordError::NotACapture),
        }
    }

    /// Length of the file header (pcap) or section header block (pcapng), where the head is long enough to say.
    fn header_len(self, head: &[u8]) -> Option<u64> {
        match self {
            Self::Pcap => Some(24),
            Self::PcapNg => ng_block_len(head, is_big_endian_section(head)?),
        }
    }
}

/// What one needs to know of a file to find its packets.
enum Layout {
    Pcap(Pcap),
    PcapNg(PcapNg),
}

struct Pcap {
    link: LinkType,
    big_endian: bool,
    ns_per_fraction: i64,
    record_header_len: usize,
}

/// The section that is being read.
#[derive(Default)]
struct PcapNg {
    big_endian: bool,
    interfaces: Vec<Interface>,
}

struct Interface {
    link: LinkType,
    snap_len: u32,
    resolution: Resolution,
    offset_s: i64,
}

/// A packet in the block at the front of the buffer.
struct Packet {
    link: LinkType,
    time_ns: Option<i64>,
    orig_len: u32,
    bytes: Range<usize>,
}

impl Layout {
    fn new(format: Format, head: &[u8]) -> Result<Self, RecordError> {
        match format {
            Format::Pcap => {
                let (_, header) = parse_pcap_header(head).map_err(|_| bad_header("the header makes no sense"))?;
                Ok(Self::Pcap(Pcap::new(&header)?))
            }
            Format::PcapNg => Ok(Self::PcapNg(PcapNg::default())),
        }
    }

    /// The packet in `block`, if it is one. Takes note of what the block says about later ones.
    fn read(&mut self, block: &PcapBlockOwned<'_>) -> Result<Option<Packet>, String> {
        match (self, block) {
            (Self::Pcap(pcap), PcapBlockOwned::Legacy(record)) => {
                let fraction_ns = i64::from(record.ts_usec) * pcap.ns_per_fraction;
                let time_ns = i64::from(record.ts_sec) * 1_000_000_000 + fraction_ns;
                let bytes = range(pcap.record_header_len, record.caplen as usize);
                Ok(Some(Packet { link: pcap.link, time_ns: Some(time_ns), orig_len: record.origlen, bytes }))
            }
            (Self::PcapNg(section), PcapBlockOwned::NG(block)) => section.read(block),
            _ => Ok(None), // the header of a pcap file
        }
    }

    /// The length that the block at the start of `data` states, where enough of it is there.
    fn block_len(&self, data: &[u8]) -> Option<u64> {
        match self {
            Self::Pcap(pcap) => {
                let captured = u32_at(data, 8, pcap.big_endian)?;
                Some(pcap.record_header_len as u64 + u64::from(captured))
            }
            Self::PcapNg(section) => {
                // The header of a section tells its byte order by itself.
                let big_endian = is_big_endian_section(data).unwrap_or(section.big_endian);
                ng_block_len(data, big_endian)
            }
        }
    }

    /// Whether the block at the start of `data` tells nothing about packets, so that its being malformed does not
    /// matter.
    fn can_skip(&self, data: &[u8]) -> bool {
        let Self::PcapNg(section) = self else { return false };
        let block_type = u32_at(data, 0, section.big_endian);
        let is_known = matches!(block_type, Some(SECTION_HEADER | 1 | OBSOLETE_PACKET | 3 | 6));
        !is_known && ng_block_len(data, section.big_endian) >= Some(12)
    }
}

/// Block types of pcapng.
const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const OBSOLETE_PACKET: u32 = 2;

fn ng_block_len(data: &[u8], big_endian: bool) -> Option<u64> {
    u32_at(data, 4, big_endian).map(u64::from)
}

/// The byte order of the section whose header `data` starts with, if it does.
fn is_big_endian_section(data: &[u8]) -> Option<bool> {
    let is_header = u32_at(data, 0, true)? == SECTION_HEADER;
    is_header.then_some(u32_at(data, 8, true)? == 0x1a2b_3c4d)
}

fn u32_at(data: &[u8], at: usize, big_endian: bool) -> Option<u32> {
    let bytes = *data.get(at..)?.first_chunk::<4>()?;
    Some(if big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
}

fn range(start: usize, len: usize) -> Range<usize> {
    start..start + len
}

impl Pcap {
    fn new(header: &PcapHeader) -> Result<Self, RecordError> {
        let PcapHeader { version_major, version_minor, .. } = header;
        if *version_major != 2 {
            return Err(bad_header(format!("pcap version {version_major}.{version_minor}, only 2 is known")));
        }
        Ok(Self {
            // Above are the length of the frame check sequence and a flag that says whether it is known.
            link: LinkType(header.network.0 as u32 & 0x03ff_ffff),
            big_endian: header.is_bigendian(),
            ns_per_fraction: if header.is_nanosecond_precision() { 1 } else { 1_000 },
            record_header_len: if header.is_modified_format() { 24 } else { 16 },
        })
    }
}

impl PcapNg {
    fn read(&mut self, block: &Block<'_>) -> Result<Option<Packet>, String> {
        match block {
            Block::SectionHeader(header) => {
                if header.major_version != 1 {
                    let (major, minor) = (header.major_version, header.minor_version);
                    return Err(format!("pcapng version {major}.{minor}, only 1 is known"));
                }
                *self = Self { big_endian: header.big_endian(), interfaces: Vec::new() };
                Ok(None)
            }
            Block::InterfaceDescription(description) => {
                self.interfaces.push(Interface::new(description, self.big_endian));
                Ok(None)
            }
            Block::EnhancedPacket(packet) => {
                let interface = self.interface(packet.if_id)?;
                Ok(Some(Packet {
                    link: interface.link,
                    time_ns: interface.time_ns(packet.ts_high, packet.ts_low),
                    orig_len: packet.origlen,
                    bytes: range(28, packet.caplen as usize),
                }))
            }
            Block::SimplePacket(packet) => {
                let interface = self.interface(0)?;
                let snap_len = if interface.snap_len == 0 { u32::MAX } else { interface.snap_len };
                let captured = (packet.origlen.min(snap_len) as usize).min(packet.data.len());
                let bytes = range(12, captured);
                Ok(Some(Packet { link: interface.link, time_ns: None, orig_len: packet.origlen, bytes }))
            }
            Block::Unknown(block) => self.obsolete_packet(block),
            _ => Ok(None),
        }
    }

    /// The packet block of the first drafts of the format: as the enhanced one, but for a 16-bit interface.
    fn obsolete_packet(&self, block: &UnknownBlock<'_>) -> Result<Option<Packet>, String> {
        // pcap-parser reads types of blocks it does not know as little-endian.
        let is_obsolete_packet =
            block.block_type == if self.big_endian { OBSOLETE_PACKET.swap_bytes() } else { OBSOLETE_PACKET };
        if !is_obsolete_packet {
            return Ok(None);
        }
        let field = |at| u32_at(block.data, at, self.big_endian).ok_or("the packet block is too short");
        let (interface, high, low, captured, orig_len) = (field(0)?, field(4)?, field(8)?, field(12)?, field(16)?);
        let interface = self.interface(if self.big_endian { interface >> 16 } else { interface & 0xffff })?;
        if captured as usize > block.data.len() - 20 {
            return Err("the packet is longer than its block".to_owned());
        }
        let bytes = range(28, captured as usize);
        Ok(Some(Packet { link: interface.link, time_ns: interface.time_ns(high, low), orig_len, bytes }))
    }

    fn interface(&self, id: u32) -> Result<&Interface, String> {
        self.interfaces.get(id as usize).ok_or_else(|| format!("interface {id} is not described"))
    }
}

impl Interface {
    /// Not by pcap-parser's own reading of the options: it takes the time offset for little-endian always, and no
    /// resolution in powers of two.
    fn new(description: &InterfaceDescriptionBlock<'_>, big_endian: bool) -> Self {
        let option = |code| description.options.iter().find(|option| option.code == code);
        let resolution = option(OptionCode::IfTsresol).and_then(|option| option.value().first().copied());
        let offset = option(OptionCode::IfTsoffset).and_then(|option| option.value().first_chunk::<8>().copied());
        Self {
            link: LinkType(description.linktype.0 as u32),
            snap_len: description.snaplen,
            resolution: Resolution(resolution.unwrap_or(6)),
            offset_s: offset
                .map_or(0, |bytes| if big_endian { i64::from_be_bytes(bytes) } else { i64::from_le_bytes(bytes) }),
        }
    }

    fn time_ns(&self, high: u32, low: u32) -> Option<i64> {
        let ticks = u64::from(high) << 32 | u64::from(low);
        let time_ns = self.resolution.to_ns(ticks) + i128::from(self.offset_s) * 1_000_000_000;
        i64::try_from(time_ns).ok().filter(|&time_ns| time_ns >= 0)
    }
}

/// The option `if_tsresol`: ticks of 10^-n s, or of 2^-n s where the highest bit is set.
#[derive(Debug, Clone, Copy)]
struct Resolution(u8);

impl Resolution {
    fn to_ns(self, ticks: u64) -> i128 {
        let exponent = u32::from(self.0 & 0x7f);
        let ticks = i128::from(ticks);
        if self.0 & 0x80 != 0 {
            (ticks * 1_000_000_000) >> exponent
        } else if exponent <= 9 {
            ticks * 10_i128.pow(9 - exponent)
        } else {
            // A unit so small that it overflows leaves nothing of 64 bits of ticks.
            10_i128.checked_pow(exponent - 9).map_or(0, |unit| ticks / unit)
        }
    }
}

/// Fills the buffer on every read where a pipe would hand over less, because pcap-parser takes a header that is not
/// whole after the first read for none.
struct Filling<R>(R);

impl<R: Read> Read for Filling<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.0.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(n) => filled += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // What came before a damage is good; the next read will meet it again.
                Err(_) if filled > 0 => break,
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_become_nanoseconds() {
        assert_eq!(Resolution(6).to_ns(1_500_000), 1_500_000_000);
        assert_eq!(Resolution(0).to_ns(3), 3_000_000_000);
        assert_eq!(Resolution(9).to_ns(7), 7);
        assert_eq!(Resolution(12).to_ns(7_999), 7);
        assert_eq!(Resolution(0x80 | 1).to_ns(3), 1_500_000_000);
        assert_eq!(Resolution(0x80 | 32).to_ns(1 << 31), 500_000_000);
    }

    #[test]
    fn any_resolution_is_defined() {
        for byte in 0..=u8::MAX {
            let ns = Resolution(byte).to_ns(u64::MAX);
            assert!(ns >= 0, "if_tsresol {byte}: {ns}");
        }
    }
}
