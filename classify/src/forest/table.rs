//! All feature columns, by column and by row.

use rayon::prelude::*;

use super::columns::{Column, Ranks, SparseRanks};
use super::sample::Sample;
use super::values::Values;

/// Rows whose column of ranks fills the nearest cache, of 32 KiB: where there are more, those of a small node are far apart in every column.
const NEAR_ROWS: usize = 1 << 14;

/// Ranks in a cache line.
const LINE: usize = 32;

/// How many rows are put together at a time.
const TILE: usize = 256;

/// All features of all training rows.
pub(super) struct Table {
    columns: Vec<Column>,
    /// The ranks of the dense columns row by row; empty where columns are short.
    rows: Vec<u16>,
    /// How many columns are dense.
    n_dense: usize,
    n_rows: usize,
}

/// Ranks of one feature: that of row r is `ranks[r * step]`.
#[derive(Clone, Copy)]
pub(super) struct DenseRanks<'a> {
    ranks: &'a [u16],
    step: usize,
}

/// The ranks of one feature, as a node finds them fastest.
pub(super) enum View<'a> {
    Dense(DenseRanks<'a>),
    Sparse(&'a SparseRanks),
}

impl Table {
    /// All columns of `x`, shape `(n_rows, n_features)`, in at most `most_ranks` ranks each; every value finite.
    pub(super) fn new(x: Values<'_>, most_ranks: usize) -> Self {
        let of = |column| Column::new(x.nrows(), x.column(column), most_ranks);
        Self::of((0..x.ncols()).into_par_iter().map(of).collect(), x.nrows(), x.nrows() > NEAR_ROWS)
    }

    /// With the ranks row by row too, or without.
    fn of(mut columns: Vec<Column>, n_rows: usize, by_rows: bool) -> Self {
        let mut n_dense = 0;
        for column in &mut columns {
            if let Ranks::Dense { place, .. } = &mut column.ranks {
                *place = n_dense;
                n_dense += 1;
            }
        }
        let mut rows = Vec::new();
        if by_rows && n_dense > 0 {
            rows = vec![0; n_rows * n_dense];
            rows.par_chunks_mut(n_dense * TILE).enumerate().for_each(|(tile, rows)| {
                for column in &columns {
                    let Ranks::Dense { ranks, place } = &column.ranks else { continue };
                    for (row, &rank) in rows.chunks_exact_mut(n_dense).zip(&ranks[tile * TILE..]) {
                        row[*place] = rank;
                    }
                }
            });
        }
        Self { columns, rows, n_dense, n_rows }
    }

    pub(super) fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The ranks of a feature for a node of so many rows.
    ///
    /// Where rows of the node lie close in a column, it is read; where they do not, each read would bring a cache line for one rank, and
    /// the row is read: all that a subtree reads of a row is in a few lines, which stay near.
    pub(super) fn view(&self, feature: u32, n_samples: usize) -> View<'_> {
        match &self.columns[feature as usize].ranks {
            Ranks::Sparse(ranks) => View::Sparse(ranks),
            Ranks::Dense { place, .. } if !self.rows.is_empty() && n_samples * LINE < self.n_rows => {
                View::Dense(DenseRanks { ranks: &self.rows[*place..], step: self.n_dense })
            }
            Ranks::Dense { ranks, .. } => View::Dense(DenseRanks { ranks, step: 1 }),
        }
    }
}

impl DenseRanks<'_> {
    pub(super) fn of(&self, sample: &Sample) -> u16 {
        self.ranks[sample.row as usize * self.step]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Table {
        /// The same table with a rank for each row of each column.
        pub(in crate::forest) fn with_every_rank(&self) -> Self {
            let columns = self.columns.iter().map(|column| column.with_every_rank(self.n_rows));
            Self::of(columns.collect(), self.n_rows, false)
        }

        /// The same table row by row too.
        pub(in crate::forest) fn by_rows(self) -> Self {
            Self::of(self.columns, self.n_rows, true)
        }

        pub(in crate::forest) fn n_sparse(&self) -> usize {
            self.columns.len() - self.n_dense
        }
    }
}
