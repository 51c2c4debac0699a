//! A set in two parts, or in folds, to be written for others to train and test by.

use std::path::Path;

use thiserror::Error;
use wfkit_classify::Samples;
use wfkit_datasets::splits::SplitError;
use wfkit_datasets::{Findings, Groups, Overlap, Together, TraceSet, WriteError, write_folds};

use crate::Setting;
use crate::split::{Pages, by_moment, by_session, stratified, stratified_in};

/// What goes into which of two parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartedBy {
    /// The same share of every class, by the seed.
    Class,
    /// Whole sessions.
    Session,
    /// When traces started: what did so before this moment (Unix ns UTC) is trained on.
    Moment(i64),
}

/// Traces to train on, and traces to test on.
#[derive(Debug, Clone)]
pub struct TwoParts {
    /// To train on.
    pub train: TraceSet,
    /// To test on.
    pub test: TraceSet,
    /// What of these could be learned from those.
    pub overlap: Overlap,
    /// Traces that are in neither.
    pub in_neither: usize,
}

impl TwoParts {
    /// Of a set, `test_percent` of a hundred to test on, about; by a moment, what started later.
    ///
    /// # Errors
    /// A set that cannot be split so.
    pub fn of(
        set: &TraceSet,
        by: PartedBy,
        test_percent: u16,
        pages: Pages,
        setting: Setting<'_>,
    ) -> Result<Self, SplitError> {
        let samples = Samples::Traces(set);
        // One of so many folds is the test part.
        let folds = (100.0 / f64::from(test_percent)).round().max(2.0) as usize;
        let split = match by {
            PartedBy::Session => by_session(samples, folds, pages)?.swap_remove(0),
            PartedBy::Moment(ns) => by_moment(samples, ns, pages)?,
            PartedBy::Class => stratified(samples, folds, pages, setting)?.swap_remove(0),
        };
        let (train, test) = (set.select(&split.train), set.select(&split.test));
        let overlap = Overlap::between_sets(&train, &test);
        let in_neither = set.len() - train.len() - test.len();
        Ok(Self { train, test, overlap, in_neither })
    }

    /// That some of the tested traces could be learned, in words; nothing where none could.
    pub fn warning(&self) -> Option<String> {
        let twins = "test traces have a twin among the training traces: wfkit evaluate will refuse to score them";
        (self.overlap.learned_from() > 0).then(|| format!("{} {twins}", self.overlap.learned_from()))
    }

    /// Adds what is where to the report of the set.
    pub fn describe(&self, findings: &mut Findings) {
        findings
            .count("traces to train on", self.train.len())
            .count("traces to test on", self.test.len())
            .count("traces in neither part", self.in_neither)
            .count("test traces with a twin to train on", self.overlap.learned_from());
        findings.privacy.extras.set("overlap", &self.overlap);
    }
}

/// Folds in which every trace is tested once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetFolds {
    /// The fold that tests each trace, from 1.
    pub fold_of: Vec<usize>,
    /// How many traces each fold tests.
    pub sizes: Vec<usize>,
    /// What no two folds share.
    pub together: Together,
}

/// Why there are no such folds.
#[derive(Debug, Error)]
pub enum FoldsError {
    /// A set that cannot be split so.
    #[error(transparent)]
    Split(#[from] SplitError),
    /// Traces that no fold can test.
    #[error(
        "{0} traces show a page of the background that other sessions have too, so that no fold can test them without parting a session or a page"
    )]
    Untested(usize),
}

impl SetFolds {
    /// As many, stratified, or of whole sessions where these stay together.
    ///
    /// # Errors
    /// A set that cannot be split so, and traces that no fold can test.
    pub fn of(set: &TraceSet, folds: usize, together: Together, setting: Setting<'_>) -> Result<Self, FoldsError> {
        let samples = Samples::Traces(set);
        let pages = Pages::shared(!together.pages);
        let splits = match together {
            Together { sessions: true, .. } => by_session(samples, folds, pages)?,
            Together { origins: true, .. } => stratified(samples, folds, pages, setting)?,
            _ => stratified_in(samples, &Groups::of_rows(samples.len()), folds, setting)?,
        };
        let mut fold_of = vec![0; set.len()];
        for (fold, split) in splits.iter().enumerate() {
            split.test.iter().for_each(|&row| fold_of[row] = fold + 1);
        }
        match fold_of.iter().filter(|&&fold| fold == 0).count() {
            0 => {
                let sizes = splits.iter().map(|split| split.test.len()).collect();
                Ok(Self { fold_of, sizes, together })
            }
            untested => Err(FoldsError::Untested(untested)),
        }
    }

    /// Writes them as a table, of the set that they are of.
    ///
    /// # Errors
    /// As [`write_folds`].
    pub fn write(&self, path: &Path, set: &TraceSet) -> Result<(), WriteError> {
        let keys: Vec<_> = set.traces().iter().map(|labelled| labelled.key.clone()).collect();
        write_folds(path, &keys, &self.fold_of, self.together)
    }

    /// Adds what they are to the report of the set.
    pub fn describe(&self, findings: &mut Findings) {
        findings.count("folds", self.sizes.len());
        let extras = &mut findings.privacy.extras;
        extras.set("together", self.together.to_string()).set("traces_of_folds", &self.sizes);
    }
}

#[cfg(test)]
mod tests {
    use wfkit_datasets::{LabelledTrace, Layer, Provenance, Trace, TraceKey};

    use super::*;

    /// Two classes of six loads, in three sessions, none like another.
    fn set() -> TraceSet {
        let one = |at: i64| {
            let (class, rep) = (["a", "b"][at as usize % 2], at / 2);
            let key = TraceKey { class: class.to_owned(), rep, session: Some((rep % 3).to_string()) };
            let trace = Trace::new(vec![0, 5 + at as u64], vec![300 + at as i32, -1_000 - 7 * at as i32]).unwrap();
            LabelledTrace::new(key, Some(at), trace)
        };
        TraceSet::new((0..12).map(one).collect(), Provenance::new(Layer::Tcp, vec![])).unwrap()
    }

    #[test]
    fn two_parts_share_nothing_and_are_counted() {
        let set = set();
        let parts = |by, percent| TwoParts::of(&set, by, percent, Pages::Apart, Setting::silent(1)).unwrap();
        for (by, percent, test) in [(PartedBy::Class, 50, 6), (PartedBy::Session, 33, 4), (PartedBy::Moment(10), 20, 2)]
        {
            let parts = parts(by, percent);
            assert_eq!((parts.train.len(), parts.test.len(), parts.in_neither), (12 - test, test, 0), "{by:?}");
            assert_eq!((parts.overlap.learned_from(), parts.warning()), (0, None), "{by:?}");
        }
        let too_late = TwoParts::of(&set, PartedBy::Moment(99), 20, Pages::Apart, Setting::silent(1));
        assert!(too_late.is_err());
    }

    #[test]
    fn every_trace_is_in_one_fold_and_sessions_stay_together() {
        let set = set();
        let together = Together { origins: true, pages: true, sessions: true };
        let folds = SetFolds::of(&set, 3, together, Setting::silent(1)).unwrap();
        assert_eq!(folds.sizes, [4, 4, 4]);
        for (one, fold) in set.traces().iter().zip(&folds.fold_of) {
            let alike =
                set.traces().iter().zip(&folds.fold_of).filter(|(other, _)| other.key.session == one.key.session);
            assert!(alike.into_iter().all(|(_, other)| other == fold));
        }
        let nothing = Together { origins: false, pages: false, sessions: false };
        let folds = SetFolds::of(&set, 2, nothing, Setting::silent(1)).unwrap();
        assert_eq!((folds.sizes, folds.together.to_string()), (vec![6, 6], "nothing".to_owned()));
    }
}
