//! The statistics that features are made of. Of an empty list each of them is 0.

/// Seconds: the one place where time leaves whole nanoseconds.
pub(crate) fn seconds(time_ns: u64) -> f64 {
    time_ns as f64 / 1e9
}

/// Gaps between successive times, in seconds. Subtracted before the conversion, so that late gaps are as exact as early
/// ones.
pub(crate) fn gaps(time_ns: &[u64]) -> Vec<f64> {
    time_ns.windows(2).map(|pair| seconds(pair[1] - pair[0])).collect()
}

/// Sum of `term` of each value. Eight running sums, so that no addition waits for the one before it.
fn sum_of(values: &[f64], term: impl Fn(f64) -> f64) -> f64 {
    let (eights, rest) = values.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for eight in eights {
        for (sum, &value) in sums.iter_mut().zip(eight) {
            *sum += term(value);
        }
    }
    sums.iter().sum::<f64>() + rest.iter().map(|&value| term(value)).sum::<f64>()
}

pub(crate) fn mean(values: &[f64]) -> f64 {
    if values.is_empty() { 0.0 } else { sum_of(values, |value| value) / values.len() as f64 }
}

/// Population variance: divides by the number of values.
pub(crate) fn variance(values: &[f64]) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    let mean = mean(values);
    sum_of(values, |value| (value - mean).powi(2)) / values.len() as f64
}

/// Population standard deviation.
pub(crate) fn std(values: &[f64]) -> f64 {
    variance(values).sqrt()
}

/// The largest of values that are not negative.
pub(crate) fn max(values: &[f64]) -> f64 {
    values.iter().copied().fold(0.0, |max, value| if value > max { value } else { max })
}

/// The `percent`th percentile by linear interpolation between the order statistics around position
/// (len - 1) percent / 100, where `order_statistic(rank)` is the value of that rank, counted from 0.
pub(crate) fn percentile_by(len: usize, percent: f64, order_statistic: impl Fn(usize) -> f64) -> f64 {
    if len == 0 {
        return 0.0;
    }
    let (rank, weight) = rank_and_weight(len, percent);
    interpolate(order_statistic(rank), weight, || order_statistic(rank + 1))
}

/// The `percent`th percentile of values in any order, which it changes. None is negative.
pub(crate) fn percentile(values: &mut [f64], percent: f64) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    let (rank, weight) = rank_and_weight(values.len(), percent);
    // The bits of numbers that are not negative stand in the order of the numbers, and compare faster.
    let (_, &mut below, above) = values.select_nth_unstable_by_key(rank, |value| value.to_bits());
    interpolate(below, weight, || above.iter().copied().fold(f64::INFINITY, f64::min))
}

/// The ranks that the `percent`th percentile of so many values lies between; none of no values.
pub(crate) fn ranks_around(len: usize, percent: f64) -> impl Iterator<Item = usize> {
    let rank = len.checked_sub(1).map(|last| (rank_and_weight(len, percent).0, last));
    rank.into_iter().flat_map(|(rank, last)| [rank, (rank + 1).min(last)])
}

/// The rank below the percentile, and how far on the way to the next rank it lies, in [0, 1).
fn rank_and_weight(len: usize, percent: f64) -> (usize, f64) {
    let position = (len - 1) as f64 * percent / 100.0;
    (position.floor() as usize, position.fract())
}

fn interpolate(below: f64, weight: f64, above: impl FnOnce() -> f64) -> f64 {
    if weight == 0.0 { below } else { below + weight * (above() - below) }
}

/// The `percent`th percentile of ascending times, in seconds.
pub(crate) fn time_percentile(time_ns: &[u64], percent: f64) -> f64 {
    percentile_by(time_ns.len(), percent, |rank| seconds(time_ns[rank]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_has_zero_for_every_statistic() {
        assert_eq!([mean(&[]), std(&[]), max(&[]), percentile(&mut [], 75.0), time_percentile(&[], 50.0)], [0.0; 5]);
        assert!(gaps(&[7]).is_empty());
    }

    #[test]
    fn percentiles_interpolate_and_reach_both_ends() {
        let mut values = [4.0, 1.0, 3.0, 2.0];
        assert_eq!([0.0, 25.0, 50.0, 100.0].map(|q| percentile(&mut values, q)), [1.0, 1.75, 2.5, 4.0]);
        assert_eq!(percentile(&mut [9.0], 75.0), 9.0);
        assert_eq!(time_percentile(&[0, 1_000_000_000], 25.0), 0.25);
    }

    #[test]
    fn the_deviation_is_of_the_population() {
        assert_eq!((mean(&[1.0, 3.0]), std(&[1.0, 3.0]), variance(&[5.0])), (2.0, 1.0, 0.0));
    }

    #[test]
    fn a_microsecond_gap_after_a_day_is_exact() {
        let day_ns = 86_400_000_000_000;
        assert_eq!(gaps(&[0, day_ns, day_ns + 1_000])[1], 1e-6);
    }
}
