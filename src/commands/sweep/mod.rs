//! `wfkit sweep`: many defences against many attacks, what they cost and what is still found, and which of them nothing beats.

mod kept;
mod picture;
mod plan;
mod text;
mod variants;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Result, bail};
use wfkit_evaluate::{ScoreOfDraws, Sweep, SweepPlan};
use wfkit_metrics::{PrivacyReport, StageReport, Utility};

use self::kept::Kept;
use crate::cli;
use crate::context::{Context, count, count_set, digests, write};
use crate::published::{Choice, Published};

pub(crate) fn run(options: &cli::Sweep, context: &Context<'_>) -> Result<()> {
    let published = Choice::of(&options.published).shown()?;
    let (plan, dropped) = plan::read(options, context)?;
    let kept = Kept::open(options.out.join("points"), options.fresh)?;
    let sweep = plan.run(&kept, context.setting())?;
    let report = report(&plan, &sweep, dropped, options, context)?;
    write_all(&options.out, &plan, &sweep, &report, &published)?;
    if context.printer.is_json() {
        context.printer.document(&report)?;
    } else {
        text::print(&sweep.rows, context.printer)?;
        variants::print(&sweep.differences, context.printer)?;
        let out = options.out.display();
        context.printer.line(&format!("{out}/ has report.md, sweep.svg, sweep.csv and sweep.json"))?;
    }
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

fn write_all(
    out: &Path,
    plan: &SweepPlan,
    Sweep { rows, differences, .. }: &Sweep,
    report: &StageReport,
    published: &[(Published, bool)],
) -> Result<()> {
    write(&out.join("sweep.csv"), text::csv(rows))?;
    write(&out.join("sweep.json"), report.to_json())?;
    write(
        &out.join("report.md"),
        text::markdown(rows, report, &plan.trained_and_tested(), published) + &variants::markdown(differences),
    )?;
    write(&out.join("sweep.svg"), picture::of(rows, plan, published))
}

/// Both ends of its interval; itself twice where it has none.
fn ends(score: &ScoreOfDraws) -> [f64; 2] {
    score.interval_95.map_or([score.mean(); 2], |interval| [interval.low, interval.high])
}
