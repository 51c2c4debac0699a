//! All scores of one attack at once.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::confidence::losses;
use crate::decisions::Tally;
use crate::ranking::{OneVsRest, average_ovo, average_ovr, one_vs_rest, wins_by_rival};
use crate::truth::{several_true_classes, support};
use crate::units::{Kinship, Units};
use crate::{
    Average, ClassMap, Interval, Probabilities, ScoreError, Undefined, WorstClass, brier, expected_calibration_error,
    log_loss, top_k_accuracy, worst_class,
};

/// How many pairs [`Scores::most_confused`] lists.
const MOST_CONFUSED: usize = 10;

/// What to compute beside the scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScoreOptions<'a> {
    /// Resamples for the 95 % intervals; 0 for none, 1000 by default.
    pub bootstrap: usize,
    /// Seed of the resamples; 0 by default.
    pub seed: u64,
    /// The origin of every trace, shape `(n_traces,)`, any numbers: copies of one load have the same. None by default: each trace is its own.
    pub groups: Option<&'a [usize]>,
    /// The session of every trace, shape `(n_traces,)`, any numbers; none by default. See [`Intervals::clustered_by`].
    pub sessions: Option<&'a [usize]>,
}

impl Default for ScoreOptions<'_> {
    fn default() -> Self {
        Self { bootstrap: 1000, seed: 0, groups: None, sessions: None }
    }
}

impl<'a> ScoreOptions<'a> {
    /// What traces have in common.
    pub fn kinship(&self) -> Kinship<'a> {
        Kinship { groups: self.groups, sessions: self.sessions }
    }
}

/// All scores of probabilities against the truth.
///
/// Where a score is `None`, [`reason`](Self::reason) says why: with no trace or a task of one class all are; where all traces
/// are of one class, the areas are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// Number of traces scored.
    pub traces: u64,
    /// Number of their origins: copies of one load are one, and so independent traces are these.
    #[serde(default)]
    pub origins: u64,
    /// Number of classes of the task.
    pub classes: u64,
    /// Accuracy of always deciding for the class that has most traces.
    pub chance_accuracy: Option<f64>,
    /// See [`accuracy`](crate::accuracy).
    pub accuracy: Option<f64>,
    /// See [`top_k_accuracy`].
    pub top_3_accuracy: Option<f64>,
    /// See [`top_k_accuracy`].
    pub top_5_accuracy: Option<f64>,
    /// See [`macro_precision`](crate::macro_precision).
    pub macro_precision: Option<f64>,
    /// See [`macro_recall`](crate::macro_recall).
    pub macro_recall: Option<f64>,
    /// See [`macro_f1`](crate::macro_f1).
    pub macro_f1: Option<f64>,
    /// See [`roc_auc_ovr`](crate::roc_auc_ovr).
    pub roc_auc_macro_ovr: Option<f64>,
    /// See [`roc_auc_ovr`](crate::roc_auc_ovr).
    pub roc_auc_weighted_ovr: Option<f64>,
    /// See [`roc_auc_ovo`](crate::roc_auc_ovo).
    pub roc_auc_macro_ovo: Option<f64>,
    /// See [`roc_auc_ovo`](crate::roc_auc_ovo).
    pub roc_auc_weighted_ovo: Option<f64>,
    /// See [`log_loss`].
    pub log_loss: Option<f64>,
    /// See [`brier`].
    pub brier: Option<f64>,
    /// See [`expected_calibration_error`].
    pub expected_calibration_error: Option<f64>,
    /// See [`worst_class`].
    pub worst_class: Option<WorstClass>,
    /// Why scores are `None`; absent where none is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Intervals; absent where none were asked for or there is no score.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intervals_95: Option<Intervals>,
    /// Classes of the task that have no trace here; no average counts them.
    pub skipped_classes: Vec<String>,
    /// The classes that have a trace, in class order.
    pub per_class: Vec<ClassScores>,
    /// The most frequent wrong decisions, at most ten; in class order where equally frequent.
    pub most_confused: Vec<Confusion>,
}

/// 95 % intervals of the chance of the test traces, not of training: of accuracy by Wilson's formula, of all else bootstrap
/// percentiles (B. Efron, R. J. Tibshirani: An Introduction to the Bootstrap, 1993, chapter 13) with each class resampled
/// apart, on probabilities as they are. Of traces that were also learned from, in other folds, see [`Scores::cross_validated`].
///
/// Copies of a load are drawn together, and count once in Wilson's formula. Traces of a session resemble each other: where sessions are
/// given, five at least in every class or in classes that share sessions, whole sessions are drawn (with all their origins), their
/// percentiles widened by t/z sqrt(m/(m - s)) for m sessions of s sets of classes, and accuracy has the effective number of traces.
///
/// Bootstrap intervals are absent where they would say too much: where a tested class has one trace (or traces of one origin), which no resample
/// varies, and where all resamples agree, as with an area of exactly 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Intervals {
    /// Number of resamples.
    pub resamples: u64,
    /// What is drawn as one, `session` or `origin`; absent where each trace is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clustered_by: Option<String>,
    /// How many of those there are; absent where each trace is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clusters: Option<u64>,
    /// How many independent traces accuracy is worth; absent where all are independent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_traces: Option<f64>,
    /// What the standard error was multiplied by for the overlap of training parts; absent where it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub widened_by: Option<f64>,
    /// Of [`Scores::accuracy`].
    pub accuracy: Interval,
    /// Of the recall of the worst class, whichever that is; see [`Interval::of_least_share`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worst_class_recall: Option<Interval>,
    /// Of [`Scores::macro_f1`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub macro_f1: Option<Interval>,
    /// Of [`Scores::roc_auc_macro_ovr`]; absent where that is undefined, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roc_auc_macro_ovr: Option<Interval>,
    /// Of [`Scores::log_loss`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_loss: Option<Interval>,
    /// Why intervals are absent; absent where none is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The scores of one class against all others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassScores {
    /// Its name.
    pub class: String,
    /// How many traces it has, at least one.
    pub traces: u64,
    /// How many origins they have.
    #[serde(default)]
    pub origins: u64,
    /// Share of right decisions among the decisions for it; 0 where there is none.
    pub precision: f64,
    /// Share of its traces that are decided right.
    pub recall: f64,
    /// Harmonic mean of both; 0 where both are.
    pub f1: f64,
    /// Area under its ROC curve; absent where all traces are of this class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roc_auc: Option<f64>,
}

/// Traces of one class decided for another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confusion {
    /// The true class.
    pub truth: String,
    /// The class decided for.
    pub decision: String,
    /// How many traces.
    pub traces: u64,
}

impl Scores {
    /// Scores probabilities, shape `(n_traces, n_classes)`, against the true column of every trace, shape `(n_traces,)`.
    ///
    /// # Errors
    /// Only where truth and probabilities do not fit together; a score that has no value is `None` with a reason.
    pub fn compute(
        probabilities: &Probabilities,
        truth: &[usize],
        options: &ScoreOptions<'_>,
    ) -> Result<Self, ScoreError> {
        let support = match support(probabilities, truth) {
            Err(ScoreError::Undefined(reason)) => return Ok(Self::undefined(probabilities, &reason)),
            support => support?,
        };
        if let Some(kin) = options.kinship().misfit(truth.len()) {
            return Err(ScoreError::Kinship { kin, truth: truth.len() });
        }
        if let [only] = probabilities.classes().names() {
            return Ok(Self::undefined(probabilities, &Undefined::OneClass(only.clone())));
        }
        let decisions = probabilities.argmax();
        let tally = Tally::of(truth, &decisions, support.len());
        let (areas, reason) = match several_true_classes(probabilities.classes(), &support) {
            Ok(()) => (Some(Areas::of(probabilities, truth, &support)), None),
            Err(undefined) => (None, Some(undefined.to_string())),
        };
        let largest = support.iter().max().copied().unwrap_or(0);
        let units = Units::of(truth, support.len(), options.kinship());
        let scores = Self {
            traces: truth.len() as u64,
            origins: units.origins as u64,
            classes: support.len() as u64,
            chance_accuracy: Some(largest as f64 / truth.len() as f64),
            accuracy: Some(tally.accuracy()),
            top_3_accuracy: Some(top_k_accuracy(probabilities, truth, 3)?),
            top_5_accuracy: Some(top_k_accuracy(probabilities, truth, 5)?),
            macro_precision: Some(tally.macro_precision()),
            macro_recall: Some(tally.macro_recall()),
            macro_f1: Some(tally.macro_f1()),
            roc_auc_macro_ovr: areas.as_ref().map(|areas| areas.ovr(Average::Macro)),
            roc_auc_weighted_ovr: areas.as_ref().map(|areas| areas.ovr(Average::Weighted)),
            roc_auc_macro_ovo: areas.as_ref().map(|areas| areas.ovo(Average::Macro)),
            roc_auc_weighted_ovo: areas.as_ref().map(|areas| areas.ovo(Average::Weighted)),
            log_loss: Some(log_loss(probabilities, truth)?),
            brier: Some(brier(probabilities, truth)?),
            expected_calibration_error: Some(expected_calibration_error(probabilities, truth)?),
            worst_class: Some(worst_class(probabilities, truth)?),
            reason,
            intervals_95: intervals(probabilities, truth, &decisions, areas.as_ref(), &units, options),
            skipped_classes: skipped(probabilities.classes(), &support),
            per_class: per_class(probabilities.classes(), &support, &tally, areas.as_ref(), &units, truth),
            most_confused: most_confused(probabilities.classes(), truth, &decisions),
        };
        Ok(scores.with_shares(1.0))
    }

    /// The same scores, their intervals widened for cross-validation over `folds` folds, at least two.
    ///
    /// Every trace is tested once and learned from `folds - 1` times, so what one pair of traces has in common counts twice, once
    /// in each direction, while the bootstrap takes rows as independent. Where nothing but such pairs matters, as with shuffled
    /// labels, the variance is twice as large and a 95 % interval holds the truth in 83 % of cases. Here the distances of both ends
    /// from the score are multiplied by sqrt(1 + k/(k - 1)) (for accuracy, the number of traces is divided by its square), the ratio of the variance s^2 (1/k + test/train) of C. Nadeau and Y. Bengio
    /// ("Inference for the generalization error", Machine Learning 52, 2003) to s^2/k. Where an attack finds much, this is
    /// wider than need be. Ends stay within the range of the score.
    pub fn cross_validated(mut self, folds: usize) -> Self {
        let (Some(intervals), true) = (self.intervals_95.as_mut(), folds >= 2) else { return self };
        let factor = overlap_of_folds(folds);
        intervals.widened_by = Some(factor);
        let widen = |interval: &mut Option<Interval>, score: Option<f64>, most: f64| {
            *interval = interval.zip(score).map(|(interval, score)| interval.widened(score, factor, most));
        };
        widen(&mut intervals.macro_f1, self.macro_f1, 1.0);
        widen(&mut intervals.log_loss, self.log_loss, f64::INFINITY);
        widen(&mut intervals.roc_auc_macro_ovr, self.roc_auc_macro_ovr, 1.0);
        self.with_shares(factor)
    }

    /// With the intervals of accuracy and of the worst class, for traces that are worth less by the square of `factor`.
    fn with_shares(mut self, factor: f64) -> Self {
        let (Some(intervals), Some(accuracy)) = (self.intervals_95.as_mut(), self.accuracy) else { return self };
        let worth = intervals.effective_traces.unwrap_or(self.traces as f64) / factor.powi(2);
        intervals.accuracy = Interval::of_share(accuracy, worth);
        let each = worth / self.origins as f64;
        let recalls: Vec<(f64, f64)> =
            self.per_class.iter().map(|class| (class.recall, class.origins as f64 * each)).collect();
        intervals.worst_class_recall = Interval::of_least_share(&recalls);
        self
    }

    /// No score at all, for one reason.
    fn undefined(probabilities: &Probabilities, reason: &Undefined) -> Self {
        Self {
            traces: probabilities.len() as u64,
            origins: probabilities.len() as u64,
            classes: probabilities.classes().len() as u64,
            chance_accuracy: None,
            accuracy: None,
            top_3_accuracy: None,
            top_5_accuracy: None,
            macro_precision: None,
            macro_recall: None,
            macro_f1: None,
            roc_auc_macro_ovr: None,
            roc_auc_weighted_ovr: None,
            roc_auc_macro_ovo: None,
            roc_auc_weighted_ovo: None,
            log_loss: None,
            brier: None,
            expected_calibration_error: None,
            worst_class: None,
            reason: Some(reason.to_string()),
            intervals_95: None,
            skipped_classes: match reason {
                Undefined::NoTraces => probabilities.classes().names().to_vec(),
                _ => Vec::new(),
            },
            per_class: Vec::new(),
            most_confused: Vec::new(),
        }
    }
}

/// What distances from a score are multiplied by where training parts of so many folds overlap; see [`Scores::cross_validated`].
fn overlap_of_folds(folds: usize) -> f64 {
    if folds < 2 { 1.0 } else { (1.0 + folds as f64 / (folds as f64 - 1.0)).sqrt() }
}

/// Accuracy and its 95 % interval as [`Scores`] have them after [`cross_validated`](Scores::cross_validated), without any other score; `None`
/// without decisions. `truth` and `decisions`, shape `(n_rows,)`, are numbers of `classes` classes.
///
/// # Panics
/// If there is not one decision a row, or the kinship is not of so many rows.
pub fn accuracy_95(
    truth: &[usize],
    decisions: &[usize],
    classes: usize,
    kinship: Kinship<'_>,
    folds: usize,
) -> Option<(f64, Interval)> {
    assert_eq!(truth.len(), decisions.len(), "a decision a row");
    assert_eq!(kinship.misfit(truth.len()), None, "origins and sessions of {} rows", truth.len());
    if truth.is_empty() {
        return None;
    }
    let right = |row: usize| decisions[row] == truth[row];
    let accuracy = (0..truth.len()).filter(|&row| right(row)).count() as f64 / truth.len() as f64;
    let worth = Units::of(truth, classes, kinship).worth(right);
    Some((accuracy, Interval::of_share(accuracy, worth / overlap_of_folds(folds).powi(2))))
}

/// What all areas are made of, sorted and counted once.
struct Areas {
    support: Vec<u64>,
    columns: Vec<OneVsRest>,
    per_class: Vec<Option<f64>>,
    wins: Vec<Vec<u64>>,
}

impl Areas {
    fn of(probabilities: &Probabilities, truth: &[usize], support: &[u64]) -> Self {
        let columns = one_vs_rest(probabilities, truth);
        let once = vec![1; truth.len()];
        let per_class = columns.iter().map(|column| column.area(&once)).collect();
        Self { support: support.to_vec(), columns, per_class, wins: wins_by_rival(probabilities, truth) }
    }

    fn ovr(&self, average: Average) -> f64 {
        average_ovr(&self.per_class, &self.support, average)
    }

    fn ovo(&self, average: Average) -> f64 {
        average_ovo(&self.wins, &self.support, average)
    }
}

fn intervals(
    probabilities: &Probabilities,
    truth: &[usize],
    decisions: &[usize],
    areas: Option<&Areas>,
    units: &Units,
    options: &ScoreOptions<'_>,
) -> Option<Intervals> {
    if options.bootstrap == 0 {
        return None;
    }
    let classes = probabilities.classes();
    let losses: Vec<f64> = losses(probabilities, truth).collect();
    let (mut macro_f1, mut roc_auc, mut log_loss) = (Vec::new(), Vec::new(), Vec::new());
    let alone = units.alone().map(|rows| alone(&classes.names()[truth[rows[0]]], rows.len()));
    let resamples = if alone.is_some() { 0 } else { options.bootstrap };
    for times in units.resamples(resamples, options.seed) {
        macro_f1.push(Tally::weighted(truth, decisions, &times, classes.len()).macro_f1());
        let loss: f64 = losses.iter().zip(&times).map(|(loss, &times)| loss * f64::from(times)).sum();
        let drawn: u64 = times.iter().map(|&times| u64::from(times)).sum();
        log_loss.push(loss / drawn as f64);
        if let Some(areas) = areas {
            let per_class: Vec<Option<f64>> = areas.columns.iter().map(|column| column.area(&times)).collect();
            let area = average_ovr(&per_class, &areas.support, Average::Macro);
            // Undefined where a resample of sessions has but one class.
            roc_auc.extend(Some(area).filter(|area| area.is_finite()));
        }
    }
    let right = |row: usize| decisions[row] == truth[row];
    let worth = units.worth(right);
    let tally = Tally::of(truth, decisions, classes.len());
    let of = |resampled, score: f64, most: f64| {
        let interval = Interval::of(resampled).and_then(Interval::with_width)?;
        Some(if units.by_session { interval.widened(score, units.widening(), most) } else { interval })
    };
    let mean_loss = losses.iter().sum::<f64>() / truth.len() as f64;
    let area = areas.map_or(0.0, |areas| areas.ovr(Average::Macro));
    let macro_f1 = of(macro_f1, tally.macro_f1(), 1.0);
    let roc_auc_macro_ovr = of(roc_auc, area, 1.0);
    let log_loss = of(log_loss, mean_loss, f64::INFINITY);
    let agree = macro_f1.is_none() || log_loss.is_none() || (areas.is_some() && roc_auc_macro_ovr.is_none());
    Some(Intervals {
        resamples: resamples as u64,
        clustered_by: units.kind().map(str::to_owned),
        clusters: units.kind().map(|_| units.len() as u64),
        effective_traces: units.kind().map(|_| worth),
        widened_by: None,
        accuracy: Interval::of_share(tally.accuracy(), worth),
        worst_class_recall: None, // from the classes, once they are there
        macro_f1,
        roc_auc_macro_ovr,
        log_loss,
        reason: alone.or_else(|| agree.then(|| "all resamples score the same".to_owned())),
    })
}

/// That resamples of a class never differ.
fn alone(class: &str, traces: usize) -> String {
    let has = if traces == 1 { "one trace".to_owned() } else { format!("{traces} traces of one origin") };
    format!("class {class} has {has} here, which resampling cannot vary")
}

fn skipped(classes: &ClassMap, support: &[u64]) -> Vec<String> {
    classes.names().iter().zip(support).filter(|&(_, &traces)| traces == 0).map(|(name, _)| name.clone()).collect()
}

fn per_class(
    classes: &ClassMap,
    support: &[u64],
    tally: &Tally,
    areas: Option<&Areas>,
    units: &Units,
    truth: &[usize],
) -> Vec<ClassScores> {
    let mut pairs: Vec<(usize, usize)> = truth.iter().copied().zip(units.origin_of.iter().copied()).collect();
    pairs.sort_unstable();
    pairs.dedup();
    let mut origins = vec![0; classes.len()];
    pairs.iter().for_each(|&(class, _)| origins[class] += 1);
    let scores = |class: usize| ClassScores {
        class: classes.names()[class].clone(),
        traces: support[class],
        origins: origins[class],
        precision: tally.precision(class),
        recall: tally.recall(class),
        f1: tally.f1(class),
        roc_auc: areas.and_then(|areas| areas.per_class[class]),
    };
    tally.present().map(scores).collect()
}

fn most_confused(classes: &ClassMap, truth: &[usize], decisions: &[usize]) -> Vec<Confusion> {
    let mut traces: BTreeMap<(usize, usize), u64> = BTreeMap::new();
    for (&class, &decision) in truth.iter().zip(decisions).filter(|(class, decision)| class != decision) {
        *traces.entry((class, decision)).or_default() += 1;
    }
    let mut pairs: Vec<_> = traces.into_iter().collect();
    pairs.sort_by_key(|&(_, traces)| std::cmp::Reverse(traces));
    let named = |((class, decision), traces): ((usize, usize), u64)| Confusion {
        truth: classes.names()[class].clone(),
        decision: classes.names()[decision].clone(),
        traces,
    };
    pairs.into_iter().take(MOST_CONFUSED).map(named).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, array};

    fn of(classes: &[&str], rows: Array2<f64>) -> Probabilities {
        Probabilities::new(ClassMap::from_labels(classes), rows).unwrap()
    }

    fn nulls(scores: &Scores) -> usize {
        let serde_json::Value::Object(fields) = serde_json::to_value(scores).unwrap() else { unreachable!() };
        fields.values().filter(|value| value.is_null()).count()
    }

    #[test]
    fn scores_come_back_from_json() {
        let probabilities = of(&["a", "b", "c"], array![[0.6, 0.4, 0.0], [0.1, 0.9, 0.0], [0.7, 0.2, 0.1]]);
        let scores = Scores::compute(
            &probabilities,
            &[0, 1, 1],
            &ScoreOptions { bootstrap: 50, seed: 3, ..ScoreOptions::default() },
        )
        .unwrap();
        assert_eq!(scores.skipped_classes, ["c"]);
        assert_eq!(scores.chance_accuracy, Some(2.0 / 3.0));
        assert_eq!(scores.most_confused, [Confusion { truth: "b".into(), decision: "a".into(), traces: 1 }]);
        assert_eq!(scores.per_class.len(), 2);
        assert_eq!((nulls(&scores), &scores.reason), (0, &None));
        let json = serde_json::to_string(&scores).unwrap();
        assert_eq!(serde_json::from_str::<Scores>(&json).unwrap(), scores);
    }

    #[test]
    fn one_class_task_has_no_score_and_says_why() {
        let scores = Scores::compute(&of(&["a"], array![[1.0], [1.0]]), &[0, 0], &ScoreOptions::default()).unwrap();
        assert_eq!((scores.accuracy, scores.roc_auc_macro_ovr, &scores.intervals_95), (None, None, &None));
        assert_eq!(scores.reason.as_deref(), Some("one class only (`a`): nothing to tell apart"));
        assert_eq!(scores.traces, 2);
    }

    #[test]
    fn one_true_class_has_decisions_but_no_area() {
        let probabilities = of(&["a", "b"], array![[0.6, 0.4], [0.1, 0.9]]);
        let scores = Scores::compute(
            &probabilities,
            &[1, 1],
            &ScoreOptions { bootstrap: 20, seed: 0, ..ScoreOptions::default() },
        )
        .unwrap();
        assert_eq!((scores.accuracy, scores.roc_auc_macro_ovr, scores.roc_auc_weighted_ovo), (Some(0.5), None, None));
        assert_eq!(scores.reason.as_deref(), Some("all traces are of one class (`b`): nothing to rank against"));
        assert_eq!(scores.intervals_95.unwrap().roc_auc_macro_ovr, None);
        assert_eq!(scores.per_class[0].roc_auc, None);
    }

    #[test]
    fn no_trace_has_no_score_and_says_why() {
        let scores = Scores::compute(&of(&["a", "b"], Array2::zeros((0, 2))), &[], &ScoreOptions::default()).unwrap();
        assert_eq!(scores.reason.as_deref(), Some("no traces"));
        assert_eq!(scores.skipped_classes, ["a", "b"]);
        let no_class = of(&[], Array2::zeros((0, 0)));
        assert_eq!(Scores::compute(&no_class, &[], &ScoreOptions::default()).unwrap().classes, 0);
    }

    #[test]
    fn truth_that_does_not_fit_is_an_error() {
        let probabilities = of(&["a", "b"], array![[0.6, 0.4]]);
        assert!(Scores::compute(&probabilities, &[2], &ScoreOptions::default()).is_err());
        assert!(Scores::compute(&probabilities, &[0, 1], &ScoreOptions::default()).is_err());
    }

    #[test]
    fn intervals_that_would_say_too_much_are_absent() {
        let of_truth = |truth: &[usize]| {
            let rows =
                Array2::from_shape_fn((truth.len(), 2), |(row, column)| if truth[row] == column { 0.9 } else { 0.1 });
            let options = ScoreOptions { bootstrap: 20, seed: 0, ..ScoreOptions::default() };
            Scores::compute(&of(&["a", "b"], rows), truth, &options).unwrap().intervals_95.unwrap()
        };
        let alone = of_truth(&[0, 1, 1]);
        assert_eq!((alone.macro_f1, alone.roc_auc_macro_ovr, alone.log_loss), (None, None, None));
        assert_eq!(alone.reason.as_deref(), Some("class a has one trace here, which resampling cannot vary"));
        let certain = of_truth(&[0, 0, 1, 1]);
        assert_eq!((certain.roc_auc_macro_ovr, certain.log_loss), (None, None));
        assert_eq!(certain.reason.as_deref(), Some("all resamples score the same"));
        assert!(certain.accuracy.low < 0.6 && certain.accuracy.high == 1.0, "{certain:?}");
    }

    #[test]
    fn no_resamples_no_intervals() {
        let probabilities = of(&["a", "b"], array![[0.6, 0.4], [0.1, 0.9]]);
        let scores = Scores::compute(
            &probabilities,
            &[0, 1],
            &ScoreOptions { bootstrap: 0, seed: 0, ..ScoreOptions::default() },
        )
        .unwrap();
        assert_eq!((scores.accuracy, scores.intervals_95), (Some(1.0), None));
    }

    /// Two classes; every third trace is wrong, and copies share their luck.
    fn with_copies(copies: usize) -> (Probabilities, Vec<usize>, Vec<usize>) {
        let rows = 60 * copies;
        let truth: Vec<usize> = (0..rows).map(|row| row / copies % 2).collect();
        let origins: Vec<usize> = (0..rows).map(|row| row / copies).collect();
        let sure =
            |row: usize| if origins[row].is_multiple_of(3) { 0.4 } else { 0.55 + (origins[row] % 7) as f64 / 20.0 };
        let values = Array2::from_shape_fn(
            (rows, 2),
            |(row, class)| {
                if class == truth[row] { sure(row) } else { 1.0 - sure(row) }
            },
        );
        (of(&["a", "b"], values), truth, origins)
    }

    #[test]
    fn copies_make_no_interval_narrower() {
        let scored = |copies, together: bool| {
            let (probabilities, truth, origins) = with_copies(copies);
            let groups = together.then_some(&origins[..]);
            Scores::compute(&probabilities, &truth, &ScoreOptions { groups, ..ScoreOptions::default() }).unwrap()
        };
        let (plain, alone, tenfold) = (scored(1, false), scored(1, true), scored(10, true));
        assert_eq!(plain, alone);
        assert_eq!((tenfold.traces, tenfold.origins, tenfold.per_class[0].origins), (600, 60, 30));
        let (one, ten) = (plain.intervals_95.unwrap(), tenfold.intervals_95.unwrap());
        assert_eq!(
            (ten.clustered_by.as_deref(), ten.clusters, ten.effective_traces),
            (Some("origin"), Some(60), Some(60.0))
        );
        assert_eq!((one.accuracy, one.worst_class_recall), (ten.accuracy, ten.worst_class_recall));
        let near = |a: Option<Interval>, b: Option<Interval>| {
            let (a, b) = (a.unwrap(), b.unwrap());
            (a.low - b.low).abs() < 1e-9 && (a.high - b.high).abs() < 1e-9
        };
        assert!(near(one.macro_f1, ten.macro_f1) && near(one.roc_auc_macro_ovr, ten.roc_auc_macro_ovr));
        assert!(near(one.log_loss, ten.log_loss));
        let apart = scored(10, false).intervals_95.unwrap();
        assert!(apart.accuracy.high - apart.accuracy.low < (ten.accuracy.high - ten.accuracy.low) / 2.0);
    }

    #[test]
    fn accuracy_alone_is_that_of_all_scores() {
        for (copies, folds) in [(1, 1), (1, 5), (10, 5)] {
            let (probabilities, truth, origins) = with_copies(copies);
            let sessions: Vec<usize> = (0..truth.len()).map(|row| row / (10 * copies)).collect();
            for sessions in [None, Some(&sessions[..])] {
                let options = ScoreOptions { bootstrap: 10, seed: 0, groups: Some(&origins), sessions };
                let scores = Scores::compute(&probabilities, &truth, &options).unwrap().cross_validated(folds);
                let kinship = Kinship { groups: Some(&origins), sessions };
                let (accuracy, interval) = accuracy_95(&truth, &probabilities.argmax(), 2, kinship, folds).unwrap();
                assert_eq!(Some(accuracy), scores.accuracy);
                assert_eq!(interval, scores.intervals_95.unwrap().accuracy, "{copies} {folds}");
            }
        }
        assert_eq!(accuracy_95(&[], &[], 2, Kinship::default(), 5), None);
    }

    #[test]
    fn origins_of_other_traces_are_an_error() {
        let (probabilities, truth, origins) = with_copies(1);
        let options = ScoreOptions { groups: Some(&origins[1..]), ..ScoreOptions::default() };
        let error = Scores::compute(&probabilities, &truth, &options).unwrap_err();
        assert_eq!(error.to_string(), "59 origins or sessions for 60 true classes");
    }

    /// Sessions in which every trace is easier, or harder: the true accuracy and log loss are those over all sessions that there could be.
    #[test]
    fn intervals_by_session_hold_the_truth_as_often_as_they_say() {
        use crate::seed::mix;
        for (sessions, least) in [(5usize, 363), (12, 368)] {
            let (mut plain, mut clustered) = ([0; 2], [0; 2]);
            for round in 0..400u64 {
                let unit =
                    |stream: u64, index: u64| (mix(mix(round, stream), index) >> 11) as f64 / (1u64 << 53) as f64;
                let rows = sessions * 20;
                let truth: Vec<usize> = (0..rows).map(|row| row % 2).collect();
                let session: Vec<usize> = (0..rows).map(|row| row / 20).collect();
                // A share of 0.8 right on average, uniform in 0.65..0.95 over sessions.
                let right = |row: usize| unit(1, row as u64) < 0.65 + 0.3 * unit(0, session[row] as u64);
                let values =
                    Array2::from_shape_fn(
                        (rows, 2),
                        |(row, class)| {
                            if (class == truth[row]) == right(row) { 0.8 } else { 0.2 }
                        },
                    );
                let probabilities = of(&["a", "b"], values);
                // Mean loss where 0.8 is right.
                let loss = -(0.8 * 0.8f64.ln() + 0.2 * 0.2f64.ln());
                let count = |sessions, held: &mut [u32; 2]| {
                    let options = ScoreOptions { bootstrap: 300, seed: round, sessions, ..ScoreOptions::default() };
                    let intervals = Scores::compute(&probabilities, &truth, &options).unwrap().intervals_95.unwrap();
                    held[0] += u32::from(intervals.accuracy.contains(0.8));
                    held[1] += u32::from(intervals.log_loss.unwrap().contains(loss));
                    intervals.clustered_by
                };
                assert_eq!(count(None, &mut plain), None);
                assert_eq!(count(Some(&session), &mut clustered).as_deref(), Some("session"));
            }
            println!("{sessions} sessions: {clustered:?} of 400, without sessions {plain:?}");
            assert!(clustered.iter().all(|&held| held >= least && held < 400), "{sessions}: {clustered:?}");
            assert!(plain.iter().zip(&clustered).all(|(plain, clustered)| plain + 20 < *clustered), "{plain:?}");
        }
    }
}
