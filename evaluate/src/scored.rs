//! What is known of the traces that somebody's probabilities are of, and the files that say them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use ndarray::Array2;
use wfkit_classify::Samples;
use wfkit_datasets::{Aligned, FileKind, FoldFile, Label, ProbabilityTable, TraceKey, Truth};
use wfkit_features::FeatureMatrix;
use wfkit_metrics::{Probabilities, Utility};

use crate::error::file;
use crate::split::of_file;
use crate::{ExperimentError, Features, Labelled};

/// What is known of the traces that probabilities are of.
#[derive(Debug)]
pub struct KnownTraces {
    /// The traces; a table of classes is features without a column.
    pub input: Labelled,
    /// What they are called, in their order.
    pub truth: Truth,
    /// The one file of the truth, whose rows need not be in the order of keys.
    file: Option<PathBuf>,
    is_table: bool,
}

impl KnownTraces {
    /// What is told by one file that is no traces and no features, but a table with their classes; none where it is none.
    ///
    /// # Errors
    /// Files that cannot be read.
    pub fn of_table(paths: &[PathBuf]) -> Result<Option<Self>, ExperimentError> {
        let Some(path) = one_file(paths) else { return Ok(None) };
        let is_table = match FileKind::of(path).map_err(file)? {
            // Whatever else stands beside the keys, they tell the classes.
            Some(FileKind::Folds | FileKind::Probabilities) => true,
            None => Truth::is_table(path),
            Some(_) => false,
        };
        if !is_table {
            return Ok(None);
        }
        let truth = Truth::read(path).map_err(file)?;
        let labels: Vec<Label> = truth.keys.iter().map(|key| Label::new(key.clone(), None)).collect();
        let values = Array2::zeros((truth.keys.len(), 0));
        let matrix = FeatureMatrix::new(Vec::new(), labels, values).map_err(file)?;
        let input = Labelled::Features(Features { matrix, fitted_on_all_rows: Vec::new() });
        Ok(Some(Self { input, truth, file: Some(path.clone()), is_table }))
    }

    /// What is told by traces or features that were read from these files, which `name` lists.
    pub fn of(input: Labelled, paths: &[PathBuf], name: String) -> Self {
        let samples = input.samples();
        let keys: Vec<TraceKey> = (0..samples.len()).map(|row| samples.key(row).clone()).collect();
        let truth = Truth { name, keys, has_keys: true };
        Self { input, truth, file: one_file(paths).cloned(), is_table: false }
    }

    /// The traces, as attacks take them.
    pub fn samples(&self) -> Samples<'_> {
        self.input.samples()
    }

    /// What the traces at `rows` cost.
    pub fn utility(&self, rows: &[usize]) -> Utility {
        match self.is_table {
            true => Utility::unknown("a table of classes does not tell what traces cost"),
            false => self.input.utility(rows.iter().copied()),
        }
    }

    /// The fold of every trace, and what to call the folds.
    ///
    /// # Errors
    /// As [`of_file`].
    pub fn folds(&self, path: &Path) -> Result<(Vec<i64>, String), ExperimentError> {
        let read = FoldFile::read(path).map_err(file)?;
        let fold_of = of_file(self.samples(), &read, &self.truth.name).map_err(file)?;
        let folds = fold_of.iter().collect::<BTreeSet<_>>().len();
        Ok((fold_of, format!("{folds} folds of {}, which keep together: {}", path.display(), read.together())))
    }

    /// The probabilities of a file beside these traces; with `partial`, though it has no row of some of them.
    ///
    /// # Errors
    /// A file that is no probabilities of these traces, or whose rows could be those of others.
    pub fn beside(&self, path: &Path, partial: bool) -> Result<Aligned, ExperimentError> {
        let table = ProbabilityTable::read(path, &self.truth.classes()).map_err(file)?;
        if !table.has_keys() {
            self.check_order(path)?;
        }
        table.align(&self.truth, partial).map_err(file)
    }

    /// Traces are in the order of their keys, whatever the order of the file: refuses to take rows by an order that the file does not have.
    fn check_order(&self, path: &Path) -> Result<(), ExperimentError> {
        let (Labelled::Traces(_), Some(file)) = (&self.input, &self.file) else { return Ok(()) };
        let Ok(there) = Truth::read(file) else { return Ok(()) }; // Packets, one a row, whose traces have the order of their keys here.
        if there.keys.len() != self.truth.keys.len() || there.keys == self.truth.keys {
            return Ok(());
        }
        Err(ExperimentError::Unfit(format!(
            "{}: no columns class and rep, and {} is not in the order of its keys, so that nobody knows which row is of which trace: add the \
             columns class, rep and session",
            path.display(),
            file.display()
        )))
    }
}

fn one_file(paths: &[PathBuf]) -> Option<&PathBuf> {
    match paths {
        [path] if path.is_file() => Some(path),
        _ => None,
    }
}

/// Traces that every file has a row of, ascending.
pub fn common_rows(given: &[Aligned]) -> Vec<usize> {
    let mut count: BTreeMap<usize, usize> = BTreeMap::new();
    given.iter().flat_map(|aligned| &aligned.rows).for_each(|&row| *count.entry(row).or_default() += 1);
    count.into_iter().filter(|&(_, files)| files == given.len()).map(|(row, _)| row).collect()
}

/// What a file says of the traces at `rows`.
///
/// # Panics
/// If it has no row of one of them.
pub fn said_of(given: &Aligned, rows: &[usize]) -> Probabilities {
    let places: Vec<usize> =
        rows.iter().map(|row| given.rows.binary_search(row).expect("every file has this trace")).collect();
    given.probabilities.select(&places)
}

/// What to call the probabilities of each file: its name without its ending, or its path where two have one name.
pub fn names_of_files(files: &[&PathBuf]) -> Vec<String> {
    let stem = |path: &PathBuf| {
        let name = wfkit_datasets::formats::file_name(path);
        let stem = [".csv.zip", ".csv", ".parquet", ".npz", ".npy"].iter().find_map(|ending| name.strip_suffix(ending));
        stem.unwrap_or(&name).to_owned()
    };
    let stems: Vec<String> = files.iter().map(|path| stem(path)).collect();
    let is_shared = |name: &String| stems.iter().filter(|other| *other == name).count() > 1;
    let name = |(path, stem): (&&PathBuf, &String)| {
        if is_shared(stem) { path.display().to_string() } else { stem.clone() }
    };
    files.iter().zip(&stems).map(name).collect()
}
