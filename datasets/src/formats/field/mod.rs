//! Formats of other tools of the field, told by content. What each keeps, and what is made of it:
//!
//! | name | what a file is | class and rep | time | size | layer |
//! |---|---|---|---|---|---|
//! | `wang` | one trace, a line a cell: seconds, tab, 1 out or -1 in | name of the file, `CLASS-REP`; a number alone is an unmonitored page | kept | 514 bytes a cell, since there is none | cell |
//! | `cell` | as `wang`, with a signed size in place of the direction | as `wang` | kept | kept | cell where all are of 512 or 514 bytes |
//! | `kfp` | one trace, a Python list of (seconds, direction) or (seconds, signed size) | as `wang` | kept | as `wang` and `cell` | as there |
//! | `bursts` | one trace, signed sizes between blanks | as `wang` | none: all 0 | kept | unknown |
//! | `cumul` | a line a trace: page, start in ms, count, then `ms:size` or `ms:peer:size`, incoming positive | the page; counted | kept | kept, its sign turned | unknown |
//! | `doh` | JSON: a map from capture to `sent`, `received` (bytes) and `order` | name of the capture without its ending; counted | none: all 0 | kept | unknown |
//! | `maybenot` | one trace, a line a packet: nanoseconds, `s` or `r` (also `sn`, `sp`, `rn`, `rp`), perhaps bytes | as `wang` | kept | kept, else 514 bytes | cell where all are of 512 or 514 bytes |
//! | `circpad` | one trace, a line an event of Tor's circuit padding simulator: nanoseconds, `circpad_cell_event_..` | as `wang` | kept | 514 bytes a cell, since there is none | cell |
//! | `npz` | `X` and `y`: a row a trace, directions or direction x seconds, padded with 0 | `y`, where there are `classes` its place in them; `rep`, else counted | kept where it is there | 514 bytes a cell, since there is none | cell |
//! | `pickle` | `X` or `y` of `npz` as a pickled array each, in files whose names differ in that letter | as `npz` | as `npz` | as `npz` | cell |
//! | `nfstream` | a table with a row a flow (text or Parquet): `splt_direction` (0 out), `splt_ps`, `splt_piat_ms`; -1 pads | `application_name`, or `class`, `label`; counted | kept | kept | unknown |
//! | `cesnet` | the same with `PPI`: lists of gaps in ms, directions (1 out), sizes | `class`, `label`, `APP`; `rep`, else counted | kept | kept | unknown |
//! | `ipfixprobe` | the same with `PPI_PKT_TIMES` (moments, UTC), `PPI_PKT_DIRECTIONS` (1 out, -1 in), `PPI_PKT_LENGTHS`, parted by bars; flags are lost | `class`, `label`, `APP`; `rep`, else counted | kept, with the start | kept | unknown |
//! | `f-bleau` | a line a trace: class (a whole number), then signed sizes, padded with 0; only where it is named | first field; counted | none: all 0 | kept | unknown |
//! | `chat` | JSON (a list of objects, or one a line) of streams that answer a chat: `data_lengths` (bytes, all incoming), `time_diffs` (s) | `class`, `label`, `topic` or `prompt`; counted | kept, as gaps | kept | unknown |
//! | `json-lines` | a line a trace: `class`, perhaps `rep` and `session`, `time` (s) or `time_ns`, `size` (signed bytes) | kept; else counted | kept | kept | unknown |
//!
//! Times start at the first packet. What the table calls counted is numbered from 0 in each class, in the order of files and rows. Whatever a
//! format does not have is told as a warning: sizes, times, and in arrays the direction of a packet at time 0, which is taken as outgoing.

mod arrays;
mod flows;
mod lines;
mod lists;
mod mapped;
mod moments;
mod names;
mod pickle;
mod write;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use super::dialect::{self, beginning};
use super::limits::Limited;
use super::problems::shortened;
use super::source::start_of;
use super::{ReadError, ReadLimits, ns_from_seconds};
use crate::frame::PARQUET_MAGIC;
use crate::{LabelledTrace, Layer, Trace, tor};

pub(super) use mapped::read as read_mapped;
pub use mapped::{COLUMNS_EXPLAINED, ColumnMap};
pub use write::write_field_traces;

/// What a packet of a format without sizes is taken for, and the older form of it.
pub(super) const CELL_BYTES: i32 = tor::CELL_BYTES as i32;
pub(super) const CELL_SIZES: [i32; 2] = [tor::OLD_CELL_BYTES as i32, CELL_BYTES];

/// A format of another tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FieldFormat {
    /// Seconds and directions, a line each.
    Wang,
    /// Seconds and signed sizes, a line each.
    Cell,
    /// A Python list of pairs.
    Kfp,
    /// Signed sizes without times.
    Bursts,
    /// Instances of CUMUL.
    Cumul,
    /// JSON of DNS over HTTPS.
    Doh,
    /// Traces of Maybenot's simulator.
    Maybenot,
    /// Traces of Tor's circuit padding simulator.
    Circpad,
    /// Arrays of NumPy.
    Npz,
    /// Pickled arrays.
    Pickle,
    /// Flows of NFStream.
    NfStream,
    /// Flows of CESNET.
    Cesnet,
    /// Flows of ipfixprobe.
    Ipfixprobe,
    /// Examples of F-BLEAU.
    FBleau,
    /// Streams that answer a chat.
    Chat,
    /// A trace a line, in JSON.
    JsonLines,
}

/// What a file has.
#[derive(Debug, Default)]
pub(super) struct FieldTraces {
    pub(super) traces: Vec<LabelledTrace>,
    pub(super) dropped: BTreeMap<String, u64>,
    /// What a reader should know of how many of them.
    pub(super) told: BTreeMap<String, usize>,
    /// Whether reps are those of the order, so that those of several files must be counted together.
    pub(super) is_counted: bool,
}

impl FieldFormat {
    /// All of them, in the order of the table.
    pub const ALL: [Self; 16] = [
        Self::Wang,
        Self::Cell,
        Self::Kfp,
        Self::Bursts,
        Self::Cumul,
        Self::Doh,
        Self::Maybenot,
        Self::Circpad,
        Self::Npz,
        Self::Pickle,
        Self::NfStream,
        Self::Cesnet,
        Self::Ipfixprobe,
        Self::FBleau,
        Self::Chat,
        Self::JsonLines,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Wang => "wang",
            Self::Cell => "cell",
            Self::Kfp => "kfp",
            Self::Bursts => "bursts",
            Self::Cumul => "cumul",
            Self::Doh => "doh",
            Self::Maybenot => "maybenot",
            Self::Circpad => "circpad",
            Self::Npz => "npz",
            Self::Pickle => "pickle",
            Self::NfStream => "nfstream",
            Self::Cesnet => "cesnet",
            Self::Ipfixprobe => "ipfixprobe",
            Self::FBleau => "f-bleau",
            Self::Chat => "chat",
            Self::JsonLines => "json-lines",
        }
    }

    /// What is written of each trace, in words; none where the format is only read.
    pub fn written_as(self) -> Option<&'static str> {
        Some(match self {
            Self::Wang => "Seconds and direction, a line a cell, a file a trace",
            Self::Cell => "Seconds and signed size",
            Self::Kfp => "A Python list of (seconds, direction)",
            Self::Cumul => "A line a trace: page, milliseconds, count, ms:size, incoming positive",
            Self::Maybenot => "Nanoseconds, s or r, bytes",
            Self::Circpad => "Events of Tor's circuit padding simulator",
            Self::NfStream => "Flows of NFStream as CSV: splt_direction, splt_ps, splt_piat_ms",
            Self::Cesnet => "Flows of CESNET as CSV: PPI, lists of gaps in ms, directions, sizes",
            Self::FBleau => "A line a trace: class (a whole number), signed sizes; without times",
            Self::JsonLines => "A line a trace, with all but pages and layer",
            Self::Bursts | Self::Doh | Self::Npz | Self::Pickle | Self::Ipfixprobe | Self::Chat => return None,
        })
    }

    /// The format of a file that begins so; none if it is none of these.
    pub(super) fn of_start(path: &Path, start: &[u8]) -> Option<Self> {
        if arrays::is_archive(path, start) {
            return Some(Self::Npz);
        }
        if pickle::is_traces(path, start) {
            return Some(Self::Pickle);
        }
        if start.starts_with(PARQUET_MAGIC) {
            return flows::of_parquet(path);
        }
        if let Some(format) = flows::of_text(start) {
            return Some(format);
        }
        of_text_in(start, is_whole(path, start)).or_else(|| {
            // A trace may stand on one line, whose end says what it is.
            HEADS.into_iter().filter(|_| may_go_on(start)).find_map(|most| {
                let start = start_of(path, most).ok()?;
                of_text_in(&start, is_whole(path, &start))
            })
        })
    }

    pub(super) fn read(self, path: &Path, limits: &ReadLimits) -> Result<FieldTraces, ReadError> {
        let found = match self {
            Self::Wang | Self::Cell | Self::Bursts | Self::Maybenot | Self::Circpad => lines::read(self, path, limits)?,
            Self::Kfp | Self::Cumul | Self::Doh | Self::FBleau | Self::Chat | Self::JsonLines => {
                lists::read(self, path, limits)?
            }
            Self::NfStream | Self::Cesnet | Self::Ipfixprobe => flows::read(self, path, limits)?,
            Self::Npz => arrays::read_archive(path, limits)?,
            Self::Pickle => pickle::read(path, limits)?,
        };
        if found.traces.len() as u64 > limits.traces {
            return Err(ReadError::limit(path, super::LimitExceeded::Traces { limit: limits.traces }));
        }
        Ok(found)
    }

    /// What sizes of such traces are.
    pub(super) fn layer(self, traces: &[LabelledTrace]) -> Layer {
        let is_cell = |size: &i32| CELL_SIZES.contains(&size.abs());
        match self {
            Self::Cumul
            | Self::Doh
            | Self::NfStream
            | Self::Cesnet
            | Self::Ipfixprobe
            | Self::FBleau
            | Self::Chat
            | Self::JsonLines
            | Self::Bursts => Layer::Unknown,
            _ if traces.iter().flat_map(|labelled| labelled.trace.size()).all(is_cell) => Layer::Cell,
            _ => Layer::Unknown,
        }
    }
}

/// How much more of a text is looked at that tells nothing in its first bytes.
const HEADS: [u64; 3] = [1 << 16, 1 << 20, 1 << 24];

fn is_whole(path: &Path, start: &[u8]) -> bool {
    path.metadata().is_ok_and(|file| file.len() <= start.len() as u64)
}

/// Whether the first bytes of a text may be too few: it is JSON, or they are all of one line.
fn may_go_on(start: &[u8]) -> bool {
    let text = beginning(start);
    let is_json = text.trim_start_matches('\u{feff}').trim_start().starts_with(['{', '[']);
    !text.contains('\0') && (is_json || !text.contains('\n'))
}

/// The format of a text that begins so.
fn of_text_in(start: &[u8], is_whole: bool) -> Option<FieldFormat> {
    let text = beginning(start);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text).trim_start();
    // The last word may be cut.
    let line = |line: &'_ str| -> String {
        let is_cut = !is_whole && text.ends_with(line);
        let end = if is_cut { line.rfind(char::is_whitespace).unwrap_or(line.len()) } else { line.len() };
        line[..end].trim_end().to_owned()
    };
    let first = text.lines().next()?;
    let behind_comments = || text.lines().find(|line| !line.trim().is_empty() && !line.starts_with('#'));
    lists::of_line(&line(first), text).or_else(|| lines::of_line(&line(behind_comments()?)))
}

/// The bytes of a file.
fn bytes_of(path: &Path, limits: &ReadLimits) -> Result<Vec<u8>, ReadError> {
    let file = File::open(path).map_err(|error| ReadError::io(path, error))?;
    let mut bytes = Vec::new();
    // A whole list may stand on one line, and what is packed has none.
    let limits = ReadLimits { line_bytes: limits.uncompressed_bytes, ..*limits };
    Limited::plain(file, limits).read_to_end(&mut bytes).map_err(|error| ReadError::unpacking(path, error))?;
    Ok(bytes)
}

/// The text of a file, without a byte order mark.
fn text_of(path: &Path, limits: &ReadLimits) -> Result<String, ReadError> {
    let text = dialect::text(bytes_of(path, limits)?).map_err(|why| ReadError::damaged(path, why))?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// A packet as files have it.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Packet {
    time: Time,
    /// Bytes, or 1 and -1 where there are only directions.
    size: f64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Time {
    Seconds(f64),
    Ns(u64),
}

/// What the numbers of packets are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Numbers {
    /// Signed bytes.
    Bytes,
    /// Signed bytes, or directions where all are 1 and -1.
    BytesOrDirections,
}

/// A trace of packets as they stand, from the first on; whether there were directions alone, which count as cells. Or what is wrong with which
/// packet, counted from 0.
fn trace_of(packets: &[Packet], numbers: Numbers) -> Result<(Trace, bool), (usize, &'static str)> {
    let directions = numbers == Numbers::BytesOrDirections && packets.iter().all(|packet| packet.size.abs() == 1.0);
    let bytes = if directions { f64::from(CELL_BYTES) } else { 1.0 };
    // Seconds may start anywhere, also below 0; the first of them is what the others are counted from.
    let first = packets.first().ok_or((0, "no packet"))?.time;
    let mut time_ns = Vec::with_capacity(packets.len());
    let mut size = Vec::with_capacity(packets.len());
    for (at, packet) in packets.iter().enumerate() {
        let ns = match (packet.time, first) {
            (Time::Ns(now), Time::Ns(first)) => now.checked_sub(first).ok_or((at, "a time before the first"))?,
            (Time::Seconds(now), Time::Seconds(first)) => {
                ns_from_seconds(now - first).ok_or((at, "a time before the first, or none"))?
            }
            _ => return Err((at, "a time of another unit")),
        };
        if time_ns.last().is_some_and(|&before| ns < before) {
            return Err((at, "a time before the one above it"));
        }
        if i64::try_from(ns).is_err() {
            return Err((at, "a time beyond 292 years"));
        }
        let signed = packet.size * bytes;
        let is_whole = signed.fract() == 0.0 && signed != 0.0 && signed.abs() <= f64::from(i32::MAX);
        if !is_whole {
            return Err((at, "no direction or size in whole bytes, which is not 0"));
        }
        time_ns.push(ns);
        size.push(signed as i32);
    }
    let trace = Trace::new(time_ns, size).map_err(|_| (0, "no trace"))?;
    Ok((trace, directions))
}

/// Adds what is counted by class.
#[derive(Debug, Default)]
struct Reps(std::collections::HashMap<String, i64>);

impl Reps {
    fn next(&mut self, class: &str) -> i64 {
        let next = self.0.entry(class.to_owned()).or_default();
        *next += 1;
        *next - 1
    }
}

/// Numbers the traces of each class anew, in their order.
pub(super) fn count_anew(traces: &mut [LabelledTrace]) {
    let mut reps = Reps::default();
    for labelled in traces {
        labelled.key.rep = reps.next(&labelled.key.class);
    }
}

impl FieldTraces {
    fn drop(&mut self, reason: impl Into<String>, count: u64) {
        if count > 0 {
            *self.dropped.entry(reason.into()).or_default() += count;
        }
    }

    fn tell(&mut self, count: usize, what: impl Into<String>) {
        if count > 0 {
            *self.told.entry(what.into()).or_default() += count;
        }
    }
}

/// Why a format that keeps sizes beside directions does not take one below 0.
const BELOW_0: &str = "a size below 0 beside a direction, which says which way it is by itself";

const WITHOUT_PACKETS: &str = "trace without packets";

fn wrong(path: &Path, row: u64, column: &str, value: &str, reason: &str) -> ReadError {
    let (column, value, reason) = (column.to_owned(), format!("`{}`", shortened(value)), reason.to_owned());
    ReadError::Value { path: path.to_owned(), row, column, value, reason }
}

const DIRECTIONS: &str = "traces have directions alone: each packet counts as a cell of 514 bytes";
const NO_TIMES: &str = "traces have no times: all of their packets are at 0";

#[cfg(test)]
mod tests;
