//! Formats of other tools, written: what [`super`] reads back.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::{CELL_SIZES, FieldFormat};
use crate::files::replace_with;
use crate::formats::copies::refuse_copies;
use crate::formats::{WriteError, seconds_from_ns};
use crate::{LabelledTrace, TraceSet};

impl FieldFormat {
    /// Those that are written; arrays are written by `wfkit features tensor`.
    pub const WRITTEN: [Self; 10] = [
        Self::Wang,
        Self::Cell,
        Self::Kfp,
        Self::Cumul,
        Self::Maybenot,
        Self::Circpad,
        Self::NfStream,
        Self::Cesnet,
        Self::FBleau,
        Self::JsonLines,
    ];

    /// Whether it has a file for each trace, in a folder.
    pub fn is_folder(self) -> bool {
        matches!(self, Self::Wang | Self::Cell | Self::Kfp | Self::Maybenot | Self::Circpad)
    }

    /// Whether it has no sizes.
    fn has_directions_alone(self) -> bool {
        matches!(self, Self::Wang | Self::Kfp | Self::Circpad)
    }
}

/// Writes a set in a format of another tool: into one file, or into a folder with a file for each trace, `CLASS-REP` and an ending, which must not hold
/// any file of that name yet.
///
/// Start times, pages, layer and vantage are lost but in JSON lines, which keep start times and sessions, and CUMUL, which keeps start times in ms. CUMUL
/// has times in ms to the nanosecond, other texts in seconds to the nanosecond.
///
/// # Errors
/// A format that is not written; sizes that are no cells (of 512 or 514 bytes) in a format that has directions alone, unless `lose_sizes`; two traces
/// of one class and rep where sessions are lost; copies of one load; a class whose name is no name of a file; a file that is there; what
/// the system refuses.
pub fn write_field_traces(
    path: &Path,
    set: &TraceSet,
    format: FieldFormat,
    lose_sizes: bool,
) -> Result<(), WriteError> {
    refuse_copies(path, set)?;
    if !FieldFormat::WRITTEN.contains(&format) {
        let names = FieldFormat::WRITTEN.map(FieldFormat::name).join(", ");
        return Err(WriteError::table(path, format!("{} is not written; {names} are", format.name())));
    }
    check(path, set, format, lose_sizes)?;
    let io = |path: &Path| {
        let path = path.to_owned();
        move |source| WriteError::Io { path, source }
    };
    if !format.is_folder() {
        let header = match format {
            FieldFormat::NfStream => "application_name,splt_direction,splt_ps,splt_piat_ms\n",
            FieldFormat::Cesnet => "class,PPI\n",
            _ => "",
        };
        let longest = set.traces().iter().map(|labelled| labelled.trace.len()).max().unwrap_or(0);
        let lines = set.traces().iter().map(|labelled| line(labelled, format, longest) + "\n");
        let text: String = std::iter::once(header.to_owned()).chain(lines).collect();
        return replace_with(path, text).map_err(io(path));
    }
    std::fs::create_dir_all(path).map_err(io(path))?;
    let files: Vec<(PathBuf, &LabelledTrace)> =
        set.traces().iter().map(|labelled| (path.join(name(labelled, format)), labelled)).collect();
    if let Some((file, _)) = files.iter().find(|(file, _)| file.exists()) {
        return Err(WriteError::table(file, "is there already; choose an empty folder"));
    }
    files.iter().try_for_each(|(file, labelled)| replace_with(file, text(labelled, format)).map_err(io(file)))
}

fn check(path: &Path, set: &TraceSet, format: FieldFormat, lose_sizes: bool) -> Result<(), WriteError> {
    let mut seen = std::collections::HashSet::new();
    for LabelledTrace { key, trace, .. } in set.traces() {
        let is_cell = |size: &i32| CELL_SIZES.contains(&size.abs());
        let reason = if format != FieldFormat::JsonLines && !seen.insert((&key.class, key.rep)) {
            "class and rep occur in another session, too, and this format has no sessions; count repetitions anew (--renumber), or write .parquet"
        } else if format.is_folder()
            && (key.class.is_empty() || key.class.starts_with('.') || key.class.contains(['/', '\\', '\0']))
        {
            "the class is no name of a file"
        } else if format.is_folder() && key.rep < 0 {
            "a repetition below 0 is no part of a name; count anew (--renumber)"
        } else if format == FieldFormat::Cumul && (key.class.is_empty() || key.class.contains(char::is_whitespace)) {
            "the class has blanks, which part the words of this format"
        } else if format == FieldFormat::FBleau && key.class.parse::<u32>().is_err() {
            "this format has whole numbers for classes; wfkit features tensor writes the place of each class in a list of them"
        } else if matches!(format, FieldFormat::NfStream | FieldFormat::Cesnet) && key.class.is_empty() {
            "this format has no empty class"
        } else if format.has_directions_alone() && !lose_sizes && !trace.size().iter().all(is_cell) {
            "this format has directions alone, and sizes are not those of cells; --lose-sizes writes it nevertheless, cell, maybenot and json-lines keep sizes"
        } else {
            continue;
        };
        let key = Box::new(key.clone());
        return Err(WriteError::Trace { path: path.to_owned(), key, reason: reason.to_owned() });
    }
    Ok(())
}

fn name(LabelledTrace { key, .. }: &LabelledTrace, format: FieldFormat) -> String {
    let (join, ending) = match format {
        FieldFormat::Cell => ("-", ".cell"),
        FieldFormat::Kfp => ("_", ".txt"),
        FieldFormat::Maybenot => ("-", ".log"),
        FieldFormat::Circpad => ("-", ".trace"),
        _ => ("-", ""),
    };
    format!("{}{join}{}{ending}", key.class, key.rep)
}

/// A trace as the content of a file.
fn text(LabelledTrace { trace, .. }: &LabelledTrace, format: FieldFormat) -> String {
    let mut text = String::new();
    for (at, (ns, size)) in trace.packets().enumerate() {
        let (seconds, direction) = (seconds_from_ns(ns), size.signum());
        let _ = match format {
            FieldFormat::Cell => writeln!(text, "{seconds}\t{size}"),
            FieldFormat::Kfp => write!(text, "{}({seconds:?}, {direction})", if at == 0 { "[" } else { ", " }),
            FieldFormat::Maybenot => writeln!(text, "{ns},{},{}", if size > 0 { "s" } else { "r" }, size.abs()),
            FieldFormat::Circpad => {
                let event = if size > 0 { "sent" } else { "received" };
                writeln!(text, "{ns:016} circpad_cell_event_nonpadding_{event}")
            }
            _ => writeln!(text, "{seconds}\t{direction}"),
        };
    }
    if format == FieldFormat::Kfp {
        text.push_str("]\n");
    }
    text
}

/// A trace on one line.
fn line(LabelledTrace { key, start_ns, trace, .. }: &LabelledTrace, format: FieldFormat, longest: usize) -> String {
    let list = |items: Vec<String>| format!("[{}]", items.join(", "));
    let quoted = |class: &str| format!("\"{}\"", class.replace('"', "\"\""));
    let gaps = || {
        let before = std::iter::once(&0).chain(trace.time_ns());
        list(
            trace.time_ns().iter().zip(before).map(|(now, before)| ((now - before) as f64 / 1e6).to_string()).collect(),
        )
    };
    let sizes = || list(trace.size().iter().map(|size| size.unsigned_abs().to_string()).collect());
    let directions = |out: i32, back: i32| {
        list(trace.size().iter().map(|&size| if size > 0 { out } else { back }.to_string()).collect())
    };
    match format {
        FieldFormat::NfStream => {
            let (class, directions) = (quoted(&key.class), directions(0, 1));
            return format!("{class},\"{directions}\",\"{}\",\"{}\"", sizes(), gaps());
        }
        FieldFormat::Cesnet => {
            return format!("{},\"[{}, {}, {}]\"", quoted(&key.class), gaps(), directions(1, -1), sizes());
        }
        FieldFormat::FBleau => {
            let padded = trace.size().iter().copied().chain(std::iter::repeat(0)).take(longest);
            return padded.fold(key.class.clone(), |line, size| format!("{line},{size}"));
        }
        _ => {}
    }
    if format == FieldFormat::Cumul {
        let ms = start_ns.map_or(0, |start| start / 1_000_000);
        let packets = trace.packets().map(|(ns, size)| format!(" {}:{}", ns as f64 / 1e6, -i64::from(size)));
        return format!("{} {ms} {}{}", key.class, trace.len(), packets.collect::<String>());
    }
    let mut object = serde_json::json!({ "class": key.class, "rep": key.rep });
    if let Some(session) = &key.session {
        object["session"] = session.as_str().into();
    }
    if let Some(start_ns) = start_ns {
        object["start_ns"] = (*start_ns).into();
    }
    object["time_ns"] = trace.time_ns().into();
    object["size"] = trace.size().into();
    object.to_string()
}
