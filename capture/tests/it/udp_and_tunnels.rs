//! Datagrams, and packets inside of packets.

use wfkit_capture::ImportOptions;
use wfkit_datasets::Layer;

use crate::build::*;

fn at(layer: Layer, inner: bool) -> ImportOptions {
    ImportOptions { layer, inner, ..ImportOptions::default() }
}

/// A UDP datagram in an IPv4 packet.
fn datagram(from: [u8; 4], to: [u8; 4], ports: (u16, u16), payload: &[u8]) -> Vec<u8> {
    let udp_len = 8 + payload.len() as u16;
    let mut bytes = vec![0x45, 0];
    bytes.extend((20 + udp_len).to_be_bytes());
    bytes.extend([0, 1, 0, 0, 64, 17, 0, 0]);
    bytes.extend(from);
    bytes.extend(to);
    bytes.extend(ports.0.to_be_bytes());
    bytes.extend(ports.1.to_be_bytes());
    bytes.extend(udp_len.to_be_bytes());
    bytes.extend([0, 0]);
    bytes.extend(payload);
    bytes
}

fn raw(time_ns: u64, data: Vec<u8>) -> Frame {
    Frame { time_ns, orig_len: data.len() as u32, data }
}

#[test]
fn datagrams_are_traces_of_their_own_layer() {
    let (client, server, resolver) = ([10, 0, 0, 2], [203, 0, 113, 5], [10, 0, 0, 1]);
    let frames = [
        raw(0, datagram(client, resolver, (50_000, 53), &[1; 30])),
        raw(1, datagram(resolver, client, (53, 50_000), &[1; 90])),
        raw(2, datagram(client, server, (50_001, 443), &[2; 1200])),
        raw(9, datagram(server, client, (443, 50_001), &[3; 1252])),
        raw(9, datagram(server, client, (443, 50_001), &[3; 40])),
        raw(12, datagram(client, server, (50_001, 443), &[])),
    ];
    let mut frames = frames.to_vec();
    frames.push(conversation()[3].frame(Link::Raw));
    let pcap = Pcap { nanoseconds: true, ..Pcap::of(Link::Raw) }.bytes(&frames);
    let one = import_one(&pcap, &at(Layer::Udp, false));
    assert_eq!(one.trace.size(), [1200, -1252, -40]);
    assert_eq!(one.trace.time_ns(), [0, 7, 7]);
    let dropped: Vec<_> = one.stats.dropped.iter().map(|(reason, &n)| (reason.as_str(), n)).collect();
    assert_eq!(dropped, [("DNS", 2), ("no payload", 1), ("not UDP", 1)]);
}

/// Options behind a datagram (RFC 9868) are none of it. The header states nothing of what the network card is to cut, and more than there is of a
/// first fragment.
#[test]
fn datagrams_are_as_long_as_their_header_says() {
    let stating = |length: u16, payload: &[u8]| {
        let mut bytes = datagram([10, 0, 0, 2], [203, 0, 113, 5], (50_001, 443), payload);
        bytes[24..26].copy_from_slice(&length.to_be_bytes());
        bytes
    };
    let frames = [(18, 30), (0, 40), (7, 50), (2000, 60)];
    let frames = frames.map(|(stated, payload)| raw(0, stating(stated, &vec![1; payload])));
    let pcap = Pcap { nanoseconds: true, ..Pcap::of(Link::Raw) }.bytes(&frames);
    assert_eq!(import_one(&pcap, &at(Layer::Udp, false)).trace.size(), [10, 40, 50, 60]);
}

#[test]
fn tunnels_are_looked_into_only_where_asked() {
    let (near, far) = ([192, 0, 2, 1], [192, 0, 2, 2]);
    let outer = |protocol: u8, inside: Vec<u8>| {
        let mut bytes = datagram(near, far, (0, 0), &inside);
        bytes.drain(20..28);
        let total_len = (20 + inside.len() as u16).to_be_bytes();
        bytes[2..4].copy_from_slice(&total_len);
        bytes[9] = protocol;
        bytes
    };
    let ip_in_ip = |packet: &Packet| outer(4, packet.ip_bytes());
    let gre = |packet: &Packet| outer(47, [vec![0, 0, 0x08, 0], packet.ip_bytes()].concat());
    // With a checksum, a key and a sequence number, around Ethernet with a VLAN tag.
    let gre_ethernet = |packet: &Packet| {
        let options = [7; 12];
        let frame = Link::Vlan(1).wrap(&packet.ip_bytes());
        outer(47, [[0xb0, 0, 0x65, 0x58].as_slice(), &options, &frame].concat())
    };
    let vxlan = |packet: &Packet| {
        let frame = Link::Ethernet.wrap(&packet.ip_bytes());
        datagram(near, far, (55_555, 4789), &[[8, 0, 0, 0, 0, 0, 9, 0].as_slice(), &frame].concat())
    };
    let twice = |packet: &Packet| outer(4, vxlan(packet));
    let through = |tunnel: &dyn Fn(&Packet) -> Vec<u8>| -> Vec<Frame> {
        conversation().iter().map(|packet| raw(packet.time_ns, tunnel(packet))).collect()
    };
    for frames in [through(&ip_in_ip), through(&gre), through(&gre_ethernet), through(&vxlan), through(&twice)] {
        let pcap = Pcap::of(Link::Raw).bytes(&frames);
        assert_eq!(import_one(&pcap, &at(Layer::Tcp, true)).trace, conversation_trace());

        let folder = folder(&[("a_0.pcap", &pcap)]);
        let error = import_folder(&folder, &at(Layer::Tcp, false)).unwrap_err().to_string();
        assert!(error.contains("no packets left"), "{error}");
    }
}

#[test]
fn what_is_in_no_tunnel_is_read_as_ever() {
    let pcap = Pcap::of(Link::Ethernet).bytes(&frames(&conversation(), Link::Ethernet));
    assert_eq!(import_one(&pcap, &at(Layer::Tcp, true)).trace, conversation_trace());
}
