//! Curves over how much is learned from, and how much of a trace is seen.

use serde::Serialize;
use wfkit_classify::{Attack, Samples, evaluate};
use wfkit_datasets::splits::Split;
use wfkit_datasets::{LabelledTrace, Overlap, Trace, TraceSet};
use wfkit_metrics::seed::mix;
use wfkit_metrics::{DrawnScore, Interval, ScoreOptions, Scores, Work};

use crate::observer::by_fold;
use crate::split::some_loads;
use crate::{ExperimentError, ScoreRow, Setting};

/// Draws of the few loads that are learned from.
const DRAWS: u64 = 5;

/// Resamples behind the interval of one draw.
const RESAMPLES: usize = 200;

/// Scores after learning from so many loads of each class: means over draws, with intervals of both the draws and the tested loads, and standard
/// deviations over draws.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FewShot {
    /// Loads of each class to learn from.
    pub traces_a_class: u16,
    /// Traces trained on in the smallest training part.
    pub trained_on: usize,
    /// Tested traces that were learned from.
    pub learned_from: usize,
    /// How often the loads were drawn.
    pub draws: usize,
    /// Traces tested.
    pub n: Option<u64>,
    /// Loads that they are copies of.
    pub origins: Option<u64>,
    /// Why what is missing is missing.
    pub reason: String,
    /// See [`Scores::accuracy`].
    pub accuracy: Option<f64>,
    /// Its 95 % interval.
    pub accuracy_95: Option<Interval>,
    /// Its deviation over draws.
    pub accuracy_deviation: Option<f64>,
    /// See [`Scores::roc_auc_macro_ovr`].
    pub roc_auc_macro_ovr: Option<f64>,
    /// Its 95 % interval.
    pub roc_auc_macro_ovr_95: Option<Interval>,
    /// Its deviation over draws.
    pub roc_auc_macro_ovr_deviation: Option<f64>,
    /// See [`Scores::log_loss`].
    pub log_loss: Option<f64>,
    /// Its 95 % interval.
    pub log_loss_95: Option<Interval>,
    /// Its deviation over draws.
    pub log_loss_deviation: Option<f64>,
}

/// Scores of the beginnings of traces.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Early {
    /// Percent of the median duration of all traces that is seen.
    pub percent_of_median_duration: u16,
    /// The same in seconds.
    pub seconds: f64,
    /// The scores.
    #[serde(flatten)]
    pub scores: ScoreRow,
}

/// So many loads of each class of every training part, drawn anew five times; test parts stay whole.
///
/// # Errors
/// What attacks and scores refuse.
pub fn few_shot(
    counts: &[u16],
    samples: Samples<'_>,
    splits: &[Split],
    attack: &Attack,
    setting: Setting<'_>,
) -> Result<Vec<FewShot>, ExperimentError> {
    let groups = samples.origins();
    let work = Work::begin(setting.observer, "few loads", counts.len() * DRAWS as usize * splits.len());
    let of_count = |&count: &u16| {
        let mut scores = Vec::new();
        let mut overlap = Overlap::default();
        let mut trained_on = usize::MAX;
        for draw in 0..DRAWS {
            let seed = mix(mix(setting.seed, u64::from(count)), draw);
            let thinned: Vec<Split> = splits
                .iter()
                .zip(0..)
                .map(|(split, fold)| {
                    let class_of = |row: usize| samples.key(row).class.as_str();
                    let train = some_loads(&split.train, class_of, &groups, count.into(), mix(seed, fold));
                    Split { train, ..split.clone() }
                })
                .collect();
            trained_on = thinned.iter().map(|split| split.train.len()).min().unwrap_or(0).min(trained_on);
            let (found, of_draw) = over_splits(attack, samples, &thinned, setting, &work)?;
            overlap = of_draw;
            scores.push(found);
        }
        Ok(over_draws(&scores, count, trained_on, overlap.learned_from()))
    };
    counts.iter().map(of_count).collect()
}

/// Traces cut at a share of the median duration of all; the attack is trained on cut traces too.
///
/// # Errors
/// What attacks and scores refuse.
///
/// # Panics
/// If there is no trace.
pub fn early(
    percents: &[u16],
    set: &TraceSet,
    splits: &[Split],
    attack: &Attack,
    setting: Setting<'_>,
) -> Result<Vec<Early>, ExperimentError> {
    let mut durations: Vec<u64> = set.traces().iter().map(|labelled| labelled.trace.duration_ns()).collect();
    durations.sort_unstable();
    let median_ns = durations[durations.len() / 2];
    let work = Work::begin(setting.observer, "beginnings", percents.len() * splits.len());
    let of_percent = |&percent: &u16| {
        let until_ns = (median_ns as f64 * f64::from(percent) / 100.0) as u64;
        let set = beginnings(set, until_ns);
        // Beginnings are alike by chance; whether traces were learned from, whole traces tell, as they did before.
        let (scores, _) = over_splits(attack, Samples::Traces(&set), splits, setting, &work)?;
        let seconds = until_ns as f64 / 1e9;
        Ok(Early { percent_of_median_duration: percent, seconds, scores: ScoreRow::from(&scores) })
    };
    percents.iter().map(of_percent).collect()
}

/// The packets until a moment; the first one is at 0, so none loses all.
fn beginnings(set: &TraceSet, until_ns: u64) -> TraceSet {
    let cut = |labelled: &LabelledTrace| {
        let trace = &labelled.trace;
        let packets = trace.time_ns().partition_point(|&time| time <= until_ns);
        let (time_ns, size) = (trace.time_ns()[..packets].to_vec(), trace.size()[..packets].to_vec());
        LabelledTrace { trace: Trace::new(time_ns, size).expect("a beginning of a trace is one"), ..labelled.clone() }
    };
    let traces = set.traces().iter().map(cut).collect();
    TraceSet::new(traces, set.provenance().clone()).expect("the keys are those of a set")
}

/// Scores over splits, with intervals of the tested loads, widened for folds; and what was tested although it was learned from.
fn over_splits(
    attack: &Attack,
    samples: Samples<'_>,
    splits: &[Split],
    setting: Setting<'_>,
    work: &Work<'_>,
) -> Result<(Scores, Overlap), ExperimentError> {
    setting.go_on()?;
    let judged = evaluate(attack, samples, splits, setting.seed, &by_fold(work))?;
    let groups = Some(judged.origins.of_row());
    let options = ScoreOptions { bootstrap: RESAMPLES, seed: setting.seed, groups, ..ScoreOptions::default() };
    let scores = Scores::compute(&judged.probabilities, &judged.truth, &options)?;
    Ok((scores.cross_validated(splits.len()), judged.overlap()))
}

/// Means over draws, with intervals of both the draws and the tested loads.
fn over_draws(scores: &[Scores], traces_a_class: u16, trained_on: usize, learned_from: usize) -> FewShot {
    type Of = fn(&Scores) -> (Option<f64>, Option<Interval>);
    let drawn = |most: f64, of: Of| {
        let drawn: Option<Vec<(f64, Option<Interval>)>> =
            scores.iter().map(of).map(|(score, interval)| Some((score?, interval))).collect();
        let drawn = drawn.and_then(|drawn| DrawnScore::of(&drawn, Interval { low: 0.0, high: most }));
        let interval = drawn.as_ref().and_then(|drawn| drawn.interval_95);
        let deviation = drawn.as_ref().and_then(|drawn| drawn.deviation);
        (drawn.map(|drawn| drawn.mean), interval, deviation)
    };
    let (accuracy, accuracy_95, accuracy_deviation) =
        drawn(1.0, |scores| (scores.accuracy, scores.intervals_95.as_ref().map(|all| all.accuracy)));
    let (roc_auc_macro_ovr, roc_auc_macro_ovr_95, roc_auc_macro_ovr_deviation) = drawn(1.0, |scores| {
        (scores.roc_auc_macro_ovr, scores.intervals_95.as_ref().and_then(|all| all.roc_auc_macro_ovr))
    });
    let (log_loss, log_loss_95, log_loss_deviation) =
        drawn(f64::MAX, |scores| (scores.log_loss, scores.intervals_95.as_ref().and_then(|all| all.log_loss)));
    let first = scores.first();
    let reason = first.and_then(|scores| scores.reason.as_deref()).unwrap_or("not computed where null");
    FewShot {
        traces_a_class,
        trained_on,
        learned_from,
        draws: scores.len(),
        n: first.map(|scores| scores.traces),
        origins: first.map(|scores| scores.origins),
        reason: reason.to_owned(),
        accuracy,
        accuracy_95,
        accuracy_deviation,
        roc_auc_macro_ovr,
        roc_auc_macro_ovr_95,
        roc_auc_macro_ovr_deviation,
        log_loss,
        log_loss_95,
        log_loss_deviation,
    }
}
