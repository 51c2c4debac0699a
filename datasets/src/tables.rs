//! Tables of named numbers beside the labels of traces, as features are: Parquet, one row a trace.

use std::collections::HashSet;
use std::path::Path;

use ndarray::{Array2, ArrayView2};

use crate::formats::file_name;
use crate::frame::{Frame, LABELS, label_columns, write_parquet_groups};
use crate::parquet_file::{GROUP_ROWS, Groups, Values, Written};
use crate::{Label, ReadError, WriteError};

/// Named columns of numbers, shape `(n_traces, n_columns)`, one label a row.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnTable {
    /// One label a row.
    pub labels: Vec<Label>,
    /// One name a column.
    pub names: Vec<String>,
    /// The numbers; NaN and infinities are kept.
    pub values: Array2<f64>,
    /// What the writer noted about the table, JSON by custom.
    pub metadata: Option<String>,
}

/// Writes `class, rep, session, origin, page, start_ns, likeness` and one column a name. The same table gives the same bytes.
///
/// # Errors
/// Another extension than `.parquet`; labels or names that do not fit the shape of `values`; a name that occurs twice or is one
/// of the label columns; what the system refuses.
pub fn write_table(
    path: &Path,
    labels: &[Label],
    names: &[String],
    values: ArrayView2<'_, f64>,
    metadata: Option<&str>,
) -> Result<(), WriteError> {
    let has_likeness = labels.iter().any(|label| label.likeness.is_some());
    write_table_in_parts(path, names, has_likeness, metadata, |sink| sink.add(labels, values))
}

/// The same of rows that `fill` adds part by part; they have the column `likeness` where `has_likeness` says so. The same rows give the same
/// bytes, whatever parts they come in, and no more of them are held than a row group.
///
/// # Errors
/// As [`write_table`], and what `fill` fails with.
pub fn write_table_in_parts<E: From<WriteError>>(
    path: &Path,
    names: &[String],
    has_likeness: bool,
    metadata: Option<&str>,
    fill: impl FnOnce(&mut TableSink<'_, '_>) -> Result<(), E>,
) -> Result<(), E> {
    let extension = file_name(path);
    if !extension.to_ascii_lowercase().ends_with(".parquet") {
        return Err(WriteError::Extension { path: path.to_owned(), extension, expected: ".parquet" }.into());
    }
    let mut taken = HashSet::from(LABELS);
    if let Some(name) = names.iter().find(|name| !taken.insert(name)) {
        return Err(WriteError::table(path, format!("two columns would be named {name}")).into());
    }
    let none = columns(&[], has_likeness, names, ArrayView2::from_shape((0, names.len()), &[]).expect("no row"));
    let metadata = metadata.map(str::to_owned);
    write_parquet_groups(path, &none, metadata, |groups| {
        let mut sink = TableSink { path, groups, names, has_likeness, labels: Vec::new(), values: Vec::new() };
        fill(&mut sink)?;
        Ok(sink.write()?)
    })
}

/// So many numbers make a row group at most: 128 MB.
const GROUP_VALUES: usize = 1 << 24;

/// Takes rows on their way into a file.
pub struct TableSink<'a, 'file> {
    path: &'a Path,
    groups: &'a mut Groups<'file>,
    names: &'a [String],
    has_likeness: bool,
    labels: Vec<Label>,
    values: Vec<f64>,
}

impl TableSink<'_, '_> {
    /// Adds rows, one label each.
    ///
    /// # Errors
    /// Labels or names that do not fit the shape of `values`; what the system refuses.
    pub fn add(&mut self, labels: &[Label], values: ArrayView2<'_, f64>) -> Result<(), WriteError> {
        if values.dim() != (labels.len(), self.names.len()) {
            let shape = values.dim();
            let (rows, names) = (labels.len(), self.names.len());
            let message = format!("{rows} labels and {names} names for numbers of shape {shape:?}");
            return Err(WriteError::table(self.path, message));
        }
        let most = (GROUP_VALUES / self.names.len().max(1)).clamp(1, GROUP_ROWS);
        for (label, row) in labels.iter().zip(values.rows()) {
            self.labels.push(label.clone());
            self.values.extend(row);
            if self.labels.len() == most {
                self.write()?;
            }
        }
        Ok(())
    }

    fn write(&mut self) -> Result<(), WriteError> {
        let shape = (self.labels.len(), self.names.len());
        let values = ArrayView2::from_shape(shape, &self.values).expect("rows are whole");
        self.groups.write(&columns(&self.labels, self.has_likeness, self.names, values))?;
        self.labels.clear();
        self.values.clear();
        Ok(())
    }
}

fn columns(labels: &[Label], has_likeness: bool, names: &[String], values: ArrayView2<'_, f64>) -> Vec<Written> {
    let mut columns = label_columns(labels, has_likeness);
    columns.extend(number_columns(names, values));
    columns
}

/// Reads what [`write_table`] wrote, or any Parquet with `class`, `rep` and columns of numbers; the other labels may be
/// absent.
///
/// # Errors
/// [`ReadError`], naming the column, and the row for a null.
pub fn read_table(path: &Path) -> Result<ColumnTable, ReadError> {
    let frame = Frame::read(path)?;
    let labels = frame.labels()?;
    let names: Vec<String> = frame.names().filter(|name| !LABELS.contains(name)).map(str::to_owned).collect();
    let values = numbers(&frame, &names)?;
    Ok(ColumnTable { labels, names, values, metadata: frame.metadata })
}

/// One column a name.
pub(crate) fn number_columns<'a>(
    names: &'a [String],
    values: ArrayView2<'a, f64>,
) -> impl Iterator<Item = Written> + 'a {
    (0..names.len()).map(move |column| Written::new(&names[column], Values::Floats(values.column(column).to_vec())))
}

/// The columns of these names, shape `(rows, names)`.
pub(crate) fn numbers(frame: &Frame<'_>, names: &[String]) -> Result<Array2<f64>, ReadError> {
    let mut values = Array2::zeros((frame.rows(), names.len()));
    for (name, mut column) in names.iter().zip(values.columns_mut()) {
        column.assign(&ndarray::ArrayView1::from(&frame.floats(name)?));
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use ndarray::array;
    use proptest::prelude::*;

    use super::*;
    use crate::TraceKey;

    fn label(rep: i64) -> Label {
        let session = (rep % 2 == 0).then(|| "day 1".to_owned());
        Label::new(TraceKey { class: format!("class {}", rep / 3), rep, session }, (rep > 1).then_some(-rep))
    }

    #[test]
    fn a_name_occurs_once_and_is_no_label() {
        let path = Path::new("never.parquet");
        let write = |names: &[&str], values: Array2<f64>| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            write_table(path, &[label(1)], &names, values.view(), None).unwrap_err().to_string()
        };
        assert_eq!(write(&["a", "a"], array![[1.0, 2.0]]), "never.parquet: two columns would be named a");
        assert_eq!(write(&["rep"], array![[1.0]]), "never.parquet: two columns would be named rep");
        assert_eq!(
            write(&["a"], array![[1.0], [2.0]]),
            "never.parquet: 1 labels and 1 names for numbers of shape (2, 1)"
        );
    }

    proptest! {
        #[test]
        fn written_and_read_back_a_table_is_the_same(rows in 0..6usize, columns in 0..4usize, seed: u64) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("table.parquet");
            let bits = |at: usize| seed.wrapping_mul(2 * at as u64 + 1).rotate_left(17);
            let number = |(row, column)| match f64::from_bits(bits(row * columns + column)) {
                nan if nan.is_nan() => f64::INFINITY,
                number => number,
            };
            let table = ColumnTable {
                labels: (0..rows as i64).map(label).collect(),
                names: (0..columns).map(|column| format!("feature {column}")).collect(),
                values: Array2::from_shape_fn((rows, columns), number),
                metadata: (seed % 2 == 0).then(|| "{\"set\":\"k-fp\"}".to_owned()),
            };
            let write = |path: &Path| {
                write_table(path, &table.labels, &table.names, table.values.view(), table.metadata.as_deref()).unwrap();
            };
            write(&path);
            prop_assert_eq!(read_table(&path).unwrap(), table.clone());
            let again = folder.path().join("again.parquet");
            write(&again);
            prop_assert_eq!(std::fs::read(path).unwrap(), std::fs::read(again).unwrap());
        }
    }
}
