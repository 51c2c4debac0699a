//! Trained on each session or file, tested on every other; and within each, by folds.

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use serde::Serialize;
use serde_json::json;
use wfkit_classify::{Attack, Samples};
use wfkit_datasets::Observed;
use wfkit_evaluate::split::Pages;
use wfkit_evaluate::{
    FALSE_POSITIVES, MatrixCell, MatrixPart, ScoreRow, TRIVIAL, TransferMatrix, TransferSource, attack, in_order,
    sessions_of, sources,
};
use wfkit_metrics::{PrivacyReport, Utility};

use super::FOLDS;
use crate::cli;
use crate::commands::train::named;
use crate::context::{Context, count, write_picture, write_sheet};
use crate::input::{check_observed, read_labelled};
use wfkit_datasets::digests;
use wfkit_evaluate::Labelled;
use wfkit_report::text::{matrix_heat, sheet_of_parts};

/// What stands for the sessions of the input in place of files.
const SESSION: &str = "session";

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
    context.printer.text(&wfkit_report::text::matrix(&told, &cells, &matrix.names()))?;

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
        write_sheet(path, |form| sheet_of_parts(form, &report))?;
    }
    if let Some(path) = &options.picture {
        let title = format!("{}: trained on a {1}, tested on a {1}", attack.name(), asked.word());
        write_picture(path, &matrix_heat(&title, &told, &cells, &matrix.names()))?;
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
            let input = read_labelled(&self.paths, context)?;
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
        let inputs = self.paths.iter().map(|path| read_labelled(std::slice::from_ref(path), context));
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
