//! Files that may take part: checked once, by what makes them.

use std::ops::Deref;
use std::path::PathBuf;

use wfkit_datasets::TraceSet;

use crate::{CheckReport, CompetitionError, Match};

/// What a file holds that may take part. [`check_defense`](crate::check_defense) and [`check_attack`](crate::check_attack) alone make one, so
/// what takes it need not check again.
#[derive(Debug, Clone, PartialEq)]
pub struct Checked<T>(T);

impl<T> Checked<T> {
    pub(crate) fn new(content: T) -> Self {
        Self(content)
    }

    /// What it holds.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for Checked<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// A defence: the traffic of a team.
#[derive(Debug, Clone, PartialEq)]
pub struct DefenseFile {
    /// Its traces, with the numbers of `cell_id` for classes and no sessions.
    pub traces: TraceSet,
}

/// An attack: what it says of the traces of each attacked team.
#[derive(Debug, Clone, PartialEq)]
pub struct AttackFile {
    /// The file.
    pub path: PathBuf,
    /// One a team whose truth was there, by team; none where no truth was.
    pub matches: Vec<Match>,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq)]
pub struct FileCheck<T> {
    /// Whether the file may take part, and why not.
    pub report: CheckReport,
    /// What it holds, where it may.
    pub checked: Option<Checked<T>>,
}

impl<T> FileCheck<T> {
    /// A file that was read, or not to its end.
    pub(crate) fn new(report: CheckReport, content: Option<T>) -> Self {
        debug_assert_eq!(report.accepted, content.is_some());
        Self { report, checked: content.map(Checked::new) }
    }

    /// The file, where it may take part.
    ///
    /// # Errors
    /// [`CompetitionError::Refused`] with the report, where it may not.
    pub fn accepted(self) -> Result<Checked<T>, CompetitionError> {
        let Self { report, checked } = self;
        checked.ok_or_else(|| CompetitionError::Refused(Box::new(report)))
    }
}
