//! What a score needs besides probabilities: the true class of every trace.

use thiserror::Error;

use crate::{ClassMap, Probabilities};

/// Why there is no score.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ScoreError {
    /// The probabilities and the truth are of different traces.
    #[error("{rows} rows of scores for {truth} true classes")]
    Rows {
        /// Rows of the probabilities or scores.
        rows: usize,
        /// Entries of the truth.
        truth: usize,
    },
    /// A true class has no column.
    #[error("row {row}: the true class is column {column} of {classes}")]
    Column {
        /// Row, counted from 0.
        row: usize,
        /// Column asked for, counted from 0.
        column: usize,
        /// Number of columns there are.
        classes: usize,
    },
    /// Origins or sessions are of other traces.
    #[error("{kin} origins or sessions for {truth} true classes")]
    Kinship {
        /// Entries of the origins or sessions.
        kin: usize,
        /// Entries of the truth.
        truth: usize,
    },
    /// A score is NaN and has no place in an order.
    #[error("row {row}: the score is not a number")]
    NotANumber {
        /// Row, counted from 0.
        row: usize,
    },
    /// The input is well formed, but the score has no value on it.
    #[error(transparent)]
    Undefined(#[from] Undefined),
}

/// Why a score has no value on well-formed input. The text is the reason that reports give beside a null.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Undefined {
    /// There is nothing to score.
    #[error("no traces")]
    NoTraces,
    /// The task has one class, so there is nothing to tell apart.
    #[error("one class only (`{0}`): nothing to tell apart")]
    OneClass(String),
    /// All traces are of one class, so no trace of another can be ranked below or above.
    #[error("all traces are of one class (`{0}`): nothing to rank against")]
    OneTrueClass(String),
    /// Only traces of one kind among positive and negative.
    #[error("only {0} traces: nothing to rank against")]
    OneKind(&'static str),
}

/// The number of traces of every class, shape `(n_classes,)`, after checking that every trace has a true class.
pub(crate) fn support(probabilities: &Probabilities, truth: &[usize]) -> Result<Vec<u64>, ScoreError> {
    support_of_rows(probabilities.len(), truth, probabilities.classes().len())
}

/// As [`support`], for any `rows` scores and `classes` classes.
pub(crate) fn support_of_rows(rows: usize, truth: &[usize], classes: usize) -> Result<Vec<u64>, ScoreError> {
    if rows != truth.len() {
        return Err(ScoreError::Rows { rows, truth: truth.len() });
    }
    let mut support = vec![0; classes];
    for (row, &column) in truth.iter().enumerate() {
        *support.get_mut(column).ok_or(ScoreError::Column { row, column, classes })? += 1;
    }
    if truth.is_empty() {
        return Err(Undefined::NoTraces.into());
    }
    Ok(support)
}

/// Whether any trace can be ranked against one of another class.
pub(crate) fn several_true_classes(classes: &ClassMap, support: &[u64]) -> Result<(), Undefined> {
    let mut present = support.iter().enumerate().filter(|&(_, &traces)| traces > 0).map(|(class, _)| class);
    match (present.next(), present.next()) {
        (Some(_), Some(_)) => Ok(()),
        (Some(only), None) => Err(Undefined::OneTrueClass(classes.names()[only].clone())),
        (None, _) => Err(Undefined::NoTraces),
    }
}
