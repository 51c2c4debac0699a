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
use crate::context::{Context, count_set, digests};
use crate::input::read_traces;
use crate::printer::percent;

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
    if context.printer.is_json() {
        return context.printer.document(&report);
    }
    print(&set, what, (&costs, options.draws), context)
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

fn print(set: &TraceSet, what: &str, (costs, draws): (&[HourlyCost], u16), context: &Context<'_>) -> Result<()> {
    let seconds = set.traces().iter().map(|t| t.trace.duration_ns()).sum::<u64>() as f64 / 1e9;
    let bytes: u64 = set.traces().iter().map(|t| t.trace.in_bytes() + t.trace.out_bytes()).sum();
    let (n, s) = (set.len(), if set.len() == 1 { "" } else { "s" });
    context.printer.line(&format!(
        "{n} trace{s}, {seconds:.1} s and {:.2} MB together ({what}), cost with:",
        bytes as f64 / 1e6
    ))?;
    let whole = |value: f64| format!("{value:.0}");
    let tenths = |value: f64| format!("{value:.1}");
    let row = |cost: &HourlyCost| {
        let delays = [cost.delay_ms_median, cost.delay_ms_95, cost.delay_ms_longest];
        [
            cost.defence.clone(),
            cost.megabytes_an_hour.map_or_else(|| "-".to_owned(), |megabytes| megabytes.told(whole)),
            cost.bandwidth_overhead.told(percent),
            delays.map(|delay| whole(delay.median)).join(" / "),
            format!("{} s", cost.ends_later_s.told(tenths)),
            cost.peak_mbit_s.told(tenths),
            cost.only_padding_share.told(percent),
        ]
    };
    let rows: Vec<_> = costs.iter().map(row).collect();
    context.printer.table(
        [
            "defence",
            "MB an hour",
            "more bytes",
            "ms of delay: median / 95 % / longest",
            "ends later",
            "peak Mbit/s",
            "seconds of padding alone",
        ],
        &rows,
    )?;
    context.printer.line(&format!(
        "Medians of {draws} draws where a defence leaves something to chance; in brackets the lowest and highest of them, for this very traffic. An hour is an \
         hour of what you do now: loads that take longer under a defence count as if they took no longer. Delays are of the simulation; a deployed defence waits \
         longer. What a defence hides: wfkit sweep."
    ))
}
