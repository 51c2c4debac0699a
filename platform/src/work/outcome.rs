//! What a check found, as it is kept and shown.

use serde::{Deserialize, Serialize};
use wfkit_competition::{CheckReport, SplitReport};
use wfkit_datasets::formats::{Problem, Problems};
use wfkit_metrics::{Interval, Utility, VolumeSummary};

/// What a check found.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Outcome {
    /// Why the file may not take part.
    pub problems: Vec<ProblemKind>,
    /// What is allowed but deserves a look.
    pub warnings: Vec<ProblemKind>,
    /// What only organisers allow.
    pub held: Vec<ProblemKind>,
    /// The organiser who did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted_by: Option<String>,
    /// Rows without the header.
    pub rows: u64,
    /// Traces.
    pub traces: usize,
    /// Classes.
    pub classes: usize,
    /// Numbers of attacked teams.
    pub teams: Vec<u64>,
    /// What a defence costs.
    pub cost: Option<CostLine>,
    /// What a defence adds to undefended traffic: incoming bytes, outgoing bytes, time.
    pub overhead: Option<[Option<f64>; 3]>,
    /// Overheads of single traces of a defence: see [`crate::game::spread`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spread: Option<[Vec<f64>; 3]>,
    /// How a defence was split.
    pub split: Option<SplitLine>,
    /// For organisers alone: defences of other teams that it shares traces with, and how many.
    pub shared_with: Vec<(String, u64)>,
    /// For organisers alone: why the server could not check it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}

/// One kind of problem.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProblemKind {
    /// What is wrong.
    pub kind: String,
    /// In which column, empty where the whole row or file is meant.
    pub column: String,
    /// How often.
    pub count: u64,
    /// The first 20 places: line, 0 where none can be named, and what stands there.
    pub examples: Vec<(u64, String)>,
}

/// What a defence costs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CostLine {
    /// Medians and score.
    pub utility: Utility,
    /// All else.
    pub volumes: VolumeSummary,
}

/// How a defence was split, counts only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SplitLine {
    /// Traces to train on.
    pub train_traces: usize,
    /// Traces to classify.
    pub test_traces: usize,
    /// Traces with an identical twin.
    pub twins: usize,
    /// Test traces with a twin in the train set.
    pub twins_in_train: usize,
}

/// All that is known of a score beside accuracy and area.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AttackDetail {
    /// The 95 % interval of the area.
    pub interval: Option<Interval>,
    /// True positives at a false-positive rate of 0.01, mean over the classes.
    pub tpr_at_1_percent: Option<f64>,
    /// The area of each class.
    pub per_class: Vec<(String, f64)>,
    /// Classes without a trace.
    pub skipped: Vec<String>,
}

/// A problem in the words of somebody who uploads: readers speak to those who have the file at hand, and could give them a folder.
fn for_uploaders(problem: &str) -> String {
    if problem.contains("invalid Zip archive") || problem.contains("EOCD") {
        return "the archive is cut off or damaged: pack it again, and send all of it".to_owned();
    }
    match problem.split_once("; unpack it") {
        Some((found, rest)) => {
            let expected = rest.split_once("; expected ").map_or("", |(_, expected)| expected);
            let expected = if expected.is_empty() { String::new() } else { format!("; expected {expected}") };
            format!("{found}{expected}: send the one CSV file, or an archive with nothing else in it")
        }
        None => problem.to_owned(),
    }
}

fn kinds(problems: &Problems) -> Vec<ProblemKind> {
    let kind = |problem: &Problem| ProblemKind {
        kind: for_uploaders(&problem.kind),
        column: problem.column.clone(),
        count: problem.count,
        examples: problem.examples.iter().map(|example| (example.row, example.value.clone())).collect(),
    };
    problems.kinds().iter().map(kind).collect()
}

impl From<&CheckReport> for Outcome {
    fn from(report: &CheckReport) -> Self {
        let cost = report.cost.as_ref();
        Self {
            problems: kinds(&report.problems),
            warnings: kinds(&report.warnings),
            held: kinds(&report.held),
            accepted_by: None,
            rows: report.rows,
            traces: report.traces,
            classes: report.classes,
            teams: report.teams.clone(),
            cost: cost.map(|cost| CostLine { utility: cost.utility.clone(), volumes: cost.volumes }),
            overhead: report.overhead.map(|overhead| [overhead.in_bytes, overhead.out_bytes, overhead.seconds]),
            spread: None,
            split: None,
            shared_with: Vec::new(),
            trouble: None,
        }
    }
}

impl Outcome {
    /// As the team sees it.
    pub fn for_team(mut self) -> Self {
        self.shared_with = Vec::new();
        self.trouble = None;
        self
    }

    pub(super) fn note(&mut self, named: &str, count: u64) {
        self.shared_with.push((named.to_owned(), count));
    }

    /// In one sentence, for lists.
    pub fn sentence(&self) -> String {
        sentence(&self.problems)
    }

    /// Why it is held, while nobody has accepted it.
    pub fn held_for(&self) -> Option<String> {
        let waits = !self.held.is_empty() && self.accepted_by.is_none();
        waits.then(|| format!("Organisers have to accept it first: {}", sentence(&self.held)))
    }

    pub(super) fn refuse(&mut self, kind: impl Into<String>) {
        self.problems.push(ProblemKind { kind: kind.into(), column: String::new(), count: 1, examples: Vec::new() });
    }

    pub(super) fn warn(&mut self, kind: impl Into<String>, count: u64, examples: Vec<(u64, String)>) {
        self.warnings.push(ProblemKind { kind: kind.into(), column: String::new(), count, examples });
    }
}

fn sentence(problems: &[ProblemKind]) -> String {
    let count: u64 = problems.iter().map(|problem| problem.count).sum();
    match problems.first() {
        Some(first) if count == 1 => format!("1 problem: {}", first.kind),
        Some(first) if problems.len() == 1 => format!("{count} times the same problem: {}", first.kind),
        Some(first) => format!("{count} problems of {} kinds, the first: {}", problems.len(), first.kind),
        None => "no problems".to_owned(),
    }
}

impl From<&SplitReport> for SplitLine {
    fn from(report: &SplitReport) -> Self {
        Self {
            train_traces: report.train_traces,
            test_traces: report.test_traces,
            twins: report.twins,
            twins_in_train: report.twins_in_train,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_are_counted_in_words_that_fit() {
        let problem =
            |kind: &str, count| ProblemKind { kind: kind.into(), column: String::new(), count, examples: Vec::new() };
        let sentence = |problems: Vec<ProblemKind>| Outcome { problems, ..Outcome::default() }.sentence();
        assert_eq!(sentence(Vec::new()), "no problems");
        assert_eq!(sentence(vec![problem("a gap", 1)]), "1 problem: a gap");
        assert_eq!(sentence(vec![problem("a gap", 7)]), "7 times the same problem: a gap");
        assert_eq!(sentence(vec![problem("a gap", 7), problem("b", 1)]), "8 problems of 2 kinds, the first: a gap");
    }
}
