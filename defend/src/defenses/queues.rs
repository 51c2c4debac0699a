//! Normal packets that wait for a packet to carry them.

use wfkit_datasets::Trace;

use crate::{DelayModel, Direction, PerDirection, Piece};

/// The bytes of a trace, a queue for each direction, for a sender that decides from one packet to the next what it sends.
///
/// A packet joins its queue when it arrives. Large ones are cut and small ones share a packet. In the pessimistic delay model
/// only the first packet that is not through may leave. Times given must not decrease.
#[derive(Debug)]
pub(super) struct Queues<'a> {
    trace: &'a Trace,
    pessimistic: bool,
    /// The first packet of each direction that is not through, and how many of its bytes are not.
    head: PerDirection<Option<(usize, u32)>>,
    /// The first packet that has not been counted as arrived.
    next_arrival: usize,
    waiting_bytes: PerDirection<u64>,
}

impl<'a> Queues<'a> {
    pub(super) fn new(trace: &'a Trace, delays: DelayModel) -> Self {
        let mut queues = Self {
            trace,
            pessimistic: delays == DelayModel::Pessimistic,
            head: PerDirection::default(),
            next_arrival: 0,
            waiting_bytes: PerDirection::default(),
        };
        queues.head = PerDirection::from_fn(|direction| queues.first_from(0, direction));
        queues
    }

    /// Whether everything is through.
    pub(super) fn is_empty(&self) -> bool {
        self.head.outgoing.is_none() && self.head.incoming.is_none()
    }

    /// When the first packet of a direction that is not through arrived or will arrive; none where all are through or it has to
    /// wait for one of the other direction.
    pub(super) fn head_arrival_ns(&self, direction: Direction) -> Option<u64> {
        let (head, _) = self.head[direction]?;
        let earlier = |other: Option<(usize, u32)>| other.is_some_and(|(other, _)| other < head);
        let blocked = self.pessimistic && Direction::BOTH.into_iter().any(|way| earlier(self.head[way]));
        (!blocked).then(|| self.trace.time_ns()[head])
    }

    /// Bytes of a direction that have arrived by `now_ns` and are not through.
    pub(super) fn waiting_bytes(&mut self, direction: Direction, now_ns: u64) -> u64 {
        while self.trace.time_ns().get(self.next_arrival).is_some_and(|&time_ns| time_ns <= now_ns) {
            let size = self.trace.size()[self.next_arrival];
            self.waiting_bytes[Direction::of(size)] += u64::from(size.unsigned_abs());
            self.next_arrival += 1;
        }
        self.waiting_bytes[direction]
    }

    /// Takes what fits into `room` bytes of what may leave at `now_ns`, in order.
    pub(super) fn take(&mut self, direction: Direction, now_ns: u64, mut room: u32) -> Vec<Piece> {
        self.waiting_bytes(direction, now_ns);
        let mut pieces = Vec::new();
        while room > 0 && self.head_arrival_ns(direction).is_some_and(|arrival_ns| arrival_ns <= now_ns) {
            let (origin, left) = self.head[direction].expect("it has an arrival");
            let bytes = left.min(room);
            pieces.push(Piece { origin: origin as u32, bytes });
            room -= bytes;
            self.waiting_bytes[direction] -= u64::from(bytes);
            self.head[direction] =
                if bytes < left { Some((origin, left - bytes)) } else { self.first_from(origin + 1, direction) };
        }
        pieces
    }

    fn first_from(&self, start: usize, direction: Direction) -> Option<(usize, u32)> {
        let later = self.trace.size()[start..].iter().position(|&size| Direction::of(size) == direction)?;
        Some((start + later, self.trace.size()[start + later].unsigned_abs()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(pieces: &[Piece]) -> Vec<(u32, u32)> {
        pieces.iter().map(|piece| (piece.origin, piece.bytes)).collect()
    }

    #[test]
    fn packets_are_cut_and_joined_once_they_have_arrived() {
        let trace = Trace::new(vec![0, 1, 2, 9], vec![250, 30, -40, 50]).unwrap();
        let mut queues = Queues::new(&trace, DelayModel::Optimistic);
        assert_eq!(queues.waiting_bytes(Direction::Outgoing, 0), 250);
        assert_eq!(pieces(&queues.take(Direction::Outgoing, 0, 200)), [(0, 200)]);
        assert_eq!(pieces(&queues.take(Direction::Incoming, 1, 200)), []);
        assert_eq!(pieces(&queues.take(Direction::Outgoing, 2, 200)), [(0, 50), (1, 30)]);
        assert_eq!(queues.waiting_bytes(Direction::Incoming, 3), 40);
        assert_eq!(queues.head_arrival_ns(Direction::Outgoing), Some(9));
        assert_eq!(pieces(&queues.take(Direction::Incoming, 3, 200)), [(2, 40)]);
        assert!(!queues.is_empty());
        assert_eq!(pieces(&queues.take(Direction::Outgoing, 9, 50)), [(3, 50)]);
        assert!(queues.is_empty());
    }

    #[test]
    fn pessimistically_all_packets_wait_for_the_first() {
        let trace = Trace::new(vec![0, 0, 0], vec![10, -20, 30]).unwrap();
        let mut queues = Queues::new(&trace, DelayModel::Pessimistic);
        assert_eq!(queues.head_arrival_ns(Direction::Incoming), None);
        assert!(queues.take(Direction::Incoming, 5, 100).is_empty());
        assert_eq!(pieces(&queues.take(Direction::Outgoing, 5, 100)), [(0, 10)]);
        assert_eq!(pieces(&queues.take(Direction::Incoming, 5, 100)), [(1, 20)]);
        assert_eq!(pieces(&queues.take(Direction::Outgoing, 5, 100)), [(2, 30)]);
    }
}
