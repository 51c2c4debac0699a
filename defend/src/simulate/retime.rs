//! Traces as they would look with another round trip.

use std::collections::BTreeMap;

use serde::Serialize;
use wfkit_datasets::{Findings, LabelledTrace, Trace, TraceSet};
use wfkit_metrics::{Utility, lower_median};

use crate::{Causes, Direction, PerDirection};

/// A trace with another round trip, and what that did to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retimed {
    /// The packets, all of them in their sizes, each direction in its order.
    pub trace: Trace,
    /// Packets that moved by less than they should have, because what they answer, or the packet before them in their direction, came too
    /// close before them. 0 where the round trip grows.
    pub clipped: usize,
}

/// The trace with a round trip of `to_ns` where it has one of `from_ns`.
///
/// What answers what is inferred as for the delay model of that name ([`Causes`]). An incoming packet comes `to_ns - from_ns` later after what
/// it answers than it did (sooner, where that is negative), an outgoing one as long after what it answers as it did, so that a packet
/// moves once for every round trip before it. Packets that answer nothing stay. Nothing else changes: rates, losses and the thinking
/// time of either side are those of the trace.
///
/// A longer round trip keeps the order of all packets, and the way back gives the very trace again. A shorter one keeps the order
/// of each direction, and no answer comes before what it answers: gaps that are shorter than what is taken from them become 0, and
/// their packets are counted.
pub fn retime(trace: &Trace, from_ns: u64, to_ns: u64) -> Retimed {
    let causes = Causes::infer(trace);
    let (times, sizes) = (trace.time_ns(), trace.size());
    let (longer, shorter) = (to_ns.saturating_sub(from_ns), from_ns.saturating_sub(to_ns));
    let mut moved: Vec<u64> = Vec::with_capacity(trace.len());
    let mut last = PerDirection::<u64>::default();
    let mut clipped = 0;
    for (i, (&own, &size)) in times.iter().zip(sizes).enumerate() {
        let direction = Direction::of(size);
        let (due, too_close) = match causes.of(i) {
            None => (own, false),
            Some(cause) => {
                let gap = own - times[cause];
                let (longer, shorter) = if size < 0 { (longer, shorter) } else { (0, 0) };
                let gap_now = gap.saturating_add(longer).saturating_sub(shorter);
                (moved[cause].saturating_add(gap_now), gap < shorter)
            }
        };
        let time = due.max(last[direction]);
        clipped += usize::from(too_close || time > due);
        last[direction] = time;
        moved.push(time);
    }
    let mut order: Vec<usize> = (0..trace.len()).collect();
    order.sort_by_key(|&i| moved[i]); // stable: each direction stays in order
    let time_ns = order.iter().map(|&i| moved[i]).collect();
    let size = order.iter().map(|&i| sizes[i]).collect();
    let retimed = Trace::new(time_ns, size)
        .expect("the first packet answers nothing, so it is still at 0, and the rest is sorted");
    Retimed { trace: retimed.with_columns_of(trace, |packet| Some(order[packet])), clipped }
}

/// A set with another round trip, see [`retime_set`].
#[derive(Debug, Clone)]
pub struct RetimedSet {
    /// The copies, under the keys of the traces that they were made of.
    pub set: TraceSet,
    /// What was changed in each session, in the order of their names; traces without session first.
    pub sessions: Vec<RetimedSession>,
    /// Packets clipped, see [`Retimed::clipped`], and the traces that they are in.
    pub clipped_packets: usize,
    /// Traces with a clipped packet.
    pub clipped_traces: usize,
    /// Traces in which nothing answers anything, and so nothing moved.
    pub without_answer: usize,
    to_ns: u64,
    is_measured: bool,
}

impl RetimedSet {
    /// What was changed, for a report; what it was made of costs so much.
    pub fn report(&self, before: &Utility) -> RetimeReport {
        let session = |one: &RetimedSession| RetimeSession {
            session: one.session.clone(),
            traces: one.traces,
            from_rtt_ms: one.from_ns.map(ms),
        };
        RetimeReport {
            rtt_ms: ms(self.to_ns),
            from_rtt: if self.is_measured { MEASURED } else { "as given" },
            sessions: self.sessions.iter().map(session).collect(),
            median_seconds_before: before.median_seconds,
            median_seconds_after: Utility::of(&self.set.volumes()).median_seconds,
            model: MODEL,
            reason: "null where there is no session, or no answer to measure a round trip by",
        }
    }

    /// Adds how much was changed less than it should have been.
    pub fn count(&self, findings: &mut Findings) {
        findings
            .count("packets clipped: gaps shorter than what was taken", self.clipped_packets)
            .count("traces with a clipped packet", self.clipped_traces)
            .count("traces without an answer, unchanged", self.without_answer);
    }

    /// That packets moved by less than they should have, in words; nothing where none did.
    pub fn warning(&self) -> Option<String> {
        let Self { clipped_packets, clipped_traces, .. } = self;
        let warning = || {
            format!(
                "{clipped_packets} packets in {clipped_traces} traces came too soon after what they answer, or after the packet before them, for so \
                 short a round trip: they move by less"
            )
        };
        (*clipped_packets > 0).then(warning)
    }
}

/// What a change of the round trip did to a set, for its report.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RetimeReport {
    /// The round trip that it has now, in ms.
    pub rtt_ms: f64,
    /// Where the round trip before is from.
    pub from_rtt: &'static str,
    /// What was changed in each session.
    pub sessions: Vec<RetimeSession>,
    /// How long the median trace took before; none of no traces.
    pub median_seconds_before: Option<f64>,
    /// And how long it takes now.
    pub median_seconds_after: Option<f64>,
    /// What is moved.
    pub model: &'static str,
    /// Why what is missing is missing.
    pub reason: &'static str,
}

/// What was changed in a session.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RetimeSession {
    /// Its name; none of traces without session.
    pub session: Option<String>,
    /// Its traces.
    pub traces: usize,
    /// Its round trip before, in ms, where it is known.
    pub from_rtt_ms: Option<f64>,
}

impl RetimeReport {
    /// Whether the round trip before was measured, not given.
    pub fn is_measured(&self) -> bool {
        self.from_rtt == MEASURED
    }
}

const MEASURED: &str = "measured: the median over the traces of a session of the time from the first outgoing packet to the first incoming one";
const MODEL: &str = "inferred: an incoming packet answers the last outgoing one that left a round trip before it (the trace's first), an \
                     outgoing packet the last incoming one before it; a packet moves once for every round trip before it, and what \
                     answers nothing stays";

fn ms(ns: u64) -> f64 {
    ns as f64 / 1e6
}

/// What was changed in a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetimedSession {
    /// Its name; none of traces without session.
    pub session: Option<String>,
    /// Its traces.
    pub traces: usize,
    /// Its round trip before, in ns: as given, or as measured; none where no incoming packet follows an outgoing one.
    pub from_ns: Option<u64>,
}

/// Every trace of the set with a round trip of `to_ns` where it has one of `from_ns`, or of what is measured where that is not given.
///
/// Measured is, for a session, the median over its traces of the time from the first outgoing packet to the first incoming one after it
/// ([`Causes::round_trip_ns`]). The first is taken and not the least, since later on what comes in may have been on its way already when
/// a request leaves; the median and not each trace's own, so that all traces of a session move alike and stay as different from each other as
/// they were.
///
/// Copies have the load as their [origin](LabelledTrace::origin), so that no split tears them from it, and the provenance names the step.
pub fn retime_set(set: &TraceSet, from_ns: Option<u64>, to_ns: u64) -> RetimedSet {
    let mut found: BTreeMap<Option<&String>, (usize, Vec<u64>)> = BTreeMap::new();
    for labelled in set.traces() {
        let (traces, round_trips) = found.entry(labelled.key.session.as_ref()).or_default();
        *traces += 1;
        round_trips.extend(Causes::infer(&labelled.trace).round_trip_ns());
    }
    let from: BTreeMap<Option<&String>, (usize, Option<u64>)> = found
        .into_iter()
        .map(|(name, (traces, measured))| (name, (traces, from_ns.or_else(|| lower_median(measured, u64::cmp)))))
        .collect();
    let (mut clipped_packets, mut clipped_traces, mut without_answer) = (0, 0, 0);
    let mut copy = |labelled: &LabelledTrace| {
        let answers = Causes::infer(&labelled.trace).round_trip_ns().is_some();
        without_answer += usize::from(!answers);
        let (_, from_ns) = from[&labelled.key.session.as_ref()];
        let trace = from_ns.map_or_else(
            || labelled.trace.clone(),
            |from_ns| {
                let retimed = retime(&labelled.trace, from_ns, to_ns);
                clipped_packets += retimed.clipped;
                clipped_traces += usize::from(retimed.clipped > 0);
                retimed.trace
            },
        );
        LabelledTrace { origin: Some(labelled.origin_of_copies()), trace, ..labelled.clone() }
    };
    let traces = set.traces().iter().map(&mut copy).collect();
    let mut provenance = set.provenance().clone();
    let from_text = from_ns.map_or_else(|| "measured".to_owned(), |ns| format!("{}ms", ns as f64 / 1e6));
    provenance.defenses.push(format!("retime:rtt={}ms,from-rtt={from_text}", to_ns as f64 / 1e6));
    let session = |(session, (traces, from_ns)): (Option<&String>, (usize, Option<u64>))| RetimedSession {
        session: session.cloned(),
        traces,
        from_ns,
    };
    RetimedSet {
        set: TraceSet::new(traces, provenance).expect("the keys are those of a set"),
        sessions: from.into_iter().map(session).collect(),
        clipped_packets,
        clipped_traces,
        without_answer,
        to_ns,
        is_measured: from_ns.is_none(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use wfkit_datasets::{Layer, Provenance};

    use super::*;
    use crate::testing::{any_trace, labelled};

    const MS: u64 = 1_000_000;

    fn trace(packets: &[(u64, i32)]) -> Trace {
        Trace::new(packets.iter().map(|p| p.0 * MS).collect(), packets.iter().map(|p| p.1).collect()).unwrap()
    }

    fn times_ms(retimed: &Retimed) -> Vec<u64> {
        retimed.trace.time_ns().iter().map(|time| time / MS).collect()
    }

    /// Two requests, the second sent 5 ms after the first answer; each answer in two packets.
    fn two_requests() -> Trace {
        trace(&[(0, 100), (20, -900), (23, -50), (28, 110), (48, -800), (50, -70)])
    }

    #[test]
    fn every_round_trip_before_a_packet_moves_it_once() {
        let longer = retime(&two_requests(), 20 * MS, 80 * MS);
        assert_eq!(times_ms(&longer), [0, 80, 83, 88, 168, 170]);
        let shorter = retime(&two_requests(), 20 * MS, 5 * MS);
        assert_eq!((times_ms(&shorter), shorter.clipped), (vec![0, 5, 8, 13, 18, 20], 0));
    }

    #[test]
    fn gaps_shorter_than_what_is_taken_are_clipped_and_counted() {
        // Of 22 ms, 20 and 20 are too short; the packets behind them, 3 and 2 ms later, are not.
        let clipped = retime(&two_requests(), 25 * MS, 3 * MS);
        assert_eq!((times_ms(&clipped), clipped.clipped), (vec![0, 0, 1, 6, 6, 6], 2));
        // The packet at 21 still answers the first request, and the answer to the second does not overtake it.
        let crossed = retime(&trace(&[(0, 1), (10, -1), (20, 1), (21, -2), (30, -3)]), 10 * MS, 0);
        assert_eq!((times_ms(&crossed), crossed.clipped), (vec![0, 0, 10, 11, 11], 1));
        assert_eq!(crossed.trace.size(), [1, -1, 1, -2, -3]);
    }

    #[test]
    fn a_session_moves_by_the_median_of_its_traces() {
        let one = |rep: i64, session: &str, rtt: u64| {
            let mut one = labelled(rep, trace(&[(0, 1), (rtt, -1), (rtt + 4, 2), (2 * rtt + 4, -2)]));
            one.key.session = Some(session.to_owned());
            one
        };
        let traces = vec![one(1, "near", 10), one(2, "near", 12), one(3, "near", 90), one(4, "far", 50)];
        let mut alone = labelled(5, trace(&[(0, 1), (1, 1)]));
        alone.key.session = Some("still".to_owned());
        let set =
            TraceSet::new(traces.into_iter().chain([alone]).collect(), Provenance::new(Layer::Tcp, vec![])).unwrap();
        let retimed = retime_set(&set, None, 52 * MS);
        let sessions: Vec<_> =
            retimed.sessions.iter().map(|s| (s.session.as_deref().unwrap(), s.from_ns.map(|ns| ns / MS))).collect();
        assert_eq!(sessions, [("far", Some(50)), ("near", Some(12)), ("still", None)]);
        let firsts: Vec<u64> = retimed.set.traces().iter().map(|t| t.trace.time_ns()[1] / MS).collect();
        assert_eq!(firsts, [52, 50, 52, 130, 1], "far, the three near ones, and the one without an answer");
        assert_eq!((retimed.without_answer, retimed.clipped_packets), (1, 0));
        assert!(
            retimed
                .set
                .traces()
                .iter()
                .zip(set.traces())
                .all(|(a, b)| a.origin.as_ref() == Some(&b.origin_of_copies()))
        );
        assert_eq!(retimed.set.provenance().defenses, ["retime:rtt=52ms,from-rtt=measured"]);
        assert_eq!(retime_set(&set, Some(7 * MS), 52 * MS).sessions[0].from_ns, Some(7 * MS));
        let report = retimed.report(&Utility::of(&set.volumes()));
        assert!(report.is_measured() && report.median_seconds_after > report.median_seconds_before, "{report:?}");
        assert_eq!((report.rtt_ms, report.sessions[0].from_rtt_ms, retimed.warning()), (52.0, Some(50.0), None));
    }

    fn of_direction(trace: &Trace, outgoing: bool) -> Vec<i32> {
        trace.size().iter().copied().filter(|&size| (size > 0) == outgoing).collect()
    }

    proptest! {
        #[test]
        fn no_change_changes_nothing(trace in any_trace(), rtt in 0..500 * MS) {
            prop_assert_eq!(retime(&trace, rtt, rtt), Retimed { trace, clipped: 0 });
        }

        #[test]
        fn a_longer_round_trip_keeps_the_order_and_leads_back(trace in any_trace(), from in 0..200 * MS, more in 0..500 * MS) {
            let there = retime(&trace, from, from + more);
            prop_assert_eq!((there.trace.size(), there.clipped), (trace.size(), 0));
            let kept = there.trace.time_ns().iter().zip(trace.time_ns()).all(|(later, before)| later >= before);
            prop_assert!(kept, "something came sooner");
            prop_assert_eq!(retime(&there.trace, from + more, from), Retimed { trace, clipped: 0 });
        }

        #[test]
        fn a_shorter_round_trip_keeps_the_order_of_each_direction(trace in any_trace(), to in 0..200 * MS, less in 0..500 * MS) {
            let there = retime(&trace, to + less, to);
            for outgoing in [true, false] {
                prop_assert_eq!(of_direction(&there.trace, outgoing), of_direction(&trace, outgoing));
            }
            prop_assert!(there.trace.duration_ns() <= trace.duration_ns());
        }
    }
}
