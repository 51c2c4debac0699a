//! Files that may take part: checked once, by what makes them.

use std::ops::Deref;
use std::path::Path;

use wfkit_datasets::formats::ReadError;

use crate::{CheckReport, CompetitionError};

/// What a file holds that may take part: a [`TraceSet`](wfkit_datasets::TraceSet) of a defence, with the numbers of `cell_id` for classes and no
/// sessions; of an attack what it says of each attacked team, one [`Match`](crate::Match) a team whose truth was there.
/// [`check_defense`](crate::check_defense) and [`check_attack`](crate::check_attack) alone make one, so what takes it need not check again.
#[derive(Debug, Clone, PartialEq)]
pub struct Checked<T>(T);

impl<T> Checked<T> {
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

/// What a check found.
#[derive(Debug, Clone, PartialEq)]
pub struct FileCheck<T> {
    /// Whether the file may take part, and why not.
    pub report: CheckReport,
    /// What it holds, where it may.
    pub checked: Option<Checked<T>>,
}

impl<T> FileCheck<T> {
    /// Settles the verdict on a file that was read: without problems it may take part, with its content.
    pub(crate) fn settled(
        mut report: CheckReport,
        content: impl FnOnce() -> Result<T, ReadError>,
    ) -> Result<Self, ReadError> {
        report.accepted = report.problems.is_empty();
        let checked = report.accepted.then(content).transpose()?.map(Checked);
        Ok(Self { report, checked })
    }

    /// The verdict on a file that could not be read to its end: a problem of the file, unless the system is to blame.
    pub(crate) fn unreadable(path: &Path, error: ReadError) -> Result<Self, ReadError> {
        let mut report = CheckReport::new(path);
        match error {
            ReadError::Io { .. } => return Err(error),
            ReadError::Problems { problems, .. } => report.problems = problems,
            ReadError::Damaged { message, .. }
            | ReadError::Columns { message, .. }
            | ReadError::Rows { message, .. } => report.problems.whole(message),
            ReadError::Limit { limit, .. } => report.problems.whole(limit.to_string()),
            ReadError::Unrecognised { found, expected, .. } => {
                report.problems.whole(format!("found {found}; expected {expected}"));
            }
            ReadError::Value { row, column, value, reason, .. } => report.problems.record(reason, &column, row, value),
            ReadError::Set { source, .. } => report.problems.whole(source.to_string()),
        }
        Ok(Self { report, checked: None })
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
