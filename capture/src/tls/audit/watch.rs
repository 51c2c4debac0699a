//! Watches the connections of a capture for handshakes.

use super::connection::{Handshake, TlsConnection};
use super::records::{RecordReader, State, record_header, starts_with_hello};
use crate::packet::Segment;
use crate::tls::streams::{Arrival, Bytes, Memory, Sink, Stream};

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
        if segment.flags.syn() && !segment.flags.ack() && self.flows[flow].opened != Some(segment.seq) {
            // Another connection between the same ports.
            let before = std::mem::replace(&mut self.flows[flow], Connection::opened(segment.seq));
            self.keep(before);
        }
        self.flows[flow].add(sender, number, segment, &mut self.memory);
    }

    /// The connections with TLS by their first packets, and how many more there are.
    pub(crate) fn finish(mut self) -> (Vec<TlsConnection>, u64) {
        for connection in std::mem::take(&mut self.flows) {
            self.keep(connection);
        }
        self.found.sort_by_key(|handshake| handshake.first_packet);
        let numbered = self.found.into_iter().zip(1..);
        (numbered.map(|(handshake, number)| handshake.result(number)).collect(), self.untold)
    }

    /// Keeps what a connection showed, if it was TLS.
    fn keep(&mut self, connection: Connection) {
        match connection.finish(&mut self.memory) {
            Some(_) if self.found.len() >= MAX_TOLD => self.untold += 1,
            Some(handshake) => self.found.push(handshake),
            None => {}
        }
    }
}

/// A TCP connection.
#[derive(Debug, Default)]
struct Connection {
    /// Sequence number of its SYN.
    opened: Option<u32>,
    directions: [Direction; 2],
    sights: Sights,
}

/// What both directions of a connection show.
#[derive(Debug, Default)]
struct Sights {
    first_packet: u64,
    handshake: Option<Box<Handshake>>,
    /// Segments that start with a TLS record.
    records: u32,
}

impl Sights {
    fn handshake(&mut self) -> &mut Handshake {
        self.handshake.get_or_insert_with(|| Box::new(Handshake::new(self.first_packet)))
    }
}

/// What one end sends.
#[derive(Debug, Default)]
enum Direction {
    #[default]
    Fresh,
    Reading(Box<Reading>),
    /// No TLS up to here, or not without a hole.
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
        let Self { directions, sights, .. } = self;
        if sights.first_packet == 0 {
            sights.first_packet = number;
        }
        sights.records = sights.records.saturating_add(u32::from(record_header(segment.payload).is_some()));
        let is_hello = starts_with_hello(segment.payload);
        let direction = &mut directions[sender];
        match direction {
            Direction::Done => return,
            // From the middle of a connection, or after plain text before TLS, only a hello tells where to start.
            Direction::Fresh if segment.flags.syn() || is_hello => *direction = Direction::Reading(Box::default()),
            Direction::Looking if is_hello => *direction = Direction::Reading(Box::default()),
            Direction::Fresh | Direction::Looking => return,
            Direction::Reading(_) => {}
        }
        let state = direction.read(sender, number, segment, sights, memory);
        if state == State::NotTls && is_hello {
            // What was read before ended with this segment.
            *direction = Direction::Reading(Box::default());
            direction.read(sender, number, segment, sights, memory);
        }
    }

    /// What the connection showed, if it was TLS.
    fn finish(mut self, memory: &mut Memory) -> Option<Handshake> {
        for direction in &mut self.directions {
            direction.stop(Direction::Done, memory);
        }
        let Self { opened, mut sights, .. } = self;
        if sights.handshake.is_none() && sights.records >= RECORDS_TO_BE_TLS {
            let why = match opened {
                Some(_) => "TLS records, but no handshake that can be read",
                None => "TLS records, but no handshake: the capture starts after it",
            };
            sights.handshake().notes.push(why.to_owned());
        }
        sights.handshake.map(|handshake| *handshake).filter(|seen| seen.has_hello() || !seen.notes.is_empty())
    }
}

impl Direction {
    fn read(
        &mut self,
        sender: usize,
        number: u64,
        segment: &Segment<'_>,
        sights: &mut Sights,
        memory: &mut Memory,
    ) -> State {
        let Self::Reading(reading) = self else { return State::Done };
        let Reading { stream, records } = reading.as_mut();
        // Not times but packet numbers: a packet that fills a hole gives its number to what waited for it.
        let arrival = Arrival::new(segment, number as i64);
        let mut reader = Reader { records, sights, sender, state: State::More };
        stream.push(arrival, memory, &mut reader);
        let state = reader.state;
        match state {
            State::More => {}
            State::Done => self.stop(Self::Done, memory),
            State::NotTls => self.stop(Self::Looking, memory),
        }
        state
    }

    /// Ends the reading, and gives the memory of what waits back.
    fn stop(&mut self, then: Self, memory: &mut Memory) {
        if let Self::Reading(mut reading) = std::mem::replace(self, then) {
            reading.stream.finish(memory, &mut Nowhere);
        }
    }
}

/// Reads the records in a stream whose times are packet numbers.
struct Reader<'a> {
    records: &'a mut RecordReader,
    sights: &'a mut Sights,
    sender: usize,
    state: State,
}

impl Sink for Reader<'_> {
    const READS: bool = true;

    fn bytes(&mut self, bytes: Bytes<'_>) {
        if self.state != State::More {
            return;
        }
        let Self { records, sights, sender, .. } = self;
        let packet = bytes.time_ns as u64;
        self.state = records.read(bytes.payload, |event| sights.handshake().add(packet, *sender, event));
        if self.state == State::More && bytes.payload.len() < bytes.len as usize {
            self.give_up(format!("packet {packet}: the snap length cuts it, what follows cannot be read"));
        }
    }

    fn hole(&mut self, _: Option<u32>) {
        if self.state == State::More {
            self.give_up("bytes are missing in the capture, what follows them cannot be read".to_owned());
        }
    }

    fn restart(&mut self) {
        self.state = State::NotTls;
    }
}

impl Reader<'_> {
    fn give_up(&mut self, note: String) {
        self.state = State::NotTls;
        if self.sights.handshake.is_some() || self.records.is_in_record() {
            self.sights.handshake().notes.push(note);
        }
    }
}

/// Takes what nobody reads.
struct Nowhere;

impl Sink for Nowhere {
    const READS: bool = false;

    fn bytes(&mut self, _: Bytes<'_>) {}

    fn hole(&mut self, _: Option<u32>) {}

    fn restart(&mut self) {}
}
