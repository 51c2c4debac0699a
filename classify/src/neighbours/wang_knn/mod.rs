//! The k-NN attack: nearest rows by a weighted distance whose weights are learned.
//!
//! T. Wang, X. Cai, R. Nithyanand, R. Johnson and I. Goldberg, "Effective Attacks and Provable Defenses for Website Fingerprinting",
//! USENIX Security 2014. Deviations:
//!
//! - Every training row gives one round of weight learning, in an order shuffled by the seed; the paper does not tell its order, and its code
//!   goes class by class, so that the last classes weigh most.
//! - The paper decides in the open world alone how neighbours vote (all must agree). Here the nearest vote in the closed
//!   world too; of equally many votes the class of the nearer row wins.

mod distance;
mod weights;

use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use wfkit_metrics::seed::mix;

use super::vote;
use crate::forest::ForestError;
use crate::learners::stored::{Stored, as_postcard};
use crate::learners::{Kind, LearnError, Learner, Model, Shown, Training};
use crate::seed::{shuffled, stream, unit};
use distance::Rows;
use weights::learn;

/// How many of the nearest rows are asked; the paper's number in the open world.
const NEIGHBOURS: usize = 5;

pub(crate) struct WangKnn;

/// What it learned.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Weighted {
    rows: Rows,
    /// One a column of `rows`.
    weights: Vec<f64>,
    /// One a row.
    labels: Vec<u32>,
    n_features: u32,
    n_classes: u32,
}

impl Learner for WangKnn {
    fn fit(&self, training: &Training<'_>) -> Result<Box<dyn Model>, LearnError> {
        let &Training { x, seed, .. } = training;
        let x = x.to_dense();
        let x = x.view();
        let (rows, columns) = x.dim();
        if rows == 0 || columns == 0 {
            return Err(ForestError::Empty { rows, columns }.into());
        }
        // The paper's start: uniform in [0.5, 1.5).
        let mut rng = stream(seed, 0);
        let start: Vec<f64> = (0..columns).map(|_| 0.5 + unit(&mut rng)).collect();
        Ok(Box::new(Weighted::learn(training, x, &start, &shuffled(rows, mix(seed, 1)))))
    }

    fn asks_for_unanimity(&self) -> bool {
        true
    }
}

impl Weighted {
    /// Learns from the weights `start`, shape `(n_features,)`, a round for each row of `order`.
    fn learn(training: &Training<'_>, x: ArrayView2<'_, f64>, start: &[f64], order: &[usize]) -> Self {
        let &Training { labels, n_classes, groups, .. } = training;
        let groups: Vec<usize> = groups.map_or_else(|| (0..labels.len()).collect(), |groups| groups.of_row().to_vec());
        let rows = Rows::new(x);
        let mut weights: Vec<f64> = rows.columns().map(|column| start[column]).collect();
        learn(&rows, labels, &groups, order, &mut weights);
        let (rows, weights) = rows.by_weight(&weights);
        let labels = labels.iter().map(|&label| label as u32).collect();
        Self { rows, weights, labels, n_features: x.ncols() as u32, n_classes: n_classes as u32 }
    }

    /// The nearest training rows of a row, the nearest first.
    fn nearest(&self, row: &[f64]) -> Vec<usize> {
        let asked = self.rows.as_asked(row);
        let near = self.rows.nearest(&asked, &self.weights, 0..self.labels.len(), NEIGHBOURS, |_| true);
        near.into_iter().map(|(_, row)| row).collect()
    }
}

impl Model for Weighted {
    fn predict(&self, Shown { x, .. }: Shown<'_>) -> Array2<f64> {
        let x = x.to_dense();
        let x = x.view();
        let mut shares = Array2::zeros((x.nrows(), self.n_classes as usize));
        let nearest: Vec<Vec<usize>> =
            (0..x.nrows()).into_par_iter().map(|row| self.nearest(&x.row(row).to_vec())).collect();
        for (shares, nearest) in shares.rows_mut().into_iter().zip(nearest) {
            vote(shares, nearest.into_iter().map(|row| self.labels[row] as usize));
        }
        shares
    }

    fn describe(&self) -> String {
        let (rows, columns) = (self.labels.len(), self.rows.n_columns());
        format!("{NEIGHBOURS} nearest of {rows} traces by a weighted distance over {columns} features that differ")
    }

    fn stored(&self) -> Option<(Kind, Vec<u8>)> {
        as_postcard(Kind::WangKnn, self)
    }
}

impl Stored for Weighted {
    fn is_sound(&self, classes: usize) -> bool {
        self.n_classes as usize == classes
            && !self.labels.is_empty()
            && self.labels.iter().all(|&label| (label as usize) < classes)
            && self.rows.is_sound(self.labels.len(), self.n_features())
            && self.weights.len() == self.rows.n_columns()
            && self.weights.iter().all(|weight| weight.is_finite() && *weight >= 0.0)
    }

    fn n_features(&self) -> usize {
        self.n_features as usize
    }
}

#[cfg(test)]
mod tests;
