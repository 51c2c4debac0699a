//! What counts as a packet of the trace, and with which size.

use std::collections::BTreeMap;

use wfkit_capture::{ImportError, ImportOptions};
use wfkit_datasets::Layer;

use crate::build::*;

fn dropped(entries: &[(&str, u64)]) -> BTreeMap<String, u64> {
    entries.iter().map(|&(reason, n)| (reason.to_owned(), n)).collect()
}

#[test]
fn packets_without_payload_are_not_part_of_a_tcp_trace() {
    let one = import_packets(&conversation(), &ImportOptions::default());
    assert_eq!(one.trace, conversation_trace());
    assert_eq!((one.stats.packets, one.stats.kept), (8, 4));
    assert_eq!(one.stats.dropped, dropped(&[("no payload", 4)]));
    assert_eq!(one.stats.client_rule.as_deref(), Some("SYN"));
}

#[test]
fn at_the_other_layers_they_are() {
    let options = |layer| ImportOptions { layer, ..ImportOptions::default() };
    let ethernet = Pcap::of(Link::Ethernet).bytes(&frames(&conversation(), Link::Ethernet));
    let ip = import_one(&ethernet, &options(Layer::Ip));
    assert_eq!(ip.trace.size(), [52, -52, 52, 152, -1500, -752, 52, 88]);
    let frame = import_one(&ethernet, &options(Layer::Frame));
    assert_eq!(frame.trace.size(), [66, -66, 66, 166, -1514, -766, 66, 102]);
    assert_eq!(frame.start_ns, CONVERSATION_START - 5_000_000);
}

#[test]
fn a_layer_that_is_not_known_is_refused() {
    let options = ImportOptions { layer: Layer::Unknown, ..ImportOptions::default() };
    let error = import_folder(&folder(&[]), &options).unwrap_err();
    assert!(matches!(error, ImportError::Layer(_)));
    let expected = "traces of the layer unknown cannot be imported: frame, ip, tcp, tls, cell and udp can";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn ethernet_padding_is_no_payload() {
    let mut ack = Packet::new(0, CLIENT, SERVER, 0);
    ack.options = 0;
    let mut padded = ack.frame(Link::Ethernet);
    padded.data.resize(60, 0);
    padded.orig_len = 60;
    let mut all = vec![padded];
    all.extend(frames(&conversation(), Link::Ethernet));
    let one = import_one(&Pcap::of(Link::Ethernet).bytes(&all), &ImportOptions::default());
    assert_eq!(one.trace, conversation_trace());
}

#[test]
fn ipv6() {
    let v6 = |packet: &Packet| Packet {
        from: format!("[2001:db8::{:x}]:{}", packet.from.port(), packet.from.port()).parse().unwrap(),
        to: format!("[2001:db8::{:x}]:{}", packet.to.port(), packet.to.port()).parse().unwrap(),
        ..packet.clone()
    };
    let packets: Vec<Packet> = conversation().iter().map(v6).collect();
    for (link, number) in [
        (Link::Ethernet, 1),
        (Link::Vlan(1), 1),
        (Link::Raw, 229),
        (Link::Raw, 101),
        (Link::Cooked, 113),
        (Link::Cooked2, 276),
        (Link::NullLittleEndian, 0),
        (Link::Loop, 108),
    ] {
        // The whole header is 72 bytes, 20 of link not counted.
        for snap_len in [74, 78, 2000] {
            let snapped: Vec<Frame> = frames(&packets, link).into_iter().map(|frame| frame.snapped(snap_len)).collect();
            let one = import_one(&Pcap { link: number, ..Pcap::of(link) }.bytes(&snapped), &ImportOptions::default());
            assert_eq!(one.trace, conversation_trace(), "{link:?}");
        }
    }
}

#[test]
fn a_length_of_0_in_the_ip_header_is_taken_from_the_capture() {
    // As a host sees packets that its network card will cut into segments.
    for (from, to) in [(CLIENT, SERVER), ("[fd00::1]:40000", "[fd00::2]:443")] {
        let mut packets = vec![Packet::new(0, from, to, 0).flags(SYN), Packet::new(0, from, to, 30_000)];
        packets.push(Packet::new(1, to, from, 9));
        packets[1].stated_len = Some(0);
        for link in [Link::Ethernet, Link::Vlan(2), Link::Raw, Link::Cooked, Link::Loop] {
            let snapped: Vec<Frame> = frames(&packets, link).into_iter().map(|frame| frame.snapped(96)).collect();
            let one = import_one(&Pcap::of(link).bytes(&snapped), &ImportOptions::default());
            assert_eq!(one.trace.size(), [30_000, -9], "{link:?}");
        }
    }
}

#[test]
fn of_fragments_only_the_first_counts() {
    let v4 = [0x2000, 0x2000 | 185, 370]; // more fragments, with an offset, the last
    let v6 = [1, 185 << 3 | 1, 370 << 3];
    for (from, to, fields) in [(CLIENT, SERVER, v4), ("[fd00::1]:40000", "[fd00::2]:443", v6)] {
        let fragment = |fragment| Packet { fragment, ..Packet::new(5, from, to, 1428) };
        let mut packets = vec![Packet::new(0, to, from, 10)];
        packets.extend(fields.map(fragment));
        let one = import_packets(&packets, &ImportOptions::default());
        assert_eq!(one.trace.size(), [-10, 1428]);
        assert_eq!(one.stats.dropped, dropped(&[("fragment", 2)]));
        assert_eq!(one.stats.warnings, dropped(&[("first of several fragments, counted with its own length", 1)]));
    }
}

#[test]
fn what_is_no_tcp_is_counted_by_what_it_is() {
    let mut all = frames(&conversation(), Link::Ethernet);
    let one = all[3].clone();
    let with = |change: &dyn Fn(&mut Frame)| {
        let mut frame = one.clone();
        change(&mut frame);
        frame
    };
    all.extend([
        with(&|frame| frame.data[12..14].copy_from_slice(&[0x08, 0x06])), // ARP
        with(&|frame| frame.data[12..14].copy_from_slice(&[0x88, 0xcc])), // LLDP
        with(&|frame| frame.data[14] = 0x75),                             // IP version 7
        with(&|frame| frame.data[14 + 9] = 17),                           // UDP
        with(&|frame| frame.data[14 + 9] = 50),                           // ESP
        with(&|frame| frame.data.truncate(13)),                           // in the Ethernet header
        with(&|frame| frame.data.truncate(14 + 19)),                      // in the IP header
        with(&|frame| frame.data.truncate(14 + 20 + 13)),                 // before the TCP flags
        with(&|frame| frame.data[14 + 20 + 12] = 0x40),                   // a TCP header of 16 bytes
        with(&|frame| frame.data[14 + 2..14 + 4].copy_from_slice(&[0, 51])), // shorter than its headers
        with(&|frame| frame.data[14 + 2..14 + 4].copy_from_slice(&[0, 19])), // shorter than its IP header
        with(&|frame| frame.data[14 + 2..14 + 4].copy_from_slice(&[0, 39])), // shorter than a TCP header
    ]);
    let one = import_one(&Pcap::of(Link::Ethernet).bytes(&all), &ImportOptions::default());
    assert_eq!(one.trace, conversation_trace());
    let expected = [("no payload", 4), ("not IP", 3), ("not TCP", 2), ("header cut", 3), ("impossible length", 4)];
    assert_eq!(one.stats.dropped, dropped(&expected));
}

#[test]
fn a_frame_without_length_has_no_size_at_the_frame_layer_only() {
    let mut all = frames(&conversation(), Link::Raw);
    all[3].orig_len = 0;
    all[4].orig_len = u32::MAX;
    let bytes = Pcap::of(Link::Raw).bytes(&all);
    assert_eq!(import_one(&bytes, &ImportOptions::default()).trace, conversation_trace());
    let one = import_one(&bytes, &ImportOptions { layer: Layer::Frame, ..ImportOptions::default() });
    assert_eq!(one.trace.len(), 6);
    assert_eq!(one.stats.dropped, dropped(&[("impossible length", 2)]));
}

#[test]
fn packets_out_of_order_are_sorted_by_time_and_counted() {
    let mut packets = conversation();
    packets.swap(3, 5); // the request after its reply
    let one = import_packets(&packets, &ImportOptions::default());
    assert_eq!(one.trace.size(), [100, -1448, -700, 36]);
    assert_eq!(one.trace.time_ns(), conversation_trace().time_ns());
    assert_eq!(one.stats.warnings, dropped(&[("packet earlier than the one before, put in order", 1)]));
}

#[test]
fn a_trace_without_incoming_packets_is_kept_with_a_warning() {
    let one = import_packets(&conversation()[..4], &ImportOptions::default());
    assert_eq!(one.trace.size(), [100]);
    assert_eq!(one.stats.warnings, dropped(&[("trace without incoming packets", 1)]));
}

#[test]
fn a_capture_without_payload_gives_no_trace() {
    let bytes = Pcap::of(Link::Raw).bytes(&frames(&conversation()[..3], Link::Raw));
    let stats = refuse_one(&bytes);
    assert_eq!(stats.no_trace.as_deref(), Some("no packets left"));
    assert_eq!(stats.dropped, dropped(&[("no payload", 3)]));
}
