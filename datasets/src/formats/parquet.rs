//! The native format: Parquet, one row a trace.

use std::path::Path;

use polars::prelude::{
    DataType, Int32Type, Int64Type, IntoColumn, IntoSeries, ListBuilderTrait, ListPrimitiveChunkedBuilder,
};

use super::{ReadError, WriteError};
use crate::frame::{Frame, LABELS, label_columns, write_parquet};
use crate::{FileKind, Label, LabelledTrace, Layer, MixedClass, Provenance, SIZE, TIME, Trace, TraceError, TraceSet};

/// What a Parquet file holds.
pub(super) struct ParquetTraces {
    pub(super) traces: Vec<LabelledTrace>,
    pub(super) provenance: Provenance,
    /// Columns that are none of ours.
    pub(super) unknown_columns: u64,
    /// Classes that were written in more than one way.
    pub(super) mixed: Vec<MixedClass>,
}

/// Reads `class, rep, time_ns, size` and, where they are there, `session, origin, page, start_ns`; other columns are passed over.
pub(super) fn read_parquet_traces(path: &Path) -> Result<ParquetTraces, ReadError> {
    let frame = Frame::read(path)?;
    check_kind(path, &frame)?;
    let (labels, mixed) = frame.labels_and_mixed()?;
    let (times, sizes) = rayon::join(
        || frame.integer_lists(TIME, |time| u64::try_from(time).map_err(|_| "a negative time")),
        || frame.integer_lists(SIZE, |size| i32::try_from(size).map_err(|_| "a size beyond 32 bits")),
    );
    let (times, sizes) = (times?, sizes?);
    let mut traces = Vec::with_capacity(labels.len());
    for (row, (label, (time_ns, size))) in labels.into_iter().zip(times.into_iter().zip(sizes)).enumerate() {
        let trace = Trace::new(time_ns, size).map_err(|error| {
            let (column, value) = culprit(&error);
            frame.value(row, column, value, format!("the trace ({}): {error}", label.key))
        })?;
        let Label { key, origin, page, start_ns, .. } = label;
        traces.push(LabelledTrace { key, origin, page, start_ns, trace });
    }
    let known = |name: &&str| LABELS.contains(name) || [TIME, SIZE].contains(name);
    let unknown_columns = frame.names().filter(|name| !known(name)).count() as u64;
    Ok(ParquetTraces { traces, provenance: provenance(path, &frame)?, unknown_columns, mixed })
}

/// That the table holds traces, as far as it says what it holds.
fn check_kind(path: &Path, frame: &Frame<'_>) -> Result<(), ReadError> {
    let found = match FileKind::of_table(frame) {
        Some(FileKind::Traces) => return Ok(()),
        Some(kind) => kind.to_string(),
        None if frame.names().any(|name| name.eq_ignore_ascii_case("ppi")) => {
            format!(
                "flows of CESNET, one a row (column ppi: times, directions and sizes in one){}",
                super::foreign::HOW
            )
        }
        // The first column that is missing is named.
        None => return Ok(()),
    };
    Err(ReadError::Unrecognised { path: path.to_owned(), found, expected: super::traces::READABLE })
}

/// The column and the value that make two columns no trace.
fn culprit(error: &TraceError) -> (&'static str, String) {
    match error {
        TraceError::Empty => (TIME, "[]".to_owned()),
        TraceError::Lengths { sizes, .. } => (SIZE, format!("{sizes} values")),
        TraceError::Start { time_ns } | TraceError::Order { time_ns, .. } => (TIME, time_ns.to_string()),
        TraceError::ZeroSize { .. } => (SIZE, "0".to_owned()),
    }
}

fn provenance(path: &Path, frame: &Frame<'_>) -> Result<Provenance, ReadError> {
    match &frame.metadata {
        Some(json) => serde_json::from_str(json)
            .map_err(|error| ReadError::damaged(path, format!("the metadata entry wfkit is no provenance: {error}"))),
        None => Ok(Provenance::new(Layer::Unknown, vec![super::file_name(path)])),
    }
}

/// What the metadata of a file of traces says.
#[derive(serde::Serialize)]
struct Entry<'a> {
    kind: FileKind,
    #[serde(flatten)]
    provenance: &'a Provenance,
}

pub(super) fn write_parquet_traces(path: &Path, set: &TraceSet) -> Result<(), WriteError> {
    let (rows, packets) = (set.len(), set.packets());
    let mut times = ListPrimitiveChunkedBuilder::<Int64Type>::new(TIME.into(), rows, packets, DataType::Int64);
    let mut sizes = ListPrimitiveChunkedBuilder::<Int32Type>::new(SIZE.into(), rows, packets, DataType::Int32);
    let mut signed = Vec::new();
    for LabelledTrace { key, trace, .. } in set.traces() {
        // Times do not decrease: if the last fits, all do.
        if i64::try_from(trace.duration_ns()).is_err() {
            let reason = format!("{} ns do not fit 64 bits with a sign", trace.duration_ns());
            return Err(WriteError::Trace { path: path.to_owned(), key: Box::new(key.clone()), reason });
        }
        signed.clear();
        signed.extend(trace.time_ns().iter().map(|&time_ns| time_ns as i64));
        times.append_slice(&signed);
        sizes.append_slice(trace.size());
    }
    // Packets stand beside, so that nothing else need tell traces apart.
    let label = |labelled: &LabelledTrace| Label {
        origin: labelled.origin.clone(),
        page: labelled.page.clone(),
        ..Label::new(labelled.key.clone(), labelled.start_ns)
    };
    let mut columns = label_columns(&set.traces().iter().map(label).collect::<Vec<_>>());
    columns.push(times.finish().into_series().into_column());
    columns.push(sizes.finish().into_series().into_column());
    let entry = Entry { kind: FileKind::Traces, provenance: set.provenance() };
    let provenance = serde_json::to_string(&entry).expect("strings and lists of them have a JSON form");
    write_parquet(path, columns, Some(provenance))
}
