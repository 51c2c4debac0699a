//! Tables in Parquet: the one place that knows how a label becomes columns and how Parquet is written.
//!
//! Rows count from 0, as in pandas and polars.

use std::ops::Range;
use std::path::Path;

use wfkit_metrics::Work;

use crate::class_name::{MixedClass, Spellings};
use crate::formats::{ReadError, WriteError};
use crate::parquet_file::{self, Groups, Kind, Number, ParquetFile, Values, Written, write_groups};
use crate::{Label, Likeness, TraceKey};

pub(crate) const CLASS: &str = "class";
pub(crate) const REP: &str = "rep";
pub(crate) const SESSION: &str = "session";
pub(crate) const ORIGIN: &str = "origin";
pub(crate) const PAGE: &str = "page";
pub(crate) const START: &str = "start_ns";
pub(crate) const LIKENESS: &str = "likeness";

/// In tables of folds: the fold of a trace, and what is kept together.
pub(crate) const FOLD: &str = "fold";
pub(crate) const TOGETHER: &str = "together";

/// The columns that are labels, not values.
pub(crate) const LABELS: [&str; 7] = [CLASS, REP, SESSION, ORIGIN, PAGE, START, LIKENESS];

/// What the first bytes of a Parquet file are.
pub(crate) const PARQUET_MAGIC: &[u8] = b"PAR1";
/// The key of our entry in the metadata of a Parquet file.
const METADATA_KEY: &str = "wfkit";
/// Up to here every whole number is a float of its own.
const MAX_EXACT_FLOAT: f64 = (1u64 << 53) as f64;
const BEYOND_NS: &str = "no time that 64 bits of ns can tell";
const INEXACT: &str = "a float that holds no exact whole number";

/// A table in a file, of which columns are read as they are asked for.
pub(crate) struct Frame<'a> {
    file: ParquetFile<'a>,
    /// Our entry in the metadata of the file.
    pub(crate) metadata: Option<String>,
}

impl<'a> Frame<'a> {
    /// Opens a Parquet file.
    pub(crate) fn read(path: &'a Path) -> Result<Self, ReadError> {
        let file = ParquetFile::open(path)?;
        let metadata = file.entry(METADATA_KEY);
        Ok(Self { file, metadata })
    }

    /// The same, every row of a column of lists being a step of `work`.
    pub(crate) fn told_to(self, work: &'a Work<'a>) -> Self {
        Self { file: self.file.told_to(work), ..self }
    }

    /// Number of rows.
    pub(crate) fn rows(&self) -> usize {
        self.file.rows()
    }

    /// How many packets each row group has, by the lists of this column.
    pub(crate) fn values_of_groups(&self, name: &str) -> Result<Vec<u64>, ReadError> {
        Ok(self.file.column(name)?.values_of_groups())
    }

    /// Looks at these row groups alone: [`rows`](Self::rows) and all columns are of them, errors name rows of the file.
    pub(crate) fn look_at(&mut self, groups: Range<usize>) {
        self.file.look_at(groups);
    }

    /// Looks at these rows of this row group alone.
    pub(crate) fn look_into(&mut self, group: usize, rows: Range<usize>) {
        self.file.look_into(group, rows);
    }

    /// How many rows each row group has.
    pub(crate) fn rows_of_groups(&self) -> Vec<usize> {
        self.file.rows_of_groups()
    }

    /// Which row of the file is the first that is looked at.
    pub(crate) fn first_row(&self) -> usize {
        self.file.first_row()
    }

    /// The names of all columns.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.file.names().iter().map(String::as_str)
    }

    /// Whether there is a column of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.names().any(|known| known == name)
    }

    /// Whether there is a column of this name that holds lists of numbers.
    pub(crate) fn has_lists(&self, name: &str) -> bool {
        self.has(name)
            && self
                .file
                .column(name)
                .is_ok_and(|column| column.is_list() && matches!(column.kind(), Kind::Whole { .. } | Kind::Float))
    }

    /// The columns of numbers that are no lists.
    pub(crate) fn number_names(&self) -> Vec<String> {
        let is_number = |name: &&str| {
            self.file
                .column(name)
                .is_ok_and(|column| !column.is_list() && matches!(column.kind(), Kind::Whole { .. } | Kind::Float))
        };
        self.names().filter(is_number).map(str::to_owned).collect()
    }

    /// The labels; all but `class` and `rep` may be absent, which is as if they were null.
    pub(crate) fn labels(&self) -> Result<Vec<Label>, ReadError> {
        Ok(self.labels_and_mixed()?.0)
    }

    /// As [`Self::labels`], and which classes were written in more than one way.
    pub(crate) fn labels_and_mixed(&self) -> Result<(Vec<Label>, Vec<MixedClass>), ReadError> {
        let mut spellings = Spellings::default();
        let classes = self.texts(CLASS)?;
        let reps = self.integers(REP)?;
        let optional = |name: &str| if self.has(name) { self.texts(name) } else { Ok(vec![None; self.rows()]) };
        let [sessions, origins, pages, likenesses] = [SESSION, ORIGIN, PAGE, LIKENESS].map(optional);
        let (mut sessions, mut origins, mut pages) = (sessions?, origins?, pages?);
        let likenesses = likenesses?;
        let starts = if self.has(START) { self.instants(START)? } else { vec![None; self.rows()] };
        let rows = classes.into_iter().zip(reps).zip(starts).enumerate();
        let labels = rows.map(|(row, ((class, rep), start_ns))| {
            let class = class.ok_or_else(|| self.null(row, CLASS))?;
            let rep = rep.ok_or_else(|| self.null(row, REP))?;
            let parse = |text: &String| {
                text.parse::<Likeness>().map_err(|error| self.value(row, LIKENESS, text, error.to_string()))
            };
            Ok(Label {
                key: TraceKey { class: spellings.canonical(&class), rep, session: sessions[row].take() },
                origin: origins[row].take(),
                page: pages[row].take(),
                start_ns,
                likeness: likenesses[row].as_ref().map(parse).transpose()?,
            })
        });
        let labels = labels.collect::<Result<_, ReadError>>()?;
        Ok((labels, spellings.into_mixed()))
    }

    /// A column of lists of whole numbers of any width, also as floats, each number converted by `convert`.
    pub(crate) fn integer_lists<T: Clone + Send + Sync>(
        &self,
        name: &str,
        convert: impl Fn(i64) -> Result<T, &'static str> + Sync,
    ) -> Result<Vec<Vec<T>>, ReadError> {
        let column = self.file.column(name)?;
        if !(column.is_list() && matches!(column.kind(), Kind::Whole { .. } | Kind::Float)) {
            return Err(column.mistyped("lists of whole numbers"));
        }
        column.lists(|number| convert(whole(number)?), None)
    }

    /// As [`Self::integer_lists`], with `missing` for null in a list and for NaN, which stands for it among floats, and an empty list for null.
    pub(crate) fn integer_lists_or<T: Clone + Send + Sync>(
        &self,
        name: &str,
        convert: impl Fn(i64) -> Result<T, &'static str> + Sync,
        missing: T,
    ) -> Result<Vec<Vec<T>>, ReadError> {
        let column = self.file.column(name)?;
        if !(column.is_list() && matches!(column.kind(), Kind::Whole { .. } | Kind::Float)) {
            return Err(column.mistyped("lists of whole numbers"));
        }
        let known = |number| match number {
            Number::Float(number) if number.is_nan() => Ok(missing.clone()),
            number => convert(whole(number)?),
        };
        column.lists(known, Some(missing.clone()))
    }

    /// A column of lists of numbers, or of lists of lists of them, as lists of lists; null is an empty list, and null in one NaN.
    pub(crate) fn float_lists(&self, name: &str) -> Result<Vec<Vec<Vec<f64>>>, ReadError> {
        let float = |number| match number {
            Number::Float(number) => number,
            Number::Whole(number) => number as f64,
        };
        self.file.column(name)?.nested(float)
    }

    /// Whether a column holds lists of numbers, or lists of such lists.
    pub(crate) fn has_nested(&self, name: &str) -> bool {
        self.has(name) && self.file.column(name).is_ok_and(|column| column.is_nested())
    }

    /// Whether a column holds lists of dates with times.
    pub(crate) fn has_instant_lists(&self, name: &str) -> bool {
        let is_wanted =
            |column: parquet_file::Column<'_>| column.is_list() && matches!(column.kind(), Kind::Instant { .. });
        self.has(name) && self.file.column(name).is_ok_and(is_wanted)
    }

    /// A column of lists of dates with times, in ns since 1970; null is an empty list.
    pub(crate) fn instant_lists(&self, name: &str) -> Result<Vec<Vec<i64>>, ReadError> {
        let column = self.file.column(name)?;
        let Kind::Instant { unit_ns } = column.kind() else { return Err(column.mistyped("lists of dates with times")) };
        column.lists(|number| whole(number)?.checked_mul(unit_ns).ok_or(BEYOND_NS), Some(0))
    }

    /// A column of numbers of any type, without nulls; NaN and infinities are as they are.
    pub(crate) fn floats(&self, name: &str) -> Result<Vec<f64>, ReadError> {
        let column = self.flat(name, "numbers", |kind| matches!(kind, Kind::Whole { .. } | Kind::Float))?;
        let float = |number| match number {
            Number::Float(number) => Ok(number),
            Number::Whole(number) => Ok(number as f64),
        };
        let rows = column.numbers(float)?.into_iter().enumerate();
        rows.map(|(row, number)| number.ok_or_else(|| self.null(row, name))).collect()
    }

    /// That a value is wrong.
    pub(crate) fn value(&self, row: usize, column: &str, value: impl ToString, reason: impl Into<String>) -> ReadError {
        ReadError::Value {
            path: self.file.path().to_owned(),
            row: (self.file.first_row() + row) as u64,
            column: column.to_owned(),
            value: value.to_string(),
            reason: reason.into(),
        }
    }

    /// A column of text; whole numbers, also as floats, are taken by their digits, as tables made elsewhere name classes by number.
    pub(crate) fn texts(&self, name: &str) -> Result<Vec<Option<String>>, ReadError> {
        let is_wanted = |kind| !matches!(kind, Kind::Other | Kind::Instant { .. });
        let column = self.flat(name, "text or whole numbers", is_wanted)?;
        if !matches!(column.kind(), Kind::Whole { .. } | Kind::Float) {
            return column.texts();
        }
        let digits = |number| match number {
            Number::Float(number) if number.is_nan() => Ok(None),
            Number::Whole(number) => Ok(Some(number.to_string())),
            number => whole(number).map(|number| Some(number.to_string())),
        };
        Ok(column.numbers(digits)?.into_iter().map(Option::flatten).collect())
    }

    /// A column of whole numbers of any width, also as the floats that pandas makes of them where some are null.
    fn integers(&self, name: &str) -> Result<Vec<Option<i64>>, ReadError> {
        let is_number = |kind| matches!(kind, Kind::Whole { .. } | Kind::Float | Kind::Null);
        let column = self.flat(name, "whole numbers", is_number)?;
        let integer = |number| match number {
            Number::Float(number) if number.is_nan() => Ok(None),
            number => whole(number).map(Some),
        };
        Ok(column.numbers(integer)?.into_iter().map(Option::flatten).collect())
    }

    /// A column of moments in ns since 1970, or of dates with times, as pandas and polars keep them.
    fn instants(&self, name: &str) -> Result<Vec<Option<i64>>, ReadError> {
        let Kind::Instant { unit_ns } = self.file.column(name)?.kind() else { return self.integers(name) };
        let column = self.flat(name, "dates with times", |kind| kind == Kind::Instant { unit_ns })?;
        column.numbers(|number| whole(number)?.checked_mul(unit_ns).ok_or(BEYOND_NS))
    }

    /// The column of this name, which holds one value a row of a kind that is wanted.
    fn flat(
        &self,
        name: &str,
        expected: &str,
        is_wanted: impl Fn(Kind) -> bool,
    ) -> Result<parquet_file::Column<'_>, ReadError> {
        let column = self.file.column(name)?;
        match !column.is_list() && is_wanted(column.kind()) {
            true => Ok(column),
            false => Err(column.mistyped(expected)),
        }
    }

    fn null(&self, row: usize, column: &str) -> ReadError {
        self.value(row, column, "null", "a value is needed")
    }
}

fn whole(number: Number) -> Result<i64, &'static str> {
    match number {
        Number::Whole(number) => i64::try_from(number).map_err(|_| "beyond 64 bits"),
        Number::Float(number) if number.fract() == 0.0 && number.abs() <= MAX_EXACT_FLOAT => Ok(number as i64),
        Number::Float(_) => Err(INEXACT),
    }
}

/// The columns of labels: `class`, `rep`, `session`, `origin`, `page`, `start_ns`, and `likeness` where rows have one.
pub(crate) fn label_columns(labels: &[Label], has_likeness: bool) -> Vec<Written> {
    let mut columns = key_columns(labels.iter().map(|label| &label.key));
    columns.push(Written::optional_texts(ORIGIN, labels.iter().map(|label| label.origin.as_deref())));
    columns.push(Written::optional_texts(PAGE, labels.iter().map(|label| label.page.as_deref())));
    columns.push(Written::new(START, Values::Wholes(labels.iter().map(|label| label.start_ns).collect())));
    if has_likeness {
        let likenesses = labels.iter().map(|label| label.likeness.map(|likeness| likeness.to_string()));
        columns.push(Written::new(LIKENESS, Values::Texts(likenesses.collect())));
    }
    columns
}

/// The columns of keys: `class`, `rep`, `session`.
pub(crate) fn key_columns<'a>(keys: impl Iterator<Item = &'a TraceKey> + Clone) -> Vec<Written> {
    vec![
        Written::texts(CLASS, keys.clone().map(|key| key.class.as_str())),
        Written::wholes(REP, keys.clone().map(|key| key.rep)),
        Written::optional_texts(SESSION, keys.map(|key| key.session.as_deref())),
    ]
}

/// Writes a Parquet file, packed with zstd, `metadata` under our key. The same table gives the same bytes.
pub(crate) fn write_parquet(path: &Path, columns: &[Written], metadata: Option<String>) -> Result<(), WriteError> {
    write_parquet_groups(path, columns, metadata, |groups| groups.write(columns))
}

/// The same of row groups that `fill` writes one after the other, which have columns of the names and types of `alike`.
pub(crate) fn write_parquet_groups<E: From<WriteError>>(
    path: &Path,
    alike: &[Written],
    metadata: Option<String>,
    fill: impl FnOnce(&mut Groups<'_>) -> Result<(), E>,
) -> Result<(), E> {
    write_groups(path, alike, metadata.map(|text| (METADATA_KEY.to_owned(), text)), fill)
}
