//! What a row of a table belongs to.

use serde::{Deserialize, Serialize};

use crate::{LabelledTrace, TraceKey};

/// The label of a trace, without its packets: what a row of features belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    /// Class, rep and session.
    pub key: TraceKey,
    /// When the trace started, Unix time in ns UTC, where that is known.
    pub start_ns: Option<i64>,
}

impl From<&LabelledTrace> for Label {
    fn from(labelled: &LabelledTrace) -> Self {
        Self { key: labelled.key.clone(), start_ns: labelled.start_ns }
    }
}
