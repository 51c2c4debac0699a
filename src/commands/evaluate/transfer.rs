//! An attack judged on traces from elsewhere than those it learned from: other sessions, other files.

use anyhow::Result;
use ndarray::{Axis, concatenate};
use serde_json::{Value, json};
use wfkit_classify::{Attack, Event, FittedAttack, Samples, Selected, evaluate};
use wfkit_datasets::{Groups, Known, Overlap};
use wfkit_metrics::seed::mix;
use wfkit_metrics::{ClassMap, Detection, Probabilities, ScoreOptions, Scores};

use super::modes::{joined, row};
use crate::split::{Pages, stratified_of_several};

/// Resamples behind the intervals of a cell.
const RESAMPLES: usize = 200;

/// Recalls that false positives are told at, in percent.
pub(super) const RECALLS: [u32; 3] = [50, 80, 95];

/// What was captured together: a session, or a file.
pub(super) struct Source {
    pub(super) name: String,
    samples: Selected,
    known: Vec<Known>,
    /// Of every row, numbered over all sources.
    origins: Vec<usize>,
    /// As `origins`; none where some trace says none.
    sessions: Option<Vec<usize>>,
}

impl Source {
    pub(super) fn samples(&self) -> Samples<'_> {
        self.samples.as_samples()
    }

    pub(super) fn len(&self) -> usize {
        self.samples().len()
    }

    /// When its first and its last trace began; none unless all of them say.
    pub(super) fn starts_ns(&self) -> Option<(i64, i64)> {
        let samples = self.samples();
        let starts: Option<Vec<i64>> = (0..samples.len()).map(|row| samples.start_ns(row)).collect();
        let starts = starts?;
        starts.iter().min().copied().zip(starts.iter().max().copied())
    }
}

/// Names the parts that are compared. Origins and sessions of one are others than those of another.
pub(super) fn sources(parts: Vec<(String, Selected)>) -> Vec<Source> {
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
        Source { name, known: of.known(), origins: origin_of, sessions: all.then_some(session_of), samples }
    };
    parts.into_iter().map(source).collect()
}

/// What was said of traces that could be judged, over the classes of all sources.
pub(super) struct Judged {
    probabilities: Probabilities,
    truth: Vec<usize>,
    origins: Vec<usize>,
    sessions: Option<Vec<usize>>,
    /// Folds behind it; 1 where what was learned from is elsewhere.
    folds: usize,
}

impl Judged {
    /// What was said of these rows of a source.
    fn of(said: &Probabilities, rows: &[usize], source: &Source, all: &ClassMap, folds: usize) -> Self {
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
    pub(super) fn pooled<'a>(parts: impl IntoIterator<Item = &'a Self>) -> Option<Self> {
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

    pub(super) fn scores(&self, seed: u64) -> Result<Scores> {
        let options = ScoreOptions {
            bootstrap: RESAMPLES,
            seed,
            groups: Some(&self.origins),
            sessions: self.sessions.as_deref(),
        };
        Ok(Scores::compute(&self.probabilities, &self.truth, &options)?.cross_validated(self.folds))
    }

    /// The scores of a cell, and the false positives at each recall.
    pub(super) fn told(&self, scores: &Scores) -> Value {
        let rates = self.false_positives();
        let by_recall: serde_json::Map<String, Value> =
            RECALLS.iter().zip(rates).map(|(recall, rate)| (format!("at_recall_{recall}"), json!(rate))).collect();
        joined(row(scores), json!({ "origins": scores.origins, "false_positive_rate": by_recall }))
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
pub(super) struct Outcome {
    pub(super) judged: Result<Judged, String>,
    pub(super) unknown: usize,
}

impl Outcome {
    pub(super) fn none(reason: String) -> Self {
        Self { judged: Err(reason), unknown: 0 }
    }

    /// For a report: `which` names it.
    pub(super) fn told(&self, which: Value, tested: usize, seed: u64) -> Result<Value> {
        let scored = match &self.judged {
            Ok(judged) => judged.told(&judged.scores(seed)?),
            Err(reason) => json!({ "n": tested - self.unknown, "accuracy": null, "reason": reason }),
        };
        Ok(joined(joined(which, scored), json!({ "left_out_class_not_trained_on": self.unknown })))
    }
}

/// How attacks are judged here.
#[derive(Clone, Copy)]
pub(super) struct Judge<'a> {
    pub(super) attack: &'a Attack,
    /// Classes of all sources.
    pub(super) all: &'a ClassMap,
    /// Whether traces that were learned from are scored.
    pub(super) duplicates: bool,
    pub(super) seed: u64,
}

impl Judge<'_> {
    /// Learns from all of `samples`; the reason where that cannot be, as of one class.
    pub(super) fn fit(&self, samples: Samples<'_>) -> Result<FittedAttack, String> {
        self.attack.fit(samples, mix(self.seed, 0)).map_err(|error| error.to_string())
    }

    /// On a source that it has not learned from.
    pub(super) fn elsewhere(&self, fitted: &FittedAttack, learned: &[&Known], test: &Source) -> Result<Outcome> {
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
    pub(super) fn inside(
        &self,
        source: &Source,
        folds: usize,
        pages: Pages,
        done: &(dyn Fn() + Sync),
    ) -> Result<Outcome> {
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
pub(super) fn known(sources: &[Source]) -> Vec<&Known> {
    sources.iter().flat_map(|source| &source.known).collect()
}

/// A share in two decimals without its zero, such as `.93`.
pub(super) fn short(share: f64) -> String {
    let text = format!("{share:.2}");
    text.strip_prefix("0.").map_or(text.clone(), |decimals| format!(".{decimals}"))
}

/// As [`short`], with the interval of accuracy.
pub(super) fn short_accuracy(told: &Value) -> Option<String> {
    let ends = &told["accuracy_95"];
    let interval = match (ends["low"].as_f64(), ends["high"].as_f64()) {
        (Some(low), Some(high)) => format!(" [{}, {}]", short(low), short(high)),
        _ => String::new(),
    };
    Some(format!("{}{interval}", short(told["accuracy"].as_f64()?)))
}
