//! Normal packets that wait for a packet to carry them.

use std::collections::VecDeque;

use wfkit_datasets::Trace;

use crate::{Causes, DelayModel, Direction, PerDirection, Piece};

/// The bytes of a trace, a queue for each direction, for a sender that decides from one packet to the next what it sends.
///
/// A packet joins its queue when it arrives. Large ones are cut and small ones share a packet. In the pessimistic delay model
/// only the first packet that is not through may leave; in the inferred one a packet arrives as much later as the one that it
/// answers was through, which is known from then on. Times given must not decrease.
#[derive(Debug)]
pub(super) struct Queues<'a> {
    trace: &'a Trace,
    pessimistic: bool,
    /// Of the inferred model alone, with when each packet was through.
    causes: Option<(Causes, Vec<Option<u64>>)>,
    queues: PerDirection<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    /// Those that have arrived and are not through.
    waiting: VecDeque<Waiting>,
    waiting_bytes: u64,
    /// The next one to arrive.
    coming: Option<usize>,
    arrived: usize,
    last_arrival_ns: u64,
}

#[derive(Debug, Clone, Copy)]
struct Waiting {
    packet: usize,
    bytes: u32,
    arrival_ns: u64,
}

impl<'a> Queues<'a> {
    pub(super) fn new(trace: &'a Trace, delays: DelayModel) -> Self {
        let causes = || (Causes::infer(trace), vec![None; trace.len()]);
        let mut queues = Self {
            trace,
            pessimistic: delays == DelayModel::Pessimistic,
            causes: (delays == DelayModel::Inferred).then(causes),
            queues: PerDirection::default(),
        };
        for way in Direction::BOTH {
            queues.queues[way].coming = queues.first_from(0, way);
        }
        queues
    }

    /// Whether everything is through.
    pub(super) fn is_empty(&self) -> bool {
        Direction::BOTH.into_iter().all(|way| self.head(way).is_none())
    }

    /// When the first packet of a direction that is not through arrived or will arrive; none where all are through, or where it
    /// answers one that is not.
    pub(super) fn arrival_ns(&self, way: Direction) -> Option<u64> {
        self.queues[way].waiting.front().map(|first| first.arrival_ns).or_else(|| self.coming_ns(way))
    }

    /// The same, none as well where it has to wait for one of the other direction.
    pub(super) fn ready_ns(&self, way: Direction) -> Option<u64> {
        self.arrival_ns(way).filter(|_| !self.is_blocked(way))
    }

    /// When the next packet of a direction that has not been counted as arrived will arrive, as far as known.
    pub(super) fn coming_ns(&self, way: Direction) -> Option<u64> {
        let queue = &self.queues[way];
        let packet = queue.coming?;
        let times = self.trace.time_ns();
        let held_back = match &self.causes {
            None => 0,
            Some((causes, left_ns)) => match causes.of(packet) {
                None => 0,
                Some(cause) => left_ns[cause]? - times[cause],
            },
        };
        Some(times[packet].saturating_add(held_back).max(queue.last_arrival_ns))
    }

    /// Bytes of a direction that have arrived by `now_ns` and are not through.
    pub(super) fn waiting_bytes(&mut self, way: Direction, now_ns: u64) -> u64 {
        self.admit(way, now_ns);
        self.queues[way].waiting_bytes
    }

    /// How many packets of a direction have arrived by `now_ns`.
    pub(super) fn arrived(&mut self, way: Direction, now_ns: u64) -> usize {
        self.admit(way, now_ns);
        self.queues[way].arrived
    }

    /// Moves what fits into `room` bytes of what may leave at `now_ns` to the end of `pieces`, in order.
    pub(super) fn take(&mut self, way: Direction, now_ns: u64, mut room: u32, pieces: &mut Vec<Piece>) {
        self.admit(way, now_ns);
        while room > 0 && !self.is_blocked(way) {
            let queue = &mut self.queues[way];
            let Some(first) = queue.waiting.front_mut() else { break };
            let (packet, bytes) = (first.packet, first.bytes.min(room));
            pieces.push(Piece { origin: packet as u32, bytes });
            first.bytes -= bytes;
            room -= bytes;
            queue.waiting_bytes -= u64::from(bytes);
            if first.bytes == 0 {
                queue.waiting.pop_front();
                if let Some((_, left_ns)) = &mut self.causes {
                    left_ns[packet] = Some(now_ns);
                }
            }
        }
    }

    /// Counts what has arrived by `now_ns`.
    fn admit(&mut self, way: Direction, now_ns: u64) {
        while let Some(arrival_ns) = self.coming_ns(way).filter(|&arrival_ns| arrival_ns <= now_ns) {
            let packet = self.queues[way].coming.expect("it has an arrival");
            let bytes = self.trace.size()[packet].unsigned_abs();
            let coming = self.first_from(packet + 1, way);
            let queue = &mut self.queues[way];
            queue.waiting.push_back(Waiting { packet, bytes, arrival_ns });
            queue.waiting_bytes += u64::from(bytes);
            queue.coming = coming;
            queue.arrived += 1;
            queue.last_arrival_ns = arrival_ns;
        }
    }

    /// The first packet of a direction that is not through.
    fn head(&self, way: Direction) -> Option<usize> {
        let queue = &self.queues[way];
        queue.waiting.front().map(|first| first.packet).or(queue.coming)
    }

    /// Whether all wait for one of the other direction.
    fn is_blocked(&self, way: Direction) -> bool {
        let other = match way {
            Direction::Outgoing => Direction::Incoming,
            Direction::Incoming => Direction::Outgoing,
        };
        self.pessimistic && self.head(other).is_some_and(|other| self.head(way).is_some_and(|head| other < head))
    }

    fn first_from(&self, start: usize, way: Direction) -> Option<usize> {
        let later = self.trace.size()[start..].iter().position(|&size| Direction::of(size) == way)?;
        Some(start + later)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(queues: &mut Queues<'_>, way: Direction, now_ns: u64, room: u32) -> Vec<(u32, u32)> {
        let mut pieces = Vec::new();
        queues.take(way, now_ns, room, &mut pieces);
        pieces.iter().map(|piece| (piece.origin, piece.bytes)).collect()
    }

    #[test]
    fn packets_are_cut_and_joined_once_they_have_arrived() {
        let trace = Trace::new(vec![0, 1, 2, 9], vec![250, 30, -40, 50]).unwrap();
        let mut queues = Queues::new(&trace, DelayModel::Optimistic);
        assert_eq!(queues.waiting_bytes(Direction::Outgoing, 0), 250);
        assert_eq!(take(&mut queues, Direction::Outgoing, 0, 200), [(0, 200)]);
        assert_eq!(take(&mut queues, Direction::Incoming, 1, 200), []);
        assert_eq!(take(&mut queues, Direction::Outgoing, 2, 200), [(0, 50), (1, 30)]);
        assert_eq!(queues.arrived(Direction::Outgoing, 2), 2);
        assert_eq!(queues.waiting_bytes(Direction::Incoming, 3), 40);
        assert_eq!(queues.arrival_ns(Direction::Outgoing), Some(9));
        assert_eq!(take(&mut queues, Direction::Incoming, 3, 200), [(2, 40)]);
        assert!(!queues.is_empty());
        assert_eq!(take(&mut queues, Direction::Outgoing, 9, 50), [(3, 50)]);
        assert!(queues.is_empty());
    }

    #[test]
    fn pessimistically_all_packets_wait_for_the_first() {
        let trace = Trace::new(vec![0, 0, 0], vec![10, -20, 30]).unwrap();
        let mut queues = Queues::new(&trace, DelayModel::Pessimistic);
        assert_eq!((queues.arrival_ns(Direction::Incoming), queues.ready_ns(Direction::Incoming)), (Some(0), None));
        assert_eq!(take(&mut queues, Direction::Incoming, 5, 100), []);
        assert_eq!(take(&mut queues, Direction::Outgoing, 5, 100), [(0, 10)]);
        assert_eq!(take(&mut queues, Direction::Incoming, 5, 100), [(1, 20)]);
        assert_eq!(take(&mut queues, Direction::Outgoing, 5, 100), [(2, 30)]);
    }

    #[test]
    fn an_inferred_answer_arrives_as_late_as_what_it_answers_left() {
        // A request, its response 10 later, and the request that follows 2 later.
        let trace = Trace::new(vec![0, 10, 12], vec![100, -100, 100]).unwrap();
        let mut queues = Queues::new(&trace, DelayModel::Inferred);
        assert_eq!(queues.arrival_ns(Direction::Incoming), None);
        assert_eq!(take(&mut queues, Direction::Outgoing, 5, 60), [(0, 60)]);
        assert_eq!(queues.arrival_ns(Direction::Incoming), None);
        assert_eq!(take(&mut queues, Direction::Outgoing, 7, 60), [(0, 40)]);
        assert_eq!(queues.arrival_ns(Direction::Incoming), Some(17));
        assert_eq!(take(&mut queues, Direction::Incoming, 16, 100), []);
        assert_eq!(take(&mut queues, Direction::Incoming, 20, 100), [(1, 100)]);
        assert_eq!(queues.arrival_ns(Direction::Outgoing), Some(22));
    }
}
