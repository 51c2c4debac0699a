//! What formats tell of a packet.

use std::ops::Range;

use crate::packet::LinkType;

/// The largest record (pcap) or block (pcapng) that is read, in bytes. Packets of networks stay below 256 KiB.
pub(super) const MAX_RECORD: u64 = 64 << 20;

/// The format of a capture, as far as it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaptureFormat {
    /// pcap, with times in microseconds or nanoseconds.
    Pcap {
        /// Times are in nanoseconds.
        nanoseconds: bool,
    },
    /// pcapng.
    PcapNg {
        /// Sections so far.
        sections: u64,
        /// Interfaces so far, in all sections.
        interfaces: u64,
    },
}

/// A packet in the record at the front of the buffer.
pub(super) struct Packet {
    pub(super) link: LinkType,
    pub(super) interface: u32,
    pub(super) time_ns: Option<i64>,
    pub(super) orig_len: u32,
    pub(super) bytes: Range<usize>,
}

pub(super) fn range(start: usize, len: usize) -> Range<usize> {
    start..start + len
}
