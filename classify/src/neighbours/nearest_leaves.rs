//! The nearest training rows by the leaves that they share.

use ndarray::{Array2, ArrayView2};
use serde::{Deserialize, Serialize};

use super::leaf_knn::leaf_knn;
use super::vote;
use crate::forest::{Forest, ForestParams};
use crate::learners::stored::{Stored, as_postcard};
use crate::learners::{Kind, LearnError, Learner, Model, Shown, Training};

/// How many of the nearest traces are asked; the paper tries 1 to 6.
const NEIGHBOURS: usize = 3;

pub(crate) struct NearestLeaves(pub(crate) ForestParams);

/// J. Hayes, G. Danezis, "k-fingerprinting: a robust scalable website fingerprinting technique", USENIX Security 2016: the leaves that a row
/// falls into are its fingerprint. Probabilities are shares of the nearest rows; of equal shares the class of the nearer
/// row counts a little more, so that it decides.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Fingerprints {
    forest: Forest,
    /// Shape `(n_rows, n_trees)`, row after row.
    leaves: Vec<u32>,
    labels: Vec<u32>,
}

impl Learner for NearestLeaves {
    fn fit(&self, training: &Training<'_>) -> Result<Box<dyn Model>, LearnError> {
        let &Training { x, labels, .. } = training;
        let forest = self.0.grow(training)?;
        let leaves = forest.leaves(x).into_iter().collect();
        Ok(Box::new(Fingerprints { forest, leaves, labels: labels.iter().map(|&label| label as u32).collect() }))
    }

    fn asks_for_unanimity(&self) -> bool {
        true
    }
}

impl Model for Fingerprints {
    fn predict(&self, Shown { x, .. }: Shown<'_>) -> Array2<f64> {
        let known = ArrayView2::from_shape((self.labels.len(), self.forest.n_trees()), &self.leaves);
        let known = known.expect("as many leaves as rows and trees: checked when built");
        let nearest = leaf_knn(known, self.forest.leaves(x).view(), NEIGHBOURS).rows;
        let mut shares = Array2::zeros((x.nrows(), self.forest.n_classes()));
        for (row, neighbours) in shares.rows_mut().into_iter().zip(nearest.rows()) {
            vote(row, neighbours.iter().map(|&neighbour| self.labels[neighbour as usize] as usize));
        }
        shares
    }

    fn describe(&self) -> String {
        format!("{NEIGHBOURS} nearest of {} traces by the leaves of {} trees", self.labels.len(), self.forest.n_trees())
    }

    fn n_nodes(&self) -> Option<usize> {
        Some(self.forest.n_nodes())
    }

    fn forest_params(&self) -> Option<&ForestParams> {
        Some(self.forest.params())
    }

    fn stored(&self) -> Option<(Kind, Vec<u8>)> {
        as_postcard(Kind::NearestLeaves, self)
    }
}

impl Stored for Fingerprints {
    fn is_sound(&self, classes: usize) -> bool {
        self.forest.n_classes() == classes
            && !self.labels.is_empty()
            && self.labels.iter().all(|&label| (label as usize) < classes)
            && self.leaves.len() == self.labels.len() * self.forest.n_trees()
    }

    fn n_features(&self) -> usize {
        self.forest.n_features()
    }
}
