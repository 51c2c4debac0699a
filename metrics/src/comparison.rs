//! Attacks on the same traces: whether one is better.

use serde::{Deserialize, Serialize};

use crate::Interval;
use crate::distributions::{Z_95, student_t_95, student_t_two_sided};
use crate::units::numbered;

/// A paired test of two attacks.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PairedTest {
    /// Mean of the first minus the second.
    pub mean_difference: f64,
    /// The statistic; 0 where there is no difference at all, infinite where the difference never varies.
    pub statistic: f64,
    /// Probability of a difference at least as large, in either direction, were both attacks equally good.
    pub p_value: f64,
    /// 95 % interval of the difference, for this test alone; absent where the difference never varies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval_95: Option<Interval>,
}

/// The corrected resampled t-test: C. Nadeau, Y. Bengio, "Inference for the generalization error", Machine Learning 52, 2003.
///
/// `differences` are those of one score on the same folds; `test_over_train` is the number of tested by the number of
/// training traces of a fold, 1/(k - 1) with k folds. Training parts overlap, so the variance of the mean is
/// s^2 (1/J + test/train) rather than s^2/J; J - 1 degrees of freedom. `None` with fewer than two folds.
pub fn corrected_resampled_t_test(differences: &[f64], test_over_train: f64) -> Option<PairedTest> {
    let folds = differences.len() as f64;
    if folds < 2.0 {
        return None;
    }
    let mean = differences.iter().sum::<f64>() / folds;
    let variance = differences.iter().map(|difference| (difference - mean).powi(2)).sum::<f64>() / (folds - 1.0);
    let error = (variance * (1.0 / folds + test_over_train)).sqrt();
    let statistic = if mean == 0.0 { 0.0 } else { mean / error };
    let half = student_t_95(folds - 1.0) * error;
    Some(PairedTest {
        mean_difference: mean,
        statistic,
        p_value: student_t_two_sided(statistic, folds - 1.0),
        interval_95: (half > 0.0).then_some(Interval { low: mean - half, high: mean + half }),
    })
}

/// A mean and Student's interval of it: mean -/+ t s / sqrt(n), where t is exceeded either way with probability 0.05 at n - 1 degrees of freedom.
/// `None` with fewer than two values; the mean twice where they are all equal.
pub fn mean_interval_95(values: &[f64]) -> Option<Interval> {
    let n = values.len() as f64;
    if n < 2.0 {
        return None;
    }
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0);
    let half = student_t_95(n - 1.0) * (variance / n).sqrt();
    Some(Interval { low: mean - half, high: mean + half })
}

/// The exact test of Q. McNemar, "Note on the sampling error of the difference between correlated proportions or
/// percentages", Psychometrika 12, 1947, on which traces each attack decides right; the mean difference is that of the
/// accuracies, the statistic the share of the discordant traces that the first has right (0.5 where there is none), the interval that of
/// A. Agresti, Y. Min, "Simple improved confidence intervals for comparing matched proportions", Statistics in Medicine 24, 2005.
///
/// It takes traces as independent, and so says nothing of the chance of training; under cross-validation, where they are
/// not, prefer [`corrected_resampled_t_test`].
///
/// # Panics
/// If there are not as many of the one as of the other.
pub fn mcnemar_test(first_right: &[bool], second_right: &[bool]) -> PairedTest {
    let every_row: Vec<usize> = (0..first_right.len()).collect();
    mcnemar_test_by_group(first_right, second_right, &every_row)
}

/// [`mcnemar_test`] where traces are copies of each other: `groups`, shape `(n_traces,)`, numbers the origins, and each origin counts once, for
/// the attack that decides more of its traces right, or for none. The mean difference is that over origins.
///
/// # Panics
/// If there are not as many decisions of the one as of the other, and groups.
pub fn mcnemar_test_by_group(first_right: &[bool], second_right: &[bool], groups: &[usize]) -> PairedTest {
    assert_eq!(first_right.len(), second_right.len(), "decisions of both attacks");
    assert_eq!(first_right.len(), groups.len(), "decisions and groups");
    let (group_of, n) = numbered(groups);
    let (mut difference, mut traces) = (vec![0.0; n], vec![0.0; n]);
    for ((&a, &b), &group) in first_right.iter().zip(second_right).zip(&group_of) {
        difference[group] += f64::from(u8::from(a)) - f64::from(u8::from(b));
        traces[group] += 1.0;
    }
    let first = difference.iter().filter(|&&sum| sum > 0.0).count();
    let second = difference.iter().filter(|&&sum| sum < 0.0).count();
    let discordant = first + second;
    let of_group = || difference.iter().zip(&traces).map(|(sum, traces)| sum / traces);
    let sum: f64 = of_group().sum();
    // Half a group for either attack is added.
    let more = n as f64 + 2.0;
    let centre = sum / more;
    let variance = (of_group().map(|share| share * share).sum::<f64>() + 1.0) / more - centre * centre;
    let half = Z_95 * (variance / more).sqrt();
    PairedTest {
        mean_difference: sum / n.max(1) as f64,
        statistic: if discordant == 0 { 0.5 } else { first as f64 / discordant as f64 },
        p_value: binomial_two_sided(first.min(second), discordant),
        interval_95: Some(Interval { low: (centre - half).max(-1.0), high: (centre + half).min(1.0) }),
    }
}

/// p-values of several tests as if there were but one: S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian
/// Journal of Statistics 6, 1979. In the order given; each at most 1. Whichever tests have nothing to find, with probability 0.95 none of
/// those comes out below 0.05.
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    let mut corrected = vec![0.0; p_values.len()];
    let mut largest = 0.0f64;
    for (rank, &test) in order.iter().enumerate() {
        largest = largest.max((p_values.len() - rank) as f64 * p_values[test]).min(1.0);
        corrected[test] = largest;
    }
    corrected
}

/// The decisions of one attack on traces that others decide too.
#[derive(Debug, Clone, PartialEq)]
pub struct Contestant {
    /// Name of the attack.
    pub attack: String,
    /// Whether each trace is decided right, shape `(n_traces,)`.
    pub right: Vec<bool>,
}

/// How the traces were split, which tests need to know.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rounds<'a> {
    /// The places of the traces that each fold tested.
    pub tested_in: &'a [Vec<usize>],
    /// Tested by training traces of a fold.
    pub test_over_train: f64,
    /// A number of its origin for every trace; none where each is its own.
    pub groups: Option<&'a [usize]>,
}

/// Two attacks on the same traces, among several such comparisons.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The first attack.
    pub first: String,
    /// The second.
    pub second: String,
    /// Accuracy of the first less that of the second.
    pub difference: f64,
    /// Its 95 % interval, for this comparison alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval_95: Option<Interval>,
    /// Which test it is: [`corrected_resampled_t_test`] over two folds or more, [`mcnemar_test_by_group`] otherwise and where the
    /// folds all differ by the same, which the former takes for certainty.
    pub test: String,
    /// See [`PairedTest::p_value`].
    pub p_value: f64,
    /// As corrected for all comparisons, see [`holm`].
    pub p_holm: f64,
    /// How many comparisons that are.
    pub comparisons: u64,
}

impl Comparison {
    /// One attack with each of the others.
    pub fn against(one: &Contestant, others: &[Contestant], rounds: Rounds<'_>) -> Vec<Self> {
        corrected(others.iter().map(|other| compare(one, other, rounds)).collect())
    }

    /// Every attack with every one after it.
    pub fn of_all_pairs(contestants: &[Contestant], rounds: Rounds<'_>) -> Vec<Self> {
        let after = |place: usize| contestants[place + 1..].iter().map(move |other| (&contestants[place], other));
        let pairs = (0..contestants.len()).flat_map(after);
        corrected(pairs.map(|(one, other)| compare(one, other, rounds)).collect())
    }

    /// The same, the second compared with the first.
    pub fn reversed(self) -> Self {
        Self {
            first: self.second,
            second: self.first,
            difference: -self.difference,
            interval_95: self.interval_95.map(|Interval { low, high }| Interval { low: -high, high: -low }),
            ..self
        }
    }

    /// Whether chance alone makes such a difference in fewer than 5 % of such families of comparisons.
    pub fn is_shown(&self) -> bool {
        self.p_holm < 0.05
    }
}

/// What was measured, and nothing of why.
impl std::fmt::Display for Comparison {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.is_shown(), self.difference > 0.0) {
            (true, true) => f.write_str("better: ")?,
            (true, false) => f.write_str("worse: ")?,
            (false, _) => f.write_str("no difference shown: ")?,
        }
        write!(f, "{:+.4}", self.difference)?;
        if let Some(Interval { low, high }) = self.interval_95 {
            write!(f, " [{low:+.4}, {high:+.4}]")?;
        }
        match self.p_holm {
            ..0.001 => f.write_str(", p < 0.001"),
            p => write!(f, ", p = {p:.3}"),
        }
    }
}

fn compare(first: &Contestant, second: &Contestant, rounds: Rounds<'_>) -> Comparison {
    let accuracy = |one: &Contestant, places: &[usize]| {
        places.iter().filter(|&&place| one.right[place]).count() as f64 / places.len() as f64
    };
    let tested = rounds.tested_in.iter().filter(|places| !places.is_empty());
    let differences: Vec<f64> = tested.map(|places| accuracy(first, places) - accuracy(second, places)).collect();
    let varies = |test: &PairedTest| test.interval_95.is_some();
    let (test, name) = match corrected_resampled_t_test(&differences, rounds.test_over_train).filter(varies) {
        Some(test) => (test, "corrected resampled t-test over folds"),
        None => {
            let every_row: Vec<usize> = (0..first.right.len()).collect();
            let groups = rounds.groups.unwrap_or(&every_row);
            (mcnemar_test_by_group(&first.right, &second.right, groups), "McNemar's test over origins")
        }
    };
    Comparison {
        first: first.attack.clone(),
        second: second.attack.clone(),
        difference: test.mean_difference,
        interval_95: test.interval_95,
        test: name.to_owned(),
        p_value: test.p_value,
        p_holm: test.p_value,
        comparisons: 1,
    }
}

fn corrected(mut comparisons: Vec<Comparison>) -> Vec<Comparison> {
    let p_values: Vec<f64> = comparisons.iter().map(|comparison| comparison.p_value).collect();
    let all = comparisons.len() as u64;
    for (comparison, p_holm) in comparisons.iter_mut().zip(holm(&p_values)) {
        (comparison.p_holm, comparison.comparisons) = (p_holm, all);
    }
    comparisons
}

/// 2 P(X <= few), at most 1, for X the heads among `n` fair coins.
fn binomial_two_sided(few: usize, n: usize) -> f64 {
    let mut log_choose = 0.0;
    let mut tail = 0.0;
    for k in 0..=few {
        if k > 0 {
            log_choose += ((n - k + 1) as f64 / k as f64).ln();
        }
        tail += (log_choose - n as f64 * std::f64::consts::LN_2).exp();
    }
    (2.0 * tail).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attacks_that_never_differ_are_not_told_apart() {
        let test = corrected_resampled_t_test(&[0.0; 5], 0.25).unwrap();
        assert_eq!((test.statistic, test.p_value), (0.0, 1.0));
        assert_eq!(corrected_resampled_t_test(&[0.1], 0.25), None);
        assert_eq!(corrected_resampled_t_test(&[0.5; 5], 0.25).unwrap().p_value, 0.0);
        assert_eq!(mcnemar_test(&[true, false], &[true, false]).p_value, 1.0);
        assert_eq!(mcnemar_test(&[], &[]).p_value, 1.0);
    }

    #[test]
    fn one_and_two_degrees_of_freedom_have_closed_forms() {
        for t in [0.1f64, 1.0, 3.0, 40.0] {
            let cauchy = 1.0 - 2.0 / std::f64::consts::PI * t.atan();
            assert!((student_t_two_sided(t, 1.0) - cauchy).abs() < 1e-13, "{t}");
            let two = 1.0 - t / (2.0 + t * t).sqrt();
            assert!((student_t_two_sided(t, 2.0) - two).abs() < 1e-13, "{t}");
        }
    }

    /// Quantiles: SciPy 1.17.0, `scipy.stats.t.ppf(0.975, [1, 2, 4, 30])`.
    #[test]
    fn a_mean_has_students_interval() {
        for (freedom, t) in [
            (1.0, 12.706_204_736_432_095),
            (2.0, 4.302_652_729_911_275),
            (4.0, 2.776_445_105_198_054),
            (30.0, 2.042_272_456_301_238),
        ] {
            assert!((student_t_95(freedom) - t).abs() < 1e-9, "{freedom}");
        }
        // Mean 2, deviation 1, of three.
        let interval = mean_interval_95(&[1.0, 2.0, 3.0]).unwrap();
        assert!((interval.high - 2.0 - 4.302_652_729_911_275 / 3f64.sqrt()).abs() < 1e-9, "{interval:?}");
        assert_eq!(mean_interval_95(&[0.25; 4]), Some(Interval { low: 0.25, high: 0.25 }));
        assert_eq!(mean_interval_95(&[1.0]), None);
    }

    #[test]
    fn five_against_none_by_hand() {
        let test = mcnemar_test(&[true; 5], &[false; 5]);
        assert!((test.p_value - 2.0 / 32.0).abs() < 1e-15);
        assert_eq!((test.statistic, test.mean_difference), (1.0, 1.0));
    }

    /// R 4: `p.adjust(c(0.01, 0.04, 0.03, 0.005, 0.8), "holm")`.
    #[test]
    fn holm_as_in_r() {
        let corrected = holm(&[0.01, 0.04, 0.03, 0.005, 0.8]);
        for (found, expected) in corrected.iter().zip([0.04, 0.09, 0.09, 0.025, 0.8]) {
            assert!((found - expected).abs() < 1e-15, "{corrected:?}");
        }
        assert_eq!(holm(&[]), Vec::<f64>::new());
    }

    #[test]
    fn copies_of_a_load_count_once() {
        let (first, second) = ([true; 8], [true, true, false, false, false, false, false, false]);
        assert!(mcnemar_test(&first, &second).p_value < 0.05);
        let by_origin = mcnemar_test_by_group(&first, &second, &[0, 0, 1, 1, 1, 2, 2, 2]);
        assert_eq!(by_origin.p_value, 0.5);
        assert!((by_origin.mean_difference - 2.0 / 3.0).abs() < 1e-15);
    }

    /// Attacks that differ by chance alone: the more of them are compared, the more often one seems better, unless corrected.
    #[test]
    fn ten_equal_attacks_are_rarely_told_apart() {
        use crate::seed::mix;
        let folds: Vec<Vec<usize>> = (0..5).map(|fold| (0..200).filter(|place| place % 5 == fold).collect()).collect();
        let rounds = Rounds { tested_in: &folds, test_over_train: 0.25, groups: None };
        let (mut alone, mut corrected) = (0, 0);
        for round in 0..200 {
            let contestant = |attack: u64| Contestant {
                attack: attack.to_string(),
                right: (0..200).map(|row| mix(mix(round, attack), row) % 10 < 7).collect(),
            };
            let all: Vec<Contestant> = (0..10).map(contestant).collect();
            let pairs = Comparison::of_all_pairs(&all, rounds);
            assert_eq!(pairs.len(), 45);
            alone += u32::from(pairs.iter().any(|pair| pair.p_value < 0.05));
            corrected += u32::from(pairs.iter().any(Comparison::is_shown));
        }
        assert!(corrected <= 10 && alone > 60, "{corrected} and {alone} of 200");
    }

    #[test]
    fn what_is_told_is_what_was_measured() {
        let right = |wrong: usize| (0..100).map(|row| row % 100 >= wrong).collect::<Vec<bool>>();
        let contestant = |attack: &str, wrong| Contestant { attack: attack.to_owned(), right: right(wrong) };
        let one_split = [(0..100).collect::<Vec<usize>>()];
        let rounds = Rounds { tested_in: &one_split, test_over_train: 1.0, groups: None };
        let told = Comparison::against(&contestant("a", 10), &[contestant("b", 60), contestant("c", 11)], rounds);
        assert!(told[0].to_string().starts_with("better: +0.5000 [+0."), "{}", told[0]);
        assert!(told[1].to_string().starts_with("no difference shown: +0.0100 [-0."), "{}", told[1]);
        assert!(told[0].clone().reversed().to_string().starts_with("worse: -0.5000 [-0."), "{}", told[0]);
        assert_eq!((told[0].comparisons, told[0].test.as_str()), (2, "McNemar's test over origins"));
        // Folds that all differ by the same are no proof.
        let folds = [vec![0, 1], vec![2, 3]];
        let rounds = Rounds { tested_in: &folds, ..rounds };
        let of = |right: [bool; 4]| Contestant { attack: "x".to_owned(), right: right.to_vec() };
        let told = Comparison::against(&of([true; 4]), &[of([true, false, true, false])], rounds);
        assert!(!told[0].is_shown(), "{told:?}");
    }
}
