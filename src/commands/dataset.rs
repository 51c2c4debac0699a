//! `wfkit dataset`: look at, convert, check and split trace files.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use wfkit_classify::Samples;
use wfkit_datasets::splits::Split;
use wfkit_datasets::{Groups, InfoOfParts, Layer, Overlap, PUBLIC_SETS, Together, classes_of, doubts, write_folds};
use wfkit_metrics::{PrivacyReport, StageReport, Utility};
use wfkit_report::text;

use super::{audit, convert, merge, public, relabel, retime, select, show};
use crate::cli;
use crate::context::{Context, count, count_set, make_folder};
use crate::input::read_traces;
use wfkit_datasets::digests;
use wfkit_evaluate::Traces;
use wfkit_evaluate::split::{Pages, by_moment, by_session, stratified, stratified_in};

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
        cli::Dataset::Split { traces, how, out } => split(traces, how, out, context),
    }
}

/// Classes that are listed unless all are asked for.
const CLASSES_SHOWN: usize = 20;

fn info(paths: &[PathBuf], full: bool, context: &Context<'_>) -> Result<()> {
    let traces = read_traces(paths, context)?;
    let mut report = describe("dataset info", paths, &traces, context)?;
    let classes = classes_of(&traces.set);
    report.utility.extras.set("by_class", &classes);
    if context.printer.is_json() || full {
        context.finish_and_print(report, None)?;
    } else {
        context.finish(&mut report, None)?;
        context.printer.text(&text::set(&traces.set, &classes, &report))?;
    }
    context.printer.text(&text::classes(&classes, if full { classes.len() } else { CLASSES_SHOWN }))
}

/// The traces as the user wants copies of one load to be written; those that are left out are counted.
pub(crate) fn choose_copies(mut traces: Traces, copies: cli::Copies) -> Traces {
    if copies.one_copy {
        let left_out;
        (traces.set, left_out) = traces.set.one_copy_each();
        if left_out > 0 {
            traces.dropped.insert("another copy of a load".to_owned(), left_out as u64);
        }
    }
    if copies.lose_origins {
        traces.set = traces.set.without_origins();
    }
    traces
}

/// Reading refuses what is wrong; what is left to say is what is suspicious.
fn validate(paths: &[PathBuf], context: &Context<'_>) -> Result<()> {
    let traces = read_traces(paths, context)?;
    let report = describe("dataset validate", paths, &traces, context)?;
    let doubts = doubts(&traces.set);
    doubts.iter().for_each(|doubt| context.printer.warn(doubt));
    context.finish_and_print(report, None)?;
    context.printer.line(&match doubts.len() {
        0 => "verdict: nothing is wrong, and nothing suspicious".to_owned(),
        1 => "verdict: readable; one thing is suspicious and named above".to_owned(),
        doubts => format!("verdict: readable; {doubts} things are suspicious and named above"),
    })
}

/// The report of traces, with what the trivial attack finds in them.
pub(super) fn describe(stage: &str, paths: &[PathBuf], traces: &Traces, context: &Context<'_>) -> Result<StageReport> {
    describe_as(stage, paths, traces, context.trivial(&traces.set)?, context)
}

/// The report of traces that give away this.
pub(super) fn describe_as(
    stage: &str,
    paths: &[PathBuf],
    traces: &Traces,
    privacy: PrivacyReport,
    context: &Context<'_>,
) -> Result<StageReport> {
    let mut seen = InfoOfParts::default();
    seen.see(&traces.set);
    describe_seen(stage, paths, (&seen, traces.set.provenance().layer), privacy, context)
        .map(|report| StageReport { dropped: traces.dropped.clone(), ..report })
}

/// The same of traces that have gone by, whose sizes are those of the layer; what was left out is still to be told.
pub(super) fn describe_seen(
    stage: &str,
    paths: &[PathBuf],
    (seen, layer): (&InfoOfParts, Layer),
    privacy: PrivacyReport,
    context: &Context<'_>,
) -> Result<StageReport> {
    let mut report = context.stage(stage, digests(paths)?, Utility::of(seen.volumes()), privacy);
    seen.describe(&mut report, layer);
    Ok(report)
}

fn split(paths: &[PathBuf], how: &cli::HowToSplit, out: &Path, context: &Context<'_>) -> Result<()> {
    if let Some(folds) = how.folds {
        return write_folds_of(paths, usize::from(folds), how, out, context);
    }
    let traces = read_traces(paths, context)?;
    let set = &traces.set;
    let samples = Samples::Traces(set);
    let pages = Pages::shared(how.shared_pages);
    // One of so many folds is the test part.
    let folds = (100.0 / f64::from(how.test_percent)).round().max(2.0) as usize;
    let split: Split = match (how.split_by, &how.split_time) {
        (Some(cli::SplitBy::Session), _) => by_session(samples, folds, pages)?.swap_remove(0),
        (None, Some(moment)) => {
            by_moment(samples, moment.ns, pages).with_context(|| format!("--split-time {}", moment.text))?
        }
        (None, None) => stratified(samples, folds, pages, context.setting())?.swap_remove(0),
    };
    let (train, test) = (set.select(&split.train), set.select(&split.test));
    let overlap = Overlap::between_sets(&train, &test);
    if overlap.learned_from() > 0 {
        let twins = "test traces have a twin among the training traces";
        context.printer.warn(&format!("{} {twins}: wfkit evaluate will refuse to score them", overlap.learned_from()));
    }
    make_folder(out)?;
    context.write_traces(&out.join("train.parquet"), &train)?;
    context.write_traces(&out.join("test.parquet"), &test)?;
    let mut report = describe("dataset split", paths, &traces, context)?;
    count(&mut report.counts, "traces to train on", train.len());
    count(&mut report.counts, "traces to test on", test.len());
    count(&mut report.counts, "traces in neither part", set.len() - train.len() - test.len());
    count(&mut report.counts, "test traces with a twin to train on", overlap.learned_from());
    report.privacy.extras.set("overlap", overlap);
    for (part, name) in [(&train, "train.parquet"), (&test, "test.parquet")] {
        let mut of_part = report.clone();
        count_set(&mut of_part.counts, part);
        context.describe(&out.join(name), &of_part)?;
    }
    context.finish_and_print(report, Some(&out.join("split")))
}

/// Folds in which every trace is tested once, as one table.
fn write_folds_of(
    paths: &[PathBuf],
    folds: usize,
    how: &cli::HowToSplit,
    out: &Path,
    context: &Context<'_>,
) -> Result<()> {
    let traces = read_traces(paths, context)?;
    let samples = Samples::Traces(&traces.set);
    let pages = Pages::shared(how.shared_pages);
    let apart = pages == Pages::Apart;
    let groups = match how.split_by {
        Some(cli::SplitBy::Session) => cli::FoldGroups::Session,
        None => how.groups.unwrap_or(cli::FoldGroups::Origin),
    };
    let (splits, together) = match groups {
        cli::FoldGroups::Origin => {
            let together = Together { origins: true, pages: apart, sessions: false };
            (stratified(samples, folds, pages, context.setting())?, together)
        }
        cli::FoldGroups::Session => {
            let together = Together { origins: true, pages: apart, sessions: true };
            (by_session(samples, folds, pages)?, together)
        }
        cli::FoldGroups::Nothing => {
            let together = Together { origins: false, pages: false, sessions: false };
            (stratified_in(samples, &Groups::of_rows(samples.len()), folds, context.setting())?, together)
        }
    };
    let mut fold_of = vec![0; traces.set.len()];
    for (fold, split) in splits.iter().enumerate() {
        split.test.iter().for_each(|&row| fold_of[row] = fold + 1);
    }
    let untested = fold_of.iter().filter(|&&fold| fold == 0).count();
    ensure!(
        untested == 0,
        "{untested} traces show a page of the background that other sessions have too, so that no fold can test them without parting a \
         session or a page; --shared-pages lets folds share pages"
    );
    let keys: Vec<_> = traces.set.traces().iter().map(|labelled| labelled.key.clone()).collect();
    write_folds(out, &keys, &fold_of, together)?;
    let mut report = describe("dataset split", paths, &traces, context)?;
    count(&mut report.counts, "folds", splits.len());
    report.privacy.extras.set("together", together.to_string());
    let sizes: Vec<usize> = splits.iter().map(|split| split.test.len()).collect();
    report.privacy.extras.set("traces_of_folds", sizes);
    context.finish_and_print(report, Some(out))
}
