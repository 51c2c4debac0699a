//! Files that are cut, nonsense or hostile.

use proptest::prelude::*;
use wfkit_capture::{ImportOptions, RecordError, Records};

use crate::build::*;

fn pcap() -> Vec<u8> {
    Pcap::of(Link::Raw).bytes(&frames(&conversation(), Link::Raw))
}

fn pcapng() -> Vec<u8> {
    let mut file = PcapNg::new(false);
    file.interface(101, 0, &[(9, &[6])]);
    for packet in conversation() {
        file.packet(0, packet.time_ns / 1_000, &packet.frame(Link::Raw));
    }
    file.simple_packet(&conversation()[3].frame(Link::Raw));
    file.bytes()
}

/// Reads to the end: the number of packets, and the error.
fn read(bytes: Vec<u8>) -> (u64, Option<RecordError>) {
    let mut records = match Records::from_bytes(bytes) {
        Ok(records) => records,
        Err(error) => return (0, Some(error)),
    };
    let mut packets = 0;
    loop {
        match records.next() {
            Ok(Some(record)) => {
                packets += 1;
                assert_eq!(record.number, packets);
            }
            Ok(None) => return (packets, None),
            Err(error) => {
                assert!(records.next().unwrap().is_none());
                return (packets, Some(error));
            }
        }
    }
}

#[test]
fn the_packets_before_a_cut_are_kept_and_the_cut_is_reported() {
    let whole = pcap();
    let one = import_one(&whole[..whole.len() - 10], &ImportOptions::default());
    assert_eq!(one.trace.size(), [100, -1448, -700]);
    let (end, length) = (whole.len() - 10, 16 + 52 + 36);
    let cut = format!(
        "record 8: cut at byte {end}, after {} of {length} bytes of it; the 7 packets before are used",
        length - 10
    );
    assert_eq!(one.stats.problems, [cut]);
}

#[test]
fn a_cut_anywhere_loses_only_what_is_behind_it() {
    for whole in [pcap(), pcapng()] {
        let (all, error) = read(whole.clone());
        assert!(error.is_none());
        let mut last = 0;
        for end in 0..whole.len() {
            let (packets, error) = read(whole[..end].to_vec());
            assert!(packets >= last && packets < all);
            last = packets;
            match error {
                Some(RecordError::Empty) => assert_eq!(end, 0),
                Some(RecordError::NotACapture) => assert!(end < 4),
                Some(RecordError::Cut { end: at, .. }) => assert_eq!(at, end as u64),
                Some(other) => panic!("cut at {end}: {other}"),
                None => {} // between two records
            }
        }
    }
}

#[test]
fn a_record_longer_than_any_may_be_is_refused_without_memory_for_it() {
    let mut bytes = pcap();
    bytes[24 + 8..24 + 12].copy_from_slice(&0x7000_0000_u32.to_le_bytes());
    let (packets, error) = read(bytes);
    assert_eq!(packets, 0);
    assert_eq!(error.unwrap().to_string(), "record 1 at byte 24: 1879048208 bytes long, more than 67108864");
    // Within the limit, but beyond the end of the file.
    let mut bytes = pcap();
    bytes[24 + 8..24 + 12].copy_from_slice(&0x0300_0000_u32.to_le_bytes());
    assert!(matches!(read(bytes), (0, Some(RecordError::Cut { record: 1, length: Some(0x0300_0010), .. }))));
}

#[test]
fn blocks_that_make_no_sense_end_the_reading() {
    let frame = conversation()[3].frame(Link::Raw);
    let mut unknown_interface = PcapNg::new(true);
    unknown_interface.interface(101, 0, &[]).packet(0, 1, &frame).packet(1, 1, &frame).packet(0, 1, &frame);
    let (packets, error) = read(unknown_interface.bytes());
    assert_eq!(packets, 1);
    assert!(error.unwrap().to_string().ends_with(": interface 1 is not described"));

    let mut longer_than_its_block = PcapNg::new(false);
    longer_than_its_block.interface(101, 0, &[]).block(6, |out| {
        for field in [0, 0, 0, 100_000, 100_000] {
            out.u32(field);
        }
    });
    let (_, error) = read(longer_than_its_block.bytes());
    assert!(matches!(error, Some(RecordError::Malformed { record: 1, .. })), "{error:?}");

    let mut version_2 = PcapNg::new(false).bytes();
    version_2[12] = 2;
    assert_eq!(read(version_2).1.unwrap().to_string(), "record 1 at byte 0: pcapng version 2.0, only 1 is known");
    let mut version_5 = pcap();
    version_5[4] = 5;
    assert_eq!(read(version_5).1.unwrap().to_string(), "record 0 at byte 0: pcap version 5.4, only 2 is known");
}

#[test]
fn a_block_of_length_0_does_not_hang() {
    for block_type in [0x0bad_cafe, 1, 4, 6, 0x0a0d_0d0a_u32] {
        for length in [0_u32, 1, 4, 11, 12] {
            let mut bytes = pcapng();
            bytes.extend(block_type.to_le_bytes());
            bytes.extend(length.to_le_bytes());
            bytes.extend([0; 40]);
            let (packets, _) = read(bytes);
            assert_eq!(packets, 9);
        }
    }
}

#[test]
fn some_packets_of_unsupported_link_types_do_not_spoil_the_rest() {
    let mut file = PcapNg::new(false);
    file.interface(189, 0, &[]).interface(101, 0, &[]);
    for packet in conversation() {
        file.packet(0, packet.time_ns / 1_000, &packet.frame(Link::Raw));
        file.packet(1, packet.time_ns / 1_000, &packet.frame(Link::Raw));
    }
    let one = import_one(&file.bytes(), &ImportOptions::default());
    assert_eq!(one.trace, conversation_trace());
    assert_eq!(one.stats.dropped["unsupported link type"], 8);
    assert!(one.stats.problems[0].starts_with("record 1: link type 189 (Linux USB) is not supported"));
}

#[test]
fn messages_hold_nothing_of_the_packets() {
    // Every packet is one address and a payload of 0xaa = 170; each byte of the file is damaged in turn.
    for whole in [pcap(), pcapng()] {
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 0xff;
            if let (_, Some(error)) = read(bytes) {
                for text in [error.to_string(), format!("{error:?}")] {
                    assert!(!text.contains("170, 170") && !text.contains("203.0.113"), "{text}");
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400), start in 0..7_usize) {
        let starts = [
            vec![], pcap()[..24].to_vec(), pcapng()[..28].to_vec(), pcapng()[..60].to_vec(),
            Pcap::of(Link::Ethernet).bytes(&[]), Pcap { big_endian: true, nanoseconds: true, link: 113 }.bytes(&[]),
            PcapNg::new(true).bytes(),
        ];
        read([starts[start].clone(), bytes].concat());
    }

    #[test]
    fn any_frame_is_a_segment_or_dropped(
        data in proptest::collection::vec(any::<u8>(), 0..120), orig_len in any::<u32>(), link in 0..14_usize, v6 in any::<bool>(),
    ) {
        let link = [0, 1, 9, 14, 50, 51, 101, 104, 105, 108, 113, 127, 228, 276][link];
        let mut frame = Frame { time_ns: 0, orig_len, data };
        // Some random bytes behind a sound start go further than random bytes alone.
        let sound = Packet::new(0, "[fd00::1]:1", "[fd00::2]:2", 0).ip_bytes();
        if v6 && link == 101 {
            frame.data.splice(0..0, sound[..40].iter().copied());
            frame.data[6] = [0, 43, 44, 51, 60, 6][orig_len as usize % 6];
        }
        let bytes = Pcap { link, ..Pcap::of(Link::Raw) }.bytes(&[frame]);
        let folder = folder(&[("a_0.pcap", &bytes)]);
        if let Ok(import) = import_folder(&folder, &ImportOptions::default()) {
            check_sums(&import.stats);
        }
    }

    #[test]
    fn damaged_captures_are_read_as_far_as_they_go(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        is_pcap in any::<bool>(),
    ) {
        let mut bytes = if is_pcap { pcap() } else { pcapng() };
        // The headers are what can break; a payload cannot.
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        let folder = folder(&[("a_0.pcap", &bytes)]);
        match import_folder(&folder, &ImportOptions::default()) {
            Ok(import) => check_sums(&import.stats),
            Err(wfkit_capture::ImportError::NoTrace { stats }) => check_sums(&stats),
            Err(other) => panic!("{other}"),
        }
    }
}
