//! Trained on each session or file, tested on every other; and within each, by folds.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use serde::Serialize;
use serde_json::{Value, json};
use wfkit_classify::{Attack, Samples};
use wfkit_datasets::Observed;
use wfkit_evaluate::split::Pages;
use wfkit_evaluate::{
    MatrixCell, MatrixPart, ScoreRow, Scored, TRIVIAL, TransferMatrix, TransferSource, attack, in_order, sessions_of,
    short, sources,
};
use wfkit_metrics::{PrivacyReport, Utility};

use super::markdown::section;
use super::{FOLDS, sheet};
use crate::cli;
use crate::commands::train::named;
use crate::context::{Context, count, digests, write_picture};
use crate::input::{Labelled, check_observed};
use wfkit_report::picture::{HeatCell, heat};
use wfkit_report::words::{NARROW, abbreviated, hanging};

/// What stands for the sessions of the input in place of files.
const SESSION: &str = "session";

/// What false positives are, for the report.
const FALSE_POSITIVES: &str = "each class against all others by its own probability, at the highest threshold that finds at least this share of its \
                               traces: the share of the other tested traces that reach it; mean over the classes that have tested traces";

/// A matrix in a report.
#[derive(Serialize)]
struct Part<'a> {
    by: &'a str,
    order: &'a str,
    told: &'a str,
    within: Option<ScoreRow>,
    across: ScoreRow,
    learned_from: String,
    false_positive_rate_is: &'static str,
    names: Vec<&'a str>,
    parts: Vec<MatrixPart>,
    cells: &'a [MatrixCell],
    reason: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    trivial: Option<Ends>,
}

/// Within and across.
#[derive(Serialize)]
struct Ends {
    within: Option<ScoreRow>,
    across: ScoreRow,
}

pub(super) fn run(options: &cli::Evaluate, context: &Context<'_>) -> Result<()> {
    let asked = Asked::of(options)?;
    let read = asked.read(options, context)?;
    let attack = named(&options.attack, &read.inputs[0])?;
    let measure = |attack: &Attack| {
        let how = (folds(options), Pages::shared(options.shared_pages));
        TransferMatrix::measure(attack, &read.sources, how, options.allow_duplicates, context.setting())
    };
    let matrix = measure(&attack)?;
    let across = matrix.scores(false, context.seed)?.with_context(|| why_nothing(&matrix, asked.word()))?;
    let within = matrix.scores(true, context.seed)?;
    let told = matrix.told(within.as_ref(), &across, asked.word());
    let cells = matrix.cells(context.seed)?;
    context.printer.line(&told)?;
    for line in table(&cells, &matrix.names()) {
        context.printer.line(&line)?;
    }

    let mut report =
        context.stage("evaluate", digests(&asked.paths)?, read.utility(), PrivacyReport::of(attack.name(), &across));
    for (reason, traces) in read.inputs.iter().flat_map(Labelled::dropped) {
        *report.dropped.entry(reason).or_default() += traces;
    }
    if read.without_session > 0 {
        report.dropped.insert("trace without session".to_owned(), read.without_session as u64);
    }
    count(&mut report.counts, &format!("{}s", asked.word()), read.sources.len());
    count(&mut report.counts, "traces", read.sources.iter().map(TransferSource::len).sum());
    count(&mut report.counts, "classes", matrix.classes().len());
    let (with, without) = matrix.cells_with_and_without_score();
    count(&mut report.counts, "cells with a score", with);
    count(&mut report.counts, "cells without a score", without);
    let mut part = Part {
        by: asked.word(),
        order: &read.order,
        told: &told,
        within: within.as_ref().map(ScoreRow::from),
        across: ScoreRow::from(&across),
        learned_from: format!(
            "across: all of a {0}; within: {1} of {2} folds of it, so a little less",
            asked.word(),
            folds(options) - 1,
            folds(options)
        ),
        false_positive_rate_is: FALSE_POSITIVES,
        names: matrix.names(),
        parts: matrix.parts(),
        cells: &cells,
        reason: "within is null where no fold could be made; cells have their own reasons",
        trivial: None,
    };
    report.privacy.extras.set("split", format!("trained on each {0}, tested on every other", asked.word()));
    if matches!(read.inputs[0], Labelled::Traces(_)) && attack.name() != TRIVIAL {
        let trivial = measure(&self::attack(TRIVIAL)?)?;
        let across = trivial.scores(false, context.seed)?.context("what the attack was tested on")?;
        let within = trivial.scores(true, context.seed)?;
        let told = trivial.told(within.as_ref(), &across, asked.word());
        report.privacy.extras.set("trivial", json!({ "attack": TRIVIAL, "told": told }));
        part.trivial = Some(Ends { within: within.as_ref().map(ScoreRow::from), across: ScoreRow::from(&across) });
    }
    report.privacy.extras.set("matrix", part);
    if let Some(path) = &options.sheet {
        sheet::write_parts(path, &report)?;
    }
    if let Some(path) = &options.picture {
        let title = format!("{}: trained on a {1}, tested on a {1}", attack.name(), asked.word());
        write_picture(path, &picture(&title, &told, &cells, &matrix.names()))?;
    }
    context.finish_and_print(report, None)
}

fn folds(options: &cli::Evaluate) -> usize {
    options.folds.map_or(FOLDS, usize::from)
}

/// What is compared: the sessions of all files together, or the files.
struct Asked {
    by_session: bool,
    paths: Vec<PathBuf>,
}

impl Asked {
    fn of(options: &cli::Evaluate) -> Result<Self> {
        let (first, rest) = options.matrix.split_first().context("--matrix was given")?;
        let by_session = first.as_os_str() == SESSION;
        let own = if by_session { rest } else { &options.matrix };
        let paths: Vec<PathBuf> = options.input.iter().chain(own).cloned().collect();
        if by_session {
            ensure!(!paths.is_empty(), "--matrix session needs traces: wfkit evaluate TRACES --matrix session");
        } else {
            ensure!(
                options.input.is_empty(),
                "--matrix takes the files to compare itself: wfkit evaluate --matrix A.parquet B.parquet; the sessions of one file are compared \
                 with wfkit evaluate TRACES --matrix session"
            );
            ensure!(
                paths.len() > 1,
                "--matrix {0}: one file is compared with nothing; add another file, or compare its sessions: wfkit evaluate {0} --matrix session",
                first.display()
            );
        }
        Ok(Self { by_session, paths })
    }

    fn word(&self) -> &'static str {
        if self.by_session { SESSION } else { "file" }
    }

    fn read(&self, options: &cli::Evaluate, context: &Context<'_>) -> Result<Read> {
        if self.by_session {
            let input = Labelled::read(&self.paths, context)?;
            let (parts, without_session) = sessions_of(input.samples());
            let names: Vec<String> = parts.iter().map(|(name, _)| name.clone()).collect();
            ensure!(parts.len() > 1, few_sessions("--matrix session", &names));
            if without_session > 0 {
                context
                    .warn_of_input(&format!("{without_session} traces without session are in no part of the matrix"));
            }
            let (sources, order) = in_order(sources(parts));
            return Ok(Read { sources, order, inputs: vec![input], without_session });
        }
        let inputs = self.paths.iter().map(|path| Labelled::read(std::slice::from_ref(path), context));
        let inputs = inputs.collect::<Result<Vec<Labelled>>>()?;
        let is_traces = |input: &Labelled| matches!(input, Labelled::Traces(_));
        ensure!(
            inputs.iter().all(|input| is_traces(input) == is_traces(&inputs[0])),
            "--matrix compares traces with traces, or features with features"
        );
        for (path, input) in self.paths.iter().zip(&inputs).skip(1) {
            check(&inputs[0], input, options.any_layer, context)
                .with_context(|| format!("{} and {}", self.paths[0].display(), path.display()))?;
        }
        let parts = names(&self.paths).into_iter().zip(&inputs).map(|(name, input)| {
            let samples = input.samples();
            let rows: Vec<usize> = (0..samples.len()).collect();
            (name, samples.select(&rows))
        });
        Ok(Read { sources: sources(parts.collect()), order: "as given".to_owned(), inputs, without_session: 0 })
    }
}

/// What there is to do where sessions are too few to be compared.
pub(super) fn few_sessions(option: &str, found: &[String]) -> String {
    match found {
        [] => format!(
            "{option} needs two sessions at least, and no trace says which it is of; sessions are named on import (wfkit capture import --label \
             with a group (?P<session>...), or a manifest), and files are compared with --matrix A.parquet B.parquet"
        ),
        all => format!(
            "{option} needs two sessions at least, found {} ({}); give files of other sessions too, compare files with --matrix A.parquet B.parquet, \
             or test within the session: wfkit evaluate TRACES",
            all.len(),
            all.join(", ")
        ),
    }
}

/// Refuses what was observed otherwise, but from where: that is what may be compared.
fn check(first: &Labelled, other: &Labelled, any_layer: bool, context: &Context<'_>) -> Result<()> {
    let of = |input: &Labelled| input.samples().observed();
    let (first, other) = (of(first), of(other));
    let moved = first.as_ref().zip(other).map(|(first, other)| Observed { vantage: first.vantage.clone(), ..other });
    check_observed(first.as_ref(), moved.as_ref(), any_layer, context)
}

/// Files by their name without folder and ending, where that tells them apart.
fn names(paths: &[PathBuf]) -> Vec<String> {
    let stem = |path: &PathBuf| {
        path.file_stem().map_or_else(|| path.display().to_string(), |stem| stem.to_string_lossy().into_owned())
    };
    let stems: Vec<String> = paths.iter().map(stem).collect();
    match stems.iter().collect::<BTreeSet<_>>().len() == paths.len() {
        true => stems,
        false => paths.iter().map(|path| path.display().to_string()).collect(),
    }
}

struct Read {
    inputs: Vec<Labelled>,
    sources: Vec<TransferSource>,
    /// What the sources are in the order of.
    order: String,
    without_session: usize,
}

impl Read {
    fn utility(&self) -> Utility {
        match &self.inputs[..] {
            [one] => one.utility(0..one.samples().len()),
            several => {
                let volumes: Option<Vec<_>> = several
                    .iter()
                    .map(|input| match input.samples() {
                        Samples::Traces(set) => Some(set.volumes()),
                        Samples::Features(_) => None,
                    })
                    .collect();
                volumes.map_or_else(
                    || Utility::unknown("a feature file does not tell what its traces cost"),
                    |volumes| Utility::of(&volumes.concat()),
                )
            }
        }
    }
}

fn why_nothing(matrix: &TransferMatrix<'_>, word: &str) -> String {
    format!(
        "no {word} could be tested after learning from another: {}; wfkit dataset validate names twins, --allow-duplicates scores them \
         all the same, and wfkit dataset info tells classes and sessions",
        matrix.reasons_across().join("; ")
    )
}

fn accuracy_of(cells: &[Value], train: usize, test: usize, n: usize) -> Option<f64> {
    cells[train * n + test]["accuracy"].as_f64()
}

/// Accuracies as lines of 80 columns at most: what does not fit is left to the report, and told. Then why cells have none.
fn table(cells: &[MatrixCell], names: &[&str]) -> Vec<String> {
    const CELL: usize = 6;
    let n = names.len();
    let label = names.iter().map(|name| name.chars().count()).max().unwrap_or(0).clamp(4, 24);
    let shown = n.min((NARROW - label - 4) / CELL);
    let mut lines = vec!["accuracy: trained on the row, tested on the column; [within, by folds]".to_owned()];
    let mut head = " ".repeat(label + 4);
    (1..=shown).for_each(|column| {
        let _ = write!(head, "{column:>CELL$}"); // Writing to a string does not fail.
    });
    lines.push(head);
    for (train, name) in names.iter().enumerate().take(shown) {
        let mut line = format!("{:>3} {:<label$}", train + 1, abbreviated(name, label));
        for test in 0..shown {
            let text = cells[train * n + test].accuracy().map_or_else(|| "-".to_owned(), short);
            let text = if train == test { format!("[{text}]") } else { format!("{text} ") };
            let _ = write!(line, "{text:>CELL$}");
        }
        lines.push(line.trim_end().to_owned());
    }
    if shown < n {
        lines.push(format!("the first {shown} of {n}; all of them with --picture, --sheet or --format json"));
    }
    let without: Vec<&MatrixCell> = cells.iter().filter(|cell| cell.accuracy().is_none()).collect();
    const NOTES: usize = 5;
    for cell in without.iter().take(NOTES) {
        lines.extend(hanging(&format!("no score: {} -> {}: {}", cell.train, cell.test, cell.scored.reason())));
    }
    if without.len() > NOTES {
        lines.push(format!("{} more without a score", without.len() - NOTES));
    }
    let unknown: usize = cells.iter().map(|cell| cell.left_out_class_not_trained_on).sum();
    if unknown > 0 {
        lines.extend(hanging(&format!(
            "{unknown} tests are in no score: of classes that were not trained on there, or, within, have one load"
        )));
    }
    lines
}

fn picture(title: &str, told: &str, cells: &[MatrixCell], names: &[&str]) -> String {
    let cell = |cell: &MatrixCell| {
        let row = cell.scored.row();
        let decimal = |value: Option<f64>| match value {
            Some(number) if number.fract() == 0.0 => format!("{number}"),
            Some(number) => format!("{number:.4}"),
            None => "-".to_owned(),
        };
        let n = match &cell.scored {
            Scored::Scores(scores) => scores.row.n,
            Scored::Missing { n, .. } => *n as u64,
        };
        HeatCell {
            value: cell.accuracy(),
            interval: row.and_then(|row| row.accuracy_95).map(|interval| (interval.low, interval.high)),
            within: cell.is_within(),
            columns: [
                n.to_string(),
                decimal(row.and_then(|row| row.roc_auc_macro_ovr)),
                decimal(row.and_then(|row| row.log_loss)),
            ],
        }
    };
    heat(title, told, names, &cells.iter().map(cell).collect::<Vec<_>>())
}

/// For the score sheet: the line, and the accuracies as a table.
pub(super) fn markdown(part: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().replace('|', "\\|");
    let empty = Vec::new();
    let list = |name: &str| part[name].as_array().unwrap_or(&empty).clone();
    let names: Vec<String> = list("names").iter().map(text).collect();
    let cells = list("cells");
    let mut lines = vec![
        format!("\n## matrix\n\n{}.\n", text(&part["told"])),
        format!("| trained on \\ tested on | {} |", names.join(" | ")),
        format!("|---|{}", "---|".repeat(names.len())),
    ];
    for (train, name) in names.iter().enumerate() {
        let cell = |test: usize| match accuracy_of(&cells, train, test, names.len()) {
            Some(accuracy) if train == test => format!("*{accuracy:.2}*"),
            Some(accuracy) => format!("{accuracy:.2}"),
            None => "-".to_owned(),
        };
        lines.push(format!("| {name} | {} |", (0..names.len()).map(cell).collect::<Vec<_>>().join(" | ")));
    }
    lines.push(format!("\nOn the diagonal, within by folds. False positive rates: {FALSE_POSITIVES}."));
    lines.join("\n") + "\n" + &section("cells of the matrix", &part["cells"])
}

#[cfg(test)]
mod tests {
    use wfkit_evaluate::{CellScores, FalsePositives};

    use super::*;

    fn cells(n: usize) -> Vec<MatrixCell> {
        let scores = |accuracy: f64| {
            Scored::Scores(CellScores {
                row: ScoreRow { n: 4, accuracy: Some(accuracy), ..ScoreRow::default() },
                origins: 4,
                false_positive_rate: FalsePositives { at_recall_50: None, at_recall_80: None, at_recall_95: None },
            })
        };
        let cell = |at: usize| {
            let (train, test) = (at / n, at % n);
            MatrixCell {
                train: format!("s{train}"),
                test: format!("s{test}"),
                r#where: if train == test { "within" } else { "across" },
                trained_on: 4,
                scored: match at {
                    1 => Scored::Missing { n: 4, accuracy: None, reason: "two learned".to_owned() },
                    _ => scores(if train == test { 1.0 } else { 0.25 }),
                },
                left_out_class_not_trained_on: 1,
            }
        };
        (0..n * n).map(cell).collect()
    }

    #[test]
    fn sources_are_rows_and_columns() {
        assert_eq!(
            table(&cells(2), &["monday", "tuesday"]).join("\n"),
            "accuracy: trained on the row, tested on the column; [within, by folds]\n                1     2\n  1 monday [1.00]    -\n  \
             2 tuesday  .25 [1.00]\nno score: s0 -> s1: two learned\n4 tests are in no score: of classes that were not trained on there, or, \
             within,\n  have one load"
        );
        let part = json!({ "told": "x", "names": ["a|b", "c"], "cells": cells(2) });
        assert!(markdown(&part).contains(
            "| trained on \\ tested on | a\\|b | c |\n|---|---|---|\n| a\\|b | *1.00* | - |\n| c | 0.25 | *1.00* |\n"
        ));
    }

    #[test]
    fn many_sources_with_long_names_fit_eighty_columns() {
        let names: Vec<String> = (0..40).map(|at| format!("a-session-with-a-very-long-name-{at}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let lines = table(&cells(40), &names);
        assert!(lines.iter().all(|line| line.chars().count() <= NARROW), "{lines:#?}");
        assert!(lines.iter().any(|line| line.starts_with("the first 8 of 40;")), "{lines:#?}");
    }
}
