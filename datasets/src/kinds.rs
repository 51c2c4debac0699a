//! What kind of file one is, by its content, so that no command takes one for another.

use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::ReadError;
use crate::formats::{Dialect, csv_head, start_of};
use crate::frame::{CLASS, FOLD, Frame, LABELS, PARQUET_MAGIC, REP, SESSION, TOGETHER};
use crate::{SIZE, TIME, canonical_class};

/// What a file of this program holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileKind {
    /// Traces.
    Traces,
    /// Named numbers beside the labels of traces.
    Features,
    /// Probabilities of classes beside the labels of traces.
    Probabilities,
    /// A trained attack.
    Model,
    /// The report of a stage.
    Report,
    /// Which pages sessions show, and when.
    Pages,
    /// The test file of a competition: traces by id.
    TestFile,
    /// The verification file of a competition: the class of each id.
    VerificationFile,
    /// The attack file of a competition: probabilities by id.
    AttackFile,
    /// Labels of capture files.
    Manifest,
    /// The folds of a cross-validation.
    Folds,
}

impl fmt::Display for FileKind {
    /// What it is and what takes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Traces => "traces",
            Self::Features => "features, which `wfkit train`, `predict` and `evaluate` take",
            Self::Probabilities => {
                "class probabilities, as `wfkit predict` writes them; the traces that they are of are meant"
            }
            Self::Model => "a model, which `wfkit predict MODEL TRACES` uses",
            Self::Report => "a stage report; the file that it stands beside is meant",
            Self::Pages => "the pages of sessions, which `wfkit sessions attack` takes beside the traces",
            Self::TestFile => "a competition's test file, which `wfkit predict --competition` takes",
            Self::VerificationFile => {
                "a competition's verification file, which `wfkit competition score --verif` takes"
            }
            Self::AttackFile => {
                "a competition's attack file, which `wfkit competition check attack` and `score --attack` take"
            }
            Self::Manifest => "labels of captures, which `wfkit capture import --labels` takes",
            Self::Folds => "folds, which `wfkit evaluate --split-file` takes",
        })
    }
}

impl FileKind {
    /// The kind of a file; none where it is none of these, or not readable as what it seems.
    ///
    /// # Errors
    /// What the system refuses.
    pub fn of(path: &Path) -> Result<Option<Self>, ReadError> {
        let start = start_of(path, 4096)?;
        if start.starts_with(PARQUET_MAGIC) {
            return Ok(Frame::read(path).ok().and_then(|frame| Self::of_table(&frame)));
        }
        if start.starts_with(b"wfkitmod") {
            return Ok(Some(Self::Model));
        }
        let text = String::from_utf8_lossy(&start);
        if text.starts_with(['{', '[']) {
            let has = |name: &str| text.contains(&format!("\"{name}\":"));
            return Ok(match () {
                () if has("stage") && has("tool") => Some(Self::Report),
                () if has("pages") && has("class") && has("start_ns") => Some(Self::Pages),
                () => None,
            });
        }
        Ok(csv_head(path).ok().and_then(|head| Self::of_header(&Dialect::of(&head).ok()?.header(&head))))
    }

    /// The kind of a table of text, by the names of its columns.
    pub(crate) fn of_header(names: &[String]) -> Option<Self> {
        let has = |name: &str| names.iter().any(|known| known == name);
        match () {
            () if has("capture_id") && has("direction_size") => Some(Self::TestFile),
            () if has("direction_size") => Some(Self::Traces),
            () if has("team_id") && has("capture_id") => Some(Self::AttackFile),
            () if has("capture_id") && has("cell_id") => Some(Self::VerificationFile),
            () if has("path") && has(CLASS) => Some(Self::Manifest),
            () if are_folds(names) => Some(Self::Folds),
            () if has(CLASS) && has(REP) && names.len() > 3 => Some(Self::Probabilities),
            () => None,
        }
    }

    /// The kind of a Parquet table: what it says of itself, else what its columns are.
    pub(crate) fn of_table(frame: &Frame<'_>) -> Option<Self> {
        #[derive(Deserialize)]
        struct Entry {
            kind: Option<FileKind>,
            extractor: Option<serde_json::Value>,
        }
        if let Some(entry) = frame.metadata.as_deref().and_then(|json| serde_json::from_str::<Entry>(json).ok()) {
            if entry.kind.is_some() {
                return entry.kind;
            }
            if entry.extractor.is_some() {
                return Some(Self::Features);
            }
        }
        if frame.has_lists(TIME) || frame.has_lists(SIZE) {
            return Some(Self::Traces);
        }
        if !frame.has(CLASS) || !frame.has(REP) {
            return None;
        }
        if are_folds(&frame.names().map(str::to_owned).collect::<Vec<_>>()) {
            return Some(Self::Folds);
        }
        let names: Vec<String> =
            frame.number_names().into_iter().filter(|name| !LABELS.contains(&name.as_str())).collect();
        match names.is_empty() {
            true => None,
            false if are_probabilities(frame, &names) => Some(Self::Probabilities),
            false => Some(Self::Features),
        }
    }
}

/// Whether a table of these columns is of folds alone.
fn are_folds(names: &[String]) -> bool {
    let all = [CLASS, REP, SESSION, FOLD, TOGETHER];
    let has = |name: &str| names.iter().any(|known| known == name);
    has(CLASS) && has(REP) && has(FOLD) && names.iter().all(|name| all.contains(&name.as_str()))
}

/// Whether columns are named by the classes of the rows, and each row of them is a distribution.
fn are_probabilities(frame: &Frame<'_>, names: &[String]) -> bool {
    let Ok(classes) = frame.texts(CLASS) else { return false };
    let columns: Vec<_> = names.iter().map(|name| canonical_class(name)).collect();
    let is_named = |class: &String| columns.iter().any(|column| *column == canonical_class(class));
    if names.len() < 2 || !classes.iter().flatten().take(100).any(is_named) {
        return false;
    }
    let mut sums = vec![0.0; frame.rows()];
    for name in names {
        let Ok(values) = frame.floats(name) else { return false };
        for (sum, value) in sums.iter_mut().zip(values) {
            if !(0.0..=1.0).contains(&value) {
                return false;
            }
            *sum += value;
        }
    }
    sums.iter().all(|sum: &f64| (sum - 1.0).abs() < 1e-3)
}
