//! What experiments are made on: traces that were read, or features that were taken from them before.

use std::collections::BTreeMap;

use wfkit_classify::{Samples, shuffle_feature_labels, shuffle_labels};
use wfkit_datasets::TraceSet;
use wfkit_features::FeatureMatrix;
use wfkit_metrics::Utility;

/// Traces that were read, and how much reading them left out, by reason.
#[derive(Debug)]
pub struct Traces {
    /// The traces.
    pub set: TraceSet,
    /// How much was left out, by reason.
    pub dropped: BTreeMap<String, u64>,
}

/// Features that were read.
#[derive(Debug)]
pub struct Features {
    /// The features.
    pub matrix: FeatureMatrix,
    /// Sets whose columns depend on every row, so that no split of the rows is a clean one.
    pub fitted_on_all_rows: Vec<String>,
}

/// Traces, or a feature matrix.
#[derive(Debug)]
pub enum Labelled {
    /// Traces.
    Traces(Traces),
    /// Features.
    Features(Features),
}

impl Labelled {
    /// What attacks take.
    pub fn samples(&self) -> Samples<'_> {
        match self {
            Self::Traces(traces) => Samples::Traces(&traces.set),
            Self::Features(features) => Samples::Features(&features.matrix),
        }
    }

    /// What the traces at `rows` cost.
    pub fn utility(&self, rows: impl IntoIterator<Item = usize>) -> Utility {
        match self {
            Self::Traces(traces) => {
                let volumes = traces.set.volumes();
                Utility::of(&rows.into_iter().map(|row| volumes[row]).collect::<Vec<_>>())
            }
            Self::Features(_) => Utility::unknown("a feature file does not tell what its traces cost"),
        }
    }

    /// How much reading left out, by reason.
    pub fn dropped(&self) -> BTreeMap<String, u64> {
        match self {
            Self::Traces(traces) => traces.dropped.clone(),
            Self::Features(_) => BTreeMap::new(),
        }
    }

    /// Sets whose columns were fitted on rows that a split would test.
    pub fn fitted_on_all_rows(&self) -> &[String] {
        match self {
            Self::Traces(_) => &[],
            Self::Features(features) => &features.fitted_on_all_rows,
        }
    }

    /// That a split of these rows is not a clean one; nothing where it is.
    pub fn doubt(&self) -> Option<String> {
        let fitted = self.fitted_on_all_rows();
        let doubt = || {
            format!(
                "fitted on all rows: the columns of {} were made knowing the tested rows too, so the scores may be too high; evaluate the traces \
                 themselves, which fits them on the training part of each split",
                fitted.join(", ")
            )
        };
        (!fitted.is_empty()).then(doubt)
    }

    /// Deals the labels out anew, as a control: whatever an attack finds above chance is then a leak.
    pub fn shuffle_labels(&mut self, seed: u64) {
        match self {
            Self::Traces(traces) => traces.set = shuffle_labels(&traces.set, seed),
            Self::Features(features) => features.matrix = shuffle_feature_labels(&features.matrix, seed),
        }
    }

    /// The attack that is meant where none is named.
    pub fn default_attack(&self) -> &'static str {
        match self {
            Self::Traces(_) => "kfp-size",
            Self::Features(_) => "forest",
        }
    }
}
