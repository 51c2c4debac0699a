//! What reads bytes from strangers, for fuzzing: each function takes any bytes and must return.

use std::net::IpAddr;
use std::path::Path;

use crate::ImportOptions;
use crate::files::records::Records;
use crate::import::manifest::Manifest;
use crate::import::one_file::trace_of_bytes;
use crate::info::info_of;
use crate::packet::{Decoder, LinkType, Transport};
use crate::tls::audit::{audit_records, audit_segments};
use crate::tls::streams::{Bytes, RecordReader, TlsRecord};

/// A capture file, read into a trace of every kind.
pub fn capture(bytes: &[u8]) {
    for options in ImportOptions::every_kind() {
        let file = trace_of_bytes(bytes, &options);
        let stats = &file.stats;
        assert_eq!(stats.packets, stats.kept + stats.dropped.values().sum::<u64>());
        assert_eq!(file.trace.is_none(), stats.no_trace.is_some());
    }
}

/// A frame of the link type in the first two bytes, of the length on the wire in the next two.
pub fn frame(bytes: &[u8]) {
    let Some((&[link_high, link_low, high, low], data)) = bytes.split_first_chunk() else { return };
    let link = LinkType(u32::from(u16::from_be_bytes([link_high, link_low])));
    let orig_len = u32::from(u16::from_be_bytes([high, low])).max(data.len() as u32);
    for transport in [Transport::Tcp, Transport::Udp] {
        for inner in [false, true] {
            if let Ok(segment) = (Decoder { transport, inner }).segment(link, data, orig_len) {
                assert!(segment.payload.len() <= segment.payload_len as usize);
                assert!(segment.payload_len <= segment.ip_len);
            }
        }
    }
}

/// What a frame holds of TCP or UDP, to be compared with what others find in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decoded<'a> {
    /// Where it comes from and goes to.
    pub addresses: [IpAddr; 2],
    /// Their ports.
    pub ports: [u16; 2],
    /// The IP packet in bytes.
    pub ip_len: u32,
    /// TCP: the sequence number; UDP: 0.
    pub seq: u32,
    /// TCP: the lowest eight flags; UDP: none.
    pub flags: u8,
    /// The payload, which is whole.
    pub payload: &'a [u8],
}

/// What an Ethernet frame that was captured whole holds of TCP, or of UDP.
pub fn decoded(frame: &[u8], is_udp: bool) -> Option<Decoded<'_>> {
    let transport = if is_udp { Transport::Udp } else { Transport::Tcp };
    let decoder = Decoder { transport, inner: false };
    let segment = decoder.segment(LinkType::ETHERNET, frame, frame.len() as u32).ok()?;
    (segment.payload.len() == segment.payload_len as usize).then(|| Decoded {
        addresses: [segment.source.ip(), segment.destination.ip()],
        ports: [segment.source.port(), segment.destination.port()],
        ip_len: segment.ip_len,
        seq: segment.seq,
        flags: segment.flags.0,
        payload: segment.payload,
    })
}

/// A capture file, looked into and audited.
pub fn audit(bytes: &[u8]) {
    if let Ok(audit) = Records::from_bytes(bytes.to_vec()).and_then(audit_records) {
        let info = Records::from_bytes(bytes.to_vec()).and_then(info_of).expect("the audit could read it");
        assert_eq!((info.packets, info.flows), (audit.packets, audit.flows));
        assert_eq!(info.tls_connections, audit.connections.len() as u64 + audit.more_connections);
        assert_eq!(info.packets, info.trace_packets + info.left_out.values().sum::<u64>());
    }
}

/// What the two ends of a TLS connection send: segments of an end (lowest bit) and a length (the others, up to 127),
/// each a byte before its payload.
pub fn tls(bytes: &[u8]) {
    audit_segments(bytes);
}

/// The TLS records of a stream: each segment starts with how many bytes it has (a byte), how many of them were captured, and
/// how many bytes are lost behind it.
pub fn tls_records(mut bytes: &[u8]) {
    let (mut reader, mut in_records, mut in_stream) = (RecordReader::default(), 0, 0);
    let mut sink = |record: TlsRecord| in_records += u64::from(record.size);
    while let Some((&[len, captured, lost], rest)) = bytes.split_first_chunk() {
        let (segment, rest) = rest.split_at(rest.len().min(usize::from(len)));
        bytes = rest;
        if !segment.is_empty() {
            let payload = &segment[..segment.len().min(usize::from(captured))];
            reader.bytes(Bytes { time_ns: 0, len: segment.len() as u32, payload }, &mut sink);
        }
        if lost > 0 {
            reader.hole((lost < 255).then_some(u32::from(lost)), &mut sink);
        }
        in_stream += segment.len() as u64 + u64::from(lost);
    }
    reader.restart(&mut sink);
    assert!(in_records + reader.counts().outside <= in_stream);
}

/// What tshark wrote about a capture.
pub fn text(bytes: &[u8]) {
    crate::files::text::read_any(bytes);
}

/// A filter of a recording: what is written is read as the same again.
pub fn filter(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(filter) = text.parse::<crate::live::Filter>() {
        let again: crate::live::Filter = filter.to_string().parse().expect("it was read before");
        assert_eq!(again.to_string(), filter.to_string());
    }
}

/// A manifest of labels.
pub fn manifest(bytes: &[u8]) {
    let _ = Manifest::parse(Path::new("manifest.csv"), bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What fuzzing found: the header that made the library read beyond it, which then took packets apart.
    #[test]
    fn an_authentication_header_shorter_than_its_fields() {
        let mut packet = vec![0x6a; 40];
        packet[6] = 51;
        packet.extend([6, 0, 0, 0, 0, 0, 0, 0]);
        for end in 0..=packet.len() {
            frame(&[&[0, 229, 255, 254], &packet[..end]].concat());
        }
        let mut packet = vec![0x45; 20];
        packet[9] = 51;
        packet.extend([6, 0, 0, 0, 0, 0, 0, 0]);
        frame(&[&[0, 228, 255, 254], packet.as_slice()].concat());
    }
}
