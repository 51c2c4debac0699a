//! Ratios and delays over traces, with intervals.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use wfkit_metrics::quantile;

use super::OverheadOptions;
use crate::Draws;

/// A ratio of both directions together and of each.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct BothWays {
    /// Together.
    pub both: RatioSummary,
    /// Of what the client sends.
    pub outgoing: RatioSummary,
    /// Of what the client receives.
    pub incoming: RatioSummary,
}

/// A ratio defended / original - 1, over traces.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct RatioSummary {
    /// Sum over all traces / sum over all traces - 1.
    pub total: Option<Estimate>,
    /// Mean of the ratios of the traces.
    pub mean: Option<Estimate>,
    /// Geometric mean of defended / original, - 1.
    pub geometric_mean: Option<f64>,
    /// Median of the ratios of the traces.
    pub median: Option<Estimate>,
    /// 95th percentile of the ratios of the traces.
    pub p95: Option<f64>,
    /// Traces left out because there is nothing to divide by.
    pub excluded: usize,
}

/// A number with its 95 % interval: percentiles of the bootstrap over traces, where there was one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The number.
    pub value: f64,
    /// Lower and upper end.
    pub interval: Option<[f64; 2]>,
}

/// How long normal packets are held back, in seconds, all those of all traces together. A packet that is cut is through with
/// its last byte. The percentiles have no interval: packets of one trace are not independent.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct DelaySummary {
    /// Mean.
    pub mean_s: Option<Estimate>,
    /// Median.
    pub p50_s: Option<f64>,
    /// 95th percentile.
    pub p95_s: Option<f64>,
    /// The longest.
    pub max_s: Option<f64>,
}

impl BothWays {
    /// Of pairs (original, defended) of each trace: together, out and in.
    pub(super) fn of<T>(traces: &[T], options: &OverheadOptions, pairs: impl Fn(&T) -> [(f64, f64); 3]) -> Self {
        let summary = |which: usize| RatioSummary::of(traces.iter().map(|one| pairs(one)[which]), options);
        Self { both: summary(0), outgoing: summary(1), incoming: summary(2) }
    }
}

impl RatioSummary {
    /// Of pairs (original, defended), one a trace.
    pub(super) fn of(pairs: impl Iterator<Item = (f64, f64)>, options: &OverheadOptions) -> Self {
        let all: Vec<(f64, f64)> = pairs.collect();
        let pairs: Vec<(f64, f64)> = all.iter().copied().filter(|&(original, _)| original > 0.0).collect();
        let ratio = |&(original, defended): &(f64, f64)| defended / original - 1.0;
        let total = |rows: &mut dyn Iterator<Item = usize>| {
            let (original, defended) =
                rows.map(|row| pairs[row]).fold((0.0, 0.0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
            defended / original - 1.0
        };
        let mean = |rows: &mut dyn Iterator<Item = usize>| {
            rows.map(|row| ratio(&pairs[row])).sum::<f64>() / pairs.len() as f64
        };
        let median = |rows: &mut dyn Iterator<Item = usize>| {
            let mut ratios: Vec<f64> = rows.map(|row| ratio(&pairs[row])).collect();
            quantile(&mut ratios, 0.5).expect("as many rows as there are, and there are some")
        };
        let log_sum: f64 = pairs.iter().map(|(original, defended)| (defended / original).ln()).sum();
        let some = !pairs.is_empty();
        Self {
            total: Estimate::bootstrap(pairs.len(), options, total),
            mean: Estimate::bootstrap(pairs.len(), options, mean),
            geometric_mean: some.then(|| (log_sum / pairs.len() as f64).exp_m1()),
            median: Estimate::bootstrap(pairs.len(), options, median),
            p95: quantile(&mut pairs.iter().map(ratio).collect::<Vec<f64>>(), 0.95),
            excluded: all.len() - pairs.len(),
        }
    }
}

impl Estimate {
    /// `statistic` of the rows 0..n and of `options.bootstrap` samples of n of them with replacement; `None` without rows.
    fn bootstrap(
        n: usize,
        options: &OverheadOptions,
        statistic: impl Fn(&mut dyn Iterator<Item = usize>) -> f64 + Sync,
    ) -> Option<Self> {
        if n == 0 {
            return None;
        }
        let resampled = |number: usize| {
            let mut draws = Draws::numbered(options.seed, number as u64);
            statistic(&mut (0..n).map(|_| draws.up_to(n as u64 - 1) as usize))
        };
        let mut values: Vec<f64> = (0..options.bootstrap).into_par_iter().map(resampled).collect();
        let interval = quantile(&mut values, 0.025).zip(quantile(&mut values, 0.975)).map(|(low, high)| [low, high]);
        Some(Self { value: statistic(&mut (0..n)), interval })
    }
}

impl DelaySummary {
    /// Of the delays above 0 of each trace, and how many packets they are of.
    pub(super) fn of<'a>(traces: impl Iterator<Item = (&'a [u64], u64)>, options: &OverheadOptions) -> Self {
        let traces: Vec<(&[u64], u64)> = traces.collect();
        let per_trace: Vec<(f64, f64)> =
            traces.iter().map(|(delays, packets)| (delays.iter().sum::<u64>() as f64, *packets as f64)).collect();
        let mean = |rows: &mut dyn Iterator<Item = usize>| {
            let (delay, packets) =
                rows.map(|row| per_trace[row]).fold((0.0, 0.0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
            delay / packets / 1e9
        };
        let packets: u64 = traces.iter().map(|(_, packets)| packets).sum();
        let mut delays: Vec<u64> = traces.iter().flat_map(|(delays, _)| *delays).copied().collect();
        delays.par_sort_unstable();
        // Packets that are not held back come before all of `delays`.
        let on_time = packets - delays.len() as u64;
        let at = |rank: u64| rank.checked_sub(on_time).map_or(0, |rank| delays[rank as usize]) as f64 / 1e9;
        let percentile = |share: f64| {
            let last = packets.checked_sub(1)?;
            let rank = share * last as f64;
            let below = rank.floor();
            let (low, high) = (at(below as u64), at((below as u64 + 1).min(last)));
            Some(low + (high - low) * (rank - below))
        };
        Self {
            mean_s: Estimate::bootstrap(per_trace.len(), options, mean),
            p50_s: percentile(0.5),
            p95_s: percentile(0.95),
            max_s: percentile(1.0),
        }
    }
}
