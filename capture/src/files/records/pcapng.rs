//! The pcapng format: sections of blocks, each of a type and a length.
//!
//! Source: M. Tuexen et al., "PCAP Now Generic (pcapng) Capture File Format", Internet-Draft
//! draft-ietf-opsawg-pcapng. pcap-parser reads what is in the blocks, but for packets, of which there are many.

use pcap_parser::{Block, InterfaceDescriptionBlock, OptionCode, parse_block_be, parse_block_le};

use super::bytes::u32_at;
use super::packet::{CaptureFormat, Packet, range};
use super::unit::{TimeUnit, UnitFound};
use crate::packet::LinkType;

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
const OBSOLETE_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;

/// Bytes of a block that tell its type and length, and of a section its byte order.
pub(super) const BLOCK_HEAD: usize = 12;

/// The section that is being read, and how many there were.
#[derive(Default)]
pub(super) struct PcapNg {
    big_endian: bool,
    interfaces: Vec<Interface>,
    sections_seen: u64,
    interfaces_seen: u64,
    ticks: Ticks,
    /// The unit of all times, whatever the file says.
    unit: Option<TimeUnit>,
}

/// The times of all packets as they are in the file.
#[derive(Debug, Clone, Copy)]
struct Ticks {
    smallest: u64,
    largest: u64,
    /// Of all interfaces, where they share it.
    resolution: Option<Resolution>,
    are_mixed: bool,
}

impl Default for Ticks {
    fn default() -> Self {
        Self { smallest: u64::MAX, largest: 0, resolution: None, are_mixed: false }
    }
}

impl Ticks {
    #[inline]
    fn see(&mut self, ticks: u64, interface: &Interface) {
        self.smallest = self.smallest.min(ticks);
        self.largest = self.largest.max(ticks);
        self.are_mixed |=
            self.resolution.is_some_and(|known| known.0 != interface.resolution.0) || interface.offset_s != 0;
        self.resolution = Some(interface.resolution);
    }
}

struct Interface {
    link: LinkType,
    snap_len: u32,
    resolution: Resolution,
    offset_s: i64,
}

impl PcapNg {
    pub(super) fn is_magic(head: &[u8]) -> bool {
        head.starts_with(&SECTION_HEADER.to_be_bytes())
    }

    pub(super) fn format(&self) -> CaptureFormat {
        CaptureFormat::PcapNg { sections: self.sections_seen, interfaces: self.interfaces_seen }
    }

    /// The snap length of all interfaces of the section, where they share one.
    pub(super) fn snap_len(&self) -> Option<u32> {
        let (first, others) = self.interfaces.split_first()?;
        others.iter().all(|other| other.snap_len == first.snap_len).then_some(first.snap_len)
    }

    /// The length that the block states whose first [`BLOCK_HEAD`] bytes are given.
    #[inline]
    pub(super) fn block_len(&mut self, head: &[u8]) -> u32 {
        if Self::is_magic(head) {
            // The header of a section tells its byte order by itself.
            self.big_endian = u32_at(head, 8, true) == 0x1a2b_3c4d;
        }
        u32_at(head, 4, self.big_endian)
    }

    /// Reads a whole block: the packet in it, if there is one. Takes note of what it says about later ones.
    #[inline]
    pub(super) fn read(&mut self, block: &[u8]) -> Result<Option<Packet>, String> {
        let block_type = u32_at(block, 0, self.big_endian);
        match block_type {
            ENHANCED_PACKET => self.enhanced_packet(block).map(Some),
            OBSOLETE_PACKET => self.obsolete_packet(block).map(Some),
            SECTION_HEADER | INTERFACE_DESCRIPTION | SIMPLE_PACKET => self.parse(block),
            _ => Ok(None),
        }
    }

    #[inline]
    fn enhanced_packet(&mut self, block: &[u8]) -> Result<Packet, String> {
        let [interface, high, low, captured, orig_len] = self.fields(block)?;
        self.packet(block, interface, [high, low, captured, orig_len])
    }

    /// The packet block of the first drafts of the format: as the enhanced one, but for a 16-bit interface.
    fn obsolete_packet(&mut self, block: &[u8]) -> Result<Packet, String> {
        let [interface, high, low, captured, orig_len] = self.fields(block)?;
        let interface = if self.big_endian { interface >> 16 } else { interface & 0xffff };
        self.packet(block, interface, [high, low, captured, orig_len])
    }

    #[inline]
    fn packet(&mut self, block: &[u8], id: u32, [high, low, captured, orig_len]: [u32; 4]) -> Result<Packet, String> {
        let interface = self.interfaces.get(id as usize).ok_or_else(|| format!("interface {id} is not described"))?;
        if captured as usize > block.len() - 32 {
            return Err("the packet is longer than its block".to_owned());
        }
        let ticks = u64::from(high) << 32 | u64::from(low);
        self.ticks.see(ticks, interface);
        let time_ns = interface.time_ns(ticks);
        Ok(Packet { link: interface.link, interface: id, time_ns, orig_len, bytes: range(28, captured as usize) })
    }

    /// Reads times in this unit, whatever the file says.
    pub(super) fn read_in(&mut self, unit: TimeUnit) {
        self.unit = Some(unit);
    }

    /// What the times of the packets that were read tell of the unit: where all are before 1990 or after 2150, and those of
    /// just one other unit are not, it is that.
    pub(super) fn unit(&self) -> UnitFound {
        const FROM_NS: i128 = 631_152_000_000_000_000;
        const TO_NS: i128 = 5_680_281_600_000_000_000;
        let Ticks { smallest, largest, resolution, are_mixed } = self.ticks;
        let Some(stated) = resolution.filter(|_| !are_mixed && self.unit.is_none()) else { return UnitFound::Stated };
        let is_right = |resolution: Resolution| {
            [smallest, largest].into_iter().all(|ticks| (FROM_NS..TO_NS).contains(&resolution.to_ns(ticks)))
        };
        let is_wrong = [smallest, largest].into_iter().all(|ticks| !(FROM_NS..TO_NS).contains(&stated.to_ns(ticks)));
        match TimeUnit::ALL.into_iter().find(|unit| is_wrong && is_right(Resolution(unit.0))) {
            None => UnitFound::Stated,
            Some(unit) => UnitFound::Other(
                unit,
                format!(
                    "all times are before 1990 or after 2150 in the resolution that the file states; they are read in units of 10^-{} \
                 s, which fits",
                    unit.0
                ),
            ),
        }
    }

    /// The first five numbers of a block that ends as it should.
    #[inline]
    fn fields(&self, block: &[u8]) -> Result<[u32; 5], String> {
        if block.len() < 32 {
            return Err("the packet block is too short".to_owned());
        }
        if u32_at(block, block.len() - 4, self.big_endian) as usize != block.len() {
            return Err("the block makes no sense: its two lengths differ".to_owned());
        }
        let field = |at| u32_at(block, at, self.big_endian);
        Ok([field(8), field(12), field(16), field(20), field(24)])
    }

    fn parse(&mut self, block: &[u8]) -> Result<Option<Packet>, String> {
        let parse = if self.big_endian { parse_block_be } else { parse_block_le };
        let (_, block) = parse(block).map_err(|_| "the block makes no sense".to_owned())?;
        match block {
            Block::SectionHeader(header) => {
                if header.major_version != 1 {
                    let (major, minor) = (header.major_version, header.minor_version);
                    return Err(format!("pcapng version {major}.{minor}, only 1 is known"));
                }
                self.interfaces.clear();
                self.sections_seen += 1;
                Ok(None)
            }
            Block::InterfaceDescription(description) => {
                let mut interface = Interface::new(&description, self.big_endian);
                if let Some(unit) = self.unit {
                    interface.resolution = Resolution(unit.0);
                }
                self.interfaces.push(interface);
                self.interfaces_seen += 1;
                Ok(None)
            }
            Block::SimplePacket(packet) => {
                let interface = self.interface(0)?;
                let snap_len = if interface.snap_len == 0 { u32::MAX } else { interface.snap_len };
                let captured = (packet.origlen.min(snap_len) as usize).min(packet.data.len());
                let bytes = range(12, captured);
                Ok(Some(Packet { link: interface.link, interface: 0, time_ns: None, orig_len: packet.origlen, bytes }))
            }
            _ => Ok(None),
        }
    }

    #[inline]
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

    #[inline]
    fn time_ns(&self, ticks: u64) -> Option<i64> {
        let time_ns = self.resolution.to_ns(ticks) + i128::from(self.offset_s) * 1_000_000_000;
        i64::try_from(time_ns).ok().filter(|&time_ns| time_ns >= 0)
    }
}

/// The option `if_tsresol`: ticks of 10^-n s, or of 2^-n s where the highest bit is set.
#[derive(Debug, Clone, Copy)]
struct Resolution(u8);

impl Resolution {
    #[inline]
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
