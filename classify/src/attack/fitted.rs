//! Attacks that have learned.

use ndarray::{Array2, Axis};
use serde::{Deserialize, Serialize};
use wfkit_datasets::{Known, Observed, Overlap};
use wfkit_features::FeatureExtractor;
use wfkit_metrics::{ClassMap, Probabilities, Silent};

use super::error::{AttackError, wrong_kind};
use super::input::Sees;
use crate::calibrate::Calibrator;
use crate::forest::ForestParams;
use crate::learners::{Model, Shown};
use crate::samples::{AttackFeatures, Samples};

/// An attack that has learned from labelled samples.
#[derive(Debug)]
pub struct FittedAttack {
    pub(crate) about: About,
    pub(crate) sees: Sees,
    pub(crate) model: Box<dyn Model>,
    pub(crate) calibrator: Option<Calibrator>,
    /// The class that is answered where neighbours disagree.
    pub(crate) unless_unanimous: Option<usize>,
    /// What each trace that it has learned from is known by; empty where not remembered.
    pub(crate) learned_from: Vec<Known>,
}

/// What there is to know of a fitted attack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct About {
    /// Name of the attack.
    pub attack: String,
    /// The seed that it learned with.
    pub seed: u64,
    /// The classes, in the order of the probabilities.
    pub classes: ClassMap,
    /// How many samples of each class it has learned from, shape `(n_classes,)`.
    pub trained_on: Vec<usize>,
    /// The names of the features, in the order of the columns.
    pub features: Vec<String>,
    /// How the samples that it has learned from were observed, where that is known.
    pub observed: Option<Observed>,
}

impl FittedAttack {
    /// What there is to know of it.
    pub fn about(&self) -> &About {
        &self.about
    }

    /// The classes, in the order of the probabilities.
    pub fn classes(&self) -> &ClassMap {
        &self.about.classes
    }

    /// What takes the features from traces; none if the attack is given features, or looks at packets alone.
    pub fn extractor(&self) -> Option<&FeatureExtractor> {
        self.sees.extractor()
    }

    /// How its trees grew; none of what has no trees of ours.
    pub fn forest_params(&self) -> Option<&ForestParams> {
        self.model.forest_params()
    }

    /// The classifier.
    pub fn model(&self) -> &dyn Model {
        &*self.model
    }

    /// Class probabilities, shape `(n_traces, n_classes)`, in the order of the samples, whose own classes do not matter.
    ///
    /// A feature matrix must have the very columns of the training samples.
    pub fn predict(&self, samples: Samples<'_>) -> Result<Probabilities, AttackError> {
        let taken = self.features_of(samples).ok_or_else(|| wrong_kind(&self.about.attack, samples))?;
        self.check_names(taken.names())?;
        let values = self.answer(Shown { x: taken.values(), traces: &samples.traces() });
        let probabilities = Probabilities::new(self.about.classes.clone(), values);
        Ok(probabilities.expect("averages of class fractions, shares of votes and calibrated rows are distributions"))
    }

    /// How its probabilities were calibrated; none if they were not.
    pub fn calibrator(&self) -> Option<&Calibrator> {
        self.calibrator.as_ref()
    }

    /// What the model says of its training samples, each judged only by what did not learn from it: the rows that can be judged
    /// so, and their probabilities. None for classifiers that cannot be judged so, or that were read from a file and would have to learn again.
    ///
    /// A calibration that was itself learned out of bag is applied, so its own error shows a little too small.
    ///
    /// # Panics
    /// If `samples` are not those that it has learned from.
    pub fn out_of_bag(&self, samples: Samples<'_>) -> Option<(Vec<usize>, Probabilities)> {
        let taken = self.features_of(samples)?;
        let judged = self.model.out_of_bag(taken.values())?;
        let rows: Vec<usize> = (0..judged.trees.len()).filter(|&row| judged.trees[row] > 0).collect();
        let values = judged.probabilities.select(Axis(0), &rows);
        let values = self.calibrated(values);
        let probabilities = Probabilities::new(self.about.classes.clone(), values);
        Some((rows, probabilities.expect("averages of class fractions and calibrated rows are distributions")))
    }

    /// Keeps in the model what it has learned from, so that [`already_learned`](Self::already_learned) knows it again.
    pub fn remember(&mut self, learned_from: Samples<'_>) {
        self.learned_from = learned_from.known();
    }

    /// Which of the samples the model has learned from; none where it does not remember.
    pub fn already_learned(&self, samples: Samples<'_>) -> Option<Overlap> {
        if self.learned_from.is_empty() {
            return None;
        }
        let (learned, known) = (self.learned_from.iter().collect::<Vec<_>>(), samples.known());
        Some(Overlap::between(&learned, &known.iter().collect::<Vec<_>>()))
    }

    /// What the classifier is shown of samples; none where they are of the wrong kind.
    pub(crate) fn features_of<'a>(&self, samples: Samples<'a>) -> Option<AttackFeatures<'a>> {
        self.sees.take(samples, &Silent)
    }

    fn answer(&self, shown: Shown<'_>) -> Array2<f64> {
        let mut values = self.model.predict(shown);
        if let Some(unmonitored) = self.unless_unanimous {
            for mut row in values.rows_mut() {
                if row.iter().all(|&p| p < 1.0 - 1e-9) {
                    row.fill(0.0);
                    row[unmonitored] = 1.0;
                }
            }
        }
        self.calibrated(values)
    }

    fn calibrated(&self, values: Array2<f64>) -> Array2<f64> {
        match &self.calibrator {
            Some(calibrator) => calibrator.apply(values),
            None => values,
        }
    }

    fn check_names(&self, found: &[String]) -> Result<(), AttackError> {
        let expected = &self.about.features;
        let differs = |&column: &usize| found.get(column) != expected.get(column);
        match (0..found.len().max(expected.len())).find(differs) {
            None => Ok(()),
            Some(column) => {
                let (found, expected) = (found.get(column).cloned(), expected.get(column).cloned());
                Err(AttackError::Features { column, found, expected })
            }
        }
    }
}
