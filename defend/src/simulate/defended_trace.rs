//! A trace after a defence, with what each packet carries.

use wfkit_datasets::{Trace, volume};
use wfkit_metrics::Volume;

use crate::{Direction, Invariant, PerDirection, Violation};

/// A trace after a defence: which packets are on the wire, and which bytes of the original each one carries.
///
/// Times are on the clock of the original trace, whose first packet was due at 0: a defence that delays the first packet
/// makes a trace that starts later. Times do not decrease and sizes are never 0; that the packets carry the original
/// completely and in order is what [`check`](crate::check) checks.
///
/// A defence that sends over several paths numbers them from 1; the others have path 1 alone. An observer sees the paths up to
/// some number, at least one packet on them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefendedTrace {
    sent: Vec<Sent>,
    /// The observer sees paths 1 to this.
    seen_paths: u16,
    pieces: Vec<Piece>,
    ledger: Ledger,
}

/// A packet as it is kept. One row a packet, so that making and reading one touches one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sent {
    time_ns: u64,
    size: i32,
    /// It carries the pieces from the end of the packet before it to here.
    piece_end: u32,
    path: u16,
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
    /// Which path it takes, from 1.
    pub path: u16,
    /// Whether the observer sees that path.
    pub seen: bool,
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
    /// Draws of a split that were thrown away, because nothing of the load was on the paths that are seen.
    pub unseen_draws: u64,
    /// Traces of a class that the training traces do not have: the defence treats them as the nearest one it knows.
    pub unknown_class: u64,
    /// Traces that the shape of their set does not hold, so that it is sent more than once.
    pub misfit: u64,
}

impl Ledger {
    fn plus(self, other: Self) -> Self {
        Self {
            padding_drawn: self.padding_drawn + other.padding_drawn,
            padding_dropped: self.padding_dropped + other.padding_dropped,
            loads: self.loads.max(other.loads),
            oversize: self.oversize + other.oversize,
            unseen_draws: self.unseen_draws + other.unseen_draws,
            unknown_class: self.unknown_class.max(other.unknown_class),
            misfit: self.misfit.max(other.misfit),
        }
    }
}

/// The packets of a trace, in order. A type of its own, so that its step is inlined: everything that looks at a defended trace
/// takes it for every packet.
#[derive(Debug, Clone)]
pub struct Packets<'a> {
    trace: &'a DefendedTrace,
    sent: std::slice::Iter<'a, Sent>,
    first_piece: usize,
}

impl<'a> Iterator for Packets<'a> {
    type Item = DefendedPacket<'a>;

    #[inline(always)]
    fn next(&mut self) -> Option<DefendedPacket<'a>> {
        let &Sent { time_ns, size, piece_end, path } = self.sent.next()?;
        let end = piece_end as usize;
        let carries = &self.trace.pieces[self.first_piece..end];
        self.first_piece = end;
        Some(DefendedPacket { time_ns, size, path, seen: path <= self.trace.seen_paths, carries })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.sent.size_hint()
    }
}

impl DefendedTrace {
    /// Number of packets, padding included, at least 1.
    #[expect(clippy::len_without_is_empty, reason = "a defended trace is never empty")]
    pub fn len(&self) -> usize {
        self.sent.len()
    }

    /// The packets in order.
    pub fn packets(&self) -> Packets<'_> {
        Packets { trace: self, sent: self.sent.iter(), first_piece: 0 }
    }

    /// The highest number of a path.
    pub fn paths(&self) -> u16 {
        self.sent.iter().map(|packet| packet.path).max().unwrap_or(1)
    }

    /// The observer sees the paths up to this one.
    pub(crate) fn seen_paths(&self) -> u16 {
        self.seen_paths
    }

    /// The packets that the observer sees, by their numbers.
    fn seen(&self) -> impl Iterator<Item = usize> {
        (0..self.len()).filter(|&i| self.sent[i].path <= self.seen_paths)
    }

    /// What the defence decided that the packets do not show.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// How much later than the original's the first packet is that the observer sees: what [`observe`](Self::observe) takes off
    /// every time.
    pub fn start_shift_ns(&self) -> u64 {
        self.seen().next().map_or(0, |first| self.sent[first].time_ns)
    }

    /// How many bytes of each packet that the observer sees are padding, shape `(n_packets,)` of [`observe`](Self::observe): what nobody
    /// outside can know.
    pub fn padding(&self) -> Vec<u32> {
        let seen = self.packets().filter(|packet| packet.seen);
        seen.map(|packet| packet.size.unsigned_abs() - packet.carries.iter().map(|piece| piece.bytes).sum::<u32>())
            .collect()
    }

    /// What somebody on the paths that are seen sees: times from the first packet on and sizes, no word of padding. The only
    /// way from a defended trace to a [`Trace`].
    pub fn observe(&self) -> Trace {
        let shift = self.start_shift_ns();
        let seen = self.sent.iter().filter(|packet| packet.path <= self.seen_paths);
        let (time_ns, size) = seen.map(|packet| (packet.time_ns - shift, packet.size)).unzip();
        Trace::new(time_ns, size)
            .expect("the builder checked that there is a packet to see, times are in order and no size is 0")
    }

    /// Which packet of the original each packet that is seen looks like beside time and size, shape `(n_packets,)` of
    /// [`observe`](Self::observe): the one whose first bytes it carries. Padding looks like the packet of its direction before it, of none before like
    /// the next one, so that nobody can tell it.
    pub fn likenesses(&self) -> Vec<Option<usize>> {
        let seen: Vec<DefendedPacket<'_>> = self.packets().filter(|packet| packet.seen).collect();
        let carried = |packet: &DefendedPacket<'_>| packet.carries.first().map(|piece| piece.origin as usize);
        let mut likenesses = vec![None; seen.len()];
        for direction in [Direction::Outgoing, Direction::Incoming] {
            let places = || (0..seen.len()).filter(|&at| seen[at].direction() == direction);
            let mut last = places().find_map(|at| carried(&seen[at]));
            for at in places() {
                last = carried(&seen[at]).or(last);
                likenesses[at] = last;
            }
        }
        likenesses
    }

    /// What is sent over all paths, seen or not: what the defence costs.
    pub fn volume(&self) -> Volume {
        let first = self.sent[0].time_ns;
        let (time_ns, size) = self.sent.iter().map(|packet| (packet.time_ns - first, packet.size)).unzip();
        volume(&Trace::new(time_ns, size).expect("the builder checked the order and the sizes"))
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
    ///
    /// Packets on paths of `inner` that are not seen go their way as they are, on paths behind those of this trace.
    pub(crate) fn over(&self, inner: &Self) -> Result<Self, Violation> {
        let mut unsent: Vec<(usize, u32)> = inner.unsent_pieces();
        let observed: Vec<usize> = inner.seen().collect();
        let mut builder = DefendedTraceBuilder::split(inner.len() + self.len() - observed.len(), self.seen_paths);
        let shift = inner.start_shift_ns();
        let behind = self.paths().max(self.seen_paths);
        let mut unseen = inner.packets().filter(|packet| !packet.seen).peekable();
        let mut carries = Vec::new();
        for packet in self.packets() {
            carries.clear();
            let time_ns = packet.time_ns.saturating_add(shift);
            while let Some(other) = unseen.next_if(|other| other.time_ns < time_ns) {
                let path = behind.saturating_add(other.path - inner.seen_paths);
                builder.packet_on(path, other.time_ns, other.size, other.carries);
            }
            for outer in packet.carries {
                let mut left = outer.bytes;
                let origin = observed[outer.origin as usize];
                let (next, sent) = &mut unsent[origin];
                let end = inner.sent[origin].piece_end as usize;
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
            builder.packet_on(packet.path, time_ns, packet.size, &carries);
        }
        for other in unseen {
            let path = behind.saturating_add(other.path - inner.seen_paths);
            builder.packet_on(path, other.time_ns, other.size, other.carries);
        }
        builder.finish(self.ledger.plus(inner.ledger))
    }

    /// For each packet its first piece, of which 0 bytes are sent.
    fn unsent_pieces(&self) -> Vec<(usize, u32)> {
        let ends = self.sent.iter().map(|packet| packet.piece_end as usize);
        std::iter::once(0).chain(ends).take(self.len()).map(|start| (start, 0)).collect()
    }
}

/// Collects the packets of a [`DefendedTrace`] in order.
#[derive(Debug, Default)]
pub struct DefendedTraceBuilder {
    sent: Vec<Sent>,
    seen_paths: Option<u16>,
    pieces: Vec<Piece>,
}

impl DefendedTraceBuilder {
    /// An empty builder with room for `packets`.
    pub fn with_capacity(packets: usize) -> Self {
        Self { sent: Vec::with_capacity(packets), seen_paths: None, pieces: Vec::with_capacity(packets) }
    }

    /// Makes room for so many more packets, the pieces in which have room already or are few.
    pub fn reserve(&mut self, packets: usize) {
        self.sent.reserve(packets);
    }

    /// An empty builder with room for `packets` on several paths, of which the observer sees number 1 to `seen_paths`.
    pub fn split(packets: usize, seen_paths: u16) -> Self {
        Self { seen_paths: Some(seen_paths), ..Self::with_capacity(packets) }
    }

    /// Adds a packet that carries `pieces`. Neighbouring pieces of one origin become one; no pieces make it padding.
    #[inline]
    pub fn packet(&mut self, time_ns: u64, size: i32, pieces: &[Piece]) {
        self.packet_on(1, time_ns, size, pieces);
    }

    /// As [`packet`](Self::packet), on that path.
    #[inline]
    pub fn packet_on(&mut self, path: u16, time_ns: u64, size: i32, pieces: &[Piece]) {
        let first = self.pieces.len();
        for &piece in pieces {
            match self.pieces[first..].last_mut() {
                Some(last) if last.origin == piece.origin => last.bytes = last.bytes.saturating_add(piece.bytes),
                _ => self.pieces.push(piece),
            }
        }
        self.sent.push(Sent { time_ns, size, piece_end: self.pieces.len() as u32, path });
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
    /// Breaks [`Invariant::Shape`] where there is no packet or none to see, time goes backwards, a size is 0 or a piece is empty.
    pub fn finish(self, ledger: Ledger) -> Result<DefendedTrace, Violation> {
        let broken = |packet, detail: String| Err(Violation { invariant: Invariant::Shape, packet, detail });
        if self.sent.is_empty() {
            return broken(0, "no packet is left".to_owned());
        }
        let seen_paths = self.seen_paths.unwrap_or(1);
        if self.sent.iter().all(|packet| packet.path > seen_paths) {
            return broken(0, "no packet is on a path that is seen".to_owned());
        }
        let mut before_ns = 0;
        for (i, &Sent { time_ns, size, .. }) in self.sent.iter().enumerate() {
            if time_ns < before_ns {
                return broken(i, format!("at {time_ns} ns, after one at {before_ns} ns"));
            }
            if size == 0 {
                return broken(i, "size 0 has no direction".to_owned());
            }
            before_ns = time_ns;
        }
        if let Some(piece) = self.pieces.iter().position(|piece| piece.bytes == 0) {
            let packet = self.sent.partition_point(|packet| packet.piece_end as usize <= piece);
            return broken(packet, "a piece of 0 bytes".to_owned());
        }
        let Self { sent, pieces, .. } = self;
        Ok(DefendedTrace { sent, seen_paths, pieces, ledger })
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
    fn padding_looks_like_what_went_its_way_before_it() {
        let trace = build(&[
            (0, -5, &[]),
            (1, 10, &[piece(0, 10)]),
            (2, 99, &[]),
            (3, -20, &[piece(2, 4), piece(1, 16)]),
            (4, -30, &[]),
            (5, 7, &[piece(3, 7)]),
        ]);
        assert_eq!(trace.unwrap().likenesses(), [Some(2), Some(0), Some(0), Some(2), Some(2), Some(3)]);
        assert_eq!(build(&[(0, -5, &[]), (1, 10, &[piece(0, 10)])]).unwrap().likenesses(), [None, Some(0)]);
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

    fn on_paths(seen: u16, packets: &[(u16, u64, i32, &[Piece])]) -> Result<DefendedTrace, Violation> {
        let mut builder = DefendedTraceBuilder::split(packets.len(), seen);
        for &(path, time_ns, size, pieces) in packets {
            builder.packet_on(path, time_ns, size, pieces);
        }
        builder.finish(Ledger::default())
    }

    #[test]
    fn an_observer_sees_some_paths_and_later_layers_work_on_them() {
        let inner = on_paths(
            1,
            &[(2, 5, 10, &[piece(0, 10)]), (1, 7, -20, &[piece(1, 20)]), (2, 8, -9, &[piece(2, 9)]), (1, 9, 4, &[])],
        )
        .unwrap();
        assert_eq!(inner.observe(), Trace::new(vec![0, 2], vec![-20, 4]).unwrap());
        assert_eq!((inner.start_shift_ns(), inner.paths(), inner.volume().in_bytes), (7, 2, 29.0));
        // Delayed by 1 and padded; the other path goes on beside it.
        let outer = build(&[(1, -50, &[piece(0, 20)]), (3, 50, &[piece(1, 4)])]).unwrap();
        let both = outer.over(&inner).unwrap();
        let expected = on_paths(
            1,
            &[(2, 5, 10, &[piece(0, 10)]), (1, 8, -50, &[piece(1, 20)]), (2, 8, -9, &[piece(2, 9)]), (1, 10, 50, &[])],
        );
        assert_eq!(both, expected.unwrap());
        // Whoever sees more paths than the outer layer uses still does not see those that the inner one hid.
        let outer = on_paths(9, &[(3, 0, -20, &[piece(0, 20)]), (1, 2, 4, &[piece(1, 4)])]).unwrap();
        assert_eq!(outer.over(&inner).unwrap().observe(), outer.observe());
        let nothing = on_paths(1, &[(2, 5, 10, &[piece(0, 10)])]).unwrap_err();
        assert_eq!(nothing.invariant, Invariant::Shape);
    }

    #[test]
    fn fragments_that_meet_again_become_one_piece() {
        let inner = build(&[(0, 30, &[piece(0, 30)]), (1, 30, &[piece(0, 30)])]).unwrap();
        let outer = build(&[(1, 60, &[piece(0, 30), piece(1, 30)])]).unwrap();
        assert_eq!(outer.over(&inner).unwrap(), build(&[(1, 60, &[piece(0, 60)])]).unwrap());
    }
}
