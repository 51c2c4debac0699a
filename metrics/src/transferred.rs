//! Thresholds chosen on some traces and tried on others.

use serde::{Deserialize, Serialize};

use crate::Interval;
use crate::detection::Detection;

/// Rates of flagging traces by a threshold that was chosen on other traces: on a ROC curve of the tested traces, the threshold is picked with the
/// answers in sight, which no attacker has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Transferred {
    /// The false positive rate that the threshold was chosen to keep, on the other traces.
    pub chosen_for_fpr: f64,
    /// The threshold of each part; none where it had to flag nothing. Not in reports.
    #[serde(skip)]
    pub thresholds: Vec<Option<f64>>,
    /// Flagged positives / positives, over all parts.
    pub true_positive_rate: f64,
    /// Its 95 % interval by Wilson's formula.
    pub true_positive_rate_95: Interval,
    /// Flagged negatives / negatives, over all parts: what became of the rate that the threshold was chosen for.
    pub false_positive_rate: f64,
    /// Its 95 % interval by Wilson's formula, over the independent negatives.
    pub false_positive_rate_95: Interval,
    /// Positives among the flagged; absent where nothing is flagged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precision: Option<f64>,
}

impl Transferred {
    /// Flags each of the parts (numbered from 0, `part` has that of each trace) with the lowest threshold that flags a share of at most `limit` of the negatives
    /// of all other parts. `independent` are numbers of positives and negatives that count for the intervals, such as loads and pages.
    ///
    /// `None` with fewer than two parts, or where some part has no positives or negatives outside of it, or a score is NaN.
    ///
    /// # Panics
    /// If there are not as many scores, truths and parts.
    pub fn of(
        scores: &[f64],
        positive: &[bool],
        part: &[usize],
        limit: f64,
        independent: (usize, usize),
    ) -> Option<Self> {
        assert!(scores.len() == positive.len() && positive.len() == part.len(), "a truth and a part for every score");
        let parts = part.iter().max().map_or(0, |last| last + 1);
        if parts < 2 {
            return None;
        }
        let mut thresholds = Vec::with_capacity(parts);
        for number in 0..parts {
            let others = || (0..scores.len()).filter(|&row| part[row] != number);
            let other_scores: Vec<f64> = others().map(|row| scores[row]).collect();
            let other_truth: Vec<bool> = others().map(|row| positive[row]).collect();
            let detection = Detection::of(&other_scores, &other_truth).ok()?;
            let careful = detection.points().iter().take_while(|point| point.false_positive_rate <= limit);
            thresholds.push(careful.last().map(|point| point.threshold));
        }
        let flagged = |row: usize| thresholds[part[row]].is_some_and(|threshold| scores[row] >= threshold);
        let count = |kind: bool, only_flagged: bool| {
            (0..scores.len()).filter(|&row| positive[row] == kind && (!only_flagged || flagged(row))).count() as f64
        };
        let (right, wrong) = (count(true, true), count(false, true));
        let (tpr, fpr) = (right / count(true, false), wrong / count(false, false));
        Some(Self {
            chosen_for_fpr: limit,
            thresholds,
            true_positive_rate: tpr,
            true_positive_rate_95: Interval::of_share(tpr, independent.0 as f64),
            false_positive_rate: fpr,
            false_positive_rate_95: Interval::of_share(fpr, independent.1 as f64),
            precision: (right + wrong > 0.0).then(|| right / (right + wrong)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_is_that_of_the_other_parts() {
        // In part 0 the negatives reach 0.4, in part 1 they reach 0.7.
        let scores = [0.9, 0.5, 0.4, 0.1, 0.8, 0.6, 0.7, 0.2];
        let positive = [true, true, false, false, true, true, false, false];
        let part = [0, 0, 0, 0, 1, 1, 1, 1];
        let found = Transferred::of(&scores, &positive, &part, 0.0, (4, 4)).unwrap();
        // Part 0 is flagged from 0.8 on (0.6 lies below a negative of part 1), part 1 from 0.5 on.
        assert_eq!(found.thresholds, [Some(0.8), Some(0.5)]);
        assert_eq!((found.true_positive_rate, found.false_positive_rate), (0.75, 0.25));
        assert_eq!(found.precision, Some(0.75));
        assert!(found.false_positive_rate_95.contains(0.25) && found.false_positive_rate_95.high < 0.75);
    }

    #[test]
    fn a_threshold_may_have_to_flag_nothing() {
        let scores = [0.1, 0.9, 0.1, 0.9];
        let found = Transferred::of(&scores, &[true, false, true, false], &[0, 0, 1, 1], 0.1, (2, 2)).unwrap();
        assert_eq!((found.thresholds, found.true_positive_rate), (vec![None, None], 0.0));
        assert_eq!(found.precision, None);
        assert_eq!(Transferred::of(&scores, &[true, false, true, false], &[0; 4], 0.1, (2, 2)), None);
    }
}
