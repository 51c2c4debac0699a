//! Sets of classes that look alike.

use std::collections::BTreeMap;
use std::ops::Range;

use wfkit_datasets::Trace;

use super::partition::partition;
use super::schedule::Schedule;
use super::{Class, classes, training};
use crate::defenses::delay_model;
use crate::defenses::slots::Slots;
use crate::{
    Assumptions, DefendedTrace, Defense, DefenseError, DelayModel, Draws, Guarantees, ParameterValues, Profile,
    StopRule,
};

/// Every class belongs to a set, and every set has a schedule that all its traces keep.
///
/// A trace of a class that is not known takes the smallest schedule that it fits, or the largest.
#[derive(Debug)]
pub(super) struct AnonymitySets {
    set_of: BTreeMap<String, usize>,
    /// The fewest packets first.
    schedules: Vec<Schedule>,
    delays: DelayModel,
}

impl AnonymitySets {
    /// Puts the classes in the order of the mean bytes of their traces and cuts them into sets of k or more neighbours, so that the sets
    /// cost the least together. `measure` is taken of each class; `packets` is how many a set of such
    /// classes makes each of them send, and `schedule` what they all send.
    pub(super) fn fit<M>(
        values: &ParameterValues,
        profile: &Profile,
        measure: impl Fn(&Class<'_>) -> M,
        packets: impl Fn(&[M]) -> f64,
        schedule: impl Fn(&[Class<'_>], &[M]) -> Schedule,
    ) -> Result<Self, String> {
        Slots::suits(values.size("size"), profile)?;
        let mut classes = classes(training(profile));
        let k = values.count("k") as usize;
        if k > classes.len() {
            return Err(format!("k is {k}, the training traces have {} classes", classes.len()));
        }
        classes.sort_by(|a, b| mean_bytes(a).total_cmp(&mean_bytes(b))); // at equal means in the order of classes
        let measures: Vec<M> = classes.iter().map(measure).collect();
        let groups = partition(classes.len(), k, |range| packets(&measures[range.clone()]) * range.len() as f64);
        for range in &groups {
            let names = classes[range.clone()].iter().map(|(class, _)| format!("class {class}")).collect::<Vec<_>>();
            let of = names.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
            let more = if names.len() > 3 { format!(" and {} others", names.len() - 3) } else { String::new() };
            profile.limit().allows_shape(packets(&measures[range.clone()]), &format!("{of}{more}"))?;
        }
        let schedule = |range: &Range<usize>| schedule(&classes[range.clone()], &measures[range.clone()]);
        let mut sets: Vec<_> = groups.into_iter().map(|range| (schedule(&range), range)).collect();
        sets.sort_by_key(|(schedule, _)| schedule.packets());
        let members = sets.iter().enumerate().flat_map(|(set, (_, range))| {
            classes[range.clone()].iter().map(move |(class, _)| ((*class).to_owned(), set))
        });
        let set_of = members.collect();
        let schedules = sets.into_iter().map(|(schedule, _)| schedule).collect();
        Ok(Self { set_of, schedules, delays: delay_model(values) })
    }
}

fn mean_bytes((_, traces): &Class<'_>) -> f64 {
    traces.iter().map(|trace| (trace.in_bytes() + trace.out_bytes()) as f64).sum::<f64>() / traces.len() as f64
}

impl Defense for AnonymitySets {
    fn defend(&self, trace: &Trace, draws: &mut Draws) -> Result<DefendedTrace, DefenseError> {
        let mut largest = None;
        for schedule in &self.schedules {
            match schedule.send(trace, self.delays, true, draws.limit()) {
                Ok((defended, true)) => return Ok(defended),
                attempt => largest = Some(attempt),
            }
        }
        largest.expect("there is a set at least").map(|(defended, _)| defended)
    }

    fn defend_class(&self, class: &str, trace: &Trace, draws: &mut Draws) -> Result<DefendedTrace, DefenseError> {
        match self.set_of.get(class) {
            Some(&set) => {
                let sent = self.schedules[set].send(trace, self.delays, false, draws.limit());
                sent.map(|(defended, _)| defended)
            }
            None => self.defend(trace, draws),
        }
    }

    fn guarantees(&self) -> Guarantees {
        Guarantees { total_order: self.delays == DelayModel::Pessimistic, ..Guarantees::default() }
    }

    fn assumptions(&self) -> Assumptions {
        Assumptions { delay_model: self.delays, stop_rule: StopRule::Oracle }
    }

    fn infers_delays(&self) -> bool {
        true
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::HashSet;

    use wfkit_datasets::{LabelledTrace, Layer, Provenance, Trace, TraceKey, TraceSet};

    use crate::{DefenseSpec, OverheadOptions, defend};

    /// So many classes of four traces, the bytes and times of which grow with the class.
    pub(in crate::defenses::fitted) fn growing(classes: u64) -> TraceSet {
        let trace = |class: u64, rep: u64| {
            let packets = 6 + 4 * class + rep % 2;
            let times = (0..packets).map(|i| i * (10 + rep) * 1_000_000).collect();
            let size = |i: u64| if i.is_multiple_of(3) { 200 } else { -1000 - rep as i32 };
            let key = TraceKey { class: format!("c{class:02}"), rep: rep as i64, session: None };
            let trace = Trace::new(times, (0..packets).map(size).collect()).unwrap();
            LabelledTrace::new(key, None, trace)
        };
        let traces = (0..classes).flat_map(|class| (0..4).map(move |rep| trace(class, rep))).collect();
        TraceSet::new(traces, Provenance::new(Layer::Tcp, vec![])).unwrap()
    }

    const ALL: [&str; 3] = ["k-anonymous", "supersequence", "palette:envelope,quantile=1"];

    fn looks(set: &TraceSet, spec: &str) -> Vec<(usize, usize)> {
        let spec = spec.parse::<DefenseSpec>().unwrap().fit(set.clone());
        let observed = defend(set, &spec, 1).unwrap().observe();
        let mut classes_of: Vec<(&Trace, HashSet<&str>, usize)> = Vec::new();
        for labelled in observed.traces() {
            match classes_of.iter_mut().find(|(trace, ..)| *trace == &labelled.trace) {
                Some((_, classes, traces)) => {
                    classes.insert(&labelled.key.class);
                    *traces += 1;
                }
                None => classes_of.push((&labelled.trace, HashSet::from([labelled.key.class.as_str()]), 1)),
            }
        }
        classes_of.iter().map(|(_, classes, traces)| (classes.len(), *traces)).collect()
    }

    /// What it has learned from fits, so the looks are those of the sets.
    #[test]
    fn traces_look_like_those_of_k_classes_or_more() {
        let set = growing(11);
        for spec in ALL {
            let looks = looks(&set, &format!("{spec},k=3"));
            assert!(looks.len() == 3 && looks.iter().all(|&(classes, _)| classes >= 3), "{spec}: {looks:?}");
            assert_eq!(self::looks(&set, &format!("{spec},k=11")), [(11, 44)], "{spec}");
            assert!(self::looks(&set, &format!("{spec},k=1")).len() > 3, "{spec}");
        }
    }

    #[test]
    fn more_anonymity_costs_more() {
        let set = growing(12);
        for spec in ALL {
            let cost = |k: u32| {
                let spec = format!("{spec},k={k}").parse::<DefenseSpec>().unwrap().fit(set.clone());
                let overheads = defend(&set, &spec, 1).unwrap().overheads(&OverheadOptions { bootstrap: 0, seed: 0 });
                assert_eq!((overheads.misfit_traces, overheads.unknown_class_traces), (0, 0));
                overheads.bandwidth.both.total.unwrap().value
            };
            assert!(cost(2) < cost(4) && cost(4) < cost(12), "{spec}");
        }
    }

    #[test]
    fn a_class_that_is_not_known_takes_the_smallest_look_that_it_fits() {
        let set = growing(12);
        let (known, unknown): (Vec<usize>, Vec<usize>) =
            (0..set.len()).partition(|&row| set.traces()[row].key.class != "c05");
        for spec in ALL {
            let spec = format!("{spec},k=2").parse::<DefenseSpec>().unwrap().fit(set.select(&known));
            let defended = defend(&set, &spec, 1).unwrap();
            let looks = defended.observe().select(&known);
            let strangers = defended.observe().select(&unknown);
            assert!(strangers.traces().iter().all(|a| looks.traces().iter().any(|b| a.trace == b.trace)), "{spec}");
            let overheads = defended.overheads(&OverheadOptions { bootstrap: 0, seed: 0 });
            assert_eq!((overheads.unknown_class_traces, overheads.misfit_traces), (4, 0), "{spec}");
        }
    }

    #[test]
    fn training_that_does_not_suit_is_refused() {
        let set = growing(3);
        let error = |spec: DefenseSpec| defend(&set, &spec, 1).unwrap_err().to_string();
        let spec = |text: &str| text.parse::<DefenseSpec>().unwrap();
        assert!(error(spec("k-anonymous")).contains("learns from training traces"));
        assert!(error(spec("k-anonymous").fit(set.select(&[]))).contains("there are none"));
        assert!(error(spec("k-anonymous,k=4").fit(set.clone())).contains("have 3 classes"));
        let cells = TraceSet::new(set.traces().to_vec(), Provenance::new(Layer::Cell, vec![])).unwrap();
        assert!(error(spec("k-anonymous").fit(cells)).contains("Cell"));
    }
}
