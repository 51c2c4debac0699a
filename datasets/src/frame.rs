//! polars tables in and out: the one place that knows how a label becomes columns and how Parquet is written.
//!
//! Rows count from 0, as in pandas and polars.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use polars::prelude::{
    Column, DataFrame, DataType, KeyValueMetadata, ParquetCompression, ParquetReader, ParquetWriter, PolarsResult,
    SerReader, Series,
};

use crate::formats::{ReadError, WriteError};
use crate::{Label, Likeness, TraceKey};

pub(crate) const CLASS: &str = "class";
pub(crate) const REP: &str = "rep";
pub(crate) const SESSION: &str = "session";
pub(crate) const ORIGIN: &str = "origin";
pub(crate) const PAGE: &str = "page";
pub(crate) const START: &str = "start_ns";
pub(crate) const LIKENESS: &str = "likeness";

/// The columns that are labels, not values.
pub(crate) const LABELS: [&str; 7] = [CLASS, REP, SESSION, ORIGIN, PAGE, START, LIKENESS];

/// What the first bytes of a Parquet file are.
pub(crate) const PARQUET_MAGIC: &[u8] = b"PAR1";
/// The key of our entry in the metadata of a Parquet file.
const METADATA_KEY: &str = "wfkit";
/// Up to here every whole number is a float of its own.
const MAX_EXACT_FLOAT: f64 = (1u64 << 53) as f64;

/// A table read from a file, with what its errors need.
pub(crate) struct Frame<'a> {
    path: &'a Path,
    table: DataFrame,
    /// Our entry in the metadata of the file.
    pub(crate) metadata: Option<String>,
}

impl<'a> Frame<'a> {
    /// Reads a Parquet file.
    pub(crate) fn read(path: &'a Path) -> Result<Self, ReadError> {
        let file = File::open(path).map_err(|error| ReadError::io(path, error))?;
        // The reader trusts its input in places, so a damaged file may make it panic; for us that is one more way to be damaged.
        let read = catch_unwind(AssertUnwindSafe(|| read_parquet(file)));
        match read {
            Ok(Ok((table, metadata))) => Ok(Self { path, table, metadata }),
            Ok(Err(error)) => Err(ReadError::damaged(path, format!("no readable Parquet: {error}"))),
            Err(_) => Err(ReadError::damaged(path, "no readable Parquet: the reader gave up on it")),
        }
    }

    /// Number of rows.
    pub(crate) fn rows(&self) -> usize {
        self.table.height()
    }

    /// The names of all columns.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.table.columns().iter().map(|column| column.name().as_str())
    }

    /// The labels; all but `class` and `rep` may be absent, which is as if they were null.
    pub(crate) fn labels(&self) -> Result<Vec<Label>, ReadError> {
        let classes = self.texts(CLASS)?;
        let reps = self.integers(REP)?;
        let has = |name: &str| self.names().any(|known| known == name);
        let optional = |name: &str| if has(name) { self.texts(name) } else { Ok(vec![None; self.rows()]) };
        let [sessions, origins, pages, likenesses] = [SESSION, ORIGIN, PAGE, LIKENESS].map(optional);
        let (mut sessions, mut origins, mut pages) = (sessions?, origins?, pages?);
        let likenesses = likenesses?;
        let starts = if has(START) { self.integers(START)? } else { vec![None; self.rows()] };
        let rows = classes.into_iter().zip(reps).zip(starts).enumerate();
        rows.map(|(row, ((class, rep), start_ns))| {
            let class = class.ok_or_else(|| self.null(row, CLASS))?;
            let rep = rep.ok_or_else(|| self.null(row, REP))?;
            let parse = |text: &String| {
                text.parse::<Likeness>().map_err(|error| self.value(row, LIKENESS, text, error.to_string()))
            };
            Ok(Label {
                key: TraceKey { class, rep, session: sessions[row].take() },
                origin: origins[row].take(),
                page: pages[row].take(),
                start_ns,
                likeness: likenesses[row].as_ref().map(parse).transpose()?,
            })
        })
        .collect()
    }

    /// A column of lists of whole numbers of any width, each list converted by `convert`.
    pub(crate) fn integer_lists<T>(
        &self,
        name: &str,
        mut convert: impl FnMut(i64) -> Result<T, &'static str>,
    ) -> Result<Vec<Vec<T>>, ReadError> {
        let column = self.column(name)?;
        let DataType::List(inner) = column.dtype() else { return Err(self.mistyped(column, "lists of whole numbers")) };
        if !inner.is_integer() {
            return Err(self.mistyped(column, "lists of whole numbers"));
        }
        let lists = column.as_materialized_series().list().map_err(|error| ReadError::damaged(self.path, error))?;
        let mut rows = Vec::with_capacity(self.rows());
        for (row, list) in lists.amortized_iter().enumerate() {
            let list = list.ok_or_else(|| self.null(row, name))?;
            let integers = self.as_integers(list.as_ref())?;
            let values = integers.iter().enumerate().map(|(packet, value)| {
                let wrong = |reason: &str| {
                    let found = list.as_ref().get(packet).map(|found| found.to_string()).unwrap_or_default();
                    self.value(row, name, found, format!("packet {packet}: {reason}"))
                };
                convert(value.ok_or_else(|| wrong("null or beyond 64 bits"))?).map_err(wrong)
            });
            rows.push(values.collect::<Result<Vec<T>, ReadError>>()?);
        }
        Ok(rows)
    }

    /// A column of numbers of any type, without nulls; NaN and infinities are as they are.
    pub(crate) fn floats(&self, name: &str) -> Result<Vec<f64>, ReadError> {
        let column = self.column(name)?;
        if !column.dtype().is_primitive_numeric() {
            return Err(self.mistyped(column, "numbers"));
        }
        let floats = self.as_floats(column.as_materialized_series())?;
        floats.into_iter().enumerate().map(|(row, value)| value.ok_or_else(|| self.null(row, name))).collect()
    }

    /// That a value is wrong.
    pub(crate) fn value(&self, row: usize, column: &str, value: impl ToString, reason: impl Into<String>) -> ReadError {
        ReadError::Value {
            path: self.path.to_owned(),
            row: row as u64,
            column: column.to_owned(),
            value: value.to_string(),
            reason: reason.into(),
        }
    }

    /// A column of text; whole numbers are taken by their digits, as tables made elsewhere name classes by number.
    fn texts(&self, name: &str) -> Result<Vec<Option<String>>, ReadError> {
        let column = self.column(name)?;
        let dtype = column.dtype();
        if dtype.is_integer() {
            let integers = self.integers(name)?;
            return Ok(integers.into_iter().map(|value| value.map(|number| number.to_string())).collect());
        }
        if !(dtype.is_string() || dtype.is_categorical() || dtype.is_null()) {
            return Err(self.mistyped(column, "text"));
        }
        let texts = column.as_materialized_series().cast(&DataType::String);
        let texts = texts.map_err(|error| ReadError::damaged(self.path, error))?;
        let texts = texts.str().map_err(|error| ReadError::damaged(self.path, error))?;
        Ok(texts.iter().map(|text| text.map(str::to_owned)).collect())
    }

    /// A column of whole numbers of any width, also as the floats that pandas makes of them where some are null.
    fn integers(&self, name: &str) -> Result<Vec<Option<i64>>, ReadError> {
        let column = self.column(name)?;
        let series = column.as_materialized_series();
        if column.dtype().is_float() {
            let whole = |(row, number): (usize, Option<f64>)| match number {
                None => Ok(None),
                Some(number) if number.is_nan() => Ok(None),
                Some(number) if number.fract() == 0.0 && number.abs() <= MAX_EXACT_FLOAT => Ok(Some(number as i64)),
                Some(number) => Err(self.value(row, name, number, "a float that holds no exact whole number")),
            };
            return self.as_floats(series)?.into_iter().enumerate().map(whole).collect();
        }
        if !(column.dtype().is_integer() || column.dtype().is_null()) {
            return Err(self.mistyped(column, "whole numbers"));
        }
        let integers = self.as_integers(series)?;
        let lost = |&row: &usize| integers[row].is_none() && series.get(row).is_ok_and(|value| !value.is_null());
        match (0..integers.len()).find(lost) {
            Some(row) => {
                let found = series.get(row).map(|found| found.to_string()).unwrap_or_default();
                Err(self.value(row, name, found, "beyond 64 bits"))
            }
            None => Ok(integers),
        }
    }

    /// As `i64`; `None` where the value is null or does not fit.
    fn as_integers(&self, series: &Series) -> Result<Vec<Option<i64>>, ReadError> {
        let integers = series.cast(&DataType::Int64).map_err(|error| ReadError::damaged(self.path, error))?;
        let integers = integers.i64().map_err(|error| ReadError::damaged(self.path, error))?;
        Ok(integers.iter().collect())
    }

    fn as_floats(&self, series: &Series) -> Result<Vec<Option<f64>>, ReadError> {
        let floats = series.cast(&DataType::Float64).map_err(|error| ReadError::damaged(self.path, error))?;
        let floats = floats.f64().map_err(|error| ReadError::damaged(self.path, error))?;
        Ok(floats.iter().collect())
    }

    fn column(&self, name: &str) -> Result<&Column, ReadError> {
        self.table.column(name).map_err(|_| {
            let found: Vec<&str> = self.names().take(8).collect();
            let more = if self.table.width() > found.len() { ", ..." } else { "" };
            ReadError::columns(self.path, format!("column {name} is missing: found {}{more}", found.join(", ")))
        })
    }

    fn mistyped(&self, column: &Column, expected: &str) -> ReadError {
        let message = format!("column {} holds {}, expected {expected}", column.name(), column.dtype());
        ReadError::columns(self.path, message)
    }

    fn null(&self, row: usize, column: &str) -> ReadError {
        self.value(row, column, "null", "a value is needed")
    }
}

fn read_parquet(file: File) -> PolarsResult<(DataFrame, Option<String>)> {
    let mut reader = ParquetReader::new(file);
    let entries = reader.get_metadata()?.key_value_metadata().clone().unwrap_or_default();
    let metadata = entries.into_iter().find(|entry| entry.key == METADATA_KEY).and_then(|entry| entry.value);
    Ok((reader.finish()?, metadata))
}

/// The columns of labels: `class`, `rep`, `session`, `origin`, `page`, `start_ns`; `likeness` where some row has one.
pub(crate) fn label_columns(labels: &[Label]) -> Vec<Column> {
    let texts = |of: fn(&Label) -> Option<&str>| labels.iter().map(of).collect::<Vec<_>>();
    let mut columns = key_columns(labels.iter().map(|label| &label.key));
    columns.push(Column::new(ORIGIN.into(), texts(|label| label.origin.as_deref())));
    columns.push(Column::new(PAGE.into(), texts(|label| label.page.as_deref())));
    columns.push(Column::new(START.into(), labels.iter().map(|label| label.start_ns).collect::<Vec<_>>()));
    if labels.iter().any(|label| label.likeness.is_some()) {
        let likenesses = labels.iter().map(|label| label.likeness.map(|likeness| likeness.to_string()));
        columns.push(Column::new(LIKENESS.into(), likenesses.collect::<Vec<_>>()));
    }
    columns
}

/// The columns of keys: `class`, `rep`, `session`.
pub(crate) fn key_columns<'a>(keys: impl Iterator<Item = &'a TraceKey> + Clone) -> Vec<Column> {
    vec![
        Column::new(CLASS.into(), keys.clone().map(|key| key.class.as_str()).collect::<Vec<_>>()),
        Column::new(REP.into(), keys.clone().map(|key| key.rep).collect::<Vec<_>>()),
        Column::new(SESSION.into(), keys.map(|key| key.session.as_deref()).collect::<Vec<_>>()),
    ]
}

/// Writes a Parquet file, packed with zstd, `metadata` under our key. The same table gives the same bytes.
pub(crate) fn write_parquet(path: &Path, columns: Vec<Column>, metadata: Option<String>) -> Result<(), WriteError> {
    let rows = columns.first().map_or(0, Column::len);
    let mut table = DataFrame::new(rows, columns).map_err(|error| WriteError::table(path, error))?;
    let metadata = metadata.map(|text| KeyValueMetadata::from_static(vec![(METADATA_KEY.to_owned(), text)]));
    let mut file = BufWriter::new(File::create(path).map_err(|error| WriteError::io(path, error))?);
    ParquetWriter::new(&mut file)
        .with_compression(ParquetCompression::Zstd(None))
        .with_key_value_metadata(metadata)
        .finish(&mut table)
        .map_err(|error| WriteError::table(path, error))?;
    file.flush().map_err(|error| WriteError::io(path, error))
}
