//! What a team gets on the first day.

use std::path::{Path, PathBuf};

use serde::Serialize;
use thiserror::Error;
use wfkit_datasets::formats::{ReadError, ReadLimits, Source, WriteError};
use wfkit_datasets::{Findings, TraceSet};
use wfkit_metrics::{PrivacyReport, Utility};

use crate::{
    CheckReport, DefenseExportError, DefenseSplitError, Rules, SplitOptions, SplitReport, export_defense, read_defense,
    split,
};

/// Files of the kit that are the same for all.
const FILES: [(&str, &str); 4] = [
    ("defence.py", include_str!("../kit/defence.py")),
    ("attack.py", include_str!("../kit/attack.py")),
    ("competition.py", include_str!("../kit/competition.py")),
    ("notebook.ipynb", include_str!("../kit/notebook.ipynb")),
];
const SAMPLE: &[u8] = include_bytes!("../kit/sample.csv.zip");
const README: &str = include_str!("../kit/README.md");
/// Stands in the README where the rules of the kit are to be named.
const RULES: &str = "@RULES@";

/// What a kit has.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Kit {
    /// The traces to practise on.
    pub data: PathBuf,
    /// How they were split for practice.
    pub practice: SplitReport,
}

impl Kit {
    /// What was made of these traces, for a report; they give away this.
    pub fn findings(&self, set: &TraceSet, privacy: PrivacyReport) -> Findings {
        let mut findings = Findings::new(Utility::of(&set.volumes()), privacy);
        findings
            .count_set(set)
            .count("train traces", self.practice.train_traces)
            .count("test traces", self.practice.test_traces);
        findings
    }
}

/// Traces to make a kit of where there are no others: real ones, undefended.
///
/// # Errors
/// None but of memory: they are part of the program.
pub fn kit_sample() -> Result<TraceSet, ReadError> {
    read_defense(Source::bytes("sample.csv.zip", SAMPLE), &ReadLimits::OWN)
}

/// Why there is no kit.
#[derive(Debug, Error)]
pub enum KitError {
    /// The folder is there already.
    #[error("{} exists; a kit is written to a new folder", .0.display())]
    Exists(PathBuf),
    /// The traces do not fit the rules.
    #[error("the traces are no defence by these rules: {}", .0.problems)]
    Refused(Box<CheckReport>),
    /// The traces cannot be written as a defence.
    #[error(transparent)]
    Export(#[from] DefenseExportError),
    /// They cannot be split.
    #[error(transparent)]
    Split(#[from] DefenseSplitError),
    /// What was written cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A file cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// Writes a kit over undefended traces to a new folder: data, rules, a sample defence and attack, a split to practise on with its truth,
/// a notebook, and the README of the first twenty minutes.
///
/// # Errors
/// A folder that exists, traces that the rules refuse or that cannot be split, and what the system refuses.
pub fn write_kit(set: &TraceSet, rules: &Rules, options: &SplitOptions, out_dir: &Path) -> Result<Kit, KitError> {
    if out_dir.exists() {
        return Err(KitError::Exists(out_dir.to_owned()));
    }
    let io = |path: &Path| {
        let path = path.to_owned();
        move |source| WriteError::Io { path, source }
    };
    let data = out_dir.join("data").join("traces.csv.zip");
    std::fs::create_dir_all(out_dir.join("data")).map_err(io(out_dir))?;
    let export = export_defense(set, &data, rules)?;
    if !export.report.accepted {
        // Made a moment ago, by this very call.
        std::fs::remove_dir_all(out_dir).map_err(io(out_dir))?;
        return Err(KitError::Refused(Box::new(export.report)));
    }
    let practice = split(&read_defense(&data, &ReadLimits::UPLOAD)?, options, &out_dir.join("practice"))?;
    let write = |name: &str, text: &str| {
        let path = out_dir.join(name);
        std::fs::write(&path, text).map_err(io(&path))
    };
    let Rules { classes, reps_mean, deviation, min_packets } = *rules;
    write(
        "rules.json",
        &format!(
            "{{\n  \"classes\": {classes},\n  \"reps_mean\": {reps_mean},\n  \"deviation\": {deviation},\n  \"min_packets\": {min_packets}\n}}\n"
        ),
    )?;
    let named = format!("--classes {classes} --reps {reps_mean} --deviation {deviation} --min-packets {min_packets}");
    write("README.md", &README.replace(RULES, &named))?;
    for (name, text) in FILES {
        write(name, text)?;
    }
    Ok(Kit { data, practice })
}
