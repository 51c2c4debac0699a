//! What a definition means, in one line each.
//!
//! Most definitions are a statistic of a list, `in_gap_max`, and are put together of both; the others are written out. Every definition of every
//! set has a line: a test asks all of them.

/// What the columns of a definition hold, such as `longest of the gaps between successive incoming packets` for `kfp-core.in_gap_max`; [`None`] where
/// `definition` (a set, a dot, a family) is not one of this crate.
pub fn meaning(definition: &str) -> Option<String> {
    let (set, family) = definition.split_once('.')?;
    let written = ONE_OF_A_SET.iter().find(|(of, name, _)| *of == set && *name == family).map(|(.., line)| *line);
    let shared = || ANYWHERE.iter().find(|(name, _)| *name == family).map(|(_, line)| *line);
    written.or_else(shared).map(str::to_owned).or_else(|| statistic(set, family))
}

/// `LIST_STATISTIC` in words.
fn statistic(set: &str, family: &str) -> Option<String> {
    let lists = LISTS.iter().filter(|(of, ..)| of.is_empty() || *of == set);
    // The longest name, so that `in_gap_max` is one of `in_gap` and not of `in`.
    let (_, list, words) =
        lists.filter(|(_, list, _)| rest_of(family, list).is_some()).max_by_key(|(_, list, _)| list.len())?;
    let name = rest_of(family, list)?;
    let of_all = |line: &str| Some(format!("{line} {words}"));
    if let Some(bound) = name.strip_prefix("below_") {
        return of_all(&format!("share below {bound} of"));
    }
    if let Some(percent) = name.strip_prefix('p').and_then(|digits| digits.parse::<u8>().ok()) {
        return of_all(&match percent {
            50 => "median of".to_owned(),
            100 => "largest of".to_owned(),
            _ => format!("{percent}th percentile of"),
        });
    }
    STATISTICS.iter().find(|(statistic, _)| *statistic == name).and_then(|(_, line)| of_all(line))
}

fn rest_of<'a>(family: &'a str, list: &str) -> Option<&'a str> {
    family.strip_prefix(list)?.strip_prefix('_')
}

const STATISTICS: [(&str, &str); 12] = [
    ("max", "largest of"),
    ("min", "smallest of"),
    ("mean", "mean of"),
    ("median", "median of"),
    ("std", "standard deviation of"),
    ("var", "variance of"),
    ("sum", "sum of"),
    ("mad", "median distance from the median of"),
    ("skew", "skew (third standard moment) of"),
    ("kurtosis", "kurtosis (fourth standard moment less 3) of"),
    ("packets", "number of"),
    ("piece_sum", "sum over the pieces of"),
];

/// Set (empty: any), list, what it holds.
const LISTS: [(&str, &str, &str); 19] = [
    ("", "in_gap", "the gaps between successive incoming packets"),
    ("", "out_gap", "the gaps between successive outgoing packets"),
    ("", "gap", "the gaps between successive packets"),
    ("", "in_time", "the times of the incoming packets"),
    ("", "out_time", "the times of the outgoing packets"),
    ("", "time", "the times of the packets"),
    ("", "in_size", "the sizes of the incoming packets"),
    ("", "out_size", "the sizes of the outgoing packets"),
    ("", "size", "the sizes of the packets"),
    ("", "concentration", "the outgoing packets in each block of 20 packets"),
    ("", "per_second", "the packets of each second"),
    ("", "in_position", "the places of the incoming packets in the trace, from 0"),
    ("", "out_position", "the places of the outgoing packets in the trace, from 0"),
    ("inter-arrival", "answer", "the waits from the last outgoing packet of a run to the next incoming one"),
    ("inter-arrival", "think", "the waits from the last incoming packet of a run to the next outgoing one"),
    ("appscanner", "in", "the sizes of the incoming packets"),
    ("appscanner", "out", "the sizes of the outgoing packets"),
    ("appscanner", "all", "the sizes of all packets"),
    ("", "burst", "outgoing packets of the bursts, which two incoming packets in a row end"),
];

/// What means the same in every set that has it.
const ANYWHERE: [(&str, &str); 38] = [
    ("packets", "number of packets"),
    ("in_packets", "number of incoming packets"),
    ("out_packets", "number of outgoing packets"),
    ("all_packets", "number of packets"),
    ("in_bytes", "sum of the sizes of the incoming packets"),
    ("out_bytes", "sum of the sizes of the outgoing packets"),
    ("seconds", "time of the last packet; the first is at 0"),
    ("in_share", "incoming share of the packets"),
    ("out_share", "outgoing share of the packets"),
    ("first30_in", "incoming packets among the first 30"),
    ("first30_out", "outgoing packets among the first 30"),
    ("last30_in", "incoming packets among the last 30"),
    ("last30_out", "outgoing packets among the last 30"),
    ("concentration_piece", "outgoing packets in blocks of 20 packets, summed over one of 70 pieces of the trace"),
    ("per_second_piece", "packets of each second, summed over one of 20 pieces of the trace"),
    ("gap_sum", "sum of the twelve columns about gaps"),
    ("time_sum", "sum of the twelve columns about times"),
    ("packet_sum", "sum of the three counts of packets"),
    ("tail", "the beginning of the two lists behind the pieces: no fixed meaning, as in the published code"),
    ("out_bytes_share", "outgoing share of the bytes"),
    ("distinct_sizes", "number of sizes that occur, whatever the direction"),
    ("common_size", "packets of the commonest, second commonest, .. size and direction of the training traces"),
    ("c", "incoming less outgoing bytes so far, at one of 100 points at equal steps of the bytes transferred"),
    ("size_pair", "how often these two signed sizes follow each other"),
    ("has", "1 where a packet of this signed size occurs, else 0"),
    ("out_distance", "places between an outgoing packet and the one before, of the first 500; -1: none"),
    ("block", "outgoing packets in one of the first 100 blocks of 30 packets; -1: none"),
    ("bursts", "number of bursts: outgoing packets up to two incoming ones in a row"),
    ("bursts_over_2", "bursts of more than 2 outgoing packets"),
    ("bursts_over_5", "bursts of more than 5 outgoing packets"),
    ("bursts_over_10", "bursts of more than 10 outgoing packets"),
    ("bursts_over_15", "bursts of more than 15 outgoing packets"),
    ("bursts_over_20", "bursts of more than 20 outgoing packets"),
    ("bursts_over_50", "bursts of more than 50 outgoing packets"),
    ("size_and_1500", "signed size of one of the first 10 packets, plus 1500; -1: none"),
    ("gram", "how often directions follow each other so: gram_oio is outgoing, incoming, outgoing"),
    ("other_in", "incoming packets of a size that no training trace has, or few have"),
    ("other_out", "outgoing packets of a size that no training trace has, or few have"),
];

/// What means something in one set only: set, family, line.
const ONE_OF_A_SET: &[(&str, &str, &str)] = &[
    ("sequence", "size", "signed size of packet 1, 2, ..: + outgoing, - incoming, 0 after the end"),
    ("sequence-1500", "size", "signed size of packet 1, 2, ..: + outgoing, - incoming, 0 after the end"),
    ("cumul-paper", "c", "incoming less outgoing bytes so far, at the paper's 100 points, of which the first is 0"),
    ("cumul-common", "c", "incoming less outgoing bytes so far, at 100 points from the first packet on"),
    ("cumul-two-curves", "in", "incoming bytes so far, at one of 50 points at equal steps of the bytes transferred"),
    ("cumul-two-curves", "out", "outgoing bytes so far, at one of 50 points at equal steps of the bytes transferred"),
    ("ngram", "size", "packets of this signed size"),
    ("ngram", "burst", "bursts (runs of one direction) of this signed sum of bytes"),
    ("ngram", "burst_pair", "how often these two bursts follow each other"),
    ("ngram-cells", "size", "packets of this signed size in cells"),
    ("ngram-cells", "size_pair", "how often these two signed sizes in cells follow each other"),
    ("ngram-cells", "burst", "bursts (runs of one direction) of this signed sum in cells"),
    ("ngram-cells", "burst_pair", "how often these two bursts, in cells, follow each other"),
    ("requests", "requests", "outgoing packets"),
    ("requests", "answers", "how often something comes in between one outgoing packet and the next"),
    (
        "requests",
        "in_before",
        "incoming bytes so far when outgoing packet 1, 2, .. is sent; all of them where there is none",
    ),
    ("requests", "answer", "answer 1, 2, .. in cells; 0 after the last"),
    ("requests", "largest", "largest, second largest, .. answer in cells; 0 after the last"),
    ("requests", "answers_of", "answers of 1, 2, .. cells"),
    ("requests", "answers_of_more", "answers of more than 40 cells"),
    ("ngram-direction", "out_burst", "runs of 1, 2, .. 60, and of more, outgoing packets"),
    ("ngram-direction", "in_burst", "runs of 1, 2, .. 60, and of more, incoming packets"),
    ("bursts", "burst", "signed bytes of burst (run of one direction) 1, 2, ..; 0 after the last"),
    ("size-histogram", "size", "packets of this signed size"),
    ("wang-knn", "out_position", "place of one of the first 500 outgoing packets in the trace, from 0; -1: none"),
    (
        "wang-knn-published",
        "out_position",
        "place of one of the first 500 outgoing packets in the trace, from 0; -1: none",
    ),
    ("wang-knn", "burst", "outgoing packets of one of the first 100 bursts; -1: none"),
    ("wang-knn-published", "burst", "outgoing packets of one of the first 100 bursts; -1: none"),
    ("tam", "out", "outgoing packets in one of 1,800 slots of 44.5 ms"),
    ("tam", "in", "incoming packets in one of 1,800 slots of 44.5 ms"),
    ("tam-pooled", "out", "outgoing packets in one of 75 slots of 0.2 s; later ones in the last"),
    ("tam-pooled", "in", "incoming packets in one of 75 slots of 0.2 s; later ones in the last"),
    ("tam-cumulative", "out", "outgoing packets before 0.1 s, 0.2 s, .. 15 s"),
    ("tam-cumulative", "in", "incoming packets before 0.1 s, 0.2 s, .. 15 s"),
    ("direction", "packet", "direction of packet 1, 2, ..: 1 outgoing, -1 incoming, 0 after the end"),
    ("direction-1500", "packet", "direction of packet 1, 2, ..: 1 outgoing, -1 incoming, 0 after the end"),
    ("time", "packet", "time of packet 1, 2, ..; 0 after the end"),
    ("direction-time", "packet", "time of packet 1, 2, .., negative where it comes in; 0 after the end"),
    ("direction-time-1500", "packet", "time of packet 1, 2, .., negative where it comes in; 0 after the end"),
    ("tiktok-timing", "median", "share of the bursts whose median time falls into bin 1, 2, .. 20"),
    ("tiktok-timing", "median_gap", "share of the gaps between medians of successive bursts in bin 1, 2, .. 20"),
    ("tiktok-timing", "variance", "share of the bursts whose times vary as much as bin 1, 2, .. 20 says"),
    ("tiktok-timing", "duration", "share of the bursts whose duration falls into bin 1, 2, .. 20"),
    ("tiktok-timing", "start_gap", "share of the gaps from start to start of successive bursts in bin 1, 2, .. 20"),
    ("tiktok-timing", "in_start_gap", "share of the gaps from start to start of incoming bursts in bin 1, 2, .. 20"),
    ("tiktok-timing", "out_start_gap", "share of the gaps from start to start of outgoing bursts in bin 1, 2, .. 20"),
    ("tiktok-timing", "end_to_start", "share of the gaps from the end of a burst to the next start in bin 1, 2, .. 20"),
    (
        "ppi",
        "gap",
        "gap between packet 1, 2, .. of the first flow and the one before; 0 for the first, and after the end",
    ),
    ("ppi", "direction", "direction of packet 1, 2, .. of the first flow: 1 outgoing, -1 incoming, 0 after the end"),
    ("ppi", "size", "size of packet 1, 2, .. of the first flow; 0 after the end"),
    ("wefde", "packet_number", "packets in all, out and in; their shares, both also rounded; bytes in all, out and in"),
    ("wefde", "packet_time", "maximum, mean, deviation, 75th percentile of gaps; 25th, 50th, 75th, 100th of times"),
    ("wefde", "ngram", "how often 2 to 6 directions follow each other so: oio is outgoing, incoming, outgoing"),
    (
        "wefde",
        "transposition",
        "places of the first 300 outgoing and incoming packets; their deviation and mean; -1: none",
    ),
    ("wefde", "interval_knn", "differences between successive of these places; -1: none"),
    ("wefde", "interval_icics", "how often 0, 1, .. 299, or more packets stand between two of one direction"),
    ("wefde", "interval_wpes11", "the same in the bins 0, 1, 2, 3-5, 6-8, 9-13, 14 and more"),
    ("wefde", "packet_distribution", "outgoing packets in the first 200 blocks of 30; statistics and sums of them"),
    (
        "wefde",
        "burst",
        "maximum, mean, number, deviation and median of the bursts of wang-knn; how many exceed 2 .. 50",
    ),
    ("wefde", "first20", "the first 20 signed sizes, padded with 0"),
    ("wefde", "first30", "outgoing and incoming packets among the first 30"),
    ("wefde", "last30", "outgoing and incoming packets among the last 30"),
    ("wefde", "per_second", "packets of the first 100 seconds; statistics and sums of them"),
    ("wefde", "cumul", "the columns of cumul-two-curves"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FeatureSet, FeatureSpec};
    use wfkit_datasets::Trace;

    #[test]
    fn every_definition_of_every_set_is_told_in_one_line() {
        // Twice the same, so that n-grams of it occur in two training traces.
        let trace = Trace::new((0..40).map(|i| i * 100_000_000).collect(), [600, -1448, -700, 543].repeat(10)).unwrap();
        let mut without = Vec::new();
        for set in FeatureSet::ALL {
            let spec: FeatureSpec = set.name().parse().unwrap();
            for column in spec.fit(&[&trace, &trace]).columns() {
                match meaning(&column.definition) {
                    Some(line) => assert!(line.len() < 110 && !line.contains('\n'), "{}: {line}", column.definition),
                    None => without.push(column.definition),
                }
            }
        }
        without.dedup();
        assert!(without.is_empty(), "no line says what these are: {without:?}");
    }

    #[test]
    fn a_statistic_of_a_list_is_put_together() {
        let told = |definition| meaning(definition).unwrap_or_default();
        assert_eq!(told("kfp-core.in_gap_max"), "largest of the gaps between successive incoming packets");
        assert_eq!(told("appscanner.in_p50"), "median of the sizes of the incoming packets");
        assert_eq!(
            told("inter-arrival.in_gap_below_10ms"),
            "share below 10ms of the gaps between successive incoming packets"
        );
        assert_eq!(
            told("wang-knn.burst_max"),
            "largest of outgoing packets of the bursts, which two incoming packets in a row end"
        );
        assert_eq!(meaning("kfp-core.in_gap_unknown"), None);
        assert_eq!(meaning("nothing"), None);
    }
}
