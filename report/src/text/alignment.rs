//! One trace beside what a class expects, in words.

use std::ops::Range;

use serde::Serialize;
use serde_json::json;
use wfkit_classify::FittedAttack;
use wfkit_classify::alignment::{Alignment, AlignmentView, Path, Step, StepKind};
use wfkit_datasets::{Findings, LabelledTrace, TraceKey};
use wfkit_evaluate::capital;
use wfkit_metrics::{PrivacyReport, Probabilities, Utility};

use super::Text;
use crate::picture::AlignedTrace;
use crate::words::{NARROW, number, wrapped};

/// Steps of the table; the report has all of them.
const SHOWN: usize = 16;

/// One trace aligned with one class, and what the model makes of it.
pub struct ExplainedAlignment {
    view: AlignmentView,
    class: String,
    index: usize,
    chosen: &'static str,
    path: Path,
    log_likelihood: f64,
    /// Of the classes, the most probable by alignment that is another one, and its log likelihood; none where there is one class only.
    rival: Option<(String, f64)>,
    probability: f64,
    verdict: String,
}

/// A step as it is told: columns and runs are numbered from 1.
#[derive(Serialize)]
struct StepDocument<'a> {
    kind: StepKind,
    columns: Vec<usize>,
    runs: Vec<usize>,
    expected_cells: &'a [f64],
    cells: &'a [f64],
    #[serde(skip_serializing_if = "Option::is_none")]
    expected_outgoing: Option<&'a [bool]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outgoing: Option<&'a [bool]>,
    nats: f64,
    evidence_nats: f64,
}

impl ExplainedAlignment {
    /// Beside the class at this column, or the most probable one; `probabilities` are those of this trace alone, by the attack whose alignment
    /// `model` is.
    ///
    /// # Errors
    /// The name of the class, where the alignment has learned from no trace of it.
    pub fn of(
        fitted: &FittedAttack,
        model: &Alignment,
        probabilities: &Probabilities,
        labelled: &LabelledTrace,
        asked: Option<usize>,
    ) -> Result<Self, String> {
        let names = fitted.classes().names();
        let probable = probabilities.argmax()[0];
        let index = asked.unwrap_or(probable);
        let class = names[index].clone();
        let path = model.explain(index, &labelled.trace).ok_or_else(|| class.clone())?;
        let logs = model.log_likelihoods(&labelled.trace);
        let others = (0..logs.len()).filter(|&other| other != index && logs[other].is_finite());
        let rival = others.max_by(|&a, &b| logs[a].total_cmp(&logs[b]).then(b.cmp(&a)));
        let probability = |class: usize| probabilities.values()[(0, class)];
        let said = |class: usize| format!("class {} ({:.1} %)", names[class], 100.0 * probability(class));
        let own = fitted.classes().index_of(&labelled.key.class);
        let right = match own {
            Some(own) if own == probable => "which is its own".to_owned(),
            Some(own) => format!("where its own is {}", said(own)),
            None => format!("and does not know its own, {}", labelled.key.class),
        };
        let mut verdict = format!("The model finds {} most probable for this trace, {right}", said(probable));
        if index != probable && own != Some(index) {
            verdict.push_str(&format!("; shown is {}", said(index)));
        }
        Ok(Self {
            view: model.view(),
            class,
            index,
            chosen: if asked.is_some() { "asked for" } else { "most probable to the model" },
            path,
            log_likelihood: logs[index],
            rival: rival.map(|rival| (names[rival].clone(), logs[rival])),
            probability: probability(index),
            verdict: verdict + ".",
        })
    }

    /// All of it, for the report of a picture of the trace at `row`, which costs so much; `model` and the attack that it is of are those that
    /// it was explained by.
    pub fn findings(
        &self,
        (attack, model): (&str, &Alignment),
        (labelled, row): (&LabelledTrace, usize),
        cost: Utility,
    ) -> Findings {
        let privacy = PrivacyReport::unmeasured(attack, "one trace is explained, none is scored");
        let mut findings = Findings::new(cost, privacy);
        let extras = &mut findings.privacy.extras;
        extras.set("finding", self.finding()).set("verdict", &self.verdict);
        extras.set("alignment", self.document(labelled, row));
        findings
            .count("columns", model.columns(self.index))
            .count("runs", self.runs())
            .count("runs beyond the first 500, not looked at", model.runs_left_out(&labelled.trace))
            .count("steps", self.steps());
        findings
    }

    /// The class that it stands beside.
    pub fn class(&self) -> &str {
        &self.class
    }

    /// The column of that class.
    pub fn index(&self) -> usize {
        self.index
    }

    /// What the model makes of the trace.
    pub fn verdict(&self) -> &str {
        &self.verdict
    }

    /// Steps of the alignment.
    pub fn steps(&self) -> usize {
        self.path.steps.len()
    }

    /// The picture of it, as SVG.
    pub fn picture(&self, labelled: &LabelledTrace) -> String {
        let finding = self.finding();
        crate::picture::alignment(&AlignedTrace {
            title: &format!("What speaks for class {}: trace ({})", self.class, labelled.key),
            lines: &[finding.as_str(), &self.verdict],
            steps: &self.path.steps,
            signed: self.view == AlignmentView::Bursts,
        })
    }

    /// Runs of the trace that were looked at.
    pub fn runs(&self) -> usize {
        self.path.steps.last().map_or(0, |step| step.runs.end)
    }

    /// What a run is called.
    fn noun(&self) -> &'static str {
        match self.view {
            AlignmentView::Answers => "answer",
            AlignmentView::Bursts => "burst",
        }
    }

    /// All evidence, the end of the trace included.
    fn evidence(&self) -> f64 {
        self.path.steps.iter().map(|step| step.evidence).sum::<f64>() + self.path.end
    }

    /// What the picture shows, in words.
    pub fn finding(&self) -> String {
        let steps = &self.path.steps;
        let of = |kind: StepKind| steps.iter().filter(|step| step.kind == kind).count();
        let (columns, lost) = (steps.last().map_or(0, |step| step.columns.end), of(StepKind::Loss));
        let mut text = format!("{} of {columns} columns match", columns - lost);
        let joins = [(of(StepKind::Split), "split", "splits"), (of(StepKind::Merge), "merge", "merges")];
        let joins: Vec<String> =
            joins.into_iter().filter(|(n, ..)| *n > 0).map(|(n, one, many)| number(n, one, many)).collect();
        if !joins.is_empty() {
            text += &format!(" (with {})", joins.join(" and "));
        }
        let noun = self.noun();
        let extra = number(of(StepKind::Insertion), &format!("{noun} is"), &format!("{noun}s are"));
        text += &format!(", {lost} {} lost, {extra} extra. ", if lost == 1 { "is" } else { "are" });
        let strongest = |sign: f64| {
            let step = steps.iter().max_by(|a, b| (sign * a.evidence).total_cmp(&(sign * b.evidence)));
            step.filter(|step| sign * step.evidence > 0.0)
        };
        let class = &self.class;
        match strongest(1.0) {
            Some(step) => {
                text +=
                    &format!("{} speaks most for class {class} ({:+.1} nats)", capital(&self.name(step)), step.evidence)
            }
            None => text += &format!("Nothing speaks for class {class}"),
        }
        if let Some(step) = strongest(-1.0) {
            text += &format!(", {} most against it ({:+.1})", self.name(step), step.evidence);
        }
        text += &format!("; all together {:+.1} nats.", self.evidence());
        if let Some((rival, log)) = &self.rival {
            let ahead = self.log_likelihood - log;
            text += &match ahead >= 0.0 {
                true => format!(" By alignment, the next class, {rival}, is {ahead:.1} nats behind."),
                false => format!(" By alignment, class {rival} is {:.1} nats ahead.", -ahead),
            };
        }
        text
    }

    /// A step in words.
    fn name(&self, step: &Step) -> String {
        let noun = self.noun();
        let cells = || {
            let unit = if step.cells == [1.0] { "cell" } else { "cells" };
            format!("{} {unit}", self.sizes(&step.cells, &step.outgoing).join(" and "))
        };
        let column = || step.columns.start + 1;
        match step.kind {
            StepKind::Match => format!("the {noun} of {} at column {}", cells(), column()),
            StepKind::Split => format!("the {noun}s of {} that share column {}", cells(), column()),
            StepKind::Merge => format!("the {noun} of {} at columns {} and {}", cells(), column(), column() + 1),
            StepKind::Insertion => format!("the extra {noun} of {} before column {}", cells(), column()),
            StepKind::Loss => format!("the loss of column {}", column()),
        }
    }

    /// Sizes in cells, with a sign where the view tells directions.
    fn sizes(&self, cells: &[f64], outgoing: &[bool]) -> Vec<String> {
        let signed = self.view == AlignmentView::Bursts;
        cells
            .iter()
            .zip(outgoing)
            .map(|(&cells, &outgoing)| crate::picture::cells(cells, signed.then_some(outgoing)))
            .collect()
    }

    /// For the report; the trace is the one at `row` of its set.
    pub fn document(&self, labelled: &LabelledTrace, row: usize) -> serde_json::Value {
        let signed = self.view == AlignmentView::Bursts;
        let step = |step: &Step| {
            let numbers = |range: &Range<usize>| range.clone().map(|at| at + 1).collect();
            serde_json::to_value(StepDocument {
                kind: step.kind,
                columns: numbers(&step.columns),
                runs: numbers(&step.runs),
                expected_cells: &step.expected,
                cells: &step.cells,
                expected_outgoing: signed.then_some(&step.expected_outgoing),
                outgoing: signed.then_some(&step.outgoing),
                nats: step.nats,
                evidence_nats: step.evidence,
            })
        };
        let steps: Result<Vec<serde_json::Value>, _> = self.path.steps.iter().map(step).collect();
        let TraceKey { class, rep, session } = &labelled.key;
        json!({
            "class": self.class,
            "class_chosen": self.chosen,
            "class_probability": self.probability,
            "trace": { "class": class, "rep": rep, "session": session, "row": row + 1, "reason": "a trace may have no session" },
            "view": self.view,
            "evidence_nats": self.evidence(),
            "log_likelihood": self.log_likelihood,
            "next_class": self.rival.as_ref().map(|(class, log)| json!({ "class": class, "log_likelihood": log })),
            "numbered_from": 1,
            "end_nats": self.path.end,
            "steps": steps.expect("numbers and lists of them"),
            "reason": "next_class is null where the model knows one class only",
        })
    }

    /// The finding, the verdict, and the steps that say most; `written` is what is said of the files.
    pub fn text(&self, labelled: &LabelledTrace, written: impl FnOnce(&str) -> String) -> Text {
        let mut text = Text::new();
        text.lines(wrapped(&format!("Trace ({}) beside class {}, {}", labelled.key, self.class, self.chosen), NARROW));
        text.lines(wrapped(&self.finding(), NARROW)).lines(wrapped(&self.verdict, NARROW));
        let mut strongest: Vec<usize> = (0..self.path.steps.len()).collect();
        strongest.sort_by(|&a, &b| {
            let evidence = |at: usize| self.path.steps[at].evidence.abs();
            evidence(b).total_cmp(&evidence(a))
        });
        strongest.truncate(SHOWN);
        strongest.sort_unstable();
        let numbers =
            |range: &Range<usize>| range.clone().map(|at| (at + 1).to_string()).collect::<Vec<_>>().join(" + ");
        let row = |&at: &usize| {
            let step = &self.path.steps[at];
            let kind = crate::picture::word(step.kind).to_owned();
            let sizes = |cells: &[f64], outgoing: &[bool]| self.sizes(cells, outgoing).join(" + ");
            [
                numbers(&step.columns),
                sizes(&step.expected, &step.expected_outgoing),
                kind,
                sizes(&step.cells, &step.outgoing),
                numbers(&step.runs),
                format!("{:+.2}", step.evidence),
            ]
        };
        let rows: Vec<[String; 6]> = strongest.iter().map(row).collect();
        let left = self.path.steps.len() - rows.len();
        let more = if left > 0 { format!("; {left} weaker steps are in both") } else { String::new() };
        text.table(["column", "expects", "step", "has", self.noun(), "nats"], rows);
        text.lines(wrapped(&written(&more), NARROW));
        text
    }
}
