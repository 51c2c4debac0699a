//! The bytes of one direction of a TCP connection, each once and in order.

use super::waiting::{Waiting, WaitingRoom};
use crate::packet::{Segment, TcpFlags};

/// How far ahead of the next byte in order a segment may be and wait for what is between, in bytes. Receive windows are
/// smaller than this where the system was left as it comes (Linux lets them grow to 6 MiB, half of it payload).
pub(crate) const WINDOW: u32 = 4 << 20;

/// How many segments of a direction may wait.
pub(crate) const MAX_WAITING: usize = 4096;

/// How much may wait in all streams of a capture together, in bytes of memory.
const MAX_MEMORY: usize = 64 << 20;

/// The next bytes of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bytes<'a> {
    /// When they were there: captured, and all that is before them too.
    pub(crate) time_ns: i64,
    /// How many, at least one.
    pub(crate) len: u32,
    /// The first of them, as far as they were captured; nothing where [`Sink::READS`] is false and they had to wait.
    pub(crate) payload: &'a [u8],
}

/// Takes a stream as it gets known.
pub(crate) trait Sink {
    /// Whether the bytes matter, and not only how many they are.
    const READS: bool;

    /// The next bytes; each call is what one segment adds.
    fn bytes(&mut self, bytes: Bytes<'_>);

    /// Bytes that will not come. `None`: nobody knows how many.
    fn hole(&mut self, len: Option<u32>);

    /// A new connection: what comes next has nothing to do with what was before.
    fn restart(&mut self);
}

/// A segment as it was captured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrival<'a> {
    pub(crate) time_ns: i64,
    pub(crate) seq: u32,
    pub(crate) flags: TcpFlags,
    /// Payload on the wire, in bytes.
    pub(crate) len: u32,
    /// The captured start of the payload.
    pub(crate) payload: &'a [u8],
}

impl<'a> Arrival<'a> {
    pub(crate) fn new(segment: &Segment<'a>, time_ns: i64) -> Self {
        Self { time_ns, seq: segment.seq, flags: segment.flags, len: segment.payload_len, payload: segment.payload }
    }
}

/// What the segments of a stream were. What is rare is counted in 32 bits, so that a stream fits in two cache lines.
///
/// `empty + keep_alive + retransmitted + before + used` is
/// all of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Segments that added bytes.
    pub(crate) used: u64,
    /// Segments without payload.
    pub(crate) empty: u64,
    /// Segments of at most one byte, the last one that was sent before (RFC 9293, 3.8.4).
    pub(crate) keep_alive: u64,
    /// Segments whose bytes were all there.
    pub(crate) retransmitted: u64,
    /// Of the used: those of which some bytes were there.
    pub(crate) overlapping: u64,
    /// Of the used: those that came after one that belongs behind them, be it out of order or sent again.
    pub(crate) late: u64,
    /// Holes that were given up.
    pub(crate) holes: u32,
    /// Bytes in them.
    pub(crate) missing: u64,
    /// Sequence numbers that jumped by more than the window.
    pub(crate) jumps: u32,
    /// Connections after the first, between the same ports.
    pub(crate) restarts: u32,
    /// Segments before the first of a stream that began before the capture, where bytes are read: they are in no record.
    pub(crate) before: u32,
}

/// The memory that waiting segments use, over all streams of a capture.
#[derive(Debug)]
pub(crate) struct Memory {
    used: usize,
    limit: usize,
}

impl Default for Memory {
    fn default() -> Self {
        Self { used: 0, limit: MAX_MEMORY }
    }
}

/// Puts the segments of one direction of a connection in order.
///
/// - The stream starts with a SYN, or else with the first segment that has payload; what comes later and belongs before that
///   was not sent before, and is passed on with its own time, unless bytes are read. SYN and FIN take a sequence number each;
///   numbers wrap.
/// - A single byte that a stream without a SYN begins with may be that of a keep-alive. It is one when it is sent again, or
///   when it is a zero, not pushed, right before what follows.
/// - A segment that continues the stream is passed on at once, with its own time. Bytes that were passed on before are
///   taken off; a segment without any others is counted and no more.
/// - A segment behind a hole waits. When the hole is filled, it is passed on with the time of the segment that filled it:
///   before, nobody could use its bytes.
/// - A hole is given up where more than [`WINDOW`] bytes, [`MAX_WAITING`] segments or, over all streams, 64 MiB wait for
///   it, and at the end: it is counted, and the segments behind it are passed on with their own times (up to the next
///   hole). Usually it was the capture that lost the segment, and they did not wait in fact.
/// - A segment further ahead or behind than the window makes the stream continue there, as after a long loss.
/// - A SYN with another number starts another connection in the stream's place.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    /// Number of the next byte in order.
    next: u32,
    /// Number of the first byte.
    first: u32,
    started: bool,
    /// Its SYN was captured.
    is_opened: bool,
    /// What may be a keep-alive before the first byte.
    probe: Option<Box<Probe>>,
    waiting: WaitingRoom,
    counts: Counts,
}

/// A single byte before anything else of a stream.
#[derive(Debug, Clone, Copy)]
struct Probe {
    seq: u32,
    time_ns: i64,
    byte: Option<u8>,
    is_repeated: bool,
}

impl Stream {
    pub(crate) fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Takes the next captured segment of this direction.
    #[inline]
    pub(crate) fn push<S: Sink>(&mut self, new: Arrival<'_>, memory: &mut Memory, sink: &mut S) {
        let plain = !new.flags.syn() && !new.flags.fin();
        if new.seq == self.next && new.len > 0 && plain && self.started && self.waiting.is_empty() {
            self.next = new.seq.wrapping_add(new.len);
            self.counts.used += 1;
            sink.bytes(Bytes { time_ns: new.time_ns, len: new.len, payload: new.payload });
        } else if new.len == 0 && plain {
            self.push_empty(new);
        } else {
            self.push_any(new, memory, sink);
        }
    }

    /// Gives up all holes: there are no more segments.
    pub(crate) fn finish<S: Sink>(&mut self, memory: &mut Memory, sink: &mut S) {
        self.end_probe(None, sink);
        while !self.waiting.is_empty() {
            self.give_up_hole(memory, sink);
        }
    }

    fn push_empty(&mut self, new: Arrival<'_>) {
        if self.is_keep_alive(&new) {
            self.counts.keep_alive += 1;
        } else {
            self.counts.empty += 1;
        }
    }

    fn is_keep_alive(&self, new: &Arrival<'_>) -> bool {
        let flagged = new.flags.syn() || new.flags.fin() || new.flags.rst();
        self.started && !flagged && new.len <= 1 && new.seq.wrapping_add(1) == self.next
    }

    /// Whether the segment may be a keep-alive of a stream of which nothing else is known; then it is put aside.
    fn is_probe<S: Sink>(&mut self, new: &Arrival<'_>, sink: &mut S) -> bool {
        let flagged = new.flags.syn() || new.flags.fin() || new.flags.rst() || new.flags.psh();
        if self.started || flagged || new.len != 1 {
            self.end_probe(Some(new.seq), sink);
            return false;
        }
        match &mut self.probe {
            Some(probe) if probe.seq == new.seq => {
                probe.is_repeated = true;
                self.counts.keep_alive += 1;
                true
            }
            None => {
                let byte = new.payload.first().copied();
                let probe = Probe { seq: new.seq, time_ns: new.time_ns, byte, is_repeated: false };
                self.probe = Some(Box::new(probe));
                true
            }
            Some(_) => {
                self.end_probe(Some(new.seq), sink);
                false
            }
        }
    }

    /// Decides what the byte was that was put aside, now that the next segment or the end is there.
    fn end_probe<S: Sink>(&mut self, next: Option<u32>, sink: &mut S) {
        let Some(probe) = self.probe.take() else { return };
        let Probe { seq, time_ns, byte, is_repeated } = *probe;
        let behind = seq.wrapping_add(1);
        (self.started, self.first, self.next) = (true, behind, behind);
        let is_filler = match next {
            Some(next) => byte.unwrap_or(0) == 0 && next == behind,
            None => byte == Some(0),
        };
        if is_repeated || is_filler {
            self.counts.keep_alive += 1;
        } else {
            self.first = seq;
            self.counts.used += 1;
            sink.bytes(Bytes { time_ns, len: 1, payload: byte.as_slice() });
        }
    }

    fn push_any<S: Sink>(&mut self, mut new: Arrival<'_>, memory: &mut Memory, sink: &mut S) {
        if self.is_probe(&new, sink) {
            return;
        }
        if new.flags.syn() {
            new.seq = new.seq.wrapping_add(1);
            if self.started && new.seq != self.first {
                self.finish(memory, sink);
                self.counts.restarts += 1;
                self.started = false;
                sink.restart();
            }
        }
        if !self.started {
            (self.started, self.first, self.next) = (true, new.seq, new.seq);
            self.is_opened = new.flags.syn();
        }
        if new.len == 0 {
            self.counts.empty += 1;
        } else if self.is_keep_alive(&new) {
            self.counts.keep_alive += 1;
        } else {
            self.push_payload(new, memory, sink);
        }
        if new.flags.fin() && new.seq.wrapping_add(new.len) == self.next {
            self.next = self.next.wrapping_add(1);
        }
    }

    fn push_payload<S: Sink>(&mut self, new: Arrival<'_>, memory: &mut Memory, sink: &mut S) {
        while self.ahead(new.seq) > i64::from(WINDOW) && !self.waiting.is_empty() {
            self.give_up_hole(memory, sink);
        }
        let mut ahead = self.ahead(new.seq);
        if ahead.abs() > i64::from(WINDOW) {
            self.finish(memory, sink);
            self.counts.jumps += 1;
            sink.hole(None);
            (self.first, self.next) = (new.seq, new.seq);
            self.is_opened = false;
            ahead = 0;
        }
        let before = self.first.wrapping_sub(new.seq) as i32;
        if before > 0 && !self.is_opened {
            self.push_before(&new, before.unsigned_abs(), sink);
        } else if ahead > 0 {
            self.wait(&new, memory, sink);
        } else if i64::from(new.len) <= -ahead {
            self.counts.retransmitted += 1;
        } else {
            let known = (-ahead) as u32;
            self.counts.overlapping += u64::from(known > 0);
            self.counts.late += u64::from(!self.waiting.is_empty());
            self.counts.used += 1;
            let payload = new.payload.get(known as usize..).unwrap_or(&[]);
            self.next = new.seq.wrapping_add(new.len);
            sink.bytes(Bytes { time_ns: new.time_ns, len: new.len - known, payload });
            self.pass_on(Some(new.time_ns), memory, sink);
        }
    }

    /// Takes a segment that starts `before` bytes before the first one of a stream that was not seen to open.
    fn push_before<S: Sink>(&mut self, new: &Arrival<'_>, before: u32, sink: &mut S) {
        if S::READS {
            self.counts.before += 1;
            return;
        }
        self.first = new.seq;
        self.counts.used += 1;
        self.counts.late += 1;
        let end = new.seq.wrapping_add(new.len);
        let beyond = u32::try_from(self.ahead(end)).unwrap_or(0);
        if beyond > 0 {
            self.next = end;
        }
        sink.bytes(Bytes { time_ns: new.time_ns, len: new.len.min(before) + beyond, payload: &[] });
    }

    /// How far a number is ahead of the next byte; negative where it is behind.
    fn ahead(&self, seq: u32) -> i64 {
        i64::from(seq.wrapping_sub(self.next) as i32)
    }

    fn wait<S: Sink>(&mut self, new: &Arrival<'_>, memory: &mut Memory, sink: &mut S) {
        let payload = if S::READS { new.payload.into() } else { Box::default() };
        let waiting = Waiting { seq: new.seq, len: new.len, time_ns: new.time_ns, payload };
        let done = self.waiting.insert(waiting, self.next);
        self.counts.used += 1;
        self.take_back(done.covered);
        self.counts.overlapping += u64::from(done.overlaps);
        self.counts.late += u64::from(done.late);
        memory.used = memory.used + done.used - done.freed;
        while self.waiting.len() > MAX_WAITING || (memory.used > memory.limit && !self.waiting.is_empty()) {
            self.give_up_hole(memory, sink);
        }
    }

    /// Counts segments as retransmitted that counted as used.
    fn take_back(&mut self, segments: u64) {
        self.counts.used -= segments;
        self.counts.retransmitted += segments;
    }

    fn give_up_hole<S: Sink>(&mut self, memory: &mut Memory, sink: &mut S) {
        let Some(first) = self.waiting.first() else { return };
        let missing = first.seq.wrapping_sub(self.next);
        self.next = first.seq;
        self.counts.holes += 1;
        self.counts.missing += u64::from(missing);
        sink.hole(Some(missing));
        self.pass_on(None, memory, sink);
    }

    /// Passes on what waited for the bytes that came at `time_ns`, or for those that were given up.
    fn pass_on<S: Sink>(&mut self, time_ns: Option<i64>, memory: &mut Memory, sink: &mut S) {
        while self.waiting.first().is_some_and(|first| self.ahead(first.seq) <= 0) {
            let Some(mut first) = self.waiting.take_first() else { return };
            memory.used -= first.cost();
            let known = -self.ahead(first.seq);
            if known >= i64::from(first.len) {
                self.take_back(1);
                continue;
            }
            if known > 0 {
                self.counts.overlapping += 1;
                first.skip_to(self.next);
            }
            self.next = first.seq.wrapping_add(first.len);
            let time_ns = time_ns.map_or(first.time_ns, |filled| filled.max(first.time_ns));
            sink.bytes(Bytes { time_ns, len: first.len, payload: &first.payload });
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SYN: u8 = 2;
    const FIN: u8 = 1;

    /// Everything that a stream says, one after another.
    #[derive(Debug, Default)]
    struct Log {
        bytes: Vec<u8>,
        /// Time and length of each piece.
        pieces: Vec<(i64, u32)>,
        holes: Vec<Option<u32>>,
        restarts: usize,
    }

    impl Sink for Log {
        const READS: bool = true;

        fn bytes(&mut self, bytes: Bytes<'_>) {
            assert_eq!(bytes.len as usize, bytes.payload.len());
            self.bytes.extend(bytes.payload);
            self.pieces.push((bytes.time_ns, bytes.len));
        }

        fn hole(&mut self, len: Option<u32>) {
            self.holes.push(len);
        }

        fn restart(&mut self) {
            self.restarts += 1;
        }
    }

    #[derive(Default)]
    struct Test {
        stream: Stream,
        memory: Memory,
        log: Log,
        time_ns: i64,
    }

    impl Test {
        /// The next segment comes 10 ns after the last.
        fn push(&mut self, seq: u32, flags: u8, payload: &[u8]) -> &mut Self {
            self.time_ns += 10;
            let (time_ns, len) = (self.time_ns, payload.len() as u32);
            let arrival = Arrival { time_ns, seq, flags: TcpFlags(flags), len, payload };
            self.stream.push(arrival, &mut self.memory, &mut self.log);
            self
        }

        fn finish(&mut self) -> (String, Vec<(i64, u32)>, Counts) {
            self.stream.finish(&mut self.memory, &mut self.log);
            assert_eq!(self.memory.used, 0);
            let counts = self.stream.counts;
            assert_eq!(counts.used, self.log.pieces.len() as u64);
            (String::from_utf8_lossy(&self.log.bytes).into_owned(), self.log.pieces.clone(), counts)
        }
    }

    #[test]
    fn segments_in_order_pass_with_their_times() {
        let mut test = Test::default();
        test.push(99, SYN, b"").push(100, 0, b"abc").push(103, FIN, b"de").push(106, 0, b"");
        let (bytes, pieces, counts) = test.finish();
        assert_eq!((bytes.as_str(), pieces), ("abcde", vec![(20, 3), (30, 2)]));
        assert_eq!(counts, Counts { used: 2, empty: 2, ..Counts::default() });
    }

    #[test]
    fn numbers_wrap() {
        let mut test = Test::default();
        test.push(u32::MAX - 2, SYN, b"").push(2, 0, b"ef").push(u32::MAX - 1, 0, b"abcd").push(0, 0, b"cd");
        let (bytes, _, counts) = test.finish();
        assert_eq!(bytes, "abcdef");
        assert_eq!((counts.late, counts.retransmitted), (1, 1));
    }

    #[test]
    fn what_waits_passes_when_the_hole_is_filled() {
        let mut test = Test::default();
        test.push(0, 0, b"ab").push(4, 0, b"ef").push(6, 0, b"g").push(2, 0, b"cd").push(7, 0, b"h");
        let (bytes, pieces, counts) = test.finish();
        assert_eq!((bytes.as_str(), pieces), ("abcdefgh", vec![(10, 2), (40, 2), (40, 2), (40, 1), (50, 1)]));
        assert_eq!(counts, Counts { used: 5, late: 1, ..Counts::default() });
    }

    #[test]
    fn what_waits_for_nothing_passes_with_its_own_time() {
        let mut test = Test::default();
        test.push(0, 0, b"ab").push(4, 0, b"ef").push(9, 0, b"j").push(6, 0, b"g");
        let (bytes, pieces, counts) = test.finish();
        assert_eq!((bytes.as_str(), pieces), ("abefgj", vec![(10, 2), (20, 2), (40, 1), (30, 1)]));
        assert_eq!(test.log.holes, [Some(2), Some(2)]);
        assert_eq!(counts, Counts { used: 4, late: 1, holes: 2, missing: 4, ..Counts::default() });
    }

    #[test]
    fn copies_and_overlaps_count_once() {
        let mut test = Test::default();
        test.push(0, 0, b"abc").push(0, 0, b"abc").push(1, 0, b"bcde").push(4, 0, b"e");
        test.push(7, 0, b"hi").push(7, 0, b"h").push(6, 0, b"gh").push(8, 0, b"ijk").push(5, 0, b"fghij");
        let (bytes, _, counts) = test.finish();
        assert_eq!(bytes, "abcdefghijk");
        assert_eq!(counts.missing, 0);
        assert_eq!(counts.keep_alive, 1); // a single byte that was sent before
        assert_eq!(counts.used + counts.retransmitted + counts.keep_alive, 9);
    }

    #[test]
    fn keep_alives_are_told_from_acknowledgements() {
        let mut test = Test::default();
        test.push(5, 0, b"abc").push(7, 0, b"").push(7, 0, b"x").push(8, 0, b"").push(8, 0, b"d");
        let (bytes, _, counts) = test.finish();
        assert_eq!(bytes, "abcd");
        assert_eq!(counts, Counts { used: 2, empty: 1, keep_alive: 2, ..Counts::default() });
    }

    #[test]
    fn a_new_connection_starts_the_stream_again() {
        let mut test = Test::default();
        test.push(9, SYN, b"").push(10, 0, b"ab").push(9, SYN, b"").push(14, 0, b"ef");
        test.push(700, SYN, b"").push(701, 0, b"gh");
        let (bytes, _, counts) = test.finish();
        assert_eq!((bytes.as_str(), test.log.restarts, test.log.holes.as_slice()), ("abefgh", 1, &[Some(2)][..]));
        assert_eq!((counts.restarts, counts.missing), (1, 2));
    }

    #[test]
    fn a_jump_beyond_the_window_goes_on_there() {
        for jump in [WINDOW + 1, WINDOW.wrapping_neg() - 5, 1 << 31] {
            let mut test = Test::default();
            test.push(0, 0, b"ab").push(2 + jump, 0, b"cd").push(4 + jump, 0, b"ef");
            let (bytes, _, counts) = test.finish();
            assert_eq!((bytes.as_str(), counts.jumps, test.log.holes.as_slice()), ("abcdef", 1, &[None][..]));
        }
        let mut test = Test::default();
        test.push(0, 0, b"ab").push(2 + WINDOW, 0, b"cd");
        assert_eq!(test.finish().2, Counts { used: 2, holes: 1, missing: u64::from(WINDOW), ..Counts::default() });
    }

    #[test]
    fn waiting_is_bounded() {
        let mut test = Test::default();
        test.push(0, 0, b"a");
        for segment in 0..=MAX_WAITING as u32 {
            test.push(2 + segment, 0, b"c");
        }
        assert_eq!((test.log.bytes.len(), test.memory.used), (MAX_WAITING + 2, 0));
        // Bytes: the hole is further behind than the window.
        let mut test = Test::default();
        test.push(0, 0, b"a");
        let long = vec![b'c'; 1 << 20];
        for segment in 0..5 {
            test.push(2 + (segment << 20), 0, &long);
        }
        assert_eq!(test.log.holes, [Some(1)]);
        // All streams together.
        let mut test = Test { memory: Memory { used: 0, limit: 100 }, ..Test::default() };
        test.push(0, 0, b"a").push(2, 0, &[b'c'; 40]);
        assert_eq!(test.log.holes, []);
        test.push(52, 0, &[b'd'; 40]);
        assert_eq!((test.log.holes.as_slice(), test.memory.used), (&[Some(1)][..], size_of::<Waiting>() + 40));
    }

    prop_compose! {
        /// A stream cut into segments, with some sent twice or with other borders, in an order that is not far off.
        fn segments()(
            bytes in proptest::collection::vec(any::<u8>(), 1..600),
            first in any::<u32>(),
            cuts in proptest::collection::vec((0.0..1.0_f64, 1..90_usize, 0..40_usize), 0..30),
            regular in 1..80_usize,
        ) -> (Vec<u8>, u32, Vec<(usize, usize)>) {
            let whole = (0..bytes.len()).step_by(regular).map(|at| (at, at, (at + regular).min(bytes.len())));
            let extra = cuts.iter().map(|&(at, len, shift)| {
                let at = (at * bytes.len() as f64) as usize;
                (at + shift, at, (at + len).min(bytes.len()))
            });
            let mut all: Vec<_> = whole.chain(extra).collect();
            all.sort_by_key(|&(order, from, _)| (order ^ 16, from)); // swaps runs of 16 bytes
            (bytes, first, all.into_iter().map(|(_, from, to)| (from, to)).collect())
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_cutting_order_and_copies_give_the_same_bytes((bytes, first, segments) in segments()) {
            let mut test = Test::default();
            test.push(first.wrapping_sub(1), SYN, b"");
            for &(from, to) in &segments {
                test.push(first.wrapping_add(from as u32), 0, &bytes[from..to]);
            }
            let (_, pieces, counts) = test.finish();
            prop_assert_eq!(&test.log.bytes, &bytes);
            prop_assert!(pieces.is_sorted_by_key(|&(time_ns, _)| time_ns));
            prop_assert_eq!(counts.missing, 0);
            let all = counts.used + counts.empty + counts.keep_alive + counts.retransmitted;
            prop_assert_eq!(all, segments.len() as u64 + 1);
        }

        #[test]
        fn lost_segments_are_missing_and_no_more(
            (bytes, first, segments) in segments(), lost in proptest::collection::vec(any::<bool>(), 1..50)
        ) {
            let mut test = Test::default();
            test.push(first.wrapping_sub(1), SYN, b"");
            let mut there = vec![false; bytes.len()];
            for (&(from, to), _) in segments.iter().zip(lost.iter().cycle()).filter(|(_, lost)| !**lost) {
                test.push(first.wrapping_add(from as u32), 0, &bytes[from..to]);
                there[from..to].fill(true);
            }
            let counts = test.finish().2;
            let expected: Vec<u8> = bytes.iter().zip(&there).filter(|(_, there)| **there).map(|(byte, _)| *byte).collect();
            prop_assert_eq!(&test.log.bytes, &expected);
            let last = there.iter().rposition(|there| *there).map_or(0, |last| last + 1);
            prop_assert_eq!(counts.missing, (last - expected.len()) as u64);
        }

        #[test]
        fn anything_is_taken(arrivals in proptest::collection::vec((any::<u32>(), any::<u8>(), 0..3_u32, any::<u32>()), 0..80)) {
            let mut test = Test::default();
            for (seq, flags, kind, len) in arrivals {
                let len = [len % 4, len % (2 * WINDOW), len % (i32::MAX as u32)][kind as usize];
                let seq = [seq % 20, seq % (3 * WINDOW), seq][kind as usize];
                let arrival = Arrival { time_ns: 0, seq, flags: TcpFlags(flags & 7), len, payload: &[] };
                test.stream.push(arrival, &mut test.memory, &mut Lengths);
            }
            test.stream.finish(&mut test.memory, &mut Lengths);
            prop_assert_eq!(test.memory.used, 0);
        }
    }

    #[test]
    fn a_stream_fits_in_two_cache_lines() {
        assert!(size_of::<Stream>() <= 128, "{}", size_of::<Stream>());
    }

    struct Lengths;

    impl Sink for Lengths {
        const READS: bool = true;

        fn bytes(&mut self, bytes: Bytes<'_>) {
            assert!(bytes.len > 0);
        }

        fn hole(&mut self, _: Option<u32>) {}

        fn restart(&mut self) {}
    }
}
