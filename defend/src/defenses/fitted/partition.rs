//! Cutting a row into groups.

use std::ops::Range;

/// Cuts 0..n into groups of `least` neighbours or more, so that the sum of the groups' costs is the least; of equal ones the
/// first cut wins. All of it is one group where there are fewer than two groups' worth.
///
/// No group has 2 `least` or more, as two groups would cost no more than it: a group must not cost less than its parts.
pub(super) fn partition(n: usize, least: usize, cost: impl Fn(Range<usize>) -> f64) -> Vec<Range<usize>> {
    if n < 2 * least {
        return std::iter::once(0..n).collect();
    }
    // The least cost of the first `end`, and where its last group starts.
    let mut best: Vec<Option<(f64, usize)>> = vec![None; n + 1];
    best[0] = Some((0.0, 0));
    for end in least..=n {
        for start in end.saturating_sub(2 * least - 1)..=end - least {
            let Some((before, _)) = best[start] else { continue };
            let total = before + cost(start..end);
            if best[end].is_none_or(|(least, _)| total < least) {
                best[end] = Some((total, start));
            }
        }
    }
    let mut groups = Vec::new();
    let mut end = n;
    while end > 0 {
        let (_, start) = best[end].expect("n is a sum of numbers from `least` to 2 `least` - 1");
        groups.push(start..end);
        end = start;
    }
    groups.reverse();
    groups
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// As many times the largest as there are: what padding to the largest costs.
    fn cost(sizes: &[u32]) -> impl Fn(Range<usize>) -> f64 {
        move |range| f64::from(sizes[range.clone()].iter().copied().max().unwrap_or(0)) * range.len() as f64
    }

    /// All ways to cut.
    fn cheapest(sizes: &[u32], least: usize, from: usize) -> f64 {
        if from == sizes.len() {
            return 0.0;
        }
        let ends = from + least..=sizes.len();
        let costs = ends.map(|end| cost(sizes)(from..end) + cheapest(sizes, least, end));
        costs.fold(f64::INFINITY, f64::min)
    }

    proptest! {
        #[test]
        fn the_cut_is_the_cheapest_of_all(mut sizes in prop::collection::vec(0..50_u32, 3..11), least in 1..4_usize) {
            sizes.sort_unstable();
            let groups = partition(sizes.len(), least, cost(&sizes));
            prop_assert!(groups.iter().all(|group| group.len() >= least));
            prop_assert_eq!(groups.iter().map(|group| group.len()).sum::<usize>(), sizes.len());
            let total: f64 = groups.into_iter().map(cost(&sizes)).sum();
            prop_assert_eq!(total, cheapest(&sizes, least, 0));
        }
    }

    #[test]
    fn few_are_one_group() {
        assert_eq!(partition(3, 2, |_| 1.0), std::iter::once(0..3).collect::<Vec<_>>());
        assert_eq!(partition(4, 2, |_| 1.0), [0..2, 2..4]);
    }
}
