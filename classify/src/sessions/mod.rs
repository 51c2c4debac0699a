//! Attacks on sessions of several pages: how many there are, where they begin, which they are.

mod finder;

use std::collections::HashMap;

use rayon::prelude::*;
use serde::Serialize;
use wfkit_datasets::{
    Known, LabelledTrace, Layer, Likeness, Overlap, Page, Provenance, SessionPages, Trace, TraceKey, TraceSet,
};

use crate::{Attack, AttackError, FittedAttack, Samples};

pub use finder::PageFinder;

/// A session as an attacker learns from it, or is judged by it.
#[derive(Debug, Clone, Copy)]
pub struct Session<'a> {
    /// Its trace.
    pub trace: &'a Trace,
    /// Its pages, in order.
    pub pages: &'a [Page],
}

impl<'a> Session<'a> {
    /// The traces of `set` with their pages, where `pages` has them, in the order of the set.
    pub fn of(set: &'a TraceSet, pages: &'a [SessionPages]) -> Vec<Self> {
        let by_key: HashMap<&TraceKey, &[Page]> = pages.iter().map(|session| (&session.key, &*session.pages)).collect();
        let with_pages =
            |labelled: &'a LabelledTrace| by_key.get(&labelled.key).map(|pages| Self { trace: &labelled.trace, pages });
        set.traces().iter().filter_map(with_pages).collect()
    }

    /// What its loads are known by, cut where its pages begin.
    fn known(self) -> Vec<Known> {
        let of = |(load, page): (Trace, &Page)| Known {
            origin: page.origin.clone(),
            session: None,
            page: None,
            likeness: Some(Likeness::of(&load)),
        };
        cut(self.trace, &self.starts()).into_iter().zip(self.pages).map(of).collect()
    }

    /// The packets with which its pages begin: the first at or after each start.
    fn starts(self) -> Vec<usize> {
        let times = self.trace.time_ns();
        let packet = |page: &Page| times.partition_point(|&time| time < page.start_ns).min(times.len() - 1);
        self.pages.iter().map(packet).collect()
    }
}

/// A finder of pages and an attack that tells which they are, both learned from sessions whose pages are known.
#[derive(Debug)]
pub struct SessionAttack {
    finder: PageFinder,
    attack: FittedAttack,
}

/// What an attacker finds out about sessions. Shares are of all tested sessions or pages.
///
/// A page is found where the attacker has a page begin at most `within` packets from its first packet, each of his at most once. The first page of
/// a session begins with it, which is no finding: it does not count in `starts_found` and `starts_right`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SessionScores {
    /// Sessions tested.
    pub sessions: usize,
    /// Pages in them.
    pub pages: usize,
    /// How many packets off a start may be.
    pub within: usize,
    /// Sessions whose number of pages is guessed (split decision).
    pub number_right: f64,
    /// By how many pages the guess is wrong, on average.
    pub number_off: f64,
    /// Pages after the first that are found (split finding), and how many of those said to begin do.
    pub starts_found: Option<f64>,
    /// The second of these.
    pub starts_right: Option<f64>,
    /// Pages after the first that are found where their number is known.
    pub starts_found_given_number: Option<f64>,
    /// Pages that are recognised where it is known where they begin.
    pub recognised_given_starts: f64,
    /// Pages that are found and recognised where their number is known.
    pub recognised_given_number: f64,
    /// Pages that are found and recognised (true positive rate).
    pub recognised: f64,
    /// Share of pages that are recognised by always guessing the most frequent one.
    pub chance: f64,
}

impl SessionAttack {
    /// Learns where pages begin, and with `attack`, which takes traces, which page lies between one beginning and the next.
    pub fn fit(attack: &Attack, sessions: &[Session<'_>], seed: u64) -> Result<Self, AttackError> {
        let finder = PageFinder::fit(sessions, seed)?;
        let cuts = sessions.par_iter().flat_map_iter(|session| cut(session.trace, &session.starts()));
        let classes = sessions.iter().flat_map(|session| session.pages).map(|page| page.class.clone());
        let set = as_set(cuts.collect(), classes);
        Ok(Self { finder, attack: attack.fit(Samples::Traces(&set), seed)? })
    }

    /// Attacks sessions and holds what it finds against what they are.
    pub fn scores(&self, sessions: &[Session<'_>], within: usize) -> Result<SessionScores, AttackError> {
        let truths: Vec<Vec<usize>> = sessions.iter().map(|session| session.starts()).collect();
        let found = sessions
            .iter()
            .map(|session| self.finder.candidates(session.trace))
            .collect::<Result<Vec<_>, AttackError>>()?;
        let times = |i: usize| sessions[i].trace.time_ns();
        let free: Vec<Vec<usize>> =
            (0..sessions.len()).map(|i| PageFinder::starts(&found[i], times(i), None)).collect();
        let given: Vec<Vec<usize>> =
            (0..sessions.len()).map(|i| PageFinder::starts(&found[i], times(i), Some(truths[i].len()))).collect();

        let all: usize = truths.iter().map(Vec::len).sum();
        let later = all - truths.len();
        let share = |n: usize, of: usize| (of > 0).then(|| n as f64 / of as f64);
        let matches = |found: &[Vec<usize>]| -> Vec<Vec<Option<usize>>> {
            truths.iter().zip(found).map(|(truth, found)| matched(truth, found, within)).collect()
        };
        let later_found = |matches: &[Vec<Option<usize>>]| matches.iter().flat_map(|m| &m[1..]).flatten().count();
        let (free_matches, given_matches) = (matches(&free), matches(&given));
        let off = |i: usize| truths[i].len().abs_diff(free[i].len());
        let recognised = |starts: &[Vec<usize>], matches: &[Vec<Option<usize>>]| -> Result<f64, AttackError> {
            Ok(self.recognised(sessions, starts, matches)? as f64 / all as f64)
        };
        let exact: Vec<Vec<Option<usize>>> = truths.iter().map(|truth| (0..truth.len()).map(Some).collect()).collect();
        let mut frequency: HashMap<&str, usize> = HashMap::new();
        sessions
            .iter()
            .flat_map(|session| session.pages)
            .for_each(|page| *frequency.entry(&page.class).or_default() += 1);
        Ok(SessionScores {
            sessions: sessions.len(),
            pages: all,
            within,
            number_right: (0..sessions.len()).filter(|&i| off(i) == 0).count() as f64 / sessions.len() as f64,
            number_off: (0..sessions.len()).map(off).sum::<usize>() as f64 / sessions.len() as f64,
            starts_found: share(later_found(&free_matches), later),
            starts_right: share(later_found(&free_matches), free.iter().map(|found| found.len() - 1).sum()),
            starts_found_given_number: share(later_found(&given_matches), later),
            recognised_given_starts: recognised(&truths, &exact)?,
            recognised_given_number: recognised(&given, &given_matches)?,
            recognised: recognised(&free, &free_matches)?,
            chance: frequency.values().max().copied().unwrap_or(0) as f64 / all as f64,
        })
    }

    /// How many pages are recognised where the sessions are cut at `starts`; `matches` has for each true page which of those it is.
    fn recognised(
        &self,
        sessions: &[Session<'_>],
        starts: &[Vec<usize>],
        matches: &[Vec<Option<usize>>],
    ) -> Result<usize, AttackError> {
        let cuts: Vec<Trace> =
            sessions.par_iter().zip(starts).flat_map_iter(|(session, starts)| cut(session.trace, starts)).collect();
        let probabilities = self.attack.predict(Samples::Traces(&as_set(cuts, std::iter::repeat(String::new()))))?;
        let (classes, guesses) = (probabilities.classes().names(), probabilities.argmax());
        let mut first = 0;
        let mut right = 0;
        for ((session, starts), matches) in sessions.iter().zip(starts).zip(matches) {
            let guessed = |(page, found): &(&Page, &Option<usize>)| {
                found.is_some_and(|found| classes[guesses[first + found]] == page.class)
            };
            right += session.pages.iter().zip(matches).filter(guessed).count();
            first += starts.len();
        }
        Ok(right)
    }
}

/// Loads of the tested sessions that the training sessions have too: by their origin, and where that was not kept by their packets, cut where their
/// pages begin, which finds loads that no defence has changed.
pub fn session_overlap(train: &[Session<'_>], test: &[Session<'_>]) -> Overlap {
    let known = |sessions: &[Session<'_>]| sessions.par_iter().flat_map(|session| session.known()).collect::<Vec<_>>();
    let (train, test) = (known(train), known(test));
    Overlap::between(&train.iter().collect::<Vec<_>>(), &test.iter().collect::<Vec<_>>())
}

/// The parts of a trace from each start to the next.
fn cut(trace: &Trace, starts: &[usize]) -> Vec<Trace> {
    let ends = starts.iter().skip(1).copied().chain([trace.len()]);
    let part = |(&start, end): (&usize, usize)| {
        let end = end.max(start + 1);
        let times = trace.time_ns()[start..end].iter().map(|time| time - trace.time_ns()[start]).collect();
        Trace::new(times, trace.size()[start..end].to_vec()).expect("a part of a trace has a packet and is in order")
    };
    starts.iter().zip(ends).map(part).collect()
}

/// Traces in this order: by rep within a class, so that those of one class keep it.
fn as_set(traces: Vec<Trace>, classes: impl Iterator<Item = String>) -> TraceSet {
    let labelled = |((trace, class), rep): ((Trace, String), i64)| {
        LabelledTrace::new(TraceKey { class, rep, session: None }, None, trace)
    };
    let traces = traces.into_iter().zip(classes).zip(0..).map(labelled).collect();
    TraceSet::new(traces, Provenance::new(Layer::Unknown, vec![])).expect("every part has a rep of its own")
}

/// For each true start the found one that it is, the nearest within so many packets that no other is; both ascend and begin with 0.
fn matched(truth: &[usize], found: &[usize], within: usize) -> Vec<Option<usize>> {
    let mut pairs: Vec<(usize, usize, usize)> = Vec::new();
    for (i, &start) in truth.iter().enumerate() {
        let near = |&(_, found): &(usize, &usize)| found.abs_diff(start) <= within;
        pairs.extend(found.iter().enumerate().filter(near).map(|(j, found)| (found.abs_diff(start), i, j)));
    }
    pairs.sort_unstable();
    let (mut of_truth, mut taken) = (vec![None; truth.len()], vec![false; found.len()]);
    for (_, i, j) in pairs {
        if of_truth[i].is_none() && !taken[j] {
            (of_truth[i], taken[j]) = (Some(j), true);
        }
    }
    of_truth
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AttackOptions;

    #[test]
    fn each_found_start_is_one_page() {
        assert_eq!(matched(&[0, 100, 110], &[0, 108], 10), [Some(0), None, Some(1)]);
        assert_eq!(matched(&[0, 100, 110], &[0, 104, 108], 10), [Some(0), Some(1), Some(2)]);
        assert_eq!(matched(&[0, 100], &[0, 111], 10), [Some(0), None]);
    }

    #[test]
    fn a_trace_is_cut_without_loss() {
        let trace = Trace::new(vec![0, 1, 5, 6, 9], vec![1, -1, 2, -2, -3]).unwrap();
        let parts = cut(&trace, &[0, 2, 4]);
        let expected = [(vec![0, 1], vec![1, -1]), (vec![0, 1], vec![2, -2]), (vec![0], vec![-3])];
        assert_eq!(parts, expected.map(|(times, sizes)| Trace::new(times, sizes).unwrap()));
    }

    const MS: u64 = 1_000_000;

    /// Sessions of 2 to 5 pages of 3 kinds, `dwell_ms` apart; a kind has so many responses to each of 6 requests.
    fn sessions(seed: u64, dwell_ms: u64) -> (TraceSet, Vec<SessionPages>) {
        let load = |rep: i64| {
            let (kind, mut packets, mut time) = (rep % 3, Vec::new(), 0);
            for request in 0..6 {
                packets.push((time, 1));
                for response in 0..2 + 3 * kind {
                    time += (10 + (rep * 7 + response * 3 + request) % 11) as u64 * MS;
                    packets.push((time, -1));
                }
            }
            let key = TraceKey { class: kind.to_string(), rep, session: None };
            let (times, sizes) = packets.into_iter().unzip();
            LabelledTrace::new(key, None, Trace::new(times, sizes).unwrap())
        };
        let loads = TraceSet::new((0..300).map(load).collect(), Provenance::new(Layer::Cell, vec![])).unwrap();
        let dwell_ns = dwell_ms * MS..=2 * dwell_ms * MS;
        let options = wfkit_datasets::SessionOptions { pages: 2..=5, dwell_ns, sessions: None, seed };
        wfkit_datasets::join_sessions(&loads, &options).unwrap()
    }

    fn scores(dwell_ms: u64) -> SessionScores {
        let (train, test) = (sessions(1, dwell_ms), sessions(2, dwell_ms));
        let attack = Attack::by_name("kfp", &AttackOptions::default()).unwrap();
        let attack = SessionAttack::fit(&attack, &Session::of(&train.0, &train.1), 1).unwrap();
        attack.scores(&Session::of(&test.0, &test.1), 5).unwrap()
    }

    #[test]
    fn pages_with_silence_between_them_are_found_and_recognised() {
        let scores = scores(2_000);
        assert!(scores.number_right > 0.95 && scores.starts_found.unwrap() > 0.95, "{scores:?}");
        assert!(scores.recognised_given_starts > 0.95 && scores.recognised > 0.95, "{scores:?}");
        assert!(scores.chance < 0.4 && scores.pages >= 295, "{scores:?}");
    }
}
