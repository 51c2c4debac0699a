//! Other worlds than a closed one: open, and one page at a time.

use serde::ser::{Serialize, SerializeMap, Serializer};
use wfkit_classify::Evaluation;
use wfkit_metrics::{Detection, Interval, OpenWorld, Probabilities, RPrecision, Scores};

use crate::wording::short;
use crate::{ExperimentError, Measured};

/// The scores that stand in a row of a curve or a cell of a matrix.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
pub struct ScoreRow {
    /// Traces tested.
    pub n: u64,
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
    /// Its 95 % interval.
    pub log_loss_95: Option<Interval>,
    /// Why what is missing is missing.
    pub reason: String,
}

impl From<&Scores> for ScoreRow {
    fn from(scores: &Scores) -> Self {
        let intervals = scores.intervals_95.as_ref();
        let without = intervals.and_then(|intervals| intervals.reason.as_deref());
        Self {
            n: scores.traces,
            accuracy: scores.accuracy,
            accuracy_95: intervals.map(|intervals| intervals.accuracy),
            roc_auc_macro_ovr: scores.roc_auc_macro_ovr,
            roc_auc_macro_ovr_95: intervals.and_then(|intervals| intervals.roc_auc_macro_ovr),
            log_loss: scores.log_loss,
            log_loss_95: intervals.and_then(|intervals| intervals.log_loss),
            reason: scores.reason.as_deref().or(without).unwrap_or("not computed where null").to_owned(),
        }
    }
}

impl ScoreRow {
    /// Accuracy with its interval, such as `.93 [.91, .95]`; none where there is none.
    pub fn short_accuracy(&self) -> Option<String> {
        let interval = self.accuracy_95.map(|ends| format!(" [{}, {}]", short(ends.low), short(ends.high)));
        Some(format!("{}{}", short(self.accuracy?), interval.unwrap_or_default()))
    }
}

/// Intervals by name; those that are absent, for a reason that is told.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedIntervals(pub Vec<(String, Option<Interval>)>);

impl Serialize for NamedIntervals {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, interval) in &self.0 {
            if let Some(interval) = interval {
                map.serialize_entry(name, interval)?;
            }
        }
        if self.0.iter().any(|(_, interval)| interval.is_none()) {
            map.serialize_entry("reason", "absent where a class has one trace or all resamples give the same")?;
        }
        map.end()
    }
}

/// The scores of an open world, with intervals.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct OpenWorldReport {
    /// The scores.
    #[serde(flatten)]
    pub scores: OpenWorld,
    /// Their intervals.
    pub intervals_95: NamedIntervals,
}

/// The scores of an open world whose unmonitored class is `class`.
///
/// # Errors
/// A class that is not there, a world without monitored or without unmonitored traces.
pub fn open_world(
    measured: &Measured,
    class: &str,
    base_rates: &[f64],
    seed: u64,
) -> Result<OpenWorldReport, ExperimentError> {
    let Evaluation { probabilities, truth, .. } = &measured.evaluation;
    let column = probabilities.classes().index_of(class).ok_or_else(|| ExperimentError::NoClass(class.to_owned()))?;
    let open = OpenWorld::compute(probabilities, truth, column, base_rates)?;
    let intervals = measured.resampling(seed).intervals(probabilities, truth, |probabilities, truth| {
        let open = OpenWorld::compute(probabilities, truth, column, base_rates).ok();
        numbers(open.as_ref()).into_iter().map(|(_, number)| number).collect()
    });
    let names = numbers(Some(&open)).into_iter().map(|(name, _)| name);
    let intervals_95 = NamedIntervals(names.zip(intervals).collect());
    Ok(OpenWorldReport { scores: open, intervals_95 })
}

/// The numbers of an open world that get intervals, by name.
fn numbers(open: Option<&OpenWorld>) -> Vec<(String, Option<f64>)> {
    type Number = (&'static str, fn(&OpenWorld) -> f64);
    const PLAIN: [Number; 10] = [
        ("roc_auc", |open| open.roc_auc),
        ("average_precision", |open| open.average_precision),
        ("tpr_at_fpr_1e2", |open| open.tpr_at_fpr_1e2),
        ("tpr_at_fpr_1e3", |open| open.tpr_at_fpr_1e3),
        ("precision_at_recall_50", |open| open.precision_at_recall_50),
        ("precision_at_recall_80", |open| open.precision_at_recall_80),
        ("recall_at_precision_97", |open| open.recall_at_precision_97),
        ("true_positive_rate", |open| open.true_positive_rate),
        ("wrong_positive_rate", |open| open.wrong_positive_rate),
        ("false_positive_rate", |open| open.false_positive_rate),
    ];
    let plain = PLAIN.into_iter().map(|(name, of)| (name.to_owned(), open.map(of)));
    let ratios = |name: &'static str, of: fn(&OpenWorld) -> &Vec<RPrecision>| {
        let each = open.map(|open| of(open).as_slice()).unwrap_or_default();
        each.iter().map(move |at| (format!("{name}_{}", at.r), Some(at.precision)))
    };
    plain
        .chain(ratios("r_precision_wang", |open| &open.r_precision_wang))
        .chain(ratios("r_precision_counts", |open| &open.r_precision_counts))
        .collect()
}

/// Each class against all others by its own probability; averages over the classes that have traces, and traces of others.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct OneVsRest {
    /// Traces tested.
    pub n: usize,
    /// Classes with a score.
    pub pages: usize,
    /// Of the means.
    pub intervals_95: NamedIntervals,
    /// Each class.
    pub by_class: Vec<PageScores>,
    /// Why what is missing is missing.
    pub reason: &'static str,
    /// Mean area under the ROC curve.
    pub mean_roc_auc: Option<f64>,
    /// Mean average precision.
    pub mean_average_precision: Option<f64>,
    /// Mean recall at a false positive rate of 0.01.
    pub mean_tpr_at_fpr_1e2: Option<f64>,
    /// Mean recall at a false positive rate of 0.001.
    pub mean_tpr_at_fpr_1e3: Option<f64>,
}

/// One class against all others.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct PageScores {
    /// The class.
    pub class: String,
    /// Area under the ROC curve.
    pub roc_auc: f64,
    /// Average precision at the share of its traces.
    pub average_precision: f64,
    /// Recall at a false positive rate of 0.01.
    pub tpr_at_fpr_1e2: f64,
    /// Recall at a false positive rate of 0.001.
    pub tpr_at_fpr_1e3: f64,
}

/// Names of the means, in the order of [`means`].
const MEANS: [&str; 4] = ["mean_roc_auc", "mean_average_precision", "mean_tpr_at_fpr_1e2", "mean_tpr_at_fpr_1e3"];

/// See [`OneVsRest`].
pub fn one_vs_rest(measured: &Measured, seed: u64) -> OneVsRest {
    let Evaluation { probabilities, truth, .. } = &measured.evaluation;
    let pages = pages(probabilities, truth);
    let intervals = measured
        .resampling(seed)
        .intervals(probabilities, truth, |probabilities, truth| means(&self::pages(probabilities, truth)).to_vec());
    let [mean_roc_auc, mean_average_precision, mean_tpr_at_fpr_1e2, mean_tpr_at_fpr_1e3] = means(&pages);
    OneVsRest {
        n: truth.len(),
        pages: pages.len(),
        intervals_95: NamedIntervals(MEANS.map(str::to_owned).into_iter().zip(intervals).collect()),
        by_class: pages,
        reason: "null where no class has traces on both sides",
        mean_roc_auc,
        mean_average_precision,
        mean_tpr_at_fpr_1e2,
        mean_tpr_at_fpr_1e3,
    }
}

/// Every class against all others, by name.
fn pages(probabilities: &Probabilities, truth: &[usize]) -> Vec<PageScores> {
    let of_class = |(class, name): (usize, &String)| {
        let scores = probabilities.values().column(class).to_vec();
        let positive: Vec<bool> = truth.iter().map(|&true_class| true_class == class).collect();
        let page = Detection::of(&scores, &positive).ok()?;
        Some(PageScores {
            class: name.clone(),
            roc_auc: page.roc_auc(),
            average_precision: page.average_precision(page.base_rate()),
            tpr_at_fpr_1e2: page.true_positive_rate_at(1e-2),
            tpr_at_fpr_1e3: page.true_positive_rate_at(1e-3),
        })
    };
    probabilities.classes().names().iter().enumerate().filter_map(of_class).collect()
}

fn means(pages: &[PageScores]) -> [Option<f64>; 4] {
    let of: [fn(&PageScores) -> f64; 4] =
        [|page| page.roc_auc, |page| page.average_precision, |page| page.tpr_at_fpr_1e2, |page| page.tpr_at_fpr_1e3];
    of.map(|of| (!pages.is_empty()).then(|| pages.iter().map(of).sum::<f64>() / pages.len() as f64))
}
