//! Quantiles of numbers: one definition of each, for all who ask.

/// The quantile `share`, 0 to 1, of values in any order, which it changes: on the line between the two values that it lies between (R. J. Hyndman,
/// Y. Fan, "Sample quantiles in statistical packages", The American Statistician 50, 1996, definition 7; NumPy's default). `None` of no values.
pub fn quantile(values: &mut [f64], share: f64) -> Option<f64> {
    let (rank, weight) = place(values.len(), share)?;
    let (_, &mut below, above) = values.select_nth_unstable_by(rank, f64::total_cmp);
    let next = above.iter().copied().min_by(f64::total_cmp).unwrap_or(below);
    Some(between(below, next, weight))
}

/// The same of values that ascend.
pub fn quantile_of_sorted(sorted: &[f64], share: f64) -> Option<f64> {
    let (rank, weight) = place(sorted.len(), share)?;
    Some(between(sorted[rank], sorted[(rank + 1).min(sorted.len() - 1)], weight))
}

/// The value in the middle, the lower one of two; `None` of no values.
pub fn lower_median<T: Copy>(mut values: Vec<T>, order: impl FnMut(&T, &T) -> std::cmp::Ordering) -> Option<T> {
    let middle = values.len().checked_sub(1)? / 2;
    Some(*values.select_nth_unstable_by(middle, order).1)
}

/// The rank below the quantile, and how far on the way to the next one it lies.
fn place(values: usize, share: f64) -> Option<(usize, f64)> {
    let position = share * values.checked_sub(1)? as f64;
    Some((position as usize, position.fract()))
}

fn between(below: f64, next: f64, weight: f64) -> f64 {
    if weight == 0.0 { below } else { below + (next - below) * weight }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// NumPy 2.4.6: `numpy.quantile([3, 1, 2, 10], [0, 0.025, 0.25, 0.5, 0.95, 1])`.
    #[test]
    fn quantiles_as_numpy() {
        let expected = [(0.0, 1.0), (0.025, 1.075), (0.25, 1.75), (0.5, 2.5), (0.95, 8.95), (1.0, 10.0)];
        for (share, expected) in expected {
            let found = quantile(&mut [3.0, 1.0, 2.0, 10.0], share).unwrap();
            assert!((found - expected).abs() < 1e-12, "{share}: {found}");
            assert_eq!(quantile_of_sorted(&[1.0, 2.0, 3.0, 10.0], share), Some(found));
        }
    }

    #[test]
    fn of_nothing_and_of_one_value() {
        assert_eq!((quantile(&mut [], 0.5), quantile_of_sorted(&[], 0.5)), (None, None));
        assert_eq!((quantile(&mut [7.0], 0.95), quantile_of_sorted(&[7.0], 0.95)), (Some(7.0), Some(7.0)));
        assert_eq!(lower_median(Vec::<u64>::new(), u64::cmp), None);
    }

    #[test]
    fn of_two_middles_the_lower() {
        assert_eq!(lower_median(vec![4_u64, 1, 3, 2], u64::cmp), Some(2));
        assert_eq!(lower_median(vec![5.0, 1.0, 3.0], f64::total_cmp), Some(3.0));
    }
}
