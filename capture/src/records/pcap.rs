//! The pcap format: a header, and records of a time, two lengths and the frame.
//!
//! Source: G. Harris and M. Richardson, "PCAP Capture File Format", Internet-Draft draft-ietf-opsawg-pcap; the
//! variants of old systems as libpcap reads them.

use super::bytes::{u16_at, u32_at};
use super::{CaptureFormat, Packet, range};
use crate::packet::LinkType;

pub(super) const HEADER_LEN: usize = 24;

/// What the header of a file says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pcap {
    pub(super) link: LinkType,
    pub(super) snap_len: u32,
    big_endian: bool,
    nanoseconds: bool,
    record_header_len: usize,
    lengths: Lengths,
}

/// Which of the two lengths of a record comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lengths {
    CapturedFirst,
    /// As some systems wrote them before version 2.3.
    WireFirst,
    /// Version 2.3 had both; the captured length is the smaller one.
    SmallerIsCaptured,
}

/// The variants of the format by the first four bytes of the file.
struct Magic {
    big_endian: bool,
    nanoseconds: bool,
    record_header_len: usize,
}

impl Magic {
    fn of(head: &[u8]) -> Option<Self> {
        let variant =
            |big_endian, nanoseconds, record_header_len| Some(Self { big_endian, nanoseconds, record_header_len });
        match head {
            [0xd4, 0xc3, 0xb2, 0xa1, ..] => variant(false, false, 16),
            [0xa1, 0xb2, 0xc3, 0xd4, ..] => variant(true, false, 16),
            [0x4d, 0x3c, 0xb2, 0xa1, ..] => variant(false, true, 16),
            [0xa1, 0xb2, 0x3c, 0x4d, ..] => variant(true, true, 16),
            // "Modified" by a patch of old Linux tools: eight more bytes a record.
            [0x34, 0xcd, 0xb2, 0xa1, ..] => variant(false, false, 24),
            [0xa1, 0xb2, 0xcd, 0x34, ..] => variant(true, false, 24),
            _ => None,
        }
    }
}

impl Pcap {
    pub(super) fn is_magic(head: &[u8]) -> bool {
        Magic::of(head).is_some()
    }

    /// Reads the header of a file, [`HEADER_LEN`] bytes.
    pub(super) fn new(head: &[u8]) -> Result<Self, String> {
        let Some(Magic { big_endian, nanoseconds, record_header_len }) = Magic::of(head) else {
            return Err("the header makes no sense".to_owned());
        };
        let (major, minor) = (u16_at(head, 4, big_endian), u16_at(head, 6, big_endian));
        let lengths = match (major, minor) {
            (2, 0..=2) => Lengths::WireFirst,
            (2, 3) => Lengths::SmallerIsCaptured,
            (2, _) => Lengths::CapturedFirst,
            _ => return Err(format!("pcap version {major}.{minor}, only 2 is known")),
        };
        Ok(Self {
            // Above are the length of the frame check sequence and a flag that says whether it is known.
            link: LinkType(u32_at(head, 20, big_endian) & 0x03ff_ffff),
            snap_len: u32_at(head, 16, big_endian),
            big_endian,
            nanoseconds,
            record_header_len,
            lengths,
        })
    }

    pub(super) fn format(&self) -> CaptureFormat {
        CaptureFormat::Pcap { nanoseconds: self.nanoseconds }
    }

    pub(super) fn record_header_len(&self) -> usize {
        self.record_header_len
    }

    /// The packet whose record `data` starts with; `data` holds its header at least.
    #[inline]
    pub(super) fn packet(&self, data: &[u8]) -> Packet {
        let field = |at| u32_at(data, at, self.big_endian);
        let (first, second) = (field(8), field(12));
        let (captured, orig_len) = match self.lengths {
            Lengths::CapturedFirst => (first, second),
            Lengths::WireFirst => (second, first),
            Lengths::SmallerIsCaptured => (first.min(second), first.max(second)),
        };
        let ns_per_fraction = if self.nanoseconds { 1 } else { 1_000 };
        let time_ns = i64::from(field(0)) * 1_000_000_000 + i64::from(field(4)) * ns_per_fraction;
        Packet {
            link: self.link,
            time_ns: Some(time_ns),
            orig_len,
            bytes: range(self.record_header_len, captured as usize),
        }
    }
}
