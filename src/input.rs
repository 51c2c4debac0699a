//! What commands are given: traces, or features that were taken from them before.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Result, bail};
use wfkit_classify::Samples;
use wfkit_datasets::{TraceSet, formats::ReadError, read_all_traces};
use wfkit_features::{FeatureFileError, FeatureMatrix};
use wfkit_metrics::Utility;

/// Traces that were read, and how much reading them left out, by reason.
pub(crate) struct Traces {
    pub(crate) set: TraceSet,
    pub(crate) dropped: BTreeMap<String, u64>,
}

/// Reads trace files, or folders of them, into one set that is not empty.
pub(crate) fn read_traces(paths: &[PathBuf]) -> Result<Traces> {
    let read = read_all_traces(paths).map_err(|error| explain(error, paths))?;
    if read.set.is_empty() {
        bail!("{}: there is no trace in it", list(paths));
    }
    Ok(Traces { set: read.set, dropped: read.dropped })
}

/// A capture where traces are wanted is the most likely mistake of all: say what to do.
fn explain(error: ReadError, paths: &[PathBuf]) -> anyhow::Error {
    let captures = paths.iter().find(|path| wfkit_capture::has_captures(path));
    match (&error, captures) {
        (ReadError::Unrecognised { .. }, Some(path)) => anyhow::Error::new(error).context(format!(
            "captures are imported first: wfkit capture import {} --out traces.parquet",
            path.display()
        )),
        _ => error.into(),
    }
}

/// Traces, or a feature matrix.
pub(crate) enum Labelled {
    Traces(Traces),
    Features(FeatureMatrix),
}

impl Labelled {
    /// Reads trace files, or one feature file: both kinds can be Parquet, the columns tell.
    pub(crate) fn read(paths: &[PathBuf]) -> Result<Self> {
        if let [path] = paths
            && let Err(error @ ReadError::Columns { .. }) = read_all_traces(paths)
        {
            return match FeatureMatrix::read(path) {
                Ok(file) => Ok(Self::Features(file.matrix)),
                // Neither, or no Parquet at all: say what traces it lacks.
                Err(
                    FeatureFileError::Read(ReadError::Columns { .. } | ReadError::Damaged { .. })
                    | FeatureFileError::NoFeature { .. },
                ) => Err(error.into()),
                Err(error) => Err(error.into()),
            };
        }
        Ok(Self::Traces(read_traces(paths)?))
    }

    pub(crate) fn samples(&self) -> Samples<'_> {
        match self {
            Self::Traces(traces) => Samples::Traces(&traces.set),
            Self::Features(matrix) => Samples::Features(matrix),
        }
    }

    /// What the traces at `rows` cost.
    pub(crate) fn utility(&self, rows: impl IntoIterator<Item = usize>) -> Utility {
        match self {
            Self::Traces(traces) => {
                let volumes = traces.set.volumes();
                Utility::of(&rows.into_iter().map(|row| volumes[row]).collect::<Vec<_>>())
            }
            Self::Features(_) => Utility::unknown("a feature file does not tell what its traces cost"),
        }
    }

    pub(crate) fn dropped(&self) -> BTreeMap<String, u64> {
        match self {
            Self::Traces(traces) => traces.dropped.clone(),
            Self::Features(_) => BTreeMap::new(),
        }
    }

    /// The attack that is meant where none is named.
    pub(crate) fn default_attack(&self) -> &'static str {
        match self {
            Self::Traces(_) => "kfp-size",
            Self::Features(_) => "forest",
        }
    }

    pub(crate) fn sessions(&self) -> Vec<Option<&str>> {
        let samples = self.samples();
        (0..samples.len()).map(|row| samples.key(row).session.as_deref()).collect()
    }
}

pub(crate) fn list(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}
