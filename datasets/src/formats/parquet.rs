//! The native format: Parquet, one row a trace.

use std::path::Path;

use wfkit_metrics::{Observer, Work};

use super::foreign::ROW_A_PACKET;
use super::{ReadError, WriteError};
use crate::frame::{Frame, LABELS, label_columns, write_parquet_groups};
use crate::parquet_file::{GROUP_ROWS, Groups, Lists, MOST_LISTED, Values, Written};
use crate::{
    FileKind, Label, LabelledTrace, Layer, MixedClass, NOT_KNOWN, PacketColumn, Provenance, SIZE, TIME, Trace,
    TraceError, TraceSet,
};

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
pub(super) fn read_parquet_traces(path: &Path, observer: &dyn Observer) -> Result<ParquetTraces, ReadError> {
    let frame = Frame::read(path)?;
    check_kind(path, &frame)?;
    let work = Work::begin(observer, "reading", LISTS * frame.rows());
    let frame = frame.told_to(&work);
    let (traces, mixed) = rows_of(&frame)?;
    Ok(ParquetTraces { traces, provenance: provenance(path, &frame)?, unknown_columns: unknown_columns(&frame), mixed })
}

/// Columns of lists that every file of traces has: times and sizes.
const LISTS: usize = 2;

/// The traces of the rows that are looked at, and the classes that were written in more than one way.
pub(super) fn rows_of(frame: &Frame<'_>) -> Result<(Vec<LabelledTrace>, Vec<MixedClass>), ReadError> {
    let (labels, mixed) = frame.labels_and_mixed()?;
    let (times, sizes) = rayon::join(
        || frame.integer_lists(TIME, |time| u64::try_from(time).map_err(|_| "a negative time")),
        || frame.integer_lists(SIZE, |size| i32::try_from(size).map_err(|_| "a size beyond 32 bits")),
    );
    let (times, sizes) = (times?, sizes?);
    let mut columns = packet_columns(frame)
        .into_iter()
        .map(|column| {
            let whole = |value| i16::try_from(value).map_err(|_| "beyond 16 bits");
            Ok((column, frame.integer_lists_or(column.name(), whole, NOT_KNOWN)?.into_iter()))
        })
        .collect::<Result<Vec<_>, ReadError>>()?;
    let mut traces = Vec::with_capacity(labels.len());
    for (row, (label, (time_ns, size))) in labels.into_iter().zip(times.into_iter().zip(sizes)).enumerate() {
        let wrong = |error: TraceError| {
            let (column, value) = culprit(&error);
            frame.value(row, column, value, format!("the trace ({}): {error}", label.key))
        };
        let mut trace = Trace::new(time_ns, size).map_err(wrong)?;
        for (column, rows) in &mut columns {
            // A trace of which nothing is known has no list, or an empty one.
            if let Some(values) = rows.next().filter(|values| !values.is_empty()) {
                trace = trace.with_column(*column, values).map_err(wrong)?;
            }
        }
        let Label { key, origin, page, start_ns, .. } = label;
        traces.push(LabelledTrace { key, origin, page, start_ns, trace });
    }
    Ok((traces, mixed))
}

/// The columns of packets that are there. What has the name of one and holds something else than lists of numbers is somebody's own.
fn packet_columns(frame: &Frame<'_>) -> Vec<PacketColumn> {
    PacketColumn::ALL.into_iter().filter(|column| frame.has_lists(column.name())).collect()
}

/// How many columns are none of ours.
pub(super) fn unknown_columns(frame: &Frame<'_>) -> u64 {
    let columns = packet_columns(frame);
    let is_column = |name: &str| columns.iter().any(|column| column.name() == name);
    let known = |name: &&str| LABELS.contains(name) || [TIME, SIZE].contains(name) || is_column(name);
    frame.names().filter(|name| !known(name)).count() as u64
}

/// That the table holds traces, as far as it says what it holds.
pub(super) fn check_kind(path: &Path, frame: &Frame<'_>) -> Result<(), ReadError> {
    let found = match FileKind::of_table(frame) {
        Some(FileKind::Traces) => return Ok(()),
        _ if frame.metadata.is_none() && has_a_row_a_packet(frame) => ROW_A_PACKET.to_owned(),
        Some(kind) => kind.to_string(),
        // The first column that is missing is named.
        None => return Ok(()),
    };
    Err(ReadError::Unrecognised { path: path.to_owned(), found, expected: super::error::READABLE })
}

/// Whether times and sizes stand alone, not in lists.
fn has_a_row_a_packet(frame: &Frame<'_>) -> bool {
    const TIMES: [&str; 5] = ["time", "time_ns", "timestamp", "t", "ts"];
    const SIZES: [&str; 7] = ["size", "direction_size", "direction", "length", "len", "bytes", "packet_length"];
    let has = |names: &[&str]| frame.names().any(|name| names.contains(&name.to_lowercase().as_str()));
    has(&TIMES) && has(&SIZES) && ![TIME, SIZE].iter().any(|name| frame.has_lists(name))
}

/// The column and the value that make two columns no trace.
fn culprit(error: &TraceError) -> (&'static str, String) {
    match error {
        TraceError::Column { column, values, .. } => (column.name(), format!("{values} values")),
        TraceError::Empty => (TIME, "[]".to_owned()),
        TraceError::Lengths { sizes, .. } => (SIZE, format!("{sizes} values")),
        TraceError::Start { time_ns } | TraceError::Order { time_ns, .. } => (TIME, time_ns.to_string()),
        TraceError::ZeroSize { .. } => (SIZE, "0".to_owned()),
    }
}

pub(super) fn provenance(path: &Path, frame: &Frame<'_>) -> Result<Provenance, ReadError> {
    let provenance = match &frame.metadata {
        Some(json) => serde_json::from_str(json)
            .map_err(|error| ReadError::damaged(path, format!("the metadata entry wfkit is no provenance: {error}")))?,
        None => Provenance::new(Layer::Unknown, vec![super::file_name(path)]),
    };
    // Whoever changed the table changed its columns, not what it says of them.
    Ok(Provenance { packet_columns: packet_columns(frame), ..provenance })
}

/// What the metadata of a file of traces says.
#[derive(serde::Serialize)]
struct Entry<'a> {
    kind: FileKind,
    #[serde(flatten)]
    provenance: &'a Provenance,
}

/// So many bytes of packets make a row group, of which a reader needs to hold no more than one; of times and sizes alone, 12 bytes a packet, they
/// are 4 million packets.
const GROUP_BYTES: usize = 12 << 22;

/// And no more than so many, but of a trace that has more by itself: one that would go beyond begins a group of its own.
const MOST_GROUP_BYTES: usize = 64_000_000;

pub(super) fn write_parquet_traces(path: &Path, set: &TraceSet) -> Result<(), WriteError> {
    write_parquet_in_parts(path, set.provenance(), |sink| set.traces().iter().try_for_each(|trace| sink.add(trace)))
}

/// Writes the traces that `fill` adds, in their order, without ever holding more of them than a row group. The same traces give the same
/// bytes, whatever parts they come in.
///
/// # Errors
/// Another extension than `.parquet`; a trace that lasts longer than 2^63 ns; what `fill` fails with, and what the system refuses. The file
/// that was there before stays where anything fails.
pub fn write_parquet_in_parts<E: From<WriteError>>(
    path: &Path,
    provenance: &Provenance,
    fill: impl FnOnce(&mut TraceSink<'_, '_>) -> Result<(), E>,
) -> Result<(), E> {
    let name = super::file_name(path);
    if !name.to_ascii_lowercase().ends_with(".parquet") {
        return Err(WriteError::Extension { path: path.to_owned(), extension: name, expected: ".parquet" }.into());
    }
    let entry = Entry { kind: FileKind::Traces, provenance };
    let metadata = serde_json::to_string(&entry).expect("strings and lists of them have a JSON form");
    let columns = Columns::new(&provenance.packet_columns);
    write_parquet_groups(path, &columns.anew().finish(), Some(metadata), |groups| {
        let mut sink = TraceSink { path, groups, columns };
        fill(&mut sink)?;
        Ok(sink.write()?)
    })
}

/// Takes traces on their way into a file.
pub struct TraceSink<'a, 'file> {
    path: &'a Path,
    groups: &'a mut Groups<'file>,
    columns: Columns,
}

impl TraceSink<'_, '_> {
    /// Adds a trace.
    ///
    /// # Errors
    /// One that lasts longer than 2^63 ns, or has more than 2^28 packets, which nothing reads back; what the system refuses.
    pub fn add(&mut self, labelled: &LabelledTrace) -> Result<(), WriteError> {
        // Times do not decrease: if the last fits, all do.
        if i64::try_from(labelled.trace.duration_ns()).is_err() {
            let reason = format!("{} ns do not fit 64 bits with a sign", labelled.trace.duration_ns());
            let (path, key) = (self.path.to_owned(), Box::new(labelled.key.clone()));
            return Err(WriteError::Trace { path, key, reason });
        }
        if labelled.trace.len() as u64 > MOST_LISTED {
            let reason =
                format!("{} packets are more than the {MOST_LISTED} that a trace may have", labelled.trace.len());
            let (path, key) = (self.path.to_owned(), Box::new(labelled.key.clone()));
            return Err(WriteError::Trace { path, key, reason });
        }
        if !self.columns.labels.is_empty() && self.columns.bytes_with(labelled.trace.len()) > MOST_GROUP_BYTES {
            self.write()?;
        }
        self.columns.add(labelled);
        if self.columns.bytes() >= GROUP_BYTES || self.columns.labels.len() == GROUP_ROWS {
            self.write()
        } else {
            Ok(())
        }
    }

    fn write(&mut self) -> Result<(), WriteError> {
        let anew = self.columns.anew();
        self.groups.write(&std::mem::replace(&mut self.columns, anew).finish())
    }
}

/// Traces of a row group, column by column.
#[derive(Default)]
struct Columns {
    /// Packets stand beside, so that nothing else need tell traces apart.
    labels: Vec<Label>,
    time_ns: Lists<i64>,
    size: Lists<i32>,
    /// What else is known of packets, of traces that know it; the others have no list.
    known: Vec<(PacketColumn, Lists<i32>)>,
}

impl Columns {
    fn new(known: &[PacketColumn]) -> Self {
        let lists = |&column: &PacketColumn| (column, Lists { null: Some(NOT_KNOWN.into()), ..Lists::default() });
        Self { known: known.iter().map(lists).collect(), ..Self::default() }
    }

    /// The same columns without a row.
    fn anew(&self) -> Self {
        Self::new(&self.known.iter().map(|(column, _)| *column).collect::<Vec<_>>())
    }

    fn bytes(&self) -> usize {
        self.bytes_with(0)
    }

    /// What it will have with so many packets more.
    fn bytes_with(&self, packets: usize) -> usize {
        (self.size.values.len() + packets) * (12 + 4 * self.known.len())
    }

    fn add(&mut self, labelled: &LabelledTrace) {
        let LabelledTrace { key, origin, page, start_ns, trace } = labelled;
        let label = Label::new(key.clone(), *start_ns);
        self.labels.push(Label { origin: origin.clone(), page: page.clone(), ..label });
        self.time_ns.add(trace.time_ns().iter().map(|&time_ns| time_ns as i64));
        self.size.add(trace.size().iter().copied());
        for (column, lists) in &mut self.known {
            match trace.column(*column) {
                Some(values) => lists.add(values.iter().map(|&value| value.into())),
                None => lists.lengths.push(None),
            }
        }
    }

    fn finish(self) -> Vec<Written> {
        let mut columns = label_columns(&self.labels, false);
        columns.push(Written::new(TIME, Values::LongLists(self.time_ns)));
        columns.push(Written::new(SIZE, Values::ShortLists(self.size)));
        let known = self.known.into_iter();
        columns.extend(known.map(|(column, lists)| Written::new(column.name(), Values::ShortLists(lists))));
        columns
    }
}
