//! Whether what is tested has been learned from: one comparison for splits, files, models and feature tables.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::{Label, LabelledTrace, Likeness, TraceSet};

/// What a trace is known by when it is looked for among others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// The load that it is a copy of, where it is one.
    pub origin: Option<String>,
    /// What it was captured with.
    pub session: Option<String>,
    /// What it shows, where it is unmonitored.
    pub page: Option<String>,
    /// What is left of its packets; none where they were not kept.
    pub likeness: Option<Likeness>,
}

impl From<&LabelledTrace> for Known {
    fn from(labelled: &LabelledTrace) -> Self {
        Self::from(&Label::from(labelled))
    }
}

impl From<&Label> for Known {
    fn from(label: &Label) -> Self {
        Self {
            origin: label.origin.clone(),
            session: label.key.session.clone(),
            page: label.page.clone(),
            likeness: label.likeness,
        }
    }
}

impl Known {
    /// All traces of a set, in its order.
    pub fn of_set(set: &TraceSet) -> Vec<Self> {
        use rayon::prelude::*;
        set.traces().par_iter().map(Self::from).collect()
    }

    /// The origin that it has, or that copies of it have.
    fn origin(&self) -> Option<String> {
        self.origin.clone().or_else(|| self.likeness.map(|likeness| likeness.origin()))
    }
}

/// Tested traces that were learned from, each counted under the first of the reasons that holds.
///
/// Packets tell, and origins; keys do not, since two collections may count their reps alike. Traces whose origins are known and differ are no twins,
/// however alike a defence made them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overlap {
    /// Traces tested.
    pub tested: usize,
    /// Tested traces made of a load that a training trace was made of, or is.
    pub same_origin: usize,
    /// Tested traces whose packets, one by one, are those of a training trace.
    pub same_packets: usize,
    /// Tested traces with the sizes of a training trace in the same order, at nearly the same times ([`Likeness::is_near`]).
    pub near_twins: usize,
    /// Tested traces of a session that was also trained on. That is no leak, but easier than another session.
    pub same_session: usize,
    /// Tested unmonitored traces with a page, and those of them whose page was also trained on.
    pub pages_tested: usize,
    /// See [`pages_tested`](Self::pages_tested).
    pub pages_trained_on: usize,
    /// Traces of either part that neither packets nor origin are kept of: of them, nothing can be said.
    pub not_comparable: usize,
}

impl Overlap {
    /// Compares each of `test` with all of `train`.
    pub fn between(train: &[&Known], test: &[&Known]) -> Self {
        let origins: HashSet<String> = train.iter().filter_map(|known| known.origin()).collect();
        let sessions: HashSet<&String> = train.iter().filter_map(|known| known.session.as_ref()).collect();
        let pages: HashSet<&String> = train.iter().filter_map(|known| known.page.as_ref()).collect();
        let (mut contents, mut shapes) = (HashSet::new(), HashMap::<(bool, u64), Vec<Likeness>>::new());
        for known in train {
            let Some(likeness) = known.likeness else { continue };
            contents.insert((known.origin.is_some(), likeness.content));
            shapes.entry((known.origin.is_some(), likeness.sizes)).or_default().push(likeness);
        }
        shapes.values_mut().for_each(|alike| alike.sort_unstable_by_key(Likeness::duration_ns));
        let mut overlap = Self { tested: test.len(), ..Self::default() };
        let blank = |known: &&&Known| known.origin.is_none() && known.likeness.is_none();
        overlap.not_comparable = train.iter().chain(test).filter(blank).count();
        for known in test {
            // Copies of other loads are alike by what was done to them: a copy has its twins among what is none.
            let among: &[bool] = if known.origin.is_some() { &[false] } else { &[false, true] };
            let is_same =
                || known.likeness.is_some_and(|l| among.iter().any(|&copies| contents.contains(&(copies, l.content))));
            let is_near = || {
                let near = |likeness: Likeness| {
                    among.iter().filter_map(|&copies| shapes.get(&(copies, likeness.sizes))).any(|alike| {
                        let durations = likeness.durations_of_near();
                        let first = alike.partition_point(|other| other.duration_ns() < *durations.start());
                        let last = alike.partition_point(|other| other.duration_ns() <= *durations.end());
                        alike[first..last].iter().any(|other| other.is_near(&likeness))
                    })
                };
                known.likeness.is_some_and(near)
            };
            // The origin of a load that is no copy is its content, so that equal loads meet under `same_packets`.
            let is_copy = || known.origin().is_some_and(|origin| origins.contains(&origin));
            if known.origin.is_none() && is_same() {
                overlap.same_packets += 1;
            } else if is_copy() {
                overlap.same_origin += 1;
            } else if is_same() {
                overlap.same_packets += 1;
            } else if is_near() {
                overlap.near_twins += 1;
            }
            overlap.same_session += usize::from(known.session.as_ref().is_some_and(|name| sessions.contains(name)));
            if let Some(page) = &known.page {
                overlap.pages_tested += 1;
                overlap.pages_trained_on += usize::from(pages.contains(page));
            }
        }
        overlap
    }

    /// Compares two sets.
    pub fn between_sets(train: &TraceSet, test: &TraceSet) -> Self {
        let (train, test) = (Known::of_set(train), Known::of_set(test));
        Self::between(&train.iter().collect::<Vec<_>>(), &test.iter().collect::<Vec<_>>())
    }

    /// Tested traces that were learned from, whatever the reason: what is said of them is worth nothing. Near twins count where they are more than
    /// one in a hundred of the tested: a few of many loads of one page are alike by chance, and stay in [`near_twins`](Self::near_twins).
    pub fn learned_from(&self) -> usize {
        let near = if 100 * self.near_twins > self.tested { self.near_twins } else { 0 };
        self.same_origin + self.same_packets + near
    }

    /// How many tested traces were learned from, and how that is known, in words.
    pub fn in_words(&self) -> String {
        let reasons = [
            (self.same_origin, "are copies of a load that was trained on"),
            (self.same_packets, "have the packets of a training trace"),
            (self.near_twins, "have the sizes of a training trace in the same order at nearly the same times"),
        ];
        let there = reasons.into_iter().filter(|&(traces, _)| traces > 0);
        let told: Vec<String> = there.map(|(traces, what)| format!("{traces} {what}")).collect();
        format!("of {} tested traces {}", self.tested, told.join(", "))
    }

    /// The sum over several rounds of learning and testing.
    pub fn sum<'a>(rounds: impl IntoIterator<Item = &'a Self>) -> Self {
        rounds.into_iter().fold(Self::default(), |sum, round| Self {
            tested: sum.tested + round.tested,
            same_origin: sum.same_origin + round.same_origin,
            same_packets: sum.same_packets + round.same_packets,
            near_twins: sum.near_twins + round.near_twins,
            same_session: sum.same_session + round.same_session,
            pages_tested: sum.pages_tested + round.pages_tested,
            pages_trained_on: sum.pages_trained_on + round.pages_trained_on,
            not_comparable: sum.not_comparable.max(round.not_comparable),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Trace, TraceKey};

    /// A trace of ten packets, told from others by its first size and its pace.
    fn load(size: i32, pace_ns: u64) -> LabelledTrace {
        let times = (0..10).map(|i| i * pace_ns).collect();
        let sizes = (0..10).map(|i| if i == 0 { size } else { -514 }).collect();
        let key = TraceKey { class: "a".into(), rep: 0, session: None };
        LabelledTrace::new(key, None, Trace::new(times, sizes).unwrap())
    }

    fn copy(of: &str, size: i32) -> LabelledTrace {
        LabelledTrace { origin: Some(of.to_owned()), ..load(size, 1_000_000) }
    }

    fn overlap(train: &[LabelledTrace], test: &[LabelledTrace]) -> [usize; 3] {
        let of = |traces: &[LabelledTrace]| traces.iter().map(Known::from).collect::<Vec<_>>();
        let (train, test) = (of(train), of(test));
        let found = Overlap::between(&train.iter().collect::<Vec<_>>(), &test.iter().collect::<Vec<_>>());
        assert_eq!(found.learned_from(), found.same_origin + found.same_packets + found.near_twins);
        [found.same_origin, found.same_packets, found.near_twins]
    }

    #[test]
    fn twins_are_found_to_the_packet_and_nearly() {
        let train = [load(7, 1_000_000), load(8, 1_000_000)];
        assert_eq!(overlap(&train, &[load(7, 1_000_000)]), [0, 1, 0]);
        assert_eq!(overlap(&train, &[load(7, 1_000_001)]), [0, 0, 1]);
        assert_eq!(overlap(&train, &[load(9, 1_000_000), load(7, 100_000_000)]), [0, 0, 0]);
    }

    #[test]
    fn copies_are_found_by_their_origin_and_the_load_itself_too() {
        assert_eq!(overlap(&[copy("x", 7)], &[copy("x", 8), copy("y", 8)]), [1, 0, 0]);
        let itself = load(7, 5);
        let origin = itself.origin_of_copies();
        assert_eq!(overlap(std::slice::from_ref(&itself), &[copy(&origin, 8)]), [1, 0, 0]);
        assert_eq!(overlap(&[copy(&origin, 8)], &[itself]), [1, 0, 0]);
    }

    #[test]
    fn what_a_defence_made_alike_is_no_twin() {
        assert_eq!(overlap(&[copy("x", 7)], &[copy("y", 7)]), [0, 0, 0]);
        assert_eq!(overlap(&[copy("x", 7)], &[load(7, 1_000_000)]), [0, 1, 0]);
    }

    #[test]
    fn sessions_and_pages_are_counted_apart() {
        let known = |session: &str, page: Option<&str>| Known {
            origin: None,
            session: Some(session.to_owned()),
            page: page.map(str::to_owned),
            likeness: None,
        };
        let (train, test) = ([known("s", Some("p"))], [known("s", Some("q")), known("t", Some("p")), known("t", None)]);
        let found = Overlap::between(&train.iter().collect::<Vec<_>>(), &test.iter().collect::<Vec<_>>());
        assert_eq!((found.same_session, found.pages_tested, found.pages_trained_on), (1, 2, 1));
        assert_eq!((found.learned_from(), found.not_comparable), (0, 4));
    }
}
