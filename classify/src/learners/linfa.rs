//! linfa's trees. linfa needs an older ndarray and an older rand than the rest of the project; they stay in here.

use linfa::traits::{Fit, Predict};
use linfa::{DatasetBase, ParamGuard};
use linfa_ensemble::EnsembleLearnerParams;
use linfa_trees::DecisionTree;
use ndarray::{Array2, ArrayView2};
use ndarray_for_linfa as nd;
use rand_for_linfa::SeedableRng;
use rand_for_linfa::rngs::SmallRng;
use rayon::prelude::*;

use super::{Backend, LearnError, Learner, Model, Shown, Training, shares_of_votes};
use wfkit_metrics::seed::mix;

pub(super) struct Linfa {
    pub(super) trees: usize,
}

struct Trees {
    trees: Vec<OneTree>,
    n_classes: usize,
}

/// A tree and the features that it knows.
struct OneTree {
    tree: DecisionTree<f64, usize>,
    features: Vec<usize>,
}

impl Learner for Linfa {
    fn fit(&self, training: &Training<'_>) -> Result<Box<dyn Model>, LearnError> {
        let &Training { x, labels, n_classes, seed, .. } = training;
        let x = x.to_dense();
        let x = x.view();
        if x.is_empty() {
            return Err(library(format_args!("{} rows of {} features", x.nrows(), x.ncols())));
        }
        let rows = DatasetBase::new(older(x), nd::Array1::from(labels.to_vec()));
        let share = (x.ncols() as f64).sqrt() / x.ncols() as f64;
        // Ensembles of one: the library grows its trees one after another.
        let grow = |tree: usize| {
            let rng = SmallRng::seed_from_u64(mix(seed, tree as u64));
            let params = EnsembleLearnerParams::new_fixed_rng(DecisionTree::params(), rng);
            let params = params.ensemble_size(1).bootstrap_proportion(1.0).feature_proportion(share);
            let mut ensemble = params.check().and_then(|params| params.fit(&rows)).map_err(library)?;
            match (ensemble.models.pop(), ensemble.model_features.pop()) {
                (Some(tree), Some(features)) => Ok(OneTree { tree, features }),
                _ => Err(library("an ensemble without a tree")),
            }
        };
        let trees: Result<Vec<_>, _> = (0..self.trees).into_par_iter().map(grow).collect();
        Ok(Box::new(Trees { trees: trees?, n_classes }))
    }
}

impl std::fmt::Debug for Trees {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.describe())
    }
}

impl Model for Trees {
    fn predict(&self, Shown { x, .. }: Shown<'_>) -> Array2<f64> {
        let x = x.to_dense();
        let x = x.view();
        let n_rows = x.nrows();
        let x = older(x);
        let vote = |one: &OneTree| -> Vec<usize> {
            let known = x.select(nd::Axis(1), &one.features);
            one.tree.predict(&known).to_vec()
        };
        let votes: Vec<_> = self.trees.par_iter().map(vote).collect();
        shares_of_votes(&votes, n_rows, self.n_classes)
    }

    fn describe(&self) -> String {
        format!(
            "linfa forest of {} trees; probabilities are shares of votes, one subset of features a tree, not reproducible",
            self.trees.len()
        )
    }

    fn n_nodes(&self) -> Option<usize> {
        Some(self.trees.iter().map(|one| one.tree.iter_nodes().count()).sum())
    }
}

/// A copy in the ndarray that linfa knows.
fn older(x: ArrayView2<'_, f64>) -> nd::Array2<f64> {
    nd::Array2::from_shape_vec(x.dim(), x.iter().copied().collect()).expect("as many values as the shape says")
}

fn library(message: impl ToString) -> LearnError {
    LearnError::Library { backend: Backend::Linfa, message: message.to_string() }
}
