//! Folds of a cross-validation in a file, so that others can train by them: `class, rep, session, fold, together`, one row a trace.
//!
//! `fold` is the one fold that tests the trace; all others may train on it. `together` says, in every row, what no two folds share; a
//! file without this column promises what [`Together::default`] says.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;
use std::str::FromStr;

use thiserror::Error;

use crate::formats::{csv_member, file_name, whole_number, write_csv_rows};
use crate::frame::{CLASS, FOLD, REP, SESSION, TOGETHER, key_columns, write_parquet};
use crate::join::{JoinError, join, some};
use crate::loose_table::{LooseTable, Others};
use crate::parquet_file::Written;
use crate::probabilities::csv_key;
use crate::splits::Split;
use crate::{FileKind, Groups, ReadError, TraceKey, WriteError};

/// What is never in two folds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Together {
    /// Copies of one load.
    pub origins: bool,
    /// Visits of one page of the background.
    pub pages: bool,
    /// Traces of one session.
    pub sessions: bool,
}

impl Default for Together {
    /// Copies of one load, and pages of the background.
    fn default() -> Self {
        Self { origins: true, pages: true, sessions: false }
    }
}

/// A text that does not say what stays together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("expected some of origin, page and session joined by +, or nothing")]
pub struct UnknownTogether;

impl fmt::Display for Together {
    /// Such as `origin+page`, or `nothing`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [(self.origins, "origin"), (self.pages, "page"), (self.sessions, "session")];
        let parts: Vec<&str> = parts.into_iter().filter(|(is, _)| *is).map(|(_, name)| name).collect();
        f.write_str(if parts.is_empty() { "nothing" } else { "" })?;
        f.write_str(&parts.join("+"))
    }
}

impl FromStr for Together {
    type Err = UnknownTogether;

    fn from_str(text: &str) -> Result<Self, UnknownTogether> {
        let mut together = Self { origins: false, pages: false, sessions: false };
        if text.trim() == "nothing" {
            return Ok(together);
        }
        for part in text.split('+') {
            match part.trim() {
                "origin" => together.origins = true,
                "page" => together.pages = true,
                "session" => together.sessions = true,
                _ => return Err(UnknownTogether),
            }
        }
        Ok(together)
    }
}

/// Writes `.parquet`, `.csv` or `.csv.zip`, told by the extension; folds are counted from 1. The same folds give the same bytes.
///
/// # Errors
/// Another extension, what the system refuses.
///
/// # Panics
/// If there are not as many folds as keys.
pub fn write_folds(path: &Path, keys: &[TraceKey], folds: &[usize], together: Together) -> Result<(), WriteError> {
    assert_eq!(keys.len(), folds.len(), "a fold for every trace");
    let together = together.to_string();
    let name = file_name(path);
    if name.to_ascii_lowercase().ends_with(".parquet") {
        let mut columns = key_columns(keys.iter());
        columns.push(Written::wholes(FOLD, folds.iter().map(|&fold| fold as i64)));
        columns.push(Written::texts(TOGETHER, keys.iter().map(|_| together.as_str())));
        return write_parquet(path, &columns, Some(serde_json::json!({ "kind": FileKind::Folds }).to_string()));
    }
    if csv_member(&name).is_none() {
        let expected = ".parquet, .csv or .csv.zip";
        return Err(WriteError::Extension { path: path.to_owned(), extension: name, expected });
    }
    let rows = keys
        .iter()
        .zip(folds)
        .map(|(key, fold)| csv_key(key).into_iter().chain([Cow::from(fold.to_string()), Cow::from(together.as_str())]));
    write_csv_rows(path, [CLASS, REP, SESSION, FOLD, TOGETHER], rows)
}

/// Folds that were read.
#[derive(Debug)]
pub struct FoldFile {
    table: LooseTable,
    keys: Vec<TraceKey>,
    folds: Vec<i64>,
    together: Together,
}

impl FoldFile {
    /// Reads what [`write_folds`] wrote, or any CSV or Parquet with `class`, `rep`, `fold` and, where there are several, `session`; folds are
    /// whole numbers of any kind.
    ///
    /// # Errors
    /// [`ReadError`], naming column and row.
    pub fn read(path: &Path) -> Result<Self, ReadError> {
        let table = LooseTable::read(path, &[CLASS, REP, SESSION, FOLD, TOGETHER], Others::Ignored)?;
        let expected = "expected the columns class, rep, session and fold, as wfkit dataset split --folds writes them";
        let missing = [CLASS, REP, FOLD].into_iter().find(|column| table.label(column).is_none());
        if let Some(column) = missing {
            return Err(ReadError::columns(path, format!("column {column} is missing; {expected}")));
        }
        let keys = table.keys()?.expect("class and rep are there");
        let texts = table.label(FOLD).expect("it is there");
        let fold = |(row, text): (usize, &Option<String>)| {
            let text = text.as_deref().unwrap_or_default();
            whole_number(text).map_err(|reason| table.wrong(row, FOLD, text, reason))
        };
        let folds: Vec<i64> = texts.iter().enumerate().map(fold).collect::<Result<_, _>>()?;
        if folds.iter().collect::<BTreeSet<_>>().len() < 2 {
            return Err(ReadError::columns(path, "fewer than two folds: there is nothing to train on"));
        }
        let mut together = None;
        for (row, text) in table.label(TOGETHER).unwrap_or_default().iter().enumerate() {
            let text = text.as_deref().unwrap_or_default();
            let told: Together =
                text.parse().map_err(|error: UnknownTogether| table.wrong(row, TOGETHER, text, error.to_string()))?;
            if *together.get_or_insert(told) != told {
                return Err(table.wrong(row, TOGETHER, text, "another word than in the rows before"));
            }
        }
        Ok(Self { table, keys, folds, together: together.unwrap_or_default() })
    }

    /// What no two folds share, as the file says.
    pub fn together(&self) -> Together {
        self.together
    }

    /// The fold of each of these traces. `traces` is what to call them in a message.
    ///
    /// # Errors
    /// A trace without a row or with two, a row without a trace.
    pub fn fold_of(&self, keys: &[TraceKey], traces: &str) -> Result<Vec<i64>, ReadError> {
        let joined = join(keys, &self.keys).map_err(|error| match error {
            JoinError::Twice(first, second) => {
                let reason = format!("row {} has a fold for this trace already", self.table.rows.of(first));
                self.table.wrong(second, REP, format!("({})", self.keys[second]), reason)
            }
            JoinError::Sessions(row) => {
                let reason = format!("several sessions of {traces} have this class and rep; add the column session");
                self.table.wrong(row, REP, format!("({})", self.keys[row]), reason)
            }
        })?;
        let (how_many, remedy) = (keys.len(), "wfkit dataset split --folds K makes folds of these very traces");
        let missing = joined.place.iter().filter(|place| place.is_none()).count();
        if missing > 0 {
            let without = keys.iter().zip(&joined.place).filter(|(_, place)| place.is_none()).map(|(key, _)| key);
            let some = some(without);
            return Err(self.rows(format!("{missing} of {how_many} traces of {traces} have no row: {some}; {remedy}")));
        }
        if !joined.unknown.is_empty() {
            let (unknown, rows) = (joined.unknown.len(), self.keys.len());
            let some = some(joined.unknown.iter().map(|&row| &self.keys[row]));
            return Err(self.rows(format!("{unknown} of {rows} rows are of no trace of {traces}: {some}; {remedy}")));
        }
        Ok(joined.place.into_iter().map(|row| self.folds[row.expect("none is missing")]).collect())
    }

    /// Refuses folds that part traces which belong together: `what` they share, such as `a load`.
    ///
    /// # Errors
    /// Two traces of one group that are in two folds.
    pub fn keeps(&self, groups: &Groups, fold_of: &[i64], keys: &[TraceKey], what: &str) -> Result<(), ReadError> {
        for rows in groups.members() {
            let first = rows[0];
            let Some(&other) = rows.iter().find(|&&row| fold_of[row] != fold_of[first]) else { continue };
            return Err(self.rows(format!(
                "({}) is in fold {}, and ({}), which shows {what}, in fold {}, so the one would be learned from to test the other; wfkit dataset split \
                 --folds keeps them together. Where that is meant, let a column `{TOGETHER}` say so: some of origin, page and session joined \
                 by +, or nothing",
                keys[first], fold_of[first], keys[other], fold_of[other]
            )));
        }
        Ok(())
    }

    fn rows(&self, message: String) -> ReadError {
        ReadError::Rows { path: self.table.path.clone(), message }
    }
}

/// A split for each fold, in their order: tested is what has its number, trained on all else.
pub fn splits_of_folds(fold_of: &[i64]) -> Vec<Split> {
    let folds: BTreeSet<i64> = fold_of.iter().copied().collect();
    let split = |fold: i64| {
        let (test, train) = (0..fold_of.len()).partition(|&row| fold_of[row] == fold);
        Split { name: format!("fold {fold}"), train, test }
    };
    folds.into_iter().map(split).collect()
}

/// What a file of folds is for, for people.
pub const FOLDS_EXPLAINED: &str = "\
Folds for a model of your own, and for wfkit's on the same:
  wfkit dataset split traces.parquet --folds 5 --out folds.csv
  wfkit evaluate traces.parquet --attack best --split-file folds.csv --out ours.parquet
  wfkit score theirs.csv --against ours.parquet --truth traces.parquet --split-file folds.csv
folds.csv has the columns class, rep, session, fold (from 1) and together (what no two folds share).
Test fold k by a model that learned from all other folds. examples/pytorch does so in Python.";

#[cfg(test)]
mod tests {
    use super::*;

    fn key(class: &str, rep: i64, session: Option<&str>) -> TraceKey {
        TraceKey { class: class.into(), rep, session: session.map(str::to_owned) }
    }

    fn read(text: &str) -> Result<FoldFile, ReadError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("folds.csv");
        std::fs::write(&path, text).unwrap();
        FoldFile::read(&path)
    }

    fn message<T: fmt::Debug>(result: Result<T, ReadError>) -> String {
        let message = result.unwrap_err().to_string();
        message.split_once("folds.csv: ").map_or(message.clone(), |(_, message)| message.to_owned())
    }

    #[test]
    fn written_folds_come_back_in_every_format() {
        let keys = [key("1", 3, Some("a,b")), key("x", 1, None), key("1", 4, Some("a,b"))];
        let folder = tempfile::tempdir().unwrap();
        for name in ["f.csv", "f.parquet", "f.csv.zip"] {
            let path = folder.path().join(name);
            let together = Together { sessions: true, ..Together::default() };
            write_folds(&path, &keys, &[2, 1, 2], together).unwrap();
            assert_eq!(FileKind::of(&path).unwrap(), Some(FileKind::Folds), "{name}");
            let file = FoldFile::read(&path).unwrap();
            assert_eq!(file.together(), together);
            assert_eq!(file.fold_of(&[keys[1].clone(), keys[0].clone(), keys[2].clone()], "t").unwrap(), [1, 2, 2]);
        }
        let text = std::fs::read_to_string(folder.path().join("f.csv")).unwrap();
        assert!(text.starts_with("class,rep,session,fold,together\n1,3,\"a,b\",2,origin+page+session\n"), "{text}");
        assert!(write_folds(&folder.path().join("f.txt"), &[], &[], Together::default()).is_err());
    }

    #[test]
    fn folds_of_others_need_no_more_than_key_and_fold() {
        let file = read("fold,class,rep,loss\n0,1.0,2,x\n1,01,3.0,y\n").unwrap();
        assert_eq!(file.together(), Together::default());
        let fold_of = file.fold_of(&[key("1", 2, Some("s")), key("1", 3, Some("s"))], "t").unwrap();
        let splits = splits_of_folds(&fold_of);
        assert_eq!(splits[0], Split { name: "fold 0".into(), train: vec![1], test: vec![0] });
        assert_eq!(splits.len(), 2);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_row() {
        assert!(message(read("class,rep\na,1\n")).starts_with("column fold is missing; expected the columns class"));
        assert!(message(read("class,rep,fold\na,1,1\na,2,x\n")).contains("row 3, column fold: x: not a number"));
        assert!(message(read("class,rep,fold\na,1,1\na,2,1\n")).contains("fewer than two folds"));
        assert!(
            message(read("class,rep,fold,together\na,1,1,pages\na,2,2,\n")).contains("row 2, column together: pages")
        );
        let file = read("class,rep,fold\na,1,1\na,2,2\na,1,2\n").unwrap();
        let told = message(file.fold_of(&[key("a", 1, None), key("a", 2, None)], "t.parquet"));
        assert!(
            told.contains("row 4, column rep: (class a, rep 1): row 2 has a fold for this trace already"),
            "{told}"
        );
        let file = read("class,rep,fold\na,1,1\na,2,2\n").unwrap();
        let told = message(file.fold_of(&[key("a", 1, None), key("a", 9, None)], "t.parquet"));
        assert!(told.starts_with("1 of 2 traces of t.parquet have no row: (class a, rep 9); wfkit"), "{told}");
        let told = message(file.fold_of(&[key("a", 1, None)], "t.parquet"));
        assert!(told.starts_with("1 of 2 rows are of no trace of t.parquet: (class a, rep 2)"), "{told}");
        let told = message(file.fold_of(&[key("a", 1, Some("x")), key("a", 1, Some("y"))], "t.parquet"));
        assert!(told.contains("add the column session"), "{told}");
    }

    #[test]
    fn folds_that_part_a_group_are_refused() {
        let file = read("class,rep,fold\na,1,1\na,2,2\na,3,1\n").unwrap();
        let keys: Vec<TraceKey> = (1..4).map(|rep| key("a", rep, None)).collect();
        let fold_of = file.fold_of(&keys, "t").unwrap();
        let together = |a, b| Groups::of_rows(3).join(|row| [a, b].contains(&row).then_some("one"));
        assert!(file.keeps(&together(0, 2), &fold_of, &keys, "the same load").is_ok());
        let told = message(file.keeps(&together(0, 1), &fold_of, &keys, "the same load"));
        assert!(
            told.starts_with(
                "(class a, rep 1) is in fold 1, and (class a, rep 2), which shows the same load, in fold 2"
            ),
            "{told}"
        );
    }
}
