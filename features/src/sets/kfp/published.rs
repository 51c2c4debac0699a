//! `kfp-175`: the vector of the published k-FP code, position by position.
//!
//! Summary (0-45), concentration pieces (46-116), per-second pieces (117-137), sums (138-142) and the tail (143-174).
//!
//! A list of L values is cut into 70 (20) pieces of L/70 (L/20), a real number whose multiples are found by repeated
//! addition: piece p holds the indices from floor(x) to below floor(x + L/70). Rounding can leave x below L after 70
//! additions; then there is a 71st piece, with the last value. Otherwise the 71st is 0. Lists shorter than 70 leave
//! most pieces empty.
//!
//! **The tail has no fixed meaning**: it is the beginning of the concentration list followed by the per-second list,
//! cut or padded with 0 to 32 values. From 621 packets on all of it is concentration; in shorter traces per-second
//! counts stand where the concentration list ends. [`core`](super::core) leaves it out.
//!
//! It differs from the code in what it accepts: a trace of one packet, one without incoming or outgoing packets and one
//! of duration 0 make the published code fail; here the statistics of an empty list are 0, and no duration is one second.
//! Seconds are bounded in whole nanoseconds.

use serde::{Deserialize, Serialize};
use wfkit_datasets::Trace;

use super::{
    CONCENTRATION_PIECES, Lists, PER_SECOND_PIECES, concentration_columns, entries, per_second_columns, push_pieces,
    push_summary, push_sums, sum_columns, summary_columns,
};
use crate::column::{Feature, FeatureInformation, Unit};
use crate::sets::Extract;

/// Values of the tail.
const TAIL: usize = 32;

/// Learns nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Published;

impl Extract for Published {
    fn columns(&self) -> Vec<Feature> {
        let mut columns = summary_columns();
        columns.extend(concentration_columns(CONCENTRATION_PIECES + 1));
        columns.extend(per_second_columns(PER_SECOND_PIECES + 1));
        columns.extend(sum_columns());
        columns.extend(Feature::numbered("tail", TAIL, Unit::Packets, FeatureInformation::Order));
        columns
    }

    fn push(&self, trace: &Trace, row: &mut Vec<f64>) {
        let start = row.len();
        let lists = Lists::of(trace);
        push_summary(&lists, row);

        let blocks = lists.concentration.len() as u64;
        push_pieces(entries(&lists.concentration), &accumulated_ends(blocks, CONCENTRATION_PIECES), row);
        push_pieces(lists.per_second.busy(), &accumulated_ends(lists.per_second.len, PER_SECOND_PIECES), row);
        push_sums(row, start, CONCENTRATION_PIECES + 1);

        let per_second = lists.per_second.first(TAIL);
        row.extend(lists.concentration.iter().copied().chain(per_second).chain([0.0; TAIL]).take(TAIL));
    }
}

/// Where each of the `pieces` + 1 pieces of a list of `len` values ends.
fn accumulated_ends(len: u64, pieces: usize) -> Vec<u64> {
    let step = len as f64 / pieces as f64;
    let mut end = 0.0;
    let ends = (0..=pieces).map(|_| {
        end += step;
        end as u64
    });
    ends.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sets::golden::trace;

    fn features(trace: &Trace) -> Vec<f64> {
        crate::sets::row(&Published, trace)
    }

    #[test]
    fn golden_trace() {
        #[rustfmt::skip]
        let summary = [
            0.8, 1.5, 0.8, 0.283333, 0.5, 0.190909, 0.367045, 0.587367, 0.274539, 0.625, 0.6, 0.2,
            0.9, 1.3, 1.7, 2.1, 0.0, 0.2, 0.5, 2.0, 0.35, 0.9, 1.475, 2.1,
            7.0, 5.0, 12.0, 7.0, 5.0, 7.0, 5.0,
            0.0, 5.0, 4.0, 1.63299, 3.4, 7.0, 3.2619, 2.72554, 5.0, 4.0, 2.0, 6.0, 5.0, 0.583333, 0.416667,
        ];
        let mut expected = [0.0; 175];
        expected[..46].copy_from_slice(&summary);
        // 116 is the 71st piece, there by rounding.
        for (index, value) in [
            (116, 5.0),
            (123, 6.0),
            (130, 4.0),
            (137, 2.0),
            (138, 5.0),
            (139, 12.0),
            (140, 6.728194),
            (141, 13.525),
            (142, 24.0),
            (143, 5.0),
            (144, 6.0),
            (145, 4.0),
            (146, 2.0),
        ] {
            expected[index] = value;
        }
        let features = features(&trace());
        assert_eq!(features.len(), 175);
        for (index, (value, expected)) in features.iter().zip(expected).enumerate() {
            assert!((value - expected).abs() <= 5e-6 * expected.max(0.2), "{index}: {value}, not {expected}");
        }
    }

    #[test]
    fn columns_stand_at_the_published_positions() {
        let columns = Published.columns();
        assert_eq!(columns.len(), 175);
        for (index, name) in [
            (0, "in_gap_max"),
            (11, "gap_p75"),
            (12, "in_time_p25"),
            (23, "time_p100"),
            (24, "in_packets"),
            (31, "concentration_std"),
            (45, "out_share"),
            (46, "concentration_piece_01"),
            (116, "concentration_piece_71"),
            (117, "per_second_piece_01"),
            (137, "per_second_piece_21"),
            (142, "packet_sum"),
            (174, "tail_32"),
        ] {
            assert_eq!(columns[index].name, name);
        }
    }

    #[test]
    fn pieces_lose_nothing_at_any_length() {
        for len in (1..3_000).chain([u64::MAX / 1_000_000_000]) {
            for pieces in [CONCENTRATION_PIECES, PER_SECOND_PIECES] {
                let ends = accumulated_ends(len, pieces);
                assert!(ends.is_sorted() && ends[pieces] >= len, "{len} in {pieces}");
            }
        }
    }

    #[test]
    fn odd_traces_have_finite_features() {
        for (time_ns, size) in [
            (vec![0], vec![5]),
            (vec![0], vec![-5]),
            (vec![0, 0], vec![5, 6]),
            (vec![0, u64::MAX], vec![-5, -6]),
            (vec![0, 0, 0], vec![i32::MIN, i32::MAX, 1]),
        ] {
            let features = features(&Trace::new(time_ns, size).unwrap());
            assert!(features.len() == 175 && features.iter().all(|value| value.is_finite()));
        }
    }
}
