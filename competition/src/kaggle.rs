//! A split as hosts such as Kaggle want it: the truth stays with the host as a solution file, whose rows are public or private.

use std::path::{Path, PathBuf};

use serde::Serialize;
use wfkit_datasets::TraceSet;
use wfkit_datasets::formats::{ReadLimits, WriteError, write_csv_file};

use crate::rules::class_number;
use crate::{DefenseSplitError, SplitOptions, SplitReport, halves, read_truth, split};

/// What was written for such a host.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Hosted {
    /// The split that it was made from: its train and test file are what participants get, its truth stays with the host.
    pub split: SplitReport,
    /// What the host scores by: `capture_id`, a column a class with 1 for the true one and 0 for others, and `Usage`.
    pub solution: PathBuf,
    /// What an upload looks like: the same columns without `Usage`, every class as likely.
    pub sample: PathBuf,
    /// Test traces whose scores are public.
    pub public: usize,
    /// Test traces whose scores are told at the end.
    pub private: usize,
}

/// Splits a defence, and writes `solution.csv` and `sample_submission.csv` beside the parts. Half of the test traces of every class are
/// public, as in a round of the server with this seed.
///
/// # Errors
/// As those of [`split`].
pub fn split_for_hosts(set: &TraceSet, options: &SplitOptions, out_dir: &Path) -> Result<Hosted, DefenseSplitError> {
    let split = split(set, options, out_dir)?;
    let truth = read_truth(&split.verif, &ReadLimits::OWN)?;
    let ids: Vec<i64> = truth.keys().copied().collect();
    let own: Vec<usize> = truth.values().filter_map(|class| Some(class_number(class)? as usize - 1)).collect();
    let classes = own.iter().max().map_or(0, |last| last + 1).max(split.classes);
    let (public, private) = halves(&own, &ids, options.seed);
    let mut usage = vec!["Private"; ids.len()];
    for &row in &public {
        usage[row] = "Public";
    }
    let names: Vec<String> = (1..=classes).map(|class| format!("proba_class_{class}")).collect();
    let (solution, sample) = (out_dir.join("solution.csv"), out_dir.join("sample_submission.csv"));
    write_rows(&solution, &names, Some("Usage"), &ids, |row| {
        let mut cells: Vec<String> = (0..classes).map(|class| u8::from(class == own[row]).to_string()).collect();
        cells.push(usage[row].to_owned());
        cells
    })?;
    let guess = (1.0 / classes as f64).to_string();
    write_rows(&sample, &names, None, &ids, |_| vec![guess.clone(); classes])?;
    Ok(Hosted { split, solution, sample, public: public.len(), private: private.len() })
}

fn write_rows(
    path: &Path,
    names: &[String],
    last: Option<&str>,
    ids: &[i64],
    cells: impl Fn(usize) -> Vec<String>,
) -> Result<(), WriteError> {
    write_csv_file(path, |out| {
        let mut writer = csv::Writer::from_writer(out);
        let wrong = |error| WriteError::table(path, error);
        let header = std::iter::once("capture_id").chain(names.iter().map(String::as_str)).chain(last);
        writer.write_record(header).map_err(wrong)?;
        for (row, id) in ids.iter().enumerate() {
            let cells = cells(row);
            let id = id.to_string();
            writer.write_record(std::iter::once(&id).chain(&cells)).map_err(wrong)?;
        }
        writer.flush().map_err(|error| WriteError::io(path, error))
    })
}
