//! What a row of a table belongs to.

use serde::{Deserialize, Serialize};

use crate::{LabelledTrace, Likeness, TraceKey};

/// The label of a trace, without its packets: what a row of features belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    /// Class, rep and session.
    pub key: TraceKey,
    /// The load that the trace is a copy of; none where it is no copy.
    pub origin: Option<String>,
    /// What an unmonitored trace shows.
    pub page: Option<String>,
    /// When the trace started, Unix time in ns UTC, where that is known.
    pub start_ns: Option<i64>,
    /// What is left of the packets to know the trace by, where it was kept.
    pub likeness: Option<Likeness>,
}

impl Label {
    /// The label of a trace of which nothing else is known.
    pub fn new(key: TraceKey, start_ns: Option<i64>) -> Self {
        Self { key, origin: None, page: None, start_ns, likeness: None }
    }

    /// What copies of this trace have as their origin; none where neither origin nor likeness was kept.
    pub fn origin_of_copies(&self) -> Option<String> {
        self.origin.clone().or_else(|| self.likeness.map(|likeness| likeness.origin()))
    }
}

impl From<&LabelledTrace> for Label {
    fn from(labelled: &LabelledTrace) -> Self {
        let LabelledTrace { key, origin, page, start_ns, trace } = labelled;
        Self {
            key: key.clone(),
            origin: origin.clone(),
            page: page.clone(),
            start_ns: *start_ns,
            likeness: Some(Likeness::of(trace)),
        }
    }
}
