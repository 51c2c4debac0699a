//! `wfkit plot alignment`: one trace beside what a class expects.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail, ensure};
use serde::Serialize;
use serde_json::json;
use wfkit_classify::alignment::{Alignment, AlignmentView, Path, Step, StepKind};
use wfkit_classify::{FittedAttack, Samples};
use wfkit_datasets::{LabelledTrace, TraceKey, TraceSet, canonical_class};
use wfkit_evaluate::capital;
use wfkit_metrics::{ClassMap, PrivacyReport, Utility, did_you_mean_one_of};

use crate::cli::PlotAlignment;
use crate::commands::predict::load;
use crate::context::{Context, count, digests, drawn_as, report_path, write_picture};
use crate::input::{check_observed, list, read_traces};
use wfkit_report::picture::{AlignedTrace, alignment};
use wfkit_report::words::{NARROW, number, wrapped};

/// Steps of the table; the report has all of them.
const SHOWN: usize = 16;

pub(super) fn run(options: &PlotAlignment, context: &Context<'_>) -> Result<()> {
    drawn_as(&options.out)?;
    let fitted = load(&options.model)?;
    let model = fitted.model().alignment().with_context(|| {
        let (path, attack) = (options.model.display(), &fitted.about().attack);
        format!(
            "{path}: a model of the attack {attack} without an alignment, so there is nothing to show; train one with \
             wfkit train TRACES --attack alignment --out MODEL"
        )
    })?;
    let traces = read_traces(&options.traces, context)?;
    let set = &traces.set;
    let asked = options.class.as_deref().map(|name| class_of(name, fitted.classes(), "the model")).transpose()?;
    let of = Chosen { trace: options.trace.as_deref(), row: options.row, class: options.class.as_deref() };
    let row = chosen(&of, &options.traces, set)?;
    let one = set.select(&[row]);
    let observed = Samples::Traces(&one).observed();
    check_observed(fitted.about().observed.as_ref(), observed.as_ref(), options.any_layer, context)?;

    let labelled = &set.traces()[row];
    let explained = Explained::of(&fitted, model, &one, labelled, asked)?;
    let finding = explained.finding();
    let picture = AlignedTrace {
        title: &format!("What speaks for class {}: trace ({})", explained.class, labelled.key),
        lines: &[finding.as_str(), &explained.verdict],
        steps: &explained.path.steps,
        signed: explained.view == AlignmentView::Bursts,
    };
    write_picture(&options.out, &alignment(&picture))?;

    let mut privacy = PrivacyReport::unmeasured(&fitted.about().attack, "one trace is explained, none is scored");
    privacy.extras.set("finding", &finding).set("verdict", &explained.verdict);
    privacy.extras.set("alignment", explained.told(labelled, row));
    let inputs: Vec<_> = std::iter::once(&options.model).chain(&options.traces).cloned().collect();
    let mut report = context.stage("plot alignment", digests(&inputs)?, Utility::of(&one.volumes()), privacy);
    report.dropped = traces.dropped;
    count(&mut report.counts, "columns", model.columns(explained.index));
    count(&mut report.counts, "runs", explained.runs());
    count(&mut report.counts, "runs beyond the first 500, not looked at", model.runs_left_out(&labelled.trace));
    count(&mut report.counts, "steps", explained.path.steps.len());
    context.finish(&mut report, Some(&options.out))?;
    if context.printer.is_json() {
        return context.printer.document(&report);
    }
    explained.print(labelled, options, context)
}

/// Which trace is meant, at most one way.
pub(super) struct Chosen<'a> {
    pub(super) trace: Option<&'a str>,
    pub(super) row: Option<u32>,
    pub(super) class: Option<&'a str>,
}

/// The number of a class, however its name is written.
pub(super) fn class_of(name: &str, classes: &ClassMap, whose: &str) -> Result<usize> {
    let names = classes.names().iter().map(String::as_str);
    let of = |name: &str| classes.index_of(name);
    of(&canonical_class(name)).with_context(|| {
        let (meant, some) = (did_you_mean_one_of(name, names.clone()), names.clone().take(8).collect::<Vec<_>>());
        let more = if classes.len() > some.len() { ", ..." } else { "" };
        format!("class {name}: {whose} has no such class{meant}; it has {}{more}", some.join(", "))
    })
}

/// The row of the trace that is meant.
pub(super) fn chosen(of: &Chosen<'_>, paths: &[PathBuf], set: &TraceSet) -> Result<usize> {
    let paths = list(paths);
    let key = |row: usize| &set.traces()[row].key;
    match (of.trace, of.row, of.class) {
        (Some(text), _, _) => by_name(text, set).with_context(|| format!("--trace {text}: not in {paths}")),
        (None, Some(number), _) => {
            let row = number as usize - 1;
            ensure!(row < set.len(), "--row {number}: {paths} has {} traces, numbered from 1", set.len());
            Ok(row)
        }
        (None, None, Some(class)) => {
            let wanted = canonical_class(class);
            (0..set.len()).find(|&row| key(row).class == wanted).with_context(|| {
                format!("--class {class}: {paths} has no trace of it; name a trace by --trace or --row")
            })
        }
        (None, None, None) => Ok(0),
    }
}

/// The row of `CLASS:REP` or `CLASS:REP:SESSION`; classes and sessions may have colons in them.
fn by_name(text: &str, set: &TraceSet) -> Result<usize> {
    let key = |row: usize| &set.traces()[row].key;
    let rows: Vec<usize> = (0..set.len()).filter(|&row| is_called(key(row), text)).collect();
    match rows.as_slice() {
        [row] => return Ok(*row),
        [] => {}
        // One without a session has no longer name.
        several => match several.iter().find(|&&row| key(row).session.is_none()) {
            Some(&row) => return Ok(row),
            None => {
                let names: Vec<String> = several
                    .iter()
                    .take(5)
                    .filter_map(|&row| Some(format!("{text}:{}", key(row).session.as_ref()?)))
                    .collect();
                bail!("{} sessions have it; say which: {} ..", several.len(), names.join(", "))
            }
        },
    }
    let (class, rest) = text.split_once(':').context("a trace is called CLASS:REP or CLASS:REP:SESSION")?;
    class_of(class, &set.classes(), "the file")?;
    let of_class = set.traces().iter().map(|labelled| &labelled.key).filter(|key| key.class == canonical_class(class));
    let name = |key: &TraceKey| match &key.session {
        Some(session) => format!("{}:{}:{session}", key.class, key.rep),
        None => format!("{}:{}", key.class, key.rep),
    };
    let names: Vec<String> = of_class.map(name).collect();
    bail!("class {class} has no trace {rest}, but {} such as {}", names.len(), names[..names.len().min(3)].join(", "))
}

fn is_called(key: &TraceKey, text: &str) -> bool {
    text.match_indices(':').any(|(colon, _)| {
        let (class, rest) = (&text[..colon], &text[colon + 1..]);
        let (rep, session) = rest.split_once(':').map_or((rest, None), |(rep, session)| (rep, Some(session)));
        key.class == canonical_class(class)
            && rep.parse() == Ok(key.rep)
            && session.is_none_or(|session| key.session.as_deref() == Some(session))
    })
}

/// One trace aligned with one class, and what the model makes of it.
struct Explained {
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
struct Told<'a> {
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

impl Explained {
    fn of(
        fitted: &FittedAttack,
        model: &Alignment,
        one: &TraceSet,
        labelled: &LabelledTrace,
        asked: Option<usize>,
    ) -> Result<Self> {
        let names = fitted.classes().names();
        let probabilities = fitted.predict(Samples::Traces(one))?;
        let probable = probabilities.argmax()[0];
        let index = asked.unwrap_or(probable);
        let class = names[index].clone();
        let path = model
            .explain(index, &labelled.trace)
            .with_context(|| format!("class {class}: the alignment has learned from no trace of it"))?;
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

    fn runs(&self) -> usize {
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
    fn finding(&self) -> String {
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
            .map(|(&cells, &outgoing)| wfkit_report::picture::cells(cells, signed.then_some(outgoing)))
            .collect()
    }

    /// For the report.
    fn told(&self, labelled: &LabelledTrace, row: usize) -> serde_json::Value {
        let signed = self.view == AlignmentView::Bursts;
        let step = |step: &Step| {
            let numbers = |range: &std::ops::Range<usize>| range.clone().map(|at| at + 1).collect();
            serde_json::to_value(Told {
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

    fn print(&self, labelled: &LabelledTrace, options: &PlotAlignment, context: &Context<'_>) -> Result<()> {
        let printer = context.printer;
        let say = |text: &str| wrapped(text, NARROW).iter().try_for_each(|line| printer.line(line));
        say(&format!("Trace ({}) beside class {}, {}", labelled.key, self.class, self.chosen))?;
        say(&self.finding())?;
        say(&self.verdict)?;
        let mut strongest: Vec<usize> = (0..self.path.steps.len()).collect();
        strongest.sort_by(|&a, &b| {
            let evidence = |at: usize| self.path.steps[at].evidence.abs();
            evidence(b).total_cmp(&evidence(a))
        });
        strongest.truncate(SHOWN);
        strongest.sort_unstable();
        let numbers = |range: &std::ops::Range<usize>| {
            range.clone().map(|at| (at + 1).to_string()).collect::<Vec<_>>().join(" + ")
        };
        let row = |&at: &usize| {
            let step = &self.path.steps[at];
            let kind = wfkit_report::picture::word(step.kind).to_owned();
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
        let run = self.noun();
        printer.table(["column", "expects", "step", "has", run, "nats"], &rows)?;
        let left = self.path.steps.len() - rows.len();
        let more = if left > 0 { format!("; {left} weaker steps are in both") } else { String::new() };
        let (picture, data) = (options.out.display(), report_path(&options.out));
        say(&format!("{picture}, with its data in {}{more}", data.display()))
    }
}
