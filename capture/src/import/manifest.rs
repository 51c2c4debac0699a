//! A CSV file of labels.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::import::label::Label;

/// Why a manifest cannot be used. Rows are counted from 1, after the header.
#[derive(Debug, Error)]
pub enum ManifestError {
    /// It cannot be read, or is no CSV file.
    #[error("{}: {source}", path.display())]
    Csv {
        /// The manifest.
        path: PathBuf,
        /// What is wrong.
        source: csv::Error,
    },
    /// A column is missing.
    #[error("{}: no column `{column}`; it needs path and class, and may have rep, session and origin", path.display())]
    Column {
        /// The manifest.
        path: PathBuf,
        /// The column.
        column: &'static str,
    },
    /// A value makes no sense.
    #[error("{}: row {row}, column `{column}`: `{value}` is not {expected}", path.display())]
    Value {
        /// The manifest.
        path: PathBuf,
        /// The row.
        row: u64,
        /// The column.
        column: &'static str,
        /// The value.
        value: String,
        /// What it should be.
        expected: &'static str,
    },
    /// Two rows are about the same file.
    #[error("{}: rows {first} and {second} are both about `{file}`", path.display())]
    Twice {
        /// The manifest.
        path: PathBuf,
        /// The first row.
        first: u64,
        /// The second row.
        second: u64,
        /// The file as the second row writes it.
        file: String,
    },
}

/// Labels by file.
#[derive(Debug)]
pub(crate) struct Manifest {
    path: PathBuf,
    /// By canonical path of the file, with the row.
    labels: HashMap<PathBuf, (u64, Label)>,
    /// How many rows are about files that do not exist, and the first of them.
    missing: u64,
    first_missing: Option<(u64, String)>,
}

impl Manifest {
    /// Reads a manifest; see [`LabelSource::Manifest`](crate::LabelSource::Manifest).
    pub(crate) fn read(path: &Path) -> Result<Self, ManifestError> {
        let file = File::open(path)
            .map_err(|error| ManifestError::Csv { path: path.to_owned(), source: csv::Error::from(error) })?;
        Self::parse(path, file)
    }

    /// Reads the content of a manifest at `path`.
    pub(crate) fn parse(path: &Path, content: impl Read) -> Result<Self, ManifestError> {
        let csv_error = |source| ManifestError::Csv { path: path.to_owned(), source };
        let folder = path.parent().unwrap_or(Path::new(""));
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(content);
        let header = reader.headers().map_err(csv_error)?.clone();
        let column = |name| header.iter().position(|column| column == name);
        let needed = |name| column(name).ok_or_else(|| ManifestError::Column { path: path.to_owned(), column: name });
        let (path_at, class_at, rep_at) = (needed("path")?, needed("class")?, column("rep"));
        let (session_at, origin_at) = (column("session"), column("origin"));

        let mut manifest = Self { path: path.to_owned(), labels: HashMap::new(), missing: 0, first_missing: None };
        for (record, row) in reader.records().zip(1..) {
            let record = record.map_err(csv_error)?;
            let field = |at: Option<usize>| at.and_then(|at| record.get(at)).filter(|text| !text.is_empty());
            let refused = |column, value: &str, expected| {
                let value = value.to_owned();
                ManifestError::Value { path: path.to_owned(), row, column, value, expected }
            };
            let file = field(Some(path_at)).ok_or_else(|| refused("path", "", "a file"))?;
            let class = field(Some(class_at)).ok_or_else(|| refused("class", "", "a class"))?;
            let rep = match field(rep_at) {
                None => None,
                Some(rep) => Some(rep.parse().map_err(|_| refused("rep", rep, "a whole number"))?),
            };
            let text = |at| field(at).map(str::to_owned);
            let label = Label { class: class.to_owned(), rep, session: text(session_at), origin: text(origin_at) };
            manifest.add(row, file, folder, label)?;
        }
        Ok(manifest)
    }

    fn add(&mut self, row: u64, file: &str, folder: &Path, label: Label) -> Result<(), ManifestError> {
        let Ok(canonical) = folder.join(file).canonicalize() else {
            self.missing += 1;
            self.first_missing.get_or_insert((row, file.to_owned()));
            return Ok(());
        };
        match self.labels.insert(canonical, (row, label)) {
            None => Ok(()),
            Some((first, _)) => {
                Err(ManifestError::Twice { path: self.path.clone(), first, second: row, file: file.to_owned() })
            }
        }
    }

    /// The label of a file.
    pub(crate) fn label(&self, canonical: &Path) -> Option<&Label> {
        self.labels.get(canonical).map(|(_, label)| label)
    }

    /// The file name of the manifest.
    pub(crate) fn name(&self) -> String {
        self.path.file_name().unwrap_or(self.path.as_os_str()).to_string_lossy().into_owned()
    }

    /// What is wrong with it though it can be used.
    pub(crate) fn problem(&self) -> Option<String> {
        let (row, file) = self.first_missing.as_ref()?;
        Some(format!(
            "{}: {} rows name files that do not exist, the first is row {row} (`{file}`)",
            self.name(),
            self.missing
        ))
    }
}
