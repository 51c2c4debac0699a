//! `wfkit sweep`: many defences against many attacks, what they cost and what is still found, and which of them nothing beats.

mod plan;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use wfkit_evaluate::{KeptPoints, LACKING, Sweep, SweepPlan};
use wfkit_metrics::{PrivacyReport, StageReport, Utility};

use crate::asked::Asked;
use crate::cli;
use crate::context::{Context, count, count_set, make_folder, write};
use wfkit_datasets::Shard;
use wfkit_datasets::{digests, files_below};
use wfkit_evaluate::published::Choice;
use wfkit_report::text;

pub(crate) fn run(options: &cli::Sweep, context: &Context<'_>) -> Result<()> {
    let kept = KeptPoints::open(options.out.join(POINTS), options.fresh);
    match options.shard {
        Some(shard) => run_share(options, shard, &kept, context),
        None => publish(options, measure(options, &kept, context)?, context),
    }
}

/// What is kept of finished measurements, in the folder of a sweep.
const POINTS: &str = "points";

/// The report of a share, in its folder.
pub(super) const SHARE: &str = "shard.json";

/// Lines of a plan file in the report of a share, since the file need not be there when shares are joined.
const DEFENCES: &str = "planned";

/// Measures the share, and writes what has to be known to join it with the others.
fn run_share(options: &cli::Sweep, shard: Shard, kept: &KeptPoints, context: &Context<'_>) -> Result<()> {
    let (plan, dropped) = plan::read(options, context)?;
    let share = shard.rows(plan.measurements());
    ensure!(!share.is_empty(), "shard {shard} has none of the {} measurements: make fewer shards", plan.measurements());
    let problems = plan.run_share(share.clone(), kept, context.setting())?;
    let privacy = PrivacyReport::unmeasured("none", "a share of a sweep: wfkit dataset merge joins all of them");
    let utility = Utility::of(&plan.set.volumes());
    let mut report = context.stage("sweep", digests(&options.traces)?, utility, privacy);
    count_set(&mut report.counts, &plan.set);
    count(&mut report.counts, "defences", share.len() - usize::from(share.start == 0));
    report.dropped = dropped;
    report.problems.extend(problems.iter().cloned());
    let planned = plan::lines(options)?;
    report.utility.extras.set("shard", shard.to_string()).set(DEFENCES, planned);
    context.finish(&mut report, None)?;
    let path = options.out.join(SHARE);
    write(&path, report.to_json())?;
    context.printer.report(&report, Some(&path))?;
    match problems.first() {
        Some(first) => bail!("{} defences could not be measured: {first}", problems.len()),
        None => Ok(()),
    }
}

/// Joins the folders of all shares, whose reports agree, to that of one run.
pub(super) fn join(folders: &[&Path], report: &StageReport, out: &Path, context: &Context<'_>) -> Result<()> {
    let traces: Vec<PathBuf> = report.inputs.iter().map(|input| PathBuf::from(&input.path)).collect();
    for (then, now) in report.inputs.iter().zip(digests(&traces)?) {
        ensure!(
            then.sha256 == now.sha256,
            "{}: it is not what the shards were measured on: SHA-256 {}, then {}",
            now.path,
            now.sha256,
            then.sha256
        );
    }
    let options = options_of(report, &traces, out)?;
    // What comes out is that of one run with these options.
    let as_one = Context::new(report.seed, report.options.clone(), context.program, context.printer);
    let kept: Vec<PathBuf> = folders.iter().map(|folder| folder.join(POINTS)).collect();
    let measured = measure(&options, &KeptPoints::of_others(kept.clone()), &as_one)?;
    let points = out.join(POINTS);
    make_folder(&points)?;
    for point in kept.iter().flat_map(|folder| files_below(folder)) {
        let content = std::fs::read(&point).with_context(|| format!("{}: cannot read", point.display()))?;
        write(&points.join(point.file_name().context("a file has a name")?), content)?;
    }
    publish(&options, measured, &as_one)
}

/// The options of the sweep that the report of a share tells of.
fn options_of(report: &StageReport, traces: &[PathBuf], out: &Path) -> Result<cli::Sweep> {
    let mut words: Vec<OsString> = ["wfkit", "sweep"].map(OsString::from).into();
    let mut add = |option: &str, value: &Value| {
        words.push(match value {
            Value::Bool(_) => format!("--{option}").into(),
            Value::String(text) => format!("--{option}={text}").into(),
            other => format!("--{option}={other}").into(),
        });
    };
    for (option, value) in &report.options {
        match value {
            Value::Array(values) => values.iter().for_each(|value| add(option, value)),
            value => add(option, value),
        }
    }
    let planned = report.utility.extras.get(DEFENCES).and_then(Value::as_array).into_iter().flatten();
    planned.for_each(|line| add("defence", line));
    words.extend(["--out".into(), out.into(), "--".into()]);
    words.extend(traces.iter().map(OsString::from));
    match Asked::of(&words)?.cli.command {
        cli::Command::Sweep(options) => Ok(options),
        _ => bail!("the report of the first shard is not that of a sweep"),
    }
}

/// A sweep that was measured, and how many traces its reading left out, by reason.
struct Measured {
    plan: SweepPlan,
    sweep: Sweep,
    dropped: BTreeMap<String, u64>,
}

/// Measures what is not kept.
///
/// # Errors
/// Also where it was for others to measure something.
fn measure(options: &cli::Sweep, kept: &KeptPoints, context: &Context<'_>) -> Result<Measured> {
    let (plan, dropped) = plan::read(options, context)?;
    let sweep = plan.run(kept, context.setting())?;
    match sweep.problems.iter().find(|problem| problem.contains(LACKING)) {
        Some(problem) => bail!("{problem}"),
        None => Ok(Measured { plan, sweep, dropped }),
    }
}

/// Writes and tells what was measured.
fn publish(options: &cli::Sweep, Measured { plan, sweep, dropped }: Measured, context: &Context<'_>) -> Result<()> {
    let published = Choice::of(&options.published).shown();
    let report = report(&plan, &sweep, dropped, options, context)?;
    let out = &options.out;
    write(&out.join("sweep.csv"), text::sweep_csv(&sweep.rows))?;
    write(&out.join("sweep.json"), report.to_json())?;
    write(&out.join("report.md"), text::sweep_markdown(&sweep, &report, &plan.trained_and_tested(), &published))?;
    write(&out.join("sweep.svg"), wfkit_report::picture::sweep(&sweep.rows, &plan, &published))?;
    context.printer.shown(&report, || {
        let mut shown = text::sweep(&sweep);
        shown.line(format!("{}/ has report.md, sweep.svg, sweep.csv and sweep.json", out.display()));
        shown
    })?;
    match report.problems.len() {
        0 => Ok(()),
        failed => bail!("{failed} of {} defences could not be measured: {}", plan.defences.len(), report.problems[0]),
    }
}

/// The stage report: utility and privacy of the undefended traces, and every row.
fn report(
    plan: &SweepPlan,
    sweep: &Sweep,
    dropped: BTreeMap<String, u64>,
    options: &cli::Sweep,
    context: &Context<'_>,
) -> Result<StageReport> {
    let none = &sweep.rows[0];
    let strongest = &none.strongest;
    let privacy = PrivacyReport {
        roc_auc_macro_ovr: Some(strongest.roc_auc.mean()),
        accuracy: Some(strongest.accuracy.mean()),
        ..PrivacyReport::unmeasured(&strongest.attack, "null where a direction or a utility score does not exist")
    };
    let utility = Utility::of(&plan.set.volumes());
    let mut report = context.stage("sweep", digests(&options.traces)?, utility, privacy);
    count_set(&mut report.counts, &plan.set);
    count(&mut report.counts, "defences", plan.defences.len());
    count(&mut report.counts, "tested traces that were learned from", strongest.twins);
    if strongest.twins > 0 {
        let message = "undefended tested traces were learned from: the scores are too high";
        context.printer.warn(&format!("{} {message}", strongest.twins));
    }
    report.dropped = dropped;
    report.problems.clone_from(&sweep.problems);
    report.privacy.extras.set("split", plan.trained_and_tested()).set("defences", &sweep.rows);
    if !sweep.differences.is_empty() {
        report.privacy.extras.set("paper_and_code", &sweep.differences);
    }
    context.finish(&mut report, None)?;
    Ok(report)
}
