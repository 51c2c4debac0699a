//! The same traffic gives the same trace in every format, byte order, link type and snap length.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use wfkit_capture::ImportOptions;

use crate::build::*;

fn is_conversation(bytes: &[u8]) {
    let one = import_one(bytes, &ImportOptions::default());
    assert_eq!(one.trace, conversation_trace());
    assert_eq!(one.start_ns, CONVERSATION_START);
    assert_eq!(one.stats.problems, Vec::<String>::new());
}

#[test]
fn pcap_in_both_byte_orders_and_resolutions() {
    for (big_endian, nanoseconds) in [(false, false), (false, true), (true, false), (true, true)] {
        let style = Pcap { big_endian, nanoseconds, link: 1 };
        is_conversation(&style.bytes(&frames(&conversation(), Link::Ethernet)));
    }
}

#[test]
fn nanoseconds_are_kept() {
    let mut packets = conversation();
    for packet in &mut packets[4..] {
        packet.time_ns += 7;
    }
    let style = Pcap { nanoseconds: true, ..Pcap::of(Link::Raw) };
    let one = import_one(&style.bytes(&frames(&packets, Link::Raw)), &ImportOptions::default());
    assert_eq!(one.trace.time_ns(), [0, 10_000_007, 10_000_007, 25_000_007]);
}

#[test]
fn every_link_type() {
    use Link::*;
    for link in [Ethernet, Vlan(1), Vlan(2), Raw, Cooked, Cooked2, NullLittleEndian, Loop] {
        is_conversation(&Pcap::of(link).bytes(&frames(&conversation(), link)));
    }
    for link in [Snap, Ppp(true), Ppp(false), PppoeSession, PppEther, CiscoHdlc] {
        is_conversation(&Pcap::of(link).bytes(&frames(&conversation(), link)));
    }
    is_conversation(&Pcap { link: 50, ..Pcap::of(Ppp(true)) }.bytes(&frames(&conversation(), Ppp(true))));
    for raw in [12, 14, 228] {
        is_conversation(&Pcap { link: raw, ..Pcap::of(Raw) }.bytes(&frames(&conversation(), Raw)));
    }
}

#[test]
fn ieee_802_11_with_all_that_its_header_may_have() {
    for bits in 0..8 {
        let wifi = Wifi {
            quality_of_service: bits & 1 != 0,
            high_throughput: bits & 1 != 0 && bits & 2 != 0,
            four_addresses: bits & 4 != 0,
            ..Wifi::default()
        };
        let padded = Wifi { padded: true, ..wifi };
        for link in [Link::Wifi(wifi), Link::Radiotap(wifi), Link::Radiotap(padded)] {
            is_conversation(&Pcap::of(link).bytes(&frames(&conversation(), link)));
        }
    }
}

#[test]
fn what_of_ieee_802_11_cannot_be_read_is_counted() {
    let encrypted = Wifi { encrypted: true, ..Wifi::default() };
    let aggregated = Wifi { quality_of_service: true, aggregated: true, ..Wifi::default() };
    let mut all = frames(&conversation(), Link::Wifi(Wifi::default()));
    all.push(conversation()[3].frame(Link::Wifi(encrypted)));
    all.push(conversation()[3].frame(Link::Wifi(aggregated)));
    let beacon = Frame { data: vec![0x80, 0, 1, 2, 3], ..all[0].clone() };
    let nothing = Frame { data: vec![0x48, 0, 1, 2, 3], ..all[0].clone() };
    all.extend([beacon, nothing]);
    let one = import_one(&Pcap { link: 105, ..Pcap::of(Link::Raw) }.bytes(&all), &ImportOptions::default());
    assert_eq!(one.trace, conversation_trace());
    assert_eq!(one.stats.dropped["encrypted 802.11 frame"], 1);
    assert_eq!(one.stats.dropped["aggregated 802.11 frame"], 1);
    assert_eq!(one.stats.dropped["not IP"], 2);
}

#[test]
fn pcap_of_old_systems() {
    let frames = frames(&conversation(), Link::Raw);
    let snapped: Vec<Frame> = frames.into_iter().map(|frame| frame.snapped(60)).collect();
    for big_endian in [false, true] {
        let style = Pcap { big_endian, ..Pcap::of(Link::Raw) };
        // Before version 2.3 the length on the wire came first; in 2.3 either.
        for (minor, swaps) in [(2, true), (3, true), (3, false)] {
            let mut bytes = style.bytes(&snapped);
            bytes[if big_endian { 7 } else { 6 }] = minor;
            let mut at = 24;
            for frame in &snapped {
                if swaps {
                    bytes[at + 8..at + 16].rotate_left(4);
                }
                at += 16 + frame.data.len();
            }
            is_conversation(&bytes);
        }
        // The "modified" format has eight more bytes a record.
        let plain = style.bytes(&snapped);
        let mut bytes = plain[..24].to_vec();
        let magic = 0xa1b2_cd34_u32;
        bytes[..4].copy_from_slice(&if big_endian { magic.to_be_bytes() } else { magic.to_le_bytes() });
        let mut at = 24;
        for frame in &snapped {
            bytes.extend(&plain[at..at + 16]);
            bytes.extend([3; 8]);
            bytes.extend(&frame.data);
            at += 16 + frame.data.len();
        }
        is_conversation(&bytes);
    }
}

#[test]
fn every_snap_length_that_leaves_the_tcp_header_its_first_14_bytes() {
    for link in [Link::Ethernet, Link::Raw, Link::Cooked] {
        for snap_len in [52, 54, 64, 68, 96, 1500] {
            let snapped: Vec<Frame> =
                frames(&conversation(), link).into_iter().map(|frame| frame.snapped(snap_len)).collect();
            is_conversation(&Pcap::of(link).bytes(&snapped));
        }
    }
}

#[test]
fn a_frame_check_sequence_and_its_length_in_the_link_type_do_not_matter() {
    let mut with_fcs = frames(&conversation(), Link::Ethernet);
    for frame in &mut with_fcs {
        frame.data.extend([0xfc; 4]);
        frame.orig_len += 4;
    }
    is_conversation(&Pcap { link: 0x2400_0001, ..Pcap::of(Link::Ethernet) }.bytes(&with_fcs));
}

#[test]
fn pcapng_in_both_byte_orders() {
    for big_endian in [false, true] {
        let mut file = PcapNg::new(big_endian);
        file.interface(1, 0, &[]);
        for packet in conversation() {
            file.packet(0, packet.time_ns / 1_000, &packet.frame(Link::Ethernet));
        }
        is_conversation(&file.bytes());
    }
}

#[test]
fn pcapng_with_all_that_may_be_in_it() {
    for big_endian in [false, true] {
        let offset_s = 1_600_000_000_i64;
        let offset = if big_endian { offset_s.to_be_bytes() } else { offset_s.to_le_bytes() };
        let after_offset = |time_ns: u64| time_ns - offset_s as u64 * 1_000_000_000;
        let packets = conversation();
        let frame = |at: usize, link| packets[at].frame(link);

        let mut file = PcapNg::new(big_endian);
        file.interface(1, 0, &[(9, &[9])]) // 10^-9 s
            .interface(101, 0, &[(2, b"eth7"), (14, &offset), (9, &[3])]) // 10^-3 s after an offset
            .block(0x0bad_cafe, |out| out.u32(7))
            .packet(0, packets[0].time_ns, &frame(0, Link::Ethernet))
            .packet(1, after_offset(packets[1].time_ns) / 1_000_000, &frame(1, Link::Raw))
            .block(4, |out| out.u32(0x0001_ffff)) // name resolution without an end
            .obsolete_packet(1, after_offset(packets[2].time_ns) / 1_000_000, &frame(2, Link::Raw))
            .obsolete_packet(0, packets[3].time_ns, &frame(3, Link::Ethernet))
            .block(5, |out| out.u32(0)) // interface statistics, too short
            .section(!big_endian)
            .interface(113, 96, &[(9, &[0x80 | 8])]) // 2^-8 s
            .interface(276, 64, &[]); // 10^-6 s
        for packet in &packets[4..] {
            file.packet(1, packet.time_ns / 1_000, &packet.frame(Link::Cooked2).snapped(64));
        }
        is_conversation(&file.bytes());
    }
}

#[test]
fn ticks_may_be_powers_of_two() {
    let mut file = PcapNg::new(true);
    file.interface(101, 0, &[(9, &[0x80 | 20])]);
    for (packet, half_seconds) in conversation().iter().skip(3).zip(3_400_000_000_u64..) {
        file.packet(0, half_seconds << 19, &packet.frame(Link::Raw));
    }
    let one = import_one(&file.bytes(), &ImportOptions::default());
    assert_eq!(one.trace.time_ns(), [0, 500_000_000, 1_000_000_000, 2_000_000_000]);
    assert_eq!(one.start_ns, 1_700_000_000_000_000_000);
}

#[test]
fn simple_packets_have_no_time_and_are_counted() {
    let mut file = PcapNg::new(false);
    file.interface(101, 64, &[]);
    for packet in conversation() {
        file.packet(0, packet.time_ns / 1_000, &packet.frame(Link::Raw));
        file.simple_packet(&packet.frame(Link::Raw).snapped(64));
    }
    let one = import_one(&file.bytes(), &ImportOptions::default());
    assert_eq!(one.trace, conversation_trace());
    assert_eq!(one.stats.dropped["no usable time"], 8);
}

#[test]
fn a_real_capture_is_the_same_in_every_form() {
    let capture = fixtures().join("cell_1_rep_0.pcap");
    let original = import_one(&std::fs::read(&capture).unwrap(), &ImportOptions::default());
    assert!(original.trace.len() > 100);
    for link in [Link::Raw, Link::Ethernet, Link::Vlan(1), Link::Cooked, Link::Cooked2] {
        for snap_len in [64, 68, 96, usize::MAX] {
            let frames: Vec<Frame> =
                frames_of(&capture, link).into_iter().map(|frame| frame.snapped(snap_len)).collect();
            let mut pcapng = PcapNg::new(true);
            pcapng.interface(link.number(), 0, &[]);
            for frame in &frames {
                pcapng.packet(0, frame.time_ns / 1_000, frame);
            }
            let pcap = Pcap { big_endian: true, nanoseconds: true, link: link.number() };
            for bytes in [pcap.bytes(&frames), pcapng.bytes()] {
                let one = import_one(&bytes, &ImportOptions::default());
                assert_eq!((&one.trace, one.start_ns), (&original.trace, original.start_ns), "{link:?} {snap_len}");
                assert_eq!(one.stats, original.stats);
            }
        }
    }
}

#[test]
fn compressed_with_gzip() {
    let pcap = Pcap::of(Link::Raw).bytes(&frames(&conversation(), Link::Raw));
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(&pcap).unwrap();
    let gzip = gzip.finish().unwrap();
    is_conversation(&gzip);

    // Cut in the checksum at its end: all is read, and the damage is told.
    let one = import_one(&gzip[..gzip.len() - 6], &ImportOptions::default());
    assert_eq!(one.trace, conversation_trace());
    let problem = "record 9: the file cannot be read or unpacked further; the 8 packets before are used";
    assert_eq!(one.stats.problems, [problem]);
}

#[test]
fn compressed_with_zstd_or_xz() {
    let pcap = Pcap::of(Link::Raw).bytes(&frames(&conversation(), Link::Raw));
    let zstd = zstd::encode_all(pcap.as_slice(), 3).unwrap();
    is_conversation(&zstd);
    // Two frames, one after the other.
    is_conversation(&[zstd::encode_all(&pcap[..100], 3).unwrap(), zstd::encode_all(&pcap[100..], 3).unwrap()].concat());

    let mut xz = lzma_rust2::XzWriter::new(Vec::new(), lzma_rust2::XzOptions::with_preset(6)).unwrap();
    xz.write_all(&pcap).unwrap();
    let xz = xz.finish().unwrap();
    is_conversation(&xz);

    for (packed, keep) in [(&zstd, 20), (&xz, 40)] {
        let folder = folder(&[("a_0.pcap", &packed[..packed.len() - keep])]);
        let error = import_folder(&folder, &ImportOptions::default()).unwrap_err().to_string();
        assert!(error.contains("cannot be read or unpacked further"), "{error}");
    }
}

#[test]
fn a_large_block_makes_the_buffer_grow() {
    let mut file = PcapNg::new(false);
    file.block(0x0bad_cafe, |out| out.bytes.extend(vec![0; 3 << 20])).interface(101, 0, &[]);
    for packet in conversation() {
        file.packet(0, packet.time_ns / 1_000, &packet.frame(Link::Raw));
        file.block(0x0bad_cafe, |out| out.bytes.extend(vec![0; 1 << 20]));
    }
    is_conversation(&file.bytes());
}

#[test]
fn a_large_section_header_is_read() {
    let mut file = PcapNg::new(false);
    let mut rest = PcapNg::new(false);
    rest.interface(101, 0, &[]);
    for packet in conversation() {
        rest.packet(0, packet.time_ns / 1_000, &packet.frame(Link::Raw));
    }
    // A comment of 2 MiB cannot be in one option.
    let mut header = vec![0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255];
    for _ in 0..40 {
        header.extend([1, 0, 0, 0xff]);
        header.extend(vec![b'c'; 0xff00]);
    }
    file.block(0x0a0d_0d0a, |out| out.bytes.extend(header));
    let (small_header, large_header) = (28, 28..file.bytes().len());
    let bytes = [&file.bytes()[large_header], &rest.bytes()[small_header..]].concat();
    is_conversation(&bytes);
}
