//! How common classes are, as far as their numbers of training traces tell.

/// ln of the shares of classes, which sum to 1 over those that had traces; -infinity for the others.
///
/// Numbers that differ by chance alone say nothing, and in folds and sessions even the opposite: what the training part has less of, the rest has
/// more of. So numbers are drawn to their mean by the factor 1 - (k - 1)/chi^2, at least 0, of the k classes with traces, chi^2 that of equal shares: the
/// shrinkage of C. Stein, "Inadmissibility of the usual estimator for the mean of a multivariate normal distribution", 1956, in the positive-part form.
pub(super) fn ln_shares(traces: &[u32]) -> Vec<f64> {
    let seen = || traces.iter().filter(|&&n| n > 0).map(|&n| f64::from(n));
    let classes = seen().count() as f64;
    let total: f64 = seen().sum();
    let mean = total / classes;
    let chi_squared: f64 = seen().map(|n| (n - mean).powi(2) / mean).sum();
    let kept = if chi_squared > 0.0 { (1.0 - (classes - 1.0) / chi_squared).max(0.0) } else { 0.0 };
    let share = |&n: &u32| match n {
        0 => f64::NEG_INFINITY,
        n => ((mean + kept * (f64::from(n) - mean)) / total).ln(),
    };
    traces.iter().map(share).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_differ_by_chance_are_equal() {
        for share in ln_shares(&[28, 29, 30, 29, 31]) {
            assert!((share.exp() - 0.2).abs() < 1e-12);
        }
        assert_eq!(ln_shares(&[7]), [0.0]);
    }

    #[test]
    fn a_large_class_is_large_and_an_unseen_one_is_none() {
        let shares: Vec<f64> = ln_shares(&[20, 0, 20, 9960]).into_iter().map(f64::exp).collect();
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert!((shares[3] - 0.996).abs() < 1e-3 && shares[1] == 0.0, "{shares:?}");
    }
}
