//! Other loads beside the one that is protected: decoy pages and dummy queries.

use std::collections::BTreeMap;

use wfkit_datasets::Trace;

use super::training;
use crate::defenses::no_conflict;
use crate::{
    Assumptions, DefaultValue, DefendedTrace, DefendedTraceBuilder, Defense, DefenseError, DefenseInfo, DelayModel,
    Draws, Guarantees, Kind, Ledger, Needs, Parameter, Preset, Profile, StopRule, Value,
};

pub(in crate::defenses) const DECOY: DefenseInfo = DefenseInfo {
    name: "decoy",
    summary: "loads another page at the same time",
    purpose: "a client without help of the service",
    cost: "twice the bytes; what both share waits",
    source: "Panchenko, Niessen, Zinnen and Engel, \"Website Fingerprinting in Onion Routing Based Anonymization Networks\", WPES 2011",
    published: &[],
    caveats: &[
        "another page is a training trace of another class, each class and each trace of it equally likely; both start together",
        "the two loads do not slow each other down: put a link behind it, as in decoy+link, to see that",
        "the other page is loaded to its end, so it can be longer than the page itself",
        "where the training traces have no other class, one of the same class is loaded",
    ],
    needs: Needs { sizes: false, times: true, set: false, classes: true },
    presets: &[Preset {
        name: "panchenko11",
        summary: "one other page, from the start on",
        parameters: &[count("pages", 1, "how many other pages")],
        check: no_conflict,
        build: |values, profile| {
            let others = Others::new(profile, values.count("pages"), 1.0, 0);
            Ok(Box::new(OtherLoads { others, place: Place::Together }))
        },
    }],
};

pub(in crate::defenses) const DUMMY_QUERIES: DefenseInfo = DefenseInfo {
    name: "dummy-queries",
    summary: "asks other queries too, so that an observer does not know which one was meant",
    purpose: "a client that can ask more than it wants to know",
    cost: "by the number of other queries: k times the bytes",
    source: "dummy requests by a query service, defined here; as in Kido, Yanagisawa and Satoh, \"An Anonymous Communication Technique Using \
             Dummies for Location-based Services\", ICPS 2005",
    published: &[],
    caveats: &[
        "a dummy is a training trace of another class, each class and each trace of it equally likely, so it looks like a real query of its class",
        "the trace of all queries keeps the class of the real one: the score says how well that one is found among them",
        "shuffle: one query after the other, the real one at a random place, so it waits for those before it; after: dummies follow it, which \
         an attacker who looks at the beginning does not mind; overlap: each dummy starts at a random time within the real query",
        "an observer of many queries of one user can tell what is asked again and again; that is not simulated",
    ],
    needs: Needs { sizes: false, times: true, set: false, classes: true },
    presets: &[Preset {
        name: "service",
        summary: "one dummy for each query, in random order",
        parameters: &[
            count("count", 1, "how many dummies at most"),
            Parameter::ratio("probability", 0, 1_000_000, "probability that a dummy is sent; 1 and above always"),
            Parameter {
                key: "place",
                kind: Kind::Choice(&["shuffle", "after", "overlap"]),
                min: 0,
                default: DefaultValue::Is(Value::Choice("shuffle")),
                meaning: "where dummies go: before and after the query in random order, after it, or over it",
            },
            Parameter::duration(
                "gap",
                0,
                100_000_000,
                "time from the end of a query to the start of the next, where they do not overlap",
            ),
        ],
        check: no_conflict,
        build: |values, profile| {
            let place = match values.choice("place") {
                "after" => Place::After,
                "overlap" => Place::Within,
                _ => Place::Shuffled,
            };
            let (count, gap_ns) = (values.count("count"), values.duration_ns("gap"));
            let others = Others::new(profile, count, values.ratio("probability"), gap_ns);
            Ok(Box::new(OtherLoads { others, place }))
        },
    }],
};

const fn count(key: &'static str, count: u64, meaning: &'static str) -> Parameter {
    Parameter::count(key, 0, count, meaning)
}

/// The loads to choose others from.
#[derive(Debug)]
pub(super) struct Others {
    /// By class.
    traces: BTreeMap<String, Vec<Trace>>,
    count: u64,
    probability: f64,
    gap_ns: u64,
}

impl Others {
    pub(super) fn new(profile: &Profile, count: u64, probability: f64, gap_ns: u64) -> Self {
        let mut traces: BTreeMap<String, Vec<Trace>> = BTreeMap::new();
        for labelled in training(profile).traces() {
            traces.entry(labelled.key.class.clone()).or_default().push(labelled.trace.clone());
        }
        Self { traces, count, probability, gap_ns }
    }

    /// Loads of other classes than this, for a trace that has so many packets already.
    pub(super) fn draw(
        &self,
        class: Option<&str>,
        mut packets: usize,
        draws: &mut Draws,
    ) -> Result<Vec<&Trace>, DefenseError> {
        let mut others: Vec<&Vec<Trace>> =
            self.traces.iter().filter(|(other, _)| Some(other.as_str()) != class).map(|(_, traces)| traces).collect();
        if others.is_empty() {
            others = self.traces.values().collect();
        }
        let mut drawn = Vec::new();
        for _ in 0..self.count {
            let sent = draws.unit() < self.probability;
            let traces = others[draws.up_to(others.len() as u64 - 1) as usize];
            let trace = &traces[draws.up_to(traces.len() as u64 - 1) as usize];
            if sent {
                packets += trace.len();
                draws.allow(packets)?;
                drawn.push(trace);
            }
        }
        Ok(drawn)
    }
}

#[derive(Debug)]
struct OtherLoads {
    others: Others,
    place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// All start with the real load.
    Together,
    /// Each starts while the real load is running.
    Within,
    /// One after the other, the real load first.
    After,
    /// One after the other, the real load anywhere.
    Shuffled,
}

impl OtherLoads {
    /// When each of the others starts, and the load itself.
    fn starts(&self, trace: &Trace, others: &[&Trace], draws: &mut Draws) -> (Vec<u64>, u64) {
        let end = trace.duration_ns();
        let before = match self.place {
            Place::Together => return (vec![0; others.len()], 0),
            Place::Within => return (others.iter().map(|_| draws.up_to(end)).collect(), 0),
            Place::After => 0,
            Place::Shuffled => draws.up_to(others.len() as u64) as usize,
        };
        let mut now_ns = 0_u64;
        let mut start_ns = 0;
        let mut starts = Vec::new();
        let mut next = |duration_ns: u64| {
            let start = now_ns;
            now_ns = now_ns.saturating_add(duration_ns).saturating_add(self.others.gap_ns);
            start
        };
        for (i, other) in others.iter().enumerate() {
            if i == before {
                start_ns = next(end);
            }
            starts.push(next(other.duration_ns()));
        }
        if before == others.len() {
            start_ns = next(end);
        }
        (starts, start_ns)
    }

    fn send(&self, class: Option<&str>, trace: &Trace, draws: &mut Draws) -> Result<DefendedTrace, DefenseError> {
        let others = self.others.draw(class, trace.len(), draws)?;
        let (starts, start_ns) = self.starts(trace, &others, draws);
        // Time, whether it is padding, and its number or size.
        let real = trace.time_ns().iter().enumerate().map(|(i, &t)| (t.saturating_add(start_ns), None, i));
        let padding = others.iter().zip(&starts).flat_map(|(other, &start)| {
            other.packets().enumerate().map(move |(i, (time_ns, size))| (time_ns.saturating_add(start), Some(size), i))
        });
        let mut packets: Vec<(u64, Option<i32>, usize)> = real.chain(padding).collect();
        packets.sort_by_key(|(time_ns, ..)| *time_ns); // at equal times the load itself first
        let mut builder = DefendedTraceBuilder::with_capacity(packets.len());
        for (time_ns, padding, origin) in packets {
            match padding {
                Some(size) => builder.padding(time_ns, size),
                None => {
                    let size = trace.size()[origin];
                    builder.whole(time_ns, size, origin, size.unsigned_abs());
                }
            }
        }
        Ok(builder.finish(Ledger::default())?)
    }
}

impl Defense for OtherLoads {
    fn defend(&self, trace: &Trace, draws: &mut Draws) -> Result<DefendedTrace, DefenseError> {
        self.send(None, trace, draws)
    }

    fn defend_class(&self, class: &str, trace: &Trace, draws: &mut Draws) -> Result<DefendedTrace, DefenseError> {
        self.send(Some(class), trace, draws)
    }

    fn guarantees(&self) -> Guarantees {
        Guarantees {
            identity: self.others.count == 0 || self.others.probability == 0.0,
            times_untouched: self.place != Place::Shuffled,
            sizes_untouched: true,
            ..Guarantees::default()
        }
    }

    fn assumptions(&self) -> Assumptions {
        Assumptions { delay_model: DelayModel::None, stop_rule: StopRule::Oracle }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::super::anonymity::tests::growing;
    use super::*;
    use crate::{DefendOptions, DefendedSet, DefenseSpec, defend, defend_with};
    use wfkit_datasets::TraceSet;

    fn copies<'a>(set: &'a TraceSet, spec: &str, copies: u32) -> DefendedSet<'a> {
        let spec = spec.parse::<DefenseSpec>().unwrap().fit(set.clone());
        let options = DefendOptions { replicas: NonZeroU32::new(copies).unwrap(), ..DefendOptions::default() };
        defend_with(set, &spec, &options).unwrap()
    }

    /// The padding of a defended trace, from its own start on.
    fn padding(defended: &DefendedTrace) -> Trace {
        let padding: Vec<(u64, i32)> =
            defended.packets().filter(|p| p.is_padding()).map(|p| (p.time_ns, p.size)).collect();
        let (times, sizes) = padding.iter().map(|(time, size)| (time - padding[0].0, *size)).unzip();
        Trace::new(times, sizes).unwrap()
    }

    #[test]
    fn a_decoy_is_a_whole_load_of_another_class_from_the_start_on() {
        let set = growing(4);
        for (labelled, defended) in copies(&set, "decoy", 20).traces() {
            let decoy = padding(defended);
            let mut of = set.traces().iter().filter(|other| other.trace == decoy);
            assert!(of.next().is_some_and(|other| other.key.class != labelled.key.class));
            assert_eq!(defended.packets().find(|p| p.is_padding()).unwrap().time_ns, 0);
            assert_eq!(defended.completion_ns(labelled.trace.len()), labelled.trace.time_ns());
        }
    }

    #[test]
    fn every_other_class_is_as_likely() {
        let set = growing(4);
        let one = set.select(&[0]);
        let spec = "decoy".parse::<DefenseSpec>().unwrap().fit(set.clone());
        let options = DefendOptions { replicas: NonZeroU32::new(3_000).unwrap(), ..DefendOptions::default() };
        let defended = defend_with(&one, &spec, &options).unwrap();
        let mut counts = [0; 3];
        for (_, trace) in defended.traces() {
            let decoy = padding(trace);
            let class = set.traces().iter().find(|other| other.trace == decoy).unwrap();
            counts[class.key.class[1..].parse::<usize>().unwrap() - 1] += 1;
        }
        assert!(counts.iter().all(|&n| (900..1_100).contains(&n)), "{counts:?}");
    }

    #[test]
    fn queries_come_one_after_the_other_with_the_real_one_anywhere() {
        let set = growing(3);
        let mut places = [0; 3];
        for (labelled, defended) in copies(&set, "dummy-queries,count=2,gap=250ms", 100).traces() {
            let packets: Vec<_> = defended.packets().collect();
            // Runs of one query; gaps within one are below 20 ms.
            let queries: Vec<_> = packets.chunk_by(|a, b| b.time_ns - a.time_ns < 200_000_000).collect();
            assert_eq!(queries.len(), 3);
            let real = queries.iter().position(|query| !query[0].is_padding()).unwrap();
            places[real] += 1;
            assert_eq!(queries[real].len(), labelled.trace.len());
            for pair in queries.windows(2) {
                assert_eq!(pair[1][0].time_ns - pair[0].last().unwrap().time_ns, 250_000_000);
            }
        }
        assert!(places.iter().all(|&n| (330..470).contains(&n)), "{places:?}");
    }

    #[test]
    fn dummies_have_their_number_probability_and_place() {
        let set = growing(3);
        let sent = |spec: &str| -> f64 {
            let defended = copies(&set, spec, 200);
            let dummies = |trace: &DefendedTrace| trace.packets().filter(|p| p.is_padding() && p.size == 200).count();
            defended.traces().map(|(_, trace)| usize::from(dummies(trace) > 0)).sum::<usize>() as f64 / 2_400.0
        };
        assert!((sent("dummy-queries,probability=0.3") - 0.3).abs() < 0.04);
        assert_eq!(sent("dummy-queries,probability=0"), 0.0);
        for (labelled, defended) in copies(&set, "dummy-queries,place=overlap", 10).traces() {
            let first = defended.packets().find(|p| p.is_padding()).unwrap();
            assert!(first.time_ns <= labelled.trace.duration_ns());
        }
        for (labelled, defended) in copies(&set, "dummy-queries,place=after,gap=1s", 10).traces() {
            let first = defended.packets().find(|p| p.is_padding()).unwrap();
            assert_eq!(first.time_ns, labelled.trace.duration_ns() + 1_000_000_000);
        }
        let alone = set.select(&[0]);
        let spec = "decoy".parse::<DefenseSpec>().unwrap().fit(alone.clone());
        assert_eq!(defend(&alone, &spec, 1).unwrap().observe().packets(), 2 * alone.packets());
    }
}
