//! One probability for every class, for every trace.

use ndarray::{Array2, ArrayView2};
use thiserror::Error;

use crate::ClassMap;

/// How far from 1 the sum of a row may be before it is refused rather than rescaled: wide enough for float32 models.
pub const ROW_SUM_TOLERANCE: f64 = 1e-6;

/// How far from 1 a sum may be by the rounding of its own additions. Dividing such a row by its sum would change only
/// the last bits, but those decide whether two traces tie: `0.1` in two rows must stay `0.1` in both.
const ROUND_OFF: f64 = 1e-12;

/// Class probabilities, shape `(n_traces, n_classes)`; columns follow the [`ClassMap`], every row is a distribution.
#[derive(Debug, Clone, PartialEq)]
pub struct Probabilities {
    classes: ClassMap,
    values: Array2<f64>,
}

/// Why a matrix is not a set of distributions.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum ProbabilityError {
    /// The matrix has another number of columns than there are classes.
    #[error("{columns} probability columns for {classes} classes")]
    Columns {
        /// Columns of the matrix.
        columns: usize,
        /// Classes of the map.
        classes: usize,
    },
    /// A value is NaN, infinite, below 0 or above 1.
    #[error("row {row}, class {class}: {value} is not a probability")]
    Value {
        /// Row, counted from 0.
        row: usize,
        /// Class of the column.
        class: String,
        /// The value found.
        value: f64,
    },
    /// A row does not sum to 1.
    #[error("row {row}: probabilities sum to {sum}, not to 1")]
    Sum {
        /// Row, counted from 0.
        row: usize,
        /// The sum found.
        sum: f64,
    },
}

impl Probabilities {
    /// Checks every row and rescales it to sum to 1.
    ///
    /// Rows whose sum is off by more than [`ROW_SUM_TOLERANCE`] are refused: something else is wrong with them. Rows that
    /// sum to 1 but for the rounding of float64 additions (1e-12) keep every bit, and so all ties between rows.
    pub fn new(classes: ClassMap, mut values: Array2<f64>) -> Result<Self, ProbabilityError> {
        if values.ncols() != classes.len() {
            return Err(ProbabilityError::Columns { columns: values.ncols(), classes: classes.len() });
        }
        for (row, mut line) in values.rows_mut().into_iter().enumerate() {
            for (column, &value) in line.iter().enumerate() {
                if !(0.0..=1.0 + ROW_SUM_TOLERANCE).contains(&value) {
                    return Err(ProbabilityError::Value { row, class: classes.names()[column].clone(), value });
                }
            }
            let sum = line.sum();
            if (sum - 1.0).abs() > ROW_SUM_TOLERANCE {
                return Err(ProbabilityError::Sum { row, sum });
            }
            let above_one = line.iter().any(|&value| value > 1.0);
            if (sum - 1.0).abs() > ROUND_OFF || above_one {
                line /= sum;
            }
        }
        Ok(Self { classes, values })
    }

    /// The classes, in column order.
    pub fn classes(&self) -> &ClassMap {
        &self.classes
    }

    /// The matrix, shape `(n_traces, n_classes)`.
    pub fn values(&self) -> ArrayView2<'_, f64> {
        self.values.view()
    }

    /// Number of traces.
    pub fn len(&self) -> usize {
        self.values.nrows()
    }

    /// Whether there is no trace.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Some rows, in this order; a row may be taken several times.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn select(&self, rows: &[usize]) -> Self {
        Self { classes: self.classes.clone(), values: self.values.select(ndarray::Axis(0), rows) }
    }

    /// The same with a column for each of `classes`, which include those that are there; 0 in the columns of the others.
    ///
    /// # Panics
    /// If a class is missing among them.
    pub fn over(&self, classes: &ClassMap) -> Self {
        let mut values = Array2::zeros((self.len(), classes.len()));
        for (name, column) in self.classes.names().iter().zip(self.values.columns()) {
            let place = classes.index_of(name).expect("all classes are among the others");
            values.column_mut(place).assign(&column);
        }
        Self { classes: classes.clone(), values }
    }

    /// The most probable class of every trace, shape `(n_traces,)`; ties go to the first class.
    pub fn argmax(&self) -> Vec<usize> {
        let first_largest = |row: ndarray::ArrayView1<'_, f64>| {
            let mut best = 0;
            for (column, &value) in row.iter().enumerate() {
                if value > row[best] {
                    best = column;
                }
            }
            best
        };
        self.values.rows().into_iter().map(first_largest).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    fn two() -> ClassMap {
        ClassMap::from_labels(["a", "b"])
    }

    #[test]
    fn float32_rows_are_rescaled() {
        let p = Probabilities::new(two(), array![[0.1f32 as f64, 0.9f32 as f64]]).unwrap();
        assert_eq!(p.values().row(0).sum(), 1.0);
    }

    #[test]
    fn rounding_does_not_break_ties() {
        let ten = ClassMap::from_labels((0..10).map(|class| class.to_string()));
        let tenths = Array2::from_elem((1, 10), 0.1);
        assert_ne!(tenths.row(0).iter().sum::<f64>(), 1.0);
        assert_eq!(Probabilities::new(ten, tenths.clone()).unwrap().values(), tenths);
    }

    #[test]
    fn both_ends_of_the_tolerance() {
        let just = |sum: f64| Probabilities::new(two(), array![[0.0, sum]]);
        assert_eq!(just(1.0 + 0.9e-6).unwrap().values()[[0, 1]], 1.0);
        assert_eq!(just(1.0 - 0.9e-6).unwrap().values()[[0, 1]], 1.0);
        assert_eq!(just(1.0 + 1e-15).unwrap().values()[[0, 1]], 1.0);
        assert!(matches!(just(1.0 - 1.1e-6), Err(ProbabilityError::Sum { .. })));
        assert!(matches!(just(1.0 + 1.1e-6), Err(ProbabilityError::Value { .. })));
        assert!(matches!(just(f64::INFINITY), Err(ProbabilityError::Value { .. })));
    }

    #[test]
    fn no_trace_is_fine_and_no_class_is_not_a_distribution() {
        let none = Probabilities::new(two(), Array2::zeros((0, 2))).unwrap();
        assert!(none.is_empty() && none.argmax().is_empty());
        let no_class = ClassMap::from_labels([] as [&str; 0]);
        assert!(Probabilities::new(no_class.clone(), Array2::zeros((0, 0))).is_ok());
        assert!(matches!(
            Probabilities::new(no_class, Array2::zeros((1, 0))),
            Err(ProbabilityError::Sum { row: 0, sum: 0.0 })
        ));
    }

    #[test]
    fn refuses_what_is_no_distribution() {
        let value = Probabilities::new(two(), array![[0.5, 0.5], [f64::NAN, 1.0]]).unwrap_err();
        assert!(matches!(value, ProbabilityError::Value { row: 1, ref class, .. } if class == "a"));
        assert!(matches!(Probabilities::new(two(), array![[-0.5, 1.5]]), Err(ProbabilityError::Value { .. })));
        assert_eq!(
            Probabilities::new(two(), array![[0.25, 0.25]]).unwrap_err(),
            ProbabilityError::Sum { row: 0, sum: 0.5 }
        );
        assert_eq!(
            Probabilities::new(two(), array![[1.0]]).unwrap_err(),
            ProbabilityError::Columns { columns: 1, classes: 2 }
        );
    }

    #[test]
    fn ties_go_to_the_first_class() {
        let p = Probabilities::new(two(), array![[0.5, 0.5], [0.0, 1.0]]).unwrap();
        assert_eq!(p.argmax(), [0, 1]);
    }
}
