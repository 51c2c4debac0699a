//! Sending in slots: packets of one size at a fixed interval in each direction.

use wfkit_datasets::Trace;

use super::loads::{silence_ns, tail_ns};
use crate::{
    Arrivals, DefendedTrace, DefendedTraceBuilder, DefenseError, DelayModel, Direction, Ledger, Limit, PerDirection,
    Piece, Profile, StopRule, Value,
};

/// A link that sends one packet of `size` bytes at every multiple of its direction's interval, from 0 on.
///
/// Normal packets are a queue of bytes for each direction: a slot takes as many as fit from the packets that have arrived, in
/// order, so a large packet is cut over several slots and small ones share one. The rest of a slot is padding.
#[derive(Debug)]
pub(super) struct Slots {
    pub(super) interval_ns: PerDirection<u64>,
    pub(super) size: u32,
    pub(super) delays: DelayModel,
    pub(super) stop: StopRule,
}

/// Which slots carry what.
#[derive(Debug)]
pub(super) struct Placement {
    carried: PerDirection<Carried>,
}

/// Pieces and the slot of each, in the order of the slots.
#[derive(Debug, Default)]
struct Carried {
    slots: Vec<u64>,
    pieces: Vec<Piece>,
}

impl Slots {
    /// Says why a set does not suit slots of this size.
    pub(super) fn suits(size: u32, profile: &Profile) -> Result<(), String> {
        if profile.counts_cells() && size != 1 {
            let size = Value::Size(size);
            return Err(format!(
                "the sizes only count cells (all are 1), so a slot of {size} means nothing: use size=1B"
            ));
        }
        Ok(())
    }

    /// Gives each byte of the trace its slot: the first one with room, not before the delay model has the packet there.
    ///
    /// Slots of both directions within the limit, with intervals of at most an hour, keep times within 64 bits.
    pub(super) fn place(&self, trace: &Trace, limit: Limit) -> Result<Placement, DefenseError> {
        let mut slot = PerDirection { outgoing: 0, incoming: 0 };
        let mut room = PerDirection { outgoing: self.size, incoming: self.size };
        let mut placement = Placement { carried: PerDirection::default() };
        let mut arrivals = Arrivals::new(trace, self.delays);
        for (i, &size) in trace.size().iter().enumerate() {
            let (direction, origin) = (Direction::of(size), i as u32);
            let (slot, room) = (&mut slot[direction], &mut room[direction]);
            let carried = &mut placement.carried[direction];
            let earliest = arrivals.due(i).max(arrivals.not_before(i));
            let first = earliest.div_ceil(self.interval_ns[direction]);
            if first > *slot {
                (*slot, *room) = (first, self.size);
            }
            let mut left = size.unsigned_abs();
            while left > 0 {
                if *room == 0 {
                    (*slot, *room) = (*slot + 1, self.size);
                }
                limit.allows(*slot)?;
                let bytes = left.min(*room);
                carried.slots.push(*slot);
                carried.pieces.push(Piece { origin, bytes });
                left -= bytes;
                *room -= bytes;
            }
            arrivals.left(i, *slot * self.interval_ns[direction]);
        }
        Ok(placement)
    }

    /// The slots of every load, with what they carry. A load lasts until its last byte is sent, and as long after that as the stop
    /// rule says; `count` says how many slots each direction gets, given how many it has until then. The first load starts
    /// with slot 0, a later one with the slot of its first byte.
    pub(super) fn send(
        &self,
        placement: &Placement,
        limit: Limit,
        mut count: impl FnMut(PerDirection<u64>) -> PerDirection<u64>,
    ) -> Result<DefendedTrace, DefenseError> {
        let busy = self.busy_ns(placement);
        let silence_ns = silence_ns(self.stop);
        let mut sending = Sending::new(self, placement);
        let (mut last, mut start_ns, mut sent) = (0, 0_u64, 0_u64);
        loop {
            let first = PerDirection::from_fn(|way| start_ns.div_ceil(self.interval_ns[way]));
            let end = loop {
                while last + 1 < busy.len() && busy[last + 1] - busy[last] <= silence_ns {
                    last += 1;
                }
                let until_ns = busy[last].saturating_add(tail_ns(self.stop));
                let until =
                    PerDirection::from_fn(|way| (until_ns / self.interval_ns[way] + 1).saturating_sub(first[way]));
                let end = first + count(until);
                limit.allows(
                    sent + Direction::BOTH.map(|way| end[way].saturating_sub(first[way])).iter().sum::<u64>(),
                )?;
                let last_slot_ns = |way: Direction| end[way].saturating_sub(1) * self.interval_ns[way];
                let sent_until = Direction::BOTH.map(last_slot_ns).into_iter().max();
                match busy.get(last + 1) {
                    // It finds the slots of this load still running.
                    Some(&next) if Some(next) <= sent_until => last += 1,
                    _ => break end,
                }
            };
            sending.load(first, end);
            sent += Direction::BOTH.map(|way| end[way].saturating_sub(first[way])).iter().sum::<u64>();
            last += 1;
            match busy.get(last) {
                Some(&next) => start_ns = next,
                None => return Ok(sending.builder.finish(Ledger::default())?),
            }
        }
    }

    /// The times of slots that carry anything, in order; where no silence ends a load, the last one alone.
    fn busy_ns(&self, placement: &Placement) -> Vec<u64> {
        let times = |way: Direction| placement.carried[way].slots.iter().map(move |slot| slot * self.interval_ns[way]);
        if self.stop == StopRule::Oracle {
            return Direction::BOTH.into_iter().filter_map(|way| times(way).next_back()).max().into_iter().collect();
        }
        let mut busy: Vec<u64> = Direction::BOTH.into_iter().flat_map(times).collect();
        busy.sort_unstable();
        busy.dedup();
        busy
    }
}

/// A trace in the making, load by load.
struct Sending<'a> {
    slots: &'a Slots,
    builder: DefendedTraceBuilder,
    waiting: PerDirection<Waiting<'a>>,
}

/// What of [`Carried`] has not been sent.
struct Waiting<'a> {
    slots: &'a [u64],
    pieces: &'a [Piece],
}

impl<'a> Sending<'a> {
    fn new(slots: &'a Slots, placement: &'a Placement) -> Self {
        let waiting = |way| {
            let Carried { slots, pieces } = &placement.carried[way];
            Waiting { slots, pieces }
        };
        let pieces = Direction::BOTH.map(|way| placement.carried[way].pieces.len()).iter().sum();
        let builder = DefendedTraceBuilder::with_capacity(pieces);
        Self { slots, builder, waiting: PerDirection::from_fn(waiting) }
    }

    /// Sends the slots from `first` to before `end` of each direction; at equal times outgoing goes first.
    fn load(&mut self, first: PerDirection<u64>, end: PerDirection<u64>) {
        self.builder
            .reserve(Direction::BOTH.map(|way| end[way].saturating_sub(first[way])).iter().sum::<u64>() as usize);
        let Slots { interval_ns, .. } = self.slots;
        let mut incoming = first.incoming..end.incoming;
        for out in first.outgoing..end.outgoing {
            let before =
                (out * interval_ns.outgoing).div_ceil(interval_ns.incoming).clamp(incoming.start, end.incoming);
            for slot in incoming.start..before {
                self.slot(Direction::Incoming, slot);
            }
            incoming.start = before;
            self.slot(Direction::Outgoing, out);
        }
        for slot in incoming {
            self.slot(Direction::Incoming, slot);
        }
    }

    fn slot(&mut self, way: Direction, slot: u64) {
        let waiting = &mut self.waiting[way];
        let here = waiting.slots.iter().take_while(|&&due| due == slot).count();
        let (carries, pieces) = waiting.pieces.split_at(here);
        (waiting.slots, waiting.pieces) = (&waiting.slots[here..], pieces);
        self.builder.packet(slot * self.slots.interval_ns[way], way.signed(self.slots.size), carries);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::any_trace;

    /// The definition, slot by slot: a queue of bytes for each direction, and in the pessimistic model one rule more.
    fn slot_by_slot(slots: &Slots, trace: &Trace) -> Vec<(u64, i32, Vec<Piece>)> {
        let mut left: Vec<u32> = trace.size().iter().map(|size| size.unsigned_abs()).collect();
        let mut sent = Vec::new();
        let mut next = PerDirection { outgoing: 0_u64, incoming: 0 };
        while left.iter().any(|&bytes| bytes > 0) {
            let time = |direction: Direction| next[direction] * slots.interval_ns[direction];
            let direction = if time(Direction::Incoming) < time(Direction::Outgoing) {
                Direction::Incoming
            } else {
                Direction::Outgoing
            };
            let now = time(direction);
            let mut room = slots.size;
            let mut pieces = Vec::new();
            for (i, (arrival, size)) in trace.packets().enumerate() {
                let blocked = slots.delays == DelayModel::Pessimistic && left[..i].iter().any(|&bytes| bytes > 0);
                if arrival > now || room == 0 || blocked {
                    break;
                }
                if Direction::of(size) == direction && left[i] > 0 {
                    let bytes = left[i].min(room);
                    pieces.push(Piece { origin: i as u32, bytes });
                    left[i] -= bytes;
                    room -= bytes;
                }
            }
            sent.push((now, direction.signed(slots.size), pieces));
            next[direction] += 1;
        }
        sent
    }

    fn slots(out_ms: u64, in_ms: u64, size: u32, delays: DelayModel) -> Slots {
        let interval_ns = PerDirection { outgoing: out_ms * 1_000_000, incoming: in_ms * 1_000_000 };
        Slots { interval_ns, size, delays, stop: StopRule::Oracle }
    }

    proptest! {
        #[test]
        fn optimistic_placement_is_the_queue_simulated_slot_by_slot(
            trace in any_trace(), out_ms in 1_u64..60, in_ms in 1_u64..60, size in 100_u32..2_000,
        ) {
            let slots = slots(out_ms, in_ms, size, DelayModel::Optimistic);
            let placement = slots.place(&trace, Limit::DEFAULT).unwrap();
            let defended = slots.send(&placement, Limit::DEFAULT, |until_sent| until_sent).unwrap();
            let expected = slot_by_slot(&slots, &trace);
            // The definition stops inside the last moment, the schedule after it.
            prop_assert!(defended.len() >= expected.len());
            for (packet, (time_ns, size, pieces)) in defended.packets().zip(expected) {
                prop_assert_eq!((packet.time_ns, packet.size, packet.carries), (time_ns, size, &pieces[..]));
            }
        }

        #[test]
        fn pessimistic_placement_is_never_later_than_the_head_of_line_queue(
            trace in any_trace(), out_ms in 1_u64..60, in_ms in 1_u64..60, size in 100_u32..2_000,
        ) {
            let slots = slots(out_ms, in_ms, size, DelayModel::Pessimistic);
            let placement = slots.place(&trace, Limit::DEFAULT).unwrap();
            let defended = slots.send(&placement, Limit::DEFAULT, |until_sent| until_sent).unwrap();
            let completion = defended.completion_ns(trace.len());
            let mut expected = vec![0; trace.len()];
            for (time_ns, _, pieces) in slot_by_slot(&slots, &trace) {
                for piece in pieces {
                    expected[piece.origin as usize] = time_ns;
                }
            }
            prop_assert!(completion.iter().zip(&expected).all(|(ours, head_of_line)| ours <= head_of_line));
        }
    }

    #[test]
    fn large_packets_are_cut_and_small_ones_share_a_slot() {
        let trace = Trace::new(vec![0, 1, 2, 3], vec![250, 30, -40, -50]).unwrap();
        let slots = slots(10, 10, 100, DelayModel::Optimistic);
        let placement = slots.place(&trace, Limit::DEFAULT).unwrap();
        let defended = slots.send(&placement, Limit::DEFAULT, |until_sent| until_sent).unwrap();
        let carried: Vec<Vec<(u32, u32)>> =
            defended.packets().map(|p| p.carries.iter().map(|piece| (piece.origin, piece.bytes)).collect()).collect();
        let expected = [vec![(0, 100)], vec![], vec![(0, 100)], vec![(2, 40), (3, 50)], vec![(0, 50), (1, 30)], vec![]];
        assert_eq!(carried, expected);
    }

    #[test]
    fn a_schedule_without_end_is_an_error() {
        let trace = Trace::new(vec![0, u64::MAX], vec![1, -1]).unwrap();
        let error = slots(1, 1, 1, DelayModel::Optimistic).place(&trace, Limit::DEFAULT).unwrap_err();
        assert_eq!(error, DefenseError::TooLarge { limit: Limit::DEFAULT.of_trace() });
        let large = Trace::new(vec![0], vec![i32::MIN]).unwrap();
        assert!(slots(1, 1, 1, DelayModel::Optimistic).place(&large, Limit::DEFAULT).is_err());
    }
}
