//! Waiting times as tokens in bins, used up and filled again.

use crate::Draws;

/// Bins below infinity: the first from 0 to 10 s / 2^29, each other one as wide as all before it, the last up to 10 s.
pub(super) const BINS: usize = 30;
const TOP_NS: f64 = 10e9;

/// Tokens that a normal distribution would have, were none of it below 0.
const TOKENS: f64 = 10_000.0;

/// Tokens of waiting times, and of waiting for ever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Histogram {
    full: [u32; BINS + 1],
    left: [u32; BINS + 1],
    /// All that are left.
    total: u32,
}

impl Histogram {
    /// A normal distribution in s without what is below 0, and one token for ever to each `others` other ones, rounded up.
    pub(super) fn normal(mean: f64, deviation: f64, others: f64) -> Self {
        let below = |ns: f64| normal_below((ns / 1e9 - mean) / deviation);
        let mut full = [0; BINS + 1];
        for (bin, tokens) in full[..BINS].iter_mut().enumerate() {
            *tokens = (TOKENS * (below(EDGES_NS[bin + 1]) - below(EDGES_NS[bin]))).round() as u32;
        }
        let finite: u32 = full.iter().sum();
        full[BINS] = (f64::from(finite) / others).ceil() as u32;
        Self { full, left: full, total: finite + full[BINS] }
    }

    /// A waiting time, uniform within the bin of a token; none for one that never ends. The token stays.
    pub(super) fn draw(&self, draws: &mut Draws) -> Option<u64> {
        let mut token = draws.up_to(u64::from(self.total) - 1) as u32;
        // Most tokens are in the upper bins.
        for bin in (0..=BINS).rev() {
            match token.checked_sub(self.left[bin]) {
                Some(rest) => token = rest,
                None if bin == BINS => return None,
                None => return Some(draws.uniform(EDGES_NS[bin], EDGES_NS[bin + 1]).ceil() as u64),
            }
        }
        unreachable!("the bins hold all tokens")
    }

    /// Takes a token of the time that really passed: of its bin, else of the next lower one that has any, else of the next
    /// higher. Fills all when the last one is gone.
    pub(super) fn take(&mut self, ns: u64) {
        let bin = bin_of(ns);
        let lower = (0..=bin).rev();
        let found = lower.chain(bin + 1..=BINS).find(|&bin| self.left[bin] > 0);
        self.left[found.expect("it is filled when it is empty")] -= 1;
        self.total -= 1;
        if self.total == 0 {
            self.left = self.full;
            self.total = self.full.iter().sum();
        }
    }
}

/// Where each bin begins, infinity last.
const EDGES_NS: [f64; BINS + 1] = {
    let mut edges = [0.0; BINS + 1];
    let mut bin = 1;
    while bin <= BINS {
        edges[bin] = TOP_NS / (1_u64 << (BINS - bin)) as f64;
        bin += 1;
    }
    edges
};

/// Bin b > 0 begins at 10 s / 2^(30 - b), which is 5^10 2^(b - 20) ns: b is the logarithm of ns 2^20 / 5^10.
fn bin_of(ns: u64) -> usize {
    let first = (ns.min(TOP_NS as u64) << 20) / 5_u64.pow(10);
    first.max(1).ilog2() as usize
}

/// The share of the standard normal distribution below `z`, within 1.5e-7 (Abramowitz and Stegun, "Handbook of Mathematical
/// Functions", 1964, 7.1.26).
fn normal_below(z: f64) -> f64 {
    const A: [f64; 5] = [0.254_829_592, -0.284_496_736, 1.421_413_741, -1.453_152_027, 1.061_405_429];
    let x = z.abs() / std::f64::consts::SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * x);
    let erf = 1.0 - t * A.iter().rev().fold(0.0, |sum, a| sum * t + a) * (-x * x).exp();
    if z < 0.0 { (1.0 - erf) / 2.0 } else { (1.0 + erf) / 2.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_normal_distribution_is_that_of_tables() {
        for (z, below) in [(0.0, 0.5), (1.0, 0.841_344_7), (-1.0, 0.158_655_3), (1.959_964, 0.975), (4.0, 0.999_968_3)]
        {
            assert!((normal_below(z) - below).abs() < 2e-7, "{z}");
        }
    }

    #[test]
    fn tokens_follow_the_distribution_and_its_part_above_zero() {
        // Above 0 are 93.75 % of a normal distribution with mean 61 ms and deviation 40 ms.
        let histogram = Histogram::normal(0.061_295_99, 0.039_953_75, 20.0);
        let finite: u32 = histogram.full[..BINS].iter().sum();
        assert!((9_370..9_380).contains(&finite), "{finite}");
        assert_eq!(histogram.full[BINS], finite.div_ceil(20));
        let mut draws = Draws::from_seed(1);
        let waits: Vec<Option<u64>> = (0..40_000).map(|_| histogram.draw(&mut draws)).collect();
        let never = waits.iter().filter(|wait| wait.is_none()).count() as f64 / waits.len() as f64;
        assert!((never - 1.0 / 21.0).abs() < 0.004, "{never}");
        // The bin from 39.06 to 78.125 ms has Φ(0.42120) - Φ(-0.55649) = 0.66319 - 0.28894 of the 0.93752.
        let bin = 39_062_500..78_125_000;
        let within = waits.iter().flatten().filter(|ns| bin.contains(*ns)).count() as f64;
        assert!((within / waits.iter().flatten().count() as f64 - 0.3992).abs() < 0.008, "{within}");
    }

    #[test]
    fn a_token_is_taken_from_the_nearest_bin_that_has_one() {
        let mut histogram = Histogram::normal(0.061_295_99, 0.039_953_75, 20.0);
        histogram.left = [0; BINS + 1];
        (histogram.left[3], histogram.left[20], histogram.left[BINS]) = (1, 2, 1);
        histogram.total = 4;
        let mut take = |ns: u64| {
            histogram.take(ns);
            (histogram.left[3], histogram.left[20], histogram.left[BINS])
        };
        let tenth = EDGES_NS[10] as u64 + 1;
        assert_eq!(take(tenth), (0, 2, 1));
        assert_eq!(take(tenth), (0, 1, 1));
        assert_eq!(take(11_000_000_000), (0, 1, 0), "longer than all bins");
        take(0);
        assert_eq!(histogram.left, histogram.full, "filled again");
        assert_eq!(histogram.total, histogram.full.iter().sum::<u32>());
    }

    #[test]
    fn bins_double_up_to_ten_seconds() {
        assert_eq!((bin_of(0), bin_of(18), bin_of(19)), (0, 0, 1));
        assert_eq!(
            (bin_of(4_999_999_999), bin_of(5_000_000_000), bin_of(9_999_999_999)),
            (BINS - 2, BINS - 1, BINS - 1)
        );
        assert_eq!(bin_of(10_000_000_000), BINS);
    }
}
