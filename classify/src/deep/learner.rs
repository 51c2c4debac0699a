//! Nets as learners.

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::net::Net;
use super::recipe::{Architecture, Recipe};
use super::train::{Trained, train};
use crate::alignment::OutOfFold;
use crate::forest::{OutOfBag, Values};
use crate::learners::aligned::judged;
use crate::learners::stored::{Stored, as_postcard};
use crate::learners::{Kind, LearnError, Learner, Model, Shown, Training};

/// A net that learns.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deep {
    architecture: Architecture,
    recipe: Recipe,
}

/// A net that has learned.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct DeepModel {
    pub(crate) net: Net,
    epochs: usize,
    #[serde(skip)]
    judged: Option<OutOfBag>,
}

impl Deep {
    pub(crate) fn new(architecture: Architecture, epochs: Option<usize>) -> Self {
        let recipe = architecture.recipe();
        Self { architecture, recipe: Recipe { epochs: epochs.unwrap_or(recipe.epochs), ..recipe } }
    }

    /// A net, and what it says of the rows that it held back.
    pub(crate) fn learn(&self, training: &Training<'_>) -> (DeepModel, OutOfFold) {
        let Trained { net, held_back, epochs } = train(self.architecture, &self.recipe, training);
        (DeepModel { net, epochs, judged: None }, held_back)
    }
}

impl Learner for Deep {
    fn fit(&self, training: &Training<'_>) -> Result<Box<dyn Model>, LearnError> {
        let (model, held_back) = self.learn(training);
        let judged = judged(training, &held_back.rows, held_back.scores.mapv(f64::exp));
        Ok(Box::new(DeepModel { judged: Some(judged), ..model }))
    }
}

impl Model for DeepModel {
    fn predict(&self, Shown { traces, .. }: Shown<'_>) -> Array2<f64> {
        let mut values = self.net.log_probabilities(traces).mapv(f64::exp);
        for mut row in values.rows_mut() {
            let sum = row.sum();
            row /= sum;
        }
        values
    }

    fn reads_traces(&self) -> bool {
        true
    }

    fn describe(&self) -> String {
        let (name, size) = (self.net.architecture().name(), self.net.size());
        match self.epochs {
            0 => format!("{name}, a net of {size} numbers"),
            epochs => format!("{name}, a net of {size} numbers after epoch {epochs}"),
        }
    }

    fn weights(&self) -> Option<Vec<u8>> {
        Some(self.net.to_bytes())
    }

    fn with_weights(&self, safetensors: &[u8]) -> Option<Result<Box<dyn Model>, String>> {
        let net = Net::of_arrays(self.net.architecture(), self.net.n_classes(), safetensors);
        let model = |net| Box::new(Self { net, epochs: 0, judged: None }) as Box<dyn Model>;
        Some(net.map(model).map_err(|error| error.to_string()))
    }

    fn out_of_bag(&self, _: Values<'_>) -> Option<OutOfBag> {
        self.judged.clone()
    }

    fn stored(&self) -> Option<(Kind, Vec<u8>)> {
        as_postcard(Kind::Net, self)
    }
}

impl Stored for DeepModel {
    fn is_sound(&self, classes: usize) -> bool {
        self.net.n_classes() == classes
    }

    fn n_features(&self) -> usize {
        0
    }
}
