//! What is trained on and what is tested.

use std::path::Path;

use wfkit_classify::{Attack, Samples};
use wfkit_datasets::splits::Split;
use wfkit_datasets::{FoldFile, TraceKey, splits_of_folds};

use crate::error::file;
use crate::split::{Pages, by_moment, by_session, of_file, stratified};
use crate::{ExperimentError, Labelled, Measured, Setting, measure, measure_on};

/// What is trained on and what is tested.
#[derive(Debug, Clone, Copy)]
pub enum Task<'a> {
    /// One collection, split.
    Splits {
        /// The collection.
        samples: Samples<'a>,
        /// Its splits.
        splits: &'a [Split],
    },
    /// Two collections.
    TrainAndTest {
        /// What is learned from.
        train: Samples<'a>,
        /// What is judged.
        test: Samples<'a>,
    },
}

impl<'a> Task<'a> {
    /// Trains and tests an attack.
    pub fn measure(&self, attack: &Attack, setting: Setting<'_>) -> Result<Measured, ExperimentError> {
        match *self {
            Self::Splits { samples, splits } => measure(attack, samples, splits, setting),
            Self::TrainAndTest { train, test } => measure_on(attack, train, test, setting),
        }
    }

    /// What is judged.
    pub fn tested(&self) -> Samples<'a> {
        match *self {
            Self::Splits { samples, .. } | Self::TrainAndTest { test: samples, .. } => samples,
        }
    }

    /// The one collection and its splits, for an experiment that is called so.
    pub(crate) fn one_collection(
        self,
        experiment: &'static str,
    ) -> Result<(Samples<'a>, &'a [Split]), ExperimentError> {
        match self {
            Self::Splits { samples, splits } => Ok((samples, splits)),
            Self::TrainAndTest { .. } => Err(ExperimentError::OneCollection(experiment)),
        }
    }
}

/// How one collection is split.
#[derive(Debug, Clone, Copy)]
pub enum SplitRule<'a> {
    /// So many stratified folds.
    Folds(usize),
    /// So many groups of whole sessions.
    Sessions(usize),
    /// Trained on what began before a moment, tested on the rest.
    Moment {
        /// Unix ns UTC.
        ns: i64,
        /// As it is written.
        text: &'a str,
    },
    /// The folds of a file.
    File {
        /// The file.
        path: &'a Path,
        /// What the collection is called in errors.
        of: &'a str,
    },
}

/// Splits of one collection, in words, too.
#[derive(Debug, Clone)]
pub struct NamedSplits {
    /// The splits.
    pub splits: Vec<Split>,
    /// What they are.
    pub name: String,
    /// Whether copies of one load are parted on purpose, as a file of folds may say.
    pub parts_copies: bool,
}

impl SplitRule<'_> {
    /// Splits a collection.
    ///
    /// # Errors
    /// Samples that cannot be split so, and a file that cannot be read or has other traces.
    pub fn split(
        self,
        samples: Samples<'_>,
        pages: Pages,
        setting: Setting<'_>,
    ) -> Result<NamedSplits, ExperimentError> {
        let mut parts_copies = false;
        let (splits, name) = match self {
            Self::Folds(folds) => (stratified(samples, folds, pages, setting)?, format!("{folds} stratified folds")),
            Self::Sessions(folds) => {
                let splits = by_session(samples, folds, pages)?;
                let name = format!("{} groups of sessions", splits.len());
                (splits, name)
            }
            Self::Moment { ns, text } => {
                (vec![by_moment(samples, ns, pages)?], format!("trained before {text}, tested from then on"))
            }
            Self::File { path, of } => {
                let folds = FoldFile::read(path).map_err(file)?;
                let splits = splits_of_folds(&of_file(samples, &folds, of).map_err(file)?);
                parts_copies = !folds.together().origins;
                let (path, together) = (path.display(), folds.together());
                let name = format!("{} folds of {path}, which keep together: {together}", splits.len());
                (splits, name)
            }
        };
        Ok(NamedSplits { splits, name, parts_copies })
    }
}

/// What was read to train on and to test.
#[derive(Debug)]
pub enum Collections {
    /// One collection, split.
    One {
        /// The collection.
        input: Labelled,
        /// Its splits.
        splits: NamedSplits,
    },
    /// Two collections.
    Two {
        /// What is learned from.
        train: Labelled,
        /// What is judged.
        test: Labelled,
    },
}

impl Collections {
    /// As experiments take it.
    pub fn task(&self) -> Task<'_> {
        match self {
            Self::One { input, splits } => Task::Splits { samples: input.samples(), splits: &splits.splits },
            Self::Two { train, test } => Task::TrainAndTest { train: train.samples(), test: test.samples() },
        }
    }

    /// What is judged.
    pub fn tested(&self) -> &Labelled {
        match self {
            Self::One { input, .. } => input,
            Self::Two { test, .. } => test,
        }
    }

    /// How it is trained and tested, in words.
    pub fn name(&self) -> &str {
        match self {
            Self::One { splits, .. } => &splits.name,
            Self::Two { .. } => "trained and tested on other files",
        }
    }

    /// Whether copies of one load are trained on and tested on purpose.
    pub(crate) fn parts_copies(&self) -> bool {
        matches!(self, Self::One { splits: NamedSplits { parts_copies: true, .. }, .. })
    }

    /// The traces that were tested, of a measurement on this.
    pub fn keys(&self, measured: &Measured) -> Vec<TraceKey> {
        let samples = self.tested().samples();
        measured.evaluation.rows.iter().map(|&row| samples.key(row).clone()).collect()
    }
}
