//! What was collected, in files that survive a crash at any moment.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::plan::Query;
use crate::files::records::Records;

/// The folder of a collection: `manifest.csv` has a row for each capture, `failures.csv` one for each failed try.
///
/// A capture is written under another name, synced and renamed, then its row is appended and synced. After a crash a
/// capture without a row is whole, and gets its row; a row that was cut is taken away.
#[derive(Debug)]
pub struct Journal {
    folder: PathBuf,
    done: BTreeMap<Query, i64>,
    failed: BTreeMap<Query, u32>,
}

/// Why the folder of a collection cannot be used. Names the file.
#[derive(Debug, Error)]
#[error("{}: {problem}", path.display())]
pub struct JournalError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong.
    pub problem: String,
}

const MANIFEST: (&str, &str) = ("manifest.csv", "path,class,rep,session,start_ns,packets,outcome\n");
const FAILURES: (&str, &str) = ("failures.csv", "class,rep,session,start_ns,reason\n");

impl Journal {
    /// Reads what was collected in a folder, without writing anything; a folder that is not there is empty.
    ///
    /// # Errors
    ///
    /// If its files cannot be read or make no sense.
    pub fn read(folder: &Path) -> Result<Self, JournalError> {
        let mut journal = Self { folder: folder.to_owned(), done: BTreeMap::new(), failed: BTreeMap::new() };
        for (row, record) in rows(&folder.join(MANIFEST.0), MANIFEST.1)?.iter().enumerate() {
            let query = journal.query(MANIFEST.0, row, record, 1)?;
            let start_ns = record[4].parse().map_err(|_| journal.wrong(MANIFEST.0, row, "start_ns", &record[4]))?;
            // A capture that somebody took away is to be made again.
            if folder.join(query.file()).is_file() {
                journal.done.insert(query, start_ns);
            }
        }
        for (row, record) in rows(&folder.join(FAILURES.0), FAILURES.1)?.iter().enumerate() {
            let query = journal.query(FAILURES.0, row, record, 0)?;
            *journal.failed.entry(query).or_default() += 1;
        }
        Ok(journal)
    }

    /// Makes the folder ready for more: finishes what a crash left of `queries`. How many captures got their row.
    ///
    /// # Errors
    ///
    /// If a file cannot be read or written.
    pub fn repair(&mut self, queries: &[Query]) -> Result<u64, JournalError> {
        fs::create_dir_all(&self.folder).map_err(|error| at(&self.folder, &error))?;
        for (name, header) in [MANIFEST, FAILURES] {
            self.cut_last_row(name, header)?;
        }
        self.forget_lost()?;
        self.remove_part();
        let mut adopted = 0;
        for query in queries.iter().filter(|query| !self.done.contains_key(query)).cloned().collect::<Vec<_>>() {
            let path = self.folder.join(query.file());
            if path.is_file() {
                let (packets, start_ns) = look_at(&path)?;
                self.append_done(&query, start_ns, packets)?;
                adopted += 1;
            }
        }
        Ok(adopted)
    }

    /// Whether its capture is there.
    pub fn is_done(&self, query: &Query) -> bool {
        self.done.contains_key(query)
    }

    /// How often it failed.
    pub fn failures(&self, query: &Query) -> u32 {
        self.failed.get(query).copied().unwrap_or(0)
    }

    /// When captures started, in ns of Unix time, in order.
    pub fn starts(&self) -> Vec<i64> {
        let mut starts: Vec<i64> = self.done.values().copied().collect();
        starts.sort_unstable();
        starts
    }

    /// Where a capture is written before it is finished.
    pub(super) fn part(&self) -> PathBuf {
        self.folder.join("unfinished.pcapng.part")
    }

    /// Takes away what was not finished; there need not be anything.
    pub(super) fn remove_part(&self) {
        // Whatever hinders it will hinder the next capture, and be told then.
        let _ = fs::remove_file(self.part());
    }

    /// Opens the file of [`part`](Self::part), empty.
    pub(super) fn open_part(&self) -> Result<File, JournalError> {
        let path = self.part();
        File::create(&path).map_err(|error| at(&path, &error))
    }

    /// The capture in `part` is that of `query`.
    pub(super) fn finish(
        &mut self,
        part: File,
        query: &Query,
        start_ns: i64,
        packets: u64,
    ) -> Result<(), JournalError> {
        let path = self.folder.join(query.file());
        let folder = path.parent().expect("it is in the folder of captures");
        let finish = || -> io::Result<()> {
            part.sync_all()?;
            fs::create_dir_all(folder)?;
            fs::rename(self.part(), &path)?;
            File::open(folder)?.sync_all()
        };
        finish().map_err(|error| at(&path, &error))?;
        self.append_done(query, start_ns, packets)
    }

    pub(super) fn append_failure(&mut self, query: &Query, start_ns: i64, reason: &str) -> Result<(), JournalError> {
        let row = [&query.class, &query.rep.to_string(), session(query), &start_ns.to_string(), reason];
        self.append(FAILURES.0, &row)?;
        *self.failed.entry(query.clone()).or_default() += 1;
        Ok(())
    }

    fn append_done(&mut self, query: &Query, start_ns: i64, packets: u64) -> Result<(), JournalError> {
        let path = query.file();
        let path = path.to_str().expect("escaped names are ASCII");
        let tries = match self.failures(query) {
            0 => "done".to_owned(),
            failures => format!("done after {failures} failed"),
        };
        let (rep, start, packets) = (query.rep.to_string(), start_ns.to_string(), packets.to_string());
        self.append(MANIFEST.0, &[path, &query.class, &rep, session(query), &start, &packets, &tries])?;
        self.done.insert(query.clone(), start_ns);
        Ok(())
    }

    fn append(&self, name: &str, row: &[&str]) -> Result<(), JournalError> {
        let path = self.folder.join(name);
        let append = || -> io::Result<()> {
            let mut writer = csv::Writer::from_writer(Vec::new());
            writer.write_record(row)?;
            let line = writer.into_inner().map_err(|error| error.into_error())?;
            let mut file = OpenOptions::new().append(true).open(&path)?;
            file.write_all(&line)?;
            file.sync_data()
        };
        append().map_err(|error| at(&path, &error))
    }

    /// Makes the file if it is not there; takes away what a crash left of a last row.
    fn cut_last_row(&self, name: &str, header: &str) -> Result<(), JournalError> {
        let path = self.folder.join(name);
        let cut = || -> io::Result<()> {
            let mut file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path)?;
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
            file.set_len(whole as u64)?;
            if whole == 0 {
                file.seek(SeekFrom::Start(0))?;
                file.write_all(header.as_bytes())?;
            }
            file.sync_all()?;
            File::open(&self.folder)?.sync_all()
        };
        cut().map_err(|error| at(&path, &error))
    }

    /// Rewrites the manifest without the captures that somebody took away.
    fn forget_lost(&self) -> Result<(), JournalError> {
        let path = self.folder.join(MANIFEST.0);
        let rows = rows(&path, MANIFEST.1)?;
        let mut seen = BTreeSet::new();
        let kept: Vec<_> =
            rows.iter().filter(|row| self.folder.join(&row[0]).is_file() && seen.insert(row[0].to_owned())).collect();
        if kept.len() == rows.len() {
            return Ok(());
        }
        let rewrite = || -> io::Result<()> {
            let new = self.folder.join("manifest.csv.part");
            let mut writer = csv::Writer::from_writer(MANIFEST.1.as_bytes().to_vec());
            for row in kept {
                writer.write_record(row)?;
            }
            let mut file = File::create(&new)?;
            file.write_all(&writer.into_inner().map_err(|error| error.into_error())?)?;
            file.sync_all()?;
            fs::rename(&new, &path)?;
            File::open(&self.folder)?.sync_all()
        };
        rewrite().map_err(|error| at(&path, &error))
    }

    /// The query in columns `from` and the two behind it.
    fn query(&self, name: &str, row: usize, record: &csv::StringRecord, from: usize) -> Result<Query, JournalError> {
        let rep = &record[from + 1];
        let rep = rep.parse().map_err(|_| self.wrong(name, row, "rep", rep))?;
        let session = Some(&record[from + 2]).filter(|session| !session.is_empty()).map(str::to_owned);
        Ok(Query { class: record[from].to_owned(), rep, session })
    }

    fn wrong(&self, name: &str, row: usize, column: &str, value: &str) -> JournalError {
        let problem = format!("row {}, column `{column}`: `{value}` is not a whole number", row + 1);
        JournalError { path: self.folder.join(name), problem }
    }
}

fn session(query: &Query) -> &str {
    query.session.as_deref().unwrap_or_default()
}

fn at(path: &Path, error: &io::Error) -> JournalError {
    JournalError { path: path.to_owned(), problem: error.to_string() }
}

/// The whole rows of a file behind its header; none of a file that is not there.
fn rows(path: &Path, header: &str) -> Result<Vec<csv::StringRecord>, JournalError> {
    let text = match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        text => text.map_err(|error| at(path, &error))?,
    };
    let whole = &text[..text.rfind('\n').map_or(0, |at| at + 1)];
    if whole.is_empty() {
        return Ok(Vec::new());
    }
    let Some(rows) = whole.strip_prefix(header) else {
        let problem = format!("not of a collection: its header is not `{}`", header.trim());
        return Err(JournalError { path: path.to_owned(), problem });
    };
    let columns = header.split(',').count();
    let mut records = Vec::new();
    for (row, record) in csv::ReaderBuilder::new().has_headers(false).from_reader(rows.as_bytes()).records().enumerate()
    {
        let record = record.ok().filter(|record| record.len() == columns);
        let problem = || format!("row {}: not {columns} columns", row + 1);
        records.push(record.ok_or_else(|| JournalError { path: path.to_owned(), problem: problem() })?);
    }
    Ok(records)
}

/// Packets in a capture, and the time of the first.
fn look_at(path: &Path) -> Result<(u64, i64), JournalError> {
    let problem = |error: &dyn std::fmt::Display| JournalError { path: path.to_owned(), problem: error.to_string() };
    let mut records = Records::open(path).map_err(|error| problem(&error))?;
    let (mut packets, mut start_ns) = (0, 0);
    while let Some(record) = records.next().map_err(|error| problem(&error))? {
        if packets == 0 {
            start_ns = record.time_ns.unwrap_or(0);
        }
        packets += 1;
    }
    Ok((packets, start_ns))
}
