//! Parquet files read column by column, whatever their bytes: an error or a reading, in memory in proportion to the file.
//!
//! The `parquet` crate decodes. It returns errors where others abort, but believes the sizes and counts that a file states of itself, so
//! these are held against the length of the file first ([`pages`]). A column that nobody asks for is never looked at, so it does not
//! matter what it holds.

mod column;
#[cfg(test)]
pub(crate) mod foreign_tables;
mod pages;
mod shapes;
mod spans;
mod thrift;
mod writer;

use std::any::Any;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom};
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use arrow_schema::TimeUnit;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, ParquetMetaDataReader, RowGroupMetaData};
use wfkit_metrics::Work;

use crate::caught::caught;
use crate::formats::ReadError;
pub(crate) use column::{Column, Kind, Number};
pub(crate) use writer::{GROUP_ROWS, Groups, Lists, Values, Written, write_groups};

/// This many rows may have any file; beyond, [`ROWS_A_BYTE`] times its bytes.
const FREE_ROWS: u64 = 1 << 20;
const ROWS_A_BYTE: u64 = 16;
/// A column of so many values may have any file; beyond, [`VALUES_A_BYTE`] times its bytes. Only columns that say the same over and over
/// come near.
const FREE_VALUES: u64 = 1 << 24;
const VALUES_A_BYTE: u64 = 1000;

/// So many values has a list at most, which are the packets of a trace: 3 GB of times and sizes, some 300 GB of traffic.
pub(crate) const MOST_LISTED: u64 = 1 << 28;

/// An open Parquet file.
pub(crate) struct ParquetFile<'a> {
    path: &'a Path,
    file: Arc<Mutex<File>>,
    /// Bytes of the file.
    length: u64,
    metadata: ParquetMetaData,
    names: Vec<String>,
    /// The unit of those columns that hold spans of time.
    spans: HashMap<String, TimeUnit>,
    /// The row groups that are looked at; at first all.
    groups: Range<usize>,
    /// The rows of these.
    rows: Range<usize>,
    /// Whose steps are rows of columns of lists.
    work: Option<&'a Work<'a>>,
    /// Columns of a row group that is read in parts, by leaf, where the last part ended.
    held: Mutex<HashMap<usize, Held>>,
    /// As [`MOST_LISTED`], less in tests.
    most_listed: u64,
}

/// A column that is open in the middle of a row group.
struct Held {
    group: usize,
    /// The row of the group that comes next.
    row: usize,
    /// What decodes it, which knows its own type.
    decoder: Box<dyn Any + Send>,
}

impl<'a> ParquetFile<'a> {
    /// Reads what a file says of itself, and checks that it can be true.
    pub(crate) fn open(path: &'a Path) -> Result<Self, ReadError> {
        let io = |error| ReadError::io(path, error);
        let file = File::open(path).map_err(io)?;
        let length = file.metadata().map_err(io)?.len();
        if !has_sound_footer(&file, length).map_err(io)? {
            return Err(unreadable(path, "its footer makes no sense"));
        }
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
        let spans = spans::spans(metadata.file_metadata());
        Ok(Self {
            path,
            file: Arc::new(Mutex::new(file)),
            length,
            metadata,
            names,
            spans,
            groups,
            rows: 0..rows as usize,
            work: None,
            held: Mutex::default(),
            most_listed: MOST_LISTED,
        })
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

    /// Looks at these rows of this row group alone. Parts that are looked at one after the other are decoded once, and none of them holds more of the
    /// file than it needs.
    pub(crate) fn look_into(&mut self, group: usize, rows: Range<usize>) {
        self.look_at(group..group + 1);
        let (first, last) = (self.rows.start, self.rows.end);
        self.rows = (first + rows.start).min(last)..(first + rows.end).min(last);
    }

    /// How many rows each row group has.
    pub(crate) fn rows_of_groups(&self) -> Vec<usize> {
        self.metadata.row_groups().iter().map(|group| group.num_rows() as usize).collect()
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

    /// Where the bytes of one part of a column lie, which must be in the file.
    fn range(&self, chunk: &ColumnChunkMetaData) -> Result<(u64, u64), ReadError> {
        let start = chunk.dictionary_page_offset().unwrap_or(chunk.data_page_offset());
        let range = u64::try_from(start).ok().zip(u64::try_from(chunk.compressed_size()).ok());
        let inside = range.filter(|(start, len)| start.checked_add(*len).is_some_and(|end| end <= self.length));
        inside.ok_or_else(|| {
            unreadable(self.path, format!("column {} lies outside of the file", chunk.column_path().string()))
        })
    }

    /// The bytes of one part of a column.
    fn chunk(&self, chunk: &ColumnChunkMetaData) -> Result<(u64, Vec<u8>), ReadError> {
        let (start, len) = self.range(chunk)?;
        let mut bytes = Vec::with_capacity(len as usize);
        let mut from = At { file: Arc::clone(&self.file), at: start, end: start + len };
        from.read_to_end(&mut bytes).map_err(|error| ReadError::io(self.path, error))?;
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

/// Bytes of a file that several read at once, up to an end.
struct At {
    file: Arc<Mutex<File>>,
    at: u64,
    end: u64,
}

impl Read for At {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = buffer.len().min(usize::try_from(self.end - self.at).unwrap_or(usize::MAX));
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(self.at))?;
        let read = file.read(&mut buffer[..wanted])?;
        self.at += read as u64;
        Ok(read)
    }
}

/// That a file is not what it says.
fn unreadable(path: &Path, message: impl std::fmt::Display) -> ReadError {
    ReadError::damaged(path, format!("no readable Parquet: {message}"))
}

/// Whether what a file says of itself at its end is sound, as far as it is where it should be; else the decoder says what is wrong.
fn has_sound_footer(mut file: &File, length: u64) -> io::Result<bool> {
    /// Length of the footer, and the word at the end of the file.
    const TAIL: u64 = 8;
    let Some(tail_at) = length.checked_sub(TAIL) else { return Ok(true) };
    let mut tail = [0; TAIL as usize];
    file.seek(SeekFrom::Start(tail_at))?;
    file.read_exact(&mut tail)?;
    let [a, b, c, d, word @ ..] = tail;
    let footer_len = u64::from(u32::from_le_bytes([a, b, c, d]));
    let Some(footer_at) = tail_at.checked_sub(footer_len).filter(|_| word == *b"PAR1") else { return Ok(true) };
    let mut footer = vec![0; footer_len as usize];
    file.seek(SeekFrom::Start(footer_at))?;
    file.read_exact(&mut footer)?;
    Ok(shapes::is_sound_footer(&footer))
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

#[cfg(test)]
mod tests {
    use super::foreign_tables::write_foreign;
    use super::*;

    #[test]
    fn a_footer_that_promises_more_than_it_has_is_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.parquet");
        let two_billion = [0xff, 0xff, 0xff, 0xff, 0x07];
        // A field that is a list of elements of no type, of truth values, of numbers, of structures, of lists; a map of truth values and of both.
        let lists =
            [0xf0, 0xf1, 0xf5, 0xfc, 0xf9].map(|kind| [[0x19, kind].as_slice(), &two_billion, &[0; 9]].concat());
        let maps = [0x11, 0x1c].map(|kinds| [[0x1b].as_slice(), &two_billion, &[kinds], &[0; 9]].concat());
        // Truth values, which the decoder skips as if they were nothing, and goes on before them; known fields of other types, which it reads as what
        // they should be: a version that is a list, a schema of numbers, row groups that are a text.
        let misread = [&[0xc9, 0x31, 1, 1, 1, 0][..], &[0x19, 0x15, 2, 0], &[0x29, 0x15, 2, 0], &[0x48, 1, 0x19, 0]];
        for footer in lists.into_iter().chain(maps).chain(misread.map(<[u8]>::to_vec)) {
            let length = (footer.len() as u32).to_le_bytes();
            std::fs::write(&path, [b"PAR1".as_slice(), &footer, &length, b"PAR1"].concat()).unwrap();
            let error = ParquetFile::open(&path).err().unwrap().to_string();
            assert!(error.ends_with("its footer makes no sense"), "{footer:x?}: {error}");
        }
    }

    /// Lists of so many values, in pages of a few hundred bytes.
    fn file(folder: &tempfile::TempDir, lengths: &[usize]) -> std::path::PathBuf {
        let path = folder.path().join("lists.parquet");
        let lists = lengths.iter().map(|&length| (0..length as i64).collect());
        write_foreign(&path, &[foreign_tables::lists("a", lists)], None, 256);
        path
    }

    fn lists(file: &ParquetFile<'_>) -> Result<Vec<usize>, String> {
        let whole = |number| match number {
            Number::Whole(number) => Ok(number as i64),
            Number::Float(_) => Err("a float"),
        };
        let lists = file.column("a").unwrap().lists(whole, None).map_err(|error| error.to_string())?;
        assert!(lists.iter().all(|list| list.iter().copied().eq(0..list.len() as i64)));
        Ok(lists.iter().map(Vec::len).collect())
    }

    #[test]
    fn a_list_that_is_too_long_is_refused_by_its_row_and_many_short_ones_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let long = [vec![3; 600], vec![5000], vec![3; 9]].concat();
        let path = file(&folder, &long);
        let limited = |most_listed| ParquetFile { most_listed, ..ParquetFile::open(&path).unwrap() };
        assert_eq!(lists(&limited(5000)), Ok(long.clone()));
        for most in [4999, 1000, 100] {
            let error = lists(&limited(most)).unwrap_err();
            assert!(error.contains("row 600, column a: a list"), "{error}");
            assert!(error.contains(&format!("more than {most} values in one list")), "{error}");
        }
        let mut parts = limited(1000);
        parts.look_into(0, 590..600);
        assert_eq!(lists(&parts), Ok(vec![3; 10]));
        parts.look_into(0, 600..605);
        assert!(lists(&parts).unwrap_err().contains("row 600, column a"));
        parts.look_into(0, 601..609);
        assert_eq!(lists(&parts), Ok(vec![3; 8]));
        let path = file(&folder, &[5000]);
        let one = ParquetFile { most_listed: 4999, ..ParquetFile::open(&path).unwrap() };
        assert!(lists(&one).unwrap_err().contains("row 0, column a: a list of 5000 values: more than 4999"));
    }

    #[test]
    fn rows_of_a_group_are_the_same_in_parts_of_any_size() {
        let folder = tempfile::tempdir().unwrap();
        let lengths: Vec<usize> = (0..700).map(|row| row * 7 % 60).collect();
        let path = file(&folder, &lengths);
        for part in [1, 13, 512, 699, 700] {
            let mut file = ParquetFile::open(&path).unwrap();
            let mut found = Vec::new();
            for first in (0..700).step_by(part) {
                file.look_into(0, first..(first + part).min(700));
                assert_eq!(file.first_row(), first);
                found.extend(lists(&file).unwrap());
            }
            assert_eq!(found, lengths, "{part}");
        }
    }
}
