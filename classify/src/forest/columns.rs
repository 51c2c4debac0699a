//! Feature columns as small ranks.

use ndarray::{ArrayView1, ArrayView2};
use rayon::prelude::*;

/// Exact ranks of a column fit 16 bits, so that a node sorts small keys.
pub(super) const EXACT_RANKS: usize = 1 << 16;

/// One feature of all training rows.
///
/// Rows with equal values have equal ranks, and ranks are in the order of the values. Up to the most ranks allowed, each
/// distinct value has one of its own; beyond that, neighbouring values share a rank so that ranks hold about equally many
/// rows.
pub(super) struct Column {
    /// The rank of every row.
    pub(super) ranks: Vec<u16>,
    /// The smallest value of each rank.
    lows: Vec<f32>,
    /// The largest value of each rank; empty where each rank is one value.
    highs: Vec<f32>,
}

impl Column {
    fn new(column: ArrayView1<'_, f64>, most_ranks: usize) -> Self {
        let mut rows: Vec<(u32, u32)> = column.iter().zip(0..).map(|(&v, row)| (sortable(rounded(v)), row)).collect();
        rows.sort_unstable_by_key(|&(key, _)| key);
        let distinct = rows.chunk_by(|a, b| a.0 == b.0);
        let exact = distinct.clone().count() <= most_ranks;
        let (mut ranks, mut lows, mut highs) = (vec![0; column.len()], Vec::new(), Vec::new());
        let (mut seen, mut full) = (0, true);
        for equal in distinct {
            let value = rounded(column[equal[0].1 as usize]) + 0.0;
            if full {
                lows.push(value);
                highs.push(value);
            }
            let rank = lows.len() - 1;
            highs[rank] = value;
            for &(_, row) in equal {
                ranks[row as usize] = rank as u16;
            }
            seen += equal.len();
            full = exact || seen * most_ranks / column.len() > rank;
        }
        if exact {
            highs = Vec::new();
        }
        lows.shrink_to_fit();
        Self { ranks, lows, highs }
    }

    /// Whether all rows have one rank.
    pub(super) fn is_constant(&self) -> bool {
        self.lows.len() == 1
    }

    /// The smallest value of a rank.
    pub(super) fn low(&self, rank: u16) -> f32 {
        self.lows[usize::from(rank)]
    }

    /// The largest value of a rank.
    pub(super) fn high(&self, rank: u16) -> f32 {
        *self.highs.get(usize::from(rank)).unwrap_or(&self.lows[usize::from(rank)])
    }

    /// The last rank that starts at or below `value`, which must not be below the smallest value.
    pub(super) fn rank_at(&self, value: f32) -> u16 {
        (self.lows.partition_point(|&low| low <= value) - 1) as u16
    }
}

/// All columns of `x`, shape `(n_rows, n_features)`, in at most `most_ranks` ranks each; every value finite.
pub(super) fn rank_columns(x: ArrayView2<'_, f64>, most_ranks: usize) -> Vec<Column> {
    (0..x.ncols()).into_par_iter().map(|column| Column::new(x.column(column), most_ranks)).collect()
}

/// A value as the forest sees it: the nearest finite `f32`.
pub(super) fn rounded(value: f64) -> f32 {
    (value as f32).clamp(f32::MIN, f32::MAX)
}

/// Maps finite floats to integers in the same order; both zeros are one.
fn sortable(value: f32) -> u32 {
    let bits = (value + 0.0).to_bits(); // -0.0 + 0.0 is 0.0
    let sign = 1 << 31;
    if bits & sign == 0 { bits | sign } else { !bits }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array1;

    fn column(values: impl IntoIterator<Item = f64>, most_ranks: usize) -> Column {
        Column::new(Array1::from_iter(values).view(), most_ranks)
    }

    #[test]
    fn ranks_follow_the_values() {
        let column = column([3.0, -1.0, 0.0, 3.0, -0.0, -1e30], EXACT_RANKS);
        assert_eq!(column.ranks, [3, 1, 2, 3, 2, 0]);
        assert_eq!((column.low(3), column.high(1), column.low(0)), (3.0, -1.0, -1e30));
        assert_eq!((column.rank_at(2.9), column.rank_at(3.0)), (2, 3));
    }

    #[test]
    fn what_f32_cannot_tell_apart_has_one_rank() {
        let column = column([1.0, 1.0 + f64::EPSILON, f64::MAX, 1e39, f64::MIN], EXACT_RANKS);
        assert_eq!(column.ranks, [1, 1, 2, 2, 0]);
        assert_eq!((column.low(0), column.high(2)), (f32::MIN, f32::MAX));
    }

    #[test]
    fn more_values_than_ranks_share_them_evenly() {
        let column = column((0..1000).map(f64::from), 256);
        let mut rows = [0; 256];
        for &rank in &column.ranks {
            rows[usize::from(rank)] += 1;
        }
        assert!(rows.iter().all(|n| (3..=4).contains(n)), "{rows:?}");
        assert!(column.ranks.is_sorted());
        assert_eq!((column.low(0), column.high(0), column.low(1), column.high(255)), (0.0, 3.0, 4.0, 999.0));
        assert_eq!((column.rank_at(3.5), column.rank_at(4.0)), (0, 1));
    }

    #[test]
    fn a_frequent_value_leaves_the_ranks_to_the_others() {
        let column = column((0..900).map(|i| if i < 800 { 0.0 } else { f64::from(i) }), 64);
        assert_eq!(column.ranks[..801], [&[0; 800][..], &[1]].concat());
        assert!(!column.is_constant() && column.ranks[899] >= 56 && column.ranks[899] < 64);
    }

    #[test]
    fn exactly_as_many_values_as_ranks_stay_apart() {
        let column = column((0..EXACT_RANKS).map(|i| i as f64), EXACT_RANKS);
        assert_eq!(column.ranks[EXACT_RANKS - 1], u16::MAX);
        assert!(column.ranks.iter().zip(0..).all(|(&rank, row)| rank == row));
    }
}
