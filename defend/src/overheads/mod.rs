//! What a defence costs, by name.

mod peak;
mod summary;
mod trace_cost;

pub use peak::Peak;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use wfkit_datasets::Trace;

pub use summary::{BothWays, DelaySummary, Estimate, RatioSummary};
use trace_cost::{Load, TraceCost};

use crate::{DefendedTrace, PerDirection};

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
    /// How long the first incoming normal packet of each trace is held back: what a user waits for the first answer.
    #[serde(default)]
    pub first_response_delay: DelaySummary,
    /// Share of the normal packets that are held back at all.
    #[serde(default)]
    pub delayed_share: Option<f64>,
    /// Bytes a second from the first to the last packet, padding included; `total` is the sum of the rates over the sum of the rates.
    /// A slower load looks cheaper in it. A trace that lasts no time on either side is excluded.
    #[serde(default)]
    pub rate: RatioSummary,
    /// Bytes in the busiest 100 ms of a trace.
    #[serde(default)]
    pub peak_100ms: BothWays,
    /// The busiest 100 ms of all traces, in bits a second.
    #[serde(default)]
    pub peak_100ms_bits_per_second: PerDirection<Peak>,
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
            BothWays::of(&costs, options, |cost| {
                let pair = |choose: &dyn Fn(&PerDirection<Load>) -> Load| {
                    let of = |loads| measure(&choose(loads));
                    let tail = if with_tail { 0 } else { of(&cost.tail) };
                    (of(&cost.original) as f64, (of(&cost.defended) - tail) as f64)
                };
                [pair(&PerDirection::total), pair(&|loads| loads.outgoing), pair(&|loads| loads.incoming)]
            })
        };
        let sum = |choose: fn(&TraceCost) -> PerDirection<u64>| {
            costs.iter().map(choose).fold(PerDirection::default(), |sum, one| sum + one)
        };
        let normal: u64 = costs.iter().map(|cost| cost.original.total().packets).sum();
        let untouched: u64 = costs.iter().map(|cost| cost.untouched).sum();
        // 80 bits a second for a byte in 100 ms.
        let highest = |which: usize| Peak {
            original: 80 * costs.iter().map(|cost| cost.peaks[which].original).max().unwrap_or(0),
            defended: 80 * costs.iter().map(|cost| cost.peaks[which].defended).max().unwrap_or(0),
        };
        let delayed: usize = costs.iter().map(|cost| cost.delays_ns.len()).sum();
        let sent: u64 = costs.iter().map(|cost| cost.defended.total().bytes).sum();
        let seen: u64 = costs.iter().map(|cost| cost.seen_bytes).sum();
        Self {
            traces: traces.len(),
            bandwidth: both_ways(|load| load.bytes, true),
            bandwidth_without_tail: both_ways(|load| load.bytes, false),
            packets: both_ways(|load| load.packets, true),
            packets_without_tail: both_ways(|load| load.packets, false),
            latency: RatioSummary::of(costs.iter().map(|c| (c.end_before_ns as f64, c.end_after_ns as f64)), options),
            delay: DelaySummary::of(costs.iter().map(TraceCost::delays), options),
            first_response_delay: DelaySummary::of(costs.iter().filter_map(TraceCost::first_response_delay), options),
            delayed_share: (normal > 0).then(|| delayed as f64 / normal as f64),
            rate: RatioSummary::of(costs.iter().map(|cost| cost.rates), options),
            peak_100ms: BothWays::of(&costs, options, |cost| {
                cost.peaks.map(|peak| (peak.original as f64, peak.defended as f64))
            }),
            peak_100ms_bits_per_second: PerDirection { outgoing: highest(1), incoming: highest(2) },
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{any_set, any_spec};
    use crate::{DefendedTraceBuilder, Ledger, defend};

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

        // The response of the first trace is through a second late; 300 bytes in 2 s became 600 in 4 s.
        let first = &overheads.first_response_delay;
        assert_eq!((value(first.mean_s), first.p50_s, first.max_s), (1.0, Some(1.0), Some(1.0)));
        close(overheads.delayed_share.unwrap(), 1.0 / 3.0);
        close(value(overheads.rate.total), 0.0);
        assert_eq!(overheads.rate.excluded, 1);
        let peak = overheads.peak_100ms_bits_per_second;
        assert_eq!(peak.outgoing, Peak { original: 8_000, defended: 8_000 });
        assert_eq!(peak.incoming, Peak { original: 16_000, defended: 12_000 });
        // 200 and 200 of the first trace, 10 and 10 of the second
        close(value(overheads.peak_100ms.both.total), 0.0);

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
