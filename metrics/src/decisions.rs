//! Scores of the decision for the most probable class.

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use crate::truth::support;
use crate::{Probabilities, ScoreError};

/// Share of the traces whose most probable class is the true one; ties go to the first class.
pub fn accuracy(probabilities: &Probabilities, truth: &[usize]) -> Result<f64, ScoreError> {
    top_k_accuracy(probabilities, truth, 1)
}

/// Share of the traces whose true class is among the `k` most probable ones.
///
/// Ties go to the first class, so that `k = 1` is [`accuracy`]. scikit-learn's `top_k_accuracy_score` prefers the *last* of
/// tied classes and so disagrees there with its own `accuracy_score` of the argmax; without ties all agree. `k = 0` gives 0,
/// `k` of the number of classes or more gives 1.
pub fn top_k_accuracy(probabilities: &Probabilities, truth: &[usize], k: usize) -> Result<f64, ScoreError> {
    support(probabilities, truth)?;
    let hits = truth.iter().enumerate().filter(|&(row, &class)| rank(probabilities, row, class) < k).count();
    Ok(hits as f64 / truth.len() as f64)
}

/// How many classes come before `class` in the order of falling probability.
fn rank(probabilities: &Probabilities, row: usize, class: usize) -> usize {
    let values = probabilities.values();
    let own = values[[row, class]];
    values.row(row).iter().enumerate().filter(|&(other, &p)| p > own || (p == own && other < class)).count()
}

/// Traces by true class (row) and most probable class (column), shape `(n_classes, n_classes)`.
pub fn confusion_matrix(probabilities: &Probabilities, truth: &[usize]) -> Result<Array2<u64>, ScoreError> {
    let classes = support(probabilities, truth)?.len();
    let mut matrix = Array2::zeros((classes, classes));
    for (&class, decided) in truth.iter().zip(probabilities.argmax()) {
        matrix[[class, decided]] += 1;
    }
    Ok(matrix)
}

/// Mean over the classes of the share of right decisions among the decisions for a class.
///
/// As with [`macro_recall`] and [`macro_f1`], the mean is over the classes that have a trace: scikit-learn's with
/// `labels=numpy.unique(y_true), zero_division=0.0`. A class that is never decided for counts 0. (scikit-learn's default
/// `labels` also average, as 0, classes that have no trace but are decided for.)
pub fn macro_precision(probabilities: &Probabilities, truth: &[usize]) -> Result<f64, ScoreError> {
    Ok(tally(probabilities, truth)?.macro_precision())
}

/// Mean over the classes that have a trace of the share of a class's traces that are decided right; also known as balanced
/// accuracy.
pub fn macro_recall(probabilities: &Probabilities, truth: &[usize]) -> Result<f64, ScoreError> {
    Ok(tally(probabilities, truth)?.macro_recall())
}

/// Mean over the classes that have a trace of F1, the harmonic mean of precision and recall (0 where both are).
pub fn macro_f1(probabilities: &Probabilities, truth: &[usize]) -> Result<f64, ScoreError> {
    Ok(tally(probabilities, truth)?.macro_f1())
}

/// The class that is recognised worst.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorstClass {
    /// Its name.
    pub class: String,
    /// Share of its traces that are decided right.
    pub recall: f64,
    /// How many traces it has.
    pub traces: u64,
}

/// The class of the smallest recall among those that have a trace; ties go to the first.
pub fn worst_class(probabilities: &Probabilities, truth: &[usize]) -> Result<WorstClass, ScoreError> {
    let tally = tally(probabilities, truth)?;
    let worst = tally.worst().expect("there is a trace, so there is a class that has one");
    Ok(WorstClass {
        class: probabilities.classes().names()[worst].clone(),
        recall: tally.recall(worst),
        traces: tally.support[worst],
    })
}

fn tally(probabilities: &Probabilities, truth: &[usize]) -> Result<Tally, ScoreError> {
    let classes = support(probabilities, truth)?.len();
    Ok(Tally::of(truth, &probabilities.argmax(), classes))
}

/// Decisions counted by class; all that precision, recall and F1 need.
#[derive(Debug, Clone)]
pub(crate) struct Tally {
    /// Traces of the class.
    support: Vec<u64>,
    /// Decisions for the class.
    decided: Vec<u64>,
    /// Right decisions for the class.
    right: Vec<u64>,
}

impl Tally {
    /// Every trace once.
    pub(crate) fn of(truth: &[usize], decisions: &[usize], classes: usize) -> Self {
        Self::weighted(truth, decisions, &vec![1; truth.len()], classes)
    }

    /// Every trace as often as its weight says.
    pub(crate) fn weighted(truth: &[usize], decisions: &[usize], weights: &[u32], classes: usize) -> Self {
        let mut tally = Self { support: vec![0; classes], decided: vec![0; classes], right: vec![0; classes] };
        for ((&class, &decision), &weight) in truth.iter().zip(decisions).zip(weights) {
            let weight = u64::from(weight);
            tally.support[class] += weight;
            tally.decided[decision] += weight;
            if class == decision {
                tally.right[class] += weight;
            }
        }
        tally
    }

    pub(crate) fn accuracy(&self) -> f64 {
        self.right.iter().sum::<u64>() as f64 / self.support.iter().sum::<u64>() as f64
    }

    /// 0 where the class is never decided for.
    pub(crate) fn precision(&self, class: usize) -> f64 {
        ratio_or_zero(self.right[class], self.decided[class])
    }

    /// Only classes that have a trace should be asked.
    pub(crate) fn recall(&self, class: usize) -> f64 {
        ratio_or_zero(self.right[class], self.support[class])
    }

    /// 2 right / (support + decided), which equals the harmonic mean of precision and recall.
    pub(crate) fn f1(&self, class: usize) -> f64 {
        ratio_or_zero(2 * self.right[class], self.support[class] + self.decided[class])
    }

    pub(crate) fn macro_precision(&self) -> f64 {
        self.mean_over_present(|class| self.precision(class))
    }

    pub(crate) fn macro_recall(&self) -> f64 {
        self.mean_over_present(|class| self.recall(class))
    }

    pub(crate) fn macro_f1(&self) -> f64 {
        self.mean_over_present(|class| self.f1(class))
    }

    pub(crate) fn worst(&self) -> Option<usize> {
        // `min_by` returns the first of equals.
        self.present().min_by(|&a, &b| self.recall(a).total_cmp(&self.recall(b)))
    }

    /// The classes that have a trace.
    pub(crate) fn present(&self) -> impl Iterator<Item = usize> {
        (0..self.support.len()).filter(|&class| self.support[class] > 0)
    }

    fn mean_over_present(&self, score: impl Fn(usize) -> f64) -> f64 {
        self.present().map(score).sum::<f64>() / self.present().count() as f64
    }
}

/// scikit-learn's `zero_division=0.0`.
fn ratio_or_zero(numerator: u64, denominator: u64) -> f64 {
    if denominator == 0 { 0.0 } else { numerator as f64 / denominator as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ClassMap;
    use ndarray::array;

    /// Decisions a, a, b, b; nobody decides for c.
    fn three() -> Probabilities {
        let rows = array![[0.6, 0.3, 0.1], [0.5, 0.5, 0.0], [0.0, 0.6, 0.4], [0.2, 0.5, 0.3]];
        Probabilities::new(ClassMap::from_labels(["a", "b", "c"]), rows).unwrap()
    }

    #[test]
    fn by_hand() {
        let truth = [0, 1, 1, 2];
        assert_eq!(accuracy(&three(), &truth).unwrap(), 0.5);
        assert_eq!(confusion_matrix(&three(), &truth).unwrap(), array![[1, 0, 0], [1, 1, 0], [0, 1, 0]]);
        assert_eq!(macro_precision(&three(), &truth).unwrap(), (0.5 + 0.5 + 0.0) / 3.0);
        assert_eq!(macro_recall(&three(), &truth).unwrap(), (1.0 + 0.5 + 0.0) / 3.0);
        assert_eq!(macro_f1(&three(), &truth).unwrap(), (2.0 / 3.0 + 0.5 + 0.0) / 3.0);
        let worst = worst_class(&three(), &truth).unwrap();
        assert_eq!(worst, WorstClass { class: "c".into(), recall: 0.0, traces: 1 });
    }

    #[test]
    fn top_k_from_none_to_all() {
        let truth = [0, 1, 1, 2];
        let by_k: Vec<f64> = (0..=4).map(|k| top_k_accuracy(&three(), &truth, k).unwrap()).collect();
        assert_eq!(by_k, [0.0, 0.5, 1.0, 1.0, 1.0]);
    }

    #[test]
    fn classes_without_a_trace_are_not_averaged() {
        // c has no trace; the decision for b where a is true costs a its recall and b its precision.
        let truth = [0, 0, 0, 1];
        assert_eq!(macro_recall(&three(), &truth).unwrap(), (2.0 / 3.0 + 1.0) / 2.0);
        assert_eq!(macro_precision(&three(), &truth).unwrap(), (1.0 + 0.5) / 2.0);
        assert_eq!(worst_class(&three(), &truth).unwrap().class, "a");
    }

    #[test]
    fn the_first_of_equally_bad_classes_is_the_worst() {
        assert_eq!(worst_class(&three(), &[1, 2, 0, 0]).unwrap().class, "a");
    }

    #[test]
    fn input_that_does_not_fit_is_named() {
        assert_eq!(accuracy(&three(), &[0]), Err(ScoreError::Rows { rows: 4, truth: 1 }));
        assert_eq!(accuracy(&three(), &[0, 1, 3, 0]), Err(ScoreError::Column { row: 2, column: 3, classes: 3 }));
        let none = Probabilities::new(ClassMap::from_labels(["a"]), Array2::zeros((0, 1))).unwrap();
        assert_eq!(accuracy(&none, &[]).unwrap_err().to_string(), "no traces");
    }
}
