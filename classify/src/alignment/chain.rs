//! What moves the states of all profiles make, and how often.

use serde::{Deserialize, Serialize};

/// The states: a match, an insertion, a loss (a silent state, the deletion of the literature).
pub(super) const M: usize = 0;
pub(super) const I: usize = 1;
pub(super) const D: usize = 2;

/// Of a match move: one token for one column, two tokens for one, one token for two.
pub(super) const PLAIN: usize = 0;
pub(super) const SPLIT: usize = 1;
pub(super) const MERGE: usize = 2;

/// Probabilities of moves, shared by all classes and columns.
///
/// From state X, `transitions[X]` has the probabilities of a match move, an insertion and a loss. The begin is a match of no column; the
/// end is a match move out of the last one. `matches` says what a match move is; a move to the end is neither of them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Chain {
    pub(super) transitions: [[f64; 3]; 3],
    pub(super) matches: [f64; 3],
}

/// How often moves were made, in expectation.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct MoveCounts {
    pub(super) transitions: [[f64; 3]; 3],
    pub(super) matches: [f64; 3],
}

/// Moves that count as seen before any trace.
const PRIOR: MoveCounts =
    MoveCounts { transitions: [[20.0, 1.0, 1.0], [5.0, 5.0, 0.5], [5.0, 0.5, 5.0]], matches: [100.0, 1.0, 1.0] };

impl Chain {
    /// Where learning begins. Without joins, all match moves are plain.
    pub(super) fn start(joins: bool) -> Self {
        Self {
            transitions: [[0.95, 0.03, 0.02], [0.60, 0.38, 0.02], [0.60, 0.02, 0.38]],
            matches: if joins { [0.98, 0.01, 0.01] } else { [1.0, 0.0, 0.0] },
        }
    }

    /// The most probable under counts and prior.
    pub(super) fn learn(counts: &MoveCounts, joins: bool) -> Self {
        let shares = |counts: [f64; 3], prior: [f64; 3]| {
            let sum: f64 = (0..3).map(|to| counts[to] + prior[to]).sum();
            std::array::from_fn(|to| (counts[to] + prior[to]) / sum)
        };
        Self {
            transitions: std::array::from_fn(|from| shares(counts.transitions[from], PRIOR.transitions[from])),
            matches: if joins { shares(counts.matches, PRIOR.matches) } else { [1.0, 0.0, 0.0] },
        }
    }

    /// Whether these are probabilities, of moves that such an alphabet has.
    pub(super) fn is_sound(&self, joins: bool) -> bool {
        let is_distribution = |row: &[f64; 3]| {
            row.iter().all(|p| (0.0..=1.0).contains(p)) && (row.iter().sum::<f64>() - 1.0).abs() < 1e-9
        };
        self.transitions.iter().all(|row| is_distribution(row) && row.iter().all(|&p| p > 0.0))
            && is_distribution(&self.matches)
            && self.matches[PLAIN] > 0.0
            && (joins || self.matches[PLAIN] == 1.0)
    }
}

impl MoveCounts {
    pub(super) fn add(&mut self, other: &Self) {
        for (sum, more) in self.transitions.as_flattened_mut().iter_mut().zip(other.transitions.as_flattened()) {
            *sum += more;
        }
        for (sum, more) in self.matches.iter_mut().zip(other.matches) {
            *sum += more;
        }
    }
}
