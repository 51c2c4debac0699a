//! Streams that were captured out of order, twice or in part, and the records and cells in them.

use std::collections::BTreeMap;

use wfkit_capture::{ImportError, ImportOptions};
use wfkit_datasets::Layer;

use crate::build::*;

fn at(layer: Layer) -> ImportOptions {
    ImportOptions { layer, ..ImportOptions::default() }
}

fn counted(entries: &[(&str, u64)]) -> BTreeMap<String, u64> {
    entries.iter().map(|&(what, n)| (what.to_owned(), n)).collect()
}

/// A segment each 10 ms: who sends it, its first sequence number, and its payload.
fn segments(list: &[(&str, u32, &[u8])]) -> Vec<Packet> {
    let packet = |(index, &(from, seq, data)): (usize, &(&str, u32, &[u8]))| {
        let to = if from == CLIENT { SERVER } else { CLIENT };
        let time_ns = index as u64 * 10_000_000;
        Packet { seq: Some(seq), data: data.to_vec(), ..Packet::new(time_ns, from, to, data.len()) }
    };
    list.iter().enumerate().map(packet).collect()
}

/// Time in ms and size.
fn entries(one: &One) -> Vec<(u64, i32)> {
    one.trace.time_ns().iter().map(|ns| ns / 1_000_000).zip(one.trace.size().iter().copied()).collect()
}

fn record(content_type: u8, len: usize) -> Vec<u8> {
    let [high, low] = (len as u16).to_be_bytes();
    [[content_type, 3, 3, high, low].as_slice(), &vec![0xee; len]].concat()
}

/// A TLS 1.3 record of so many Tor cells.
fn cells(n: usize) -> Vec<u8> {
    record(23, 514 * n + 17)
}

#[test]
fn each_byte_counts_once_and_in_order() {
    let a = [0xaa; 300];
    let packets = segments(&[
        (CLIENT, 0, &a[..100]),
        (SERVER, 0, &a[..200]),
        (SERVER, 250, &a[..50]),  // waits for the next but one
        (CLIENT, 0, &a[..100]),   // sent again
        (SERVER, 150, &a[..100]), // half of it again
        (CLIENT, 99, &a[..1]),    // a keep-alive
        (CLIENT, 200, &a[..10]),  // behind bytes that never come
        (SERVER, 300, &a[..20]),
    ]);
    let one = import_packets(&packets, &at(Layer::Tcp));
    assert_eq!(entries(&one), [(0, 100), (10, -200), (40, -50), (40, -50), (60, 10), (70, -20)]);
    assert_eq!(one.stats.dropped, counted(&[("retransmitted", 1), ("keep-alive", 1)]));
    let found = [
        ("segment retransmitted", 1),
        ("keep-alive", 1),
        ("segment that overlaps another", 1),
        ("segment after a later one", 1),
        ("hole", 1),
        ("byte in holes", 100),
    ];
    assert_eq!(one.stats.streams, counted(&found));
    assert_eq!(one.stats.warnings, counted(&[("hole in a TCP stream: bytes that the capture does not have", 1)]));

    let all = import_packets(&packets, &ImportOptions { reassembly: false, ..at(Layer::Tcp) });
    assert_eq!(all.trace.size(), [100, -200, -50, 100, -100, 1, 10, -20]);
    assert_eq!((all.stats.kept, all.stats.streams), (8, BTreeMap::new()));
}

#[test]
fn records_are_read_across_segments_and_several_in_one() {
    let request = [record(22, 200), cells(1)].concat();
    let reply = [cells(2), cells(1), record(21, 2)].concat();
    let packets = segments(&[
        (CLIENT, 0, &request[..50]),
        (CLIENT, 50, &request[50..]),
        (SERVER, 0, &reply[..1047]),
        (SERVER, 1047, &reply[1047..1052]), // the end of one, and a part of the header of the next
        (SERVER, 1052, &reply[1052..]),
    ]);
    let one = import_packets(&packets, &at(Layer::Tls));
    assert_eq!(entries(&one), [(0, 205), (0, 536), (20, -1050), (30, -536), (30, -7)]);
    assert_eq!((one.stats.kept, one.start_ns), (5, 10_000_000));
    assert_eq!(one.stats.streams, counted(&[("TLS record", 5)]));

    let one = import_packets(&packets, &at(Layer::Cell));
    assert_eq!(entries(&one), [(0, 514), (20, -514), (20, -514), (30, -514)]);
    assert_eq!(one.stats.streams["record of whole cells"], one.stats.streams["record of application data"]);
}

#[test]
fn a_snap_length_leaves_what_segments_start_with() {
    let up = cells(1);
    let down = [cells(1), cells(2), cells(1)].concat();
    let packets =
        segments(&[(CLIENT, 0, &up), (SERVER, 0, &down[..1448]), (SERVER, 1448, &down[1448..]), (CLIENT, 536, &up)]);
    let whole = import_packets(&packets, &at(Layer::Tls));
    assert_eq!(entries(&whole), [(0, 536), (10, -536), (20, -1050), (20, -536), (30, 536)]);
    // 20 bytes of IP and 32 of TCP: with 44 bytes of payload, or none.
    for snap_len in [96, 52] {
        let snapped: Vec<Frame> =
            frames(&packets, Link::Raw).into_iter().map(|frame| frame.snapped(snap_len)).collect();
        let bytes = Pcap::of(Link::Raw).bytes(&snapped);
        let one = import_one(&bytes, &at(Layer::Tls));
        let (sizes, estimated): (&[_], _) = if snap_len == 96 {
            (&[(0, 536), (10, -536), (20, -1586), (30, 536)], 1)
        } else {
            (&[(0, 536), (20, -2122), (30, 536)], 3)
        };
        assert_eq!(entries(&one), sizes);
        let warning = "TLS record estimated from segment lengths: its header was not captured";
        assert_eq!(one.stats.warnings, counted(&[(warning, estimated)]));
        // Rounding hides the overhead.
        let one = import_one(&bytes, &at(Layer::Cell));
        assert_eq!(one.trace.size(), [514, -514, -514, -514, -514, 514]);
    }
}

#[test]
fn after_a_hole_reading_goes_on_with_the_next_header() {
    let down: Vec<u8> = (0..8).flat_map(|_| cells(1)).collect();
    // The segments of bytes 1000..2000 are lost, and with them the headers of the third and fourth record.
    let packets = segments(&[
        (CLIENT, 0, &cells(1)),
        (SERVER, 0, &down[..1000]),
        (SERVER, 2000, &down[2000..3000]),
        (SERVER, 3000, &down[3000..]),
    ]);
    let one = import_packets(&packets, &at(Layer::Tls));
    assert_eq!(entries(&one), [(0, 536), (10, -536), (20, -536), (30, -536), (30, -536), (30, -536)]);
    assert_eq!(
        (one.stats.streams["byte outside of TLS records"], one.stats.streams["TLS record without its end"]),
        (608, 1)
    );
}

#[test]
fn what_is_not_tls_gives_no_records() {
    let packets = segments(&[(CLIENT, 0, b"GET / HTTP/1.1\r\n\r\n"), (SERVER, 0, b"HTTP/1.1 200 OK\r\n\r\n")]);
    let bytes = Pcap::of(Link::Raw).bytes(&frames(&packets, Link::Raw));
    for layer in [Layer::Tls, Layer::Cell] {
        match import_folder(&folder(&[("a_0.pcap", &bytes)]), &at(layer)) {
            Err(ImportError::NoTrace { stats }) => {
                check_sums(&stats);
                assert_eq!(stats.dropped_traces, counted(&[("no TLS", 1)]));
                assert_eq!(stats.dropped, counted(&[("not TLS", 2)]));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn records_need_streams_in_order() {
    let options = ImportOptions { reassembly: false, ..at(Layer::Cell) };
    let error = import_folder(&folder(&[]), &options).unwrap_err();
    assert_eq!(error.to_string(), "the layer cell needs reassembly");
}
