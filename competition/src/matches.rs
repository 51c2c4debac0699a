//! Attacks on single teams.

use wfkit_metrics::Probabilities;

/// An attack on one team: probabilities and truth, row by row, in the order of the capture ids.
#[derive(Debug, Clone, PartialEq)]
pub struct Match {
    /// The attacked team.
    pub team_id: u64,
    /// The traces, shape `(n_traces,)`.
    pub capture_ids: Vec<i64>,
    /// What the attack says of them, shape `(n_traces, n_classes)`.
    pub probabilities: Probabilities,
    /// The true class of each, a column of the probabilities, shape `(n_traces,)`.
    pub truth: Vec<usize>,
}

impl Match {
    /// The match over some of its traces only: `rows`, counted from 0.
    pub fn select(&self, rows: &[usize]) -> Self {
        Self {
            team_id: self.team_id,
            capture_ids: rows.iter().map(|&row| self.capture_ids[row]).collect(),
            probabilities: self.probabilities.select(rows),
            truth: rows.iter().map(|&row| self.truth[row]).collect(),
        }
    }
}
