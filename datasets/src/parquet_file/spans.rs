//! Which columns hold spans of time. Parquet has no such type: only Arrow's own words, which most libraries write beside, tell a count of microseconds
//! from any other number.

use std::collections::HashMap;

use arrow_ipc::convert::try_schema_from_ipc_buffer;
use arrow_schema::{DataType, TimeUnit};
use base64::Engine as _;
use parquet::file::metadata::FileMetaData;

use super::writer::ARROW_ENTRY;
use crate::caught::caught;

/// The unit of every column of spans of time, or of lists of them, by name; none where the file does not say, or says what is no schema.
pub(super) fn spans(metadata: &FileMetaData) -> HashMap<String, TimeUnit> {
    let entries = metadata.key_value_metadata().into_iter().flatten();
    let said = entries.filter(|entry| entry.key == ARROW_ENTRY).find_map(|entry| entry.value.as_ref());
    let bytes = said.and_then(|text| base64::prelude::BASE64_STANDARD.decode(text).ok()).unwrap_or_default();
    let Some(Ok(schema)) = caught(|| try_schema_from_ipc_buffer(&bytes)) else { return HashMap::new() };
    let unit = |kind: &DataType| match kind {
        DataType::Duration(unit) => Some(*unit),
        _ => None,
    };
    let of_field = |kind: &DataType| match kind {
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::FixedSizeList(item, _)
        | DataType::ListView(item)
        | DataType::LargeListView(item) => unit(item.data_type()),
        kind => unit(kind),
    };
    let fields = schema.fields().iter();
    fields.filter_map(|field| Some((field.name().clone(), of_field(field.data_type())?))).collect()
}

/// What the unit is called.
pub(super) fn unit_name(unit: TimeUnit) -> &'static str {
    match unit {
        TimeUnit::Second => "s",
        TimeUnit::Millisecond => "ms",
        TimeUnit::Microsecond => "us",
        TimeUnit::Nanosecond => "ns",
    }
}
