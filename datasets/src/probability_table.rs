//! Class probabilities as anybody writes them, brought beside the traces that they are of.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use ndarray::{Array2, Axis};
use wfkit_metrics::{ClassMap, Probabilities, ProbabilityError, ROW_SUM_TOLERANCE, did_you_mean_one_of};

use crate::formats::{Dialect, NPY_MAGIC, NumpyArray, ReadLimits, csv_head, may_be_numpy, read_numpy, start_of};
use crate::frame::{CLASS, FOLD, Frame, LABELS, REP, TOGETHER};
use crate::join::{JoinError, join, some};
use crate::loose_table::{LooseTable, Others, RowNumbers};
use crate::probabilities::class_of_column;
use crate::{FileKind, ReadError, TraceKey, canonical_class};

/// Columns that pandas writes for the numbers of its rows.
const INDEX: [&str; 3] = ["", "Unnamed: 0", "__index_level_0__"];

/// Rows whose sum is off by more than this are rescaled.
const EXACT: f64 = 1e-12;

/// The true class of every trace that probabilities may be of.
#[derive(Debug, Clone)]
pub struct Truth {
    /// Where it was read, for messages.
    pub name: String,
    /// Class, rep and session of every trace, classes by their [canonical names](canonical_class).
    pub keys: Vec<TraceKey>,
    /// Whether keys tell traces apart; else the row alone does, and reps and sessions mean nothing.
    pub has_keys: bool,
}

impl Truth {
    /// The classes that occur.
    pub fn classes(&self) -> ClassMap {
        ClassMap::from_labels(self.keys.iter().map(|key| &key.class))
    }

    /// Whether a file of no kind of ours is a table, CSV or Parquet, with a column `class`.
    pub fn is_table(path: &Path) -> bool {
        if let Ok(frame) = Frame::read(path) {
            return frame.has(CLASS);
        }
        let header = csv_head(path).ok().and_then(|head| Some(Dialect::of(&head).ok()?.header(&head)));
        header.is_some_and(|names| names.iter().any(|name| name.trim() == CLASS))
    }

    /// Reads a table with a column `class` and, where they are there, `rep` and `session`; other columns are passed over.
    ///
    /// # Errors
    /// [`ReadError`], naming row and column; a trace that has two rows.
    pub fn read(path: &Path) -> Result<Self, ReadError> {
        let table = LooseTable::read(path, &LABELS, Others::Ignored)?;
        let Some(classes) = table.classes()? else {
            let message =
                "column class is missing; a table of the truth has the columns class, rep and session, one row a trace";
            return Err(ReadError::columns(path, message));
        };
        let name = path.display().to_string();
        let Some(keys) = table.keys()? else {
            let key = |(row, class)| TraceKey { class, rep: row as i64, session: None };
            return Ok(Self { name, keys: classes.into_iter().enumerate().map(key).collect(), has_keys: false });
        };
        let mut seen = HashMap::new();
        for (row, key) in keys.iter().enumerate() {
            if let Some(first) = seen.insert(key, row) {
                let reason = format!("row {} is about this trace already", table.rows.of(first));
                return Err(table.wrong(row, REP, format!("({key})"), reason));
            }
        }
        Ok(Self { name, keys, has_keys: true })
    }
}

/// Probabilities beside the traces that they are of.
#[derive(Debug)]
pub struct Aligned {
    /// Rows of the truth, ascending.
    pub rows: Vec<usize>,
    /// Probabilities of these rows; a column for every class of the truth, and for others that the file has.
    pub probabilities: Probabilities,
    /// How many rows did not sum to 1 exactly, and were rescaled.
    pub rescaled: usize,
    /// What was taken for what, where the file does not say so itself.
    pub notes: Vec<String>,
}

/// Class probabilities of a file, not yet held against anything.
#[derive(Debug)]
pub struct ProbabilityTable {
    table: LooseTable,
    keys: Option<Vec<TraceKey>>,
    /// The class of every row, where the file says it.
    classes: Option<Vec<String>>,
    /// Whether the columns have names.
    named: bool,
    notes: Vec<String>,
}

impl ProbabilityTable {
    /// Reads CSV (also in zip), Parquet, `.npz` or `.npy`, told by content. Columns are classes, but for labels of traces (`class`, `rep`, `session`
    /// and what trace files have besides), `fold`, and the index of pandas; of `classes` tells which of those names are classes all the same.
    ///
    /// Of arrays, `probabilities` (or `p`, or the only matrix) has a row a trace and a column a class, `classes` names the columns; `y` (places in
    /// `classes`) or `class` (names), `rep` and `session` say which trace a row is of.
    ///
    /// # Errors
    /// [`ReadError`], naming row, column and value; another kind of file.
    pub fn read(path: &Path, classes: &ClassMap) -> Result<Self, ReadError> {
        let start = start_of(path, 4096)?;
        if may_be_numpy(&start) && (start.starts_with(NPY_MAGIC) || csv_head(path).is_err()) {
            return Self::of_arrays(path, read_numpy(path, &ReadLimits::OWN)?);
        }
        match FileKind::of(path)? {
            // A table of numbers beside labels may be either; rows that do not sum to 1 are told as such.
            None | Some(FileKind::Probabilities | FileKind::Features) => {}
            Some(kind) => {
                let expected = "class probabilities, one column a class, one row a trace";
                return Err(ReadError::Unrecognised { path: path.to_owned(), found: kind.to_string(), expected });
            }
        }
        let is_class = |name: &str| !crate::probabilities::is_label(name) && classes.index_of(name).is_some();
        let labels: Vec<&str> =
            LABELS.into_iter().chain([FOLD, TOGETHER]).chain(INDEX).filter(|name| !is_class(name)).collect();
        let table = LooseTable::read(path, &labels, Others::Numbers)?;
        let ignored: Vec<&str> =
            table.labels.iter().map(|(name, _)| name.as_str()).filter(|name| INDEX.contains(name)).collect();
        let notes = ignored.iter().map(|name| format!("the column `{name}` numbers the rows, and is passed over"));
        let notes = notes.collect();
        Ok(Self { keys: table.keys()?, classes: table.classes()?, named: true, notes, table })
    }

    fn of_arrays(path: &Path, mut arrays: BTreeMap<String, NumpyArray>) -> Result<Self, ReadError> {
        let listed = |arrays: &BTreeMap<String, NumpyArray>| {
            let names: Vec<String> =
                arrays.iter().take(8).map(|(name, array)| format!("`{name}` {:?}", array.shape)).collect();
            names.join(", ")
        };
        let all = listed(&arrays);
        let matrices: Vec<String> =
            arrays.iter().filter(|(_, array)| array.shape.len() == 2).map(|(name, _)| name.clone()).collect();
        let chosen = ["probabilities", "p"].into_iter().find(|name| matrices.iter().any(|known| known == name));
        let name = match (chosen, matrices.as_slice()) {
            (Some(name), _) => name.to_owned(),
            (None, [only]) => only.clone(),
            _ => {
                let message = format!("no array `probabilities` of shape (traces, classes) among {all}");
                return Err(ReadError::columns(path, message));
            }
        };
        let values = arrays.remove(&name).and_then(NumpyArray::matrix);
        let values = values.ok_or_else(|| ReadError::columns(path, format!("the array `{name}` holds no numbers")))?;
        let (rows, columns) = values.dim();
        let mut texts = |name: &str, length: usize| -> Result<Option<Vec<String>>, ReadError> {
            let Some(array) = arrays.remove(name) else { return Ok(None) };
            let shape = array.shape.clone();
            match array.texts().filter(|texts| texts.len() == length) {
                Some(texts) => Ok(Some(texts)),
                None => Err(ReadError::columns(
                    path,
                    format!("the array `{name}` has shape {shape:?}; expected ({length},), of texts or whole numbers"),
                )),
            }
        };
        let names = texts("classes", columns)?;
        let mut of_rows = texts("class", rows)?;
        if let (None, Some(places)) = (&of_rows, texts("y", rows)?) {
            let name = |(row, place): (usize, &String)| {
                let known = place.parse::<usize>().ok().and_then(|place| names.as_ref()?.get(place).cloned());
                known.ok_or_else(|| ReadError::Value {
                    path: path.to_owned(),
                    row: row as u64,
                    column: "y".to_owned(),
                    value: place.clone(),
                    reason: "no place in the array `classes`; names of classes go into the array `class`".to_owned(),
                })
            };
            of_rows = Some(places.iter().enumerate().map(name).collect::<Result<_, _>>()?);
        }
        let of_rows = of_rows.map(|classes| classes.into_iter().map(Some).collect());
        let mut labels: Vec<(String, Vec<Option<String>>)> = Vec::new();
        labels.extend(of_rows.map(|column| ("class".to_owned(), column)));
        for name in ["rep", "session"] {
            let column = texts(name, rows)?;
            labels.extend(column.map(|column| (name.to_owned(), column.into_iter().map(filled).collect())));
        }
        let named = names.is_some();
        let names = names.unwrap_or_else(|| (0..columns).map(|column| column.to_string()).collect());
        let table = LooseTable { path: path.to_owned(), labels, names, values, rows: RowNumbers::FromZero(rows) };
        Ok(Self { keys: table.keys()?, classes: table.classes()?, named, notes: Vec::new(), table })
    }

    /// Whether rows say which trace they are of.
    pub fn has_keys(&self) -> bool {
        self.keys.is_some()
    }

    /// Brings rows and columns beside the truth: rows by key where both sides have one, else by their order; columns by the names of classes.
    /// With `partial`, traces of the truth without a row are left out.
    ///
    /// # Errors
    /// [`ReadError`], naming row, column and value: rows or classes that are missing, unknown or there twice, values that are no probabilities, rows that do
    /// not sum to 1 within [`ROW_SUM_TOLERANCE`].
    pub fn align(mut self, truth: &Truth, partial: bool) -> Result<Aligned, ReadError> {
        let (rows, places) = match &self.keys {
            Some(keys) if truth.has_keys => self.by_key(keys, truth, partial)?,
            _ => {
                let note = self.by_order(truth)?;
                self.notes.push(note);
                ((0..truth.keys.len()).collect(), (0..truth.keys.len()).collect())
            }
        };
        let (classes, columns) = self.columns(&truth.classes())?;
        let values = self.table.values.select(Axis(0), &places).select(Axis(1), &columns);
        let (probabilities, rescaled) = self.distributions(classes, values, &places)?;
        Ok(Aligned { rows, probabilities, rescaled, notes: self.notes })
    }

    fn by_key(&self, keys: &[TraceKey], truth: &Truth, partial: bool) -> Result<(Vec<usize>, Vec<usize>), ReadError> {
        let joined = join(&truth.keys, keys).map_err(|error| match error {
            JoinError::Twice(first, second) => {
                let reason = format!("row {} is about this trace already", self.table.rows.of(first));
                self.table.wrong(second, REP, format!("({})", keys[second]), reason)
            }
            JoinError::Sessions(row) => {
                let reason =
                    format!("several sessions of {} have this class and rep; add the column session", truth.name);
                self.table.wrong(row, REP, format!("({})", keys[row]), reason)
            }
        })?;
        if !joined.unknown.is_empty() {
            let (unknown, all) = (joined.unknown.len(), keys.len());
            let some = some(joined.unknown.iter().map(|&row| &keys[row]));
            return Err(self.rows(format!(
                "{unknown} of {all} rows are of no trace of {}: {some}; the columns class, rep and session say which trace a row is of, class its true class",
                truth.name
            )));
        }
        let missing = joined.place.iter().filter(|place| place.is_none()).count();
        if missing > 0 && !partial {
            let without = truth.keys.iter().zip(&joined.place).filter(|(_, place)| place.is_none()).map(|(key, _)| key);
            return Err(self.rows(format!(
                "{missing} of {} traces of {} have no row: {}; --partial scores the others alone",
                truth.keys.len(),
                truth.name,
                some(without)
            )));
        }
        let there = joined.place.iter().enumerate().filter_map(|(row, place)| Some((row, (*place)?)));
        Ok(there.unzip())
    }

    /// Checks that rows can be those of the truth, and says what is taken for what.
    fn by_order(&self, truth: &Truth) -> Result<String, ReadError> {
        let (rows, traces) = (self.table.rows.len(), truth.keys.len());
        let why = match (self.keys.is_some(), truth.has_keys) {
            (true, false) => format!("{} has no column rep", truth.name),
            _ => "no columns class and rep".to_owned(),
        };
        if rows != traces {
            return Err(self.rows(format!(
                "{rows} rows for {traces} traces of {}, and {why} to join them by: add the columns class, rep and session",
                truth.name
            )));
        }
        let differs = |classes: &Vec<String>| (0..rows).find(|&row| classes[row] != truth.keys[row].class);
        if let Some((classes, row)) = self.classes.as_ref().and_then(|classes| Some((classes, differs(classes)?))) {
            let reason = format!(
                "trace {} of {} is of class {}, and {why} to join them by: add the columns class, rep and session",
                row + 1,
                truth.name,
                truth.keys[row].class
            );
            return Err(self.table.wrong(row, "class", &classes[row], reason));
        }
        let ends = match (truth.has_keys, truth.keys.first(), truth.keys.last()) {
            (true, Some(first), Some(last)) => format!(", the first for ({first}), the last for ({last})"),
            _ => String::new(),
        };
        Ok(format!("{why}, so rows are taken for the traces of {} in their order{ends}", truth.name))
    }

    /// The classes of the truth and those that the file has besides, and the column of each.
    fn columns(&mut self, truth: &ClassMap) -> Result<(ClassMap, Vec<usize>), ReadError> {
        let path = &self.table.path;
        let names = &self.table.names;
        let some_of = |classes: &[String]| {
            let more = if classes.len() > 5 { ", ..." } else { "" };
            classes.iter().take(5).map(|class| format!("`{class}`")).collect::<Vec<_>>().join(", ") + more
        };
        if !self.named {
            if names.len() != truth.len() {
                let (columns, classes) = (names.len(), truth.len());
                let message =
                    format!("{columns} columns without names for {classes} classes; name them in the array `classes`");
                return Err(ReadError::columns(path, message));
            }
            self.notes.push(format!(
                "columns have no names, so they are taken for the classes in their order: {}",
                some_of(truth.names())
            ));
            return Ok((truth.clone(), (0..truth.len()).collect()));
        }
        let mut classes: Vec<Cow<'_, str>> = names.iter().map(|name| class_of_column(name)).collect();
        let known = |classes: &[Cow<'_, str>]| classes.iter().filter(|class| truth.index_of(class).is_some()).count();
        let mut note = None;
        if known(&classes) == 0
            && let Some(prefix) = common_prefix(names)
        {
            let bare: Vec<Cow<'_, str>> = names.iter().map(|name| canonical_class(&name[prefix.len()..])).collect();
            if known(&bare) > 0 {
                note = Some(format!("columns are named `{prefix}` and a class"));
                classes = bare;
            }
        }
        let mut column_of = HashMap::new();
        for (column, class) in classes.iter().enumerate() {
            if let Some(first) = column_of.insert(class.clone(), column) {
                let (first, second) = (&names[first], &names[column]);
                return Err(ReadError::columns(
                    path,
                    format!("the columns `{first}` and `{second}` name one class, {class}"),
                ));
            }
        }
        let others: Vec<String> =
            classes.iter().filter(|class| truth.index_of(class).is_none()).map(|class| class.to_string()).collect();
        let missing: Vec<String> =
            truth.names().iter().filter(|class| !column_of.contains_key(class.as_str())).cloned().collect();
        if let Some(class) = missing.first() {
            let meant = did_you_mean_one_of(class, others.iter().map(String::as_str));
            let has = if others.is_empty() {
                String::new()
            } else {
                format!("; columns that are no class of it: {}", some_of(&others))
            };
            return Err(ReadError::columns(
                path,
                format!(
                    "no column for {} of {} classes of the truth: {}{meant}{has}. Columns are named by their class; what was not learned has a column of zeros",
                    missing.len(),
                    truth.len(),
                    some_of(&missing)
                ),
            ));
        }
        self.notes.extend(note);
        if !others.is_empty() {
            self.notes.push(format!(
                "the truth has no trace of {} classes that have a column: {}",
                others.len(),
                some_of(&others)
            ));
        }
        let all = ClassMap::from_labels(truth.names().iter().chain(&others));
        let columns = all.names().iter().map(|class| column_of[class.as_str()]).collect();
        Ok((all, columns))
    }

    fn distributions(
        &self,
        classes: ClassMap,
        values: Array2<f64>,
        places: &[usize],
    ) -> Result<(Probabilities, usize), ReadError> {
        let rescaled = values.rows().into_iter().filter(|row| (row.sum() - 1.0).abs() > EXACT).count();
        let probabilities = Probabilities::new(classes, values).map_err(|error| match error {
            ProbabilityError::Value { row, class, value } => {
                let reason = match value.is_nan() {
                    true => "not a number; every trace needs a probability for every class",
                    false => "no probability from 0 to 1; what a network puts out becomes one by softmax, and columns that are no class are to be left out",
                };
                self.table.wrong(places[row], &class, value, reason)
            }
            ProbabilityError::Sum { row, sum } => {
                let reason = format!(
                    "the probabilities of a row sum to 1, but for {ROW_SUM_TOLERANCE:e}, within which it is rescaled; write them with all their \
                     digits, or divide each row by its sum"
                );
                self.table.wrong(places[row], "(sum)", sum, reason)
            }
            other => ReadError::columns(&self.table.path, other.to_string()),
        })?;
        Ok((probabilities, rescaled))
    }

    fn rows(&self, message: String) -> ReadError {
        ReadError::Rows { path: self.table.path.clone(), message }
    }
}

fn filled(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

/// What all names begin with, up to a mark before a class: `proba_class_` of `proba_class_1` and `proba_class_12`.
fn common_prefix(names: &[String]) -> Option<&str> {
    let (first, others) = names.split_first()?;
    let shared = |name: &String| first.char_indices().zip(name.chars()).take_while(|((_, a), b)| a == b).count();
    let shared = others.iter().map(shared).min().unwrap_or(first.chars().count());
    let end = first
        .char_indices()
        .take(shared)
        .filter(|(_, letter)| matches!(letter, '_' | ' ' | '-' | ':' | '.' | '='))
        .last();
    end.map(|(at, mark)| &first[..at + mark.len_utf8()])
}

/// Which files of probabilities are read, for people.
pub const PROBABILITIES_EXPLAINED: &str = "\
A table (CSV, Parquet) has a column for every class, named by it, in any order; `1`, `1.0` and `01`
are one class, and what all names begin with, as `proba_class_`, may stand before it. The columns
class (the true one), rep and, where traces have one, session say which trace a row is of. Without
them rows are taken in the order of the truth: classes in class order, then sessions, then reps.
Columns fold, origin, page and start_ns, and the index that pandas writes, are passed over.

Arrays (numpy.savez): probabilities (traces, classes) and classes (their names), with y (places in
classes) or class (names), rep and session for the keys, as `wfkit features tensor` writes them.

A row sums to 1, but for 1e-6, and is rescaled. A class that was not learned has a column of zeros.
Leakage is told as far as these probabilities, and those compared with, can tell.

Such as, in Python, with folds of `wfkit dataset split --folds`:
  table = traces[['class', 'rep', 'session']].join(pandas.DataFrame(p, columns=classes))
  table.to_csv('theirs.csv', index=False)
  wfkit score theirs.csv --against ours.parquet --truth traces.parquet --split-file folds.csv";
