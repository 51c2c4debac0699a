//! One captured frame -> one TCP segment. The only module that knows etherparse.

use std::net::IpAddr;

use etherparse::{EtherType, IpNumber, Ipv6ExtensionSlice, LaxIpPayloadSlice, LaxNetSlice, LaxSlicedPacket, ip_number};

use crate::endpoint::Endpoint;
use crate::link::{Framing, LinkType};
use crate::stats::Reason;

/// What a trace needs of a TCP segment in an IP packet.
///
/// Lengths are those on the wire, from the IP header: the snap length of the capture and the padding of short Ethernet
/// frames do not change them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Segment<'a> {
    pub(crate) source: Endpoint,
    pub(crate) destination: Endpoint,
    /// IP total length in bytes.
    pub(crate) ip_len: u32,
    /// Sequence number of the first byte of payload, or of the SYN.
    pub(crate) seq: u32,
    pub(crate) flags: TcpFlags,
    /// TCP payload in bytes, on the wire.
    pub(crate) payload_len: u32,
    /// What was captured of the payload: at most `payload_len` bytes, fewer where the snap length cuts it.
    pub(crate) payload: &'a [u8],
    /// The first of several IP fragments; its lengths are those of the fragment.
    pub(crate) fragment: bool,
}

/// The flags of a TCP header.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct TcpFlags(pub(crate) u8);

impl TcpFlags {
    pub(crate) fn syn(self) -> bool {
        self.0 & 0x02 != 0
    }

    pub(crate) fn ack(self) -> bool {
        self.0 & 0x10 != 0
    }
}

impl<'a> Segment<'a> {
    /// Reads a frame of `orig_len` bytes on the wire of which `data` was captured.
    pub(crate) fn from_frame(link: LinkType, data: &'a [u8], orig_len: u32) -> Result<Self, Reason> {
        let (packet, ip_captured) = slice(link, data)?;
        // On the wire, what is not link header. Only of use where the IP header does not say (segmentation offload).
        let link_len = (data.len() - ip_captured) as u32;
        let ip = IpHeader::new(packet.net.as_ref().ok_or_else(|| no_ip(&packet))?, orig_len.checked_sub(link_len))?;

        if ip.payload.ip_number != ip_number::TCP {
            return Err(if is_passed_over(ip.payload.ip_number) { Reason::HeaderCut } else { Reason::NotTcp });
        }
        if ip.fragment_offset > 0 {
            return Err(Reason::Fragment);
        }
        let transport_len = ip.total_len.saturating_sub(ip.headers_len);
        if transport_len < TCP_HEADER_LEN {
            return Err(Reason::ImpossibleLength);
        }

        // Not etherparse's TCP slice: it wants the whole header, options included, and a snap length of 64 cuts them.
        // All that counts is in the first 14 bytes.
        let tcp = ip.payload.payload.first_chunk::<14>().ok_or(Reason::HeaderCut)?;
        let tcp_header_len = u32::from(tcp[12] >> 4) * 4;
        if tcp_header_len < TCP_HEADER_LEN || tcp_header_len > transport_len {
            return Err(Reason::ImpossibleLength);
        }
        let payload_len = transport_len - tcp_header_len;
        let after_header = ip.payload.payload.get(tcp_header_len as usize..).unwrap_or(&[]);
        // Behind the packet there may be the padding of a short Ethernet frame.
        let captured = after_header.len().min(payload_len as usize);
        Ok(Self {
            source: endpoint(ip.source, u16::from_be_bytes([tcp[0], tcp[1]])),
            destination: endpoint(ip.destination, u16::from_be_bytes([tcp[2], tcp[3]])),
            ip_len: ip.total_len,
            seq: u32::from_be_bytes([tcp[4], tcp[5], tcp[6], tcp[7]]),
            flags: TcpFlags(tcp[13]),
            payload_len,
            payload: &after_header[..captured],
            fragment: ip.payload.fragmented,
        })
    }
}

fn endpoint(address: IpAddr, port: u16) -> Endpoint {
    match address {
        IpAddr::V4(v4) => Endpoint::v4(v4.octets(), port),
        IpAddr::V6(v6) => Endpoint::v6(v6.octets(), port),
    }
}

/// A TCP header without options, in bytes.
const TCP_HEADER_LEN: u32 = 20;

/// The IPv6 extension headers that etherparse goes past. Where one is the last header seen, the capture ends inside
/// it and the header that would tell TCP from others is not there.
fn is_passed_over(number: IpNumber) -> bool {
    use ip_number::{AUTH, IPV6_DEST_OPTIONS, IPV6_FRAG, IPV6_HOP_BY_HOP, IPV6_ROUTE};
    matches!(number, IPV6_HOP_BY_HOP | IPV6_ROUTE | IPV6_FRAG | IPV6_DEST_OPTIONS | AUTH)
}

/// Slices a frame down to IP and below, as far as it goes; also how many bytes of `data` belong to the IP packet.
fn slice(link: LinkType, data: &[u8]) -> Result<(LaxSlicedPacket<'_>, usize), Reason> {
    let framing = link.framing().ok_or(Reason::LinkType)?;
    let packet = match framing {
        Framing::Ethernet => LaxSlicedPacket::from_ethernet(data).map_err(|_| Reason::HeaderCut)?,
        Framing::Cooked { protocol_at, header_len } => {
            let payload = data.get(header_len..).ok_or(Reason::HeaderCut)?;
            let protocol = u16::from_be_bytes([data[protocol_at], data[protocol_at + 1]]);
            LaxSlicedPacket::from_ether_type(EtherType(protocol), payload)
        }
        Framing::Ip => return raw_ip(data),
        Framing::Loopback => {
            let (family, payload) = data.split_first_chunk::<4>().ok_or(Reason::HeaderCut)?;
            let family = u32::from_be_bytes(*family);
            // AF_INET everywhere; AF_INET6 of Linux, NetBSD and OpenBSD, FreeBSD, macOS; in either byte order.
            let is_ip = [2, 10, 24, 28, 30].iter().any(|&ip| family == ip || family.swap_bytes() == ip);
            return if is_ip { raw_ip(payload) } else { Err(Reason::NotIp) };
        }
    };
    let ip_captured = packet.ether_payload().map_or(0, |payload| payload.payload.len());
    Ok((packet, ip_captured))
}

fn raw_ip(data: &[u8]) -> Result<(LaxSlicedPacket<'_>, usize), Reason> {
    use etherparse::err::ip::LaxHeaderSliceError;
    match LaxSlicedPacket::from_ip(data) {
        Ok(packet) => Ok((packet, data.len())),
        Err(LaxHeaderSliceError::Len(_)) => Err(Reason::HeaderCut),
        Err(LaxHeaderSliceError::Content(_)) => Err(Reason::NotIp),
    }
}

/// Why there is no IP header in `packet`.
fn no_ip(packet: &LaxSlicedPacket<'_>) -> Reason {
    use etherparse::err::packet::SliceError;
    match packet.stop_err {
        Some((SliceError::Len(_), _)) => Reason::HeaderCut,
        _ => Reason::NotIp,
    }
}

/// What both IP versions say about a packet.
struct IpHeader<'a> {
    source: IpAddr,
    destination: IpAddr,
    /// The whole IP packet in bytes, on the wire.
    total_len: u32,
    /// All headers before TCP, in bytes.
    headers_len: u32,
    /// In units of 8 bytes; 0 for the first or only fragment.
    fragment_offset: u16,
    payload: LaxIpPayloadSlice<'a>,
}

impl<'a> IpHeader<'a> {
    /// `on_wire` is the length that the capture gives for the IP packet, used where the header says 0, as packets do
    /// that the network card is to cut into segments (and IPv6 jumbograms).
    fn new(net: &LaxNetSlice<'a>, on_wire: Option<u32>) -> Result<Self, Reason> {
        let header = match net {
            LaxNetSlice::Ipv4(ip) => {
                let header = ip.header();
                let authentication = ip.extensions().auth.map_or(0, |auth| auth.slice().len());
                Self {
                    source: header.source_addr().into(),
                    destination: header.destination_addr().into(),
                    total_len: stated_or(header.total_len().into(), on_wire)?,
                    headers_len: (header.slice().len() + authentication) as u32,
                    fragment_offset: header.fragments_offset().value(),
                    payload: ip.payload().clone(),
                }
            }
            LaxNetSlice::Ipv6(ip) => {
                let header = ip.header();
                let payload_len = u32::from(header.payload_length());
                let stated = if payload_len == 0 { 0 } else { 40 + payload_len };
                Self {
                    source: header.source_addr().into(),
                    destination: header.destination_addr().into(),
                    total_len: stated_or(stated, on_wire)?,
                    headers_len: 40 + ip.extensions().slice().len() as u32,
                    fragment_offset: ip.extensions().clone().into_iter().find_map(offset_of_fragment).unwrap_or(0),
                    payload: ip.payload().clone(),
                }
            }
            LaxNetSlice::Arp(_) => return Err(Reason::NotIp),
        };
        Ok(header)
    }
}

/// The length that the header states; `on_wire` where it states 0. A size must fit a trace's `i32`.
fn stated_or(stated: u32, on_wire: Option<u32>) -> Result<u32, Reason> {
    let len = if stated > 0 { stated } else { on_wire.unwrap_or(0) };
    if len > i32::MAX as u32 { Err(Reason::ImpossibleLength) } else { Ok(len) }
}

fn offset_of_fragment(extension: Ipv6ExtensionSlice<'_>) -> Option<u16> {
    match extension {
        Ipv6ExtensionSlice::Fragment(fragment) => Some(fragment.fragment_offset().value()),
        _ => None,
    }
}
