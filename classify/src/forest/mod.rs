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

mod best_first;
mod columns;
mod grow;
mod importance;
mod sort;
mod split;
mod table;
mod tree;
mod values;
mod weights;

use std::borrow::Cow;

use ndarray::Array2;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::seed::{below, stream};
use columns::EXACT_RANKS;
use grow::{Soil, grow};
use table::Table;
use tree::{Leaf, Said, Tree};

pub use importance::{Importance, Judges};
pub use tree::TreeError;
pub use values::Values;
pub use weights::ClassWeights;

/// Values of the rows that one task predicts at a time, 2 MiB: a tree has to come from far, which pays the more rows walk down it while it is
/// near; but rows have to stay near too.
const BLOCK: usize = 1 << 19;

/// Rows of a task at least.
const FEWEST: usize = 256;

/// How a forest grows; [`ForestParams::random_forest`] and [`ForestParams::extra_trees`] are the usual two.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ForestParams {
    /// Number of trees, at least 1. Default 100.
    pub trees: usize,
    /// How many features a node looks at. Default [`MaxFeatures::Sqrt`].
    pub max_features: MaxFeatures,
    /// How a feature is cut. Default [`Thresholds::Best`].
    pub thresholds: Thresholds,
    /// Whether each tree grows on as many rows as there are, drawn with replacement, or on every row once. Default true.
    pub bootstrap: bool,
    /// How many splits lie above a leaf at most; at least 1. Default none: nodes split until they hold one class.
    pub max_depth: Option<u32>,
    /// How many leaves a tree has at most; at least 2. Trees then grow best first: the node whose split helps most is split next, as in
    /// scikit-learn. Default none: they grow depth first.
    pub max_leaf_nodes: Option<u32>,
    /// How many distinct rows a node needs to be split, at least 2. Default 2.
    pub min_samples_split: usize,
    /// How many distinct rows a leaf must hold, at least 1. Default 1.
    pub min_samples_leaf: usize,
    /// Between which values a feature can be cut. Default [`Splits::Exact`].
    pub splits: Splits,
    /// What rows of each class count. Default [`ClassWeights::Equal`].
    pub class_weights: ClassWeights,
}

/// How many features a node looks at, drawn without replacement.
///
/// Features that are constant in the node are among those drawn, as in scikit-learn; and as there, drawing goes on
/// beyond this number until a valid split has been found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MaxFeatures {
    /// The square root of their number, rounded down.
    Sqrt,
    /// All of them.
    All,
    /// So many, at least 1; all if there are fewer.
    Count(usize),
}

/// How a feature is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Thresholds {
    /// In the middle between those neighbouring values that leave the least Gini impurity.
    Best,
    /// At a value drawn uniformly between the least and the largest in the node.
    Random,
}

/// Between which values a feature can be cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Splits {
    /// Between any two neighbouring values, up to 65,536 of them.
    #[default]
    Exact,
    /// Between 256 bins at most, which hold about equally many training rows; as many bins as values where these are fewer.
    Histogram,
}

impl Splits {
    fn most_ranks(self) -> usize {
        match self {
            Self::Exact => EXACT_RANKS,
            Self::Histogram => 256,
        }
    }
}

/// A forest of grown trees.
#[derive(Debug, Clone, PartialEq)]
pub struct Forest {
    params: ForestParams,
    seed: u64,
    n_rows: usize,
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

/// Why a forest cannot grow.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum ForestError {
    /// A parameter is out of its range.
    #[error("{name} is {value}, but must be at least {least}")]
    Param {
        /// The parameter.
        name: &'static str,
        /// Its value.
        value: usize,
        /// The least value allowed.
        least: usize,
    },
    /// There are no rows or no columns.
    #[error("a forest cannot grow on {rows} rows of {columns} features")]
    Empty {
        /// Number of rows.
        rows: usize,
        /// Number of columns.
        columns: usize,
    },
    /// There are more rows or classes than the trees can count.
    #[error("{found} {what}, but a forest takes at most {most}")]
    TooMany {
        /// Rows, features or classes.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many are possible.
        most: usize,
    },
    /// Labels and rows differ in number.
    #[error("{labels} labels for {rows} rows")]
    Labels {
        /// Number of labels.
        labels: usize,
        /// Number of rows.
        rows: usize,
    },
    /// Weights and classes differ in number.
    #[error("{weights} class weights for {classes} classes")]
    Weights {
        /// Number of weights.
        weights: usize,
        /// Number of classes.
        classes: usize,
    },
    /// A weight is 0, negative, NaN or infinite.
    #[error("the weight of class {class} is {weight}, but must be positive and finite")]
    Weight {
        /// The class, counted from 0.
        class: usize,
        /// Its weight.
        weight: f64,
    },
    /// A label is no class.
    #[error("row {row} has label {label}, but there are {classes} classes")]
    Label {
        /// The row, counted from 0.
        row: usize,
        /// Its label.
        label: usize,
        /// Number of classes.
        classes: usize,
    },
    /// A value is NaN or infinite.
    #[error("row {row}, feature {column}: {value} is not finite")]
    NotFinite {
        /// The row, counted from 0.
        row: usize,
        /// The column, counted from 0.
        column: usize,
        /// The value.
        value: f64,
    },
}

impl Default for ForestParams {
    fn default() -> Self {
        Self::random_forest()
    }
}

impl ForestParams {
    /// A random forest: bootstrapped rows, best thresholds.
    pub fn random_forest() -> Self {
        Self {
            trees: 100,
            max_features: MaxFeatures::Sqrt,
            thresholds: Thresholds::Best,
            bootstrap: true,
            max_depth: None,
            max_leaf_nodes: None,
            min_samples_split: 2,
            min_samples_leaf: 1,
            splits: Splits::Exact,
            class_weights: ClassWeights::Equal,
        }
    }

    /// Extra-trees: all rows, random thresholds.
    pub fn extra_trees() -> Self {
        Self { thresholds: Thresholds::Random, bootstrap: false, ..Self::random_forest() }
    }

    /// The same with another number of trees.
    pub fn with_trees(self, trees: usize) -> Self {
        Self { trees, ..self }
    }

    /// Grows a forest on `x`, shape `(n_rows, n_features)`, with a label in `0..n_classes` for each row.
    ///
    /// `x` is a view of an array or a [`wfkit_features::SparseMatrix`], with the same trees from both: either way columns of mostly
    /// zeros keep the others alone. Equal input gives equal trees on any number of threads. Classes without a row have probability 0 everywhere. Rows
    /// that are equal but for their label end up in one leaf. Where all features are constant, each tree is one leaf.
    pub fn fit<'x>(
        &self,
        x: impl Into<Values<'x>>,
        labels: &[usize],
        n_classes: usize,
        seed: u64,
    ) -> Result<Forest, ForestError> {
        self.check()?;
        let x = x.into();
        let classes = check_input(x, labels, n_classes)?;
        let class_weights = self.class_weights.whole(&classes, n_classes)?;
        let table = Table::new(x, self.splits.most_ranks());
        let soil = Soil { params: self, table: &table, classes: &classes, n_classes };
        let trees = (0..self.trees)
            .into_par_iter()
            .map(|tree| {
                let mut rng = stream(seed, tree as u64);
                let mut weights = self.draw(x.nrows(), &mut rng);
                if let Some(of_class) = &class_weights {
                    for (weight, &class) in weights.iter_mut().zip(&classes) {
                        *weight = weight.saturating_mul(of_class[usize::from(class)]);
                    }
                }
                grow(&soil, &weights, rng)
            })
            .collect();
        let params = self.clone();
        Ok(Forest { params, seed, n_rows: x.nrows(), n_features: x.ncols(), n_classes, trees })
    }

    fn check(&self) -> Result<(), ForestError> {
        self.class_weights.check()?;
        let max_features = match self.max_features {
            MaxFeatures::Count(count) => count,
            MaxFeatures::Sqrt | MaxFeatures::All => 1,
        };
        let at_least = [
            ("the number of trees", self.trees, 1),
            ("max_features", max_features, 1),
            ("max_depth", self.max_depth.map_or(1, |depth| depth as usize), 1),
            ("max_leaf_nodes", self.max_leaf_nodes.map_or(2, |leaves| leaves as usize), 2),
            ("min_samples_split", self.min_samples_split, 2),
            ("min_samples_leaf", self.min_samples_leaf, 1),
        ];
        match at_least.into_iter().find(|&(_, value, least)| value < least) {
            Some((name, value, least)) => Err(ForestError::Param { name, value, least }),
            None => Ok(()),
        }
    }

    /// How often each row is in the sample of a tree.
    fn draw(&self, n_rows: usize, rng: &mut impl rand::Rng) -> Vec<u16> {
        if !self.bootstrap {
            return vec![1; n_rows];
        }
        let mut weights = vec![0u16; n_rows];
        for _ in 0..n_rows {
            let weight = &mut weights[below(rng, n_rows)];
            *weight = weight.saturating_add(1);
        }
        weights
    }
}

impl MaxFeatures {
    fn of(self, n_features: usize) -> usize {
        match self {
            Self::Sqrt => n_features.isqrt(),
            Self::All => n_features,
            Self::Count(count) => count.min(n_features),
        }
    }
}

/// Returns the labels in 16 bits.
fn check_input(x: Values<'_>, labels: &[usize], n_classes: usize) -> Result<Vec<u16>, ForestError> {
    let (rows, columns) = x.dim();
    if rows == 0 || columns == 0 {
        return Err(ForestError::Empty { rows, columns });
    }
    let limits =
        [("rows", rows, 1 << 31), ("features", columns, u32::MAX as usize - 1), ("classes", n_classes, 1 << 16)];
    if let Some((what, found, most)) = limits.into_iter().find(|&(_, found, most)| found > most) {
        return Err(ForestError::TooMany { what, found, most });
    }
    if labels.len() != rows {
        return Err(ForestError::Labels { labels: labels.len(), rows });
    }
    if let Some((row, &label)) = labels.iter().enumerate().find(|&(_, &label)| label >= n_classes) {
        return Err(ForestError::Label { row, label, classes: n_classes });
    }
    if let Some((row, column, value)) = x.not_finite() {
        return Err(ForestError::NotFinite { row, column, value });
    }
    Ok(labels.iter().map(|&label| label as u16).collect())
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
    /// trees alone whose bootstrap did not draw it. Without a bootstrap no tree may judge, and all is zero.
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
        assert_eq!(n_rows, self.n_rows, "rows to judge and rows that the forest grew on");
        let draw = |tree| self.params.draw(n_rows, &mut stream(self.seed, tree as u64));
        (0..self.trees.len()).into_par_iter().map(draw).collect()
    }

    /// Averages over the trees that may judge a row (tree, row), in the order of the trees, so that every sum is the same on
    /// any number of threads. Zeros where no tree may.
    fn average(&self, x: Values<'_>, may_judge: impl Fn(usize, usize) -> bool + Sync) -> Array2<f64> {
        self.by_blocks(x, self.n_classes, |first, rows, sums| {
            let (n_rows, n_trees) = (rows.len() / self.n_features, self.trees.len());
            // A tree writes one number a row, so that it stays in the cache; then each row adds up what all trees say.
            let mut said = vec![Said::NOTHING; n_rows * n_trees];
            let (mut judged, mut found) = (Vec::with_capacity(n_rows), vec![Leaf::default(); n_rows]);
            for (number, tree) in self.trees.iter().enumerate() {
                judged.clear();
                judged.extend((0..n_rows).filter(|&i| may_judge(number, first + i)).map(|i| i as u32));
                tree.walk(rows, self.n_features, &judged, &mut found);
                for (&i, &leaf) in judged.iter().zip(&found) {
                    said[i as usize * n_trees + number] = tree.said(leaf);
                }
            }
            for (sum, said) in sums.chunks_exact_mut(self.n_classes).zip(said.chunks_exact(n_trees)) {
                let mut judges = 0u32;
                for (tree, &said) in self.trees.iter().zip(said).filter(|&(_, &said)| said != Said::NOTHING) {
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
        let rows_a_task = of_thread.min(BLOCK / self.n_features).max(FEWEST);
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

/// A forest as it is stored.
#[derive(Serialize, Deserialize)]
struct StoredForest<'a> {
    params: ForestParams,
    seed: u64,
    n_rows: u32,
    n_features: u32,
    n_classes: u32,
    /// Each is turned into its form in memory as soon as it is read, so that they are never all there twice.
    trees: Cow<'a, [Tree]>,
}

impl Serialize for Forest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let stored = StoredForest {
            params: self.params.clone(),
            seed: self.seed,
            n_rows: self.n_rows as u32,
            n_features: self.n_features as u32,
            n_classes: self.n_classes as u32,
            trees: Cow::Borrowed(&self.trees),
        };
        stored.serialize(serializer)
    }
}

/// Checks everything that a prediction relies on: whatever the bytes, the trees end, and name features and classes that exist.
impl<'de> Deserialize<'de> for Forest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let StoredForest { params, seed, n_rows, n_features, n_classes, trees } =
            Deserialize::deserialize(deserializer)?;
        let trees = trees.into_owned();
        params.check().map_err(D::Error::custom)?;
        if params.trees != trees.len() {
            return Err(D::Error::custom(format_args!("{} trees, {} declared", trees.len(), params.trees)));
        }
        let (n_rows, n_features, n_classes) = (n_rows as usize, n_features as usize, n_classes as usize);
        for (number, tree) in trees.iter().enumerate() {
            let named = tree.check_names(n_features, n_classes);
            named.map_err(|error| D::Error::custom(format_args!("tree {number}: {error}")))?;
        }
        Ok(Self { params, seed, n_rows, n_features, n_classes, trees })
    }
}

#[cfg(test)]
mod tests;
