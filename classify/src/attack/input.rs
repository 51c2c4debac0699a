//! What a classifier is shown of samples.

use wfkit_datasets::Trace;
use wfkit_features::{FeatureExtractor, FeatureSpec, TensorSpec};
use wfkit_metrics::Observer;

use crate::learners::Model;
use crate::samples::{AttackFeatures, Samples};

/// What a learner is shown.
#[derive(Debug, Clone, PartialEq)]
pub enum AttackInput {
    /// A feature matrix, as it is given: such an attack takes features, not traces.
    Given,
    /// These feature sets, taken from traces: a row a trace. What they learn, they learn from the training part.
    Features(FeatureSpec),
    /// What a channel says of the first packets of traces: a row a trace, which holds the tensor row by row; [`TensorSpec::shape`] tells its shape.
    Tensor(TensorSpec),
    /// Rows without columns: the learner looks at the traces themselves, which [`Training`](crate::Training) and
    /// [`Shown`](crate::learners::Shown) have in any case.
    Packets,
}

/// The same, once what it learns is learned.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Sees {
    Given,
    Features(FeatureExtractor),
    Tensor(TensorSpec),
    Packets,
}

impl Sees {
    /// What training traces teach.
    pub(super) fn learned(input: &AttackInput, training: &[&Trace]) -> Self {
        match input {
            AttackInput::Given => Self::Given,
            AttackInput::Features(spec) => Self::Features(spec.fit(training)),
            AttackInput::Tensor(spec) => Self::Tensor(*spec),
            AttackInput::Packets => Self::Packets,
        }
    }

    /// What is shown of samples; none where they are of the wrong kind.
    pub(crate) fn take<'a>(&self, samples: Samples<'a>, observer: &dyn Observer) -> Option<AttackFeatures<'a>> {
        match (self, samples) {
            (Self::Given, Samples::Features(matrix)) => Some(AttackFeatures::Before(matrix)),
            (Self::Features(extractor), Samples::Traces(set)) => Some(AttackFeatures::now(extractor, set, observer)),
            (Self::Tensor(spec), Samples::Traces(_)) => Some(AttackFeatures::Unnamed(spec.rows(&samples.traces()))),
            (Self::Packets, Samples::Traces(set)) => Some(AttackFeatures::nothing(set.len())),
            _ => None,
        }
    }

    /// What takes features from traces, if features are what it sees.
    pub(crate) fn extractor(&self) -> Option<&FeatureExtractor> {
        match self {
            Self::Features(extractor) => Some(extractor),
            Self::Given | Self::Tensor(_) | Self::Packets => None,
        }
    }
}

/// What comes of learning, before any calibration.
pub(super) struct Learned<'a> {
    pub(super) sees: Sees,
    pub(super) taken: AttackFeatures<'a>,
    pub(super) model: Box<dyn Model>,
}
