//! Tables of packets, one row a packet: some columns that name the trace, then `direction_size` and `timestamp`.
//!
//! `direction_size` is signed bytes, + upload (outgoing), - download (incoming); `timestamp` is seconds since the first packet
//! of the trace. So are the defence, train and test files of the competition.

use std::collections::HashMap;
use std::path::Path;

use super::csv_file::{CsvRow, CsvRows, check_csv_text, read_csv, write_csv_file};
use super::dialect::Dialect;
use super::numbers::{finite_number, whole_number};
use super::spool::{Piece, Spool};
use super::{
    LimitExceeded, MAX_EXACT_NS, Problems, ReadError, ReadLimits, Source, WriteError, ns_from_seconds, seconds_from_ns,
};
use crate::{MixedClass, Spellings, Trace};

const SIZE: &str = "direction_size";
const TIME: &str = "timestamp";

/// A column that names the trace of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyColumn<'a> {
    /// Name of the column.
    pub name: &'a str,
    /// Whether it holds whole numbers only, and text is refused.
    pub integer: bool,
}

impl<'a> KeyColumn<'a> {
    /// A column of classes: any text but the empty one, by its [`canonical_class`](crate::canonical_class).
    pub const fn text(name: &'a str) -> Self {
        Self { name, integer: false }
    }

    /// A column of whole numbers.
    pub const fn integer(name: &'a str) -> Self {
        Self { name, integer: true }
    }
}

/// The traces of a packet table and everything that is wrong with it.
#[derive(Debug, Clone, PartialEq)]
pub struct PacketTable {
    /// One entry a trace, in the order of first appearance.
    pub traces: Vec<PacketTrace>,
    /// Rows without the header.
    pub rows: u64,
    /// What is wrong, row by row.
    pub problems: Problems,
    /// How the file is written.
    pub dialect: Dialect,
    /// Classes that were written in more than one way, as `1` and `1.0`.
    pub mixed: Vec<MixedClass>,
}

/// One trace of a packet table.
#[derive(Debug, Clone, PartialEq)]
pub struct PacketTrace {
    /// The values of the key columns, in the order asked for; whole numbers in their shortest form.
    pub key: Vec<String>,
    /// Line of the first packet.
    pub row: u64,
    /// Number of rows, good and bad.
    pub packets: u64,
    /// The packets, or `None` where one of its rows has a problem.
    pub trace: Option<Trace>,
}

impl PacketTable {
    /// The traces, if nothing is wrong.
    pub fn checked(self, path: &Path) -> Result<Vec<PacketTrace>, ReadError> {
        if self.problems.is_empty() {
            return Ok(self.traces);
        }
        Err(ReadError::Problems { path: path.to_owned(), problems: self.problems })
    }
}

/// Reads a `.csv` or `.csv.zip` file with exactly the columns `keys`, `direction_size` and `timestamp`, in any order.
///
/// Rows may come in any order of traces, but in the order of time inside one; a trace that begins anew, at 0 and behind rows of another,
/// is one too many of its name. Commas, semicolons, tabs or bars part the fields, in UTF-8 or UTF-16; where commas do not, they may stand
/// before decimals. Bad rows do not end the reading; they are
/// listed in [`PacketTable::problems`] under these kinds: `wrong number of fields`, `empty`, `not a number`, `infinite`,
/// `not UTF-8`, `not a whole number`, `zero size`, `size beyond 32 bits`, `negative time`, `time beyond 292 years`,
/// `first time of a trace is not 0`, `time earlier than that of the packet before`, `trace of a name that another one has`, `decimals
/// behind a comma in one row, behind a point in another`.
///
/// # Errors
/// A file that cannot be opened or unpacked, other columns, or more than `limits` allow.
pub fn read_packet_csv<'a>(
    source: impl Into<Source<'a>>,
    keys: &[KeyColumn<'_>],
    limits: &ReadLimits,
) -> Result<PacketTable, ReadError> {
    read_csv(source, limits, &[], |mut rows| {
        let mut builders = Builders::new(keys);
        let problems = builders.read(&mut rows, limits, &mut |_| Ok(()))?;
        let mixed = std::mem::take(&mut builders.spellings).into_mixed();
        Ok(PacketTable { rows: rows.rows(), dialect: rows.dialect(), mixed, traces: builders.finish(), problems })
    })
}

/// A packet table whose packets wait on disk.
pub(crate) struct SpooledTable {
    /// One entry a trace, in the order of first appearance.
    pub(crate) traces: Vec<SpooledTrace>,
    pub(crate) spool: Spool,
    /// Classes that were written in more than one way.
    pub(crate) mixed: Vec<MixedClass>,
}

/// One trace of it.
#[derive(Debug)]
pub(crate) struct SpooledTrace {
    /// The values of the key columns, as in [`PacketTrace`].
    pub(crate) key: Vec<String>,
    pieces: Vec<Piece>,
    /// What was not put down.
    time_ns: Vec<u64>,
    size: Vec<i32>,
    /// Number of packets.
    pub(crate) packets: u64,
}

impl SpooledTable {
    /// Reads as [`read_packet_csv`] does, and holds no more than `most` packets meanwhile: the others wait in a file without a name in `folder`.
    ///
    /// # Errors
    /// As [`read_packet_csv`]; also everything that is wrong with rows, and what the system refuses.
    pub(crate) fn read(
        path: &Path,
        keys: &[KeyColumn<'_>],
        limits: &ReadLimits,
        (folder, most): (&Path, usize),
    ) -> Result<Self, ReadError> {
        let mut spool = Spool::open(folder).map_err(|error| ReadError::io(folder, error))?;
        read_csv(path, limits, &[], |mut rows| {
            let mut builders = Builders::new(keys);
            let problems = builders.read(&mut rows, limits, &mut |builders| {
                if builders.held < most {
                    return Ok(());
                }
                builders.held = 0;
                for trace in builders.traces.iter_mut().filter(|trace| !trace.size.is_empty()) {
                    trace.put_down(&mut spool).map_err(|error| ReadError::io(folder, error))?;
                }
                Ok(())
            })?;
            if !problems.is_empty() {
                return Err(ReadError::Problems { path: path.to_owned(), problems });
            }
            let mixed = std::mem::take(&mut builders.spellings).into_mixed();
            let spooled = |builder: Builder| SpooledTrace {
                key: builder.key,
                packets: builder.packets,
                pieces: builder.pieces,
                time_ns: builder.time_ns,
                size: builder.size,
            };
            Ok((builders.traces.into_iter().map(spooled).collect(), mixed))
        })
        .map(|(traces, mixed)| Self { traces, spool, mixed })
    }

    /// The packets of the trace at `place`.
    ///
    /// # Errors
    /// What the system refuses.
    pub(crate) fn trace(&mut self, place: usize) -> std::io::Result<Trace> {
        let SpooledTrace { pieces, time_ns: last_times, size: last_sizes, packets, .. } = &self.traces[place];
        let (mut time_ns, mut size) = (Vec::with_capacity(*packets as usize), Vec::with_capacity(*packets as usize));
        for &piece in pieces {
            self.spool.take(piece, &mut time_ns, &mut size)?;
        }
        time_ns.extend_from_slice(last_times);
        size.extend_from_slice(last_sizes);
        Trace::new(time_ns, size).map_err(std::io::Error::other)
    }
}

/// Writes a `.csv` or `.csv.zip` file with the columns `keys`, `direction_size` and `timestamp`: traces in the order given, each
/// with one value a key. Seconds have as many digits as bring back the same nanosecond.
///
/// # Errors
/// Another extension; a trace longer than [`MAX_EXACT_NS`]; what the system refuses.
///
/// # Panics
/// If a trace has another number of key values than there are keys.
pub fn write_packet_csv<'a>(
    path: &Path,
    keys: &[&str],
    traces: impl IntoIterator<Item = (Vec<String>, &'a Trace)>,
) -> Result<(), WriteError> {
    write_packet_csv_in_parts(path, keys, |sink| traces.into_iter().try_for_each(|(key, trace)| sink.add(&key, trace)))
}

/// The same of traces that `fill` adds one after the other.
pub(crate) fn write_packet_csv_in_parts<E: From<WriteError>>(
    path: &Path,
    keys: &[&str],
    fill: impl FnOnce(&mut PacketSink<'_, '_>) -> Result<(), E>,
) -> Result<(), E> {
    let failed = |error: csv::Error| WriteError::table(path, error);
    write_csv_file(path, |out: &mut dyn std::io::Write| {
        let mut writer = csv::Writer::from_writer(out);
        writer.write_record(keys.iter().chain(&[SIZE, TIME])).map_err(failed)?;
        let mut sink = PacketSink { path, keys: keys.len(), writer };
        fill(&mut sink)?;
        Ok(sink.writer.flush().map_err(|error| WriteError::io(path, error))?)
    })
}

/// Takes traces on their way into a packet table.
pub(crate) struct PacketSink<'a, 'file> {
    path: &'a Path,
    keys: usize,
    writer: csv::Writer<&'file mut (dyn std::io::Write + 'file)>,
}

impl PacketSink<'_, '_> {
    /// Adds a trace with one value a key.
    pub(crate) fn add(&mut self, key: &[String], trace: &Trace) -> Result<(), WriteError> {
        assert_eq!(key.len(), self.keys, "one value a key column");
        key.iter().try_for_each(|value| check_csv_text(self.path, value))?;
        if trace.duration_ns() > MAX_EXACT_NS {
            let key = key.join(",");
            let reason = format!("trace {key} is too long for seconds to tell nanoseconds");
            return Err(WriteError::table(self.path, reason));
        }
        let mut shortest = zmij::Buffer::new();
        for (&time_ns, size) in trace.time_ns().iter().zip(trace.size()) {
            let seconds = shortest.format(seconds_from_ns(time_ns));
            let packet = [&size.to_string(), seconds];
            let row = key.iter().map(String::as_str).chain(packet);
            self.writer.write_record(row).map_err(|error| WriteError::table(self.path, error))?;
        }
        Ok(())
    }
}

/// The traces read so far.
struct Builders<'a> {
    keys: &'a [KeyColumn<'a>],
    by_key: HashMap<Vec<String>, usize>,
    traces: Vec<Builder>,
    /// Fields of the row before and its trace: mostly the next row belongs to it, too.
    last: Option<(Vec<Vec<u8>>, usize)>,
    spellings: Spellings,
    /// Packets that are held.
    held: usize,
}

struct Builder {
    key: Vec<String>,
    row: u64,
    packets: u64,
    sound: bool,
    /// Time of the last sound packet.
    last_ns: Option<u64>,
    /// Packets that were put down, before those that are held.
    pieces: Vec<Piece>,
    time_ns: Vec<u64>,
    size: Vec<i32>,
}

impl Builder {
    fn put_down(&mut self, spool: &mut Spool) -> std::io::Result<()> {
        self.pieces.push(spool.put(&self.time_ns, &self.size)?);
        (self.time_ns, self.size) = (Vec::new(), Vec::new());
        Ok(())
    }
}

impl<'a> Builders<'a> {
    fn new(keys: &'a [KeyColumn<'a>]) -> Self {
        Self { keys, by_key: HashMap::new(), traces: Vec::new(), last: None, spellings: Spellings::default(), held: 0 }
    }

    /// Reads all rows, with a look at what is held after each; what is wrong with them.
    fn read(
        &mut self,
        rows: &mut CsvRows<'_>,
        limits: &ReadLimits,
        after_each: &mut dyn FnMut(&mut Self) -> Result<(), ReadError>,
    ) -> Result<Problems, ReadError> {
        let names: Vec<&str> = self.keys.iter().map(|key| key.name).chain([SIZE, TIME]).collect();
        rows.select(&names)?;
        let mut problems = Problems::default();
        while let Some(row) = rows.next_row(&mut problems)? {
            self.push(row, &mut problems);
            if self.traces.len() as u64 > limits.traces {
                return Err(ReadError::limit(rows.path(), LimitExceeded::Traces { limit: limits.traces }));
            }
            after_each(self)?;
        }
        Ok(problems)
    }

    /// Adds a row to its trace; what is wrong with it goes to `problems`, and the trace is no longer sound.
    fn push(&mut self, row: CsvRow<'_>, problems: &mut Problems) {
        let Some((at, goes_on)) = self.trace_of(row, problems) else { return };
        let [size_column, time_column] = [self.keys.len(), self.keys.len() + 1];
        let size = parse_size(&row.number(size_column));
        let time_ns = parse_time(&row.number(time_column));
        let trace = &mut self.traces[at];
        trace.packets += 1;
        let time_ns = time_ns.and_then(|time_ns| match trace.last_ns {
            Some(_) if !goes_on && time_ns == 0 => Err("trace of a name that another one has"),
            None if trace.packets == 1 && time_ns != 0 => Err("first time of a trace is not 0"),
            Some(before) if time_ns < before => Err("time earlier than that of the packet before"),
            _ => Ok(time_ns),
        });
        for (column, name, error) in [(size_column, SIZE, size.err()), (time_column, TIME, time_ns.err())] {
            if let Some(kind) = error {
                trace.sound = false;
                problems.record(kind, name, row.line, row.lossy(column));
            }
        }
        if let (Ok(size), Ok(time_ns)) = (size, time_ns) {
            trace.size.push(size);
            trace.time_ns.push(time_ns);
            trace.last_ns = Some(time_ns);
            self.held += 1;
        }
    }

    /// The trace that the key columns name, a new one if need be, and whether the row before named it by the same words; `None` where they
    /// name none.
    fn trace_of(&mut self, row: CsvRow<'_>, problems: &mut Problems) -> Option<(usize, bool)> {
        if let Some((fields, at)) = &self.last
            && fields.iter().enumerate().all(|(column, field)| field == row.raw(column))
        {
            return Some((*at, true));
        }
        let mut key = Vec::with_capacity(self.keys.len());
        for (column, asked) in self.keys.iter().enumerate() {
            let parsed = match asked.integer {
                true => whole_number(row.number(column)).map(|number| number.to_string()),
                false => parse_class(row.bytes(column)),
            };
            match parsed {
                Ok(value) if asked.integer => key.push(value),
                Ok(value) => key.push(self.spellings.canonical(&value)),
                Err(kind) => problems.record(kind, asked.name, row.line, row.lossy(column)),
            }
        }
        if key.len() < self.keys.len() {
            return None;
        }
        let at = *self.by_key.entry(key.clone()).or_insert(self.traces.len());
        if at == self.traces.len() {
            let (time_ns, size) = (Vec::new(), Vec::new());
            let pieces = Vec::new();
            let row = row.line;
            self.traces.push(Builder { key, row, packets: 0, sound: true, last_ns: None, pieces, time_ns, size });
        }
        self.last = Some(((0..self.keys.len()).map(|column| row.raw(column).to_vec()).collect(), at));
        Some((at, false))
    }

    fn finish(self) -> Vec<PacketTrace> {
        let finish = |builder: Builder| PacketTrace {
            key: builder.key,
            row: builder.row,
            packets: builder.packets,
            trace: Trace::new(builder.time_ns, builder.size).ok().filter(|_| builder.sound),
        };
        self.traces.into_iter().map(finish).collect()
    }
}

fn parse_class(field: &[u8]) -> Result<String, &'static str> {
    match std::str::from_utf8(field) {
        Ok(text) if text.trim().is_empty() => Err("empty"),
        Ok(text) => Ok(text.to_owned()),
        Err(_) => Err("not UTF-8"),
    }
}

fn parse_size(field: &[u8]) -> Result<i32, &'static str> {
    match i32::try_from(whole_number(field)?) {
        Ok(0) => Err("zero size"),
        Ok(size) => Ok(size),
        Err(_) => Err("size beyond 32 bits"),
    }
}

fn parse_time(field: &[u8]) -> Result<u64, &'static str> {
    let seconds = finite_number(field)?;
    let kind = if seconds < 0.0 { "negative time" } else { "time beyond 292 years" };
    ns_from_seconds(seconds).ok_or(kind)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::path::PathBuf;

    use proptest::prelude::*;
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    const KEYS: [KeyColumn<'static>; 2] = [KeyColumn::text("cell_id"), KeyColumn::integer("rep")];
    const HEADER: &str = "cell_id,rep,direction_size,timestamp\n";

    /// A folder that lives as long as the test, and files in it.
    struct Files(tempfile::TempDir);

    impl Files {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn csv(&self, text: impl AsRef<[u8]>) -> PathBuf {
            let path = self.0.path().join("packets.csv");
            std::fs::write(&path, text).unwrap();
            path
        }

        fn zip(&self, members: &[(&str, &[u8])]) -> PathBuf {
            let path = self.0.path().join("packets.csv.zip");
            let mut archive = ZipWriter::new(std::fs::File::create(&path).unwrap());
            for (name, text) in members {
                archive.start_file(*name, SimpleFileOptions::default()).unwrap();
                archive.write_all(text).unwrap();
            }
            archive.finish().unwrap();
            path
        }
    }

    fn read(path: &Path) -> Result<PacketTable, ReadError> {
        read_packet_csv(path, &KEYS, &ReadLimits::default())
    }

    fn read_text(rows: &str) -> PacketTable {
        read(&Files::new().csv(format!("{HEADER}{rows}"))).unwrap()
    }

    fn trace(time_ns: &[u64], size: &[i32]) -> Trace {
        Trace::new(time_ns.to_vec(), size.to_vec()).unwrap()
    }

    #[test]
    fn traces_may_be_interleaved_and_columns_in_any_order() {
        let files = Files::new();
        let path = files.csv("timestamp,rep,cell_id,direction_size\n0.0,1,a,5\n0,2,a,6\n0.5,1,a,-7.0\n1e-9,2.0,a,8\n");
        let traces = read(&path).unwrap().checked(&path).unwrap();
        let key = |rep: &str| vec!["a".to_owned(), rep.to_owned()];
        let first = Some(trace(&[0, 500_000_000], &[5, -7]));
        let second = Some(trace(&[0, 1], &[6, 8]));
        assert_eq!(
            traces,
            [
                PacketTrace { key: key("1"), row: 2, packets: 2, trace: first },
                PacketTrace { key: key("2"), row: 3, packets: 2, trace: second },
            ]
        );
    }

    #[test]
    fn quotes_line_ends_blanks_and_a_byte_order_mark_are_no_hindrance() {
        let text = "\u{feff}cell_id,rep,direction_size,timestamp\r\n\"a,b\", 1 ,\"10\",0\r\n\r\n\"a,b\",1,x,1";
        let table = read(&Files::new().csv(text)).unwrap();
        assert_eq!(table.traces[0].key, ["a,b", "1"]);
        assert_eq!(table.problems.to_string(), "1 x not a number in column direction_size: row 4 `x`");
    }

    #[test]
    fn every_bad_cell_is_listed() {
        for (rows, expected) in [
            ("1,1,,0\n", "1 x empty in column direction_size: row 2 ``"),
            ("1,1,abc,0\n", "1 x not a number in column direction_size: row 2 `abc`"),
            ("1,1,NaN,0\n", "1 x not a number in column direction_size: row 2 `NaN`"),
            ("1,1,inf,0\n", "1 x infinite in column direction_size: row 2 `inf`"),
            ("1,1,1.5,0\n", "1 x not a whole number in column direction_size: row 2 `1.5`"),
            ("1,1,0,0\n", "1 x zero size in column direction_size: row 2 `0`"),
            ("1,1,-0.0,0\n", "1 x zero size in column direction_size: row 2 `-0.0`"),
            ("1,1,2147483648,0\n", "1 x size beyond 32 bits in column direction_size: row 2 `2147483648`"),
            ("1,1,5,\n", "1 x empty in column timestamp: row 2 ``"),
            ("1,1,5,soon\n", "1 x not a number in column timestamp: row 2 `soon`"),
            ("1,1,5,nan\n", "1 x not a number in column timestamp: row 2 `nan`"),
            ("1,1,5,-inf\n", "1 x infinite in column timestamp: row 2 `-inf`"),
            ("1,1,5,-1\n", "1 x negative time in column timestamp: row 2 `-1`"),
            ("1,1,5,0\n1,1,5,1e300\n", "1 x time beyond 292 years in column timestamp: row 3 `1e300`"),
            ("1,1,5,0.5\n", "1 x first time of a trace is not 0 in column timestamp: row 2 `0.5`"),
            (
                "1,1,5,0\n1,1,5,2\n1,1,5,1\n",
                "1 x time earlier than that of the packet before in column timestamp: row 4 `1`",
            ),
            (",1,5,0\n", "1 x empty in column cell_id: row 2 ``"),
            ("1,one,5,0\n", "1 x not a number in column rep: row 2 `one`"),
            ("1,1.5,5,0\n", "1 x not a whole number in column rep: row 2 `1.5`"),
            ("1,1,5", "1 x wrong number of fields: row 2 `3 fields for 4 columns`"),
            ("1,1,5,0\n\n1,1,x,1", "1 x not a number in column direction_size: row 4 `x`"),
            ("1,1,5,0\n\"1,1,5,1\n1,1,5,2\n", "1 x wrong number of fields: row 3 `1 fields for 4 columns`"),
            ("1,1,5\n", "1 x wrong number of fields: row 2 `3 fields for 4 columns`"),
            ("1,1,5,0,9\n", "1 x wrong number of fields: row 2 `5 fields for 4 columns`"),
        ] {
            assert_eq!(read_text(rows).problems.to_string(), expected, "{rows}");
        }
        assert_eq!(read(&Files::new().csv(b"cell_id,rep,direction_size,timestamp\n\xff,1,1,0\n")).unwrap().traces, []);
    }

    #[test]
    fn a_bad_row_spoils_its_trace_alone() {
        let table = read_text("1,1,bad,0\n1,1,5,1\n1,2,5,0\n1,2,0,-1\n2,1,5,0\n");
        assert_eq!(table.problems.count(), 3);
        assert_eq!(table.rows, 5);
        let kept: Vec<bool> = table.traces.iter().map(|trace| trace.trace.is_some()).collect();
        assert_eq!(kept, [false, false, true]);
        let path = PathBuf::from("upload.csv");
        assert!(table.checked(&path).unwrap_err().to_string().starts_with("upload.csv: 1 x not a number"));
    }

    #[test]
    fn other_columns_are_refused_by_name() {
        for (header, expected) in [
            ("", "empty; expected the columns cell_id,rep,direction_size,timestamp"),
            (
                "cell_id,rep,timestamp\n",
                "column direction_size is missing: found cell_id,rep,timestamp; expected cell_id,rep,direction_size,timestamp",
            ),
            ("cell_id,rep,rep,direction_size,timestamp\n", "column rep occurs twice"),
            (
                "cell_id,rep,direction_size,timestamp,flag\n",
                "unknown column `flag`; expected cell_id,rep,direction_size,timestamp",
            ),
            (
                ",cell_id,rep,direction_size,timestamp\n",
                "unknown column `` (pandas writes its index so: to_csv(FILE, index=False) leaves it out); expected cell_id,rep,direction_size,timestamp",
            ),
        ] {
            let error = read(&Files::new().csv(header)).unwrap_err().to_string();
            assert!(error.ends_with(expected), "{error}");
        }
    }

    #[test]
    fn an_archive_holds_exactly_one_csv_file() {
        let files = Files::new();
        let text = format!("{HEADER}1,1,5,0\n");
        assert_eq!(read(&files.zip(&[("any.CSV", text.as_bytes())])).unwrap().traces.len(), 1);
        for (members, found) in [
            (vec![], "an archive of 0 files ()"),
            (vec![("a.txt", text.as_bytes())], "an archive of 1 files (a.txt)"),
            (vec![("a.csv", text.as_bytes()), ("b.csv", b"")], "an archive of 2 files (a.csv, b.csv)"),
        ] {
            let error = read(&files.zip(&members)).unwrap_err().to_string();
            assert!(error.contains(found), "{error}");
        }
        assert!(matches!(read(&files.csv(b"PK\x03\x04 and no more")), Err(ReadError::Damaged { .. })));
        let whole = std::fs::read(files.zip(&[("a.csv", text.as_bytes())])).unwrap();
        let mut damaged = whole.clone();
        damaged[40] ^= 0x55;
        assert!(read(&files.csv(damaged)).is_err());
    }

    #[test]
    fn a_zip_bomb_is_refused_while_it_unpacks() {
        let files = Files::new();
        let mut text = HEADER.as_bytes().to_vec();
        text.resize(64 << 20, b'0');
        let bomb = files.zip(&[("a.csv", &text)]);
        let limits = ReadLimits::default();
        let refused = |limits: ReadLimits| match read_packet_csv(&bomb, &KEYS, &limits) {
            Err(ReadError::Limit { limit, .. }) => limit,
            other => panic!("{other:?}"),
        };
        assert_eq!(refused(limits), LimitExceeded::LineBytes { limit: 1 << 20 });
        assert_eq!(refused(ReadLimits { line_bytes: u64::MAX, ..limits }), LimitExceeded::Ratio { limit: 200 });
        let bytes = std::fs::metadata(&bomb).unwrap().len();
        assert_eq!(
            refused(ReadLimits { compressed_bytes: bytes - 1, ..limits }),
            LimitExceeded::CompressedBytes { found: bytes, limit: bytes - 1 }
        );
    }

    #[test]
    fn rows_and_traces_are_limited() {
        let files = Files::new();
        let path = files.csv(format!("{HEADER}1,1,5,0\n1,2,5,0\n1,2,5,0\n"));
        let read = |rows, traces| read_packet_csv(&path, &KEYS, &ReadLimits { rows, traces, ..ReadLimits::default() });
        assert!(read(3, 2).is_ok());
        assert!(matches!(read(2, 2), Err(ReadError::Limit { limit: LimitExceeded::Rows { limit: 2 }, .. })));
        assert!(matches!(read(3, 1), Err(ReadError::Limit { limit: LimitExceeded::Traces { limit: 1 }, .. })));
    }

    #[test]
    fn is_written_as_others_read_it() {
        let files = Files::new();
        let path = files.0.path().join("out.csv");
        let trace = trace(&[0, 24_634_000, 1_000_000_001], &[514, -1028, 514]);
        write_packet_csv(&path, &["cell_id", "rep"], [(vec!["a,\"b".to_owned(), "-1".to_owned()], &trace)]).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let key = "\"a,\"\"b\",-1";
        assert_eq!(text, format!("{HEADER}{key},514,0.0\n{key},-1028,0.024634\n{key},514,1.000000001\n"));
    }

    #[test]
    fn what_seconds_cannot_tell_is_not_written() {
        let files = Files::new();
        let path = files.0.path().join("out.csv");
        let long = trace(&[0, MAX_EXACT_NS + 1], &[1, 1]);
        let error = write_packet_csv(&path, &["id"], [(vec!["7".to_owned()], &long)]).unwrap_err();
        assert!(error.to_string().contains("trace 7 is too long"), "{error}");
        let error = write_packet_csv(Path::new("out.txt"), &["id"], []).unwrap_err();
        assert!(error.to_string().ends_with("no format is written as out.txt; expected .csv or .csv.zip"), "{error}");
    }

    fn any_trace() -> impl Strategy<Value = Trace> {
        let packet = (0..=MAX_EXACT_NS, any::<i32>().prop_filter("no direction", |&size| size != 0));
        proptest::collection::vec(packet, 1..20).prop_map(|packets| {
            let (mut time_ns, size): (Vec<u64>, Vec<i32>) = packets.into_iter().unzip();
            time_ns[0] = 0;
            time_ns.sort_unstable();
            Trace::new(time_ns, size).unwrap()
        })
    }

    proptest! {
        #[test]
        fn written_and_read_back_every_nanosecond_is_the_same(
            traces in proptest::collection::vec(any_trace(), 0..8),
            extension in proptest::sample::select(vec!["csv", "csv.zip"]),
        ) {
            let files = Files::new();
            let path = files.0.path().join(format!("out.{extension}"));
            let key = |rep: usize| vec![format!("class {rep}"), rep.to_string()];
            write_packet_csv(&path, &["cell_id", "rep"], traces.iter().enumerate().map(|(rep, t)| (key(rep), t))).unwrap();
            let back = read(&path).unwrap().checked(&path).unwrap();
            prop_assert_eq!(back.len(), traces.len());
            for (rep, (back, trace)) in back.into_iter().zip(traces).enumerate() {
                prop_assert_eq!(back.key, key(rep));
                prop_assert_eq!(back.trace, Some(trace));
            }
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), header: bool, zip: bool) {
            let files = Files::new();
            let mut text = if header { HEADER.as_bytes().to_vec() } else { Vec::new() };
            text.extend(&bytes);
            let _ = read(&if zip { files.zip(&[("a.csv", &text)]) } else { files.csv(&text) });
            let _ = read(&files.csv([b"PK\x03\x04", bytes.as_slice()].concat()));
        }

        #[test]
        fn no_damage_to_an_archive_makes_it_panic(at in 0..200usize, byte: u8) {
            let files = Files::new();
            let mut bytes = std::fs::read(files.zip(&[("a.csv", format!("{HEADER}1,1,5,0\n").as_bytes())])).unwrap();
            let at = at % bytes.len();
            bytes[at] = byte;
            let _ = read(&files.csv(bytes));
        }
    }
}
