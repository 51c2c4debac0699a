//! Capture files -> packet records, in constant memory.
//!
//! [`unpack`] finds a compression by content, [`buffer`] holds the bytes that are being read, [`pcap`] and [`pcapng`]
//! tell what they mean. Errors say where and no more: the parser's own quote the input.

mod buffer;
mod bytes;
mod error;
mod foreign;
mod packet;
mod pcap;
mod pcapng;
mod unit;
mod unpack;

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::Path;

use buffer::Buffer;
pub use error::RecordError;
use foreign::{Foreign, LOOKED_AT};
pub use packet::CaptureFormat;
use packet::{MAX_RECORD, Packet};
use pcap::Pcap;
use pcapng::PcapNg;
pub(crate) use unit::{TimeUnit, UnitFound};
use unpack::{Compression, head_of, unpack};

use crate::packet::LinkType;

/// One captured packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// Number in the file, from 1.
    pub number: u64,
    /// What `data` starts with.
    pub link: LinkType,
    /// The interface in the section of pcapng; 0 of pcap.
    pub interface: u32,
    /// Unix time in ns. `None` where the file holds no time (simple packet blocks), one outside 1970-2262, or one
    /// whose sub-second field is above what the resolution of the file allows.
    pub time_ns: Option<i64>,
    /// Length of the frame on the wire, in bytes, as the capture states it.
    pub orig_len: u32,
    /// The captured bytes.
    pub data: &'a [u8],
}

/// Reads the packets of a pcap or pcapng file, one after another; also of one compressed with gzip, zstd or xz.
///
/// pcap: both byte orders, microseconds and nanoseconds, the "modified" format of old Linux tools and the swapped
/// lengths of versions before 2.4. pcapng: sections of either byte order, many interfaces, `if_tsresol` and
/// `if_tsoffset`, enhanced, simple and obsolete packet blocks; all other blocks are skipped.
pub struct Records {
    buffer: Buffer,
    format: Format,
    /// Packets returned so far.
    packets: u64,
    /// Length of the record that was returned last, still at the front of the buffer.
    unconsumed: usize,
    failed: bool,
}

impl Records {
    /// Opens a file and looks at its header. `-` is the standard input.
    pub fn open(path: &Path) -> Result<Self, RecordError> {
        if path == Path::new("-") {
            return Self::from_reader(Box::new(io::stdin()), u64::MAX);
        }
        let file = File::open(path).map_err(RecordError::Open)?;
        let metadata = file.metadata().map_err(RecordError::Open)?;
        // Only a regular file has a length that says something.
        Self::from_reader(Box::new(file), if metadata.is_file() { metadata.len() } else { u64::MAX })
    }

    /// Reads a capture from memory.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, RecordError> {
        let len = bytes.len() as u64;
        Self::from_reader(Box::new(Cursor::new(bytes)), len)
    }

    /// `len` is an upper bound of what `source` holds.
    fn from_reader(source: Box<dyn Read + Send>, len: u64) -> Result<Self, RecordError> {
        let (source, len, packed) = unpack(source, len)?;
        let mut buffer = Buffer::new(source, len);
        let unreadable = |_| RecordError::Read { record: 0 };
        buffer.fill(4).map_err(unreadable)?;
        let format = match buffer.data() {
            [] => return Err(RecordError::Empty),
            head if PcapNg::is_magic(head) => Format::PcapNg(PcapNg::default()),
            head if Pcap::is_magic(head) => {
                if !buffer.fill(pcap::HEADER_LEN).map_err(unreadable)? {
                    let present = buffer.data().len() as u64;
                    let length = Some(pcap::HEADER_LEN as u64);
                    return Err(RecordError::Cut { record: 0, end: present, present, length });
                }
                let pcap = Pcap::new(buffer.data());
                buffer.consume(pcap::HEADER_LEN);
                Format::Pcap(pcap.map_err(|problem| RecordError::Malformed { record: 0, start: 0, problem })?)
            }
            _ => {
                let _ = buffer.fill(LOOKED_AT); // less than that will do
                return Err(not_a_capture(buffer.data(), packed));
            }
        };
        Ok(Self { buffer, format, packets: 0, unconsumed: 0, failed: false })
    }

    /// The link type of all packets where the file has one for all (pcap); `None` for pcapng.
    pub fn link(&self) -> Option<LinkType> {
        match &self.format {
            Format::Pcap(pcap) => Some(pcap.link),
            Format::PcapNg(_) => None,
        }
    }

    /// The format, as far as it was read.
    pub fn format(&self) -> CaptureFormat {
        match &self.format {
            Format::Pcap(pcap) => pcap.format(),
            Format::PcapNg(section) => section.format(),
        }
    }

    /// How many bytes of a packet were to be captured, as the file states it; 0 is all. `None` where it does not say,
    /// or not one length for all interfaces read so far.
    pub fn snap_len(&self) -> Option<u32> {
        match &self.format {
            Format::Pcap(pcap) => Some(pcap.snap_len),
            Format::PcapNg(section) => section.snap_len(),
        }
    }

    /// Reads times in this unit, whatever the file says; before the first packet.
    pub(crate) fn read_in(&mut self, unit: TimeUnit) {
        match &mut self.format {
            Format::Pcap(pcap) => pcap.read_in(unit),
            Format::PcapNg(section) => section.read_in(unit),
        }
    }

    /// What the times read so far tell of their unit.
    pub(crate) fn unit(&self) -> UnitFound {
        match &self.format {
            Format::Pcap(pcap) => pcap.unit(self.packets),
            Format::PcapNg(section) => section.unit(),
        }
    }

    /// The next packet, `None` after the last and after an error.
    #[expect(clippy::should_implement_trait, reason = "a record borrows the buffer, which no `Iterator` can lend")]
    #[inline]
    pub fn next(&mut self) -> Result<Option<Record<'_>>, RecordError> {
        if self.failed {
            return Ok(None);
        }
        self.buffer.consume(std::mem::take(&mut self.unconsumed));
        let packet = match self.format {
            Format::Pcap(_) => self.next_of_pcap(),
            Format::PcapNg(_) => self.next_of_pcapng(),
        };
        self.failed = packet.is_err();
        let Some(Packet { link, interface, time_ns, orig_len, bytes }) = packet? else { return Ok(None) };
        self.packets += 1;
        let data = &self.buffer.data()[bytes]; // all of the record was read
        Ok(Some(Record { number: self.packets, link, interface, time_ns, orig_len, data }))
    }

    #[inline]
    fn next_of_pcap(&mut self) -> Result<Option<Packet>, RecordError> {
        let Format::Pcap(pcap) = &self.format else { return Ok(None) };
        let head_len = pcap.record_header_len();
        if !self.has_head(head_len)? {
            return Ok(None);
        }
        let Format::Pcap(pcap) = &mut self.format else { return Ok(None) };
        let packet = pcap.packet(self.packets + 1, self.buffer.data());
        self.read_whole(packet.bytes.end as u64)?;
        self.unconsumed = packet.bytes.end;
        Ok(Some(packet))
    }

    #[inline]
    fn next_of_pcapng(&mut self) -> Result<Option<Packet>, RecordError> {
        loop {
            if !self.has_head(pcapng::BLOCK_HEAD)? {
                return Ok(None);
            }
            let Format::PcapNg(section) = &mut self.format else { return Ok(None) };
            let length = section.block_len(self.buffer.data());
            if (length as usize) < pcapng::BLOCK_HEAD {
                return Err(self.malformed("the block makes no sense".to_owned()));
            }
            self.read_whole(u64::from(length))?;
            let Format::PcapNg(section) = &mut self.format else { return Ok(None) };
            match section.read(&self.buffer.data()[..length as usize]) {
                Err(problem) => return Err(self.malformed(problem)),
                Ok(None) => self.buffer.consume(length as usize),
                Ok(packet) => {
                    self.unconsumed = length as usize;
                    return Ok(packet);
                }
            }
        }
    }

    /// Whether there is another record; reads its first `len` bytes.
    #[inline]
    fn has_head(&mut self, len: usize) -> Result<bool, RecordError> {
        let is_there = self.buffer.fill(len).map_err(|_| RecordError::Read { record: self.packets + 1 })?;
        if !is_there && !self.buffer.data().is_empty() {
            return Err(self.cut(None));
        }
        Ok(is_there)
    }

    /// Reads all of a record of this length.
    #[inline]
    fn read_whole(&mut self, length: u64) -> Result<(), RecordError> {
        let start = self.buffer.offset();
        if length > MAX_RECORD {
            return Err(RecordError::TooLong { record: self.packets + 1, start, length });
        }
        if length > self.buffer.limit().saturating_sub(start) {
            return Err(self.cut(Some(length)));
        }
        match self.buffer.fill(length as usize) {
            Ok(true) => Ok(()),
            Ok(false) => Err(self.cut(Some(length))),
            Err(_) => Err(RecordError::Read { record: self.packets + 1 }),
        }
    }

    #[cold]
    fn cut(&mut self, length: Option<u64>) -> RecordError {
        let start = self.buffer.offset();
        let read = self.buffer.data().len() as u64;
        // A record that cannot be there is not read; its file has a length of its own.
        let present = match self.buffer.limit() {
            u64::MAX => read,
            limit => read.max(limit.saturating_sub(start)),
        };
        RecordError::Cut { record: self.packets + 1, end: start + present, present, length }
    }

    fn malformed(&self, problem: String) -> RecordError {
        RecordError::Malformed { record: self.packets + 1, start: self.buffer.offset(), problem }
    }
}

enum Format {
    Pcap(Pcap),
    PcapNg(PcapNg),
}

/// What is in a file, unpacked where it is compressed.
pub(crate) fn open_unpacked(path: &Path) -> Result<Box<dyn Read + Send>, RecordError> {
    let file = File::open(path).map_err(RecordError::Open)?;
    unpack(Box::new(file), u64::MAX).map(|(source, ..)| source)
}

/// Whether the file starts like a capture, be it one of another tool.
pub(crate) fn looks_like_capture(path: &Path) -> bool {
    let head = open_unpacked(path).and_then(|mut source| head_of(&mut source).map_err(RecordError::Open));
    head.is_ok_and(|head| {
        let is_foreign = || Foreign::of(&head).is_some_and(|found| found.is_capture);
        Pcap::is_magic(&head) || PcapNg::is_magic(&head) || is_foreign()
    })
}

fn not_a_capture(head: &[u8], packed: bool) -> RecordError {
    if packed && Compression::of(head).is_some() {
        return RecordError::Foreign { what: "compressed with two programs", advice: "unpack it first", packed: false };
    }
    match Foreign::of(head) {
        Some(Foreign { what, advice, .. }) => RecordError::Foreign { what, advice, packed },
        None => RecordError::NotACapture,
    }
}
