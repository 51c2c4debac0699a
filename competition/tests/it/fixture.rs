//! The two reference sets, as tables that tests change before they write them.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;
use wfkit_competition::{CheckReport, Rules, Verif};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

pub(crate) const SETS: [&str; 2] = ["small-class-major", "small-rep-major"];

/// The rules that the reference sets were made for: 4 classes of 4 to 8 repetitions, 6 packets at least.
pub(crate) const RULES: Rules = Rules { classes: 4, reps_mean: 6, deviation: 3, min_packets: 5 };

pub(crate) fn path(set: &str, file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/competition").join(set).join(file)
}

pub(crate) fn results(set: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path(set, "results.json")).unwrap()).unwrap()
}

/// The truth about the attack file of a set.
pub(crate) fn verif(set: &str) -> Verif {
    Verif::of_team(1, path(set, "split_intended_verif.csv"))
}

/// A CSV file in memory.
#[derive(Clone)]
pub(crate) struct Table {
    pub(crate) header: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn read(set: &str, file: &str) -> Self {
        let text = std::fs::read_to_string(path(set, file)).unwrap();
        let mut rows = text.lines().map(|line| line.split(',').map(str::to_owned).collect());
        Self { header: rows.next().unwrap(), rows: rows.collect() }
    }

    pub(crate) fn defense() -> Self {
        Self::read(SETS[0], "defence_input.csv")
    }

    pub(crate) fn attack(set: &str) -> Self {
        Self::read(set, "attack_input.csv")
    }

    /// The table with its columns in another order, or fewer or more of them: `None` is a new one of zeros.
    pub(crate) fn columns(mut self, columns: &[(&str, Option<usize>)]) -> Self {
        for row in &mut self.rows {
            let pick = |&(_, from): &(&str, Option<usize>)| from.map_or("0".to_owned(), |from| row[from].clone());
            *row = columns.iter().map(pick).collect();
        }
        self.header = columns.iter().map(|(name, _)| (*name).to_owned()).collect();
        self
    }

    pub(crate) fn each(mut self, mut change: impl FnMut(&mut Vec<String>)) -> Self {
        self.rows.iter_mut().for_each(&mut change);
        self
    }

    pub(crate) fn keep(mut self, keep: impl FnMut(&Vec<String>) -> bool) -> Self {
        self.rows.retain(keep);
        self
    }

    /// One field of one row, counted from 0; in the file that is line `row + 2`.
    pub(crate) fn set(mut self, row: usize, column: usize, value: &str) -> Self {
        self.rows[row][column] = value.to_owned();
        self
    }

    pub(crate) fn text(&self) -> String {
        std::iter::once(&self.header).chain(&self.rows).map(|row| row.join(",") + "\n").collect()
    }
}

/// A folder that lives as long as the test.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn csv(&self, table: &Table) -> PathBuf {
        let path = self.path().join("upload.csv");
        std::fs::write(&path, table.text()).unwrap();
        path
    }

    pub(crate) fn zip(&self, members: &[(&str, &[u8])]) -> PathBuf {
        let path = self.path().join("upload.csv.zip");
        let mut archive = ZipWriter::new(std::fs::File::create(&path).unwrap());
        for (name, bytes) in members {
            archive.start_file(*name, SimpleFileOptions::default()).unwrap();
            archive.write_all(bytes).unwrap();
        }
        archive.finish().unwrap();
        path
    }
}

/// The problems of a report, one line each: count, kind, column, first row, first value.
pub(crate) fn problems(report: &CheckReport) -> Vec<String> {
    assert_eq!(report.accepted, report.problems.is_empty());
    lines(&report.problems)
}

pub(crate) fn warnings(report: &CheckReport) -> Vec<String> {
    lines(&report.warnings)
}

fn lines(problems: &wfkit_datasets::formats::Problems) -> Vec<String> {
    let line = |problem: &wfkit_datasets::formats::Problem| {
        let first =
            problem.examples.first().map_or(String::new(), |first| format!(", row {}: {}", first.row, first.value));
        let column = if problem.column.is_empty() { String::new() } else { format!(" in {}", problem.column) };
        format!("{} x {}{column}{first}", problem.count, problem.kind)
    };
    problems.kinds().iter().map(line).collect()
}
