//! What is in traces, for the reports of stages that look at them, choose some, or write them otherwise.

use std::error::Error;
use std::path::Path;

use wfkit_datasets::formats::{ChangesOfLabels, ChosenTraces, TracesInParts};
use wfkit_datasets::{Findings, InfoOfParts, NoneWanted, Wanted, draw};
use wfkit_metrics::{PrivacyReport, Work};

use crate::error::file;
use crate::measured::TRIVIAL_FOLDS;
use crate::{ExperimentError, PartsSeen, Setting, Traces, trivial_privacy};

impl Traces {
    /// What is in them, what reading them left out, and what the trivial attack finds.
    ///
    /// # Errors
    /// What the attack refuses.
    pub fn findings(&self, setting: Setting<'_>) -> Result<Findings, ExperimentError> {
        Ok(self.findings_beside(trivial_privacy(&self.set, TRIVIAL_FOLDS, setting)?))
    }

    /// The same of traces that give away this.
    pub fn findings_beside(&self, privacy: PrivacyReport) -> Findings {
        let mut seen = InfoOfParts::default();
        seen.see(&self.set);
        Findings { dropped: self.dropped.clone(), ..seen.findings(self.set.provenance().layer, privacy) }
    }

    /// Those that are wanted; all others are left out by the reason why they are not.
    ///
    /// # Errors
    /// None is.
    pub fn wanted(mut self, wanted: &Wanted) -> Result<Self, NoneWanted> {
        let left_out;
        (self.set, left_out) = wanted.of(&self.set)?;
        for (reason, n) in left_out {
            *self.dropped.entry(reason).or_default() += n;
        }
        Ok(self)
    }

    /// Those that the seed [draws](draw): so many of each class, of so many classes.
    pub fn drawn(mut self, classes: Option<usize>, traces: Option<usize>, seed: u64) -> Self {
        let rows = draw(&self.set, classes, traces, seed);
        self.dropped.insert("not drawn".to_owned(), (self.set.len() - rows.len()) as u64);
        self.set = self.set.select(&rows);
        self
    }

    /// These with other labels, and the classes whose repetitions are numbered anew.
    pub fn changed(mut self, changes: ChangesOfLabels) -> (Self, Vec<String>) {
        let (other_copies, renumbered);
        (self.set, other_copies, renumbered) = changes.of_set(self.set);
        if other_copies > 0 {
            self.dropped.insert(OTHER_COPIES.to_owned(), other_copies);
        }
        (self, renumbered)
    }
}

/// Why copies of a load are left out.
const OTHER_COPIES: &str = "another copy of a load";

/// Traces that are written otherwise than they are read, some at a time.
pub struct Conversion<'a> {
    input: TracesInParts<'a>,
    called: String,
    chosen: ChosenTraces,
    /// Classes whose repetitions are numbered anew.
    pub renumbered: Vec<String>,
}

impl<'a> Conversion<'a> {
    /// Of these traces, with these changes; `called` is what they are called in messages.
    ///
    /// # Errors
    /// Traces that cannot be read, or none at all.
    pub fn of(mut input: TracesInParts<'a>, called: String, changes: ChangesOfLabels) -> Result<Self, ExperimentError> {
        let labels = input.labels().map_err(file)?;
        if labels.is_empty() {
            return Err(ExperimentError::Unfit(format!("{called}: there is no trace in it")));
        }
        let (chosen, renumbered) = ChosenTraces::of(labels, &mut input, changes).map_err(file)?;
        Ok(Self { input, called, chosen, renumbered })
    }

    /// What is odd about the traces.
    pub fn warnings(&self) -> Vec<String> {
        self.input.warnings()
    }

    /// Writes them to a file of the format that its name tells.
    ///
    /// # Errors
    /// What cannot be read or written.
    pub fn write(mut self, out: &Path, setting: Setting<'_>) -> Result<Findings, ExperimentError> {
        let provenance = self.input.provenance().clone();
        let mut kept = PartsSeen::of(&self.chosen.labels, setting);
        let mut seen = InfoOfParts::default();
        let (mut row, mut label) = (0, 0);
        let work = Work::begin(setting.observer, "converting", self.input.len());
        let parts = self.input.by_ref().map(|part| -> Result<_, Box<dyn Error + Send + Sync>> {
            Ok(self.chosen.of_part(part?, (&mut row, &mut label))?)
        });
        kept.write(out, &provenance, parts, |part| {
            seen.see(part);
            work.step();
        })?;
        drop(work);
        let odd = seen.implausible_times().map(|found| format!("{}: {found}", self.called));
        odd.iter().for_each(|odd| setting.observer.warn(odd));
        let privacy = kept.trivial(&provenance, setting)?;
        let mut findings = seen.findings(provenance.layer, privacy);
        findings.leave_out("unknown column", self.input.unknown_columns());
        findings.leave_out(OTHER_COPIES, self.chosen.other_copies());
        findings.problems.extend(odd);
        Ok(findings)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use wfkit_datasets::{LabelledTrace, Layer, Provenance, Trace, TraceKey, TraceSet};

    use super::*;

    /// Two classes of six loads, each of which is there twice.
    fn traces() -> Traces {
        let one = |at: i64| {
            let (class, load) = (["a", "b"][at as usize % 2], at / 2 % 6);
            let key = TraceKey { class: class.to_owned(), rep: at / 2, session: None };
            let trace = Trace::new(vec![0, 5], vec![300 + load as i32, -1_000 - at as i32]).unwrap();
            let origin = Some(format!("{class}{load}"));
            LabelledTrace { origin, ..LabelledTrace::new(key, None, trace) }
        };
        let set = TraceSet::new((0..24).map(one).collect(), Provenance::new(Layer::Tcp, vec![])).unwrap();
        Traces { set, dropped: BTreeMap::from([("other class".to_owned(), 1)]) }
    }

    #[test]
    fn what_is_left_out_is_counted_beside_what_reading_left_out() {
        let wanted = Wanted { classes: Some(["a".to_owned()].into()), ..Wanted::default() };
        let of_a = traces().wanted(&wanted).unwrap();
        assert_eq!((of_a.set.len(), of_a.dropped["other class"]), (12, 13));
        let none = traces().wanted(&Wanted { min_packets: 9, ..wanted });
        assert_eq!(none.unwrap_err().to_string().split(": ").last(), Some("12 x other class, 12 x too few packets"));
        let drawn = traces().drawn(None, Some(2), 1);
        assert_eq!((drawn.set.len(), drawn.dropped["not drawn"]), (4, 20));
        let (one_each, renumbered) = traces().changed(ChangesOfLabels { one_copy: true, ..ChangesOfLabels::default() });
        assert_eq!((one_each.set.len(), one_each.dropped[OTHER_COPIES], renumbered.len()), (12, 12, 0));
    }

    #[test]
    fn findings_are_those_of_the_set() {
        let findings = traces().findings(Setting::silent(1)).unwrap();
        assert_eq!(
            (findings.counts["traces"], findings.counts["classes"], findings.dropped["other class"]),
            (24, 2, 1)
        );
        assert_eq!(findings.privacy.attack, crate::TRIVIAL);
    }
}
