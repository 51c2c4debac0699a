//! One kind of traces told from another by a score, at every threshold.

use serde::{Deserialize, Serialize};

use crate::truth::{ScoreError, Undefined};

/// How well a score tells positive traces from negative ones, at every threshold that makes a difference.
///
/// A trace is *flagged* where its score is at least the threshold. All rates can be restated for any base rate (share of
/// positives among what an attacker meets): positives and negatives are re-weighted, which leaves the true and the false
/// positive rate as they are and moves precision alone.
#[derive(Debug, Clone, PartialEq)]
pub struct Detection {
    positives: u64,
    negatives: u64,
    points: Vec<OperatingPoint>,
}

/// What a threshold flags.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct OperatingPoint {
    /// The least score that is flagged.
    pub threshold: f64,
    /// Flagged positives / positives: recall.
    pub true_positive_rate: f64,
    /// Flagged negatives / negatives.
    pub false_positive_rate: f64,
}

impl OperatingPoint {
    /// Share of positives among the flagged, where `base_rate` of all traces are positive; `None` where nothing is flagged.
    pub fn precision(&self, base_rate: f64) -> Option<f64> {
        let right = base_rate * self.true_positive_rate;
        let flagged = right + (1.0 - base_rate) * self.false_positive_rate;
        (flagged > 0.0).then(|| right / flagged)
    }
}

impl Detection {
    /// Scores and whether each trace is positive, shape `(n_traces,)` each.
    ///
    /// # Errors
    /// Where lengths differ, a score is NaN, or either kind is absent.
    pub fn of(scores: &[f64], positive: &[bool]) -> Result<Self, ScoreError> {
        if scores.len() != positive.len() {
            return Err(ScoreError::Rows { rows: scores.len(), truth: positive.len() });
        }
        if let Some(row) = scores.iter().position(|score| score.is_nan()) {
            return Err(ScoreError::NotANumber { row });
        }
        let positives = positive.iter().filter(|&&positive| positive).count() as u64;
        let negatives = positive.len() as u64 - positives;
        match (positives, negatives) {
            (0, 0) => return Err(Undefined::NoTraces.into()),
            (_, 0) => return Err(Undefined::OneKind("positive").into()),
            (0, _) => return Err(Undefined::OneKind("negative").into()),
            _ => {}
        }
        let mut falling: Vec<usize> = (0..scores.len()).collect();
        falling.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
        let (mut right, mut wrong) = (0u64, 0u64);
        // -0 and 0 are one score though they sort apart.
        let points = falling.chunk_by(|&a, &b| scores[a] == scores[b]).map(|tied| {
            let positive = tied.iter().filter(|&&row| positive[row]).count() as u64;
            right += positive;
            wrong += tied.len() as u64 - positive;
            OperatingPoint {
                threshold: scores[tied[0]],
                true_positive_rate: right as f64 / positives as f64,
                false_positive_rate: wrong as f64 / negatives as f64,
            }
        });
        Ok(Self { points: points.collect(), positives, negatives })
    }

    /// One point a distinct score, by falling threshold; the last one flags everything.
    pub fn points(&self) -> &[OperatingPoint] {
        &self.points
    }

    /// Share of positives among the traces themselves: the precision of flagging everything.
    pub fn base_rate(&self) -> f64 {
        self.positives as f64 / (self.positives + self.negatives) as f64
    }

    /// Area under the precision-recall curve as the mean precision over recall steps: the sum over points of
    /// (recall - recall before) * precision, scikit-learn's `average_precision_score`, where another base rate is the
    /// sample weight of the negatives.
    pub fn average_precision(&self, base_rate: f64) -> f64 {
        let mut before = 0.0;
        let step = |point: &OperatingPoint| {
            let gained = point.true_positive_rate - std::mem::replace(&mut before, point.true_positive_rate);
            gained * point.precision(base_rate).unwrap_or(0.0)
        };
        self.points.iter().map(step).sum()
    }

    /// Area under the ROC curve by trapezia, ties counted half.
    pub fn roc_auc(&self) -> f64 {
        let mut before = (0.0, 0.0);
        let area = |point: &OperatingPoint| {
            let now = (point.false_positive_rate, point.true_positive_rate);
            let (x, y) = std::mem::replace(&mut before, now);
            (now.0 - x) * (now.1 + y) / 2.0
        };
        self.points.iter().map(area).sum()
    }

    /// The largest true positive rate of a threshold whose false positive rate is at most `limit`; 0 where only flagging
    /// nothing is that careful. No interpolation: what is promised is a threshold that exists.
    pub fn true_positive_rate_at(&self, limit: f64) -> f64 {
        let careful = self.points.iter().take_while(|point| point.false_positive_rate <= limit);
        careful.last().map_or(0.0, |point| point.true_positive_rate)
    }

    /// The least false positive rate of a threshold whose recall is at least `recall`: what it costs in false alarms to miss no more
    /// than the rest. No interpolation, as above; 1 where only flagging everything finds so many.
    pub fn false_positive_rate_at_recall(&self, recall: f64) -> f64 {
        let wide = self.points.iter().find(|point| point.true_positive_rate >= recall);
        wide.map_or(1.0, |point| point.false_positive_rate)
    }

    /// The largest precision of a threshold whose recall is at least `recall`.
    pub fn precision_at_recall(&self, recall: f64, base_rate: f64) -> f64 {
        let wide = self.points.iter().filter(|point| point.true_positive_rate >= recall);
        wide.filter_map(|point| point.precision(base_rate)).fold(0.0, f64::max)
    }

    /// The largest recall of a threshold whose precision is at least `precision`; 0 where there is none.
    pub fn recall_at_precision(&self, precision: f64, base_rate: f64) -> f64 {
        let sure = |point: &&OperatingPoint| point.precision(base_rate).is_some_and(|found| found >= precision);
        self.points.iter().filter(sure).map(|point| point.true_positive_rate).fold(0.0, f64::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_by_hand() {
        let detection = Detection::of(&[0.9, 0.8, 0.8, 0.1], &[true, true, false, false]).unwrap();
        let rates: Vec<_> =
            detection.points().iter().map(|p| (p.threshold, p.true_positive_rate, p.false_positive_rate)).collect();
        assert_eq!(rates, [(0.9, 0.5, 0.0), (0.8, 1.0, 0.5), (0.1, 1.0, 1.0)]);
        assert_eq!(detection.true_positive_rate_at(0.0), 0.5);
        assert_eq!(detection.true_positive_rate_at(0.5), 1.0);
        assert_eq!(detection.roc_auc(), 0.875);
        assert!((detection.average_precision(0.5) - (0.5 + 0.5 * 2.0 / 3.0)).abs() < 1e-15);
        assert_eq!(detection.precision_at_recall(0.8, 0.5), 2.0 / 3.0);
        let alarms = [0.0, 0.5, 0.8, 1.0].map(|recall| detection.false_positive_rate_at_recall(recall));
        assert_eq!(alarms, [0.0, 0.0, 0.5, 0.5]);
        assert_eq!(detection.recall_at_precision(0.9, 0.5), 0.5);
    }

    #[test]
    fn a_rarer_positive_costs_precision_only() {
        let detection = Detection::of(&[3.0, 2.0, 1.0], &[true, false, true]).unwrap();
        let point = detection.points()[1];
        assert_eq!(point.precision(0.5), Some(0.5 * 0.5 / (0.5 * 0.5 + 0.5)));
        assert!(point.precision(0.001).unwrap() < 0.001);
        assert_eq!(detection.points()[0].precision(0.001), Some(1.0));
    }

    #[test]
    fn one_kind_alone_is_refused() {
        let error = |positive: &[bool]| Detection::of(&[0.0, 1.0][..positive.len()], positive).unwrap_err();
        assert_eq!(error(&[true, true]), Undefined::OneKind("positive").into());
        assert_eq!(error(&[false]), Undefined::OneKind("negative").into());
        assert_eq!(error(&[]), Undefined::NoTraces.into());
        assert_eq!(Detection::of(&[f64::NAN], &[true]), Err(ScoreError::NotANumber { row: 0 }));
    }
}
