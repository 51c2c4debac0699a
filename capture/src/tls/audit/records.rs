//! TLS records of one direction of a connection, and the handshake messages in them.
//!
//! Source: E. Rescorla, "The Transport Layer Security (TLS) Protocol Version 1.3", RFC 8446, 2018, section 5;
//! T. Dierks and E. Rescorla, "The Transport Layer Security (TLS) Protocol Version 1.2", RFC 5246, 2008, sections 6, 7.

use tls_parser::{TlsHandshakeType, TlsRecordHeader, TlsRecordType, parse_tls_record_header};

pub(super) const RECORD_HEADER: usize = wfkit_datasets::tor::RECORD_HEADER as usize;

/// The longest record: 2^14 bytes and what encryption may add (RFC 5246, section 6.2.3).
const MAX_RECORD: usize = (1 << 14) + 2048;

/// The longest handshake message that is kept; longer ones are certificates, of which only the place counts.
const MAX_MESSAGE: usize = 128 << 10;

/// Something seen in a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event<'a> {
    /// A message of the handshake, without its header; empty where it is too long to keep.
    Message(TlsHandshakeType, &'a [u8]),
    ChangeCipherSpec,
    Alert,
    /// Application data, or a handshake message that nobody without the keys can read.
    Encrypted,
}

/// What to do after an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    Continue,
    /// All that follows is encrypted.
    Stop,
}

/// How the reading of a stream goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    More,
    Done,
    /// These are no TLS records.
    NotTls,
}

#[derive(Debug, Default)]
pub(super) struct RecordReader {
    record: Vec<u8>,
    /// Handshake messages may span records.
    messages: Vec<u8>,
    /// Bytes of a message that is not kept.
    skip: usize,
}

impl RecordReader {
    /// Reads on. A record counts when it is complete, as do the messages in it.
    pub(super) fn read(&mut self, mut bytes: &[u8], mut on: impl FnMut(Event<'_>) -> Next) -> State {
        loop {
            let missing = match self.header() {
                Some(Err(())) => return State::NotTls,
                Some(Ok(header)) => RECORD_HEADER + usize::from(header.len) - self.record.len(),
                None => RECORD_HEADER - self.record.len(),
            };
            let (now, later) = bytes.split_at(missing.min(bytes.len()));
            self.record.extend_from_slice(now);
            bytes = later;
            if now.len() < missing {
                // A header that is not whole can already tell that it is none.
                return if starts_wrongly(&self.record) { State::NotTls } else { State::More };
            }
            let Some(Ok(header)) = self.header() else { continue };
            if self.record.len() == RECORD_HEADER + usize::from(header.len) {
                let state = self.record(&header, &mut on);
                self.record.clear();
                if state != State::More {
                    return state;
                }
            }
        }
    }

    /// Whether a record has begun that is not complete.
    pub(super) fn is_in_record(&self) -> bool {
        matches!(self.header(), Some(Ok(_)))
    }

    /// The header of the record that is being read, where that much is there.
    fn header(&self) -> Option<Result<TlsRecordHeader, ()>> {
        let header = self.record.get(..RECORD_HEADER)?;
        Some(record_header(header).ok_or(()))
    }

    fn record(&mut self, header: &TlsRecordHeader, on: &mut impl FnMut(Event<'_>) -> Next) -> State {
        let next = match header.record_type {
            TlsRecordType::Handshake => return self.handshake(on),
            TlsRecordType::ChangeCipherSpec => on(Event::ChangeCipherSpec),
            TlsRecordType::Alert => on(Event::Alert),
            _ => on(Event::Encrypted),
        };
        if next == Next::Stop { State::Done } else { State::More }
    }

    fn handshake(&mut self, on: &mut impl FnMut(Event<'_>) -> Next) -> State {
        let content = &self.record[RECORD_HEADER..];
        let skipped = self.skip.min(content.len());
        self.skip -= skipped;
        self.messages.extend_from_slice(&content[skipped..]);
        let mut at = 0;
        let mut state = State::More;
        while let Some(&[kind, a, b, c]) = self.messages[at..].first_chunk::<4>() {
            let len = u32::from_be_bytes([0, a, b, c]) as usize;
            let rest = &self.messages[at + 4..];
            let body = match rest.get(..len) {
                Some(body) => body,
                None if len > MAX_MESSAGE => {
                    self.skip = len - rest.len();
                    &[]
                }
                None => break,
            };
            at += 4 + len.min(rest.len());
            if on(Event::Message(TlsHandshakeType(kind), body)) == Next::Stop {
                state = State::Done;
                break;
            }
        }
        self.messages.drain(..at);
        state
    }
}

/// The header of a record, if it can be one.
pub(super) fn record_header(bytes: &[u8]) -> Option<TlsRecordHeader> {
    let (_, header) = parse_tls_record_header(bytes).ok()?;
    let is_one = !starts_wrongly(&bytes[..RECORD_HEADER]) && (1..=MAX_RECORD).contains(&usize::from(header.len));
    is_one.then_some(header)
}

/// Whether a segment starts with the record of a ClientHello or ServerHello.
pub(super) fn starts_with_hello(payload: &[u8]) -> bool {
    let is_handshake = record_header(payload).is_some_and(|header| header.record_type == TlsRecordType::Handshake);
    let is_hello =
        |kind: u8| [TlsHandshakeType::ClientHello, TlsHandshakeType::ServerHello].contains(&TlsHandshakeType(kind));
    // The length of a hello has two bytes at most.
    is_handshake && payload.len() > 6 && is_hello(payload[5]) && payload[6] == 0
}

/// Whether the first bytes of a record (up to five) are none: a type that does not exist, or a version that does not.
fn starts_wrongly(bytes: &[u8]) -> bool {
    let is_type = |&first: &u8| (TlsRecordType::ChangeCipherSpec.0..=TlsRecordType::Heartbeat.0).contains(&first);
    bytes.first().is_some_and(|first| !is_type(first))
        || bytes.get(1).is_some_and(|&major| major != 3)
        || bytes.get(2).is_some_and(|&minor| minor > 4)
}
