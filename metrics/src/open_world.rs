//! Scores of an attack that meets classes it does not watch.

use serde::{Deserialize, Serialize};

use crate::detection::Detection;
use crate::truth::{ScoreError, Undefined, support};
use crate::{OperatingPoint, Probabilities};

/// Unmonitored visits for each monitored one at which [`OpenWorld::r_precision_wang`] and
/// [`OpenWorld::r_precision_counts`] are stated: T. Wang, "High precision open-world website fingerprinting", IEEE S&P 2020,
/// and a harder setting.
pub const R: [f64; 2] = [20.0, 1000.0];

/// Scores where one class stands for everything unmonitored.
///
/// Two ways of counting stand apart, as their numbers do. *Two-class*: a trace is flagged as monitored, whichever class. Its
/// score is 1 - P(unmonitored). *Multi-class*: where no class is as probable as the most probable monitored one, the trace is
/// said to be of that class; it is right only where the class is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OpenWorld {
    /// The class that is not watched.
    pub unmonitored_class: String,
    /// Traces of watched classes.
    pub monitored: u64,
    /// Traces of the other.
    pub unmonitored: u64,
    /// Share of monitored traces: the precision of flagging every trace.
    pub base_rate: f64,
    /// Two-class area under the ROC curve.
    pub roc_auc: f64,
    /// Two-class area under the precision-recall curve, see [`Detection::average_precision`].
    pub average_precision: f64,
    /// Two-class true positive rate where at most 1 in 100 unmonitored traces is flagged.
    pub tpr_at_fpr_1e2: f64,
    /// Two-class true positive rate where at most 1 in 1,000 unmonitored traces is flagged; with fewer than 1,000 of them, where
    /// none is.
    pub tpr_at_fpr_1e3: f64,
    /// Two-class precision where half of the monitored traces are flagged.
    pub precision_at_recall_50: f64,
    /// Two-class precision where four fifths of the monitored traces are flagged.
    pub precision_at_recall_80: f64,
    /// Two-class recall where 97 % of what is flagged is monitored (N. Mathews et al., "SoK: A critical evaluation of efficient
    /// website fingerprinting defenses", IEEE S&P 2023).
    pub recall_at_precision_97: f64,
    /// Multi-class: monitored traces said to be of their class, over monitored traces.
    pub true_positive_rate: f64,
    /// Multi-class: monitored traces said to be of another monitored class, over monitored traces.
    pub wrong_positive_rate: f64,
    /// Multi-class: unmonitored traces said to be of a monitored class, over unmonitored traces.
    pub false_positive_rate: f64,
    /// R_TP / (R_TP + R_WP + r R_FP) from the three rates above (Wang 2020), for each r of [`R`]; 0 where nothing is flagged.
    pub r_precision_wang: Vec<RPrecision>,
    /// The mean over monitored classes c of tp / (tp + r fp + wp), from counts of the traces that are *said* to be of c: those
    /// of c, unmonitored ones, and those of another monitored class. A class nothing is said to be of counts 0. This is what the
    /// evaluation library of X. Deng et al., "Website Fingerprinting Library", computes with r = 20. Counts
    /// carry the ratio of the test set in them, so it differs from [`r_precision_wang`](Self::r_precision_wang) wherever that is not 1.
    pub r_precision_counts: Vec<RPrecision>,
    /// Two-class precision and area restated for base rates asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub at_base_rates: Vec<AtBaseRate>,
    /// The threshold sweep: points of the ROC and precision-recall curves by falling threshold, at most 200, evenly thinned by rank;
    /// first and last are kept.
    pub sweep: Vec<SweepPoint>,
}

/// A precision at r unmonitored visits for each monitored one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RPrecision {
    /// Unmonitored visits for each monitored one.
    pub r: f64,
    /// The precision.
    pub precision: f64,
}

/// Two-class scores as they would be where another share of the visits is monitored.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct AtBaseRate {
    /// Share of monitored visits.
    pub base_rate: f64,
    /// Area under the precision-recall curve.
    pub average_precision: f64,
    /// Precision where half of the monitored traces are flagged.
    pub precision_at_recall_50: f64,
    /// Precision where four fifths of the monitored traces are flagged.
    pub precision_at_recall_80: f64,
    /// Recall where 97 % of what is flagged is monitored.
    pub recall_at_precision_97: f64,
}

/// A point of the threshold sweep.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SweepPoint {
    /// Threshold and rates.
    #[serde(flatten)]
    pub point: OperatingPoint,
    /// Precision at the base rate of the test set.
    pub precision: f64,
}

/// How many points of the sweep are kept.
const SWEEP: usize = 200;

impl OpenWorld {
    /// Scores probabilities against the truth, where the class in column `unmonitored` is the one that is not watched.
    ///
    /// # Errors
    /// Where truth and probabilities do not fit, or only monitored or only unmonitored traces are there.
    ///
    /// # Panics
    /// If there is no such column.
    pub fn compute(
        probabilities: &Probabilities,
        truth: &[usize],
        unmonitored: usize,
        base_rates: &[f64],
    ) -> Result<Self, ScoreError> {
        let support = support(probabilities, truth)?;
        let name = probabilities.classes().names()[unmonitored].clone();
        if support.len() == 1 {
            return Err(Undefined::OneClass(name).into());
        }
        let watched: Vec<bool> = truth.iter().map(|&class| class != unmonitored).collect();
        let scores: Vec<f64> = probabilities.values().column(unmonitored).iter().map(|p| 1.0 - p).collect();
        let detection = Detection::of(&scores, &watched)?;
        let counts = Counts::of(truth, &probabilities.argmax(), support.len(), unmonitored);
        let monitored = watched.iter().filter(|&&watched| watched).count() as u64;
        let others = truth.len() as u64 - monitored;
        let [right, wrong, false_alarms] = [&counts.right, &counts.wrong, &counts.false_alarms].map(|n| n.iter().sum());
        let [tp, wp, fp] = [(right, monitored), (wrong, monitored), (false_alarms, others)]
            .map(|(n, of): (u64, u64)| n as f64 / of as f64);
        let base_rate = detection.base_rate();
        Ok(Self {
            unmonitored_class: name,
            monitored,
            unmonitored: others,
            base_rate,
            roc_auc: detection.roc_auc(),
            average_precision: detection.average_precision(base_rate),
            tpr_at_fpr_1e2: detection.true_positive_rate_at(1e-2),
            tpr_at_fpr_1e3: detection.true_positive_rate_at(1e-3),
            precision_at_recall_50: detection.precision_at_recall(0.5, base_rate),
            precision_at_recall_80: detection.precision_at_recall(0.8, base_rate),
            recall_at_precision_97: detection.recall_at_precision(0.97, base_rate),
            true_positive_rate: tp,
            wrong_positive_rate: wp,
            false_positive_rate: fp,
            r_precision_wang: R.map(|r| RPrecision { r, precision: share(tp, wp + r * fp) }).to_vec(),
            r_precision_counts: R.map(|r| RPrecision { r, precision: counts.precision(r, unmonitored) }).to_vec(),
            at_base_rates: base_rates.iter().map(|&rate| AtBaseRate::of(&detection, rate)).collect(),
            sweep: sweep(&detection),
        })
    }
}

impl AtBaseRate {
    fn of(detection: &Detection, base_rate: f64) -> Self {
        Self {
            base_rate,
            average_precision: detection.average_precision(base_rate),
            precision_at_recall_50: detection.precision_at_recall(0.5, base_rate),
            precision_at_recall_80: detection.precision_at_recall(0.8, base_rate),
            recall_at_precision_97: detection.recall_at_precision(0.97, base_rate),
        }
    }
}

/// Traces said to be of each class, shape `(n_classes,)` each.
struct Counts {
    right: Vec<u64>,
    wrong: Vec<u64>,
    false_alarms: Vec<u64>,
}

impl Counts {
    fn of(truth: &[usize], decisions: &[usize], classes: usize, unmonitored: usize) -> Self {
        let zeros = || vec![0; classes];
        let mut counts = Self { right: zeros(), wrong: zeros(), false_alarms: zeros() };
        for (&class, &said) in truth.iter().zip(decisions).filter(|&(_, &said)| said != unmonitored) {
            match class {
                class if class == said => counts.right[said] += 1,
                class if class == unmonitored => counts.false_alarms[said] += 1,
                _ => counts.wrong[said] += 1,
            }
        }
        counts
    }

    fn precision(&self, r: f64, unmonitored: usize) -> f64 {
        let of_class = |class: usize| {
            share(self.right[class] as f64, self.wrong[class] as f64 + r * self.false_alarms[class] as f64)
        };
        let classes = self.right.len();
        (0..classes).filter(|&class| class != unmonitored).map(of_class).sum::<f64>() / (classes - 1) as f64
    }
}

/// `right / (right + rest)`; 0 where both are.
fn share(right: f64, rest: f64) -> f64 {
    if right > 0.0 { right / (right + rest) } else { 0.0 }
}

fn sweep(detection: &Detection) -> Vec<SweepPoint> {
    let points = detection.points();
    let kept = points.len().min(SWEEP);
    let place = |i: usize| if kept == 1 { 0 } else { i * (points.len() - 1) / (kept - 1) };
    let with_precision = |point: OperatingPoint| SweepPoint {
        point,
        precision: point.precision(detection.base_rate()).expect("each threshold is a score, so flags a trace"),
    };
    (0..kept).map(|i| with_precision(points[place(i)])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ClassMap;
    use ndarray::array;

    #[test]
    fn rates_and_counts_by_hand() {
        let classes = ClassMap::from_labels(["a", "b", "rest"]);
        let rows = array![
            [0.8, 0.1, 0.1],
            [0.2, 0.7, 0.1],
            [0.1, 0.2, 0.7],
            [0.6, 0.1, 0.3],
            [0.1, 0.1, 0.8],
            [0.0, 0.1, 0.9]
        ];
        let probabilities = Probabilities::new(classes, rows).unwrap();
        // a right, a said to be b, b missed; one of three unmonitored said to be a.
        let open = OpenWorld::compute(&probabilities, &[0, 0, 1, 2, 2, 2], 2, &[0.01]).unwrap();
        assert_eq!((open.monitored, open.unmonitored, open.base_rate), (3, 3, 0.5));
        let third = 1.0 / 3.0;
        assert_eq!([open.true_positive_rate, open.wrong_positive_rate, open.false_positive_rate], [third; 3]);
        assert_eq!(
            open.r_precision_wang[0],
            RPrecision { r: 20.0, precision: third / (third + (third + 20.0 * third)) }
        );
        // Said to be a: one of a, one unmonitored. Said to be b: one of a.
        assert_eq!(open.r_precision_counts[0].precision, (1.0 / 21.0) / 2.0);
        assert!((open.roc_auc - 8.0 / 9.0).abs() < 1e-15);
        assert_eq!(open.tpr_at_fpr_1e3, 2.0 / 3.0);
        assert!(open.at_base_rates[0].precision_at_recall_80 < 0.05);
        assert_eq!(open.at_base_rates[0].precision_at_recall_50, 1.0);
        assert_eq!((open.sweep.len(), open.sweep.last().unwrap().precision), (5, 0.5));
        let json = serde_json::to_string(&open).unwrap();
        assert_eq!(serde_json::from_str::<OpenWorld>(&json).unwrap(), open);
    }

    #[test]
    fn a_world_without_the_other_kind_has_no_score() {
        let classes = ClassMap::from_labels(["a", "rest"]);
        let probabilities = Probabilities::new(classes, array![[0.5, 0.5]]).unwrap();
        let error = |truth| OpenWorld::compute(&probabilities, &[truth], 1, &[]).unwrap_err().to_string();
        assert_eq!(error(0), "only positive traces: nothing to rank against");
        assert_eq!(error(1), "only negative traces: nothing to rank against");
    }
}
