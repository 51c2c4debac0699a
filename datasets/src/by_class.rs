//! What each class of a set is like, and a part of a set: by what traces are, or drawn.

use std::collections::{BTreeMap, BTreeSet};

use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};
use wfkit_metrics::{Summary, Volume};

use crate::{TraceSet, duplicates};

/// What the traces of one class are like. Packets, bytes and seconds are medians over its traces.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassInfo {
    /// Its name.
    pub class: String,
    /// Number of traces.
    pub traces: usize,
    /// Number of sessions that are named.
    pub sessions: usize,
    /// Packets of a trace.
    pub packets: f64,
    /// Incoming bytes of a trace.
    pub in_bytes: f64,
    /// Outgoing bytes of a trace.
    pub out_bytes: f64,
    /// Seconds from the first packet of a trace to its last.
    pub seconds: f64,
}

/// What each class is like, in class order.
pub fn classes_of(set: &TraceSet) -> Vec<ClassInfo> {
    let classes = set.classes();
    let volumes = set.volumes();
    let mut rows: Vec<Vec<usize>> = vec![Vec::new(); classes.len()];
    for (row, labelled) in set.traces().iter().enumerate() {
        rows[classes.index_of(&labelled.key.class).expect("the classes are those of the set")].push(row);
    }
    let of_class = |(class, rows): (&String, &Vec<usize>)| {
        let traces = || rows.iter().map(|&row| &set.traces()[row]);
        let median = |of: &dyn Fn(usize) -> f64| {
            Summary::of(rows.iter().map(|&row| of(row))).expect("a class has a trace").median
        };
        let volume = |of: &dyn Fn(&Volume) -> f64| median(&|row| of(&volumes[row]));
        ClassInfo {
            class: class.clone(),
            traces: rows.len(),
            sessions: traces().filter_map(|labelled| labelled.key.session.as_ref()).collect::<BTreeSet<_>>().len(),
            packets: median(&|row| set.traces()[row].trace.len() as f64),
            in_bytes: volume(&|volume| volume.in_bytes),
            out_bytes: volume(&|volume| volume.out_bytes),
            seconds: volume(&|volume| volume.seconds),
        }
    };
    classes.names().iter().zip(&rows).map(of_class).collect()
}

/// Which traces of a set are wanted. What is not set lets every trace pass.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Wanted {
    /// Traces of these classes.
    pub classes: Option<BTreeSet<String>>,
    /// No traces of these classes.
    pub without_classes: BTreeSet<String>,
    /// Traces of these sessions.
    pub sessions: Option<BTreeSet<String>>,
    /// So many packets at least.
    pub min_packets: usize,
    /// So many packets at most.
    pub max_packets: Option<usize>,
    /// Traces that start at this time (Unix time in ns) or later; those without a start do not pass.
    pub from_ns: Option<i64>,
    /// Traces that start before this time; those without a start do not pass.
    pub until_ns: Option<i64>,
    /// The first of traces with the same packets alone.
    pub without_duplicates: bool,
    /// Classes of so many traces at least, counted when all else has been looked at.
    pub min_traces: usize,
}

/// No trace is wanted; how many are not, by reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no trace is wanted, and nothing is written: {}", self.reasons())]
pub struct NoneWanted(pub BTreeMap<String, u64>);

impl NoneWanted {
    fn reasons(&self) -> String {
        self.0.iter().map(|(reason, n)| format!("{n} x {reason}")).collect::<Vec<_>>().join(", ")
    }
}

impl Wanted {
    /// The traces that are wanted, and how many are not, by reason.
    ///
    /// # Errors
    /// None is.
    pub fn of(&self, set: &TraceSet) -> Result<(TraceSet, BTreeMap<String, u64>), NoneWanted> {
        let (rows, left_out) = self.rows(set);
        if rows.is_empty() { Err(NoneWanted(left_out)) } else { Ok((set.select(&rows), left_out)) }
    }

    /// The rows of the traces that are wanted, in set order; and how many are not, by reason: the first that holds, in the order of the fields.
    pub fn rows(&self, set: &TraceSet) -> (Vec<usize>, BTreeMap<String, u64>) {
        let mut left_out: BTreeMap<String, u64> = BTreeMap::new();
        let later: BTreeSet<usize> = match self.without_duplicates {
            true => duplicates(set).iter().flat_map(|rows| rows[1..].iter().copied()).collect(),
            false => BTreeSet::new(),
        };
        let mut rows = Vec::with_capacity(set.len());
        for row in 0..set.len() {
            match self.unwanted(set, row, &later) {
                None => rows.push(row),
                Some(reason) => *left_out.entry(reason.to_owned()).or_default() += 1,
            }
        }
        let mut of_class: BTreeMap<&str, usize> = BTreeMap::new();
        let class = |row: usize| set.traces()[row].key.class.as_str();
        rows.iter().for_each(|&row| *of_class.entry(class(row)).or_default() += 1);
        let before = rows.len();
        rows.retain(|&row| of_class[class(row)] >= self.min_traces);
        if rows.len() < before {
            left_out.insert("class of too few traces".to_owned(), (before - rows.len()) as u64);
        }
        (rows, left_out)
    }

    fn unwanted(&self, set: &TraceSet, row: usize, later_duplicates: &BTreeSet<usize>) -> Option<&'static str> {
        let labelled = &set.traces()[row];
        let (key, packets) = (&labelled.key, labelled.trace.len());
        let is_of_session =
            |sessions: &BTreeSet<String>| key.session.as_ref().is_some_and(|one| sessions.contains(one));
        let starts = |is: &dyn Fn(i64) -> bool| labelled.start_ns.is_some_and(is);
        match () {
            () if self.classes.as_ref().is_some_and(|classes| !classes.contains(&key.class)) => Some("other class"),
            () if self.without_classes.contains(&key.class) => Some("unwanted class"),
            () if self.sessions.as_ref().is_some_and(|sessions| !is_of_session(sessions)) => Some("other session"),
            () if packets < self.min_packets => Some("too few packets"),
            () if self.max_packets.is_some_and(|most| packets > most) => Some("too many packets"),
            () if self.from_ns.is_some_and(|from| !starts(&|start| start >= from)) => Some("before the time"),
            () if self.until_ns.is_some_and(|until| !starts(&|start| start < until)) => Some("after the time"),
            () if later_duplicates.contains(&row) => Some("the packets of another trace"),
            () => None,
        }
    }
}

/// Rows drawn from a set, in set order: `classes` of its classes, and `traces` traces of each of them, or all of what there is less of. The same
/// set and seed give the same rows; with more traces the ones that were drawn with fewer stay drawn.
pub fn draw(set: &TraceSet, classes: Option<usize>, traces: Option<usize>, seed: u64) -> Vec<usize> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let map = set.classes();
    let mut rows: Vec<Vec<usize>> = vec![Vec::new(); map.len()];
    for (row, labelled) in set.traces().iter().enumerate() {
        rows[map.index_of(&labelled.key.class).expect("the classes are those of the set")].push(row);
    }
    rows.iter_mut().for_each(|rows| rows.shuffle(&mut random));
    rows.shuffle(&mut random);
    let drawn = rows.into_iter().take(classes.unwrap_or(usize::MAX));
    let mut drawn: Vec<usize> = drawn.flat_map(|rows| rows.into_iter().take(traces.unwrap_or(usize::MAX))).collect();
    drawn.sort_unstable();
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{LabelledTrace, Layer, Provenance, Trace, TraceKey};

    /// Three classes of four traces, the last of each equal to the first; class c in session s.
    fn set() -> TraceSet {
        let mut traces = Vec::new();
        for (at, class) in ["a", "b", "c"].into_iter().enumerate() {
            for rep in 0..4 {
                let packets = 2 + at + (rep % 3) as usize;
                let time: Vec<u64> = (0..packets as u64).collect();
                let size: Vec<i32> = (0..packets).map(|i| if i % 2 == 0 { 100 } else { -500 }).collect();
                let session = (class == "c").then(|| "s".to_owned());
                let key = TraceKey { class: class.to_owned(), rep, session };
                traces.push(LabelledTrace::new(key, Some(rep * 10), Trace::new(time, size).expect("it is one")));
            }
        }
        TraceSet::new(traces, Provenance::new(Layer::Tcp, Vec::new())).expect("keys differ")
    }

    #[test]
    fn each_class_has_its_medians() {
        let classes = classes_of(&set());
        let a = &classes[0];
        assert_eq!((a.class.as_str(), a.traces, a.sessions, a.packets), ("a", 4, 0, 2.5));
        assert_eq!((a.in_bytes, a.out_bytes), (500.0, 150.0));
        assert_eq!((classes[2].class.as_str(), classes[2].sessions), ("c", 1));
    }

    #[test]
    fn what_is_not_wanted_is_counted_under_its_reason() {
        let set = set();
        let all = Wanted::default().rows(&set);
        assert_eq!((all.0.len(), all.1.len()), (12, 0));
        let wanted = Wanted {
            classes: Some(["a".to_owned(), "c".to_owned()].into()),
            min_packets: 3,
            until_ns: Some(25),
            min_traces: 3,
            ..Wanted::default()
        };
        let (rows, left_out) = wanted.rows(&set);
        assert_eq!(rows, [8, 9, 10], "of c all but the last, which is too late");
        let expected =
            [("after the time", 1), ("class of too few traces", 2), ("other class", 4), ("too few packets", 2)];
        assert_eq!(left_out, expected.map(|(reason, n)| (reason.to_owned(), n)).into());
        let distinct = Wanted { without_duplicates: true, ..Wanted::default() }.rows(&set);
        // The first of a and its last; of b and c the same, and what is in several classes: 3 and 4 packets.
        assert_eq!(distinct.0, [0, 1, 2, 6, 10]);
    }

    #[test]
    fn a_draw_is_of_each_class_and_grows() {
        let set = set();
        let few = draw(&set, None, Some(1), 7);
        let more = draw(&set, None, Some(2), 7);
        assert_eq!((few.len(), more.len()), (3, 6));
        assert!(few.iter().all(|row| more.contains(row)) && more.is_sorted());
        assert_eq!(draw(&set, None, Some(2), 7), more);
        assert_ne!(draw(&set, None, Some(2), 8), more);
        let classes: BTreeSet<&String> =
            draw(&set, Some(2), None, 7).iter().map(|&row| &set.traces()[row].key.class).collect::<BTreeSet<_>>();
        assert_eq!(classes.len(), 2);
        assert_eq!(draw(&set, Some(9), Some(9), 7).len(), 12, "all there is");
    }
}
