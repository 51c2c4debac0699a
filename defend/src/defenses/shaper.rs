//! A sender that decides from one packet to the next when it sends, load by load.

use std::fmt;

use wfkit_datasets::Trace;

use super::queues::Queues;
use super::slots::Slots;
use super::{PACKET_SIZE, STOP, delay_model};
use crate::{
    Assumptions, DefendedTrace, DefendedTraceBuilder, Defense, DefenseError, DelayModel, Direction, Draws, Guarantees,
    Ledger, Limit, ParameterValues, Piece, Profile, StopRule,
};

/// What such senders have in common: one size, a delay model and a stop rule.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) size: u32,
    pub(super) delays: DelayModel,
    pub(super) stop: StopRule,
}

impl Shape {
    /// From the parameters `size`, `delays` and `stop`.
    pub(super) fn new(values: &ParameterValues, profile: &Profile) -> Result<Self, String> {
        let size = values.size(PACKET_SIZE.key);
        Slots::suits(size, profile)?;
        Ok(Self { size, delays: delay_model(values), stop: values.stop(STOP.key) })
    }
}

/// How one load is sent.
pub(super) trait Sender: fmt::Debug + Send + Sync {
    fn shape(&self) -> &Shape;

    /// Sends the load that starts at a time, until it is [over](Shaper::over) and its end padding is sent.
    fn load(&self, shaper: &mut Shaper<'_>, start_ns: u64, draws: &mut Draws) -> Result<(), DefenseError>;

    /// What it promises beside order.
    fn promises(&self) -> Guarantees {
        Guarantees::default()
    }
}

/// A defence that sends a trace load by load: the first starts at 0, a later one when its first packet arrives.
#[derive(Debug)]
pub(super) struct Shaped<S>(pub(super) S);

impl<S: Sender> Defense for Shaped<S> {
    fn defend(&self, trace: &Trace, draws: &mut Draws) -> Result<DefendedTrace, DefenseError> {
        let shape = self.0.shape();
        let mut shaper = Shaper {
            queues: Queues::new(trace, shape.delays),
            size: shape.size,
            stop: shape.stop,
            builder: DefendedTraceBuilder::with_capacity(2 * trace.len()),
            carries: Vec::new(),
            slots: 0,
            limit: draws.limit(),
            active_ns: 0,
        };
        let mut start_ns = Some(0);
        while let Some(start) = start_ns {
            shaper.active_ns = start;
            self.0.load(&mut shaper, start, draws)?;
            start_ns = Direction::BOTH.into_iter().filter_map(|way| shaper.queues.arrival_ns(way)).min();
        }
        Ok(shaper.builder.finish(Ledger::default())?)
    }

    fn guarantees(&self) -> Guarantees {
        Guarantees { total_order: self.0.shape().delays == DelayModel::Pessimistic, ..self.0.promises() }
    }

    fn assumptions(&self) -> Assumptions {
        Assumptions { delay_model: self.0.shape().delays, stop_rule: self.0.shape().stop }
    }

    fn infers_delays(&self) -> bool {
        true
    }
}

/// A trace on its way through such a sender.
#[derive(Debug)]
pub(super) struct Shaper<'a> {
    pub(super) queues: Queues<'a>,
    size: u32,
    stop: StopRule,
    builder: DefendedTraceBuilder,
    carries: Vec<Piece>,
    slots: u64,
    limit: Limit,
    /// When the load started or the last normal packet was sent.
    active_ns: u64,
}

/// What a packet carries, if anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Carried {
    /// When the first normal packet in it arrived.
    pub(super) arrival_ns: u64,
    pub(super) bytes: u64,
}

impl Shaper<'_> {
    /// Sends a packet, with what may leave now in it.
    pub(super) fn send(&mut self, way: Direction, now_ns: u64) -> Result<Option<Carried>, DefenseError> {
        self.send_if(way, now_ns, true)
    }

    /// Sends a packet if something may leave now or it may be `padding`.
    pub(super) fn send_if(
        &mut self,
        way: Direction,
        now_ns: u64,
        padding: bool,
    ) -> Result<Option<Carried>, DefenseError> {
        self.tick()?;
        self.carries.clear();
        let arrival_ns = self.queues.ready_ns(way);
        self.queues.take(way, now_ns, self.size, &mut self.carries);
        let carried = (!self.carries.is_empty()).then(|| {
            self.active_ns = now_ns;
            let bytes = self.carries.iter().map(|piece| u64::from(piece.bytes)).sum();
            Carried { arrival_ns: arrival_ns.expect("what leaves has arrived"), bytes }
        });
        if padding || carried.is_some() {
            self.builder.packet(now_ns, way.signed(self.size), &self.carries);
        }
        Ok(carried)
    }

    /// Counts a slot, so that a schedule without end is an error.
    fn tick(&mut self) -> Result<(), DefenseError> {
        self.slots += 1;
        self.limit.allows(self.slots)
    }

    /// Whether the load is over at a time by the stop rule: everything is through; or nothing waits, and nothing has been sent for the
    /// quiet time.
    pub(super) fn over(&self, now_ns: u64) -> bool {
        let waits = |way| self.queues.arrival_ns(way).is_some_and(|arrival_ns| arrival_ns <= now_ns);
        match self.stop {
            StopRule::Soft { quiet_ns } => {
                now_ns.saturating_sub(self.active_ns) > quiet_ns && !Direction::BOTH.into_iter().any(waits)
            }
            StopRule::Oracle | StopRule::NoPadding => self.queues.is_empty(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{any_trace, defend_one};

    /// An outgoing packet each 10 ns.
    #[derive(Debug)]
    struct Clock(Shape);

    impl Sender for Clock {
        fn shape(&self) -> &Shape {
            &self.0
        }

        fn load(&self, shaper: &mut Shaper<'_>, start_ns: u64, _: &mut Draws) -> Result<(), DefenseError> {
            let mut now = start_ns;
            while !shaper.over(now) {
                shaper.send(Direction::Outgoing, now)?;
                now += 10;
            }
            Ok(())
        }
    }

    fn sent_at(trace: &Trace, stop: StopRule) -> Vec<u64> {
        let clock = Shaped(Clock(Shape { size: 100, delays: DelayModel::Optimistic, stop }));
        clock.defend(trace, &mut Draws::from_seed(0)).unwrap().packets().map(|p| p.time_ns).collect()
    }

    #[test]
    fn a_load_is_over_with_its_last_packet_or_a_silence() {
        let trace = Trace::new(vec![0, 25, 105], vec![100, 100, 100]).unwrap();
        assert_eq!(sent_at(&trace, StopRule::Oracle), (0..12).map(|i| i * 10).collect::<Vec<_>>());
        // Sent at 0 and 30, padding until 50; then from 105 on, 20 more.
        let soft = sent_at(&trace, StopRule::Soft { quiet_ns: 20 });
        assert_eq!(soft, [0, 10, 20, 30, 40, 50, 105, 115, 125]);
    }

    proptest! {
        /// All senders of this kind follow the inferred model and stop by either rule; `defend` checks causality.
        #[test]
        fn every_shaper_follows_every_model_and_stops(
            trace in any_trace(),
            name in prop::sample::select(vec!["cs-buflo:ctsp", "cs-buflo:cpsp", "dynaflow", "regulator:heavy", "fixed-shape", "scrambler"]),
            delays in prop::sample::select(DelayModel::ALL.to_vec()),
            stop in prop::sample::select(vec!["oracle", "soft:2ms", "soft:50ms"]),
        ) {
            let given = if name == "fixed-shape" { ",rounds=3,request=1,response=2,every=20ms" } else { "" };
            let defended = defend_one(&format!("{name}{given},delays={delays},stop={stop}"), &trace);
            prop_assert!(defended.observe().size().iter().all(|size| size.unsigned_abs() == 536));
        }
    }
}
