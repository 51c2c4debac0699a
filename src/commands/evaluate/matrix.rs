//! Trained on each session or file, tested on every other; and within each, by folds.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use wfkit_classify::{Attack, Samples};
use wfkit_datasets::Observed;
use wfkit_metrics::{ClassMap, PrivacyReport, Scores, Utility};

use super::drift::{by_session, in_order};
use super::markdown::section;
use super::modes::row;
use super::transfer::{Judge, Judged, Outcome, Source, known, short, short_accuracy, sources};
use super::{FOLDS, sheet};
use crate::cli;
use crate::commands::train::named;
use crate::context::{Context, count, digests, write};
use crate::input::{Labelled, check_observed};
use crate::measure::{TRIVIAL, attack};
use crate::picture::{HeatCell, heat};
use crate::printer::NARROW;
use crate::split::Pages;
use crate::words::hanging;

/// What stands for the sessions of the input in place of files.
const SESSION: &str = "session";

/// What false positives are, for the report.
const FALSE_POSITIVES: &str = "each class against all others by its own probability, at the highest threshold that finds at least this share of its \
                               traces: the share of the other tested traces that reach it; mean over the classes that have tested traces";

pub(super) fn run(options: &cli::Evaluate, context: &Context<'_>) -> Result<()> {
    let asked = Asked::of(options)?;
    let read = asked.read(options, context)?;
    let attack = named(&options.attack, &read.inputs[0])?;
    let matrix = Matrix::measure(&attack, &read.sources, options, context)?;
    let across =
        matrix.scores(context, |train, test| train != test)?.with_context(|| matrix.why_nothing(asked.word()))?;
    let within = matrix.scores(context, |train, test| train == test)?;
    let told = matrix.told(within.as_ref(), &across, asked.word());
    let cells = matrix.cells(options, context)?;
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
    count(&mut report.counts, "traces", read.sources.iter().map(Source::len).sum());
    count(&mut report.counts, "classes", matrix.classes.len());
    let scored = |judged: bool| matrix.outcomes.iter().filter(|cell| cell.judged.is_ok() == judged).count();
    count(&mut report.counts, "cells with a score", scored(true));
    count(&mut report.counts, "cells without a score", scored(false));
    let mut part = json!({
        "by": asked.word(),
        "order": read.order,
        "told": told,
        "within": within.as_ref().map(row),
        "across": row(&across),
        "learned_from": format!("across: all of a {0}; within: {1} of {2} folds of it, so a little less", asked.word(), folds(options) - 1, folds(options)),
        "false_positive_rate_is": FALSE_POSITIVES,
        "names": matrix.names(),
        "parts": matrix.parts(),
        "cells": cells,
        "reason": "within is null where no fold could be made; cells have their own reasons",
    });
    report.privacy.extras.set("split", format!("trained on each {0}, tested on every other", asked.word()));
    if matches!(read.inputs[0], Labelled::Traces(_)) && attack.name() != TRIVIAL {
        let trivial = Matrix::measure(&self::attack(TRIVIAL)?, &read.sources, options, context)?;
        let across = trivial.scores(context, |train, test| train != test)?.context("what the attack was tested on")?;
        let within = trivial.scores(context, |train, test| train == test)?;
        let told = trivial.told(within.as_ref(), &across, asked.word());
        report.privacy.extras.set("trivial", json!({ "attack": TRIVIAL, "told": told }));
        part["trivial"] = json!({ "within": within.as_ref().map(row), "across": row(&across) });
    }
    report.privacy.extras.set("matrix", part);
    if let Some(path) = &options.sheet {
        sheet::write_parts(path, &report)?;
    }
    if let Some(path) = &options.picture {
        let title = format!("{}: trained on a {1}, tested on a {1}", attack.name(), asked.word());
        write(path, picture(&title, &told, &cells, &matrix.names()))?;
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
            let (parts, without_session) = by_session(&input);
            let names: Vec<&str> = parts.iter().map(|(name, _)| name.as_str()).collect();
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
pub(super) fn few_sessions(option: &str, found: &[&str]) -> String {
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
    sources: Vec<Source>,
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

/// Outcomes row by row: trained on the source of the row, tested on that of the column.
struct Matrix<'a> {
    sources: &'a [Source],
    classes: ClassMap,
    outcomes: Vec<Outcome>,
}

impl<'a> Matrix<'a> {
    fn measure(attack: &Attack, sources: &'a [Source], options: &cli::Evaluate, context: &Context<'_>) -> Result<Self> {
        let classes = all_classes(sources);
        let judge = Judge { attack, all: &classes, duplicates: options.allow_duplicates, seed: context.seed };
        let (folds, pages) = (folds(options), Pages::shared(options.shared_pages));
        let bar = context.printer.progress(attack.name(), (sources.len() * (sources.len() + folds)) as u64);
        let mut outcomes = Vec::new();
        for (train, source) in sources.iter().enumerate() {
            let learned = known(std::slice::from_ref(source));
            let fitted = judge.fit(source.samples());
            bar.inc(1);
            for (test, tested) in sources.iter().enumerate() {
                outcomes.push(match &fitted {
                    _ if train == test => judge.inside(source, folds, pages, &|| bar.inc(1))?,
                    // A source of one class teaches nothing; the others still do.
                    Err(reason) => Outcome::none(reason.clone()),
                    Ok(fitted) => judge.elsewhere(fitted, &learned, tested)?,
                });
                bar.inc(u64::from(train != test));
            }
        }
        bar.finish_and_clear();
        Ok(Self { sources, classes, outcomes })
    }

    fn names(&self) -> Vec<&'a str> {
        self.sources.iter().map(|source| source.name.as_str()).collect()
    }

    fn parts(&self) -> Vec<Value> {
        let part = |source: &Source| {
            let own = source.samples().classes();
            let missing: Vec<&String> =
                self.classes.names().iter().filter(|name| own.index_of(name).is_none()).collect();
            json!({ "name": source.name, "traces": source.len(), "classes": own.len(), "missing_classes": missing })
        };
        self.sources.iter().map(part).collect()
    }

    /// Train, test and outcome of every cell.
    fn all(&self) -> impl Iterator<Item = (usize, usize, &Outcome)> {
        let n = self.sources.len();
        self.outcomes.iter().enumerate().map(move |(at, outcome)| (at / n, at % n, outcome))
    }

    /// Of all cells together that are meant and have some; a trace counts once for each that tested it.
    fn scores(&self, context: &Context<'_>, meant: impl Fn(usize, usize) -> bool) -> Result<Option<Scores>> {
        let cells = self.all().filter(|&(train, test, _)| meant(train, test));
        let judged = Judged::pooled(cells.filter_map(|(.., outcome)| outcome.judged.as_ref().ok()));
        judged.map(|judged| judged.scores(context.seed)).transpose()
    }

    fn told(&self, within: Option<&Scores>, across: &Scores, word: &str) -> String {
        let accuracy = |scores: &Scores| short_accuracy(&row(scores)).unwrap_or_else(|| "-".to_owned());
        let within = within.map_or_else(
            || {
                let reason =
                    self.all().find(|(train, test, _)| train == test).and_then(|(.., cell)| cell.judged.as_ref().err());
                format!("none ({})", reason.map_or("no folds", String::as_str))
            },
            accuracy,
        );
        format!("within one {word} accuracy {within}; across {word}s {}", accuracy(across))
    }

    fn cells(&self, options: &cli::Evaluate, context: &Context<'_>) -> Result<Vec<Value>> {
        let (names, folds) = (self.names(), folds(options));
        let cell = |(train, test, outcome): (usize, usize, &Outcome)| {
            let all = self.sources[train].len();
            let (place, trained_on) = if train == test { ("within", all - all / folds) } else { ("across", all) };
            let which = json!({ "train": names[train], "test": names[test], "where": place, "trained_on": trained_on });
            outcome.told(which, self.sources[test].len(), context.seed)
        };
        self.all().map(cell).collect()
    }

    fn why_nothing(&self, word: &str) -> String {
        let reasons = self.all().filter(|(train, test, _)| train != test);
        let told: BTreeSet<&String> = reasons.filter_map(|(.., cell)| cell.judged.as_ref().err()).collect();
        let told: Vec<&str> = told.into_iter().map(String::as_str).collect();
        format!(
            "no {word} could be tested after learning from another: {}; wfkit dataset validate names twins, --allow-duplicates scores them \
             all the same, and wfkit dataset info tells classes and sessions",
            told.join("; ")
        )
    }
}

pub(super) fn all_classes(sources: &[Source]) -> ClassMap {
    let of = |source: &Source| source.samples().classes().names().to_vec();
    ClassMap::from_labels(sources.iter().flat_map(of))
}

fn accuracy_of(cells: &[Value], train: usize, test: usize, n: usize) -> Option<f64> {
    cells[train * n + test]["accuracy"].as_f64()
}

/// Accuracies as lines of 80 columns at most: what does not fit is left to the report, and told. Then why cells have none.
fn table(cells: &[Value], names: &[&str]) -> Vec<String> {
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
            let text = accuracy_of(cells, train, test, n).map_or_else(|| "-".to_owned(), short);
            let text = if train == test { format!("[{text}]") } else { format!("{text} ") };
            let _ = write!(line, "{text:>CELL$}");
        }
        lines.push(line.trim_end().to_owned());
    }
    if shown < n {
        lines.push(format!("the first {shown} of {n}; all of them with --picture, --sheet or --format json"));
    }
    let without: Vec<&Value> = cells.iter().filter(|cell| cell["accuracy"].is_null()).collect();
    const NOTES: usize = 5;
    for cell in without.iter().take(NOTES) {
        let text = |name: &str| cell[name].as_str().unwrap_or_default();
        lines.extend(hanging(&format!("no score: {} -> {}: {}", text("train"), text("test"), text("reason"))));
    }
    if without.len() > NOTES {
        lines.push(format!("{} more without a score", without.len() - NOTES));
    }
    let unknown: u64 = cells.iter().filter_map(|cell| cell["left_out_class_not_trained_on"].as_u64()).sum();
    if unknown > 0 {
        lines.extend(hanging(&format!(
            "{unknown} tests are in no score: of classes that were not trained on there, or, within, have one load"
        )));
    }
    lines
}

/// The beginning and the end of a name that is too long.
fn abbreviated(name: &str, width: usize) -> String {
    let letters: Vec<char> = name.chars().collect();
    if letters.len() <= width {
        return name.to_owned();
    }
    let (start, end) = ((width - 1) / 2, width - 1 - (width - 1) / 2);
    letters[..start].iter().chain(&['…']).chain(&letters[letters.len() - end..]).collect()
}

fn picture(title: &str, told: &str, cells: &[Value], names: &[&str]) -> String {
    let cell = |value: &Value| {
        let interval = &value["accuracy_95"];
        HeatCell {
            value: value["accuracy"].as_f64(),
            interval: interval["low"].as_f64().zip(interval["high"].as_f64()),
            within: value["where"] == "within",
            columns: [&value["n"], &value["roc_auc_macro_ovr"], &value["log_loss"]].map(|number| {
                match number.as_f64() {
                    Some(number) if number.fract() == 0.0 => format!("{number}"),
                    Some(number) => format!("{number:.4}"),
                    None => "-".to_owned(),
                }
            }),
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
    use super::*;

    fn cells(n: usize) -> Vec<Value> {
        let cell = |at: usize| {
            let (train, test) = (at / n, at % n);
            let accuracy = (at != 1).then_some(if train == test { 1.0 } else { 0.25 });
            json!({ "train": format!("s{train}"), "test": format!("s{test}"), "n": 4, "accuracy": accuracy, "reason": "two learned",
                    "where": if train == test { "within" } else { "across" }, "left_out_class_not_trained_on": 1 })
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
        assert_eq!(abbreviated("a-session-with-a-very-long-name-12", 11), "a-ses…me-12");
    }
}
