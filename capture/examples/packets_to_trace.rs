//! A capture is written packet by packet, and read as a trace: what counts, and what does not.
//!
//! `cargo run --release -p wfkit-capture --example packets_to_trace`

use std::fs::File;
use std::io::{BufWriter, Write};

use wfkit_capture::{ImportOptions, import};

/// A segment of TCP in IPv4, without a link layer: who sends, its sequence number, its bytes.
fn segment(outgoing: bool, seq: u32, payload: usize) -> Vec<u8> {
    let (client, server) = (([10, 0, 0, 2], 40_000_u16), ([203, 0, 113, 5], 443_u16));
    let (from, to) = if outgoing { (client, server) } else { (server, client) };
    let mut packet = vec![0x45, 0];
    packet.extend((40 + payload as u16).to_be_bytes());
    packet.extend([0, 0, 0x40, 0, 64, 6, 0, 0]); // not a fragment, TCP
    packet.extend(from.0.into_iter().chain(to.0));
    packet.extend(from.1.to_be_bytes().into_iter().chain(to.1.to_be_bytes()));
    packet.extend(seq.to_be_bytes());
    packet.extend([0, 0, 0, 0, 5 << 4, 0x10, 255, 255, 0, 0, 0, 0]); // a header of 20 bytes, ACK
    packet.resize(40 + payload, 0xaa);
    packet
}

#[expect(clippy::print_stdout, reason = "an example")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    // In ms: a request, its answer in two segments, a bare ACK, and the second segment once more.
    let packets = [
        (0, segment(true, 1, 600)),
        (40, segment(false, 1, 1448)),
        (41, segment(false, 1449, 800)),
        (42, segment(true, 601, 0)),
        (250, segment(false, 1449, 800)),
    ];
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("shop_1.pcap");
    let mut file = BufWriter::new(File::create(&path)?);
    for word in [0xa1b2_c3d4, 0x0004_0002, 0, 0, 65_535, 101_u32] {
        file.write_all(&word.to_le_bytes())?; // microseconds, version 2.4, raw IP
    }
    for (ms, packet) in &packets {
        for word in [1_700_000_000, ms * 1000, packet.len() as u32, packet.len() as u32] {
            file.write_all(&word.to_le_bytes())?;
        }
        file.write_all(packet)?;
    }
    file.into_inner()?.sync_all()?;

    let import = import(&[path], &ImportOptions::default(), &|_, _| {})?;
    for labelled in import.set.traces() {
        println!("{}", labelled.key);
        for (time_ns, size) in labelled.trace.packets() {
            println!("{:6.1} ms {size:+6} bytes", time_ns as f64 / 1e6);
        }
    }
    println!("left out of {} packets: {:?}", import.stats.packets, import.stats.dropped);
    Ok(())
}
