//! Any bytes as an Ethernet frame: where another decoder finds TCP or UDP in it, ours finds the same.
#![no_main]

use etherparse::{LinkExtSlice, NetSlice, SlicedPacket, TransportSlice};
use wfkit_capture::fuzzing::{Decoded, decoded};

/// IPv6 extension headers and the authentication header of IPv4: etherparse 0.21 may read beyond those.
fn has_plain_ip(frame: &[u8]) -> bool {
    let mut at = 12;
    while let Some(&[0x81 | 0x88 | 0x91 | 0x92, _]) = frame.get(at..at + 2) {
        at += 4;
    }
    let protocol = match frame.get(at + 2).map(|version| version >> 4) {
        Some(4) => frame.get(at + 2 + 9),
        Some(6) => frame.get(at + 2 + 6),
        _ => None,
    };
    matches!(protocol, Some(6 | 17))
}

/// What the other decoder finds, and whether it is UDP.
fn found(frame: &[u8]) -> Option<(Decoded<'_>, bool)> {
    let packet = SlicedPacket::from_ethernet(frame).ok()?;
    if !packet.link_exts.iter().all(|tag| matches!(tag, LinkExtSlice::Vlan(_))) {
        return None;
    }
    let (addresses, ip_len) = match packet.net? {
        NetSlice::Ipv4(ip) if !ip.is_payload_fragmented() => {
            let header = ip.header();
            ([header.source_addr().into(), header.destination_addr().into()], u32::from(header.total_len()))
        }
        // Without a length it may be longer than it could state.
        NetSlice::Ipv6(ip) if ip.header().payload_length() > 0 => {
            let header = ip.header();
            let addresses = [header.source_addr(), header.destination_addr()].map(|address| address.to_canonical());
            (addresses, 40 + u32::from(header.payload_length()))
        }
        _ => return None,
    };
    match packet.transport? {
        TransportSlice::Tcp(tcp) => {
            let ports = [tcp.source_port(), tcp.destination_port()];
            let (seq, flags) = (tcp.sequence_number(), tcp.header_slice()[13]);
            Some((Decoded { addresses, ports, ip_len, seq, flags, payload: tcp.payload() }, false))
        }
        TransportSlice::Udp(udp) => {
            let ports = [udp.source_port(), udp.destination_port()];
            Some((Decoded { addresses, ports, ip_len, seq: 0, flags: 0, payload: udp.payload() }, true))
        }
        _ => None,
    }
}

libfuzzer_sys::fuzz_target!(|frame: &[u8]| {
    if !has_plain_ip(frame) {
        return;
    }
    if let Some((theirs, is_udp)) = found(frame) {
        assert_eq!(decoded(frame, is_udp), Some(theirs));
    }
});
