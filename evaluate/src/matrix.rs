//! Trained on each session or file, tested on every other; and within each, by folds.

use std::collections::BTreeSet;

use serde::Serialize;
use wfkit_classify::Attack;
use wfkit_metrics::{ClassMap, Scores};

use crate::split::Pages;
use crate::transfer::{Judge, Judged, Outcome, TransferSource, all_classes, known};
use crate::{ExperimentError, ScoreRow, Scored, Setting};

/// What false positives are, for the report.
pub const FALSE_POSITIVES: &str = "each class against all others by its own probability, at the highest threshold that finds at least this share of its \
                               traces: the share of the other tested traces that reach it; mean over the classes that have tested traces";

/// Outcomes row by row: trained on the source of the row, tested on that of the column.
#[derive(Debug)]
pub struct TransferMatrix<'a> {
    sources: &'a [TransferSource],
    classes: ClassMap,
    folds: usize,
    outcomes: Vec<Outcome>,
}

/// One of the sources.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MatrixPart {
    /// What it is called.
    pub name: String,
    /// Its traces.
    pub traces: usize,
    /// Classes it has.
    pub classes: usize,
    /// Classes of others that it lacks.
    pub missing_classes: Vec<String>,
}

/// Trained on one source, tested on one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MatrixCell {
    /// Trained on this.
    pub train: String,
    /// Tested on this.
    pub test: String,
    /// `within` or `across`.
    pub r#where: &'static str,
    /// Traces trained on; within, in about every fold.
    pub trained_on: usize,
    /// The scores, or why there are none.
    #[serde(flatten)]
    pub scored: Scored,
    /// Tested traces of classes that were not trained on, or, within, of a single load: no score counts them.
    pub left_out_class_not_trained_on: usize,
}

impl MatrixCell {
    /// Its accuracy, where it has one.
    pub fn accuracy(&self) -> Option<f64> {
        self.scored.row()?.accuracy
    }

    /// Whether it was tested by folds of what was trained on.
    pub fn is_within(&self) -> bool {
        self.r#where == "within"
    }
}

impl<'a> TransferMatrix<'a> {
    /// Trains on each source, and tests it on every other; within each by so many folds. With `duplicates`, traces that were learned from are scored
    /// too.
    ///
    /// # Errors
    /// What attacks and scores refuse.
    pub fn measure(
        attack: &Attack,
        sources: &'a [TransferSource],
        (folds, pages): (usize, Pages),
        duplicates: bool,
        setting: Setting<'_>,
    ) -> Result<Self, ExperimentError> {
        let classes = all_classes(sources);
        let judge = Judge { attack, all: &classes, duplicates, seed: setting.seed };
        let observer = setting.observer;
        observer.begin(attack.name(), (sources.len() * (sources.len() + folds)) as u64);
        let mut outcomes = Vec::new();
        for (train, source) in sources.iter().enumerate() {
            setting.go_on()?;
            let learned = known(std::slice::from_ref(source));
            let fitted = judge.fit(source.samples());
            observer.step();
            for (test, tested) in sources.iter().enumerate() {
                outcomes.push(match &fitted {
                    _ if train == test => judge.inside(source, folds, pages, &|| observer.step())?,
                    // A source of one class teaches nothing; the others still do.
                    Err(reason) => Outcome::none(reason.clone()),
                    Ok(fitted) => judge.elsewhere(fitted, &learned, tested)?,
                });
                if train != test {
                    observer.step();
                }
            }
        }
        observer.end();
        Ok(Self { sources, classes, folds, outcomes })
    }

    /// Names of the sources.
    pub fn names(&self) -> Vec<&'a str> {
        self.sources.iter().map(|source| source.name.as_str()).collect()
    }

    /// Classes of all sources.
    pub fn classes(&self) -> &ClassMap {
        &self.classes
    }

    /// How many cells have a score, and how many have none.
    pub fn cells_with_and_without_score(&self) -> (usize, usize) {
        let with = self.outcomes.iter().filter(|cell| cell.judged.is_ok()).count();
        (with, self.outcomes.len() - with)
    }

    /// The sources.
    pub fn parts(&self) -> Vec<MatrixPart> {
        let part = |source: &TransferSource| {
            let own = source.samples().classes();
            let missing = self.classes.names().iter().filter(|name| own.index_of(name).is_none());
            MatrixPart {
                name: source.name.clone(),
                traces: source.len(),
                classes: own.len(),
                missing_classes: missing.cloned().collect(),
            }
        };
        self.sources.iter().map(part).collect()
    }

    /// Train, test and outcome of every cell.
    fn all(&self) -> impl Iterator<Item = (usize, usize, &Outcome)> {
        let n = self.sources.len();
        self.outcomes.iter().enumerate().map(move |(at, outcome)| (at / n, at % n, outcome))
    }

    /// Of all cells within, or across, together that have some; a trace counts once for each that tested it.
    ///
    /// # Errors
    /// What scores refuse.
    pub fn scores(&self, within: bool, seed: u64) -> Result<Option<Scores>, ExperimentError> {
        let cells = self.all().filter(|&(train, test, _)| (train == test) == within);
        let judged = Judged::pooled(cells.filter_map(|(.., outcome)| outcome.judged.as_ref().ok()));
        judged.map(|judged| judged.scores(seed)).transpose()
    }

    /// Within against across, in words; `word` is what a source is.
    pub fn told(&self, within: Option<&Scores>, across: &Scores, word: &str) -> String {
        let accuracy = |scores: &Scores| ScoreRow::from(scores).short_accuracy().unwrap_or_else(|| "-".to_owned());
        let within = within.map_or_else(
            || {
                let reason =
                    self.all().find(|(train, test, _)| train == test).and_then(|(.., cell)| cell.judged.as_ref().err());
                format!("none ({})", reason.map_or("no folds", String::as_str))
            },
            accuracy,
        );
        format!("within one {word} accuracy {within}; across {word}s {}", accuracy(across))
    }

    /// All cells, row by row.
    ///
    /// # Errors
    /// What scores refuse.
    pub fn cells(&self, seed: u64) -> Result<Vec<MatrixCell>, ExperimentError> {
        let cell = |(train, test, outcome): (usize, usize, &Outcome)| {
            let all = self.sources[train].len();
            let (place, trained_on) = if train == test { ("within", all - all / self.folds) } else { ("across", all) };
            Ok(MatrixCell {
                train: self.sources[train].name.clone(),
                test: self.sources[test].name.clone(),
                r#where: place,
                trained_on,
                scored: outcome.scored(self.sources[test].len(), seed)?,
                left_out_class_not_trained_on: outcome.unknown,
            })
        };
        self.all().map(cell).collect()
    }

    /// Why nothing was tested across, every reason once.
    pub fn reasons_across(&self) -> Vec<String> {
        let reasons = self.all().filter(|(train, test, _)| train != test);
        let told: BTreeSet<&String> = reasons.filter_map(|(.., cell)| cell.judged.as_ref().err()).collect();
        told.into_iter().cloned().collect()
    }
}
