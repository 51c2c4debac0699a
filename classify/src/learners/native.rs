//! Our own forest.

use ndarray::Array2;

use super::stored::{Stored, as_postcard};
use super::{Kind, LearnError, Learner, Model, Shown, Training};
use crate::forest::{Forest, ForestParams, OutOfBag, Thresholds, Values};

pub(crate) struct Native(pub(crate) ForestParams);

impl Learner for Native {
    fn fit(&self, training: &Training<'_>) -> Result<Box<dyn Model>, LearnError> {
        Ok(Box::new(self.0.grow(training)?))
    }
}

impl Model for Forest {
    fn predict(&self, Shown { x, .. }: Shown<'_>) -> Array2<f64> {
        Forest::predict(self, x)
    }

    fn describe(&self) -> String {
        let kind = match self.params().thresholds {
            Thresholds::Best => "random forest",
            Thresholds::Random => "extra-trees",
        };
        format!("{kind} of {} trees", self.n_trees())
    }

    fn n_nodes(&self) -> Option<usize> {
        Some(Forest::n_nodes(self))
    }

    fn as_forest(&self) -> Option<&Forest> {
        Some(self)
    }

    fn out_of_bag(&self, x: Values<'_>) -> Option<OutOfBag> {
        self.params().bootstrap.then(|| Forest::out_of_bag(self, x))
    }

    fn stored(&self) -> Option<(Kind, Vec<u8>)> {
        as_postcard(Kind::Forest, self)
    }
}

impl Stored for Forest {
    fn is_sound(&self, classes: usize) -> bool {
        self.n_classes() == classes
    }

    fn n_features(&self) -> usize {
        Forest::n_features(self)
    }

    fn seed(&self) -> Option<u64> {
        Some(Forest::seed(self))
    }
}
