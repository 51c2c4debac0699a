//! What traces give away: attacks by cross-validation, timed, for the privacy part of a report.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::{Value, json};
use wfkit_classify::{
    Attack, AttackOptions, Calibration, ErrorsAt, EvaluateError, Evaluation, Event, NearestNeighbourErrors, Samples,
    evaluate, evaluate_on,
};
use wfkit_datasets::splits::Split;
use wfkit_datasets::{Groups, Overlap, TraceSet};
use wfkit_metrics::{
    BayesError, Contestant, ErrorOf, Information, Interval, Kinship, Leakage, PrivacyReport, Resampling, Rounds,
    ScoreOptions, Scores, cover_hart_bound, reliability,
};

use crate::context::Context;
use crate::split::{Pages, some_loads, stratified};
use crate::words;

/// The attack that any other must beat.
pub(crate) const TRIVIAL: &str = "totals";

/// Resamples behind every 95 % interval.
pub(crate) const BOOTSTRAP: usize = 1000;

/// What the tested traces have in common.
#[derive(Default)]
pub(crate) struct Kin {
    origins: Vec<usize>,
    /// None where some trace has none.
    sessions: Option<Vec<usize>>,
}

impl Kin {
    pub(crate) fn of(samples: Samples<'_>, rows: &[usize]) -> Self {
        let all = rows.iter().all(|&row| samples.key(row).session.is_some());
        let by_session = Groups::of_rows(samples.len()).join(|row| samples.key(row).session.as_deref());
        Self {
            origins: samples.origins().select(rows).of_row().to_vec(),
            sessions: all.then(|| by_session.select(rows).of_row().to_vec()),
        }
    }

    pub(crate) fn kinship(&self) -> Kinship<'_> {
        Kinship { groups: Some(&self.origins), sessions: self.sessions.as_deref() }
    }
}

/// An attack that was measured on samples it had not learned from.
pub(crate) struct Measured {
    pub(crate) attack: String,
    pub(crate) evaluation: Evaluation,
    pub(crate) scores: Scores,
    kin: Kin,
    train: Time,
    predict: Time,
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
    pub(crate) fn of(evaluation: Evaluation, tested: Samples<'_>, seed: u64) -> Result<Self> {
        let kin = Kin::of(tested, &evaluation.rows);
        let Kinship { groups, sessions } = kin.kinship();
        let options = ScoreOptions { bootstrap: BOOTSTRAP, seed, groups, sessions };
        let scores = Scores::compute(&evaluation.probabilities, &evaluation.truth, &options)?;
        let scores = scores.cross_validated(evaluation.folds.len());
        let (train, predict) = (Time::default(), Time::default());
        Ok(Self { attack: evaluation.attack.clone(), evaluation, scores, kin, train, predict })
    }

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
            "traces": self.scores.traces,
            "origins": self.scores.origins,
            "reason": reason.as_deref().unwrap_or("not computed where null"),
        })
    }

    /// Accuracy and its 95 % interval; none where it has none.
    pub(crate) fn accuracy_95(&self) -> Option<(f64, Interval)> {
        Some((self.scores.accuracy?, self.scores.intervals_95.as_ref()?.accuracy))
    }

    /// How to put intervals on what else is computed from its probabilities.
    pub(crate) fn resampling(&self, seed: u64) -> Resampling<'_> {
        Resampling { resamples: 200, seed, widen_by: self.widened_by(), kinship: self.kin.kinship() }
    }

    /// What intervals are widened by for the overlap of folds; 1 for nothing.
    pub(crate) fn widened_by(&self) -> f64 {
        self.scores.intervals_95.as_ref().and_then(|intervals| intervals.widened_by).unwrap_or(1.0)
    }

    /// How often decisions are right, by how sure they are.
    pub(crate) fn reliability(&self) -> Vec<wfkit_metrics::ReliabilityBin> {
        reliability(&self.evaluation.probabilities, &self.evaluation.truth).unwrap_or_default()
    }

    /// Its decisions, for a test against others.
    pub(crate) fn contestant(&self) -> Contestant {
        let decisions = self.evaluation.probabilities.argmax();
        let right = decisions.iter().zip(&self.evaluation.truth).map(|(decision, truth)| decision == truth).collect();
        Contestant { attack: self.attack.clone(), right }
    }

    /// How its traces were split, for a test against others on the same splits.
    pub(crate) fn rounds(&self) -> Rounds<'_> {
        let shares = self.evaluation.folds.iter().map(|fold| fold.test as f64 / fold.train.max(1) as f64);
        let test_over_train = shares.sum::<f64>() / self.evaluation.folds.len().max(1) as f64;
        Rounds { tested_in: &self.evaluation.tested_in, test_over_train, groups: Some(&self.kin.origins) }
    }

    /// What the traffic gives away whoever attacks, as far as this attack, the `others` that were measured on the same traces, and nearest
    /// neighbours in the features of each can tell: an estimate of the Bayes error, and bits.
    pub(crate) fn leakage(&self, others: &[&Self]) -> Value {
        let n = self.evaluation.rows.len();
        let (Some(accuracy), Some(chance)) = (self.scores.accuracy, self.scores.chance_accuracy) else {
            return json!({ "n": n, "reason": "no score" });
        };
        let (guess, classes) = (1.0 - chance, self.evaluation.probabilities.classes().len());
        let all: Vec<&Self> = std::iter::once(self).chain(others.iter().copied()).collect();
        let neighbours: Vec<(&str, Neighbours)> =
            all.iter().filter_map(|one| Some((one.attack.as_str(), one.neighbours()?))).collect();
        let attacks = all.iter().filter_map(|one| Some((one.attack.clone(), 1.0 - one.scores.accuracy?)));
        let near = neighbours.iter().flat_map(|(attack, near)| {
            let (nearest, k_nearest) = near.errors();
            let k = near.of_all().k;
            [
                (format!("nearest neighbour in the features of {attack}"), nearest),
                (format!("{k} nearest neighbours in the features of {attack}"), k_nearest),
            ]
        });
        let tried: Vec<ErrorOf> = attacks.chain(near).map(|(by, error)| ErrorOf { by, error }).collect();
        let worth = self.scores.intervals_95.as_ref().and_then(|all| all.effective_traces).unwrap_or(n as f64);
        let least = BayesError::least_of(tried, worth / self.widened_by().powi(2));
        let calibrated = Calibration::Temperature.across(
            &self.evaluation.probabilities,
            &self.evaluation.truth,
            &self.evaluation.tested_in,
        );
        let mut told = json!({
            "n": n,
            "origins": self.scores.origins,
            "classes": classes,
            "of_this_attack": Leakage::at(1.0 - accuracy, guess),
            "bayes_error": &least,
            "at_that_error": least.as_ref().map(|least| Leakage::at(least.estimate, guess)),
            "information": Information::shown_by(&calibrated, &self.evaluation.truth).ok(),
            "nearest_neighbours": neighbours.iter().map(|(attack, near)| near.told(attack, classes)).collect::<Vec<_>>(),
        });
        let bounds = neighbours.iter().map(|(_, near)| cover_hart_bound(near.errors().0, classes));
        let bound = bounds.min_by(f64::total_cmp);
        told["asymptotic_lower_bound"] = match (bound, &least) {
            (Some(bound), Some(least)) if least.estimate < bound => {
                let by = &least.by;
                json!({ "value": bound, "holds": false, "told": format!("fails: {by} has {:.4}, so there are too few traces for it", least.estimate) })
            }
            (Some(bound), _) => {
                json!({ "value": bound, "holds": true, "told": "of Cover and Hart, from the nearest neighbour; true of endlessly many traces only" })
            }
            (None, _) => json!({ "reason": "not computed: distances would take longer than the attack" }),
        };
        let fewest = self.scores.per_class.iter().map(|class| class.origins).min().unwrap_or(0);
        let caution =
            "an estimate from what was tried, no bound: another attack, other features or more traces may do better";
        told["caution"] = match fewest {
            0..100 => json!(format!("{caution}; here a class has {fewest} traces, too few to rely on it")),
            _ => json!(caution),
        };
        told
    }

    /// Errors of nearest neighbours in its features, over all splits.
    fn neighbours(&self) -> Option<Neighbours> {
        let folds: Option<Vec<&NearestNeighbourErrors>> =
            self.evaluation.folds.iter().map(|fold| fold.nearest.as_ref()).collect();
        let folds = folds.filter(|folds| !folds.is_empty())?;
        // Folds may differ by a trace or two; from the largest size down, they are of like sizes.
        let sizes = folds.iter().map(|fold| fold.curve.len()).min()?;
        let at = |back: usize| -> Vec<ErrorsAt> {
            folds.iter().map(|fold| fold.curve[fold.curve.len() - 1 - back]).collect()
        };
        Some(Neighbours((0..sizes).rev().map(at).collect()))
    }

    /// What training and predicting took, and how each split went.
    pub(crate) fn cost(&self) -> Value {
        json!({
            "train_seconds": self.train.wall.as_secs_f64(),
            "predict_seconds": self.predict.wall.as_secs_f64(),
            "train_cpu_seconds": self.train.cpu.as_secs_f64(),
            "predict_cpu_seconds": self.predict.cpu.as_secs_f64(),
            "tested": self.evaluation.rows.len(),
            "model": self.evaluation.folds.first().map_or("", |fold| &fold.model),
        })
    }

    /// What was tested although it was learned from, over all splits.
    pub(crate) fn overlap(&self) -> Overlap {
        self.evaluation.overlap()
    }
}

/// Errors of nearest neighbours in the features of an attack, of every fold, by rising training size; the last is that of all.
struct Neighbours(Vec<Vec<ErrorsAt>>);

impl Neighbours {
    fn of_all(&self) -> ErrorsAt {
        self.0.last().and_then(|folds| folds.first().copied()).expect("there is a fold, and it has a size")
    }

    /// Of the nearest and of the k nearest, among all training traces.
    fn errors(&self) -> (f64, f64) {
        self.0.last().map(|folds| shares(folds)).expect("there is a size")
    }

    fn told(&self, attack: &str, classes: usize) -> Value {
        let (nearest, k_nearest) = self.errors();
        let at = |folds: &Vec<ErrorsAt>| {
            let (nearest, k_nearest) = shares(folds);
            let train = folds.iter().map(|fold| fold.train).sum::<usize>() / folds.len();
            json!({ "train": train, "draws": folds[0].draws, "k": folds[0].k, "nearest_error": nearest, "k_nearest_error": k_nearest })
        };
        json!({
            "features_of": attack,
            "k": self.of_all().k,
            "nearest_error": nearest,
            "k_nearest_error": k_nearest,
            "asymptotic_lower_bound": cover_hart_bound(nearest, classes),
            "by_training_size": self.0.iter().map(at).collect::<Vec<_>>(),
        })
    }
}

/// Shares of wrong decisions of the nearest and of the k nearest.
fn shares(folds: &[ErrorsAt]) -> (f64, f64) {
    let asked: usize = folds.iter().map(|fold| fold.tested * fold.draws).sum();
    let share = |wrong: usize| wrong as f64 / asked.max(1) as f64;
    (
        share(folds.iter().map(|fold| fold.wrong_by_nearest).sum()),
        share(folds.iter().map(|fold| fold.wrong_by_k_nearest).sum()),
    )
}

/// Trains and tests `attack` on every split, with a progress bar over the splits.
pub(crate) fn measure(
    attack: &Attack,
    samples: Samples<'_>,
    splits: &[Split],
    context: &Context<'_>,
) -> Result<Measured> {
    timed(attack, samples, splits.len(), context, |observer| evaluate(attack, samples, splits, context.seed, observer))
}

/// Trains `attack` on one collection, and tests it on another.
pub(crate) fn measure_on(
    attack: &Attack,
    train: Samples<'_>,
    test: Samples<'_>,
    context: &Context<'_>,
) -> Result<Measured> {
    timed(attack, test, 1, context, |observer| evaluate_on(attack, train, test, context.seed, observer))
}

fn timed(
    attack: &Attack,
    tested: Samples<'_>,
    rounds: usize,
    context: &Context<'_>,
    run: impl FnOnce(&(dyn Fn(Event<'_>) + Sync)) -> Result<Evaluation, EvaluateError>,
) -> Result<Measured> {
    let bar = context.printer.progress(attack.name(), rounds as u64);
    let clock = Mutex::new(Clock::now());
    let evaluation = run(&|event| {
        let mut clock = clock.lock().expect("nobody panics while holding the clock");
        let lap = clock.lap();
        match event {
            Event::FoldStart { .. } => {}
            Event::Epoch { epoch, .. } => {
                clock.train.add(lap);
                bar.set_message(words::of_epoch(attack.name(), &epoch));
            }
            Event::FitDone { .. } => clock.train.add(lap),
            Event::PredictDone { .. } => {
                clock.predict.add(lap);
                bar.inc(1);
            }
        }
    });
    bar.finish_and_clear();
    let Clock { train, predict, .. } = clock.into_inner().expect("nobody panics while holding the clock");
    Ok(Measured { train, predict, ..Measured::of(evaluation?, tested, context.seed)? })
}

struct Clock {
    last: (Instant, Duration),
    train: Time,
    predict: Time,
}

impl Clock {
    fn now() -> Self {
        Self { last: (Instant::now(), cpu_time()), train: Time::default(), predict: Time::default() }
    }

    /// Time since the last lap.
    fn lap(&mut self) -> Time {
        let now = (Instant::now(), cpu_time());
        let (wall, cpu) = std::mem::replace(&mut self.last, now);
        Time { wall: now.0 - wall, cpu: now.1.saturating_sub(cpu) }
    }
}

/// What all threads of this process have used of all cores.
fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32)
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

/// Traces that the trivial attack of a report looks at, about: a report must not cost more than what it is about.
const MOST_TRIVIAL: usize = 2000;

/// Loads of a class that it looks at all the same, however many classes there are.
const LEAST_OF_CLASS: usize = 5;

/// The privacy part of a report on `set`: the trivial attack by cross-validation, or a reason where it cannot be measured. Of a large set, some
/// loads of each class are looked at, which the report says.
pub(crate) fn trivial_privacy(set: &TraceSet, folds: usize, context: &Context<'_>) -> Result<PrivacyReport> {
    let of_class = (MOST_TRIVIAL / set.classes().len().max(1)).max(LEAST_OF_CLASS);
    let drawn = (set.len() > MOST_TRIVIAL).then(|| {
        let (samples, all): (_, Vec<usize>) = (Samples::Traces(set), (0..set.len()).collect());
        set.select(&some_loads(&all, samples, &samples.origins(), of_class, context.seed))
    });
    let measured = cross_validate(&attack(TRIVIAL)?, drawn.as_ref().unwrap_or(set), folds, context)?;
    let mut privacy = match measured {
        Ok(measured) => measured.privacy(),
        Err(reason) => PrivacyReport::unmeasured(TRIVIAL, &reason),
    };
    if let Some(drawn) = drawn.filter(|drawn| drawn.len() < set.len()) {
        let told =
            format!("{} of {} traces: at most {of_class} loads a class, drawn by the seed", drawn.len(), set.len());
        privacy.extras.set("looked_at", told);
    }
    Ok(privacy)
}

/// Stratified folds of the set, or why there are none: one class, or a class of a single load.
pub(crate) fn folds_of(set: &TraceSet, folds: usize, context: &Context<'_>) -> Result<Vec<Split>, String> {
    if let [class] = set.classes().names() {
        return Err(format!("one class only ({class}): nothing to tell apart"));
    }
    stratified(Samples::Traces(set), folds, Pages::Apart, context).map_err(|error| error.to_string())
}
