//! smartcore's trees.

use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;
use smartcore::ensemble::random_forest_classifier::{RandomForestClassifier, RandomForestClassifierParameters};
use smartcore::linalg::basic::matrix::DenseMatrix;

use super::{Backend, LearnError, Learner, Model, Shown, Training, shares_of_votes};
use wfkit_metrics::seed::mix;

/// A forest of one tree: the library grows its trees one after another, and lets nobody see what each says.
type OneTree = RandomForestClassifier<f64, u32, DenseMatrix<f64>, Vec<u32>>;

pub(super) struct Smartcore {
    pub(super) trees: usize,
}

struct Trees {
    trees: Vec<OneTree>,
    n_classes: usize,
}

impl Learner for Smartcore {
    fn fit(&self, training: &Training<'_>) -> Result<Box<dyn Model>, LearnError> {
        let &Training { x, labels, n_classes, seed, .. } = training;
        let x = x.to_dense();
        let x = x.view();
        let x = dense(x).ok_or_else(|| library("the rows have no features"))?;
        let labels: Vec<u32> = labels.iter().map(|&label| label as u32).collect();
        let grow = |tree: usize| {
            let seed = mix(seed, tree as u64);
            let params = RandomForestClassifierParameters::default().with_n_trees(1).with_seed(seed);
            OneTree::fit(&x, &labels, params).map_err(library)
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
        let Some(x) = dense(x) else {
            return Array2::zeros((n_rows, self.n_classes));
        };
        let vote = |tree: &OneTree| -> Vec<usize> {
            let labels = tree.predict(&x).expect("the tree is fitted");
            labels.into_iter().map(|label| label as usize).collect()
        };
        let votes: Vec<_> = self.trees.par_iter().map(vote).collect();
        shares_of_votes(&votes, n_rows, self.n_classes)
    }

    fn describe(&self) -> String {
        format!("smartcore random forest of {} trees; probabilities are shares of votes", self.trees.len())
    }
}

/// A copy, column after column; `None` without a row or a column, which the library has no matrix for.
fn dense(x: ArrayView2<'_, f64>) -> Option<DenseMatrix<f64>> {
    let (rows, columns) = x.dim();
    if rows * columns == 0 {
        return None;
    }
    let values = x.t().iter().copied().collect();
    Some(DenseMatrix::new(rows, columns, values, true).expect("as many values as the shape says"))
}

fn library(message: impl ToString) -> LearnError {
    LearnError::Library { backend: Backend::Smartcore, message: message.to_string() }
}
