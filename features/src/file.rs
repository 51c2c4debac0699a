//! Feature matrices in Parquet files.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;
use wfkit_datasets::{
    ColumnTable, FileKind, Observed, ReadError, TableSink, WriteError, read_table, write_table, write_table_in_parts,
};

use crate::{FeatureExtractor, FeatureMatrix, FeatureSet, MatrixError};

/// What a feature file holds.
#[derive(Debug, Clone, PartialEq)]
pub struct FeatureFile {
    /// The features.
    pub matrix: FeatureMatrix,
    /// What extracted them, where the file says: needed to extract the same features from other traces.
    pub extractor: Option<FeatureExtractor>,
}

impl FeatureFile {
    /// The sets of the file that learn ([`FeatureSet::learns`]) and were fitted on all of its rows: a split of the rows has columns that know of both
    /// sides. Empty where the file does not say what extracted it.
    pub fn fitted_on_all_rows(&self) -> Vec<FeatureSet> {
        learned(self.extractor.as_ref())
    }
}

fn learned(extractor: Option<&FeatureExtractor>) -> Vec<FeatureSet> {
    let sets = extractor.map(|extractor| extractor.spec().sets().to_vec()).unwrap_or_default();
    sets.into_iter().filter(|set| set.learns()).collect()
}

/// What the metadata of a feature file holds, as JSON.
#[derive(Serialize, Deserialize)]
struct Metadata {
    #[serde(default = "features")]
    kind: FileKind,
    extractor: Option<FeatureExtractor>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    observed: Option<Observed>,
    /// For whoever reads the file with other tools: names of the sets that were fitted on all rows of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    fitted_on_all_rows: Vec<String>,
}

fn features() -> FileKind {
    FileKind::Features
}

fn metadata(extractor: Option<&FeatureExtractor>, observed: Option<&Observed>) -> String {
    let metadata = Metadata {
        kind: features(),
        extractor: extractor.cloned(),
        observed: observed.cloned(),
        fitted_on_all_rows: learned(extractor).iter().map(ToString::to_string).collect(),
    };
    serde_json::to_string(&metadata).expect("names and numbers are JSON")
}

impl FeatureExtractor {
    /// Writes what [`FeatureMatrix::write`] writes of the features of all traces, which `fill` adds part by part, in set order: the same bytes. `observed` tells how the
    /// traces were observed, where that is known.
    ///
    /// # Errors
    /// Another extension than `.parquet`; what `fill` fails with, and what the system refuses.
    pub fn write_in_parts<E: From<WriteError>>(
        &self,
        path: &Path,
        observed: Option<&Observed>,
        fill: impl FnOnce(&mut TableSink<'_, '_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let metadata = metadata(Some(self), observed);
        write_table_in_parts(path, &self.names(), true, Some(&metadata), fill)
    }
}

/// Why a file is not a feature file. Rows count from 0.
#[derive(Debug, Error)]
pub enum FeatureFileError {
    /// No table of numbers beside labels.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It holds something else.
    #[error("{}: found {kind}; expected features, as wfkit features writes them", path.display())]
    Kind {
        /// The file.
        path: PathBuf,
        /// What it holds.
        kind: FileKind,
    },
    /// There is no column beside the labels.
    #[error("{}: no feature column", path.display())]
    NoFeature {
        /// The file.
        path: PathBuf,
    },
    /// The file says what extracted it, but has other columns, or has them in another order. Features count from 0.
    #[error("{}: feature {index} is {found}, where its extractor has {expected}", path.display())]
    Columns {
        /// The file.
        path: PathBuf,
        /// Which feature is the first to differ.
        index: usize,
        /// Its column in the file, or `nothing`.
        found: String,
        /// Its column as extracted, or `nothing`.
        expected: String,
    },
    /// A value is NaN or infinite.
    #[error("{}: column {column}, row {row} is {value}, not a finite number", path.display())]
    NotFinite {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
        /// The row.
        row: usize,
        /// The value found.
        value: f64,
    },
    /// The metadata of the file is damaged.
    #[error("{}: metadata of the features: {source}", path.display())]
    Metadata {
        /// The file.
        path: PathBuf,
        /// What JSON says.
        source: serde_json::Error,
    },
    /// The table is no feature matrix for another reason.
    #[error("{}: {source}", path.display())]
    Matrix {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: MatrixError,
    },
}

impl FeatureMatrix {
    /// Writes Parquet: `class, rep, session, start_ns` and one f64 column a feature, one row a trace; what extracted
    /// them and how their traces were observed goes into the metadata. The same matrix gives the same bytes.
    pub fn write(&self, path: &Path, extractor: Option<&FeatureExtractor>) -> Result<(), WriteError> {
        write_table(path, self.rows(), self.names(), self.values(), Some(&metadata(extractor, self.observed())))
    }

    /// Reads what [`write`](Self::write) wrote, or any Parquet with `class`, `rep` and one or more columns of finite
    /// numbers.
    pub fn read(path: &Path) -> Result<FeatureFile, FeatureFileError> {
        match FileKind::of(path)? {
            Some(FileKind::Features) | None => {}
            Some(kind) => return Err(FeatureFileError::Kind { path: path.to_owned(), kind }),
        }
        let ColumnTable { labels, names, values, metadata } = read_table(path)?;
        let path = path.to_owned();
        if names.is_empty() {
            return Err(FeatureFileError::NoFeature { path });
        }
        let (extractor, observed) = match metadata.as_deref().map(serde_json::from_str::<Metadata>) {
            Some(Ok(metadata)) => (metadata.extractor, metadata.observed),
            Some(Err(source)) => return Err(FeatureFileError::Metadata { path, source }),
            None => (None, None),
        };
        if let Some(extractor) = &extractor {
            let extracted = extractor.names();
            if let Some(index) = (0..names.len().max(extracted.len())).find(|&i| names.get(i) != extracted.get(i)) {
                let at = |names: &[String]| names.get(index).map_or_else(|| "nothing".to_owned(), String::clone);
                return Err(FeatureFileError::Columns { path, index, found: at(&names), expected: at(&extracted) });
            }
        }
        if let Some(((row, column), &value)) = values.indexed_iter().find(|(_, value)| !value.is_finite()) {
            return Err(FeatureFileError::NotFinite { path, column: names[column].clone(), row, value });
        }
        match Self::new(names, labels, values) {
            Ok(matrix) => Ok(FeatureFile { matrix: matrix.observed_as(observed), extractor }),
            Err(source) => Err(FeatureFileError::Matrix { path, source }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, array};
    use wfkit_datasets::{Label, LabelledTrace, Layer, Provenance, Trace, TraceKey, TraceSet};

    use crate::{FeatureSet, FeatureSpec};

    fn labels(n: i64) -> Vec<Label> {
        let label = |rep| Label::new(TraceKey { class: "a".into(), rep, session: None }, Some(rep));
        (0..n).map(label).collect()
    }

    /// What reading a table of these columns says, without the folder.
    fn error(names: &[&str], values: Array2<f64>, metadata: Option<&str>) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f.parquet");
        let names: Vec<String> = names.iter().map(|name| name.to_string()).collect();
        write_table(&path, &labels(values.nrows() as i64), &names, values.view(), metadata).unwrap();
        let error = FeatureMatrix::read(&path).unwrap_err().to_string();
        error.replace(&format!("{}/", folder.path().display()), "")
    }

    #[test]
    fn a_matrix_and_its_extractor_are_read_as_written() {
        let trace = |label: Label| {
            LabelledTrace::new(label.key, label.start_ns, Trace::new(vec![0, 7], vec![600, -1448]).unwrap())
        };
        let traces = labels(3).into_iter().map(trace).collect();
        let traces = TraceSet::new(traces, Provenance::new(Layer::Tcp, vec![])).unwrap();
        let spec: FeatureSpec = "totals,sequence,kfp-size".parse().unwrap();
        let extractor = spec.fit(&[&traces.traces()[0].trace]);
        let matrix = extractor.transform(&traces);

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f.parquet");
        matrix.write(&path, Some(&extractor)).unwrap();
        let read = FeatureMatrix::read(&path).unwrap();
        assert_eq!(read, FeatureFile { matrix: matrix.clone(), extractor: Some(extractor) });

        let anonymous = folder.path().join("g.parquet");
        matrix.write(&anonymous, None).unwrap();
        assert_eq!(FeatureMatrix::read(&anonymous).unwrap(), FeatureFile { matrix, extractor: None });
    }

    #[test]
    fn a_value_that_is_no_number_is_named() {
        let message = error(&["x", "y"], array![[1.0, 2.0], [3.0, f64::NAN]], None);
        assert_eq!(message, "f.parquet: column y, row 1 is NaN, not a finite number");
    }

    #[test]
    fn the_columns_are_those_of_the_extractor() {
        let totals = Some(r#"{"extractor":[{"totals":null}]}"#);
        let names = FeatureSpec::from(FeatureSet::Totals).fit(&[]).names();
        let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
        assert_eq!(
            error(&names[..4], Array2::zeros((1, 4)), totals),
            "f.parquet: feature 4 is nothing, where its extractor has totals.seconds"
        );
        names.swap(0, 1);
        assert_eq!(
            error(&names, Array2::zeros((1, 5)), totals),
            "f.parquet: feature 0 is totals.in_packets, where its extractor has totals.out_packets"
        );
    }

    #[test]
    fn damaged_metadata_and_no_features_are_told() {
        let message = error(&["x"], array![[1.0]], Some(r#"{"extractor":["tom"]}"#));
        assert!(message.starts_with("f.parquet: metadata of the features: unknown variant `tom`"), "{message}");
        assert_eq!(error(&[], Array2::zeros((1, 0)), None), "f.parquet: no feature column");
    }
}
