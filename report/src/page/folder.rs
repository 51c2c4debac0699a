//! What a page is made from, out of a folder.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;
use wfkit_datasets::files::{UnreadableFolder, all_files_below};
use wfkit_datasets::formats::ReadTraces;
use wfkit_datasets::{FileKind, TraceSet, read_probabilities, read_traces, report_path};
use wfkit_defend::{DefenseSpec, defend};
use wfkit_metrics::StageReport;

use super::{Defended, Material, Predicted, Stage, defence_of, page};

/// A folder that gives no page.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// A file that cannot be read.
    #[error("{}: cannot read", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        error: io::Error,
    },
    /// A folder that cannot be read.
    #[error("{}: cannot read this folder", path.display())]
    UnreadableFolder {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        error: io::Error,
    },
    /// A file that is no stage report.
    #[error("{}: no stage report: {reason}", path.display())]
    NoReport {
        /// Which.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
}

/// Stage reports, and what was none although it is called one.
#[derive(Debug)]
pub struct Stages {
    /// The reports.
    pub stages: Vec<Stage>,
    /// What was left out, a sentence each.
    pub left_out: Vec<String>,
}

/// Stage reports of a file, or of a folder and those below it: in the order in which a run had them, where there is one, else by name. Reports of
/// pictures are none of a stage.
///
/// # Errors
/// What cannot be read; a file, not of a folder, that is no stage report.
pub fn read_stages(path: &Path) -> Result<Stages, FolderError> {
    let is_folder = path.is_dir();
    let files = if is_folder { files_below(path)? } else { vec![path.to_owned()] };
    let (mut stages, mut left_out, mut order) = (Vec::new(), Vec::new(), Vec::new());
    for file in files.iter().filter(|file| file.extension().is_some_and(|ending| ending == "json")) {
        let name = file.strip_prefix(path).ok().filter(|_| is_folder).unwrap_or(file).display().to_string();
        let text = fs::read_to_string(file).map_err(|error| FolderError::Unreadable { path: file.clone(), error })?;
        let read = serde_json::from_str::<Value>(&text).map_err(|error| error.to_string());
        match read.and_then(|value| {
            Ok((value["stages"].as_array().cloned(), serde_json::from_value(value).map_err(|error| error.to_string())?))
        }) {
            // The document of a whole run repeats the reports of its stages.
            Ok((Some(of_run), _)) => order = of_run,
            Ok((None, report)) => {
                let report: StageReport = report;
                if !report.stage.starts_with("plot") {
                    stages.push(Stage { file: name, report });
                }
            }
            Err(error) if !is_folder || name.ends_with(".report.json") => {
                let sentence = format!("{name} is left out, since it is no stage report: {error}.");
                if !is_folder {
                    return Err(FolderError::NoReport { path: file.clone(), reason: error });
                }
                left_out.push(sentence);
            }
            Err(_) => {}
        }
    }
    let key = |stage: &Stage| {
        let same = |other: &Value| {
            other["stage"] == stage.report.stage.as_str()
                && other["utility"]["defence"].as_str()
                    == stage.report.utility.extras.get("defence").and_then(Value::as_str)
        };
        order.iter().position(same).unwrap_or(usize::MAX)
    };
    stages.sort_by_cached_key(|stage| (key(stage), stage.file.clone()));
    Ok(Stages { stages, left_out })
}

/// Regular files of a folder and of those below it, by name.
fn files_below(folder: &Path) -> Result<Vec<PathBuf>, FolderError> {
    let refused = |UnreadableFolder { path, error }| FolderError::UnreadableFolder { path, error };
    all_files_below(folder).map_err(refused)
}

/// One page of everything that a folder holds.
#[derive(Debug)]
pub struct FolderPage {
    /// The page, one file of HTML.
    pub html: String,
    /// What was found, in words.
    pub sentences: Vec<String>,
    /// Stage reports that it is of.
    pub stages: usize,
    /// What is not on it, a sentence each.
    pub left_out: Vec<String>,
    /// What is odd about the tables that its pictures are made from.
    pub warnings: Vec<String>,
}

impl FolderPage {
    /// The page of a folder, called by its name; none without stage reports.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn of(folder: &Path) -> Result<Option<Self>, FolderError> {
        let Stages { stages, left_out } = read_stages(folder)?;
        if stages.is_empty() {
            return Ok(None);
        }
        let mut found = FolderTables::read(folder, &stages)?;
        let warnings = std::mem::take(&mut found.warnings);
        let path = fs::canonicalize(folder).ok();
        let name = path.and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
        let name = name.unwrap_or_else(|| folder.display().to_string());
        let material = found.material(format!("Website fingerprinting report: {name}"), stages, left_out);
        Ok(Some(Self {
            html: page(&material),
            sentences: material.sentences(),
            stages: material.stages.len(),
            left_out: material.left_out,
            warnings,
        }))
    }
}

/// Tables of a folder that pictures are made from.
#[derive(Debug, Default)]
struct FolderTables {
    traces: Option<TraceSet>,
    defended: Vec<(String, TraceSet)>,
    predictions: Vec<Predicted>,
    left_out: Vec<String>,
    /// What is odd about them.
    warnings: Vec<String>,
}

impl FolderTables {
    /// Those of a folder with these stage reports; a file that cannot be read is left out.
    fn read(folder: &Path, stages: &[Stage]) -> Result<Self, FolderError> {
        let mut found = Self::default();
        let of_file = |file: &Path| {
            let report = report_path(file);
            let name = report.strip_prefix(folder).unwrap_or(&report).display().to_string();
            stages
                .iter()
                .map(|stage| (&stage.file, &stage.report))
                .find(|(own, _)| **own == name)
                .map(|(_, report)| report)
        };
        for file in files_below(folder)? {
            let name = file.strip_prefix(folder).unwrap_or(&file).display().to_string();
            // Files of a round of the competition repeat the traces of the run.
            if !["parquet", "csv"].iter().any(|ending| file.extension().is_some_and(|own| own == *ending)) {
                continue;
            }
            match FileKind::of(&file) {
                Ok(Some(FileKind::Traces)) => found.take_traces(&file, &name, of_file(&file)),
                Ok(Some(FileKind::Probabilities)) => {
                    let attack = of_file(&file)
                        .or_else(|| classify_of(&file, folder, stages))
                        .map(|report| report.privacy.attack.clone());
                    found.take_probabilities(&file, &name, attack);
                }
                // Other tables as CSV lie in many folders; a Parquet file that is none is damaged.
                Ok(None) if name.ends_with(".parquet") => {
                    found.left_out.push(format!("{name} is left out: no table that wfkit knows."))
                }
                Ok(_) => {}
                Err(error) => found.left_out.push(format!("{name} is left out: {error}.")),
            }
        }
        Ok(found)
    }

    fn take_traces(&mut self, file: &Path, name: &str, report: Option<&StageReport>) {
        let defence = report.and_then(defence_of);
        if defence.is_none() && self.traces.is_some() {
            return self.left_out.push(format!("{name} is in no picture: other traces come first."));
        }
        match (read_traces(file), defence) {
            (Ok(ReadTraces { set, warnings, .. }), defence) => {
                self.warnings.extend(warnings);
                match defence {
                    Some(spec) => self.defended.push((spec, set)),
                    None => self.traces = Some(set),
                }
            }
            (Err(error), _) => self.left_out.push(format!("{name} is left out: {error}.")),
        }
    }

    fn take_probabilities(&mut self, file: &Path, name: &str, attack: Option<String>) {
        let read = read_probabilities(file).map_err(|error| with_causes(&error));
        let with_truth = read.and_then(|predictions| {
            let truth = predictions.columns_of_truth(file).map_err(|error| error.to_string())?;
            Ok((truth, predictions.probabilities))
        });
        match with_truth {
            Ok((truth, probabilities)) => {
                let name = attack.unwrap_or_else(|| name.to_owned());
                self.predictions.push(Predicted { name, probabilities, truth });
            }
            Err(error) => self.left_out.push(format!("{name} is left out: {error}.")),
        }
    }

    /// What the page of the folder is made from.
    fn material(&mut self, title: String, stages: Vec<Stage>, left_out: Vec<String>) -> Material<'_> {
        let predictions = std::mem::take(&mut self.predictions);
        let padding = |(spec, set): &(String, TraceSet)| {
            let traces = self.traces.as_ref()?;
            padding_of_first(traces, set, spec, seed_of(&stages, spec))
        };
        let defended = self.defended.iter().map(|one| Defended {
            spec: one.0.clone(),
            set: &one.1,
            padding_of_first: padding(one),
        });
        Material {
            title,
            traces: self.traces.as_ref(),
            defended: defended.collect(),
            predictions,
            left_out: left_out.into_iter().chain(self.left_out.iter().cloned()).collect(),
            stages,
        }
    }
}

/// An error and what caused it.
fn with_causes(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// A run keeps what its attack said beside its model.
fn classify_of<'a>(file: &Path, folder: &Path, stages: &'a [Stage]) -> Option<&'a StageReport> {
    let of_run = stages.iter().find(|stage| stage.report.stage == "classify")?;
    (file.parent() == folder.join(&of_run.file).parent()).then_some(&of_run.report)
}

fn seed_of(stages: &[Stage], spec: &str) -> u64 {
    let own = stages
        .iter()
        .find(|stage| stage.report.stage == "defend" && defence_of(&stage.report).as_deref() == Some(spec));
    own.map_or(0, |stage| stage.report.seed)
}

/// Files do not say what is padding. Where the same defence, simulated again, gives the same trace as the file has, it is known.
fn padding_of_first(traces: &TraceSet, defended: &TraceSet, spec: &str, seed: u64) -> Option<Vec<u32>> {
    let spec: DefenseSpec = spec.parse().ok()?;
    if spec.needs_training() || traces.is_empty() {
        return None;
    }
    let key = &traces.traces()[0].key;
    let in_file = &defended.traces().iter().find(|one| &one.key == key)?.trace;
    // One trace alone is soon simulated, and is the same but where a defence looks at the set.
    [&traces.select(&[0]), traces].into_iter().find_map(|set| {
        let again = defend(set, &spec, seed).ok()?;
        let (_, first) = again.traces().next()?;
        (first.observe() == in_file.clone().without_columns()).then(|| first.padding())
    })
}
