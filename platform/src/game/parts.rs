//! Which half of a test set is scored at once, and which at the end.

use serde::{Deserialize, Serialize};
use wfkit_competition::Match;

/// A part of a test set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Half of it, whose scores are shown while the round goes on: uploading again and again to learn labels learns these only.
    Public,
    /// The other half.
    Private,
    /// All of it.
    All,
}

impl Part {
    /// Each of them.
    pub const EACH: [Self; 3] = [Self::Public, Self::Private, Self::All];

    /// Its name in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Private => "private",
            Self::All => "all",
        }
    }
}

/// The rows of the public and of the private half of a match, by the seed of the defence's split.
pub fn halves(one: &Match, seed: i64) -> (Vec<usize>, Vec<usize>) {
    wfkit_competition::halves(&one.truth, &one.capture_ids, seed as u64)
}
