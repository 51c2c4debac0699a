//! `wfkit capture`: packet captures to traces.

use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use sha2::{Digest as _, Sha256};
use wfkit_capture::{Import, ImportError, ImportOptions, ImportParts, ImportStats, LabelSource, Selection, import};
use wfkit_datasets::{TraceFormat, write_traces, write_traces_in_parts};
use wfkit_metrics::{Input, PrivacyReport, StageReport, Summary, Utility, Volume, VolumeSummary};

use super::{capture_audit, capture_info};
use crate::cli;
use crate::commands::record;
use crate::context::{Context, count, count_set};
use crate::input::list;
use wfkit_datasets::{digests, files_below, hex};
use wfkit_evaluate::PartsSeen;

/// Warnings that are said one by one.
const PROBLEMS_SHOWN: usize = 20;

pub(crate) fn run(command: &cli::Capture, context: &Context<'_>) -> Result<()> {
    match command {
        cli::Capture::Import(options) => run_import(options, context),
        cli::Capture::Info { files } => capture_info::run(files, context),
        cli::Capture::Audit { file } => capture_audit::run(file, context),
        cli::Capture::Live(options) => record::live(options, context),
        cli::Capture::Collect(options) => record::collect(options, context),
    }
}

fn run_import(options: &cli::CaptureImport, context: &Context<'_>) -> Result<()> {
    TraceFormat::of_extension(&options.out)?; // A wrong name is told before the work begins.
    if let Some(shard) = options.shard {
        let is_parquet = TraceFormat::of_extension(&options.out)? == TraceFormat::Parquet;
        ensure!(is_parquet, "{}: shard {shard} is written as .parquet, which alone is joined", options.out.display());
    }
    if options.shard.is_some() || most_packets(&options.paths) > options.at_once {
        return import_in_parts(options, context);
    }
    let imported = import_captures(&options.paths, &options.import, context)?;
    tell_names(&imported.stats, context);
    write_traces(&options.out, &imported.set)?;
    let privacy = context.trivial(&imported.set)?;
    context.finish_and_print(report(&options.paths, &imported, privacy, context)?, Some(&options.out))
}

/// How many packets captures have at most, by their bytes: the head of a packet takes 16. Of a stream, which is read once, it is not known.
fn most_packets(paths: &[PathBuf]) -> u64 {
    let bytes = |file: &Path| file.metadata().map_or(0, |metadata| metadata.len());
    let all = paths.iter().map(|path| match path.is_dir() {
        true => files_below(path).iter().map(|file| bytes(file)).sum(),
        false if path.is_file() => bytes(path),
        false => 0,
    });
    let is_stream = paths.iter().any(|path| !path.is_dir() && !path.is_file());
    if is_stream { 0 } else { all.sum::<u64>() / 16 }
}

/// The same with few traces held at a time, of all captures or a share.
fn import_in_parts(options: &cli::CaptureImport, context: &Context<'_>) -> Result<()> {
    let how = import_options(&options.import);
    let rows = options.shard.map(|shard| move |captures| shard.rows(captures));
    let share = rows.as_ref().map(|rows| rows as &dyn Fn(usize) -> Range<usize>);
    let opened = with_bar(context, |on_file| ImportParts::open(&options.paths, &how, share, on_file));
    let mut parts = told(opened, &options.paths, context)?;
    let stats = parts.stats().clone();
    warn_of(&stats, context);
    tell_names(&stats, context);
    let provenance = parts.provenance().clone();
    let mut kept = PartsSeen::of(&parts.labels(), context.setting());
    let bar = context.printer.progress("importing", parts.len() as u64);
    write_traces_in_parts(&options.out, &provenance, |add| {
        for part in &mut parts {
            let part = part?;
            part.traces().iter().try_for_each(&mut *add)?;
            kept.see(&part);
            bar.inc(part.len() as u64);
        }
        anyhow::Ok(())
    })?;
    bar.finish_and_clear();
    // Who imports a share need not read all captures to say which they are.
    let inputs = match options.shard {
        None => digests(&options.paths)?,
        Some(_) => vec![Input {
            path: format!("{}: bytes, labels and names of all captures", list(&options.paths)),
            sha256: hex(&Sha256::digest(parts.listing())),
        }],
    };
    let privacy = context.trivial_of_parts(&mut kept, &provenance)?;
    let mut report = report_of(&stats, (&kept.volumes, &kept.lengths), inputs, privacy, context);
    count(&mut report.counts, "traces", kept.volumes.len());
    count(&mut report.counts, "classes", kept.classes);
    count(&mut report.counts, "packets", kept.packets);
    if let Some(shard) = options.shard {
        report.utility.extras.set("shard", shard.to_string());
        report.utility.extras.set("captures", digests(parts.captures())?);
    }
    context.finish_and_print(report, Some(&options.out))
}

/// Reads captures as the options say, with a progress bar, and says what went wrong on the way.
pub(crate) fn import_captures(paths: &[PathBuf], options: &cli::Import, context: &Context<'_>) -> Result<Import> {
    let options = import_options(options);
    let imported = told(with_bar(context, |on_file| import(paths, &options, on_file)), paths, context)?;
    warn_of(&imported.stats, context);
    Ok(imported)
}

/// Shows how many of the captures have been read.
pub(super) fn with_bar<T>(context: &Context<'_>, import: impl FnOnce(&(dyn Fn(usize, usize) + Sync)) -> T) -> T {
    let bar = context.printer.progress("reading", 0);
    let done = import(&|done, total| {
        bar.set_length(total as u64);
        bar.set_position(done as u64);
    });
    bar.finish_and_clear();
    done
}

/// What came of an import; where that is nothing, all that went wrong is said.
fn told<T>(imported: Result<T, ImportError>, paths: &[PathBuf], context: &Context<'_>) -> Result<T> {
    match imported {
        Err(ImportError::NoTrace { stats }) => {
            // The error tells the first problem.
            if stats.problems.len() > 1 {
                warn_of(&stats, context);
            }
            Err(anyhow::Error::from(ImportError::NoTrace { stats }).context(list(paths)))
        }
        imported => Ok(imported?),
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
    let lengths: Vec<usize> = set.traces().iter().map(|labelled| labelled.trace.len()).collect();
    let mut report = report_of(stats, (&set.volumes(), &lengths), digests(paths)?, privacy, context);
    count_set(&mut report.counts, set);
    Ok(report)
}

/// The same of traces that cost so much and have so many packets; how many there are is still to be told.
fn report_of(
    stats: &ImportStats,
    (volumes, lengths): (&[Volume], &[usize]),
    inputs: Vec<Input>,
    privacy: PrivacyReport,
    context: &Context<'_>,
) -> StageReport {
    let mut report = context.stage("capture", inputs, Utility::of(volumes), privacy);
    stats.describe(&mut report);
    report.utility.extras.set("volumes", VolumeSummary::of(volumes));
    let packets = lengths.iter().map(|&packets| packets as f64);
    report.utility.extras.set("packets", Summary::of(packets));
    report
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
    let all = stats.everything_odd();
    for message in all.iter().take(PROBLEMS_SHOWN) {
        context.printer.warn(message);
    }
    if let Some(more) = all.len().checked_sub(PROBLEMS_SHOWN).filter(|&more| more > 0) {
        context.printer.warn(&format!("and {more} more; the report counts them"));
    }
}
