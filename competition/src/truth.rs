//! Verification files: the true class of every test trace, which the host keeps.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use wfkit_datasets::formats::{
    Problems, ReadError, ReadLimits, Source, WriteError, file_name, read_csv, whole_number, write_csv_file,
};

use crate::rules::class_number;

const COLUMNS: [&str; 2] = ["capture_id", "cell_id"];

/// A verification file and the team whose traces it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verif {
    /// The file.
    pub path: PathBuf,
    /// The team, if it is known. An attack on one team needs not know.
    pub team_id: Option<u64>,
    /// What is in it, where it is in memory and `path` is but its name.
    content: Option<Vec<u8>>,
}

impl Verif {
    /// The file at `path`, and the team that a name as `team_7_verif.csv.zip` tells.
    pub fn named(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let name = file_name(&path);
        let number = name.strip_prefix("team_").and_then(|rest| rest.split_once("_verif")).map(|(number, _)| number);
        let team_id = number.and_then(|number| number.parse().ok());
        Self { path, team_id, content: None }
    }

    /// The file at `path`, about the team `team_id`.
    pub fn of_team(team_id: u64, path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), team_id: Some(team_id), content: None }
    }

    /// A file in memory, about the team `team_id`; errors call it `name`.
    pub fn of_bytes(team_id: u64, name: impl Into<PathBuf>, content: Vec<u8>) -> Self {
        Self { content: Some(content), ..Self::of_team(team_id, name) }
    }

    pub(crate) fn source(&self) -> Source<'_> {
        match &self.content {
            Some(content) => Source::bytes(&self.path, content),
            None => Source::from(&self.path),
        }
    }
}

/// Reads a verification file: the class of every capture, by id.
///
/// # Errors
/// Whatever is wrong row by row, an id that occurs twice and a class that is no whole number from 1 among it.
pub fn read_truth<'a>(source: impl Into<Source<'a>>, limits: &ReadLimits) -> Result<BTreeMap<i64, String>, ReadError> {
    read_csv(source, limits, &[], |mut rows| {
        rows.select(&COLUMNS)?;
        let mut problems = Problems::default();
        let mut truth = BTreeMap::new();
        while let Some(row) = rows.next_row(&mut problems)? {
            let mut number = |column: usize| {
                let number = whole_number(row.bytes(column));
                number.map_err(|kind| problems.record(kind, COLUMNS[column], row.line, row.lossy(column))).ok()
            };
            let (id, class) = (number(0), number(1));
            let (Some(id), Some(class)) = (id, class) else { continue };
            let class = class.to_string();
            if class_number(&class).is_none() {
                problems.record("class is not a whole number from 1", COLUMNS[1], row.line, &class);
            }
            if truth.insert(id, class).is_some() {
                problems.record("occurs twice", COLUMNS[0], row.line, id);
            }
        }
        match problems.is_empty() {
            true => Ok(truth),
            false => Err(ReadError::Problems { path: rows.path().to_owned(), problems }),
        }
    })
}

pub(crate) fn write_truth<'a>(path: &Path, truth: impl IntoIterator<Item = (i64, &'a str)>) -> Result<(), WriteError> {
    write_csv_file(path, |out| {
        let mut writer = csv::Writer::from_writer(out);
        writer.write_record(COLUMNS).map_err(|error| WriteError::table(path, error))?;
        for (id, class) in truth {
            writer.write_record([&id.to_string(), class]).map_err(|error| WriteError::table(path, error))?;
        }
        writer.flush().map_err(|error| WriteError::io(path, error))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_tells_the_team() {
        let team = |name: &str| Verif::named(name).team_id;
        assert_eq!(team("folder/team_12_verif.csv.zip"), Some(12));
        assert_eq!(team("team_0_verif.csv"), Some(0));
        assert_eq!(team("team_x_verif.csv"), None);
        assert_eq!(team("split_intended_verif.csv"), None);
        assert_eq!(team("team_3_test.csv"), None);
    }
}
