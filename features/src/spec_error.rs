//! Why a list of feature sets is none.

use thiserror::Error;
use wfkit_metrics::did_you_mean_one_of;

use crate::FeatureSet;

/// Why names are not a list of feature sets.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FeatureSpecError {
    /// There is no such set.
    #[error("no feature set is named {name:?}{}; there are {}", did_you_mean_one_of(name, FeatureSet::ALL.map(FeatureSet::name)), available())]
    Unknown {
        /// The name found.
        name: String,
    },
    /// A set occurs twice, perhaps with another number.
    #[error("feature set {} is named twice", .0.name())]
    Twice(FeatureSet),
    /// A number of packets that `ppi` does not take.
    #[error("{name:?}: how many packets ppi looks at is said as ppi:n=N, N from 1 to 255")]
    Packets {
        /// What was found.
        name: String,
    },
    /// The list is empty.
    #[error("no feature set is named at all; there are {}", available())]
    Empty,
}

fn available() -> String {
    format!("{} (kfp is kfp-175; ppi:n=10 is ppi of 10 packets)", FeatureSet::ALL.map(FeatureSet::name).join(", "))
}
