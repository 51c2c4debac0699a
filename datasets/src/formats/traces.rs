//! Trace sets in any readable format, told by content; written in the format that the extension names.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::csv_file::{ZIP_MAGIC, csv_member};
use super::explainwf::{LINE_START, XZ_MAGIC, is_packed_log, read_cell_log};
use super::parquet::{read_parquet_traces, write_parquet_traces};
use super::problems::shortened;
use super::{KeyColumn, ReadError, ReadLimits, WriteError, read_packet_csv, write_packet_csv};
use crate::frame::PARQUET_MAGIC;
use crate::{LabelledTrace, Layer, Provenance, TraceKey, TraceSet};

const READABLE: &str = "traces as Parquet (class, rep, time_ns, size), as .csv or .csv.zip (cell_id,rep,direction_size,timestamp) or as a \
     cell log (650 GWF {json}, plain or .xz), or a folder of one of them";
const WRITABLE: &str = ".parquet, .csv or .csv.zip";
const PACKET_KEYS: [KeyColumn<'static>; 2] = [KeyColumn::text("cell_id"), KeyColumn::integer("rep")];

/// A format that holds labelled traces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TraceFormat {
    /// One row a trace; the native format, and the only one that keeps everything.
    Parquet,
    /// One row a packet, `cell_id,rep,direction_size,timestamp`, plain or zipped.
    PacketCsv,
    /// The cell logs of a simulated Tor network, `650 GWF {json}`, plain or packed with xz.
    CellLog,
}

impl fmt::Display for TraceFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Parquet => "Parquet",
            Self::PacketCsv => "packet CSV",
            Self::CellLog => "cell log",
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
    /// How many lines, circuits or files were passed over, for each reason.
    pub dropped: BTreeMap<String, u64>,
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
/// | cell log | `port` | counted from 1 in its file | name of its folder | of the first relay cell | cell, all of 514 bytes |
///
/// # Errors
/// [`ReadError`], naming the file and, for a wrong value, its row and column.
pub fn read_traces(path: &Path) -> Result<ReadTraces, ReadError> {
    read_traces_within(path, &ReadLimits::OWN)
}

/// As [`read_traces`], for files of strangers. Parquet knows no limit but the memory.
pub fn read_traces_within(path: &Path, limits: &ReadLimits) -> Result<ReadTraces, ReadError> {
    let metadata = std::fs::metadata(path).map_err(|error| ReadError::io(path, error))?;
    if metadata.is_dir() {
        return read_folder(path, limits);
    }
    let format = TraceFormat::of_content(path)?;
    let part = read_file(path, format, limits)?;
    let set = TraceSet::new(part.traces, part.provenance);
    let set = set.map_err(|source| ReadError::Set { path: path.to_owned(), source })?;
    Ok(ReadTraces { set, format, dropped: part.dropped })
}

/// Writes `.parquet`, `.csv` or `.csv.zip`, told by the extension. The same set gives the same bytes.
///
/// A packet CSV keeps class, rep and packets alone: neither session, start time nor provenance.
///
/// # Errors
/// Another extension; a trace that the format cannot hold, as two of one class and rep in different sessions in a CSV; what the
/// system refuses.
pub fn write_traces(path: &Path, set: &TraceSet) -> Result<(), WriteError> {
    match TraceFormat::of_extension(path)? {
        TraceFormat::Parquet => write_parquet_traces(path, set),
        _ => write_packet_traces(path, set),
    }
}

impl TraceFormat {
    /// The format of a file, by its content.
    ///
    /// # Errors
    /// What the system refuses, and content that is no trace format, with a word on what it looks like.
    pub fn of_content(path: &Path) -> Result<Self, ReadError> {
        let mut start = Vec::new();
        let read = File::open(path).and_then(|file| file.take(4096).read_to_end(&mut start));
        read.map_err(|error| ReadError::io(path, error))?;
        let known = if start.starts_with(PARQUET_MAGIC) {
            Some(Self::Parquet)
        } else if ZIP_MAGIC.iter().any(|magic| start.starts_with(magic)) || is_packet_header(&start) {
            Some(Self::PacketCsv)
        } else if start.starts_with(LINE_START) {
            Some(Self::CellLog)
        } else if start.starts_with(XZ_MAGIC) && is_packed_log(path).map_err(|error| ReadError::io(path, error))? {
            Some(Self::CellLog)
        } else {
            None
        };
        known.ok_or_else(|| ReadError::Unrecognised {
            path: path.to_owned(),
            found: describe(&start),
            expected: READABLE,
        })
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

fn is_packet_header(start: &[u8]) -> bool {
    let line = start.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line));
    line.split(',').any(|name| name.trim().trim_matches('"') == "direction_size")
}

/// What content of no trace format looks like. Only the beginning of text is repeated, nothing of binary data.
fn describe(start: &[u8]) -> String {
    const PCAP: [[u8; 4]; 5] = [
        [0xd4, 0xc3, 0xb2, 0xa1],
        [0xa1, 0xb2, 0xc3, 0xd4],
        [0x4d, 0x3c, 0xb2, 0xa1],
        [0xa1, 0xb2, 0x3c, 0x4d],
        [0x0a, 0x0d, 0x0d, 0x0a],
    ];
    if start.is_empty() {
        "an empty file".to_owned()
    } else if PCAP.iter().any(|magic| start.starts_with(magic)) {
        "a packet capture, which has to be imported first".to_owned()
    } else if start.starts_with(XZ_MAGIC) {
        "an xz archive of something else".to_owned()
    } else if start.starts_with(&[0x1f, 0x8b]) {
        "a gzip archive".to_owned()
    } else if start.iter().any(|&byte| byte == 0) {
        "binary data".to_owned()
    } else {
        let line = start.split(|&byte| byte == b'\n').next().unwrap_or_default();
        format!("text that starts with `{}`", shortened(&String::from_utf8_lossy(line)))
    }
}

/// The traces of one file.
struct Part {
    traces: Vec<LabelledTrace>,
    provenance: Provenance,
    dropped: BTreeMap<String, u64>,
}

fn read_file(path: &Path, format: TraceFormat, limits: &ReadLimits) -> Result<Part, ReadError> {
    match format {
        TraceFormat::Parquet => {
            let (traces, provenance) = read_parquet_traces(path)?;
            Ok(Part { traces, provenance, dropped: BTreeMap::new() })
        }
        TraceFormat::PacketCsv => {
            let traces = read_packet_traces(path, limits)?;
            let provenance = Provenance::new(Layer::Unknown, vec![super::file_name(path)]);
            Ok(Part { traces, provenance, dropped: BTreeMap::new() })
        }
        TraceFormat::CellLog => {
            let log = read_cell_log(path, limits)?;
            let provenance = Provenance::new(Layer::Cell, vec![super::file_name(path)]);
            Ok(Part { traces: log.traces, provenance, dropped: log.dropped })
        }
    }
}

fn read_packet_traces(path: &Path, limits: &ReadLimits) -> Result<Vec<LabelledTrace>, ReadError> {
    let traces = read_packet_csv(path, &PACKET_KEYS, limits)?.checked(path)?;
    let label = |packet_trace: super::PacketTrace| {
        let [class, rep] = <[String; 2]>::try_from(packet_trace.key).expect("one value a key column");
        let rep = rep.parse().expect("a whole number in its shortest form");
        let trace = packet_trace.trace.expect("a table without problems has only sound traces");
        LabelledTrace { key: TraceKey { class, rep, session: None }, start_ns: None, trace }
    };
    Ok(traces.into_iter().map(label).collect())
}

fn write_packet_traces(path: &Path, set: &TraceSet) -> Result<(), WriteError> {
    let mut seen = HashSet::new();
    for LabelledTrace { key, .. } in set.traces() {
        let reason = if !seen.insert((&key.class, key.rep)) {
            "class and rep occur in another session, too, and this format has no sessions"
        } else if key.class.is_empty() {
            "this format has no empty class"
        } else if key.class.contains('\r') {
            "the class holds a carriage return, which this format does not bring back"
        } else {
            continue;
        };
        let key = Box::new(key.clone());
        return Err(WriteError::Trace { path: path.to_owned(), key, reason: reason.to_owned() });
    }
    let names = PACKET_KEYS.map(|key| key.name);
    let key = |key: &TraceKey| vec![key.class.clone(), key.rep.to_string()];
    write_packet_csv(path, &names, set.traces().iter().map(|labelled| (key(&labelled.key), &labelled.trace)))
}

fn read_folder(folder: &Path, limits: &ReadLimits) -> Result<ReadTraces, ReadError> {
    let unrecognised = |found: String| ReadError::Unrecognised { path: folder.to_owned(), found, expected: READABLE };
    let mut merged: Option<(TraceFormat, PathBuf, Provenance)> = None;
    let mut traces = Vec::new();
    let mut dropped = BTreeMap::new();
    for path in files_of(folder)? {
        let format = match TraceFormat::of_content(&path) {
            Ok(format) => format,
            Err(ReadError::Unrecognised { .. }) => {
                *dropped.entry("file of no trace format".to_owned()).or_default() += 1;
                continue;
            }
            Err(error) => return Err(error),
        };
        let part = read_file(&path, format, limits)?;
        for (reason, count) in part.dropped {
            *dropped.entry(reason).or_default() += count;
        }
        traces.extend(part.traces);
        let inside = path.strip_prefix(folder).expect("found in the folder");
        let sources = match format {
            TraceFormat::Parquet => part.provenance.sources.clone(),
            _ => vec![inside.to_string_lossy().replace('\\', "/")],
        };
        match &mut merged {
            None => merged = Some((format, path, Provenance { sources, ..part.provenance })),
            Some((other, first, provenance)) => {
                if let Some(difference) = difference((*other, provenance), (format, &part.provenance)) {
                    let (first, path) = (first.display(), path.display());
                    return Err(unrecognised(format!(
                        "traces that do not mix: {first} and {path} differ in {difference}"
                    )));
                }
                provenance.sources.extend(sources);
            }
        }
    }
    let Some((format, _, provenance)) = merged else {
        let files: u64 = dropped.values().sum();
        return Err(unrecognised(format!("a folder with {files} files, none of a trace format")));
    };
    let set = TraceSet::new(traces, provenance);
    let set = set.map_err(|source| ReadError::Set { path: folder.to_owned(), source })?;
    Ok(ReadTraces { set, format, dropped })
}

/// What keeps two files from being one set.
fn difference(a: (TraceFormat, &Provenance), b: (TraceFormat, &Provenance)) -> Option<&'static str> {
    let ((a_format, a), (b_format, b)) = (a, b);
    [
        ("format", a_format != b_format),
        ("layer", a.layer != b.layer),
        ("vantage", a.vantage != b.vantage),
        ("defences", a.defenses != b.defenses),
    ]
    .into_iter()
    .find_map(|(name, differs)| differs.then_some(name))
}

/// The files of a folder and the folders in it, by path. Names that start with a dot are left out, links to folders not followed.
fn files_of(folder: &Path) -> Result<Vec<PathBuf>, ReadError> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder).map_err(|error| ReadError::io(&folder, error))?;
        for entry in entries {
            let entry = entry.map_err(|error| ReadError::io(&folder, error))?;
            let path = entry.path();
            if entry.file_name().as_encoded_bytes().starts_with(b".") {
                continue;
            }
            let kind = entry.file_type().map_err(|error| ReadError::io(&path, error))?;
            if kind.is_dir() {
                folders.push(path);
            } else if path.is_file() {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}
