//! An attack judged on traces from elsewhere than those it learned from: other sessions, other files.

use ndarray::{Axis, concatenate};
use serde::Serialize;
use wfkit_classify::{Attack, Event, FittedAttack, Samples, Selected, evaluate};
use wfkit_datasets::{Groups, Known, Overlap};
use wfkit_metrics::seed::mix;
use wfkit_metrics::{ClassMap, Detection, Probabilities, ScoreOptions, Scores};

use crate::split::{Pages, stratified_of_several};
use crate::{ExperimentError, ScoreRow};

/// Resamples behind the intervals of a cell.
const RESAMPLES: usize = 200;

/// Recalls that false positives are told at, in percent.
const RECALLS: [u32; 3] = [50, 80, 95];

/// What was captured together: a session, or a file.
#[derive(Debug)]
pub struct TransferSource {
    /// What it is called.
    pub name: String,
    samples: Selected,
    known: Vec<Known>,
    /// Of every row, numbered over all sources.
    origins: Vec<usize>,
    /// As `origins`; none where some trace says none.
    sessions: Option<Vec<usize>>,
}

impl TransferSource {
    /// Its traces.
    pub fn samples(&self) -> Samples<'_> {
        self.samples.as_samples()
    }

    /// Number of its traces.
    pub fn len(&self) -> usize {
        self.samples().len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// When its first and its last trace began; none unless all of them say.
    pub fn starts_ns(&self) -> Option<(i64, i64)> {
        let samples = self.samples();
        let starts: Option<Vec<i64>> = (0..samples.len()).map(|row| samples.start_ns(row)).collect();
        let starts = starts?;
        starts.iter().min().copied().zip(starts.iter().max().copied())
    }
}

/// Names the parts that are compared. Origins and sessions of one are others than those of another.
pub fn sources(parts: Vec<(String, Selected)>) -> Vec<TransferSource> {
    let (mut first_origin, mut first_session) = (0, 0);
    let source = |(name, samples): (String, Selected)| {
        let of = samples.as_samples();
        let origins = of.origins();
        let sessions = Groups::of_rows(of.len()).join(|row| of.key(row).session.as_deref());
        let all = (0..of.len()).all(|row| of.key(row).session.is_some());
        let numbered = |groups: &Groups, first: usize| groups.of_row().iter().map(|group| first + group).collect();
        let (origin_of, session_of) = (numbered(&origins, first_origin), numbered(&sessions, first_session));
        first_origin += origins.len();
        first_session += sessions.len();
        TransferSource { name, known: of.known(), origins: origin_of, sessions: all.then_some(session_of), samples }
    };
    parts.into_iter().map(source).collect()
}

/// What was said of traces that could be judged, over the classes of all sources.
#[derive(Debug)]
pub(crate) struct Judged {
    probabilities: Probabilities,
    truth: Vec<usize>,
    origins: Vec<usize>,
    sessions: Option<Vec<usize>>,
    /// Folds behind it; 1 where what was learned from is elsewhere.
    folds: usize,
}

impl Judged {
    /// What was said of these rows of a source.
    fn of(said: &Probabilities, rows: &[usize], source: &TransferSource, all: &ClassMap, folds: usize) -> Self {
        let at = |column: &Vec<usize>| rows.iter().map(|&row| column[row]).collect();
        let samples = source.samples();
        let truth = rows.iter().map(|&row| all.index_of(&samples.key(row).class).expect("all classes are there"));
        Self {
            truth: truth.collect(),
            probabilities: said.over(all),
            origins: at(&source.origins),
            sessions: source.sessions.as_ref().map(at),
            folds,
        }
    }

    /// All of them as one; none of nothing.
    pub(crate) fn pooled<'a>(parts: impl IntoIterator<Item = &'a Self>) -> Option<Self> {
        let parts: Vec<&Self> = parts.into_iter().collect();
        let first = parts.first()?;
        let values: Vec<_> = parts.iter().map(|part| part.probabilities.values()).collect();
        let values = concatenate(Axis(0), &values).expect("they have the same columns");
        let sessions: Option<Vec<&Vec<usize>>> = parts.iter().map(|part| part.sessions.as_ref()).collect();
        Some(Self {
            probabilities: Probabilities::new(first.probabilities.classes().clone(), values)
                .expect("rows stay distributions"),
            truth: parts.iter().flat_map(|part| part.truth.clone()).collect(),
            origins: parts.iter().flat_map(|part| part.origins.clone()).collect(),
            sessions: sessions.map(|parts| parts.into_iter().flatten().copied().collect()),
            folds: parts.iter().map(|part| part.folds).min().unwrap_or(1),
        })
    }

    pub(crate) fn scores(&self, seed: u64) -> Result<Scores, ExperimentError> {
        let options = ScoreOptions {
            bootstrap: RESAMPLES,
            seed,
            groups: Some(&self.origins),
            sessions: self.sessions.as_deref(),
        };
        Ok(Scores::compute(&self.probabilities, &self.truth, &options)?.cross_validated(self.folds))
    }

    /// The scores of a cell, and the false positives at each recall.
    fn cell(&self, seed: u64) -> Result<CellScores, ExperimentError> {
        let scores = self.scores(seed)?;
        let [at_recall_50, at_recall_80, at_recall_95] = self.false_positives();
        Ok(CellScores {
            row: ScoreRow::from(&scores),
            origins: scores.origins,
            false_positive_rate: FalsePositives { at_recall_50, at_recall_80, at_recall_95 },
        })
    }

    /// Each class against all others by its own probability, at the highest threshold that finds so many of its traces: the share of the
    /// others that are then taken for it; the mean over classes that have traces.
    fn false_positives(&self) -> [Option<f64>; RECALLS.len()] {
        let of_class = |class: usize| {
            let scores = self.probabilities.values().column(class).to_vec();
            let positive: Vec<bool> = self.truth.iter().map(|&truth| truth == class).collect();
            let detection = Detection::of(&scores, &positive).ok()?;
            Some(RECALLS.map(|recall| detection.false_positive_rate_at_recall(f64::from(recall) / 100.0)))
        };
        let classes: Vec<_> = (0..self.probabilities.classes().len()).filter_map(of_class).collect();
        std::array::from_fn(|at| {
            let sum: f64 = classes.iter().map(|rates| rates[at]).sum();
            (!classes.is_empty()).then(|| sum / classes.len() as f64)
        })
    }
}

/// A judgement, or why there is none; and how many tested traces no score counts, because nothing was learned of their class.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) judged: Result<Judged, String>,
    pub(crate) unknown: usize,
}

impl Outcome {
    pub(crate) fn none(reason: String) -> Self {
        Self { judged: Err(reason), unknown: 0 }
    }

    /// For a report on so many tested traces.
    pub(crate) fn scored(&self, tested: usize, seed: u64) -> Result<Scored, ExperimentError> {
        Ok(match &self.judged {
            Ok(judged) => Scored::Scores(judged.cell(seed)?),
            Err(reason) => Scored::Missing { n: tested - self.unknown, accuracy: None, reason: reason.clone() },
        })
    }
}

/// What was found where something was judged, or why nothing was.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Scored {
    /// The scores.
    Scores(CellScores),
    /// There are none.
    Missing {
        /// Traces that were to be tested.
        n: usize,
        /// None.
        accuracy: Option<f64>,
        /// Why not.
        reason: String,
    },
}

impl Scored {
    /// The scores, where there are some.
    pub fn row(&self) -> Option<&ScoreRow> {
        match self {
            Self::Scores(scores) => Some(&scores.row),
            Self::Missing { .. } => None,
        }
    }

    /// Why what is missing is missing.
    pub fn reason(&self) -> &str {
        match self {
            Self::Scores(scores) => &scores.row.reason,
            Self::Missing { reason, .. } => reason,
        }
    }
}

/// The scores of an attack on traces from elsewhere.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CellScores {
    /// The scores.
    #[serde(flatten)]
    pub row: ScoreRow,
    /// Loads tested.
    pub origins: u64,
    /// Each class against all others by its own probability.
    pub false_positive_rate: FalsePositives,
}

/// The share of the traces of others that are taken for a class, at the highest threshold that finds so many of its own; the mean over classes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct FalsePositives {
    /// Half of its traces are found.
    pub at_recall_50: Option<f64>,
    /// 80 % are.
    pub at_recall_80: Option<f64>,
    /// 95 % are.
    pub at_recall_95: Option<f64>,
}

/// How attacks are judged here.
#[derive(Clone, Copy)]
pub(crate) struct Judge<'a> {
    pub(crate) attack: &'a Attack,
    /// Classes of all sources.
    pub(crate) all: &'a ClassMap,
    /// Whether traces that were learned from are scored.
    pub(crate) duplicates: bool,
    pub(crate) seed: u64,
}

impl Judge<'_> {
    /// Learns from all of `samples`; the reason where that cannot be, as of one class.
    pub(crate) fn fit(&self, samples: Samples<'_>) -> Result<FittedAttack, String> {
        self.attack.fit(samples, mix(self.seed, 0)).map_err(|error| error.to_string())
    }

    /// On a source that it has not learned from.
    pub(crate) fn elsewhere(
        &self,
        fitted: &FittedAttack,
        learned: &[&Known],
        test: &TransferSource,
    ) -> Result<Outcome, ExperimentError> {
        let known: Vec<&Known> = test.known.iter().collect();
        let overlap = Overlap::between(learned, &known);
        if let Some(reason) = self.refused(&overlap) {
            return Ok(Outcome::none(reason));
        }
        let samples = test.samples();
        let (rows, unknown): (Vec<usize>, Vec<usize>) =
            (0..samples.len()).partition(|&row| fitted.classes().index_of(&samples.key(row).class).is_some());
        let judged = if rows.is_empty() {
            Err("no tested trace is of a class that was trained on".to_owned())
        } else {
            Ok(Judged::of(&fitted.predict(samples)?.select(&rows), &rows, test, self.all, 1))
        };
        Ok(Outcome { judged, unknown: unknown.len() })
    }

    /// By folds inside of one source. A class of a single load cannot be both learned and tested, so its traces are not tested.
    pub(crate) fn inside(
        &self,
        source: &TransferSource,
        folds: usize,
        pages: Pages,
        done: &(dyn Fn() + Sync),
    ) -> Result<Outcome, ExperimentError> {
        let samples = source.samples();
        let (splits, alone) = match stratified_of_several(samples, folds, pages, self.seed) {
            Ok(split) => split,
            Err(error) => return Ok(Outcome::none(format!("no folds: {error}"))),
        };
        let note = |event: Event<'_>| {
            if matches!(event, Event::PredictDone { .. }) {
                done();
            }
        };
        let found = match evaluate(self.attack, samples, &splits, self.seed, &note) {
            Ok(found) => found,
            Err(error) => return Ok(Outcome::none(error.to_string())),
        };
        if let Some(reason) = self.refused(&found.overlap()) {
            return Ok(Outcome::none(reason));
        }
        let judged = Judged::of(&found.probabilities, &found.rows, source, self.all, splits.len());
        Ok(Outcome { judged: Ok(judged), unknown: alone })
    }

    fn refused(&self, overlap: &Overlap) -> Option<String> {
        let learned = overlap.learned_from();
        (learned > 0 && !self.duplicates).then(|| format!("{learned} tested traces were learned from"))
    }
}

/// What rows of a source are known by, to look for them in others.
pub(crate) fn known(sources: &[TransferSource]) -> Vec<&Known> {
    sources.iter().flat_map(|source| &source.known).collect()
}

/// The traces of each session, in the order of their names; and how many traces have none.
pub fn sessions_of(samples: Samples<'_>) -> (Vec<(String, Selected)>, usize) {
    let all: Vec<Option<&str>> = (0..samples.len()).map(|row| samples.key(row).session.as_deref()).collect();
    let mut names: Vec<&str> = all.iter().copied().flatten().collect();
    names.sort_unstable();
    names.dedup();
    let parts = names.iter().map(|&name| (name.to_owned(), rows_of(samples, &[name])));
    (parts.collect(), all.iter().filter(|session| session.is_none()).count())
}

/// The traces of some sessions.
pub(crate) fn rows_of(samples: Samples<'_>, sessions: &[&str]) -> Selected {
    let is_of = |row: &usize| samples.key(*row).session.as_deref().is_some_and(|name| sessions.contains(&name));
    samples.select(&(0..samples.len()).filter(is_of).collect::<Vec<usize>>())
}

/// By the first trace, where every trace says when it started; else as they are, by name. And which of both it is.
pub fn in_order(mut sessions: Vec<TransferSource>) -> (Vec<TransferSource>, String) {
    if sessions.iter().any(|session| session.starts_ns().is_none()) {
        return (sessions, "their names: not every trace says when it started".to_owned());
    }
    sessions.sort_by_cached_key(|session| (session.starts_ns(), session.name.clone()));
    let overlaps = |two: &&[TransferSource]| two[0].starts_ns().zip(two[1].starts_ns()).is_some_and(|(a, b)| a.1 > b.0);
    let order = match sessions.windows(2).filter(overlaps).count() {
        0 => "their first traces".to_owned(),
        overlapping => {
            let all = sessions.len();
            format!(
                "their first traces; {overlapping} of {all} go on after the next has begun, so that order says little of time"
            )
        }
    };
    (sessions, order)
}

/// Classes of all sources.
pub(crate) fn all_classes(sources: &[TransferSource]) -> ClassMap {
    let of = |source: &TransferSource| source.samples().classes().names().to_vec();
    ClassMap::from_labels(sources.iter().flat_map(of))
}
