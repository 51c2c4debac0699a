//! Feature columns as small ranks.

use ndarray::{ArrayView1, ArrayView2};
use rayon::prelude::*;

/// Ranks of a column fit 16 bits, so that a node sorts small keys.
const MAX_RANKS: usize = 1 << 16;

/// One feature of all training rows.
///
/// Rows with equal values have equal ranks, and ranks are in the order of the values. Up to 65,536 distinct values each
/// have a rank of their own; beyond that, a rank stands for `stride` neighbouring distinct values.
pub(super) struct Column {
    /// The rank of every row.
    pub(super) ranks: Vec<u16>,
    /// The distinct values, ascending.
    values: Vec<f64>,
    stride: usize,
}

impl Column {
    fn new(column: ArrayView1<'_, f64>) -> Self {
        let mut rows: Vec<(u64, u32)> = column.iter().zip(0..).map(|(&value, row)| (sortable(value), row)).collect();
        rows.sort_unstable_by_key(|&(key, _)| key);
        let distinct = rows.chunk_by(|a, b| a.0 == b.0);
        let values: Vec<f64> = distinct.clone().map(|equal| column[equal[0].1 as usize]).collect();
        let stride = values.len().div_ceil(MAX_RANKS).max(1);
        let mut ranks = vec![0; column.len()];
        for (position, equal) in distinct.enumerate() {
            for &(_, row) in equal {
                ranks[row as usize] = (position / stride) as u16;
            }
        }
        Self { ranks, values, stride }
    }

    /// The smallest value of a rank.
    pub(super) fn low(&self, rank: u16) -> f64 {
        self.values[usize::from(rank) * self.stride]
    }

    /// The largest value of a rank.
    pub(super) fn high(&self, rank: u16) -> f64 {
        let end = (usize::from(rank) + 1) * self.stride;
        self.values[end.min(self.values.len()) - 1]
    }

    /// The last rank that starts at or below `value`, which must not be below the smallest value.
    pub(super) fn rank_at(&self, value: f64) -> u16 {
        let last = self.values.partition_point(|&v| v <= value) - 1;
        (last / self.stride) as u16
    }
}

/// All columns of `x`, shape `(n_rows, n_features)`; every value finite.
pub(super) fn rank_columns(x: ArrayView2<'_, f64>) -> Vec<Column> {
    (0..x.ncols()).into_par_iter().map(|column| Column::new(x.column(column))).collect()
}

/// Maps finite floats to integers in the same order; both zeros are one.
fn sortable(value: f64) -> u64 {
    let bits = (value + 0.0).to_bits(); // -0.0 + 0.0 is 0.0
    let sign = 1 << 63;
    if bits & sign == 0 { bits | sign } else { !bits }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array1;

    #[test]
    fn ranks_follow_the_values() {
        let column = Column::new(Array1::from(vec![3.0, -1.0, 0.0, 3.0, -0.0, -1e300]).view());
        assert_eq!(column.ranks, [3, 1, 2, 3, 2, 0]);
        assert_eq!((column.low(3), column.high(1), column.low(0)), (3.0, -1.0, -1e300));
        assert_eq!((column.rank_at(2.9), column.rank_at(3.0)), (2, 3));
    }

    #[test]
    fn more_values_than_ranks_share_them() {
        let n = 2 * MAX_RANKS + 1;
        let column = Column::new(Array1::from_iter((0..n).map(|i| i as f64)).view());
        assert_eq!(column.stride, 3);
        assert_eq!(column.ranks[n - 1], ((n - 1) / 3) as u16);
        assert_eq!((column.low(1), column.high(1)), (3.0, 5.0));
        assert_eq!(column.high(column.ranks[n - 1]), (n - 1) as f64);
        assert!(column.ranks.is_sorted());
    }

    #[test]
    fn exactly_as_many_values_as_ranks_stay_apart() {
        let column = Column::new(Array1::from_iter((0..MAX_RANKS).map(|i| i as f64)).view());
        assert_eq!(column.stride, 1);
        assert_eq!(column.ranks[MAX_RANKS - 1], u16::MAX);
    }
}
