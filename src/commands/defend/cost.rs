//! `wfkit defend cost`: what a defence would cost whoever made these captures, in megabytes an hour and milliseconds.

use std::path::PathBuf;

use anyhow::Result;
use wfkit_capture::{FlowScope, ImportOptions, LabelSource, has_captures};
use wfkit_datasets::{TraceSet, digests};
use wfkit_defend::DefenseGrid;
use wfkit_evaluate::HourlyCosts;
use wfkit_report::text::hourly_costs;
use wfkit_terminal::captures::ImportArgs;

use crate::cli;
use crate::commands::capture::import_captures;
use crate::context::Context;
use crate::input::read_traces;

pub(super) fn run(options: &cli::DefendCost, context: &Context<'_>) -> Result<()> {
    let specs = options.defences.iter().flat_map(|DefenseGrid(defences)| defences);
    let (set, what) = read(&options.paths, &options.import, context)?;
    let costs = HourlyCosts::of(&set, specs, options.draws, options.limit, context.setting())?;
    let mut report = context.report("defend cost", digests(&options.paths)?, costs.findings(&set, what));
    context.finish(&mut report, None)?;
    context.printer.shown(&report, || hourly_costs(&set, what, (&costs.0, options.draws)))
}

/// Captures, whatever their names; or traces. Also which traffic that is.
fn read(paths: &[PathBuf], import: &ImportArgs, context: &Context<'_>) -> Result<(TraceSet, &'static str)> {
    if !paths.iter().all(|path| has_captures(path)) {
        return Ok((read_traces(paths, context)?.set, "the traces"));
    }
    let mut import = ImportOptions::from(import);
    if matches!(import.labels, LabelSource::Auto) {
        import.labels = LabelSource::Pattern("^(?<class>.*)$".parse()?);
    }
    let what = match import.flows {
        FlowScope::Main => {
            "of each capture what the client exchanges with its main peer (--flows all counts all peers)"
        }
        FlowScope::All => "of each capture everything of the client's",
    };
    Ok((import_captures(paths, import, context)?.set, what))
}
