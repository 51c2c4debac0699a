//! Forests whose probabilities are averaged.

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::stored::{Stored, as_postcard};
use super::{Kind, Model, Shown};
use crate::forest::{Forest, ForestParams, OutOfBag, Values};

/// Forests that grew on the same rows and columns, each with a share of the answer; shares sum to 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Blend {
    parts: Vec<(f64, Forest)>,
}

impl Blend {
    /// At least one forest, of the same rows, features and classes.
    pub(crate) fn new(parts: Vec<(f64, Forest)>) -> Self {
        assert!(!parts.is_empty(), "a blend of nothing");
        Self { parts }
    }

    fn average(&self, of: impl Fn(&Forest) -> Array2<f64>) -> Array2<f64> {
        let weighted = self.parts.iter().map(|(share, forest)| of(forest) * *share);
        weighted.reduce(|sum, part| sum + part).expect("a blend has parts")
    }
}

impl Model for Blend {
    fn predict(&self, Shown { x, .. }: Shown<'_>) -> Array2<f64> {
        self.average(|forest| forest.predict(x))
    }

    fn describe(&self) -> String {
        let part = |(share, forest): &(f64, Forest)| format!("{:.0} % {}", share * 100.0, Model::describe(forest));
        self.parts.iter().map(part).collect::<Vec<_>>().join(" + ")
    }

    fn forest_params(&self) -> Option<&ForestParams> {
        self.parts.first().map(|(_, forest)| forest.params())
    }

    fn n_nodes(&self) -> Option<usize> {
        Some(self.parts.iter().map(|(_, forest)| forest.n_nodes()).sum())
    }

    /// Rows that every tree of some part saw are judged by none.
    fn out_of_bag(&self, x: Values<'_>) -> Option<OutOfBag> {
        let judged: Option<Vec<OutOfBag>> = self.parts.iter().map(|(_, forest)| Model::out_of_bag(forest, x)).collect();
        let judged = judged?;
        let fewest = |row: usize| judged.iter().map(|part| part.trees[row]).min().unwrap_or(0);
        let trees = (0..x.nrows()).map(fewest).collect();
        let weighted = self.parts.iter().zip(&judged).map(|((share, _), part)| &part.probabilities * *share);
        Some(OutOfBag { probabilities: weighted.reduce(|sum, part| sum + part)?, trees })
    }

    fn stored(&self) -> Option<(Kind, Vec<u8>)> {
        as_postcard(Kind::Blend, self)
    }
}

impl Stored for Blend {
    fn is_sound(&self, classes: usize) -> bool {
        let alike = |(share, forest): &(f64, Forest)| {
            (0.0..=1.0).contains(share) && forest.n_classes() == classes && forest.n_features() == self.n_features()
        };
        let total: f64 = self.parts.iter().map(|(share, _)| share).sum();
        !self.parts.is_empty() && self.parts.iter().all(alike) && (total - 1.0).abs() < 1e-9
    }

    fn n_features(&self) -> usize {
        self.parts.first().map_or(0, |(_, forest)| forest.n_features())
    }
}
