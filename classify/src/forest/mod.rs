//! Random forests and extremely randomised trees.
//!
//! Random forest: L. Breiman, "Random forests", Machine Learning 45, 2001. Extremely randomised trees ("extra-trees"):
//! P. Geurts, D. Ernst and L. Wehenkel, Machine Learning 63, 2006. Defaults, probabilities and thresholds are those of
//! scikit-learn's `RandomForestClassifier` and `ExtraTreesClassifier`; deviations:
//!
//! - values are rounded to `f32`, as there, but those beyond its range become its ends instead of an error;
//! - beyond 65,536 distinct values in a column, neighbouring values share a rank and are never parted;
//! - class weights become whole numbers up to 4,095, exact where their ratios allow it, see [`ClassWeights`];
//! - the random numbers are others, so single trees differ and scores agree within the noise of the seed.
//!
//! A column becomes 16-bit ranks once, so a node sorts small keys (by counting, or by a network where there are few) and
//! updates the Gini impurity in a constant number of steps a sample, whatever the number of classes.

mod bags;
mod best_first;
mod columns;
mod error;
mod fit;
mod grow;
mod importance;
mod params;
mod sample;
mod sort;
mod split;
mod stored;
mod table;
mod tree;
mod values;
mod weights;

use std::ops::RangeInclusive;

use ndarray::Array2;
use rayon::prelude::*;

use crate::seed::stream;
use bags::Bags;
use tree::{Leaf, LeafValue, Tree};

pub use error::ForestError;
pub use importance::{Importance, Judges};
pub use params::{ForestParams, MaxFeatures, Splits, Thresholds};
pub use tree::TreeError;
pub use values::Values;
pub use weights::ClassWeights;

/// Bytes of the rows that one task predicts at a time, from what stays near to what is worth it: a tree has to come from far, which pays the
/// more rows walk down it while it is near; but rows have to stay near too.
const BLOCK: RangeInclusive<usize> = 1 << 19..=1 << 21;

/// Rows of a block take so many times the bytes of a tree, if they may.
const TREES_A_BLOCK: usize = 16;

/// Rows of a task at least.
const FEWEST: usize = 64;

/// A forest of grown trees.
#[derive(Debug, Clone, PartialEq)]
pub struct Forest {
    params: ForestParams,
    seed: u64,
    bags: Bags,
    n_features: usize,
    n_classes: usize,
    trees: Vec<Tree>,
}

/// What a forest says of its own training rows, each judged only by the trees that did not see it.
#[derive(Debug, Clone, PartialEq)]
pub struct OutOfBag {
    /// Shape `(n_rows, n_classes)`; a row that every tree saw is all zeros.
    pub probabilities: Array2<f64>,
    /// How many trees did not see each row.
    pub trees: Vec<usize>,
}

impl Forest {
    /// The parameters it grew with.
    pub fn params(&self) -> &ForestParams {
        &self.params
    }

    /// The seed it grew from.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Number of trees.
    pub fn n_trees(&self) -> usize {
        self.trees.len()
    }

    /// Number of classes: of columns that it predicts.
    pub fn n_classes(&self) -> usize {
        self.n_classes
    }

    /// Number of features: of columns that it reads.
    pub fn n_features(&self) -> usize {
        self.n_features
    }

    /// Number of nodes of all trees, leaves included.
    pub fn n_nodes(&self) -> usize {
        self.trees.iter().map(Tree::n_nodes).sum()
    }

    /// Memory that the trees take, in bytes.
    pub fn n_bytes(&self) -> usize {
        self.trees.iter().map(Tree::n_bytes).sum()
    }

    /// Class probabilities of rows, shape `(n_rows, n_classes)`: the class fractions of the leaves that a row falls into,
    /// averaged over the trees.
    ///
    /// # Panics
    /// If `x` has another number of columns than the forest grew on.
    pub fn predict<'x>(&self, x: impl Into<Values<'x>>) -> Array2<f64> {
        self.average(x.into(), |_, _| true)
    }

    /// The leaf that each row falls into in each tree, shape `(n_rows, n_trees)`; leaves are counted from the left. Two rows
    /// are the more alike the more leaves they share.
    ///
    /// # Panics
    /// If `x` has another number of columns than the forest grew on.
    pub fn leaves<'x>(&self, x: impl Into<Values<'x>>) -> Array2<u32> {
        self.by_blocks(x.into(), self.trees.len(), |_, rows, leaves| {
            let all: Vec<u32> = (0..(rows.len() / self.n_features) as u32).collect();
            let mut found = vec![Leaf::default(); all.len()];
            for (number, tree) in self.trees.iter().enumerate() {
                tree.walk(rows, self.n_features, &all, &mut found);
                for (leaves, leaf) in leaves.chunks_exact_mut(self.trees.len()).zip(&found) {
                    leaves[number] = tree.number(*leaf);
                }
            }
        })
    }

    /// What the forest says of its training rows `x`, which must be the very rows that it grew on: each is judged by those
    /// trees alone whose bootstrap drew neither it nor another row of its group. Without a bootstrap no tree may judge, and all is zero.
    ///
    /// # Panics
    /// If `x` has another shape than the training rows.
    pub fn out_of_bag<'x>(&self, x: impl Into<Values<'x>>) -> OutOfBag {
        let x = x.into();
        let weights = self.bags(x.nrows());
        let unseen = |tree: usize, row: usize| weights[tree][row] == 0;
        let trees = (0..x.nrows()).map(|row| (0..self.trees.len()).filter(|&tree| unseen(tree, row)).count()).collect();
        OutOfBag { probabilities: self.average(x, unseen), trees }
    }

    /// How often each tree drew each row, after checking the number of rows.
    fn bags(&self, n_rows: usize) -> Vec<Vec<u16>> {
        assert_eq!(n_rows, self.bags.n_rows(), "rows to judge and rows that the forest grew on");
        let draw = |tree| self.params.draw(&self.bags, &mut stream(self.seed, tree as u64));
        (0..self.trees.len()).into_par_iter().map(draw).collect()
    }

    /// Averages over the trees that may judge a row (tree, row), in the order of the trees, so that every sum is the same on
    /// any number of threads. Zeros where no tree may.
    fn average(&self, x: Values<'_>, may_judge: impl Fn(usize, usize) -> bool + Sync) -> Array2<f64> {
        self.by_blocks(x, self.n_classes, |first, rows, sums| {
            let (n_rows, n_trees) = (rows.len() / self.n_features, self.trees.len());
            // A tree writes one number a row, so that it stays in the cache; then each row adds up what all trees say.
            let mut said = vec![LeafValue::NOTHING; n_rows * n_trees];
            let (mut judged, mut found) = (Vec::with_capacity(n_rows), vec![Leaf::default(); n_rows]);
            for (number, tree) in self.trees.iter().enumerate() {
                judged.clear();
                judged.extend((0..n_rows).filter(|&i| may_judge(number, first + i)).map(|i| i as u32));
                tree.walk(rows, self.n_features, &judged, &mut found);
                for (&i, &leaf) in judged.iter().zip(&found) {
                    said[i as usize * n_trees + number] = tree.value(leaf);
                }
            }
            for (sum, said) in sums.chunks_exact_mut(self.n_classes).zip(said.chunks_exact(n_trees)) {
                let mut judges = 0u32;
                for (tree, &said) in self.trees.iter().zip(said).filter(|&(_, &said)| said != LeafValue::NOTHING) {
                    tree.add_fractions(said, sum);
                    judges += 1;
                }
                sum.iter_mut().for_each(|value| *value /= f64::from(judges.max(1)));
            }
        })
    }

    /// Makes a matrix of `width` columns, a block of rows at a time: `fill` gets the number of the first row, the rows as the
    /// trees see them, and where their results go.
    fn by_blocks<T: Clone + Default + Send>(
        &self,
        x: Values<'_>,
        width: usize,
        fill: impl Fn(usize, &[f32], &mut [T]) + Sync,
    ) -> Array2<T> {
        assert_eq!(x.ncols(), self.n_features, "columns of the rows and of the forest");
        // Rows do not know of each other, so how they are cut into tasks does not show.
        let of_thread = x.nrows().div_ceil(rayon::current_num_threads());
        let tree = self.n_bytes() / self.trees.len();
        let block = (TREES_A_BLOCK * tree).clamp(*BLOCK.start(), *BLOCK.end());
        let rows_a_task = of_thread.min(block / (size_of::<f32>() * self.n_features)).max(FEWEST);
        let mut results = vec![T::default(); x.nrows() * width];
        results.par_chunks_mut(rows_a_task * width).enumerate().for_each(|(task, results)| {
            let first = task * rows_a_task;
            let rows = x.block(first..first + results.len() / width);
            fill(first, &rows, results);
        });
        Array2::from_shape_vec((x.nrows(), width), results).expect("made with this shape")
    }
}

impl OutOfBag {
    /// The share of rows whose most probable class is their label, ties to the first class; over the rows that at least
    /// one tree did not see. `None` where every tree saw every row.
    pub fn accuracy(&self, labels: &[usize]) -> Option<f64> {
        let judged =
            self.probabilities.rows().into_iter().zip(labels).zip(&self.trees).filter(|&(_, &trees)| trees > 0);
        let (mut right, mut all) = (0, 0);
        for ((row, &label), _) in judged {
            let largest = row.iter().fold(0.0f64, |a, &b| a.max(b));
            right += usize::from(row.iter().position(|&p| p == largest) == Some(label));
            all += 1;
        }
        (all > 0).then(|| right as f64 / all as f64)
    }
}

#[cfg(test)]
mod tests;
