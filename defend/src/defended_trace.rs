//! A trace after a defence, with what each packet carries.

use wfkit_datasets::Trace;

use crate::{Direction, Invariant, PerDirection, Violation};

/// A trace after a defence: which packets are on the wire, and which bytes of the original each one carries.
///
/// Times are on the clock of the original trace, whose first packet was due at 0: a defence that delays the first packet
/// makes a trace that starts later. Times do not decrease and sizes are never 0; that the packets carry the original
/// completely and in order is what [`check`](crate::check) checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefendedTrace {
    time_ns: Vec<u64>,
    size: Vec<i32>,
    pieces: Vec<Piece>,
    /// Packet i carries `pieces[piece_end[i - 1]..piece_end[i]]`.
    piece_end: Vec<u32>,
    ledger: Ledger,
}

/// Bytes of one original packet inside a defended one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// Which packet of the original, from 0.
    pub origin: u32,
    /// How many of its bytes, at least 1.
    pub bytes: u32,
}

/// A packet of a defended trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DefendedPacket<'a> {
    /// When, on the clock of the original.
    pub time_ns: u64,
    /// Signed bytes on the wire, those of padding included.
    pub size: i32,
    /// What it carries of the original, in the order of its bytes; the rest of the packet is padding.
    pub carries: &'a [Piece],
}

impl DefendedPacket<'_> {
    /// Whether it carries nothing of the original.
    pub fn is_padding(&self) -> bool {
        self.carries.is_empty()
    }

    /// Which way it goes.
    pub fn direction(&self) -> Direction {
        Direction::of(self.size)
    }
}

/// What a defence decided that the packets do not show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ledger {
    /// Padding packets that a defence with a budget decided to send.
    pub padding_drawn: PerDirection<u64>,
    /// Those of them that it did not send, because the load was over before their time.
    pub padding_dropped: PerDirection<u64>,
    /// Loads that a defence with a budget saw, each of which has a budget of its own; 0 where it does not count them.
    pub loads: u64,
    /// Packets larger than the largest size to pad to, which stay as they are.
    pub oversize: u64,
}

impl Ledger {
    fn plus(self, other: Self) -> Self {
        Self {
            padding_drawn: self.padding_drawn + other.padding_drawn,
            padding_dropped: self.padding_dropped + other.padding_dropped,
            loads: self.loads.max(other.loads),
            oversize: self.oversize + other.oversize,
        }
    }
}

impl DefendedTrace {
    /// Number of packets, padding included, at least 1.
    #[expect(clippy::len_without_is_empty, reason = "a defended trace is never empty")]
    pub fn len(&self) -> usize {
        self.size.len()
    }

    /// The packets in order.
    pub fn packets(&self) -> impl Iterator<Item = DefendedPacket<'_>> {
        let mut start = 0;
        (0..self.len()).map(move |i| {
            let end = self.piece_end[i] as usize;
            let carries = &self.pieces[start..end];
            start = end;
            DefendedPacket { time_ns: self.time_ns[i], size: self.size[i], carries }
        })
    }

    /// What the defence decided that the packets do not show.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// How much later than the original's the first packet is: what [`observe`](Self::observe) takes off every time.
    pub fn start_shift_ns(&self) -> u64 {
        self.time_ns[0]
    }

    /// What somebody on the client's link sees: times from the first packet on and sizes, no word of padding. The only way
    /// from a defended trace to a [`Trace`].
    pub fn observe(&self) -> Trace {
        let shift = self.start_shift_ns();
        let time_ns = self.time_ns.iter().map(|t| t - shift).collect();
        Trace::new(time_ns, self.size.clone()).expect("the builder checked that times are in order and no size is 0")
    }

    /// When each of the `origins` packets of the original was through: the time of the packet with its last byte.
    ///
    /// # Panics
    ///
    /// If a packet carries something of an original packet beyond `origins`, which [`check`](crate::check) finds.
    pub fn completion_ns(&self, origins: usize) -> Vec<u64> {
        let mut completion = vec![0; origins];
        for packet in self.packets() {
            for piece in packet.carries {
                completion[piece.origin as usize] = packet.time_ns;
            }
        }
        completion
    }

    /// When each of the `origins` packets of the original started to leave: the time of the packet with its first byte; the
    /// end of time where none carries it.
    pub(crate) fn start_ns(&self, origins: usize) -> Vec<u64> {
        let mut start = vec![u64::MAX; origins];
        for packet in self.packets() {
            for piece in packet.carries {
                let start = &mut start[piece.origin as usize];
                *start = packet.time_ns.min(*start);
            }
        }
        start
    }

    /// The same packets as a defence of the trace whose packet `origins[i]` was packet i of the one defended.
    pub(crate) fn renumbered(mut self, origins: &[u32]) -> Self {
        for piece in &mut self.pieces {
            piece.origin = origins[piece.origin as usize];
        }
        self
    }

    /// This trace, which defends what was observed of `inner`, as a defence of the original of `inner`.
    ///
    /// A packet of `inner` holds its pieces first and its padding after them, so the bytes that this trace carries of
    /// it are of the original as long as the pieces last. What carries only padding of `inner` is padding. Times move
    /// back to the original's clock.
    pub(crate) fn over(&self, inner: &Self) -> Result<Self, Violation> {
        let mut unsent: Vec<(usize, u32)> = inner.unsent_pieces();
        let mut builder = DefendedTraceBuilder::with_capacity(self.len());
        let mut carries = Vec::new();
        for packet in self.packets() {
            carries.clear();
            for outer in packet.carries {
                let mut left = outer.bytes;
                let (next, sent) = &mut unsent[outer.origin as usize];
                let end = inner.piece_end[outer.origin as usize] as usize;
                while left > 0 && *next < end {
                    let piece = inner.pieces[*next];
                    let bytes = left.min(piece.bytes - *sent);
                    carries.push(Piece { origin: piece.origin, bytes });
                    left -= bytes;
                    *sent += bytes;
                    if *sent == piece.bytes {
                        (*next, *sent) = (*next + 1, 0);
                    }
                }
            }
            builder.packet(packet.time_ns.saturating_add(inner.start_shift_ns()), packet.size, &carries);
        }
        builder.finish(self.ledger.plus(inner.ledger))
    }

    /// For each packet its first piece, of which 0 bytes are sent.
    fn unsent_pieces(&self) -> Vec<(usize, u32)> {
        let starts = std::iter::once(&0).chain(&self.piece_end);
        starts.take(self.len()).map(|&start| (start as usize, 0)).collect()
    }
}

/// Collects the packets of a [`DefendedTrace`] in order.
#[derive(Debug, Default)]
pub struct DefendedTraceBuilder {
    time_ns: Vec<u64>,
    size: Vec<i32>,
    pieces: Vec<Piece>,
    piece_end: Vec<u32>,
}

impl DefendedTraceBuilder {
    /// An empty builder with room for `packets`.
    pub fn with_capacity(packets: usize) -> Self {
        Self {
            time_ns: Vec::with_capacity(packets),
            size: Vec::with_capacity(packets),
            pieces: Vec::with_capacity(packets),
            piece_end: Vec::with_capacity(packets),
        }
    }

    /// Adds a packet that carries `pieces`. Neighbouring pieces of one origin become one; no pieces make it padding.
    pub fn packet(&mut self, time_ns: u64, size: i32, pieces: &[Piece]) {
        self.time_ns.push(time_ns);
        self.size.push(size);
        let first = self.pieces.len();
        for &piece in pieces {
            match self.pieces[first..].last_mut() {
                Some(last) if last.origin == piece.origin => last.bytes = last.bytes.saturating_add(piece.bytes),
                _ => self.pieces.push(piece),
            }
        }
        self.piece_end.push(self.pieces.len() as u32);
    }

    /// Adds a packet that carries the whole of the original packet `origin`, which has `bytes`.
    pub fn whole(&mut self, time_ns: u64, size: i32, origin: usize, bytes: u32) {
        self.packet(time_ns, size, &[Piece { origin: origin as u32, bytes }]);
    }

    /// Adds a padding packet.
    pub fn padding(&mut self, time_ns: u64, size: i32) {
        self.packet(time_ns, size, &[]);
    }

    /// The trace.
    ///
    /// Breaks [`Invariant::Shape`] where there is no packet, time goes backwards, a size is 0 or a piece is empty.
    pub fn finish(self, ledger: Ledger) -> Result<DefendedTrace, Violation> {
        let broken = |packet, detail: String| Err(Violation { invariant: Invariant::Shape, packet, detail });
        if self.size.is_empty() {
            return broken(0, "no packet is left".to_owned());
        }
        if let Some(i) = (1..self.time_ns.len()).find(|&i| self.time_ns[i] < self.time_ns[i - 1]) {
            return broken(i, format!("at {} ns, after one at {} ns", self.time_ns[i], self.time_ns[i - 1]));
        }
        if let Some(i) = self.size.iter().position(|&size| size == 0) {
            return broken(i, "size 0 has no direction".to_owned());
        }
        if let Some(piece) = self.pieces.iter().position(|piece| piece.bytes == 0) {
            let packet = self.piece_end.partition_point(|&end| end as usize <= piece);
            return broken(packet, "a piece of 0 bytes".to_owned());
        }
        let Self { time_ns, size, pieces, piece_end } = self;
        Ok(DefendedTrace { time_ns, size, pieces, piece_end, ledger })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(origin: u32, bytes: u32) -> Piece {
        Piece { origin, bytes }
    }

    fn build(packets: &[(u64, i32, &[Piece])]) -> Result<DefendedTrace, Violation> {
        let mut builder = DefendedTraceBuilder::default();
        for &(time_ns, size, pieces) in packets {
            builder.packet(time_ns, size, pieces);
        }
        builder.finish(Ledger::default())
    }

    #[test]
    fn observing_strips_flags_and_starts_at_zero() {
        let trace = build(&[(5, 10, &[]), (7, -20, &[piece(0, 20)])]).unwrap();
        assert_eq!(trace.observe(), Trace::new(vec![0, 2], vec![10, -20]).unwrap());
        assert_eq!(trace.start_shift_ns(), 5);
        let padding: Vec<bool> = trace.packets().map(|p| p.is_padding()).collect();
        assert_eq!(padding, [true, false]);
    }

    #[test]
    fn the_builder_refuses_what_no_link_can_show() {
        let broken = |packets: &[(u64, i32, &[Piece])]| {
            let violation = build(packets).unwrap_err();
            (violation.invariant, violation.packet)
        };
        assert_eq!(broken(&[]), (Invariant::Shape, 0));
        assert_eq!(broken(&[(2, 1, &[]), (1, 1, &[])]), (Invariant::Shape, 1));
        assert_eq!(broken(&[(0, 1, &[]), (1, 0, &[])]), (Invariant::Shape, 1));
        assert_eq!(broken(&[(0, 1, &[piece(0, 1)]), (1, 2, &[piece(1, 1), piece(2, 0)])]), (Invariant::Shape, 1));
    }

    #[test]
    fn layers_compose_by_following_the_bytes() {
        // Two originals of 60 and 50 bytes, padded to 100 each, one packet of padding between; start shifted by 5.
        let inner = build(&[(5, 100, &[piece(0, 60)]), (6, 100, &[]), (8, 100, &[piece(1, 50)])]).unwrap();
        // Then cut into packets of 80: 80 | 20 + 60 | 40 + 40 | 60.
        let outer = build(&[
            (1, 80, &[piece(0, 80)]),
            (2, 80, &[piece(0, 20), piece(1, 60)]),
            (3, 80, &[piece(1, 40), piece(2, 40)]),
            (4, 80, &[piece(2, 60)]),
        ])
        .unwrap();
        let both = outer.over(&inner).unwrap();
        let expected =
            build(&[(6, 80, &[piece(0, 60)]), (7, 80, &[]), (8, 80, &[piece(1, 40)]), (9, 80, &[piece(1, 10)])]);
        assert_eq!(both, expected.unwrap());
        assert_eq!(both.completion_ns(2), [6, 9]);
    }

    #[test]
    fn fragments_that_meet_again_become_one_piece() {
        let inner = build(&[(0, 30, &[piece(0, 30)]), (1, 30, &[piece(0, 30)])]).unwrap();
        let outer = build(&[(1, 60, &[piece(0, 30), piece(1, 30)])]).unwrap();
        assert_eq!(outer.over(&inner).unwrap(), build(&[(1, 60, &[piece(0, 60)])]).unwrap());
    }
}
