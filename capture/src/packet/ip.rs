//! The IP header of a packet. The only module that knows etherparse.

use etherparse::{Ipv6ExtensionSlice, LaxIpPayloadSlice, LaxIpSlice, ip_number};

use crate::endpoint::Endpoint;
use crate::stats::Reason;

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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Address {
    V4([u8; 4]),
    V6([u8; 16]),
}

impl Address {
    fn endpoint(self, port: [u8; 2]) -> Endpoint {
        let port = u16::from_be_bytes(port);
        match self {
            Self::V4(address) => Endpoint::v4(address, port),
            Self::V6(address) => Endpoint::v6(address, port),
        }
    }
}

impl<'a> Ip<'a> {
    /// Reads the header at the start of `packet`.
    ///
    /// `on_wire` is the length that the capture gives for the packet, used where the header says 0, as packets do that
    /// the network card is to cut into segments (and IPv6 jumbograms).
    #[inline]
    pub(super) fn new(packet: &'a [u8], on_wire: Option<u32>) -> Result<Self, Reason> {
        // Nearly all packets have no extension headers, and nearly all time would go into looking for them.
        match plain(packet, on_wire)? {
            Some(ip) => Ok(ip),
            None => with_extensions(packet, on_wire),
        }
    }

    /// Source and destination, with the ports that a transport header starts with.
    #[inline]
    pub(super) fn endpoints(&self, ports: [u8; 4]) -> [Endpoint; 2] {
        let [a, b, c, d] = ports;
        [self.source.endpoint([a, b]), self.destination.endpoint([c, d])]
    }
}

/// A packet without extension headers; `None` where it has some.
#[inline]
fn plain(packet: &[u8], on_wire: Option<u32>) -> Result<Option<Ip<'_>>, Reason> {
    match packet.first().ok_or(Reason::HeaderCut)? >> 4 {
        4 => {
            let header = packet.first_chunk::<20>().ok_or(Reason::HeaderCut)?;
            let header_len = usize::from(header[0] & 0x0f) * 4;
            if header_len < 20 {
                return Err(Reason::NotIp);
            }
            if packet.len() < header_len {
                return Err(Reason::HeaderCut);
            }
            let protocol = header[9];
            if protocol == ip_number::AUTH.0 {
                return Ok(None);
            }
            let total_len = stated_or(u16::from_be_bytes([header[2], header[3]]).into(), on_wire)?;
            let fragment = u16::from_be_bytes([header[6], header[7]]);
            Ok(Some(Ip {
                source: Address::V4(array(&header[12..16])),
                destination: Address::V4(array(&header[16..20])),
                protocol,
                total_len,
                headers_len: header_len as u32,
                fragment_offset: fragment & 0x1fff,
                more_fragments: fragment & 0x2000 != 0,
                is_cut: false,
                payload: between(packet, header_len, total_len),
            }))
        }
        6 => {
            let header = packet.first_chunk::<40>().ok_or(Reason::HeaderCut)?;
            let protocol = header[6];
            if is_extension(protocol) {
                return Ok(None);
            }
            let payload_len = u32::from(u16::from_be_bytes([header[4], header[5]]));
            let total_len = stated_or(if payload_len == 0 { 0 } else { 40 + payload_len }, on_wire)?;
            Ok(Some(Ip {
                source: Address::V6(array(&header[8..24])),
                destination: Address::V6(array(&header[24..40])),
                protocol,
                total_len,
                headers_len: 40,
                fragment_offset: 0,
                more_fragments: false,
                is_cut: false,
                payload: between(packet, 40, total_len),
            }))
        }
        _ => Err(Reason::NotIp),
    }
}

/// A packet with an authentication header, or with any of those that IPv6 has.
#[cold]
fn with_extensions(packet: &[u8], on_wire: Option<u32>) -> Result<Ip<'_>, Reason> {
    use etherparse::err::ip::LaxHeaderSliceError;
    let (ip, _) = LaxIpSlice::from_slice(packet).map_err(|error| match error {
        LaxHeaderSliceError::Len(_) => Reason::HeaderCut,
        LaxHeaderSliceError::Content(_) => Reason::NotIp,
    })?;
    let ends = |payload: &LaxIpPayloadSlice<'_>| (payload.ip_number.0, payload.fragmented);
    Ok(match &ip {
        LaxIpSlice::Ipv4(ip) => {
            let header = ip.header();
            let authentication = ip.extensions().auth.map_or(0, |auth| auth.slice().len());
            let headers_len = header.slice().len() + authentication;
            let total_len = stated_or(header.total_len().into(), on_wire)?;
            let (protocol, more_fragments) = ends(ip.payload());
            Ip {
                source: Address::V4(header.source()),
                destination: Address::V4(header.destination()),
                protocol,
                total_len,
                headers_len: headers_len as u32,
                fragment_offset: header.fragments_offset().value(),
                more_fragments,
                is_cut: is_extension(protocol),
                payload: between(packet, headers_len, total_len),
            }
        }
        LaxIpSlice::Ipv6(ip) => {
            let header = ip.header();
            let payload_len = u32::from(header.payload_length());
            let total_len = stated_or(if payload_len == 0 { 0 } else { 40 + payload_len }, on_wire)?;
            let headers_len = 40 + ip.extensions().slice().len();
            let (protocol, more_fragments) = ends(ip.payload());
            Ip {
                source: Address::V6(header.source()),
                destination: Address::V6(header.destination()),
                protocol,
                total_len,
                headers_len: headers_len as u32,
                fragment_offset: ip.extensions().clone().into_iter().find_map(offset_of_fragment).unwrap_or(0),
                more_fragments,
                is_cut: is_extension(protocol),
                payload: between(packet, headers_len, total_len),
            }
        }
    })
}

/// The extension headers that etherparse goes past. Where one is the last header seen, the capture ends inside it and
/// the header that would tell TCP from others is not there.
fn is_extension(protocol: u8) -> bool {
    use ip_number::{AUTH, HIP, IPV6_DEST_OPTIONS, IPV6_FRAG, IPV6_HOP_BY_HOP, IPV6_ROUTE, MOBILITY, SHIM6};
    [AUTH, IPV6_DEST_OPTIONS, IPV6_FRAG, IPV6_HOP_BY_HOP, IPV6_ROUTE, MOBILITY, HIP, SHIM6]
        .iter()
        .any(|n| n.0 == protocol)
}

fn offset_of_fragment(extension: Ipv6ExtensionSlice<'_>) -> Option<u16> {
    match extension {
        Ipv6ExtensionSlice::Fragment(fragment) => Some(fragment.fragment_offset().value()),
        _ => None,
    }
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
