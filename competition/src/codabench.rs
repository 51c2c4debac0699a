//! A bundle for Codabench: an attack on one defence, whose public half is scored first and whose private half at the end.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use wfkit_datasets::formats::{ReadLimits, WriteError};
use wfkit_datasets::{Findings, TraceSet};
use wfkit_metrics::{PrivacyReport, Utility};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::rules::class_number;
use crate::{DefenseSplitError, SplitOptions, SplitReport, halves, read_truth, split};

const SCORE: &str = include_str!("../kit/codabench/score.py");
const ATTACK: &str = include_str!("../kit/attack.py");
const LOGO: &[u8] = include_bytes!("../kit/codabench/logo.png");

/// What the pages of the bundle say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BundleOptions {
    /// The name of the competition.
    pub title: String,
    /// When the public half opens, when the private one does, and when all ends: `month-day-year`, as Codabench has it.
    pub dates: [String; 3],
}

/// What was bundled.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Bundle {
    /// The archive, to be uploaded as it is.
    pub path: PathBuf,
    /// The split in it.
    pub split: SplitReport,
    /// Test traces of the first phase.
    pub public: usize,
    /// Test traces of the final one.
    pub private: usize,
}

impl Bundle {
    /// What was bundled, for a report; the traces give away this.
    pub fn findings(&self, set: &TraceSet, privacy: PrivacyReport) -> Findings {
        let mut findings = Findings::new(Utility::of(&set.volumes()), privacy);
        findings
            .count_set(set)
            .count("train traces", self.split.train_traces)
            .count("test traces of the public half", self.public)
            .count("test traces of the private half", self.private);
        findings
    }
}

/// Splits a defence, and writes the bundle `out`, which must not exist: pages, data, the truth of both halves, and a scorer in plain Python
/// whose numbers are those of [`score`](crate::score). The split stays in the folder `parts`.
///
/// # Errors
/// As those of [`split`]; an archive that exists.
pub fn bundle_for_codabench(
    set: &TraceSet,
    options: &SplitOptions,
    about: &BundleOptions,
    parts: &Path,
    out: &Path,
) -> Result<Bundle, DefenseSplitError> {
    if out.exists() {
        let source = io::Error::new(io::ErrorKind::AlreadyExists, "it exists; name another");
        return Err(WriteError::Io { path: out.to_owned(), source }.into());
    }
    let split = split(set, options, parts)?;
    let truth = read_truth(&split.verif, &ReadLimits::OWN)?;
    let ids: Vec<i64> = truth.keys().copied().collect();
    let own: Vec<usize> = truth.values().filter_map(|class| Some(class_number(class)? as usize)).collect();
    let (public, private) = halves(&own, &ids, options.seed);
    let of = |rows: &[usize]| {
        let line = |text: String, &row: &usize| text + &format!("{},{}\n", ids[row], own[row]);
        rows.iter().fold("capture_id,cell_id\n".to_owned(), line)
    };
    let captures = ids.iter().fold("capture_id\n".to_owned(), |text, id| text + &format!("{id}\n"));
    let written = (|| -> io::Result<()> {
        let (train, test) = (std::fs::read(&split.train)?, std::fs::read(&split.test)?);
        let mut archive = ZipWriter::new(File::create_new(out)?);
        let mut add = |name: &str, bytes: &[u8]| {
            let packed = name.ends_with(".zip") || name.ends_with(".png");
            let method = if packed { CompressionMethod::Stored } else { CompressionMethod::Deflated };
            archive.start_file(name, SimpleFileOptions::default().compression_method(method))?;
            archive.write_all(bytes)
        };
        add("competition.yaml", yaml(about).as_bytes())?;
        add("logo.png", LOGO)?;
        add("pages/overview.md", overview(about, &split).as_bytes())?;
        add("pages/terms.md", b"Uploads are kept, and scored by a program.\n")?;
        add("scoring_program/metadata.yaml", b"command: python3 score.py /app/input /app/output\n")?;
        add("scoring_program/score.py", SCORE.as_bytes())?;
        for (half, rows) in [("public", &public), ("private", &private)] {
            add(&format!("reference_data/{half}/truth.csv"), of(rows).as_bytes())?;
            add(&format!("reference_data/{half}/captures.csv"), captures.as_bytes())?;
        }
        let team = split.team_id;
        add(&format!("public_data/team_{team}_train.csv.zip"), &train)?;
        add(&format!("public_data/team_{team}_test.csv.zip"), &test)?;
        add("starting_kit/attack.py", ATTACK.as_bytes())?;
        archive.finish()?.sync_all()
    })();
    written.map_err(|source| WriteError::Io { path: out.to_owned(), source })?;
    Ok(Bundle { path: out.to_owned(), split, public: public.len(), private: private.len() })
}

/// A text as YAML has it, which reads JSON's.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted.push(' '),
            c => quoted.push(c),
        }
    }
    quoted + "\""
}

fn yaml(about: &BundleOptions) -> String {
    let mut text = format!(
        "version: 2\ntitle: {}\ndescription: An attack on defended traces\nimage: logo.png\nregistration_auto_approve: false\n\
         docker_image: python:3.12-slim\nterms: pages/terms.md\npages:\n- title: Overview\n  file: pages/overview.md\ntasks:\n",
        quoted(&about.title)
    );
    let [opens, last, ends] = &about.dates;
    let phases = [("Public half", "public", opens, last), ("Private half", "private", last, ends)];
    for (index, (name, half, ..)) in phases.iter().enumerate() {
        let _ = write!(
            text,
            "- index: {index}\n  name: {name}\n  description: Attack, scored by the {half} half of the test traces\n  is_public: false\n  \
             reference_data: reference_data/{half}\n  scoring_program: scoring_program\n"
        );
    }
    text += "solutions: []\nphases:\n";
    for (index, (name, half, from, to)) in phases.iter().enumerate() {
        let _ = write!(
            text,
            "- index: {index}\n  name: {name}\n  description: Scored by the {half} half of the test traces\n  start: {from}\n  end: {to}\n  \
             max_submissions_per_day: 5\n  max_submissions: 100\n  execution_time_limit: 600\n  tasks:\n  - {index}\n  solutions: []\n  \
             public_data: public_data\n  starting_kit: starting_kit\n"
        );
    }
    text += "leaderboards:\n- index: 0\n  title: Results\n  key: results\n  submission_rule: Force_Best\n  columns:\n";
    let columns = [("ROC-AUC", "roc_auc"), ("Accuracy", "accuracy"), ("Attack score", "attack_score")];
    for (index, (title, key)) in columns.into_iter().enumerate() {
        let _ = write!(
            text,
            "  - title: {title}\n    key: {key}\n    index: {index}\n    sorting: desc\n    precision: 4\n"
        );
    }
    text
}

fn overview(about: &BundleOptions, split: &SplitReport) -> String {
    format!(
        "# {}\n\nThe public data have traces of {} classes: {} with labels to learn from, {} without. Say for each of these how probable every \
         class is: a CSV with `team_id,capture_id,proba_class_1,...`, one row a capture, as the starting kit's `attack.py` writes it; zip it \
         for the upload.\n\nThe score is the macro one-vs-rest ROC-AUC. In the first phase half of the test traces count, in the last one \
         the other half.\n",
        about.title, split.classes, split.train_traces, split.test_traces
    )
}
