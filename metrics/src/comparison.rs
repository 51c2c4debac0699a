//! Two attacks on the same traces: whether one is better.

use serde::{Deserialize, Serialize};

use crate::Interval;

/// A paired test of two attacks.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PairedTest {
    /// Mean of the first minus the second.
    pub mean_difference: f64,
    /// The statistic; 0 where there is no difference at all, infinite where the difference never varies.
    pub statistic: f64,
    /// Probability of a difference at least as large, in either direction, were both attacks equally good.
    pub p_value: f64,
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
    Some(PairedTest { mean_difference: mean, statistic, p_value: student_t_two_sided(statistic, folds - 1.0) })
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

/// What |T| exceeds with probability 0.05, by bisection.
fn student_t_95(freedom: f64) -> f64 {
    let (mut low, mut high) = (1.0, 16.0); // 1.96 with infinitely many degrees of freedom, 12.7 with one
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        if student_t_two_sided(middle, freedom) > 0.05 { low = middle } else { high = middle }
    }
    (low + high) / 2.0
}

/// The exact test of Q. McNemar, "Note on the sampling error of the difference between correlated proportions or
/// percentages", Psychometrika 12, 1947, on which traces each attack decides right; the mean difference is that of the
/// accuracies, the statistic the share of the discordant traces that the first has right (0.5 where there is none).
///
/// It takes traces as independent, and so says nothing of the chance of training; under cross-validation, where they are
/// not, prefer [`corrected_resampled_t_test`].
///
/// # Panics
/// If there are not as many of the one as of the other.
pub fn mcnemar_test(first_right: &[bool], second_right: &[bool]) -> PairedTest {
    assert_eq!(first_right.len(), second_right.len(), "decisions of both attacks");
    let pairs = || first_right.iter().zip(second_right);
    let first = pairs().filter(|&(&a, &b)| a && !b).count();
    let second = pairs().filter(|&(&a, &b)| b && !a).count();
    let discordant = first + second;
    let mean_difference = (first as f64 - second as f64) / first_right.len().max(1) as f64;
    let statistic = if discordant == 0 { 0.5 } else { first as f64 / discordant as f64 };
    PairedTest { mean_difference, statistic, p_value: binomial_two_sided(first.min(second), discordant) }
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

/// P(|T| >= |t|) for Student's t: I_{v/(v + t^2)}(v/2, 1/2).
fn student_t_two_sided(t: f64, freedom: f64) -> f64 {
    if t.is_infinite() {
        return 0.0;
    }
    incomplete_beta(freedom / 2.0, 0.5, freedom / (freedom + t * t))
}

/// The regularised incomplete beta function by its continued fraction (NIST Digital Library of Mathematical Functions,
/// 8.17.22), evaluated as J. Lentz's method does.
fn incomplete_beta(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return x.clamp(0.0, 1.0);
    }
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - incomplete_beta(b, a, 1.0 - x);
    }
    let front = (a * x.ln() + b * (1.0 - x).ln() + ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b)).exp() / a;
    let (mut c, mut d) = (1.0, 1.0 / (1.0 - (a + b) * x / (a + 1.0)));
    let mut fraction = d;
    for m in 1..500 {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let before = fraction;
        for term in [even, odd] {
            d = 1.0 / (1.0 + term * d);
            c = 1.0 + term / c;
            fraction *= c * d;
        }
        if (fraction - before).abs() <= 1e-16 * fraction.abs() {
            break;
        }
    }
    front * fraction
}

/// C. Lanczos's approximation with g = 7 and nine terms; relative error about 1e-15 for x >= 0.5.
fn ln_gamma(x: f64) -> f64 {
    const TERMS: [f64; 8] = [
        676.520_368_121_885_1,
        -1_259.139_216_722_402_8,
        771.323_428_777_653_1,
        -176.615_029_162_140_6,
        12.507_343_278_686_905,
        -0.138_571_095_265_720_12,
        9.984_369_578_019_572e-6,
        1.505_632_735_149_311_6e-7,
    ];
    let x = x - 1.0;
    let sum: f64 = 0.999_999_999_999_809_9 + (1..).zip(TERMS).map(|(i, term)| term / (x + f64::from(i))).sum::<f64>();
    let t = x + 7.5;
    0.5 * (2.0 * std::f64::consts::PI).ln() + (x + 0.5) * t.ln() - t + sum.ln()
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
}
