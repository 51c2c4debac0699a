//! What traces give away: attacks by cross-validation, timed, for the privacy part of a report.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::{Value, json};
use wfkit_classify::{Attack, AttackOptions, EvaluateError, Evaluation, Event, Samples, evaluate, evaluate_on};
use wfkit_datasets::splits::Split;
use wfkit_datasets::{Overlap, TraceSet};
use wfkit_metrics::{
    Information, Leakage, PrivacyReport, Resampling, ScoreOptions, Scores, bayes_error_bound, reliability,
};

use crate::context::Context;
use crate::split::{Pages, stratified};

/// The attack that any other must beat.
pub(crate) const TRIVIAL: &str = "totals";

/// Resamples behind every 95 % interval.
pub(crate) const BOOTSTRAP: usize = 1000;

/// An attack that was measured on samples it had not learned from.
pub(crate) struct Measured {
    pub(crate) attack: String,
    pub(crate) evaluation: Evaluation,
    pub(crate) scores: Scores,
    train: Duration,
    predict: Duration,
}

impl Measured {
    /// All scores, for a report.
    pub(crate) fn privacy(&self) -> PrivacyReport {
        PrivacyReport::of(&self.attack, &self.scores)
    }

    /// The scores that every report has, for an attack that stands beside the one it is about.
    pub(crate) fn summary(&self) -> Value {
        let Scores { accuracy, roc_auc_macro_ovr, log_loss, chance_accuracy, intervals_95, reason, .. } = &self.scores;
        let intervals = intervals_95.as_ref();
        json!({
            "attack": self.attack,
            "accuracy": accuracy,
            "accuracy_95": intervals.map(|intervals| &intervals.accuracy),
            "roc_auc_macro_ovr": roc_auc_macro_ovr,
            "roc_auc_macro_ovr_95": intervals.and_then(|intervals| intervals.roc_auc_macro_ovr.as_ref()),
            "log_loss": log_loss,
            "chance_accuracy": chance_accuracy,
            "reason": reason.as_deref().unwrap_or("not computed where null"),
        })
    }

    /// How to put intervals on what else is computed from its probabilities.
    pub(crate) fn resampling(&self, seed: u64) -> Resampling {
        Resampling { resamples: 200, seed, widen_by: self.widened_by() }
    }

    /// What intervals are widened by for the overlap of folds; 1 for nothing.
    pub(crate) fn widened_by(&self) -> f64 {
        self.scores.intervals_95.as_ref().and_then(|intervals| intervals.widened_by).unwrap_or(1.0)
    }

    /// How often decisions are right, by how sure they are.
    pub(crate) fn reliability(&self) -> Vec<wfkit_metrics::ReliabilityBin> {
        reliability(&self.evaluation.probabilities, &self.evaluation.truth).unwrap_or_default()
    }

    /// What the traffic gives away beyond this attack: bounds from nearest neighbours in its features, and bits.
    pub(crate) fn leakage(&self) -> Value {
        let n = self.evaluation.rows.len();
        let (Some(accuracy), Some(chance)) = (self.scores.accuracy, self.scores.chance_accuracy) else {
            return json!({ "n": n, "reason": "no score" });
        };
        let guess = 1.0 - chance;
        let classes = self.evaluation.probabilities.classes().len();
        let mut told = json!({
            "n": n,
            "classes": classes,
            "of_this_attack": Leakage::at(1.0 - accuracy, guess),
            "information": Information::shown_by(&self.evaluation.probabilities, &self.evaluation.truth).ok(),
        });
        let nearest: Option<Vec<_>> = self.evaluation.folds.iter().map(|fold| fold.nearest).collect();
        match nearest {
            Some(nearest) if !nearest.is_empty() => {
                let tested: usize = nearest.iter().map(|fold| fold.tested).sum();
                let share = |wrong: usize| wrong as f64 / tested.max(1) as f64;
                let error = share(nearest.iter().map(|fold| fold.wrong_by_nearest).sum());
                let of_k = share(nearest.iter().map(|fold| fold.wrong_by_k_nearest).sum());
                told["nearest_neighbour_error"] = json!(error);
                told["least_error_of_any_attack"] = json!(bayes_error_bound(error, classes));
                told["nearest_neighbour"] = json!(Leakage::at(error, guess));
                told["k_nearest"] = json!({ "k": nearest[0].k, "leakage": Leakage::at(of_k, guess) });
            }
            _ => told["bounds"] = json!("not computed: distances would take longer than the attack"),
        }
        let fewest = self.scores.per_class.iter().map(|class| class.traces).min().unwrap_or(0);
        let caution = "bounds hold for the features of this attack, and as the number of traces grows";
        told["caution"] = match fewest {
            0..100 => json!(format!("{caution}; here a class has {fewest} traces, too few to rely on them")),
            _ => json!(caution),
        };
        told
    }

    /// What training and predicting took, and how each split went.
    pub(crate) fn cost(&self) -> Value {
        json!({
            "train_seconds": self.train.as_secs_f64(),
            "predict_seconds": self.predict.as_secs_f64(),
            "tested": self.evaluation.rows.len(),
            "model": self.evaluation.folds.first().map_or("", |fold| &fold.model),
        })
    }

    /// What was tested although it was learned from, over all splits.
    pub(crate) fn overlap(&self) -> Overlap {
        self.evaluation.overlap()
    }
}

/// Trains and tests `attack` on every split, with a progress bar over the splits.
pub(crate) fn measure(
    attack: &Attack,
    samples: Samples<'_>,
    splits: &[Split],
    context: &Context<'_>,
) -> Result<Measured> {
    timed(attack, splits.len(), context, |observer| evaluate(attack, samples, splits, context.seed, observer))
}

/// Trains `attack` on one collection, and tests it on another.
pub(crate) fn measure_on(
    attack: &Attack,
    train: Samples<'_>,
    test: Samples<'_>,
    context: &Context<'_>,
) -> Result<Measured> {
    timed(attack, 1, context, |observer| evaluate_on(attack, train, test, context.seed, observer))
}

fn timed(
    attack: &Attack,
    rounds: usize,
    context: &Context<'_>,
    run: impl FnOnce(&(dyn Fn(Event<'_>) + Sync)) -> Result<Evaluation, EvaluateError>,
) -> Result<Measured> {
    let bar = context.printer.progress(attack.name(), rounds as u64);
    let clock = Mutex::new(Clock { last: Instant::now(), train: Duration::ZERO, predict: Duration::ZERO });
    let evaluation = run(&|event| {
        let mut clock = clock.lock().expect("nobody panics while holding the clock");
        let lap = clock.lap();
        match event {
            Event::FoldStart { .. } => {}
            Event::FitDone { .. } => clock.train += lap,
            Event::PredictDone { .. } => {
                clock.predict += lap;
                bar.inc(1);
            }
        }
    });
    bar.finish_and_clear();
    let evaluation = evaluation?;
    let options = ScoreOptions { bootstrap: BOOTSTRAP, seed: context.seed };
    let scores = Scores::compute(&evaluation.probabilities, &evaluation.truth, &options)?;
    let scores = scores.cross_validated(evaluation.folds.len());
    let Clock { train, predict, .. } = clock.into_inner().expect("nobody panics while holding the clock");
    Ok(Measured { attack: attack.name().to_owned(), evaluation, scores, train, predict })
}

struct Clock {
    last: Instant,
    train: Duration,
    predict: Duration,
}

impl Clock {
    /// Time since the last lap.
    fn lap(&mut self) -> Duration {
        let now = Instant::now();
        now - std::mem::replace(&mut self.last, now)
    }
}

/// The attack of that name as it is published, by wfkit's own forest.
pub(crate) fn attack(name: &str) -> Result<Attack> {
    Ok(Attack::by_name(name, &AttackOptions::default())?)
}

/// Cross-validation of the attack, or why there is none: one class, or too few traces.
pub(crate) fn cross_validate(
    attack: &Attack,
    set: &TraceSet,
    folds: usize,
    context: &Context<'_>,
) -> Result<Result<Measured, String>> {
    match folds_of(set, folds, context) {
        Ok(splits) => Ok(Ok(measure(attack, Samples::Traces(set), &splits, context)?)),
        Err(reason) => Ok(Err(reason)),
    }
}

/// The privacy part of a report on `set`: the trivial attack by cross-validation, or a reason where it cannot be measured.
pub(crate) fn trivial_privacy(set: &TraceSet, folds: usize, context: &Context<'_>) -> Result<PrivacyReport> {
    let measured = cross_validate(&attack(TRIVIAL)?, set, folds, context)?;
    Ok(match measured {
        Ok(measured) => measured.privacy(),
        Err(reason) => PrivacyReport::unmeasured(TRIVIAL, &reason),
    })
}

/// Stratified folds of the set, or why there are none: one class, or a class of a single load.
pub(crate) fn folds_of(set: &TraceSet, folds: usize, context: &Context<'_>) -> Result<Vec<Split>, String> {
    if let [class] = set.classes().names() {
        return Err(format!("one class only ({class}): nothing to tell apart"));
    }
    stratified(Samples::Traces(set), folds, Pages::Apart, context).map_err(|error| error.to_string())
}
