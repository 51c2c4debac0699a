//! Which invariant a defended set breaks that is not what its specification makes.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rayon::prelude::*;
use wfkit_datasets::{LabelledTrace, Trace, TraceKey, TraceSet};

use crate::simulate::pipeline::LastLayer;
use crate::verify::verification::check_labels;
use crate::{
    AuditViolation, DefendError, DefendedPacket, DefendedSet, DefendedTrace, DefendedTraceBuilder, Direction,
    Guarantees, Invariant, Load, Piece, Pipeline, Profile, Violation, check, keeps_sessions,
};

/// Holds every trace of `found` against `again`, the same set made again, and says what those that differ break.
///
/// A file does not say what its packets carry, so a packet of a trace that differs is taken to carry what it carries in `again`: the packet at its
/// time and of its size; failing that the next one of its size, so that a packet may have moved; failing that one at its time, so that it may have
/// another size. What is left over is padding. Then the trace is held against what every defence keeps and, where that is kept, against what the
/// last layer promises (what layers before it promise was never on the wire). A trace that keeps all of this breaks
/// [`Invariant::Determinism`]: no run with this seed makes it. One that is another trace of `again` has the wrong label.
///
/// Traces of which one set has no counterpart are left to [`DefendedAudit`](crate::DefendedAudit). Sessions are compared where `found` has any.
pub fn diagnose(again: &DefendedSet<'_>, found: &TraceSet) -> Result<Vec<AuditViolation>, DefendError> {
    let original = again.original();
    let profile = Profile::of(original);
    let broken = |violation| DefendError::Set { spec: again.spec().to_string(), violation };
    check_labels(original, &profile).map_err(broken)?;
    let (seed, copies) = (again.manifest().seed, again.copies());
    let pipeline = Pipeline::new(again.spec(), &profile, original.provenance().defenses.len(), seed)?;
    let by_key: HashMap<&TraceKey, &LabelledTrace> = found.traces().iter().map(|t| (&t.key, t)).collect();
    let sessions = keeps_sessions(found);
    let mut differing = Vec::new();
    let mut made = HashMap::new();
    for (row, (before, after)) in again.traces().enumerate() {
        let replica = copies.replica_of(row);
        let mut key = copies.key(&before.key, replica)?;
        key.session.take_if(|_| !sessions);
        let after = after.observe();
        if let Some(&found) = by_key.get(&key).filter(|found| found.trace != after) {
            differing.push((before, u64::from(replica), found));
        }
        made.insert(after.content_hash(), key);
    }
    let one = |&(before, replica, found): &(&LabelledTrace, u64, &LabelledTrace)| {
        let violation = |(invariant, detail)| AuditViolation { trace: found.key.to_string(), invariant, detail };
        if let Some(other) = made.get(&found.trace.content_hash()) {
            return Ok(vec![violation((Invariant::Labels, format!("it is what is made of the trace ({other})")))]);
        }
        let last = pipeline.last_layer(&Load::of(before), replica)?;
        let start_ns = before.start_ns.zip(found.start_ns).and_then(|(before, after)| after.checked_sub(before));
        let broken = last.broken_by(&before.trace, &found.trace, start_ns.and_then(|ns| u64::try_from(ns).ok()));
        Ok(broken.into_iter().map(violation).collect())
    };
    let found = differing.par_iter().map(one).collect::<Result<Vec<_>, DefendError>>()?;
    Ok(found.into_iter().flatten().collect())
}

impl LastLayer<'_> {
    /// What `found`, which is not what is made of `original`, breaks; its first packet is `start_ns` after the original's where that is known.
    fn broken_by(&self, original: &Trace, found: &Trace, start_ns: Option<u64>) -> Vec<(Invariant, String)> {
        let told = |layer: &str, violation: Violation| {
            (violation.invariant, format!("{layer}packet {}: {}", violation.packet, violation.detail))
        };
        let layer = format!("{}, ", self.spec);
        let shift = self.before.as_ref().map_or(0, DefendedTrace::start_shift_ns);
        let start_ns = start_ns.map_or(self.made.start_shift_ns(), |start| start.saturating_sub(shift));
        let found = match as_found(&self.made, found, start_ns) {
            Ok(found) => found,
            Err(violation) => return vec![told(&layer, violation)],
        };
        if let Some(before) = &self.before {
            let mixed_paths = before.paths() > 1 || found.paths() > 1;
            let any = Guarantees { mixed_paths, ..Guarantees::default() };
            if let Err(violation) = found.over(before).and_then(|whole| check(original, &whole, &any)) {
                return vec![told("", violation)];
            }
        }
        let any = Guarantees { mixed_paths: self.guarantees.mixed_paths, ..Guarantees::default() };
        if let Err(violation) = check(&self.input, &found, &any) {
            return vec![told(&layer, violation)];
        }
        let promises = self.guarantees.each();
        let broken = promises.iter().filter_map(|promise| check(&self.input, &found, promise).err());
        let broken: Vec<_> = broken.map(|violation| told(&layer, violation)).collect();
        if broken.is_empty() {
            let detail = "it keeps what is promised of it, but this seed makes another";
            return vec![(Invariant::Determinism, detail.to_owned())];
        }
        broken
    }
}

/// The packets of `found`, the first of them at `start_ns`, carrying what those of `made` carry. Paths that are not seen are as in `made`.
/// As much padding counts as drawn as there is: a file does not say what was dropped.
fn as_found(made: &DefendedTrace, found: &Trace, start_ns: u64) -> Result<DefendedTrace, Violation> {
    let packets: Vec<(u64, i32)> = found.packets().map(|(time, size)| (time.saturating_add(start_ns), size)).collect();
    let made_packets: Vec<DefendedPacket<'_>> = made.packets().collect();
    let mut ledger = *made.ledger();
    (ledger.padding_drawn, ledger.padding_dropped) = Default::default();
    let mut builder = DefendedTraceBuilder::split(packets.len(), made.seen_paths());
    let mut add = |path, time_ns, size, carries: &[Piece]| {
        ledger.padding_drawn[Direction::of(size)] += u64::from(carries.is_empty());
        builder.packet_on(path, time_ns, size, carries);
    };
    let mut unseen = made_packets.iter().filter(|packet| !packet.seen).peekable();
    for (&(time_ns, size), carrier) in packets.iter().zip(carriers(&made_packets, &packets)) {
        while let Some(other) = unseen.next_if(|other| other.time_ns < time_ns) {
            add(other.path, other.time_ns, other.size, other.carries);
        }
        match carrier.map(|i| &made_packets[i]) {
            Some(packet) => add(packet.path, time_ns, size, packet.carries),
            None => add(1, time_ns, size, &[]),
        }
    }
    unseen.for_each(|other| add(other.path, other.time_ns, other.size, other.carries));
    builder.finish(ledger)
}

/// For each packet found, (time, size), the normal packet of those made that it is taken for.
fn carriers(made: &[DefendedPacket<'_>], found: &[(u64, i32)]) -> Vec<Option<usize>> {
    let mut free: BTreeSet<(i32, u64, usize)> =
        found.iter().zip(0..).map(|(&(time, size), i)| (size, time, i)).collect();
    // Of each size: packets made, packets found for them.
    let mut pairs: BTreeMap<i32, (Vec<usize>, Vec<usize>)> = BTreeMap::new();
    let mut take = |free: &mut BTreeSet<_>, i: usize, entry: (i32, u64, usize)| {
        free.remove(&entry);
        if !made[i].is_padding() {
            let (made, found) = pairs.entry(entry.0).or_default();
            made.push(i);
            found.push(entry.2);
        }
    };
    let mut moved = Vec::new();
    for (i, packet) in made.iter().enumerate().filter(|(_, packet)| packet.seen) {
        let (size, time) = (packet.size, packet.time_ns);
        match free.range((size, time, 0)..=(size, time, usize::MAX)).next().copied() {
            Some(entry) => take(&mut free, i, entry),
            None if !packet.is_padding() => moved.push(i),
            None => {}
        }
    }
    let mut resized = Vec::new();
    for i in moved {
        let (size, time) = (made[i].size, made[i].time_ns);
        let later = free.range((size, time, 0)..=(size, u64::MAX, usize::MAX)).next();
        match later.or_else(|| free.range((size, 0, 0)..(size, time, 0)).next_back()).copied() {
            Some(entry) => take(&mut free, i, entry),
            None => resized.push(i),
        }
    }
    let mut carriers = vec![None; found.len()];
    for (mut made, mut found) in pairs.into_values() {
        // Nobody can tell packets of one size apart, so they are in order.
        made.sort_unstable();
        found.sort_unstable();
        found.into_iter().zip(made).for_each(|(found, made)| carriers[found] = Some(made));
    }
    let mut free: BTreeSet<(i32, u64, usize)> =
        free.into_iter().map(|(size, time, i)| (size.signum(), time, i)).collect();
    for i in resized {
        let (way, time) = (made[i].size.signum(), made[i].time_ns);
        if let Some(entry) = free.range((way, time, 0)..=(way, time, usize::MAX)).next().copied() {
            free.remove(&entry);
            carriers[entry.2] = Some(i);
        }
    }
    carriers
}

#[cfg(test)]
mod tests {
    use wfkit_datasets::{Layer, Provenance};

    use super::*;
    use crate::testing::{labelled, training};
    use crate::{DefenseSpec, defend};

    /// Two requests and four responses, two of which come together.
    fn set() -> TraceSet {
        let ms = |times: [u64; 6]| times.map(|time| time * 1_000_000).to_vec();
        let traces = [
            Trace::new(ms([0, 90, 95, 140, 230, 231]), vec![400, -700, -800, 500, -900, -1000]),
            Trace::new(ms([0, 80, 85, 150, 240, 241]), vec![410, -710, -810, 510, -910, -1010]),
        ];
        // Its start tells how late the first packet of a defended trace is.
        let one = |(trace, rep): (Result<Trace, _>, i64)| LabelledTrace {
            start_ns: Some(0),
            ..labelled(rep, trace.unwrap())
        };
        TraceSet::new(traces.into_iter().zip(0..).map(one).collect(), Provenance::new(Layer::Tcp, vec![])).unwrap()
    }

    type Packets = Vec<(u64, i32)>;

    /// What is broken by the first trace of `spec`, changed.
    fn broken(spec: &str, change: impl Fn(&mut Packets)) -> Vec<Invariant> {
        let set = set();
        let spec: DefenseSpec = spec.parse().unwrap();
        let spec = if spec.needs_training() { spec.fit(training()) } else { spec };
        let again = defend(&set, &spec, 1).unwrap();
        let mut traces = again.observe().traces().to_vec();
        let mut packets: Packets = traces[0].trace.packets().collect();
        change(&mut packets);
        let (times, sizes) = packets.into_iter().unzip();
        traces[0].trace = Trace::new(times, sizes).unwrap();
        let found = TraceSet::new(traces, set.provenance().clone()).unwrap();
        let violations = diagnose(&again, &found).unwrap();
        assert!(violations.iter().all(|violation| violation.trace == "class a, rep 0"), "{violations:?}");
        violations.into_iter().map(|violation| violation.invariant).collect()
    }

    #[test]
    fn what_was_changed_is_named() {
        use Invariant as I;
        assert_eq!(broken("jitter", |_| {}), []);
        // Lost, and lost behind a second layer.
        let drop_packet = |packets: &mut Packets| assert_eq!(packets.remove(2).1, -800);
        assert_eq!(broken("jitter", |packets| drop_packet(packets)), [I::Conservation]);
        assert_eq!(broken("jitter+link,rate=1Mbit/s", |packets| drop_packet(packets)), [I::Conservation]);
        let swap = |packets: &mut Packets| (packets[4].1, packets[5].1) = (packets[5].1, packets[4].1);
        assert_eq!(broken("hold:quantise", swap), [I::Fifo]);
        assert_eq!(broken("jitter", |packets| packets[3].0 = packets[2].0), [I::NoTimeTravel]);
        // What it answers left late.
        let early = |packets: &mut Packets| packets[4].0 = 230_000_000;
        assert_eq!(broken("jitter:uniform,max=40ms,delays=inferred", early), [I::Causality]);
        assert_eq!(broken("jitter:uniform,max=40ms", |packets| packets[5].0 += 1), [I::Determinism]);
        assert_eq!(broken("pad:multiple", |packets| packets[5].0 += 1), [I::TimesUntouched]);
        assert_eq!(broken("pad:multiple,to=1000B", |packets| packets[1].1 = -699), [I::Capacity]);
        assert_eq!(broken("tamaraw", |packets| packets[5].0 += 1), [I::Schedule]);
        assert_eq!(broken("link,rate=100kbit/s", |packets| packets[3].0 -= 1), [I::LinkRate]);
        assert_eq!(broken("front,n-client=2,n-server=2", |packets| packets.insert(1, (9, 514))), [I::Determinism]);
        assert_eq!(
            broken("front,n-client=2,n-server=2", |packets| packets.splice(1..1, [(9, 514); 3]).for_each(drop)),
            [I::Budget]
        );
        let more = |packets: &mut Packets| packets.push((999_000_000_000, 514));
        assert_eq!(broken("front", more), [I::EndsWithData]);
        assert_eq!(broken("tamaraw", |packets| packets.truncate(packets.len() - 1)), [I::End]);
        let nothing = "front,n-client=0,n-server=0";
        assert!(broken(nothing, |packets| packets.insert(1, (9, 514))).contains(&I::Identity));
    }

    #[test]
    fn a_trace_under_another_label_is_named() {
        let set = set();
        let again = defend(&set, &"jitter".parse().unwrap(), 1).unwrap();
        let mut traces = again.observe().traces().to_vec();
        (traces[0].trace, traces[1].trace) = (traces[1].trace.clone(), traces[0].trace.clone());
        let found = TraceSet::new(traces, set.provenance().clone()).unwrap();
        let violations = diagnose(&again, &found).unwrap();
        assert!(violations.iter().all(|violation| violation.invariant == Invariant::Labels), "{violations:?}");
        assert_eq!(violations.len(), 2);
    }

    #[test]
    fn another_seed_breaks_no_promise_but_its_own() {
        let set = set();
        for spec in ["front", "jitter", "regulator", "wtf-pad", "cs-buflo", "trafficsliver"] {
            let spec: DefenseSpec = spec.parse().unwrap();
            let [first, second] = [1, 2].map(|seed| defend(&set, &spec, seed).unwrap());
            let found = second.observe();
            // One view of a split shows what another hides, which looks as if it had been dropped.
            let is_its_own = |invariant| {
                invariant == Invariant::Determinism || (spec.hides_paths() && invariant == Invariant::Conservation)
            };
            for violation in diagnose(&first, &found).unwrap() {
                assert!(is_its_own(violation.invariant), "{spec}: {violation:?}");
            }
        }
    }
}
