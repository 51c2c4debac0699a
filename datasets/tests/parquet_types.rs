//! Parquet as other libraries write it: every width of whole numbers, and columns of every other type beside ours.

#![allow(clippy::unwrap_used, reason = "a test that fails")]

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use parquet::data_type::{ByteArray, ByteArrayType, DataType, Int32Type, Int64Type};
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
    let list = |name: &str, element: &str| {
        format!("optional group {name} (LIST) {{ repeated group list {{ optional {element}; }} }}")
    };
    let schema = format!(
        "message traces {{ required {foreign}; required binary class (UTF8); required int64 rep; {} {} }}",
        list("time_ns", times),
        list("size", sizes)
    );
    let schema = Arc::new(parse_message_type(&schema).unwrap());
    let properties = Arc::new(WriterProperties::builder().set_writer_version(version).build());
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
