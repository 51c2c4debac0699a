//! One captured frame -> one TCP segment or UDP datagram.

pub(crate) mod endpoint;
mod ip;
mod link;
mod link_layer;
mod tunnel;

pub use link::LinkType;

use crate::import::stats::Reason;
use endpoint::Endpoint;

use ip::Ip;

/// What a trace needs of a TCP segment or UDP datagram in an IP packet.
///
/// Lengths are those on the wire, from the IP header: the snap length of the capture and the padding of short Ethernet
/// frames do not change them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Segment<'a> {
    pub(crate) source: Endpoint,
    pub(crate) destination: Endpoint,
    /// IP total length in bytes.
    pub(crate) ip_len: u32,
    /// TCP: sequence number of the first byte of payload, or of the SYN. UDP: 0.
    pub(crate) seq: u32,
    /// TCP: the flags. UDP: none.
    pub(crate) flags: TcpFlags,
    /// Payload of TCP or UDP in bytes, on the wire.
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
    pub(crate) fn fin(self) -> bool {
        self.0 & 0x01 != 0
    }

    pub(crate) fn syn(self) -> bool {
        self.0 & 0x02 != 0
    }

    pub(crate) fn rst(self) -> bool {
        self.0 & 0x04 != 0
    }

    pub(crate) fn psh(self) -> bool {
        self.0 & 0x08 != 0
    }

    pub(crate) fn ack(self) -> bool {
        self.0 & 0x10 != 0
    }
}

/// Which packets are looked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Decoder {
    pub(crate) transport: Transport,
    /// Look inside of tunnels: the packet in the packet counts where there is one.
    pub(crate) inner: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Transport {
    #[default]
    Tcp,
    Udp,
}

impl<'a> Segment<'a> {
    /// Reads a TCP segment from a frame of `orig_len` bytes on the wire of which `data` was captured.
    pub(crate) fn from_frame(link: LinkType, data: &'a [u8], orig_len: u32) -> Result<Self, Reason> {
        Decoder::default().segment(link, data, orig_len)
    }
}

impl Decoder {
    /// Reads a frame of `orig_len` bytes on the wire of which `data` was captured.
    #[inline(always)]
    pub(crate) fn segment<'a>(&self, link: LinkType, data: &'a [u8], orig_len: u32) -> Result<Segment<'a>, Reason> {
        let packet = link_layer::ip_packet(link, data)?;
        // On the wire, what is not link header. Only of use where the IP header does not say (segmentation offload).
        let link_len = (data.len() - packet.len()) as u32;
        let mut ip = Ip::new(packet, orig_len.checked_sub(link_len))?;
        if self.inner {
            ip = tunnel::innermost(ip)?;
        }
        match self.transport {
            Transport::Tcp => tcp(&ip),
            Transport::Udp => udp(&ip),
        }
    }
}

/// The IP packet in a frame, where there is one.
pub(crate) fn ip_packet_of(link: LinkType, data: &[u8]) -> Option<&[u8]> {
    link_layer::ip_packet(link, data).ok()
}

/// A TCP header without options, in bytes.
const TCP_HEADER_LEN: u32 = 20;

#[inline(always)]
fn tcp<'a>(ip: &Ip<'a>) -> Result<Segment<'a>, Reason> {
    if ip.protocol != ip::TCP {
        return Err(if ip.is_cut { Reason::HeaderCut } else { Reason::NotTcp });
    }
    let transport_len = transport_len(ip, TCP_HEADER_LEN)?;
    // All that counts is in the first 14 bytes: a snap length of 64 cuts the options of a header.
    let header = ip.payload.first_chunk::<14>().ok_or(Reason::HeaderCut)?;
    let header_len = u32::from(header[12] >> 4) * 4;
    if header_len < TCP_HEADER_LEN || header_len > transport_len {
        return Err(Reason::ImpossibleLength);
    }
    let [source, destination] = ip.endpoints(header[0..4].try_into().expect("four bytes"));
    Ok(Segment {
        source,
        destination,
        ip_len: ip.total_len,
        seq: u32::from_be_bytes([header[4], header[5], header[6], header[7]]),
        flags: TcpFlags(header[13]),
        payload_len: transport_len - header_len,
        payload: ip.payload.get(header_len as usize..).unwrap_or(&[]),
        fragment: ip.more_fragments,
    })
}

const UDP_HEADER_LEN: u32 = 8;

fn udp<'a>(ip: &Ip<'a>) -> Result<Segment<'a>, Reason> {
    if ip.protocol != ip::UDP {
        return Err(if ip.is_cut { Reason::HeaderCut } else { Reason::NotUdp });
    }
    let transport_len = transport_len(ip, UDP_HEADER_LEN)?;
    let ports = ip.payload.first_chunk::<4>().ok_or(Reason::HeaderCut)?;
    let [source, destination] = ip.endpoints(*ports);
    // Behind a shorter datagram are options (RFC 9868). The header says 0 of what the network card is to cut, more of a first fragment.
    let stated = ip.payload.get(4..6).map_or(0, |length| u32::from(u16::from_be_bytes([length[0], length[1]])));
    let datagram_len = if (UDP_HEADER_LEN..transport_len).contains(&stated) { stated } else { transport_len };
    let payload_len = datagram_len - UDP_HEADER_LEN;
    let payload = ip.payload.get(UDP_HEADER_LEN as usize..).unwrap_or(&[]);
    Ok(Segment {
        source,
        destination,
        ip_len: ip.total_len,
        seq: 0,
        flags: TcpFlags::default(),
        payload_len,
        payload: &payload[..payload.len().min(payload_len as usize)],
        fragment: ip.more_fragments,
    })
}

/// Length of the transport header and its payload, on the wire.
#[inline]
fn transport_len(ip: &Ip<'_>, shortest: u32) -> Result<u32, Reason> {
    if ip.fragment_offset > 0 {
        return Err(Reason::Fragment);
    }
    let transport_len = ip.total_len.saturating_sub(ip.headers_len);
    if transport_len < shortest { Err(Reason::ImpossibleLength) } else { Ok(transport_len) }
}
