//! Attack files: what an attacker uploads, one distribution over the classes for every test trace of every attacked team.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use ndarray::Array2;
use thiserror::Error;
use wfkit_datasets::formats::{
    CsvRow, CsvRows, LimitExceeded, Problems, ReadError, ReadLimits, Source, WriteError, finite_number, read_csv,
    whole_number, write_csv_file,
};
use wfkit_metrics::{ClassMap, Probabilities, ProbabilityError, ROW_SUM_TOLERANCE};

use crate::defense::not_plain;
use crate::rules::class_number;
use crate::truth::read_truth;
use crate::{CheckReport, FileCheck, Match, Rules, Verif};

const TEAM: &str = "team_id";
const ID: &str = "capture_id";
const CLASS: &str = "proba_class_";
/// Where no rules tell the number of classes, columns beyond this many do not declare any.
const MOST_DECLARED: usize = 10_000;
/// Rows that are off by more than this are rescaled; the strictest host asks for 1e-10.
const EXACT: f64 = 1e-12;
/// How far a row may be off. Six decimals put it right on the edge, where its own rounding must not decide.
const TOLERANCE: f64 = ROW_SUM_TOLERANCE + EXACT;

/// What an attack says about the traces of one team.
#[derive(Debug, Clone, Copy)]
pub struct Prediction<'a> {
    /// The attacked team.
    pub team_id: u64,
    /// The traces, shape `(n_traces,)`.
    pub capture_ids: &'a [i64],
    /// Their classes, shape `(n_traces, n_classes)`; the classes are numbers, some may be missing.
    pub probabilities: &'a Probabilities,
}

/// Why an attack file cannot be made.
#[derive(Debug, Error)]
pub enum AttackFileError {
    /// Ids and probabilities are of different traces.
    #[error("team {team_id}: {ids} capture ids for {rows} rows of probabilities")]
    Rows {
        /// The attacked team.
        team_id: u64,
        /// Number of ids.
        ids: usize,
        /// Rows of the probabilities.
        rows: usize,
    },
    /// A class has no column in the file.
    #[error("team {team_id}: class `{class}` is not one of 1 to {classes}")]
    Class {
        /// The attacked team.
        team_id: u64,
        /// The class.
        class: String,
        /// Number of classes declared.
        classes: usize,
    },
    /// A trace would have two rows.
    #[error("team {team_id}: capture {capture_id} occurs twice")]
    Twice {
        /// The attacked team.
        team_id: u64,
        /// The trace.
        capture_id: i64,
    },
    /// A file cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The file cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// Writes an attack file (`.csv` or `.csv.zip`) with a column for each of the classes `1` to `classes`, rows in the order of
/// team and capture.
///
/// Classes that the probabilities do not know have 0.0. Numbers are the shortest that read back as the same `f64`, so a row
/// sums to 1 as exactly as in memory, far within 1e-10.
///
/// # Errors
/// Ids that do not fit the probabilities or occur twice, classes without a column, and what the system refuses.
pub fn write_attack(predictions: &[Prediction<'_>], classes: usize, path: &Path) -> Result<(), AttackFileError> {
    let mut rows = BTreeMap::new();
    for prediction in predictions {
        let Prediction { team_id, capture_ids, probabilities } = *prediction;
        if capture_ids.len() != probabilities.len() {
            return Err(AttackFileError::Rows { team_id, ids: capture_ids.len(), rows: probabilities.len() });
        }
        let columns = class_columns(prediction, classes)?;
        for (&capture_id, probabilities) in capture_ids.iter().zip(probabilities.values().rows()) {
            let mut values = vec![0.0; classes];
            for (&column, &probability) in columns.iter().zip(probabilities) {
                values[column] = probability;
            }
            if rows.insert((team_id, capture_id), values).is_some() {
                return Err(AttackFileError::Twice { team_id, capture_id });
            }
        }
    }
    Ok(write_rows(path, classes, rows.iter().map(|(&trace, values)| (trace, values.as_slice())))?)
}

/// The column in the file, counted from 0, of each class of the prediction.
fn class_columns(prediction: &Prediction<'_>, classes: usize) -> Result<Vec<usize>, AttackFileError> {
    let column = |class: &String| match class_number(class) {
        Some(number) if number <= classes as u64 => Ok(number as usize - 1),
        _ => Err(AttackFileError::Class { team_id: prediction.team_id, class: class.clone(), classes }),
    };
    prediction.probabilities.classes().names().iter().map(column).collect()
}

fn write_rows<'a>(
    path: &Path,
    classes: usize,
    rows: impl Iterator<Item = ((u64, i64), &'a [f64])>,
) -> Result<(), WriteError> {
    let failed = |error| WriteError::io(path, error);
    write_csv_file(path, |out| {
        writeln!(out, "{}", column_names(classes).join(",")).map_err(failed)?;
        for ((team_id, capture_id), values) in rows {
            write!(out, "{team_id},{capture_id}").map_err(failed)?;
            for value in values {
                // `Debug` is the shortest text that reads back as the same number; unlike `Display` it knows exponents.
                write!(out, ",{value:?}").map_err(failed)?;
            }
            writeln!(out).map_err(failed)?;
        }
        Ok(())
    })
}

fn column_names(classes: usize) -> Vec<String> {
    let of_classes = (1..=classes).map(|class| format!("{CLASS}{class}"));
    [TEAM.to_owned(), ID.to_owned()].into_iter().chain(of_classes).collect()
}

/// Joins attack files, as of one attack on each of several teams, into one.
///
/// # Errors
/// Files that cannot be read or have problems, other numbers of classes, a trace in two files, and what the system refuses.
pub fn join_attacks(parts: &[PathBuf], path: &Path) -> Result<(), AttackFileError> {
    let mut rows = BTreeMap::new();
    let mut classes = None;
    for part in parts {
        let limits = &ReadLimits::OWN;
        let table = read_csv(part, limits, &[], |rows| Table::read(rows, (classes, 0), usize::MAX, limits))?;
        if !table.problems.is_empty() {
            return Err(ReadError::Problems { path: part.clone(), problems: table.problems }.into());
        }
        classes = Some(table.classes);
        for ((team_id, capture_id), row) in table.rows {
            if rows.insert((team_id, capture_id), row.values).is_some() {
                return Err(AttackFileError::Twice { team_id, capture_id });
            }
        }
    }
    let classes = classes.unwrap_or(0);
    Ok(write_rows(path, classes, rows.iter().map(|(&trace, values)| (trace, values.as_slice())))?)
}

/// Whether an attack file may take part: exactly the columns of the rules, in any order, and exactly one row for every trace of
/// every team of `verifs`, each a distribution. Where it may, its rows are paired with the truth by id, its columns with classes by name: one match a team.
/// Without rules, its columns declare the classes, which are 1 to their number, and those of the truth at least.
///
/// Rows that sum to 1 within [`ROW_SUM_TOLERANCE`] are accepted. Traces and teams are told by id, never by order. Attackers, who
/// have no verification files, may check all else without: the report then has a warning.
///
/// # Errors
/// Verification files that cannot be read or are wrong, and what the system refuses.
pub fn check_attack<'a, 'r>(
    source: impl Into<Source<'a>>,
    verifs: &[Verif],
    rules: impl Into<Option<&'r Rules>>,
    limits: &ReadLimits,
) -> Result<FileCheck<Vec<Match>>, ReadError> {
    let classes = rules.into().map(|rules| rules.classes);
    let mut truths = Vec::with_capacity(verifs.len());
    for verif in verifs {
        truths.push((verif, read_truth(verif.source(), &ReadLimits::OWN)?));
    }
    let expected = truths.iter().map(|(_, truth)| truth.len()).sum();
    let true_classes = truths.iter().flat_map(|(_, truth)| truth.values()).filter_map(|class| class_number(class));
    let at_least = true_classes.filter(|&class| class <= MOST_DECLARED as u64).max().unwrap_or(0) as usize;
    let source = source.into();
    let path = source.name();
    let mut table = match read_csv(source, limits, &[], |rows| Table::read(rows, (classes, at_least), expected, limits))
    {
        Ok(table) => table,
        Err(error) => return FileCheck::unreadable(path, error),
    };
    let mut report = CheckReport::new(path);
    let teams = teams_of(&truths, &table)?;
    if teams.is_empty() {
        report.warnings.whole("teams and traces not compared: no verification file");
    } else {
        table.compare(&teams);
    }
    report.rows = table.row_count;
    report.traces = table.rows.len();
    report.classes = table.classes;
    report.teams = table.teams().into_iter().collect();
    report.problems = std::mem::take(&mut table.problems);
    let pair = |(&team_id, truth): (&u64, &&Truth)| {
        let not_distributions = |error: ProbabilityError| ReadError::damaged(path, error);
        table.pair(team_id, truth).map_err(not_distributions)
    };
    FileCheck::settled(report, || teams.iter().map(pair).collect())
}

type Truth = BTreeMap<i64, String>;

/// Which truth is about which team. One that does not say is about the one team attacked.
fn teams_of<'a>(truths: &'a [(&Verif, Truth)], table: &Table) -> Result<BTreeMap<u64, &'a Truth>, ReadError> {
    let attacked = table.teams();
    let only = (truths.len() == 1 && attacked.len() <= 1).then(|| attacked.first().copied().unwrap_or_default());
    let mut teams = BTreeMap::new();
    for (verif, truth) in truths {
        let wrong = |reason: &str| ReadError::damaged(&verif.path, reason);
        let team = verif.team_id.or(only).ok_or_else(|| wrong("which team is it about?"))?;
        if teams.insert(team, truth).is_some() {
            return Err(wrong(&format!("a second file about team {team}")));
        }
        if let Some(class) = truth.values().find(|class| class_number(class) > Some(table.classes as u64)) {
            return Err(wrong(&format!("class {class} is not one of 1 to {}", table.classes)));
        }
    }
    Ok(teams)
}

/// The rows of an attack file by team and capture, and what is wrong with them.
struct Table {
    classes: usize,
    row_count: u64,
    rows: BTreeMap<(u64, i64), AttackRow>,
    problems: Problems,
}

struct AttackRow {
    line: u64,
    /// One value a class, in class order; they sum to 1.
    values: Vec<f64>,
}

impl Table {
    /// Without a number of classes, the columns declare them, and so many at least. The values of no more than `expected` rows are kept: a file
    /// with more is refused by their ids.
    fn read(
        mut rows: CsvRows<'_>,
        (classes, at_least): (Option<usize>, usize),
        expected: usize,
        limits: &ReadLimits,
    ) -> Result<Self, ReadError> {
        let header: Vec<String> = rows.header().iter().map(|name| name.trim().to_owned()).collect();
        let declared = header.iter().filter(|name| name.starts_with(CLASS)).count();
        let classes = classes.unwrap_or(declared.min(MOST_DECLARED).max(at_least));
        let names = column_names(classes);
        let mut table = Self { classes, row_count: 0, rows: BTreeMap::new(), problems: Problems::default() };
        table.check_columns(&header, &names);
        if !table.problems.is_empty() {
            return Err(ReadError::Problems { path: rows.path().to_owned(), problems: table.problems });
        }
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        rows.select(&names)?;
        while let Some(row) = rows.next_row(&mut table.problems)? {
            table.push(row, &names, expected);
            if table.rows.len() as u64 > limits.traces {
                return Err(ReadError::limit(rows.path(), LimitExceeded::Traces { limit: limits.traces }));
            }
        }
        table.row_count = rows.rows();
        if !rows.dialect().is_plain() {
            table.problems.whole(not_plain(rows.dialect()));
        }
        Ok(table)
    }

    /// All that is wrong with the header at once; another number of classes shifts a hundred columns.
    fn check_columns(&mut self, header: &[String], names: &[String]) {
        let mut found = BTreeSet::new();
        let known: BTreeSet<&String> = names.iter().collect();
        for name in header {
            if !known.contains(name) {
                self.problems.record("unknown column", "", 1, name);
            } else if !found.insert(name) {
                self.problems.record("column occurs twice", "", 1, name);
            }
        }
        for name in names.iter().filter(|name| !found.contains(name)) {
            self.problems.record("column is missing", "", 1, name);
        }
    }

    fn push(&mut self, row: CsvRow<'_>, names: &[&str], expected: usize) {
        let problems = &mut self.problems;
        let mut wrong = |kind: &'static str, column: usize| {
            problems.record(kind, names[column], row.line, row.lossy(column));
        };
        let team = whole_number(row.bytes(0)).and_then(|team| u64::try_from(team).map_err(|_| "below 0"));
        let team = team.map_err(|kind| wrong(kind, 0)).ok();
        let capture = whole_number(row.bytes(1)).map_err(|kind| wrong(kind, 1)).ok();
        let mut values = Vec::with_capacity(self.classes);
        for column in 2..names.len() {
            match finite_number(row.bytes(column)) {
                Ok(value) if value < 0.0 => wrong("below 0", column),
                Ok(value) if value > 1.0 + TOLERANCE => wrong("above 1", column),
                Ok(value) => values.push(value),
                Err(kind) => wrong(kind, column),
            }
        }
        let sum: f64 = values.iter().sum();
        if values.len() == self.classes && (sum - 1.0).abs() > TOLERANCE {
            self.problems.record("probabilities do not sum to 1", "", row.line, sum);
        } else if (sum - 1.0).abs() > EXACT {
            values.iter_mut().for_each(|value| *value /= sum);
        }
        let (Some(team), Some(capture)) = (team, capture) else { return };
        if self.rows.len() >= expected {
            values = Vec::new();
        }
        match self.rows.entry((team, capture)) {
            Entry::Vacant(entry) => {
                entry.insert(AttackRow { line: row.line, values });
            }
            Entry::Occupied(_) => {
                let trace = format!("team {team} capture {capture}");
                self.problems.record("trace occurs twice", ID, row.line, trace);
            }
        }
    }

    fn teams(&self) -> BTreeSet<u64> {
        self.rows.keys().map(|&(team, _)| team).collect()
    }

    /// Compares teams and traces with those there are.
    fn compare(&mut self, teams: &BTreeMap<u64, &Truth>) {
        let attacked = self.teams();
        for team in teams.keys().filter(|team| !attacked.contains(team)) {
            self.problems.record("team is missing", TEAM, 0, team);
        }
        for (&(team, capture), row) in &self.rows {
            match teams.get(&team) {
                None => self.problems.record("team is not to be attacked", TEAM, row.line, team),
                Some(truth) if !truth.contains_key(&capture) => {
                    let trace = format!("team {team} capture {capture}");
                    self.problems.record("team has no such trace", ID, row.line, trace);
                }
                Some(_) => {}
            }
        }
        for (&team, truth) in teams.iter().filter(|(team, _)| attacked.contains(team)) {
            for &capture in truth.keys().filter(|&&capture| !self.rows.contains_key(&(team, capture))) {
                self.problems.record("trace is missing", ID, 0, format_args!("team {team} capture {capture}"));
            }
        }
    }

    /// The rows of a team with their truth. Only after nothing was found wrong.
    fn pair(&self, team_id: u64, truth: &Truth) -> Result<Match, ProbabilityError> {
        let classes = ClassMap::from_labels((1..=self.classes).map(|class| class.to_string()));
        let rows = truth.keys().flat_map(|&capture| &self.rows[&(team_id, capture)].values);
        let values = Array2::from_shape_vec((truth.len(), self.classes), rows.copied().collect())
            .expect("every row has a value for every class");
        let column = |class: &String| classes.index_of(class).expect("the classes of the truth are 1 to the last");
        let capture_ids = truth.keys().copied().collect();
        let truth = truth.values().map(column).collect();
        Ok(Match { team_id, capture_ids, probabilities: Probabilities::new(classes, values)?, truth })
    }
}
