//! `wfkit capture`: packet captures to traces.

mod audit;
mod collect;
mod info;
mod live;
mod parts;

use anyhow::{Result, ensure};
use wfkit_capture::most_packets;
use wfkit_datasets::{TraceFormat, digests, write_traces};
use wfkit_evaluate::trivial_privacy;
pub(crate) use wfkit_terminal::captures::{import_captures, tell_names};

use crate::cli;
use crate::context::{Context, FOLDS};

pub(crate) fn run(command: &cli::Capture, context: &Context<'_>) -> Result<()> {
    match command {
        cli::Capture::Import(options) => run_import(options, context),
        cli::Capture::Info { files } => info::run(files, context),
        cli::Capture::Audit { file } => audit::run(file, context),
        cli::Capture::Live(options) => live::run(options, context),
        cli::Capture::Collect(options) => collect::run(options, context),
    }
}

fn run_import(options: &cli::CaptureImport, context: &Context<'_>) -> Result<()> {
    let (paths, out) = (&options.paths, &options.out);
    let is_parquet = TraceFormat::of_extension(out)? == TraceFormat::Parquet; // A wrong name is told before the work begins.
    if let Some(shard) = options.shard {
        ensure!(is_parquet, "{}: shard {shard} is written as .parquet, which alone is joined", out.display());
    }
    if options.shard.is_some() || most_packets(paths) > options.at_once {
        return parts::import(options, context);
    }
    let imported = import_captures(paths, &options.import, context)?;
    tell_names(&imported.stats, context);
    write_traces(out, &imported.set)?;
    let privacy = trivial_privacy(&imported.set, FOLDS, context.setting())?;
    context.finish_and_print(context.report("capture", digests(paths)?, imported.findings(privacy)), Some(out))
}
