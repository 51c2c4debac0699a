//! Values that are mostly zero.

use ndarray::{Array2, ArrayView2};
use thiserror::Error;

/// Finite values, shape `(n_rows, n_columns)`, of which those that are not 0 are kept, column by column: for features such as counts
/// of n-grams, most of which no trace has. 12 bytes a value kept, so it is smaller than an array where less than two thirds are not 0.
#[derive(Debug, Clone, PartialEq)]
pub struct SparseMatrix {
    n_rows: usize,
    /// Column i is `rows[starts[i]..starts[i + 1]]`, ascending, and the values beside them.
    starts: Vec<usize>,
    rows: Vec<u32>,
    values: Vec<f64>,
}

/// Why columns are not a sparse matrix.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum SparseError {
    /// There are more rows than can be numbered.
    #[error("{0} rows, but a sparse matrix has fewer than 2^32")]
    TooManyRows(usize),
    /// A row does not exist, or does not come after the one before it.
    #[error("column {column}: row {row} does not exist or is not in ascending order, of {n_rows} rows")]
    Row {
        /// The column, counted from 0.
        column: usize,
        /// The row found.
        row: u32,
        /// Number of rows.
        n_rows: usize,
    },
    /// A value is NaN or infinite.
    #[error("row {row}, column {column}: {value} is not finite")]
    NotFinite {
        /// The row, counted from 0.
        row: u32,
        /// The column, counted from 0.
        column: usize,
        /// The value found.
        value: f64,
    },
}

impl SparseMatrix {
    /// The matrix of these columns, each of rows in ascending order with their values. Values of 0 are left out.
    pub fn from_columns<C: IntoIterator<Item = (u32, f64)>>(
        n_rows: usize,
        columns: impl IntoIterator<Item = C>,
    ) -> Result<Self, SparseError> {
        if u32::try_from(n_rows).is_err() {
            return Err(SparseError::TooManyRows(n_rows));
        }
        let mut matrix = Self { n_rows, starts: vec![0], rows: Vec::new(), values: Vec::new() };
        for (column, entries) in columns.into_iter().enumerate() {
            let mut next = 0;
            for (row, value) in entries {
                if u64::from(row) < next || row as usize >= n_rows {
                    return Err(SparseError::Row { column, row, n_rows });
                }
                if !value.is_finite() {
                    return Err(SparseError::NotFinite { row, column, value });
                }
                next = u64::from(row) + 1;
                if value != 0.0 {
                    matrix.rows.push(row);
                    matrix.values.push(value);
                }
            }
            matrix.starts.push(matrix.rows.len());
        }
        matrix.rows.shrink_to_fit();
        matrix.values.shrink_to_fit();
        Ok(matrix)
    }

    /// The matrix of the values of an array.
    pub fn from_dense(values: ArrayView2<'_, f64>) -> Result<Self, SparseError> {
        let columns = values.columns().into_iter().map(|column| (0..).zip(column.to_vec()));
        Self::from_columns(values.nrows(), columns)
    }

    /// The matrix of these rows, each of ascending columns with their values, all finite and other than 0.
    pub(crate) fn from_rows(n_columns: usize, entries: Vec<Vec<(u32, f64)>>) -> Self {
        let mut starts = vec![0; n_columns + 1];
        for &(column, _) in entries.iter().flatten() {
            starts[column as usize + 1] += 1;
        }
        for column in 0..n_columns {
            starts[column + 1] += starts[column];
        }
        let mut next = starts.clone();
        let (mut rows, mut values) = (vec![0; starts[n_columns]], vec![0.0; starts[n_columns]]);
        let n_rows = entries.len();
        for (row, entries) in (0..).zip(entries) {
            for (column, value) in entries {
                let place = &mut next[column as usize];
                (rows[*place], values[*place]) = (row, value);
                *place += 1;
            }
        }
        Self { n_rows, starts, rows, values }
    }

    /// `(n_rows, n_columns)`.
    pub fn dim(&self) -> (usize, usize) {
        (self.n_rows, self.starts.len() - 1)
    }

    /// Number of values that are not 0.
    pub fn n_values(&self) -> usize {
        self.values.len()
    }

    /// Memory that the values take, in bytes.
    pub fn n_bytes(&self) -> usize {
        size_of_val(&*self.starts) + size_of_val(&*self.rows) + size_of_val(&*self.values)
    }

    /// The rows of a column, ascending, whose value is not 0, and these values.
    ///
    /// # Panics
    /// If there is no such column.
    pub fn column(&self, column: usize) -> (&[u32], &[f64]) {
        let range = self.starts[column]..self.starts[column + 1];
        (&self.rows[range.clone()], &self.values[range])
    }

    /// All values, zeros included.
    pub fn to_dense(&self) -> Array2<f64> {
        let mut values = Array2::zeros(self.dim());
        for (column, mut dense) in values.columns_mut().into_iter().enumerate() {
            let (rows, values) = self.column(column);
            for (&row, &value) in rows.iter().zip(values) {
                dense[row as usize] = value;
            }
        }
        values
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn what_is_left_out_is_zero() {
        let dense = array![[0.0, 2.0, 0.0], [-1.0, 0.0, -0.0]];
        let sparse = SparseMatrix::from_dense(dense.view()).unwrap();
        assert_eq!((sparse.dim(), sparse.n_values()), ((2, 3), 2));
        assert_eq!((sparse.column(0), sparse.column(2)), ((&[1][..], &[-1.0][..]), (&[][..], &[][..])));
        assert_eq!(sparse.to_dense(), dense);
        let columns = [vec![(1, -1.0)], vec![(0, 2.0), (1, 0.0)], vec![]];
        assert_eq!(SparseMatrix::from_columns(2, columns).unwrap(), sparse);
        assert_eq!(SparseMatrix::from_rows(3, vec![vec![(1, 2.0)], vec![(0, -1.0)]]), sparse);
    }

    #[test]
    fn nothing_has_a_shape_too() {
        assert_eq!(SparseMatrix::from_dense(Array2::zeros((0, 3)).view()).unwrap().dim(), (0, 3));
        assert_eq!(SparseMatrix::from_rows(0, vec![vec![]; 4]).dim(), (4, 0));
    }

    #[test]
    fn wrong_columns_are_refused() {
        let error =
            |column: &[(u32, f64)]| SparseMatrix::from_columns(3, [vec![], column.to_vec()]).unwrap_err().to_string();
        assert_eq!(error(&[(3, 1.0)]), "column 1: row 3 does not exist or is not in ascending order, of 3 rows");
        assert!(error(&[(1, 1.0), (1, 2.0)]).starts_with("column 1: row 1 "));
        assert_eq!(error(&[(2, f64::NAN)]), "row 2, column 1: NaN is not finite");
        let too_many = SparseMatrix::from_columns(1 << 40, [[]]).unwrap_err();
        assert_eq!(too_many, SparseError::TooManyRows(1 << 40));
    }
}
