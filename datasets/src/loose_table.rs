//! Tables of whoever: some columns are labels, the others numbers, in CSV, Parquet or arrays of NumPy.

use std::path::{Path, PathBuf};

use ndarray::Array2;

use crate::formats::{CsvRows, Problems, ReadLimits, finite_number, read_csv, start_of, whole_number};
use crate::frame::{CLASS, Frame, PARQUET_MAGIC, REP, SESSION};
use crate::tables::numbers;
use crate::{ReadError, TraceKey, canonical_class};

/// What becomes of columns that are no labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Others {
    /// They are numbers.
    Numbers,
    /// Nobody looks at them.
    Ignored,
}

/// A table in columns.
#[derive(Debug)]
pub(crate) struct LooseTable {
    pub(crate) path: PathBuf,
    /// Labels that are there, by the name of their column; an empty text is none.
    pub(crate) labels: Vec<(String, Vec<Option<String>>)>,
    /// Names of the other columns, as they stand there.
    pub(crate) names: Vec<String>,
    /// Numbers in them, shape `(rows, names)`.
    pub(crate) values: Array2<f64>,
    pub(crate) rows: RowNumbers,
}

/// How a file counts its rows: text by lines, all else from 0.
#[derive(Debug)]
pub(crate) enum RowNumbers {
    Lines(Vec<u64>),
    FromZero(usize),
}

impl RowNumbers {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Lines(lines) => lines.len(),
            Self::FromZero(rows) => *rows,
        }
    }

    /// The number of the row at `place`.
    pub(crate) fn of(&self, place: usize) -> u64 {
        match self {
            Self::Lines(lines) => lines[place],
            Self::FromZero(_) => place as u64,
        }
    }
}

impl LooseTable {
    /// Reads Parquet or CSV, told by content; columns of these names are labels.
    pub(crate) fn read(path: &Path, labels: &[&str], others: Others) -> Result<Self, ReadError> {
        if start_of(path, 4)? == PARQUET_MAGIC {
            return Self::of_parquet(path, labels, others);
        }
        read_csv(path, &ReadLimits::OWN, &[], |rows| Self::of_csv(path, rows, labels, others))
    }

    fn of_parquet(path: &Path, labels: &[&str], others: Others) -> Result<Self, ReadError> {
        let frame = Frame::read(path)?;
        let (named, names): (Vec<String>, Vec<String>) =
            frame.names().map(str::to_owned).partition(|name| labels.contains(&name.as_str()));
        let mut texts = Vec::with_capacity(named.len());
        for name in named {
            let column = frame.texts(&name)?.into_iter().map(filled).collect();
            texts.push((name, column));
        }
        let names = if others == Others::Numbers { names } else { Vec::new() };
        let values = numbers(&frame, &names)?;
        Ok(Self { path: path.to_owned(), labels: texts, names, values, rows: RowNumbers::FromZero(frame.rows()) })
    }

    fn of_csv(path: &Path, mut rows: CsvRows<'_>, labels: &[&str], others: Others) -> Result<Self, ReadError> {
        let header: Vec<String> = rows.header().iter().map(|name| name.trim().to_owned()).collect();
        if header.is_empty() {
            return Err(ReadError::columns(path, "an empty file; expected a header and rows"));
        }
        let all: Vec<&str> = header.iter().map(String::as_str).collect();
        rows.select(&all)?;
        let (named, other): (Vec<usize>, Vec<usize>) =
            (0..all.len()).partition(|&column| labels.contains(&all[column]));
        let other = if others == Others::Numbers { other } else { Vec::new() };
        let mut texts: Vec<Vec<Option<String>>> = vec![Vec::new(); named.len()];
        let (mut values, mut lines, mut problems) = (Vec::new(), Vec::new(), Problems::default());
        while let Some(row) = rows.next_row(&mut problems)? {
            lines.push(row.line);
            for (column, texts) in named.iter().zip(&mut texts) {
                match String::from_utf8(row.raw(*column).to_vec()) {
                    Ok(text) => texts.push(filled(Some(text))),
                    Err(_) => problems.record("not UTF-8", all[*column], row.line, row.lossy(*column)),
                }
            }
            for &column in &other {
                match finite_number(row.number(column)) {
                    Ok(number) => values.push(number),
                    Err(kind) => problems.record(kind, all[column], row.line, row.lossy(column)),
                }
            }
        }
        if !problems.is_empty() {
            return Err(ReadError::Problems { path: path.to_owned(), problems });
        }
        let values = Array2::from_shape_vec((lines.len(), other.len()), values).expect("every row gave every number");
        Ok(Self {
            path: path.to_owned(),
            labels: named.iter().map(|&column| header[column].clone()).zip(texts).collect(),
            names: other.into_iter().map(|column| header[column].clone()).collect(),
            values,
            rows: RowNumbers::Lines(lines),
        })
    }

    /// The labels in a column.
    pub(crate) fn label(&self, name: &str) -> Option<&[Option<String>]> {
        self.labels.iter().find(|(known, _)| known == name).map(|(_, texts)| texts.as_slice())
    }

    /// The class of every row, by the name that all files have for it; none without such a column.
    pub(crate) fn classes(&self) -> Result<Option<Vec<String>>, ReadError> {
        let Some(texts) = self.label(CLASS) else { return Ok(None) };
        let class = |(row, text): (usize, &Option<String>)| {
            let text = text.as_deref().ok_or_else(|| self.wrong(row, CLASS, "", "a class is needed"))?;
            Ok(canonical_class(text).into_owned())
        };
        texts.iter().enumerate().map(class).collect::<Result<_, _>>().map(Some)
    }

    /// The keys of the rows; none unless there are both class and rep.
    pub(crate) fn keys(&self) -> Result<Option<Vec<TraceKey>>, ReadError> {
        let (Some(classes), Some(reps)) = (self.classes()?, self.label(REP)) else { return Ok(None) };
        let key = |(row, (class, rep)): (usize, (String, &Option<String>))| {
            let text = rep.as_deref().unwrap_or_default();
            let rep = whole_number(text).map_err(|reason| self.wrong(row, REP, text, reason))?;
            let session = self.label(SESSION).and_then(|sessions| sessions[row].clone());
            Ok(TraceKey { class, rep, session })
        };
        classes.into_iter().zip(reps).enumerate().map(key).collect::<Result<_, _>>().map(Some)
    }

    /// That a value is wrong.
    pub(crate) fn wrong(&self, row: usize, column: &str, value: impl ToString, reason: impl Into<String>) -> ReadError {
        ReadError::Value {
            path: self.path.clone(),
            row: self.rows.of(row),
            column: column.to_owned(),
            value: value.to_string(),
            reason: reason.into(),
        }
    }
}

fn filled(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}
