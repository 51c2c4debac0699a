//! What a forest reads.

use std::ops::Range;

use ndarray::{ArrayView2, Axis, CowArray, Ix2, Slice};
use wfkit_features::SparseMatrix;

/// Feature values, shape `(n_rows, n_features)`: an array, or a matrix of mostly zeros. A forest is the same from both, to the bit.
#[derive(Debug, Clone, Copy)]
pub enum Values<'a> {
    /// Every value.
    Dense(ArrayView2<'a, f64>),
    /// Those that are not 0.
    Sparse(&'a SparseMatrix),
}

impl<'a> From<ArrayView2<'a, f64>> for Values<'a> {
    fn from(values: ArrayView2<'a, f64>) -> Self {
        Self::Dense(values)
    }
}

impl<'a> From<&'a SparseMatrix> for Values<'a> {
    fn from(values: &'a SparseMatrix) -> Self {
        Self::Sparse(values)
    }
}

impl<'a> Values<'a> {
    /// `(n_rows, n_features)`.
    pub fn dim(&self) -> (usize, usize) {
        match self {
            Self::Dense(values) => values.dim(),
            Self::Sparse(values) => values.dim(),
        }
    }

    /// Number of rows.
    pub fn nrows(&self) -> usize {
        self.dim().0
    }

    /// Number of features.
    pub fn ncols(&self) -> usize {
        self.dim().1
    }

    /// Every value: the array itself, or one that is made for it.
    pub fn to_dense(self) -> CowArray<'a, f64, Ix2> {
        match self {
            Self::Dense(values) => values.into(),
            Self::Sparse(values) => values.to_dense().into(),
        }
    }

    /// Row, column and value of what is not finite.
    pub(super) fn not_finite(&self) -> Option<(usize, usize, f64)> {
        match self {
            Self::Dense(values) => {
                let mut values = values.indexed_iter();
                values.find(|(_, value)| !value.is_finite()).map(|((row, column), &value)| (row, column, value))
            }
            Self::Sparse(_) => None,
        }
    }

    /// The values of a column that may differ from 0, by ascending row, as the forest sees them.
    pub(super) fn column(&self, column: usize) -> Vec<(u32, f32)> {
        match self {
            Self::Dense(values) => {
                (0..).zip(values.column(column)).map(|(row, &value)| (row, rounded(value))).collect()
            }
            Self::Sparse(values) => {
                let (rows, values) = values.column(column);
                rows.iter().zip(values).map(|(&row, &value)| (row, rounded(value))).collect()
            }
        }
    }

    /// Some rows, one after the other, as the trees see them.
    pub(super) fn block(&self, rows: Range<usize>) -> Vec<f32> {
        match self {
            Self::Dense(values) => {
                let block = values.slice_axis(Axis(0), Slice::from(rows));
                match block.as_slice() {
                    Some(block) => block.iter().map(|&value| rounded(value)).collect(),
                    None => block.iter().map(|&value| rounded(value)).collect(),
                }
            }
            Self::Sparse(values) => {
                let n_features = self.ncols();
                let mut block = vec![0.0; rows.len() * n_features];
                for feature in 0..n_features {
                    let (at, values) = values.column(feature);
                    let first = at.partition_point(|&row| (row as usize) < rows.start);
                    let own = at[first..].iter().zip(&values[first..]);
                    for (&row, &value) in own.take_while(|&(&row, _)| (row as usize) < rows.end) {
                        block[(row as usize - rows.start) * n_features + feature] = rounded(value);
                    }
                }
                block
            }
        }
    }
}

/// A value as the forest sees it: the nearest finite `f32`.
pub(super) fn rounded(value: f64) -> f32 {
    (value as f32).clamp(f32::MIN, f32::MAX)
}
