//! `wfkit capture`: packet captures to traces.

use std::path::PathBuf;

use anyhow::Result;
use wfkit_capture::{FileStats, Import, ImportError, ImportOptions, ImportStats, LabelSource, Selection, import};
use wfkit_datasets::{TraceFormat, write_traces};
use wfkit_metrics::{PrivacyReport, StageReport, Summary, Utility, VolumeSummary};

use super::{capture_audit, capture_info};
use crate::cli;
use crate::commands::record;
use crate::context::{Context, count, count_set, digests};
use crate::input::list;
use wfkit_evaluate::trivial_privacy;

/// Warnings that are said one by one.
const PROBLEMS_SHOWN: usize = 20;

/// Folds of the trivial attack in the report.
const FOLDS: usize = 5;

pub(crate) fn run(command: &cli::Capture, context: &Context<'_>) -> Result<()> {
    match command {
        cli::Capture::Import(options) => {
            TraceFormat::of_extension(&options.out)?; // A wrong name is told before the work begins.
            let imported = import_captures(&options.paths, &options.import, context)?;
            tell_names(&imported.stats, context);
            write_traces(&options.out, &imported.set)?;
            let privacy = trivial_privacy(&imported.set, FOLDS, context.setting())?;
            context.finish_and_print(report(&options.paths, &imported, privacy, context)?, Some(&options.out))
        }
        cli::Capture::Info { files } => capture_info::run(files, context),
        cli::Capture::Audit { file } => capture_audit::run(file, context),
        cli::Capture::Live(options) => record::live(options, context),
        cli::Capture::Collect(options) => record::collect(options, context),
    }
}

/// Reads captures as the options say, with a progress bar, and says what went wrong on the way.
pub(crate) fn import_captures(paths: &[PathBuf], options: &cli::Import, context: &Context<'_>) -> Result<Import> {
    let options = import_options(options);
    let bar = context.printer.progress("reading", 0);
    let imported = import(paths, &options, &|done, total| {
        bar.set_length(total as u64);
        bar.set_position(done as u64);
    });
    bar.finish_and_clear();
    match imported {
        Err(ImportError::NoTrace { stats }) => {
            // The error tells the first problem.
            if stats.problems.len() > 1 {
                warn_of(&stats, context);
            }
            Err(anyhow::Error::from(ImportError::NoTrace { stats }).context(list(paths)))
        }
        imported => {
            let imported = imported?;
            warn_of(&imported.stats, context);
            Ok(imported)
        }
    }
}

/// The stage report of an import.
pub(crate) fn report(
    paths: &[PathBuf],
    imported: &Import,
    privacy: PrivacyReport,
    context: &Context<'_>,
) -> Result<StageReport> {
    let Import { set, stats } = imported;
    let volumes = set.volumes();
    let mut report = context.stage("capture", digests(paths)?, Utility::of(&volumes), privacy);
    count_set(&mut report.counts, set);
    count(&mut report.counts, "files", stats.files as usize);
    count(&mut report.counts, "other files", stats.other_files as usize);
    count(&mut report.counts, "packets read", stats.packets as usize);
    let warnings = stats.warnings.iter().map(|(kind, n)| (format!("warning: {kind}"), *n));
    let rules = stats.client_rules.iter().map(|(rule, n)| (format!("client by {rule}"), *n));
    let labels = stats.labels.iter().map(|(source, n)| (format!("label by {source}"), *n));
    let streams = stats.streams.iter().map(|(kind, n)| (format!("stream: {kind}"), *n));
    report.counts.extend(warnings.chain(streams).chain(rules).chain(labels));
    let packets = stats.dropped.iter().map(|(reason, n)| (format!("packets: {reason}"), *n));
    let traces = stats.dropped_traces.iter().map(|(reason, n)| (format!("traces: {reason}"), *n));
    report.dropped.extend(packets.chain(traces));
    report.utility.extras.set("volumes", VolumeSummary::of(&volumes));
    let packets = set.traces().iter().map(|labelled| labelled.trace.len() as f64);
    report.utility.extras.set("packets", Summary::of(packets));
    report.problems.extend(stats.problems.iter().cloned());
    Ok(report)
}

fn import_options(options: &cli::Import) -> ImportOptions {
    let labels = match (&options.label, &options.labels) {
        (Some(label), _) => label.clone(),
        (None, Some(manifest)) => LabelSource::Manifest(manifest.clone()),
        (None, None) => LabelSource::Auto,
    };
    ImportOptions {
        layer: options.layer,
        reassembly: options.reassembly,
        client: options.client,
        flows: options.flows,
        peer: options.peer,
        inner: options.inner,
        labels,
        select: Selection {
            trim_ns: options.trim.map(|seconds| (seconds * 1e9) as u64),
            min_packets: options.min_packets,
            outliers: options.outliers,
        },
        packet_columns: options.packet_columns.clone(),
    }
}

/// Says how names became classes, and what makes that doubtful.
pub(crate) fn tell_names(stats: &ImportStats, context: &Context<'_>) {
    for name in &stats.names_read {
        context.printer.note(name);
    }
    let files: u64 = stats.labels.values().sum();
    let more = files - (stats.names_read.len() as u64).min(files);
    if more > 0 && !stats.names_read.is_empty() {
        context.printer.note(&format!("and {more} more; where this is not what is meant: --label or --labels"));
    }
    if let Some(doubt) = &stats.label_doubt {
        context.warn_of_input(doubt);
    }
}

/// Says what is wrong with files, and what deserves a look.
fn warn_of(stats: &ImportStats, context: &Context<'_>) {
    let warning = |file: &FileStats| -> Vec<String> {
        file.warnings.iter().map(|(kind, n)| format!("{}: {n} x {kind}", file.file)).collect()
    };
    let all: Vec<String> = stats.problems.iter().cloned().chain(stats.by_file.iter().flat_map(warning)).collect();
    for message in all.iter().take(PROBLEMS_SHOWN) {
        context.printer.warn(message);
    }
    if let Some(more) = all.len().checked_sub(PROBLEMS_SHOWN).filter(|&more| more > 0) {
        context.printer.warn(&format!("and {more} more; the report counts them"));
    }
}
