//! `wfkit sweep`: many defences against many attacks, what they cost and what is still found, and which of them nothing beats.

mod cost;
mod defended;
mod kept;
mod picture;
mod plan;
mod point;
mod published;
mod summary;
mod text;
mod variants;

use std::path::Path;

use anyhow::{Result, bail};
use wfkit_defend::DefenseSpec;
use wfkit_metrics::{PrivacyReport, StageReport, Utility};

use self::kept::Kept;
use self::plan::Plan;
use self::point::Draw;
use self::published::Choice;
pub(crate) use self::published::data_set;
use self::summary::{Row, Score};
use self::variants::Difference;
use crate::cli;
use crate::context::{Context, count, count_set, digests, write};
use crate::printer::said_once;
use wfkit_evaluate::attack;

pub(crate) fn run(options: &cli::Sweep, context: &Context<'_>) -> Result<()> {
    let published = Choice::of(&options.published).shown()?;
    let plan = Plan::read(options, context)?;
    let kept = Kept::open(options.out.join("points"), options.fresh)?;
    let (measured, problems) = measure_all(&plan, &kept, context)?;
    let rows = summary::rows(&measured, plan.attacks.len());
    let differences = variants::differences(&plan.pairs, &measured);
    let report = report(&plan, &rows, &differences, problems, options, context)?;
    write_all(&options.out, &plan, &rows, &differences, &report, &published)?;
    if context.printer.is_json() {
        context.printer.document(&report)?;
    } else {
        text::print(&rows, context.printer)?;
        variants::print(&differences, context.printer)?;
        let out = options.out.display();
        context.printer.line(&format!("{out}/ has report.md, sweep.svg, sweep.csv and sweep.json"))?;
    }
    match report.problems.len() {
        0 => Ok(()),
        failed => bail!("{failed} of {} defences could not be measured: {}", plan.defences.len(), report.problems[0]),
    }
}

/// Number, defence and draws of each defence, no defence first; and of those that fail, why.
type Points = Vec<(usize, String, Vec<Draw>)>;

fn measure_all(plan: &Plan, kept: &Kept, context: &Context<'_>) -> Result<(Points, Vec<String>)> {
    let looks = plan.looks().len() as u64;
    let draws = 1 + plan.defences.len() as u64 * u64::from(plan.draws);
    let bar = context.printer.progress("sweep", looks * draws);
    let mut problems = Vec::new();
    let mut measured = Vec::new();
    for (number, spec) in std::iter::once(None).chain(plan.defences.iter().map(Some)).enumerate() {
        let name = spec.map_or_else(|| "none".to_owned(), DefenseSpec::to_string);
        bar.set_message(name.chars().take(12).collect::<String>());
        match plan.measure(spec, context.seed, kept, &|| bar.inc(1)) {
            Ok(draws) => measured.push((number, name, draws)),
            // Without the row of no defence there is nothing to compare with.
            Err(error) if spec.is_none() => return Err(error),
            Err(error) => {
                let problem = format!("{name}: {}", said_once(&error));
                bar.suspend(|| context.printer.warn(&problem));
                problems.push(problem);
            }
        }
        let draws = if number == 0 { number as u64 + 1 } else { 1 + number as u64 * u64::from(plan.draws) };
        bar.set_position(looks * draws);
    }
    bar.finish_and_clear();
    Ok((measured, problems))
}

/// The stage report: utility and privacy of the undefended traces, and every row.
fn report(
    plan: &Plan,
    rows: &[Row],
    differences: &[Difference],
    problems: Vec<String>,
    options: &cli::Sweep,
    context: &Context<'_>,
) -> Result<StageReport> {
    let none = &rows[0];
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
    report.dropped.clone_from(&plan.dropped);
    report.problems = problems;
    report.privacy.extras.set("split", plan.trained_and_tested()).set("defences", rows);
    if !differences.is_empty() {
        report.privacy.extras.set("paper_and_code", differences);
    }
    context.finish(&mut report, None)?;
    Ok(report)
}

fn write_all(
    out: &Path,
    plan: &Plan,
    rows: &[Row],
    differences: &[Difference],
    report: &StageReport,
    published: &[(published::Published, bool)],
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
fn ends(score: &Score) -> [f64; 2] {
    score.interval_95.map_or([score.mean(); 2], |interval| [interval.low, interval.high])
}

/// The attack that is meant by a name between commas, in which `+` joins feature sets.
pub(crate) fn attack_name(text: &str) -> Result<String> {
    Ok(attack(&text.replace('+', ","))?.name().to_owned())
}
