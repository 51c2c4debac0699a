//! Comma-separated text, plain or as the one member of a zip archive.
//!
//! Reading streams through the `csv` crate: it knows the line of every field, so that a bad one can be named, holds one row
//! at a time, and meets the limits of [`ReadLimits`] before the memory does. Writing goes through the same crate.

use std::borrow::Cow;
use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom, Write};
use std::path::Path;

use csv::ByteRecord;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

use super::dialect::{Dialect, HEAD_BYTES};
use super::foreign;
use super::limits::Limited;
use super::problems::shortened;
use super::source::sought;
use super::{LimitExceeded, Problems, ReadError, ReadLimits, Source, WriteError};
use crate::files::replace_file;

/// What the first bytes of a zip archive are, whether it has members or not.
pub(crate) const ZIP_MAGIC: [&[u8]; 2] = [b"PK\x03\x04", b"PK\x05\x06"];
const ONE_CSV: &str = "exactly one .csv file in it";

/// Opens a CSV file or a zip archive with exactly one `.csv` member (told by content), and hands its rows to `read`. What
/// systems pack with it of their own accord (`__MACOSX`, `.DS_Store`, `Thumbs.db`) is passed over. Where `names` are columns that the table has,
/// what parts the header into them parts fields; without any, it is found out.
///
/// # Errors
/// Those of the system, of a broken or unfit archive, of a missing or unreadable header, of `limits`, and those of `read`.
pub fn read_csv<'a, T>(
    source: impl Into<Source<'a>>,
    limits: &ReadLimits,
    names: &[&str],
    read: impl FnOnce(CsvRows<'_>) -> Result<T, ReadError>,
) -> Result<T, ReadError> {
    let source = source.into();
    let path = source.name();
    let mut file = source.open().map_err(|error| ReadError::io(path, error))?;
    if !is_zip(&mut file).map_err(|error| ReadError::io(path, error))? {
        let mut text = Limited::plain(file, *limits);
        return read(CsvRows::new(path, &mut text, limits, names)?);
    }
    let bytes = sought(path, file.seek(SeekFrom::End(0)))?;
    // Before the archive's own directory is read: that, too, fills memory.
    Limited::unpacked(io::empty(), bytes, *limits).map_err(|limit| ReadError::limit(path, limit))?;
    let mut archive = ZipArchive::new(file).map_err(|error| ReadError::damaged(path, error))?;
    let member = the_csv_member(path, &archive)?;
    let member = archive.by_index(member).map_err(|error| ReadError::damaged(path, error))?;
    let mut text = Limited::unpacked(member, bytes, *limits).map_err(|limit| ReadError::limit(path, limit))?;
    read(CsvRows::new(path, &mut text, limits, names)?)
}

/// The beginning of the text that [`read_csv`] would read.
///
/// # Errors
/// As [`read_csv`].
pub(crate) fn csv_head(path: &Path) -> Result<Vec<u8>, ReadError> {
    let mut head = Vec::new();
    let mut file = Source::from(path).open().map_err(|error| ReadError::io(path, error))?;
    if !is_zip(&mut file).map_err(|error| ReadError::io(path, error))? {
        file.take(HEAD_BYTES).read_to_end(&mut head).map_err(|error| ReadError::io(path, error))?;
        return Ok(head);
    }
    let mut archive = ZipArchive::new(file).map_err(|error| ReadError::damaged(path, error))?;
    let member = the_csv_member(path, &archive)?;
    let member = archive.by_index(member).map_err(|error| ReadError::damaged(path, error))?;
    member.take(HEAD_BYTES).read_to_end(&mut head).map_err(|error| ReadError::unpacking(path, error))?;
    Ok(head)
}

/// Looks at what comes next without taking it.
fn is_zip<R: Read + Seek>(file: &mut BufReader<R>) -> io::Result<bool> {
    let mut magic = Vec::new();
    file.by_ref().take(4).read_to_end(&mut magic)?;
    file.seek_relative(-(magic.len() as i64))?;
    Ok(ZIP_MAGIC.contains(&magic.as_slice()))
}

/// The index of the one `.csv` file in an archive.
fn the_csv_member(path: &Path, archive: &ZipArchive<impl Read + Seek>) -> Result<usize, ReadError> {
    let names: Result<Vec<_>, _> = archive.file_names().collect();
    let names = names.map_err(|error| ReadError::damaged(path, error))?;
    let members: Vec<(usize, &str)> =
        names.iter().enumerate().map(|(at, name)| (at, name.as_ref())).filter(|(_, name)| !is_clutter(name)).collect();
    let unfit = |found: String| Err(ReadError::Unrecognised { path: path.to_owned(), found, expected: ONE_CSV });
    match members.as_slice() {
        &[(member, name)] if name.to_ascii_lowercase().ends_with(".csv") => Ok(member),
        [(_, name), ..] if name.ends_with(".npy") => {
            let arrays = members.iter().take(12).map(|(_, name)| shortened(name.trim_end_matches(".npy")));
            let arrays = arrays.collect::<Vec<_>>().join(", ");
            Err(ReadError::Unrecognised {
                path: path.to_owned(),
                found: format!("{} (its arrays: {arrays}){}", foreign::NUMPY_ARCHIVE, foreign::HOW),
                expected: "X with a row a trace and y with their classes: numpy.savez('x.npz', X=.., y=..)",
            })
        }
        _ if members.iter().any(|(_, name)| *name == "[Content_Types].xml") => {
            unfit("a workbook of a spreadsheet; save the sheet as CSV".to_owned())
        }
        _ if members.iter().any(|(_, name)| name.ends_with("data.pkl")) => unfit(
            "tensors of PyTorch; save arrays: numpy.savez('x.npz', X=traces.numpy(), y=classes.numpy())".to_owned(),
        ),
        _ => {
            let is_capture =
                |name: &str| [".pcap", ".pcapng", ".cap"].iter().any(|end| name.to_ascii_lowercase().contains(end));
            let next = match members.iter().any(|(_, name)| is_capture(name)) {
                true => {
                    "; unpack it and import its captures: unzip FILE -d FOLDER, wfkit capture import FOLDER --out traces.parquet"
                }
                false if members.len() > 1 => "; unpack it: unzip FILE -d FOLDER, and give the folder",
                false => "",
            };
            let listed: Vec<String> = members.iter().take(3).map(|(_, name)| shortened(name)).collect();
            let more = if members.len() > listed.len() { ", ..." } else { "" };
            unfit(format!("an archive of {} files ({}{more}){next}", members.len(), listed.join(", ")))
        }
    }
}

/// Whether a member of an archive is nothing that its user put there: a folder, or what a system keeps of its own.
fn is_clutter(name: &str) -> bool {
    let mut parts = name.rsplit(['/', '\\']);
    let last = parts.next().unwrap_or_default();
    let is_systems = |part: &str| part == "__MACOSX";
    last.is_empty()
        || last.starts_with("._")
        || [".DS_Store", "Thumbs.db", "desktop.ini"].contains(&last)
        || is_systems(last)
        || parts.any(is_systems)
}

/// The rows of a CSV file, one at a time.
pub struct CsvRows<'a> {
    path: &'a Path,
    reader: csv::Reader<UnixLines<Box<dyn Read + 'a>>>,
    dialect: Dialect,
    header: Vec<String>,
    columns: Vec<usize>,
    record: ByteRecord,
    rows: u64,
    limit: u64,
    /// Whether a number was met with a point, and one with a comma, for its decimals.
    marks: Marks,
}

/// What stands before the decimals of the numbers met so far.
#[derive(Debug, Clone, Copy, Default)]
struct Marks {
    point: bool,
    comma: bool,
}

/// One row: the fields of the selected columns.
#[derive(Debug, Clone, Copy)]
pub struct CsvRow<'a> {
    record: &'a ByteRecord,
    columns: &'a [usize],
    /// Whether commas do not part fields, so that they may stand before decimals.
    decimal_commas: bool,
    /// Line in the file; the header is line 1.
    pub line: u64,
}

impl<'a> CsvRows<'a> {
    fn new(path: &'a Path, text: &'a mut dyn Read, limits: &ReadLimits, names: &[&str]) -> Result<Self, ReadError> {
        let mut head = Vec::new();
        (&mut *text).take(HEAD_BYTES).read_to_end(&mut head).map_err(|error| ReadError::unpacking(path, error))?;
        let dialect = Dialect::of_table(&head, names).map_err(|found| ReadError::Unrecognised {
            path: path.to_owned(),
            found: found.to_owned(),
            expected: "CSV in UTF-8",
        })?;
        let text = dialect.decoded(Cursor::new(head).chain(text));
        let lines = UnixLines { inner: text, ended: true, carriage_returns: dialect.carriage_returns };
        let mut reader =
            csv::ReaderBuilder::new().delimiter(dialect.separator).has_headers(false).flexible(true).from_reader(lines);
        let mut record = ByteRecord::new();
        for _ in 0..=usize::from(dialect.separator_line) {
            reader.read_byte_record(&mut record).map_err(|error| csv_error(path, error))?;
        }
        let header: Vec<String> = record.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect();
        let columns = (0..header.len()).collect();
        let marks = Marks::default();
        Ok(Self { path, reader, dialect, header, columns, record, rows: 0, limit: limits.rows, marks })
    }

    /// How the file is written.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The file that is read.
    pub fn path(&self) -> &'a Path {
        self.path
    }

    /// The names of all columns as they stand there, in file order; empty for an empty file.
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// Demands exactly these columns, in any order, blanks around a name aside; fields then follow the order given here.
    pub fn select(&mut self, names: &[&str]) -> Result<(), ReadError> {
        let found = || shortened_list(&self.header);
        let wanted = names.join(",");
        if self.header.is_empty() {
            return Err(ReadError::columns(self.path, format!("empty; expected the columns {wanted}")));
        }
        let named = |is: &dyn Fn(&String) -> bool| -> Vec<usize> {
            (0..self.header.len()).filter(|&column| is(&self.header[column])).collect()
        };
        let position = |name: &&str| {
            let mut at = named(&|header| header == name);
            if at.is_empty() {
                at = named(&|header| header.trim() == *name);
            }
            match at.as_slice() {
                [column] => Ok(*column),
                [] => Err(format!("column {name} is missing: found {}; expected {wanted}", found())),
                _ => Err(format!("column {name} occurs twice")),
            }
        };
        let columns: Result<Vec<usize>, String> = names.iter().map(position).collect();
        let columns = columns.map_err(|message| ReadError::columns(self.path, message))?;
        if let Some(extra) = (0..self.header.len()).find(|column| !columns.contains(column)) {
            let name = shortened(&self.header[extra]);
            let index = match (extra, name.trim().is_empty()) {
                (0, true) => " (pandas writes its index so: to_csv(FILE, index=False) leaves it out)",
                _ => "",
            };
            return Err(ReadError::columns(self.path, format!("unknown column `{name}`{index}; expected {wanted}")));
        }
        self.columns = columns;
        Ok(())
    }

    /// Number of rows so far, without the header.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The next row; rows that are longer or shorter than the header are noted in `problems` and passed over.
    pub fn next_row(&mut self, problems: &mut Problems) -> Result<Option<CsvRow<'_>>, ReadError> {
        loop {
            if !self.reader.read_byte_record(&mut self.record).map_err(|error| csv_error(self.path, error))? {
                return Ok(None);
            }
            self.rows += 1;
            if self.rows > self.limit {
                return Err(ReadError::limit(self.path, LimitExceeded::Rows { limit: self.limit }));
            }
            let inside = self.record.as_slice().iter().filter(|&&byte| byte == b'\n').count() as u64;
            let after = self.reader.position().line() - 1 - inside;
            // A quote that is never closed takes the end of the last line, too; a row begins no earlier than the one before it ended.
            let line = self.record.position().map_or(after, |begin| after.max(begin.line()));
            if self.record.len() == self.header.len() {
                let decimal_commas = self.dialect.separator != b',';
                if decimal_commas && self.marks.meet(&self.record, &self.columns) {
                    let row = self.record.iter().map(String::from_utf8_lossy).collect::<Vec<_>>().join(" ");
                    problems.record("decimals behind a comma in one row, behind a point in another", "", line, row);
                }
                return Ok(Some(CsvRow { record: &self.record, columns: &self.columns, decimal_commas, line }));
            }
            let fields = format!("{} fields for {} columns", self.record.len(), self.header.len());
            problems.record("wrong number of fields", "", line, fields);
        }
    }
}

impl Marks {
    /// Looks at the numbers of a row; whether both marks have been met now, which is said once.
    fn meet(&mut self, record: &ByteRecord, columns: &[usize]) -> bool {
        let both = self.point && self.comma;
        for field in columns.iter().map(|&column| record[column].trim_ascii()) {
            let is_number = field.iter().all(|byte| byte.is_ascii_digit() || b"+-.,eE".contains(byte));
            self.point |= is_number && field.contains(&b'.');
            self.comma |= is_number && field.contains(&b',');
        }
        !both && self.point && self.comma
    }
}

impl<'a> CsvRow<'a> {
    /// As [`Self::bytes`], as a number is read: where commas do not part fields, one may stand before the decimals.
    ///
    /// # Panics
    /// If there are not so many columns.
    pub fn number(&self, column: usize) -> Cow<'a, [u8]> {
        let field = self.bytes(column);
        let mut commas = field.iter().filter(|&&byte| byte == b',');
        if !self.decimal_commas || commas.next().is_none() || commas.next().is_some() || field.contains(&b'.') {
            return Cow::Borrowed(field);
        }
        Cow::Owned(field.iter().map(|&byte| if byte == b',' { b'.' } else { byte }).collect())
    }

    /// The field of the selected column `column`, as it stands there.
    ///
    /// # Panics
    /// If there are not so many columns.
    pub fn raw(&self, column: usize) -> &'a [u8] {
        &self.record[self.columns[column]]
    }

    /// As [`Self::raw`], without the blanks around it.
    ///
    /// # Panics
    /// If there are not so many columns.
    pub fn bytes(&self, column: usize) -> &'a [u8] {
        self.raw(column).trim_ascii()
    }

    /// As [`Self::bytes`], as text; bytes that are no UTF-8 are replaced, so use it for messages only.
    ///
    /// # Panics
    /// If there are not so many columns.
    pub fn lossy(&self, column: usize) -> std::borrow::Cow<'a, str> {
        String::from_utf8_lossy(self.bytes(column))
    }
}

/// Writes a `.csv` or `.csv.zip` file (told by extension) with what `write` puts out; the archive's one member is named as
/// the file without `.zip`, dated 1980, so that the same text gives the same bytes.
pub fn write_csv_file<E: From<WriteError>>(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> Result<(), E>,
) -> Result<(), E> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let member = csv_member(&name).ok_or_else(|| WriteError::Extension {
        path: path.to_owned(),
        extension: shortened(&name),
        expected: ".csv or .csv.zip",
    })?;
    replace_file(
        path,
        |error| E::from(WriteError::io(path, error)),
        |file| {
            let failed = |error| E::from(WriteError::table(path, error));
            if member == name {
                return write(file);
            }
            let mut archive = ZipWriter::new(file).set_auto_large_file();
            let options = SimpleFileOptions::default()
                .compression_method(CompressionMethod::Deflated)
                .last_modified_time(DateTime::default())
                .unix_permissions(0o644);
            archive.start_file(member, options).map_err(failed)?;
            write(&mut archive)?;
            archive.finish().map_err(failed)?;
            Ok(())
        },
    )
}

/// The same of a header and rows of as many fields.
pub(crate) fn write_csv_rows<'a, Row: IntoIterator<Item = Cow<'a, str>>>(
    path: &Path,
    header: impl IntoIterator<Item = &'a str>,
    rows: impl IntoIterator<Item = Row>,
) -> Result<(), WriteError> {
    let failed = |error: csv::Error| WriteError::table(path, error);
    write_csv_file(path, |out: &mut dyn Write| {
        let mut writer = csv::Writer::from_writer(out);
        for name in header {
            check_csv_text(path, name)?;
            writer.write_field(name).map_err(failed)?;
        }
        writer.write_record(None::<&[u8]>).map_err(failed)?;
        for row in rows {
            for field in row {
                check_csv_text(path, &field)?;
                writer.write_field(field.as_bytes()).map_err(failed)?;
            }
            writer.write_record(None::<&[u8]>).map_err(failed)?;
        }
        writer.flush().map_err(|error| WriteError::io(path, error))
    })
}

/// That reading brings a text back: it takes carriage returns for parts of line ends.
pub(super) fn check_csv_text(path: &Path, text: &str) -> Result<(), WriteError> {
    match text.contains('\r') {
        false => Ok(()),
        true => {
            Err(WriteError::table(path, format!("{text:?} holds a carriage return, which CSV does not bring back")))
        }
    }
}

/// The name of the CSV text in a file of this name: itself, or without `.zip`; none where the extension is another.
pub(crate) fn csv_member(name: &str) -> Option<&str> {
    let lower = name.to_ascii_lowercase();
    if lower.ends_with(".csv") {
        Some(name)
    } else if lower.ends_with(".csv.zip") {
        Some(&name[..name.len() - ".zip".len()])
    } else {
        None
    }
}

/// Text without carriage returns and with a line end at its end: from such text alone does the `csv` crate count lines right,
/// as it takes the `\n` of `\r\n` for part of the row that follows.
struct UnixLines<R> {
    inner: R,
    ended: bool,
    /// Whether carriage returns are all that ends lines.
    carriage_returns: bool,
}

impl<R: Read> Read for UnixLines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.inner.read(buffer)?;
            if count == 0 {
                let missing = usize::from(!self.ended && !buffer.is_empty());
                buffer[..missing].fill(b'\n');
                self.ended |= missing == 1;
                return Ok(missing);
            }
            if self.carriage_returns {
                buffer[..count].iter_mut().filter(|byte| **byte == b'\r').for_each(|byte| *byte = b'\n');
            }
            let kept = drop_carriage_returns(&mut buffer[..count]);
            if kept > 0 {
                self.ended = buffer[kept - 1] == b'\n';
                return Ok(kept);
            }
        }
    }
}

/// Moves all other bytes to the front and returns how many they are.
fn drop_carriage_returns(bytes: &mut [u8]) -> usize {
    let Some(first) = bytes.iter().position(|&byte| byte == b'\r') else { return bytes.len() };
    let mut kept = first;
    for at in first + 1..bytes.len() {
        if bytes[at] != b'\r' {
            bytes[kept] = bytes[at];
            kept += 1;
        }
    }
    kept
}

fn csv_error(path: &Path, error: csv::Error) -> ReadError {
    match error.into_kind() {
        csv::ErrorKind::Io(source) => ReadError::unpacking(path, source),
        other => ReadError::damaged(path, format!("{other:?}")),
    }
}

fn shortened_list(names: &[String]) -> String {
    shortened(&names.join(","))
}
