//! How a forest grows.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use wfkit_metrics::Work;

use super::bags::Bags;
use super::columns::EXACT_RANKS;
use super::grow::{TreeInput, grow};
use super::table::Table;
use super::values::Values;
use super::weights::{ClassWeights, whole_of_rows};
use super::{Forest, ForestError};
use crate::learners::Training;
use crate::seed::stream;

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
    pub(super) fn most_ranks(self) -> usize {
        match self {
            Self::Exact => EXACT_RANKS,
            Self::Histogram => 256,
        }
    }
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
        labels: &'x [usize],
        n_classes: usize,
        seed: u64,
    ) -> Result<Forest, ForestError> {
        let x = x.into();
        self.grow(&Training::new(x, labels, n_classes, seed))
    }

    /// As [`fit`](Self::fit), for rows that may be in groups: a bag then is as many groups as there are, drawn with replacement, each with all its
    /// rows, so that what is out of the bag of a tree is so with all its copies.
    pub fn grow(&self, training: &Training<'_>) -> Result<Forest, ForestError> {
        self.grow_weighted(training, None)
    }

    /// As [`grow`](Self::grow), where every row counts so much, shape `(n_rows,)`, positive and finite, beside what its class counts: only
    /// ratios matter, which become those of whole numbers up to 4,095.
    pub fn grow_weighted(&self, training: &Training<'_>, of_rows: Option<&[f64]>) -> Result<Forest, ForestError> {
        self.check()?;
        let &Training { x, labels, n_classes, groups, seed, observer, .. } = training;
        let classes = check_input(x, labels, n_classes)?;
        let class_weights = self.class_weights.whole(&classes, n_classes)?;
        let of_rows = of_rows.map(|weights| whole_of_rows(weights, x.nrows())).transpose()?;
        let table = Table::new(x, self.splits.most_ranks());
        let bags = Bags::new(x.nrows(), groups);
        let input = TreeInput { params: self, table: &table, classes: &classes, n_classes };
        let work = Work::begin(observer, "trees", self.trees);
        let trees = (0..self.trees)
            .into_par_iter()
            .map(|tree| {
                let mut rng = stream(seed, tree as u64);
                let mut weights = self.draw(&bags, &mut rng);
                if let Some(of_class) = &class_weights {
                    for (weight, &class) in weights.iter_mut().zip(&classes) {
                        *weight = weight.saturating_mul(of_class[usize::from(class)]);
                    }
                }
                if let Some(of_row) = &of_rows {
                    for (weight, &of_row) in weights.iter_mut().zip(of_row) {
                        *weight = weight.saturating_mul(of_row);
                    }
                }
                let tree = grow(&input, &weights, rng);
                work.step();
                tree
            })
            .collect();
        let params = self.clone();
        Ok(Forest { params, seed, bags, n_features: x.ncols(), n_classes, trees })
    }

    pub(super) fn check(&self) -> Result<(), ForestError> {
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
    pub(super) fn draw(&self, bags: &Bags, rng: &mut impl rand::Rng) -> Vec<u16> {
        if self.bootstrap { bags.draw(rng) } else { vec![1; bags.n_rows()] }
    }
}

impl MaxFeatures {
    pub(super) fn of(self, n_features: usize) -> usize {
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
