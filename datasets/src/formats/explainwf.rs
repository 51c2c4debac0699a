//! Cell logs of the simulated Tor network of Jansen and Wails, Data-Explainable Website Fingerprinting with Network
//! Simulation, PoPETs 2023: one circuit a line, `650 GWF {json}`, plain or packed with xz.
//!
//! The JSON holds `time_created` (Unix seconds), `port` (the label, 8000..=8099) and `cells`, one
//! `[seconds, 1, direction, cell command, relay command]` each, recorded at the client's guard; direction 0 is from the
//! client. Both commands are kept as columns of packets. Only cells with command 3 (RELAY) are kept; the first ones that a client sends are RELAY_EARLY (9), so the first cell
//! of a trace is incoming. A trace starts with its first cell, not with its circuit.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek};
use std::path::Path;

use lzma_rust2::XzReader;
use serde::Deserialize;

use super::limits::Limited;
use super::{LimitExceeded, ReadError, ReadLimits, ns_from_seconds};
use crate::{LabelledTrace, NOT_KNOWN, PacketColumn, Trace, TraceKey};

/// What every line starts with.
const LINE_START: &[u8] = b"650 GWF ";
/// What the first bytes of an xz file are.
pub(crate) const XZ_MAGIC: &[u8] = b"\xfd7zXZ\0";
/// Memory for unpacking, above all the dictionary: 64 MiB is that of `xz -9`.
const XZ_MEMORY_KIB: u32 = 68 << 10;
const CELL_BYTES: i32 = crate::tor::CELL_BYTES as i32;
const RELAY: u32 = 3;

/// The traces of one log, and how many lines were passed over for which reason.
pub(super) struct CellLog {
    pub(super) traces: Vec<LabelledTrace>,
    pub(super) dropped: BTreeMap<String, u64>,
}

/// One circuit.
#[derive(Deserialize)]
struct Circuit {
    time_created: f64,
    port: u32,
    cells: Vec<(f64, u32, u32, u32, u32)>,
}

/// Whether a file that begins so has lines of this format; a controller's answers may stand before them.
pub(super) fn is_log(start: &[u8]) -> bool {
    start.split(|&byte| byte == b'\n').take(16).any(|line| line.starts_with(LINE_START))
}

/// Whether `path` is xz around lines of this format.
pub(super) fn is_packed_log(path: &Path) -> io::Result<bool> {
    let mut start = Vec::new();
    let unpacked = XzReader::new_mem_limit(BufReader::new(File::open(path)?), true, XZ_MEMORY_KIB);
    // What cannot be unpacked is no log.
    let _ = unpacked.take(4096).read_to_end(&mut start);
    Ok(is_log(&start))
}

/// Reads a log; the session of its traces is the name of the folder that it lies in, their reps count from 1 in each class.
pub(super) fn read_cell_log(path: &Path, limits: &ReadLimits) -> Result<CellLog, ReadError> {
    let mut file = File::open(path).map_err(|error| ReadError::io(path, error))?;
    let mut magic = Vec::new();
    (&file).take(XZ_MAGIC.len() as u64).read_to_end(&mut magic).map_err(|error| ReadError::io(path, error))?;
    file.rewind().map_err(|error| ReadError::io(path, error))?;
    if magic != XZ_MAGIC {
        return read_lines(path, BufReader::new(Limited::plain(file, *limits)), limits);
    }
    let archive_bytes = file.metadata().map_err(|error| ReadError::io(path, error))?.len();
    let unpacked = XzReader::new_mem_limit(BufReader::new(file), true, XZ_MEMORY_KIB);
    let text = Limited::unpacked(unpacked, archive_bytes, *limits).map_err(|limit| ReadError::limit(path, limit))?;
    read_lines(path, BufReader::new(text), limits)
}

fn read_lines(path: &Path, mut text: impl BufRead, limits: &ReadLimits) -> Result<CellLog, ReadError> {
    let session = path.parent().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    let mut log = CellLog { traces: Vec::new(), dropped: BTreeMap::new() };
    let mut reps: HashMap<u32, i64> = HashMap::new();
    let mut line = Vec::new();
    let mut rows = 0;
    while text.read_until(b'\n', &mut line).map_err(|error| ReadError::unpacking(path, error))? > 0 {
        rows += 1;
        if rows > limits.rows {
            return Err(ReadError::limit(path, LimitExceeded::Rows { limit: limits.rows }));
        }
        match circuit(&line).and_then(|circuit| Ok((circuit.port, circuit.trace()?))) {
            Ok((port, (start_ns, trace))) => {
                let rep = reps.entry(port).or_default();
                *rep += 1;
                let key = TraceKey { class: port.to_string(), rep: *rep, session: session.clone() };
                log.traces.push(LabelledTrace::new(key, start_ns, trace));
            }
            Err(reason) => *log.dropped.entry(reason.to_owned()).or_default() += 1,
        }
        if log.traces.len() as u64 > limits.traces {
            return Err(ReadError::limit(path, LimitExceeded::Traces { limit: limits.traces }));
        }
        line.clear();
    }
    Ok(log)
}

/// The circuit on a line, or why there is none of use.
fn circuit(line: &[u8]) -> Result<Circuit, &'static str> {
    let json = line.strip_prefix(LINE_START).ok_or("line without a circuit")?;
    let circuit: Circuit = serde_json::from_slice(json).map_err(|_| "line without a circuit")?;
    match circuit.port {
        8000..=8099 => Ok(circuit),
        _ => Err("circuit to another port than 8000 to 8099"),
    }
}

impl Circuit {
    /// When its first relay cell passed (Unix ns, where the log says it), and the trace from there on.
    fn trace(&self) -> Result<(Option<i64>, Trace), &'static str> {
        let relay_cells = self.cells.iter().filter(|cell| cell.3 == RELAY);
        let mut time_ns = Vec::with_capacity(self.cells.len());
        let mut size = Vec::with_capacity(self.cells.len());
        let (mut cell_commands, mut relay_commands) = (Vec::new(), Vec::new());
        for &(seconds, _, direction, cell_command, relay_command) in relay_cells {
            let command = |command: u32| i16::try_from(command).unwrap_or(NOT_KNOWN);
            cell_commands.push(command(cell_command));
            relay_commands.push(command(relay_command));
            time_ns.push(ns_from_seconds(seconds).ok_or("circuit with a cell at an impossible time")?);
            size.push(match direction {
                0 => CELL_BYTES,
                1 => -CELL_BYTES,
                _ => return Err("circuit with a cell of unknown direction"),
            });
        }
        let &first = time_ns.first().ok_or("circuit without relay cells")?;
        if !time_ns.is_sorted() {
            return Err("circuit with cells out of order");
        }
        for time_ns in &mut time_ns {
            *time_ns -= first;
        }
        let trace = Trace::new(time_ns, size).expect("sorted, not empty, started at its first time, sizes of one cell");
        let trace = trace
            .with_column(PacketColumn::CellCmd, cell_commands)
            .and_then(|trace| trace.with_column(PacketColumn::RelayCmd, relay_commands))
            .expect("commands of each cell");
        Ok((start_ns(self.time_created, first), trace))
    }
}

/// The log has whole microseconds; rounding to them undoes what `f64` does to a time of today.
fn start_ns(time_created: f64, first: u64) -> Option<i64> {
    let created = ns_from_seconds(time_created)?;
    let start = (created + 500) / 1000 * 1000 + first;
    i64::try_from(start).ok()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use proptest::prelude::*;

    use super::*;

    const LINE: &str = r#"650 GWF {"time_created":946686000.039000,"opt_in":true,"port":8060,"cells":[[0.0,1,0,10,0],[0.25,1,1,3,15],[0.25,1,0,9,0],[1.75,1,0,3,0]]}"#;

    fn read(text: &[u8]) -> Result<CellLog, ReadError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run1");
        std::fs::create_dir(&path).unwrap();
        let path = path.join("traces.log");
        std::fs::write(&path, text).unwrap();
        read_cell_log(&path, &ReadLimits::default())
    }

    fn packed(text: &[u8]) -> Vec<u8> {
        let options = lzma_rust2::XzOptions::with_preset(1);
        let mut writer = lzma_rust2::XzWriter::new(Vec::new(), options).unwrap();
        writer.write_all(text).unwrap();
        writer.finish().unwrap()
    }

    #[test]
    fn a_trace_is_the_relay_cells_from_the_first_on() {
        for text in [LINE.as_bytes().to_vec(), packed(LINE.as_bytes())] {
            let log = read(&text).unwrap();
            let key = TraceKey { class: "8060".into(), rep: 1, session: Some("run1".into()) };
            let trace = Trace::new(vec![0, 1_500_000_000], vec![-514, 514]).unwrap();
            let trace = trace.with_column(PacketColumn::CellCmd, vec![3, 3]).unwrap();
            let trace = trace.with_column(PacketColumn::RelayCmd, vec![15, 0]).unwrap();
            assert_eq!(log.traces, [LabelledTrace::new(key, Some(946_686_000_289_000_000), trace)]);
            assert!(log.dropped.is_empty());
        }
    }

    #[test]
    fn every_line_passed_over_is_counted() {
        let cells =
            |port: u32, cells: &str| format!("650 GWF {{\"time_created\":1,\"port\":{port},\"cells\":[{cells}]}}\n");
        let text = [
            "\n650 GWF {\n250 OK\n".to_owned(),
            cells(9001, ""),
            cells(8000, "[0,1,0,9,0]"),
            cells(8000, "[0,1,2,3,0]"),
            cells(8000, "[-1,1,0,3,0]"),
            cells(8000, "[1,1,0,3,0],[0,1,0,3,0]"),
            cells(8000, "[1,1,0,3,0]"),
            cells(8099, "[1,1,0,3,0]"),
            cells(8000, "[2,1,0,3,0]"),
        ]
        .concat();
        let log = read(text.as_bytes()).unwrap();
        let dropped: Vec<(&str, u64)> = log.dropped.iter().map(|(reason, &n)| (reason.as_str(), n)).collect();
        assert_eq!(
            dropped,
            [
                ("circuit to another port than 8000 to 8099", 1),
                ("circuit with a cell at an impossible time", 1),
                ("circuit with a cell of unknown direction", 1),
                ("circuit with cells out of order", 1),
                ("circuit without relay cells", 1),
                ("line without a circuit", 3),
            ]
        );
        let keys: Vec<(&str, i64)> = log.traces.iter().map(|t| (t.key.class.as_str(), t.key.rep)).collect();
        assert_eq!(keys, [("8000", 1), ("8099", 1), ("8000", 2)]);
    }

    #[test]
    fn an_xz_bomb_is_refused_while_it_unpacks() {
        let bomb = packed(&vec![b'\n'; 64 << 20]);
        assert!(matches!(read(&bomb), Err(ReadError::Limit { limit: LimitExceeded::Ratio { limit: 200 }, .. })));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), at in 0..500usize, byte: u8) {
            let _ = read(&bytes);
            let _ = read(&[XZ_MAGIC, bytes.as_slice()].concat());
            let mut damaged = packed(LINE.as_bytes());
            let at = at % damaged.len();
            damaged[at] = byte;
            let _ = read(&damaged);
            let mut damaged = LINE.as_bytes().to_vec();
            let at = at % damaged.len();
            damaged[at] = byte;
            let _ = read(&damaged);
        }
    }
}
