//! `wfkit dataset`: look at, convert, check and split trace files.

mod audit;
mod convert;
mod public;
mod relabel;
mod retime;
mod select;
mod show;
mod split;

use std::path::{Path, PathBuf};

use anyhow::Result;
use wfkit_datasets::{Findings, PUBLIC_SETS, classes_of, digests, doubts};
use wfkit_evaluate::Traces;
use wfkit_report::text;

use super::merge;
use crate::cli;
use crate::context::Context;
use crate::input::read_traces;

pub(crate) fn run(command: &cli::Dataset, context: &Context<'_>) -> Result<()> {
    match command {
        cli::Dataset::Info { traces, full } => info(traces, *full, context),
        cli::Dataset::Show { traces, classes, each, most } => {
            show::run(traces, classes.as_ref(), (*each, *most), context)
        }
        cli::Dataset::List => context.printer.shown(&PUBLIC_SETS, text::public_sets),
        cli::Dataset::Describe { set } => context.printer.shown(set, || text::public_set(set)),
        cli::Dataset::Import { set, paths, out } => public::import(set, paths, out, context),
        cli::Dataset::Filter { traces, wanted, out } => select::filter(traces, wanted, out, context),
        cli::Dataset::Sample { traces, traces_each, classes, out } => {
            select::sample(traces, (*classes, *traces_each), out, context)
        }
        cli::Dataset::Convert(options) => convert::run(options, context),
        cli::Dataset::Merge { parts, out } => merge::run(parts, out, context),
        cli::Dataset::Validate { traces } => validate(traces, context),
        cli::Dataset::Audit { traces, attack, folds } => audit::run(traces, attack, usize::from(*folds), context),
        cli::Dataset::Relabel { traces, monitored, unmonitored, out } => {
            relabel::run(traces, &monitored.0, unmonitored, out, context)
        }
        cli::Dataset::Retime { traces, rtt, from_rtt, out } => retime::run(traces, *rtt, from_rtt.0, out, context),
        cli::Dataset::Split { traces, how, out } => split::run(traces, how, out, context),
    }
}

/// Prints the report of a stage, which stands beside what it wrote.
fn conclude(
    stage: &str,
    paths: &[PathBuf],
    findings: Findings,
    out: Option<&Path>,
    context: &Context<'_>,
) -> Result<()> {
    context.finish_and_print(context.report(stage, digests(paths)?, findings), out)
}

/// Writes traces that were made of others, with their report, to which `add` adds.
fn write(
    stage: &str,
    (paths, out): (&[PathBuf], &Path),
    made: &Traces,
    add: impl FnOnce(&mut Findings),
    context: &Context<'_>,
) -> Result<()> {
    context.write_traces(out, &made.set)?;
    let mut findings = made.findings(context.setting())?;
    add(&mut findings);
    conclude(stage, paths, findings, Some(out), context)
}

/// Classes that are listed unless all are asked for.
const CLASSES_SHOWN: usize = 20;

fn info(paths: &[PathBuf], full: bool, context: &Context<'_>) -> Result<()> {
    let traces = read_traces(paths, context)?;
    let mut findings = traces.findings(context.setting())?;
    let classes = classes_of(&traces.set);
    findings.utility.extras.set("by_class", &classes);
    if context.printer.is_json() || full {
        conclude("dataset info", paths, findings, None, context)?;
    } else {
        let report = context.report("dataset info", digests(paths)?, findings);
        context.printer.text(&text::set(&traces.set, &classes, &report))?;
    }
    context.printer.text(&text::classes(&classes, if full { classes.len() } else { CLASSES_SHOWN }))
}

/// Reading refuses what is wrong; what is left to say is what is suspicious.
fn validate(paths: &[PathBuf], context: &Context<'_>) -> Result<()> {
    let traces = read_traces(paths, context)?;
    let findings = traces.findings(context.setting())?;
    let doubts = doubts(&traces.set);
    doubts.iter().for_each(|doubt| context.printer.warn(doubt));
    conclude("dataset validate", paths, findings, None, context)?;
    context.printer.line(&text::validated(doubts.len()))
}
