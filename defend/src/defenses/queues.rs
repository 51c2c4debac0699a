//! Normal packets that wait for a packet to carry them.

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

/// The packets of a direction: through, waiting, coming.
#[derive(Debug, Default)]
struct Queue {
    /// All of them, by their numbers.
    packets: Vec<u32>,
    /// When each of those that have arrived did.
    arrivals_ns: Vec<u64>,
    /// How many are through.
    through: usize,
    /// Bytes of the first that is not through that have left.
    left_bytes: u32,
    waiting_bytes: u64,
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
        for (packet, &size) in (0..).zip(trace.size()) {
            queues.queues[Direction::of(size)].packets.push(packet);
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
        let queue = &self.queues[way];
        queue.arrivals_ns.get(queue.through).copied().or_else(|| self.coming_ns(way))
    }

    /// The same, none as well where it has to wait for one of the other direction.
    pub(super) fn ready_ns(&self, way: Direction) -> Option<u64> {
        self.arrival_ns(way).filter(|_| !self.is_blocked(way))
    }

    /// When the next packet of a direction that has not been counted as arrived will arrive, as far as known.
    #[inline]
    pub(super) fn coming_ns(&self, way: Direction) -> Option<u64> {
        let queue = &self.queues[way];
        let packet = *queue.packets.get(queue.arrivals_ns.len())? as usize;
        let times = self.trace.time_ns();
        let Some((causes, left_ns)) = &self.causes else { return Some(times[packet]) };
        let held_back = match causes.of(packet) {
            None => 0,
            Some(cause) => left_ns[cause]? - times[cause],
        };
        Some(times[packet].saturating_add(held_back).max(queue.arrivals_ns.last().copied().unwrap_or(0)))
    }

    /// Bytes of a direction that have arrived by `now_ns` and are not through.
    pub(super) fn waiting_bytes(&mut self, way: Direction, now_ns: u64) -> u64 {
        self.admit(way, now_ns);
        self.queues[way].waiting_bytes
    }

    /// How many packets of a direction have arrived by `now_ns`.
    pub(super) fn arrived(&mut self, way: Direction, now_ns: u64) -> usize {
        self.admit(way, now_ns);
        self.queues[way].arrivals_ns.len()
    }

    /// Moves what fits into `room` bytes of what may leave at `now_ns` to the end of `pieces`, in order.
    #[inline]
    pub(super) fn take(&mut self, way: Direction, now_ns: u64, mut room: u32, pieces: &mut Vec<Piece>) {
        self.admit(way, now_ns);
        while room > 0 && !self.is_blocked(way) {
            let queue = &mut self.queues[way];
            if queue.through == queue.arrivals_ns.len() {
                break;
            }
            let origin = queue.packets[queue.through];
            let packet = origin as usize;
            let rest = self.trace.size()[packet].unsigned_abs() - queue.left_bytes;
            let bytes = rest.min(room);
            pieces.push(Piece { origin, bytes });
            room -= bytes;
            queue.waiting_bytes -= u64::from(bytes);
            if bytes < rest {
                queue.left_bytes += bytes;
                break;
            }
            (queue.through, queue.left_bytes) = (queue.through + 1, 0);
            if let Some((_, left_ns)) = &mut self.causes {
                left_ns[packet] = Some(now_ns);
            }
        }
    }

    /// Counts what has arrived by `now_ns`.
    #[inline]
    fn admit(&mut self, way: Direction, now_ns: u64) {
        while let Some(arrival_ns) = self.coming_ns(way).filter(|&arrival_ns| arrival_ns <= now_ns) {
            let queue = &mut self.queues[way];
            let packet = queue.packets[queue.arrivals_ns.len()] as usize;
            queue.waiting_bytes += u64::from(self.trace.size()[packet].unsigned_abs());
            queue.arrivals_ns.push(arrival_ns);
        }
    }

    /// The first packet of a direction that is not through.
    fn head(&self, way: Direction) -> Option<u32> {
        let queue = &self.queues[way];
        queue.packets.get(queue.through).copied()
    }

    /// Whether all wait for one of the other direction.
    #[inline]
    fn is_blocked(&self, way: Direction) -> bool {
        self.pessimistic
            && self.head(way.opposite()).is_some_and(|other| self.head(way).is_some_and(|head| other < head))
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
