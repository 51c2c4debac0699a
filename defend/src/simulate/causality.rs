//! What waits for what: which packet a packet answers, and when it is there to be sent.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use wfkit_datasets::Trace;

use crate::{DefendedTrace, DelayModel, Direction, PerDirection};

/// Which earlier packet each packet of a trace answers, inferred from its times.
///
/// - An incoming packet answers the last outgoing one that left at least a round trip before it. The round trip is that of
///   the trace's first outgoing packet and the first incoming packet after it: what arrives sooner was on its way already.
/// - An outgoing packet answers the last incoming one before it: the client acts on what it has received.
///
/// The first packets answer nothing. Times alone cannot tell an answer from a coincidence: a packet sent by a timer counts as an
/// answer, and a round trip shortened by the first hop makes responses answer later requests than they did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Causes {
    of: Vec<Option<u32>>,
    round_trip_ns: Option<u64>,
}

impl Causes {
    /// Infers them, in the time of one reading.
    pub fn infer(trace: &Trace) -> Self {
        let (times, sizes) = (trace.time_ns(), trace.size());
        let round_trip_ns = sizes.iter().position(|&size| size > 0).and_then(|request| {
            let response = (request..sizes.len()).find(|&i| sizes[i] < 0)?;
            Some(times[response] - times[request])
        });
        let mut last_incoming = None;
        let mut requests = (0..sizes.len()).filter(|&i| sizes[i] > 0).peekable();
        let mut last_answered = None;
        let mut cause = |i: usize| {
            if sizes[i] > 0 {
                return last_incoming;
            }
            let due = |request: usize| {
                request < i && round_trip_ns.is_some_and(|rtt| times[request].saturating_add(rtt) <= times[i])
            };
            while let Some(request) = requests.next_if(|&request| due(request)) {
                last_answered = Some(request as u32);
            }
            last_incoming = Some(i as u32);
            last_answered
        };
        Self { of: (0..sizes.len()).map(&mut cause).collect(), round_trip_ns }
    }

    /// What the packet answers: an earlier packet of the other direction.
    pub fn of(&self, packet: usize) -> Option<usize> {
        self.of[packet].map(|cause| cause as usize)
    }

    /// The round trip; `None` where no incoming packet follows an outgoing one.
    pub fn round_trip_ns(&self) -> Option<u64> {
        self.round_trip_ns
    }
}

/// When the packets of a trace are there to be sent, as far as those before them have left: what a delay model is.
///
/// A defence asks for the packets in their order: [`due`](Self::due) and [`not_before`](Self::not_before) of packet i, then
/// says when it [`left`](Self::left), and goes on with packet i + 1. It must release each direction in order, for what it
/// does with packet i of a direction may not change what became of earlier ones.
#[derive(Debug)]
pub struct Arrivals<'a> {
    trace: &'a Trace,
    model: DelayModel,
    /// Of the inferred model alone.
    causes: Option<Cow<'a, Causes>>,
    /// When each packet so far was through, for the inferred model.
    left_ns: Vec<u64>,
    last_due_ns: PerDirection<u64>,
    last_left_ns: PerDirection<u64>,
}

impl<'a> Arrivals<'a> {
    /// Before the first packet.
    pub fn new(trace: &'a Trace, model: DelayModel) -> Self {
        let causes = (model == DelayModel::Inferred).then(|| Causes::infer(trace));
        Self { causes: causes.map(Cow::Owned), ..Self::with_causes(trace, model, None) }
    }

    /// With what is inferred already.
    pub(crate) fn with_causes(trace: &'a Trace, model: DelayModel, causes: Option<&'a Causes>) -> Self {
        Self {
            trace,
            model,
            causes: causes.map(Cow::Borrowed),
            left_ns: Vec::new(),
            last_due_ns: PerDirection::default(),
            last_left_ns: PerDirection::default(),
        }
    }

    /// When packet `i`, the next one, arrives at whoever sends it: at its time in the trace; in the inferred model as much
    /// later as the packet that it answers was through, and not before its predecessor in its direction.
    pub fn due(&mut self, i: usize) -> u64 {
        let own = self.trace.time_ns()[i];
        let Some(causes) = &self.causes else { return own };
        let held_back = causes.of(i).map_or(0, |cause| self.left_ns[cause] - self.trace.time_ns()[cause]);
        let last = &mut self.last_due_ns[Direction::of(self.trace.size()[i])];
        *last = own.saturating_add(held_back).max(*last);
        *last
    }

    /// What else packet `i` waits for: the last packet of its direction, of both directions in the pessimistic model, of none
    /// in the model without delays.
    pub fn not_before(&self, i: usize) -> u64 {
        let last = &self.last_left_ns;
        match self.model {
            DelayModel::None => 0,
            DelayModel::Optimistic | DelayModel::Inferred | DelayModel::Aggregate => {
                last[Direction::of(self.trace.size()[i])]
            }
            DelayModel::Pessimistic => last.outgoing.max(last.incoming),
        }
    }

    /// Packet `i` was through at `time_ns`: its last byte had left.
    pub fn left(&mut self, i: usize, time_ns: u64) {
        if self.causes.is_some() {
            self.left_ns.push(time_ns);
        }
        let last = &mut self.last_left_ns[Direction::of(self.trace.size()[i])];
        *last = time_ns.max(*last);
    }
}

/// How many answers leave sooner after what they answer than they did in the original.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CausalityReport {
    /// Answers, as [`Causes`] infers them.
    pub answers: u64,
    /// Those of them that come too soon: the simulation let somebody answer what he had not seen.
    pub too_soon: u64,
    /// By how much at worst.
    pub worst_ns: u64,
}

impl CausalityReport {
    /// Of one trace and what a defence made of it, which has passed [`check`](crate::check).
    pub fn of(original: &Trace, defended: &DefendedTrace) -> Self {
        let mut report = Self::default();
        for (_, early_ns) in answers(original, defended) {
            report.answers += 1;
            report.too_soon += u64::from(early_ns > 0);
            report.worst_ns = report.worst_ns.max(early_ns);
        }
        report
    }

    /// Share of the answers that come too soon; `None` where there are none.
    pub fn share(&self) -> Option<f64> {
        (self.answers > 0).then(|| self.too_soon as f64 / self.answers as f64)
    }
}

impl std::ops::Add for CausalityReport {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            answers: self.answers + other.answers,
            too_soon: self.too_soon + other.too_soon,
            worst_ns: self.worst_ns.max(other.worst_ns),
        }
    }
}

/// Each answer of the original, and how much too soon its first byte leaves.
pub(crate) fn answers<'a>(
    original: &'a Trace,
    defended: &'a DefendedTrace,
) -> impl Iterator<Item = (usize, u64)> + use<'a> {
    let causes = Causes::infer(original);
    let through = defended.completion_ns(original.len());
    let starts = defended.start_ns(original.len());
    let times = original.time_ns();
    (0..original.len()).filter_map(move |i| {
        let cause = causes.of(i)?;
        let after = times[i] - times[cause];
        Some((i, through[cause].saturating_add(after).saturating_sub(starts[i])))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DefendedTraceBuilder, Ledger};

    fn trace(packets: &[(u64, i32)]) -> Trace {
        Trace::new(packets.iter().map(|p| p.0).collect(), packets.iter().map(|p| p.1).collect()).unwrap()
    }

    fn causes(packets: &[(u64, i32)]) -> Vec<Option<usize>> {
        let causes = Causes::infer(&trace(packets));
        (0..packets.len()).map(|i| causes.of(i)).collect()
    }

    #[test]
    fn responses_answer_requests_a_round_trip_before_and_requests_the_last_response() {
        // Round trip 10. The response at 31 is on its way when the request at 30 leaves, so it answers the one at 12.
        let packets = [(0, 1), (10, -1), (12, 1), (22, -1), (30, 1), (31, -1), (40, -1)];
        assert_eq!(causes(&packets), [None, Some(0), Some(1), Some(2), Some(3), Some(2), Some(4)]);
        assert_eq!(Causes::infer(&trace(&packets)).round_trip_ns(), Some(10));
    }

    #[test]
    fn what_is_there_before_the_first_round_trip_answers_nothing() {
        assert_eq!(causes(&[(0, -1), (5, 1), (5, 1), (9, -1)]), [None, Some(0), Some(0), Some(2)]);
        assert_eq!(causes(&[(0, -1), (1, -1)]), [None, None]);
        assert_eq!(causes(&[(0, 1), (1, 1)]), [None, None]);
        assert_eq!(Causes::infer(&trace(&[(0, -1), (1, 1)])).round_trip_ns(), None);
    }

    #[test]
    fn models_differ_in_what_waits() {
        // A request that leaves 100 late, its response at 10, and a second request at 12.
        let trace = trace(&[(0, 1), (10, -1), (12, 1)]);
        let after_a_late_request = |model| {
            let mut arrivals = Arrivals::new(&trace, model);
            let mut asked = Vec::new();
            for i in 0..3 {
                let (due, not_before) = (arrivals.due(i), arrivals.not_before(i));
                asked.push((due, not_before));
                arrivals.left(i, due.max(not_before) + if i == 0 { 100 } else { 0 });
            }
            asked
        };
        assert_eq!(after_a_late_request(DelayModel::None), [(0, 0), (10, 0), (12, 0)]);
        assert_eq!(after_a_late_request(DelayModel::Optimistic), [(0, 0), (10, 0), (12, 100)]);
        assert_eq!(after_a_late_request(DelayModel::Pessimistic), [(0, 0), (10, 100), (12, 100)]);
        assert_eq!(after_a_late_request(DelayModel::Inferred), [(0, 0), (110, 0), (112, 100)]);
    }

    #[test]
    fn answers_before_what_they_answer_are_counted() {
        let original = trace(&[(0, 1), (10, -1), (12, 1)]);
        let mut builder = DefendedTraceBuilder::default();
        builder.whole(10, -1, 1, 1);
        builder.whole(100, 1, 0, 1);
        builder.whole(102, 1, 2, 1);
        let report = CausalityReport::of(&original, &builder.finish(Ledger::default()).unwrap());
        assert_eq!(report, CausalityReport { answers: 2, too_soon: 1, worst_ns: 100 });
        assert_eq!(report.share(), Some(0.5));
    }
}
