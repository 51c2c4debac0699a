//! Why a forest cannot grow.

use thiserror::Error;

/// Why a forest cannot grow.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum ForestError {
    /// A parameter is out of its range.
    #[error("{name} is {value}, but must be at least {least}")]
    Param {
        /// The parameter.
        name: &'static str,
        /// Its value.
        value: usize,
        /// The least value allowed.
        least: usize,
    },
    /// There are no rows or no columns.
    #[error("a forest cannot grow on {rows} rows of {columns} features")]
    Empty {
        /// Number of rows.
        rows: usize,
        /// Number of columns.
        columns: usize,
    },
    /// There are more rows or classes than the trees can count.
    #[error("{found} {what}, but a forest takes at most {most}")]
    TooMany {
        /// Rows, features or classes.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many are possible.
        most: usize,
    },
    /// Labels and rows differ in number.
    #[error("{labels} labels for {rows} rows")]
    Labels {
        /// Number of labels.
        labels: usize,
        /// Number of rows.
        rows: usize,
    },
    /// Weights and classes differ in number.
    #[error("{weights} class weights for {classes} classes")]
    Weights {
        /// Number of weights.
        weights: usize,
        /// Number of classes.
        classes: usize,
    },
    /// A weight is 0, negative, NaN or infinite.
    #[error("the weight of class {class} is {weight}, but must be positive and finite")]
    Weight {
        /// The class, counted from 0.
        class: usize,
        /// Its weight.
        weight: f64,
    },
    /// Weights and rows differ in number.
    #[error("{weights} weights for {rows} rows")]
    RowWeights {
        /// Number of weights.
        weights: usize,
        /// Number of rows.
        rows: usize,
    },
    /// A weight is 0, negative, NaN or infinite.
    #[error("the weight of row {row} is {weight}, but must be positive and finite")]
    RowWeight {
        /// The row, counted from 0.
        row: usize,
        /// Its weight.
        weight: f64,
    },
    /// A label is no class.
    #[error("row {row} has label {label}, but there are {classes} classes")]
    Label {
        /// The row, counted from 0.
        row: usize,
        /// Its label.
        label: usize,
        /// Number of classes.
        classes: usize,
    },
    /// A value is NaN or infinite.
    #[error("row {row}, feature {column}: {value} is not finite")]
    NotFinite {
        /// The row, counted from 0.
        row: usize,
        /// The column, counted from 0.
        column: usize,
        /// The value.
        value: f64,
    },
}
