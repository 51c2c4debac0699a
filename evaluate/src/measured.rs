//! An attack measured on samples that it has not learned from, timed.

use std::collections::HashSet;
use std::sync::Mutex;
use std::time::Duration;

use serde::Serialize;
use wfkit_classify::{
    Attack, AttackError, AttackOptions, EvaluateError, Evaluation, Event, Samples, evaluate, evaluate_on,
};
use wfkit_datasets::splits::Split;
use wfkit_datasets::{Findings, Groups, Label, Overlap, TraceSet};
use wfkit_metrics::{
    Contestant, Interval, Kinship, PrivacyReport, ReliabilityBin, Resampling, Rounds, ScoreOptions, Scores, reliability,
};

use crate::split::{Pages, some_loads, stratified};
use crate::{ExperimentError, Moment, Setting};

/// Folds of the trivial attack in the report of a stage.
pub const TRIVIAL_FOLDS: usize = 5;

/// The attack that any other must beat.
pub const TRIVIAL: &str = "totals";

/// Resamples behind every 95 % interval.
pub const BOOTSTRAP: usize = 1000;

/// What the tested traces have in common.
#[derive(Debug, Default)]
pub struct Kin {
    origins: Vec<usize>,
    /// None where some trace has none.
    sessions: Option<Vec<usize>>,
}

impl Kin {
    /// Of the samples at `rows`.
    pub fn of(samples: Samples<'_>, rows: &[usize]) -> Self {
        let all = rows.iter().all(|&row| samples.key(row).session.is_some());
        let by_session = Groups::of_rows(samples.len()).join(|row| samples.key(row).session.as_deref());
        Self {
            origins: samples.origins().select(rows).of_row().to_vec(),
            sessions: all.then(|| by_session.select(rows).of_row().to_vec()),
        }
    }

    /// For scores and their intervals.
    pub fn kinship(&self) -> Kinship<'_> {
        Kinship { groups: Some(&self.origins), sessions: self.sessions.as_deref() }
    }
}

/// An attack that was measured on samples it had not learned from.
#[derive(Debug)]
pub struct Measured {
    /// Its name.
    pub attack: String,
    /// What it said of every tested sample.
    pub evaluation: Evaluation,
    /// How right that was.
    pub scores: Scores,
    kin: Kin,
    train: Time,
    predict: Time,
}

/// The scores that every report has, of an attack that stands beside the one it is about.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AttackSummary {
    /// Its name.
    pub attack: String,
    /// See [`Scores::accuracy`].
    pub accuracy: Option<f64>,
    /// Its 95 % interval.
    pub accuracy_95: Option<Interval>,
    /// See [`Scores::roc_auc_macro_ovr`].
    pub roc_auc_macro_ovr: Option<f64>,
    /// Its 95 % interval.
    pub roc_auc_macro_ovr_95: Option<Interval>,
    /// See [`Scores::log_loss`].
    pub log_loss: Option<f64>,
    /// See [`Scores::chance_accuracy`].
    pub chance_accuracy: Option<f64>,
    /// Traces tested.
    pub traces: u64,
    /// Loads that they are copies of.
    pub origins: u64,
    /// Why what is missing is missing.
    pub reason: String,
}

/// What training and predicting took, all splits together, in seconds of the wall and of all cores.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Effort {
    /// Training, on the wall.
    pub train_seconds: f64,
    /// Predicting, on the wall.
    pub predict_seconds: f64,
    /// Training, on all cores.
    pub train_cpu_seconds: f64,
    /// Predicting, on all cores.
    pub predict_cpu_seconds: f64,
    /// Traces tested.
    pub tested: usize,
    /// What the model of the first split says of itself.
    pub model: String,
}

/// How long something took, on the wall and on all cores together.
#[derive(Debug, Clone, Copy, Default)]
struct Time {
    wall: Duration,
    cpu: Duration,
}

impl Time {
    fn add(&mut self, lap: Self) {
        self.wall += lap.wall;
        self.cpu += lap.cpu;
    }
}

impl Measured {
    /// The scores of what was said of tested samples, however long it took.
    pub fn of(evaluation: Evaluation, tested: Samples<'_>, seed: u64) -> Result<Self, ExperimentError> {
        let kin = Kin::of(tested, &evaluation.rows);
        let Kinship { groups, sessions } = kin.kinship();
        let options = ScoreOptions { bootstrap: BOOTSTRAP, seed, groups, sessions };
        let scores = Scores::compute(&evaluation.probabilities, &evaluation.truth, &options)?;
        let scores = scores.cross_validated(evaluation.folds.len());
        let (train, predict) = (Time::default(), Time::default());
        Ok(Self { attack: evaluation.attack.clone(), evaluation, scores, kin, train, predict })
    }

    /// All scores, for a report.
    pub fn privacy(&self) -> PrivacyReport {
        PrivacyReport::of(&self.attack, &self.scores)
    }

    /// The scores that every report has.
    pub fn summary(&self) -> AttackSummary {
        let scores = &self.scores;
        let intervals = scores.intervals_95.as_ref();
        AttackSummary {
            attack: self.attack.clone(),
            accuracy: scores.accuracy,
            accuracy_95: intervals.map(|intervals| intervals.accuracy),
            roc_auc_macro_ovr: scores.roc_auc_macro_ovr,
            roc_auc_macro_ovr_95: intervals.and_then(|intervals| intervals.roc_auc_macro_ovr),
            log_loss: scores.log_loss,
            chance_accuracy: scores.chance_accuracy,
            traces: scores.traces,
            origins: scores.origins,
            reason: scores.reason.clone().unwrap_or_else(|| "not computed where null".to_owned()),
        }
    }

    /// Accuracy and its 95 % interval; none where it has none.
    pub fn accuracy_95(&self) -> Option<(f64, Interval)> {
        Some((self.scores.accuracy?, self.scores.intervals_95.as_ref()?.accuracy))
    }

    /// How to put intervals on what else is computed from its probabilities.
    pub fn resampling(&self, seed: u64) -> Resampling<'_> {
        Resampling { resamples: 200, seed, widen_by: self.widened_by(), kinship: self.kin.kinship() }
    }

    /// What intervals are widened by for the overlap of folds; 1 for nothing.
    pub fn widened_by(&self) -> f64 {
        self.scores.intervals_95.as_ref().and_then(|intervals| intervals.widened_by).unwrap_or(1.0)
    }

    /// How often decisions are right, by how sure they are.
    pub fn reliability(&self) -> Vec<ReliabilityBin> {
        reliability(&self.evaluation.probabilities, &self.evaluation.truth).unwrap_or_default()
    }

    /// Its decisions, for a test against others.
    pub fn contestant(&self) -> Contestant {
        let decisions = self.evaluation.probabilities.argmax();
        let right = decisions.iter().zip(&self.evaluation.truth).map(|(decision, truth)| decision == truth).collect();
        Contestant { attack: self.attack.clone(), right }
    }

    /// How its traces were split, for a test against others on the same splits.
    pub fn rounds(&self) -> Rounds<'_> {
        let shares = self.evaluation.folds.iter().map(|fold| fold.test as f64 / fold.train.max(1) as f64);
        let test_over_train = shares.sum::<f64>() / self.evaluation.folds.len().max(1) as f64;
        Rounds { tested_in: &self.evaluation.tested_in, test_over_train, groups: Some(&self.kin.origins) }
    }

    /// What training and predicting took.
    pub fn effort(&self) -> Effort {
        Effort {
            train_seconds: self.train.wall.as_secs_f64(),
            predict_seconds: self.predict.wall.as_secs_f64(),
            train_cpu_seconds: self.train.cpu.as_secs_f64(),
            predict_cpu_seconds: self.predict.cpu.as_secs_f64(),
            tested: self.evaluation.rows.len(),
            model: self.evaluation.folds.first().map_or_else(String::new, |fold| fold.model.clone()),
        }
    }

    /// What was tested although it was learned from, over all splits.
    pub fn overlap(&self) -> Overlap {
        self.evaluation.overlap()
    }

    /// Refuses scores of traces that were learned from, which are worth nothing, unless they are wanted.
    ///
    /// # Errors
    /// [`ExperimentError::LearnedFrom`].
    pub fn refuse_leaks(&self, wanted: bool) -> Result<(), ExperimentError> {
        let overlap = self.overlap();
        match overlap.learned_from() {
            0 => Ok(()),
            _ if wanted => Ok(()),
            _ => Err(ExperimentError::LearnedFrom(Box::new(overlap))),
        }
    }

    /// Adds what is said of it beyond its scores to the report of a stage: what was tested, whether that was learned from, what it took, and the
    /// trivial attack on the same splits, which are called so.
    pub fn describe(&self, trivial: Option<&Self>, split: &str, findings: &mut Findings, setting: Setting<'_>) {
        let (overlap, observer) = (self.overlap(), setting.observer);
        findings
            .count("tested traces", self.evaluation.rows.len())
            .count("classes", self.evaluation.probabilities.classes().len())
            .count("tested loads", self.evaluation.origins.len())
            .count("tested traces that were learned from", overlap.learned_from());
        if overlap.learned_from() > 0 {
            observer.warn(&format!("{}: the scores are too high", overlap.in_words()));
        }
        if overlap.not_comparable > 0 {
            let message = "rows keep neither origin nor packets, so whether they were learned from cannot be said";
            observer.warn(&format!("{} {message}", overlap.not_comparable));
        }
        findings.utility.extras.set("cost", self.effort());
        let compared = "origins, packets, sizes in order with the times of eight packets, sessions, pages";
        let extras = &mut findings.privacy.extras;
        extras.set("overlap", &overlap).set("overlap_compared", compared).set("split", split);
        if let Some(trivial) = trivial {
            extras.set("trivial", trivial.summary());
        }
        extras.set("folds", &self.evaluation.folds);
    }
}

/// Trains and tests `attack` on every split, a step of the observer each.
pub fn measure(
    attack: &Attack,
    samples: Samples<'_>,
    splits: &[Split],
    setting: Setting<'_>,
) -> Result<Measured, ExperimentError> {
    timed(attack, samples, splits.len(), setting, |heard| evaluate(attack, samples, splits, setting.seed, heard))
}

/// Trains `attack` on one collection, and tests it on another.
pub fn measure_on(
    attack: &Attack,
    train: Samples<'_>,
    test: Samples<'_>,
    setting: Setting<'_>,
) -> Result<Measured, ExperimentError> {
    timed(attack, test, 1, setting, |heard| evaluate_on(attack, train, test, setting.seed, heard))
}

fn timed(
    attack: &Attack,
    tested: Samples<'_>,
    rounds: usize,
    setting: Setting<'_>,
    run: impl FnOnce(&(dyn Fn(Event<'_>) + Sync)) -> Result<Evaluation, EvaluateError>,
) -> Result<Measured, ExperimentError> {
    setting.go_on()?;
    let observer = setting.observer;
    observer.begin(attack.name(), rounds as u64);
    let clock = Mutex::new(Clock { last: observer.now(), train: Time::default(), predict: Time::default() });
    let evaluation = run(&|event| {
        let mut clock = clock.lock().expect("nobody panics while holding the clock");
        let lap = clock.lap(observer.now());
        match event {
            Event::FoldStart { .. } => {}
            Event::About { what, .. } => {
                clock.train.add(lap);
                observer.about(what);
            }
            Event::FitDone { .. } => clock.train.add(lap),
            Event::PredictDone { .. } => {
                clock.predict.add(lap);
                observer.step();
            }
        }
    });
    observer.end();
    let Clock { train, predict, .. } = clock.into_inner().expect("nobody panics while holding the clock");
    Ok(Measured { train, predict, ..Measured::of(evaluation?, tested, setting.seed)? })
}

struct Clock {
    last: Moment,
    train: Time,
    predict: Time,
}

impl Clock {
    /// Time since the last lap.
    fn lap(&mut self, now: Moment) -> Time {
        let last = std::mem::replace(&mut self.last, now);
        Time { wall: now.wall.saturating_sub(last.wall), cpu: now.cpu.saturating_sub(last.cpu) }
    }
}

/// The attack of that name as it is published, by wfkit's own forest.
pub fn attack(name: &str) -> Result<Attack, AttackError> {
    Attack::by_name(name, &AttackOptions::default())
}

/// Cross-validation of the attack, or why there is none: one class, or too few traces.
pub fn cross_validate(
    attack: &Attack,
    set: &TraceSet,
    folds: usize,
    setting: Setting<'_>,
) -> Result<Result<Measured, String>, ExperimentError> {
    match folds_of(set, folds, setting) {
        Ok(splits) => Ok(Ok(measure(attack, Samples::Traces(set), &splits, setting)?)),
        Err(reason) => Ok(Err(reason)),
    }
}

/// Traces that the trivial attack of a report looks at, about: a report must not cost more than what it is about.
const MOST_TRIVIAL: usize = 2000;

/// Loads of a class that it looks at all the same, however many classes there are.
const LEAST_OF_CLASS: usize = 5;

/// The privacy part of a report on `set`: the trivial attack by cross-validation, or a reason where it cannot be measured. Of a large set, some
/// loads of each class are looked at, which the report says.
pub fn trivial_privacy(set: &TraceSet, folds: usize, setting: Setting<'_>) -> Result<PrivacyReport, ExperimentError> {
    let drawn = Drawn::of(set.len(), |row| &set.traces()[row].key.class, || Groups::by_origin(set), setting);
    let some = (drawn.rows.len() < set.len()).then(|| set.select(&drawn.rows));
    trivial_privacy_of(some.as_ref().unwrap_or(set), &drawn, folds, setting)
}

/// The same of the traces that were drawn from a set that is not at hand as a whole.
pub fn trivial_privacy_of(
    some: &TraceSet,
    drawn: &Drawn,
    folds: usize,
    setting: Setting<'_>,
) -> Result<PrivacyReport, ExperimentError> {
    let measured = cross_validate(&attack(TRIVIAL)?, some, folds, setting)?;
    let mut privacy = match measured {
        Ok(measured) => measured.privacy(),
        Err(reason) => PrivacyReport::unmeasured(TRIVIAL, &reason),
    };
    if let Some(told) = drawn.in_words() {
        privacy.extras.set("looked_at", told);
    }
    Ok(privacy)
}

/// Some loads of each class of a set that is too large for a report to look at all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drawn {
    /// Their rows, ascending; all of a small set.
    pub rows: Vec<usize>,
    of: usize,
    of_class: usize,
}

impl Drawn {
    /// Of a set of which only the labels are at hand.
    pub fn of_labels(labels: &[Label], setting: Setting<'_>) -> Self {
        Self::of(labels.len(), |row| &labels[row].key.class, || Groups::by_origin_of_labels(labels), setting)
    }

    fn of<'a>(
        traces: usize,
        class_of: impl Fn(usize) -> &'a str,
        origins: impl FnOnce() -> Groups,
        setting: Setting<'_>,
    ) -> Self {
        let all: Vec<usize> = (0..traces).collect();
        let classes: HashSet<&str> = all.iter().map(|&row| class_of(row)).collect();
        let of_class = (MOST_TRIVIAL / classes.len().max(1)).max(LEAST_OF_CLASS);
        let rows = match traces > MOST_TRIVIAL {
            true => some_loads(&all, class_of, &origins(), of_class, setting.seed),
            false => all,
        };
        Self { rows, of: traces, of_class }
    }

    /// What was drawn, in words; none where it is all.
    pub fn in_words(&self) -> Option<String> {
        let Self { rows, of, of_class } = self;
        let told = || format!("{} of {of} traces: at most {of_class} loads a class, drawn by the seed", rows.len());
        (rows.len() < *of).then(told)
    }
}

/// Stratified folds of the set, or why there are none: one class, or a class of a single load.
pub fn folds_of(set: &TraceSet, folds: usize, setting: Setting<'_>) -> Result<Vec<Split>, String> {
    if let [class] = set.classes().names() {
        return Err(format!("one class only ({class}): nothing to tell apart"));
    }
    stratified(Samples::Traces(set), folds, Pages::Apart, setting).map_err(|error| error.to_string())
}
