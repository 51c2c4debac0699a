//! `kfp-core`: k-FP where every column means one thing.
//!
//! The summary (0-45), 70 concentration pieces, 20 per-second pieces and the five sums: 141 columns. Deviations from
//! the published vector, [`published`](super::published):
//! - piece p of 70 holds the indices from floor(p L / 70) to below floor((p + 1) L / 70), in whole numbers, so there is
//!   no piece 71 (21) that only rounding fills;
//! - the tail, whose columns mean different things in different traces, is left out.

use serde::{Deserialize, Serialize};
use wfkit_datasets::Trace;

use super::{
    CONCENTRATION_PIECES, Lists, PER_SECOND_PIECES, concentration_columns, entries, per_second_columns, push_pieces,
    push_summary, push_sums, sum_columns, summary_columns,
};
use crate::column::Feature;
use crate::sets::Extract;

/// Learns nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Core;

impl Extract for Core {
    fn columns(&self) -> Vec<Feature> {
        let mut columns = summary_columns();
        columns.extend(concentration_columns(CONCENTRATION_PIECES));
        columns.extend(per_second_columns(PER_SECOND_PIECES));
        columns.extend(sum_columns());
        columns
    }

    fn push(&self, trace: &Trace, row: &mut Vec<f64>) {
        let start = row.len();
        let lists = Lists::of(trace);
        push_summary(&lists, row);

        let blocks = lists.concentration.len() as u64;
        push_pieces(entries(&lists.concentration), &exact_ends(blocks, CONCENTRATION_PIECES as u64), row);
        push_pieces(lists.per_second.busy(), &exact_ends(lists.per_second.len, PER_SECOND_PIECES as u64), row);
        push_sums(row, start, CONCENTRATION_PIECES);
    }
}

/// Where each of the `pieces` pieces of a list of `len` values ends. No product overflows: 2^64 ns are 2^35 seconds.
fn exact_ends(len: u64, pieces: u64) -> Vec<u64> {
    (1..=pieces).map(|piece| piece * len / pieces).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sets::golden::trace;
    use crate::sets::kfp::published::Published;
    use crate::sets::row;

    #[test]
    fn shares_summary_and_sums_with_the_published_vector() {
        let (core, published_row) = (row(&Core, &trace()), row(&Published, &trace()));
        assert_eq!((core.len(), Core.columns().len()), (141, 141));
        assert_eq!(core[..46], published_row[..46]);
        assert_eq!(core[136..], published_row[138..143]);
    }

    #[test]
    fn a_short_list_lands_in_the_last_pieces_of_its_parts() {
        let row = row(&Core, &trace());
        let filled = |from: usize, to: usize| -> Vec<(usize, f64)> {
            (from..to).filter(|&i| row[i] != 0.0).map(|i| (i - from + 1, row[i])).collect()
        };
        // One block of five outgoing packets; three seconds of 6, 4 and 2 packets.
        assert_eq!(filled(46, 116), [(70, 5.0)]);
        assert_eq!(filled(116, 136), [(7, 6.0), (14, 4.0), (20, 2.0)]);
    }

    #[test]
    fn as_many_values_as_pieces_take_one_each() {
        assert_eq!(exact_ends(4, 4), [1, 2, 3, 4]);
        assert_eq!(exact_ends(9, 4), [2, 4, 6, 9]);
        assert_eq!(exact_ends(1, 4), [0, 0, 0, 1]);
    }
}
