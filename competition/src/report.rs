//! The verdict on an uploaded file.

use std::path::{Path, PathBuf};

use crate::Rules;
use serde::Serialize;
use wfkit_datasets::Findings;
use wfkit_datasets::formats::Problems;
use wfkit_metrics::{PrivacyReport, Utility, UtilityReport, Volume, VolumeSummary};

/// The verdict on a defence or attack file, and all that led to it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CheckReport {
    /// The file.
    pub path: PathBuf,
    /// Whether the file may take part: there are no [`Self::problems`].
    pub accepted: bool,
    /// Why it may not, row by row. The values name the trace where one row cannot.
    pub problems: Problems,
    /// What is allowed but deserves a look.
    pub warnings: Problems,
    /// What only organisers allow, where the round leaves it to them: until then the file does not count.
    pub held: Problems,
    /// Rows without the header.
    pub rows: u64,
    /// Traces, of a defence its own, of an attack those it classifies; bad ones count.
    pub traces: usize,
    /// Classes: of a defence those it has traces of, of an attack those it has columns for.
    pub classes: usize,
    /// Teams attacked; none for a defence.
    pub teams: Vec<u64>,
    /// What the traffic of a defence costs, from its sound traces; none if there is no such trace, and for an attack.
    pub cost: Option<UploadCost>,
    /// What the defence adds to undefended traffic, where that was given.
    pub overhead: Option<Overhead>,
}

/// What measures the privacy of uploaded files: nothing of ours.
pub const UPLOADED: &str = "uploaded";

impl CheckReport {
    /// What was found, for the report of a check.
    pub fn findings(&self) -> Findings {
        let unknown = Utility::unknown("the file has no traces that can be trusted");
        let privacy = PrivacyReport::unmeasured(UPLOADED, "a check looks at form, not at what an attack finds");
        let mut findings = Findings::new(unknown, privacy);
        if let Some(cost) = &self.cost {
            findings.utility = UtilityReport::new(cost.utility.clone());
            findings.utility.extras.set("volumes", cost.volumes);
        }
        findings.counts.insert("rows".to_owned(), self.rows);
        findings.count("traces", self.traces).count("classes", self.classes);
        let extras = &mut findings.privacy.extras;
        extras.set("accepted", self.accepted).set("problems", &self.problems).set("warnings", &self.warnings);
        findings
    }

    /// What is allowed but deserves a look, in words; nothing where there is nothing.
    pub fn warning(&self) -> Option<String> {
        (!self.warnings.is_empty()).then(|| format!("{}: {}", self.path.display(), self.warnings))
    }

    /// Why the file may not take part by these rules, in words; nothing where it may.
    pub fn refusal(&self, rules: Option<&Rules>) -> Option<String> {
        let other_rules = || rules.map(|rules| self.other_rules(rules)).unwrap_or_default();
        (!self.accepted).then(|| format!("refused: {}: {}{}", self.path.display(), self.problems, other_rules()))
    }

    /// The options for a competition of as many classes as the file has, where it has others than the rules.
    pub fn other_rules(&self, rules: &Rules) -> String {
        let CheckReport { classes, traces, .. } = *self;
        if classes == 0 || classes == rules.classes {
            return String::new();
        }
        let reps = (traces as f64 / classes as f64).round() as u64;
        let reps = if reps == rules.reps_mean { String::new() } else { format!(" --reps {reps}") };
        format!(
            "\nit has {classes} classes, the rules {}: for a competition of so many, say --classes {classes}{reps}",
            rules.classes
        )
    }
}

impl CheckReport {
    pub(crate) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            accepted: false,
            problems: Problems::default(),
            warnings: Problems::default(),
            held: Problems::default(),
            rows: 0,
            traces: 0,
            classes: 0,
            teams: Vec::new(),
            cost: None,
            overhead: None,
        }
    }
}

/// What the traffic of a set costs its users.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UploadCost {
    /// The medians and the utility score.
    pub utility: Utility,
    /// Minimum, mean, median and maximum, as magnitudes.
    pub volumes: VolumeSummary,
}

impl UploadCost {
    /// `None` without traces.
    pub fn of(volumes: &[Volume]) -> Option<Self> {
        Some(Self { utility: Utility::of(volumes), volumes: VolumeSummary::of(volumes)? })
    }
}

/// What a defence adds to undefended traffic: median defended / median undefended - 1, so 0.0 is nothing and below 0 the
/// defended traffic is less. `None` where the undefended median is 0.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Overhead {
    /// Of the incoming bytes.
    pub in_bytes: Option<f64>,
    /// Of the outgoing bytes.
    pub out_bytes: Option<f64>,
    /// Of the time.
    pub seconds: Option<f64>,
}

impl Overhead {
    /// What `defended` costs beyond `undefended`.
    pub fn between(undefended: &VolumeSummary, defended: &VolumeSummary) -> Self {
        let overhead = |before: f64, after: f64| (before > 0.0).then(|| after / before - 1.0);
        Self {
            in_bytes: overhead(undefended.in_bytes.median, defended.in_bytes.median),
            out_bytes: overhead(undefended.out_bytes.median, defended.out_bytes.median),
            seconds: overhead(undefended.seconds.median, defended.seconds.median),
        }
    }
}
