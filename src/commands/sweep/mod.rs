//! `wfkit sweep`: many defences against many attacks, what they cost and what is still found, and which of them nothing beats.

mod plan;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail, ensure};
use serde_json::Value;
use wfkit_datasets::{Shard, digests};
use wfkit_evaluate::published::Choice;
use wfkit_evaluate::{KeptPoints, Shards, Sweep, SweepPlan, read_plan};
use wfkit_metrics::StageReport;
use wfkit_report::text;
use wfkit_terminal::command_line::words_of;

use crate::asked::Asked;
use crate::cli;
use crate::context::{Context, write};

/// What is kept of finished measurements, in the folder of a sweep.
const POINTS: &str = "points";

/// The report of a share, in its folder.
pub(super) const SHARE: &str = "shard.json";

/// Lines of a plan file in the report of a share, since the file need not be there when shares are joined.
const DEFENCES: &str = "planned";

pub(crate) fn run(options: &cli::Sweep, context: &Context<'_>) -> Result<()> {
    let kept = KeptPoints::open(options.out.join(POINTS), options.fresh);
    match options.shard {
        Some(shard) => run_share(options, shard, &kept, context),
        None => publish(options, &measure(options, &kept, context)?, context),
    }
}

/// Measures the share, and writes what has to be known to join it with the others.
fn run_share(options: &cli::Sweep, shard: Shard, kept: &KeptPoints, context: &Context<'_>) -> Result<()> {
    let (plan, dropped) = plan::read(options, context)?;
    let share = shard.rows(plan.measurements());
    ensure!(!share.is_empty(), "shard {shard} has none of the {} measurements: make fewer shards", plan.measurements());
    let mut findings = plan.run_share(share, kept, context.setting())?;
    findings.dropped = dropped;
    let planned = options.plan.as_deref().map(read_plan).transpose()?.unwrap_or_default();
    let planned: Vec<String> = planned.into_iter().map(|(_, pattern)| pattern).collect();
    findings.utility.extras.set("shard", shard.to_string()).set(DEFENCES, planned);
    let problems = findings.problems.clone();
    let mut report = context.report("sweep", digests(&options.traces)?, findings);
    context.finish(&mut report, None)?;
    let path = options.out.join(SHARE);
    write(&path, report.to_json())?;
    context.printer.report(&report, Some(&path))?;
    match problems.first() {
        Some(first) => bail!("{} defences could not be measured: {first}", problems.len()),
        None => Ok(()),
    }
}

/// Joins the folders of all shares to that of one run.
pub(super) fn join(shards: &Shards, out: &Path, context: &Context<'_>) -> Result<()> {
    let report = shards.report();
    let options = options_of(report, &shards.inputs()?, out)?;
    // What comes out is that of one run with these options.
    let as_one = Context::new(report.seed, report.options.clone(), context.program, context.printer);
    let kept = KeptPoints::of_others(shards.paths().iter().map(|folder| folder.join(POINTS)).collect());
    let measured = measure(&options, &kept, &as_one)?;
    kept.gather(&out.join(POINTS))?;
    publish(&options, &measured, &as_one)
}

/// The options of the sweep that the report of a share tells of.
fn options_of(report: &StageReport, traces: &[PathBuf], out: &Path) -> Result<cli::Sweep> {
    let mut words: Vec<OsString> = ["wfkit", "sweep"].map(OsString::from).into();
    words.extend(words_of(&report.options));
    let planned = report.utility.extras.get(DEFENCES).and_then(Value::as_array).into_iter().flatten();
    words.extend(planned.filter_map(Value::as_str).map(|line| format!("--defence={line}").into()));
    words.extend(["--out".into(), out.into(), "--".into()]);
    words.extend(traces.iter().map(OsString::from));
    match Asked::of(&words)?.cli.command {
        cli::Command::Sweep(options) => Ok(options),
        _ => bail!("the report of the first shard is not that of a sweep"),
    }
}

/// A sweep that was measured, and how many traces its reading left out, by reason.
type Measured = (SweepPlan, Sweep, BTreeMap<String, u64>);

/// Measures what is not kept.
fn measure(options: &cli::Sweep, kept: &KeptPoints, context: &Context<'_>) -> Result<Measured> {
    let (plan, dropped) = plan::read(options, context)?;
    let sweep = plan.run(kept, context.setting())?.whole()?;
    Ok((plan, sweep, dropped))
}

/// Writes and tells what was measured.
fn publish(options: &cli::Sweep, (plan, sweep, dropped): &Measured, context: &Context<'_>) -> Result<()> {
    let (published, out) = (Choice::of(&options.published).shown(), &options.out);
    let findings = sweep.findings(plan, &context.watcher);
    let mut report = context.report("sweep", digests(&options.traces)?, findings);
    report.dropped.clone_from(dropped);
    context.finish(&mut report, None)?;
    for (name, content) in text::sweep_files((plan, sweep), &report, &published) {
        write(&out.join(name), content)?;
    }
    context.printer.shown(&report, || {
        let mut shown = text::sweep(sweep);
        shown.line(format!("{}/ has report.md, sweep.svg, sweep.csv and sweep.json", out.display()));
        shown
    })?;
    match sweep.problems.first() {
        Some(first) => {
            bail!("{} of {} defences could not be measured: {first}", sweep.problems.len(), plan.defences.len())
        }
        None => Ok(()),
    }
}
