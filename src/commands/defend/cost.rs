//! `wfkit defend cost`: what a defence would cost whoever made these captures, in megabytes an hour and milliseconds.

use std::path::PathBuf;

use anyhow::Result;
use wfkit_capture::{FlowScope, LabelSource, has_captures};
use wfkit_datasets::TraceSet;
use wfkit_defend::DefenseSpec;
use wfkit_evaluate::HourlyCost;
use wfkit_metrics::{PrivacyReport, Utility};

use crate::cli;
use crate::commands::capture::import_captures;
use crate::context::{Context, count_set};
use crate::input::read_traces;
use wfkit_datasets::digests;
use wfkit_report::text::hourly_costs;

pub(super) fn run(options: &cli::DefendCost, context: &Context<'_>) -> Result<()> {
    let specs: Vec<&DefenseSpec> = options.defences.iter().flat_map(|cli::Defenses(defences)| defences).collect();
    let (set, what) = read(&options.paths, &options.import, context)?;
    let mut costs = vec![HourlyCost::of_nothing(&set)];
    for spec in specs {
        costs.push(HourlyCost::of_draws(&set, spec, options.draws, options.limit, context.setting())?);
    }
    let reason = "what a defence hides is measured against traces of others: wfkit sweep";
    let privacy = PrivacyReport::unmeasured("none", reason);
    let mut report = context.stage("defend cost", digests(&options.paths)?, Utility::of(&set.volumes()), privacy);
    count_set(&mut report.counts, &set);
    report.utility.extras.set("traffic", what).set("reason", "null where the traffic lasts no time");
    report.utility.extras.set("costs", &costs);
    context.finish(&mut report, None)?;
    context.printer.shown(&report, || hourly_costs(&set, what, (&costs, options.draws)))
}

/// Captures, whatever their names; or traces. Also which traffic that is.
fn read(paths: &[PathBuf], import: &cli::Import, context: &Context<'_>) -> Result<(TraceSet, &'static str)> {
    if !paths.iter().all(|path| has_captures(path)) {
        return Ok((read_traces(paths, context)?.set, "the traces"));
    }
    let mut import = import.clone();
    if import.label.is_none() && import.labels.is_none() {
        import.label = Some(LabelSource::Pattern("^(?<class>.*)$".parse()?));
    }
    let what = match import.flows {
        FlowScope::Main => {
            "of each capture what the client exchanges with its main peer (--flows all counts all peers)"
        }
        FlowScope::All => "of each capture everything of the client's",
    };
    Ok((import_captures(paths, &import, context)?.set, what))
}
