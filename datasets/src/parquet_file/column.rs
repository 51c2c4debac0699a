//! One column: what it holds, and its values.

use std::fmt;
use std::io::{BufReader, Cursor, Read};
use std::ops::Range;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError};

use arrow_schema::TimeUnit as ArrowUnit;
use bytes::Bytes;
use parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type};
use parquet::column::reader::ColumnReaderImpl;
use parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, FloatType, Int32Type, Int64Type};
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::metadata::{ColumnChunkMetaData, RowGroupMetaData};
use parquet::file::reader::{ChunkReader, Length};
use parquet::file::serialized_reader::SerializedPageReader;
use parquet::schema::types::ColumnDescPtr;
use rayon::prelude::*;

use super::pages::{self, CheckedPages, NOT_COUNTED, TOO_LONG};
use super::spans::unit_name;
use super::{At, Held, ParquetFile, soundly, unreadable};
use crate::formats::ReadError;

/// Rows that are decoded at once, so that what is on its way stays near the processor.
const BATCH_ROWS: usize = 512;
/// Values that are decoded at once, where rows are long.
const BATCH_VALUES: u64 = 1 << 21;

/// What the values of a column are, or those in its lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Whole numbers of 8 to 64 bits.
    Whole {
        /// Whether the sign bit is one.
        signed: bool,
    },
    /// Numbers of 32 or 64 bits.
    Float,
    /// Text, or bytes that may be.
    Text,
    /// Dates with times of day, counted from 1970 in units of so many ns; without a zone they are taken for UTC.
    Instant {
        /// Nanoseconds of a unit.
        unit_ns: i64,
    },
    /// Nothing but nulls.
    Null,
    /// What is read nowhere.
    Other,
}

/// A value of a column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Number {
    /// A whole number; of unsigned ones too, so that none is lost.
    Whole(i128),
    /// A float.
    Float(f64),
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(number) => number.fmt(f),
            Self::Float(number) => number.fmt(f),
        }
    }
}

/// A column of an open file.
pub(crate) struct Column<'a> {
    file: &'a ParquetFile<'a>,
    name: &'a str,
    /// Its leaf, if it has just one and that is no list in a list.
    leaf: Option<(usize, ColumnDescPtr)>,
    /// The same where it may be a list in a list.
    any_leaf: Option<(usize, ColumnDescPtr)>,
}

impl<'a> Column<'a> {
    pub(super) fn new(file: &'a ParquetFile<'a>, root: usize) -> Self {
        let schema = file.metadata.file_metadata().schema_descr();
        let mut leaves = (0..schema.num_columns()).filter(|&leaf| schema.get_column_root_idx(leaf) == root);
        let leaf = match (leaves.next(), leaves.next()) {
            (Some(leaf), None) => Some((leaf, schema.column(leaf))),
            _ => None,
        };
        let is_plain = |descr: &ColumnDescPtr| match descr.max_rep_level() {
            0 => descr.path().parts().len() == 1,
            1 => descr.path().parts().len() <= 3,
            _ => false,
        };
        let any_leaf = leaf.clone();
        let leaf = leaf.filter(|(_, descr)| is_plain(descr));
        Self { file, name: &file.names()[root], leaf, any_leaf }
    }

    /// Whether it holds lists.
    pub(crate) fn is_list(&self) -> bool {
        self.leaf.as_ref().is_some_and(|(_, descr)| descr.max_rep_level() == 1)
    }

    /// Whether it holds lists of numbers, or lists of lists of them.
    pub(crate) fn is_nested(&self) -> bool {
        self.any_leaf.as_ref().is_some_and(|(_, descr)| {
            matches!(descr.max_rep_level(), 1 | 2)
                && matches!(descr.physical_type(), Type::INT32 | Type::INT64 | Type::FLOAT | Type::DOUBLE)
        })
    }

    /// What it holds, alone or in lists.
    pub(crate) fn kind(&self) -> Kind {
        let Some((_, descr)) = &self.leaf else { return Kind::Other };
        // Whoever asks for numbers takes them for nanoseconds, if for times at all.
        if self.span().is_some_and(|unit| unit != ArrowUnit::Nanosecond) {
            return Kind::Other;
        }
        match (descr.physical_type(), descr.logical_type_ref(), descr.converted_type()) {
            (_, Some(LogicalType::Unknown), _) => Kind::Null,
            (Type::INT32 | Type::INT64, Some(LogicalType::Integer(int)), _) => Kind::Whole { signed: int.is_signed },
            (Type::INT64, Some(LogicalType::Timestamp(stamp)), _) => Kind::Instant {
                unit_ns: match stamp.unit {
                    TimeUnit::MILLIS => 1_000_000,
                    TimeUnit::MICROS => 1_000,
                    TimeUnit::NANOS => 1,
                },
            },
            (Type::INT64, None, ConvertedType::TIMESTAMP_MILLIS) => Kind::Instant { unit_ns: 1_000_000 },
            (Type::INT64, None, ConvertedType::TIMESTAMP_MICROS) => Kind::Instant { unit_ns: 1_000 },
            (Type::INT32 | Type::INT64, None, ConvertedType::NONE) => Kind::Whole { signed: true },
            (Type::INT32 | Type::INT64, None, converted) => match converted {
                ConvertedType::INT_8 | ConvertedType::INT_16 | ConvertedType::INT_32 | ConvertedType::INT_64 => {
                    Kind::Whole { signed: true }
                }
                ConvertedType::UINT_8 | ConvertedType::UINT_16 | ConvertedType::UINT_32 | ConvertedType::UINT_64 => {
                    Kind::Whole { signed: false }
                }
                _ => Kind::Other,
            },
            (Type::FLOAT | Type::DOUBLE, None, _) => Kind::Float,
            (Type::BYTE_ARRAY, Some(LogicalType::String | LogicalType::Enum | LogicalType::Json), _) => Kind::Text,
            (
                Type::BYTE_ARRAY,
                None,
                ConvertedType::NONE | ConvertedType::UTF8 | ConvertedType::ENUM | ConvertedType::JSON,
            ) => Kind::Text,
            _ => Kind::Other,
        }
    }

    /// The unit of its values, where they are spans of time.
    fn span(&self) -> Option<ArrowUnit> {
        self.file.spans.get(self.name).copied()
    }

    /// The name of what it holds, as pandas and polars would call it.
    pub(crate) fn type_name(&self) -> String {
        let Some((_, descr)) = &self.leaf else { return "nested values".to_owned() };
        let physical = match descr.physical_type() {
            Type::BOOLEAN => "bool",
            Type::INT32 => "i32",
            Type::INT64 => "i64",
            Type::INT96 => "times of day and date in 96 bits",
            Type::FLOAT => "f32",
            Type::DOUBLE => "f64",
            Type::BYTE_ARRAY => "bytes",
            Type::FIXED_LEN_BYTE_ARRAY => "bytes of one length",
        };
        let spans = self.span().map(|unit| format!("spans of time in {}", unit_name(unit)));
        let name = spans.unwrap_or_else(|| match (descr.logical_type_ref(), descr.converted_type()) {
            (Some(LogicalType::Integer(int)), _) => {
                format!("{}{}", if int.is_signed { 'i' } else { 'u' }, int.bit_width)
            }
            (Some(LogicalType::String | LogicalType::Enum), _) | (None, ConvertedType::UTF8 | ConvertedType::ENUM) => {
                "str".to_owned()
            }
            (Some(LogicalType::Decimal(_)), _) | (None, ConvertedType::DECIMAL) => "decimal".to_owned(),
            (Some(LogicalType::Date), _) | (None, ConvertedType::DATE) => "date".to_owned(),
            (Some(LogicalType::Time(_)), _) => "time of day".to_owned(),
            (Some(LogicalType::Timestamp(_)), _)
            | (None, ConvertedType::TIMESTAMP_MILLIS | ConvertedType::TIMESTAMP_MICROS) => "date and time".to_owned(),
            (Some(LogicalType::Unknown), _) => "null".to_owned(),
            (Some(LogicalType::Float16), _) => "f16".to_owned(),
            (Some(LogicalType::Uuid), _) => "uuid".to_owned(),
            (_, converted) => match format!("{converted:?}") {
                name if name.starts_with("INT_") => name.replace("INT_", "i"),
                name if name.starts_with("UINT_") => name.replace("UINT_", "u"),
                _ => physical.to_owned(),
            },
        });
        if self.is_list() { format!("lists of {name}") } else { name }
    }

    /// How many values each row group has, or those in its lists; nulls count.
    pub(crate) fn values_of_groups(&self) -> Vec<u64> {
        let of_group = |group: &RowGroupMetaData| {
            let (leaf, _) = self.leaf.as_ref()?;
            u64::try_from(group.columns().get(*leaf)?.num_values()).ok()
        };
        self.file.metadata.row_groups().iter().map(|group| of_group(group).unwrap_or(0)).collect()
    }

    /// That it holds something else than it should.
    pub(crate) fn mistyped(&self, expected: &str) -> ReadError {
        let message = format!("column {} holds {}, expected {expected}", self.name, self.type_name());
        ReadError::columns(self.file.path(), message)
    }

    /// Its numbers, one a row, none for null, each converted by `convert`; only of columns of numbers that are no lists.
    pub(crate) fn numbers<T: Clone + Send>(
        &self,
        convert: impl Fn(Number) -> Result<T, &'static str> + Sync,
    ) -> Result<Vec<Option<T>>, ReadError> {
        if self.kind() == Kind::Null {
            return Ok(vec![None; self.file.rows()]);
        }
        let signed = self.kind() != Kind::Whole { signed: false };
        let whole32 = |value: i32| Number::Whole(if signed { value.into() } else { (value as u32).into() });
        let whole64 = |value: i64| Number::Whole(if signed { value.into() } else { (value as u64).into() });
        let told = |number: Number| convert(number).map_err(|reason| (number.to_string(), reason));
        match self.physical_type() {
            Some(Type::INT32) => self.flat::<Int32Type, _>(|&value| told(whole32(value))),
            Some(Type::INT64) => self.flat::<Int64Type, _>(|&value| told(whole64(value))),
            Some(Type::FLOAT) => self.flat::<FloatType, _>(|&value| told(Number::Float(value.into()))),
            _ => self.flat::<DoubleType, _>(|&value| told(Number::Float(value))),
        }
    }

    /// Its texts, one a row, none for null; only of columns of text that are no lists.
    pub(crate) fn texts(&self) -> Result<Vec<Option<String>>, ReadError> {
        if self.kind() == Kind::Null {
            return Ok(vec![None; self.file.rows()]);
        }
        let text = |value: &ByteArray| {
            let text = std::str::from_utf8(value.data());
            text.map(str::to_owned).map_err(|_| (String::from_utf8_lossy(value.data()).into_owned(), "not UTF-8"))
        };
        self.flat::<ByteArrayType, _>(text)
    }

    /// Its lists of lists of numbers, or its lists as lists of one; only of columns that [are](Self::is_nested). Null is an empty list, and NaN
    /// in a list.
    pub(crate) fn nested(&self, float: impl Fn(Number) -> f64 + Sync) -> Result<Vec<Vec<Vec<f64>>>, ReadError> {
        if !self.is_nested() {
            return Err(self.mistyped("lists of numbers, or lists of such lists"));
        }
        let any = Self { file: self.file, name: self.name, leaf: self.any_leaf.clone(), any_leaf: None };
        let whole = |value: i64| float(Number::Whole(value.into()));
        match any.physical_type() {
            Some(Type::INT32) => any.nested_as::<Int32Type>(|&value| whole(value.into())),
            Some(Type::INT64) => any.nested_as::<Int64Type>(|&value| whole(value)),
            Some(Type::FLOAT) => any.nested_as::<FloatType>(|&value| float(Number::Float(value.into()))),
            _ => any.nested_as::<DoubleType>(|&value| float(Number::Float(value))),
        }
    }

    fn nested_as<D: DataType>(&self, float: impl Fn(&D::T) -> f64 + Sync) -> Result<Vec<Vec<Vec<f64>>>, ReadError> {
        let damaged = || unreadable(self.file.path(), "lists do not fit their values");
        let deepest = self.leaf.as_ref().map_or(0, |(_, descr)| descr.max_rep_level());
        let parts = self.parts::<D, Vec<Vec<f64>>>(|_, batch, rows| {
            let mut values = batch.values.iter();
            for (at, &repetition) in batch.repetitions.iter().enumerate() {
                let definition = *batch.definitions.get(at).ok_or_else(damaged)?;
                if repetition == 0 {
                    rows.push(Vec::new());
                }
                let row = rows.last_mut().ok_or_else(damaged)?;
                if repetition < deepest && (deepest == 2 || row.is_empty()) {
                    row.push(Vec::new());
                }
                let list = row.last_mut().ok_or_else(damaged)?;
                if definition == batch.max_definition {
                    list.push(float(values.next().ok_or_else(damaged)?));
                } else if definition >= batch.in_list {
                    list.push(f64::NAN);
                }
            }
            Ok(())
        })?;
        Ok(parts.into_iter().flatten().collect())
    }

    /// Its lists of numbers, one a row, each number converted by `convert`; only of columns of lists of numbers. Null is an error, but `missing`
    /// where that is given: then null in a list is that, and null an empty list.
    pub(crate) fn lists<T: Clone + Send + Sync>(
        &self,
        convert: impl Fn(Number) -> Result<T, &'static str> + Sync,
        missing: Option<T>,
    ) -> Result<Vec<Vec<T>>, ReadError> {
        let signed = self.kind() != Kind::Whole { signed: false };
        let whole32 = |value: i32| Number::Whole(if signed { value.into() } else { (value as u32).into() });
        let whole64 = |value: i64| Number::Whole(if signed { value.into() } else { (value as u64).into() });
        let told = |number: Number| convert(number).map_err(|reason| (number.to_string(), reason));
        match self.physical_type() {
            Some(Type::INT32) => self.listed::<Int32Type, _>(|&value| told(whole32(value)), missing),
            Some(Type::INT64) => self.listed::<Int64Type, _>(|&value| told(whole64(value)), missing),
            Some(Type::FLOAT) => self.listed::<FloatType, _>(|&value| told(Number::Float(value.into())), missing),
            _ => self.listed::<DoubleType, _>(|&value| told(Number::Float(value)), missing),
        }
    }

    /// That a value is wrong.
    pub(crate) fn wrong(&self, row: usize, value: impl ToString, reason: impl Into<String>) -> ReadError {
        ReadError::Value {
            path: self.file.path().to_owned(),
            row: row as u64,
            column: self.name.to_owned(),
            value: value.to_string(),
            reason: reason.into(),
        }
    }

    /// That a value is null.
    pub(crate) fn null(&self, row: usize) -> ReadError {
        self.wrong(row, "null", "a value is needed")
    }

    fn physical_type(&self) -> Option<Type> {
        self.leaf.as_ref().map(|(_, descr)| descr.physical_type())
    }

    /// One value a row.
    fn flat<D: DataType, T: Clone + Send>(
        &self,
        convert: impl Fn(&D::T) -> Result<T, (String, &'static str)> + Sync,
    ) -> Result<Vec<Option<T>>, ReadError> {
        let parts = self.parts::<D, Option<T>>(|first_row, batch, rows| {
            let Batch { definitions, values, .. } = batch;
            let mut values = values.iter();
            let max = batch.max_definition;
            let mut take = |row: usize, is_there: bool| -> Result<Option<T>, ReadError> {
                if !is_there {
                    return Ok(None);
                }
                let value = values.next().ok_or_else(|| unreadable(self.file.path(), "values are missing"))?;
                convert(value).map(Some).map_err(|(value, reason)| self.wrong(row, value, reason))
            };
            match max {
                0 => (0..batch.records).try_for_each(|at| {
                    rows.push(take(first_row + at, true)?);
                    Ok(())
                }),
                _ => definitions.iter().enumerate().try_for_each(|(at, &definition)| {
                    rows.push(take(first_row + at, definition == max)?);
                    Ok(())
                }),
            }
        })?;
        Ok(parts.concat())
    }

    /// One list a row.
    fn listed<D: DataType, T: Clone + Send + Sync>(
        &self,
        convert: impl Fn(&D::T) -> Result<T, (String, &'static str)> + Sync,
        missing: Option<T>,
    ) -> Result<Vec<Vec<T>>, ReadError> {
        let damaged = || unreadable(self.file.path(), "lists do not fit their values");
        let parts = self.parts::<D, Vec<T>>(|first_row, batch, rows| {
            let Batch { definitions, repetitions, values, max_definition, in_list, .. } = batch;
            let mut values = values.as_slice();
            let mut at = 0;
            let mut row = first_row;
            while at < repetitions.len() {
                let end = repetitions[at + 1..].iter().position(|&level| level == 0);
                let end = end.map_or(repetitions.len(), |length| at + 1 + length);
                let levels = definitions.get(at..end).ok_or_else(damaged)?;
                if levels.len() as u64 > self.file.most_listed {
                    return Err(self.too_long(row, 1, levels.len() as u64));
                }
                let list = match levels {
                    [level] if *level + 1 < *in_list && missing.is_none() => return Err(self.null(row)),
                    [level] if *level < *in_list => Vec::new(),
                    _ if let Some(missing) = &missing => {
                        let mut list = Vec::with_capacity(levels.len());
                        for (packet, level) in levels.iter().enumerate() {
                            if level != max_definition {
                                list.push(missing.clone());
                                continue;
                            }
                            let (value, rest) = values.split_first().ok_or_else(damaged)?;
                            values = rest;
                            let wrong = |(value, reason): (String, &str)| {
                                self.wrong(row, value, format!("packet {packet}: {reason}"))
                            };
                            list.push(convert(value).map_err(wrong)?);
                        }
                        list
                    }
                    _ => {
                        if let Some(packet) = levels.iter().position(|level| level != max_definition) {
                            return Err(self.wrong(row, "null", format!("packet {packet}: a value is needed")));
                        }
                        let (list, rest) = values.split_at_checked(levels.len()).ok_or_else(damaged)?;
                        values = rest;
                        let mut converted = Vec::with_capacity(list.len());
                        for (packet, value) in list.iter().enumerate() {
                            let wrong = |(value, reason): (String, &str)| {
                                self.wrong(row, value, format!("packet {packet}: {reason}"))
                            };
                            converted.push(convert(value).map_err(wrong)?);
                        }
                        converted
                    }
                };
                rows.push(list);
                (at, row) = (end, row + 1);
            }
            self.file.work.inspect(|work| work.steps(batch.records as u64));
            Ok(())
        })?;
        Ok(parts.into_iter().flatten().collect())
    }

    /// Decodes all row groups, side by side; `add` makes rows of each batch, and is told which row is its first.
    fn parts<D: DataType, R: Send>(
        &self,
        add: impl Fn(usize, &Batch<D>, &mut Vec<R>) -> Result<(), ReadError> + Sync,
    ) -> Result<Vec<Vec<R>>, ReadError> {
        let (leaf, descr) = self.leaf.as_ref().expect("only columns with one leaf are decoded");
        let all = self.file.metadata.row_groups();
        let mut group_row = all[..self.file.groups.start].iter().map(|group| group.num_rows() as usize).sum::<usize>();
        let mut work = Vec::with_capacity(self.file.groups.len());
        let mut values = 0u64;
        for (number, group) in self.file.groups.clone().zip(&all[self.file.groups.clone()]) {
            let rows = group.num_rows() as usize;
            let here = |row: usize| row.clamp(group_row, group_row + rows) - group_row;
            let wanted = here(self.file.rows.start)..here(self.file.rows.end);
            let chunk = group.columns().get(*leaf).map_or(-1, ColumnChunkMetaData::num_values);
            let counted = u64::try_from(chunk).map_err(|_| unreadable(self.file.path(), "values below 0"))?;
            let share = u128::from(counted) * wanted.len() as u128 / rows.max(1) as u128;
            values = values.saturating_add(share as u64);
            if descr.max_rep_level() > 0 && counted > (rows as u64).saturating_mul(self.file.most_listed) {
                return Err(self.too_long(group_row, rows, counted));
            }
            work.push((number, group, wanted, group_row));
            group_row += rows;
        }
        if values > self.file.most_values() {
            let message = format!("column {} is to have {values} values in {} bytes", self.name, self.file.length);
            return Err(unreadable(self.file.path(), message));
        }
        let decode = |(number, group, rows, group_row): (usize, &RowGroupMetaData, Range<usize>, usize)| {
            self.decode(*leaf, descr, (number, group), rows, group_row, &add)
        };
        let decoded: Vec<Result<Vec<R>, ReadError>> = work.into_par_iter().map(decode).collect();
        decoded.into_iter().collect()
    }

    /// That a list is longer than any that is read: the one of `row`, or of one of so many rows from there on.
    fn too_long(&self, row: usize, rows: usize, values: u64) -> ReadError {
        let most = self.file.most_listed;
        let which = if rows == 1 { "" } else { "this row or one of those behind it: " };
        let told = if values > most { format!("a list of {values} values") } else { "a list".to_owned() };
        let reason = format!(
            "{which}more than {most} values in one list, which are the packets of one trace, are not read: cut the trace, or make several of it"
        );
        self.wrong(row, told, reason)
    }

    fn open<D: DataType>(
        &self,
        descr: &ColumnDescPtr,
        group: &RowGroupMetaData,
        chunk: &ColumnChunkMetaData,
        is_whole: bool,
    ) -> Result<Decoder<D>, ReadError> {
        let path = self.file.path();
        let (values, rows) = (chunk.num_values() as u64, group.num_rows() as usize);
        let levels = [descr.max_rep_level() > 0, descr.max_def_level() > 0];
        let loaded = Arc::new(AtomicI64::new(0));
        let most = i64::try_from(self.file.most_listed).unwrap_or(i64::MAX - 1);
        // What is read as a whole is in memory anyway, and a part of it waits for nobody.
        let reader = if is_whole {
            let (start, bytes) = self.file.chunk(chunk)?;
            pages::check(&bytes, values).map_err(|message| unreadable(path, message))?;
            let bytes = Arc::new(Chunk { start, bytes: Bytes::from(bytes) });
            soundly(path, || {
                let pages = SerializedPageReader::new(bytes, chunk, rows, None)?;
                let pages = CheckedPages { pages, levels, loaded: Arc::clone(&loaded), most };
                Ok(ColumnReaderImpl::<D>::new(descr.clone(), Box::new(pages)))
            })?
        } else {
            let (start, len) = self.file.range(chunk)?;
            let from = |at: u64| At { file: Arc::clone(&self.file.file), at: start + at, end: start + len };
            pages::check_of(len, values, |at, most| {
                let mut bytes = Vec::new();
                from(at).take(most).read_to_end(&mut bytes).map(|_| bytes)
            })
            .map_err(|error| ReadError::io(path, error))?
            .map_err(|message| unreadable(path, message))?;
            let bytes = Arc::new(FileChunk(from(0)));
            soundly(path, || {
                let pages = SerializedPageReader::new(bytes, chunk, rows, None)?;
                let pages = CheckedPages { pages, levels, loaded: Arc::clone(&loaded), most };
                Ok(ColumnReaderImpl::<D>::new(descr.clone(), Box::new(pages)))
            })?
        };
        Ok(Decoder { reader, loaded })
    }

    /// The column at this row of a row group: where the last part ended, or opened anew.
    fn open_at<D: DataType>(
        &self,
        (leaf, descr): (usize, &ColumnDescPtr),
        (number, group): (usize, &RowGroupMetaData),
        row: usize,
        is_whole: bool,
    ) -> Result<Decoder<D>, ReadError> {
        let held = self.file.held.lock().unwrap_or_else(PoisonError::into_inner).remove(&leaf);
        if let Some(Held { decoder, .. }) = held.filter(|held| (held.group, held.row) == (number, row) && !is_whole)
            && let Ok(decoder) = decoder.downcast::<Decoder<D>>()
        {
            return Ok(*decoder);
        }
        let mut decoder = self.open::<D>(descr, group, group.column(leaf), is_whole)?;
        let mut left = row;
        decoder.loaded.store(NOT_COUNTED, Ordering::Relaxed);
        while left > 0 {
            let skipped = soundly(self.file.path(), || decoder.reader.skip_records(left))?;
            if skipped == 0 {
                return Err(unreadable(self.file.path(), format!("column {} ends before its rows do", self.name)));
            }
            left -= skipped.min(left);
        }
        Ok(decoder)
    }

    /// The wanted rows of a row group whose first row is `group_row` of the file.
    fn decode<D: DataType, R>(
        &self,
        leaf: usize,
        descr: &ColumnDescPtr,
        (number, group): (usize, &RowGroupMetaData),
        wanted: Range<usize>,
        group_row: usize,
        add: &impl Fn(usize, &Batch<D>, &mut Vec<R>) -> Result<(), ReadError>,
    ) -> Result<Vec<R>, ReadError> {
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let of_group = group.num_rows() as usize;
        let is_whole = wanted.len() == of_group;
        let open = |row: usize| self.open_at::<D>((leaf, descr), (number, group), row, is_whole);
        let mut decoder = open(wanted.start)?;
        let mut batch = Batch::<D> {
            definitions: Vec::new(),
            repetitions: Vec::new(),
            values: Vec::new(),
            records: 0,
            max_definition: descr.max_def_level(),
            in_list: if descr.max_rep_level() == 0 { 0 } else { descr.repeated_ancestor_def_level() },
        };
        let mean = (group.column(leaf).num_values() as u64 / of_group as u64).max(1);
        let mut at_once = usize::try_from(BATCH_VALUES / mean).unwrap_or(BATCH_ROWS).clamp(1, BATCH_ROWS);
        let mut rows = Vec::with_capacity(wanted.len());
        let mut done = 0;
        while done < wanted.len() {
            batch.definitions.clear();
            batch.repetitions.clear();
            batch.values.clear();
            let (definitions, repetitions) = (&mut batch.definitions, &mut batch.repetitions);
            let values = &mut batch.values;
            let ask = at_once.min(wanted.len() - done);
            decoder.loaded.store(0, Ordering::Relaxed);
            let read = soundly(self.file.path(), || {
                decoder.reader.read_records(ask, Some(definitions), Some(repetitions), values)
            });
            if read.is_err() && decoder.loaded.load(Ordering::Relaxed) == TOO_LONG {
                if at_once == 1 {
                    return Err(self.too_long(group_row + wanted.start + done, 1, 0));
                }
                // Many rows may be as much as one that is too long: once more, one by one.
                at_once = 1;
                decoder = open(wanted.start + done)?;
                continue;
            }
            batch.records = read?.0;
            add(group_row + wanted.start + done, &batch, &mut rows)?;
            if batch.records == 0 {
                break;
            }
            done += batch.records;
        }
        if rows.len() != wanted.len() {
            let message = format!("column {} has {} rows where {} are told", self.name, rows.len(), wanted.len());
            return Err(unreadable(self.file.path(), message));
        }
        if wanted.end < of_group {
            let held = Held { group: number, row: wanted.end, decoder: Box::new(decoder) };
            self.file.held.lock().unwrap_or_else(PoisonError::into_inner).insert(leaf, held);
        }
        Ok(rows)
    }
}

/// A column of a row group on its way.
struct Decoder<D: DataType> {
    reader: ColumnReaderImpl<D>,
    /// Values of the pages that were read for this batch; [`TOO_LONG`] where they were too many.
    loaded: Arc<AtomicI64>,
}

/// Some rows of a column as they are stored (parquet-format, "Nested Encoding").
struct Batch<D: DataType> {
    definitions: Vec<i16>,
    repetitions: Vec<i16>,
    values: Vec<D::T>,
    records: usize,
    /// The definition level of a value that is there.
    max_definition: i16,
    /// The lowest definition level of a place in a list; the one below is an empty list, those below that are no list.
    in_list: i16,
}

/// The bytes of one part of a column, by their place in the file.
struct Chunk {
    start: u64,
    bytes: Bytes,
}

impl Chunk {
    fn from(&self, start: u64) -> ParquetResult<Bytes> {
        let at = start.checked_sub(self.start).and_then(|at| usize::try_from(at).ok());
        let at = at.filter(|&at| at <= self.bytes.len());
        at.map(|at| self.bytes.slice(at..)).ok_or_else(|| ParquetError::EOF("a page outside of its column".to_owned()))
    }
}

impl Length for Chunk {
    fn len(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }
}

impl ChunkReader for Chunk {
    type T = Box<dyn Read>;

    fn get_read(&self, start: u64) -> ParquetResult<Self::T> {
        Ok(Box::new(Cursor::new(self.from(start)?)))
    }

    fn get_bytes(&self, start: u64, length: usize) -> ParquetResult<Bytes> {
        let rest = self.from(start)?;
        match length <= rest.len() {
            true => Ok(rest.slice(..length)),
            false => Err(ParquetError::EOF("a page longer than its column".to_owned())),
        }
    }
}

/// The bytes of one part of a column, page by page from the file.
struct FileChunk(At);

impl FileChunk {
    fn from(&self, start: u64) -> ParquetResult<At> {
        match (self.0.at..=self.0.end).contains(&start) {
            true => Ok(At { file: Arc::clone(&self.0.file), at: start, end: self.0.end }),
            false => Err(ParquetError::EOF("a page outside of its column".to_owned())),
        }
    }
}

impl Length for FileChunk {
    fn len(&self) -> u64 {
        self.0.end
    }
}

impl ChunkReader for FileChunk {
    type T = BufReader<At>;

    fn get_read(&self, start: u64) -> ParquetResult<Self::T> {
        Ok(BufReader::new(self.from(start)?))
    }

    fn get_bytes(&self, start: u64, length: usize) -> ParquetResult<Bytes> {
        let mut bytes = Vec::new();
        self.from(start)?.take(length as u64).read_to_end(&mut bytes)?;
        match bytes.len() == length {
            true => Ok(bytes.into()),
            false => Err(ParquetError::EOF("a page longer than its column".to_owned())),
        }
    }
}
