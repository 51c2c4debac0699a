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

use crate::endpoint::Endpoint;
use crate::flows::FlowTable;
use crate::packet::{Segment, TcpFlags};
use crate::records::{RecordError, Records};

/// Flows that are tracked in a capture; those that begin later are not looked into, their segments are counted.
pub(crate) const MAX_FLOWS: usize = 1 << 16;

/// The TLS side of a capture.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Audit {
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
pub fn audit(path: &Path) -> Result<Audit, RecordError> {
    audit_records(Records::open(path)?)
}

pub(crate) fn audit_records(mut records: Records) -> Result<Audit, RecordError> {
    let mut audit = Audit::default();
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
    let ends = [Endpoint::v4([10, 0, 0, 1], 40_000), Endpoint::v4([10, 0, 0, 2], 443)];
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
