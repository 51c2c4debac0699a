//! The TLS records in the bytes of a stream.

use super::cells::Negotiated;
use super::record_kind::RecordKind;
use super::stream::Bytes;

/// A TLS record header, without what TLS does not allow (RFC 8446, 5.1; RFC 5246, 6.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RecordHeader {
    pub(crate) content_type: u8,
    /// Length of what follows the header, in bytes.
    pub(crate) len: u16,
}

impl RecordHeader {
    pub(crate) const LEN: usize = 5;

    /// Change cipher spec, alert, handshake, application data or heartbeat, of SSL 3 to TLS 1.3, at most 2^14 + 2048
    /// bytes long (TLS 1.2; 1.3 allows less); only application data may be empty.
    #[inline]
    pub(crate) fn parse(bytes: [u8; Self::LEN]) -> Option<Self> {
        let [content_type, major, minor, high, low] = bytes;
        let len = u16::from_be_bytes([high, low]);
        let shortest = if content_type == APPLICATION_DATA { 0 } else { 1 };
        let longest = if content_type == CHANGE_CIPHER_SPEC { 1 } else { (1 << 14) + 2048 };
        let is_header =
            (20..=24).contains(&content_type) && major == 3 && minor <= 4 && (shortest..=longest).contains(&len);
        is_header.then_some(Self { content_type, len })
    }
}

const CHANGE_CIPHER_SPEC: u8 = 20;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;

/// A record, when the last of its bytes was there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TlsRecord {
    pub(crate) time_ns: i64,
    pub(crate) kind: RecordKind,
    /// Bytes, with the header.
    pub(crate) size: u32,
}

/// What a reader found beside records.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct RecordCounts {
    pub(crate) records: u64,
    /// Records of [`RecordKind::Estimated`].
    pub(crate) estimated: u64,
    /// Bytes that are in no record: before the first, and after a hole up to the next.
    pub(crate) outside: u64,
    /// Records whose end is not in the stream.
    pub(crate) unfinished: u64,
}

/// A full segment is at least as long as any before, and as long as one can be that IPv6 has to carry (1280 bytes less
/// headers and time stamps), as a single Tor cell or a first message is not a full segment.
const SHORTEST_FULL: u32 = 1208;

/// The longest record that an estimate makes: full, of TLS 1.3.
const LONGEST_ESTIMATE: u32 = (1 << 14) + 22;

/// Finds the records of one direction of a connection.
///
/// - A stream that starts with a header is read from header to header; an SSL 2 hello may come first.
/// - Else, and after a hole that took a header with it, the next header is searched for. One at the start of a segment
///   is believed; one elsewhere only when another header, or the end of the stream, follows its record.
/// - A header that was not captured (the snap length) makes the reader blind. Then the bytes up to the next segment
///   that starts with a header are taken for one record (more, where they do not fit in one). Where not even the starts
///   of segments were captured, a record is a run of segments that are full except for the last.
#[derive(Debug)]
pub(crate) struct RecordReader {
    state: State,
    /// Nothing was read yet.
    fresh: bool,
    /// The start of some segment was captured.
    sees: bool,
    /// The header that led here was found in the middle of a segment.
    unsure: bool,
    /// A record that such a header started.
    unconfirmed: Option<TlsRecord>,
    time_ns: i64,
    longest_segment: u32,
    hello: Hello,
    negotiated: Negotiated,
    counts: RecordCounts,
}

/// The start of the first message, which of a server tells the cipher suite.
#[derive(Debug, Clone, Default)]
enum Hello {
    #[default]
    Awaited,
    /// In the first record, which is a handshake message.
    Of(Vec<u8>),
    Done,
}

/// Type, length, version, random, a session of at most 32 bytes with its length, and the suite.
const HELLO_LEN: usize = 4 + 2 + 32 + 1 + 32 + 2;

#[derive(Debug, Clone, Copy)]
enum State {
    /// In a header, or at its start.
    Header { bytes: [u8; RecordHeader::LEN], len: usize },
    /// Between records somewhere, with the last bytes, of which some header may have started.
    Search { bytes: [u8; RecordHeader::LEN], len: usize },
    /// In a record of which `left` bytes are to come.
    Body { left: u32, size: u32, kind: RecordKind },
    /// In a run of `len` bytes that started with a record.
    Blind { len: u32, after_full: bool },
}

const AT_HEADER: State = State::Header { bytes: [0; RecordHeader::LEN], len: 0 };
const SEARCH: State = State::Search { bytes: [0; RecordHeader::LEN], len: 0 };

impl Default for RecordReader {
    fn default() -> Self {
        Self {
            state: AT_HEADER,
            fresh: true,
            sees: false,
            unsure: false,
            unconfirmed: None,
            time_ns: 0,
            longest_segment: 0,
            hello: Hello::Awaited,
            negotiated: Negotiated::default(),
            counts: RecordCounts::default(),
        }
    }
}

impl RecordReader {
    pub(crate) fn counts(&self) -> &RecordCounts {
        &self.counts
    }

    /// What was in the open of how later records are protected.
    pub(crate) fn negotiated(&self) -> Negotiated {
        self.negotiated
    }

    /// Reads what a segment adds to the stream.
    pub(crate) fn bytes(&mut self, new: Bytes<'_>, sink: &mut impl FnMut(TlsRecord)) {
        let captured = &new.payload[..new.payload.len().min(new.len as usize)];
        self.longest_segment = self.longest_segment.max(new.len);
        self.sees |= captured.len() >= RecordHeader::LEN;
        self.end_run_before(new.len, captured, sink);
        self.time_ns = new.time_ns;
        let mut at = 0;
        while at < new.len {
            at = match self.state {
                State::Header { .. } | State::Search { .. } => match captured.get(at as usize) {
                    Some(&byte) => self.header_byte(byte, at, sink),
                    None => self.skip_uncaptured(at, new.len, sink),
                },
                State::Body { left, size, kind } => {
                    let step = left.min(new.len - at);
                    if let Hello::Of(_) = self.hello {
                        self.read_hello(captured.get(at as usize..).unwrap_or(&[]), step as usize, left == step);
                    }
                    self.state = State::Body { left: left - step, size, kind };
                    self.end_record_if_whole(sink);
                    at + step
                }
                State::Blind { len, .. } => {
                    self.blind(len + (new.len - at), new.len, sink);
                    new.len
                }
            };
        }
    }

    /// Goes on after bytes that will not come; `None`: nobody knows how many.
    pub(crate) fn hole(&mut self, len: Option<u32>, sink: &mut impl FnMut(TlsRecord)) {
        match (self.state, len) {
            (State::Body { left, size, kind }, Some(len)) if len <= left => {
                self.state = State::Body { left: left - len, size, kind };
                self.end_record_if_whole(sink);
            }
            _ => {
                self.leave(sink);
                self.state = if self.fresh {
                    AT_HEADER
                } else if self.sees {
                    SEARCH
                } else {
                    State::Blind { len: 0, after_full: false }
                };
            }
        }
    }

    /// Starts again with another connection, or ends.
    pub(crate) fn restart(&mut self, sink: &mut impl FnMut(TlsRecord)) {
        self.leave(sink);
        *self = Self { counts: self.counts, negotiated: self.negotiated, ..Self::default() };
    }

    /// Ends what the state is in the middle of.
    fn leave(&mut self, sink: &mut impl FnMut(TlsRecord)) {
        match self.state {
            State::Header { len: 0, .. } => self.confirm(sink),
            State::Header { len, .. } | State::Search { len, .. } => {
                self.counts.outside += len as u64;
                self.reject();
            }
            State::Body { left, size, .. } => {
                self.counts.outside += u64::from(size - left);
                self.counts.unfinished += 1;
                self.reject();
            }
            State::Blind { len, .. } => self.estimate(len, sink),
        }
        self.unsure = false;
    }

    /// Takes a byte at `at` of the segment. Returns the position of the next byte.
    fn header_byte(&mut self, byte: u8, at: u32, sink: &mut impl FnMut(TlsRecord)) -> u32 {
        let (searches, mut bytes, mut len) = match self.state {
            State::Header { bytes, len } => (false, bytes, len),
            State::Search { bytes, len } => (true, bytes, len),
            State::Body { .. } | State::Blind { .. } => return at,
        };
        bytes[len] = byte;
        len += 1;
        if len < RecordHeader::LEN {
            self.state = if searches { State::Search { bytes, len } } else { State::Header { bytes, len } };
            return at + 1;
        }
        let hello = if self.fresh { ssl2_hello(bytes) } else { None };
        self.fresh = false;
        if let Some(header) = RecordHeader::parse(bytes) {
            if searches {
                self.unsure = at as usize + 1 != RecordHeader::LEN;
            } else {
                self.confirm(sink);
            }
            let kind =
                if header.content_type == APPLICATION_DATA { RecordKind::Application } else { RecordKind::Other };
            let version = u16::from_be_bytes([bytes[1], bytes[2]]);
            match (&self.hello, header.content_type) {
                (_, APPLICATION_DATA) => self.negotiated.version = Some(version),
                (Hello::Awaited, HANDSHAKE) => self.hello = Hello::Of(Vec::new()),
                _ => self.hello = Hello::Done,
            }
            let left = u32::from(header.len);
            self.state = State::Body { left, size: left + RecordHeader::LEN as u32, kind };
            self.end_record_if_whole(sink);
        } else if let Some(size) = hello {
            self.state = State::Body { left: size - RecordHeader::LEN as u32, size, kind: RecordKind::Other };
        } else {
            self.reject();
            self.counts.outside += 1;
            bytes.copy_within(1.., 0);
            self.state = State::Search { bytes, len: len - 1 };
        }
        at + 1
    }

    /// Reads on in the first message, of whose record the next `len` bytes are in `captured` as far as they were captured.
    fn read_hello(&mut self, captured: &[u8], len: usize, is_end: bool) {
        let Hello::Of(hello) = &mut self.hello else { return };
        let there = &captured[..captured.len().min(len)];
        hello.extend(there.iter().take(HELLO_LEN - hello.len()));
        if hello.len() == HELLO_LEN || there.len() < len || is_end {
            if let Some(suite) = suite_of_server(hello) {
                self.negotiated.suite = Some(suite);
            }
            self.hello = Hello::Done;
        }
    }

    /// The bytes from `at` on were not captured, and a header is or may be in them.
    fn skip_uncaptured(&mut self, at: u32, segment_len: u32, sink: &mut impl FnMut(TlsRecord)) -> u32 {
        match self.state {
            State::Search { len, .. } => {
                self.counts.outside += len as u64 + u64::from(segment_len - at);
                self.state = SEARCH;
            }
            State::Header { len, .. } => {
                self.confirm(sink);
                self.blind(len as u32 + (segment_len - at), segment_len, sink);
            }
            State::Body { .. } | State::Blind { .. } => return at,
        }
        self.fresh = false;
        segment_len
    }

    /// A run is `len` bytes long with the segment that was read.
    fn blind(&mut self, mut len: u32, segment_len: u32, sink: &mut impl FnMut(TlsRecord)) {
        while len > LONGEST_ESTIMATE {
            self.estimate(LONGEST_ESTIMATE, sink);
            len -= LONGEST_ESTIMATE;
        }
        let after_full = segment_len >= self.longest_segment.max(SHORTEST_FULL);
        self.state = State::Blind { len, after_full };
    }

    /// A run ends where a segment starts with a header, or else, if nobody can tell, after a segment that is not full.
    fn end_run_before(&mut self, segment_len: u32, captured: &[u8], sink: &mut impl FnMut(TlsRecord)) {
        let State::Blind { len, after_full } = self.state else { return };
        let ends = match captured.first_chunk() {
            Some(&head) => RecordHeader::parse(head).is_some(),
            None => !after_full && captured.len() < segment_len as usize,
        };
        if ends {
            self.estimate(len, sink);
            self.state = AT_HEADER;
        }
    }

    fn estimate(&mut self, len: u32, sink: &mut impl FnMut(TlsRecord)) {
        if len > 0 {
            self.counts.estimated += 1;
            self.emit(TlsRecord { time_ns: self.time_ns, kind: RecordKind::Estimated, size: len }, sink);
        }
    }

    fn end_record_if_whole(&mut self, sink: &mut impl FnMut(TlsRecord)) {
        let State::Body { left: 0, size, kind } = self.state else { return };
        let record = TlsRecord { time_ns: self.time_ns, kind, size };
        if self.unsure {
            self.unconfirmed = Some(record);
        } else {
            self.emit(record, sink);
        }
        self.state = AT_HEADER;
    }

    fn confirm(&mut self, sink: &mut impl FnMut(TlsRecord)) {
        self.unsure = false;
        if let Some(record) = self.unconfirmed.take() {
            self.emit(record, sink);
        }
    }

    fn reject(&mut self) {
        self.unsure = false;
        if let Some(record) = self.unconfirmed.take() {
            self.counts.outside += u64::from(record.size);
        }
    }

    fn emit(&mut self, record: TlsRecord, sink: &mut impl FnMut(TlsRecord)) {
        self.counts.records += 1;
        sink(record);
    }
}

/// The cipher suite in a server's hello (RFC 5246, 7.4.1.3).
fn suite_of_server(hello: &[u8]) -> Option<u16> {
    const SERVER_HELLO: u8 = 2;
    let session_len = usize::from(*hello.get(38)?);
    let suite = hello.get(39 + session_len..41 + session_len)?;
    (hello[0] == SERVER_HELLO).then(|| u16::from_be_bytes([suite[0], suite[1]]))
}

/// Length of a client hello in the format of SSL 2, which the first message of a TLS client may have (RFC 5246,
/// appendix E.2).
fn ssl2_hello(bytes: [u8; RecordHeader::LEN]) -> Option<u32> {
    let [high, low, message, major, minor] = bytes;
    let size = 2 + u32::from(u16::from_be_bytes([high & 0x7f, low]));
    let is_version = (major == 3 && minor <= 4) || (major, minor) == (0, 2);
    (high & 0x80 != 0 && message == 1 && is_version && size >= 11).then_some(size)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn record(content_type: u8, len: usize) -> Vec<u8> {
        let [high, low] = (len as u16).to_be_bytes();
        [[content_type, 3, 3, high, low].as_slice(), &vec![0xee; len]].concat()
    }

    /// Reads pieces that come one a nanosecond, as much of each as `snap` says.
    fn read(pieces: &[&[u8]], snap: usize) -> (Vec<(i64, u32, RecordKind)>, RecordCounts) {
        let mut reader = RecordReader::default();
        let mut records = Vec::new();
        let mut sink = |record: TlsRecord| records.push((record.time_ns, record.size, record.kind));
        for (time_ns, piece) in (0..).zip(pieces) {
            let payload = &piece[..piece.len().min(snap)];
            reader.bytes(Bytes { time_ns, len: piece.len() as u32, payload }, &mut sink);
        }
        reader.restart(&mut sink);
        let counts = *reader.counts();
        assert_eq!(counts.records, records.len() as u64);
        (records, counts)
    }

    #[test]
    fn headers_follow_the_rules() {
        let parse = |content_type, version: u16, len: u16| {
            let ([major, minor], [high, low]) = (version.to_be_bytes(), len.to_be_bytes());
            RecordHeader::parse([content_type, major, minor, high, low])
        };
        assert_eq!(parse(22, 0x0301, 200), Some(RecordHeader { content_type: 22, len: 200 }));
        assert!(parse(20, 0x0303, 1).is_some() && parse(20, 0x0303, 2).is_none());
        assert!(parse(23, 0x0303, 0).is_some() && parse(22, 0x0303, 0).is_none());
        assert!(parse(23, 0x0303, 18432).is_some() && parse(23, 0x0303, 18433).is_none());
        assert!(parse(19, 0x0303, 9).is_none() && parse(25, 0x0303, 9).is_none());
        assert!(parse(24, 0x0300, 9).is_some() && parse(24, 0x0304, 9).is_some());
        assert!(parse(22, 0x0305, 9).is_none() && parse(22, 0x0203, 9).is_none());
    }

    #[test]
    fn a_header_in_the_middle_needs_another_behind_its_record() {
        let plain = [b"220 ready".as_slice(), &[23, 3, 3, 0, 4], b"no record"].concat();
        assert_eq!(read(&[&plain], 99).0, []);
        let tls = [b"220 ready".as_slice(), &record(22, 40), &record(23, 50)].concat();
        let (records, counts) = read(&[&tls], 999);
        assert_eq!(records, [(0, 45, RecordKind::Other), (0, 55, RecordKind::Application)]);
        assert_eq!(counts.outside, 9);
        // The end of the stream confirms it too, and the start of a segment is believed.
        assert_eq!(read(&[&tls[..9 + 45]], 999).0.len(), 1);
        assert_eq!(read(&[b"220 ready", &record(23, 50), b"?"], 999).0.len(), 1);
    }

    #[test]
    fn a_hello_of_ssl_2_may_come_first() {
        let hello = [&[0x80, 40, 1, 3, 1], [0; 37].as_slice()].concat();
        let (records, counts) = read(&[&hello, &record(22, 9)], 99);
        assert_eq!(records, [(0, 42, RecordKind::Other), (1, 14, RecordKind::Other)]);
        assert_eq!(counts.outside, 0);
        assert_eq!(read(&[&record(22, 9), &hello, &record(22, 9)], 99).0.len(), 2);
    }

    #[test]
    fn empty_and_unfinished_records() {
        let stream = [record(23, 0), record(23, 9)].concat();
        let (records, counts) = read(&[&stream[..stream.len() - 1]], 99);
        assert_eq!((records, counts.unfinished, counts.outside), (vec![(0, 5, RecordKind::Application)], 1, 13));
        assert_eq!(read(&[], 9), (vec![], RecordCounts::default()));
        assert_eq!(read(&[&[22, 3]], 9).1, RecordCounts { outside: 2, ..RecordCounts::default() });
    }

    #[test]
    fn without_payload_a_record_is_a_run_of_full_segments_and_one_more() {
        let (full, rest) = ([0; 1448], [0; 700]);
        let (records, counts) = read(&[&full[..517], &full, &full, &rest, &rest, &full], 0);
        let sizes: Vec<_> = records.iter().map(|&(time_ns, size, _)| (time_ns, size)).collect();
        assert_eq!((sizes, counts.estimated), (vec![(0, 517), (3, 3596), (4, 700), (5, 1448)], 4));
        // A long run is cut where no record can be longer.
        let sizes: Vec<_> = read(&[&full[..]; 12], 0).0.iter().map(|&(_, size, _)| size).collect();
        assert_eq!(sizes, [LONGEST_ESTIMATE, 12 * 1448 - LONGEST_ESTIMATE]);
    }

    #[test]
    fn a_hole_in_a_record_changes_nothing_and_one_over_a_header_ends_it() {
        let stream = [record(23, 100), record(23, 100), record(23, 50)].concat();
        let mut reader = RecordReader::default();
        let mut sizes = Vec::new();
        let mut sink = |record: TlsRecord| sizes.push(record.size);
        let bytes =
            |range: std::ops::Range<usize>| Bytes { time_ns: 0, len: range.len() as u32, payload: &stream[range] };
        reader.bytes(bytes(0..20), &mut sink);
        reader.hole(Some(85), &mut sink);
        reader.bytes(bytes(105..205), &mut sink);
        reader.hole(Some(5), &mut sink);
        reader.bytes(bytes(210..265), &mut sink);
        reader.hole(None, &mut sink);
        reader.bytes(bytes(210..265), &mut sink);
        reader.restart(&mut sink);
        assert_eq!((sizes, reader.counts.outside), (vec![105, 105, 55, 55], 0));
    }

    fn kinds(content_type: u8) -> RecordKind {
        if content_type == APPLICATION_DATA { RecordKind::Application } else { RecordKind::Other }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_cutting_gives_the_same_records(
            records in proptest::collection::vec((21..25_u8, 1..900_usize), 1..20), cuts in proptest::collection::vec(1..1500_usize, 1..20)
        ) {
            let stream: Vec<u8> = records.iter().flat_map(|&(content_type, len)| record(content_type, len)).collect();
            let mut pieces = Vec::new();
            let mut rest = stream.as_slice();
            for &cut in cuts.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (piece, behind) = rest.split_at(cut.min(rest.len()));
                pieces.push(piece);
                rest = behind;
            }
            // A record is there with the piece that has its last byte.
            let mut end = 0;
            let mut ends = pieces.iter().map(|piece| { end += piece.len(); end }).collect::<Vec<_>>();
            ends.dedup();
            let mut last = 0;
            let expected: Vec<_> = records.iter().map(|&(content_type, len)| {
                last += len + 5;
                (ends.partition_point(|&end| end < last) as i64, len as u32 + 5, kinds(content_type))
            }).collect();
            let (found, counts) = read(&pieces, usize::MAX);
            prop_assert_eq!(found, expected);
            prop_assert_eq!(counts, RecordCounts { records: records.len() as u64, ..RecordCounts::default() });
        }

        #[test]
        fn no_byte_is_lost_or_counted_twice(
            pieces in proptest::collection::vec(proptest::collection::vec(prop_oneof![Just(23), Just(3), Just(0), any::<u8>()], 1..60), 0..30),
            snap in 0..60_usize,
        ) {
            let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
            let (records, counts) = read(&pieces, snap);
            let in_records: u64 = records.iter().map(|&(_, size, _)| u64::from(size)).sum();
            prop_assert_eq!(in_records + counts.outside, pieces.iter().map(|piece| piece.len() as u64).sum::<u64>());
        }
    }
}
