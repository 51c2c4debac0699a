//! `inter-arrival`: statistics of the gaps between packets.
//!
//! Five lists of gaps, in seconds: between successive packets, successive incoming, successive outgoing packets; and where the direction turns,
//! from the last outgoing packet to the next incoming one (`answer`) and back (`think`). Of each: mean, standard deviation,
//! minimum, maximum, the 10th, 25th, 50th, 75th and 90th percentile, and the share of gaps below 1 us, 10 us, .. 10 s. Of an empty list
//! each is 0. The lists of gaps are those of Feghhi and Leith, "A Web Traffic Analysis Attack Using Only Timing Information", IEEE
//! TIFS 2016, and of k-FP; the selection is ours.

use serde::{Deserialize, Serialize};
use wfkit_datasets::Trace;

use super::Extract;
use crate::column::{Feature, FeatureInformation, Unit};
use crate::stats::{gaps, mean, percentile_by, seconds, std};

const LISTS: [&str; 5] = ["gap", "in_gap", "out_gap", "answer", "think"];
const PERCENTILES: [f64; 7] = [0.0, 100.0, 10.0, 25.0, 50.0, 75.0, 90.0];
/// Bounds of the shares, as names and seconds.
const BOUNDS: [(&str, f64); 8] = [
    ("1us", 1e-6),
    ("10us", 1e-5),
    ("100us", 1e-4),
    ("1ms", 1e-3),
    ("10ms", 1e-2),
    ("100ms", 1e-1),
    ("1s", 1.0),
    ("10s", 10.0),
];

/// Learns nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct InterArrival;

impl Extract for InterArrival {
    fn columns(&self) -> Vec<Feature> {
        let mut columns = Vec::new();
        for list in LISTS {
            let statistics = ["mean", "std", "min", "max", "p10", "p25", "p50", "p75", "p90"];
            let statistic = |name| Feature::one(format!("{list}_{name}"), Unit::Seconds, FeatureInformation::Time);
            columns.extend(statistics.map(statistic));
            let share =
                |(bound, _)| Feature::one(format!("{list}_below_{bound}"), Unit::Share, FeatureInformation::Time);
            columns.extend(BOUNDS.map(share));
        }
        columns
    }

    fn push(&self, trace: &Trace, row: &mut Vec<f64>) {
        let of = |outgoing: bool| -> Vec<u64> {
            trace.packets().filter(|&(_, size)| (size > 0) == outgoing).map(|(time_ns, _)| time_ns).collect()
        };
        let turns = |from_outgoing: bool| -> Vec<f64> {
            let turn = |i: &usize| {
                let (before, after) = (trace.size()[i - 1] > 0, trace.size()[*i] > 0);
                before != after && before == from_outgoing
            };
            let gap = |i: usize| seconds(trace.time_ns()[i] - trace.time_ns()[i - 1]);
            (1..trace.len()).filter(turn).map(gap).collect()
        };
        for mut gaps in [gaps(trace.time_ns()), gaps(&of(false)), gaps(&of(true)), turns(true), turns(false)] {
            gaps.sort_unstable_by(f64::total_cmp);
            row.extend([mean(&gaps), std(&gaps)]);
            row.extend(PERCENTILES.map(|percent| percentile_by(gaps.len(), percent, |rank| gaps[rank])));
            let below = |(_, bound): (&str, f64)| gaps.partition_point(|&gap| gap < bound) as f64;
            row.extend(BOUNDS.map(|bound| below(bound) / gaps.len().max(1) as f64));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sets::{golden, row};

    #[test]
    fn golden_turns() {
        let row = row(&InterArrival, &golden::trace());
        assert_eq!((row.len(), InterArrival.columns().len()), (85, 85));
        let answer = &row[51..68]; // gaps 0.2, 0.8, 0.1
        assert!((answer[0] - 1.1 / 3.0).abs() < 1e-15);
        assert_eq!((answer[2], answer[3], answer[6]), (0.1, 0.8, 0.2));
        assert_eq!(answer[9..], [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0]);
    }

    #[test]
    fn one_packet_has_no_gap() {
        assert_eq!(row(&InterArrival, &Trace::new(vec![0], vec![1]).unwrap()), [0.0; 85]);
    }
}
