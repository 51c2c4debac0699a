//! From the start of a frame to its IP packet.

use super::link::{Framing, LinkType};
use crate::import::stats::Reason;

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;
const PPPOE_SESSION: u16 = 0x8864;

/// VLAN tags: IEEE 802.1Q, 802.1ad (QinQ), and what was used before that standard.
const TAGS: [u16; 4] = [0x8100, 0x88a8, 0x9100, 0x9200];

/// The IP packet in a frame, with what may be behind it.
#[inline]
pub(super) fn ip_packet(link: LinkType, frame: &[u8]) -> Result<&[u8], Reason> {
    match link.framing().ok_or(Reason::LinkType)? {
        Framing::Ethernet => ethernet(frame),
        Framing::Ip => Ok(frame),
        Framing::Cooked { protocol_at, header_len } => {
            let payload = frame.get(header_len..).ok_or(Reason::HeaderCut)?;
            of_ether_type(u16_at(frame, protocol_at)?, payload)
        }
        Framing::Loopback => loopback(frame),
        Framing::Ppp => ppp(frame),
        Framing::PppOverEthernet => pppoe(frame),
        Framing::Wifi => wifi(frame, false),
        Framing::Radiotap => radiotap(frame),
    }
}

#[inline]
pub(super) fn ethernet(frame: &[u8]) -> Result<&[u8], Reason> {
    let payload = frame.get(14..).ok_or(Reason::HeaderCut)?;
    of_ether_type(u16_at(frame, 12)?, payload)
}

#[inline]
pub(super) fn of_ether_type(mut ether_type: u16, mut payload: &[u8]) -> Result<&[u8], Reason> {
    while TAGS.contains(&ether_type) {
        ether_type = u16_at(payload, 2)?;
        payload = &payload[4..];
    }
    match ether_type {
        IPV4 | IPV6 => Ok(payload),
        PPPOE_SESSION => pppoe(payload),
        // A length, as in IEEE 802.3.
        0..=1500 => logical_link(payload),
        _ => Err(Reason::NotIp),
    }
}

/// IEEE 802.2 with the SNAP header of RFC 1042.
fn logical_link(payload: &[u8]) -> Result<&[u8], Reason> {
    match payload {
        [0xaa, 0xaa, 3, 0, 0, 0, high, low, packet @ ..] => match u16::from_be_bytes([*high, *low]) {
            IPV4 | IPV6 => Ok(packet),
            _ => Err(Reason::NotIp),
        },
        _ if payload.len() < 8 => Err(Reason::HeaderCut),
        _ => Err(Reason::NotIp),
    }
}

fn loopback(frame: &[u8]) -> Result<&[u8], Reason> {
    let (family, packet) = frame.split_first_chunk::<4>().ok_or(Reason::HeaderCut)?;
    let family = u32::from_be_bytes(*family);
    // AF_INET everywhere; AF_INET6 of Linux, NetBSD and OpenBSD, FreeBSD, macOS; in either byte order.
    let is_ip = [2, 10, 24, 28, 30].iter().any(|&ip| family == ip || family.swap_bytes() == ip);
    if is_ip { Ok(packet) } else { Err(Reason::NotIp) }
}

/// PPP (RFC 1661), maybe with the address and control bytes of HDLC (RFC 1662) and a compressed protocol.
fn ppp(frame: &[u8]) -> Result<&[u8], Reason> {
    match frame.strip_prefix(&[0xff, 0x03]).unwrap_or(frame) {
        [0x21 | 0x57, packet @ ..] | [0, 0x21 | 0x57, packet @ ..] => Ok(packet),
        [] | [0] => Err(Reason::HeaderCut),
        _ => Err(Reason::NotIp),
    }
}

/// The session stage of PPPoE (RFC 2516).
fn pppoe(payload: &[u8]) -> Result<&[u8], Reason> {
    ppp(payload.get(6..).ok_or(Reason::HeaderCut)?)
}

/// Radiotap (<https://www.radiotap.org>): a header with a length, in which a flag says whether the IEEE 802.11 header
/// behind it is padded.
fn radiotap(frame: &[u8]) -> Result<&[u8], Reason> {
    const MORE_BITS: u8 = 0x80;
    const TIMER: u8 = 0x01;
    const FLAGS: u8 = 0x02;
    const PADDED: u8 = 0x20;
    let header_len = usize::from(u16::from_le_bytes([byte(frame, 2)?, byte(frame, 3)?]));
    let (header, wifi_frame) = frame.split_at_checked(header_len).ok_or(Reason::HeaderCut)?;
    let present = byte(header, 4)?;
    let mut at = 8;
    while byte(header, at - 1)? & MORE_BITS != 0 {
        at += 4;
    }
    if present & TIMER != 0 {
        at = at.next_multiple_of(8) + 8;
    }
    let flags = if present & FLAGS != 0 { byte(header, at)? } else { 0 };
    wifi(wifi_frame, flags & PADDED != 0)
}

/// A data frame of IEEE 802.11. Frames that it aggregates (A-MSDU) are not taken apart.
fn wifi(frame: &[u8], is_padded: bool) -> Result<&[u8], Reason> {
    let (control, flags) = (byte(frame, 0)?, byte(frame, 1)?);
    let is_data = control & 0x0f == 0x08; // version 0, type 2
    let carries_nothing = control & 0x40 != 0;
    if !is_data || carries_nothing {
        return Err(Reason::NotIp);
    }
    if flags & 0x40 != 0 {
        return Err(Reason::Encrypted);
    }
    let between_access_points = flags & 0x03 == 0x03;
    let mut header_len = if between_access_points { 30 } else { 24 };
    let has_quality_of_service = control & 0x80 != 0;
    if has_quality_of_service {
        if byte(frame, header_len)? & 0x80 != 0 {
            return Err(Reason::Aggregate);
        }
        let has_high_throughput_control = flags & 0x80 != 0;
        header_len += if has_high_throughput_control { 6 } else { 2 };
    }
    if is_padded {
        header_len = header_len.next_multiple_of(4);
    }
    logical_link(frame.get(header_len..).ok_or(Reason::HeaderCut)?)
}

fn byte(data: &[u8], at: usize) -> Result<u8, Reason> {
    data.get(at).copied().ok_or(Reason::HeaderCut)
}

#[inline]
fn u16_at(data: &[u8], at: usize) -> Result<u16, Reason> {
    let bytes = data.get(at..at + 2).ok_or(Reason::HeaderCut)?;
    Ok(u16::from_be_bytes([bytes[0], bytes[1]]))
}
