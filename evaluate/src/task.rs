//! What is trained on and what is tested.

use wfkit_classify::{Attack, Samples};
use wfkit_datasets::splits::Split;

use crate::{ExperimentError, Measured, Setting, measure, measure_on};

/// What is trained on and what is tested.
#[derive(Debug, Clone, Copy)]
pub enum Task<'a> {
    /// One collection, split.
    Splits {
        /// The collection.
        samples: Samples<'a>,
        /// Its splits.
        splits: &'a [Split],
    },
    /// Two collections.
    TrainAndTest {
        /// What is learned from.
        train: Samples<'a>,
        /// What is judged.
        test: Samples<'a>,
    },
}

impl<'a> Task<'a> {
    /// Trains and tests an attack.
    pub fn measure(&self, attack: &Attack, setting: Setting<'_>) -> Result<Measured, ExperimentError> {
        match *self {
            Self::Splits { samples, splits } => measure(attack, samples, splits, setting),
            Self::TrainAndTest { train, test } => measure_on(attack, train, test, setting),
        }
    }

    /// What is judged.
    pub fn tested(&self) -> Samples<'a> {
        match *self {
            Self::Splits { samples, .. } | Self::TrainAndTest { test: samples, .. } => samples,
        }
    }
}
