//! How many bits a single value tells of the class.

use crate::ScoreError;
use crate::truth::support_of_rows;

/// Mutual information between a value and the class of a trace, in bits, with what chance would show taken off.
///
/// `values` and `truth`, shape `(n_traces,)`, the latter in `0..classes`. Values are put into at most `bins` bins of about equally many
/// traces, see [`equal_bins`]. With I the mutual information of the counts of bins and classes, E its mean over all ways to deal
/// the same classes out to the same traces, and H the smaller entropy of bins and classes, the result is
///
/// > max(0, (I - E) / (H - E)) * H
///
/// I alone is too large, the more so the fewer traces a class has; this is 0 on average where value and class are
/// independent, however few the traces, and H, the most there can be, where one determines the other. It is the adjusted mutual
/// information (normalised by the minimum) of N. X. Vinh, J. Epps, J. Bailey: Information Theoretic Measures for Clusterings
/// Comparison: Variants, Properties, Normalization and Correction for Chance, JMLR 11, 2010, in bits again. No more than log2 of the number of
/// bins can be told.
///
/// 0 for a value that does not vary, with one class, and where even chance shows H (as many bins as traces). Infinite values are
/// fine, NaN is refused.
pub fn mutual_information_bits(
    values: &[f64],
    truth: &[usize],
    classes: usize,
    bins: usize,
) -> Result<f64, ScoreError> {
    let support = support_of_rows(values.len(), truth, classes)?;
    let bin_of = equal_bins(values, bins)?;
    let n_bins = bin_of.iter().max().map_or(0, |&largest| largest + 1);
    let mut counts = vec![0u64; n_bins * classes];
    let mut filled = vec![0u64; n_bins];
    for (&bin, &class) in bin_of.iter().zip(truth) {
        counts[bin * classes + class] += 1;
        filled[bin] += 1;
    }
    let n = values.len() as f64;
    let most = entropy(&filled, n).min(entropy(&support, n));
    let told = entropy(&filled, n) + entropy(&support, n) - entropy(&counts, n);
    let by_chance = expected_by_chance(&filled, &support, values.len());
    // Rounding must not make something of a difference that is none.
    if most - by_chance < 1e-9 {
        return Ok(0.0);
    }
    Ok(((told - by_chance) / (most - by_chance) * most).max(0.0) / std::f64::consts::LN_2)
}

/// The bin of every value, in `0..bins`, shape `(n_values,)`: about equally many values in each, equal ones always together.
///
/// Values that stand from place s to place e of n in rising order, counted from 0, go to bin floor(bins (s + e + 1) / 2n): that of the middle of
/// their places. So some bins may be empty. NaN is refused.
///
/// # Panics
/// If `bins` is 0.
pub fn equal_bins(values: &[f64], bins: usize) -> Result<Vec<usize>, ScoreError> {
    assert!(bins > 0, "values need a bin");
    if let Some(row) = values.iter().position(|value| value.is_nan()) {
        return Err(ScoreError::NotANumber { row });
    }
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_unstable_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut bin_of = vec![0; values.len()];
    let mut start = 0;
    for equal in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let bin = bins * (2 * start + equal.len()) / (2 * values.len());
        for &row in equal {
            bin_of[row] = bin;
        }
        start += equal.len();
    }
    Ok(bin_of)
}

/// Entropy in nats of counts that sum to `n`.
fn entropy(counts: &[u64], n: f64) -> f64 {
    let share = |&count: &u64| count as f64 / n;
    counts.iter().filter(|&&count| count > 0).map(share).map(|p| -p * p.ln()).sum()
}

/// The mean mutual information, in nats, of two partitions of `n` traces into parts of these sizes, over all ways to deal the traces out:
///
/// > sum over a, b and k of k/n ln(n k / (a b)) P(k), P hypergeometric: k of the b traces of a class are among the a of a bin
fn expected_by_chance(bins: &[u64], classes: &[u64], n: usize) -> f64 {
    let mut ln_factorial = vec![0.0; n + 1];
    for k in 1..=n {
        ln_factorial[k] = ln_factorial[k - 1] + (k as f64).ln();
    }
    let ln_choose = |of: usize, k: usize| ln_factorial[of] - ln_factorial[k] - ln_factorial[of - k];
    let of_pair = |a: usize, b: usize| {
        let term = |k: usize| {
            let ln_probability = ln_choose(b, k) + ln_choose(n - b, a - k) - ln_choose(n, a);
            let k = k as f64;
            k / n as f64 * (n as f64 * k / (a * b) as f64).ln() * ln_probability.exp()
        };
        ((a + b).saturating_sub(n).max(1)..=a.min(b)).map(term).sum::<f64>()
    };
    // Most bins are equally full, and most classes equally large.
    let (bins, classes) = (distinct(bins), distinct(classes));
    let pairs = bins.iter().flat_map(|&bin| classes.iter().map(move |&class| (bin, class)));
    pairs.map(|((a, bins), (b, classes))| (bins * classes) as f64 * of_pair(a, b)).sum()
}

/// The sizes that occur beyond 0, ascending, and how often each does.
fn distinct(sizes: &[u64]) -> Vec<(usize, usize)> {
    let mut sizes: Vec<usize> = sizes.iter().map(|&size| size as usize).filter(|&size| size > 0).collect();
    sizes.sort_unstable();
    sizes.chunk_by(|a, b| a == b).map(|equal| (equal[0], equal.len())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Undefined;

    /// Numbers in [0, 1) without any order.
    fn noise(n: usize, seed: u64) -> Vec<f64> {
        (0..n as u64).map(|i| crate::seed::mix(seed, i) as f64 / u64::MAX as f64).collect()
    }

    #[test]
    fn bins_are_equally_full_and_ties_stay_together() {
        assert_eq!(equal_bins(&[3.0, 1.0, 2.0, 4.0], 2), Ok(vec![1, 0, 0, 1]));
        // Three zeros in the places 0 to 2 of 5, whose middle is 1.5 of 5.
        assert_eq!(equal_bins(&[0.0, -0.0, 0.0, 1.0, 2.0], 4), Ok(vec![1, 1, 1, 2, 3]));
        assert_eq!(equal_bins(&[7.0; 4], 10), Ok(vec![5; 4]));
        assert_eq!(equal_bins(&[f64::INFINITY, f64::NEG_INFINITY], 2), Ok(vec![1, 0]));
        assert_eq!(equal_bins(&[], 3), Ok(vec![]));
        assert_eq!(equal_bins(&[0.0, f64::NAN], 3), Err(ScoreError::NotANumber { row: 1 }));
    }

    #[test]
    fn what_determines_the_class_tells_all_its_bits() {
        let truth: Vec<usize> = (0..40).map(|row| row % 4).collect();
        let values: Vec<f64> = truth.iter().map(|&class| class as f64).collect();
        assert!((mutual_information_bits(&values, &truth, 4, 16).unwrap() - 2.0).abs() < 1e-12);
        // Two bins cannot tell four classes apart.
        assert!((mutual_information_bits(&values, &truth, 4, 2).unwrap() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn what_does_not_vary_tells_nothing() {
        assert_eq!(mutual_information_bits(&[5.0; 6], &[0, 1, 0, 1, 2, 2], 3, 4), Ok(0.0));
        assert_eq!(mutual_information_bits(&[1.0, 2.0, 3.0], &[1, 1, 1], 2, 2), Ok(0.0));
        // A bin for every trace: every way to deal out the classes fits as well.
        assert_eq!(mutual_information_bits(&[1.0, 2.0, 3.0], &[0, 0, 1], 2, 3), Ok(0.0));
        assert_eq!(mutual_information_bits(&[], &[], 2, 3), Err(Undefined::NoTraces.into()));
    }

    #[test]
    fn noise_tells_nothing_however_few_its_traces() {
        for traces in [4, 20] {
            let truth: Vec<usize> = (0..25 * traces).map(|row| row % 25).collect();
            let bits = |seed| mutual_information_bits(&noise(truth.len(), seed), &truth, 25, 16).unwrap();
            let mean = (0..40).map(bits).sum::<f64>() / 40.0;
            assert!(mean < 0.06, "{mean} bits with {traces} traces a class");
        }
    }

    #[test]
    fn chance_is_worked_out_by_hand() {
        // Two bins and two classes of one trace each: either way to deal them out tells ln 2.
        assert!((expected_by_chance(&[1, 1], &[1, 1], 2) - std::f64::consts::LN_2).abs() < 1e-15);
        // Two of each: 2 of 6 ways tell ln 2, the others nothing.
        assert!((expected_by_chance(&[2, 2], &[2, 2], 4) - std::f64::consts::LN_2 / 3.0).abs() < 1e-15);
    }
}
