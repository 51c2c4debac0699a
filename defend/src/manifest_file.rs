//! The manifest beside a defended set.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;
use wfkit_datasets::{LabelledTrace, TraceSet, report_path};
use wfkit_metrics::{Input, Utility};

use crate::{CausalityReport, DefendedSet, DefenseSpec, Invariant, Manifest};

/// The manifest file beside a defended set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ManifestFile {
    /// How it was defended.
    #[serde(flatten)]
    pub manifest: Manifest,
    /// The files that were defended, with their hashes.
    pub inputs: Vec<Input>,
    /// The files that the defence learned from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fit_on: Vec<Input>,
    /// The file that was written.
    pub output: Input,
    /// Traces written.
    pub traces: usize,
    /// Packets written, padding included.
    pub packets: usize,
    /// What that costs; not given where paths are not seen, since the file then does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
    /// What the traffic costs its user over all paths, seen or not: what a competition scores.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub utility: Option<Utility>,
    /// Answers that come too soon, over all traces.
    pub causality: CausalityReport,
}

impl ManifestFile {
    /// Of a defended set whose observed traces `output` has; made of `inputs`, learned from `fit_on`, and read back and checked where it is
    /// `verified`.
    pub fn of(
        defended: &DefendedSet<'_>,
        observed: &TraceSet,
        (inputs, fit_on): (&[Input], Vec<Input>),
        output: Input,
        verified: bool,
    ) -> Self {
        let mut manifest = defended.manifest().clone();
        if verified {
            manifest.invariants.extend([Invariant::Composition, Invariant::Overheads, Invariant::Marks]);
        }
        Self {
            manifest,
            inputs: inputs.to_vec(),
            fit_on,
            output,
            traces: observed.len(),
            packets: observed.packets(),
            cost: (!defended.spec().hides_paths())
                .then(|| Cost::of(defended.original(), observed, defended.manifest().replicas)),
            utility: Some(Utility::of(&defended.volumes())),
            causality: defended.causality(),
        }
    }

    /// Where that of a defended file stands: `traces.parquet` has `traces.manifest.json`.
    pub fn beside(file: &Path) -> PathBuf {
        let report = report_path(file);
        let name = report.file_name().map(|name| name.to_string_lossy().replace(".report.json", ".manifest.json"));
        report.with_file_name(name.unwrap_or_default())
    }

    /// Reads one.
    ///
    /// # Errors
    /// A file that cannot be read, or holds something else.
    pub fn read(path: &Path) -> Result<Self, ManifestFileError> {
        let text = std::fs::read_to_string(path);
        let text = text.map_err(|source| ManifestFileError::Read { path: path.to_owned(), source })?;
        serde_json::from_str(&text).map_err(|source| ManifestFileError::NotOne { path: path.to_owned(), source })
    }

    /// What all paths of a defended set cost, as the manifest beside its file says; not known of several files, and where there is none.
    pub fn utility_of_all_paths(files: &[PathBuf]) -> Utility {
        let unknown = "the file has some paths of each load, and no manifest beside it says what all of them cost";
        let read = match files {
            [file] => Self::read(&Self::beside(file)).ok(),
            _ => None,
        };
        read.and_then(|read| read.utility).unwrap_or_else(|| Utility::unknown(unknown))
    }

    /// As it is written.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("names, numbers and lists of them") + "\n"
    }
}

/// Why there is no manifest in a file.
#[derive(Debug, Error)]
pub enum ManifestFileError {
    /// It cannot be read.
    #[error("{}: cannot read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It holds something else.
    #[error("{}: not a manifest", path.display())]
    NotOne {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: serde_json::Error,
    },
}

/// Whether a layer that the set has been through sends over paths that the set does not show.
pub fn hides_paths(set: &TraceSet) -> bool {
    let hides = |layer: &String| layer.parse::<DefenseSpec>().is_ok_and(|spec| spec.hides_paths());
    set.provenance().defenses.iter().any(hides)
}

/// What a written set costs, sum over sum: what is more than before, over what was there; 0 is nothing.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// Bytes.
    pub bandwidth: f64,
    /// Packets.
    pub packets: f64,
}

impl Cost {
    /// Of a set, `after`, that has so many copies of each trace of `before`.
    pub fn of(before: &TraceSet, after: &TraceSet, replicas: u32) -> Self {
        Self::of_totals(Totals::of(before), Totals::of(after), replicas)
    }

    /// The same of what the sets have in all.
    pub fn of_totals(before: Totals, after: Totals, replicas: u32) -> Self {
        let more = |after: u64, before: u64| after as f64 / (before as f64 * f64::from(replicas)) - 1.0;
        Self { bandwidth: more(after.bytes, before.bytes), packets: more(after.packets, before.packets) }
    }
}

/// What a set has in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Totals {
    /// Bytes of all packets.
    pub bytes: u64,
    /// Number of packets.
    pub packets: u64,
}

impl Totals {
    /// Of the set.
    pub fn of(set: &TraceSet) -> Self {
        let bytes = |labelled: &LabelledTrace| labelled.trace.in_bytes() + labelled.trace.out_bytes();
        Self { bytes: set.traces().iter().map(bytes).sum(), packets: set.packets() as u64 }
    }
}

impl std::ops::AddAssign for Totals {
    fn add_assign(&mut self, other: Self) {
        self.bytes += other.bytes;
        self.packets += other.packets;
    }
}
