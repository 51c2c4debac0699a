//! The IP header of a packet (RFC 791, RFC 8200), with its extension headers.

use crate::import::stats::Reason;
use crate::packet::endpoint::{Address, Endpoint};

pub(super) const IP_IN_IP: u8 = 4;
pub(super) const TCP: u8 = 6;
pub(super) const UDP: u8 = 17;
pub(super) const IPV6_IN_IP: u8 = 41;
pub(super) const GRE: u8 = 47;

/// What both IP versions say about a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ip<'a> {
    source: Address,
    destination: Address,
    /// What is in the payload.
    pub(super) protocol: u8,
    /// The whole IP packet in bytes, on the wire.
    pub(super) total_len: u32,
    /// All headers before the payload, in bytes.
    pub(super) headers_len: u32,
    /// In units of 8 bytes; 0 for the first or only fragment.
    pub(super) fragment_offset: u16,
    pub(super) more_fragments: bool,
    /// The capture ends inside of an extension header: `protocol` is not that of the payload.
    pub(super) is_cut: bool,
    /// What was captured of the payload, without what is behind the packet (padding of a short Ethernet frame).
    pub(super) payload: &'a [u8],
}

impl<'a> Ip<'a> {
    /// Reads the header at the start of `packet`.
    ///
    /// `on_wire` is the length that the capture gives for the packet, used where the header says 0, as packets do that
    /// the network card is to cut into segments (and IPv6 jumbograms).
    #[inline(always)]
    pub(super) fn new(packet: &'a [u8], on_wire: Option<u32>) -> Result<Self, Reason> {
        let ip = match packet.first().ok_or(Reason::HeaderCut)? >> 4 {
            4 => Self::v4(packet, on_wire)?,
            6 => Self::v6(packet, on_wire)?,
            _ => return Err(Reason::NotIp),
        };
        // Nearly all packets have none.
        Ok(if is_extension(ip.protocol) { ip.behind_extensions() } else { ip })
    }

    #[inline(always)]
    fn v4(packet: &'a [u8], on_wire: Option<u32>) -> Result<Self, Reason> {
        let header = packet.first_chunk::<20>().ok_or(Reason::HeaderCut)?;
        let header_len = usize::from(header[0] & 0x0f) * 4;
        if header_len < 20 {
            return Err(Reason::NotIp);
        }
        if packet.len() < header_len {
            return Err(Reason::HeaderCut);
        }
        let total_len = stated_or(u16::from_be_bytes([header[2], header[3]]).into(), on_wire)?;
        let fragment = u16::from_be_bytes([header[6], header[7]]);
        Ok(Self {
            source: Address::v4(array(&header[12..16])),
            destination: Address::v4(array(&header[16..20])),
            protocol: header[9],
            total_len,
            headers_len: header_len as u32,
            fragment_offset: fragment & 0x1fff,
            more_fragments: fragment & 0x2000 != 0,
            is_cut: false,
            payload: between(packet, header_len, total_len),
        })
    }

    #[inline(always)]
    fn v6(packet: &'a [u8], on_wire: Option<u32>) -> Result<Self, Reason> {
        let header = packet.first_chunk::<40>().ok_or(Reason::HeaderCut)?;
        let payload_len = u32::from(u16::from_be_bytes([header[4], header[5]]));
        let total_len = stated_or(if payload_len == 0 { 0 } else { 40 + payload_len }, on_wire)?;
        Ok(Self {
            source: Address::v6(array(&header[8..24])),
            destination: Address::v6(array(&header[24..40])),
            protocol: header[6],
            total_len,
            headers_len: 40,
            fragment_offset: 0,
            more_fragments: false,
            is_cut: false,
            payload: between(packet, 40, total_len),
        })
    }

    /// Goes past the extension headers, up to what the packet carries or the end of what was captured. Behind the
    /// header of a later fragment is no header.
    #[cold]
    fn behind_extensions(mut self) -> Self {
        while is_extension(self.protocol) && self.fragment_offset == 0 {
            let Some(&[next, length, high, low]) = self.payload.first_chunk() else { break };
            let header_len = match self.protocol {
                FRAGMENT => 8,
                AUTHENTICATION => (usize::from(length) + 2) * 4,
                _ => (usize::from(length) + 1) * 8,
            };
            let Some(payload) = self.payload.get(header_len..) else { break };
            if self.protocol == FRAGMENT {
                let fragment = u16::from_be_bytes([high, low]);
                self.fragment_offset = fragment >> 3;
                self.more_fragments = fragment & 1 != 0;
            }
            self.protocol = next;
            self.headers_len += header_len as u32;
            self.payload = payload;
        }
        // The header that would tell TCP from others is not there.
        self.is_cut = is_extension(self.protocol) && self.fragment_offset == 0;
        self
    }

    /// Source and destination, with the ports that a transport header starts with.
    #[inline(always)]
    pub(super) fn endpoints(&self, ports: [u8; 4]) -> [Endpoint; 2] {
        let [a, b, c, d] = ports;
        [
            Endpoint::at(self.source, u16::from_be_bytes([a, b])),
            Endpoint::at(self.destination, u16::from_be_bytes([c, d])),
        ]
    }
}

const FRAGMENT: u8 = 44;
const AUTHENTICATION: u8 = 51;

/// The extension headers of IPv6 (RFC 7045); of them the authentication header is also behind those of IPv4.
#[inline]
fn is_extension(protocol: u8) -> bool {
    const HOP_BY_HOP: u8 = 0;
    const ROUTING: u8 = 43;
    const DESTINATION: u8 = 60;
    const MOBILITY: u8 = 135;
    const HOST_IDENTITY: u8 = 139;
    const SHIM6: u8 = 140;
    matches!(
        protocol,
        HOP_BY_HOP | ROUTING | FRAGMENT | AUTHENTICATION | DESTINATION | MOBILITY | HOST_IDENTITY | SHIM6
    )
}

/// The length that the header states; `on_wire` where it states 0. A size must fit a trace's `i32`.
#[inline]
fn stated_or(stated: u32, on_wire: Option<u32>) -> Result<u32, Reason> {
    let len = if stated > 0 { stated } else { on_wire.unwrap_or(0) };
    if len > i32::MAX as u32 { Err(Reason::ImpossibleLength) } else { Ok(len) }
}

/// What was captured of the payload.
#[inline]
fn between(packet: &[u8], headers_len: usize, total_len: u32) -> &[u8] {
    let end = packet.len().min((total_len as usize).max(headers_len));
    packet.get(headers_len..end).unwrap_or(&[])
}

fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.try_into().expect("as many bytes as the address has")
}
