//! How a forest grows.

use serde::{Deserialize, Serialize};

use super::ForestError;
use super::bags::Bags;
use super::columns::EXACT_RANKS;
use super::weights::ClassWeights;

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
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Exact, Self::Histogram];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Histogram => "histogram",
        }
    }

    /// What it does, for who chooses.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Exact => "Between any two values that follow each other, up to 65,536 of them",
            Self::Histogram => {
                "Between 256 bins at most of about equally many training traces: a little faster where traces are many, and as accurate"
            }
        }
    }

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
