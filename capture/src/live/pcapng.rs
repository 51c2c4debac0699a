//! Writing pcapng.

use std::io::{self, Write};

use super::source::{Counters, Packet};
use crate::packet::LinkType;

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
const INTERFACE_STATISTICS: u32 = 5;
const ENHANCED_PACKET: u32 = 6;

/// The interface that packets are recorded on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InterfaceDescription {
    /// What frames start with.
    pub link: LinkType,
    /// Bytes of a frame that are recorded at most; 0 is all.
    pub snap_len: u32,
    /// Its name.
    pub name: String,
    /// The filter, empty where there is none.
    pub filter: String,
}

/// What is known about the recording at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InterfaceStatistics {
    /// Unix time in ns, not negative.
    pub time_ns: i64,
    /// Packets received and dropped.
    pub counters: Counters,
}

/// Writes one section with one interface, times in nanoseconds, little-endian: `draft-ietf-opsawg-pcapng`, PCAP Now Generic
/// (pcapng) Capture File Format.
///
/// Every block is whole when a call returns; a file without [`finish`](Self::finish) is valid and lacks the statistics
/// only, provided that `out` was flushed.
#[derive(Debug)]
pub struct PcapngWriter<W> {
    out: W,
    block: Vec<u8>,
}

impl<W: Write> PcapngWriter<W> {
    /// Writes section header and interface description. `application` is who writes.
    ///
    /// # Errors
    ///
    /// If `out` fails, or the link type has no number in pcapng (more than 65,535).
    pub fn new(out: W, interface: &InterfaceDescription, application: &str) -> io::Result<Self> {
        let link = u16::try_from(interface.link.0)
            .map_err(|_| io::Error::other(format!("pcapng has no link type {}", interface.link)))?;
        let mut writer = Self { out, block: Vec::new() };
        let block = writer.begin();
        block.extend(0x1a2b_3c4d_u32.to_le_bytes());
        block.extend(1_u16.to_le_bytes());
        block.extend(0_u16.to_le_bytes());
        block.extend((-1_i64).to_le_bytes()); // Length of the section: not told.
        option(block, 4, application.as_bytes());
        option(block, 0, &[]);
        writer.end(SECTION_HEADER)?;

        let block = writer.begin();
        block.extend(link.to_le_bytes());
        block.extend(0_u16.to_le_bytes());
        block.extend(interface.snap_len.to_le_bytes());
        option(block, 2, interface.name.as_bytes());
        option(block, 9, &[9]); // if_tsresol: 10^-9 s
        if !interface.filter.is_empty() {
            option(block, 11, &[&[0], interface.filter.as_bytes()].concat());
        }
        option(block, 0, &[]);
        writer.end(INTERFACE_DESCRIPTION)?;
        Ok(writer)
    }

    /// Writes a packet. A time before 1970 is written as 1970.
    ///
    /// # Errors
    ///
    /// If `out` fails.
    pub fn write(&mut self, packet: &Packet<'_>) -> io::Result<()> {
        let captured = u32::try_from(packet.data.len()).map_err(io::Error::other)?;
        let block = self.begin();
        block.extend(0_u32.to_le_bytes());
        block.extend(time(packet.time_ns));
        block.extend(captured.to_le_bytes());
        block.extend(packet.orig_len.to_le_bytes());
        block.extend(packet.data);
        pad(block);
        self.end(ENHANCED_PACKET)
    }

    /// Hands everything on to the system.
    ///
    /// # Errors
    ///
    /// If `out` fails.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// Writes the statistics and flushes.
    ///
    /// # Errors
    ///
    /// If `out` fails.
    pub fn finish(mut self, statistics: &InterfaceStatistics) -> io::Result<W> {
        let block = self.begin();
        block.extend(0_u32.to_le_bytes());
        block.extend(time(statistics.time_ns));
        option(block, 4, &statistics.counters.received.to_le_bytes()); // isb_ifrecv
        option(block, 5, &statistics.counters.dropped.to_le_bytes()); // isb_ifdrop
        option(block, 0, &[]);
        self.end(INTERFACE_STATISTICS)?;
        self.out.flush()?;
        Ok(self.out)
    }

    /// The body of the next block.
    fn begin(&mut self) -> &mut Vec<u8> {
        self.block.clear();
        &mut self.block
    }

    fn end(&mut self, kind: u32) -> io::Result<()> {
        let length = u32::try_from(self.block.len() + 12).map_err(io::Error::other)?.to_le_bytes();
        self.out.write_all(&kind.to_le_bytes())?;
        self.out.write_all(&length)?;
        self.out.write_all(&self.block)?;
        self.out.write_all(&length)
    }
}

/// The halves of a time, the upper one first.
fn time(time_ns: i64) -> [u8; 8] {
    let ticks = u64::try_from(time_ns).unwrap_or(0);
    let (high, low) = ((ticks >> 32) as u32, ticks as u32);
    let mut bytes = [0; 8];
    bytes[..4].copy_from_slice(&high.to_le_bytes());
    bytes[4..].copy_from_slice(&low.to_le_bytes());
    bytes
}

fn option(block: &mut Vec<u8>, code: u16, value: &[u8]) {
    let value = &value[..value.len().min(usize::from(u16::MAX))];
    block.extend(code.to_le_bytes());
    block.extend((value.len() as u16).to_le_bytes());
    block.extend(value);
    pad(block);
}

fn pad(block: &mut Vec<u8>) {
    block.resize(block.len().next_multiple_of(4), 0);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::records::Records;

    #[test]
    fn what_is_written_is_read() {
        let interface = InterfaceDescription {
            link: LinkType::ETHERNET,
            snap_len: 96,
            name: "veth0".to_owned(),
            filter: "tcp port 80".to_owned(),
        };
        let mut writer = PcapngWriter::new(Vec::new(), &interface, "wfkit").unwrap();
        let packets = [(1_700_000_000_123_456_789, 3, vec![1, 2, 3]), (0, 1500, vec![7; 96]), (i64::MAX, 0, vec![])];
        for (time_ns, orig_len, data) in &packets {
            writer.write(&Packet { time_ns: *time_ns, orig_len: *orig_len, data }).unwrap();
        }
        let statistics = InterfaceStatistics { time_ns: 5, counters: Counters { received: 4, dropped: 1 } };
        let bytes = writer.finish(&statistics).unwrap();
        let mut records = Records::from_bytes(bytes).unwrap();
        for (time_ns, orig_len, data) in packets {
            let record = records.next().unwrap().unwrap();
            assert_eq!((record.time_ns, record.orig_len, record.data), (Some(time_ns), orig_len, data.as_slice()));
            assert_eq!(record.link, LinkType::ETHERNET);
        }
        assert!(records.next().unwrap().is_none());
        assert_eq!(records.snap_len(), Some(96));
    }
}
