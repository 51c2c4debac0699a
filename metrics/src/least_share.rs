//! How small the smallest of several shares is.

use crate::Interval;
use crate::distributions::binomial_at_most;

/// What each end may miss by.
const MISSED: f64 = 0.025;

/// Halvings of the range that an end is sought in: to 1e-9.
const STEPS: usize = 30;

impl Interval {
    /// The 95 % interval of the smallest of several true shares, such as the recall of the worst class, each `(share, n)` counted in `n`
    /// independent trials; fractions of trials are fine. Never narrower than from the smallest share found to itself. `None` without
    /// shares.
    ///
    /// The smallest share *found* is small by chance, too: of a hundred classes of recall 0.8 and ten traces, one is likely found at 0.3, so
    /// an interval around that share alone would rarely hold 0.8. Both ends are those of exact binomial tests (with half of the probability of
    /// what was found, as H. O. Lancaster, "Significance tests in discrete distributions", Journal of the American Statistical
    /// Association 56, 1961):
    ///
    /// - The lower end is the least of the shares' own one-sided lower ends: the smallest true share is no smaller than that of one of them,
    ///   so this needs no correction.
    /// - The upper end is the largest smallest share with which a smallest as small as the one found is seen with probability 0.025, where all
    ///   others are as estimated, but no smaller. They are estimated by pulling them towards their mean by as much as their spread can
    ///   be chance (a beta distribution, by moments).
    pub fn of_least_share(shares: &[(f64, f64)]) -> Option<Self> {
        let kinds = Kind::of(shares);
        let found = kinds.first()?.share;
        let lower_end = |kind: &Kind| falling_past(|p| middle(kind.share * kind.n, kind.n, p) - 1.0, -MISSED);
        let low = kinds.iter().map(lower_end).fold(found, f64::min);
        let none_as_small = |smallest: f64| -> f64 {
            // One of the first kind is the smallest.
            let of_kind = |(place, kind): (usize, &Kind)| {
                let above = |x: f64, p: f64| 1.0 - binomial_at_most(x, kind.n, p);
                let all = |x: f64| {
                    let others = above(x, kind.estimate.max(smallest));
                    match place {
                        0 => above(x, smallest) * others.powi(kind.count - 1),
                        _ => others.powi(kind.count),
                    }
                };
                let (at_most, below) = kind.counts_at(found);
                (all(at_most), all(below))
            };
            let (above, from) = kinds.iter().enumerate().map(of_kind).fold((1.0, 1.0), |a, b| (a.0 * b.0, a.1 * b.1));
            (above + from) / 2.0
        };
        let high = falling_past(|smallest| 1.0 - none_as_small(smallest), MISSED).max(found);
        Some(Self { low, high })
    }
}

/// P(X < x) + P(X = x)/2.
fn middle(x: f64, n: f64, p: f64) -> f64 {
    (binomial_at_most(x, n, p) + binomial_at_most(x - 1.0, n, p)) / 2.0
}

/// The largest argument in 0..=1 at which a falling function is not below `bar`; 0 where there is none.
fn falling_past(f: impl Fn(f64) -> f64, bar: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    if f(1.0) >= bar {
        return 1.0;
    }
    for _ in 0..STEPS {
        let middle = (low + high) / 2.0;
        if f(middle) >= bar { low = middle } else { high = middle }
    }
    low
}

/// Equal shares of equally many trials.
struct Kind {
    share: f64,
    n: f64,
    count: i32,
    /// The share pulled towards the mean of all.
    estimate: f64,
}

impl Kind {
    /// The largest count whose share is at most `share`, and the largest whose is below; of fractions of trials, between counts.
    fn counts_at(&self, share: f64) -> (f64, f64) {
        let count = share * self.n;
        if self.n.fract() == 0.0 { ((count + 1e-9).floor(), (count - 1e-9).ceil() - 1.0) } else { (count, count - 1.0) }
    }

    /// By rising share.
    fn of(shares: &[(f64, f64)]) -> Vec<Self> {
        let mut shares = shares.to_vec();
        shares.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let trials: f64 = shares.iter().map(|share| share.1).sum();
        let mean = shares.iter().map(|(share, n)| share * n).sum::<f64>() / trials;
        let count = shares.len() as f64;
        let spread = shares.iter().map(|(share, _)| (share - mean).powi(2)).sum::<f64>() / (count - 1.0).max(1.0);
        let by_chance = mean * (1.0 - mean);
        let one_over_n = shares.iter().map(|(_, n)| 1.0 / n).sum::<f64>() / count;
        let between = (spread - by_chance * one_over_n) / (1.0 - one_over_n).max(f64::MIN_POSITIVE);
        // So many trials is the mean worth.
        let prior = if between > 0.0 { (by_chance / between - 1.0).max(0.0) } else { f64::INFINITY };
        let pulled = |share: f64, n: f64| {
            if prior.is_finite() { (share * n + prior * mean) / (n + prior) } else { mean }
        };
        let kind = |equal: &[(f64, f64)]| {
            let (share, n) = equal[0];
            Self { share, n, count: equal.len() as i32, estimate: pulled(share, n) }
        };
        shares.chunk_by(|a, b| a == b).map(kind).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::mix;

    /// Of how many worlds the interval holds the recall of the worst class; and one around the smallest share found.
    fn coverage(recalls: &[f64], traces: u64, rounds: u64) -> (f64, f64) {
        let (mut held, mut naive) = (0, 0);
        let smallest = recalls.iter().copied().fold(1.0, f64::min);
        for round in 0..rounds {
            let unit = |class: u64, trace: u64| (mix(mix(round, class), trace) >> 11) as f64 / (1u64 << 53) as f64;
            let share = |(class, &recall): (usize, &f64)| {
                let right = (0..traces).filter(|&trace| unit(class as u64, trace) < recall).count();
                (right as f64 / traces as f64, traces as f64)
            };
            let shares: Vec<(f64, f64)> = recalls.iter().enumerate().map(share).collect();
            held += u32::from(Interval::of_least_share(&shares).unwrap().contains(smallest));
            let found = shares.iter().map(|share| share.0).fold(1.0, f64::min);
            naive += u32::from(Interval::of_share(found, traces as f64).contains(smallest));
        }
        (f64::from(held) / rounds as f64, f64::from(naive) / rounds as f64)
    }

    #[test]
    fn the_worst_of_many_classes_is_held_as_often_as_said() {
        for classes in [10, 30, 100] {
            let spread = |low: f64, high: f64| -> Vec<f64> {
                (0..classes).map(|class| low + (high - low) * class as f64 / (classes - 1) as f64).collect()
            };
            let mut one_bad = vec![0.9; classes];
            one_bad[0] = 0.4;
            for traces in [10, 32] {
                for (name, recalls) in [
                    ("all 0.8", vec![0.8; classes]),
                    ("all 0.9", vec![0.9; classes]),
                    ("0.5 to 1", spread(0.5, 1.0)),
                    ("one at 0.4", one_bad.clone()),
                ] {
                    let (held, naive) = coverage(&recalls, traces, 500);
                    println!("{classes} classes of {traces}, {name}: {held}, the smallest alone {naive}");
                    assert!((0.9..=0.999).contains(&held), "{classes} classes of {traces}, {name}: {held}");
                    if name.starts_with("all") {
                        assert!(naive < 0.8, "{naive}");
                    }
                }
            }
        }
    }

    #[test]
    fn one_share_has_its_own_ends() {
        let interval = Interval::of_least_share(&[(0.8, 10.0)]).unwrap();
        // The mid-p ends of 8 of 10: scipy, brentq of binom.cdf less half of binom.pmf.
        assert!(
            (interval.low - 0.480_490_337).abs() < 1e-8 && (interval.high - 0.965_001_699).abs() < 1e-8,
            "{interval:?}"
        );
        assert_eq!(Interval::of_least_share(&[]), None);
        let all_right = Interval::of_least_share(&[(1.0, 10.0), (1.0, 10.0)]).unwrap();
        assert!(all_right.high == 1.0 && all_right.low < 0.8 && all_right.low > 0.6, "{all_right:?}");
        let none_right = Interval::of_least_share(&[(0.0, 10.0), (1.0, 10.0)]).unwrap();
        assert!(none_right.low == 0.0 && none_right.high > 0.2 && none_right.high < 0.4, "{none_right:?}");
    }
}
