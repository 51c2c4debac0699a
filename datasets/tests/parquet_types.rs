//! Parquet as other libraries write it: every width of whole numbers, and columns of every other type beside ours.

#![allow(clippy::unwrap_used, reason = "a test that fails")]

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_ipc::writer::StreamWriter;
use arrow_schema::{DataType as ArrowType, Field, Schema, TimeUnit};
use base64::Engine as _;
use parquet::data_type::{ByteArray, ByteArrayType, DataType, Int32Type, Int64Type};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{WriterProperties, WriterVersion};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use wfkit_datasets::read_traces;

/// Writes the next column: its values, and their levels where it has any.
fn column<D: DataType>(group: &mut SerializedRowGroupWriter<'_, File>, values: &[D::T], levels: Option<[&[i16]; 2]>) {
    let mut writer = group.next_column().unwrap().unwrap();
    let [definitions, repetitions] = levels.map_or([None, None], |levels| levels.map(Some));
    writer.typed::<D>().write_batch(values, definitions, repetitions).unwrap();
    writer.close().unwrap();
}

/// Two traces, `a` and `b`, with lists of these Parquet types, and a column of another type before and behind.
fn write(path: &Path, times: &str, sizes: &str, foreign: &str, version: WriterVersion) {
    write_saying(path, [times, sizes, foreign], version, None);
}

/// The same, with a schema in Arrow's words beside.
fn write_saying(path: &Path, [times, sizes, foreign]: [&str; 3], version: WriterVersion, words: Option<String>) {
    let list = |name: &str, element: &str| {
        format!("optional group {name} (LIST) {{ repeated group list {{ optional {element}; }} }}")
    };
    let schema = format!(
        "message traces {{ required {foreign}; required binary class (UTF8); required int64 rep; {} {} }}",
        list("time_ns", times),
        list("size", sizes)
    );
    let schema = Arc::new(parse_message_type(&schema).unwrap());
    let words = words.map(|words| vec![KeyValue::new("ARROW:schema".to_owned(), words)]);
    let properties = WriterProperties::builder().set_writer_version(version).set_key_value_metadata(words);
    let properties = Arc::new(properties.build());
    let mut file = SerializedFileWriter::new(File::create(path).unwrap(), schema, properties).unwrap();
    let mut group = file.next_row_group().unwrap();
    match foreign.starts_with("int64") {
        true => column::<Int64Type>(&mut group, &[7, 8], None),
        false => column::<Int32Type>(&mut group, &[7, 8], None),
    }
    column::<ByteArrayType>(&mut group, &["a", "b"].map(ByteArray::from), None);
    column::<Int64Type>(&mut group, &[1, 2], None);
    let levels: [&[i16]; 2] = [&[3, 3, 3], &[0, 1, 0]];
    for (element, values) in [(times, [0, 5, 0]), (sizes, [100, -100, -3])] {
        match element.starts_with("int64") {
            true => column::<Int64Type>(&mut group, &values.map(i64::from), Some(levels)),
            false => column::<Int32Type>(&mut group, &values, Some(levels)),
        }
    }
    group.close().unwrap();
    file.close().unwrap();
}

#[test]
fn whole_numbers_of_every_width_beside_columns_of_every_type() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.parquet");
    let signed =
        ["int32 element (INTEGER(8,true))", "int32 element (INTEGER(16,true))", "int32 element", "int64 element"];
    let unsigned =
        ["int32 element (INTEGER(8,false))", "int32 element (INTEGER(16,false))", "int64 element (INTEGER(64,false))"];
    let foreign = [
        "int32 x (DATE)",
        "int32 x (DECIMAL(9,2))",
        "int64 x (DECIMAL(18,2))",
        "int64 x (TIMESTAMP(NANOS,true))",
        "int32 x (TIME(MILLIS,true))",
        "int64 x",
    ];
    for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
        for times in signed.iter().chain(&unsigned) {
            for sizes in signed {
                for foreign in foreign {
                    write(&path, times, sizes, foreign, version);
                    let read =
                        read_traces(&path).unwrap_or_else(|error| panic!("{times}, {sizes}, {foreign}: {error}"));
                    let traces = read.set.traces();
                    let packets: Vec<_> = traces.iter().map(|one| one.trace.packets().collect::<Vec<_>>()).collect();
                    assert_eq!(packets, [vec![(0, 100), (5, -100)], vec![(0, -3)]], "{times}, {sizes}");
                    assert_eq!(read.dropped["unknown column"], 1);
                }
            }
        }
    }
}

#[test]
fn what_is_refused_is_named_with_column_and_type() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.parquet");
    for (sizes, found) in [
        ("int32 element (DATE)", "lists of date"),
        ("int32 element (DECIMAL(9,2))", "lists of decimal"),
        ("int64 element (TIMESTAMP(NANOS,true))", "lists of date and time"),
        ("int32 element (TIME(MILLIS,true))", "lists of time of day"),
    ] {
        write(&path, "int64 element", sizes, "int64 x", WriterVersion::PARQUET_1_0);
        let error = read_traces(&path).unwrap_err().to_string();
        assert!(error.ends_with(&format!("column size holds {found}, expected lists of whole numbers")), "{error}");
    }
}

/// Times that libraries keep as spans are counts of units that only Arrow's words beside them tell.
#[test]
fn spans_of_time_are_read_in_nanoseconds_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.parquet");
    let write = |unit| {
        let spans = ArrowType::LargeList(Arc::new(Field::new("item", ArrowType::Duration(unit), true)));
        let stream = StreamWriter::try_new(Vec::new(), &Schema::new(vec![Field::new("time_ns", spans, true)])).unwrap();
        let words = base64::prelude::BASE64_STANDARD.encode(stream.get_ref());
        write_saying(&path, ["int64 element", "int32 element", "int32 other"], WriterVersion::PARQUET_1_0, Some(words));
    };
    write(TimeUnit::Nanosecond);
    assert_eq!(read_traces(&path).unwrap().set.traces()[0].trace.time_ns(), [0, 5]);
    for (unit, name) in [(TimeUnit::Microsecond, "us"), (TimeUnit::Millisecond, "ms"), (TimeUnit::Second, "s")] {
        write(unit);
        let error = read_traces(&path).unwrap_err().to_string();
        let expected =
            format!("column time_ns holds lists of spans of time in {name}, expected lists of whole numbers");
        assert!(error.ends_with(&expected), "{error}");
    }
    // What is no schema says nothing.
    for words in ["", "!", "AAAA", "/////wAAAAA="] {
        write_saying(
            &path,
            ["int64 element", "int32 element", "int32 other"],
            WriterVersion::PARQUET_1_0,
            Some(words.to_owned()),
        );
        assert_eq!(read_traces(&path).unwrap().set.packets(), 3);
    }
}
