//! The folder of a collected set, good for going on after a crash at any moment.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use wfkit_capture::live::Query;

use crate::Error;
use crate::plan::Plan;

/// A row of `manifest.csv`: one recorded query. `wfkit capture import` reads `path`, `class`, `rep` and `session`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Its capture, in the folder.
    pub path: String,
    /// The class.
    pub class: String,
    /// Which repetition.
    pub rep: u32,
    /// The session.
    pub session: String,
    /// What this query and others ask for that are alike: `wfkit` never tears them apart. The question, of chats.
    #[serde(default)]
    pub origin: Option<String>,
    /// Time of the first packet, in ns of Unix time.
    pub start_ns: i64,
    /// Packets in the capture.
    pub packets: u64,
    /// Packets that the kernel dropped; a query with any is made again, so 0.
    pub dropped: u64,
    /// The client.
    pub client: String,
    /// Its peer on the link: a relay, or the service where Tor is not used.
    pub guard: String,
    /// Age of the circuit at the query's end, in seconds; 0 where Tor is not used.
    pub circuit_seconds: f64,
    /// How often the query had to be made.
    pub tries: u32,
    /// Seconds from the first request to the last answer.
    pub seconds: f64,
    /// Requests that were made.
    pub requests: u32,
    /// Bytes of answers.
    pub answer_bytes: u64,
    /// Other classes that the query visited as well, joined by blanks: pages in other tabs.
    #[serde(default)]
    pub also: String,
    /// Share of the service's database that is other than in the first session.
    #[serde(default)]
    pub database: f64,
    /// Clients that made noise in this session.
    #[serde(default)]
    pub noise: u16,
    /// Delay of every node's link in this session, one way, in ms.
    #[serde(default)]
    pub delay_ms: f64,
}

/// What is done and what failed.
///
/// A capture is written under another name, synced and renamed, then its row is appended and synced. Whatever a crash leaves
/// of that is taken away when the set is opened again: a capture without a row, half a row, a row without a capture.
#[derive(Debug)]
pub struct Journal {
    folder: PathBuf,
    /// Held while the journal is open, on the folder: two that write one set, or one that takes away what another is writing, would
    /// ruin it.
    _lock: File,
    /// Folders within, each with a recording of every query from another vantage point.
    vantages: Vec<&'static str>,
    /// With their origins.
    done: BTreeMap<Query, Option<String>>,
    failed: BTreeMap<Query, Failures>,
}

/// Tries of a query that failed.
#[derive(Debug, Clone, Copy, Default)]
struct Failures {
    all: u32,
    /// Those for which nothing but the query can be blamed.
    counted: u32,
}

/// How long a collector that was killed may take to let go of the set.
const UNTIL_KILLED: Duration = Duration::from_secs(60);

const MANIFEST: &str = "manifest.csv";
const FAILURES: &str = "failures.csv";
const PLAN: &str = "plan.json";
const CAPTURES: &str = "captures";
const FAILURE_COLUMNS: &str = "class,rep,session,client,counts,reason";

impl Journal {
    /// Opens or makes the folder for a plan, and repairs what a crash left.
    ///
    /// # Errors
    ///
    /// If the folder is of another plan or nothing of the laboratory's, another collector works on it, or a file cannot be read or
    /// written.
    pub fn open(folder: &Path, plan: &Plan) -> Result<Self, Error> {
        fs::create_dir_all(folder).map_err(Error::system(folder.display().to_string()))?;
        let _lock = lock(folder, UNTIL_KILLED)?;
        let vantages = plan.vantages.iter().map(|vantage| vantage.folder()).collect();
        let (done, failed) = (BTreeMap::new(), BTreeMap::new());
        let mut journal = Self { folder: folder.to_owned(), _lock, vantages, done, failed };
        journal.same_plan(plan)?;
        fs::create_dir_all(folder.join(CAPTURES)).map_err(Error::system(folder.display().to_string()))?;
        journal.read_rows()?;
        journal.read_failures()?;
        journal.remove_orphans()?;
        Ok(journal)
    }

    /// The plan of a folder.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub fn plan(folder: &Path) -> Result<Plan, Error> {
        Plan::read_json(&folder.join(PLAN))
    }

    fn same_plan(&self, plan: &Plan) -> Result<(), Error> {
        let path = self.folder.join(PLAN);
        if path.exists() {
            if Plan::read_json(&path)? != *plan {
                let why = format!("{}: another plan was begun in this folder; take another --out", path.display());
                return Err(Error::Wrong(why));
            }
            return Ok(());
        }
        let mut entries = fs::read_dir(&self.folder).into_iter().flatten();
        // A crash may have come before the plan was renamed.
        if entries.any(|entry| entry.is_ok_and(|entry| entry.file_name() != "plan.json.part")) {
            return Err(Error::Wrong(format!("{} is not empty; take another --out", self.folder.display())));
        }
        replace(&path, plan.to_json().as_bytes())
    }

    fn read_rows(&mut self) -> Result<(), Error> {
        let path = self.folder.join(MANIFEST);
        let header = csv_lines(&[], true)?;
        let Some(text) = whole_lines(&path)? else { return replace(&path, &header) };
        let wrong = |error: csv::Error| Error::Wrong(format!("{}: {error}", path.display()));
        let mut kept = Vec::new();
        for row in csv::Reader::from_reader(text.as_bytes()).into_deserialize::<Row>() {
            let row = row.map_err(wrong)?;
            let query = Query { class: row.class.clone(), rep: row.rep, session: Some(row.session.clone()) };
            let is_whole = self.places().all(|place| place.join(&row.path).is_file());
            if is_whole && self.done.insert(query, row.origin.clone()).is_none() {
                kept.push(row);
            }
        }
        replace(&path, &csv_lines(&kept, true)?)
    }

    fn read_failures(&mut self) -> Result<(), Error> {
        let path = self.folder.join(FAILURES);
        let text = whole_lines(&path)?.unwrap_or_default();
        let text = if text.is_empty() { format!("{FAILURE_COLUMNS}\n") } else { text };
        if text.lines().next() != Some(FAILURE_COLUMNS) {
            let why =
                format!("{}: its columns are not {FAILURE_COLUMNS}: another version began this set", path.display());
            return Err(Error::Wrong(format!("{why}; take another --out")));
        }
        for record in csv::Reader::from_reader(text.as_bytes()).records() {
            let record = record.map_err(|error| Error::Wrong(format!("{}: {error}", path.display())))?;
            let field = |at: usize| record.get(at).unwrap_or_default().to_owned();
            let rep = field(1).parse().map_err(|_| Error::Wrong(format!("{}: rep `{}`", path.display(), field(1))))?;
            let query = Query { class: field(0), rep, session: Some(field(2)) };
            self.failed.entry(query).or_default().add(field(4) == "true");
        }
        replace(&path, text.as_bytes())
    }

    /// The folder, and those of other vantage points.
    fn places(&self) -> impl Iterator<Item = PathBuf> {
        std::iter::once(self.folder.clone()).chain(self.vantages.iter().map(|name| self.folder.join(name)))
    }

    /// Captures that no row names, finished or not.
    fn remove_orphans(&self) -> Result<(), Error> {
        for place in self.places() {
            let known: BTreeSet<PathBuf> = self.done.keys().map(|query| place.join(query.file())).collect();
            let sessions = fs::read_dir(place.join(CAPTURES)).into_iter().flatten();
            for session in sessions.flatten() {
                for file in fs::read_dir(session.path()).into_iter().flatten().flatten() {
                    if !known.contains(&file.path()) {
                        fs::remove_file(file.path()).map_err(Error::system(file.path().display().to_string()))?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Writes which class, rep and session the captures of other vantage points are of, as the manifest says it of the client's.
    ///
    /// # Errors
    ///
    /// If files cannot be written.
    pub fn label_vantages(&self) -> Result<(), Error> {
        let mut text = String::from("path,class,rep,session,origin\n");
        for (query, origin) in &self.done {
            let (file, session) = (query.file(), query.session.as_deref().unwrap_or_default());
            let origin = origin.as_deref().unwrap_or_default();
            text += &format!("{},{},{},{session},{origin}\n", file.display(), query.class, query.rep);
        }
        self.places().skip(1).try_for_each(|place| replace(&place.join(MANIFEST), text.as_bytes()))
    }

    /// Whether its capture is there.
    pub fn is_done(&self, query: &Query) -> bool {
        self.done.contains_key(query)
    }

    /// Captures that are there.
    pub fn done(&self) -> usize {
        self.done.len()
    }

    /// How often a query failed for which nothing but itself can be blamed.
    pub fn failures(&self, query: &Query) -> u32 {
        self.failed.get(query).map_or(0, |failures| failures.counted)
    }

    /// How often a query failed, whatever the reason.
    pub fn tries(&self, query: &Query) -> u32 {
        self.failed.get(query).map_or(0, |failures| failures.all)
    }

    /// Tries that failed, of all queries.
    pub fn failed_tries(&self) -> u32 {
        self.failed.values().map(|failures| failures.all).sum()
    }

    /// Where the captures of a query are written before they are finished: the client's, then those of other vantage points in the order
    /// of the plan.
    ///
    /// # Errors
    ///
    /// If a folder cannot be made.
    pub fn parts(&self, query: &Query) -> Result<Vec<PathBuf>, Error> {
        let part = |place: PathBuf| {
            let path = place.join(query.file()).with_extension("part");
            let folder = path.parent().expect("it is in the folder of its session");
            fs::create_dir_all(folder).map_err(Error::system(folder.display().to_string()))?;
            Ok(path)
        };
        self.places().map(part).collect()
    }

    /// The captures in [`parts`](Self::parts) are good; `row` says all but where it is.
    ///
    /// # Errors
    ///
    /// If files cannot be written.
    pub fn finish(&mut self, query: &Query, mut row: Row) -> Result<(), Error> {
        for part in self.parts(query)? {
            let path = part.with_extension("pcapng");
            let folder = path.parent().expect("it is in the folder of its session");
            let finish = || fs::rename(&part, &path).and_then(|()| File::open(folder)?.sync_all());
            finish().map_err(Error::system(path.display().to_string()))?;
        }
        row.path = query.file().display().to_string();
        self.append(MANIFEST, &csv_lines(std::slice::from_ref(&row), false)?)?;
        self.done.insert(query.clone(), row.origin);
        Ok(())
    }

    /// A try failed. It `counts` unless a daemon died meanwhile.
    ///
    /// # Errors
    ///
    /// If files cannot be written.
    pub fn failed(&mut self, query: &Query, client: &str, reason: &str, counts: bool) -> Result<(), Error> {
        // There need not be one.
        for part in self.parts(query)? {
            let _ = fs::remove_file(part);
        }
        let mut writer = csv::Writer::from_writer(Vec::new());
        let session = query.session.as_deref().unwrap_or_default();
        let counted = counts.to_string();
        let record = [&query.class, &query.rep.to_string(), session, client, &counted, reason];
        writer.write_record(record).map_err(in_memory)?;
        let line = writer.into_inner().map_err(|error| in_memory(error.into_error().into()))?;
        self.append(FAILURES, &line)?;
        self.failed.entry(query.clone()).or_default().add(counts);
        Ok(())
    }

    fn append(&self, name: &str, line: &[u8]) -> Result<(), Error> {
        let path = self.folder.join(name);
        let append = || -> io::Result<()> {
            let mut file = OpenOptions::new().append(true).open(&path)?;
            file.write_all(line)?;
            file.sync_data()
        };
        append().map_err(Error::system(path.display().to_string()))
    }
}

impl Failures {
    fn add(&mut self, counts: bool) {
        self.all += 1;
        self.counted += u32::from(counts);
    }
}

fn in_memory(error: csv::Error) -> Error {
    Error::Wrong(format!("a row cannot be written: {error}"))
}

/// Rows as lines; a header without rows is written from the names of the fields of any row.
fn csv_lines(rows: &[Row], with_header: bool) -> Result<Vec<u8>, Error> {
    let mut writer = csv::WriterBuilder::new().has_headers(with_header).from_writer(Vec::new());
    if with_header && rows.is_empty() {
        writer.write_record(ROW_COLUMNS).map_err(in_memory)?;
    }
    for row in rows {
        writer.serialize(row).map_err(in_memory)?;
    }
    writer.into_inner().map_err(|error| in_memory(error.into_error().into()))
}

const ROW_COLUMNS: [&str; 19] = [
    "path",
    "class",
    "rep",
    "session",
    "origin",
    "start_ns",
    "packets",
    "dropped",
    "client",
    "guard",
    "circuit_seconds",
    "tries",
    "seconds",
    "requests",
    "answer_bytes",
    "also",
    "database",
    "noise",
    "delay_ms",
];

/// The folder, locked for this process; whoever else has it may take so long to end.
fn lock(folder: &Path, patience: Duration) -> Result<File, Error> {
    let name = folder.display().to_string();
    let file = File::open(folder).map_err(Error::system(name.clone()))?;
    let started = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(Error::system(name)(error)),
            Err(TryLockError::WouldBlock) if started.elapsed() < patience => thread::sleep(Duration::from_millis(20)),
            Err(TryLockError::WouldBlock) => {
                return Err(Error::Wrong(format!("{name}: another collector works on this set; wait, or end it")));
            }
        }
    }
}

/// The text up to its last line end; `None` where there is no file.
fn whole_lines(path: &Path) -> Result<Option<String>, Error> {
    match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        text => {
            let mut text = text.map_err(Error::system(path.display().to_string()))?;
            text.truncate(text.rfind('\n').map_or(0, |at| at + 1));
            Ok(Some(text))
        }
    }
}

/// As a whole or not at all.
fn replace(path: &Path, content: &[u8]) -> Result<(), Error> {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let replace = || -> io::Result<()> {
        let mut file = File::create(&part)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&part, path)
    };
    replace().map_err(Error::system(path.display().to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(query: &Query) -> Row {
        Row {
            path: String::new(),
            class: query.class.clone(),
            rep: query.rep,
            session: query.session.clone().unwrap(),
            origin: Some(format!("question of {}", query.class)),
            start_ns: 1,
            packets: 2,
            dropped: 0,
            client: "client0".to_owned(),
            guard: "relay0".to_owned(),
            circuit_seconds: 1.5,
            tries: 1,
            seconds: 0.5,
            requests: 4,
            answer_bytes: 1000,
            also: "7 8".to_owned(),
            database: 0.25,
            noise: 1,
            delay_ms: 2.5,
        }
    }

    #[test]
    fn the_columns_are_those_of_a_row() {
        let query = Query { class: "1".to_owned(), rep: 0, session: Some("s0".to_owned()) };
        let lines = String::from_utf8(csv_lines(&[row(&query)], true).unwrap()).unwrap();
        assert_eq!(lines.lines().next().unwrap(), ROW_COLUMNS.join(","));
    }

    /// Whatever a crash leaves of three queries, the set goes on with exactly the whole ones.
    #[test]
    fn a_crash_at_any_moment_leaves_a_set_that_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("set");
        let plan = Plan::default();
        let queries = plan.queries(0);
        let mut journal = Journal::open(&folder, &plan).unwrap();
        for query in &queries[..2] {
            fs::write(journal.parts(query).unwrap().remove(0), "capture").unwrap();
            journal.finish(query, row(query)).unwrap();
        }
        journal.failed(&queries[2], "client0", "connection", true).unwrap();
        journal.failed(&queries[2], "client0", "a relay died, and it is not the query's fault", false).unwrap();
        let whole = fs::read(folder.join(MANIFEST)).unwrap();
        let part = journal.parts(&queries[2]).unwrap().remove(0);
        drop(journal);
        let first =
            whole.len() - csv_lines(&[row(&queries[1])], false).unwrap().len() - queries[1].file().as_os_str().len();
        for length in 0..=whole.len() {
            fs::write(folder.join(MANIFEST), &whole[..length]).unwrap();
            for query in &queries[..2] {
                fs::write(folder.join(query.file()), "capture").unwrap();
            }
            fs::write(&part, "half").unwrap();
            let again = Journal::open(&folder, &plan).unwrap();
            let expected = [length >= first, length == whole.len()];
            assert_eq!([again.is_done(&queries[0]), again.is_done(&queries[1])], expected, "cut to {length}");
            assert_eq!((again.failures(&queries[2]), again.tries(&queries[2])), (1, 2));
            for (query, is_done) in queries.iter().zip(expected) {
                assert_eq!(folder.join(query.file()).exists(), is_done, "captures and rows agree");
            }
            assert!(!again.parts(&queries[2]).unwrap()[0].exists());
        }
        let failures = fs::read_to_string(folder.join(FAILURES)).unwrap();
        fs::write(folder.join(FAILURES), failures.replace(",counts", "")).unwrap();
        assert!(Journal::open(&folder, &plan).unwrap_err().to_string().contains("another version began this set"));
        fs::write(folder.join(FAILURES), failures).unwrap();
        // A capture that somebody took away is to be made again.
        fs::write(folder.join(MANIFEST), &whole).unwrap();
        for query in &queries[..2] {
            fs::write(folder.join(query.file()), "capture").unwrap();
        }
        fs::remove_file(folder.join(queries[0].file())).unwrap();
        let again = Journal::open(&folder, &plan).unwrap();
        assert_eq!((again.is_done(&queries[0]), again.done()), (false, 1));
    }

    /// A query is done when it was recorded at all vantage points, and all are labelled alike.
    #[test]
    fn vantage_points_are_complete_or_made_again() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("set");
        let plan = Plan { vantages: vec![crate::plan::Vantage::Guard, crate::plan::Vantage::Socks], ..Plan::default() };
        let queries = plan.queries(0);
        let mut journal = Journal::open(&folder, &plan).unwrap();
        for query in &queries[..2] {
            let parts = journal.parts(query).unwrap();
            assert_eq!(parts.len(), 3);
            parts.iter().for_each(|part| fs::write(part, "capture").unwrap());
            journal.finish(query, row(query)).unwrap();
        }
        drop(journal);
        fs::remove_file(folder.join("socks").join(queries[0].file())).unwrap();
        let again = Journal::open(&folder, &plan).unwrap();
        assert_eq!((again.is_done(&queries[0]), again.is_done(&queries[1])), (false, true));
        assert!(!folder.join("guard").join(queries[0].file()).exists());
        again.label_vantages().unwrap();
        for name in ["guard", "socks"] {
            let labels = fs::read_to_string(folder.join(name).join(MANIFEST)).unwrap();
            let (file, class) = (queries[1].file(), &queries[1].class);
            let expected = format!("{},{class},{},s0,question of {class}", file.display(), queries[1].rep);
            assert_eq!(labels.lines().skip(1).collect::<Vec<_>>(), [expected]);
        }
    }

    /// Whoever opens a set takes away what is unfinished in it: not under the hands of somebody who is finishing it.
    #[test]
    fn a_set_is_open_once() {
        let folder = tempfile::tempdir().unwrap();
        let plan = Plan::default();
        let set = folder.path().join("set");
        let journal = Journal::open(&set, &plan).unwrap();
        let error = lock(&set, Duration::ZERO).unwrap_err().to_string();
        assert!(error.contains("another collector works on this set"), "{error}");
        drop(journal);
        Journal::open(&set, &plan).unwrap();
    }

    #[test]
    fn folders_of_others_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("x"), "").unwrap();
        let error = Journal::open(folder.path(), &Plan::default()).unwrap_err().to_string();
        assert!(error.contains("is not empty"), "{error}");
        let set = folder.path().join("set");
        Journal::open(&set, &Plan::default()).unwrap();
        let error = Journal::open(&set, &Plan { seed: 1, ..Plan::default() }).unwrap_err().to_string();
        assert!(error.contains("another plan"), "{error}");
    }
}
