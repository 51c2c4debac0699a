//! What a defence costs, by name.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use wfkit_datasets::Trace;

use crate::{DefendedTrace, Direction, Draws, Ledger, PerDirection};

/// What a defence costs. All ratios are extra over original: 0.0 is none, 1.0 is twice the original.
///
/// Published numbers differ in what they divide and average, so every kind is here under its own name. `None` stands where
/// there is nothing to divide by or to average.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Overheads {
    /// Number of traces.
    pub traces: usize,
    /// Bytes on the wire, defended / original - 1, padding after the last normal packet (the tail) included.
    pub bandwidth: BothWays,
    /// The same up to the last normal packet.
    pub bandwidth_without_tail: BothWays,
    /// Packets instead of bytes; below 0 where small packets were joined.
    pub packets: BothWays,
    /// The same up to the last normal packet.
    pub packets_without_tail: BothWays,
    /// Time of the last normal packet, defended / original - 1, both from when the original's first packet was due. A
    /// trace whose packets are all at one time has no such ratio and is excluded.
    pub latency: RatioSummary,
    /// How long normal packets are held back.
    pub delay: DelaySummary,
    /// Share of the normal packets that leave alone, at their time and in their size.
    pub untouched_share: Option<f64>,
    /// Packets that carry nothing of the original.
    pub padding_packets: PerDirection<u64>,
    /// Those of them after the last normal packet.
    pub tail_padding_packets: PerDirection<u64>,
    /// Padding that was due after the end of the load and not sent.
    pub padding_dropped: PerDirection<u64>,
    /// Packets above the largest size to pad to, left as they are.
    pub oversize_packets: u64,
    /// Share of the bytes on the paths that the observer sees; 1 where there is one path.
    #[serde(default)]
    pub seen_share: Option<f64>,
    /// Draws of a split that were thrown away, because nothing of a load was on the paths that are seen.
    #[serde(default)]
    pub unseen_draws: u64,
    /// Traces of a class that the training traces of a fitted defence do not have.
    #[serde(default)]
    pub unknown_class_traces: u64,
    /// Traces that the shape of their anonymity set does not hold, so that they show more than their set.
    #[serde(default)]
    pub misfit_traces: u64,
}

/// A ratio of both directions together and of each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BothWays {
    /// Together.
    pub both: RatioSummary,
    /// Of what the client sends.
    pub outgoing: RatioSummary,
    /// Of what the client receives.
    pub incoming: RatioSummary,
}

/// A ratio defended / original - 1, over traces.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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

/// How long normal packets are held back, in seconds, all packets of all traces together. A packet that is cut is through with
/// its last byte. The percentiles have no interval: packets of one trace are not independent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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

/// How overheads are estimated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OverheadOptions {
    /// Number of bootstrap resamples, 0 for no intervals.
    pub bootstrap: usize,
    /// Seed of the resamples.
    pub seed: u64,
}

impl Default for OverheadOptions {
    fn default() -> Self {
        Self { bootstrap: 1000, seed: 0 }
    }
}

impl Overheads {
    /// Of traces before and after, which have passed [`check`](crate::check).
    pub fn of(traces: &[(&Trace, &DefendedTrace)], options: &OverheadOptions) -> Self {
        let costs: Vec<TraceCost> =
            traces.par_iter().map(|(original, defended)| TraceCost::of(original, defended)).collect();
        let both_ways = |measure: fn(&Load) -> u64, with_tail: bool| {
            let summary = |choose: &dyn Fn(&PerDirection<Load>) -> u64| {
                let pair = |cost: &TraceCost| {
                    let tail = if with_tail { 0 } else { choose(&cost.tail) };
                    (choose(&cost.original) as f64, (choose(&cost.defended) - tail) as f64)
                };
                RatioSummary::of(costs.iter().map(pair), options)
            };
            BothWays {
                both: summary(&|loads| measure(&loads.total())),
                outgoing: summary(&|loads| measure(&loads.outgoing)),
                incoming: summary(&|loads| measure(&loads.incoming)),
            }
        };
        let sum = |choose: fn(&TraceCost) -> PerDirection<u64>| {
            costs.iter().map(choose).fold(PerDirection::default(), |sum, one| sum + one)
        };
        let normal: u64 = costs.iter().map(|cost| cost.original.total().packets).sum();
        let untouched: u64 = costs.iter().map(|cost| cost.untouched).sum();
        let sent: u64 = costs.iter().map(|cost| cost.defended.total().bytes).sum();
        let seen: u64 = costs.iter().map(|cost| cost.seen_bytes).sum();
        Self {
            traces: traces.len(),
            bandwidth: both_ways(|load| load.bytes, true),
            bandwidth_without_tail: both_ways(|load| load.bytes, false),
            packets: both_ways(|load| load.packets, true),
            packets_without_tail: both_ways(|load| load.packets, false),
            latency: RatioSummary::of(costs.iter().map(|c| (c.end_before_ns as f64, c.end_after_ns as f64)), options),
            delay: DelaySummary::of(&costs, options),
            untouched_share: (normal > 0).then(|| untouched as f64 / normal as f64),
            padding_packets: sum(|cost| cost.padding),
            tail_padding_packets: sum(|cost| PerDirection::from_fn(|way| cost.tail[way].packets)),
            padding_dropped: sum(|cost| cost.ledger.padding_dropped),
            oversize_packets: costs.iter().map(|cost| cost.ledger.oversize).sum(),
            seen_share: (sent > 0).then(|| seen as f64 / sent as f64),
            unseen_draws: costs.iter().map(|cost| cost.ledger.unseen_draws).sum(),
            unknown_class_traces: costs.iter().map(|cost| cost.ledger.unknown_class).sum(),
            misfit_traces: costs.iter().map(|cost| cost.ledger.misfit).sum(),
        }
    }
}

/// What one trace costs.
#[derive(Debug)]
struct TraceCost {
    original: PerDirection<Load>,
    defended: PerDirection<Load>,
    /// After the last normal packet.
    tail: PerDirection<Load>,
    padding: PerDirection<u64>,
    untouched: u64,
    /// On the paths that the observer sees.
    seen_bytes: u64,
    /// When the last normal packet was through.
    end_before_ns: u64,
    end_after_ns: u64,
    /// Of the normal packets that are held back at all, in order of arrival.
    delays_ns: Vec<u64>,
    ledger: Ledger,
}

#[derive(Debug, Clone, Copy, Default)]
struct Load {
    bytes: u64,
    packets: u64,
}

impl Load {
    fn add(&mut self, size: i32) {
        self.bytes += u64::from(size.unsigned_abs());
        self.packets += 1;
    }
}

impl std::ops::Add for Load {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { bytes: self.bytes + other.bytes, packets: self.packets + other.packets }
    }
}

impl TraceCost {
    fn of(original: &Trace, defended: &DefendedTrace) -> Self {
        let completion = defended.completion_ns(original.len());
        let end_after_ns = completion.iter().copied().max().unwrap_or(0);
        let delays = completion.iter().zip(original.time_ns()).map(|(after, before)| after.saturating_sub(*before));
        let mut cost = Self {
            original: PerDirection::default(),
            defended: PerDirection::default(),
            tail: PerDirection::default(),
            padding: PerDirection::default(),
            untouched: 0,
            seen_bytes: 0,
            end_before_ns: original.duration_ns(),
            end_after_ns,
            delays_ns: delays.filter(|&delay| delay > 0).collect(),
            ledger: *defended.ledger(),
        };
        for &size in original.size() {
            cost.original[Direction::of(size)].add(size);
        }
        for packet in defended.packets() {
            let way = packet.direction();
            cost.defended[way].add(packet.size);
            cost.seen_bytes += if packet.seen { u64::from(packet.size.unsigned_abs()) } else { 0 };
            match packet.carries {
                [] => {
                    cost.padding[way] += 1;
                    if packet.time_ns > end_after_ns {
                        cost.tail[way].add(packet.size);
                    }
                }
                [piece] => {
                    let origin = piece.origin as usize;
                    let whole = piece.bytes == packet.size.unsigned_abs() && packet.size == original.size()[origin];
                    cost.untouched += u64::from(whole && packet.time_ns == original.time_ns()[origin]);
                }
                _ => {}
            }
        }
        cost
    }
}

impl RatioSummary {
    /// Of pairs (original, defended), one a trace.
    fn of(pairs: impl Iterator<Item = (f64, f64)>, options: &OverheadOptions) -> Self {
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
        let median =
            |rows: &mut dyn Iterator<Item = usize>| quantile(rows.map(|row| ratio(&pairs[row])).collect(), 0.5);
        let log_sum: f64 = pairs.iter().map(|(original, defended)| (defended / original).ln()).sum();
        let some = !pairs.is_empty();
        Self {
            total: Estimate::bootstrap(pairs.len(), options, total),
            mean: Estimate::bootstrap(pairs.len(), options, mean),
            geometric_mean: some.then(|| (log_sum / pairs.len() as f64).exp_m1()),
            median: Estimate::bootstrap(pairs.len(), options, median),
            p95: some.then(|| quantile(pairs.iter().map(ratio).collect(), 0.95)),
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
        let values: Vec<f64> = (0..options.bootstrap).into_par_iter().map(resampled).collect();
        let interval = (!values.is_empty()).then(|| [quantile(values.clone(), 0.025), quantile(values, 0.975)]);
        Some(Self { value: statistic(&mut (0..n)), interval })
    }
}

impl DelaySummary {
    fn of(costs: &[TraceCost], options: &OverheadOptions) -> Self {
        let per_trace: Vec<(f64, f64)> = costs
            .iter()
            .map(|cost| (cost.delays_ns.iter().sum::<u64>() as f64, cost.original.total().packets as f64))
            .collect();
        let mean = |rows: &mut dyn Iterator<Item = usize>| {
            let (delay, packets) =
                rows.map(|row| per_trace[row]).fold((0.0, 0.0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
            delay / packets / 1e9
        };
        let packets: u64 = costs.iter().map(|cost| cost.original.total().packets).sum();
        let mut delays: Vec<u64> = costs.iter().flat_map(|cost| &cost.delays_ns).copied().collect();
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

/// The quantile `share` of at least one value, between two of them on the line that joins them (Hyndman and Fan, "Sample Quantiles in
/// Statistical Packages", 1996, definition 7).
fn quantile(mut values: Vec<f64>, share: f64) -> f64 {
    let rank = share * (values.len() - 1) as f64;
    let (_, &mut low, above) = values.select_nth_unstable_by(rank as usize, f64::total_cmp);
    let high = above.iter().copied().min_by(f64::total_cmp).unwrap_or(low);
    low + (high - low) * rank.fract()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{any_set, any_spec};
    use crate::{DefendedTraceBuilder, defend};

    const PLAIN: OverheadOptions = OverheadOptions { bootstrap: 0, seed: 0 };

    fn trace(packets: &[(u64, i32)]) -> Trace {
        Trace::new(packets.iter().map(|p| p.0).collect(), packets.iter().map(|p| p.1).collect()).unwrap()
    }

    fn value(estimate: Option<Estimate>) -> f64 {
        estimate.unwrap().value
    }

    /// Two traces by hand: one with a cut packet, padding and a tail, one of a single packet left alone.
    fn example() -> [(Trace, DefendedTrace); 2] {
        let second = 1_000_000_000;
        let first = trace(&[(0, 100), (2 * second, -200)]);
        let mut builder = DefendedTraceBuilder::default();
        builder.whole(0, 100, 0, 100);
        builder.packet(2 * second, -150, &[crate::Piece { origin: 1, bytes: 150 }]);
        builder.padding(2 * second, 50);
        builder.packet(3 * second, -150, &[crate::Piece { origin: 1, bytes: 50 }]);
        builder.padding(4 * second, -150);
        let ledger = Ledger { padding_dropped: PerDirection { outgoing: 3, incoming: 1 }, ..Ledger::default() };
        let first_defended = builder.finish(ledger).unwrap();
        let mut builder = DefendedTraceBuilder::default();
        builder.whole(0, 10, 0, 10);
        [(first, first_defended), (trace(&[(0, 10)]), builder.finish(Ledger::default()).unwrap())]
    }

    #[test]
    fn every_overhead_by_its_definition() {
        let example = example();
        let pairs: Vec<_> = example.iter().map(|(a, b)| (a, b)).collect();
        let overheads = Overheads::of(&pairs, &PLAIN);
        let close = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-12, "{found} for {expected}");

        let both = &overheads.bandwidth.both; // 100 + 150 + 50 + 150 + 150 of 300; 10 of 10
        close(value(both.total), 610.0 / 310.0 - 1.0);
        close(value(both.mean), 0.5);
        close(value(both.median), 0.5);
        close(both.geometric_mean.unwrap(), 2_f64.sqrt() - 1.0);
        close(both.p95.unwrap(), 0.95);
        close(value(overheads.bandwidth_without_tail.both.total), 460.0 / 310.0 - 1.0);
        close(value(overheads.bandwidth.outgoing.total), 160.0 / 110.0 - 1.0);
        close(value(overheads.bandwidth.incoming.total), 1.25);
        assert_eq!(overheads.bandwidth.incoming.excluded, 1);
        close(value(overheads.packets.both.total), 1.0);
        close(value(overheads.packets_without_tail.incoming.total), 1.0);

        close(value(overheads.latency.total), 0.5); // 3 s for 2 s; the other trace has no duration
        assert_eq!(overheads.latency.excluded, 1);
        close(value(overheads.delay.mean_s), 1.0 / 3.0);
        assert_eq!(overheads.delay.p50_s, Some(0.0));
        close(overheads.delay.p95_s.unwrap(), 0.9);
        assert_eq!(overheads.delay.max_s, Some(1.0));
        close(overheads.untouched_share.unwrap(), 2.0 / 3.0);

        assert_eq!(overheads.padding_packets, PerDirection { outgoing: 1, incoming: 1 });
        assert_eq!(overheads.tail_padding_packets, PerDirection { outgoing: 0, incoming: 1 });
        assert_eq!(overheads.padding_dropped, PerDirection { outgoing: 3, incoming: 1 });
    }

    #[test]
    fn no_traces_have_no_overheads() {
        let overheads = Overheads::of(&[], &OverheadOptions::default());
        assert_eq!(overheads.traces, 0);
        assert_eq!(overheads.bandwidth.both.total, None);
        assert_eq!(overheads.delay.p95_s, None);
        assert_eq!(overheads.untouched_share, None);
    }

    #[test]
    fn intervals_hold_the_value_and_survive_json() {
        let example = example();
        let pairs: Vec<_> = example.iter().cycle().take(40).map(|(a, b)| (a, b)).collect();
        let overheads = Overheads::of(&pairs, &OverheadOptions { bootstrap: 400, seed: 3 });
        let mean = overheads.bandwidth.both.mean.unwrap();
        let [low, high] = mean.interval.unwrap();
        // 40 ratios, half of them 0 and half 1: standard error 0.079
        assert!((0.28..0.42).contains(&low) && (0.58..0.72).contains(&high), "{low} {high}");
        let json = serde_json::to_string(&overheads).unwrap();
        assert_eq!(serde_json::from_str::<Overheads>(&json).unwrap(), overheads);
    }

    proptest! {
        #[test]
        fn bandwidth_is_that_of_what_is_sent(set in any_set(), spec in any_spec()) {
            let defended = defend(&set, &spec, 1).unwrap();
            let bytes = |volumes: Vec<wfkit_metrics::Volume>| volumes.iter().map(|v| v.in_bytes + v.out_bytes).sum::<f64>();
            let overheads = defended.overheads(&PLAIN);
            let expected = bytes(defended.volumes()) / bytes(set.volumes()) - 1.0;
            prop_assert!((value(overheads.bandwidth.both.total) - expected).abs() < 1e-12);
            let sent: usize = defended.traces().map(|(_, trace)| trace.len()).sum();
            let packets = sent as f64 / set.packets() as f64 - 1.0;
            prop_assert!((value(overheads.packets.both.total) - packets).abs() < 1e-12);
            prop_assert!(overheads.latency.total.is_none_or(|latency| latency.value >= 0.0));
        }
    }
}
