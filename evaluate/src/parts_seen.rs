//! Sets that go by in parts, since they need not fit memory.

use std::error::Error;
use std::path::Path;

use wfkit_datasets::{Findings, Label, LabelledTrace, Provenance, TraceSet, TraceSetError, write_traces_in_parts};
use wfkit_metrics::{PrivacyReport, Volume};

use crate::error::file;
use crate::{Drawn, ExperimentError, Setting, TRIVIAL_FOLDS, trivial_privacy_of};

/// What is kept of a set that goes by in parts: what its traces cost, and the traces that the report looks at.
#[derive(Debug)]
pub struct PartsSeen {
    /// Which rows the report looks at.
    pub drawn: Drawn,
    /// What each trace costs.
    pub volumes: Vec<Volume>,
    /// Packets of each trace.
    pub lengths: Vec<usize>,
    /// Packets of all.
    pub packets: usize,
    /// Classes of all, also of those still to come.
    pub classes: usize,
    some: Vec<LabelledTrace>,
    /// How many of the drawn rows have gone by.
    taken: usize,
}

impl PartsSeen {
    /// Of a set with these labels.
    pub fn of(labels: &[Label], setting: Setting<'_>) -> Self {
        let mut classes: Vec<&str> = labels.iter().map(|label| label.key.class.as_str()).collect();
        classes.sort_unstable();
        classes.dedup();
        Self {
            drawn: Drawn::of_labels(labels, setting),
            volumes: Vec::with_capacity(labels.len()),
            lengths: Vec::with_capacity(labels.len()),
            packets: 0,
            classes: classes.len(),
            some: Vec::new(),
            taken: 0,
        }
    }

    /// Keeps what there is to keep of the next part.
    pub fn see(&mut self, part: &TraceSet) {
        let first = self.volumes.len();
        while let Some(labelled) =
            self.drawn.rows.get(self.taken).and_then(|row| part.traces().get(row.checked_sub(first)?))
        {
            self.some.push(labelled.clone());
            self.taken += 1;
        }
        self.volumes.extend(part.volumes());
        self.lengths.extend(part.traces().iter().map(|labelled| labelled.trace.len()));
        self.packets += part.packets();
    }

    /// Counts the traces, classes and packets of all parts.
    pub fn count(&self, findings: &mut Findings) {
        findings.count("traces", self.volumes.len()).count("classes", self.classes).count("packets", self.packets);
    }

    /// Writes traces that come in parts to a file of the format that its name tells, sees them, and tells of each part.
    ///
    /// # Errors
    /// Parts that cannot be had, and what the system refuses.
    pub fn write<E: Into<Box<dyn Error + Send + Sync>>>(
        &mut self,
        out: &Path,
        provenance: &Provenance,
        parts: impl Iterator<Item = Result<TraceSet, E>>,
        mut on_part: impl FnMut(&TraceSet),
    ) -> Result<(), ExperimentError> {
        write_traces_in_parts(out, provenance, |add| {
            for part in parts {
                let part = part.map_err(file)?;
                part.traces().iter().try_for_each(&mut *add)?;
                self.see(&part);
                on_part(&part);
            }
            Ok(())
        })
    }

    /// What the trivial attack finds in the traces that were drawn, once all parts have gone by.
    ///
    /// # Errors
    /// What the attack refuses.
    pub fn trivial(&mut self, provenance: &Provenance, setting: Setting<'_>) -> Result<PrivacyReport, ExperimentError> {
        let some = self.some(provenance).map_err(file)?;
        trivial_privacy_of(&some, &self.drawn, TRIVIAL_FOLDS, setting)
    }

    /// The traces that were drawn, once all parts have gone by.
    ///
    /// # Errors
    /// Traces that make no set.
    pub fn some(&mut self, provenance: &Provenance) -> Result<TraceSet, TraceSetError> {
        TraceSet::new(std::mem::take(&mut self.some), provenance.clone())
    }
}
