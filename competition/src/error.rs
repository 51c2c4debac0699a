//! Why there are no scores.

use thiserror::Error;
use wfkit_datasets::formats::ReadError;

use crate::CheckReport;

/// Why there are no scores.
#[derive(Debug, Error)]
pub enum CompetitionError {
    /// A file cannot be read, or the truth is wrong.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// There is an attack, but nothing to compare it with.
    #[error("an attack is scored by the verification files of the teams that it attacks: there is none")]
    NoTruth,
    /// A file may not take part.
    #[error("{}: {}", .0.path.display(), .0.problems)]
    Refused(Box<CheckReport>),
    /// The test traces of a team allow no area.
    #[error("team {team_id}: {source}")]
    Undefined {
        /// The attacked team.
        team_id: u64,
        /// Why.
        source: wfkit_metrics::ScoreError,
    },
}
