//! Areas under the ROC curve.
//!
//! All are counts of pairs: the area of a positive class against a negative one is the share of pairs (positive trace, negative
//! trace) in which the positive has the higher score, a tie counting half (J. A. Hanley, B. J. McNeil: The Meaning and Use
//! of the Area under a Receiver Operating Characteristic (ROC) Curve, Radiology 143, 1982). Counts are whole numbers, twice
//! over for the ties, so that nothing is rounded before the last division.

use crate::truth::{several_true_classes, support, support_of_rows};
use crate::{Probabilities, ScoreError, Undefined};

/// How the areas of classes, or of pairs of classes, become one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Average {
    /// Plain mean.
    Macro,
    /// Mean weighted by the number of traces of the class, or of both classes of the pair.
    Weighted,
}

/// Area under the ROC curve of one score for positive against negative traces, both of shape `(n_traces,)`.
///
/// Scores may be infinite; NaN is refused. Equals scikit-learn's `roc_auc_score` for two classes.
pub fn binary_roc_auc(scores: &[f64], positive: &[bool]) -> Result<f64, ScoreError> {
    let truth: Vec<usize> = positive.iter().map(|&positive| usize::from(positive)).collect();
    match support_of_rows(scores.len(), &truth, 2)?[..] {
        [0, _] => return Err(Undefined::OneKind("positive").into()),
        [_, 0] => return Err(Undefined::OneKind("negative").into()),
        _ => {}
    }
    refuse_nan(scores)?;
    Ok(OneVsRest::new(scores, &truth, 1).area(&vec![1; scores.len()]).expect("traces of both kinds were counted"))
}

/// The area of every class against all others, shape `(n_classes,)`; `None` for classes without a trace.
///
/// The score of a class is its own probability. Undefined where all traces are of one class.
pub fn per_class_auc(probabilities: &Probabilities, truth: &[usize]) -> Result<Vec<Option<f64>>, ScoreError> {
    let support = support(probabilities, truth)?;
    several_true_classes(probabilities.classes(), &support)?;
    let once = vec![1; truth.len()];
    Ok(one_vs_rest(probabilities, truth).iter().map(|column| column.area(&once)).collect())
}

/// The area of every class against all others when *one* score is all there is, such as a single feature; shape
/// `(n_classes,)`, `None` for classes without a trace or with all of them.
///
/// Below 0.5 the class has low values of the score. Infinite scores are fine, NaN is refused.
pub fn per_class_auc_of_score(scores: &[f64], truth: &[usize], classes: usize) -> Result<Vec<Option<f64>>, ScoreError> {
    let support = support_of_rows(scores.len(), truth, classes)?;
    refuse_nan(scores)?;
    // Twice the sum of the (mid)ranks of a class, counted from 1.
    let mut rank_sums = vec![0u64; classes];
    let mut below = 0;
    for tied in rising(scores).chunk_by(|&a, &b| scores[a as usize] == scores[b as usize]) {
        let midrank = 2 * below + tied.len() as u64 + 1;
        for &row in tied {
            rank_sums[truth[row as usize]] += midrank;
        }
        below += tied.len() as u64;
    }
    let area = |(&own, &rank_sum): (&u64, &u64)| {
        let rest = truth.len() as u64 - own;
        let wins = rank_sum - own * (own + 1);
        (own > 0 && rest > 0).then(|| wins as f64 / (2 * own * rest) as f64)
    };
    Ok(support.iter().zip(&rank_sums).map(area).collect())
}

/// The largest mean over `classes` equally frequent classes of max(A, 1 - A), with A the one-vs-rest areas of *one* score: whatever it is,
/// only two classes can be at its ends. With h = floor(L/2) classes told by high values and l = L - h by low ones, each pair of one half shares 1 and
/// each pair across has 2: (h(h - 1)/2 + l(l - 1)/2 + 2hl) / (L(L - 1)). 1 for two classes, 0.75 for many; 0.5 for one.
pub fn ceiling_of_one_score(classes: usize) -> f64 {
    if classes < 2 {
        return 0.5;
    }
    let (high, all) = ((classes / 2) as f64, classes as f64);
    let low = all - high;
    (high * (high - 1.0) / 2.0 + low * (low - 1.0) / 2.0 + 2.0 * high * low) / (all * (all - 1.0))
}

/// One-vs-rest area: the average of [`per_class_auc`] over the classes that have a trace.
///
/// Equals scikit-learn's `roc_auc_score(multi_class="ovr")` where no class is absent, which scikit-learn does not score.
pub fn roc_auc_ovr(probabilities: &Probabilities, truth: &[usize], average: Average) -> Result<f64, ScoreError> {
    let areas = per_class_auc(probabilities, truth)?;
    Ok(average_ovr(&areas, &support(probabilities, truth)?, average))
}

/// The average of the areas that are there.
pub(crate) fn average_ovr(areas: &[Option<f64>], support: &[u64], average: Average) -> f64 {
    let defined = areas.iter().zip(support).filter_map(|(&area, &traces)| Some((area?, traces)));
    mean(defined.map(|(area, traces)| (area, average.weight(traces))))
}

/// One-vs-one area: the average, over all pairs of classes that have traces, of the area of either class against the other
/// by the probability of the first and by that of the second.
///
/// D. J. Hand, R. J. Till: A Simple Generalisation of the Area Under the ROC Curve for Multiple Class Classification Problems,
/// Machine Learning 45, 2001. Weighted by the traces of a pair as scikit-learn's
/// `roc_auc_score(multi_class="ovo", average="weighted")`. Undefined where all traces are of one class.
pub fn roc_auc_ovo(probabilities: &Probabilities, truth: &[usize], average: Average) -> Result<f64, ScoreError> {
    let support = support(probabilities, truth)?;
    several_true_classes(probabilities.classes(), &support)?;
    Ok(average_ovo(&wins_by_rival(probabilities, truth), &support, average))
}

/// The average over the pairs of classes that have traces, from [`wins_by_rival`].
pub(crate) fn average_ovo(wins: &[Vec<u64>], support: &[u64], average: Average) -> f64 {
    let present: Vec<usize> = (0..support.len()).filter(|&class| support[class] > 0).collect();
    let pairs = present.iter().enumerate().flat_map(|(index, &a)| present[index + 1..].iter().map(move |&b| (a, b)));
    mean(pairs.map(|(a, b)| {
        // (A(a|b) + A(b|a)) / 2, each with the 2 of its doubled wins.
        let area = (wins[a][b] + wins[b][a]) as f64 / (4 * support[a] * support[b]) as f64;
        (area, average.weight(support[a] + support[b]))
    }))
}

/// Twice the wins of every class over every other, shape `(n_classes, n_classes)`: of the pairs (trace of the row's class,
/// trace of the column's class), how often the first has the higher probability *of the row's class*; a tie counts 1 of 2.
pub(crate) fn wins_by_rival(probabilities: &Probabilities, truth: &[usize]) -> Vec<Vec<u64>> {
    let classes = probabilities.classes().len();
    let wins_of = |class: usize| {
        let scores = column(probabilities, class);
        let mut wins = vec![0; classes];
        // Of the class's own traces: those ranked above the current tie.
        let mut above = 0;
        for tied in rising(&scores).chunk_by(|&a, &b| scores[a as usize] == scores[b as usize]).rev() {
            let own = tied.iter().filter(|&&row| truth[row as usize] == class).count() as u64;
            for &row in tied {
                wins[truth[row as usize]] += 2 * above + own;
            }
            above += own;
        }
        wins
    };
    (0..classes).map(wins_of).collect()
}

impl Average {
    fn weight(self, traces: u64) -> f64 {
        match self {
            Self::Macro => 1.0,
            Self::Weighted => traces as f64,
        }
    }
}

fn mean(weighted: impl Iterator<Item = (f64, f64)>) -> f64 {
    let (sum, weights) = weighted.fold((0.0, 0.0), |(sum, weights), (x, weight)| (sum + x * weight, weights + weight));
    sum / weights
}

/// One class against the rest, sorted once by the probability of the class, so that areas under any weights of the traces
/// need no sorting: what makes the bootstrap fast.
#[derive(Debug, Clone)]
pub(crate) struct OneVsRest {
    /// Rows by rising score; in a tie the positives come first.
    order: Vec<u32>,
    /// The ties that hold a positive, rising. Between them are negatives only.
    ties: Vec<Tie>,
}

/// Rows of equal score: `order[start..middle]` are positive, `order[middle..end]` negative.
#[derive(Debug, Clone)]
struct Tie {
    start: usize,
    middle: usize,
    end: usize,
}

impl OneVsRest {
    /// `scores` must not hold NaN.
    fn new(scores: &[f64], truth: &[usize], class: usize) -> Self {
        let mut order = rising(scores);
        let mut ties = Vec::new();
        let mut start = 0;
        for tied in order.chunk_by_mut(|&a, &b| scores[a as usize] == scores[b as usize]) {
            tied.sort_by_key(|&row| truth[row as usize] != class);
            let positives = tied.partition_point(|&row| truth[row as usize] == class);
            let end = start + tied.len();
            if positives > 0 {
                ties.push(Tie { start, middle: start + positives, end });
            }
            start = end;
        }
        Self { order, ties }
    }

    /// The area with every trace counted as often as its weight says; `None` without weight on both sides.
    pub(crate) fn area(&self, weights: &[u32]) -> Option<f64> {
        let weight_of = |rows: &[u32]| rows.iter().map(|&row| u64::from(weights[row as usize])).sum::<u64>();
        let (mut wins, mut positives, mut negatives_below) = (0, 0, 0);
        let mut done = 0;
        for tie in &self.ties {
            negatives_below += weight_of(&self.order[done..tie.start]);
            let winners = weight_of(&self.order[tie.start..tie.middle]);
            let tied = weight_of(&self.order[tie.middle..tie.end]);
            wins += winners * (2 * negatives_below + tied);
            positives += winners;
            negatives_below += tied;
            done = tie.end;
        }
        let negatives = negatives_below + weight_of(&self.order[done..]);
        (positives > 0 && negatives > 0).then(|| wins as f64 / (2 * positives * negatives) as f64)
    }
}

/// Every class against the rest, in column order.
pub(crate) fn one_vs_rest(probabilities: &Probabilities, truth: &[usize]) -> Vec<OneVsRest> {
    let one = |class| OneVsRest::new(&column(probabilities, class), truth, class);
    (0..probabilities.classes().len()).map(one).collect()
}

fn column(probabilities: &Probabilities, class: usize) -> Vec<f64> {
    probabilities.values().column(class).to_vec()
}

fn refuse_nan(scores: &[f64]) -> Result<(), ScoreError> {
    scores.iter().position(|score| score.is_nan()).map_or(Ok(()), |row| Err(ScoreError::NotANumber { row }))
}

/// Rows by rising score; `u32` halves the memory that the bootstrap sweeps.
fn rising(scores: &[f64]) -> Vec<u32> {
    let rows = u32::try_from(scores.len()).expect("fewer than 2^32 traces");
    let mut order: Vec<u32> = (0..rows).collect();
    let score = |row: u32| scores[row as usize];
    order.sort_by(|&a, &b| score(a).partial_cmp(&score(b)).expect("probabilities and checked scores are not NaN"));
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ClassMap;
    use ndarray::{Array2, array};

    fn of(rows: Array2<f64>) -> Probabilities {
        Probabilities::new(ClassMap::from_labels((0..rows.ncols()).map(|class| class.to_string())), rows).unwrap()
    }

    #[test]
    fn pairs_by_hand() {
        // Positives 3 and 1 against negatives 2 and 1: wins 2, ties 1, of 4.
        let positive = [true, false, true, false];
        assert_eq!(binary_roc_auc(&[3.0, 2.0, 1.0, 1.0], &positive), Ok(2.5 / 4.0));
        assert_eq!(binary_roc_auc(&[0.0, -0.0, -0.0, 0.0], &positive), Ok(0.5));
        assert_eq!(binary_roc_auc(&[f64::INFINITY, 1.0, 2.0, f64::NEG_INFINITY], &positive), Ok(1.0));
    }

    #[test]
    fn what_cannot_be_ranked_is_refused() {
        assert_eq!(binary_roc_auc(&[1.0, f64::NAN], &[true, false]), Err(ScoreError::NotANumber { row: 1 }));
        assert_eq!(binary_roc_auc(&[1.0], &[true]), Err(Undefined::OneKind("positive").into()));
        assert_eq!(binary_roc_auc(&[1.0], &[false]), Err(Undefined::OneKind("negative").into()));
        assert_eq!(binary_roc_auc(&[], &[]), Err(Undefined::NoTraces.into()));
        assert_eq!(binary_roc_auc(&[1.0], &[]), Err(ScoreError::Rows { rows: 1, truth: 0 }));
    }

    #[test]
    fn one_score_for_all_classes_is_every_binary_area() {
        let scores = [0.5, 2.0, 2.0, -1.0, 0.5, 7.0, 0.5];
        let truth = [0, 1, 2, 0, 2, 1, 1];
        let areas = per_class_auc_of_score(&scores, &truth, 4).unwrap();
        for (class, &area) in areas.iter().enumerate().take(3) {
            assert_eq!(area, binary_roc_auc(&scores, &truth.map(|other| other == class)).ok());
        }
        assert_eq!(areas[3], None);
        assert_eq!(per_class_auc_of_score(&[1.0, 2.0], &[0, 0], 2), Ok(vec![None, None]));
    }

    #[test]
    fn an_absent_class_is_skipped() {
        let probabilities = of(array![[0.8, 0.2, 0.0], [0.1, 0.9, 0.0], [0.3, 0.4, 0.3]]);
        let truth = [0, 1, 1];
        assert_eq!(per_class_auc(&probabilities, &truth), Ok(vec![Some(1.0), Some(1.0), None]));
        assert_eq!(roc_auc_ovr(&probabilities, &truth, Average::Macro), Ok(1.0));
        assert_eq!(roc_auc_ovo(&probabilities, &truth, Average::Weighted), Ok(1.0));
    }

    #[test]
    fn one_class_has_no_area() {
        let probabilities = of(array![[0.8, 0.2], [0.1, 0.9]]);
        let expected = ScoreError::Undefined(Undefined::OneTrueClass("1".into()));
        for average in [Average::Macro, Average::Weighted] {
            assert_eq!(roc_auc_ovr(&probabilities, &[1, 1], average), Err(expected.clone()));
            assert_eq!(roc_auc_ovo(&probabilities, &[1, 1], average), Err(expected.clone()));
        }
    }

    #[test]
    fn weights_count_as_copies() {
        let scores = [0.1, 0.4, 0.4, 0.8, 0.3];
        let truth = [0, 1, 0, 1, 0];
        let weights = [2, 0, 3, 1, 1];
        let copies: Vec<usize> = (0..5).flat_map(|row| std::iter::repeat_n(row, weights[row] as usize)).collect();
        let copied_scores: Vec<f64> = copies.iter().map(|&row| scores[row]).collect();
        let copied_truth: Vec<bool> = copies.iter().map(|&row| truth[row] == 1).collect();
        let area = OneVsRest::new(&scores, &truth, 1).area(&weights);
        assert_eq!(area, binary_roc_auc(&copied_scores, &copied_truth).ok());
        assert_eq!(OneVsRest::new(&scores, &truth, 1).area(&[1, 0, 1, 0, 1]), None);
    }

    #[test]
    fn one_score_cannot_part_many_classes() {
        for classes in 2..9 {
            // Classes one after the other, three traces each.
            let truth: Vec<usize> = (0..3 * classes).map(|row| row / 3).collect();
            let scores: Vec<f64> = (0..3 * classes).map(|row| row as f64).collect();
            let areas = per_class_auc_of_score(&scores, &truth, classes).unwrap();
            let either = areas.iter().map(|area| area.unwrap().max(1.0 - area.unwrap())).sum::<f64>() / classes as f64;
            assert!((either - ceiling_of_one_score(classes)).abs() < 1e-12, "{classes}: {either}");
        }
        assert_eq!((ceiling_of_one_score(1), ceiling_of_one_score(2)), (0.5, 1.0));
        assert!((ceiling_of_one_score(100) - 0.7525).abs() < 1e-4);
    }
}
