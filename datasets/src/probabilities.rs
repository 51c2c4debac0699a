//! Class probabilities in files: `class, rep, session`, then one column a class, named by it.
//!
//! A class whose own name is one of the three label columns has a `=` put before it, and so has one that looks like such a name
//! already: `rep` is written `=rep`, `=rep` is written `==rep`. All other names stand as they are.

use std::borrow::Cow;
use std::path::Path;

use ndarray::Array2;
use wfkit_metrics::{ClassMap, Probabilities, ProbabilityError};

use crate::formats::{
    CsvRows, Problems, ReadLimits, csv_member, file_name, finite_number, read_csv, start_of, whole_number,
    write_csv_rows,
};
use crate::frame::{CLASS, Frame, PARQUET_MAGIC, REP, SESSION, key_columns, write_parquet};
use crate::pick::NotThere;
use crate::tables::{number_columns, numbers};
use crate::{FileKind, ReadError, TraceKey, WriteError, canonical_class};

/// What a classifier said about each trace.
#[derive(Debug, Clone, PartialEq)]
pub struct Predictions {
    /// The trace of each row; its class is the true one.
    pub keys: Vec<TraceKey>,
    /// The probabilities, shape `(n_traces, n_classes)`.
    pub probabilities: Probabilities,
}

impl Predictions {
    /// The column of the true class of each row, or the first key whose class has no column.
    pub fn truth(&self) -> Result<Vec<usize>, &TraceKey> {
        let classes = self.probabilities.classes();
        self.keys.iter().map(|key| classes.index_of(&key.class).ok_or(key)).collect()
    }

    /// The same of probabilities that are to be shown; they are of the file at `path`.
    ///
    /// # Errors
    /// A class that has no column.
    pub fn columns_of_truth(&self, path: &Path) -> Result<Vec<usize>, NotThere> {
        self.truth().map_err(|key| {
            NotThere(format!(
                "{}: trace ({key}) is of a class that has no column, so it cannot be shown; wfkit score tells what such rows are worth",
                path.display()
            ))
        })
    }
}

/// Writes `.parquet`, `.csv` or `.csv.zip`, told by the extension; columns in class order, in CSV with as many digits as bring
/// back the same number. The same probabilities give the same bytes.
///
/// # Errors
/// Another extension, another number of keys than rows, what the system refuses.
pub fn write_probabilities(path: &Path, keys: &[TraceKey], probabilities: &Probabilities) -> Result<(), WriteError> {
    if keys.len() != probabilities.len() {
        let message = format!("{} keys for {} rows of probabilities", keys.len(), probabilities.len());
        return Err(WriteError::table(path, message));
    }
    let names: Vec<String> = probabilities.classes().names().iter().map(|class| column_of_class(class)).collect();
    if file_name(path).to_ascii_lowercase().ends_with(".parquet") {
        let mut columns = key_columns(keys.iter());
        columns.extend(number_columns(&names, probabilities.values()));
        let metadata = serde_json::json!({ "kind": FileKind::Probabilities }).to_string();
        return write_parquet(path, &columns, Some(metadata));
    }
    if csv_member(&file_name(path)).is_none() {
        let extension = file_name(path);
        return Err(WriteError::Extension { path: path.to_owned(), extension, expected: ".parquet, .csv or .csv.zip" });
    }
    let values = probabilities.values();
    let rows = keys.iter().zip(values.rows()).map(|(key, row)| {
        let shortest = |&value: &f64| Cow::from(zmij::Buffer::new().format(value).to_owned());
        csv_key(key).into_iter().chain(row.iter().map(shortest).collect::<Vec<_>>())
    });
    write_csv_rows(path, [CLASS, REP, SESSION].into_iter().chain(names.iter().map(String::as_str)), rows)
}

/// The fields of a key in CSV; no session is an empty one.
pub(crate) fn csv_key(key: &TraceKey) -> [Cow<'_, str>; 3] {
    let session = key.session.as_deref().unwrap_or_default();
    [Cow::from(&key.class), Cow::from(key.rep.to_string()), Cow::from(session)]
}

/// Reads what [`write_probabilities`] wrote, told by content; columns in any order, an empty session is none.
///
/// # Errors
/// [`ReadError`], naming row and column of a value that is no probability, or the row that does not sum to 1.
pub fn read_probabilities(path: &Path) -> Result<Predictions, ReadError> {
    if start_of(path, 4)? == PARQUET_MAGIC {
        let frame = Frame::read(path)?;
        if let Some(kind @ (FileKind::Traces | FileKind::Features)) = FileKind::of_table(&frame) {
            let (path, found) = (path.to_owned(), kind.to_string());
            return Err(ReadError::Unrecognised { path, found, expected: "class probabilities, one column a class" });
        }
        let keys = frame.labels()?.into_iter().map(|label| label.key).collect();
        let names: Vec<String> = frame.names().filter(|name| !is_label(name)).map(str::to_owned).collect();
        let values = numbers(&frame, &names)?;
        return predictions(path, keys, &names, values, |row| row as u64);
    }
    read_csv(path, &ReadLimits::OWN, &[], |rows| read_rows(path, rows))
}

fn read_rows(path: &Path, mut rows: CsvRows<'_>) -> Result<Predictions, ReadError> {
    let names: Vec<String> = rows.header().iter().filter(|name| !is_label(name)).cloned().collect();
    let columns: Vec<&str> = [CLASS, REP, SESSION].into_iter().chain(names.iter().map(String::as_str)).collect();
    rows.select(&columns)?;
    let mut problems = Problems::default();
    let mut keys = Vec::new();
    let mut values = Vec::new();
    let mut lines = Vec::new();
    while let Some(row) = rows.next_row(&mut problems)? {
        let text = |column| String::from_utf8(row.raw(column).to_vec()).map_err(|_| (column, "not UTF-8"));
        let number = |column| finite_number(row.number(column)).map_err(|kind| (column, kind));
        let (class, session) = (text(0), text(2));
        let rep = whole_number(row.number(1)).map_err(|kind| (1, kind));
        let probabilities: Vec<Result<f64, _>> = (3..columns.len()).map(number).collect();
        let errors = [class.as_ref().err(), rep.as_ref().err(), session.as_ref().err()].into_iter().flatten();
        for &(column, kind) in errors.chain(probabilities.iter().filter_map(|value| value.as_ref().err())) {
            problems.record(kind, columns[column], row.line, row.lossy(column));
        }
        if let (Ok(class), Ok(rep), Ok(session)) = (class, rep, session) {
            let class = canonical_class(&class).into_owned();
            keys.push(TraceKey { class, rep, session: Some(session).filter(|name| !name.is_empty()) });
            values.extend(probabilities.into_iter().flatten());
            lines.push(row.line);
        }
    }
    if !problems.is_empty() {
        return Err(ReadError::Problems { path: path.to_owned(), problems });
    }
    let values = Array2::from_shape_vec((keys.len(), names.len()), values).expect("every row gave every number");
    predictions(path, keys, &names, values, |row| lines[row])
}

/// Brings the columns into class order and checks the distributions; `place` says where the file has a row.
fn predictions(
    path: &Path,
    keys: Vec<TraceKey>,
    names: &[String],
    values: Array2<f64>,
    place: impl Fn(usize) -> u64,
) -> Result<Predictions, ReadError> {
    let classes = ClassMap::from_labels(names.iter().map(|name| class_of_column(name)));
    if classes.len() < names.len() {
        let mut seen = std::collections::HashMap::new();
        let twice = names.iter().find_map(|name| Some((seen.insert(class_of_column(name), name)?, name)));
        let (first, second) = twice.expect("there are fewer classes than columns");
        return Err(ReadError::columns(path, format!("the columns `{first}` and `{second}` name one class")));
    }
    let mut columns: Vec<usize> = (0..names.len()).collect();
    columns.sort_by_key(|&column| classes.index_of(&class_of_column(&names[column])));
    let values = values.select(ndarray::Axis(1), &columns);
    let wrong = |row: usize, column: String, value: f64, reason: &str| ReadError::Value {
        path: path.to_owned(),
        row: place(row),
        column,
        value: value.to_string(),
        reason: reason.to_owned(),
    };
    let probabilities = Probabilities::new(classes, values).map_err(|error| match error {
        ProbabilityError::Value { row, class, value } => wrong(row, column_of_class(&class), value, "no probability"),
        ProbabilityError::Sum { row, sum } => wrong(row, "(sum)".to_owned(), sum, "probabilities sum to 1"),
        other => ReadError::columns(path, other.to_string()),
    })?;
    Ok(Predictions { keys, probabilities })
}

pub(crate) fn is_label(column: &str) -> bool {
    [CLASS, REP, SESSION].contains(&column)
}

fn column_of_class(class: &str) -> String {
    let escape = if is_label(class.trim_start_matches('=')) { "=" } else { "" };
    format!("{escape}{class}")
}

/// The class of a column, by the name that all files have for it.
pub(crate) fn class_of_column(column: &str) -> Cow<'_, str> {
    match column.strip_prefix('=') {
        Some(class) if is_label(column.trim_start_matches('=')) => Cow::Borrowed(class),
        _ => canonical_class(column),
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;
    use proptest::prelude::*;

    use super::*;

    fn key(class: &str, rep: i64, session: Option<&str>) -> TraceKey {
        TraceKey { class: class.into(), rep, session: session.map(str::to_owned) }
    }

    fn read_text(text: &[u8]) -> Result<Predictions, ReadError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.csv");
        std::fs::write(&path, text).unwrap();
        read_probabilities(&path)
    }

    #[test]
    fn every_format_brings_back_every_bit() {
        let folder = tempfile::tempdir().unwrap();
        let classes = ClassMap::from_labels(["10", "2", "rep", "=rep", "a,\"b\nc", "session x"]);
        let values = array![[0.1, 0.2, 0.3, 0.25, 0.05, 0.1], [1e-17, 0.0, 1.0, 0.0, 0.0, 0.0]];
        let probabilities = Probabilities::new(classes, values).unwrap();
        let keys = vec![key("rep", -1, Some("day, 1")), key("2", 5, None)];
        for name in ["p.parquet", "p.csv", "p.csv.zip"] {
            let path = folder.path().join(name);
            write_probabilities(&path, &keys, &probabilities).unwrap();
            let bytes = std::fs::read(&path).unwrap();
            let back = read_probabilities(&path).unwrap();
            assert_eq!(back, Predictions { keys: keys.clone(), probabilities: probabilities.clone() }, "{name}");
            assert_eq!(back.truth(), Ok(vec![4, 0]), "{name}");
            write_probabilities(&path, &keys, &probabilities).unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), bytes, "{name}");
        }
        let text = std::fs::read_to_string(folder.path().join("p.csv")).unwrap();
        assert!(text.starts_with("class,rep,session,2,10,==rep,\"a,\"\"b\nc\",=rep,session x\n"), "{text}");
        assert!(text.ends_with("\n2,5,,1e-17,0.0,1.0,0.0,0.0,0.0\n"), "{text}");
    }

    #[test]
    fn columns_may_stand_in_any_order() {
        let back = read_text(b"10,class,rep,2,session\n0.25,2,7,0.75,\n").unwrap();
        assert_eq!(back.keys, [key("2", 7, None)]);
        assert_eq!(back.probabilities.classes().names(), ["2", "10"]);
        assert_eq!(back.probabilities.values(), array![[0.75, 0.25]]);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let header = "class,rep,session,a,b\n";
        for (rows, expected) in [
            ("a,1,,0.5,x\n", "1 x not a number in column b: row 2 `x`"),
            ("a,1,,0.5,\n", "1 x empty in column b: row 2 ``"),
            (
                "a,1,,0.5,0.5\na,2.5,,NaN,1\n",
                "1 x not a whole number in column rep: row 3 `2.5`\n1 x not a number in column a: row 3 `NaN`",
            ),
            ("a,1,,0.5,0.5\na,2,,-0.5,1.5\n", "row 3, column a: -0.5: no probability"),
            ("a,1,,0.5,0.25\n", "row 2, column (sum): 0.75: probabilities sum to 1"),
            ("a,1,,0.5\n", "1 x wrong number of fields: row 2 `4 fields for 5 columns`"),
        ] {
            let error = read_text(format!("{header}{rows}").as_bytes()).unwrap_err().to_string();
            assert!(error.ends_with(expected), "{error}");
        }
        let error = read_text(b"class,rep,a\n").unwrap_err().to_string();
        assert!(error.contains("column session is missing"), "{error}");
        assert!(read_text(b"").unwrap_err().to_string().contains("empty"));
        let classes = ClassMap::from_labels(["a"]);
        let none = Probabilities::new(classes, Array2::zeros((0, 1))).unwrap();
        let error = write_probabilities(Path::new("p.json"), &[], &none).unwrap_err();
        assert!(error.to_string().ends_with("expected .parquet, .csv or .csv.zip"), "{error}");
        assert!(write_probabilities(Path::new("p.csv"), &[key("a", 1, None)], &none).is_err());
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.csv");
        let one = Probabilities::new(ClassMap::from_labels(["a"]), array![[1.0]]).unwrap();
        let error = write_probabilities(&path, &[key("a", 1, Some("x\ry"))], &one).unwrap_err().to_string();
        assert!(error.ends_with("holds a carriage return, which CSV does not bring back"), "{error}");
        assert!(!path.exists());
    }

    #[test]
    fn a_true_class_without_a_column_is_named() {
        let back = read_text(b"class,rep,session,a\nb,1,,1\n").unwrap();
        assert_eq!(back.truth(), Err(&key("b", 1, None)));
    }

    proptest! {
        #[test]
        fn a_class_is_found_again_whatever_its_name(class in "=?=?(class|rep|session|x)=?") {
            let column = column_of_class(&class);
            prop_assert_eq!(class_of_column(&column), canonical_class(&class));
            prop_assert!(!is_label(&column));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), header: bool) {
            let start: &[u8] = if header { b"class,rep,session,a\n" } else { b"" };
            let _ = read_text(&[start, &bytes].concat());
        }
    }
}
