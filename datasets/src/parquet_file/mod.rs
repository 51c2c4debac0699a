//! Parquet files read column by column, whatever their bytes: an error or a reading, in memory in proportion to the file.
//!
//! The `parquet` crate decodes. It returns errors where others abort, but believes the sizes and counts that a file states of itself, so
//! these are held against the length of the file first ([`pages`]). A column that nobody asks for is never looked at, so it does not
//! matter what it holds.

mod column;
mod pages;

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::ops::Range;
use std::path::Path;
use std::sync::Mutex;

use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, ParquetMetaDataReader, RowGroupMetaData};
use wfkit_metrics::Work;

use crate::caught::caught;
use crate::formats::ReadError;
pub(crate) use column::{Column, Kind, Number};

/// This many rows may have any file; beyond, [`ROWS_A_BYTE`] times its bytes.
const FREE_ROWS: u64 = 1 << 20;
const ROWS_A_BYTE: u64 = 16;
/// A column of so many values may have any file; beyond, [`VALUES_A_BYTE`] times its bytes. Only columns that say the same over and over
/// come near.
const FREE_VALUES: u64 = 1 << 24;
const VALUES_A_BYTE: u64 = 1000;

/// An open Parquet file.
pub(crate) struct ParquetFile<'a> {
    path: &'a Path,
    file: Mutex<File>,
    /// Bytes of the file.
    length: u64,
    metadata: ParquetMetaData,
    names: Vec<String>,
    /// The row groups that are looked at; at first all.
    groups: Range<usize>,
    /// The rows of these.
    rows: Range<usize>,
    /// Whose steps are rows of columns of lists.
    work: Option<&'a Work<'a>>,
}

impl<'a> ParquetFile<'a> {
    /// Reads what a file says of itself, and checks that it can be true.
    pub(crate) fn open(path: &'a Path) -> Result<Self, ReadError> {
        let io = |error| ReadError::io(path, error);
        let file = File::open(path).map_err(io)?;
        let length = file.metadata().map_err(io)?.len();
        let metadata = soundly(path, || ParquetMetaDataReader::new().parse_and_finish(&file))?;
        let fields = metadata.file_metadata().schema().get_fields();
        let names: Vec<String> = fields.iter().map(|field| field.name().to_owned()).collect();
        let mut sorted: Vec<&String> = names.iter().collect();
        sorted.sort_unstable();
        if let Some(pair) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(ReadError::columns(path, format!("two columns are named {}", pair[0])));
        }
        let mut rows = 0u64;
        for group in metadata.row_groups() {
            let group = u64::try_from(group.num_rows()).ok();
            rows = group.and_then(|group| rows.checked_add(group)).ok_or_else(|| unreadable(path, "rows below 0"))?;
        }
        if rows > FREE_ROWS.max(length.saturating_mul(ROWS_A_BYTE)) {
            return Err(unreadable(path, format!("{rows} rows in {length} bytes")));
        }
        let groups = 0..metadata.num_row_groups();
        Ok(Self { path, file: Mutex::new(file), length, metadata, names, groups, rows: 0..rows as usize, work: None })
    }

    /// The same, every row of a column of lists being a step of `work`.
    pub(crate) fn told_to(self, work: &'a Work<'a>) -> Self {
        Self { work: Some(work), ..self }
    }

    /// The file.
    pub(crate) fn path(&self) -> &'a Path {
        self.path
    }

    /// Number of rows that are looked at.
    pub(crate) fn rows(&self) -> usize {
        self.rows.len()
    }

    /// Which row of the file is the first that is looked at.
    pub(crate) fn first_row(&self) -> usize {
        self.rows.start
    }

    /// Looks at these row groups alone.
    pub(crate) fn look_at(&mut self, groups: Range<usize>) {
        let rows = |groups: &[RowGroupMetaData]| groups.iter().map(|group| group.num_rows() as usize).sum::<usize>();
        let all = self.metadata.row_groups();
        let first = rows(&all[..groups.start]);
        self.rows = first..first + rows(&all[groups.clone()]);
        self.groups = groups;
    }

    /// The names of all columns.
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// The value of an entry in the metadata of the file.
    pub(crate) fn entry(&self, key: &str) -> Option<String> {
        let entries = self.metadata.file_metadata().key_value_metadata()?;
        entries.iter().find(|entry| entry.key == key)?.value.clone()
    }

    /// The column of this name.
    pub(crate) fn column(&self, name: &str) -> Result<Column<'_>, ReadError> {
        let Some(root) = self.names.iter().position(|known| known == name) else {
            let found = self.names.iter().take(8).map(String::as_str).collect::<Vec<_>>().join(", ");
            let more = if self.names.len() > 8 { ", ..." } else { "" };
            let message = format!("column {name} is missing: found {found}{more}");
            return Err(ReadError::columns(self.path, message));
        };
        Ok(Column::new(self, root))
    }

    /// The bytes of one part of a column, which must lie in the file.
    fn chunk(&self, chunk: &ColumnChunkMetaData) -> Result<(u64, Vec<u8>), ReadError> {
        let start = chunk.dictionary_page_offset().unwrap_or(chunk.data_page_offset());
        let range = u64::try_from(start).ok().zip(u64::try_from(chunk.compressed_size()).ok());
        let inside = range.filter(|(start, len)| start.checked_add(*len).is_some_and(|end| end <= self.length));
        let Some((start, len)) = inside else {
            let message = format!("column {} lies outside of the file", chunk.column_path().string());
            return Err(unreadable(self.path, message));
        };
        let io = |error| ReadError::io(self.path, error);
        let mut file = self.file.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        file.seek(SeekFrom::Start(start)).map_err(io)?;
        let mut bytes = Vec::with_capacity(len as usize);
        (&mut *file).take(len).read_to_end(&mut bytes).map_err(io)?;
        match bytes.len() as u64 == len {
            true => Ok((start, bytes)),
            false => Err(unreadable(self.path, "cut while it was read")),
        }
    }

    /// How many values a column of this file may have.
    fn most_values(&self) -> u64 {
        FREE_VALUES.max(self.length.saturating_mul(VALUES_A_BYTE))
    }
}

/// That a file is not what it says.
fn unreadable(path: &Path, message: impl std::fmt::Display) -> ReadError {
    ReadError::damaged(path, format!("no readable Parquet: {message}"))
}

/// What the decoder gives; where it gives up on bytes that it did not expect, that is one more way for a file to be damaged.
fn soundly<T>(path: &Path, decode: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, ReadError> {
    match caught(decode) {
        Some(decoded) => decoded.map_err(|error| {
            let error = error.to_string();
            match error.split_once("Disabled feature at compile time: ") {
                Some((_, packer)) => {
                    let way = "write it with zstd, snappy, gzip, lz4 or unpacked";
                    unreadable(path, format!("it is packed with {packer}, which is not read; {way}"))
                }
                None => unreadable(path, error),
            }
        }),
        None => Err(unreadable(path, "it is damaged in a way that the decoder does not know")),
    }
}
