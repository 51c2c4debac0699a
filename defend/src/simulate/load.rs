//! A trace to defend, and what its random draws follow.

use wfkit_datasets::{LabelledTrace, Trace, TraceKey, short_hash};

/// A trace to defend, hashed once for all its copies.
///
/// What chance does with it follows from its packets and from the load that it is a copy of ([`LabelledTrace::origin_of_copies`]), never from
/// its class, session or rep. So files that count their reps alike do not share draws, whereas traces of the same packets do, whatever
/// their labels: that tells nothing of a label which the packets did not tell before.
#[derive(Debug, Clone)]
pub struct Load<'a> {
    labelled: &'a LabelledTrace,
    lot: Lot,
}

/// What the draws for a trace follow, beside seed, layer and replica.
///
/// The packets alone would give all traces the same draws behind a layer that makes them look alike; the load alone would give them to all
/// copies that an earlier run has made of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lot {
    pub(crate) origin: String,
    pub(crate) content: [u8; 32],
}

impl<'a> Load<'a> {
    /// Reads the packets once.
    pub fn of(labelled: &'a LabelledTrace) -> Self {
        let content = labelled.trace.content_hash();
        let origin = labelled.origin.clone().unwrap_or_else(|| short_hash(&content));
        Self { labelled, lot: Lot { origin, content } }
    }

    /// The trace with its labels.
    pub fn labelled(&self) -> &'a LabelledTrace {
        self.labelled
    }

    /// Its label.
    pub fn key(&self) -> &'a TraceKey {
        &self.labelled.key
    }

    /// Its packets.
    pub fn trace(&self) -> &'a Trace {
        &self.labelled.trace
    }

    /// What defended copies have as their origin.
    pub fn origin(&self) -> &str {
        &self.lot.origin
    }

    pub(crate) fn lot(&self) -> &Lot {
        &self.lot
    }

    /// The same trace under another label.
    pub(crate) fn relabelled(&self, labelled: &'a LabelledTrace) -> Self {
        Self { labelled, lot: self.lot.clone() }
    }
}

impl Lot {
    /// Of the same load where a layer is given `input`, not the trace itself.
    pub(crate) fn behind(&self, input: &Trace) -> Self {
        Self { origin: self.origin.clone(), content: input.content_hash() }
    }
}
