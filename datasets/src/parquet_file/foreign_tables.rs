//! Tables of columns of any type, as other tools write them, for tests.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

/// A column with its values, which lie in none, one or two lists.
#[derive(Clone)]
pub(crate) struct Foreign {
    pub(crate) name: String,
    /// As Parquet's schemas are written, with `{}` for its name.
    leaf: String,
    lists: usize,
    definition: Vec<i16>,
    repetition: Vec<i16>,
    values: Leaf,
}

#[derive(Clone)]
pub(crate) enum Leaf {
    Truth(Vec<bool>),
    Short(Vec<i32>),
    Long(Vec<i64>),
    Single(Vec<f32>),
    Double(Vec<f64>),
    Text(Vec<ByteArray>),
}

/// A type of Rust that is one of Parquet.
pub(crate) trait Native: Copy {
    /// As Parquet's schemas are written, with `{}` for the name.
    const LEAF: &'static str;
    fn leaf(values: Vec<Self>) -> Leaf;
}

macro_rules! native {
    ($($kind:ty, $leaf:literal, $variant:ident, $convert:expr;)*) => {$(
        impl Native for $kind {
            const LEAF: &'static str = $leaf;
            fn leaf(values: Vec<Self>) -> Leaf {
                Leaf::$variant(values.into_iter().map($convert).collect())
            }
        }
    )*};
}

native! {
    bool, "boolean {}", Truth, |truth| truth;
    i32, "int32 {}", Short, |number| number;
    u32, "int32 {} (INTEGER(32,false))", Short, |number| number as i32;
    i64, "int64 {}", Long, |number| number;
    u64, "int64 {} (INTEGER(64,false))", Long, |number| number as i64;
    f32, "float {}", Single, |number| number;
    f64, "double {}", Double, |number| number;
    &str, "binary {} (STRING)", Text, ByteArray::from;
}

/// A value in every row.
pub(crate) fn flat<T: Native>(name: &str, rows: impl IntoIterator<Item = T>) -> Foreign {
    flat_or_null(name, rows.into_iter().map(Some))
}

/// A value or null in every row.
pub(crate) fn flat_or_null<T: Native>(name: &str, rows: impl IntoIterator<Item = Option<T>>) -> Foreign {
    let rows: Vec<Option<T>> = rows.into_iter().collect();
    Foreign {
        name: name.to_owned(),
        leaf: T::LEAF.to_owned(),
        lists: 0,
        definition: rows.iter().map(|row| i16::from(row.is_some())).collect(),
        repetition: vec![0; rows.len()],
        values: T::leaf(rows.into_iter().flatten().collect()),
    }
}

/// A list in every row.
pub(crate) fn lists<T: Native>(name: &str, rows: impl IntoIterator<Item = Vec<T>>) -> Foreign {
    lists_or_null(name, rows.into_iter().map(|row| Some(row.into_iter().map(Some).collect())))
}

/// A list, with nulls in it, or null in every row.
pub(crate) fn lists_or_null<T: Native>(name: &str, rows: impl IntoIterator<Item = Option<Vec<Option<T>>>>) -> Foreign {
    let (mut definition, mut repetition, mut values) = (Vec::new(), Vec::new(), Vec::new());
    for row in rows {
        let list = row.as_deref().unwrap_or(&[]);
        if list.is_empty() {
            definition.push(i16::from(row.is_some()));
            repetition.push(0);
        }
        for (at, value) in list.iter().enumerate() {
            definition.push(2 + i16::from(value.is_some()));
            repetition.push(i16::from(at > 0));
            values.extend(value);
        }
    }
    Foreign {
        name: name.to_owned(),
        leaf: T::LEAF.to_owned(),
        lists: 1,
        definition,
        repetition,
        values: T::leaf(values),
    }
}

/// Lists of lists of one number each: so many in every row.
pub(crate) fn nested(name: &str, rows: &[usize]) -> Foreign {
    let numbers = rows.iter().sum::<usize>();
    Foreign {
        name: name.to_owned(),
        leaf: i64::LEAF.to_owned(),
        lists: 2,
        definition: vec![5; numbers],
        repetition: rows.iter().flat_map(|&lists| (0..lists).map(|at| i16::from(at > 0))).collect(),
        values: i64::leaf((0..numbers as i64).collect()),
    }
}

impl Foreign {
    fn schema(&self) -> String {
        let inner = self.leaf.replace("{}", if self.lists == 0 { &self.name } else { "element" });
        (0..self.lists).rev().fold(format!("optional {inner};"), |inner, depth| {
            let name = if depth == 0 { &self.name } else { "element" };
            format!("optional group {name} (LIST) {{ repeated group list {{ {inner} }} }}")
        })
    }

    fn write(&self, writer: &mut ColumnWriter<'_>) {
        let levels = (Some(&self.definition[..]), (self.lists > 0).then_some(&self.repetition[..]));
        let written = match (writer, &self.values) {
            (ColumnWriter::BoolColumnWriter(writer), Leaf::Truth(values)) => {
                writer.write_batch(values, levels.0, levels.1)
            }
            (ColumnWriter::Int32ColumnWriter(writer), Leaf::Short(values)) => {
                writer.write_batch(values, levels.0, levels.1)
            }
            (ColumnWriter::Int64ColumnWriter(writer), Leaf::Long(values)) => {
                writer.write_batch(values, levels.0, levels.1)
            }
            (ColumnWriter::FloatColumnWriter(writer), Leaf::Single(values)) => {
                writer.write_batch(values, levels.0, levels.1)
            }
            (ColumnWriter::DoubleColumnWriter(writer), Leaf::Double(values)) => {
                writer.write_batch(values, levels.0, levels.1)
            }
            (ColumnWriter::ByteArrayColumnWriter(writer), Leaf::Text(values)) => {
                writer.write_batch(values, levels.0, levels.1)
            }
            _ => panic!("{}: {}", self.name, self.leaf),
        };
        written.unwrap();
    }
}

/// Writes all in one row group, in pages of about so many bytes.
pub(crate) fn write_foreign(path: &Path, columns: &[Foreign], metadata: Option<&str>, page_bytes: usize) {
    let fields: String = columns.iter().map(Foreign::schema).collect();
    let schema = Arc::new(parse_message_type(&format!("message root {{ {fields} }}")).unwrap());
    let entry = metadata.map(|text| vec![KeyValue::new("wfkit".to_owned(), text.to_owned())]);
    let properties = WriterProperties::builder()
        .set_key_value_metadata(entry)
        .set_data_page_size_limit(page_bytes)
        .set_write_batch_size(page_bytes / 8)
        .build();
    let mut writer = SerializedFileWriter::new(File::create(path).unwrap(), schema, Arc::new(properties)).unwrap();
    let mut group = writer.next_row_group().unwrap();
    for column in columns {
        let mut into = group.next_column().unwrap().unwrap();
        column.write(into.untyped());
        into.close().unwrap();
    }
    group.close().unwrap();
    writer.close().unwrap();
}
