//! `kfp-size`: `kfp-core` and packet sizes.
//!
//! The k-FP paper uses sizes where packets have them; the published code, written for Tor cells, leaves them out. Added
//! here, 39 columns:
//! - sum, mean, standard deviation, variance, maximum, minimum, 25th, 50th and 75th percentile of the sizes of incoming
//!   packets, of outgoing packets, of all; of no packets each is 0;
//! - the share of bytes that go out; the number of distinct sizes, whatever the direction;
//! - how often each of the 10 commonest (size, direction) pairs *of the training traces* occurs, `common_size_01` being
//!   the commonest. Of two equally common pairs the smaller signed size comes first (incoming before outgoing, then
//!   large incoming before small). With fewer than 10 pairs in training the columns left over are 0.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use wfkit_datasets::Trace;

use super::core::Core;
use crate::column::{Feature, FeatureInformation, Unit};
use crate::sets::Extract;
use crate::stats::{mean, percentile_by, variance};

/// Commonest (size, direction) pairs counted.
const COMMON: usize = 10;

/// What the training traces say is common.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sizes {
    commonest: Vec<i32>,
}

impl Sizes {
    pub(crate) fn fit(training: &[&Trace]) -> Self {
        Self { commonest: commonest(training) }
    }

    /// The same where it has been counted how many packets of the training traces have each size.
    pub(crate) fn of_counts(counts: HashMap<i32, u64>) -> Self {
        Self { commonest: commonest_of(counts) }
    }
}

impl Extract for Sizes {
    fn columns(&self) -> Vec<Feature> {
        use FeatureInformation::{Size, Volume};
        let mut columns = Core.columns();
        for list in ["in_size", "out_size", "size"] {
            columns.push(Feature::one(format!("{list}_sum"), Unit::Bytes, Volume));
            for statistic in ["mean", "std", "var", "max", "min", "p25", "p50", "p75"] {
                let unit = if statistic == "var" { Unit::BytesSquared } else { Unit::Bytes };
                columns.push(Feature::one(format!("{list}_{statistic}"), unit, Size));
            }
        }
        columns.push(Feature::one("out_bytes_share", Unit::Share, Volume));
        columns.push(Feature::one("distinct_sizes", Unit::Count, Size));
        columns.extend(Feature::numbered("common_size", COMMON, Unit::Packets, Size));
        columns
    }

    fn push(&self, trace: &Trace, row: &mut Vec<f64>) {
        Core.push(trace, row);

        let mut signed = trace.size().to_vec();
        signed.sort_unstable();
        let (incoming, outgoing) = signed.split_at(trace.in_packets());
        let incoming: Vec<u32> = incoming.iter().rev().map(|size| size.unsigned_abs()).collect();
        let outgoing: Vec<u32> = outgoing.iter().map(|size| size.unsigned_abs()).collect();
        let mut all = [&incoming[..], &outgoing].concat();
        all.sort(); // the stable sort merges the two runs
        for sizes in [&incoming, &outgoing, &all] {
            push_statistics(sizes, row);
        }

        let (out_bytes, in_bytes) = (trace.out_bytes() as f64, trace.in_bytes() as f64);
        let distinct = all.chunk_by(|a, b| a == b).count();
        row.extend([out_bytes / (out_bytes + in_bytes), distinct as f64]);

        let mut counts = [0.0; COMMON];
        for (count, &common) in counts.iter_mut().zip(&self.commonest) {
            let end = signed.partition_point(|&size| size <= common);
            *count = (end - signed.partition_point(|&size| size < common)) as f64;
        }
        row.extend(counts);
    }

    fn check(&self) -> Result<(), String> {
        match self.commonest.len() {
            sizes if sizes > COMMON => Err(format!("kfp-size counts {sizes} sizes, more than {COMMON}")),
            _ => Ok(()),
        }
    }
}

/// The commonest signed sizes of the training traces, commonest first, at most [`COMMON`].
fn commonest(traces: &[&Trace]) -> Vec<i32> {
    let mut counts: HashMap<i32, u64> = HashMap::new();
    for &size in traces.iter().flat_map(|trace| trace.size()) {
        *counts.entry(size).or_default() += 1;
    }
    commonest_of(counts)
}

/// The sizes of most packets, of those that have each size.
fn commonest_of(counts: HashMap<i32, u64>) -> Vec<i32> {
    let mut ranked: Vec<(i32, u64)> = counts.into_iter().collect();
    ranked.sort_unstable_by(|(a_size, a), (b_size, b)| b.cmp(a).then(a_size.cmp(b_size)));
    ranked.into_iter().take(COMMON).map(|(size, _)| size).collect()
}

fn push_statistics(sorted: &[u32], row: &mut Vec<f64>) {
    let sizes: Vec<f64> = sorted.iter().map(|&size| f64::from(size)).collect();
    let variance = variance(&sizes);
    let sum: u64 = sorted.iter().map(|&size| u64::from(size)).sum();
    row.extend([sum as f64, mean(&sizes), variance.sqrt(), variance]);
    row.extend([100.0, 0.0, 25.0, 50.0, 75.0].map(|percent| percentile_by(sizes.len(), percent, |rank| sizes[rank])));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace(size: &[i32]) -> Trace {
        Trace::new(vec![0; size.len()], size.into()).unwrap()
    }

    fn sizes(trace: &Trace, commonest: &[i32]) -> Vec<f64> {
        let mut row = crate::sets::row(&Sizes { commonest: commonest.into() }, trace);
        row.split_off(Core.columns().len())
    }

    #[test]
    fn sizes_of_each_direction_and_of_all() {
        let row = sizes(&trace(&[100, -536, -1448, -536]), &[-536, 100, 7]);
        assert_eq!(row.len(), Sizes::fit(&[]).columns().len() - Core.columns().len());
        assert_eq!(row[..9], [2520.0, 840.0, row[3].sqrt(), row[3], 1448.0, 536.0, 536.0, 536.0, 992.0]);
        assert_eq!(row[9..18], [100.0, 100.0, 0.0, 0.0, 100.0, 100.0, 100.0, 100.0, 100.0]);
        assert_eq!((row[18], row[22], row[23]), (2620.0, 1448.0, 100.0));
        assert_eq!(row[27..29], [100.0 / 2620.0, 3.0]);
        assert_eq!(row[29..], [2.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn one_packet_and_one_direction() {
        let row = sizes(&trace(&[40]), &[]);
        assert_eq!(row[..9], [0.0; 9]);
        assert_eq!(row[27..], [1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn a_size_in_both_directions_is_one_size_but_two_pairs() {
        let both = trace(&[40, -40]);
        assert_eq!(sizes(&both, &[])[28], 1.0);
        assert_eq!(commonest(&[&both]), [-40, 40]);
    }

    #[test]
    fn commonest_first_ties_by_signed_size_at_most_ten() {
        let many: Vec<i32> = (1..=20).collect();
        let ranked = commonest(&[&trace(&many), &trace(&[20, -3, -3])]);
        assert_eq!(ranked, [-3, 20, 1, 2, 3, 4, 5, 6, 7, 8]);
    }
}
