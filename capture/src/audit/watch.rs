//! Watches the connections of a capture for handshakes.

use super::connection::{Handshake, TlsConnection};
use super::records::{RecordReader, State, record_header, starts_with_hello};
use crate::packet::Segment;
use crate::streams::{Arrival, Bytes, Memory, Sink, Stream};

/// Connections with TLS that are told about one by one.
const MAX_TOLD: usize = 100_000;

/// Segments that have to start with a TLS record before a connection without a handshake counts as TLS.
const RECORDS_TO_BE_TLS: u32 = 2;

/// Watches all TCP connections of a capture.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    /// By number of the flow.
    flows: Vec<Connection>,
    found: Vec<Handshake>,
    /// Connections with TLS beyond those that are told about.
    untold: u64,
    memory: Memory,
}

impl Watch {
    /// Takes a segment that `sender`, an end of a flow, sent with packet `number`.
    pub(crate) fn add(&mut self, flow: usize, sender: usize, number: u64, segment: &Segment<'_>) {
        if self.flows.len() <= flow {
            self.flows.resize_with(flow + 1, Connection::default);
        }
        let connection = &mut self.flows[flow];
        if segment.flags.syn() && !segment.flags.ack() && connection.opened != Some(segment.seq) {
            // Another connection between the same ports.
            let before = std::mem::replace(connection, Connection::opened(segment.seq));
            keep(before, &mut self.memory, &mut self.found, &mut self.untold);
        }
        self.flows[flow].add(sender, number, segment, &mut self.memory);
    }

    /// The connections with TLS by their first packets, and how many more there are.
    pub(crate) fn finish(mut self) -> (Vec<TlsConnection>, u64) {
        for connection in std::mem::take(&mut self.flows) {
            keep(connection, &mut self.memory, &mut self.found, &mut self.untold);
        }
        self.found.sort_by_key(|handshake| handshake.first_packet);
        let numbered = self.found.into_iter().zip(1..);
        (numbered.map(|(handshake, number)| handshake.result(number)).collect(), self.untold)
    }
}

/// Keeps what a connection showed, if it was TLS.
fn keep(connection: Connection, memory: &mut Memory, found: &mut Vec<Handshake>, untold: &mut u64) {
    match connection.finish(memory) {
        Some(_) if found.len() >= MAX_TOLD => *untold += 1,
        Some(handshake) => found.push(handshake),
        None => {}
    }
}

/// A TCP connection.
#[derive(Debug, Default)]
struct Connection {
    /// Sequence number of its SYN.
    opened: Option<u32>,
    first_packet: Option<u64>,
    directions: [Direction; 2],
    handshake: Option<Box<Handshake>>,
    /// Segments that start with a TLS record.
    records: u32,
}

/// What one end sends.
#[derive(Debug, Default)]
enum Direction {
    #[default]
    Fresh,
    Reading(Box<Reading>),
    /// No TLS up to here, or with a hole in it.
    Looking,
    /// The rest is encrypted.
    Done,
}

#[derive(Debug, Default)]
struct Reading {
    stream: Stream,
    records: RecordReader,
}

impl Connection {
    fn opened(seq: u32) -> Self {
        Self { opened: Some(seq), ..Self::default() }
    }

    fn add(&mut self, sender: usize, number: u64, segment: &Segment<'_>, memory: &mut Memory) {
        self.first_packet.get_or_insert(number);
        if record_header(segment.payload).is_some() {
            self.records = self.records.saturating_add(1);
        }
        let is_start = starts_with_hello(segment.payload);
        match &self.directions[sender] {
            Direction::Done => return,
            // A connection that is captured from the middle has no first record to start from.
            Direction::Fresh if !segment.flags.syn() && !is_start => {
                if segment.payload_len > 0 {
                    self.directions[sender] = Direction::Looking;
                }
                return;
            }
            Direction::Looking if !is_start => return,
            Direction::Fresh | Direction::Looking => {
                self.directions[sender] = Direction::Reading(Box::default());
            }
            Direction::Reading(_) => {}
        }
        // Found again after plain text before TLS (STARTTLS), or after what is no TLS.
        if self.read(sender, number, segment, memory) == Direction::Looking as fn() -> _ as usize as _ {
            unreachable!()
        }
    }

    fn finish(mut self, memory: &mut Memory) -> Option<Handshake> {
        None
    }
}
