//! The pcap format: a header, and records of a time, two lengths and the frame.
//!
//! Source: G. Harris and M. Richardson, "PCAP Capture File Format", Internet-Draft draft-ietf-opsawg-pcap; the
//! variants of old systems as libpcap reads them.

use super::bytes::{u16_at, u32_at};
use super::packet::{CaptureFormat, Packet, range};
use super::unit::{TimeUnit, UnitFound};
use crate::packet::LinkType;

pub(super) const HEADER_LEN: usize = 24;

/// What the header of a file says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pcap {
    pub(super) link: LinkType,
    pub(super) snap_len: u32,
    big_endian: bool,
    nanoseconds: bool,
    /// Sub-second fields are below.
    per_second: u32,
    record_header_len: usize,
    lengths: Lengths,
    fractions: Fractions,
}

/// What the sub-second fields of the records are like.
#[derive(Debug, Clone, Copy, Default)]
struct Fractions {
    /// Above what the resolution allows.
    impossible: u64,
    first_impossible: u64,
    largest: u32,
    first_second: Option<u32>,
    other_seconds: bool,
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
            per_second: per_second(nanoseconds),
            record_header_len,
            lengths,
            fractions: Fractions::default(),
        })
    }

    pub(super) fn format(&self) -> CaptureFormat {
        CaptureFormat::Pcap { nanoseconds: self.nanoseconds }
    }

    /// Reads times in nanoseconds, or microseconds, whatever the file says.
    pub(super) fn read_in(&mut self, unit: TimeUnit) {
        self.nanoseconds = unit == TimeUnit::NANOSECONDS;
        self.per_second = per_second(self.nanoseconds);
    }

    /// What the times of the records that were read tell of the resolution.
    ///
    /// `records` is how many they were.
    pub(super) fn unit(&self, records: u64) -> UnitFound {
        let Fractions { impossible, first_impossible, largest, other_seconds, .. } = self.fractions;
        let most = self.per_second - 1;
        if impossible == 0 {
            // Hardly a packet of a capture of several seconds is in the first thousandth of one.
            let are_micros =
                self.nanoseconds && records >= 10 && other_seconds && (100_000..1_000_000).contains(&largest);
            return if are_micros {
                UnitFound::Other(
                    TimeUnit::MICROSECONDS,
                    format!(
                        "all sub-second fields are below 1000000: they are microseconds, though the file says nanoseconds, and are \
                     read so ({records} records)"
                    ),
                )
            } else {
                UnitFound::Stated
            };
        }
        if !self.nanoseconds && largest < 1_000_000_000 && impossible * 2 > records {
            return UnitFound::Other(
                TimeUnit::NANOSECONDS,
                format!(
                    "record {first_impossible}: a sub-second field above {most}, as {impossible} of {records} records have: they are \
                 nanoseconds, though the file says microseconds, and are read so"
                ),
            );
        }
        let what = format!("record {first_impossible}: a sub-second field above {most}");
        if impossible == 1 || impossible * 10 <= records {
            let are = if impossible == 1 {
                "it is left out".to_owned()
            } else {
                format!("{impossible} such records are left out")
            };
            UnitFound::Some(format!("{what} is no time; {are}"))
        } else {
            UnitFound::None(format!(
                "{what}, as {impossible} of {records} records have: no resolution fits all times; capture again, or drop these \
                 records with editcap"
            ))
        }
    }

    pub(super) fn record_header_len(&self) -> usize {
        self.record_header_len
    }

    /// The packet of this number, whose record `data` starts with; `data` holds its header at least.
    #[inline]
    pub(super) fn packet(&mut self, record: u64, data: &[u8]) -> Packet {
        let big_endian = self.big_endian;
        let field = |at| u32_at(data, at, big_endian);
        let (first, second) = (field(8), field(12));
        let (captured, orig_len) = match self.lengths {
            Lengths::CapturedFirst => (first, second),
            Lengths::WireFirst => (second, first),
            Lengths::SmallerIsCaptured => (first.min(second), first.max(second)),
        };
        let (second, fraction) = (field(0), field(4));
        let ns_per_fraction = if self.nanoseconds { 1 } else { 1_000 };
        let time_ns = i64::from(second) * 1_000_000_000 + i64::from(fraction) * ns_per_fraction;
        // Only these may be in another unit than the file says.
        let is_possible = fraction < self.per_second;
        if self.nanoseconds || !is_possible {
            self.fractions.see(record, second, fraction, is_possible);
        }
        Packet {
            link: self.link,
            interface: 0,
            time_ns: is_possible.then_some(time_ns),
            orig_len,
            bytes: range(self.record_header_len, captured as usize),
        }
    }
}

fn per_second(nanoseconds: bool) -> u32 {
    if nanoseconds { 1_000_000_000 } else { 1_000_000 }
}

impl Fractions {
    /// Takes note of the time of a record.
    fn see(&mut self, record: u64, second: u32, fraction: u32, is_possible: bool) {
        self.largest = self.largest.max(fraction);
        self.other_seconds |= *self.first_second.get_or_insert(second) != second;
        if !is_possible {
            self.impossible += 1;
            if self.impossible == 1 {
                self.first_impossible = record;
            }
        }
    }
}
