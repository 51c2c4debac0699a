//! Parquet files written row group by row group, each column of a group at the same time as the others.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use arrow_ipc::writer::StreamWriter;
use arrow_schema::{DataType, Field, Schema};
use base64::Engine as _;
use bytes::Bytes;
use parquet::basic::{Compression, LogicalType, Repetition, Type as PhysicalType, ZstdLevel};
use parquet::column::writer::{ColumnCloseResult, ColumnWriter, get_column_writer};
use parquet::data_type::ByteArray;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::{SerializedFileWriter, SerializedPageWriter, TrackedWrite};
use parquet::schema::types::{ColumnDescPtr, ColumnPath, Type, TypePtr};
use rayon::prelude::*;

use crate::files::{Writer, replace_file};
use crate::formats::WriteError;

/// So many rows make a row group at most: what other tools read at once.
pub(crate) const GROUP_ROWS: usize = 1 << 18;

/// What zstd itself takes by default.
const ZSTD_LEVEL: i32 = 3;

/// The entry that says which types of Arrow the columns are: where it is absent, lists are read with offsets of 32 bits, which do not
/// reach beyond 2^31 values.
pub(super) const ARROW_ENTRY: &str = "ARROW:schema";

/// A column on its way into a file.
#[derive(Debug, Clone)]
pub(crate) struct Written {
    name: String,
    values: Values,
}

/// What a column holds, one entry a row.
#[derive(Debug, Clone)]
pub(crate) enum Values {
    Texts(Vec<Option<String>>),
    Wholes(Vec<Option<i64>>),
    /// NaN and infinities are as they are.
    Floats(Vec<f64>),
    LongLists(Lists<i64>),
    ShortLists(Lists<i32>),
}

/// Lists of numbers, one after the other.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lists<T> {
    /// How many numbers each row has; `None` is null.
    pub(crate) lengths: Vec<Option<usize>>,
    pub(crate) values: Vec<T>,
    /// The number that stands for null.
    pub(crate) null: Option<T>,
}

impl Written {
    pub(crate) fn new(name: impl Into<String>, values: Values) -> Self {
        Self { name: name.into(), values }
    }

    /// Text in every row.
    pub(crate) fn texts<'a>(name: &str, texts: impl Iterator<Item = &'a str>) -> Self {
        Self::optional_texts(name, texts.map(Some))
    }

    /// Text where there is some.
    pub(crate) fn optional_texts<'a>(name: &str, texts: impl Iterator<Item = Option<&'a str>>) -> Self {
        Self::new(name, Values::Texts(texts.map(|text| text.map(str::to_owned)).collect()))
    }

    /// A whole number in every row.
    pub(crate) fn wholes(name: &str, numbers: impl Iterator<Item = i64>) -> Self {
        Self::new(name, Values::Wholes(numbers.map(Some).collect()))
    }

    fn rows(&self) -> usize {
        match &self.values {
            Values::Texts(rows) => rows.len(),
            Values::Wholes(rows) => rows.len(),
            Values::Floats(rows) => rows.len(),
            Values::LongLists(lists) => lists.lengths.len(),
            Values::ShortLists(lists) => lists.lengths.len(),
        }
    }

    /// As Parquet has it: `optional group NAME (LIST) { repeated group list { optional TYPE element; } }` where there are lists.
    fn parquet_type(&self) -> Result<Type> {
        let primitive = |name: &str, physical, logical| {
            let builder = Type::primitive_type_builder(name, physical).with_repetition(Repetition::OPTIONAL);
            builder.with_logical_type(logical).build()
        };
        let list = |physical| {
            let element = Arc::new(primitive("element", physical, None)?);
            let repeated = Type::group_type_builder("list").with_repetition(Repetition::REPEATED);
            let repeated = Arc::new(repeated.with_fields(vec![element]).build()?);
            let outer = Type::group_type_builder(&self.name).with_repetition(Repetition::OPTIONAL);
            outer.with_logical_type(Some(LogicalType::List)).with_fields(vec![repeated]).build()
        };
        match &self.values {
            Values::Texts(_) => primitive(&self.name, PhysicalType::BYTE_ARRAY, Some(LogicalType::String)),
            Values::Wholes(_) => primitive(&self.name, PhysicalType::INT64, None),
            Values::Floats(_) => primitive(&self.name, PhysicalType::DOUBLE, None),
            Values::LongLists(_) => list(PhysicalType::INT64),
            Values::ShortLists(_) => list(PhysicalType::INT32),
        }
    }

    /// As Arrow has it. Texts are not views of text, which pyarrow can neither sort nor filter nor take rows of.
    fn arrow_type(&self) -> Field {
        let list = |of| DataType::LargeList(Arc::new(Field::new("element", of, true)));
        let kind = match &self.values {
            Values::Texts(_) => DataType::Utf8,
            Values::Wholes(_) => DataType::Int64,
            Values::Floats(_) => DataType::Float64,
            Values::LongLists(_) => list(DataType::Int64),
            Values::ShortLists(_) => list(DataType::Int32),
        };
        Field::new(&self.name, kind, true)
    }

    /// The bytes of these rows as a column of a row group.
    fn encode(
        &self,
        rows: Range<usize>,
        column: ColumnDescPtr,
        properties: Arc<WriterProperties>,
    ) -> Result<(Bytes, ColumnCloseResult)> {
        let mut bytes = TrackedWrite::new(Vec::new());
        let mut writer = get_column_writer(column, properties, Box::new(SerializedPageWriter::new(&mut bytes)));
        match (&mut writer, &self.values) {
            (ColumnWriter::ByteArrayColumnWriter(writer), Values::Texts(texts)) => {
                let (levels, present) = present(&texts[rows]);
                let present: Vec<ByteArray> = present.map(|text| text.as_bytes().to_vec().into()).collect();
                writer.write_batch(&present, Some(&levels), None)?;
            }
            (ColumnWriter::Int64ColumnWriter(writer), Values::Wholes(numbers)) => {
                let (levels, present) = present(&numbers[rows]);
                writer.write_batch(&present.copied().collect::<Vec<_>>(), Some(&levels), None)?;
            }
            (ColumnWriter::DoubleColumnWriter(writer), Values::Floats(numbers)) => {
                writer.write_batch(&numbers[rows.clone()], Some(&vec![1; rows.len()]), None)?;
            }
            (ColumnWriter::Int64ColumnWriter(writer), Values::LongLists(lists)) => {
                for Levelled { definition, repetition, values } in lists.levelled(rows) {
                    writer.write_batch(&values, Some(&definition), Some(&repetition))?;
                }
            }
            (ColumnWriter::Int32ColumnWriter(writer), Values::ShortLists(lists)) => {
                for Levelled { definition, repetition, values } in lists.levelled(rows) {
                    writer.write_batch(&values, Some(&definition), Some(&repetition))?;
                }
            }
            _ => return Err(ParquetError::General(format!("the column {} changed its type", self.name))),
        }
        let closed = writer.close()?;
        Ok((bytes.into_inner()?.into(), closed))
    }
}

/// Whether each row has a value (1) or not (0), and the values.
fn present<T>(rows: &[Option<T>]) -> (Vec<i16>, impl Iterator<Item = &T>) {
    (rows.iter().map(|row| i16::from(row.is_some())).collect(), rows.iter().flatten())
}

/// So many numbers, and those of one list beyond, get their levels at a time.
const LEVELLED: usize = 1 << 16;

/// Lists as Parquet has them.
struct Levelled<T> {
    /// Of each number 3; of null in a list 2, of an empty list 1, of null for a list 0.
    definition: Vec<i16>,
    /// 0 where a row begins, 1 within.
    repetition: Vec<i16>,
    /// The numbers that are there.
    values: Vec<T>,
}

impl<T: Copy + PartialEq> Lists<T> {
    /// Adds a row.
    pub(crate) fn add(&mut self, list: impl ExactSizeIterator<Item = T>) {
        self.lengths.push(Some(list.len()));
        self.values.extend(list);
    }

    /// These rows, some at a time.
    fn levelled(&self, rows: Range<usize>) -> impl Iterator<Item = Levelled<T>> {
        let numbers = |lengths: &[Option<usize>]| lengths.iter().flatten().sum::<usize>();
        let first = numbers(&self.lengths[..rows.start]);
        let (mut lengths, mut values) = (&self.lengths[rows], &self.values[first..]);
        std::iter::from_fn(move || {
            let mut many = 0;
            let is_enough = |length: &Option<usize>| {
                many += length.unwrap_or(0);
                many >= LEVELLED
            };
            let end = lengths.iter().position(is_enough).map_or(lengths.len(), |last| last + 1);
            let (now, later) = lengths.split_at_checked(end).filter(|(now, _)| !now.is_empty())?;
            let (listed, rest) = values.split_at(numbers(now));
            (lengths, values) = (later, rest);
            Some(self.levels(now, listed))
        })
    }

    /// Rows of these lengths, of these values.
    fn levels(&self, lengths: &[Option<usize>], mut rest: &[T]) -> Levelled<T> {
        let is_there = |value: &T| self.null.as_ref() != Some(value);
        let values = rest.iter().copied().filter(is_there).collect();
        let (mut definition, mut repetition) = (Vec::with_capacity(rest.len()), Vec::with_capacity(rest.len()));
        for length in lengths {
            let (list, after) = rest.split_at(length.unwrap_or(0));
            rest = after;
            repetition.push(0);
            if list.is_empty() {
                definition.push(i16::from(length.is_some()));
                continue;
            }
            repetition.resize(repetition.len() + list.len() - 1, 1);
            definition.extend(list.iter().map(|value| if is_there(value) { 3 } else { 2 }));
        }
        Levelled { definition, repetition, values }
    }
}

/// Row groups on their way into a file.
pub(crate) struct Groups<'a> {
    path: &'a Path,
    writer: SerializedFileWriter<&'a mut Writer>,
}

impl Groups<'_> {
    /// Writes a row group, or several of [`GROUP_ROWS`]; none without a row.
    pub(crate) fn write(&mut self, columns: &[Written]) -> Result<(), WriteError> {
        let rows = columns.first().map_or(0, Written::rows);
        for first in (0..rows).step_by(GROUP_ROWS) {
            let group = first..(first + GROUP_ROWS).min(rows);
            self.write_group(columns, group).map_err(|error| WriteError::table(self.path, error))?;
        }
        Ok(())
    }

    fn write_group(&mut self, columns: &[Written], rows: Range<usize>) -> Result<()> {
        let properties = self.writer.properties().clone();
        let described = self.writer.schema_descr().columns().to_vec();
        let encoded = columns
            .par_iter()
            .zip(described)
            .map(|(column, described)| column.encode(rows.clone(), described, properties.clone()));
        let encoded: Vec<_> = encoded.collect::<Result<_>>()?;
        let mut group = self.writer.next_row_group()?;
        for (bytes, closed) in encoded {
            group.append_column(&bytes, closed)?;
        }
        group.close()?;
        Ok(())
    }
}

/// Writes a file of the row groups that `fill` writes one after the other, packed with zstd; they have columns of the names and types of
/// `alike`, and `entry` is its metadata. The same groups give the same bytes. The file that was there before stays where anything fails.
pub(crate) fn write_groups<E: From<WriteError>>(
    path: &Path,
    alike: &[Written],
    entry: Option<(String, String)>,
    fill: impl FnOnce(&mut Groups<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let failed = |error| E::from(WriteError::table(path, error));
    let fields = alike.iter().map(|column| column.parquet_type().map(Arc::new)).collect::<Result<Vec<TypePtr>>>();
    let schema = fields.and_then(|fields| Type::group_type_builder("root").with_fields(fields).build());
    let schema = Arc::new(schema.map_err(failed)?);
    let entries = entry.into_iter().chain([(ARROW_ENTRY.to_owned(), arrow_schema(alike))]);
    let entries = entries.map(|(key, text)| KeyValue::new(key, text)).collect();
    let properties = Arc::new(properties(alike, entries));
    replace_file(
        path,
        |error| E::from(WriteError::io(path, error)),
        |file| {
            let writer = SerializedFileWriter::new(file, schema, properties).map_err(failed)?;
            let mut groups = Groups { path, writer };
            fill(&mut groups)?;
            groups.writer.close().map_err(failed)?;
            Ok(())
        },
    )
}

fn properties(columns: &[Written], entries: Vec<KeyValue>) -> WriterProperties {
    let level = ZstdLevel::try_new(ZSTD_LEVEL).expect("zstd has it");
    let properties = WriterProperties::builder()
        .set_created_by(concat!("wfkit version ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_key_value_metadata(Some(entries))
        .set_compression(Compression::ZSTD(level))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true);
    // Times are all different: a dictionary of them is only begun and thrown away.
    let differ = columns.iter().filter(|column| matches!(column.values, Values::LongLists(_)));
    let path =
        |column: &Written| ColumnPath::from([&column.name, "list", "element"].map(|part| (*part).to_owned()).to_vec());
    differ.fold(properties, |all, column| all.set_column_dictionary_enabled(path(column), false)).build()
}

/// The schema of Arrow, as a message of a stream of Arrow in Base64.
fn arrow_schema(columns: &[Written]) -> String {
    let schema = Schema::new(columns.iter().map(Written::arrow_type).collect::<Vec<_>>());
    let stream =
        StreamWriter::try_new(Vec::new(), &schema).expect("a schema of plain types, and memory, have no failure");
    base64::prelude::BASE64_STANDARD.encode(stream.get_ref())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parquet_file::{Number, ParquetFile};

    fn three() -> Lists<i32> {
        let mut lists = Lists { null: Some(-1), ..Lists::default() };
        lists.add([7, -1, 8].into_iter());
        lists.lengths.push(None);
        lists.add([].into_iter());
        lists.add([-1].into_iter());
        lists
    }

    #[test]
    fn levels_tell_null_in_a_list_from_an_empty_list_from_no_list() {
        let levels = |rows| {
            let all: Vec<_> = three().levelled(rows).collect();
            let [Levelled { definition, repetition, values }] = <[_; 1]>::try_from(all).ok().unwrap();
            (definition, repetition, values)
        };
        assert_eq!(levels(0..4), (vec![3, 2, 3, 0, 1, 2], vec![0, 1, 1, 0, 0, 0], vec![7, 8]));
        assert_eq!(levels(2..4), (vec![1, 2], vec![0, 0], vec![]));
        assert_eq!(three().levelled(4..4).count(), 0);
    }

    #[test]
    fn groups_have_so_many_rows_at_most_and_all_rows_come_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.parquet");
        let rows = GROUP_ROWS + 3;
        let mut lists = Lists { null: None, ..Lists::default() };
        // More than what gets its levels at a time.
        (0..rows).for_each(|row| lists.add((0..row % 3).map(|at| (row + at) as i64)));
        let columns = [
            Written::texts("text", (0..rows).map(|row| if row % 2 == 0 { "even" } else { "odd" })),
            Written::wholes("whole", (0..rows).map(|row| row as i64)),
            Written::new("list", Values::LongLists(lists)),
        ];
        write_groups(&path, &columns, None, |groups| groups.write(&columns)).unwrap();
        let mut file = ParquetFile::open(&path).unwrap();
        assert_eq!(file.rows_of_groups(), [GROUP_ROWS, 3]);
        let whole = |number| match number {
            Number::Whole(number) => Ok(number as i64),
            Number::Float(_) => Err("a float"),
        };
        let wholes = file.column("whole").unwrap().numbers(whole).unwrap();
        assert!(wholes.iter().copied().eq((0..rows).map(|row| Some(row as i64))));
        file.look_at(1..2);
        let last = GROUP_ROWS as i64..rows as i64;
        let expected: Vec<Vec<i64>> = last.map(|row| (0..row % 3).map(|at| row + at).collect()).collect();
        assert_eq!(file.column("list").unwrap().lists(whole, None).unwrap(), expected);
        let texts = file.column("text").unwrap().texts().unwrap();
        assert_eq!(texts, ["even", "odd", "even"].map(|text| Some(text.to_owned())));
    }
}
