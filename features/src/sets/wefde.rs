//! `wefde`: fourteen groups of features from earlier attacks, side by side, so that each can be judged by itself.
//!
//! The groups are those of Li, Guo and Hopper, "Measuring Information Leakage in Website Fingerprinting Attacks and Defenses", CCS 2018;
//! a group is one definition of the schema: `wefde.packet_number`, `wefde.burst`. 2,471 columns, in this order:
//!
//! - `packet_number`, 13: packets, outgoing, incoming; shares of the latter two; the three counts rounded to multiples of 15 and the
//!   shares to 5 %; bytes in all, outgoing, incoming.
//! - `packet_time`, 24: maximum, mean, deviation and 75th percentile of the gaps, each of all, outgoing, incoming packets; then the
//!   25th, 50th, 75th and 100th percentile of the times of all, outgoing, incoming packets.
//! - `ngram`, 124: as in `ngram-direction`, n = 2..6.
//! - `transposition`, 604: positions (from 0) of the first 300 outgoing packets, deviation and mean of all their positions; the same of
//!   incoming ones.
//! - `interval_knn`, 600: differences between successive of these positions, the first 300 of outgoing, of incoming packets.
//! - `interval_icics`, 602: how often 0, 1, .. 299, or 300 and more packets stand between two successive outgoing, incoming packets.
//! - `interval_wpes11`, 14: the same in the bins 0, 1, 2, 3-5, 6-8, 9-13, 14 and more.
//! - `packet_distribution`, 225: outgoing packets in the first 200 blocks of 30; deviation, mean, median and maximum over all blocks; the sums of
//!   20 pieces of 10 of these 200; the sum of the 200.
//! - `burst`, 11: of the bursts of `wang-knn`: maximum, mean, number, how many exceed 2, 5, 10, 15, 20, 50; deviation and median.
//! - `first20`, 20: the first 20 signed sizes, padded with 0. `first30`, `last30`, 2 each: outgoing and incoming of the first, last 30 packets.
//! - `per_second`, 126: packets in the first 100 seconds; mean, deviation, median, minimum, maximum over all seconds; the sums of 20
//!   pieces of 5 of these 100; the sum of the 100.
//! - `cumul`, 104: `cumul-two-curves`.
//!
//! Only the groups and how many columns each has are the paper's; what stands in a column was settled here where their words leave it open:
//! bytes in `packet_number`, deviation and median in `burst`, padding, and the pieces. Positions and differences that a trace has
//! not are -1; every statistic of an empty list is 0.

use serde::{Deserialize, Serialize};
use wfkit_datasets::Trace;

use super::Extract;
use super::cumul::TwoCurves;
use super::direction_ngram::Directions;
use super::kfp::per_second::PerSecond;
use super::wang::requests;
use crate::column::{Feature, FeatureInformation, Unit};
use crate::stats::{gaps, max, mean, percentile, std, time_percentile};

/// Learns nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Wefde;

const POSITIONS: usize = 300;
/// Packets between two of one direction that are counted apart; one more column counts more of them.
const BETWEEN: usize = 300;
/// The least of each coarse bin of packets between.
const COARSE: [usize; 7] = [0, 1, 2, 3, 6, 9, 14];
const COARSE_NAMES: [&str; 7] = ["0", "1", "2", "3_5", "6_8", "9_13", "more"];
const BLOCK: usize = 30;
const BLOCKS: usize = 200;
const SECONDS: usize = 100;
const PIECES: usize = 20;
const EXCEED: [f64; 6] = [2.0, 5.0, 10.0, 15.0, 20.0, 50.0];
const FIRST: usize = 20;
const END: usize = 30;
/// Stands for what a trace has not.
const MISSING: f64 = -1.0;
/// n-grams of one direction, which `ngram-direction` begins with and this leaves out, and where its n-grams end.
const NGRAMS: std::ops::Range<usize> = 2..126;

impl Extract for Wefde {
    fn columns(&self) -> Vec<Feature> {
        use FeatureInformation::{Order, Time, Volume};
        let mut columns = Vec::new();
        let mut group = |family: &'static str, names: Vec<String>, unit: Unit, information: FeatureInformation| {
            let of = |name| Feature::of(family, format!("{family}_{name}"), unit, information);
            columns.extend(names.into_iter().map(of));
        };
        let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        group("packet_number", own(&["all", "out", "in"]), Unit::Packets, Volume);
        group("packet_number", own(&["out_share", "in_share"]), Unit::Share, Volume);
        group("packet_number", own(&["all_by_15", "out_by_15", "in_by_15"]), Unit::Packets, Volume);
        group("packet_number", own(&["out_share_by_5", "in_share_by_5"]), Unit::Share, Volume);
        group("packet_number", own(&["bytes", "out_bytes", "in_bytes"]), Unit::Bytes, Volume);
        let of_each = |statistic: &str| ["all", "out", "in"].map(|which| format!("{which}_{statistic}"));
        group(
            "packet_time",
            ["gap_max", "gap_mean", "gap_std", "gap_p75"].iter().flat_map(|s| of_each(s)).collect(),
            Unit::Seconds,
            Time,
        );
        let times =
            ["all", "out", "in"].iter().flat_map(|which| [25, 50, 75, 100].map(|q| format!("{which}_time_p{q}")));
        group("packet_time", times.collect(), Unit::Seconds, Time);
        let directions = Directions.columns();
        let grams = directions[NGRAMS].iter().map(|gram| gram.name.trim_start_matches("gram_").to_owned());
        group("ngram", grams.collect(), Unit::Count, Order);
        for direction in ["out", "in"] {
            group("transposition", counted(direction, POSITIONS), Unit::Position, Order);
            group(
                "transposition",
                vec![format!("{direction}_std"), format!("{direction}_mean")],
                Unit::Position,
                Order,
            );
        }
        for direction in ["out", "in"] {
            group("interval_knn", counted(direction, POSITIONS), Unit::Position, Order);
        }
        for direction in ["out", "in"] {
            let between = (0..BETWEEN).map(|packets| format!("{direction}_{packets:03}"));
            group("interval_icics", between.chain([format!("{direction}_more")]).collect(), Unit::Count, Order);
        }
        for direction in ["out", "in"] {
            let coarse = COARSE_NAMES.map(|packets| format!("{direction}_{packets}"));
            group("interval_wpes11", coarse.to_vec(), Unit::Count, Order);
        }
        group("packet_distribution", counted("block", BLOCKS), Unit::Packets, Order);
        group("packet_distribution", own(&["std", "mean", "median", "max"]), Unit::Packets, Order);
        group("packet_distribution", counted("piece", PIECES), Unit::Packets, Order);
        group("packet_distribution", own(&["sum"]), Unit::Packets, Order);
        group("burst", own(&["max", "mean"]), Unit::Packets, Order);
        let exceeding = EXCEED.iter().map(|packets| format!("over_{packets}"));
        group("burst", ["count".to_owned()].into_iter().chain(exceeding).collect(), Unit::Count, Order);
        group("burst", own(&["std", "median"]), Unit::Packets, Order);
        group("first20", counted("size", FIRST), Unit::Bytes, Order);
        group("first30", own(&["out", "in"]), Unit::Packets, Order);
        group("last30", own(&["out", "in"]), Unit::Packets, Order);
        group("per_second", counted("second", SECONDS), Unit::Packets, Time);
        group("per_second", own(&["mean", "std", "median", "min", "max"]), Unit::Packets, Time);
        group("per_second", counted("piece", PIECES), Unit::Packets, Time);
        group("per_second", own(&["sum"]), Unit::Packets, Time);
        for Feature { name, unit, .. } in TwoCurves.columns() {
            group("cumul", vec![name], unit, Order);
        }
        columns
    }

    fn push(&self, trace: &Trace, row: &mut Vec<f64>) {
        let directions = [Direction::of(trace, |size| size > 0), Direction::of(trace, |size| size < 0)];
        push_numbers(trace, row);
        push_times([trace.time_ns(), &directions[0].time_ns, &directions[1].time_ns], row);
        let mut grams = Vec::new();
        Directions.push(trace, &mut grams);
        row.extend_from_slice(&grams[NGRAMS]);
        push_positions(&directions, row);
        push_blocks(trace, row);
        push_bursts(trace, row);
        push_ends(trace, row);
        let seconds = PerSecond::of(trace.time_ns());
        let first = padded(seconds.first(SECONDS), SECONDS, 0.0);
        let statistics = [seconds.mean(), seconds.std(), seconds.median(), seconds.min(), seconds.max()];
        push_list(&first, &statistics, row);
        TwoCurves.push(trace, row);
    }
}

/// `name_01` .. `name_count`, with zeros before the short numbers.
fn counted(name: &str, count: usize) -> Vec<String> {
    let width = count.to_string().len();
    (1..=count).map(|number| format!("{name}_{number:0width$}")).collect()
}

/// The packets of one direction: their times, and their positions in the whole trace, from 0.
struct Direction {
    time_ns: Vec<u64>,
    position: Vec<usize>,
}

impl Direction {
    fn of(trace: &Trace, is_own: impl Fn(i32) -> bool) -> Self {
        let own = trace.packets().enumerate().filter(|&(_, (_, size))| is_own(size));
        let (position, time_ns) = own.map(|(position, (time_ns, _))| (position, time_ns)).unzip();
        Self { time_ns, position }
    }

    /// From each packet to the next, in packets.
    fn differences(&self) -> impl Iterator<Item = usize> + '_ {
        self.position.windows(2).map(|pair| pair[1] - pair[0])
    }
}

fn push_numbers(trace: &Trace, row: &mut Vec<f64>) {
    let (all, out) = (trace.len(), trace.out_packets());
    let counts = [all, out, all - out];
    // 15 is odd, so that nothing stands in the middle.
    let by_15 = |packets: usize| ((packets + 7) / 15 * 15) as f64;
    let by_5 = |packets: usize| ((40 * packets + all) / (2 * all)) as f64 / 20.0;
    row.extend(counts.map(|packets| packets as f64));
    row.extend([out, all - out].map(|packets| packets as f64 / all as f64));
    row.extend(counts.map(by_15));
    row.extend([out, all - out].map(by_5));
    row.extend([trace.out_bytes() + trace.in_bytes(), trace.out_bytes(), trace.in_bytes()].map(|bytes| bytes as f64));
}

fn push_times(times: [&[u64]; 3], row: &mut Vec<f64>) {
    let mut gaps = times.map(gaps);
    row.extend(gaps.each_ref().map(|gaps| max(gaps)));
    row.extend(gaps.each_ref().map(|gaps| mean(gaps)));
    row.extend(gaps.each_ref().map(|gaps| std(gaps)));
    row.extend(gaps.each_mut().map(|gaps| percentile(gaps, 75.0)));
    row.extend(times.iter().flat_map(|times| [25.0, 50.0, 75.0, 100.0].map(|percent| time_percentile(times, percent))));
}

fn push_positions(directions: &[Direction; 2], row: &mut Vec<f64>) {
    for direction in directions {
        let positions: Vec<f64> = direction.position.iter().map(|&position| position as f64).collect();
        row.extend(padded(positions.iter().copied().take(POSITIONS).collect(), POSITIONS, MISSING));
        row.extend([std(&positions), mean(&positions)]);
    }
    for direction in directions {
        let differences = direction.differences().take(POSITIONS).map(|packets| packets as f64);
        row.extend(padded(differences.collect(), POSITIONS, MISSING));
    }
    for direction in directions {
        let mut counts = [0.0; BETWEEN + 1];
        direction.differences().for_each(|packets| counts[(packets - 1).min(BETWEEN)] += 1.0);
        row.extend(counts);
    }
    for direction in directions {
        let mut counts = [0.0; COARSE.len()];
        direction.differences().for_each(|packets| counts[COARSE.partition_point(|&least| least < packets) - 1] += 1.0);
        row.extend(counts);
    }
}

fn push_blocks(trace: &Trace, row: &mut Vec<f64>) {
    let mut blocks: Vec<f64> = trace.size().chunks(BLOCK).map(|block| count_out(block) as f64).collect();
    let first = padded(blocks.iter().copied().take(BLOCKS).collect(), BLOCKS, 0.0);
    let (std, mean, max) = (std(&blocks), mean(&blocks), max(&blocks));
    push_list(&first, &[std, mean, percentile(&mut blocks, 50.0), max], row);
}

/// A list of counts, what is said of all of it, sums of its pieces, and its sum.
fn push_list(list: &[f64], statistics: &[f64], row: &mut Vec<f64>) {
    row.extend(list);
    row.extend(statistics);
    row.extend(list.chunks(list.len() / PIECES).map(|piece| piece.iter().sum::<f64>()));
    row.push(list.iter().sum());
}

fn push_bursts(trace: &Trace, row: &mut Vec<f64>) {
    let mut bursts: Vec<f64> = requests(trace, false).into_iter().map(|packets| packets as f64).collect();
    row.extend([max(&bursts), mean(&bursts), bursts.len() as f64]);
    row.extend(EXCEED.map(|limit| bursts.iter().filter(|&&packets| packets > limit).count() as f64));
    row.extend([std(&bursts), percentile(&mut bursts, 50.0)]);
}

fn push_ends(trace: &Trace, row: &mut Vec<f64>) {
    let size = trace.size();
    row.extend(padded(size.iter().take(FIRST).map(|&size| f64::from(size)).collect(), FIRST, 0.0));
    for end in [&size[..END.min(size.len())], &size[size.len().saturating_sub(END)..]] {
        row.extend([count_out(end), end.len() - count_out(end)].map(|packets| packets as f64));
    }
}

fn count_out(sizes: &[i32]) -> usize {
    sizes.iter().filter(|&&size| size > 0).count()
}

fn padded(mut values: Vec<f64>, count: usize, padding: f64) -> Vec<f64> {
    values.resize(count, padding);
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sets::{golden, row};

    #[test]
    fn groups_are_as_large_as_published() {
        let mut groups: Vec<(String, usize)> = Vec::new();
        for column in Wefde.columns() {
            match groups.last_mut() {
                Some((family, count)) if *family == column.family => *count += 1,
                _ => groups.push((column.family.into_owned(), 1)),
            }
        }
        let sizes: Vec<usize> = groups.iter().map(|(_, count)| *count).collect();
        assert_eq!(sizes, [13, 24, 124, 604, 600, 602, 14, 225, 11, 20, 2, 2, 126, 104]);
    }

    #[test]
    fn golden_values() {
        // + + + - - + - - - + - -
        let row = row(&Wefde, &golden::trace());
        let columns = Wefde.columns();
        assert_eq!((row.len(), columns.len()), (2471, 2471));
        let of = |name: &str| row[columns.iter().position(|column| column.name == name).unwrap()];
        assert_eq!(["all", "all_by_15", "out_by_15"].map(|n| of(&format!("packet_number_{n}"))), [12.0, 15.0, 0.0]);
        assert_eq!([of("packet_number_out_share_by_5"), of("packet_number_in_share_by_5")], [0.4, 0.6]);
        assert_eq!(["001", "004", "006"].map(|n| of(&format!("transposition_out_{n}"))), [0.0, 5.0, -1.0]);
        assert_eq!(["001", "003", "005"].map(|n| of(&format!("interval_knn_out_{n}"))), [1.0, 3.0, -1.0]);
        assert_eq!(["000", "002", "003"].map(|n| of(&format!("interval_icics_out_{n}"))), [2.0, 1.0, 1.0]);
        assert_eq!(["0", "2", "3_5"].map(|n| of(&format!("interval_wpes11_out_{n}"))), [2.0, 1.0, 1.0]);
        assert_eq!(["max", "count", "over_2"].map(|n| of(&format!("burst_{n}"))), [3.0, 3.0, 1.0]);
        assert_eq!([of("first30_out"), of("last30_in"), of("per_second_second_001")], [5.0, 7.0, 6.0]);
    }
}
