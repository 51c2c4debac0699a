//! What a stage found, for its report.

use std::collections::BTreeMap;

use wfkit_metrics::{PrivacyReport, StageReport, Utility, UtilityReport};

use crate::TraceSet;

/// All that the report of a stage says, but for what only the program knows: what was asked for, of which files, and how long it took.
#[derive(Debug, Clone, PartialEq)]
pub struct Findings {
    /// How many traces, classes, packets and so on.
    pub counts: BTreeMap<String, u64>,
    /// How many of what was read were left out, by reason.
    pub dropped: BTreeMap<String, u64>,
    /// What is wrong with single inputs, one sentence each.
    pub problems: Vec<String>,
    /// What the traffic costs its user.
    pub utility: UtilityReport,
    /// What the traffic gives away.
    pub privacy: PrivacyReport,
}

impl Findings {
    /// These, and nothing counted yet.
    pub fn new(utility: Utility, privacy: PrivacyReport) -> Self {
        Self {
            counts: BTreeMap::new(),
            dropped: BTreeMap::new(),
            problems: Vec::new(),
            utility: UtilityReport::new(utility),
            privacy,
        }
    }

    /// Sets one number.
    pub fn count(&mut self, name: &str, n: usize) -> &mut Self {
        self.counts.insert(name.to_owned(), n as u64);
        self
    }

    /// Sets the numbers of traces, classes and packets of a set.
    pub fn count_set(&mut self, set: &TraceSet) -> &mut Self {
        self.counts.extend(Self::counts_of(set));
        self
    }

    /// Counts what was left out for a reason, where that is any.
    pub fn leave_out(&mut self, reason: &str, n: u64) -> &mut Self {
        if n > 0 {
            self.dropped.insert(reason.to_owned(), n);
        }
        self
    }

    /// The numbers of traces, classes and packets of a set, by name.
    pub fn counts_of(set: &TraceSet) -> [(String, u64); 3] {
        [("traces", set.len()), ("classes", set.classes().len()), ("packets", set.packets())]
            .map(|(name, n)| (name.to_owned(), n as u64))
    }

    /// Puts them into a report; problems come after those that it has.
    pub fn into_report(self, report: &mut StageReport) {
        report.counts = self.counts;
        report.dropped = self.dropped;
        report.problems.extend(self.problems);
        report.utility = self.utility;
        report.privacy = self.privacy;
    }
}
