//! A row of packets that leaves whatever there is to send.

use wfkit_datasets::Trace;

use crate::defenses::queues::Queues;
use crate::{DefendedTrace, DefendedTraceBuilder, DefenseError, DelayModel, Direction, Ledger, Limit};

/// Packets of one size, each with its time and direction. Data wait for a packet of their direction; what is left at the end takes the
/// whole schedule again once it is there, and again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Schedule {
    /// In the order of time; each direction has one at least.
    slots: Vec<(u64, Direction)>,
    /// When it starts again at the earliest, not before its last packet.
    period_ns: u64,
    size: u32,
}

impl Schedule {
    /// A direction without a slot gets one at the end, so that whatever comes is sent some time.
    pub(super) fn new(mut slots: Vec<(u64, Direction)>, period_ns: u64, size: u32) -> Self {
        let end = slots.iter().map(|(time_ns, _)| *time_ns).max().unwrap_or(0);
        for way in Direction::BOTH {
            if slots.iter().all(|(_, other)| *other != way) {
                slots.push((end, way));
            }
        }
        slots.sort_by_key(|(time_ns, _)| *time_ns); // at equal times as given
        Self { slots, period_ns: period_ns.max(end), size }
    }

    /// How many packets it has.
    pub(super) fn packets(&self) -> usize {
        self.slots.len()
    }

    /// The trace in this schedule, and whether it fits without starting again.
    pub(super) fn send(
        &self,
        trace: &Trace,
        delays: DelayModel,
        unknown_class: bool,
        limit: Limit,
    ) -> Result<(DefendedTrace, bool), DefenseError> {
        let mut queues = Queues::new(trace, delays);
        let mut builder = DefendedTraceBuilder::with_capacity(self.slots.len());
        let mut carries = Vec::new();
        let (mut runs, mut start_ns) = (0_u64, 0_u64);
        while !queues.is_empty() {
            limit.allows((runs + 1) * self.slots.len() as u64)?;
            for &(time_ns, way) in &self.slots {
                let now = start_ns.saturating_add(time_ns);
                carries.clear();
                queues.take(way, now, self.size, &mut carries);
                builder.packet(now, way.signed(self.size), &carries);
            }
            runs += 1;
            let waiting = Direction::BOTH.into_iter().filter_map(|way| queues.arrival_ns(way)).min();
            start_ns = start_ns.saturating_add(self.period_ns).max(waiting.unwrap_or(0));
        }
        let ledger =
            Ledger { unknown_class: u64::from(unknown_class), misfit: u64::from(runs > 1), ..Ledger::default() };
        Ok((builder.finish(ledger)?, runs == 1))
    }
}
