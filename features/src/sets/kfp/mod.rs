//! k-FP: what its variants share.
//!
//! Hayes and Danezis, "k-fingerprinting: a Robust Scalable Website Fingerprinting Technique", USENIX Security 2016. The
//! paper lists its features in words; the authors' code settles them. Definitions used here:
//!
//! - The *concentration* list holds the outgoing packets of each block of 20 packets; the last block may be shorter.
//! - The *per-second* list holds the packets of each second, see [`PerSecond`].
//! - Gaps are between successive packets of one direction, or of all; fewer than two packets have none.
//! - Percentiles interpolate linearly; deviations divide by the number of values; of an empty list every statistic
//!   is 0.
//!
//! The authors' code says in for out in the names of the four position columns; the order is theirs, the names here are
//! right.

pub(crate) mod core;
pub(crate) mod per_second;
pub(crate) mod published;
pub(crate) mod size;

use wfkit_datasets::Trace;

use crate::column::{Feature, FeatureInformation, Unit};
use crate::stats::{gaps, max, mean, percentile, std, time_percentile};
use per_second::PerSecond;

/// Packets a block of the concentration list.
const BLOCK: usize = 20;
/// Packets at either end whose directions are counted.
const END: usize = 30;
/// Pieces of the concentration list.
const CONCENTRATION_PIECES: usize = 70;
/// Pieces of the per-second list.
const PER_SECOND_PIECES: usize = 20;

/// The lists behind the features of one trace.
struct Lists<'a> {
    trace: &'a Trace,
    incoming: Direction,
    outgoing: Direction,
    concentration: Vec<f64>,
    per_second: PerSecond,
}

/// The packets of one direction: their times, and their places in the whole trace counted from 0.
struct Direction {
    time_ns: Vec<u64>,
    position: Vec<f64>,
}

impl Direction {
    fn with_capacity(packets: usize) -> Self {
        Self { time_ns: Vec::with_capacity(packets), position: Vec::with_capacity(packets) }
    }

    fn push(&mut self, position: usize, time_ns: u64) {
        self.time_ns.push(time_ns);
        self.position.push(position as f64);
    }

    fn len(&self) -> usize {
        self.time_ns.len()
    }
}

impl<'a> Lists<'a> {
    fn of(trace: &'a Trace) -> Self {
        let out_packets = trace.out_packets();
        let mut outgoing = Direction::with_capacity(out_packets);
        let mut incoming = Direction::with_capacity(trace.len() - out_packets);
        for (position, (time_ns, size)) in trace.packets().enumerate() {
            if size > 0 { outgoing.push(position, time_ns) } else { incoming.push(position, time_ns) }
        }
        let concentration = trace.size().chunks(BLOCK).map(|block| count_out(block) as f64).collect();
        Self { trace, incoming, outgoing, concentration, per_second: PerSecond::of(trace.time_ns()) }
    }
}

fn count_out(sizes: &[i32]) -> usize {
    sizes.iter().filter(|&&size| size > 0).count()
}

/// Features 0-45, which all variants have.
fn summary_columns() -> Vec<Feature> {
    use FeatureInformation::{Order, Time, Volume};
    let mut columns = Vec::with_capacity(46);
    for statistic in ["max", "mean", "std", "p75"] {
        let lists = ["in_gap", "out_gap", "gap"];
        columns.extend(lists.map(|list| Feature::one(format!("{list}_{statistic}"), Unit::Seconds, Time)));
    }
    for list in ["in_time", "out_time", "time"] {
        let percentiles = ["p25", "p50", "p75", "p100"];
        columns.extend(percentiles.map(|percentile| Feature::one(format!("{list}_{percentile}"), Unit::Seconds, Time)));
    }
    let mut extend = |names: &str, unit, information| {
        columns.extend(names.split_whitespace().map(|name| Feature::one(name, unit, information)));
    };
    extend("in_packets out_packets packets", Unit::Packets, Volume);
    extend("first30_in first30_out last30_in last30_out", Unit::Packets, Order);
    extend("concentration_std concentration_mean", Unit::Packets, Order);
    extend("per_second_mean per_second_std", Unit::Packets, Time);
    extend("out_position_mean in_position_mean out_position_std in_position_std", Unit::Position, Order);
    extend("concentration_median", Unit::Packets, Order);
    extend("per_second_median per_second_min per_second_max", Unit::Packets, Time);
    extend("concentration_max", Unit::Packets, Order);
    extend("in_share out_share", Unit::Share, Volume);
    columns
}

fn push_summary(lists: &Lists<'_>, row: &mut Vec<f64>) {
    let Lists { trace, incoming, outgoing, concentration, per_second } = lists;
    let packets = trace.len();

    let mut gap_lists = [&incoming.time_ns[..], &outgoing.time_ns, trace.time_ns()].map(gaps);
    row.extend(gap_lists.iter().map(|gaps| max(gaps)));
    row.extend(gap_lists.iter().map(|gaps| mean(gaps)));
    row.extend(gap_lists.iter().map(|gaps| std(gaps)));
    row.extend(gap_lists.iter_mut().map(|gaps| percentile(gaps, 75.0)));

    for time_ns in [&incoming.time_ns[..], &outgoing.time_ns, trace.time_ns()] {
        row.extend([25.0, 50.0, 75.0, 100.0].map(|percent| time_percentile(time_ns, percent)));
    }
    row.extend([incoming.len(), outgoing.len(), packets].map(|count| count as f64));

    let end = packets.min(END);
    let first_out = count_out(&trace.size()[..end]);
    let last_out = count_out(&trace.size()[packets - end..]);
    row.extend([end - first_out, first_out, end - last_out, last_out].map(|count| count as f64));

    row.extend([std(concentration), mean(concentration)]);
    row.extend([per_second.mean(), per_second.std()]);
    row.extend([mean(&outgoing.position), mean(&incoming.position)]);
    row.extend([std(&outgoing.position), std(&incoming.position)]);
    row.push(percentile(&mut concentration.clone(), 50.0));
    row.extend([per_second.median(), per_second.min(), per_second.max(), max(concentration)]);
    row.extend([incoming.len(), outgoing.len()].map(|count| count as f64 / packets as f64));
}

fn concentration_columns(pieces: usize) -> impl Iterator<Item = Feature> {
    Feature::numbered("concentration_piece", pieces, Unit::Packets, FeatureInformation::Order)
}

fn per_second_columns(pieces: usize) -> impl Iterator<Item = Feature> {
    Feature::numbered("per_second_piece", pieces, Unit::Packets, FeatureInformation::Time)
}

/// The sum of a list over each of the pieces that end before `ends`, which ascend and leave nothing over. The list is
/// given by its entries (index, value) that are not 0, in order.
fn push_pieces(entries: impl Iterator<Item = (u64, f64)>, ends: &[u64], row: &mut Vec<f64>) {
    let start = row.len();
    row.resize(start + ends.len(), 0.0);
    let mut piece = 0;
    for (index, value) in entries {
        while index >= ends[piece] {
            piece += 1;
        }
        row[start + piece] += value;
    }
}

/// The concentration list as entries of [`push_pieces`].
fn entries(list: &[f64]) -> impl Iterator<Item = (u64, f64)> + '_ {
    (0..).zip(list.iter().copied())
}

/// Features 138-142. The pieces add up to the outgoing packets, and to all packets.
fn sum_columns() -> [Feature; 5] {
    [
        Feature::one("concentration_piece_sum", Unit::Packets, FeatureInformation::Volume),
        Feature::one("per_second_piece_sum", Unit::Packets, FeatureInformation::Volume),
        Feature::one("gap_sum", Unit::Seconds, FeatureInformation::Time),
        Feature::one("time_sum", Unit::Seconds, FeatureInformation::Time),
        Feature::one("packet_sum", Unit::Packets, FeatureInformation::Volume),
    ]
}

/// The sums of both lists of pieces and of the features 0-11, 12-23 and 24-26 of `features`, whose pieces start at 46.
fn push_sums(features: &mut Vec<f64>, start: usize, concentration_pieces: usize) {
    let own = &features[start..];
    let (concentration, per_second) = own[46..].split_at(concentration_pieces);
    let sums = [concentration, per_second, &own[..12], &own[12..24], &own[24..27]].map(|part| part.iter().sum::<f64>());
    features.extend(sums);
}
