//! `wfkit dataset`: look at, convert, check and split trace files.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use wfkit_capture::export;
use wfkit_datasets::splits::{Split, by_session, leaks};
use wfkit_datasets::{TraceSetInfo, duplicates, write_traces};
use wfkit_metrics::{PrivacyReport, StageReport, Summary, Utility, VolumeSummary};

use crate::cli;
use crate::context::{Context, count, count_set, digests, make_folder};
use crate::input::{Traces, by_moment, read_traces};
use crate::measure::{stratified, trivial_privacy};

/// Folds of the trivial attack in the report.
const FOLDS: usize = 5;

pub(crate) fn run(command: &cli::Dataset, context: &Context<'_>) -> Result<()> {
    match command {
        cli::Dataset::Info { traces } => info(traces, context),
        cli::Dataset::Convert { traces, out, pcap, renumber, copies } => {
            convert(traces, out.as_deref(), pcap.as_deref(), (*renumber, *copies), context)
        }
        cli::Dataset::Validate { traces } => validate(traces, context),
        cli::Dataset::Split { traces, test_percent, split_by, split_time, out } => {
            split(traces, *test_percent, *split_by, split_time.as_deref(), out, context)
        }
    }
}

fn info(paths: &[PathBuf], context: &Context<'_>) -> Result<()> {
    let traces = read_traces(paths, context)?;
    let privacy = trivial_privacy(&traces.set, FOLDS, context)?;
    context.finish_and_print(describe("dataset info", paths, &traces, privacy, context)?, None)
}

fn convert(
    paths: &[PathBuf],
    out: Option<&Path>,
    pcap: Option<&Path>,
    (renumber, copies): (bool, cli::Copies),
    context: &Context<'_>,
) -> Result<()> {
    let mut traces = choose_copies(read_traces(paths, context)?, copies);
    if renumber {
        let renumbered;
        (traces.set, renumbered) = traces.set.renumbered();
        for class in renumbered {
            context.printer.note(&format!("class {class}: sessions shared repetitions, so they were numbered anew"));
        }
    }
    if let Some(out) = out {
        write_traces(out, &traces.set)?;
    }
    let privacy = trivial_privacy(&traces.set, FOLDS, context)?;
    let mut report = describe("dataset convert", paths, &traces, privacy, context)?;
    if let Some(folder) = pcap {
        let exported = export(&traces.set, folder)?;
        count(&mut report.counts, "captures", exported.files);
        count(&mut report.counts, "entries cut into several packets", exported.cut as usize);
        if exported.cut > 0 {
            let message = "entries are larger than a packet can be, and were cut into several";
            context.printer.warn(&format!("{} {message}", exported.cut));
        }
    }
    context.finish_and_print(report, out)
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
    let privacy = trivial_privacy(&traces.set, FOLDS, context)?;
    let report = describe("dataset validate", paths, &traces, privacy, context)?;
    for twins in duplicates(&traces.set) {
        let keys: Vec<String> = twins.iter().map(|&row| format!("({})", traces.set.traces()[row].key)).collect();
        context.printer.warn(&format!("the same packets in {}", keys.join(", ")));
    }
    for labelled in traces.set.traces() {
        if labelled.trace.in_packets() == 0 {
            context.printer.warn(&format!("({}) has no incoming packet", labelled.key));
        }
        if labelled.trace.out_packets() == 0 {
            context.printer.warn(&format!("({}) has no outgoing packet", labelled.key));
        }
    }
    context.finish_and_print(report, None)
}

fn describe(
    stage: &str,
    paths: &[PathBuf],
    traces: &Traces,
    privacy: PrivacyReport,
    context: &Context<'_>,
) -> Result<StageReport> {
    let info = TraceSetInfo::of(&traces.set);
    let volumes = traces.set.volumes();
    let mut report = context.stage(stage, digests(paths)?, Utility::of(&volumes), privacy);
    count_set(&mut report.counts, &traces.set);
    count(&mut report.counts, "sessions", info.sessions);
    count(&mut report.counts, "traces without session", info.without_session);
    count(&mut report.counts, "traces without start", info.without_start);
    count(&mut report.counts, "traces with a twin of the same packets", info.duplicates);
    count(&mut report.counts, "traces without incoming packet", info.without_incoming);
    count(&mut report.counts, "traces without outgoing packet", info.without_outgoing);
    report.dropped = traces.dropped.clone();
    report.utility.extras.set("layer", info.layer).set("volumes", VolumeSummary::of(&volumes));
    let packets = traces.set.traces().iter().map(|labelled| labelled.trace.len() as f64);
    report.utility.extras.set("packets", Summary::of(packets));
    report.utility.extras.set("traces_per_class", info.traces_per_class);
    Ok(report)
}

fn split(
    paths: &[PathBuf],
    test_percent: u16,
    split_by: Option<cli::SplitBy>,
    split_time: Option<&str>,
    out: &Path,
    context: &Context<'_>,
) -> Result<()> {
    let traces = read_traces(paths, context)?;
    let set = &traces.set;
    // One of so many folds is the test part.
    let folds = (100.0 / f64::from(test_percent)).round().max(2.0) as usize;
    let split: Split = match (split_by, split_time) {
        (Some(cli::SplitBy::Session), _) => {
            let sessions: Vec<Option<&str>> = set.traces().iter().map(|t| t.key.session.as_deref()).collect();
            by_session(&sessions, folds)?.swap_remove(0)
        }
        (None, Some(text)) => {
            let starts: Vec<Option<i64>> = set.traces().iter().map(|t| t.start_ns).collect();
            by_moment(&starts, text)?
        }
        (None, None) => {
            let labels: Vec<&str> = set.traces().iter().map(|t| t.key.class.as_str()).collect();
            stratified(&labels, folds, context)?.swap_remove(0)
        }
    };
    let found = leaks(set, &split);
    if found.by_key > 0 {
        bail!("{} traces would be in both parts", found.by_key);
    }
    if found.by_content > 0 {
        context.printer.warn(&format!("{} test traces have the same packets as a training trace", found.by_content));
    }
    make_folder(out)?;
    let (train, test) = (set.select(&split.train), set.select(&split.test));
    write_traces(&out.join("train.parquet"), &train)?;
    write_traces(&out.join("test.parquet"), &test)?;
    let privacy = trivial_privacy(set, FOLDS, context)?;
    let mut report = describe("dataset split", paths, &traces, privacy, context)?;
    count(&mut report.counts, "traces to train on", train.len());
    count(&mut report.counts, "traces to test on", test.len());
    count(&mut report.counts, "test traces with a twin to train on", found.by_content);
    context.finish_and_print(report, Some(&out.join("split")))
}
