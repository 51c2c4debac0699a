//! Packets inside of packets.

use super::ip::{self, Ip};
use super::link_layer;
use crate::import::stats::Reason;

/// How many tunnels are looked into, one inside of the other.
const DEPTH: usize = 4;

const ETHERNET_OVER_GRE: u16 = 0x6558;
const VXLAN_PORT: u16 = 4789;

/// The innermost packet of tunnels by IP in IP (RFC 2003, RFC 4213), GRE (RFC 2784, RFC 2890) and VXLAN (RFC 7348);
/// the packet itself where it is no tunnel, or the capture cuts what is in it.
pub(super) fn innermost(packet: Ip<'_>) -> Result<Ip<'_>, Reason> {
    let mut packet = packet;
    for _ in 0..DEPTH {
        match inner(&packet) {
            Some(inside) => packet = Ip::new(inside, None)?,
            None => break,
        }
    }
    Ok(packet)
}

/// The IP packet in a tunnel.
fn inner<'a>(packet: &Ip<'a>) -> Option<&'a [u8]> {
    if packet.fragment_offset > 0 {
        return None;
    }
    match packet.protocol {
        ip::IP_IN_IP | ip::IPV6_IN_IP => Some(packet.payload),
        ip::GRE => gre(packet.payload),
        ip::UDP => vxlan(packet.payload),
        _ => None,
    }
}

fn gre(payload: &[u8]) -> Option<&[u8]> {
    let [flags, version, high, low] = *payload.first_chunk()?;
    if version & 0x07 != 0 {
        return None;
    }
    // Checksum, key and sequence number take four bytes each.
    let options = (flags & 0xb0).count_ones() as usize;
    let inside = payload.get(4 + 4 * options..)?;
    match u16::from_be_bytes([high, low]) {
        ETHERNET_OVER_GRE => link_layer::ethernet(inside).ok(),
        ether_type => link_layer::of_ether_type(ether_type, inside).ok(),
    }
}

fn vxlan(payload: &[u8]) -> Option<&[u8]> {
    let [_, _, high, low, _, _, _, _, flags, ..] = *payload.first_chunk::<16>()?;
    let is_vxlan = u16::from_be_bytes([high, low]) == VXLAN_PORT && flags & 0x08 != 0;
    if is_vxlan { link_layer::ethernet(&payload[16..]).ok() } else { None }
}
