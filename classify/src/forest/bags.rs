//! What a bootstrap draws.

use serde::{Deserialize, Serialize};
use wfkit_datasets::Groups;

use crate::seed::below;

/// Rows, or groups of them, that are drawn together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Bags {
    n_rows: u32,
    /// The group of each row, numbered from 0 without gaps; empty where every row is drawn by itself.
    group_of_row: Vec<u32>,
}

impl Bags {
    /// Of so many rows.
    ///
    /// # Panics
    /// If there are groups of another number of rows.
    pub(super) fn new(n_rows: usize, groups: Option<&Groups>) -> Self {
        let group_of_row = match groups {
            Some(groups) => groups.of_row().iter().map(|&group| group as u32).collect(),
            None => Vec::new(),
        };
        assert!(group_of_row.is_empty() || group_of_row.len() == n_rows, "groups of the training rows");
        Self { n_rows: n_rows as u32, group_of_row }
    }

    pub(super) fn n_rows(&self) -> usize {
        self.n_rows as usize
    }

    /// Whether a stored one makes sense.
    pub(super) fn is_sound(&self) -> bool {
        let within = self.group_of_row.iter().all(|&group| group < self.n_rows);
        within && (self.group_of_row.is_empty() || self.group_of_row.len() == self.n_rows())
    }

    /// How often each row is in a bag of as many draws with replacement as there are rows or groups.
    pub(super) fn draw(&self, rng: &mut impl rand::Rng) -> Vec<u16> {
        let n = self.group_of_row.iter().max().map_or(self.n_rows(), |&last| last as usize + 1);
        let mut weights = vec![0u16; n];
        for _ in 0..n {
            let weight = &mut weights[below(rng, n)];
            *weight = weight.saturating_add(1);
        }
        if self.group_of_row.is_empty() {
            return weights;
        }
        self.group_of_row.iter().map(|&group| weights[group as usize]).collect()
    }
}
