//! The TLS side of a capture, from the handshakes it contains.
//!
//! [`watch`] follows the connections, [`records`] finds the messages in what they carry, [`connection`] takes note of
//! where each is and what it says, [`suite`] takes a cipher suite apart, [`verdict`] says what standards think of it.

mod connection;
mod records;
mod suite;
mod verdict;
mod watch;

use std::path::Path;

use serde::Serialize;

pub use connection::{Messages, Sighting, TlsConnection};
pub use suite::CipherSuite;
pub use verdict::{Reason, Verdict};
pub(crate) use watch::Watch;

use crate::files::records::{RecordError, Records};
use crate::import::flows::FlowTable;
use crate::packet::endpoint::Endpoint;
use crate::packet::{Segment, TcpFlags};

/// Flows that are tracked in a capture; those that begin later are not looked into, their segments are counted.
pub(crate) const MAX_FLOWS: usize = 1 << 16;

/// The TLS side of a capture.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct CaptureAudit {
    /// Packets read.
    pub packets: u64,
    /// TCP flows in them: pairs of an address and a port at either end.
    pub flows: u64,
    /// TCP segments that were not looked into, because 65,536 flows were tracked already.
    pub segments_not_tracked: u64,
    /// The connections with TLS, by their first packets; 100,000 at most.
    pub connections: Vec<TlsConnection>,
    /// Connections with TLS beyond those.
    pub more_connections: u64,
    /// One sentence a problem. Without addresses or payload.
    pub problems: Vec<String>,
}

/// Reads a capture and looks at its TLS handshakes.
///
/// The verdicts are about what a handshake negotiated: a *must not* of a standard makes it weak, a *should not* legacy. They
/// do not look at certificates. Of a handshake that the capture shows in part only that part is told.
///
/// A capture that is damaged somewhere gives the connections before that, and a problem.
///
/// # Errors
/// Where nothing of the file can be read.
pub fn audit(path: &Path) -> Result<CaptureAudit, RecordError> {
    audit_records(Records::open(path)?)
}

pub(crate) fn audit_records(mut records: Records) -> Result<CaptureAudit, RecordError> {
    let mut audit = CaptureAudit::default();
    let mut followed = Followed::default();
    loop {
        match records.next() {
            Ok(Some(record)) => {
                audit.packets += 1;
                if let Ok(segment) = Segment::from_frame(record.link, record.data, record.orig_len) {
                    followed.add(record.number, &segment);
                }
            }
            Ok(None) => break,
            Err(error) if audit.packets == 0 => return Err(error),
            Err(error) => {
                audit.problems.push(format!("{error}; the {} packets before are used", audit.packets));
                break;
            }
        }
    }
    audit.flows = followed.flows as u64;
    audit.segments_not_tracked = followed.segments_not_tracked;
    (audit.connections, audit.more_connections) = followed.watch.finish();
    Ok(audit)
}

/// What the ends of one connection send, as [`fuzzing::tls`](crate::fuzzing::tls) describes it.
pub(crate) fn audit_segments(mut bytes: &[u8]) -> Vec<TlsConnection> {
    let ends = [Endpoint::new([10, 0, 0, 1].into(), 40_000), Endpoint::new([10, 0, 0, 2].into(), 443)];
    let mut next = [0_u32; 2];
    let mut watch = Watch::default();
    let mut number = 0;
    while let Some((&first, rest)) = bytes.split_first() {
        let sender = usize::from(first & 1);
        let (payload, rest) = rest.split_at(rest.len().min(usize::from(first >> 1)));
        let segment = Segment {
            source: ends[sender],
            destination: ends[1 - sender],
            ip_len: 40 + payload.len() as u32,
            seq: next[sender],
            flags: TcpFlags::default(),
            payload_len: payload.len() as u32,
            payload,
            fragment: false,
        };
        number += 1;
        watch.add(0, sender, number, &segment);
        next[sender] = next[sender].wrapping_add(payload.len() as u32);
        bytes = rest;
    }
    watch.finish().0
}

/// The flows of a capture and the handshakes in them, in bounded memory.
#[derive(Debug, Default)]
pub(crate) struct Followed {
    pub(crate) table: FlowTable,
    /// Flows tracked.
    pub(crate) flows: usize,
    pub(crate) watch: Watch,
    pub(crate) segments_not_tracked: u64,
}

impl Followed {
    /// Takes the next segment. Returns its flow where that is tracked.
    pub(crate) fn add(&mut self, number: u64, segment: &Segment<'_>) -> Option<usize> {
        // The table cannot be asked without adding to it, so a full one is left as it is.
        if self.flows == MAX_FLOWS {
            self.segments_not_tracked += 1;
            return None;
        }
        let (flow, sender) = self.table.add(segment);
        self.flows = self.flows.max(flow + 1);
        self.watch.add(flow, sender, number, segment);
        Some(flow)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fixture(name: &str) -> Vec<u8> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tls");
        std::fs::read(folder.join(name)).unwrap()
    }

    /// What the ends of the first connection in a capture send, in order: end and payload.
    fn payloads(capture: &[u8]) -> Vec<(u8, Vec<u8>)> {
        let mut records = Records::from_bytes(capture.to_vec()).unwrap();
        let mut table = FlowTable::default();
        let mut found = Vec::new();
        while let Some(record) = records.next().unwrap() {
            let segment = Segment::from_frame(record.link, record.data, record.orig_len).unwrap();
            if let (0, sender) = table.add(&segment) {
                found.push((sender as u8, segment.payload.to_vec()));
            }
        }
        found
    }

    /// The same bytes in segments of `len` bytes.
    fn cut(capture: &[u8], len: usize) -> Vec<u8> {
        let segment = |sender: u8, piece: &[u8]| [&[(piece.len() as u8) << 1 | sender], piece].concat();
        let pieces = payloads(capture);
        pieces.iter().flat_map(|(sender, bytes)| bytes.chunks(len).flat_map(|piece| segment(*sender, piece))).collect()
    }

    const CAPTURES: [&str; 7] = [
        "tls12-dhe-dss.pcap",
        "tls12-rsa-cbc.pcap",
        "tls10-ecdhe.pcap",
        "tls13-retry.pcap",
        "tls12-fragmented.pcap",
        "rustls-1.2.pcap",
        "rustls-1.3.pcap",
    ];

    #[test]
    fn records_over_many_segments_say_the_same() {
        for name in CAPTURES {
            let capture = fixture(name);
            let whole = audit_records(Records::from_bytes(capture.clone()).unwrap()).unwrap().connections.remove(0);
            for len in [7, 100, 127] {
                let cut = audit_segments(&cut(&capture, len)).remove(0);
                assert_eq!(
                    (&cut.version, &cut.cipher_suite, &cut.group, cut.verdict, &cut.reasons, &cut.notes),
                    (&whole.version, &whole.cipher_suite, &whole.group, whole.verdict, &whole.reasons, &whole.notes),
                    "{name} in segments of {len} bytes"
                );
                let is_seen = |sighting: Sighting| matches!(sighting, Sighting::Packet(_));
                let seen = |messages: &Messages| {
                    [messages.certificate, messages.server_key_exchange, messages.client_change_cipher_spec]
                        .map(is_seen)
                };
                assert_eq!(seen(&cut.packets), seen(&whole.packets), "{name} in segments of {len} bytes");
            }
        }
    }

    #[test]
    fn a_stream_that_ends_anywhere_is_told_about_up_to_there() {
        let stream = cut(&fixture("tls12-fragmented.pcap"), 100);
        let mut most = 0;
        for end in 0..stream.len() {
            let connections = audit_segments(&stream[..end]);
            let Some(connection) = connections.first() else { continue };
            let packets = serde_json::to_value(connection.packets).unwrap();
            let seen = packets.as_object().unwrap().values().filter(|sighting| sighting.is_u64()).count();
            assert!(seen >= most, "byte {end}");
            most = seen;
        }
        assert_eq!(most, 7);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_bytes_are_taken(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
            audit_segments(&bytes);
        }

        #[test]
        fn any_damage_is_taken(
            which in 0..CAPTURES.len(),
            changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
        ) {
            let mut bytes = cut(&fixture(CAPTURES[which]), 100);
            let mut file = fixture(CAPTURES[which]);
            for (at, byte) in changes {
                let (in_stream, in_file) = (at.index(bytes.len()), at.index(file.len()));
                bytes[in_stream] = byte;
                file[in_file] = byte;
            }
            audit_segments(&bytes);
            crate::fuzzing::audit(&file);
        }
    }
}
