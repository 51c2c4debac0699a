//! Trace sets in any readable format, told by content; written in the format that the extension names.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use wfkit_metrics::{Observer, Silent, Work};

use super::copies::{ANOTHER_COPY, Loads, refuse_copies};
use super::csv_file::{ZIP_MAGIC, csv_head, csv_member};
use super::dialect::Dialect;
use super::error::READABLE;
use super::explainwf::{XZ_MAGIC, is_log, is_packed_log, read_cell_log};
use super::field::{ColumnMap, FieldFormat, FieldTraces, count_anew, read_mapped};
use super::foreign::describe;
use super::packet_csv::write_packet_csv_in_parts;
use super::parquet::{ParquetTraces, read_parquet_traces, write_parquet_in_parts, write_parquet_traces};
use super::problems::shortened;
use super::source::{Source, start_of};
use super::{KeyColumn, ReadError, ReadLimits, WriteError, read_packet_csv};
use crate::files::visible_files_below;
use crate::frame::PARQUET_MAGIC;
use crate::{
    FileKind, LabelledTrace, Layer, MixedClass, PacketColumn, Provenance, TraceKey, TraceSet, TraceSetError,
    implausible_times,
};

const WRITABLE: &str = ".parquet, .csv or .csv.zip";
pub(super) const PACKET_KEYS: [KeyColumn<'static>; 2] = [KeyColumn::text("cell_id"), KeyColumn::integer("rep")];

/// A format that holds labelled traces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TraceFormat {
    /// One row a trace; the native format, and the only one that keeps everything.
    Parquet,
    /// One row a packet, `cell_id,rep,direction_size,timestamp`, plain or zipped.
    PacketCsv,
    /// The cell logs of a simulated Tor network, `650 GWF {json}`, plain or packed with xz.
    CellLog,
    /// A format of another tool.
    Field(FieldFormat),
    /// A table of text, by a word on what its columns hold.
    Mapped,
}

impl fmt::Display for TraceFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Parquet => "Parquet",
            Self::PacketCsv => "packet CSV",
            Self::CellLog => "cell log",
            Self::Field(format) => format.name(),
            Self::Mapped => "table",
        })
    }
}

/// Traces, and what was passed over on the way to them.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadTraces {
    /// The traces.
    pub set: TraceSet,
    /// What was found in place: one format for all files.
    pub format: TraceFormat,
    /// How many lines, circuits, columns or files were passed over, for each reason.
    pub dropped: BTreeMap<String, u64>,
    /// What was read but may not be what was meant: classes that were written in more than one way, times in another unit.
    pub warnings: Vec<String>,
}

/// Reads traces from a file, or from all files of a folder and the folders in it, merged in the order of their paths.
///
/// The format is told by content, whatever the name. Files of no trace format in a folder are counted as dropped; two trace
/// formats in one folder are refused, and so are sets of different layers or defences.
///
/// | format | class | rep | session | start | layer |
/// |---|---|---|---|---|---|
/// | Parquet | `class` | `rep` | `session` | `start_ns` | from the metadata |
/// | packet CSV | `cell_id` | `rep` | none | none | unknown |
/// | of other tools | see [`FieldFormat`] | | none | of CUMUL and JSON lines | cell, or unknown |
/// | cell log | `port` | counted from 1 in its file | name of its folder | of the first relay cell | cell, all of 514 bytes |
///
/// # Errors
/// [`ReadError`], naming the file and, for a wrong value, its row and column.
pub fn read_traces(path: &Path) -> Result<ReadTraces, ReadError> {
    read_traces_within(path, &ReadLimits::OWN)
}

/// As [`read_traces`], for files of strangers. Of Parquet, whose memory is bounded by the length of the file, only the number of traces
/// is limited.
pub fn read_traces_within(path: &Path, limits: &ReadLimits) -> Result<ReadTraces, ReadError> {
    read_traces_as(path, How { named: Named::None, limits, observer: &Silent })
}

/// What a reader was told of files whose content does not tell it.
#[derive(Debug, Clone, Copy)]
enum Named<'a> {
    None,
    Format(FieldFormat),
    Columns(&'a ColumnMap),
}

impl From<Option<FieldFormat>> for Named<'_> {
    fn from(format: Option<FieldFormat>) -> Self {
        format.map_or(Self::None, Self::Format)
    }
}

/// How files are read.
#[derive(Debug, Clone, Copy)]
struct How<'a> {
    named: Named<'a>,
    limits: &'a ReadLimits,
    observer: &'a dyn Observer,
}

/// As [`read_traces_within`], of a format that may be named instead of told by content.
fn read_traces_as(path: &Path, how: How<'_>) -> Result<ReadTraces, ReadError> {
    read_path(path, how).map(|(read, _)| read)
}

/// The same, and whether repetitions are those of the order.
fn read_path(path: &Path, how: How<'_>) -> Result<(ReadTraces, bool), ReadError> {
    let metadata = std::fs::metadata(path).map_err(|error| ReadError::io(path, error))?;
    if metadata.is_dir() {
        return read_folder(path, how);
    }
    let format = TraceFormat::named_or_of(how.named, path)?;
    let part = read_file(path, format, how)?;
    let set = TraceSet::new(part.traces, part.provenance);
    let set = set.map_err(|source| ReadError::Set { path: path.to_owned(), source })?;
    let read = ReadTraces {
        format,
        dropped: part.dropped,
        warnings: warnings(with_told(part.warnings, &part.told, path), path, &set),
        set,
    };
    Ok((read, part.is_counted))
}

impl ReadTraces {
    /// Why there is nothing in a set that is empty.
    pub fn why_empty(&self) -> String {
        let reasons: Vec<String> = self.dropped.iter().map(|(reason, count)| format!("{count} x {reason}")).collect();
        match reasons.is_empty() {
            true => "there is no trace in it".to_owned(),
            false => format!("there is no trace in it, but {}", reasons.join(", ")),
        }
    }
}

/// The same, and what is to be told of how many traces.
fn with_told(mut warnings: Vec<String>, told: &BTreeMap<String, usize>, path: &Path) -> Vec<String> {
    warnings.extend(told.iter().map(|(what, count)| format!("{}: {count} {what}", path.display())));
    warnings
}

/// What was met in reading, and what the set as a whole looks like.
fn warnings(mut met: Vec<String>, path: &Path, set: &TraceSet) -> Vec<String> {
    met.extend(implausible_times(set).map(|found| format!("{}: {found}", path.display())));
    met
}

/// That a file has classes in more than one spelling.
pub(super) fn mixed(path: &Path, mixed: &[MixedClass]) -> Option<String> {
    let MixedClass { class, spellings } = mixed.first()?;
    let ways: Vec<String> = spellings.iter().map(|way| format!("`{way}`")).collect();
    let more = match mixed.len() {
        1 => String::new(),
        n => format!(", and {} other classes likewise", n - 1),
    };
    Some(format!(
        "{}: class {class} is written as {}, which are taken for one{more}",
        path.display(),
        ways.join(" and ")
    ))
}

/// Reads each path as [`read_traces`] does, and joins them into one set.
///
/// # Errors
/// As [`read_traces`]; also where layer, vantage or defences differ, or a class, session and rep occur twice.
///
/// # Panics
/// Without a path.
pub fn read_all_traces(paths: &[PathBuf]) -> Result<ReadTraces, ReadError> {
    read_all_traces_as(paths, None, &Silent)
}

/// As [`read_all_traces`], of a format of another tool that is named instead of told by content: all files of a folder are taken as that.
///
/// # Errors
/// As [`read_all_traces`].
///
/// # Panics
/// Without a path.
pub fn read_all_traces_as(
    paths: &[PathBuf],
    named: Option<FieldFormat>,
    observer: &dyn Observer,
) -> Result<ReadTraces, ReadError> {
    read_all(paths, How { named: named.into(), limits: &ReadLimits::OWN, observer })
}

/// As [`read_all_traces`], of tables of text whose columns hold what `map` says; of a folder all files are taken for such.
///
/// # Errors
/// As [`read_all_traces`].
///
/// # Panics
/// Without a path.
pub fn read_all_traces_by(
    paths: &[PathBuf],
    map: &ColumnMap,
    observer: &dyn Observer,
) -> Result<ReadTraces, ReadError> {
    read_all(paths, How { named: Named::Columns(map), limits: &ReadLimits::OWN, observer })
}

fn read_all(paths: &[PathBuf], how: How<'_>) -> Result<ReadTraces, ReadError> {
    let (first, others) = paths.split_first().expect("at least one path");
    let (mut joined, mut is_counted) = read_path(first, how)?;
    for path in others {
        let (mut read, is_counted_too) = read_path(path, how)?;
        if joined.format == read.format {
            let (layer, other) = (joined.set.provenance().layer, read.set.provenance().layer);
            joined.set = of_layer(joined.set, layer_of_both(read.format, layer, other));
            read.set = of_layer(read.set, layer_of_both(read.format, other, layer));
        }
        is_counted &= is_counted_too;
        if is_counted {
            read.set = counted_on(&joined.set, read.set);
        }
        if let Some(what) = difference(joined.set.provenance(), read.set.provenance()) {
            let found = do_not_mix(first, path, what);
            return Err(ReadError::Unrecognised { path: path.clone(), found, expected: READABLE });
        }
        let set = joined.set.join(read.set);
        joined.set = set.map_err(|source| ReadError::Set { path: path.clone(), source })?;
        joined.warnings.extend(read.warnings);
        for (reason, count) in read.dropped {
            *joined.dropped.entry(reason).or_default() += count;
        }
    }
    Ok(joined)
}

/// What sizes are in two files of a format that tells it by its numbers: where some are none of cells, none are known to be.
fn layer_of_both(format: TraceFormat, layer: Layer, other: Layer) -> Layer {
    match (format, layer, other) {
        (TraceFormat::Field(_), Layer::Cell, Layer::Unknown) => Layer::Unknown,
        _ => layer,
    }
}

fn of_layer(set: TraceSet, layer: Layer) -> TraceSet {
    if set.provenance().layer == layer {
        return set;
    }
    let provenance = Provenance { layer, ..set.provenance().clone() };
    TraceSet::new(set.into_traces(), provenance).expect("it was a set")
}

/// Goes on counting repetitions where those of another file end.
fn counted_on(first: &TraceSet, other: TraceSet) -> TraceSet {
    let mut next: HashMap<&str, i64> = HashMap::new();
    for labelled in first.traces() {
        let next = next.entry(&labelled.key.class).or_default();
        *next = (*next).max(labelled.key.rep + 1);
    }
    let provenance = other.provenance().clone();
    let mut traces = other.into_traces();
    for labelled in &mut traces {
        labelled.key.rep += next.get(&*labelled.key.class).copied().unwrap_or(0);
    }
    TraceSet::new(traces, provenance).expect("all of a class go up by the same")
}

/// Writes `.parquet`, `.csv` or `.csv.zip`, told by the extension. The same set gives the same bytes.
///
/// A packet CSV keeps class, rep and packets alone: neither session, origin, start time nor provenance.
///
/// # Errors
/// Another extension; a trace that the format cannot hold, as two of one class and rep in different sessions in a CSV, or two copies of one
/// load; what the system refuses.
pub fn write_traces(path: &Path, set: &TraceSet) -> Result<(), WriteError> {
    match TraceFormat::of_extension(path)? {
        TraceFormat::Parquet => write_parquet_traces(path, set),
        _ => write_packet_traces(path, set),
    }
}

/// Takes the next trace, in set order.
pub type AddTrace<'a> = dyn FnMut(&LabelledTrace) -> Result<(), WriteError> + 'a;

/// As [`write_traces`], of traces that `fill` adds one after the other, in the order of a set, and that are never all held. The same traces give
/// the same bytes.
///
/// # Errors
/// As [`write_traces`], and what `fill` fails with. The file that was there before stays where anything fails.
pub fn write_traces_in_parts<E: From<WriteError>>(
    path: &Path,
    provenance: &Provenance,
    fill: impl FnOnce(&mut AddTrace<'_>) -> Result<(), E>,
) -> Result<(), E> {
    match TraceFormat::of_extension(path)? {
        TraceFormat::Parquet => {
            write_parquet_in_parts(path, provenance, |sink| fill(&mut |labelled| sink.add(labelled)))
        }
        _ => write_packet_traces_in_parts(path, fill),
    }
}

impl TraceFormat {
    fn named_or_of(named: Named<'_>, path: &Path) -> Result<Self, ReadError> {
        match named {
            Named::None => Self::of_content(path),
            Named::Format(format) => Ok(Self::Field(format)),
            Named::Columns(_) => Ok(Self::Mapped),
        }
    }

    /// Whether its files say what traces do and no more, so that nothing is lost where these are written over them.
    pub fn is_own(self) -> bool {
        matches!(self, Self::Parquet | Self::PacketCsv)
    }

    /// The format of a file, by its content.
    ///
    /// # Errors
    /// What the system refuses, and content that is no trace format, with a word on what it looks like.
    pub fn of_content(path: &Path) -> Result<Self, ReadError> {
        let start = start_of(path, 4096)?;
        let is_zip = ZIP_MAGIC.iter().any(|magic| start.starts_with(magic));
        let is_packed_log =
            start.starts_with(XZ_MAGIC) && is_packed_log(path).map_err(|error| ReadError::io(path, error))?;
        if start.starts_with(PARQUET_MAGIC) {
            return Ok(FieldFormat::of_start(path, &start).map_or(Self::Parquet, Self::Field));
        }
        if is_packed_log || is_log(&start) {
            return Ok(Self::CellLog);
        }
        if let Some(format) = FieldFormat::of_start(path, &start) {
            return Ok(Self::Field(format));
        }
        let found = match is_zip {
            true => csv_head(path)?,
            false => start,
        };
        let kind = Dialect::of(&found).ok().and_then(|dialect| FileKind::of_header(&dialect.header(&found)));
        let found = match kind {
            // What a test file lacks is named where it is read.
            Some(FileKind::Traces | FileKind::TestFile) => return Ok(Self::PacketCsv),
            Some(kind) => kind.to_string(),
            None if is_zip => format!("an archive of {}", describe(&found)),
            None => match FileKind::of(path)? {
                Some(kind) => kind.to_string(),
                None => describe(&found),
            },
        };
        Err(ReadError::Unrecognised { path: path.to_owned(), found, expected: READABLE })
    }

    /// The format that is written under this name.
    ///
    /// # Errors
    /// Any extension but `.parquet`, `.csv` and `.csv.zip`.
    pub fn of_extension(path: &Path) -> Result<Self, WriteError> {
        let name = super::file_name(path);
        if name.to_ascii_lowercase().ends_with(".parquet") {
            Ok(Self::Parquet)
        } else if csv_member(&name).is_some() {
            Ok(Self::PacketCsv)
        } else {
            Err(WriteError::Extension { path: path.to_owned(), extension: shortened(&name), expected: WRITABLE })
        }
    }
}

/// The traces of one file.
struct Part {
    traces: Vec<LabelledTrace>,
    provenance: Provenance,
    dropped: BTreeMap<String, u64>,
    warnings: Vec<String>,
    /// What is to be told of how many traces.
    told: BTreeMap<String, usize>,
    /// Whether reps are those of the order.
    is_counted: bool,
}

fn read_file(path: &Path, format: TraceFormat, how: How<'_>) -> Result<Part, ReadError> {
    let How { named, limits, observer } = how;
    match format {
        TraceFormat::Parquet => {
            let read = read_parquet_traces(path, observer)?;
            if read.traces.len() as u64 > limits.traces {
                return Err(ReadError::limit(path, super::LimitExceeded::Traces { limit: limits.traces }));
            }
            let ParquetTraces { traces, provenance, unknown_columns, mixed: ways } = read;
            let unknown = ("unknown column".to_owned(), unknown_columns);
            let dropped = [unknown].into_iter().filter(|&(_, count)| count > 0).collect();
            Ok(Part {
                traces,
                provenance,
                dropped,
                warnings: mixed(path, &ways).into_iter().collect(),
                told: BTreeMap::new(),
                is_counted: false,
            })
        }
        TraceFormat::PacketCsv => {
            let (traces, warnings) = read_packet_traces(path, limits, observer)?;
            let provenance = Provenance::new(Layer::Unknown, vec![super::file_name(path)]);
            Ok(Part {
                traces,
                provenance,
                dropped: BTreeMap::new(),
                warnings,
                told: BTreeMap::new(),
                is_counted: false,
            })
        }
        TraceFormat::CellLog => {
            let log = read_cell_log(path, limits)?;
            let mut provenance = Provenance::new(Layer::Cell, vec![super::file_name(path)]);
            provenance.packet_columns = columns_of(&log.traces);
            Ok(Part {
                traces: log.traces,
                provenance,
                dropped: log.dropped,
                warnings: Vec::new(),
                told: BTreeMap::new(),
                is_counted: false,
            })
        }
        TraceFormat::Field(_) | TraceFormat::Mapped => {
            let (read, layer) = match (format, named) {
                (TraceFormat::Field(format), _) => {
                    let read = format.read(path, limits)?;
                    let layer = format.layer(&read.traces);
                    (read, layer)
                }
                (_, Named::Columns(map)) => (read_mapped(map, path, limits)?, Layer::Unknown),
                _ => unreachable!("only a word on columns makes a file one of that"),
            };
            let FieldTraces { traces, dropped, told, is_counted } = read;
            let mut provenance = Provenance::new(layer, vec![super::file_name(path)]);
            provenance.packet_columns = columns_of(&traces);
            Ok(Part { traces, provenance, dropped, warnings: Vec::new(), told, is_counted })
        }
    }
}

/// What is known of the packets of some of the traces at least.
fn columns_of(traces: &[LabelledTrace]) -> Vec<PacketColumn> {
    let is_known = |column: &PacketColumn| traces.iter().any(|labelled| labelled.trace.column(*column).is_some());
    PacketColumn::ALL.into_iter().filter(is_known).collect()
}

fn read_packet_traces(
    path: &Path,
    limits: &ReadLimits,
    observer: &dyn Observer,
) -> Result<(Vec<LabelledTrace>, Vec<String>), ReadError> {
    let table = read_packet_csv(Source::from(path).watched_by(observer), &PACKET_KEYS, limits)?;
    let warnings = mixed(path, &table.mixed).into_iter().collect();
    let traces = table.checked(path)?;
    let label = |packet_trace: super::PacketTrace| {
        let trace = packet_trace.trace.expect("a table without problems has only sound traces");
        LabelledTrace::new(packet_key(packet_trace.key), None, trace)
    };
    Ok((traces.into_iter().map(label).collect(), warnings))
}

/// What names a trace by the values of [`PACKET_KEYS`].
pub(super) fn packet_key(key: Vec<String>) -> TraceKey {
    let [class, rep] = <[String; 2]>::try_from(key).expect("one value a key column");
    TraceKey { class, rep: rep.parse().expect("a whole number in its shortest form"), session: None }
}

fn write_packet_traces(path: &Path, set: &TraceSet) -> Result<(), WriteError> {
    refuse_copies(path, set)?;
    write_packet_traces_in_parts(path, |add| set.traces().iter().try_for_each(add))
}

fn write_packet_traces_in_parts<E: From<WriteError>>(
    path: &Path,
    fill: impl FnOnce(&mut AddTrace<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let mut reps = RepsOfClass::default();
    let mut loads = Loads::default();
    write_packet_csv_in_parts(path, &PACKET_KEYS.map(|key| key.name), |sink| {
        fill(&mut |labelled| {
            let LabelledTrace { key, trace, .. } = labelled;
            let reason = if loads.has_another_copy_of(labelled) {
                ANOTHER_COPY
            } else if !reps.is_new(key) {
                "class and rep occur in another session, too, and this format has no sessions; count repetitions anew (wfkit dataset convert --renumber), \
                 or write .parquet"
            } else if key.class.is_empty() {
                "this format has no empty class"
            } else if key.class.contains('\r') {
                "the class holds a carriage return, which this format does not bring back"
            } else {
                return sink.add(&[key.class.clone(), key.rep.to_string()], trace);
            };
            let key = Box::new(key.clone());
            Err(WriteError::Trace { path: path.to_owned(), key, reason: reason.to_owned() })
        })
    })
}

/// Which repetitions of a class have gone by; traces come class by class.
#[derive(Default)]
struct RepsOfClass {
    class: Option<String>,
    reps: HashSet<i64>,
}

impl RepsOfClass {
    fn is_new(&mut self, key: &TraceKey) -> bool {
        if self.class.as_deref() != Some(&key.class) {
            *self = Self { class: Some(key.class.clone()), reps: HashSet::new() };
        }
        self.reps.insert(key.rep)
    }
}

fn read_folder(folder: &Path, how: How<'_>) -> Result<(ReadTraces, bool), ReadError> {
    let unrecognised = |found: String| ReadError::Unrecognised { path: folder.to_owned(), found, expected: READABLE };
    let mut files = Vec::new();
    let mut passed_over = Vec::new();
    for path in files_of(folder)? {
        match TraceFormat::named_or_of(how.named, &path) {
            Ok(format) => files.push((path, format)),
            Err(ReadError::Unrecognised { found, .. }) => passed_over.push(found),
            Err(error) => return Err(error),
        }
    }
    let Some((first, first_format)) = files.first() else {
        let first = passed_over.first().map(|found| format!(" (the first is {found})")).unwrap_or_default();
        return Err(unrecognised(format!("a folder of {} files, none with traces{first}", passed_over.len())));
    };
    if let Some((other, _)) = files.iter().find(|(_, format)| format != first_format) {
        return Err(unrecognised(do_not_mix(first, other, "format")));
    }

    let work = Work::begin(how.observer, "reading", files.len());
    let read = |(path, format): &(PathBuf, TraceFormat)| {
        let part = read_file(path, *format, How { observer: &Silent, ..how });
        work.step();
        part
    };
    let parts: Vec<Result<Part, ReadError>> = files.par_iter().map(read).collect();
    drop(work);
    let mut dropped = BTreeMap::new();
    if !passed_over.is_empty() {
        dropped.insert("file of no trace format".to_owned(), passed_over.len() as u64);
    }
    let mut traces = Vec::new();
    let mut met = Vec::new();
    let mut merged: Option<Provenance> = None;
    let (mut is_counted, mut told) = (false, BTreeMap::new());
    for ((path, format), part) in files.iter().zip(parts) {
        let mut part = part?;
        if *format != TraceFormat::Parquet {
            let inside = path.strip_prefix(folder).expect("found in the folder");
            part.provenance.sources = vec![inside.to_string_lossy().replace('\\', "/")];
        }
        match &mut merged {
            None => merged = Some(part.provenance),
            Some(merged) => {
                let (layer, other) = (merged.layer, part.provenance.layer);
                merged.layer = layer_of_both(*format, layer, other);
                part.provenance.layer = layer_of_both(*format, other, layer);
                if let Some(what) = difference(merged, &part.provenance) {
                    return Err(unrecognised(do_not_mix(first, path, what)));
                }
                merged.extend(part.provenance);
            }
        }
        is_counted |= part.is_counted;
        traces.extend(part.traces);
        met.extend(part.warnings);
        for (what, count) in part.told {
            *told.entry(what).or_default() += count;
        }
        for (reason, count) in part.dropped {
            *dropped.entry(reason).or_default() += count;
        }
    }
    if is_counted {
        count_anew(&mut traces);
    }
    let provenance = merged.expect("there is a first file");
    let set = TraceSet::new(traces, provenance).map_err(|source| {
        let TraceSetError::DuplicateKey(key) = &source;
        // The files are read again, since nothing is kept of which trace is of which.
        let holds = |(path, format): &&(PathBuf, TraceFormat)| {
            read_file(path, *format, How { observer: &Silent, ..how })
                .is_ok_and(|part| part.traces.iter().any(|labelled| labelled.key == *key))
        };
        match files.iter().filter(holds).take(2).collect::<Vec<_>>()[..] {
            [(first, _), (second, _)] => {
                let (first, second) = (first.display(), second.display());
                let way = "give each trace a class and repetition of its own";
                ReadError::damaged(folder, format!("{first} and {second} both hold the trace ({key}); {way}"))
            }
            _ => ReadError::Set { path: folder.to_owned(), source },
        }
    })?;
    let read = ReadTraces {
        format: *first_format,
        dropped,
        warnings: warnings(with_told(met, &told, folder), folder, &set),
        set,
    };
    Ok((read, is_counted))
}

fn do_not_mix(first: &Path, other: &Path, what: &str) -> String {
    format!("traces that do not mix: {} and {} differ in {what}", first.display(), other.display())
}

/// What keeps the traces of two files from being one set.
fn difference(a: &Provenance, b: &Provenance) -> Option<&'static str> {
    if a.layer != b.layer {
        Some("layer")
    } else if a.vantage != b.vantage {
        Some("vantage")
    } else if matches!((a.reassembly, b.reassembly), (Some(a), Some(b)) if a != b) {
        Some("reassembly")
    } else if a.defenses != b.defenses {
        Some("defences")
    } else {
        None
    }
}

/// The files of a folder and the folders in it, by path. Names that start with a dot are left out, links to folders not followed.
fn files_of(folder: &Path) -> Result<Vec<PathBuf>, ReadError> {
    let is_shown = |name: &OsStr| !name.as_encoded_bytes().starts_with(b".");
    visible_files_below(folder, &is_shown).map_err(|refused| ReadError::io(&refused.path, refused.error))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::parquet_file::foreign_tables::{
        Foreign, flat, flat_or_null, lists, lists_or_null, nested, write_foreign,
    };
    use crate::{Trace, canonical_class};

    fn labelled(class: &str, rep: i64, session: Option<&str>, time_ns: &[u64], size: &[i32]) -> LabelledTrace {
        LabelledTrace::new(
            TraceKey { class: class.into(), rep, session: session.map(str::to_owned) },
            session.map(|_| 1_600_000_000_000_000_000),
            Trace::new(time_ns.to_vec(), size.to_vec()).unwrap(),
        )
    }

    fn set(traces: Vec<LabelledTrace>) -> TraceSet {
        let mut provenance = Provenance::new(Layer::Tls, vec!["a.pcap".to_owned(), "b.pcap".to_owned()]);
        provenance.defenses = vec!["front:seed=1".to_owned()];
        TraceSet::new(traces, provenance).unwrap()
    }

    fn two() -> TraceSet {
        set(vec![labelled("é,\"x", -1, Some("day 1"), &[0, 5], &[514, i32::MIN]), labelled("2", 7, None, &[0], &[-1])])
    }

    struct Files(tempfile::TempDir);

    impl Files {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn path(&self, name: &str) -> PathBuf {
            let path = self.0.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            path
        }

        fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
            let path = self.path(name);
            std::fs::write(&path, bytes).unwrap();
            path
        }
    }

    fn error_of(path: &Path) -> String {
        read_traces(path).unwrap_err().to_string()
    }

    #[test]
    fn parquet_keeps_everything_and_is_told_by_content() {
        let files = Files::new();
        let path = files.path("a.parquet");
        write_traces(&path, &two()).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let back = read_traces(&files.file("renamed.csv", &bytes)).unwrap();
        assert_eq!(
            back,
            ReadTraces { set: two(), format: TraceFormat::Parquet, dropped: BTreeMap::new(), warnings: Vec::new() }
        );
        write_traces(&path, &two()).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
    }

    #[test]
    fn parquet_keeps_columns_of_packets_and_files_without_them_are_as_before() {
        let files = Files::new();
        let (plain, marked) = (files.path("plain.parquet"), files.path("marked.parquet"));
        write_traces(&plain, &two()).unwrap();
        let mut traces = two().traces().to_vec();
        // One trace has the column, the other has not.
        let of_two = traces.iter_mut().find(|labelled| labelled.trace.len() == 2).unwrap();
        of_two.trace = of_two.trace.clone().with_column(PacketColumn::Flow, vec![0, -1]).unwrap();
        let mut provenance = two().provenance().clone();
        provenance.packet_columns = vec![PacketColumn::Flow, PacketColumn::RelayCmd];
        let set = TraceSet::new(traces, provenance).unwrap();
        write_traces(&marked, &set).unwrap();
        let read = read_traces(&marked).unwrap();
        assert_eq!(read.set, set);
        assert_eq!(read.dropped, BTreeMap::new());
        write_traces(&plain, &read.set.select(&[0])).unwrap();
        assert_eq!(read_traces(&plain).unwrap().set.traces()[0], set.traces()[0]);
        // A column of somebody else that happens to have such a name is passed over.
        let columns = vec![
            flat("class", ["a"]),
            flat("rep", [1i64]),
            lists("time_ns", [vec![0i64]]),
            lists("size", [vec![5i64]]),
            flat("proto", ["tcp"]),
            lists("flow", [vec![7i64]]),
        ];
        write_foreign(&plain, &columns, None, 1 << 20);
        let read = read_traces(&plain).unwrap();
        assert_eq!(read.dropped, BTreeMap::from([("unknown column".to_owned(), 1)]));
        assert_eq!(read.set.traces()[0].trace.column(PacketColumn::Flow), Some([7].as_slice()));
        assert_eq!(read.set.provenance().packet_columns, [PacketColumn::Flow]);
    }

    #[test]
    fn columns_of_packets_have_a_value_a_packet() {
        let columns = || {
            vec![
                flat("class", ["a"]),
                flat("rep", [1i64]),
                lists("time_ns", [vec![0i64, 1]]),
                lists("size", [vec![5i64, 6]]),
            ]
        };
        let files = Files::new();
        let path = files.path("t.parquet");
        let mut short = columns();
        short.push(lists("proto", [vec![6i64]]));
        write_foreign(&path, &short, None, 1 << 20);
        assert!(
            error_of(&path)
                .contains("row 0, column proto: 1 values: the trace (class a, rep 1): 1 values of proto for 2 packets")
        );
        let mut large = columns();
        large.push(lists("proto", [vec![6i64, 1 << 40]]));
        write_foreign(&path, &large, None, 1 << 20);
        assert!(error_of(&path).contains("row 0, column proto: 1099511627776: packet 1: beyond 16 bits"));
    }

    #[test]
    fn an_empty_set_is_a_set() {
        let files = Files::new();
        for name in ["empty.parquet", "empty.csv", "empty.csv.zip"] {
            let path = files.path(name);
            write_traces(&path, &set(vec![])).unwrap();
            assert!(read_traces(&path).unwrap().set.is_empty(), "{name}");
        }
    }

    #[test]
    fn csv_keeps_class_rep_and_packets() {
        let files = Files::new();
        for name in ["a.csv", "a.csv.zip"] {
            let path = files.path(name);
            write_traces(&path, &two()).unwrap();
            let back = read_traces(&path).unwrap();
            assert_eq!(back.format, TraceFormat::PacketCsv);
            assert_eq!(back.set.provenance(), &Provenance::new(Layer::Unknown, vec![name.to_owned()]));
            for (back, trace) in back.set.traces().iter().zip(two().traces()) {
                assert_eq!(
                    (&back.key.class, back.key.rep, &back.trace),
                    (&trace.key.class, trace.key.rep, &trace.trace)
                );
                assert_eq!((&back.key.session, back.start_ns), (&None, None));
            }
        }
    }

    #[test]
    fn what_a_format_cannot_hold_is_refused_by_name() {
        let files = Files::new();
        let write = |name: &str, traces| {
            let error = write_traces(&files.path(name), &set(traces)).unwrap_err().to_string();
            error.strip_prefix(&format!("{}: ", files.path(name).display())).unwrap().to_owned()
        };
        let sessions = vec![labelled("a", 1, Some("x"), &[0], &[1]), labelled("a", 1, Some("y"), &[0], &[1])];
        assert_eq!(
            write("a.csv", sessions),
            "(class a, rep 1, session y): class and rep occur in another session, too, and this format has no sessions; \
             count repetitions anew (wfkit dataset convert --renumber), or write .parquet"
        );
        assert!(write("a.csv", vec![labelled("", 1, None, &[0], &[1])]).ends_with("this format has no empty class"));
        assert!(write("a.csv", vec![labelled("a\rb", 1, None, &[0], &[1])]).contains("carriage return"));
        assert!(write("a.csv.zip", vec![labelled("a", 1, None, &[0, 1 << 60], &[1, 1])]).contains("too long"));
        let long = write("a.parquet", vec![labelled("a", 1, None, &[0, u64::MAX], &[1, 1])]);
        assert_eq!(long, "(class a, rep 1): 18446744073709551615 ns do not fit 64 bits with a sign");
        assert_eq!(write("a.npz", vec![]), "no format is written as a.npz; expected .parquet, .csv or .csv.zip");
    }

    #[test]
    fn what_is_no_trace_file_is_described() {
        let files = Files::new();
        let found = |bytes: &[u8]| {
            let error = error_of(&files.file("x.parquet", bytes));
            let found = error.split_once(": found ").unwrap().1;
            found.split_once("; expected traces as Parquet").unwrap().0.to_owned()
        };
        assert_eq!(found(b""), "an empty file");
        assert_eq!(found(b"\xd4\xc3\xb2\xa1\0\0"), "a packet capture, which has to be imported first");
        assert_eq!(found(b"\x1f\x8b\x08"), "a gzip archive; unpack it first: gunzip FILE");
        assert_eq!(found(b"\xfd7zXZ\0rubbish"), "an xz archive of something else; unpack it first: unxz FILE");
        assert_eq!(found(b"\0\x01\x02"), "binary data");
        assert_eq!(found(b"page,time\n1,2\n"), "text that starts with `page,time`");
        assert!(error_of(&files.path("none.parquet")).contains("No such file"));
        assert!(error_of(&files.file("cut.parquet", b"PAR1")).contains("no readable Parquet"));
    }

    #[test]
    fn a_folder_of_one_format_is_one_set() {
        let files = Files::new();
        let csv = |rep: i64| format!("cell_id,rep,direction_size,timestamp\na,{rep},5,0\n");
        files.file("in/b/2.csv", csv(2));
        files.file("in/a.csv", csv(1));
        files.file("in/README.md", "what it is");
        files.file("in/.hidden.csv", csv(1));
        let read = read_traces(&files.path("in")).unwrap();
        assert_eq!(read.set.traces(), [labelled("a", 1, None, &[0], &[5]), labelled("a", 2, None, &[0], &[5])]);
        assert_eq!(read.set.provenance().sources, ["a.csv", "b/2.csv"]);
        assert_eq!(read.dropped, BTreeMap::from([("file of no trace format".to_owned(), 1)]));

        files.file("in/c.csv", csv(1));
        let error = error_of(&files.path("in"));
        assert!(
            error.contains("a.csv and ") && error.contains("c.csv both hold the trace (class a, rep 1)"),
            "{error}"
        );
    }

    #[test]
    fn what_does_not_mix_is_refused() {
        let files = Files::new();
        write_traces(&files.path("in/a.parquet"), &two()).unwrap();
        let mut other = Provenance::new(Layer::Tcp, vec![]);
        other.defenses = vec!["front:seed=1".to_owned()];
        let other = TraceSet::new(vec![labelled("z", 1, None, &[0], &[1])], other).unwrap();
        write_traces(&files.path("in/b.parquet"), &other).unwrap();
        assert!(error_of(&files.path("in")).contains("a.parquet and"));
        assert!(error_of(&files.path("in")).contains("b.parquet differ in layer"));
        files.file("in/b.parquet", "cell_id,rep,direction_size,timestamp\na,1,5,0\n");
        assert!(error_of(&files.path("in")).contains("differ in format"));
        files.file("texts/a.txt", "hello");
        let found = "found a folder of 1 files, none with traces (the first is text that starts with `hello`);";
        assert!(error_of(&files.path("texts")).contains(found));
        std::fs::create_dir(files.path("none")).unwrap();
        assert!(error_of(&files.path("none")).contains("found a folder of 0 files, none with traces;"));
    }

    /// A sound Parquet table of one trace a row, column by column.
    fn columns() -> Vec<Foreign> {
        let times = [vec![0i64, 5], vec![0i64]];
        let sizes = [vec![1i32, -2], vec![3i32]];
        vec![flat("class", ["a", "b"]), flat("rep", [1i64, 2]), lists("time_ns", times), lists("size", sizes)]
    }

    fn with(name: &str, column: Foreign) -> Vec<Foreign> {
        columns().into_iter().map(|old| if old.name == name { column.clone() } else { old }).collect()
    }

    fn read_columns(columns: Vec<Foreign>) -> Result<TraceSet, String> {
        let files = Files::new();
        let path = files.path("t.parquet");
        write_foreign(&path, &columns, None, 1 << 20);
        let read = read_traces(&path).map_err(|error| error.to_string());
        read.map(|read| read.set).map_err(|error| error.rsplit_once("t.parquet: ").unwrap().1.to_owned())
    }

    #[test]
    fn tables_of_other_tools_are_read_where_nothing_is_lost() {
        let expected = [labelled("a", 1, None, &[0, 5], &[1, -2]), labelled("b", 2, None, &[0], &[3])];
        assert_eq!(read_columns(columns()).unwrap().traces(), expected);
        assert_eq!(read_columns(columns()).unwrap().provenance().layer, Layer::Unknown);
        let u64s = lists("time_ns", [vec![0u64, 5], vec![0u64]]);
        assert_eq!(read_columns(with("time_ns", u64s)).unwrap().traces(), expected);
        let i64s = lists("size", [vec![1i64, -2], vec![3i64]]);
        assert_eq!(read_columns(with("size", i64s)).unwrap().traces(), expected);
        assert_eq!(read_columns(with("rep", flat("rep", [1i32, 2]))).unwrap().traces(), expected);
        let mut nulls = columns();
        nulls.push(flat_or_null("session", [None::<&str>, None]));
        nulls.push(flat("start_ns", [f64::NAN, f64::NAN]));
        nulls.push(flat("note", [1i64, 2]));
        let files = Files::new();
        let path = files.path("notes.parquet");
        write_foreign(&path, &nulls.clone(), None, 1 << 20);
        assert_eq!(read_traces(&path).unwrap().dropped, BTreeMap::from([("unknown column".to_owned(), 1)]));
        assert_eq!(read_columns(nulls).unwrap().traces(), expected);
        let floats = |values: [f64; 2]| read_columns(with("rep", flat("rep", values)));
        assert_eq!(floats([1.0, 2.0]).unwrap().traces(), expected);
        let lost = "row 1, column rep: 9007199254740994: a float that holds no exact whole number";
        assert_eq!(floats([1.0, 9_007_199_254_740_994.0]).unwrap_err(), lost);
        assert_eq!(floats([f64::NAN, 1.0]).unwrap_err(), "row 0, column rep: null: a value is needed");
        let numbered = read_columns(with("class", flat("class", [7i64, 8]))).unwrap();
        assert_eq!(numbered.classes().names(), ["7", "8"]);
    }

    #[test]
    fn whole_numbers_of_any_width_are_read_where_none_is_lost() {
        let expected = [labelled("a", 1, None, &[0, 5], &[1, -2]), labelled("b", 2, None, &[0], &[3])];
        macro_rules! sizes {
            ($($kind:ty),*) => {$(
                let sizes = [vec![1 as $kind, -2i8 as $kind], vec![3 as $kind]];
                assert_eq!(read_columns(with("size", lists("size", sizes))).unwrap().traces(), expected);
            )*};
        }
        macro_rules! times {
            ($($kind:ty),*) => {$(
                let times = [vec![0 as $kind, 5 as $kind], vec![0 as $kind]];
                assert_eq!(read_columns(with("time_ns", lists("time_ns", times))).unwrap().traces(), expected);
            )*};
        }
        sizes!(i32, i64, f32, f64);
        times!(i32, i64, u32, u64, f32, f64);
        let half = lists("size", [vec![1.0, -2.5], vec![3.0]]);
        assert_eq!(
            read_columns(with("size", half)).unwrap_err(),
            "row 0, column size: -2.5: packet 1: a float that holds no exact whole number"
        );
        let unsigned = lists("size", [vec![1u32, u32::MAX], vec![3u32]]);
        assert_eq!(
            read_columns(with("size", unsigned)).unwrap_err(),
            "row 0, column size: 4294967295: packet 1: a size beyond 32 bits"
        );
        let texts = lists("size", [vec!["1", "2"], vec!["3"]]);
        assert_eq!(
            read_columns(with("size", texts)).unwrap_err(),
            "column size holds lists of str, expected lists of whole numbers"
        );
        let mut foreign = columns();
        foreign.push(nested("nested", &[2, 2]));
        assert_eq!(read_columns(foreign).unwrap().traces(), expected);
    }

    /// As the usual packages of Python write them (`tests/fixtures/tables`).
    #[test]
    fn tables_of_python_are_read() {
        let read = |name: &str| {
            let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/tables"));
            read_traces(&folder.join(name))
        };
        let expected = [
            labelled("a", 0, None, &[0, 5], &[1, -2]),
            labelled("a", 1, None, &[0, 7, 9], &[514, -514, -514]),
            labelled("b", 0, None, &[0], &[3]),
        ];
        for name in ["polars.parquet", "polars-categorical.parquet", "pyarrow-views.parquet"] {
            let found = read(name).unwrap();
            assert_eq!((found.set.traces(), found.dropped.len()), (&expected[..], 0), "{name}");
        }
        // 2024-01-01 to 03, as dates with times, in microseconds or nanoseconds, with or without a zone.
        let started = [0, 2, 1].map(|day| Some(1_704_067_200_000_000_000 + day * 86_400_000_000_000));
        let started = expected.iter().zip(started).map(|(trace, start_ns)| LabelledTrace { start_ns, ..trace.clone() });
        let started: Vec<LabelledTrace> = started.collect();
        for name in ["pyarrow-large.parquet", "pandas.parquet", "pandas-index.parquet"] {
            assert_eq!(read(name).unwrap().set.traces(), started, "{name}");
        }
        let error = read("pyarrow-brotli.parquet").unwrap_err().to_string();
        assert!(
            error.ends_with(
                "it is packed with brotli, which is not read; write it with zstd, snappy, gzip, lz4 or unpacked"
            ),
            "{error}"
        );
    }

    #[test]
    fn classes_of_any_type_have_one_name() {
        let classes = |column: Foreign| read_columns(with("class", column)).map(|set| set.classes().names().to_vec());
        for column in [
            flat("class", [1i64, 2]),
            flat("class", [1u32, 2]),
            flat("class", [1.0, 2.0]),
            flat("class", ["1", "2"]),
            flat("class", ["1.0", "02"]),
            flat("class", [" 1", "2 "]),
        ] {
            assert_eq!(classes(column).unwrap(), ["1", "2"]);
        }
        let truths = flat("class", [true, false]);
        assert_eq!(classes(truths).unwrap_err(), "column class holds bool, expected text or whole numbers");
    }

    #[test]
    fn a_bad_table_is_refused_with_row_column_and_value() {
        let error = |columns| read_columns(columns).unwrap_err();
        for name in ["class", "rep", "time_ns", "size"] {
            let columns = columns().into_iter().filter(|column| column.name != name).collect();
            assert!(error(columns).starts_with(&format!("column {name} is missing: found ")), "{name}");
        }
        let i64s = |rows: [&[i64]; 2]| rows.map(<[i64]>::to_vec);
        for (name, column, expected) in [
            ("class", flat("class", [0.5, 1.0]), "row 0, column class: 0.5: a float that holds no exact whole number"),
            ("rep", flat("rep", ["1", "2"]), "column rep holds str, expected whole numbers"),
            ("size", flat("size", [1i64, 2]), "column size holds i64, expected lists of whole numbers"),
            ("class", flat_or_null("class", [Some("a"), None]), "row 1, column class: null: a value is needed"),
            ("rep", flat_or_null("rep", [None, Some(1i64)]), "row 0, column rep: null: a value is needed"),
            ("rep", flat("rep", [1, u64::MAX]), "row 1, column rep: 18446744073709551615: beyond 64 bits"),
            (
                "size",
                lists("size", i64s([&[1, -2], &[i64::MAX]])),
                "row 1, column size: 9223372036854775807: packet 0: a size beyond 32 bits",
            ),
            (
                "time_ns",
                lists("time_ns", i64s([&[0, -5], &[0]])),
                "row 0, column time_ns: -5: packet 1: a negative time",
            ),
            (
                "time_ns",
                lists("time_ns", [vec![0, u64::MAX], vec![0u64]]),
                "row 0, column time_ns: 18446744073709551615: packet 1: beyond 64 bits",
            ),
            (
                "time_ns",
                lists_or_null("time_ns", [Some(vec![Some(0i64), None]), Some(vec![Some(0)])]),
                "row 0, column time_ns: null: packet 1: a value is needed",
            ),
            (
                "time_ns",
                lists("time_ns", i64s([&[0, 5, 6], &[0]])),
                "row 0, column size: 2 values: the trace (class a, rep 1): 3 times for 2 sizes",
            ),
            (
                "time_ns",
                lists("time_ns", i64s([&[1, 5], &[0]])),
                "row 0, column time_ns: 1: the trace (class a, rep 1): the first packet is at 1 ns, not at 0",
            ),
            (
                "size",
                lists("size", i64s([&[1, 2], &[0]])),
                "row 1, column size: 0: the trace (class b, rep 2): packet 0 has size 0, which has no direction",
            ),
        ] {
            assert_eq!(error(with(name, column)), expected);
        }
        let mut empty = with("time_ns", lists("time_ns", i64s([&[0, 5], &[]])));
        empty[3] = lists("size", i64s([&[1, 2], &[]]));
        assert_eq!(
            error(empty),
            "row 1, column time_ns: []: the trace (class b, rep 2): a trace needs at least one packet"
        );
        let null = lists_or_null("size", [Some(vec![Some(1i64), Some(2)]), None]);
        assert_eq!(error(with("size", null)), "row 1, column size: null: a value is needed");
        assert!(error(vec![]).starts_with("column class is missing: found"));
        for (time, size) in [("time", "size"), ("timestamp", "direction_size"), ("Time", "Length")] {
            let (times, sizes) = (flat(time, [0.0, 0.5]), flat(size, [600i64, -1448]));
            let error = error(vec![flat("class", ["a", "b"]), flat("rep", [1i64, 2]), times, sizes]);
            assert!(error.contains("a table with a row a packet; write it as text"), "{error}");
        }
    }

    #[test]
    fn damaged_provenance_is_refused() {
        let files = Files::new();
        let path = files.path("t.parquet");
        write_foreign(&path, &columns(), Some("{}"), 1 << 20);
        assert!(error_of(&path).contains("the metadata entry wfkit is no provenance: missing field"));
    }

    fn any_set() -> impl Strategy<Value = TraceSet> {
        let size = any::<i32>().prop_filter("no direction", |&size| size != 0);
        let packets = proptest::collection::vec((0..1u64 << 62, size), 1..12);
        let trace = ("[a-c\u{1}\n,\" é]{1,3}", any::<i8>(), any::<Option<bool>>(), any::<Option<i64>>(), packets);
        proptest::collection::vec(trace, 0..8).prop_map(|traces| {
            let mut keys = HashSet::new();
            let traces = traces.into_iter().filter_map(|(class, rep, session, start_ns, packets)| {
                let class = canonical_class(&class).into_owned();
                let key = TraceKey { class, rep: rep.into(), session: session.map(|which| which.to_string()) };
                let (mut time_ns, size): (Vec<u64>, Vec<i32>) = packets.into_iter().unzip();
                time_ns[0] = 0;
                time_ns.sort_unstable();
                let trace = Trace::new(time_ns, size).unwrap();
                keys.insert(key.clone()).then_some(LabelledTrace::new(key, start_ns, trace))
            });
            set(traces.collect())
        })
    }

    proptest! {
        #[test]
        fn parquet_brings_back_any_set(set in any_set()) {
            let files = Files::new();
            let path = files.path("t.parquet");
            write_traces(&path, &set).unwrap();
            prop_assert_eq!(read_traces(&path).unwrap().set, set);
        }

        #[test]
        fn csv_brings_back_class_rep_and_packets(set in any_set()) {
            let files = Files::new();
            let path = files.path("t.csv");
            let key = |labelled: &LabelledTrace| (labelled.key.class.clone(), labelled.key.rep);
            match write_traces(&path, &set) {
                Ok(()) => {
                    let back = read_traces(&path).unwrap().set;
                    let packets = |set: &TraceSet| -> BTreeMap<_, _> {
                        set.traces().iter().map(|labelled| (key(labelled), labelled.trace.content_hash())).collect()
                    };
                    prop_assert_eq!(packets(&back), packets(&set));
                }
                Err(error) => {
                    let error = error.to_string();
                    let told = ["too long", "another session", "empty class"];
                    prop_assert!(told.iter().any(|told| error.contains(told)), "{}", error);
                }
            }
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let files = Files::new();
            for magic in [b"".as_slice(), PARQUET_MAGIC, XZ_MAGIC, b"650 GWF ", ZIP_MAGIC[0]] {
                let _ = read_traces(&files.file("x", [magic, &bytes, magic].concat()));
            }
        }
    }

    #[test]
    fn a_cut_or_damaged_parquet_file_is_an_error_and_no_panic() {
        let files = Files::new();
        let path = files.path("t.parquet");
        write_traces(&path, &two()).unwrap();
        let whole = std::fs::read(&path).unwrap();
        for length in (0..whole.len()).step_by(7) {
            assert!(read_traces(&files.file("cut.parquet", &whole[..length])).is_err(), "{length} bytes");
        }
        for at in (0..whole.len()).step_by(5) {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x10;
            // Parquet has no checksum, so some damage goes unseen.
            let _ = read_traces(&files.file("damaged.parquet", damaged));
        }
    }
}
