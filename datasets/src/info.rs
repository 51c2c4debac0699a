//! What a set of traces is like, in numbers.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde::{Deserialize, Serialize};
use wfkit_metrics::{PrivacyReport, Summary, Utility, Volume, VolumeSummary};

use crate::{Findings, Known, LabelledTrace, Layer, Likeness, TraceKey, TraceSet};

/// What a set of traces is like, in numbers. Summaries are `None` for an empty set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TraceSetInfo {
    /// Which size the sizes are.
    pub layer: Layer,
    /// Number of classes.
    pub classes: usize,
    /// Number of traces.
    pub traces: usize,
    /// Number of packets in all traces.
    pub packets: usize,
    /// Number of sessions that are named.
    pub sessions: usize,
    /// Traces of no session.
    pub without_session: usize,
    /// Traces of no start time.
    pub without_start: usize,
    /// Traces that have, packet by packet, the content of one before them in the set: they leak from train to test.
    pub duplicates: usize,
    /// Traces of outgoing packets alone.
    pub without_incoming: usize,
    /// Traces of incoming packets alone.
    pub without_outgoing: usize,
    /// Traces of a class.
    pub traces_per_class: Option<Summary>,
    /// Packets of a trace.
    pub packets_per_trace: Option<Summary>,
    /// Bytes of a trace, both directions.
    pub bytes: Option<Summary>,
    /// Incoming bytes of a trace.
    pub in_bytes: Option<Summary>,
    /// Outgoing bytes of a trace.
    pub out_bytes: Option<Summary>,
    /// Seconds from the first packet of a trace to its last.
    pub seconds: Option<Summary>,
}

impl TraceSetInfo {
    /// Looks at every trace once.
    pub fn of(set: &TraceSet) -> Self {
        let mut info = InfoOfParts::default();
        info.see(set);
        info.done(set.provenance().layer)
    }
}

/// What a set is like that goes by in parts: some 200 bytes a trace are kept.
#[derive(Debug, Default)]
pub struct InfoOfParts {
    of_class: HashMap<String, usize>,
    sessions: BTreeSet<String>,
    without_session: usize,
    without_start: usize,
    without_incoming: usize,
    without_outgoing: usize,
    hashes: HashSet<[u8; 32]>,
    duplicates: usize,
    packets: Vec<usize>,
    volumes: Vec<Volume>,
    times: Times,
}

impl InfoOfParts {
    /// What was seen, for a report, beside what it gives away; sizes are those of `layer`.
    pub fn findings(&self, layer: Layer, privacy: PrivacyReport) -> Findings {
        let mut findings = Findings::new(Utility::of(self.volumes()), privacy);
        let info = self.done(layer);
        findings
            .count("traces", info.traces)
            .count("classes", info.classes)
            .count("packets", info.packets)
            .count("sessions", info.sessions)
            .count("traces without session", info.without_session)
            .count("traces without start", info.without_start)
            .count("traces with a twin of the same packets", info.duplicates)
            .count("traces without incoming packet", info.without_incoming)
            .count("traces without outgoing packet", info.without_outgoing);
        let packets = self.packets().iter().map(|&packets| packets as f64);
        let extras = &mut findings.utility.extras;
        extras.set("layer", info.layer).set("volumes", VolumeSummary::of(self.volumes()));
        extras.set("packets", Summary::of(packets)).set("traces_per_class", info.traces_per_class);
        findings
    }

    /// Looks at the next traces.
    pub fn see(&mut self, part: &TraceSet) {
        for labelled in part.traces() {
            let trace = &labelled.trace;
            match self.of_class.get_mut(&labelled.key.class) {
                Some(count) => *count += 1,
                None => drop(self.of_class.insert(labelled.key.class.clone(), 1)),
            }
            match &labelled.key.session {
                Some(session) if !self.sessions.contains(session) => drop(self.sessions.insert(session.clone())),
                Some(_) => {}
                None => self.without_session += 1,
            }
            self.without_start += usize::from(labelled.start_ns.is_none());
            let outgoing = trace.out_packets();
            self.without_incoming += usize::from(outgoing == trace.len());
            self.without_outgoing += usize::from(outgoing == 0);
            self.duplicates += usize::from(!self.hashes.insert(trace.content_hash()));
            self.packets.push(trace.len());
            self.times.see(labelled);
        }
        self.volumes.extend(part.volumes());
    }

    /// What each trace costs its user, in the order in which they went by.
    pub fn volumes(&self) -> &[Volume] {
        &self.volumes
    }

    /// Packets of each trace, likewise.
    pub fn packets(&self) -> &[usize] {
        &self.packets
    }

    /// As [`implausible_times`].
    pub fn implausible_times(&self) -> Option<String> {
        self.times.implausible()
    }

    /// All of it in numbers, of a set of this layer.
    pub fn done(&self, layer: Layer) -> TraceSetInfo {
        let summary = |of: &dyn Fn(&Volume) -> f64| Summary::of(self.volumes.iter().map(of));
        TraceSetInfo {
            layer,
            classes: self.of_class.len(),
            traces: self.packets.len(),
            packets: self.packets.iter().sum(),
            sessions: self.sessions.len(),
            without_session: self.without_session,
            without_start: self.without_start,
            duplicates: self.duplicates,
            without_incoming: self.without_incoming,
            without_outgoing: self.without_outgoing,
            traces_per_class: Summary::of(self.of_class.values().map(|&n| n as f64)),
            packets_per_trace: Summary::of(self.packets.iter().map(|&packets| packets as f64)),
            bytes: summary(&|volume| volume.in_bytes + volume.out_bytes),
            in_bytes: summary(&|volume| volume.in_bytes),
            out_bytes: summary(&|volume| volume.out_bytes),
            seconds: summary(&|volume| volume.seconds),
        }
    }
}

/// The rows of traces that are equal packet by packet, whatever their labels: two or more rows each, in set order.
pub fn duplicates(set: &TraceSet) -> Vec<Vec<usize>> {
    let mut rows_of: HashMap<[u8; 32], Vec<usize>> = HashMap::new();
    for (row, labelled) in set.traces().iter().enumerate() {
        rows_of.entry(labelled.trace.content_hash()).or_default().push(row);
    }
    let mut groups: Vec<Vec<usize>> = rows_of.into_values().filter(|rows| rows.len() > 1).collect();
    groups.sort();
    groups
}

/// Pairs of traces that are nearly the same ([`Likeness::is_near`](crate::Likeness::is_near)) though not equal, each with the first one before it, in set
/// order; copies of different loads are no twins.
pub fn near_twins(set: &TraceSet) -> Vec<[usize; 2]> {
    let known = Known::of_set(set);
    let mut before: HashMap<(bool, u64), Vec<(usize, Likeness)>> = HashMap::new();
    let mut pairs = Vec::new();
    for (row, one) in known.iter().enumerate() {
        let Some(likeness) = one.likeness else { continue };
        let is_copy = one.origin.is_some();
        let among: &[bool] = if is_copy { &[false] } else { &[false, true] };
        let alike = among.iter().filter_map(|&copies| before.get(&(copies, likeness.sizes))).flatten();
        let first =
            alike.filter(|(_, other)| other.is_near(&likeness) && !other.is_same(&likeness)).map(|(row, _)| *row);
        pairs.extend(first.min().map(|first| [first, row]));
        before.entry((is_copy, likeness.sizes)).or_default().push((row, likeness));
    }
    pairs
}

/// Traces with a twin of the same packets, and traces with none but nearly the same, that a split may tear apart: copies of one load stay together,
/// and copies of different loads are alike by what was done to them.
pub fn traces_with_twins(set: &TraceSet) -> [usize; 2] {
    let origins = crate::Groups::by_origin(set);
    let origin = |row: usize| origins.of_row()[row];
    let is_copy = |row: usize| set.traces()[row].origin.is_some();
    let mut exact: BTreeSet<usize> = BTreeSet::new();
    for rows in duplicates(set) {
        let of = |rows: &mut dyn Iterator<Item = usize>| rows.map(origin).collect::<BTreeSet<usize>>();
        let (all, loads) = (of(&mut rows.iter().copied()), of(&mut rows.iter().copied().filter(|&row| !is_copy(row))));
        let has_twin = |row: usize| {
            let among = if is_copy(row) { &loads } else { &all };
            among.len() > usize::from(among.contains(&origin(row)))
        };
        exact.extend(rows.iter().copied().filter(|&row| has_twin(row)));
    }
    let near = near_twins(set).into_iter().filter(|&[a, b]| origin(a) != origin(b)).flatten();
    let near: BTreeSet<usize> = near.filter(|row| !exact.contains(row)).collect();
    [exact.len(), near.len()]
}

/// Visits and sessions of them whose median is longer are none: times are in another unit.
const LONGEST_MEDIAN_NS: u64 = 3_600 * NS_PER_SECOND;
/// No single trace should be longer.
const LONGEST_NS: u64 = 24 * 3_600 * NS_PER_SECOND;
/// Traces of [`MANY_PACKETS`] and more whose median is shorter are implausible: no link is so fast.
const SHORTEST_MEDIAN_NS: u64 = 50_000_000;
const MANY_PACKETS: usize = 100;
/// What a visit takes, in ns, where the unit of times has to be guessed.
const USUAL_NS: std::ops::RangeInclusive<u64> = NS_PER_SECOND / 20..=1_800 * NS_PER_SECOND;
const NS_PER_SECOND: u64 = 1_000_000_000;

/// What is implausible about the times of a set, as where microseconds stand for seconds: the trace that shows it most, its value and the
/// unit that the times are likely to be in. Sets without times, all of which are 0, are fine.
pub fn implausible_times(set: &TraceSet) -> Option<String> {
    let mut times = Times::default();
    set.traces().iter().for_each(|labelled| times.see(labelled));
    times.implausible()
}

/// How long traces last that have times.
#[derive(Debug, Default)]
struct Times {
    durations: Vec<u64>,
    packets: Vec<usize>,
    /// The last of the longest.
    longest: Option<(u64, TraceKey)>,
}

impl Times {
    fn see(&mut self, labelled: &LabelledTrace) {
        let duration = labelled.trace.duration_ns();
        if duration == 0 {
            return;
        }
        self.durations.push(duration);
        self.packets.push(labelled.trace.len());
        if self.longest.as_ref().is_none_or(|(longest, _)| *longest <= duration) {
            self.longest = Some((duration, labelled.key.clone()));
        }
    }

    fn implausible(&self) -> Option<String> {
        let (longest, longest_key) = self.longest.as_ref()?;
        let mut durations = self.durations.clone();
        durations.sort_unstable();
        let median = *durations.get(durations.len() / 2)?;
        let as_units = |factors: [(u64, &'static str); 3], scale: &dyn Fn(u64) -> Option<u64>| {
            factors
                .into_iter()
                .find(|(factor, _)| scale(*factor).is_some_and(|ns| USUAL_NS.contains(&ns)))
                .map(|(_, unit)| unit)
        };
        let describe = |duration: u64| format!("({}) lasts {}", longest_key, length(duration));
        if median > LONGEST_MEDIAN_NS {
            let units = [(1_000, "milliseconds"), (1_000_000, "microseconds"), (NS_PER_SECOND, "nanoseconds")];
            let likely = as_units(units, &|factor| Some(median / factor));
            let likely = likely.map_or(String::new(), |unit| format!("; they look like {unit} where seconds are due"));
            return Some(format!(
                "times are implausible: {}, and the median trace {}{likely}",
                describe(*longest),
                length(median)
            ));
        }
        if *longest > LONGEST_NS {
            return Some(format!(
                "times are implausible: {}, where the median trace takes {}",
                describe(*longest),
                length(median)
            ));
        }
        let mut packets: Vec<usize> = self.packets.clone();
        packets.sort_unstable();
        if median < SHORTEST_MEDIAN_NS && packets[packets.len() / 2] >= MANY_PACKETS {
            let units = [(1_000, "microseconds"), (1_000_000, "milliseconds"), (NS_PER_SECOND, "seconds")];
            let likely = as_units(units, &|factor| median.checked_mul(factor));
            let likely =
                likely.map_or(String::new(), |unit| format!("; they look like {unit} where nanoseconds are due"));
            return Some(format!(
                "times are implausible: even {}, and the median trace of {} packets {}{likely}",
                describe(*longest),
                packets[packets.len() / 2],
                length(median)
            ));
        }
        None
    }
}

/// A duration in the unit that suits it.
fn length(ns: u64) -> String {
    let seconds = ns as f64 / NS_PER_SECOND as f64;
    match seconds {
        _ if seconds >= 172_800.0 => format!("{:.1} days", seconds / 86_400.0),
        _ if seconds >= 7_200.0 => format!("{:.1} hours", seconds / 3_600.0),
        _ if seconds >= 1.0 => format!("{seconds:.1} s"),
        _ => format!("{:.3} ms", seconds * 1e3),
    }
}

/// What is suspicious about traces that can be read, a sentence each: twins, and what went one way only.
pub fn doubts(set: &TraceSet) -> Vec<String> {
    let key = |row: usize| &set.traces()[row].key;
    let same = duplicates(set).into_iter().map(|twins| {
        let keys: Vec<String> = twins.iter().map(|&row| format!("({})", key(row))).collect();
        format!("the same packets in {}", keys.join(", "))
    });
    let near = near_twins(set)
        .into_iter()
        .map(|[first, second]| format!("nearly the same packets in ({}), ({})", key(first), key(second)));
    let one_way = set.traces().iter().flat_map(|labelled| {
        let (trace, key) = (&labelled.trace, &labelled.key);
        let incoming = (trace.in_packets() == 0).then(|| format!("({key}) has no incoming packet"));
        let outgoing = (trace.out_packets() == 0).then(|| format!("({key}) has no outgoing packet"));
        incoming.into_iter().chain(outgoing)
    });
    same.chain(near).chain(one_way).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{LabelledTrace, Provenance, Trace, TraceKey};

    /// Traces of 200 packets whose last is at each of these times.
    fn lasting(durations: &[u64]) -> TraceSet {
        let trace = |(rep, &duration): (usize, &u64)| {
            let time_ns = (0..200).map(|at| u128::from(duration) * at / 199).map(|ns| ns as u64).collect();
            let key = TraceKey { class: "a".into(), rep: rep as i64, session: None };
            LabelledTrace::new(key, None, Trace::new(time_ns, vec![1; 200]).unwrap())
        };
        TraceSet::new(durations.iter().enumerate().map(trace).collect(), Provenance::new(Layer::Tcp, vec![])).unwrap()
    }

    #[test]
    fn times_in_another_unit_are_told_with_the_likely_one() {
        let seconds = |factor: f64| [5.0, 20.0, 90.0].map(|seconds| (seconds * factor * 1e9) as u64);
        for (factor, unit) in [(1e3, "milliseconds"), (1e6, "microseconds")] {
            let found = implausible_times(&lasting(&seconds(factor))).unwrap();
            assert!(found.contains("(class a, rep 2) lasts") && found.contains(unit), "{found}");
            assert!(found.contains("where seconds are due"), "{found}");
        }
        for (factor, unit) in [(1e-3, "microseconds"), (1e-6, "milliseconds")] {
            let found = implausible_times(&lasting(&seconds(factor))).unwrap();
            assert!(found.contains(unit) && found.contains("where nanoseconds are due"), "{found}");
        }
        assert_eq!(implausible_times(&lasting(&seconds(1.0))), None);
        assert_eq!(implausible_times(&lasting(&[0, 0])), None);
        assert_eq!(implausible_times(&lasting(&[])), None);
        let one = implausible_times(&lasting(&[5_000_000_000, 6_000_000_000, 200_000_000_000_000])).unwrap();
        assert!(one.contains("(class a, rep 2) lasts 2.3 days, where the median trace takes 6.0 s"), "{one}");
    }

    #[test]
    fn twins_are_what_a_split_may_tear_apart() {
        let load = |rep, size: i32, late: u64, origin: Option<&str>| {
            let time_ns = (0..20).map(|at| at * 1_000_000 + if at > 0 { late } else { 0 }).collect();
            let key = TraceKey { class: "a".into(), rep, session: None };
            LabelledTrace {
                origin: origin.map(str::to_owned),
                ..LabelledTrace::new(key, None, Trace::new(time_ns, vec![size; 20]).unwrap())
            }
        };
        let twins = |traces: Vec<LabelledTrace>| {
            traces_with_twins(&TraceSet::new(traces, Provenance::new(Layer::Tcp, vec![])).unwrap())
        };
        assert_eq!(twins(vec![load(0, 1, 0, None), load(1, 2, 0, None)]), [0, 0]);
        assert_eq!(twins(vec![load(0, 1, 0, None), load(1, 1, 0, None), load(2, 1, 10, None)]), [2, 1]);
        // Copies of one load stay together, copies of two are alike by what was done to them.
        assert_eq!(twins(vec![load(0, 1, 0, Some("x")), load(1, 1, 0, Some("x"))]), [0, 0]);
        assert_eq!(twins(vec![load(0, 1, 0, Some("x")), load(1, 1, 0, Some("y"))]), [0, 0]);
        assert_eq!(twins(vec![load(0, 1, 0, Some("x")), load(1, 1, 0, None)]), [2, 0]);
    }

    #[test]
    fn counts_what_is_there() {
        let labelled = |class: &str, rep, session: Option<&str>, time_ns: &[u64], size: &[i32]| {
            LabelledTrace::new(
                TraceKey { class: class.into(), rep, session: session.map(str::to_owned) },
                session.map(|_| 0),
                Trace::new(time_ns.to_vec(), size.to_vec()).unwrap(),
            )
        };
        let traces = vec![
            labelled("a", 1, Some("x"), &[0, 2_000_000_000], &[10, -90]),
            labelled("a", 2, None, &[0], &[5]),
            labelled("b", 1, Some("x"), &[0, 2_000_000_000], &[10, -90]),
            labelled("c", 1, Some("y"), &[0], &[-7]),
        ];
        let set = TraceSet::new(traces, Provenance::new(Layer::Tcp, vec![])).unwrap();
        let summary = |minimum, mean, median, maximum| Some(Summary { minimum, mean, median, maximum });
        assert_eq!(
            TraceSetInfo::of(&set),
            TraceSetInfo {
                layer: Layer::Tcp,
                classes: 3,
                traces: 4,
                packets: 6,
                sessions: 2,
                without_session: 1,
                without_start: 1,
                duplicates: 1,
                without_incoming: 1,
                without_outgoing: 1,
                traces_per_class: summary(1.0, 4.0 / 3.0, 1.0, 2.0),
                packets_per_trace: summary(1.0, 1.5, 1.5, 2.0),
                bytes: summary(5.0, 53.0, 53.5, 100.0),
                in_bytes: summary(0.0, 46.75, 48.5, 90.0),
                out_bytes: summary(0.0, 6.25, 7.5, 10.0),
                seconds: summary(0.0, 1.0, 1.0, 2.0),
            }
        );
        assert_eq!(duplicates(&set), [[1, 2]], "the trace without a session comes first");
        assert_eq!(TraceSetInfo::of(&set.select(&[])).bytes, None);
    }
}
