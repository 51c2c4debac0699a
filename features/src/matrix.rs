//! A named feature matrix.

use ndarray::{Array2, ArrayView2, Axis};
use thiserror::Error;
use wfkit_datasets::{Label, Observed, TraceKey};
use wfkit_metrics::ClassMap;

/// Features, shape `(n_traces, n_features)`: finite values, one name a column, one label a row.
#[derive(Debug, Clone, PartialEq)]
pub struct FeatureMatrix {
    names: Vec<String>,
    rows: Vec<Label>,
    values: Array2<f64>,
    observed: Option<Observed>,
}

/// Why a matrix is not a feature matrix.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum MatrixError {
    /// Names or rows do not fit the shape of the values.
    #[error("{names} names and {rows} labels for a matrix of {shape:?}")]
    Shape {
        /// Number of names.
        names: usize,
        /// Number of labels.
        rows: usize,
        /// Shape of the values.
        shape: (usize, usize),
    },
    /// Two columns have one name.
    #[error("two feature columns are named {0}")]
    DuplicateName(String),
    /// A value is NaN or infinite.
    #[error("feature {name} of ({key}) is {value}")]
    NotFinite {
        /// The column.
        name: String,
        /// The row.
        key: Box<TraceKey>,
        /// The value found.
        value: f64,
    },
}

impl FeatureMatrix {
    /// Checks that names and rows fit the values, that names differ and that all values are finite.
    pub fn new(names: Vec<String>, rows: Vec<Label>, values: Array2<f64>) -> Result<Self, MatrixError> {
        if values.dim() != (rows.len(), names.len()) {
            return Err(MatrixError::Shape { names: names.len(), rows: rows.len(), shape: values.dim() });
        }
        let mut sorted: Vec<&String> = names.iter().collect();
        sorted.sort();
        if let Some(pair) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(MatrixError::DuplicateName(pair[0].clone()));
        }
        if let Some(((row, column), &value)) = values.indexed_iter().find(|(_, value)| !value.is_finite()) {
            let key = Box::new(rows[row].key.clone());
            return Err(MatrixError::NotFinite { name: names[column].clone(), key, value });
        }
        Ok(Self { names, rows, values, observed: None })
    }

    /// The same matrix, which tells how its traces were observed.
    pub fn observed_as(self, observed: Option<Observed>) -> Self {
        Self { observed, ..self }
    }

    /// How its traces were observed, where that is known.
    pub fn observed(&self) -> Option<&Observed> {
        self.observed.as_ref()
    }

    /// One name a column.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// One label a row.
    pub fn rows(&self) -> &[Label] {
        &self.rows
    }

    /// The values, shape `(n_traces, n_features)`.
    pub fn values(&self) -> ArrayView2<'_, f64> {
        self.values.view()
    }

    /// The classes that occur, in class order.
    pub fn classes(&self) -> ClassMap {
        ClassMap::from_labels(self.rows.iter().map(|row| &row.key.class))
    }

    /// The rows at `rows`, in that order.
    pub fn select(&self, rows: &[usize]) -> Self {
        Self {
            names: self.names.clone(),
            rows: rows.iter().map(|&row| self.rows[row].clone()).collect(),
            values: self.values.select(Axis(0), rows),
            observed: self.observed.clone(),
        }
    }
}
