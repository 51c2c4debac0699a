//! Test files: traces to classify, known by an id alone.

use std::path::Path;

use wfkit_datasets::formats::{
    KeyColumn, ReadError, ReadLimits, Source, WriteError, read_packet_csv, write_packet_csv,
};
use wfkit_datasets::{Trace, TraceKey, TraceSet};

use crate::defense::labelled;

/// The class of a trace whose class is not known: what a test file asks for.
pub const UNKNOWN_CLASS: &str = "?";

const ID: &str = "capture_id";

/// Reads a test file (`capture_id,direction_size,timestamp`): every trace has the class [`UNKNOWN_CLASS`] and its `capture_id`
/// as `rep`, so that the set is in the order of the ids.
///
/// # Errors
/// Whatever is wrong row by row.
pub fn read_captures<'a>(source: impl Into<Source<'a>>, limits: &ReadLimits) -> Result<TraceSet, ReadError> {
    let source = source.into();
    let path = source.name();
    let traces = read_packet_csv(source, &[KeyColumn::integer(ID)], limits)?.checked(path)?;
    let key = |fields: &[String]| {
        let rep = fields[0].parse().expect("the column holds whole numbers");
        TraceKey { class: UNKNOWN_CLASS.to_owned(), rep, session: None }
    };
    labelled(path, traces, key)
}

/// The ids of a set that [`read_captures`] gave, in its order.
pub fn capture_ids(set: &TraceSet) -> Vec<i64> {
    set.traces().iter().map(|labelled| labelled.key.rep).collect()
}

pub(crate) fn write_captures<'a>(
    path: &Path,
    traces: impl IntoIterator<Item = (i64, &'a Trace)>,
) -> Result<(), WriteError> {
    write_packet_csv(path, &[ID], traces.into_iter().map(|(id, trace)| (vec![id.to_string()], trace)))
}
