//! `wang-knn` and `wang-knn-published`: the features of the k-NN attack.
//!
//! Wang, Cai, Nithyanand, Johnson and Goldberg, "Effective Attacks and Provable Defenses for Website Fingerprinting", USENIX
//! Security 2014. Both sets have 1,225 columns in this order: packets, outgoing, incoming, duration; the positions of the first 500
//! outgoing packets, from 0; the differences of these positions, the first one from 0; outgoing packets in each of the first 100 blocks of 30
//! packets; bursts (maximum, mean, number, how many exceed 2, 5, 10, 15, 20, 50, and the first 100); the first 10 signed sizes plus
//! 1500; mean and standard deviation of the gaps. A burst here is the number of outgoing packets until two incoming ones follow each
//! other. What a trace has not is -1, which no other value is but by chance a size of -1501.
//!
//! - `wang-knn-published` is as the authors' code has it: the 30th packet of each block is not counted and a block that is not full has 0;
//!   every further pair of incoming packets is a burst of 0.
//! - `wang-knn` counts all packets of a block, also of the last one, and has no empty bursts. It begins with what the published set leaves out for
//!   Tor: for each signed size of the training traces, up to 1,500 bytes, whether it occurs (`has_+600`). The paper's 3,001 columns are those
//!   and others that no training trace differs in.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use wfkit_datasets::Trace;

use super::Extract;
use crate::column::{Feature, FeatureInformation, Unit};
use crate::stats::{gaps, mean, seconds, std};

const POSITIONS: usize = 500;
const BLOCKS: usize = 100;
const BLOCK: usize = 30;
const BURSTS: usize = 100;
const EXCEED: [usize; 6] = [2, 5, 10, 15, 20, 50];
const SIZES: usize = 10;
const LARGEST: i32 = 1_500;
/// What the columns of `wang-knn` and `wang-knn-published` have where a trace has nothing, such as a hundredth burst. Distances of the k-NN
/// attack leave it out.
pub const MISSING: f64 = -1.0;

/// `wang-knn`: the sizes whose presence counts, ascending.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Clean {
    sizes: Vec<i32>,
}

/// `wang-knn-published`; learns nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Published;

impl Clean {
    pub(crate) fn fit(training: &[&Trace]) -> Self {
        let sizes = training.iter().flat_map(|trace| trace.size().iter().copied());
        let distinct: BTreeSet<i32> = sizes.filter(|size| (-LARGEST..=LARGEST).contains(size)).collect();
        Self { sizes: distinct.into_iter().collect() }
    }
}

impl Extract for Clean {
    fn columns(&self) -> Vec<Feature> {
        let presence = |size: &i32| Feature::of("has", format!("has_{size:+}"), Unit::Number, FeatureInformation::Size);
        self.sizes.iter().map(presence).chain(shared_columns()).collect()
    }

    fn push(&self, trace: &Trace, row: &mut Vec<f64>) {
        let start = row.len();
        row.resize(start + self.sizes.len(), 0.0);
        for size in trace.size() {
            if let Ok(place) = self.sizes.binary_search(size) {
                row[start + place] = 1.0;
            }
        }
        let blocks = trace.size().chunks(BLOCK).map(count_out).collect();
        let bursts = requests(trace, false);
        push_shared(trace, blocks, &bursts, row);
    }

    fn check(&self) -> Result<(), String> {
        let within = self.sizes.iter().all(|size| (-LARGEST..=LARGEST).contains(size));
        if !within || !self.sizes.is_sorted_by(|a, b| a < b) {
            return Err(format!("sizes of wang-knn are not ascending, or beyond {LARGEST}"));
        }
        Ok(())
    }
}

impl Extract for Published {
    fn columns(&self) -> Vec<Feature> {
        shared_columns().collect()
    }

    fn push(&self, trace: &Trace, row: &mut Vec<f64>) {
        let blocks = trace.size().chunks_exact(BLOCK).map(|block| count_out(&block[..BLOCK - 1])).collect();
        let bursts = requests(trace, true);
        push_shared(trace, blocks, &bursts, row);
    }
}

fn shared_columns() -> impl Iterator<Item = Feature> {
    use FeatureInformation::{Order, Time, Volume};
    let packets = |name| Feature::one(name, Unit::Packets, Volume);
    let mut columns = vec![packets("packets"), packets("out_packets"), packets("in_packets")];
    columns.push(Feature::one("seconds", Unit::Seconds, Time));
    columns.extend(Feature::numbered("out_position", POSITIONS, Unit::Position, Order));
    columns.extend(Feature::numbered("out_distance", POSITIONS, Unit::Position, Order));
    columns.extend(Feature::numbered("block", BLOCKS, Unit::Packets, Order));
    columns.extend(["burst_max", "burst_mean"].map(|name| Feature::one(name, Unit::Packets, Order)));
    columns.push(Feature::one("bursts", Unit::Count, Order));
    columns.extend(EXCEED.map(|packets| Feature::one(format!("bursts_over_{packets}"), Unit::Count, Order)));
    columns.extend(Feature::numbered("burst", BURSTS, Unit::Packets, Order));
    columns.extend(Feature::numbered("size_and_1500", SIZES, Unit::Bytes, Order));
    columns.extend(["gap_mean", "gap_std"].map(|name| Feature::one(name, Unit::Seconds, Time)));
    columns.into_iter()
}

fn push_shared(trace: &Trace, blocks: Vec<usize>, bursts: &[usize], row: &mut Vec<f64>) {
    let mut first = |values: &mut dyn Iterator<Item = f64>, count: usize, padding: f64| {
        row.extend(values.chain(std::iter::repeat(padding)).take(count));
    };
    let out_packets = trace.out_packets();
    let totals = [trace.len(), out_packets, trace.len() - out_packets].map(|count| count as f64);
    first(&mut totals.into_iter().chain([seconds(trace.duration_ns())]), 4, MISSING);

    let outgoing = trace.size().iter().enumerate().filter(|&(_, &size)| size > 0);
    let positions: Vec<f64> = outgoing.map(|(position, _)| position as f64).take(POSITIONS).collect();
    let before = [0.0].into_iter().chain(positions.iter().copied());
    first(&mut positions.iter().copied(), POSITIONS, MISSING);
    first(&mut positions.iter().zip(before).map(|(position, before)| position - before), POSITIONS, MISSING);
    first(&mut blocks.into_iter().map(|out| out as f64), BLOCKS, 0.0);

    let lengths: Vec<f64> = bursts.iter().map(|&packets| packets as f64).collect();
    let summary = match lengths.iter().copied().reduce(f64::max) {
        Some(max) => [max, mean(&lengths), lengths.len() as f64],
        None => [MISSING; 3],
    };
    first(&mut summary.into_iter(), 3, MISSING);
    let over = |limit: usize| bursts.iter().filter(|&&packets| packets > limit).count() as f64;
    first(&mut EXCEED.into_iter().map(over), EXCEED.len(), MISSING);
    first(&mut lengths.into_iter(), BURSTS, MISSING);

    first(&mut trace.size().iter().map(|&size| f64::from(size) + 1500.0), SIZES, MISSING);
    let gaps = gaps(trace.time_ns());
    first(&mut [mean(&gaps), std(&gaps)].into_iter(), 2, MISSING);
}

/// Outgoing packets until two incoming ones in a row, again and again; bursts of none only if `empty`.
pub(super) fn requests(trace: &Trace, empty: bool) -> Vec<usize> {
    let (mut bursts, mut packets, mut incoming) = (Vec::new(), 0, 0);
    for &size in trace.size() {
        if size > 0 {
            packets += 1;
            incoming = 0;
            continue;
        }
        incoming += 1;
        if incoming == 2 {
            bursts.extend((packets > 0 || empty).then_some(packets));
            (packets, incoming) = (0, 0);
        }
    }
    bursts.extend((packets > 0).then_some(packets));
    bursts
}

fn count_out(sizes: &[i32]) -> usize {
    sizes.iter().filter(|&&size| size > 0).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sets::{golden, row};

    #[test]
    fn golden_bursts() {
        // + + + - - + - - - + - -
        assert_eq!(requests(&golden::trace(), false), [3, 1, 1]);
        assert_eq!(requests(&Trace::new(vec![0; 6], vec![1, -1, -1, -1, -1, 1]).unwrap(), true), [1, 0, 1]);
    }

    #[test]
    fn the_published_columns_and_those_of_training() {
        let published = row(&Published, &golden::trace());
        assert_eq!((published.len(), shared_columns().count()), (1225, 1225));
        assert_eq!(published[..4], [12.0, 5.0, 7.0, 2.1]);
        assert_eq!(published[4..10], [0.0, 1.0, 2.0, 5.0, 9.0, -1.0]);
        assert_eq!(published[504..510], [0.0, 1.0, 1.0, 3.0, 4.0, -1.0]);
        assert_eq!((published[1004], published[1104..1107].to_vec()), (0.0, vec![3.0, 5.0 / 3.0, 3.0]));
        let clean = Clean::fit(&[&golden::trace()]);
        let clean_row = row(&clean, &golden::trace());
        assert_eq!((clean_row.len(), clean_row[..2].to_vec(), clean_row[2 + 1004]), (1227, vec![1.0, 1.0], 5.0));
        assert_eq!(clean.columns()[0].name, "has_-1");
    }
}
